//! Copies in a Landlock sandbox that withholds one right beneath the target: what GNU's cp does there is done, and whatever
//! fails leaves nothing behind. The kernel judges an open file there when it has its name already.

mod common;

use common::{Output, World, asked, left_out};
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr,
};
use std::path::Path;

/// The rights of Linux 6.2: truncating is one, calls of devices are none yet.
const RIGHTS: ABI = ABI::V3;

/// A world with a tree `s`, and old files in `d`.
fn world() -> Option<World> {
    let is_there = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(RIGHTS))
        .and_then(|ruleset| ruleset.create());
    if is_there.is_err() {
        left_out("needs Landlock of Linux 6.2: copies in a sandbox");
        return None;
    }
    let world = World::new();
    world.dir("s/sub").dir("d/dir");
    world.file("s/file", "new").file("s/sub/deep", "deep").symlink("file", "s/link").chmod("s/file", 0o640);
    world.tool("ln", ["s/file", "s/further"]);
    world.file("d/old", "what was there");
    Some(world)
}

/// Runs a command where nothing beneath `d` has these rights, and everything else has all.
fn without(world: &World, withheld: BitFlags<AccessFs>, work: impl FnOnce() -> Output + Send) -> Output {
    let all = AccessFs::from_all(RIGHTS);
    let beneath = |path: &Path, rights| PathBeneath::new(PathFd::new(path).expect("a path"), rights);
    let target = world.path("d");
    // Rights add up on the way down to a name, so that none may be given above the target.
    let others = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/dev", "/proc"].map(Path::new);
    let own = [world.path("s"), asked::program()];
    let others = others.into_iter().map(Path::to_owned).chain(own).filter(|path| path.exists());
    let rules: Vec<_> = others
        .map(|path| {
            let rights = if path.is_dir() { all } else { AccessFs::from_file(RIGHTS) };
            beneath(&path, rights)
        })
        .chain([beneath(&target, all & !withheld)])
        .collect();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            let ruleset = Ruleset::default().handle_access(all).and_then(Ruleset::create).expect("a ruleset");
            let ruleset = rules.into_iter().fold(ruleset, |ruleset, rule| ruleset.add_rule(rule).expect("a rule"));
            ruleset.restrict_self().expect("a sandbox");
            work()
        });
        thread.join().expect("what was done there")
    })
}

/// What GNU's cp copies without a right, safecp copies as well, and leaves as many names.
#[test]
fn what_gnu_cp_copies_without_a_right_is_copied() {
    let rights = [
        ("linking and renaming from elsewhere", AccessFs::Refer.into()),
        ("listing directories", AccessFs::ReadDir.into()),
        ("executing", AccessFs::Execute.into()),
        ("removing", AccessFs::RemoveFile | AccessFs::RemoveDir),
    ];
    for (right, withheld) in rights {
        for words in ["s/file d/new", "s/file d/old", "-a s d/tree", "-a s/file d/old", "-aT s d/dir"] {
            let Some(world) = world() else { return };
            let copied = without(&world, withheld, || world.shell(&format!("$safecp {words}")));
            assert_eq!(copied.code(), Some(0), "without {right}: {words}: {copied}");
            assert_eq!(copied.stderr, "", "without {right}: {words}");
            let ours = world.tool("sh", ["-c", "cd d && find . -printf '%P %y %m %s %l\n' | sort && cat old"]);
            let reference = self::world().expect("a world");
            let copied = without(&reference, withheld, || reference.shell(&format!("cp {words}")));
            assert_eq!(copied.code(), Some(0), "without {right}: cp {words}: {copied}");
            let theirs = reference.tool("sh", ["-c", "cd d && find . -printf '%P %y %m %s %l\n' | sort && cat old"]);
            assert_eq!(ours, theirs, "without {right}: {words}");
        }
    }
}

/// A copy that may not be read cannot be verified: it is refused, and what was made for it goes.
#[test]
fn what_cannot_be_read_back_is_refused_and_leaves_nothing() {
    let withheld = AccessFs::ReadFile.into();
    for words in ["s/file d/new", "s/file d/old", "-a s/file d/old", "--in-place s/file d/old", "-b s/file d/old"] {
        let Some(world) = world() else { return };
        let refused = without(&world, withheld, || world.shell(&format!("$safecp {words}")));
        refused.fails_with(&[words.rsplit(' ').next().expect("a target"), "Permission denied"]);
        assert_eq!(world.tool("ls", ["-A", "d"]), "dir\nold\n", "{words}: {refused}");
        assert_eq!(world.read("d/old"), "what was there", "{words}");
    }
}

/// A document gets its name in the same way.
#[test]
fn a_list_or_report_that_cannot_be_made_leaves_nothing() {
    let Some(world) = world() else { return };
    let refused = without(&world, AccessFs::WriteFile.into(), || world.shell("$safecp --report=d/report s/file d/new"));
    assert_eq!(refused.code(), Some(1), "{refused}");
    assert!(refused.stderr.contains("d/report"), "{refused}");
    assert_eq!(world.tool("ls", ["-A", "d"]), "dir\nold\n", "{refused}");
}
