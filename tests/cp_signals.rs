//! Signals: what asks safecp to end ends it by that signal, with the old target in its place and no temporary left; and
//! what kills it outright leaves the old target or none.

mod common;
use common::World;
use rustix::process::Signal;
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
fn a_closed_pipe_ends_what_is_said_and_not_in_silence() {
    let world = World::new();
    world.dir("s");
    for index in 0..2000 {
        world.file(format!("s/{index}"), "x");
    }
    let output = world.shell("set -o pipefail; $safecp -av s t | head -n 1");
    assert_ne!(output.code(), Some(0), "{output}");
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
