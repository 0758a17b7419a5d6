//! What cannot be copied: each failure names its file, the rest is copied all the same, the status is 1, nothing that was
//! there is lost and no temporary is left (which World looks for after every run).

mod common;
use common::{World, meanwhile};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn a_missing_source_fails_alone() {
    let world = World::new();
    world.file("a", "1").dir("d").cp("a nope d").fails("safecp: cannot stat 'nope': No such file or directory\n");
    assert_eq!(world.read("d/a"), "1");
    world.cp("a/nope d").fails("safecp: cannot stat 'a/nope': Not a directory\n");
}

#[test]
fn an_unreadable_file_in_a_tree_fails_alone() {
    let world = World::new();
    world.dir("s/d").file("s/d/a", "1").file("s/d/locked", "2").file("s/d/z", "3").chmod("s/d/locked", 0);
    let words = "safecp: cannot open 's/d/locked' for reading: Permission denied\n";
    world.cp_as_nobody("-a s t").fails(words);
    assert_eq!(world.names("t/d"), ["a", "z"]);
}

#[test]
fn an_unreadable_directory_in_a_tree_fails_alone() {
    let world = World::new();
    world.dir("s/closed").file("s/closed/x", "x").file("s/z", "3").chmod("s/closed", 0);
    world.cp_as_nobody("-a s t").fails("safecp: cannot access 's/closed': Permission denied\n");
    assert_eq!(world.names("t"), ["closed", "z"]);
    assert_eq!(world.mode("t/closed"), 0, "the directory itself is made");
    world.chmod("s/closed", 0o755).chmod("t/closed", 0o755);
}

#[test]
fn a_directory_that_stops_telling_its_names_is_named() {
    let world = World::new();
    world.dir("s/sub").file("s/sub/f", "content");
    for (call, directory) in [(1, "s"), (2, "s/sub"), (3, "s/sub"), (4, "s")] {
        let fault = format!("getdents64:error=EIO:when={call}");
        let Some(traced) = world.cp_traced("getdents64", &[&fault], "-r --jobs=1 s t") else { return };
        traced.output.fails(&format!("safecp: cannot access '{directory}': Input/output error\n"));
        world.tool("rm", ["-r", "t"]);
    }
}

#[test]
fn a_directory_that_lists_but_does_not_open_fails_for_what_is_in_it() {
    let world = World::new();
    world.dir("s/closed").file("s/closed/x", "x").file("s/z", "3").chmod("s/closed", 0o444);
    world.cp_as_nobody("-R s t").fails_with(&["'s/closed/x'", "Permission denied"]);
    assert_eq!(world.read("t/z"), "3");
    world.chmod("s/closed", 0o755);
}

#[test]
fn an_unreadable_source_keeps_the_old_target() {
    let world = World::new();
    world.file("a", "1").chmod("a", 0).file("b", "old");
    world.cp_as_nobody("a b").fails("safecp: cannot open 'a' for reading: Permission denied\n");
    world.cp_as_nobody("-f a b").fails("safecp: cannot open 'a' for reading: Permission denied\n");
    assert_eq!(world.read("b"), "old");
}

#[test]
fn an_unwritable_directory_in_the_target_fails_alone() {
    let world = World::new();
    world.dir("s/one").dir("s/two").file("s/one/x", "1").file("s/two/x", "2").dir("t/s/one").chmod("t/s/one", 0o555);
    world.cp_as_nobody("-R s t").fails("safecp: cannot create regular file 't/s/one/x': Permission denied\n");
    assert_eq!(world.read("t/s/two/x"), "2");
}

#[test]
fn a_target_within_the_source_does_not_grow_without_end() {
    let world = World::new();
    world.dir("s/d").file("s/d/x", "x").cp("-R s s/d/new").fails_with(&["cannot copy a directory, 's', into itself"]);
    assert_eq!(world.read("s/d/x"), "x");
    assert!(!world.exists("s/d/new/d/new/d/new"));
}

#[test]
fn the_same_file_by_another_name_is_not_lost() {
    let world = World::new();
    world.dir("d").file("d/a", "1").symlink("d", "link").link("d/a", "hard");
    world.cp("d/a link/a").fails("safecp: 'd/a' and 'link/a' are the same file\n");
    world.cp("d/a d/../d/a").fails("safecp: 'd/a' and 'd/../d/a' are the same file\n");
    world.cp("-f d/a hard").fails("safecp: 'd/a' and 'hard' are the same file\n");
    world.cp("-R d/. link").fails_with(&["are the same file"]);
    assert_eq!(world.read("d/a"), "1");
}

#[test]
fn a_just_created_target_keeps_its_first_content_and_the_rest_goes_on() {
    let world = World::new();
    world.dir("p").dir("q").dir("d").file("p/x", "p").file("q/x", "q").file("z", "z");
    world.cp("p/x q/x z d").fails("safecp: will not overwrite just-created 'd/x' with 'q/x'\n");
    assert_eq!((world.read("d/x"), world.read("d/z")), ("p".to_owned(), "z".to_owned()));
}

#[test]
fn a_full_target_keeps_its_old_file_and_takes_what_fits() {
    let Some(world) = World::with_mounts("mounting a small filesystem") else { return };
    world.random("big", 3 << 20, 1).file("small", "small").dir("full");
    let script = "mount -t tmpfs -o size=1m none full; head -c 100000 /dev/urandom > old; cp old full/big
        $safecp big small full && exit 9 || echo status $?
        cmp old full/big; cmp small full/small; ls -A full";
    let output = world.shell_with_mounts(script);
    output.says("status 1\nbig\nsmall\n");
    let said = "safecp: error writing 'full/big': No space left on device
safecp: what was not copied needs 3.0 MiB on the filesystem of 'full', where 920 KiB are left: at least 2.1 MiB are missing\n";
    assert_eq!(output.stderr, said, "{output}");
}

#[test]
fn a_full_target_shows_no_part_of_a_new_file() {
    let Some(world) = World::with_mounts("mounting a small filesystem") else { return };
    world.dir("s").random("s/big", 3 << 20, 1).file("s/small", "small").dir("full");
    let script = "mount -t tmpfs -o size=1m none full
        $safecp -a s full/t && exit 9 || echo status $?
        cmp s/small full/t/small; ls -A full/t";
    let output = world.shell_with_mounts(script);
    output.says("status 1\nsmall\n");
    let said = "safecp: error writing 'full/t/big': No space left on device
safecp: what was not copied needs 3.0 MiB on the filesystem of 'full/t', where 1020 KiB are left: at least 2.0 MiB are missing\n";
    assert_eq!(output.stderr, said, "{output}");
}

#[test]
fn a_target_without_room_for_more_names_says_so() {
    let Some(world) = World::with_mounts("mounting a small filesystem") else { return };
    world.dir("s").dir("full");
    for index in 0..20 {
        world.file(format!("s/{index}"), "x");
    }
    let script = "mount -t tmpfs -o nr_inodes=10 none full
        $safecp -R s full && exit 9 || echo status $?
        for file in full/s/*; do cmp $file s/${file##*/}; done";
    let output = world.shell_with_mounts(script);
    output.says("status 1\n");
    assert!(output.stderr.contains("safecp: cannot create regular file 'full/s/"), "{output}");
    assert!(output.stderr.contains("No space left on device"), "{output}");
}

#[test]
fn a_read_only_target_says_so() {
    let Some(world) = World::with_mounts("mounting a read-only filesystem") else { return };
    world.file("a", "1").dir("s").dir("ro");
    let script = "mount -t tmpfs none ro; echo old > ro/a; mount -o remount,ro ro
        $safecp a ro || $safecp a ro/new || $safecp -R s ro || cat ro/a";
    let output = world.shell_with_mounts(script);
    let words = "safecp: cannot create regular file 'ro/a': Read-only file system\n\
                 safecp: cannot create regular file 'ro/new': Read-only file system\n\
                 safecp: cannot create directory 'ro/s': Read-only file system\n";
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("old\n", words));
}

#[test]
fn a_name_of_255_bytes_is_copied() {
    let world = World::new();
    let name = "n".repeat(255);
    world.dir("s").file(format!("s/{name}"), "long").cp("-a s t").succeeds();
    assert_eq!(world.read(format!("t/{name}")), "long");
    world.file(format!("t/{name}"), "old").cp("-R s/. t").succeeds();
    assert_eq!(world.read(format!("t/{name}")), "long", "replacing needs no longer name");
}

#[test]
fn a_name_of_256_bytes_is_refused_by_its_name() {
    let world = World::new();
    let name = "n".repeat(256);
    world.file("a", "1").cp(&format!("a {name}")).fails_with(&[&name, "File name too long"]);
    world.cp(&format!("{name} b")).fails_with(&["cannot stat", &name, "File name too long"]);
}

/// The way to the first name may lead through links then, and is longer than one call takes.
#[test]
fn further_names_beyond_4096_bytes_are_linked_with_directories_behind_links() {
    let world = World::new();
    let deepen = "set -e; mkdir s; cd s
        for level in {1..25}; do name=$(printf '%0200d' $level); mkdir $name; cd -P $name; done 2>/dev/null
        echo x > a; ln a b";
    let made = world.shell(deepen);
    assert_eq!(made.code(), Some(0), "{made}");
    world.cp("-a --keep-directory-symlink s t").succeeds();
    let found = world.tool("find", ["t", "-type", "f", "-links", "2", "-printf", "%i\n"]);
    let inodes: Vec<&str> = found.lines().collect();
    assert!(matches!(inodes[..], [a, b] if a == b), "{inodes:?}");
}

#[test]
fn a_path_beyond_4096_bytes_is_copied_or_named() {
    let world = World::new();
    let deepen = "mkdir s; echo x > s/shallow; cd s
        for level in {1..25}; do name=$(printf '%0200d' $level); mkdir $name; cd -P $name; done 2>/dev/null
        echo deep > bottom; cd -; [[ $(find s -name bottom) && $(find s -name bottom | wc -c) -gt 4096 ]]";
    let made = world.shell(&format!("set -e; top=$PWD; {}", deepen.replace("cd -;", "cd $top;")));
    assert_eq!(made.code(), Some(0), "{made}");
    let output = world.cp("-a s t");
    assert_eq!(world.read("t/shallow"), "x\n");
    if output.code() == Some(0) {
        assert_eq!(world.tool("find", ["t", "-name", "bottom", "-size", "-2"]).lines().count(), 1, "{output}");
    } else {
        output.fails_with(&["'s/0000", "File name too long"]);
        assert!(world.tool("find", ["t", "-type", "d"]).lines().count() > 15, "what can be reached is copied");
    }
}

#[test]
fn names_of_any_bytes_are_copied() {
    let world = World::new();
    world.dir("s");
    let names: [&[u8]; 8] = [b"new\nline", b"\n", b"\xff\xfe", b"tab\t", b" ", b"-rf", b"*", b"\x1b[31m"];
    for name in names {
        world.file(std::path::Path::new("s").join(OsStr::from_bytes(name)), name);
    }
    world.cp("-a s t").succeeds();
    world.assert_same_tree("s", "t");
    assert_eq!(world.names("t").len(), names.len());
}

#[test]
fn an_unreadable_file_with_an_odd_name_is_named_in_quotes() {
    let world = World::new();
    world.dir("s").file("s/a\nb", "1").chmod("s/a\nb", 0).file("s/z", "z");
    world.cp_as_nobody("-R s t").fails("safecp: cannot open 's/a'$'\\n''b' for reading: Permission denied\n");
    assert_eq!(world.read("t/z"), "z");
}

#[test]
fn an_unreadable_file_of_proc_fails_alone() {
    let world = World::new();
    world
        .dir("d")
        .file("a", "1")
        .cp("/proc/self/mem a d")
        .fails("safecp: error reading '/proc/self/mem': Input/output error\n");
    assert_eq!(world.names("d"), ["a"]);
}

#[test]
fn a_file_that_is_cut_short_while_it_is_copied_is_an_error() {
    let world = World::new();
    world.random("a", 64 << 20, 1).file("b", "old").file("z", "z").dir("d").file("d/a", "old");
    let Some(mut running) = world.start_slowly("--reflink=never a z d") else { return };
    running.wait_for_bytes_written(4 << 20);
    File::options().write(true).open(world.path("a")).expect("open").set_len(1 << 20).expect("truncate");
    running.finish().fails_with(&["'a'"]);
    assert_eq!((world.read("d/a"), world.read("d/z")), ("old".to_owned(), "z".to_owned()));
    assert_eq!(world.temporaries().len(), 0);
}

#[test]
fn a_file_that_grows_while_it_is_copied_is_copied_with_a_warning() {
    let world = World::new();
    world.random("a", 64 << 20, 1);
    let Some(mut running) = world.start_slowly("--reflink=never a b") else { return };
    running.wait_for_bytes_written(4 << 20);
    append(&world, "a");
    running.finish().succeeds_saying("safecp: warning: 'a' changed while being copied\n");
    assert!(world.stat("b").len() >= 64 << 20);
    let compared = world.shell(&format!("cmp -n {} a b", world.stat("b").len()));
    compared.succeeds();
}

#[test]
fn a_file_that_grows_while_it_is_copied_is_an_error_where_it_must_be_stable() {
    let world = World::new();
    world.random("a", 64 << 20, 1).file("b", "old");
    let Some(mut running) = world.start_slowly("--require-stable --reflink=never a b") else { return };
    running.wait_for_bytes_written(4 << 20);
    append(&world, "a");
    running.finish().fails_with(&["'a' changed while being copied"]);
    assert_eq!(world.read("b"), "old");
}

#[test]
fn a_file_that_is_touched_while_it_is_copied_is_copied_with_a_warning() {
    let world = World::new();
    world.random("a", 64 << 20, 1);
    let Some(mut running) = world.start_slowly("--reflink=never a b") else { return };
    running.wait_for_bytes_written(4 << 20);
    world.times("a", (1, 0), (2, 0));
    running.finish().succeeds_saying("safecp: warning: 'a' changed while being copied\n");
    assert!(world.same_bytes("a", "b"));
}

/// FAT keeps every other second of a time: who writes once more within two seconds leaves the same one, and no length tells of it.
#[test]
fn a_source_whose_time_may_be_given_again_is_not_read_before_that_is_over_where_it_must_be_stable() {
    let world = World::new();
    world.random("a", 5000, 1);
    let since_1970 = || SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let even = since_1970().as_secs() / 2 * 2;
    world.times("a", (1, 0), (even as i64, 0)).cp("--require-stable a b").succeeds();
    assert!(since_1970() > Duration::from_secs(even + 2), "it was read while it could be written again unseen");
    assert!(world.same_bytes("a", "b"));
    std::thread::sleep(Duration::from_millis(50));
    for (options, is_young, waits) in
        [("--require-stable", false, false), ("--require-stable", true, true), ("", true, false)]
    {
        let even = (since_1970() + Duration::from_millis(500)).as_secs() / 2 * 2;
        if is_young {
            // Half a second is left at least.
            while since_1970() < Duration::from_secs(even) {
                std::thread::sleep(Duration::from_millis(10));
            }
            world.times("a", (1, 0), (even as i64, 0));
        } else {
            world.times("a", (1, 0), (2, 345_678_901));
            std::thread::sleep(Duration::from_millis(50));
        }
        let Some(traced) = world.cp_traced("clock_nanosleep,nanosleep", &[], &format!("{options} --jobs=1 a b")) else {
            return;
        };
        traced.output.succeeds();
        assert_eq!(traced.calls.contains("nanosleep("), waits, "{options} {is_young}: {}", traced.calls);
    }
}

#[test]
fn a_stable_file_is_copied_where_it_must_be_stable() {
    let world = World::new();
    world.random("a", 3_000_000, 1).cp("--require-stable a b").succeeds();
    assert!(world.same_bytes("a", "b"));
}

#[test]
fn a_fifo_where_a_file_was_does_not_hang_a_tree() {
    let world = World::new();
    world.dir("s").file("s/a", "1").fifo("s/fifo").file("s/z", "3").cp("-a s t").succeeds();
    assert_eq!(world.names("t"), ["a", "fifo", "z"]);
    assert!(world.stat("t/fifo").file_type().is_fifo());
}

#[test]
fn entries_that_change_their_kind_while_a_tree_is_copied_neither_hang_it_nor_stop_it() {
    let world = World::new();
    world.dir("s").file("s/z", "z").file("real", "file").fifo("pipe").file("s/swapped", "file");
    let swap = || {
        for kind in ["real", "pipe"] {
            std::fs::hard_link(world.path(kind), world.path("new")).expect("link");
            std::fs::rename(world.path("new"), world.path("s/swapped")).expect("rename");
        }
    };
    meanwhile(swap, || {
        for _ in 0..200 {
            let output = world.cp("-R s t");
            if output.code() != Some(0) {
                output.fails_with(&["'s/swapped'"]);
            }
            assert_eq!(world.read("t/z"), "z");
            std::fs::remove_dir_all(world.path("t")).expect("rm");
        }
    });
}

fn append(world: &World, name: &str) {
    let mut file = OpenOptions::new().append(true).open(world.path(name)).expect("open");
    file.write_all(&common::random_bytes(3 << 20, 9)).expect("append");
}

/// Shards name their operands from the root on, which takes a working directory; a copy takes none.
#[test]
fn a_working_directory_that_is_gone_is_told_where_it_is_needed() {
    let world = World::new();
    world.dir("s").file("s/a", "a").dir("gone");
    let gone = format!(
        "cd gone && rmdir ../gone && {{ $safecp -a {0}/s {0}/t && $safecp -a --shard=1/1 {0}/s {0}/u; }}",
        world.path("").display()
    );
    let output = world.shell(&gone);
    output.fails("safecp: cannot get current directory: No such file or directory\n");
    assert_eq!(world.read("t/a"), "a");
}
