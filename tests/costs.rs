//! What a copy costs in system calls and instructions, which unlike seconds are the same in every run: limits that a change may
//! lower, and may raise only with a reason.
//!
//! The cost of one file, or of a MiB, is what more of them cost more, by strace and by valgrind. What a limit of calls consists of
//! stands beside it.

mod common;
use common::{World, has_tool, is_root};
use std::collections::BTreeMap;

/// Makes a directory with so many files of 4 KiB.
fn fill(world: &World, directory: &str, files: u64) {
    world.dir(directory);
    for number in 0..files {
        world.random(&format!("{directory}/{number}"), 4096, number);
    }
}

/// What stands where files are copied to.
#[derive(Clone, Copy)]
enum Target {
    Nothing,
    OldFiles,
}

/// Calls of a run with so many files of 4 KiB in one directory, by name.
fn calls(world: &World, files: u64, options: &str, target: Target) -> Option<BTreeMap<String, u64>> {
    let source = format!("s{files}");
    fill(world, &source, files);
    if let Target::OldFiles = target {
        world.shell(&format!("cp -r {source} d{files} && for f in d{files}/*; do echo >>$f; done")).succeeds();
    }
    let traced = world.cp_traced("all", &[], &format!("{options} --jobs=1 -T {source} d{files}"))?;
    traced.output.succeeds();
    let mut counts = BTreeMap::new();
    for line in traced.calls.lines() {
        let name = line.split_once(' ').and_then(|(_, rest)| rest.trim_start().split_once('(')).map(|(name, _)| name);
        *counts.entry(name.unwrap_or_default().to_owned()).or_default() += 1;
    }
    Some(counts)
}

/// How many more calls each of many files makes, by name; what comes up now and then (getdents) rounds to nothing.
fn each_file(world: &World, options: &str, target: Target) -> Option<BTreeMap<String, u64>> {
    const MORE: u64 = 100;
    let few = calls(world, 20, options, target)?;
    let many = calls(world, 20 + MORE, options, target)?;
    let more =
        many.into_iter().map(|(name, count)| (name.clone(), (count - few.get(&name).unwrap_or(&0).min(&count)) / MORE));
    Some(more.filter(|(_, count)| *count > 0).collect())
}

#[track_caller]
fn costs(options: &str, limit: &[(&str, u64)]) {
    costs_on(Target::Nothing, options, limit);
}

#[track_caller]
fn costs_on(target: Target, options: &str, limit: &[(&str, u64)]) {
    let Some(world) = World::on("ext4") else { return };
    let Some(each) = each_file(&world, options, target) else { return };
    let limit: BTreeMap<String, u64> = limit.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    assert_eq!(each, limit, "{options}: {} calls for each file, not {}", sum(&each), sum(&limit));
}

fn sum(calls: &BTreeMap<String, u64>) -> u64 {
    calls.values().sum()
}

/// Opened, read, made without a name and with its mode, written, read back, looked at once more on both sides, given its
/// other attributes and its name.
#[test]
fn a_small_file_with_its_attributes() {
    costs(
        "-a",
        &[
            ("openat", 2),
            // The source when it is opened and when it was read; the target's size.
            ("fstat", 3),
            // The source, and the target.
            ("pread64", 2),
            ("pwrite64", 1),
            ("flistxattr", 1),
            ("utimensat", 1),
            ("linkat", 1),
            ("close", 2),
        ],
    );
}

/// A list is made of what the handle tells once the file has its name: nothing is opened again.
#[test]
fn a_small_file_in_a_list() {
    costs(
        "-a --manifest=list",
        &[
            ("openat", 2),
            // What it is in the end, beside what is asked without a list.
            ("fstat", 4),
            ("pread64", 2),
            ("pwrite64", 1),
            // Of the source, and of the target.
            ("flistxattr", 2),
            ("utimensat", 1),
            ("linkat", 1),
            ("close", 2),
        ],
    );
}

#[test]
fn a_small_file() {
    costs("-r", &[("openat", 2), ("fstat", 3), ("pread64", 2), ("pwrite64", 1), ("linkat", 1), ("close", 2)]);
}

#[test]
fn a_small_file_that_is_not_verified() {
    costs("-r --verify=none", &[("openat", 2), ("fstat", 3), ("copy_file_range", 1), ("linkat", 1), ("close", 2)]);
}

/// What an old file costs beside what a new one does: it is looked at, opened as cp would, and its flags and attributes are asked
/// for; the new one is locked and gets a name that says whose it is; what then has the old name is looked at.
fn replaced() -> Vec<(&'static str, u64)> {
    vec![
        // What stands there before, and after.
        ("newfstatat", 2),
        ("openat", 3),
        // The source when it is opened and when it was read; the old file; the new one's size. Who is not root has it asked whose it is.
        ("fstat", if is_root() { 4 } else { 5 }),
        // The old file's flags, and its project with its extent sizes.
        ("ioctl", 2),
        ("pread64", 2),
        ("pwrite64", 1),
        ("flistxattr", 2),
        ("utimensat", 1),
        ("flock", 1),
        // The new one's birth.
        ("statx", 1),
        ("linkat", 1),
        ("renameat", 1),
        ("close", 3),
    ]
}

#[test]
fn a_small_file_that_replaces_another() {
    costs_on(Target::OldFiles, "-a", &replaced());
}

#[test]
fn a_small_file_that_replaces_another_and_is_not_synced() {
    costs_on(Target::OldFiles, "-a --sync=never", &replaced());
}

/// Instructions in user space of a run, all its threads together.
fn instructions(world: &World, words: &str) -> u64 {
    let said = world.shell(&format!(
        "valgrind --tool=callgrind --callgrind-out-file=/dev/null $safecp --jobs=1 {words} 2>&1 | sed -n 's/.*Collected : //p'"
    ));
    said.stdout.trim().parse().unwrap_or_else(|error| panic!("valgrind counts: {error}: {said}"))
}

/// The limits leave room for other compilers and processors.
#[track_caller]
fn executes(what: &str, more: u64, each: u64, limit: u64) {
    let cost = more / each;
    println!("{what}: {cost} instructions, limit {limit}");
    assert!(cost <= limit, "{what} takes {cost} instructions, more than {limit}");
    assert!(cost >= limit / 3, "{what} takes {cost} instructions: the limit of {limit} guards nothing");
}

/// Measured: 8,860 in the summer on an AMD processor, 11,275 in November on an Intel one.
#[test]
fn instructions_of_a_small_file() {
    if !has_tool("valgrind") {
        return;
    }
    let world = World::new();
    for (name, files) in [("few", 20), ("many", 220)] {
        fill(&world, name, files);
    }
    let more = instructions(&world, "-a many m") - instructions(&world, "-a few f");
    executes("a file of 4 KiB", more, 200, 12_000);
}

/// Measured: 142,000, which is comparing; moving is the kernel's.
#[test]
fn instructions_of_a_large_file() {
    a_mib_executes("a MiB", "", 220_000);
}

/// Measured: 2,780,000, of which all but a twentieth is BLAKE3; see above for what is taken where no digest is told.
#[test]
fn instructions_of_a_digest() {
    a_mib_executes("a MiB with its digest", "--debug", 3_700_000);
}

#[track_caller]
fn a_mib_executes(what: &str, options: &str, limit: u64) {
    if !has_tool("valgrind") {
        return;
    }
    let world = World::new();
    world.random("small", 8 << 20, 1).random("large", 40 << 20, 2);
    let cost = |words: &str| instructions(&world, &format!("{options} {words}"));
    executes(what, cost("large l") - cost("small s"), 32, limit);
}
