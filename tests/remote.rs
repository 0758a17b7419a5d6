//! Copies from and to another machine: `safecp --as=scp` and `safecp --server`, with a program in the place of ssh that runs
//! the command here, in the directory `far`. It can cut the connection, change a byte on its way, or tell lies.
//!
//! A real sshd is for tests/remote/run.

mod common;

#[path = "sftp/far.rs"]
#[allow(dead_code, unreachable_pub, reason = "that of the tests over SFTP alone; this program needs its server")]
mod far;

use common::{Output, World, asked, is_root, left_out, random_bytes};
use safecp::kernel::{Kind, Stat, Timestamp};
use safecp::remote::frame;
use safecp::remote::message::{Chunk, Content, End, Entry, FileHead, Message, Steadiness, VERSION, Verdict};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::process::Command;

/// What stands in the place of ssh: options and host are skipped, and the command runs behind and before these filters. It takes
/// the place of the shell, so that a filter that ends closes the connection.
fn ssh(world: &World, name: &str, to_server: &str, from_server: &str) {
    let to = if to_server.is_empty() { String::new() } else { format!("< <({to_server})") };
    let from = if from_server.is_empty() { String::new() } else { format!("> >({from_server})") };
    let script = format!(
        "#!/bin/bash\nwhile [ \"$1\" != -- ]; do shift; done\nhost=$2; shift 2\nmkdir -p far; cd far || exit\n\
         exec sh -c \"$*\" {to} {from}\n"
    );
    world.file(name, script).chmod(name, 0o755);
}

fn world() -> World {
    let world = World::new();
    ssh(&world, "ssh", "", "");
    world
}

fn scp_by(world: &World, ssh: &str, words: &str) -> Output {
    let program = asked::as_a_word(&asked::program());
    let first = ["--as=scp".to_owned(), format!("-S./{ssh}"), format!("--far-program={}", program.display())];
    world.cp_args(first.into_iter().chain(words.split_whitespace().map(str::to_owned)))
}

fn scp(world: &World, words: &str) -> Output {
    scp_by(world, "ssh", words)
}

/// A tree of what scp copies: no links, no nodes.
fn plain_tree(world: &World, name: &str) {
    world.dir(name).dir(&format!("{name}/sub")).dir(&format!("{name}/sub/deep")).dir(&format!("{name}/empty"));
    world.random(&format!("{name}/large"), 3_300_000, 1).random(&format!("{name}/sub/deep/exact"), 1 << 20, 2);
    world.file(format!("{name}/none"), "").file(format!("{name}/sub/one"), "1");
    for odd in ["two\nlines", " ", "-r", "*", "a:b", "'", "\\", "\u{fffd}x", "#"] {
        world.file(format!("{name}/sub/{odd}"), odd);
    }
}

fn diff(world: &World, one: &str, other: &str) {
    let found = world.shell(&format!("diff -r --no-dereference {one} {other}"));
    assert_eq!((found.code(), found.stdout.as_str(), found.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_file_goes_there_and_comes_back() {
    let world = world();
    world.random("a", 2_500_000, 1);
    scp(&world, "a h:b").succeeds();
    scp(&world, "h:b c").succeeds();
    assert!(world.same_bytes("a", "far/b") && world.same_bytes("a", "c"));
    scp(&world, "a u@h:").succeeds();
    scp(&world, "a scp://h:22/d").succeeds();
    assert!(world.same_bytes("a", "far/a") && world.same_bytes("a", "far/d"));
}

#[test]
fn trees_go_there_and_come_back() {
    let world = world();
    plain_tree(&world, "tree");
    scp(&world, "-r tree h:new").succeeds();
    diff(&world, "tree", "far/new");
    scp(&world, "-r h:new h:nothing/.. .").fails("scp: cannot stat 'h:nothing/..': No such file or directory\n");
    diff(&world, "tree", "new");
    // Into what is there, and over it.
    world.file("tree/sub/one", "another").file("far/new/tree", "");
    fs::remove_file(world.path("far/new/tree")).expect("removed");
    scp(&world, "-r tree h:new").succeeds();
    diff(&world, "tree", "far/new/tree");
    scp(&world, "-r tree/. h:new").succeeds();
    assert_eq!(world.read("far/new/sub/one"), "another");
}

#[test]
fn times_and_modes_go_along_where_they_are_asked_for() {
    let world = world();
    plain_tree(&world, "tree");
    world.chmod("tree/sub/one", 0o4711).chmod("tree/empty", 0o1750).times("tree/sub/one", (5, 6), (7, 890));
    world.times("tree/empty", (1, 2), (3, 4));
    scp(&world, "-rp tree h:").succeeds();
    let stat = |name: &str| {
        let stat = world.stat(name);
        (stat.mode(), stat.mtime(), stat.mtime_nsec())
    };
    for name in ["empty", "large"] {
        assert_eq!(stat(&format!("tree/{name}")), stat(&format!("far/tree/{name}")), "{name}");
    }
    // It is another owner's program now: scp -p leaves the bit out.
    assert_eq!((world.mode("far/tree/sub/one"), world.stat("far/tree/sub/one").mtime()), (0o711, 7));
    scp(&world, "-p h:tree/sub/one .").succeeds();
    world.chmod("far/tree/sub/one", 0o6755);
    scp(&world, "-p h:tree/sub/one .").succeeds();
    assert_eq!(world.mode("one"), 0o755);
    scp(&world, "--archive h:tree/sub/one .").succeeds();
    assert_eq!(world.mode("one"), 0o6755, "the owner goes along");
    scp(&world, "-r tree h:plain").succeeds();
    assert_eq!(world.mode("far/plain/sub/one"), 0o711, "without -p: less what gives rights by owner");
    assert_ne!(world.stat("far/plain/sub/one").mtime(), 7);
}

/// A file of /sys says that it has a page, and one of /proc that it has nothing.
#[test]
fn what_is_made_up_when_it_is_read_goes_there_and_comes_back() {
    let world = world();
    for name in ["/sys/kernel/fscaps", "/proc/version"] {
        let content = fs::read(name).expect("a file");
        for words in [format!("{name} h:made"), format!("h:{name} far/made"), format!("-p --resume h:{name} far/made")]
        {
            scp(&world, &words).succeeds();
            assert_eq!(fs::read(world.path("far/made")).expect("a copy"), content, "{words}");
            fs::remove_file(world.path("far/made")).expect("removed");
        }
    }
}

#[test]
fn an_archive_keeps_what_cp_a_keeps() {
    let world = world();
    world.every_kind("tree").sparse("tree/holes", 5 << 20, &[(3 << 20, b"data")]);
    world.file("tree/first", "several").link("tree/first", "tree/second").set_xattr("tree/first", "user.a", b"1\x002");
    scp(&world, "--archive tree h:").succeeds();
    world.assert_same_tree("tree", "far/tree");
    assert_eq!(world.inode("far/tree/first"), world.inode("far/tree/second"));
    assert_eq!(world.xattr("far/tree/first", "user.a").as_deref(), Some(&b"1\x002"[..]));
    assert!(world.allocated("far/tree/holes") < 1 << 20);
    scp(&world, "--archive h:tree back").succeeds();
    world.assert_same_tree("tree", "back");
    assert!(world.allocated("back/holes") < 1 << 20);
}

#[test]
fn links_are_followed_and_circles_end() {
    let world = world();
    world.dir("tree").file("a", "a").symlink("../a", "tree/link").symlink("../tree", "tree/circle");
    scp(&world, "-r tree h:").fails("scp: h: cannot stat 'local:./tree/circle': Too many levels of symbolic links\n");
    assert_eq!(world.read("far/tree/link"), "a");
}

#[test]
fn patterns_are_for_the_far_end() {
    let world = world();
    world.dir("far").file("far/x.c", "1").file("far/y.c", "2").file("far/z.h", "3").file("far/[a]", "4").dir("to");
    scp(&world, "h:*.c to").succeeds();
    assert_eq!(world.names("to"), ["x.c", "y.c"]);
    scp(&world, "h:[a] to").succeeds();
    assert_eq!(world.read("to/[a]"), "4", "what matches nothing is a name");
    world.file("far/*.c", "5").dir("all");
    scp(&world, "h:*.c all").succeeds();
    assert_eq!(world.names("all"), ["*.c", "x.c", "y.c"], "a name that is the pattern hides no others");
    scp(&world, "h:*.c one").fails("scp: target directory 'one': No such file or directory\n");
    scp(&world, "h:*.o to").fails("scp: cannot stat 'h:./*.o': No such file or directory\n");
}

#[test]
fn what_fails_is_said_and_the_rest_is_copied() {
    let world = world();
    world.file("a", "a").file("b", "b").dir("far").dir("far/b").dir("d");
    let said = scp(&world, "a b none d h:");
    said.fails(
        "scp: h: cannot overwrite directory './b' with non-directory 'local:./b'\n\
         scp: h: cannot stat 'local:./none': No such file or directory\n\
         scp: h: -r not specified; omitting directory 'local:./d'\n",
    );
    assert_eq!(world.read("far/a"), "a");
    scp(&world, "/dev/null h:").fails("scp: h: error reading 'local:/dev/null': Operation not supported\n");
    scp(&world, "a b h:none").fails("scp: h: target directory 'none': No such file or directory\n");
    scp(&world, "h:none c").fails("scp: cannot stat 'h:./none': No such file or directory\n");
    let elsewhere = world.cp("--as=scp -S ./ssh --far-program=./no-such-safecp --upload=never a h:");
    let said = "scp: h: no ./no-such-safecp there (--far-program=PROGRAM says where it is), and no SFTP: closed\n";
    assert_eq!(elsewhere.code(), Some(1));
    assert!(elsewhere.stderr.ends_with(said), "{elsewhere}");
}

#[test]
fn a_source_that_is_typed_twice_is_copied_once() {
    let world = world();
    world.file("a", "a").dir("far");
    let said = scp(&world, "a ./a h:");
    said.succeeds_saying("scp: h: warning: source file 'local:./a' specified more than once\n");
    assert_eq!(world.read("far/a"), "a");
}

/// To std `d`, `d/` and `d/.` are one path, and the second was left out.
#[test]
fn a_directory_that_is_named_in_two_ways_goes_to_both_names() {
    let world = world();
    world.dir("x");
    plain_tree(&world, "x/tree");
    world.dir("far").shell("cp -r x far/").succeeds();
    let all = ["x/tree x/tree/.", "x/tree/. x/tree", "x/tree/sub x/tree/sub/. x/tree"];
    for (number, names) in all.iter().enumerate() {
        let expected = format!("expected{number}");
        let each = names.replace(' ', &format!(" {expected}/; cp -r "));
        world.dir(&expected).shell(&format!("cp -r {each} {expected}/")).succeeds();
        let target = format!("made{number}");
        scp(world.dir(&format!("far/{target}")), &format!("-r {names} h:{target}")).succeeds();
        diff(&world, &expected, &format!("far/{target}"));
        scp(world.dir(&target), &format!("-r h:{} {target}", names.replace(' ', " h:"))).succeeds();
        diff(&world, &expected, &target);
    }
}

/// A slash at the end, as Tab puts it, is no part of the name, whatever way the directory goes. GNU's cp says where it goes.
#[test]
fn a_directory_with_a_slash_behind_it_keeps_its_name() {
    for way in ["", "-s"] {
        let Some(world) = sftp_world(SHELL) else { return };
        plain_tree(&world, "d");
        world.shell("cp -r d far/").succeeds();
        for (number, typed) in ["d/", "d//", "./d/", "d/sub/", "d/../d/"].into_iter().enumerate() {
            let (target, expected) = (format!("to{number}"), format!("expected{number}"));
            world
                .dir(&target)
                .dir(&format!("far/{target}"))
                .dir(&expected)
                .shell(&format!("cp -r {typed} {expected}"))
                .succeeds();
            is_well(&scp(&world, &format!("{way} -r h:{typed} {target}")));
            diff(&world, &expected, &target);
            is_well(&scp(&world, &format!("{way} -r {typed} h:{target}")));
            diff(&world, &expected, &format!("far/{target}"));
            if way.is_empty() {
                world.dir(&format!("far/{target}x"));
                is_well(&scp(&world, &format!("-r h:{typed} g:{target}x")));
                diff(&world, &expected, &format!("far/{target}x"));
            }
        }
    }
}

/// More names than one message holds, and each of them found again at once.
#[test]
fn thousands_of_sources_are_copied() {
    let world = world();
    let name = |number: u32| format!("{number:0200}");
    world.dir("from").dir("far").dir("far/to").dir("back").dir("third");
    (0..5300).for_each(|number| {
        world.file(format!("from/{}", name(number)), "");
    });
    let all: Vec<String> = (0..5300).map(|number| format!("from/{}", name(number))).collect();
    scp(&world, &format!("{} h:to", all.join(" "))).succeeds();
    assert_eq!(world.names("far/to").len(), 5300);
    scp(&world, "h:to/* back").succeeds();
    assert_eq!(world.names("back").len(), 5300);
    scp(&world, "h:to/* g:../third").succeeds();
    assert_eq!(world.names("third").len(), 5300);
}

#[test]
fn other_machines_copy_to_each_other_through_this_one() {
    let world = world();
    world.dir("far");
    plain_tree(&world, "far/tree");
    scp(&world, "-rp g:tree h:copy").succeeds();
    diff(&world, "far/tree", "far/copy");
    assert_eq!(world.stat("far/tree/large").mtime_nsec(), world.stat("far/copy/large").mtime_nsec());
    scp(&world, "g:none h:copy").fails("scp: h: cannot stat 'local:./none': No such file or directory\n");
}

#[test]
fn a_login_may_print() {
    let world = World::new();
    ssh(&world, "ssh", "", "echo Welcome; head -c 3000 /dev/zero; cat");
    world.file("a", "a");
    scp(&world, "a h:b").succeeds();
    assert_eq!(world.read("far/b"), "a");
}

/// `cat` in the place of a far end, or a terminal that was left alone.
#[test]
fn a_far_end_that_repeats_what_it_is_told_is_none() {
    let world = World::new();
    world.file("ssh", "#!/bin/sh\nexec cat\n").chmod("ssh", 0o755).file("a", "a");
    for (words, ours) in [
        ("a h:b", "safecp"),
        ("h:b c", "safecp"),
        ("h:b g:c", "safecp"),
        ("-3 h:b g:c", "safecp"),
        ("-s a h:b", "SFTP server"),
        ("-s h:b c", "SFTP server"),
    ] {
        let program = asked::as_a_word(&asked::program());
        let mut command = Command::new("timeout");
        command.arg("20").arg(program).args(["--as=scp", "-S./ssh"]).args(words.split_whitespace());
        let ended = command.current_dir(world.path(".")).output().expect("safecp runs");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(1), "{words:?}: {said}");
        assert!(
            said.ends_with(&format!("comes back: something runs there that repeats it, and no {ours}\n")),
            "{said}"
        );
    }
}

/// Two bytes are appended for each that travels: its end never comes nearer.
#[test]
fn a_source_that_grows_faster_than_it_travels_is_not_followed() {
    if !common::has_tool("perl") {
        left_out("needs perl");
        return;
    }
    let grow = "perl -e 'open F, \">>\", shift; $| = 1; while ($n = sysread STDIN, $b, 65536) { \
                if ($n > 9999 && $all < 150e6) { syswrite F, \"x\" x (2 * $n); $all += 2 * $n } print $b }' ../far/grows";
    for (to, from, words, copy) in [(grow, "", "far/grows h:copy", "far/copy"), ("", grow, "h:grows copy", "copy")] {
        let world = World::new();
        // More than pipes hold: otherwise it may have been read to its end before it begins to grow.
        world.dir("far").random("far/grows", 8 << 20, 1);
        ssh(&world, "ssh", to, from);
        let said = scp(&world, words);
        assert_eq!(said.code(), Some(0), "{said}");
        assert!(said.stderr.ends_with("grows' changed while being copied\n"), "{said}");
        let size = world.stat(copy).size();
        assert!(size > 8 << 20 && size < 40_000_000, "{size}");
        world.shell(&format!("head -c {size} far/grows | cmp - {copy}")).succeeds();
    }
}

#[test]
fn a_root_holds_everything() {
    let world = World::new();
    let program = asked::as_a_word(&asked::program());
    world
        .dir("far")
        .dir("far/in")
        .dir("far/in/sub")
        .file("far/secret", "secret")
        .file("a", "a")
        .file("far/in/own", "own");
    world.symlink("../secret", "far/in/out").symlink("../..", "far/in/up").symlink("sub", "far/in/within");
    for (name, options) in [("ssh", "--root=in"), ("read", "--root=in --read-only")] {
        let script = format!("#!/bin/sh\ncd far && exec {} --server {options}\n", program.display());
        world.file(name, script).chmod(name, 0o755);
    }
    scp(&world, "a h:/new").succeeds();
    scp(&world, "a h:within").succeeds();
    assert_eq!((world.read("far/in/new"), world.read("far/in/sub/a")), ("a".into(), "a".into()));
    scp(&world, "h:/own own").succeeds();
    for path in ["out", "../secret", "/../secret", "up/far/secret", "within/../../secret"] {
        assert_eq!(scp(&world, &format!("h:{path} got")).code(), Some(1), "{path}");
        assert!(!world.exists("got"), "{path}");
    }
    for path in ["out", "../secret", "up/stolen", "../stolen"] {
        assert_eq!(scp(&world, &format!("a h:{path}")).code(), Some(1), "{path}");
        assert_eq!(world.read("far/secret"), "secret", "{path}");
    }
    assert!(!world.exists("stolen") && !world.exists("far/stolen"));
    // A device would lead to what it stands for, whoever has put it there.
    if is_root() {
        world.shell("mkdir node && mknod node/null c 1 3").succeeds();
        scp(&world, "--archive node h:").succeeds();
        scp(&world, "a h:node/null").fails("scp: h: cannot create regular file 'node/null': Permission denied\n");
    } else {
        left_out("a device beneath a root needs root");
    }
    scp_by(&world, "read", "h:own again").succeeds();
    let refused = scp_by(&world, "read", "a h:refused");
    assert_eq!(refused.code(), Some(1));
    assert!(refused.stderr.contains("this server only sends (--read-only)"), "{refused}");
    assert!(!world.exists("far/in/refused"));
}

/// Lets so many bytes through, each as soon as it comes.
fn cut(bytes: usize) -> String {
    format!("exec stdbuf -o0 head -c {bytes}")
}

/// Changes the byte at this place.
fn flip(at: usize) -> String {
    format!("stdbuf -o0 head -c {at}; head -c 1 | tr '\\000-\\377' '\\001-\\377\\000'; cat")
}

/// Places to cut at beside those that are written down: SAFECP_CUTS in each direction.
fn further(end: usize) -> Vec<usize> {
    let count = usize::try_from(asked::number("SAFECP_CUTS").unwrap_or(0)).expect("a number");
    (0..count).map(|at| at * end / count).collect()
}

#[test]
fn a_connection_that_is_cut_leaves_the_old_file_or_the_new_one() {
    let world = World::new();
    world.file("old", "old").random("new", 1_200_000, 1).dir("far");
    // What travels: 1.2 MB one way, and a few hundred bytes the other.
    let forth = [0, 1, 40, 90, 150, 200, 260, 330, 400, 500, 70_000, 1_048_900, 1_200_000, 1_200_300, 1_200_400];
    let back = [0, 1, 16, 30, 45, 60, 80, 100, 130];
    let (more_forth, more_back) = (further(1_201_000), further(250));
    let ways = forth.iter().chain(&more_forth).map(|at| (cut(*at), String::new()));
    let ways = ways.chain(back.iter().chain(&more_back).map(|at| (String::new(), cut(*at))));
    let mut failed = 0;
    for (to, from) in ways {
        fs::copy(world.path("old"), world.path("far/f")).expect("an old file");
        ssh(&world, "ssh", &to, &from);
        let ended = scp(&world, "new h:f");
        let is_new = world.same_bytes("new", "far/f");
        assert!(is_new || world.same_bytes("old", "far/f"), "{to}{from}");
        assert!(is_new || ended.code() == Some(1), "{to}{from} {ended}");
        assert!(ended.code() == Some(0) || ended.stderr.contains("scp: "), "{to}{from} {ended}");
        failed += usize::from(ended.code() == Some(1));
        ssh(&world, "ssh", "", "");
        scp(&world, "new h:f").succeeds();
        assert_eq!(world.temporaries(), Vec::<PathBuf>::new(), "{to}{from}");
    }
    assert!(failed >= 15, "{failed} cuts were noticed");
    // The same with the near end receiving.
    let mut places = vec![0, 20, 100, 300, 70_000, 1_048_800, 1_200_100];
    places.extend(further(1_200_100));
    for at in places {
        fs::copy(world.path("old"), world.path("g")).expect("an old file");
        ssh(&world, "ssh", "", &cut(at));
        assert_eq!(scp(&world, "h:f g").code(), Some(1), "{at}");
        assert!(world.same_bytes("old", "g"), "{at}");
        assert_eq!(world.temporaries(), Vec::<PathBuf>::new(), "{at}");
    }
}

#[test]
fn a_byte_that_changed_on_its_way_is_found_and_mended() {
    let world = World::new();
    world.random("a", 1 << 20, 1).dir("far").file("far/b", "old");
    ssh(&world, "ssh", &flip(500_000), "");
    let mended = scp(&world, "a h:b");
    let said = "scp: h: warning: bytes 0 to 1048576 of 'local:./a' arrived damaged, and were sent again\n";
    mended.succeeds_saying(said);
    assert!(world.same_bytes("a", "far/b"));
    // The same where it comes back.
    ssh(&world, "ssh", "", &flip(500_000));
    let said = "scp: warning: bytes 0 to 1048576 of 'h:./b' arrived damaged, and were sent again\n";
    scp(&world, "h:b c").succeeds_saying(said);
    assert!(world.same_bytes("a", "c"));
    // Twice is a failure with its place, and the old file stays.
    world.file("far/b", "old");
    let twice = format!("{{ {}; }} | {{ {}; }}", flip(500_000), flip((1 << 20) + 600_000));
    ssh(&world, "ssh", &twice, "");
    let failed = scp(&world, "a h:b");
    assert_eq!(failed.code(), Some(1), "{failed}");
    let said = "scp: h: verification failed: bytes 0 to 1048576 of 'local:./a' arrived damaged twice\n";
    assert!(failed.stderr.contains(said), "{failed}");
    assert_eq!(world.read("far/b"), "old");
    // What is no content ends the connection.
    for at in [30, 120, 180, 250, 300] {
        ssh(&world, "ssh", &flip(at), "");
        let failed = scp(&world, "a h:b");
        assert_eq!((failed.code(), world.read("far/b").as_str()), (Some(1), "old"), "{at} {failed}");
    }
}

/// As typed, where strace answers these calls on one file, a path of the world, at this end or at the other.
fn scp_traced(world: &World, file: &str, fault: &str, words: &str) -> Option<Output> {
    let program = asked::as_a_word(&asked::program());
    let words = format!("--as=scp -S./ssh --far-program={} {words}", program.display());
    let traced = world.cp_traced_on(Some(file), "pread64", &[fault], &words)?;
    assert!(traced.injected() > 0, "{}", traced.calls);
    Some(traced.output)
}

/// The first read of the file gives all of it, and the second its end.
#[test]
fn a_second_read_that_fails_is_said_with_its_reason() {
    let world = World::new();
    world.random("a", 100_000, 1).dir("far").file("far/b", "old").random("far/c", 100_000, 2).file("d", "old");
    let fault = "pread64:error=EIO:when=3+";
    // A chunk that arrived damaged, either way, and between two others.
    ssh(&world, "ssh", &flip(50_000), "");
    let Some(failed) = scp_traced(&world, "a", fault, "a h:b") else { return };
    failed.fails("scp: h: error reading 'local:./a': Input/output error\n");
    assert_eq!(world.read("far/b"), "old");
    ssh(&world, "ssh", "", &flip(50_000));
    let failed = scp_traced(&world, "far/c", fault, "h:c d").expect("strace");
    failed.fails("scp: error reading 'h:./c': Input/output error\n");
    assert_eq!(world.read("d"), "old");
    ssh(&world, "ssh", &flip(50_000), "");
    let failed = scp_traced(&world, "far/c", fault, "h:c g:b").expect("strace");
    failed.fails("scp: g: error reading 'local:./c': Input/output error\n");
    assert_eq!(world.read("far/b"), "old");
    // One that is asked for since what is there is not the same.
    ssh(&world, "ssh", "", "");
    let failed = scp_traced(&world, "a", fault, "--resume a h:c").expect("strace");
    failed.fails("scp: h: error reading 'local:./a': Input/output error\n");
    assert_eq!(world.stat("far/c").size(), 100_000);
    assert!(!world.same_bytes("a", "far/c"));
    // A receiver of before does not take the reason, and may say what it likes.
    let digest = Some(*blake3::hash(&fs::read(world.path("a")).expect("a file")).as_bytes());
    let late =
        [Message::Again { id: 1, number: 0 }, Message::Answer { id: 1, digest }, Message::Finished(Verdict::Well)];
    lie(&world, &late);
    let at = GREETING.len() + frame::length(12, 0);
    let script = format!("#!/bin/sh\nhead -c {at} lies\nsleep 2\ntail -c +{} lies\nexec cat > /dev/null\n", at + 1);
    world.file("ssh", script);
    let failed = scp_traced(&world, "a", fault, "a h:b").expect("strace");
    failed.fails("scp: error reading 'a': Input/output error\n");
    // Through this end, which knows what such a receiver does not take.
    let digest = Some(*blake3::hash(&fs::read(world.path("far/c")).expect("a file")).as_bytes());
    let late =
        [Message::Again { id: 1, number: 0 }, Message::Answer { id: 1, digest }, Message::Finished(Verdict::Well)];
    lie(&world, &late);
    let lies = format!("head -c {at} lies; sleep 2; tail -c +{} lies; exec cat > /dev/null", at + 1);
    let script = format!(
        "#!/bin/bash\nwhile [ \"$1\" != -- ]; do shift; done\n[ $2 = old ] && {{ {lies}; }}\nshift 2\ncd far\nexec sh -c \"$*\"\n"
    );
    world.file("ssh", script);
    let failed = scp_traced(&world, "far/c", fault, "h:c old:b").expect("strace");
    failed.fails("scp: a chunk cannot be read again: Input/output error\n");
}

// ---- what is there already ----

/// Counts what travels in each direction, into `to` and `from`; `to-g` is what travels to the host `g`.
fn counting_ssh(world: &World) {
    ssh(world, "ssh", "exec tee ../to ../to-$host", "exec tee ../from");
}

fn travelled(world: &World, name: &str) -> u64 {
    // The far end of a pipe may be at work still.
    std::thread::sleep(std::time::Duration::from_millis(200));
    world.stat(name).size()
}

#[test]
fn what_is_there_and_holds_the_same_does_not_travel_again() {
    let world = World::new();
    counting_ssh(&world);
    world.dir("tree").random("tree/large", 3_300_000, 1).random("tree/other", 2_500_000, 2).file("tree/small", "small");
    scp(&world, "-rp tree h:").succeeds();
    let inode = world.inode("far/tree/large");
    // Times tell nothing, and content everything: one byte in the middle of a file of the same size and time.
    world.times("far/tree/large", (1, 2), (3, 4));
    let mut other = fs::read(world.path("far/tree/other")).expect("a file");
    other[1_300_000] ^= 1;
    fs::write(world.path("far/tree/other"), other).expect("written");
    world.shell("touch -r tree/other far/tree/other");
    scp(&world, "-rp --resume tree h:").succeeds();
    diff(&world, "tree", "far/tree");
    assert_eq!(world.inode("far/tree/large"), inode, "it stays");
    assert_eq!(world.stat("tree/large").mtime_nsec(), world.stat("far/tree/large").mtime_nsec());
    let there = travelled(&world, "to");
    assert!((2_500_000..2_600_000).contains(&there), "{there} bytes: the other file alone");
    scp(&world, "-rp --resume tree h:").succeeds();
    assert!(travelled(&world, "to") < 5_000);
    // Back, with one file that is missing and one that is shorter.
    world.dir("back").dir("back/tree").random("back/tree/large", 3_300_000, 1).file("back/tree/other", "short");
    scp(&world, "-rp --resume h:tree back").succeeds();
    diff(&world, "tree", "back/tree");
    let there = travelled(&world, "from");
    assert!((2_500_000..2_600_000).contains(&there), "{there} bytes: the other file alone");
    assert_eq!(world.temporaries(), Vec::<PathBuf>::new());
}

/// More than may be on its way before the receiver has taken anything: 2 MiB, the chunk that exceeds them, and what lies in two pipes
/// of 1 MiB.
const BEFORE_ANY_ANSWER: u64 = 6 << 20;

#[test]
fn what_can_be_stored_nowhere_does_not_travel() {
    let world = World::new();
    counting_ssh(&world);
    world.random("big", 40_000_000, 1).dir("tree").random("tree/a", 20_000_000, 2).random("tree/b", 20_000_000, 3);
    world.dir("far").link("big", "far/big").dir("far/tree");
    world.link("tree/a", "far/tree/a").link("tree/b", "far/tree/b");
    let (file, reason) = ("cannot create regular file 'nodir/x'", "No such file or directory\n");
    let directory = "cannot create directory 'nodir/x'";
    for (words, said, way) in [
        ("h:big nodir/x", format!("scp: {file}: {reason}"), "from"),
        ("-r h:tree nodir/x", format!("scp: {directory}: {reason}"), "from"),
        ("-r --resume h:tree nodir/x", format!("scp: {directory}: {reason}"), "from"),
        ("big h:nodir/x", format!("scp: h: {file}: {reason}"), "to"),
        ("-r tree h:nodir/x", format!("scp: h: {directory}: {reason}"), "to"),
        ("-r --report=report tree h:nodir/x", format!("scp: h: {directory}: {reason}"), "to"),
        ("-r big tree h:nodir", format!("scp: h: target directory 'nodir': {reason}"), "to"),
        ("h:big g:nodir/x", format!("scp: g: {file}: {reason}"), "to-g"),
        ("-r h:tree g:nodir/x", format!("scp: g: {directory}: {reason}"), "to-g"),
    ] {
        scp(&world, words).fails(&said);
        let travelled = travelled(&world, way);
        assert!(travelled < BEFORE_ANY_ANSWER, "{words}: {travelled} bytes");
        assert!(!world.exists("nodir") && !world.exists("far/nodir"), "{words}");
    }
    // Several sources, and a target that is here: nobody has to log in.
    fs::remove_file(world.path("from")).expect("it counts");
    scp(&world, "h:big g:big nodir").fails(&format!("scp: target directory 'nodir': {reason}"));
    assert!(!world.exists("from"));
}

/// Of what is passed over nothing more travels, and all else does.
#[test]
fn what_is_passed_over_does_not_travel() {
    let world = World::new();
    counting_ssh(&world);
    world.dir("tree").random("tree/big", 40_000_000, 1).random("tree/one", 100_000, 2).random("tree/two", 100_000, 3);
    world.dir("tree/sub").random("tree/sub/big", 40_000_000, 4).random("tree/sub/small", 1, 5);
    world.dir("far").dir("far/tree").dir("far/tree/big").file("far/tree/sub", "a file");
    let refused = scp(&world, "-r tree h:");
    assert_eq!(refused.code(), Some(1), "{refused}");
    let mut said: Vec<&str> = refused.stderr.lines().collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "scp: h: cannot overwrite directory './tree/big' with non-directory 'local:./tree/big'",
            "scp: h: cannot overwrite non-directory './tree/sub' with directory 'local:./tree/sub'"
        ]
    );
    assert!(world.same_bytes("tree/one", "far/tree/one") && world.same_bytes("tree/two", "far/tree/two"));
    // Later ones come when the window has opened.
    let there = travelled(&world, "to");
    assert!(there < 40_000_000, "{there} bytes");
    // A source that was named before.
    let again = scp(&world, "tree/big tree/big h:new");
    assert_eq!(again.code(), Some(1), "{again}");
    world.dir("far/new");
    scp(&world, "tree/big tree/big h:new")
        .succeeds_saying("scp: h: warning: source file 'local:tree/big' specified more than once\n");
    assert!(world.same_bytes("tree/big", "far/new/big"));
    let there = travelled(&world, "to");
    assert!(there < 60_000_000, "{there} bytes");
}

/// What this end has said to a peer that says what is in `lies`, but for the greeting.
fn heard(world: &World) -> Vec<Message> {
    let said = fs::read(world.path("heard")).expect("what was said");
    let mut rest = said.strip_prefix(GREETING).expect("a greeting");
    let mut heard = Vec::new();
    while !rest.is_empty() {
        heard.push(Message::read(frame::read(&mut rest).expect("a frame")).expect("a message"));
    }
    heard
}

/// A sender of before does not know the message that this is enough, and goes on; so it does behind this machine.
#[test]
fn only_a_sender_that_knows_of_it_hears_that_this_is_enough() {
    let world = World::new();
    world.dir("far");
    let [data, end] = content(1, b"text");
    let said = [operands(&["f"]), entry(1, "f", Kind::File, 4), data, end, Message::Finish];
    for (features, is_told) in [(&["missed", "operands"][..], false), (&["missed", "enough"], true)] {
        lie_with(&world, features, &said);
        let script = "#!/bin/bash\nwhile [ \"$1\" != -- ]; do shift; done\n\
             [ $2 = old ] && { cat lies; exec cat > heard; }\nshift 2\ncd far\nexec sh -c \"$*\"\n";
        world.file("ssh", script);
        for words in ["old:f nodir/x", "old:f h:nodir/x"] {
            let failed = scp(&world, words);
            assert_eq!(failed.code(), Some(1), "{failed}");
            assert!(
                failed.stderr.ends_with("cannot create regular file 'nodir/x': No such file or directory\n"),
                "{failed}"
            );
            let heard = heard(&world);
            assert_eq!(heard.contains(&Message::Enough { id: 0 }), is_told, "{words} {heard:?}");
            assert_eq!(heard.last(), Some(&Message::Finished(Verdict::Failed)), "{words}");
        }
    }
}

#[test]
fn what_is_resumed_is_verified_as_all_else() {
    let world = World::new();
    ssh(&world, "ssh", "", "");
    world.random("a", 2_500_000, 1).dir("far").random("far/b", 2_500_000, 2);
    ssh(&world, "ssh", &flip(1_500_000), "");
    let mended = scp(&world, "--resume a h:b");
    let said = "scp: h: warning: bytes 1048576 to 2097152 of 'local:./a' arrived damaged, and were sent again\n";
    mended.succeeds_saying(said);
    assert!(world.same_bytes("a", "far/b"));
    // A cut, and the same command once more.
    for at in [100, 400, 70_000, 1_500_000, 2_500_000] {
        world.random("far/b", 2_500_000, 2);
        ssh(&world, "ssh", &cut(at), "");
        assert_eq!(scp(&world, "--resume a h:b").code(), Some(1), "{at}");
        ssh(&world, "ssh", "", "");
        scp(&world, "--resume a h:b").succeeds();
        assert!(world.same_bytes("a", "far/b"), "{at}");
    }
    // A file that is named twice, and one that cannot be written over.
    world.dir("far/d").dir("far/d/a");
    let said = scp(&world, "--resume a h:d");
    said.fails("scp: h: cannot overwrite directory 'd/a' with non-directory 'local:./a'\n");
    scp(&world, "--resume a ./a h:")
        .succeeds_saying("scp: h: warning: source file 'local:./a' specified more than once\n");
    // Between two machines, too.
    world.random("far/x", 200_000, 3);
    scp(&world, "--resume g:x h:y").succeeds();
    scp(&world, "--resume g:x h:y").succeeds();
    assert!(world.same_bytes("far/x", "far/y"));
}

// ---- what was not finished ----

const MIB: u64 = 1 << 20;

/// What lies in a directory beside these names, which is one part.
fn part_in(world: &World, directory: &str, names: &[&str]) -> String {
    let all = world.names(directory).into_iter().map(|name| name.to_string_lossy().into_owned());
    let others: Vec<_> = all.filter(|name| !names.contains(&name.as_str())).collect();
    assert!(others.len() == 1 && others[0].starts_with(".safecp-partial-"), "{others:?}");
    format!("{directory}/{}", others[0])
}

/// As typed, where a part may be left behind.
fn scp_leaving(world: &World, words: &str) -> Output {
    let program = asked::as_a_word(&asked::program());
    world.start(&format!("--as=scp -S./ssh --far-program={} {words}", program.display())).finish()
}

#[test]
fn what_was_not_finished_of_a_large_file_does_not_travel_again() {
    let world = World::new();
    // Longer than what has a part, and shorter.
    world.dir("far").random("a", 70 << 20, 1).random("small", 3 << 20, 2).file("far/old", "old");
    let cut_at = 40 << 20;
    ssh(&world, "ssh", &cut(cut_at), "");
    assert_eq!(scp(&world, "a h:old").code(), Some(1));
    assert_eq!(world.names("far"), ["old"], "nobody asked for it");
    assert_eq!(scp_leaving(&world, "--partial a h:old").code(), Some(1));
    let part = part_in(&world, "far", &["old"]);
    assert_eq!(world.read("far/old"), "old");
    // A part that has rotted, the next run begins with another file, and one more cut: only bytes are believed.
    let mut rotten = fs::read(world.path(&part)).expect("a part");
    rotten[10_000_000] ^= 1;
    fs::write(world.path(&part), rotten).expect("written");
    counting_ssh(&world);
    scp_leaving(&world, "--partial small a h:").succeeds();
    assert!(world.same_bytes("a", "far/a") && world.same_bytes("small", "far/small"));
    assert!(travelled(&world, "to") > 73 * MIB, "another name has another part");
    scp(&world, "--partial --report=report a h:old").succeeds();
    assert!(is_continued(&world, "old"), "{}", world.read("report"));
    let there = travelled(&world, "to");
    assert!((30 * MIB..35 * MIB).contains(&there), "{there} bytes: the rest, and what has rotted");
    assert!(world.same_bytes("a", "far/old"));
    assert_eq!(world.names("far"), ["a", "old", "small"]);
    // Back, where this end is the one that keeps it; and the source has changed in between.
    world.dir("d");
    ssh(&world, "ssh", "", &cut(cut_at));
    assert_eq!(scp_leaving(&world, "--partial --resume h:a d").code(), Some(1));
    part_in(&world, "d", &[]);
    let mut changed = fs::read(world.path("far/a")).expect("a file");
    changed[20_000_000] ^= 1;
    fs::write(world.path("far/a"), changed).expect("written");
    counting_ssh(&world);
    scp(&world, "--partial --resume --report=report h:a d").succeeds();
    assert!(is_continued(&world, "d/a"), "{}", world.read("report"));
    let there = travelled(&world, "from");
    assert!((30 * MIB..35 * MIB).contains(&there), "{there} bytes: the rest, and what has changed");
    assert!(world.same_bytes("far/a", "d/a"));
    assert_eq!(world.names("d"), ["a"]);
    // Between two others.
    ssh(&world, "ssh", "", &cut(cut_at));
    assert_eq!(scp_leaving(&world, "--partial h:a g:old").code(), Some(1));
    ssh(&world, "ssh", "", "");
    scp(&world, "--partial h:a g:old").succeeds();
    assert!(world.same_bytes("far/a", "far/old"));
    assert_eq!(world.names("far"), ["a", "old", "small"]);
}

/// Whether the report tells of a file that its copy went on with a part; of the others it tells nothing.
fn is_continued(world: &World, name: &str) -> bool {
    let all = world.read("report").matches("\"continued\"").count();
    all == 1 && lines_of(world, "report", name)[0]["continued"] == serde_json::Value::Bool(true)
}

#[test]
fn parts_are_refused_where_there_are_none() {
    let world = World::new();
    world.file("a", "a");
    lie(&world, &[]);
    scp(&world, "--partial a h:b").fails("scp: h: the safecp there is too old for --partial\n");
    let said = "scp: h: SFTP keeps no parts of files (--partial)\n";
    scp(&world, "--partial -s a h:b").fails(said);
    // On this machine it is that of cp.
    scp(&world, "--partial a b").succeeds();
    assert_eq!(world.read("b"), "a");
}

// ---- what is told of a run ----

#[test]
fn what_arrives_here_is_written_down() {
    let world = world();
    plain_tree(&world, "far/tree");
    scp(&world, "-rp --manifest=list --report=report h:tree .").succeeds();
    diff(&world, "far/tree", "tree");
    // Another copy of the far tree is what the list says; one that differs is not.
    let check = |tree: &str| world.cp(&format!("--check list {tree}"));
    assert_eq!(check(".").code(), Some(0), "{}", check("."));
    let digest = blake3::hash(&fs::read(world.path("far/tree/large")).expect("a file")).to_string();
    let report = world.read("report");
    let line = report.lines().find(|line| line.contains("tree/large\"")).expect("a line");
    assert!(line.contains(&digest) && line.contains("\"source\":\"h:./tree/large\""), "{line}");
    assert!(report.lines().last().is_some_and(|end| end.contains("\"succeeded\":true")), "{report}");
    world.file("tree/sub/one", "2");
    assert_eq!(check(".").code(), Some(1));
    // A name of its own, and what fails.
    scp(&world, "-rp --manifest=list h:tree new").succeeds();
    assert_eq!(world.cp("--check list new").code(), Some(0));
    assert_eq!(scp(&world, "--report=report h:none .").code(), Some(1));
    assert!(world.read("report").contains("\"succeeded\":false"), "{}", world.read("report"));
    // A target of which it cannot be told whether it is there is no new name: the list before it stays.
    let before = world.read("list");
    world.symlink("circle", "circle");
    let said = "scp: failed to access 'circle': Too many levels of symbolic links\n";
    scp(&world, "-rp --manifest=list h:tree circle").fails(said);
    assert_eq!(world.read("list"), before);
}

/// The lines of a report that are about a name, as values.
fn lines_of(world: &World, report: &str, name: &str) -> Vec<serde_json::Value> {
    let lines = world.read(report);
    let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines.filter(|line| line["target"].as_str().is_some_and(|target| target.ends_with(name))).collect()
}

#[test]
fn what_goes_elsewhere_is_written_down_here_as_it_is_there() {
    let world = world();
    plain_tree(&world, "tree");
    world.dir("far");
    let check = |list: &str, tree: &str| world.cp(&format!("--check {list} {tree}"));
    // Into a directory that is there, and under a name of its own.
    for (target, there, line) in [("h:", "far", "h:./tree/large"), ("h:new", "far/new", "h:new/large")] {
        scp(&world, &format!("-rp --manifest=list --report=report tree {target}")).succeeds();
        let checked = check("list", there);
        assert_eq!(checked.code(), Some(0), "{target}: {checked}");
        // b3sum's own digest of what is there.
        let digest = blake3::hash(&fs::read(world.path("far/tree/large")).expect("a file")).to_string();
        let told = lines_of(&world, "report", "/large");
        let of = |key: &str| told[0][key].as_str().unwrap_or_default().to_owned();
        assert_eq!((told.len(), of("what"), of("blake3")), (1, "copied".into(), digest), "{told:?}");
        assert_eq!((of("source"), of("target"), of("verified")), ("tree/large".into(), line.into(), "content".into()));
        assert_eq!((told[0]["bytes"].as_u64(), of("placement")), (Some(3_300_000), "new".into()), "{told:?}");
        let report = world.read("report");
        let end: serde_json::Value = serde_json::from_str(report.lines().last().expect("an end")).expect("JSON");
        let files = world.shell("find tree -type f -printf x").stdout.len();
        let found = (end["files"].as_u64(), end["verified"].as_u64(), end["succeeded"].as_bool());
        assert_eq!(found, (Some(files as u64), Some(files as u64), Some(true)), "{report}");
        assert_eq!(lines_of(&world, "report", "/sub/deep").len(), 1, "{report}");
    }
    // Its chunks are there, too: one byte is mended by them.
    world.shell("printf x | dd of=far/new/large bs=1 seek=2000000 conv=notrunc; touch -r tree/large far/new/large");
    let damaged = check("list", "far/new");
    assert!(damaged.code() == Some(1) && damaged.stdout.contains("large"), "{damaged}");
    let repaired = world.cp("--repair list far/new --from tree");
    assert!(world.same_bytes("tree/large", "far/new/large"), "{repaired}");
    // What was there already is written down as well.
    scp(&world, "-rp --resume --manifest=list --report=report tree h:new/..").succeeds();
    assert_eq!(check("list", "far").code(), Some(0));
    assert_eq!(lines_of(&world, "report", "/large")[0]["thing"].as_str(), Some("same already"));
}

#[test]
fn lists_of_what_goes_elsewhere_are_those_of_other_tools() {
    let world = world();
    plain_tree(&world, "tree");
    for (format, tool) in [("b3sum", "b3sum"), ("sha256sum", "sha256sum")] {
        if !common::has_tool(tool) {
            continue;
        }
        // No list of b3sum has a name that is no UTF-8, or with a line feed.
        world.shell("rm -rf far; mkdir far; rm -f tree/sub/two* tree/sub/*x");
        scp(&world, &format!("-r --manifest=list --manifest-format={format} tree h:")).succeeds();
        let checked = world.shell(&format!("cd far && {tool} -c ../list"));
        assert_eq!(checked.code(), Some(0), "{tool}: {}{}", checked.stdout, checked.stderr);
        let (files, lines) =
            (world.shell("find tree -type f -printf x").stdout.len(), world.read("list").lines().count());
        assert_eq!(files, lines, "{tool}");
    }
}

#[test]
fn an_archive_that_goes_elsewhere_is_written_down_with_all_that_it_keeps() {
    let world = world();
    world.every_kind("tree").file("tree/first", "several").link("tree/first", "tree/second");
    world.set_xattr("tree/first", "user.a", b"1").dir("far");
    scp(&world, "--archive --manifest=list --report=report tree h:").succeeds();
    let checked = world.cp("--check list far --strict");
    assert_eq!(checked.code(), Some(0), "{checked}");
    assert_eq!(lines_of(&world, "report", "/second")[0]["thing"].as_str(), Some("hard link"));
    // As it is written down where it is.
    assert_eq!(world.cp("--manifest=other far/tree").code(), Some(0));
    let lines = |list: &str, strip: &str| {
        let text = world.read(list);
        let lines: Vec<String> =
            text.lines().filter(|line| line.starts_with("./")).map(|line| line.replacen(strip, "./", 1)).collect();
        lines
    };
    let there = lines("other", "./");
    let here: Vec<String> = lines("list", "./tree/");
    assert_eq!(here.iter().filter(|line| there.contains(line)).count(), there.len(), "{here:#?} {there:#?}");
}

#[test]
fn what_fails_elsewhere_is_written_down_here() {
    let world = world();
    world.file("a", "a").file("b", "b").dir("far").dir("far/b");
    let listed = "scp: 'list' is not written: what could be listed is in 'list.incomplete'\n";
    for (option, more) in [("--report=report", ""), ("--report=report --manifest=list", listed)] {
        let said = scp(&world, &format!("{option} a b none h:"));
        said.fails(&format!(
            "scp: h: cannot overwrite directory './b' with non-directory 'local:./b'\n\
             scp: h: cannot stat 'local:./none': No such file or directory\n{more}"
        ));
        let report = world.read("report");
        let failed: Vec<&str> = report.lines().filter(|line| line.contains("\"what\":\"failed\"")).collect();
        assert!(failed.len() == 2 && failed[0].contains("cannot overwrite directory"), "{report}");
        assert!(report.ends_with('\n') && report.contains("\"succeeded\":false"), "{report}");
        assert_eq!(lines_of(&world, "report", "/a").len(), 1, "{report}");
    }
    // A cut: what has arrived has a line, and the end says that it is not all.
    world.random("large", 3_000_000, 1);
    ssh(&world, "ssh", &cut(1_500_000), "");
    assert_eq!(scp(&world, "--report=report a large h:").code(), Some(1));
    let report = world.read("report");
    assert!(report.contains("\"succeeded\":false") && lines_of(&world, "report", "large").is_empty(), "{report}");
    assert!(!world.exists("far/large"));
}

#[test]
fn a_summary_counts_what_arrived_at_either_end() {
    let world = world();
    world.random("a", 100_000, 1).file("b", "b");
    for words in ["--summary a b h:", "--progress h:a h:b ."] {
        let said = scp(&world, words);
        assert_eq!(said.code(), Some(0), "{said}");
        assert!(said.stderr.contains("scp: copied 2 files, 100001 bytes"), "{words}: {said}");
        assert!(said.stderr.contains("verified 2 of 2"), "{words}: {said}");
    }
}

#[test]
fn a_rate_that_is_limited_is_kept() {
    let world = world();
    world.random("a", 300_000, 1);
    for (words, copy) in [("-l 2000 a h:b", "far/b"), ("-l 2000 h:a c", "c")] {
        fs::copy(world.path("a"), world.path("far/a")).map(drop).unwrap_or(());
        let began = std::time::Instant::now();
        scp(&world, words).succeeds();
        // 300,000 bytes at 256,000 a second, but for what goes before anybody waits.
        assert!(began.elapsed() >= std::time::Duration::from_millis(850), "{words}: {:?}", began.elapsed());
        assert!(world.same_bytes("a", copy));
    }
}

// ---- no safecp at the far end, but a shell ----

/// What stands in the place of ssh to a host where the directories for what passes are `far/tmp` alone. Its shell has `before`
/// done first.
fn bare_ssh(world: &World, before: &str, to_server: &str) {
    let to = if to_server.is_empty() { String::new() } else { format!("< <({to_server})") };
    let script = format!(
        "#!/bin/bash\nwhile [ \"$1\" != -- ]; do [ \"$1\" = -s ] && exit 1; shift; done\nshift 2\n\
         mkdir -p far/tmp; cd far || exit\nexport TMPDIR=$PWD/tmp XDG_RUNTIME_DIR=$PWD/tmp\n{before}\n\
         [[ $1 == *no-such* ]] && exec sh -c \"$*\"\nexec sh -c \"$*\" {to}\n"
    );
    world.file("ssh", script).chmod("ssh", 0o755);
}

/// As typed where no safecp is at the far end; ours may be sent.
fn scp_sending(world: &World, words: &str) -> Output {
    world.cp(&format!("--as=scp -S ./ssh --far-program=no-such-safecp {words}"))
}

#[test]
fn where_no_safecp_is_this_one_is_sent_and_leaves_nothing() {
    let world = World::new();
    bare_ssh(&world, "", "");
    world.random("a", 2_500_000, 1).every_kind("tree");
    let push = scp_sending(&world, "-v a h:b");
    is_well(&push);
    let way = "scp: h: no no-such-safecp there: by this one, sent there and checked, verified where it is written\n";
    assert!(push.stderr.contains(way), "{push}");
    is_well(&scp_sending(&world, "h:b c"));
    assert!(world.same_bytes("a", "far/b") && world.same_bytes("a", "c"));
    // What SFTP does not carry, and what needs safecp at both.
    is_well(&scp_sending(&world, "--archive tree h:"));
    world.assert_same_tree("tree", "far/tree");
    is_well(&scp_sending(&world, "g:b h:d"));
    assert!(world.same_bytes("a", "far/d"));
    assert!(world.names("far/tmp").is_empty());
}

#[test]
fn what_a_program_that_was_sent_makes_has_the_modes_of_that_account() {
    for (umask, mode) in [("022", 0o644), ("027", 0o640), ("077", 0o600)] {
        let world = World::new();
        bare_ssh(&world, &format!("umask {umask}"), "");
        world.file("a", "a").chmod("a", 0o644);
        is_well(&scp_sending(&world, "a h:b"));
        let found = fs::metadata(world.path("far/b")).expect("a file");
        assert_eq!(found.mode() & 0o7777, mode, "umask {umask}");
    }
}

#[test]
fn a_program_is_sent_only_where_it_may_and_can_run() {
    let world = World::new();
    world.file("a", "a").dir("far").file("far/text", "no program");
    let in_path = |name: &str, script: &str| {
        world.dir(&format!("far/{name}")).file(format!("far/{name}/{script}"), "#!/bin/sh\nexit 1\n");
        world.chmod(&format!("far/{name}/{script}"), 0o755);
    };
    in_path("none", "sha256sum");
    in_path("nowhere", "mktemp");
    for tool in ["openssl", "shasum"] {
        world.file(format!("far/none/{tool}"), "#!/bin/sh\nexit 1\n").chmod(&format!("far/none/{tool}"), 0o755);
    }
    world.dir("far/arm").file("far/arm/uname", "#!/bin/sh\necho Linux aarch64\n").chmod("far/arm/uname", 0o755);
    world.dir("far/wrong").file("far/wrong/sha256sum", "#!/bin/sh\ncat >/dev/null; echo 0123 -\n");
    world.chmod("far/wrong/sha256sum", 0o755);
    for (before, option, why) in [
        ("", "--upload=never", " (--far-program=PROGRAM says where it is)"),
        ("", "--upload=/none/such", ", and none can be sent: it cannot be read: No such file or directory"),
        ("", "--upload=far/text", ", and none can be sent: it is no program for a machine that is known"),
        ("PATH=$PWD/arm:$PATH", "--upload=own", ", and none can be sent: that is another kind of machine"),
        ("PATH=$PWD/none:$PATH", "--upload=own", ", and none can be sent: nothing there can check it"),
        ("PATH=$PWD/nowhere:$PATH", "--upload=own", ", and none can be sent: no directory there can execute it"),
        ("PATH=$PWD/wrong:$PATH", "--upload=own", ", and none can be sent: it did not arrive whole"),
    ] {
        bare_ssh(&world, before, "");
        let refused = scp_sending(&world, &format!("{option} a h:b"));
        assert_eq!(refused.code(), Some(1), "{option} {refused}");
        assert!(refused.stderr.contains(&format!("scp: h: no no-such-safecp there{why}")), "{option} {refused}");
        assert!(!world.exists("far/b") && world.names("far/tmp").is_empty(), "{before} {option}");
    }
}

#[test]
fn a_program_that_is_cut_on_its_way_is_not_started_and_not_left() {
    let world = World::new();
    world.file("a", "a").dir("far");
    let program = fs::metadata(asked::program()).expect("the program").len();
    let program = usize::try_from(program).expect("a size");
    for at in [0, 1, 1 << 20, program - 1, program, program + 1, program + 40, program + 300] {
        world.file("far/b", "old");
        bare_ssh(&world, "", &cut(at));
        let ended = scp_sending(&world, "a h:b");
        assert!(ended.code() == Some(1) || world.read("far/b") == "a", "{at} {ended}");
        assert!(["a", "old"].contains(&world.read("far/b").as_str()), "{at} {ended}");
        // The far end may be at work still when this one has ended.
        let is_gone = || world.names("far/tmp").is_empty();
        (0..100).take_while(|_| !is_gone()).for_each(|_| std::thread::sleep(std::time::Duration::from_millis(50)));
        assert!(is_gone(), "{at} {ended}");
    }
    // A byte that changed on its way.
    bare_ssh(&world, "", &flip(500_000));
    let refused = scp_sending(&world, "a h:c");
    assert!(refused.stderr.contains("it did not arrive whole") && !world.exists("far/c"), "{refused}");
    assert!(world.names("far/tmp").is_empty());
}

// ---- no safecp at the far end ----

/// What a shell at the far end does with a command.
const SHELL: &str = "exec sh -c \"$*\"";

/// What a forced internal-sftp does with it.
const ONLY_SFTP: &str = "exec $server";

/// In the place of ssh: a subsystem is Debian's SFTP server behind a filter, and a command goes to `shell`.
fn sftp_ssh(world: &World, shell: &str, to_server: &str) {
    let server = far::server().expect("an SFTP server");
    let to = if to_server.is_empty() { String::new() } else { format!("< <({to_server})") };
    let script = format!(
        "#!/bin/bash\nserver={server}\nwhile [ \"$1\" != -- ]; do [ \"$1\" = -s ] && is_subsystem=1; shift; done\n\
         shift 2\nmkdir -p far; cd far || exit\n\
         if [ $is_subsystem ]; then [ \"$1\" = sftp ] || exit; echo sftp >> ../channels; exec $server {to}; fi\n\
         echo shell >> ../channels\n{shell}\n"
    );
    world.file("ssh", script).chmod("ssh", 0o755);
}

/// A world whose far end has SFTP; `None`, which is said, where this machine has no server.
fn sftp_world(shell: &str) -> Option<World> {
    if far::server().is_none() {
        left_out("needs openssh-sftp-server");
        return None;
    }
    let world = World::new();
    sftp_ssh(&world, shell, "");
    world.dir("far");
    Some(world)
}

/// As typed where no safecp is at the far end.
fn scp_without(world: &World, words: &str) -> Output {
    world.cp(&format!("--as=scp -S ./ssh --far-program=no-such-safecp --upload=never {words}"))
}

#[track_caller]
fn is_well(said: &Output) {
    assert_eq!(said.code(), Some(0), "{said}");
}

#[test]
fn without_safecp_there_files_go_over_sftp_and_come_back() {
    for (shell, why) in [(SHELL, "no no-such-safecp there"), (ONLY_SFTP, "no-such-safecp does not start there")] {
        let Some(world) = sftp_world(shell) else { return };
        world.random("a", 2_500_000, 1).file("far/b", "old");
        let push = scp_without(&world, "-v a h:b");
        is_well(&push);
        let by = if shell == SHELL { "verified by " } else { "verified by reading back from there\n" };
        assert!(push.stderr.contains(&format!("scp: h: {why}: over SFTP, {by}")), "{push}");
        assert_eq!(push.stdout, "'a' -> 'h:./b'\n");
        let pull = scp_without(&world, "-v h:~/b c");
        is_well(&pull);
        let by = if shell == SHELL { "verified by " } else { "verified by reading twice from there\n" };
        assert!(pull.stderr.contains(&format!("scp: h: {why}: over SFTP, {by}")), "{pull}");
        assert_eq!(pull.stdout, "'h:./b' -> 'c'\n");
        assert!(world.same_bytes("a", "far/b") && world.same_bytes("a", "c"));
        is_well(&scp_without(&world, "a u@h:"));
        assert!(world.same_bytes("a", "far/a"));
    }
}

#[test]
fn trees_and_times_go_over_sftp() {
    for shell in [SHELL, ONLY_SFTP] {
        let Some(world) = sftp_world(shell) else { return };
        plain_tree(&world, "tree");
        world.chmod("tree/sub/one", 0o751).times("tree/sub/one", (5, 0), (7, 0));
        is_well(&scp_without(&world, "-rp tree h:new"));
        is_well(&scp_without(&world, "-rp h:new ."));
        diff(&world, "tree", "far/new");
        diff(&world, "tree", "new");
        for copy in ["far/new/sub/one", "new/sub/one"] {
            assert_eq!((world.mode(copy), world.stat(copy).mtime()), (0o751, 7), "{copy}");
        }
        is_well(&scp_without(&world, "h:new/sub/o*e h:new/l?rge ."));
        assert!(world.same_bytes("tree/large", "large") && world.read("one") == "1");
        assert_eq!(world.temporaries(), Vec::<PathBuf>::new());
    }
}

#[test]
fn sftp_that_is_asked_for_is_taken_at_once() {
    let Some(world) = sftp_world(ONLY_SFTP) else { return };
    world.file("a", "a");
    let said = scp(&world, "-sv a h:");
    is_well(&said);
    assert!(said.stderr.contains("scp: h: SFTP as asked: over SFTP, verified by reading back from there\n"), "{said}");
    // One for files and one for digests, and none for safecp.
    let mut channels: Vec<String> = world.read("channels").lines().map(str::to_owned).collect();
    channels.sort_unstable();
    assert_eq!((world.read("far/a").as_str(), channels), ("a", vec!["sftp".to_owned(), "shell".to_owned()]));
    // And where safecp is, it is taken.
    sftp_ssh(&world, SHELL, "");
    fs::remove_file(world.path("channels")).expect("removed");
    let said = scp(&world, "-v a h:b");
    is_well(&said);
    assert!(said.stderr.contains(" there, verified where it is written\n"), "{said}");
    assert_eq!(world.read("channels"), "shell\n");
}

#[test]
fn over_sftp_a_failure_leaves_the_old_file() {
    for shell in [SHELL, ONLY_SFTP] {
        let Some(world) = sftp_world(shell) else { return };
        world.random("new", 1_200_000, 1).file("old", "old").file("far/f", "old");
        sftp_ssh(&world, shell, &flip(600_000));
        let failed = scp_without(&world, "new h:f");
        assert_eq!((failed.code(), world.read("far/f").as_str()), (Some(1), "old"), "{failed}");
        assert!(failed.stderr.ends_with("scp: 'h:./f' differs from its source after the copy\n"), "{failed}");
        // A cut leaves a temporary there, which the next run removes.
        sftp_ssh(&world, shell, &cut(600_000));
        let words = ["--as=scp", "-S", "./ssh", "--far-program=no-such-safecp", "--upload=never", "new", "h:f"];
        let program = asked::as_a_word(&asked::program());
        let ended = Command::new(program).args(words).current_dir(world.path(".")).output().expect("safecp runs");
        assert_eq!((ended.status.code(), world.read("far/f").as_str()), (Some(1), "old"), "{ended:?}");
        assert_eq!(world.temporaries().len(), 1);
        sftp_ssh(&world, shell, "");
        is_well(&scp_without(&world, "new h:f"));
        assert!(world.same_bytes("new", "far/f"));
        assert_eq!(world.temporaries(), Vec::<PathBuf>::new());
        let failed = scp_without(&world, "h:none old");
        assert_eq!((failed.code(), world.read("old").as_str()), (Some(1), "old"), "{failed}");
        assert!(failed.stderr.ends_with("scp: cannot stat 'h:./none': No such file or directory\n"), "{failed}");
    }
}

/// Whoever copies between several machines has to know of which one a name is.
#[test]
fn what_is_said_of_a_far_name_has_its_host_over_sftp() {
    let Some(world) = sftp_world(SHELL) else { return };
    world.file("a", "a").dir("d").dir("to").dir("there").file("there/a", "a");
    world
        .dir("far/dir")
        .file("far/dir/a", "1")
        .file("far/dir/b", "1")
        .fifo("far/fifo")
        .dir("far/deep")
        .dir("far/deep/a");
    world.symlink("../dir", "far/dir/circle").symlink("none", "far/dangling").file("far/x", "x");
    for (words, said) in [
        ("h:dir to", "-r not specified; omitting directory 'h:./dir'"),
        ("h:fifo to", "'h:./fifo': not a regular file"),
        ("-r h:none* to", "cannot stat 'h:./none*': No such file or directory"),
        ("-r h:dir to", "cannot access 'h:dir/circle': Too many levels of symbolic links"),
        ("h:dangling to", "cannot stat 'h:./dangling': No such file or directory"),
        ("h:x h:dir/../x to", "warning: source file 'h:dir/../x' specified more than once"),
        ("h:dir/a h:x/../dir/b h:deep/a to", "-r not specified; omitting directory 'h:deep/a'"),
        ("-r h:fifo h:dir/../fifo to", "'h:dir/../fifo': not a regular file"),
        ("a there/a h:", "will not overwrite just-created 'h:./a' with 'there/a'"),
        ("a h:deep", "cannot overwrite directory 'h:deep/a' with non-directory"),
        ("a h:fifo", "cannot replace 'h:./fifo': it is not a regular file"),
        ("-r d h:x", "cannot create directory 'h:./x': Not a directory"),
        ("a d/../a h:none", "target 'h:./none': No such file or directory"),
        ("a h:none/b", "cannot create regular file 'h:none/b': No such file or directory"),
    ] {
        let heard = scp_without(&world, words);
        assert!(heard.stderr.contains(&format!("\nscp: {said}")), "{words}: {heard}");
    }
}

#[test]
fn a_source_that_ends_before_its_size_is_no_copy_over_sftp() {
    let Some(world) = sftp_world(SHELL) else { return };
    world.random("a", 100_000, 1).file("far/b", "old");
    let words = "--as=scp -S./ssh -s a h:b";
    let Some(traced) = world.cp_traced_on(Some("a"), "pread64", &["pread64:retval=0"], words) else { return };
    traced.output.fails("scp: 'a' was truncated while being copied\n");
    assert_eq!(world.read("far/b"), "old");
    assert_eq!(world.temporaries(), Vec::<PathBuf>::new());
}

#[test]
fn what_goes_and_comes_over_sftp_is_written_down_here() {
    for shell in [SHELL, ONLY_SFTP] {
        let Some(world) = sftp_world(shell) else { return };
        plain_tree(&world, "tree");
        world.chmod("tree/sub/one", 0o751);
        for (target, there, line) in [("h:", "far", "/tree/large"), ("h:new", "far/new", "/new/large")] {
            is_well(&scp_without(&world, &format!("-rp --manifest=list --report=report tree {target}")));
            diff(&world, "tree", if there == "far" { "far/tree" } else { there });
            let checked = world.cp(&format!("--check list {there}"));
            assert_eq!(checked.code(), Some(0), "{target}: {checked}");
            let told = lines_of(&world, "report", line);
            let digest = blake3::hash(&fs::read(world.path("tree/large")).expect("a file")).to_string();
            let verified = told[0]["verified"].as_str();
            assert_eq!((told.len(), told[0]["blake3"].as_str()), (1, Some(digest.as_str())), "{told:?}");
            assert_eq!(verified, Some(if shell == SHELL { "far digest" } else { "content" }), "{told:?}");
        }
        // Every name is in the list, once.
        let names = world.shell("grep -c '^\\.' list").stdout;
        assert_eq!(names, world.shell("find far/new -printf '.\\n' | wc -l").stdout);
        // One that changes is found, by its content and by its mode.
        world.shell("printf x | dd of=far/new/large bs=1 seek=2000000 conv=notrunc");
        world.chmod("far/new/sub/one", 0o700);
        let damaged = world.cp("--check list far/new");
        assert_eq!(damaged.code(), Some(1));
        assert!(damaged.stdout.contains("large") && damaged.stdout.contains("sub/one"), "{damaged}");
        world.shell("rm -r far/new; cp -a tree far/new");
        // And back.
        for (target, here) in [(".", "back"), ("back", "back")] {
            world.shell("rm -rf back; mkdir hold; mv tree hold/back; mv far/new far/back 2>/dev/null; true");
            is_well(&scp_without(&world, &format!("-rp --manifest=list --report=report h:back {target}")));
            diff(&world, "hold/back", here);
            let checked = world.cp(&format!("--check list {}", if target == "." { "." } else { here }));
            assert_eq!(checked.code(), Some(0), "{target}: {checked}");
            assert_eq!(lines_of(&world, "report", "back/large").len(), 1);
            world.shell("mv hold/back tree; rmdir hold");
        }
        for tool in ["b3sum", "sha256sum"] {
            if !common::has_tool(tool) {
                continue;
            }
            world.shell("rm -rf far/tree; rm -f tree/sub/two* tree/sub/*x");
            is_well(&scp_without(&world, &format!("-r --manifest=list --manifest-format={tool} tree h:")));
            let checked = world.shell(&format!("cd far && {tool} -c ../list"));
            assert_eq!(checked.code(), Some(0), "{tool}: {}{}", checked.stdout, checked.stderr);
        }
    }
}

#[test]
fn the_list_has_a_link_that_was_followed_over_sftp() {
    for shell in [SHELL, ONLY_SFTP] {
        let Some(world) = sftp_world(shell) else { return };
        world.file("a", "new").file("far/real", "old").dir("far/dir").symlink("../re al", "far/dir/to none");
        world.symlink("real", "far/link").symlink("../real", "far/dir/a");
        for (options, target, root, name) in [
            ("", "h:link", "far", "./link"),
            ("--resume", "h:link", "far", "./link"),
            ("-p", "h:dir", "far/dir", "./a"),
            ("", r"h:dir/to\040none", "far/dir", r"./to\040none"),
        ] {
            let words = ["--as=scp", "-S./ssh", "--far-program=no-such-safecp", "--upload=never", "--manifest=list"];
            let words = words.into_iter().chain(options.split_whitespace()).map(str::to_owned);
            let words = words.chain(["a".to_owned(), target.replace(r"\040", " ")]);
            is_well(&world.cp_args(words));
            // What readlink says, and no digest: that is how a list has a link.
            let list = world.read("list");
            let line = list.lines().find(|line| line.starts_with(&format!("{name} "))).expect("the link");
            let path = PathBuf::from(root).join(name.replace(r"\040", " "));
            let text = fs::read_link(world.path(&path)).expect("a link").display().to_string().replace(' ', r"\040");
            assert!(line.contains("type=link") && line.contains(&format!("link={text}")), "{line}");
            let checked = world.cp(&format!("--check list {root}"));
            assert_eq!(checked.code(), Some(0), "{target}: {checked}");
        }
        assert_eq!((world.read("far/real"), world.read("far/re al")), ("new".into(), "new".into()));
        world.shell("ln -sfn elsewhere 'far/dir/to none'");
        assert_eq!(world.cp("--check list far/dir").code(), Some(1));
    }
}

#[test]
fn what_a_pattern_may_stand_for_is_copied_or_said() {
    // The path of the second is too long for the kernel.
    let long = "b".repeat(40);
    let middle = "./".repeat(2030);
    for is_ours in [true, false] {
        let Some(world) = sftp_world(SHELL) else { return };
        if is_ours {
            ssh(&world, "ssh", "", "");
        }
        world
            .dir("far/a")
            .file("far/a/x1", "1")
            .dir(&format!("far/{long}"))
            .file(format!("far/{long}/x2"), "2")
            .dir("to");
        world.symlink("circle", "far/circle").file("far/plain", "");
        let words = format!("h:*/{middle}x? to");
        let copied = if is_ours { scp(&world, &words) } else { scp_without(&world, &words) };
        assert_eq!((copied.code(), world.names("to")), (Some(1), vec![OsString::from("x1")]), "{copied}");
        assert!(copied.stderr.contains(&format!("{long}/./")), "{copied}");
        // What is no directory, or leads in a circle, has no names.
        let words = "h:*/x1 to";
        let copied = if is_ours { scp(&world, words) } else { scp_without(&world, words) };
        is_well(&copied);
    }
}

#[test]
fn what_is_there_and_holds_the_same_does_not_travel_again_over_sftp() {
    for shell in [SHELL, ONLY_SFTP] {
        let Some(world) = sftp_world(shell) else { return };
        plain_tree(&world, "tree");
        world.random("tree/other", 2_500_000, 2).random("tree/longer", 100_000, 3);
        let counted = || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            (world.stat("to").size(), world.stat("from").size())
        };
        let counting = || {
            let server = far::server().expect("an SFTP server");
            let script = fs::read_to_string(world.path("ssh")).expect("a script");
            let counting = script.replace("exec $server ;", "exec ../counted;");
            world.file("counted", format!("#!/bin/sh\ntee ../to | {server} | tee ../from\n")).chmod("counted", 0o755);
            world.file("ssh", counting).chmod("ssh", 0o755);
        };
        counting();
        is_well(&scp_without(&world, "-rp tree h:"));
        let inode = world.inode("far/tree/large");
        // Times tell nothing, and content everything: one byte in the middle of a file of the same size and time.
        world.times("far/tree/large", (1, 0), (3, 0)).chmod("far/tree/large", 0o600);
        let mut other = fs::read(world.path("far/tree/other")).expect("a file");
        other[1_300_000] ^= 1;
        fs::write(world.path("far/tree/other"), &other).expect("written");
        world.shell("touch -r tree/other far/tree/other; truncate -s -5 far/tree/longer");
        is_well(&scp_without(&world, "-rp --resume --report=report --manifest=list tree h:"));
        diff(&world, "tree", "far/tree");
        assert_eq!(world.inode("far/tree/large"), inode, "it stays");
        assert_eq!(world.mode("tree/large"), world.mode("far/tree/large"));
        assert_eq!(world.stat("tree/large").mtime(), world.stat("far/tree/large").mtime());
        let (to, _) = counted();
        assert!((2_600_000..2_700_000).contains(&to), "{shell}: {to} bytes: the other files alone");
        let thing = |name: &str| {
            let line = lines_of(&world, "report", name)[0].clone();
            (line["what"].as_str().unwrap_or_default().to_owned(), line["thing"].as_str().map(str::to_owned))
        };
        assert_eq!(thing("tree/large"), ("made".into(), Some("same already".into())));
        assert_eq!(thing("tree/other").0, "copied");
        let checked = world.cp("--check list far");
        assert_eq!(checked.code(), Some(0), "{checked}");
        is_well(&scp_without(&world, "-rp --resume tree h:"));
        assert!(counted().0 < 60_000, "{shell}: {:?}", counted());
        // Back, with one that differs, one that is shorter, and one that is missing.
        world.dir("back").random("back/large", 3_300_000, 1);
        fs::write(world.path("back/other"), &other).expect("written");
        world.file("back/longer", "short");
        let inode = world.inode("back/large");
        is_well(&scp_without(&world, "-rp --resume --report=report h:tree/. back"));
        diff(&world, "tree", "back");
        assert_eq!((world.inode("back/large"), thing("back/large").0.as_str()), (inode, "made"));
        assert_eq!(world.stat("tree/large").mtime(), world.stat("back/large").mtime());
        is_well(&scp_without(&world, "-rp --resume h:tree/. back"));
        if shell == SHELL {
            assert!(counted().1 < 200_000, "{shell}: {:?}", counted());
        }
        assert_eq!(world.temporaries(), Vec::<PathBuf>::new());
    }
}

#[test]
fn a_copy_over_sftp_that_was_cut_is_ended_by_resuming() {
    for shell in [SHELL, ONLY_SFTP] {
        let Some(world) = sftp_world(shell) else { return };
        world.dir("tree");
        for number in 0..300 {
            world.file(format!("tree/{number}"), number.to_string().repeat(number));
        }
        world.random("tree/large", 1_200_000, 1);
        for at in [0, 60, 5_000, 60_000, 700_000, 1_250_000] {
            sftp_ssh(&world, shell, &cut(at));
            let words =
                ["--as=scp", "-S", "./ssh", "--far-program=no-such-safecp", "--upload=never", "-r", "tree", "h:"];
            let program = asked::as_a_word(&asked::program());
            let ended = Command::new(program).args(words).current_dir(world.path(".")).output().expect("safecp runs");
            assert_eq!(ended.status.code(), Some(1), "{at}: {ended:?}");
            sftp_ssh(&world, shell, "");
            is_well(&scp_without(&world, "-r --resume tree h:"));
            diff(&world, "tree", "far/tree");
            assert_eq!(world.temporaries(), Vec::<PathBuf>::new(), "{at}");
            world.shell("find far/tree -type f | head -n 150 | xargs rm; chmod -R u+w far; echo x > far/tree/large");
        }
    }
}

#[test]
fn what_sftp_cannot_keep_is_refused_with_its_reason() {
    let Some(world) = sftp_world(SHELL) else { return };
    world.file("a", "a").file("far/b", "b");
    let (lack, both) =
        ("scp: h: no no-such-safecp there, and ", "copies between two other machines need safecp at both\n");
    for (words, why) in [
        ("--archive a h:", "SFTP does not carry what --archive keeps: owners, lists, attributes, holes, hard links\n"),
        ("--archive h:b .", "SFTP does not carry what --archive keeps: owners, lists, attributes, holes, hard links\n"),
        ("--sparse=always a h:", "SFTP makes no holes (--sparse=always)\n"),
        ("--verify=device a h:", "SFTP reads nothing from a device (--verify=device)\n"),
        ("h:b g:c", both),
    ] {
        let refused = scp_without(&world, words);
        assert_eq!(refused.code(), Some(1), "{words}: {refused}");
        assert!(refused.stderr.ends_with(&format!("{lack}{why}")), "{words}: {refused}");
    }
    let refused = scp(&world, "-s a g:b h:c");
    refused.fails(&format!("scp: h: {both}scp: g: {both}"));
    // Two sources need a directory, whichever machines they are of.
    let refused = scp_without(&world, "h:b g:b one");
    assert!(refused.stderr.contains("scp: target directory 'one': No such file or directory\n"), "{refused}");
    assert_eq!(world.names("far"), ["b"]);
    assert!(!world.exists("one") && !world.exists("b"));
}

// ---- lies ----

const GREETING: &[u8] = b"\0safecp remote\n";

/// What a peer says, whatever it hears.
fn lie(world: &World, said: &[Message]) {
    lie_with(world, &[], said);
}

/// The same of one that knows these features.
fn lie_with(world: &World, features: &[&str], said: &[Message]) {
    let mut script = GREETING.to_vec();
    let features = features.iter().map(OsString::from).collect();
    let hello = Message::Hello { newest: VERSION, oldest: VERSION, features };
    for message in [&hello].into_iter().chain(said) {
        let (kind, head, body) = message.write();
        frame::write(&mut script, kind, &head, body).expect("a frame");
    }
    tell(world, &script);
}

fn tell(world: &World, script: &[u8]) {
    world.file("lies", script);
    world.file("ssh", "#!/bin/sh\ncat lies\nexec cat > /dev/null\n").chmod("ssh", 0o755);
}

fn stat(kind: Kind, size: u64) -> Stat {
    let time = Timestamp { seconds: 1, nanos: 2 };
    let (dev, ino, nlink, blocks) = (1, 2, 1, size.div_ceil(512));
    Stat {
        dev,
        ino,
        kind,
        mode: 0o755,
        nlink,
        uid: 0,
        gid: 0,
        rdev: 0,
        size,
        blocks,
        atime: time,
        mtime: time,
        ctime: time,
    }
}

fn entry(id: u64, name: &str, kind: Kind, size: u64) -> Message {
    let content = if kind == Kind::File { Content::Follows } else { Content::Nothing };
    let text = (kind == Kind::Symlink).then(|| OsString::from("/etc"));
    let found = FileHead { stat: stat(kind, size), text, attributes: Vec::new(), refusal: None, content };
    Message::Entry(Entry { id, name: OsString::from(name), found: Ok(found) })
}

/// A small file as it is sent.
fn content(id: u64, bytes: &[u8]) -> [Message; 2] {
    use blake3::hazmat::HasherExt;
    let value = blake3::Hasher::new().update(bytes).finalize_non_root();
    let digest = *blake3::hash(bytes).as_bytes();
    let data = Message::Data(Chunk { id, number: 0, value, bytes: bytes.to_vec() });
    let (size, steadiness) = (bytes.len() as u64, Steadiness::Same);
    [data, Message::End(End { id, size, digest, steadiness, error: None })]
}

fn operands(names: &[&str]) -> Message {
    Message::Operands(names.iter().map(PathBuf::from).collect())
}

/// All names that there are but those of the test itself.
fn others(world: &World) -> String {
    world.shell("find . -mindepth 1 ! -path ./lies ! -path ./ssh ! -path './to' | sort").stdout
}

#[test]
fn a_peer_that_keeps_to_the_protocol_is_believed() {
    let world = World::new();
    world.dir("to");
    let [data, end] = content(2, b"text");
    lie(
        &world,
        &[
            operands(&["d"]),
            entry(1, "d", Kind::Directory, 0),
            entry(2, "f", Kind::File, 4),
            data,
            end,
            Message::Leave(None),
            Message::Finish,
        ],
    );
    scp(&world, "-r h:d to").succeeds();
    assert_eq!(world.read("to/d/f"), "text");
}

#[test]
fn names_of_a_peer_never_leave_the_target() {
    let world = World::new();
    world.dir("to");
    let file = |id, name: &str| {
        let [data, end] = content(id, b"evil");
        [entry(id, name, Kind::File, 4), data, end]
    };
    let mut lies: Vec<(&str, Vec<Message>)> = vec![
        ("-r h:d to", [vec![operands(&["../x"])], file(1, "../x").to_vec()].concat()),
        ("-r h:d to", [vec![operands(&["e"])], file(1, "e").to_vec()].concat()),
        ("-r h:d to", [vec![operands(&["d", "../../x"])], file(1, "../../x").to_vec()].concat()),
        ("-r h:* to", [vec![operands(&[".."])], file(1, "..").to_vec()].concat()),
        ("-r h:* to", [vec![operands(&["a/b"])], file(1, "a/b").to_vec()].concat()),
        ("-r h:* to", [vec![operands(&[".hidden"])], file(1, ".hidden").to_vec()].concat()),
        // A name that was announced, and another that comes.
        ("-r h:d to", [vec![operands(&["d"])], file(1, "../x").to_vec()].concat()),
        ("-r h:d to", vec![]),
        ("-r h:d to", vec![operands(&[])]),
    ];
    for name in ["..", ".", "", "../x", "/tmp/x", "a/b", "a\0b"] {
        let said = [operands(&["d"]), entry(1, "d", Kind::Directory, 0)].into_iter().chain(file(2, name));
        lies.push(("-r h:d to", said.collect()));
    }
    for (words, mut said) in lies {
        said.push(Message::Finish);
        lie(&world, &said);
        let ended = scp(&world, words);
        assert_eq!(ended.code(), Some(1), "{words} {said:?} {ended}");
        assert!(["", "./to/d\n"].contains(&others(&world).as_str()), "{said:?} {}", others(&world));
        world.shell("rm -rf to/d");
    }
}

#[test]
fn a_link_of_a_peer_is_not_gone_through() {
    let world = World::new();
    world.dir("to").dir("outside");
    let outside = world.path("outside").into_os_string();
    let link = FileHead {
        stat: stat(Kind::Symlink, 1),
        text: Some(outside),
        attributes: Vec::new(),
        refusal: None,
        content: Content::Nothing,
    };
    let [data, end] = content(4, b"evil");
    let said = [
        operands(&["d"]),
        entry(1, "d", Kind::Directory, 0),
        Message::Entry(Entry { id: 2, name: OsString::from("l"), found: Ok(link) }),
        entry(3, "l", Kind::Directory, 0),
        entry(4, "f", Kind::File, 4),
        data,
        end,
        Message::Leave(None),
        Message::Leave(None),
        Message::Finish,
    ];
    lie(&world, &said);
    let ended = scp(&world, "--archive h:d to");
    assert_eq!(ended.code(), Some(1), "{ended}");
    assert!(world.names("outside").is_empty());
}

#[test]
fn content_that_does_not_add_up_is_never_named() {
    let world = World::new();
    world.dir("to");
    let [data, end] = content(1, b"text");
    let Message::End(right) = end.clone() else { panic!("an end") };
    let ends = [
        End { size: 5, ..right.clone() },
        End { size: u64::MAX, ..right.clone() },
        End { digest: [0; 32], ..right.clone() },
        End { id: 2, ..right.clone() },
        End { error: Some(safecp::kernel::Errno::IO), ..right },
    ];
    let file = || entry(1, "f", Kind::File, 4);
    let mut lies: Vec<Vec<Message>> =
        ends.into_iter().map(|end| vec![operands(&["f"]), file(), data.clone(), Message::End(end)]).collect();
    lies.push(vec![operands(&["f"]), file(), end.clone()]);
    lies.push(vec![operands(&["f"]), file(), data.clone(), data.clone(), end.clone()]);
    lies.push(vec![operands(&["f"]), file(), Message::Zeros { id: 1, count: 1 }, data.clone(), end.clone()]);
    lies.push(vec![operands(&["f"]), file(), Message::Finish]);
    lies.push(vec![operands(&["f"]), file(), data, Message::Finished(Verdict::Well)]);
    for mut said in lies {
        said.push(Message::Finish);
        lie(&world, &said);
        let ended = scp(&world, "h:f to");
        assert_eq!((ended.code(), others(&world).as_str()), (Some(1), ""), "{said:?} {ended}");
    }
}

/// Whatever is said: an end, nothing outside, and success only of what is right.
#[test]
fn no_lie_makes_a_false_success() {
    let world = World::new();
    world.dir("to");
    let [data, end] = content(2, b"text");
    let mut script = GREETING.to_vec();
    let hello = Message::Hello { newest: VERSION, oldest: VERSION, features: Vec::new() };
    let said = [
        hello,
        operands(&["d"]),
        entry(1, "d", Kind::Directory, 0),
        entry(2, "f", Kind::File, 4),
        data,
        end,
        Message::Leave(None),
        Message::Finish,
    ];
    let mut frames = Vec::new();
    for message in &said {
        let (kind, head, body) = message.write();
        frames.push((kind, head, body.to_vec()));
    }
    let count = asked::number("SAFECP_LIES").unwrap_or(60);
    let mut random = random_bytes(usize::try_from(count).expect("a number") * 16, 5).into_iter().map(usize::from);
    let mut number = move || random.next().expect("enough") << 8 | random.next().expect("enough");
    for _ in 0..count {
        let mut lies = frames.clone();
        let (place, what) = (1 + number() % (lies.len() - 1), number() % 5);
        let at = number();
        match what {
            0 => drop(lies.remove(place)),
            1 => lies.insert(place, lies[1 + at % (frames.len() - 1)].clone()),
            2 => lies[place].0 = u8::try_from(at % 16).expect("small"),
            3 => {
                let head = &mut lies[place].1;
                let length = head.len().max(1);
                match head.get_mut(at % length) {
                    Some(byte) => *byte ^= u8::try_from(1 + number() % 255).expect("small"),
                    None => lies.swap(place, 1),
                }
            }
            _ => lies[place].1.truncate(at % 30),
        }
        script.truncate(GREETING.len());
        for (kind, head, body) in &lies {
            frame::write(&mut script, *kind, head, body).expect("a frame");
        }
        tell(&world, &script);
        let ended = scp(&world, "-r h:d to");
        assert!(matches!(ended.code(), Some(0 | 1)), "{lies:?} {ended}");
        assert!(!ended.stderr.contains("panicked"), "{lies:?} {ended}");
        if world.exists("to/d/f") {
            assert_eq!(world.read("to/d/f"), "text", "{lies:?}");
        }
        let made = others(&world);
        assert!(made.lines().all(|line| line.starts_with("./to/d")), "{made}");
        world.shell("chmod -R 700 to; rm -rf to/d");
    }
}

#[test]
fn a_far_end_that_does_not_answer_leaves_the_list_of_an_earlier_run() {
    let world = World::new();
    world.file("a", "a").file("list", "old").file("silent", "#!/bin/sh\nexit 255\n").chmod("silent", 0o755).dir("new");
    let run = scp_by(&world, "silent", "-rp --manifest=list h:tree new");
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr.ends_with("scp: 'list' stays as it was: nothing could be listed\n"), "{run}");
    assert_eq!(world.read("list"), "old");
    assert!(!world.exists("list.incomplete"));
}
