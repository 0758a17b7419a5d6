//! Manifests: what is in them, that any name survives, and that other tools read them. What is expected comes from stat, b3sum,
//! sha256sum and bsdtar.

mod common;

use common::{World, has_tool, is_root};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Names that lists of other tools break on.
const ODD: [&[u8]; 40] = [
    b"plain",
    b"new\nline",
    b"\n",
    b"car\rriage",
    b"ends in cr\r",
    b"back\\slash",
    b"\\",
    b"\\n",
    b"-dash",
    b"--",
    b"blank at end ",
    b" blank",
    b"a  b",
    b" *a",
    b"\xff\xfe",
    b"caf\xe9",
    b"\xef\xbf\xbd",
    b"\xc3\xa9",
    b"e\xcc\x81",
    b"#hash",
    b"*",
    b"?",
    b"[b]",
    b"a=b",
    b"tab\t",
    b"%0A",
    b"per%cent",
    b"q'uote",
    b"\"d\"",
    b"\x01\x7f",
    b"MD5 (x) = d41d8cd98f00b204e9800998ecf8427e",
    b"~",
    b".hidden",
    b"a,b,c",
    b"&amp;<x>",
    b"/set",
    b"type=dir",
    b"..x",
    b"d41d8cd98f00b204e9800998ecf8427e  x",
    b"$",
];

fn odd_names() -> Vec<OsString> {
    let mut names: Vec<OsString> =
        ODD.iter().filter(|name| !name.contains(&b'/')).map(|name| OsString::from_vec(name.to_vec())).collect();
    names.push(OsString::from_vec(vec![b'x'; 255]));
    names
}

/// A tree of files with odd names, some within directories of odd names.
fn odd_tree(world: &World, names: &[OsString]) {
    world.dir("src/dir");
    for (number, name) in names.iter().enumerate() {
        world.file(Path::new("src").join(name), format!("content {number}"));
        if number % 3 == 0 && name.len() < 200 {
            let mut directory = OsString::from("dir ");
            directory.push(name);
            fs::create_dir(world.path("src/dir").join(&directory)).expect("mkdir");
            world.file(Path::new("src/dir").join(&directory).join(name), format!("inner {number}"));
        }
    }
}

/// The lines of a list that speak of names.
fn lines(world: &World, list: &str) -> Vec<String> {
    let text = fs::read(world.path(list)).expect("a list");
    let text = String::from_utf8(text).expect("a list of ours is ASCII");
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

/// The name of a line of mtree(5), by printf(1)'s reading of its octal escapes.
fn name_of(world: &World, line: &str) -> PathBuf {
    let escaped = line.split(' ').next().expect("a name").replace('%', "%%");
    let output = std::process::Command::new("/usr/bin/printf").arg(escaped).output().expect("printf");
    assert!(output.status.success() && world.path("").exists());
    PathBuf::from(OsString::from_vec(output.stdout))
}

fn value<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    line.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

#[test]
fn each_name_is_listed_as_stat_and_b3sum_see_it() {
    if !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.every_kind("src").cp("-a --manifest=list src new").succeeds();
    world.assert_same_tree("src", "new");
    let lines = lines(&world, "list");
    let found = world.tool("find", ["new", "-printf", "x"]);
    assert_eq!(lines.len(), found.len(), "each name has a line, and there are no others");
    let mut groups = std::collections::BTreeMap::new();
    for line in &lines {
        let name = name_of(&world, line);
        let stat =
            fs::symlink_metadata(world.path("new").join(&name)).unwrap_or_else(|error| panic!("{line}: {error}"));
        let kind = match stat.mode() & 0o170_000 {
            0o100_000 => "file",
            0o040_000 => "dir",
            0o120_000 => "link",
            0o010_000 => "fifo",
            0o020_000 => "char",
            0o060_000 => "block",
            other => panic!("{other:o}"),
        };
        assert_eq!(value(line, "type"), Some(kind), "{line}");
        assert_eq!(value(line, "mode"), Some(&*format!("{:04o}", stat.mode() & 0o7777)), "{line}");
        assert_eq!(value(line, "uid"), Some(&*stat.uid().to_string()), "{line}");
        assert_eq!(value(line, "gid"), Some(&*stat.gid().to_string()), "{line}");
        assert_eq!(value(line, "time"), Some(&*format!("{}.{}", stat.mtime(), stat.mtime_nsec())), "{line}");
        assert_eq!(value(line, "size").is_some(), kind == "file", "{line}");
        if kind == "link" {
            let text = fs::read_link(world.path("new").join(&name)).expect("a link");
            assert_eq!(value(line, "link").map(Path::new), Some(text.as_path()), "{line}");
        }
        if kind == "file" {
            assert_eq!(value(line, "size"), Some(&*stat.len().to_string()), "{line}");
            let output = std::process::Command::new("b3sum")
                .arg("--no-names")
                .arg(world.path("new").join(&name))
                .output()
                .expect("b3sum");
            let digest = String::from_utf8(output.stdout).expect("digits");
            assert!(line.contains(&format!("blake3:{}", digest.trim())), "{line}\n{digest}");
            let tags = value(line, "tags").expect("tags");
            let number = tags.split(',').find_map(|tag| tag.strip_prefix("inode:"));
            assert_eq!(number.is_some(), stat.nlink() > 1, "{line}");
            if let Some(number) = number {
                assert_eq!(*groups.entry(number).or_insert(stat.ino()), stat.ino(), "{line}");
            }
        }
    }
    assert!(!groups.is_empty());
    world.cp("--check --strict list new").succeeds();
    world.cp("--check --strict list src").succeeds();
}

#[test]
fn any_name_survives_and_bsdtar_reads_it() {
    let (world, names) = (World::new(), odd_names());
    odd_tree(&world, &names);
    world.cp("-a --manifest=list src new").succeeds();
    world.cp("--check --strict list new").succeeds();
    let listed: std::collections::BTreeSet<PathBuf> =
        lines(&world, "list").iter().map(|line| name_of(&world, line)).collect();
    for name in &names {
        assert!(listed.contains(&Path::new(".").join(name)), "{name:?}");
    }
    if !has_tool("bsdtar") {
        return;
    }
    // It fails for a keyword that it does not know.
    let said = world.shell("bsdtar -tf list | wc -l; exit ${PIPESTATUS[0]}");
    said.succeeds().says(&format!("{}\n", listed.len()));
    // What it makes of the list: a tar with these names, whose content it takes from the tree.
    world.dir("unpacked");
    world
        .shell("cd new && bsdtar --format=gnutar -cf ../made.tar @../list && cd ../unpacked && tar -xf ../made.tar")
        .succeeds();
    for name in &names {
        let content = fs::read(world.path("unpacked").join(name)).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        assert_eq!(content, fs::read(world.path("src").join(name)).expect("a source"), "{name:?}");
    }
}

/// It refuses a list with a keyword that it does not know.
#[test]
fn netbsds_mtree_reads_a_list_with_hard_links() {
    if !has_tool("mtree") {
        return;
    }
    let world = World::new();
    world.dir("t/d").file("t/one", "1").shell("ln t/one t/d/two").succeeds();
    world.cp("--manifest=list t").succeeds();
    world.shell("mtree -p t -f list").succeeds();
    world.chmod("t/one", 0o600);
    assert_eq!(world.shell("mtree -p t -f list").code(), Some(2));
}

/// As they were written before.
#[test]
fn numbers_of_inodes_may_be_keywords() {
    let world = World::new();
    world.dir("t").file("t/one", "1").shell("ln t/one t/two").succeeds();
    world.cp("--manifest=new t").succeeds();
    world.shell("sed 's/,inode:\\([0-9]*\\)/ inode=\\1/' new >old; grep -c ' inode=1$' old").succeeds().says("2\n");
    world.cp("--check --strict old t").succeeds();
    world.shell("cp -p t/two t/apart && mv t/apart t/two").succeeds();
    for list in ["old", "new"] {
        let run = world.cp(&format!("--check {list} t"));
        assert!(run.code() == Some(1) && run.stdout.contains("no hard link to"), "{list}: {run}");
    }
}

#[test]
fn sha256sum_checks_what_we_write() {
    let (world, names) = (World::new(), odd_names());
    odd_tree(&world, &names);
    world.random("src/large", 3_000_000, 1);
    world.cp("-a --manifest=list --manifest-format=sha256sum src new").succeeds();
    let count = world.tool("find", ["src", "-type", "f", "-printf", "x"]).len();
    let said = world.shell("cd new && sha256sum --strict --check ../list 2>&1 | grep -c ': OK$'");
    said.succeeds().says(&format!("{count}\n"));
    world.cp("--check list new").succeeds();
}

/// b3sum 1.2 writes a carriage return as it is, later ones escape it; none can read a name that is not UTF-8.
#[test]
fn b3sum_checks_what_we_write() {
    if !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    let is_held =
        |name: &OsString| std::str::from_utf8(name.as_bytes()).is_ok_and(|name| !name.contains(['\u{fffd}', '\r']));
    let names: Vec<OsString> = odd_names().into_iter().filter(is_held).collect();
    assert!(names.len() > 30);
    odd_tree(&world, &names);
    world.cp("-a --manifest=list --manifest-format=b3sum src new").succeeds();
    let count = world.tool("find", ["src", "-type", "f", "-printf", "x"]).len();
    let said = world.shell("cd new && b3sum --check ../list | grep -c ': OK$'");
    said.succeeds().says(&format!("{count}\n"));
    world.cp("--check list new").succeeds();
}

#[test]
fn a_name_that_a_list_cannot_hold_fails_the_run_and_the_copy_stays() {
    let world = World::new();
    world.dir("src").file("src/a", "a").file("list", "old");
    world.file(Path::new("src").join(OsStr::from_bytes(b"no\xff")), "b");
    let run = world.cp("-a --manifest=list --manifest-format=b3sum src new");
    run.fails("safecp: cannot make 'list': a list of this format cannot hold the name 'no'$'\\377'\n");
    world.assert_same_tree("src", "new");
    assert_eq!(fs::read(world.path("list")).expect("the old list"), b"old");
}

#[test]
fn names_begin_in_the_directory_that_was_named() {
    let world = World::new();
    world.dir("src/sub").file("src/sub/a", "a").file("f", "f").dir("there").dir("also");
    let cases = [
        ("-a src new", "new", "./sub/a"),
        ("-a src there", "there", "./src/sub/a"),
        ("-a src/. there", "there", "./sub/a"),
        ("-a src f there", "there", "./f"),
        ("-a -t also src", "also", "./src/sub/a"),
        ("-aT src also", "also", "./sub/a"),
        ("f g", ".", "./g"),
        ("--parents src/sub/a also", "also", "./src/sub/a"),
    ];
    for (words, root, name) in cases {
        world.cp(&format!("--manifest=list {words}")).succeeds();
        let listed: Vec<PathBuf> = lines(&world, "list").iter().map(|line| name_of(&world, line)).collect();
        assert!(listed.contains(&PathBuf::from(name)), "{words}: {listed:?}");
        world.cp(&format!("--check list {root}")).succeeds();
    }
}

#[test]
fn a_tree_has_one_list_however_it_came_about() {
    let world = World::new();
    world.every_kind("src");
    world.cp("--manifest=sealed src").succeeds();
    world.cp("-a --manifest=one --jobs=1 src new").succeeds();
    world.cp("-a --manifest=many --jobs=7 src other").succeeds();
    for list in ["one", "many"] {
        assert!(world.same_bytes("sealed", list), "{list}");
        assert!(world.same_bytes("sealed.chunks", &format!("{list}.chunks")), "{list}");
    }
}

#[test]
fn what_old_files_become_is_listed_as_a_later_look_sees_it() {
    let world = World::new();
    world.dir("src/sub").file("src/a", "a").file("src/b", "b").file("src/sub/c", "c").random("src/large", 3_000_000, 1);
    world.file("src/through", "through").file("src/closed", "closed").file("src/empty", "");
    world.shell("ln src/a src/sub/a && chmod 400 src/closed && touch -d 2001-02-03 src/b").succeeds();
    let options = [
        "-a",
        "-r",
        "-a --jobs=1",
        "-a --in-place",
        "-a --durable",
        "-a --sync=never",
        "-a --remove-destination",
        "-a --backup=simple",
        "-a --verify=none",
        "-a --verify=blake3",
        "-a --sparse=always",
        "-a --update=none",
        "-a --resume",
        "-a --attributes-only",
        "-rL",
        "-aL --in-place",
    ];
    for (number, options) in options.into_iter().enumerate() {
        let dst = format!("dst{number}");
        world.shell(&format!("cp -r src {dst} && for f in {dst}/[abl]* {dst}/sub/*; do echo >>$f; done")).succeeds();
        // One that is written through a link, and one with a name that the source does not have.
        world.shell(&format!("cd {dst} && mv through end && ln -s end through && ln b second")).succeeds();
        world.cp(&format!("{options} --manifest=copied -T src {dst}")).succeeds();
        // What cp writes through stays a link.
        let through = fs::symlink_metadata(world.path(&dst).join("through")).expect("it is there");
        let kind = if through.is_symlink() { "type=link" } else { "type=file" };
        let listed = lines(&world, "copied");
        assert!(
            listed.iter().any(|line| line.starts_with("./through ") && line.contains(kind)),
            "{options}: {listed:?}"
        );
        world.cp(&format!("--check copied {dst}")).succeeds();
    }
}

#[test]
fn holes_have_digests_too() {
    if !has_tool("b3sum") {
        return;
    }
    let world = World::new();
    world.sparse("holes", 300 << 20, &[(5, b"data"), ((300 << 20) - 1, b"!")]);
    world.cp("--manifest=list holes copy").succeeds();
    let digest = world.tool("b3sum", ["--no-names", "holes"]);
    assert!(lines(&world, "list")[0].contains(&format!("blake3:{}", digest.trim())));
}

#[test]
fn what_was_left_alone_is_listed_as_it_is() {
    let world = World::new();
    world.dir("src").file("src/a", "new").file("src/b", "b").dir("dst/src").file("dst/src/a", "old");
    world.cp("-r -n --manifest=list src dst").succeeds();
    assert_eq!(fs::read(world.path("dst/src/a")).expect("it stays"), b"old");
    world.cp("--check --strict list dst").succeeds();
}

#[test]
fn a_list_that_cannot_be_made_is_said_before_anything_is_copied() {
    let world = World::new();
    world.file("a", "a").fifo("fifo").dir("dir");
    world
        .cp("--manifest=nowhere/list a b")
        .fails("safecp: cannot create regular file 'nowhere/list': No such file or directory\n");
    world.cp("--manifest=fifo a b").fails("safecp: cannot create regular file 'fifo': File exists\n");
    world.cp("--manifest=dir a b").fails("safecp: cannot create regular file 'dir': File exists\n");
    assert!(!world.path("b").exists());
    world.cp("--manifest-format=b3sum a b").fails_with(&["--manifest-format is of use only with --manifest"]);
}

#[test]
fn a_list_within_its_tree_does_not_list_itself() {
    let world = World::new();
    world.dir("src").file("src/a", "a").random("src/b", 2_000_000, 1);
    world.cp("--manifest=src/list src").succeeds();
    world.cp("--manifest=src/list src").succeeds();
    assert_eq!(lines(&world, "src/list").len(), 3);
    world.cp("--check --strict src/list src").succeeds();
    world.cp("--check src/list src").succeeds();
}

#[test]
fn the_writing_of_a_list_within_its_tree_is_no_change_of_the_tree() {
    let world = World::new();
    world.dir("src/sub/deep").file("src/a", "a").file("src/sub/b", "b");
    let changes = [
        // What happens to the directory of the list itself.
        ("chmod 700 src/sub", "attributes: 'sub' (mode 0700, was 0755)"),
        ("touch src/sub/new", "not listed: 'sub/new'"),
        ("rm src/sub/b", "missing: 'sub/b'"),
        // And to others, whose times count still.
        ("touch -d 2001-02-03 src/sub/deep", "attributes: 'sub/deep' (time 2001-02-03"),
        ("touch -d 2001-02-03 src", "attributes: '.' (time 2001-02-03"),
    ];
    for (change, told) in changes {
        world.cp("--manifest=src/sub/list src").succeeds();
        for words in ["src/sub/list src", "./src/sub/../sub/list src"] {
            world.cp(&format!("--check --strict {words}")).succeeds();
        }
        world.shell(change).succeeds();
        let run = world.cp("--check --strict src/sub/list src");
        assert!(run.code() == Some(1) && run.stdout.contains(told), "{change}: {run}");
        world.shell("rm -rf src && mkdir -p src/sub/deep && echo a >src/a && echo b >src/sub/b").succeeds();
    }
    world.dir("new").cp("-aT --manifest=new/list src new").succeeds();
    world.cp("--check --strict new/list new").succeeds();
}

#[test]
fn attributes_and_lists_are_sealed() {
    if !has_tool("setfattr") || !has_tool("setfacl") {
        return;
    }
    let world = World::new();
    world.dir("src").file("src/a", "a").file("src/b", "b");
    world.cp("-a --manifest=list src new").succeeds();
    world.tool("setfattr", ["-n", "user.x", "-v", "1", "new/a"]);
    world.tool("setfacl", ["-m", "u:1234:r", "new/b"]);
    let run = world.cp("--check list new");
    assert!(run.stdout.contains("attributes: 'a' (extended attributes "), "{run}");
    assert!(run.stdout.contains("attributes: 'b' (access control lists "), "{run}");
    world.cp("--manifest=list new").succeeds();
    world.cp("--check list new").succeeds();
}

#[test]
fn nodes_are_listed_with_their_devices() {
    if !is_root() {
        common::left_out("needs root: makes devices");
        return;
    }
    let world = World::new();
    world.dir("src").node("src/null", rustix::fs::FileType::CharacterDevice, rustix::fs::makedev(1, 3));
    world.cp("-a --manifest=list src new").succeeds();
    assert!(lines(&world, "list")[1].contains(" device=linux,1,3"));
    fs::remove_file(world.path("new/null")).expect("rm");
    world.node("new/null", rustix::fs::FileType::CharacterDevice, rustix::fs::makedev(1, 5));
    let run = world.cp("--check list new");
    assert!(run.stdout.contains("(device 1,5, was 1,3; ") || run.stdout.contains("device 1,5, was 1,3"), "{run}");
}

/// A good list of an earlier run, and what it is.
fn earlier_list(world: &World, form: &str) -> [Vec<u8>; 2] {
    world.cp(&format!("-a --manifest=list --manifest-format={form} src old")).succeeds();
    ["list", "list.chunks"].map(|name| fs::read(world.path(name)).unwrap_or_default())
}

/// What the name of a list and that of its companion show.
fn stay(world: &World, earlier: &[Vec<u8>; 2], run: &common::Output) {
    for (name, earlier) in ["list", "list.chunks"].iter().zip(earlier) {
        assert!(fs::read(world.path(name)).unwrap_or_default() == *earlier, "{name} is another: {run}");
    }
}

#[test]
fn a_run_that_can_list_nothing_leaves_the_list_of_an_earlier_one() {
    let world = World::new();
    world.dir("src").file("src/a", "a").random("src/b", 2_000_000, 1).dir("one").dir("two");
    let missing = "safecp: cannot stat 'gone': No such file or directory\n";
    let cases = [
        ("-a --manifest=list gone new", missing.to_owned()),
        ("--manifest=list gone", missing.to_owned()),
        (
            "-a --manifest=list src nowhere/new",
            "safecp: cannot create directory 'nowhere/new': No such file or directory\n".to_owned(),
        ),
        (
            "-a --manifest=list -t one -t two gone",
            format!(
                "{missing}safecp: LIST: nothing could be listed\n\
                 safecp: target directory 'one' is incomplete: 1 failure\n\
                 safecp: target directory 'two' is incomplete: 1 failure\n"
            ),
        ),
    ];
    for (words, said) in cases {
        let said = if said.contains("LIST") { said } else { format!("{said}safecp: LIST: nothing could be listed\n") };
        let run = world.cp(words);
        run.fails(&said.replace("LIST", "'list' is not written"));
        assert!(!world.exists("list") && !world.exists("list.incomplete"), "{run}");
        for form in ["mtree", "b3sum", "sha256sum"] {
            let earlier = earlier_list(&world, form);
            let run = world.cp(&format!("{words} --manifest-format={form}"));
            run.fails(&said.replace("LIST", "'list' stays as it was"));
            stay(&world, &earlier, &run);
            assert!(!world.exists("list.incomplete"), "{run}");
        }
        ["list", "list.chunks"].iter().for_each(|name| fs::remove_file(world.path(name)).expect("rm"));
        world.tool("rm", ["-rf", "old"]);
    }
}

#[test]
fn a_run_that_fails_for_some_names_lists_the_others_beside_the_list_of_an_earlier_one() {
    let world = World::new();
    world.dir("src/sub").file("src/a", "a").random("src/sub/b", 2_000_000, 1).dir("new").dir("one").dir("two");
    let missing = "safecp: cannot stat 'gone': No such file or directory\n";
    let what = "what could be listed is in 'list.incomplete'";
    for form in ["mtree", "b3sum", "sha256sum"] {
        let words = format!("-a --manifest=list --manifest-format={form}");
        world.cp(&format!("{words} src gone new")).fails(&format!("{missing}safecp: 'list' is not written: {what}\n"));
        assert!(!world.exists("list"));
        let earlier = earlier_list(&world, form);
        let run = world.cp(&format!("{words} src gone new"));
        run.fails(&format!("{missing}safecp: 'list' stays as it was: {what}\n"));
        stay(&world, &earlier, &run);
        world.cp("--check list.incomplete new").succeeds();
        world.cp(&format!("-a --manifest=whole --manifest-format={form} src new")).succeeds();
        assert!(world.same_bytes("whole", "list.incomplete"), "the names that did not fail");
        assert_eq!(world.exists("list.incomplete.chunks"), form == "mtree");
        world.shell("rm list list.* whole*").succeeds();

        let earlier = earlier_list(&world, form);
        let run = world.cp(&format!("{words} -t one -t two src gone"));
        run.fails(&format!(
            "{missing}safecp: 'list' stays as it was: {what}\n\
             safecp: 'list.incomplete' lists what is in target directory 'one'\n\
             safecp: target directory 'one' is incomplete: 1 failure\n\
             safecp: target directory 'two' is incomplete: 1 failure\n"
        ));
        stay(&world, &earlier, &run);
        world.cp("--check list.incomplete one").succeeds();
        // The list of a whole run takes the name.
        world.cp(&format!("{words} -t one -t two src")).succeeds();
        world.cp("--check list two").succeeds();
        world.shell("rm list list.*; rm -r old").succeeds();
    }
}

#[test]
fn a_tree_that_cannot_be_read_in_part_leaves_the_list_of_an_earlier_one() {
    let Some(world) = World::as_root("reads as somebody else what is not his") else { return };
    world.dir("src").file("src/a", "a").file("src/b", "b");
    let run = |words: &str| world.cp_as_nobody(words);
    run("--manifest=list src").succeeds();
    let earlier = ["list", "list.chunks"].map(|name| fs::read(world.path(name)).expect("a list"));
    world.chmod("src/b", 0);
    let said = run("--manifest=list src");
    said.fails(
        "safecp: cannot open 'src/b' for reading: Permission denied\n\
         safecp: 'list' stays as it was: what could be listed is in 'list.incomplete'\n",
    );
    stay(&world, &earlier, &said);
    assert_eq!(lines(&world, "list.incomplete").len(), 2, ". and a");
}

#[test]
fn an_incomplete_list_within_its_tree_is_none_of_it() {
    let world = World::new();
    world.dir("src").file("src/a", "a").dir("new");
    world.cp("-a --manifest=src/list src gone new").fails_with(&["src/list.incomplete"]);
    world.cp("--manifest=src/list src").succeeds();
    assert_eq!(lines(&world, "src/list").len(), 2, "{:?}", lines(&world, "src/list"));
    world.cp("--check --strict src/list src").succeeds();
}

/// A count is a claim: it says that a byte was written, or all of it, and nothing was.
#[test]
fn what_was_not_written_is_found_out_before_a_list_has_its_name() {
    let world = World::new();
    world.dir("src").random("src/a", 2_000_000, 1).cp("--manifest=list src").succeeds();
    let earlier = ["list", "list.chunks"].map(|name| fs::read(world.path(name)).expect("a list"));
    world.file("src/b", "b");
    let plain = world.cp_traced("pwrite64", &[], "--manifest=plain src");
    let Some(plain) = plain else { return };
    plain.output.succeeds();
    let counts = plain.results("pwrite64");
    assert_eq!(counts.len(), 2, "a companion and a list: {}", plain.calls);
    for (number, count) in (1..).zip(counts) {
        for claimed in [1, count / 2, count] {
            let fault = format!("pwrite64:retval={claimed}:when={number}");
            let run = world.cp_traced("pwrite64", &[&fault], "--manifest=list src").expect("strace");
            assert!(run.injected() > 0, "{}", run.calls);
            run.output.fails_with(&["safecp: cannot make 'list", "what was written was read back differently"]);
            stay(&world, &earlier, &run.output);
        }
    }
    assert_eq!(world.temporaries(), Vec::<PathBuf>::new());
}

/// The digest is of no state of it, and the list says nothing of that.
#[test]
fn a_file_that_is_written_while_it_is_listed_is_told() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.dir("d").random("d/log", 4_000_000, 1).file("d/still", "1");
    // Each read is held up, so that there is time for a line when the file was opened.
    let script = "strace -D -f -qq -o /dev/null -P $PWD/d/log -e trace=pread64 -e inject=pread64:delay_enter=200000 $safecp --manifest=list d & run=$!
        until readlink /proc/$run/fd/* | grep -q '/d/log$'; do kill -0 $run || exit 99; done
        sleep 0.2; echo line >>d/log; wait $run";
    world.shell(script).succeeds_saying("safecp: warning: 'd/log' changed while being read\n");
    world.cp("--manifest=list d").succeeds();
}

/// An empty variable in a script (`-a --manifest=list $FROM $TO`) leaves one operand, too.
#[test]
fn a_copy_whose_target_was_forgotten_is_no_list_of_its_source() {
    let world = World::new();
    world.dir("src").file("src/a", "1").file("list", "an older one");
    for options in ["-a", "-r", "-p", "--durable", "--resume", "-u", "-v", "-n", "--verify=device"] {
        world
            .cp(&format!("{options} --manifest=list src"))
            .fails_with(&["missing destination file operand after 'src'"]);
        assert_eq!(world.read("list"), "an older one");
    }
    world.cp("-x --jobs=2 --report=r --digests --manifest-format=b3sum --manifest=list src").succeeds();
}

#[test]
fn a_tree_is_listed_as_far_as_its_filesystem_if_that_is_asked_for() {
    let Some(world) = World::with_mounts("a filesystem in a tree") else { return };
    let script = "mkdir -p t/m; mount -t tmpfs none t/m; touch t/m/far t/near
        for x in '' -x; do $safecp $x --manifest=list t; grep -o '^[^ ]*' list | grep -v '^#' | tr '\\n' ' '; done
        $safecp --check --strict -x list t >/dev/null; echo $?; $safecp --check --strict list t || true
        cp -ax t u; $safecp --check -x t --against u >/dev/null; echo $?; $safecp --check t --against u";
    let run = world.shell_with_mounts(script);
    run.says(". ./m ./m/far ./near . ./m ./near 0\nnot listed: 'm/far'\n0\nmissing: 'm/far'\n");
    assert_eq!(run.code(), Some(1), "{run}");
}
