//! install: what is made, with which owner, mode and times, and that the old file stays until the new one is good.

mod common;

use common::{Output, World, has_tool};
use std::os::unix::fs::MetadataExt;

trait Installs {
    fn install(&self, words: &str) -> Output;
}

impl Installs for World {
    fn install(&self, words: &str) -> Output {
        self.cp(&format!("--as=install {words}"))
    }
}

#[test]
fn a_file_gets_the_mode_that_is_said_last_and_else_755() {
    let world = World::new();
    world.file("a", "new").chmod("a", 0o604);
    world.install("a b").succeeds().says("");
    assert_eq!((world.read("b"), world.mode("b")), ("new".to_owned(), 0o755));
    world.install("-c -m 644 -m 640 a c").succeeds();
    assert_eq!(world.mode("c"), 0o640);
    world.install("-m u=rwxs,go=rx a d").succeeds();
    assert_eq!(world.mode("d"), 0o4755);
    world.shell("umask 077; $safecp --as=install -m 664 a e; $safecp --as=install -D a p/q/r").succeeds();
    assert_eq!((world.mode("e"), world.mode("p"), world.mode("p/q/r")), (0o664, 0o755, 0o755));
    world.install("-m u=q a f").fails("install: invalid mode \u{2018}u=q\u{2019}\n");
}

#[test]
fn an_old_file_is_replaced_by_a_new_one_and_keeps_its_other_names() {
    let world = World::new();
    world.file("a", "new").file("b", "old").link("b", "c").symlink("c", "l");
    world.install("-v a b").succeeds().says("removed 'b'\n'a' -> 'b'\n");
    assert_eq!((world.read("b"), world.read("c")), ("new".to_owned(), "old".to_owned()));
    world.install("a l").succeeds();
    assert_eq!((world.stat("l").is_symlink(), world.read("c")), (false, "old".to_owned()));
}

/// GNU's install unlinks the old file, fills the disk, and leaves a part of the new one in its place.
#[test]
fn on_a_full_disk_the_old_file_stays() {
    let Some(world) = World::with_mounts("a small filesystem") else { return };
    world.random("big", 3 << 20, 1).dir("d");
    for options in ["", "-C", "-m 600"] {
        let script = "mount -t tmpfs -o size=1M none d; echo old >d/big; rc=0
            $safecp --as=install OPTIONS big d || rc=$?; [ $rc = 1 ] && [ \"$(ls -A d)\" = big ] && [ \"$(cat d/big)\" = old ]";
        let said = world.shell_with_mounts(&script.replace("OPTIONS", options));
        assert_eq!(said.code(), Some(0), "{said}");
        assert!(said.stderr.contains("No space left on device"), "{said}");
    }
}

#[test]
fn directories_are_made_with_what_is_above_them() {
    let world = World::new();
    world.dir("old").chmod("old", 0o2777);
    let said = "install: creating directory 'x'\ninstall: creating directory 'x/y'\n";
    world.shell("umask 077; $safecp --as=install -dv -m 700 x/y old").succeeds().says(said);
    assert_eq!((world.mode("x"), world.mode("x/y"), world.mode("old")), (0o755, 0o700, 0o2700));
    world.install("-d -m 00755 old x/y/").succeeds();
    assert_eq!((world.mode("old"), world.mode("x/y")), (0o755, 0o755));
    world.file("f", "1").install("-d f").fails("install: cannot create directory 'f': File exists\n");
    // GNU's words: of -D without the slash, which -d keeps.
    world.install("-Dv -t z/ f").succeeds().says("install: creating directory 'z'\n'f' -> 'z/f'\n");
    world.install("-d f/d").fails("install: cannot create directory 'f': Not a directory\n");
}

#[test]
fn a_directory_without_a_name_is_not_made() {
    let world = World::new();
    let output = world.cp_args(["--as=install", "-d", "d", "", "e"]);
    output.fails("install: cannot create directory '': No such file or directory\n");
    assert_eq!(world.names(""), ["d", "e"]);
}

/// uutils #11469 and #12166: a link on the way was replaced by a directory.
#[test]
fn leading_directories_are_made_beneath_a_link_to_a_directory() {
    let world = World::new();
    world.file("a", "new").dir("real").symlink("real", "link");
    world.install("-D a link/x/y").succeeds();
    assert_eq!(world.read("real/x/y"), "new");
    assert!(world.stat("link").is_symlink());
    world.install("-D -t t/u a").succeeds();
    assert_eq!(world.read("t/u/a"), "new");
    world.install("-D missing n/x").fails("install: cannot stat 'missing': No such file or directory\n");
    assert!(world.exists("n"), "as with GNU's");
}

#[test]
fn owner_and_group_are_given_by_name_or_number() {
    let Some(world) = World::as_root("files are given away") else { return };
    world.file("a", "1");
    let owner = |name: &str| (world.stat(name).uid(), world.stat(name).gid());
    world.install("-o 5 -g 0x6 -m 6755 a b").succeeds();
    assert_eq!((owner("b"), world.mode("b")), ((5, 6), 0o6755));
    let id = |words: [&str; 2]| world.tool("id", words).trim().parse::<u32>().expect("a number");
    world.install("-o daemon -g daemon a c").succeeds();
    assert_eq!(owner("c"), (id(["-u", "daemon"]), id(["-g", "daemon"])));
    world.install("-d -o 5 -g 6 d/e").succeeds();
    assert_eq!((owner("d"), owner("d/e")), ((0, 0), (5, 6)));
    world.install("-o no-such-user a x").fails("install: invalid user 'no-such-user'\n");
    world.install("-g no-such-group -d x").fails("install: invalid group 'no-such-group'\n");
    assert!(!world.exists("x"));
}

/// What was meant for root must not be open to others as somebody else's.
#[test]
fn a_file_that_cannot_be_given_away_stays_closed() {
    let Some(world) = World::as_root("a user without rights") else { return };
    world.file("a", "1");
    let said = world.cp_as_nobody("--as=install -m 6755 -o 0 a b");
    said.fails("install: cannot change ownership of 'b': Operation not permitted\n");
    assert_eq!(world.mode("b"), 0o600);
}

#[test]
fn a_target_that_is_what_it_would_be_is_left_alone() {
    let world = World::new();
    world.file("a", "same").times("a", (1, 0), (2, 5)).install("-m 644 a b").succeeds();
    let before = (world.inode("b"), world.stat("b").ctime(), world.stat("b").ctime_nsec());
    world.install("-Cv -m 644 a b").succeeds().says("");
    assert_eq!((world.inode("b"), world.stat("b").ctime(), world.stat("b").ctime_nsec()), before);
    world.install("-Cp -m 644 a b").succeeds();
    assert_eq!((world.inode("b"), world.stat("b").mtime(), world.stat("b").mtime_nsec()), (before.0, 2, 5));
    // The same length, time and mode, and another byte.
    world.file("b", "sane").times("b", (1, 0), (2, 5)).install("-C -m 644 a b").succeeds();
    assert_eq!(world.read("b"), "same");
    let inode = world.inode("b");
    world.install("-C a b").succeeds();
    assert_eq!((world.mode("b"), world.inode("b") == inode), (0o755, false));
    let said = world.install("-C -m 4755 a b");
    said.succeeds_saying(
        "install: the --compare (-C) option is ignored when you specify a mode with non-permission bits\n",
    );
}

/// As with GNU's install: what replaces an old file waits for its name beside others.
#[test]
fn what_was_installed_just_now_is_compared_with_the_next_one() {
    let world = World::new();
    world.dir("e").dir("d").file("c", "one").file("e/c", "other").file("d/c", "one").chmod("d/c", 0o755);
    world.install("-C e/c c d").fails("install: will not overwrite just-created 'd/c' with 'c'\n");
    assert_eq!(world.read("d/c"), "other");
    world.install("-C c c d").succeeds();
    assert_eq!(world.read("d/c"), "one");
}

#[test]
fn times_are_kept_where_that_is_asked_for() {
    let world = World::new();
    world.file("a", "1").times("a", (7, 1), (8, 2)).install("-p a b").succeeds();
    assert_eq!((world.stat("b").mtime(), world.stat("b").mtime_nsec(), world.stat("b").atime()), (8, 2, 7));
    world.install("a c").succeeds();
    assert_ne!(world.stat("c").mtime(), 8);
}

#[test]
fn what_strip_leaves_is_installed_and_nothing_if_it_fails() {
    let world = World::new();
    // It puts another file in the place of its argument, as some do, and leaves something beside it.
    world.file("strip.sh", "#!/bin/sh\ncase $1 in -*) exit 9;; esac\nsed s/b/B/ \"$1\" >\"$1.t\" && cp \"$1.t\" \"$1.left\" && mv \"$1.t\" \"$1\"\n");
    world.chmod("strip.sh", 0o755).file("a", "abc\n").file("-x", "old").times("a", (3, 0), (4, 0));
    world.install("-s -p --strip-program=./strip.sh -m 711 a b").succeeds();
    assert_eq!((world.read("b"), world.mode("b"), world.stat("b").mtime()), ("aBc\n".to_owned(), 0o711, 4));
    world.install("-s --strip-program=./strip.sh -- a -x").succeeds();
    assert_eq!(world.read("-x"), "aBc\n");
    world.file("b", "old");
    let failed = world.install("-s --strip-program=false a b");
    failed.fails("install: strip process terminated abnormally\n");
    let failed = world.install("-s --strip-program=/no/such a b");
    failed.fails("install: cannot run strip program '/no/such': No such file or directory\n");
    assert_eq!(world.read("b"), "old");
    assert_eq!(world.names("."), ["-x", "-x.left", "a", "b", "b.left", "strip.sh"]);
    if has_tool("strip") {
        world.tool("cp", ["/bin/true", "true"]);
        world.install("-s true stripped").succeeds();
        let run = world.shell("./stripped");
        run.succeeds();
    }
}

/// Programs that keep the tables for debuggers put them beside the file, or in a directory there.
#[test]
fn what_strip_leaves_beside_the_file_comes_to_stand_beside_the_target() {
    let world = World::new();
    let script = "#!/bin/sh\nset -e\nd=$(dirname \"$1\") n=$(basename \"$1\")\nmkdir -p \"$d/.debug\"\ncp \"$1\" \"$d/.debug/$n\"\ncp \"$1\" \"$d/$n.debug\"\necho stripped >\"$1\"\n[ ! -e fails ]\n";
    world.file("keep.sh", script).chmod("keep.sh", 0o755).file("a", "tables\n").dir("d").file("d/b.debug", "old");
    world.install("-s --strip-program=./keep.sh a d/b").succeeds();
    world.install("-s --strip-program=./keep.sh a d/c").succeeds();
    assert_eq!(world.names("d"), [".debug", "b", "b.debug", "c", "c.debug"]);
    assert_eq!(world.names("d/.debug"), ["b", "c"]);
    for name in ["d/.debug/b", "d/.debug/c", "d/b.debug", "d/c.debug"] {
        assert_eq!(world.read(name), "tables\n", "{name}");
    }
    assert_eq!((world.read("d/b"), world.read("d/c")), ("stripped\n".to_owned(), "stripped\n".to_owned()));
    world.file("fails", "").dir("e").file("e/b", "old");
    world.install("-s --strip-program=./keep.sh a e/b").fails("install: strip process terminated abnormally\n");
    assert_eq!(world.names("e"), ["b"]);
    assert_eq!(world.read("e/b"), "old");
}

#[test]
fn backups_and_a_source_that_is_named_twice_are_as_with_gnus() {
    let world = World::new();
    world.file("a", "new").file("b", "old").dir("d").dir("e").file("e/a", "other");
    world.install("-v -b a b").succeeds().says("'a' -> 'b' (backup: 'b~')\n");
    assert_eq!((world.read("b"), world.read("b~")), ("new".to_owned(), "old".to_owned()));
    world.install("a e/a d").fails("install: will not overwrite just-created 'd/a' with 'e/a'\n");
    world.install("a a d").fails("install: will not overwrite just-created 'd/a' with 'a'\n");
    world.install("d x").fails("install: omitting directory 'd'\n");
    world.install("-t missing a").fails("install: failed to access 'missing': No such file or directory\n");
}

#[test]
fn an_inherited_access_control_list_gives_nobody_more_than_the_mode() {
    if !has_tool("setfacl") {
        return;
    }
    let world = World::new();
    world.file("a", "1").dir("d").tool("setfacl", ["-d", "-m", "u:5:rwx", "d"]);
    world.install("-m 640 a d/b").succeeds();
    assert_eq!(world.acl("d/b").trim(), "user::rw-\ngroup::r--\nother::---");
}
