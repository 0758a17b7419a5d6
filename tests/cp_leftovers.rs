//! What a killed run leaves goes with the next copy to the same target, and nothing else does.

mod common;
use common::World;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::path::PathBuf;

const SAFECP: &str = env!("CARGO_BIN_EXE_safecp");

/// Kills safecp before its first call of that name. False, which has been said, where there is no strace.
fn killed_before(world: &World, call: &str, words: &str) -> bool {
    if !common::has_tool("strace") {
        return false;
    }
    let strace = format!("strace -f -qq -o log -e trace={call} -e inject={call}:signal=KILL:when=1 {SAFECP} {words}");
    let status = world.tool("bash", ["-c", &format!("{strace}; echo $?")]);
    assert_eq!(status.trim(), "137", "it was not killed");
    assert_eq!(world.temporaries().len(), 1, "nothing is left");
    true
}

/// The name that a killed run left, which is the same in every run.
fn own_name(world: &World, words: &str) -> Option<PathBuf> {
    killed_before(world, "renameat", words).then(|| world.temporaries().remove(0))
}

#[test]
fn the_next_copy_removes_what_a_killed_one_left() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    if killed_before(&world, "renameat", "a b") {
        assert_eq!(world.read("b"), "old");
        world.cp("a b").succeeds();
        assert_eq!((world.read("b"), world.temporaries()), ("new".to_owned(), Vec::new()));
    }
}

#[test]
fn the_next_copy_removes_a_link_that_a_killed_one_left() {
    let world = World::new();
    world.symlink("new", "a").symlink("old", "b");
    if killed_before(&world, "renameat", "-P --remove-destination a b") {
        assert_eq!(world.link_text("b"), "old");
        world.cp("-P --remove-destination a b").succeeds();
        assert_eq!((world.link_text("b"), world.temporaries()), ("new".to_owned(), Vec::new()));
    }
}

#[test]
fn what_a_living_run_works_on_stays() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    let Some(name) = own_name(&world, "a b") else { return };
    let held = File::open(world.path(&name)).expect("the leftover");
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).expect("its lock");
    world.tool(SAFECP, ["a", "b"]);
    assert_eq!((world.read("b"), world.temporaries()), ("new".to_owned(), vec![name]));
    drop(held);
    world.cp("a b").succeeds();
}

#[test]
fn a_directory_of_that_name_stays() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    let Some(name) = own_name(&world, "a b") else { return };
    std::fs::remove_file(world.path(&name)).expect("unlink");
    world.dir(name.to_str().expect("a plain name"));
    world.tool(SAFECP, ["a", "b"]);
    assert_eq!((world.read("b"), world.temporaries()), ("new".to_owned(), vec![name]));
}
