//! Backups: which name an old target keeps, that its own is never missing, and what is refused. Expected names are those of
//! GNU's manual.

mod common;
use common::{World, has_tool, left_out};
use std::os::unix::fs::MetadataExt;

#[test]
fn an_old_target_keeps_its_name_with_a_suffix() {
    let world = World::new();
    world.file("a", "new").file("b", "old").cp("-bv a b").succeeds().says("'a' -> 'b' (backup: 'b~')\n");
    assert_eq!((world.read("b"), world.read("b~")), ("new".to_owned(), "old".to_owned()));
    world.file("a", "newer").cp("-b -S .was a b").succeeds();
    assert_eq!((world.read("b"), world.read("b.was"), world.read("b~")), ("newer".into(), "new".into(), "old".into()));
}

#[test]
fn a_backup_is_told_beside_its_target_as_that_was_typed() {
    let world = World::new();
    for path in ["d/./b", "d//b", "./d/../d/b"] {
        world.file("a", "new").dir("d").file("d/b", "old");
        world.cp(&format!("-bv a {path}")).succeeds().says(&format!("'a' -> '{path}' (backup: '{path}~')\n"));
    }
}

/// The copy fails, and so does each way back.
#[test]
fn an_older_backup_that_cannot_have_its_name_again_is_told() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.file("a", "new").file("b", "old").file("b~", "older");
    let command = format!(
        "strace -f -qq -o log -e trace=renameat -e inject=renameat:error=EIO:when=2+ {} -b a b 2>said; echo $?",
        common::asked::program().display()
    );
    assert_eq!(world.tool("bash", ["-c", &command]).trim(), "1");
    let left = world.temporaries().remove(0);
    let name = left.strip_prefix(".").expect("a name here").display();
    let said = format!("; the older backup of 'b' is left as '{name}': Input/output error\n");
    assert!(world.read("said").ends_with(&said), "{}", world.read("said"));
    assert_eq!((world.read("b"), world.read(&left)), ("old".to_owned(), "older".to_owned()));
}

#[test]
fn a_simple_backup_replaces_an_older_one() {
    let world = World::new();
    world.file("a", "new").file("b", "old").file("b~", "ancient").cp("--backup=simple a b").succeeds();
    assert_eq!((world.read("b~"), world.names(".").len()), ("old".to_owned(), 3));
}

#[test]
fn numbers_count_up_from_the_highest() {
    let world = World::new();
    world.file("a", "new").file("b", "old").file("b.~7~", "7").cp("--backup=numbered a b").succeeds();
    assert_eq!(world.read("b.~8~"), "old");
    world.cp("--backup=existing a b").succeeds();
    assert!(world.exists("b.~9~") && !world.exists("b~"));
    world.file("c", "old").cp("--backup=nil a c").succeeds();
    assert_eq!(world.read("c~"), "old");
}

/// Where names may be made and not be listed, GNU's cp takes it that there is no backup yet.
#[test]
fn backups_are_made_where_nothing_can_be_listed() {
    for (words, ours, theirs) in [
        ("--backup=numbered a d/b", "d/b.~3~", "d/b.~1~"),
        ("--backup=existing a d/b", "d/b~", "d/b.~1~"),
        ("--backup=numbered --in-place a d/b", "d/b.~3~", "d/b.~1~"),
    ] {
        let world = World::new();
        world.file("a", "new").dir("d").file("d/b", "old").file("d/b.~1~", "first").file("d/b.~2~", "second");
        world.chmod(".", 0o755).shell("chown -R 65534:65534 d").succeeds();
        world.chmod("d", 0o300);
        world.cp_as_nobody(words).succeeds();
        world.chmod("d", 0o755);
        assert_eq!((world.read("d/b"), world.read(ours)), ("new".to_owned(), "old".to_owned()), "{words}");
        assert_eq!((world.read(theirs), world.read("d/b.~2~")), ("first".to_owned(), "second".to_owned()), "{words}");
    }
}

#[test]
fn the_environment_names_control_and_suffix() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    world.shell("VERSION_CONTROL=t $safecp -b a b").succeeds();
    assert_eq!(world.read("b.~1~"), "old");
    world.shell("VERSION_CONTROL=off $safecp --backup a b").succeeds();
    world.shell("SIMPLE_BACKUP_SUFFIX=.x VERSION_CONTROL=simple $safecp -b a b").succeeds();
    assert!(world.exists("b.x") && world.names(".").len() == 4);
    world.shell("SIMPLE_BACKUP_SUFFIX=/x VERSION_CONTROL=simple $safecp -b a b").succeeds();
    assert!(world.exists("b~"), "a suffix leads nowhere else");
}

#[test]
fn every_kind_of_target_is_kept() {
    let world = World::new();
    world.dir("s").file("s/x", "new").symlink("gone", "s/l").fifo("s/p").dir("t");
    world.file("t/x", "old").file("t/l", "old").symlink("x", "t/p").cp("-ab s/. t").succeeds();
    assert_eq!((world.read("t/x"), world.read("t/x~"), world.read("t/l~")), ("new".into(), "old".into(), "old".into()));
    assert_eq!(world.link_text("t/l"), "gone");
    assert_eq!(world.link_text("t/p~"), "x");
}

#[test]
fn a_symbolic_link_is_kept_and_not_written_through() {
    let world = World::new();
    world.file("a", "new").file("real", "old").symlink("real", "b").cp("-b a b").succeeds();
    assert_eq!((world.read("real"), world.read("b")), ("old".to_owned(), "new".to_owned()));
    assert_eq!(world.link_text("b~"), "real");
}

#[test]
fn a_directory_takes_the_place_of_a_file_only_with_backups() {
    let world = World::new();
    world.dir("s").file("s/x", "x").file("t", "old");
    world.cp("-rT s t").fails("safecp: cannot overwrite non-directory 't' with directory 's'\n");
    world.cp("-rbT s t").succeeds();
    assert_eq!((world.read("t/x"), world.read("t~")), ("x".to_owned(), "old".to_owned()));
}

/// rename(2) does nothing between two names of one file.
#[test]
fn a_directory_takes_the_place_of_a_file_that_has_its_backups_name_as_well() {
    let world = World::new();
    world.dir("s").file("s/x", "x").file("t", "old").link("t", "t~").link("t", "other");
    world.cp("-rbT s t").succeeds();
    assert_eq!((world.read("t/x"), world.inode("t~"), world.stat("t~").nlink()), ("x".into(), world.inode("other"), 2));
    let names = world.names(".");
    assert_eq!(names, ["other", "s", "t", "t~"]);
    // Where the directory cannot be made all is as before.
    world.shell("rm -r t; ln t~ t").succeeds();
    let Some(failed) = world.cp_traced("mkdirat", &["mkdirat:error=ENOSPC:when=2"], "-rbT s t") else { return };
    assert_eq!(failed.injected(), 1);
    failed.output.fails("safecp: cannot create directory 't': No space left on device\n");
    assert_eq!((world.inode("t"), world.inode("t~")), (world.inode("other"), world.inode("other")));
    assert_eq!((world.stat("t").nlink(), world.names(".")), (3, names));
}

#[test]
fn a_file_backs_itself_up_with_force() {
    let world = World::new();
    world.file("a", "1").cp("-b a a").fails("safecp: 'a' and 'a' are the same file\n");
    world.cp("-fb a a").succeeds();
    assert_eq!((world.read("a"), world.read("a~")), ("1".to_owned(), "1".to_owned()));
}

#[test]
fn a_backup_does_not_take_its_own_source_away() {
    let world = World::new();
    world
        .file("a", "old")
        .file("a~", "only here")
        .cp("--backup=simple a~ a")
        .fails("safecp: backing up 'a' might destroy source;  'a~' not copied\n");
    assert_eq!((world.read("a"), world.read("a~")), ("old".to_owned(), "only here".to_owned()));
    world.cp("--backup=numbered a~ a").succeeds();
    assert_eq!((world.read("a"), world.read("a.~1~")), ("only here".to_owned(), "old".to_owned()));
}

#[test]
fn a_name_is_not_its_own_backup() {
    let world = World::new();
    let name = "n".repeat(254) + "~";
    let said = format!("safecp: cannot backup '{name}': File name too long\n");
    world.file("a", "new").file(&name, "old").cp(&format!("-b a {name}")).fails(&said);
    assert_eq!((world.read(&name), world.names(".").len()), ("old".to_owned(), 2));
}

/// Names that are too long are cut: two of them to one.
#[test]
fn two_targets_do_not_share_a_backup() {
    let world = World::new();
    let (stem, jobs) = ("n".repeat(254), "--jobs=1");
    world.dir("s").dir("d");
    for end in ["x", "y"] {
        world.file(format!("s/{stem}{end}"), "new").file(format!("d/{stem}{end}"), format!("old {end}"));
    }
    let output = world.cp(&format!("-b {jobs} s/{stem}x s/{stem}y d"));
    output.fails_with(&["will not overwrite just-created"]);
    assert_eq!(world.read(format!("d/{stem}x")), "new");
    assert_eq!((world.read(format!("d/{stem}~")), world.read(format!("d/{stem}y"))), ("old x".into(), "old y".into()));
}

#[test]
fn a_backup_does_not_replace_what_was_just_copied() {
    let world = World::new();
    world.dir("s").dir("d").file("s/f", "f").file("s/f~", "another").file("d/f", "old f").file("d/f~", "old another");
    world.cp("-b s/f~ s/f d").fails("safecp: will not overwrite just-created 'd/f~' with the backup of 'd/f'\n");
    assert_eq!((world.read("d/f~"), world.read("d/f~~")), ("another".to_owned(), "old another".to_owned()));
    assert_eq!(world.read("d/f"), "old f");
}

#[test]
fn a_directory_that_cannot_be_made_leaves_the_file_its_name() {
    let world = World::new();
    world.dir("s").file("s/x", "x").file("t", "old");
    let Some(failed) = world.cp_traced("mkdirat", &["mkdirat:error=ENOSPC:when=2"], "-rbT s t") else { return };
    assert_eq!(failed.injected(), 1);
    failed.output.fails("safecp: cannot create directory 't': No space left on device\n");
    assert_eq!((world.read("t"), world.exists("t~")), ("old".to_owned(), false));
}

#[test]
fn an_older_backup_outlives_a_copy_that_fails() {
    for link in ["", "linkat:error=EPERM"] {
        let world = World::new();
        world.file("a", "new").file("b", "old").file("b~", "ancient");
        // The old target, or its second name, is renamed to the backup's first.
        let faults: Vec<&str> =
            ["renameat:error=EIO:when=2", link].into_iter().filter(|fault| !fault.is_empty()).collect();
        let traced = world.cp_traced("renameat,renameat2,linkat", &faults, "--backup=simple a b");
        let Some(failed) = traced else { return };
        assert!(failed.injected() > 0, "{}", failed.calls);
        assert!(failed.output.code() == Some(1) || world.read("b") == "new", "{}", failed.output);
        if world.read("b") == "old" {
            assert_eq!(world.read("b~"), "ancient", "{}", failed.calls);
        } else {
            assert_eq!((world.read("b"), world.read("b~")), ("new".to_owned(), "old".to_owned()), "{}", failed.calls);
        }
        assert_eq!(world.names(".").len(), 3);
    }
}

/// mc#4218
#[test]
fn what_may_not_be_removed_gets_no_second_name() {
    let Some(world) = World::as_root("a file of somebody else's") else { return };
    world.dir("d").chmod("d", 0o1777).file("n", "new").file("d/f", "old").chmod("d/f", 0o666);
    let stranger = "setpriv --reuid 1234 --regid 1234 --clear-groups";
    // Where everyone can run it: the build may lie in a closed home directory.
    let script = format!("install $safecp safecp; for i in 1 2; do {stranger} ./safecp -b n d/f; done");
    let said = "safecp: cannot backup 'd/f': Operation not permitted\n".repeat(2);
    world.shell(&script).fails(&said);
    assert_eq!((world.names("d"), world.stat("d/f").nlink()), (vec!["f".into()], 1));
}

#[test]
fn a_failed_copy_leaves_the_old_target_and_no_backup() {
    let world = World::new();
    world.random("a", 1 << 20, 1).file("b", "old");
    let Some(failed) = world.cp_traced("pwrite64", &["pwrite64:error=ENOSPC"], "--reflink=never -b a b") else {
        return;
    };
    assert!(failed.injected() > 0);
    failed.output.fails("safecp: error writing 'b': No space left on device\n");
    assert_eq!((world.read("b"), world.exists("b~")), ("old".to_owned(), false));
}

/// GNU's cp takes such a copy away and gives the backup its name back.
#[test]
fn a_copy_without_what_it_must_have_leaves_the_old_target_and_no_backup() {
    let Some(world) = World::as_root("files of other owners") else { return };
    for (words, lacking, said) in [
        ("-p -b", "chown", "failed to preserve ownership for 'b'"),
        ("-a --backup=t", "chown", "failed to preserve ownership for 'b'"),
        ("--preserve=xattr -b", "sys_admin", "setting attributes for 'b'"),
    ] {
        world.file("a", "new").file("b", "old").file("b~", "older").tool("chown", ["1234:5678", "a"]);
        world.tool("setfattr", ["-n", "security.x", "-v", "1", "a"]);
        let script = format!("setpriv --bounding-set -{lacking} --inh-caps -{lacking} $safecp {words} a b");
        world.shell(&script).fails(&format!("safecp: {said}: Operation not permitted\n"));
        assert_eq!((world.read("b"), world.read("b~")), ("old".to_owned(), "older".to_owned()), "{words}");
        assert_eq!(world.names("."), ["a", "b", "b~"], "{words}");
    }
}

#[test]
fn a_target_that_cannot_be_replaced_in_the_end_gives_its_backup_name_back() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    let renames = "rename,renameat,renameat2";
    let faults: Vec<String> = renames.split(',').map(|call| format!("{call}:error=EIO")).collect();
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let Some(failed) = world.cp_traced(renames, &faults, "-b a b") else { return };
    assert!(failed.injected() > 0);
    failed.output.fails("safecp: cannot create regular file 'b': Input/output error\n");
    assert_eq!((world.read("b"), world.names(".").len()), ("old".to_owned(), 2));
}

#[test]
fn where_no_second_name_can_be_had_the_old_target_is_renamed() {
    let world = World::new();
    world.file("a", "new").file("probe", "old").file("b", "old");
    let Some(honest) = world.cp_traced("openat", &[], "--jobs=1 --reflink=never -b a probe") else { return };
    let Some(position) = honest.position("openat", "O_TMPFILE") else { return left_out("needs O_TMPFILE") };
    // Without O_TMPFILE the new file has a temporary name from the beginning, and needs no linkat.
    let nameless = format!("openat:error=EOPNOTSUPP:when={position}");
    let Some(renamed) =
        world.cp_traced("linkat,openat", &["linkat:error=EPERM", &nameless], "--jobs=1 --reflink=never -b a b")
    else {
        return;
    };
    assert!(renamed.injected() >= 2, "{}", renamed.calls);
    renamed.output.succeeds();
    assert_eq!((world.read("b"), world.read("b~")), ("new".to_owned(), "old".to_owned()));
}

#[test]
fn the_name_is_never_missing() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    common::meanwhile(
        || assert!(world.exists("b"), "the target's name was missing for a moment"),
        || {
            for _ in 0..300 {
                world.cp("--backup=simple a b").succeeds();
            }
        },
    );
}

/// Every close fails once; what it says of a file that has its name already undoes nothing and is made up for by nothing.
#[test]
fn a_close_that_fails_after_the_name_was_taken_undoes_nothing() {
    for call in 4..16 {
        for error in ["EIO", "EXDEV", "EACCES"] {
            let world = World::new();
            world.random("a", 200_000, 1).file("b", "old");
            let fault = format!("close:error={error}:when={call}");
            let words = "--backup --reflink=never --jobs=1 a b";
            let Some(traced) = world.cp_traced("close,renameat,pwrite64", &[&fault], words) else { return };
            if world.same_bytes("a", "b") {
                assert_eq!(world.read("b~"), "old", "{fault}: {}", traced.output);
                let behind = traced.calls.split("renameat(").nth(1).unwrap_or_default();
                assert!(!behind.contains("pwrite64("), "{fault}: written again:\n{}", traced.calls);
            } else {
                assert_eq!(world.read("b"), "old", "{fault}: {}", traced.output);
            }
        }
    }
}

#[test]
fn a_close_that_fails_after_the_name_was_taken_is_a_failure() {
    let world = World::new();
    world.random("a", 200_000, 1).file("b", "old");
    let Some(clean) = world.cp_traced("close,renameat", &[], "--reflink=never --jobs=1 a b") else { return };
    let before = clean.calls.split("renameat(").next().unwrap_or_default().matches("close(").count();
    world.file("b", "old");
    let fault = format!("close:error=EXDEV:when={}", before + 1);
    let traced = world.cp_traced("close,renameat", &[&fault], "--reflink=never --jobs=1 a b").expect("strace");
    traced.output.fails("safecp: failed to close 'b': Invalid cross-device link\n");
}

/// GNU's programs count in decimal digits, however many.
#[test]
fn numbers_of_backups_have_no_end() {
    let world = World::new();
    world.file("a", "new").file("b", "old").file("b.~2~", "2").file("b.~99999999999999999999~", "high");
    for name in ["b.~100000000000000000000~", "b.~100000000000000000001~"] {
        world.cp("--backup=numbered a b").succeeds();
        assert!(world.exists(name), "{:?}", world.names(""));
    }
    assert_eq!(world.read("b.~100000000000000000000~"), "old");
    assert_eq!((world.read("b.~99999999999999999999~"), world.names("").len()), ("high".to_owned(), 6));
}
