//! Many files at once: the result is the same with any number of jobs.

mod common;
use common::World;
use std::os::unix::fs::MetadataExt;

/// A tree of directories with some thousand small files of all sizes up to 20 kB.
fn many_files(world: &World) {
    for directory in 0..40_u64 {
        world.dir(&format!("s/{directory}/deeper"));
        for file in 0..50 {
            let (seed, deeper) = (directory * 50 + file, if file % 5 == 0 { "deeper/" } else { "" });
            world.random(&format!("s/{directory}/{deeper}{file}"), (seed * 7919 % 20_011) as usize, seed);
        }
    }
}

#[test]
fn any_number_of_jobs_copies_the_same() {
    let world = World::new();
    many_files(&world);
    for jobs in [1, 2, 4, 17] {
        world.cp(&format!("-a --jobs={jobs} s t{jobs}")).succeeds();
        world.assert_same_tree("s", &format!("t{jobs}"));
    }
}

#[test]
fn hard_links_stay_together_under_many_jobs() {
    let world = World::new();
    world.dir("s");
    for group in 0..100 {
        world.file(format!("s/{group}"), format!("group {group}"));
        for link in 0..10 {
            world.dir(&format!("s/d{link}")).link(&format!("s/{group}"), &format!("s/d{link}/{group}"));
        }
    }
    world.cp("-a --jobs=8 s t").succeeds();
    world.assert_same_tree("s", "t");
    assert_eq!(world.stat("t/99").nlink(), 11);
}

#[test]
fn every_failure_of_many_is_said_once() {
    let world = World::new();
    world.dir("s");
    for index in 0..200 {
        let name = format!("s/{index}");
        world.file(&name, "x").chmod(&name, if index % 2 == 0 { 0 } else { 0o644 });
    }
    let output = world.cp_as_nobody("-a --jobs=8 s t");
    let mut lines: Vec<_> = output.stderr.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((output.code(), lines.len(), world.names("t").len()), (Some(1), 100, 100), "{output}");
}

#[test]
fn lines_of_many_jobs_are_not_mixed() {
    let world = World::new();
    many_files(&world);
    let output = world.cp("-av --jobs=8 s t");
    let whole = |line: &str| line.starts_with("'s") && line.ends_with('\'') && line.matches("' -> 't").count() == 1;
    assert!(output.succeeds().stdout.lines().all(whole), "{output}");
    assert_eq!(output.stdout.lines().count(), 1 + 40 * 2 + 40 * 50);
}

#[test]
fn the_number_of_jobs_must_be_one() {
    let world = World::new();
    world.file("a", "1");
    for jobs in ["0", "-1", "x", ""] {
        let output = world.cp(&format!("--jobs={jobs} a b"));
        output.fails_with(&["invalid number of jobs", &format!("'{jobs}'")]);
        assert!(!world.exists("b"));
    }
}

#[test]
fn a_large_file_among_small_ones_is_copied_whole() {
    let world = World::new();
    many_files(&world);
    world.random("s/large", 100_000_001, 1).cp("-a --jobs=4 s t").succeeds();
    world.assert_same_tree("s", "t");
}

#[test]
fn where_no_threads_are_to_be_had_one_does_the_work() {
    let world = World::new();
    world.every_kind("s").random("s/large", 3 << 20, 1);
    // The first thread waits for signals; the next two would work.
    let Some(traced) = world.cp_traced("clone3", &["clone3:error=EAGAIN:when=2+"], "-a --jobs=2 s t") else { return };
    traced.output.succeeds();
    assert!(traced.injected() > 0, "{}", traced.calls);
    world.assert_same_tree("s", "t");
}

#[test]
fn each_question_waits_for_the_answer_to_the_one_before() {
    let world = World::new();
    world.dir("s").dir("d");
    for name in 0..8 {
        world.file(format!("s/{name}"), "new").file(format!("d/{name}"), "old");
    }
    world.shell("(sleep 1; cp asked first; yes y | head -8) | $safecp -ri --jobs=4 s/. d 2>asked").succeeds();
    let questions = |name: &str| world.read(name).matches("overwrite").count();
    assert_eq!((questions("first"), questions("asked"), world.read("d/7")), (1, 8, "new".to_owned()));
}

/// Each of as many threads as are asked for takes megabytes, and memory that runs out ends the process.
#[test]
fn where_memory_is_limited_so_are_threads() {
    let world = World::new();
    world.dir("s");
    for index in 0..300 {
        world.file(format!("s/{index}"), index.to_string());
    }
    for kib in (16_000..64_000).step_by(3_000) {
        world.shell(&format!("ulimit -v {kib}; exec $safecp -a --jobs=8 s {kib}")).succeeds();
        assert_eq!(world.names(&kib.to_string()).len(), 300, "{kib}");
    }
}
