//! --resume: what is there and holds the same is not copied again, and the end is the one that a run without interruption has.

mod common;

use common::World;
use std::fs;
use std::os::unix::fs::MetadataExt;

fn inode(world: &World, name: &str) -> u64 {
    fs::metadata(world.path(name)).expect("stat").ino()
}

#[test]
fn what_holds_the_same_stays_and_gets_its_attributes() {
    let world = World::new();
    world
        .dir("src")
        .random("src/done", 2_500_000, 1)
        .random("src/rotten", 5000, 2)
        .random("src/short", 5000, 3)
        .file("src/new", "n");
    world.chmod("src/done", 0o640).times("src/done", (5, 6), (7, 8));
    world.tool("cp", ["-a", "src", "dst"]);
    fs::remove_file(world.path("dst/new")).expect("rm");
    // The content is right, and neither mode nor time is; and the other way round.
    world.chmod("dst/done", 0o600).times("dst/done", (1, 2), (3, 4));
    world.rot("dst/rotten", 4000, b"x");
    world.file("dst/short", "part");
    let (done, rotten) = (inode(&world, "dst/done"), inode(&world, "dst/rotten"));
    world.cp("-aT --resume src dst").succeeds();
    world.assert_same_tree("src", "dst");
    assert_eq!(inode(&world, "dst/done"), done, "it was not made anew");
    assert_ne!(inode(&world, "dst/rotten"), rotten, "size and times are not believed");
}

#[test]
fn without_the_option_what_does_not_look_copied_is_copied() {
    let world = World::new();
    world.file("a", "same").file("b", "same").times("b", (1, 2), (3, 4));
    let before = inode(&world, "b");
    world.cp("a b").succeeds();
    assert_ne!(inode(&world, "b"), before);
    world.times("b", (1, 2), (3, 4));
    let before = inode(&world, "b");
    world.cp("--resume a b").succeeds();
    assert_eq!(inode(&world, "b"), before);
}

/// Killed at different times, a backup goes on, and ends in the manifest of one that was not.
#[test]
fn a_backup_that_was_killed_ends_in_the_same_manifest() {
    let world = World::new();
    world.dir("src/d");
    for number in 0..40 {
        world.random(&format!("src/d/{number}"), 700_000, number);
    }
    world.link("src/d/1", "src/link").symlink("d", "src/symlink");
    world.cp("-a --manifest=whole src whole-copy").succeeds();
    let mut interrupted = 0;
    for milliseconds in [2, 5, 10, 20, 40, 80] {
        let script = format!(
            "rm -rf dst list; $safecp -aT --resume --manifest=list src dst & sleep 0.{milliseconds:03}; kill -KILL $! 2>/dev/null; wait $!; \
             echo $?; test -e list || echo none; $safecp -aT --resume --manifest=list src dst; echo $?; find . -name '.safecp-*' -delete"
        );
        let run = world.shell(&script);
        assert!(run.stdout.ends_with("0\n"), "{run}");
        interrupted += u32::from(run.stdout.contains("137\nnone\n"));
        assert!(world.same_bytes("whole", "list") && world.same_bytes("whole.chunks", "list.chunks"), "{run}");
        world.assert_same_tree("src", "dst");
    }
    assert!(interrupted > 0, "no run was killed in its middle");
}

/// cp removes such a target before it copies, and --remove-destination and --backup say so: a new file has to have its content.
#[test]
fn what_would_be_removed_first_is_copied() {
    let world = World::new();
    world.dir("src").file("src/a", "same").link("src/a", "src/b").tool("cp", ["-a", "src", "dst"]);
    world.cp("-aT --resume src dst").succeeds();
    world.assert_same_tree("src", "dst");
    world.file("c", "same").file("d", "same");
    for option in ["--remove-destination", "--backup", "--backup=numbered", "-f", "--attributes-only", "--in-place"] {
        world.cp(&format!("--resume {option} c d")).succeeds();
        assert!(world.same_bytes("c", "d"), "{option}");
    }
}
