//! Signals: what asks safecp to end ends it by that signal, with the old target in its place and no temporary left; and
//! what kills it outright leaves the old target or none.

mod common;
use common::{Output, World, has_tool, left_out};
use rustix::process::Signal;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// Copies a large file slowly, sends the signal in the middle and looks at what is left.
#[track_caller]
fn interrupt(options: &str, signal: Signal, old: Option<&str>) {
    let world = World::new();
    world.random("a", 64 << 20, 1).dir("d");
    if let Some(content) = old {
        world.file("d/b", content);
    }
    let Some(mut running) = world.start_slowly(&format!("{options} --reflink=never a d/b")) else { return };
    running.wait_for_bytes_written(4 << 20);
    running.signal(signal);
    let output = running.finish();
    assert_eq!(output.signal(), Some(signal.as_raw()), "{output}");
    if signal != Signal::KILL {
        assert_eq!(world.temporaries(), Vec::<std::path::PathBuf>::new(), "{options}");
    }
    match old {
        Some(content) => assert_eq!(world.read("d/b"), content, "{options}"),
        None => assert!(!world.exists("d/b"), "{options}"),
    }
}

#[test]
fn an_interrupt_ends_it_without_a_trace() {
    interrupt("", Signal::INT, None);
}

#[test]
fn an_interrupt_leaves_the_old_target() {
    interrupt("", Signal::INT, Some("old"));
}

#[test]
fn a_termination_ends_it_without_a_trace() {
    interrupt("-a", Signal::TERM, None);
}

#[test]
fn a_termination_leaves_the_old_target() {
    interrupt("-a", Signal::TERM, Some("old"));
}

#[test]
fn a_hangup_ends_it_without_a_trace() {
    interrupt("--jobs=4", Signal::HUP, None);
}

#[test]
fn a_hangup_leaves_the_old_target() {
    interrupt("--jobs=1", Signal::HUP, Some("old"));
}

#[test]
fn a_kill_leaves_the_old_target() {
    interrupt("", Signal::KILL, Some("old"));
}

#[test]
fn a_kill_leaves_no_part_of_a_new_target() {
    interrupt("", Signal::KILL, None);
}

#[test]
fn remove_destination_takes_the_old_file_away_only_for_a_whole_new_one() {
    interrupt("--remove-destination", Signal::INT, Some("old"));
}

/// A timer or a limit that whoever started it had set, or a key: each ends a process that does not heed it. The source is read once, so
/// that its copy has a name from the beginning.
#[test]
fn whatever_signal_ends_it_leaves_no_temporary() {
    for signal in [
        Signal::QUIT,
        Signal::ALARM,
        Signal::XCPU,
        Signal::VTALARM,
        Signal::PROF,
        Signal::USR2,
        Signal::IO,
        Signal::TERM,
    ] {
        let world = World::new();
        world.file("b", "old").fifo("p");
        let running = world.start("p b");
        let mut writer = std::fs::File::options().write(true).open(world.path("p")).expect("a fifo");
        thread::sleep(Duration::from_millis(300));
        running.signal(signal);
        thread::sleep(Duration::from_millis(100));
        // So much that it looks whether it is to end; then nobody reads any more.
        while writer.write_all(&vec![b'x'; 1 << 20]).is_ok() {}
        let output = running.finish();
        let is_by_it = output.signal() == Some(signal.as_raw()) || output.code() == Some(128 + signal.as_raw());
        assert!(is_by_it, "{signal:?}: {output}");
        assert_eq!((world.temporaries().len(), world.read("b")), (0, "old".to_owned()), "{signal:?}");
    }
}

/// A file that grows beyond what `ulimit -f` allows ends the process that writes it (SIGXFSZ), one that has worked too long ends as
/// well (SIGXCPU, `ulimit -t`): on FUSE a part as large as that stayed.
#[test]
fn a_limit_that_ends_it_leaves_no_part() {
    let world = World::new();
    world.random("a", 200_000, 1).file("b", "old").dir("d");
    let output =
        world.shell("ulimit -f 20; cat a | $safecp /dev/stdin d/new; echo $?; cat a | $safecp /dev/stdin b; echo $?");
    assert_eq!(output.stdout, "153\n153\n", "{output}");
    assert_eq!((world.names("d").len(), world.read("b"), world.temporaries().len()), (0, "old".to_owned(), 0));
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let world = World::new();
    world.random("a", 1 << 20, 1).fifo("p");
    // As under nohup. The fifo keeps it running until after the signal, which it has had time to prepare for.
    let output = world.shell("trap '' HUP; $safecp p b & sleep 0.5; kill -HUP $! && cat a >p; wait $!");
    output.succeeds();
    assert!(world.same_bytes("a", "b"));
}

#[test]
fn a_tree_is_interrupted_between_whole_files() {
    let world = World::new();
    world.dir("s");
    for index in 0..400 {
        world.random(&format!("s/{index}"), 50_000, index);
    }
    let Some(mut running) = world.start_slowly("-a --reflink=never s t") else { return };
    running.wait_for_bytes_written(2 << 20);
    running.signal(Signal::INT);
    let output = running.finish();
    assert_eq!(output.signal(), Some(Signal::INT.as_raw()), "{output}");
    let names = world.names("t");
    assert!((1..400).contains(&names.len()), "{} files were copied", names.len());
    for name in names {
        let name = name.to_string_lossy();
        assert!(world.same_bytes(&format!("s/{name}"), &format!("t/{name}")), "{name}");
    }
    assert_eq!(world.temporaries().len(), 0);
}

#[test]
fn a_fifo_that_nobody_writes_to_can_be_given_up() {
    let world = World::new();
    world.fifo("fifo");
    let mut running = world.start("fifo b");
    thread::sleep(Duration::from_millis(200));
    assert!(running.runs(), "it did not wait for the fifo");
    running.signal(Signal::INT);
    assert_eq!(running.finish().signal(), Some(Signal::INT.as_raw()));
    assert!(!world.exists("b"));
}

/// A call that waits for a filesystem which does not answer takes no signal but one that is fatal.
#[test]
fn a_filesystem_that_does_not_answer_can_be_given_up() {
    let Some(world) = World::with_mounts("a filesystem that does not answer") else { return };
    if !Path::new("/dev/fuse").exists() {
        return left_out("needs /dev/fuse");
    }
    let output = world.dir("m").shell_with_mounts(
        "exec 3<>/dev/fuse
         mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 none m
         $safecp m/x b 3<&- & copy=$!; sleep 0.5; kill -TERM $copy
         (exec >&- 2>&-; sleep 20; kill -KILL $copy) & end=$! status=0
         wait $copy || status=$?; kill $end; echo $status; exec 3<&-; umount -l m",
    );
    assert_eq!(output.stdout, "143\n", "{output}");
}

/// Runs safecp where no thread is to be had (moby#42680: clone3 fails with EPERM in containers).
fn without_threads(world: &World, script: &str) -> Output {
    world.shell_as_nobody(&format!("threadless() {{ ulimit -u 0; exec $safecp \"$@\"; }}; {script}"))
}

#[test]
fn without_threads_it_copies_all_the_same() {
    let world = World::new();
    world.dir("s/d").random("s/x", 300_000, 1).file("s/d/y", "y");
    for (options, target) in [("-a", "one"), ("-a --jobs=8", "several"), ("-av", "told")] {
        without_threads(&world, &format!("threadless {options} s {target}")).succeeds();
        world.assert_same_tree("s", target);
    }
}

#[test]
fn without_threads_it_ends_by_signals_all_the_same() {
    let world = World::new();
    world.fifo("fifo").file("a", "1");
    for signal in ["TERM", "HUP"] {
        // Once, and a call that does not return is given up after a while.
        // Who runs the tests may ignore it, as nohup does.
        let copy = format!("ulimit -u 0; exec env --default-signal={signal} $safecp fifo b");
        let script = format!("({copy}) & sleep 0.5; kill -{signal} $!; wait $!; kill -l $?");
        without_threads(&world, &script).says(&format!("{signal}\n"));
        assert!(!world.exists("b"));
    }
    // One that was ignored stays so, and an alarm that somebody has set goes off as it would.
    without_threads(&world, "trap '' HUP; threadless fifo b & sleep 0.5; kill -HUP $!; cat a >fifo; wait $!")
        .succeeds();
    assert_eq!(world.read("b"), "1");
    without_threads(&world, "threadless fifo c & sleep 0.5; kill -ALRM $!; wait $!; kill -l $?").says("ALRM\n");
}

/// Nor where a thread is to be had that cannot wait for signals.
#[test]
fn without_threads_a_temporary_goes_as_well() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.random("a", 64 << 20, 1).dir("d").file("d/b", "old");
    for (calls, fault) in [("clone,clone3", "EPERM"), ("rt_sigtimedwait", "ENOSYS")] {
        let strace = format!(
            "strace -D -f -qq -o /dev/null -e trace=pwrite64,{calls} -e inject=pwrite64:delay_exit=5000 -e inject={calls}:error={fault}"
        );
        let copy = "$safecp --jobs=1 --reflink=never a d/b";
        world.shell(&format!("{strace} {copy} & sleep 1; kill -TERM $!; wait $!; kill -l $?")).says("TERM\n");
        assert_eq!((world.read("d/b").as_str(), world.names("d")), ("old", vec!["b".into()]), "{calls}");
    }
}

/// A small file that is new has no name until it is whole: a signal finds nothing to clean up, and no thread waits for one.
#[test]
fn a_small_new_file_takes_no_thread() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.dir("s").file("a", "new").file("old", "old").file("s/f", "f");
    let threads = |words: &str| {
        let traced = world
            .shell(&format!("strace -f -qq -o calls -e trace=clone,clone3 $safecp {words} 2>/dev/null && cat calls"));
        traced.succeeds();
        traced.stdout.lines().count()
    };
    assert_eq!(threads("a b"), 0);
    for words in ["a old", "--summary a c", "-r s t"] {
        assert_ne!(threads(words), 0, "{words}");
    }
    assert_eq!([world.read("b"), world.read("old")], ["new", "new"]);
}

/// The name of a temporary may be the first thing that a run leaves anywhere.
#[test]
fn a_temporary_of_a_small_file_goes_as_well() {
    if !has_tool("strace") {
        return;
    }
    let world = World::new();
    world.file("a", "new").dir("d").file("d/b", "old");
    let strace = "strace -D -f -qq -o /dev/null -e trace=linkat -e inject=linkat:delay_exit=1000000";
    world
        .shell(&format!("{strace} $safecp --sync=never a d/b & sleep 0.5; kill -TERM $!; wait $!; kill -l $?"))
        .says("TERM\n");
    assert_eq!(world.names("d"), ["b"]);
}
