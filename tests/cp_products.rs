//! What is made instead of copies: hard links (-l), symbolic links (-s), attributes without content (--attributes-only), and
//! files of what is none (--copy-contents).

mod common;
use common::World;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

fn same_inode(world: &World, one: &str, other: &str) -> bool {
    world.stat(one).ino() == world.stat(other).ino()
}

#[test]
fn l_links_files_and_makes_directories() {
    let world = World::new();
    world
        .dir("s/d")
        .file("s/d/x", "x")
        .cp("-rlv s t")
        .succeeds()
        .says("'s' -> 't'\n's/d' -> 't/d'\n's/d/x' -> 't/d/x'\n");
    assert!(same_inode(&world, "s/d/x", "t/d/x") && !same_inode(&world, "s/d", "t/d"));
}

#[test]
fn l_links_what_a_symbolic_link_leads_to_unless_told() {
    let world = World::new();
    world.file("a", "1").symlink("a", "link").cp("-l link b").succeeds();
    assert!(same_inode(&world, "a", "b"));
    world.cp("-lP link c").succeeds();
    assert_eq!(world.link_text("c"), "a");
    world.dir("s").symlink("../a", "s/l").cp("-rl s t").succeeds();
    assert!(same_inode(&world, "a", "t/l"));
}

#[test]
fn l_replaces_only_where_told() {
    let world = World::new();
    world.file("a", "1").file("b", "old");
    world.cp("-l a b").fails("safecp: cannot create hard link 'b' to 'a': File exists\n");
    assert_eq!(world.read("b"), "old");
    world.cp("-lf a b").succeeds();
    assert!(same_inode(&world, "a", "b"));
    world.cp("-lv a b").succeeds().says("");
    world.file("c", "old").cp("-lv --remove-destination a c").succeeds().says("removed 'c'\n'a' -> 'c'\n");
    world.file("d", "old").cp("-lb a d").succeeds();
    assert_eq!((same_inode(&world, "a", "d"), world.read("d~")), (true, "old".to_owned()));
}

#[test]
fn l_does_not_reach_other_filesystems() {
    let (Some(one), Some(other)) = (World::on("ext4"), World::on("tmpfs")) else { return };
    let target = other.path("b");
    one.file("a", "1");
    let output = one.cp_args(["-l".as_ref(), "a".as_ref(), target.as_os_str()]);
    output
        .fails(&format!("safecp: cannot create hard link '{}' to 'a': Invalid cross-device link\n", target.display()));
}

#[test]
fn s_makes_links_with_the_name_as_typed() {
    let world = World::new();
    world.dir("s/d").file("s/d/x", "x").dir("t").cp("-s s/d/x link").succeeds();
    assert_eq!(world.link_text("link"), "s/d/x");
    world.cp("-s s/d/x t").fails("safecp: t/x: can make relative symbolic links only in current directory\n");
    let absolute = world.path("s");
    world.cp_args(["-rs".as_ref(), absolute.as_os_str(), "t".as_ref()]).succeeds();
    assert_eq!(Path::new(&world.link_text("t/s/d/x")), absolute.join("d/x"));
}

#[test]
fn s_replaces_only_where_told() {
    let world = World::new();
    world.file("a", "1").file("b", "old");
    world.cp("-s a b").fails("safecp: cannot create symbolic link 'b' to 'a': File exists\n");
    world.cp("-sf a b").succeeds();
    assert_eq!(world.link_text("b"), "a");
    world.cp("-sf a b").succeeds();
    world.cp("-s a a").fails("safecp: 'a' and 'a' are the same file\n");
    assert_eq!(world.read("a"), "1");
}

#[test]
fn attributes_only_leaves_content_alone() {
    let world = World::new();
    world.file("a", "new content").chmod("a", 0o751).times("a", (5, 6), (7, 8)).file("b", "old");
    let inode = world.stat("b").ino();
    world.cp("-p --attributes-only a b").succeeds();
    let copy = world.stat("b");
    assert_eq!((world.read("b"), copy.ino()), ("old".to_owned(), inode));
    assert_eq!((copy.mode() & 0o777, copy.mtime(), copy.mtime_nsec()), (0o751, 7, 8));
    world.cp("--attributes-only a c").succeeds();
    assert_eq!((world.read("c"), world.mode("c")), (String::new(), 0o751));
    world.cp("--attributes-only -b a b").succeeds();
    assert_eq!((world.read("b"), world.read("b~")), (String::new(), "old".to_owned()));
}

#[test]
fn copy_contents_reads_what_is_no_file() {
    let world = World::new();
    world.dir("s").fifo("s/p").file("a", "through the pipe");
    world.shell("cat a > s/p & timeout 20 $safecp -R --copy-contents s t; wait").succeeds();
    assert_eq!(world.read("t/p"), "through the pipe");
}

#[test]
fn a_link_is_not_put_over_what_it_leads_to() {
    let world = World::new();
    world.file("a", "1").symlink("a", "link").dir("d").symlink("../a", "d/a");
    world.cp("-P link a").fails("safecp: 'link' and 'a' are the same file\n");
    world.cp("-R link a").fails("safecp: 'link' and 'a' are the same file\n");
    world.cp("-a d/a .").fails("safecp: 'd/a' and './a' are the same file\n");
    world.cp("-fP link a").fails("safecp: 'link' and 'a' are the same file\n");
    assert_eq!((world.read("a"), world.stat("a").file_type().is_symlink()), ("1".to_owned(), false));
}

#[test]
fn two_links_to_one_file_are_two_links() {
    let world = World::new();
    world.file("a", "1").symlink("a", "one").symlink("a", "two");
    world.cp("one two").fails("safecp: 'one' and 'two' are the same file\n");
    world.cp("-P one two").succeeds();
    world.cp("--remove-destination one two").succeeds();
    assert_eq!((world.read("two"), world.stat("two").file_type().is_symlink()), ("1".to_owned(), false));
}

#[test]
fn names_of_one_inode_may_part_where_the_target_goes_first() {
    let world = World::new();
    world.file("a", "1").link("a", "b").cp("a b").fails("safecp: 'a' and 'b' are the same file\n");
    world.cp("-n a b").succeeds();
    world.cp("--remove-destination a b").succeeds();
    assert_eq!((world.read("b"), world.stat("b").nlink()), ("1".to_owned(), 1));
    world.link("a", "c").cp("--backup=simple a c").succeeds();
    assert!(same_inode(&world, "a", "c~") && !same_inode(&world, "a", "c"));
}
