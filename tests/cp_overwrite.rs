//! What happens to a file that is already there: whether it is replaced at all, and whether its inode stays. safecp puts
//! a whole new file in its place where nobody could tell but by the inode number, and else writes in place as cp does.

mod common;
use common::{World, has_tool};
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
