//! What a killed run leaves goes with the next copy to the same target, and nothing else does.

mod common;
use common::World;
use rustix::fs::FlockOperation;
use std::fs::File;
use std::path::PathBuf;

/// The program under test, where its leaving something behind is no failure by itself.
fn safecp() -> String {
    common::asked::program().to_str().expect("a plain path").to_owned()
}

/// Kills safecp before its first call of that name. False, which has been said, where there is no strace.
fn killed_before(world: &World, call: &str, words: &str) -> bool {
    if !common::has_tool("strace") {
        return false;
    }
    let strace =
        format!("strace -f -qq -o log -e trace={call} -e inject={call}:signal=KILL:when=1 {} {words}", safecp());
    let status = world.tool("bash", ["-c", &format!("{strace}; echo $?")]);
    assert_eq!(status.trim(), "137", "it was not killed");
    assert_eq!(world.temporaries().len(), 1, "nothing is left");
    true
}

/// The name that a killed run left.
fn left_name(world: &World, words: &str) -> Option<PathBuf> {
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
    let Some(name) = left_name(&world, "a b") else { return };
    let held = File::open(world.path(&name)).expect("the leftover");
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).expect("its lock");
    world.tool(&safecp(), ["a", "b"]);
    assert_eq!((world.read("b"), world.temporaries()), ("new".to_owned(), vec![name]));
    drop(held);
    world.file("b", "old").cp("a b").succeeds();
}

#[test]
fn a_directory_of_that_name_stays() {
    let world = World::new();
    world.file("a", "new").file("b", "old");
    let Some(name) = left_name(&world, "a b") else { return };
    std::fs::remove_file(world.path(&name)).expect("unlink");
    world.dir(name.to_str().expect("a plain name"));
    world.tool(&safecp(), ["a", "b"]);
    assert_eq!((world.read("b"), world.temporaries()), ("new".to_owned(), vec![name]));
}

#[test]
fn nobody_can_tell_a_name_beforehand() {
    let (one, other) = (World::new(), World::new());
    for world in [&one, &other] {
        world.file("a", "new").file("b", "old");
    }
    let (Some(first), Some(second)) = (left_name(&one, "a b"), left_name(&other, "a b")) else { return };
    assert_ne!(first, second, "the same copy in two directories");
    for world in [&one, &other] {
        world.cp("a b").succeeds();
    }
}

#[test]
fn a_source_that_is_called_like_a_leftover_is_copied_and_stays() {
    let world = World::new();
    world.dir("s").dir("d").file("s/f", "new").file("d/f", "old");
    let Some(left) = left_name(&world, "s/f d/f") else { return };
    let name = left.file_name().expect("a name").to_owned();
    std::fs::rename(world.path(&left), world.path("s").join(&name)).expect("rename");
    for _ in 0..2 {
        world.tool(&safecp(), ["-a", "s/.", "d"]);
        world.file("s/f", "newer");
        assert_eq!(world.read(std::path::Path::new("d").join(&name)), "new");
    }
    assert_eq!(world.names("d"), [name, "f".into()]);
}

#[test]
fn what_another_made_of_a_leftover_stays() {
    let world = World::new();
    world.file("a", "new").file("b", "old").dir("elsewhere").file("elsewhere/b", "old");
    let Some(left) = left_name(&world, "a b") else { return };
    let copy = std::path::Path::new("elsewhere").join(left.file_name().expect("a name"));
    std::fs::rename(world.path(&left), world.path(&copy)).expect("rename");
    world.tool(&safecp(), ["a", "elsewhere/b"]);
    assert_eq!(world.temporaries().len(), 1, "it is no leftover of this directory");
}

/// Where no file can be made without a name it has one for as long as it is written, and is locked meanwhile.
#[test]
fn what_a_run_is_killed_over_goes_where_files_have_names_from_the_beginning() {
    let world = World::new();
    world.file("a", "new").file("b", "old").file("probe", "old");
    let Some(honest) = world.cp_traced("openat", &[], "--jobs=1 a probe") else { return };
    let Some(position) = honest.position("openat", "O_TMPFILE") else { return common::left_out("needs O_TMPFILE") };
    let faults = format!("-e inject=openat:error=EOPNOTSUPP:when={position} -e inject=fsync:signal=KILL:when=1");
    let strace = format!("strace -f -qq -o log -e trace=openat,fsync {faults} {} --jobs=1 a b; echo $?", safecp());
    assert_eq!(world.tool("bash", ["-c", &strace]).trim(), "137", "it was not killed");
    assert_eq!((world.read("b"), world.temporaries().len()), ("old".to_owned(), 1));
    world.cp("a b").succeeds();
    assert_eq!(world.read("b"), "new");
}
