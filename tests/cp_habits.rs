//! What programs behind FUSE do and filesystems of the kernel do not: no count of links, wrong kinds in listings, modes that are
//! not set, no rename. GNU cp copies there, and so it has to be here; here by a filesystem in user space.

mod common;
#[path = "odd/filesystem.rs"]
mod filesystem;

use common::World;
use filesystem::{Habit, Mount, exact, mount_with};

const KIND: u32 = 0o7777;

/// A world with a tree `s`, and a filesystem at `m` that has the habit.
fn with(habit: Habit) -> Option<(World, Mount)> {
    let world = World::new();
    world.dir("s/d").file("s/a", "1").file("s/d/b", "2").symlink("a", "s/l").random("s/large", 300_000, 1);
    world.chmod("s/a", 0o640).chmod("s/d", 0o750);
    let mount = mount_with(&world, exact, habit)?;
    Some((world, mount))
}

/// A new tree is copied there and back, and an old one is copied over.
#[track_caller]
fn takes_a_tree(world: &World) {
    world.cp("-a s m/new").succeeds();
    world.assert_same_tree("s", "back/new");
    world.cp("-a m/new back-again").succeeds();
    world.assert_same_tree("s", "back-again");
    world.dir("back/old/d").file("back/old/a", "old").file("back/old/d/b", "older and longer");
    world.cp("-aT s m/old").succeeds();
    world.assert_same_tree("s", "back/old");
    world.file("s/a", "changed").cp("s/a m/old/a").succeeds();
    assert_eq!(world.read("back/old/a"), "changed");
}

#[test]
fn a_count_of_no_links_is_not_a_stranger() {
    let Some((world, _mount)) = with(Habit::CountsNoLinks) else { return };
    takes_a_tree(&world);
}

#[test]
fn what_a_listing_calls_a_file_may_be_a_directory() {
    let Some((world, _mount)) = with(Habit::ListsFiles) else { return };
    takes_a_tree(&world);
}

#[test]
fn an_old_file_keeps_a_mode_that_cannot_be_set() {
    let Some((world, _mount)) = with(Habit::IgnoresModes) else { return };
    world.file("back/a", "old").chmod("back/a", 0o664);
    world.cp("s/a m/a").succeeds();
    assert_eq!((world.read("back/a"), world.mode("back/a") & KIND), ("1".to_owned(), 0o664));
}

#[test]
fn an_old_file_is_written_where_nothing_is_renamed_over_it() {
    for habit in [Habit::RenamesOverNothing, Habit::RenamesNothing, Habit::RefusesDots] {
        let Some((world, _mount)) = with(habit) else { return };
        world.file("back/a", "old").file("back/large", "old").chmod("back/a", 0o664);
        world.cp("s/a s/large m").succeeds();
        assert_eq!((world.read("back/a"), world.mode("back/a") & KIND), ("1".to_owned(), 0o664), "{habit:?}");
        assert!(world.same_bytes("s/large", "back/large"), "{habit:?}");
        assert_eq!(world.names("back"), ["a", "large"], "{habit:?}");
    }
}

#[test]
fn bytes_go_in_order_where_they_are_not_taken_otherwise() {
    let Some((world, _mount)) = with(Habit::WritesInOrder) else { return };
    world.random("huge", 40_000_000, 2);
    world.cp("--jobs=4 huge m/huge").succeeds();
    assert!(world.same_bytes("huge", "back/huge"));
}
