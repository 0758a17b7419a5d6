//! --partial: what was copied of a large file stays if the run ends too early, and the next run writes only the rest.
//!
//! How much that is tells strace, by the counts of pwrite64. Content is compared by cmp, and by std.

mod common;

use common::{Output, World, has_tool, is_root};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

const MIB: u64 = 1 << 20;

/// Longer than what has a part.
const SIZE: u64 = 68 * MIB;

/// What one thread writes at once.
const SLICE: u64 = 128 << 10;

/// A source of that size, and a directory to copy it to.
fn world() -> Option<World> {
    if !has_tool("strace") {
        return None;
    }
    let world = World::new();
    world.random("big", usize::try_from(SIZE).expect("a size"), 1).dir("d");
    world.chmod("big", 0o640).times("big", (5, 6), (7, 8));
    Some(world)
}

/// A run that strace ends, what is there then, and the same command again.
struct Twice {
    /// How the first ended, as the shell says.
    first: i32,
    /// Names beside the target.
    between: Vec<String>,
    /// What has the target's name then.
    target: Option<Vec<u8>>,
    /// How the second ended.
    second: Output,
    /// Bytes that it wrote.
    written: u64,
}

/// Runs safecp with a fault of strace's (`call:what`), does something, and runs it again.
fn twice(world: &World, fault: &str, words: &str, between: &str) -> Twice {
    let call = fault.split(':').next().expect("a call");
    // A program that stops by --seccomp-bpf gets no signal.
    let quick = if fault.contains("signal=") { "" } else { "--seccomp-bpf" };
    let script = format!(
        "strace -f -qq {quick} -o /dev/null -e trace={call} -e inject={fault} $safecp {words} 2>first; echo $? >>first
         ls -A d >names; cp -a d/big target 2>/dev/null; {between}
         strace -f -qq --seccomp-bpf -o log -e signal=none -e trace=pwrite64 $safecp {words}"
    );
    let second = world.shell(&script);
    let log = world.read("log");
    let count = |line: &str| line.rsplit_once(" = ").and_then(|(_, count)| count.trim().parse::<u64>().ok());
    let first = world.read("first").lines().last().and_then(|line| line.parse().ok()).expect("a status");
    let names = world.read("names").lines().map(str::to_owned).filter(|name| name != "big").collect();
    let target = fs::read(world.path("target")).ok();
    // What the next one may find is its own.
    world.shell("rm -f target log first names").succeeds();
    Twice { first, between: names, target, second, written: log.lines().filter_map(count).sum() }
}

/// The target is whole, and nothing is beside it.
fn is_whole(world: &World, twice: &Twice, what: &str) {
    assert_eq!(twice.second.code(), Some(0), "{what}: {}", twice.second);
    assert!(world.same_bytes("big", "d/big"), "{what}");
    assert_eq!(world.names("d"), ["big"], "{what}");
}

#[test]
fn after_a_kill_at_any_write_only_the_rest_is_written() {
    let Some(world) = world() else { return };
    for number in [1, 2, 3, 64, 65, 200, 333, 500, 543, 544] {
        let run = twice(&world, &format!("pwrite64:signal=KILL:when={number}"), "-p --partial --jobs=1 big d/", "");
        assert_eq!(run.first, 137, "{number}");
        assert_eq!(run.target, None, "{number}");
        assert_eq!(run.between.len(), 1, "{number}: {:?}", run.between);
        assert!(run.between[0].starts_with(".safecp-partial-"), "{number}: {:?}", run.between);
        is_whole(&world, &run, &format!("pwrite64 {number}"));
        let left = SIZE - (number - 1) * SLICE;
        assert!(run.written <= left, "{number}: {} of {left}", run.written);
        // strace kills before the write or after it.
        assert!(run.written + SLICE >= left, "{number}: {} of {left}", run.written);
        let stat = world.stat("d/big");
        assert_eq!((stat.mode() & 0o7777, stat.mtime(), stat.mtime_nsec()), (0o640, 7, 8), "{number}");
        fs::remove_file(world.path("d/big")).expect("rm");
    }
}

/// Every call that makes the part, gives it its attributes or its name.
#[test]
fn what_was_gone_on_with_is_told() {
    let Some(world) = world() else { return };
    let fault = "pwrite64:signal=KILL:when=200";
    let run = twice(&world, fault, "--partial --debug --jobs=1 big d/", "");
    is_whole(&world, &run, "--debug");
    assert!(
        run.second.stdout.contains("target: new, continued from an earlier run, verified: content"),
        "{}",
        run.second
    );
    world.shell("rm d/big").succeeds();
    let run = twice(&world, fault, "--partial --report=- --jobs=1 big d/", "");
    is_whole(&world, &run, "--report");
    assert_eq!(run.second.stdout.matches(r#""continued":true"#).count(), 1, "{}", run.second);
    // A run that finds nothing says nothing of it.
    for words in ["--debug", "--report=-"] {
        world.shell("rm d/big").succeeds();
        let run = world.cp(&format!("--partial {words} big d/"));
        assert!(run.succeeds().stdout.contains("stream") && !run.stdout.contains("continued"), "{run}");
    }
}

#[test]
fn a_kill_at_any_other_call_leaves_what_the_next_run_completes() {
    let Some(world) = world() else { return };
    let calls =
        "openat,openat2,flock,ftruncate,fallocate,fsync,fchmod,fchown,utimensat,renameat2,linkat,unlinkat,close";
    let clean = world.cp_traced(calls, &[], "-a --durable --partial --jobs=1 big d/").expect("strace");
    clean.output.succeeds();
    fs::remove_file(world.path("d/big")).expect("rm");
    for call in calls.split(',') {
        // The first are the loader's.
        for number in clean.count(call).saturating_sub(8)..clean.count(call) {
            let fault = format!("{call}:signal=KILL:when={}", number + 1);
            let run = twice(&world, &fault, "-a --durable --partial --jobs=1 big d/", "");
            assert!(run.target.is_none_or(|target| target.len() as u64 == SIZE), "{fault}");
            is_whole_whatever(&world, &run.second, &fault);
            let stat = world.stat("d/big");
            assert_eq!((stat.mode() & 0o7777, stat.mtime(), stat.mtime_nsec()), (0o640, 7, 8), "{fault}");
            fs::remove_file(world.path("d/big")).expect("rm");
        }
    }
}

/// An error of writing out is told once: the next fsync of that file would succeed, and its pages read as they should be.
#[test]
fn what_could_not_be_written_out_is_no_part() {
    let Some(world) = world() else { return };
    for (words, old) in [("--durable --partial big d/", ""), ("--partial big d/", "old")] {
        world.shell(&format!("test -z '{old}' || echo {old} >d/big")).succeeds();
        for error in ["EIO", "ENOSPC"] {
            let run = twice(&world, &format!("fsync:error={error}:when=1"), words, "");
            assert_eq!((run.first, &run.between[..]), (1, &[][..]), "{words}, {error}");
            is_whole(&world, &run, words);
            assert!(run.written >= SIZE, "{words}, {error}: {}", run.written);
            fs::remove_file(world.path("d/big")).expect("rm");
            world.shell(&format!("test -z '{old}' || echo {old} >d/big")).succeeds();
        }
    }
}

/// The same of a run that may have found everything done.
fn is_whole_whatever(world: &World, run: &Output, what: &str) {
    assert_eq!(run.code(), Some(0), "{what}: {run}");
    assert!(world.same_bytes("big", "d/big"), "{what}");
    assert_eq!(world.names("d"), ["big"], "{what}");
}

#[test]
fn with_threads_too_only_the_rest_is_written() {
    let Some(world) = world() else { return };
    for number in [20, 60, 100] {
        let run = twice(&world, &format!("pwrite64:signal=KILL:when={number}"), "--partial --jobs=3 big d/", "");
        assert_eq!((run.first, run.between.len()), (137, 1), "{number}");
        is_whole(&world, &run, "threads");
        // The count of strace is each thread's own.
        assert!(run.written <= SIZE - (number - 1) * SLICE, "{number}: {}", run.written);
        fs::remove_file(world.path("d/big")).expect("rm");
    }
}

#[test]
fn a_signal_and_an_error_leave_a_part_as_a_kill_does() {
    let Some(world) = world() else { return };
    let cases = [("pwrite64:error=ENOSPC:when=300+", 1), ("pwrite64:error=EIO:when=300+", 1)];
    for (fault, status) in cases {
        let run = twice(&world, fault, "--partial --jobs=1 big d/", "");
        assert_eq!((run.first, run.between.len()), (status, 1), "{fault}");
        is_whole(&world, &run, fault);
        assert!(run.written <= SIZE - 298 * SLICE, "{fault}: {}", run.written);
        fs::remove_file(world.path("d/big")).expect("rm");
    }
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let Some(mut run) = world.start_slowly("--partial --jobs=1 big d/") else { return };
        run.wait_for_bytes_written(8 * MIB);
        run.signal(signal);
        assert_ne!(run.finish().code(), Some(0), "{signal:?}");
        assert_eq!(world.temporaries().len(), 1, "{signal:?}");
        let run = world.cp_traced("pwrite64", &[], "--partial --jobs=1 big d/").expect("strace");
        run.output.succeeds();
        assert!(run.results("pwrite64").iter().sum::<u64>() <= SIZE - 8 * MIB, "{signal:?}");
        assert!(world.same_bytes("big", "d/big"), "{signal:?}");
        fs::remove_file(world.path("d/big")).expect("rm");
    }
    // Where nothing could be written nothing stays.
    let run = twice(&world, "ftruncate:error=EIO:when=1+", "--partial big d/", "");
    assert_eq!((run.first, run.between), (1, Vec::new()));
}

#[test]
fn a_part_is_not_believed() {
    let Some(world) = world() else { return };
    let spoilt = |name: &str, script: &str, written: u64| {
        world.shell("cp -a big kept").succeeds();
        let run = twice(&world, "pwrite64:signal=KILL:when=400", "--partial --jobs=1 big d/", script);
        assert_eq!(run.first, 137, "{name}");
        is_whole(&world, &run, name);
        let rest = SIZE - 399 * SLICE;
        assert!(run.written <= rest + written, "{name}: {} and not {}", run.written, rest + written);
        world.shell("mv kept big; rm d/big").succeeds();
    };
    let rot = "printf rotten | dd of=$(echo d/.safecp-partial-*) bs=1 seek=20000000 conv=notrunc status=none";
    spoilt("a rotten part", rot, SLICE);
    spoilt("a part that was cut", "truncate -s 1000000 d/.safecp-partial-*", SIZE);
    spoilt("a longer part", "head -c 1000000 /dev/zero >>$(echo d/.safecp-partial-*)", SLICE);
    spoilt("zeros", "truncate -s 0 d/.safecp-partial-*; truncate -s 70M d/.safecp-partial-*", SIZE);
    spoilt("an edited source", "printf edited | dd of=big bs=1 seek=30000000 conv=notrunc status=none", SLICE);
    spoilt("a shorter source", "truncate -s 67108865 big", 0);
    spoilt("a longer source", "head -c 3000000 /dev/urandom >>big", 3_000_000 + 2 * SLICE);
    spoilt("another source", "head -c 71303168 /dev/urandom >big", SIZE);
}

#[test]
fn what_somebody_else_may_have_put_there_is_not_written_to() {
    let Some(world) = world() else { return };
    world.file("victim", "precious");
    let mut scripts = vec![
        ("a link", "ln -s ../victim $part"),
        ("a further name", "chmod 600 victim; ln victim $part"),
        ("open to others", "cp victim $part; chmod 644 $part"),
        ("a directory", "mkdir $part; trap 'rmdir $part' EXIT"),
        ("a fifo", "mkfifo $part"),
        ("attributes", "cp victim $part; chmod 600 $part; setfattr -n user.x -v 1 $part || chmod 640 $part"),
    ];
    if is_root() {
        scripts.push(("another's", "cp victim $part; chmod 600 $part; chown 1234 $part"));
    }
    for (name, script) in scripts {
        let between = format!("part=$(echo d/.safecp-partial-*); rm $part; {script}");
        let run = twice(&world, "pwrite64:signal=KILL:when=400", "--partial --jobs=1 big d/", &between);
        assert_eq!(run.first, 137, "{name}");
        assert_eq!(run.second.code(), Some(0), "{name}: {}", run.second);
        assert!(world.same_bytes("big", "d/big"), "{name}");
        assert_eq!(world.read("victim"), "precious", "{name}");
        assert_eq!(run.written, SIZE, "{name}");
        assert!(fs::symlink_metadata(world.path("d/big")).expect("stat").is_file(), "{name}");
        world.shell("rm -rf d; mkdir d").succeeds();
    }
}

#[test]
fn an_old_file_stays_until_all_of_the_new_one_is_right() {
    let Some(world) = world() else { return };
    world.file("d/big", "old").chmod("d/big", 0o604);
    let run = twice(&world, "pwrite64:signal=KILL:when=400", "--partial --jobs=1 big d/", "");
    assert_eq!((run.first, run.target.as_deref()), (137, Some(&b"old"[..])));
    is_whole(&world, &run, "an old file");
    assert!(run.written <= SIZE - 399 * SLICE, "{}", run.written);
    assert_eq!(world.mode("d/big"), 0o604, "without -p an old file's mode stays");
}

#[test]
fn a_new_file_has_the_mode_that_it_has_without_the_option() {
    let Some(world) = world() else { return };
    for umask in ["022", "077", "002"] {
        for source in [0o666, 0o755, 0o400, 0o6755] {
            world.chmod("big", source);
            world.shell(&format!("umask {umask}; cp big plain && $safecp --partial big d/big")).succeeds();
            let mode = |name: &str| fs::metadata(world.path(name)).expect("stat").permissions().mode();
            assert_eq!(mode("d/big"), mode("plain"), "{umask} {source:o}");
            world.shell("rm -f plain d/big").succeeds();
        }
    }
}

#[test]
fn holes_are_made_and_zeros_are_written_as_without_the_option() {
    let Some(world) = world() else { return };
    // Eight mebibytes of data, zeros that are written, and a hole.
    let make = |hole: &str| {
        format!(
            "rm -f big; head -c 70M /dev/urandom >big; dd if=/dev/zero of=big bs=1M seek=30 count=8 conv=notrunc status=none; {hole}"
        )
    };
    for (hole, options) in [
        ("true", ""),
        ("truncate -s 90M big", ""),
        ("truncate -s 90M big", "--sparse=never"),
        ("true", "--sparse=always"),
    ] {
        world.shell(&make(hole)).succeeds();
        world.shell(&format!("$safecp {options} --jobs=1 --reflink=never big plain")).succeeds();
        for number in [100, 300, 480] {
            let words = format!("--partial --jobs=1 --reflink=never {options} big d/");
            let run = twice(&world, &format!("pwrite64:signal=KILL:when={number}"), &words, "");
            assert_eq!(run.first, 137, "{hole} {options}");
            is_whole(&world, &run, hole);
            let (plain, partial) = (world.allocated("plain"), world.allocated("d/big"));
            assert!(plain.abs_diff(partial) <= MIB, "{hole} {options} {number}: {partial} and not {plain}");
            fs::remove_file(world.path("d/big")).expect("rm");
        }
        fs::remove_file(world.path("plain")).expect("rm");
    }
}

/// A run whose file the other one replaces before it has looked at the name says so, and the file is the other's.
#[test]
fn two_runs_at_once_do_not_write_into_one_part() {
    let Some(world) = world() else { return };
    world.random("other", usize::try_from(SIZE).expect("a size"), 2);
    for _ in 0..4 {
        // What one of them makes the other replaces.
        world.file("d/big", "old");
        let runs = world.shell(
            "$safecp --partial big d/big 2>one & one=$!; $safecp --partial other d/big 2>two & two=$!
             wait $one; echo $?; wait $two; echo $?",
        );
        let statuses: Vec<_> = runs.stdout.lines().collect();
        let is_replaced = "safecp: 'd/big' is not the file that was verified: it was replaced meanwhile\n";
        for (run, source, status) in [("one", "other", statuses[0]), ("two", "big", statuses[1])] {
            match status {
                "0" => assert_eq!(world.read(run), "", "{run}"),
                "1" => {
                    assert_eq!(world.read(run), is_replaced, "{run}");
                    assert!(world.same_bytes(source, "d/big"), "{run}: what took its place is the other's");
                }
                status => panic!("{run} ended with {status}: {}", world.read(run)),
            }
        }
        assert!(statuses.contains(&"0"), "{runs}");
        assert!(world.same_bytes("big", "d/big") || world.same_bytes("other", "d/big"));
        assert_eq!(world.names("d"), ["big"]);
    }
}

#[test]
fn without_the_option_nothing_is_kept_and_no_part_looked_for() {
    let Some(world) = world() else { return };
    let run = twice(&world, "pwrite64:error=EIO:when=300+", "--jobs=1 big d/", "");
    assert_eq!((run.first, run.between.len(), run.written), (1, 0, SIZE));
    fs::remove_file(world.path("d/big")).expect("rm");
    // A small file has none.
    world.random("small", 1_000_000, 3);
    let output =
        world.shell("strace -f -qq -e trace=openat -o log $safecp --partial small d/; grep -c safecp-partial log");
    output.says("0\n");
    world.shell("rm log d/small").succeeds();
}

/// Nobody comes back to a part once its target is a further name of a copy, or was found to be right.
#[test]
fn a_part_goes_with_a_target_that_needs_no_copy_of_its_own() {
    let kill = "pwrite64:signal=KILL:when=200";
    for (words, again) in [
        ("-a --partial --jobs=1 big d/", "ln big alias && $safecp -a --resume --partial alias big d/"),
        (
            "-a --partial --jobs=1 big d/",
            "$safecp -a big d/ && ls -A d | grep -q safecp && $safecp -a --resume --partial big d/",
        ),
        (
            "-a --partial --jobs=1 big d/",
            "$safecp -a big d/ && ls -A d | grep -q safecp && $safecp -a --partial big d/",
        ),
    ] {
        let Some(world) = world() else { return };
        let script = format!("strace -f -qq -o /dev/null -e trace=pwrite64 -e inject={kill} $safecp {words}");
        let script = format!("({script}; true) 2>/dev/null; ls -A d | grep -q safecp-partial && {again}");
        world.shell(&script).succeeds();
        assert!(!world.names("d").iter().any(|name| name.to_string_lossy().starts_with(".safecp")), "{again}");
        assert!(world.same_bytes("big", "d/big"), "{again}");
    }
}

#[test]
fn the_end_is_the_same_manifest_in_one_target_and_in_two() {
    let Some(world) = world() else { return };
    world.dir("src").file("src/a", "a").dir("e").shell("mv big src/big; mkdir whole").succeeds();
    world.cp("-a --manifest=expected src whole").succeeds();
    let script = "strace -f -qq -o /dev/null -e trace=pwrite64 -e inject=pwrite64:signal=KILL:when=200";
    for (target, words) in [("d", "src d"), ("e", "-t d -t e src")] {
        let words = format!("-a --resume --partial --manifest=list {words}");
        world
            .shell(&format!("({script} $safecp {words}; true) 2>/dev/null; test ! -e list || exit 9; $safecp {words}"))
            .succeeds();
        assert!(world.same_bytes("expected", "list") && world.same_bytes("expected.chunks", "list.chunks"));
        world.assert_same_tree("src", &format!("{target}/src"));
        world.shell("rm list*").succeeds();
    }
}

/// A look that fails does not tell that another run has the part.
#[test]
fn no_part_stays_beside_a_whole_copy_whichever_look_fails() {
    let Some(world) = world() else { return };
    let words = "--partial --reflink=never --jobs=1 big d/t";
    let Some(clean) = world.cp_traced("newfstatat", &[], words) else { return };
    // The loader's come first.
    let count = clean.calls.lines().filter(|line| line.contains("newfstatat(")).count();
    let mut whole = 0;
    for first in count.saturating_sub(6)..=count {
        world.shell("rm -rf d && mkdir d").succeeds();
        let fault = format!("newfstatat:error=EAGAIN:when={first}+");
        let Some(traced) = world.cp_traced("newfstatat", &[&fault], words) else { return };
        if traced.output.status.success() {
            assert!(traced.injected() > 0 && world.same_bytes("big", "d/t"), "from the look {first} on");
            assert_eq!(world.names("d"), ["t"], "from the look {first} on");
            whole += 1;
        }
    }
    assert!(whole > 0, "some looks can be done without");
}
