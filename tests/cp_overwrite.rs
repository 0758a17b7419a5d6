//! What happens to a file that is already there: whether it is replaced at all, and whether its inode stays. safecp puts
//! a whole new file in its place where nobody could tell but by the inode number, and else writes in place as cp does.

mod common;
use common::{Output, World, has_tool};
use std::os::unix::fs::MetadataExt;

/// A new file `a` to be copied onto an old file `b`, which is longer.
fn old_and_new() -> World {
    let world = World::new();
    world.file("a", "new").file("b", "the old content");
    world
}

#[test]
fn an_existing_file_is_overwritten() {
    let world = old_and_new();
    world.cp("a b").succeeds();
    assert_eq!(world.read("b"), "new");
}

#[test]
fn an_existing_file_is_replaced_whole() {
    let world = old_and_new();
    let inode = world.inode("b");
    let open = std::fs::File::open(world.path("b")).expect("open");
    world.cp("a b").succeeds();
    assert_ne!(world.inode("b"), inode, "while it is open its number cannot be given to another");
    drop(open);
}

#[test]
fn in_place_keeps_the_inode() {
    let world = old_and_new();
    let inode = world.inode("b");
    world.cp("--in-place a b").succeeds();
    assert_eq!((world.inode("b"), world.read("b")), (inode, "new".to_owned()));
}

#[test]
fn who_has_the_old_file_open_still_reads_the_old_content() {
    let world = old_and_new();
    let open = std::fs::File::open(world.path("b")).expect("open");
    world.cp("a b").succeeds();
    assert_eq!(std::io::read_to_string(open).expect("read"), "the old content");
}

#[test]
fn a_hard_linked_target_keeps_its_other_names() {
    let world = old_and_new();
    let inode = world.link("b", "other").inode("b");
    world.cp("a b").succeeds();
    assert_eq!((world.inode("b"), world.read("other")), (inode, "new".to_owned()));
}

#[test]
fn a_hard_linked_target_is_not_emptied_before_its_source_was_read() {
    let world = old_and_new();
    world.link("b", "other");
    let Some(failed) = world.cp_traced_on(Some("a"), "pread64", &["pread64:error=EIO"], "a b") else { return };
    assert!(failed.injected() > 0, "{}", failed.calls);
    failed.output.fails("safecp: error reading 'a': Input/output error\n");
    assert_eq!((world.read("b"), world.read("other")), ("the old content".to_owned(), "the old content".to_owned()));
}

#[test]
fn what_cannot_be_copied_beside_a_hard_linked_target_is_not_written_over_it() {
    let Some(world) = World::with_mounts("a full disk") else { return };
    world.random("a", 2 << 20, 1);
    // There is no room for the copy, or for the copy and the file.
    for size in ["1m", "3m"] {
        let script = format!(
            "mkdir -p m; mount -t tmpfs -o size={size} none m; echo old >m/b; ln m/b m/other
            $safecp a m/b || echo $?; cat m/b m/other; ls -A m; $safecp --in-place a m/b || echo $?"
        );
        let output = world.shell_with_mounts(&script);
        let in_place = if size == "1m" { "1\n" } else { "" };
        assert_eq!(output.stdout, format!("1\nold\nold\nb\nother\n{in_place}"), "{output}");
        let said = "safecp: error writing 'm/b': No space left on device; not overwriting it without a verified copy beside it (--in-place does)\n";
        assert!(output.stderr.starts_with(said), "{output}");
    }
}

#[test]
fn a_hard_linked_target_that_cannot_be_filled_leaves_the_copy_that_was_verified() {
    let world = old_and_new();
    world.link("b", "other");
    let Some(honest) = world.cp_traced("pwrite64", &[], "--jobs=1 a b") else { return };
    assert_eq!((honest.count("pwrite64"), world.read("b")), (2, "new".to_owned()));
    world.file("b", "the old content");
    let command = format!(
        "strace -f -qq -o log -e trace=pwrite64 -e inject=pwrite64:error=EIO:when=2 {} --jobs=1 a b 2>said; echo $?",
        common::asked::program().display()
    );
    assert_eq!(world.tool("bash", ["-c", &command]).trim(), "1");
    let kept = world.temporaries().remove(0);
    let name = kept.strip_prefix(".").expect("a name here").display().to_string();
    let said = "safecp: error writing 'b': Input/output error; 'b' is incomplete, a verified copy of 'a' is";
    assert_eq!((world.read("said"), world.read(&kept)), (format!("{said} '{name}'\n"), "new".to_owned()));
}

/// The copy that was verified has no name, and a filter refuses it one.
#[test]
fn a_hard_linked_target_that_cannot_be_filled_leaves_a_copy_where_open_files_get_no_names() {
    for (fails, kept) in [("when=2", Some("new")), ("when=2+", None)] {
        let world = old_and_new();
        world.link("b", "other");
        let command = format!(
            "strace -f -qq -o log -e trace=pwrite64,linkat -e inject=pwrite64:error=EIO:{fails} \
             -e inject=linkat:error=EPERM {} --jobs=1 a b 2>said; echo $?",
            common::asked::program().display()
        );
        if !has_tool("strace") {
            return;
        }
        assert_eq!(world.tool("bash", ["-c", &command]).trim(), "1");
        assert!(world.read("log").contains("linkat"), "it had no name");
        let said = "safecp: error writing 'b': Input/output error; 'b' is incomplete";
        let left = world.temporaries();
        let told = match left.first().and_then(|left| left.strip_prefix(".").ok()) {
            Some(left) => format!("{said}, a verified copy of 'a' is '{}'\n", left.display()),
            None => format!("{said}, and no copy of 'a' could be kept\n"),
        };
        assert_eq!((world.read("said"), left.first().map(|left| world.read(left))), (told, kept.map(str::to_owned)));
    }
}

/// GNU's cp writes it in place and so leaves it to its owner. Another one's program would run with this user's rights.
#[test]
fn an_old_file_stays_its_owners_where_the_new_one_cannot_be_had() {
    let Some(world) = World::as_root("files of other owners") else { return };
    for (words, old, new, left) in [
        ("-p", 0o644, 0o4755, 0o600),
        ("-a", 0o755, 0o640, 0o600),
        ("-a", 0o4711, 0o755, 0o700),
        ("--preserve=ownership", 0o4711, 0o755, 0o4711),
        ("--preserve=ownership,mode", 0o640, 0o755, 0o600),
    ] {
        world.file("a", "new").file("b", "old").tool("chown", ["1234:5678", "a"]);
        world.tool("chown", ["4321:8765", "b"]);
        world.chmod("a", new).chmod("b", old);
        let output = world.shell(&format!("setpriv --bounding-set -chown --inh-caps -chown $safecp {words} a b"));
        output.fails("safecp: failed to preserve ownership for 'b': Operation not permitted\n");
        let stat = world.stat("b");
        assert_eq!((stat.uid(), stat.gid(), world.mode("b")), (4321, 8765, left), "{words} {old:o} {new:o}");
        assert_eq!(world.read("b"), "new");
    }
}

#[test]
fn a_file_behind_a_link_is_replaced_whole_where_the_link_ends() {
    let world = World::new();
    world.file("a", "new").dir("sub/deep").file("sub/real", "old").symlink("../real", "sub/deep/next");
    let inode = world.symlink("sub/deep/next", "b").inode("sub/real");
    let open = std::fs::File::open(world.path("sub/real")).expect("open");
    world.cp("a b").succeeds();
    assert_eq!((world.read("sub/real"), world.link_text("b")), ("new".to_owned(), "sub/deep/next".to_owned()));
    assert_ne!(world.inode("sub/real"), inode, "while it is open its number cannot be given to another");
    drop(open);
    world.dir("s").dir("t/sub").file("s/f", "new").file("t/sub/f", "old").symlink("sub/f", "t/f");
    world.cp("-r s/. t").succeeds();
    assert_eq!((world.read("t/sub/f"), world.link_text("t/f")), ("new".to_owned(), "sub/f".to_owned()));
}

#[test]
fn a_file_behind_a_link_is_not_emptied_before_its_source_was_read() {
    let world = old_and_new();
    world.symlink("b", "l");
    let Some(failed) = world.cp_traced_on(Some("a"), "pread64", &["pread64:error=EIO"], "a l") else { return };
    assert!(failed.injected() > 0, "{}", failed.calls);
    failed.output.fails("safecp: error reading 'a': Input/output error\n");
    assert_eq!(world.read("b"), "the old content");
}

/// An overlay's upper file and the merged view of it have two inode numbers and one content.
#[test]
fn the_only_copy_is_not_lost_to_another_view_of_it() {
    let Some(world) = World::with_mounts("an overlay") else { return };
    let script =
        "mount -t tmpfs none .; mkdir l u w m; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w none m || exit 7
        echo precious >u/f; ln u/f u/g; $safecp u/f m/f; cat m/f; $safecp m/f u/g; cat u/f";
    let output = world.shell_with_mounts(script);
    if output.code() == Some(7) {
        return common::left_out("needs overlays");
    }
    assert_eq!(output.stdout, "precious\nprecious\n", "{output}");
}

#[test]
fn a_temporary_is_no_more_open_than_what_it_replaces() {
    let world = old_and_new();
    world.chmod("a", 0o644).chmod("b", 0o600).file("probe", "the old content").chmod("probe", 0o600);
    let Some(honest) = world.cp_traced("openat", &[], "--jobs=1 a probe") else { return };
    let Some(position) = honest.position("openat", "O_TMPFILE") else { return common::left_out("needs O_TMPFILE") };
    let fault = format!("openat:error=EOPNOTSUPP:when={position}");
    let traced = world.cp_traced("openat", &[&fault], "--jobs=1 a b").expect("strace");
    traced.output.succeeds();
    let made = traced.calls.lines().find(|line| line.contains(".safecp-") && line.contains("O_CREAT")).expect("a name");
    assert!(made.contains(" 0600)"), "{made}");
    assert_eq!((world.read("b"), world.mode("b")), ("new".to_owned(), 0o600));
}

/// chattr's letters of a file.
fn letters(world: &World, name: &str) -> String {
    world.tool("lsattr", [name]).split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_replaced_file_keeps_its_flags() {
    for (filesystem, flags) in [("ext4", "+ASd"), ("btrfs", "+CASd"), ("xfs", "+ASd")] {
        let Some(world) = World::on(filesystem) else { continue };
        world.file("a", "new").file("b", "").tool("chattr", [flags, "b"]);
        let (before, inode) = (letters(&world, "b"), world.file("b", "old").inode("b"));
        world.cp("a b").succeeds();
        assert_eq!((letters(&world, "b"), world.read("b")), (before, "new".to_owned()), "{filesystem}");
        assert_ne!(world.inode("b"), inode, "{filesystem}: it was replaced");
    }
}

/// The first that is replaced in a directory shows what new files have there; each old one has flags of its own.
#[test]
fn each_file_of_a_directory_keeps_its_flags() {
    for (filesystem, of_new_ones) in [("ext4", "+S"), ("btrfs", "+C"), ("xfs", "+S")] {
        let Some(world) = World::on(filesystem) else { continue };
        let names = ["d/0", "d/1", "d/2", "d/3"];
        world.dir("s").dir("d");
        for name in names {
            world.file(name.replace('d', "s"), "new").file(name, "");
        }
        world.tool("chattr", ["+A", "d/1", "d/2"]);
        world.tool("chattr", [of_new_ones, "d"]);
        let before = names.map(|name| letters(&world, name));
        let inodes = names.map(|name| world.file(name, "old").inode(name));
        world.cp("-rT --jobs=1 s d").succeeds();
        assert_eq!(names.map(|name| letters(&world, name)), before, "{filesystem}");
        assert_eq!(names.map(|name| world.read(name)), ["new"; 4], "{filesystem}");
        assert!(names.iter().zip(inodes).all(|(name, inode)| world.inode(name) != inode), "{filesystem}: replaced");
    }
}

#[test]
fn a_replaced_file_keeps_its_project_and_its_extent_size() {
    let Some(world) = World::on("xfs") else { return };
    world.file("a", "new").file("b", "").tool("chattr", ["-p", "77", "b"]);
    let hint = |name: &str| world.tool("xfs_io", ["-r", "-c", "extsize", name]);
    world.tool("xfs_io", ["-c", "extsize 64k", "b"]);
    world.file("b", "old").cp("a b").succeeds();
    let project = world.tool("lsattr", ["-p", "b"]);
    assert_eq!((project.split_whitespace().next(), world.read("b")), (Some("77"), "new".to_owned()));
    assert_eq!(hint("b"), "[65536] b\n");
}

#[test]
fn where_no_name_goes_the_old_file_is_written_and_nothing_stays() {
    let Some(world) = World::on("ext4") else { return };
    world.file("a", "new").dir("d").file("d/b", "old").tool("chattr", ["+a", "d"]);
    let inode = world.inode("d/b");
    let (output, names) = (world.cp("a d/b"), world.names("d"));
    let replaced = world.cp("--remove-destination a d/b");
    world.tool("chattr", ["-a", "d"]);
    output.succeeds();
    assert_eq!((world.read("d/b"), world.inode("d/b"), names), ("new".to_owned(), inode, vec!["b".into()]));
    replaced.fails("safecp: cannot remove 'd/b': Operation not permitted\n");
}

#[test]
fn preserving_links_parts_a_hard_linked_target_from_its_other_names() {
    for option in ["-a", "-d", "--preserve=links", "--remove-destination"] {
        let world = old_and_new();
        world.link("b", "other").cp(&format!("{option} a b")).succeeds();
        assert_eq!(
            (world.read("b"), world.read("other")),
            ("new".to_owned(), "the old content".to_owned()),
            "{option}"
        );
    }
}

#[test]
fn the_old_files_mode_stays() {
    let world = old_and_new();
    world.chmod("a", 0o755).chmod("b", 0o640).cp("a b").succeeds();
    assert_eq!((world.mode("b"), world.read("b")), (0o640, "new".to_owned()));
}

#[test]
fn the_old_files_setuid_bit_goes_with_its_content() {
    let Some(world) = World::as_root("a file of another owner that is setuid") else { return };
    world.file("a", "new").file("b", "old").chmod("b", 0o4755).cp_as_nobody("a b").succeeds();
    assert_eq!(world.mode("b"), 0o755, "the kernel drops the bit from a file that an ordinary user writes to");
}

/// What chown(2) makes of the mode is asked of chown itself. A program that root's copy has put there would run as root otherwise.
#[test]
fn the_old_files_set_id_bits_go_with_its_owner() {
    let Some(world) = World::as_root("files of other owners that are set-ID") else { return };
    let owners = ["0:0", "1234:5678", "1234:0", "0:5678"];
    for (old, new) in owners.iter().flat_map(|old| owners.iter().map(move |new| (old, new))) {
        for mode in [0o4755, 0o2755, 0o6755, 0o2745, 0o6711, 0o644] {
            let fresh = |name: &str, text: &str, owner: &str, mode: u32| {
                world.tool("rm", ["-f", name]);
                world.file(name, text).tool("chown", [owner, name]);
                world.chmod(name, mode);
            };
            fresh("model", "old", old, mode);
            if old != new {
                world.tool("chown", [new, "model"]);
            }
            for options in ["--preserve=ownership", "--in-place --preserve=ownership"] {
                fresh("a", "new", new, 0o644);
                fresh("b", "old", old, mode);
                world.cp(&format!("{options} a b")).succeeds();
                let seen = (world.mode("b"), world.stat("b").uid(), world.stat("b").gid());
                let expected = (world.mode("model"), world.stat("a").uid(), world.stat("a").gid());
                assert_eq!(seen, expected, "{options}: {mode:o} of {old} for {new}");
                assert_eq!(world.read("b"), "new");
            }
        }
    }
}

#[test]
fn the_old_files_owner_stays() {
    let Some(world) = World::as_root("a file of another owner") else { return };
    world.file("a", "new").file("b", "old").tool("chown", ["1234:5678", "b"]);
    world.cp("a b").succeeds();
    assert_eq!((world.stat("b").uid(), world.stat("b").gid(), world.read("b")), (1234, 5678, "new".to_owned()));
}

#[test]
fn the_old_files_access_control_list_stays() {
    if !has_tool("setfacl") {
        return;
    }
    let world = old_and_new();
    world.tool("setfacl", ["-m", "u:1234:rw,g:5678:r", "b"]);
    let acl = world.acl("b");
    world.cp("a b").succeeds();
    assert!(acl.contains("user:1234:rw-"), "{acl}");
    assert_eq!((world.acl("b"), world.read("b")), (acl, "new".to_owned()));
}

#[test]
fn the_old_files_attributes_stay() {
    let world = old_and_new();
    world.set_xattr("b", "user.mine", b"kept").set_xattr("a", "user.other", b"no").cp("a b").succeeds();
    assert_eq!((world.read("b"), world.xattr("b", "user.mine")), ("new".to_owned(), Some(b"kept".to_vec())));
    assert_eq!(world.xattr("b", "user.other"), None);
}

#[test]
fn the_old_file_takes_the_new_ones_attributes_where_they_are_preserved() {
    let world = old_and_new();
    world.chmod("a", 0o751).times("a", (1_000_000_000, 1), (1_000_000_000, 2)).chmod("b", 0o600);
    world.set_xattr("a", "user.mine", b"a").cp("-a a b").succeeds();
    assert_eq!((world.mode("b"), world.stat("b").mtime_nsec()), (0o751, 2));
    assert_eq!(world.xattr("b", "user.mine"), Some(b"a".to_vec()));
}

#[test]
fn an_unwritable_file_is_not_overwritten() {
    let world = old_and_new();
    let refused = "safecp: cannot create regular file 'b': Permission denied\n";
    world.chmod("b", 0o444).cp_as_nobody("a b").fails(refused);
    assert_eq!(world.read("b"), "the old content");
}

#[test]
fn an_unwritable_file_is_removed_with_force() {
    let world = old_and_new();
    world.chmod("b", 0o444).cp_as_nobody("-f a b").succeeds();
    assert_eq!(world.read("b"), "new");
}

#[test]
fn force_leaves_a_dangling_link_alone() {
    let world = old_and_new();
    world.symlink("nowhere", "link");
    world.cp("-f a link").fails("safecp: not writing through dangling symlink 'link'\n");
    assert!(!world.exists("nowhere"));
}

#[test]
fn a_file_in_an_unwritable_directory_is_written_in_place() {
    let world = World::new();
    world.file("a", "new").dir("d").file("d/b", "old").chmod("d", 0o555).cp_as_nobody("a d/b").succeeds();
    assert_eq!(world.read("d/b"), "new");
    world.cp_as_nobody("a d/c").fails("safecp: cannot create regular file 'd/c': Permission denied\n");
}

#[test]
fn no_clobber_skips_in_silence() {
    let world = old_and_new();
    world.cp("-n a b").succeeds().says("");
    world.cp("-vn a b").succeeds().says("");
    world.cp("-n a c").succeeds();
    assert_eq!((world.read("b"), world.read("c")), ("the old content".to_owned(), "new".to_owned()));
}

#[test]
fn update_none_skips_and_none_fail_says_so() {
    let world = old_and_new();
    world.cp("--update=none a b").succeeds();
    world.cp("--update=none-fail a b").fails("safecp: not replacing 'b'\n");
    assert_eq!(world.read("b"), "the old content");
    world.cp("--update=all a b").succeeds();
    assert_eq!(world.read("b"), "new");
}

#[test]
fn update_replaces_what_is_older() {
    let world = old_and_new();
    world.times("a", (0, 0), (1_000, 5)).times("b", (0, 0), (1_000, 4)).cp("-u a b").succeeds();
    assert_eq!(world.read("b"), "new");
}

#[test]
fn update_leaves_what_is_as_new() {
    for option in ["-u", "--update", "--update=older"] {
        let world = old_and_new();
        world.times("a", (0, 0), (1_000, 5)).times("b", (0, 0), (1_000, 5)).cp(&format!("{option} a b")).succeeds();
        assert_eq!(world.read("b"), "the old content", "{option}");
    }
}

#[test]
fn update_looks_at_each_file_of_a_tree() {
    let world = World::new();
    world.dir("s").dir("t/s").file("s/new", "s").file("s/old", "s").file("s/only", "s");
    world.file("t/s/new", "t").file("t/s/old", "t");
    world.times("s/new", (0, 0), (2_000, 0)).times("t/s/new", (0, 0), (1_000, 0));
    world.times("s/old", (0, 0), (1_000, 0)).times("t/s/old", (0, 0), (2_000, 0)).cp("-Ru s t").succeeds();
    assert_eq!(["new", "old", "only"].map(|name| world.read(format!("t/s/{name}"))), ["s", "t", "s"]);
}

#[test]
fn a_question_is_asked_and_its_answer_obeyed() {
    for (answer, content) in [("y\n", "new"), ("Yes\n", "new"), ("n\n", "old"), ("no\n", "old"), ("\n", "old")] {
        let world = World::new();
        let output = world.file("a", "new").file("b", "old").cp_answered("-i a b", answer);
        assert_eq!(output.stderr, "safecp: overwrite 'b'? ");
        assert_eq!(output.code(), Some(if content == "new" { 0 } else { 1 }), "{answer:?} {output}");
        assert_eq!(world.read("b"), content, "{answer:?}");
    }
}

#[test]
fn no_answer_is_a_no() {
    let world = old_and_new();
    world.cp("-i a b").fails("safecp: overwrite 'b'? ");
    assert_eq!(world.read("b"), "the old content");
}

#[test]
fn each_file_is_asked_for_in_turn() {
    let world = World::new();
    world.dir("s").dir("d").file("d/one", "old").file("d/two", "old").file("s/one", "new").file("s/two", "new");
    let output = world.cp_answered("-i s/one s/two d", "n\ny\n");
    output.fails("safecp: overwrite 'd/one'? safecp: overwrite 'd/two'? ");
    assert_eq!((world.read("d/one"), world.read("d/two")), ("old".to_owned(), "new".to_owned()));
}

#[test]
fn an_unwritable_file_is_asked_for_in_other_words() {
    let world = old_and_new();
    let output = world.chmod("b", 0o444).cp_as_nobody("-i a b");
    output.fails("safecp: unwritable 'b' (mode 0444, r--r--r--); try anyway? ");
}

#[test]
fn of_asking_and_not_clobbering_the_last_counts() {
    let world = old_and_new();
    world.cp("-i -n a b").succeeds();
    assert_eq!(world.read("b"), "the old content");
    world.cp_answered("-n -i a b", "y\n").succeeds_saying("safecp: overwrite 'b'? ");
    assert_eq!(world.read("b"), "new");
}

#[test]
fn remove_destination_makes_a_new_file() {
    let world = old_and_new();
    let inode = world.chmod("b", 0o600).chmod("a", 0o755).inode("b");
    // While it is open its inode number cannot be given to another.
    let open = std::fs::File::open(world.path("b")).expect("open");
    world.cp("--remove-destination a b").succeeds();
    assert_eq!(std::io::read_to_string(open).expect("read"), "the old content");
    assert_ne!(world.inode("b"), inode);
    assert_eq!((world.mode("b"), world.read("b")), (0o755, "new".to_owned()));
}

#[test]
fn remove_destination_takes_a_link_away_and_not_what_it_leads_to() {
    let world = old_and_new();
    world.symlink("b", "link").cp("--remove-destination a link").succeeds();
    assert_eq!((world.read("link"), world.read("b")), ("new".to_owned(), "the old content".to_owned()));
    assert!(world.stat("link").is_file());
}

#[test]
fn remove_destination_removes_no_directory() {
    let world = World::new();
    world.file("a", "1").dir("d/a");
    let refused = "safecp: cannot overwrite directory 'd/a' with non-directory 'a'\n";
    world.cp("--remove-destination a d").fails(refused);
}

#[test]
fn an_empty_file_empties_its_target() {
    for option in ["", "--in-place"] {
        let world = World::new();
        world.file("a", "").file("b", "old").cp(&format!("{option} a b")).succeeds();
        assert_eq!(world.stat("b").len(), 0, "{option}");
    }
}

/// GNU's cp writes both into the one file, so that the first is gone and nothing is said.
#[test]
fn two_old_names_of_one_file_part_where_their_sources_are_two() {
    for words in ["s/a s/b t", "-r s/. t", "-a --jobs=4 s/. t", "-f s/a s/b t"] {
        let world = World::new();
        world.dir("s").file("s/a", "one").file("s/b", "other").dir("t").file("t/a", "old").link("t/a", "t/b");
        world.cp(words).succeeds();
        assert_eq!((world.read("t/a"), world.read("t/b")), ("one".to_owned(), "other".to_owned()), "{words}");
    }
}

#[test]
fn two_old_names_of_one_file_stay_one_where_their_sources_are() {
    for words in ["s/a s/b t", "-r s/. t", "-a s/. t"] {
        let world = World::new();
        world.dir("s").file("s/a", "new").link("s/a", "s/b").dir("t").file("t/a", "old").link("t/a", "t/b");
        world.cp(words).succeeds();
        assert_eq!((world.read("t/a"), world.inode("t/a")), ("new".to_owned(), world.inode("t/b")), "{words}");
    }
}

#[test]
fn a_file_that_is_to_stay_is_not_written_of_two_sources() {
    let world = World::new();
    world.dir("s").file("s/a", "one").file("s/b", "other").dir("t").file("t/a", "old").link("t/a", "t/b");
    world.cp("--in-place s/a s/b t").fails("safecp: will not overwrite just-created 't/b' with 's/b'\n");
    assert_eq!(world.read("t/a"), "one");
}

/// Copies a large file, and has another run make its target meanwhile.
fn overtaken(words: &str) -> Option<(World, Output)> {
    let world = World::new();
    world.random("a", 16 << 20, 1);
    let mut running = world.start_slowly(&format!("{words} a b"))?;
    running.wait_for_bytes_written(2 << 20);
    world.file("b", "another's");
    let output = running.finish();
    assert_eq!(world.temporaries().len(), 0);
    Some((world, output))
}

/// `make -j` installs a file from several directories at once. GNU's cp and install look just before they open.
#[test]
fn a_target_that_another_run_made_meanwhile_is_an_old_file() {
    for words in ["--reflink=never", "--reflink=never --durable", "--as=install -m 644"] {
        let Some((world, output)) = overtaken(words) else { return };
        output.succeeds();
        assert!(world.same_bytes("a", "b"), "{words}");
    }
    let Some((world, output)) = overtaken("-b") else { return };
    output.succeeds();
    assert!(world.same_bytes("a", "b") && world.read("b~") == "another's");
    let Some((world, output)) = overtaken("-n") else { return };
    output.succeeds();
    assert_eq!(world.read("b"), "another's");
    let Some((world, output)) = overtaken("--update=none-fail") else { return };
    output.fails("safecp: not replacing 'b'\n");
    assert_eq!(world.read("b"), "another's");
}
