//! --shard, --finish and --status: one tree that several runs copy ends as one run leaves it, or not as finished.
//!
//! What is expected is found out by rsync, by tests/compare, and by cp of GNU.

mod common;

use common::{Output, World, has_tool, left_out};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// A tree of every kind of entry, with hard links over many directories, and directories of odd times.
fn tree(world: &World) {
    world.every_kind("src");
    for number in 0..60 {
        let directory = format!("src/many/{}", number % 7);
        world.dir(&directory);
        world.random(&format!("{directory}/f{number}"), 500 + 700 * number, number as u64);
    }
    for number in 0..20 {
        let (from, to) = (number % 7, (number + 3) % 7);
        world.link(&format!("src/many/{from}/f{}", number / 7 * 7 + from), &format!("src/many/{to}/link{number}"));
    }
    world.set_xattr("src/many/1", "user.colour", b"red").chmod("src/many/2", 0o2750);
    for number in 0..7 {
        world.times(&format!("src/many/{number}"), (5, 6), (1_000_000 + number, 7));
    }
    world.chmod("src/many/3", 0o555).times("src/many", (8, 9), (77, 123_456_789)).times("src", (1, 2), (3, 4));
}

/// Fails unless rsync finds no difference, the times of directories among them.
#[track_caller]
fn assert_same(world: &World, source: &str, target: &str) {
    world.assert_same_tree(source, target);
    assert_eq!(links(world, source), links(world, target), "hard links");
    if !has_tool("rsync") {
        return left_out("needs rsync for a second comparison");
    }
    let listed =
        world.tool("rsync", ["-aHAXni", "--checksum", "--delete", &format!("{source}/"), &format!("{target}/")]);
    assert_eq!(listed.trim(), "", "rsync would change this");
}

/// The sets of names that are one file.
fn links(world: &World, directory: &str) -> BTreeSet<Vec<String>> {
    let script = format!("cd {directory} && find . -type f -links +1 -printf '%i %p\\n' | sort");
    let mut sets = BTreeMap::<String, Vec<String>>::new();
    for line in world.tool("bash", ["-c", &script]).lines() {
        let (inode, name) = line.split_once(' ').expect("a number and a name");
        sets.entry(inode.to_owned()).or_default().push(name.to_owned());
    }
    sets.into_values().collect()
}

fn shard(world: &World, number: u32, count: u32) -> Output {
    world.cp(&format!("-a --shard={number}/{count} src dst"))
}

#[test]
fn shards_one_after_the_other_make_what_one_run_makes() {
    let world = World::new();
    tree(&world);
    for number in [3, 1, 4, 2] {
        shard(&world, number, 4).succeeds();
    }
    assert!(world.exists("dst/.safecp-shards/plan"));
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(world.names("."), ["dst", "src"], "no records are left");
}

#[test]
fn shards_at_once_make_what_one_run_makes() {
    let world = World::new();
    tree(&world);
    let running: Vec<_> = (1..=5).map(|number| world.start(&format!("-a --shard={number}/5 src dst"))).collect();
    for shard in running {
        shard.finish().succeeds();
    }
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn the_names_of_a_file_are_in_one_shard() {
    let world = World::new();
    tree(&world);
    shard(&world, 1, 3).succeeds();
    for set in links(&world, "src") {
        let there = set.iter().filter(|name| world.exists(format!("dst/{name}"))).count();
        assert!(there == 0 || there == set.len(), "{set:?} in part");
    }
}

#[test]
fn finish_names_the_shards_that_are_not_complete() {
    let world = World::new();
    tree(&world);
    let none = "safecp: 'dst' has no records of shards: none has begun, or all is finished\n";
    world.dir("dst").cp("--finish dst").fails(none);
    shard(&world, 2, 4).succeeds();
    world.chmod("dst/.safecp-shards/2", 0o600);
    // Half of its last line is on disk.
    shard(&world, 3, 4).succeeds();
    let log = world.read("dst/.safecp-shards/3");
    fs::write(world.path("dst/.safecp-shards/3"), &log[..log.len() - 5]).expect("a shorter log");
    let before = fs::read_dir(world.path("dst/.safecp-shards")).expect("records").count();
    world.cp("--finish dst").fails(
        "safecp: shard 1 of 4 has not begun\nsafecp: shard 3 of 4 was interrupted\nsafecp: shard 4 of 4 has not begun\n",
    );
    assert_eq!(fs::read_dir(world.path("dst/.safecp-shards")).expect("records").count(), before);
    for number in [1, 3, 4] {
        shard(&world, number, 4).succeeds();
    }
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    world.cp("--finish dst").fails(none);
}

#[test]
fn a_shard_that_failed_is_not_complete() {
    let world = World::new();
    world.dir("src/d").file("src/d/a", "a").file("src/d/b", "b").dir("dst/d").dir("dst/d/a/in-the-way");
    world
        .cp("-a --shard=1/1 src dst")
        .fails("safecp: cannot overwrite directory 'dst/d/a' with non-directory 'src/d/a'\n");
    assert_eq!(world.read("dst/d/b"), "b");
    world.cp("--finish dst").fails("safecp: shard 1 of 1 has failed\n");
    world.tool("rm", ["-r", "dst/d/a"]);
    shard(&world, 1, 1).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn what_a_shard_has_verified_is_not_copied_again() {
    let world = World::new();
    tree(&world);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    let names = ["f1", "f8", "f15", "f22"].map(|name| format!("many/1/{name}"));
    let at = |name: &String| format!("dst/{name}");
    let before = names.each_ref().map(|name| world.inode(&at(name)));
    // One is gone, one was written, one has another source now.
    fs::remove_file(world.path(at(&names[0]))).expect("rm");
    world.file(at(&names[1]), "written since").file(format!("src/{}", names[2]), "another source");
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(world.inode(&at(&names[3])), before[3], "what was verified stays");
    assert_ne!(world.inode(&at(&names[2])), before[2], "what has changed does not");
}

/// What is recorded and unchanged is not even opened.
#[test]
fn a_second_run_reads_no_file() {
    let world = World::new();
    world.dir("src").file("src/one", "content of one").file("src/two", "content of two");
    shard(&world, 1, 1).succeeds();
    let script =
        "strace -f -e trace=openat,openat2 -o trace \"$safecp\" -a --shard=1/1 src dst && grep -c '\"one\"' trace";
    assert_eq!(world.shell(script).stdout.trim(), "0", "{}", world.read("trace"));
}

#[test]
fn two_runs_of_one_shard_do_not_harm_each_other() {
    let world = World::new();
    tree(&world);
    let twins = [(); 3].map(|()| world.start("-a --shard=1/1 src dst"));
    for twin in twins {
        assert_eq!(twin.finish().code(), Some(0));
    }
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn a_second_run_of_a_shard_waits_for_the_first() {
    let world = World::new();
    world.dir("src").file("src/a", "a");
    shard(&world, 1, 1).succeeds();
    let script = "flock dst/.safecp-shards/1 sleep 1.5 & sleep 0.3; \"$safecp\" -a --shard=1/1 src dst";
    let words = "safecp: shard 1 of 1 is at work already; waiting for its end\n";
    world.shell(script).succeeds_saying(words);
    let script = "flock dst/.safecp-shards/1 sleep 6 & sleep 0.3; \"$safecp\" --finish dst";
    world.shell(script).fails("safecp: shard 1 of 1 is at work\n");
    // --status has a log locked for a moment.
    let script = "flock dst/.safecp-shards/1 sleep 0.5 & sleep 0.2; \"$safecp\" --finish dst";
    world.shell(script).succeeds();
}

/// A directory with the set-group-ID bit gives its group to all that is made beneath it, also where the target is made for the records.
#[test]
fn the_group_of_a_directory_is_handed_down_as_in_one_run() {
    if !common::is_root() {
        return left_out("needs root, which has a second group");
    }
    let world = World::new();
    world.dir("src/d").file("src/d/a", "a").file("src/b", "b");
    world.shell("for d in one two; do mkdir $d; chgrp 33 $d; chmod 2775 $d; done").succeeds();
    let words = "-R --preserve=mode,timestamps";
    world.cp(&format!("{words} src one/dst")).succeeds();
    for number in [1, 2] {
        world.cp(&format!("{words} --shard={number}/2 src two/dst")).succeeds();
    }
    world.cp("--finish two/dst").succeeds();
    let groups = |directory: &str| world.tool("find", [directory, "-printf", "%P %g %m\n"]);
    assert_eq!(groups("two/dst"), groups("one/dst"));
    assert!(groups("two/dst").lines().all(|line| line.contains(" www-data ") || line.contains(" 33 ")));
}

/// An end has the plan locked, and shares have it together.
#[test]
fn whoever_comes_while_a_copy_is_being_finished_waits_or_is_refused() {
    let world = World::new();
    world.dir("src").file("src/a", "a");
    shard(&world, 1, 1).succeeds();
    let while_locked = |how: &str, words: &str| {
        world.shell(&format!("flock {how} dst/.safecp-shards/plan sleep 2 & sleep 0.3; \"$safecp\" {words}"))
    };
    let waits = "safecp: the copy is being finished; waiting for the end of that\n";
    while_locked("-x", "-a --shard=1/1 src dst").succeeds_saying(waits);
    while_locked("-s", "-a --shard=1/1 src dst").succeeds();
    while_locked("-x", "-a --plan=1 src dst").fails("safecp: 'dst' is being finished: run --finish again\n");
    while_locked("-s", "--finish dst").fails("safecp: 'dst' is being finished, or --plan is at work\n");
    // The end of that comes soon enough.
    let script = "flock -s dst/.safecp-shards/plan sleep 0.6 & sleep 0.3; \"$safecp\" --finish dst";
    world.shell(script).succeeds();
    assert_same(&world, "src", "dst");
}

/// However many shards there are, the end has the files of one open.
#[test]
fn shards_may_be_more_than_descriptors() {
    const SHARDS: u32 = 80;
    let world = World::new();
    tree(&world);
    for number in 1..=SHARDS {
        world.cp(&format!("-a --manifest=list --report=report --shard={number}/{SHARDS} src dst")).succeeds();
    }
    world.shell("ulimit -n 40; \"$safecp\" --finish dst").succeeds();
    assert_same(&world, "src", "dst");
    world.cp("--check list dst").succeeds();
}

/// An end that dies leaves the records beside the target. A run that has waited for it meanwhile has to leave them as they are: no
/// end can bring them back where a share has begun (worlds 5843855666423476874 and 15574272853614952151 of the simulator).
#[test]
fn a_share_that_waited_for_an_end_that_died_begins_nothing() {
    let world = World::new();
    tree(&world);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    let script = "exec 9<>dst/.safecp-shards/1; flock 9
        \"$safecp\" -a --shard=1/2 src dst 9>&- 2>said & sleep 1
        mv dst/.safecp-shards .safecp-shards-of-dst; exec 9>&-; wait $!; echo $?; cat said";
    let waited = world.shell(script);
    assert_eq!(
        waited.stdout,
        "1\nsafecp: shard 1 of 2 is at work already; waiting for its end\nsafecp: 'dst' is being finished: run --finish again\n"
    );
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    // What one that was later still has made there goes too.
    world.dir(".safecp-shards-of-dst").chmod(".safecp-shards-of-dst", 0o700).file(".safecp-shards-of-dst/2", "");
    world.cp("--finish dst").succeeds();
    assert_eq!(world.names("."), ["dst", "said", "src"]);
}

/// A loss of power can undo that an end brought the records back to shares that had to run again (world 13941811605865536281), and can
/// bring those of a finished copy back beside one that was begun after it (world 5476995080546194599).
#[test]
fn records_that_a_loss_of_power_moved_end_right() {
    let world = World::new();
    tree(&world);
    shard(&world, 1, 2).succeeds();
    world.tool("mv", ["dst/.safecp-shards", ".safecp-shards-of-dst"]);
    shard(&world, 2, 2).fails("safecp: 'dst' is being finished: run --finish again\n");
    world.cp("--finish dst").fails("safecp: shard 2 of 2 has not begun\n");
    shard(&world, 2, 2).succeeds();
    world.tool("cp", ["-a", "dst/.safecp-shards", "finished"]);
    world.tool("mv", ["finished/plan", "finished/finished"]);
    world.tool("mv", ["finished", ".safecp-shards-of-dst"]);
    world.cp("--finish dst").succeeds();
    assert!(!world.exists("dst/.safecp-shards") && !world.exists(".safecp-shards-of-dst"));
    assert_same(&world, "src", "dst");
}

#[test]
fn shards_that_are_killed_go_on_and_end_right() {
    let world = World::new();
    tree(&world);
    world.dir("src/large");
    for number in 0..30 {
        world.random(&format!("src/large/{number}"), 600_000, number);
    }
    let mut killed = 0;
    for milliseconds in [5, 10, 20, 40, 80, 160] {
        // A file that is about to replace another has a name of its own for a moment, which a kill leaves.
        let clean = "find dst -name '.safecp-*' ! -path '*safecp-shards*' -delete 2>/dev/null; true";
        let script = format!(
            "for number in 1 2 3; do \"$safecp\" -a --shard=$number/3 src dst & done
             sleep 0.{milliseconds:03}; kill -9 $(jobs -p); wait; {clean}"
        );
        world.shell(&script);
        // Nothing that has a name is in part.
        let whole = world.tool(
            "bash",
            ["-c", "cd src/large; for f in *; do [ ! -e ../../dst/large/$f ] || cmp $f ../../dst/large/$f; done"],
        );
        assert_eq!(whole, "");
        killed += u32::from(world.cp("--finish dst").code() == Some(1));
    }
    assert!(killed > 0, "none was killed in time");
    for number in 1..=3 {
        shard(&world, number, 3);
    }
    if world.exists("dst/.safecp-shards") {
        world.cp("--finish dst").succeeds();
    }
    assert_same(&world, "src", "dst");
}

#[test]
fn a_tree_that_changed_between_shards_is_not_finished() {
    let world = World::new();
    tree(&world);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.file("src/many/0/new", "new");
    world.cp("--finish dst").fails(
        "safecp: cannot stat 'dst/many/0/new': No such file or directory\n"
            .replace("'dst", &format!("'{}", world.path("dst").display()))
            .as_str(),
    );
    // It is there, but no shard has copied it.
    world.tool("cp", ["-a", "src/many/0/new", "dst/many/0/new"]);
    world.cp("--finish dst").fails_with(&["is not what the sources hold now", "run all shards again, then --finish"]);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn what_has_gone_from_the_target_is_missed() {
    let world = World::new();
    tree(&world);
    shard(&world, 1, 1).succeeds();
    fs::remove_file(world.path("dst/many/0/f7")).expect("rm");
    world.cp("--finish dst").fails_with(&["cannot stat", "dst/many/0/f7", "No such file or directory"]);
    shard(&world, 1, 1).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn records_of_another_copy_are_not_used() {
    let world = World::new();
    world.dir("src").dir("other").file("src/a", "a").file("other/a", "b");
    shard(&world, 1, 2).succeeds();
    for words in ["-a --shard=1/3 src dst", "-a --shard=1/2 other dst", "-a --sparse=never --shard=2/2 src dst"] {
        world.cp(words).fails_with(&["'dst/.safecp-shards' has records of another copy"]);
    }
    // Jobs and lines make no other copy.
    world.cp("-av --jobs=2 --shard=2/2 src dst").succeeds();
    // A copy of what is not finished has the records, and they are not its own.
    world.tool("cp", ["-a", "dst", "copy"]);
    world.cp("--finish copy").fails_with(&["the records in 'copy/.safecp-shards' are of a copy to"]);
    world.chmod("dst/.safecp-shards", 0o755);
    world.cp("--finish dst").fails_with(&["not using 'dst/.safecp-shards'"]);
    world.chmod("dst/.safecp-shards", 0o700);
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn records_may_lie_elsewhere() {
    let world = World::new();
    tree(&world);
    world.file("src/.safecp-shards", "the user's");
    for number in [1, 2] {
        world.cp(&format!("-a --state=records --shard={number}/2 src dst")).succeeds();
    }
    world.cp("--finish dst").fails_with(&["cannot access 'dst/.safecp-shards'"]);
    world.cp("--finish --state=records dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(world.names("."), ["dst", "src"]);
}

/// They would be copied, and be other ones at each look.
#[test]
fn records_do_not_lie_in_a_source() {
    let world = World::new();
    world.dir("src/d").file("src/a", "a");
    for words in ["--shard=1/1", "--plan=1"] {
        let said = world.cp(&format!("-a --state=./src/d/records {words} src dst"));
        said.fails("safecp: not keeping records in './src/d/records', which is in 'src' and would be copied\n");
    }
    assert_eq!(world.names("."), ["src"]);
    assert!(world.names("src/d").is_empty());
    world.cp("-a --state=src-records --shard=1/1 src dst").succeeds();
    world.cp("--finish --state=src-records dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn names_like_that_of_the_records_are_copied_or_refused() {
    let world = World::new();
    world.dir("src/d/.safecp-shards").file("src/d/.safecp-shards/plan", "the user's").file("src/a", "a");
    shard(&world, 1, 1).succeeds();
    world.cp("--finish dst").succeeds();
    assert_eq!(world.read("dst/d/.safecp-shards/plan"), "the user's");
    world.dir("src/.safecp-shards").file("src/.safecp-shards/plan", "the user's too");
    world.cp("-a --shard=1/1 src dst2").fails_with(&["will not copy to 'dst2/.safecp-shards'", "--state=DIR"]);
    assert!(world.read("dst2/.safecp-shards/plan").starts_with("safecp-shards 1 "));
}

#[test]
fn several_sources_go_into_a_directory() {
    let world = World::new();
    tree(&world);
    world.file("one", "1").dir("two/in").file("two/in/file", "2").dir("dst").dir("gnu");
    for number in [1, 2, 3] {
        world.cp(&format!("-a --shard={number}/3 -t dst src one two")).succeeds();
    }
    world.cp("--finish dst").succeeds();
    world.tool("cp", ["-a", "-t", "gnu", "src", "one", "two"]);
    for name in ["src", "two"] {
        assert_same(&world, &format!("gnu/{name}"), &format!("dst/{name}"));
    }
    assert_eq!((world.read("dst/one"), world.names("dst")), ("1".to_owned(), world.names("gnu")));
}

#[test]
fn an_ordinary_user_finishes_directories_that_are_closed() {
    let world = World::new();
    world.dir("src/d/e").file("src/d/e/a", "a").file("src/d/b", "b");
    world.chmod("src/d/e", 0o500).chmod("src/d", 0o555).times("src/d", (1, 2), (3, 4));
    world.chmod("src", 0o555).times("src", (5, 6), (7, 8));
    let words = "for n in 1 2; do $safecp -a --shard=$n/2 src dst || exit 9; done; $safecp --finish dst";
    world.shell_as_nobody(words).succeeds();
    assert_same(&world, "src", "dst");
    world.chmod("src", 0o755).chmod("dst", 0o755);
}

#[test]
fn status_tells_how_far_shards_are() {
    let world = World::new();
    world.dir("src");
    for number in 0..30 {
        world.file(format!("src/{number}"), "12345");
    }
    shard(&world, 1, 3).succeeds();
    let done = fs::read_dir(world.path("dst")).expect("readdir").count() - 1;
    let sum = format!("{done} names, {} bytes verified", done * 5);
    let left = format!("about {} names are left, by the size of shards that are complete", 2 * done);
    let status = world.cp("--status dst");
    assert_eq!(status.code(), Some(1));
    assert!(status.stdout.contains("of 3 shards 1 complete, 2 not begun"), "{status}");
    assert!(status.stdout.contains(&sum) && status.stdout.contains(&left), "{status}");
    let begun = world.shell("flock dst/.safecp-shards/1 sleep 1 & sleep 0.3; \"$safecp\" --status dst; true");
    assert!(begun.stdout.contains("1 complete"), "{begun}");
    shard(&world, 2, 3).succeeds();
    shard(&world, 3, 3).succeeds();
    let status = world.cp("--status dst");
    assert!(status.code() == Some(0) && status.stdout.contains("30 names, 150 bytes verified"), "{status}");
}

/// With lists it is known what is left, and who has not begun with what is on his.
#[test]
fn status_tells_of_lists() {
    let world = World::new();
    for number in 0..60 {
        let directory = format!("src/{}", number % 6);
        world.dir(&directory).file(format!("{directory}/{number}"), "12345");
    }
    // Files with several names, and large ones, are on lists by themselves.
    world.link("src/0/0", "src/1/link").shell("truncate -s 130M src/large").succeeds();
    world.cp("-a --plan=3 src dst").succeeds();
    let bytes = 61 * 5 + 130 * 1024 * 1024;
    let left = |status: &Output| -> (u64, u64) {
        let line = status.stdout.lines().find(|line| line.starts_with("lists: ")).expect("a line of lists");
        let about = line.split("; about ").nth(1).map_or("0 names, 0", |about| about);
        let mut numbers = about.split(|letter: char| !letter.is_ascii_digit()).filter(|number| !number.is_empty());
        let mut next = || numbers.next().and_then(|number| number.parse().ok()).expect("a number");
        (next(), next())
    };
    let begun = world.cp("--status dst");
    assert!(begun.stdout.contains("lists: taken by 0 of 3 shards; about "), "{begun}");
    // Parts of a directory, and ranges, are rounded up.
    let (names, about) = left(&begun);
    assert!((62..80).contains(&names) && (bytes..bytes + 100).contains(&about), "{begun}");
    shard(&world, 2, 3).succeeds();
    let status = world.cp("--status dst");
    assert!(status.stdout.contains("lists: taken by 1 of 3 shards; about "), "{status}");
    assert!(!status.stdout.contains("by the size of shards"), "{status}");
    let (names_now, about_now) = left(&status);
    assert!(names_now < names && about_now < about && about_now > about / 2, "{status}");
    // What was done by other lists is to be done again.
    world.dir("src/more").file("src/more/a", "a").cp("-a --plan=3 src dst").succeeds();
    let status = world.cp("--status dst");
    assert!(status.stdout.contains("of 3 shards 1 complete, 2 not begun"), "{status}");
    let taken = status.stdout.contains("lists: taken by 1 of 3 shards");
    assert!(taken || status.stdout.contains("lists: taken by 0 of 3 shards"), "{status}");
    // Its list may be what it was.
    assert_eq!(left(&status).0 > names, !taken, "{status}");
    for number in 1..=3 {
        shard(&world, number, 3).succeeds();
    }
    let status = world.cp("--status dst");
    assert!(status.stdout.contains("lists: taken by 3 of 3 shards; nothing is left"), "{status}");
    world.tool("rm", ["dst/.safecp-shards/lists"]);
    assert!(world.cp("--status dst").stdout.contains("lists: not whole"));
    world.shell("echo >dst/.safecp-shards/lists").succeeds();
    world.cp("--status dst").fails("safecp: 'dst/.safecp-shards/lists' is damaged: run --plan again\n");
}

/// What shards write down is little: a billion files fit in 100 GB.
#[test]
fn records_take_at_most_a_hundred_bytes_a_file() {
    const FILES: u64 = 2000;
    let world = World::new();
    for number in 0..FILES {
        let directory = format!("src/directory number {}/and one beneath it", number % 50);
        world.dir(&directory).file(format!("{directory}/a file with a long name of its own, {number}"), "12345");
    }
    let bytes = || world.shell("cat dst/.safecp-shards/* | wc -c").stdout.trim().parse::<u64>().expect("a number");
    for lists in ["no lists", "lists"] {
        if lists == "lists" {
            world.cp("-a --plan=4 src dst").succeeds();
        }
        // A second run adds nothing for what it finds as it was.
        for number in [1, 2, 3, 4, 3, 1] {
            shard(&world, number, 4).succeeds();
        }
        let (bytes, most) = (bytes(), FILES * 100);
        assert!(bytes <= most, "{bytes} bytes of records, {lists}");
        assert!(bytes > FILES * 32, "each name has its key: {bytes}");
        world.cp("--finish dst").succeeds();
        assert_same(&world, "src", "dst");
        world.tool("rm", ["-r", "dst"]);
    }
}

/// A new file costs the calls that it costs without shards. Each name of others costs one, for it may have further names; with a list
/// none.
#[test]
fn names_cost_few_calls() {
    const FILES: [u64; 2] = [40, 340];
    let world = World::new();
    let calls = |words: &str| {
        let traced = world.cp_traced("all", &[], words)?;
        traced.output.succeeds();
        Some(traced.calls.lines().count() as u64)
    };
    // What more files cost more: of one run, of two shards, and of two with lists.
    let mut counts = Vec::new();
    for files in FILES {
        for number in 0..files {
            let directory = format!("s{files}/{}", number % 4);
            world.dir(&directory).file(format!("{directory}/{number}"), "12345");
        }
        let Some(alone) = calls(&format!("-a --jobs=1 s{files} alone")) else {
            return left_out("needs strace to count calls");
        };
        let shards = || -> u64 {
            let shard = |number| calls(&format!("-a --jobs=1 --shard={number}/2 s{files} dst")).expect("strace");
            (1..=2).map(shard).sum()
        };
        let without_lists = shards();
        world.tool("rm", ["-r", "alone", "dst"]);
        world.cp(&format!("-a --plan=2 s{files} dst")).succeeds();
        counts.push([alone, without_lists, shards()]);
        world.cp("--finish dst").succeeds();
        assert_same(&world, &format!("s{files}"), "dst");
        world.tool("rm", ["-r", "dst"]);
    }
    let more = FILES[1] - FILES[0];
    let [alone, without_lists, with_lists] = [0, 1, 2].map(|way| counts[1][way] - counts[0][way]);
    // One new file of 64 is looked at, and each run waits for its helpers a few times more or less.
    let seldom = more / 10;
    assert!((10 * more..20 * more).contains(&alone), "{counts:?}");
    assert!(without_lists.abs_diff(alone + more) <= seldom, "{counts:?}");
    assert!(with_lists.abs_diff(alone) <= seldom, "{counts:?}");
}

/// A share without records looks at no target before it makes one. What stands there is met nevertheless.
#[test]
fn what_stands_there_already_is_replaced_once_it_is_met() {
    let world = World::new();
    world.dir("src/d").dir("dst/d");
    for number in 0..20 {
        world.file(format!("src/d/{number}"), "new").file(format!("dst/d/{number}"), "older");
    }
    world.tool("rm", ["dst/d/3", "dst/d/4", "dst/d/5", "dst/d/6"]);
    world.symlink("nowhere", "dst/d/4").dir("dst/d/5");
    world.file("src/d/more", "of two names").link("src/d/more", "src/d/names").file("dst/d/names", "old");
    let failed = world.cp("-a --jobs=1 --shard=1/1 src dst");
    assert_eq!(failed.code(), Some(1), "{failed}");
    assert_eq!(
        failed.stderr.lines().collect::<BTreeSet<_>>(),
        BTreeSet::from([
            "safecp: cannot overwrite directory 'dst/d/5' with non-directory 'src/d/5'",
            "safecp: not writing through dangling symlink 'dst/d/4'",
        ])
    );
    world.tool("rm", ["-r", "dst/d/4", "dst/d/5"]);
    shard(&world, 1, 1).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

/// An ordinary user cannot give files to others; what was copied is found by what it is, not by what its source let expect.
#[test]
fn files_that_differ_from_what_was_foretold_are_recorded_as_they_are() {
    if !common::is_root() {
        return left_out("needs root, which owns what another user copies");
    }
    let world = World::new();
    world.dir("src");
    for name in ["one", "two", "three", "four"] {
        world.file(format!("src/{name}"), "content").chmod(&format!("src/{name}"), 0o644);
    }
    let again = "$safecp -a --jobs=1 --shard=1/1 src dst || exit 9
        strace -f -e trace=openat,openat2 -o trace $safecp -a --jobs=1 --shard=1/1 src dst || exit 9
        grep -cE '\"(one|two|three|four)\"' trace";
    assert_eq!(world.shell_as_nobody(again).stdout.trim(), "0", "{}", world.read("trace"));
}

#[test]
fn batch_systems_name_the_shard() {
    let world = World::new();
    tree(&world);
    let array = "SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_ID";
    let script =
        format!("for id in 3 4; do {array}=$id $safecp -a --shard=auto src dst || exit; done; $safecp --finish dst");
    world.shell(&script).succeeds();
    assert_same(&world, "src", "dst");
    world.cp("-a --shard=auto src dst2").fails("safecp: --shard=auto: no batch system's variables are set\n");
}

#[test]
fn what_cannot_be_shared_out_is_refused() {
    let world = World::new();
    world.dir("src").file("src/a", "a").file("b", "b");
    for (words, why) in [
        ("-a --shard=0/2 src dst", "invalid shard '0/2': K/N with K from 1 to N, or auto"),
        ("-a --shard=3/2 src dst", "invalid shard '3/2': K/N with K from 1 to N, or auto"),
        ("-a --shard=1 src dst", "invalid shard '1': K/N with K from 1 to N, or auto"),
        ("-r --shard=1/2 src dst", "--shard needs -a, or -R with --preserve=mode"),
        ("-al --shard=1/2 src dst", "--shard cannot be combined with"),
        ("-a -n --shard=1/2 src dst", "--shard cannot be combined with"),
        ("-a --backup --shard=1/2 src dst", "--shard cannot be combined with"),
        ("-a --state=s src dst", "--state is of use only with --shard"),
        ("-a --shard=1/2 b dst", "'b' is no directory: name the target's directory with -t"),
    ] {
        world.cp(words).fails_with(&[why]);
        assert!(!world.exists("dst"), "{words}");
    }
}

/// Killed at any call that changes something, --finish comes to the same end when it is run again, and says success only then.
#[test]
fn a_finish_that_is_killed_at_any_call_can_be_run_again() {
    let world = World::new();
    world.dir("src/d/e").file("src/d/e/a", "a").file("src/b", "b").link("src/b", "src/d/c");
    world.times("src/d/e", (1, 2), (3, 4)).times("src/d", (5, 6), (7, 8)).times("src", (9, 10), (11, 12));
    for number in [1, 2] {
        shard(&world, number, 2).succeeds();
    }
    world.tool("cp", ["-a", "dst", "saved"]);
    let calls = "mkdirat,renameat2,unlinkat,fchmod,fchmodat,fchownat,fchown,utimensat,fsync,syncfs,close";
    let mut killed = 0;
    for call in 1.. {
        world.tool("bash", ["-c", "rm -rf dst .safecp-shards*; cp -a saved dst"]);
        let script = format!(
            "strace -f -o /dev/null -e inject={calls}:signal=KILL:when={call} \"$safecp\" --finish dst --jobs=1"
        );
        let first = world.shell(&script);
        if first.code() == Some(0) {
            break;
        }
        killed += 1;
        let again = world.cp("--finish dst");
        let is_done = again.code() == Some(0) || again.stderr.contains("or all is finished");
        assert!(is_done, "after a kill at call {call}: {again}");
        assert_same(&world, "src", "dst");
        assert_eq!(world.names("."), ["dst", "saved", "src"], "after a kill at call {call}");
    }
    assert!(killed > 20, "{killed} calls");
}

/// A target that is a mount point keeps its records within it to the end.
#[test]
fn a_target_that_is_a_mount_point_gets_its_own_time_last() {
    let Some(world) = World::with_mounts("a filesystem of its own") else { return };
    tree(&world);
    world.dir("dst");
    let script = "mount -t tmpfs none dst
        for number in 1 2 3; do $safecp -a --shard=$number/3 src dst; done
        $safecp --finish dst
        [ ! -e dst/.safecp-shards ]
        [ \"$(find src -type d -printf '%P %m %T@\\n' | sort)\" = \"$(find dst -type d -printf '%P %m %T@\\n' | sort)\" ]";
    world.shell_with_mounts(script).succeeds();
}

/// Two large files, one of them with holes, beside small ones.
fn large_tree(world: &World) {
    world.dir("src/d").file("src/d/small", "small").random("src/d/large", 150_000_000, 7);
    world.shell(
        "cd src && truncate -s 200M 'with holes' && printf x | dd of='with holes' bs=1 seek=70000000 conv=notrunc status=none
        printf end | dd of='with holes' bs=1 seek=209715197 conv=notrunc status=none",
    );
    world.set_xattr("src/d/large", "user.colour", b"red").chmod("src/d/large", 0o640);
    world.times("src/d/large", (5, 6), (1_000_000, 7)).times("src/d", (1, 2), (3, 4));
}

/// What is left of large files that are not finished.
fn parts(world: &World) -> Vec<String> {
    let found = world.tool("find", ["dst", "-name", ".safecp-part-*"]);
    found.lines().map(ToOwned::to_owned).collect()
}

#[test]
fn large_files_are_copied_in_ranges_and_named_at_the_end() {
    let world = World::new();
    large_tree(&world);
    let shards = [2, 3, 1].map(|number| world.start(&format!("-a --shard={number}/3 src dst")));
    for shard in shards {
        shard.finish().succeeds();
    }
    assert!(!world.exists("dst/d/large") && !world.exists("dst/with holes"), "they have their names at the end");
    let parts_before = parts(&world);
    assert_eq!(parts_before.len(), 2, "{parts_before:?}");
    let ranges = [1, 2, 3].map(|number| world.read(format!("dst/.safecp-shards/{number}-ranges")));
    let counts = ranges.map(|lines| lines.lines().filter(|line| line.starts_with("range ")).count());
    // 150,000,000 bytes are three times 64 MiB, the last of them short, and 200 MiB are four.
    assert_eq!(counts.iter().sum::<usize>(), 7, "{counts:?}");
    assert!(counts.iter().all(|count| *count >= 2), "{counts:?}");
    let status = world.cp("--status dst");
    assert!(status.stdout.contains("3 names, 359715205 bytes verified"), "{status}");
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(parts(&world), [""; 0]);
    let blocks = world.tool("stat", ["-c", "%b", "dst/with holes"]);
    assert!(blocks.trim().parse::<u64>().expect("a number") < 100_000, "holes stay holes: {blocks}");
}

#[test]
fn ranges_that_are_verified_are_not_copied_again() {
    let world = World::new();
    large_tree(&world);
    shard(&world, 1, 2).succeeds();
    let script = "strace -f -e trace=pwrite64 -o trace \"$safecp\" -a --shard=1/2 src dst; grep -c pwrite64 trace";
    assert_eq!(world.shell(script).stdout.trim(), "0", "{}", world.read("trace"));
    // A part that was made anew holds nothing of them.
    world.tool("find", ["dst", "-name", ".safecp-part-*", "-delete"]);
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").fails_with(&["no shard has copied bytes 0 to 67108864 of", "run all shards again"]);
    shard(&world, 1, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn shards_that_are_killed_in_a_large_file_go_on_and_end_right() {
    let world = World::new();
    large_tree(&world);
    for milliseconds in [20, 60, 120, 240] {
        let script = format!(
            "for number in 1 2; do \"$safecp\" -a --jobs=1 --shard=$number/2 src dst & done; sleep 0.{milliseconds:03}; kill -9 $(jobs -p); wait"
        );
        world.shell(&script);
        assert!(!world.exists("dst/d/large"));
        // Where the machine was quick enough, all is done.
        if world.cp("--finish dst").code() == Some(0) {
            break;
        }
    }
    if world.exists("dst/.safecp-shards") {
        shard(&world, 1, 2).succeeds();
        shard(&world, 2, 2).succeeds();
        world.cp("--finish dst").succeeds();
    }
    assert_same(&world, "src", "dst");
}

#[test]
fn a_range_that_is_not_what_was_verified_is_found_at_the_end() {
    let world = World::new();
    large_tree(&world);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    // As a lost page would be.
    world.shell(
        "for f in $(find dst/d -name '.safecp-part-*'); do printf y | dd of=$f bs=1 seek=100000000 conv=notrunc; done",
    );
    world.cp("--finish dst").fails_with(&[
        "verification failed: bytes 67108864 to 134217728 of",
        "dst/d/large' are not what a shard has verified; it is removed: run all shards again",
    ]);
    assert!(!world.exists("dst/d/large"));
    world.cp("--finish dst").fails_with(&["cannot stat", "dst/d/large"]);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

/// Somebody puts a file where a large one is to be. Its bytes are verified by no share.
#[test]
fn what_has_taken_the_name_of_a_large_file_is_not_finished() {
    let world = World::new();
    large_tree(&world);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.file("dst/d/large", "somebody else's");
    let words = "which shards have copied in ranges: run all shards again";
    world.cp("--finish dst").fails_with(&["something else stands in the place of", "dst/d/large", words]);
    assert_eq!(parts(&world).len(), 2, "what was verified is still there");
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(parts(&world), [""; 0]);
}

#[test]
fn a_large_file_that_changed_between_shards_is_not_finished() {
    let world = World::new();
    large_tree(&world);
    shard(&world, 1, 2).succeeds();
    world.shell("printf y | dd of=src/d/large bs=1 seek=10 conv=notrunc; printf y | dd of=src/d/large bs=1 seek=80000000 conv=notrunc");
    shard(&world, 2, 2).succeeds();
    world
        .cp("--finish dst")
        .fails_with(&["no shard has copied bytes", "from what the source is now: run all shards again"]);
    // One becomes shorter, where the other had bytes.
    world.shell("truncate -s 0 'src/with holes'; truncate -s 199M 'src/with holes'");
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    // Where a hole came to be, zeros have been written over what was there.
    world.tool("diff", ["-r", "src", "dst"]);
    assert_eq!(parts(&world), [""; 0]);
}

#[test]
fn the_part_of_a_large_file_that_is_gone_goes_too() {
    let world = World::new();
    large_tree(&world);
    shard(&world, 1, 2).succeeds();
    fs::remove_file(world.path("src/with holes")).expect("rm");
    shard(&world, 2, 2).succeeds();
    assert_eq!(parts(&world).len(), 2);
    world.cp("--finish dst").fails_with(&["run all shards again, then --finish"]);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(parts(&world), [""; 0]);
}

#[test]
fn hard_links_to_large_files_stay_in_one_shard() {
    let world = World::new();
    large_tree(&world);
    world.link("src/d/large", "src/other").file("dst-old", "old");
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    // What stands at the target is one shard's as well.
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    world.shell("printf z | dd of='src/with holes' bs=1 seek=5 conv=notrunc");
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    assert_eq!(parts(&world), [""; 0]);
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn nobody_elses_file_becomes_the_part_of_a_large_one() {
    let world = World::new();
    large_tree(&world);
    shard(&world, 1, 2).succeeds();
    let part = parts(&world).into_iter().find(|part| part.contains("/d/")).expect("a part");
    let number = |name: &str| world.tool("stat", ["-c", "%i", name]);
    // Who could write to it may have it open: another takes its place.
    for script in [format!("chmod 666 {part}"), format!("ln {part} other")] {
        world.shell(&script);
        shard(&world, 2, 2).succeeds();
        assert_eq!(world.tool("stat", ["-c", "%a %h", &part]), "600 1\n", "{script}");
    }
    assert_ne!(number(&part), number("other"));
    let scripts =
        [format!("rm {part}; ln -s ../../elsewhere {part}; touch elsewhere"), format!("rm {part}; mkdir {part}")];
    for script in scripts {
        world.shell(&script);
        let told = shard(&world, 2, 2);
        assert_eq!(told.code(), Some(1), "{script}: {told}");
    }
    assert_eq!(world.read("elsewhere"), "");
    world.tool("rmdir", [&part]);
    shard(&world, 1, 2).succeeds();
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

/// The same of a finish that has ranges to join.
#[test]
fn a_finish_that_is_killed_while_it_joins_can_be_run_again() {
    let world = World::new();
    world.dir("src/d").file("src/d/a", "a").shell("truncate -s 130M src/d/large; printf x >>src/d/large");
    world.chmod("src/d/large", 0o444).times("src/d", (5, 6), (7, 8)).times("src", (9, 10), (11, 12));
    world.cp("-a --manifest=whole src alone").succeeds();
    let share = |number| {
        world.cp(&format!("-a --manifest=joined --shard={number}/2 src dst")).succeeds();
    };
    let calls = "renameat2,linkat,unlinkat,rmdir,fchmod,fchmodat,fchownat,fchown,utimensat,fsync,syncfs";
    let everything = ["alone", "dst", "joined", "joined.chunks", "src", "whole", "whole.chunks"];
    let mut killed = 0;
    for call in 1.. {
        world.tool("bash", ["-c", "rm -rf dst joined* .safecp-shards*"]);
        share(1);
        share(2);
        // A list that is killed on its way leaves what it was to be.
        let script = format!(
            "strace -f -o /dev/null -e inject={calls}:signal=KILL:when={call} \"$safecp\" --finish dst --jobs=1
            status=$?; rm -f .safecp-[0-9a-f]*; exit $status"
        );
        let first = world.shell(&script);
        if first.code() == Some(0) {
            break;
        }
        killed += 1;
        if killed % 2 == 0 && world.exists("dst/.safecp-shards") {
            // Shards may be run again before.
            share(1);
            share(2);
        }
        let again = world.cp("--finish dst");
        let is_done = again.code() == Some(0) || again.stderr.contains("or all is finished");
        assert!(is_done, "after a kill at call {call}: {again}");
        assert_same(&world, "src", "dst");
        assert_eq!(world.read("joined"), world.read("whole"), "after a kill at call {call}");
        assert_eq!(world.names("."), everything, "after a kill at call {call}");
    }
    assert!(killed > 5, "{killed} calls");
}

#[test]
fn the_manifest_that_shards_make_is_that_of_one_run() {
    let world = World::new();
    tree(&world);
    large_tree(&world);
    world.file("one", "1").cp("-a --manifest=whole src alone").succeeds();
    for number in [3, 1, 2] {
        world.cp(&format!("-a --manifest=joined --shard={number}/3 src dst")).succeeds();
    }
    assert!(!world.exists("joined"), "it is made at the end");
    // A run of a share makes its part anew.
    world.cp("-a --manifest=joined --shard=2/3 src dst").succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert!(
        world.read("joined").lines().eq(world.read("whole").lines()),
        "{}",
        world.tool("bash", ["-c", "diff joined whole; true"])
    );
    assert_eq!(world.read("joined.chunks"), world.read("whole.chunks"));
    world.cp("--check joined dst").succeeds();
    // Another list is another copy.
    world.cp("-a --manifest=a --shard=1/2 src dst2").succeeds();
    world.cp("-a --manifest=b --shard=2/2 src dst2").fails_with(&["has records of another copy"]);
    world.dir("into").cp("-a --manifest-format=sha256sum --manifest=sums --shard=1/1 -t into one").succeeds();
    world.cp("--finish into").succeeds();
    world.tool("bash", ["-c", "cd into && sha256sum --strict -c ../sums"]);
}

#[test]
fn the_report_that_shards_make_tells_of_all() {
    let world = World::new();
    tree(&world);
    large_tree(&world);
    world.cp("-a --digests --report=whole src alone").succeeds();
    for number in [1, 2] {
        world.cp(&format!("-a --digests --report=joined --shard={number}/2 src dst")).succeeds();
    }
    world.cp("--finish dst").succeeds();
    let script = "import json,sys
def read(name, target):
    lines = [json.loads(line) for line in open(name)]
    told = [line for line in lines[:-1] if line['what'] in ('copied', 'made')]
    # Which name of a file comes first is chance.
    names = sorted(line['target'].rsplit(target, 1)[1] for line in told) + sorted(line['blake3'] for line in told if line['what'] == 'copied')
    end = {key: lines[-1][key] for key in ('what', 'files', 'symbolic_links', 'hard_links', 'special_files', 'bytes', 'verified', 'succeeded', 'failed')}
    assert sum(line['what'] == 'end' for line in lines) == 1
    return names, end
one, two = read('whole', 'alone/'), read('joined', 'dst/')
for a, b in zip(one[0], two[0]):
    assert a == b, (a, b)
assert one == two, (one[1], two[1])
print(len(one[0]))";
    let names = world.tool("python3", ["-c", script]);
    assert!(names.trim().parse::<u32>().expect("a number") > 60, "{names}");
}

/// What a run has done that was killed is counted by its lines: it has no last one.
#[test]
fn the_end_of_a_joined_report_counts_what_killed_runs_did() {
    let world = World::new();
    if !has_tool("strace") {
        return left_out("needs strace to kill a run");
    }
    world.dir("src/d").symlink("nowhere", "src/d/link");
    for number in 0..400 {
        world.random(&format!("src/d/{number}"), 100, number);
    }
    let run = "\"$safecp\" -a --jobs=1 --report=joined --shard=1/1 src dst";
    let killed = world.shell(&format!("strace -f -o /dev/null -e inject=linkat:signal=KILL:when=350 {run}"));
    assert_ne!(killed.code(), Some(0), "{killed}");
    let part = world.read("dst/.safecp-shards/1-report");
    let told = part.lines().filter(|line| line.starts_with("{\"what\":\"copied\"")).count();
    assert!(told > 50 && !part.contains("\"what\":\"end\""), "{told} lines were on disk");
    assert_eq!(world.shell(run).code(), Some(0));
    world.cp("--finish dst").succeeds();
    let script = "import json
lines = [json.loads(line) for line in open('joined')]
end, lines = lines[-1], lines[:-1]
copied = [line for line in lines if line['what'] == 'copied']
assert 100 < len(copied), len(copied)
links = sum(line.get('thing') == 'symbolic link' for line in lines)
assert end['files'] == end['verified'] == len(copied), (end['files'], end['verified'], len(copied))
assert end['bytes'] == 100 * len(copied), end['bytes']
assert end['symbolic_links'] == links >= 1 and end['directories'] == sum(line['what'] == 'directory' for line in lines)";
    world.tool("python3", ["-c", script]);
}

/// A status is asked by somebody who may not be able to write anything, and changes nothing.
#[test]
fn a_status_changes_nothing_and_needs_to_write_nothing() {
    let Some(world) = World::with_mounts("mounting what cannot be written") else { return };
    world.dir("src").file("src/a", "a").file("src/b", "b");
    world.cp("-a --plan=2 src dst").succeeds();
    shard(&world, 1, 2).succeeds();
    let asked =
        world.shell_with_mounts("mount --bind dst dst; mount -o remount,bind,ro dst; $safecp --status dst || exit 1");
    assert_eq!(asked.code(), Some(1), "{asked}");
    assert_eq!((asked.stdout.as_str(), asked.stderr.as_str()), (world.cp("--status dst").stdout.as_str(), ""));
    shard(&world, 2, 2).succeeds();
    world.shell_with_mounts("mount --bind dst dst; mount -o remount,bind,ro dst; $safecp --status dst").succeeds();
    // Only the directory of the records is left, as a kill leaves it.
    world.cp("--finish dst").succeeds();
    world.dir(".safecp-shards-of-dst").chmod(".safecp-shards-of-dst", 0o700);
    let asked = world.cp("--status dst");
    assert_eq!(asked.code(), Some(0), "{asked}");
    assert!(asked.stdout.contains("run --finish again"), "{asked}");
    assert!(world.exists(".safecp-shards-of-dst"));
    world.cp("--finish dst").succeeds();
    assert!(!world.exists(".safecp-shards-of-dst"));
}

#[test]
fn shares_that_read_lists_make_what_one_run_makes() {
    let world = World::new();
    tree(&world);
    large_tree(&world);
    world.dir("src/hollow/deep").dir("src/wide").times("src/hollow", (1, 2), (3, 4));
    for number in 0..400 {
        world.file(format!("src/wide/{number}"), "12345");
    }
    let planned = world.cp("-a --plan=3 src dst");
    assert!(planned.code() == Some(0) && planned.stdout.starts_with("3 lists: about "), "{planned}");
    let told: usize = planned.stdout.split_whitespace().nth(3).and_then(|word| word.parse().ok()).expect("a number");
    for number in [2, 3, 1] {
        shard(&world, number, 3).succeeds();
    }
    let counts = [1, 2, 3].map(|number| {
        let log = world.read(format!("dst/.safecp-shards/{number}"));
        log.lines().filter(|line| line.starts_with("done ")).count()
    });
    let all: usize = counts.iter().sum();
    assert!((all / 3..all).contains(&told), "{planned} of {all}");
    let (least, most) = (counts.iter().min(), counts.iter().max());
    assert!(least.zip(most).is_some_and(|(least, most)| *most < least * 2), "{counts:?}");
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    assert_eq!(parts(&world), [""; 0]);
}

/// Names of others are neither looked at nor listed.
#[test]
fn a_share_with_a_list_goes_only_where_it_has_something_to_do() {
    let world = World::new();
    for number in 0..8 {
        let directory = format!("src/{number}");
        world.dir(&directory);
        (0..20).for_each(|file| {
            world.file(format!("{directory}/f{file}"), "12345");
        });
    }
    assert_eq!(
        world.cp("-a --plan=4 src dst").succeeds().stdout,
        "4 lists: about 40 names and 200 bytes in the largest\n"
    );
    let script =
        "strace -f -e trace=getdents64,newfstatat,statx -yy -o trace \"$safecp\" -a --jobs=1 --shard=1/4 src dst";
    world.shell(script).succeeds();
    let trace = world.read("trace");
    let listed = (0..8).filter(|number| trace.contains(&format!("/src/{number}>"))).count();
    // Each is cut in two, and there are lists enough for all halves.
    assert_eq!(listed, 4, "{trace}");
    for number in [2, 3, 4] {
        shard(&world, number, 4).succeeds();
    }
    // What came since is on no list, unless its directory is.
    world.file("src/0/new", "new").dir("src/new").file("src/new/a", "a");
    world.cp("--finish dst").fails_with(&["cannot stat"]);
    for number in 1..=4 {
        shard(&world, number, 4).succeeds();
    }
    world.cp("--finish dst").fails_with(&["cannot stat", "dst/new/a"]);
    world.cp("-a --plan=4 src dst").succeeds();
    for number in 1..=4 {
        shard(&world, number, 4).succeeds();
    }
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
}

#[test]
fn lists_that_are_not_whole_are_not_used() {
    let world = World::new();
    tree(&world);
    world.cp("-a --plan=2 src dst").succeeds();
    world.tool("rm", ["dst/.safecp-shards/lists"]);
    shard(&world, 1, 2).fails("safecp: the lists in 'dst/.safecp-shards' are not whole: run --plan again\n");
    world.cp("-a --plan=2 src dst").succeeds();
    let list = world.read("dst/.safecp-shards/1-list");
    fs::write(world.path("dst/.safecp-shards/1-list"), &list[..list.len() - 20]).expect("a shorter list");
    shard(&world, 1, 2).fails("safecp: 'dst/.safecp-shards/1-list' is damaged: run --plan again\n");
    world.cp("-a --plan=2 src dst").succeeds();
    world.cp("-a --plan=3 src dst").fails_with(&["has records of another copy"]);
    let script = "flock dst/.safecp-shards/1 sleep 2 & sleep 0.5; \"$safecp\" -a --plan=2 src dst";
    shard(&world, 1, 2).succeeds();
    world.shell(script).fails("safecp: shard 1 of 2 is at work\n");
    shard(&world, 2, 2).succeeds();
    world.cp("--finish dst").succeeds();
    assert_same(&world, "src", "dst");
    world.cp("-a --plan=0 src dst").fails_with(&["invalid number of shards '0'"]);
    world.cp("-a --plan=2 --shard=1/2 src dst").fails_with(&["cannot be combined with --shard"]);
}
