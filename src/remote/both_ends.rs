//! A sender and a receiver in one process, with real files: what both together must get right, and what a command line cannot ask for.

use super::awaited::Awaited;
use super::connection::{Features, streams};
use super::kernel::World;
use super::message::Verdict;
use super::receiver::Receiver;
use super::sender::Sender;
use super::terms::Terms;
use crate::host;
use crate::kernel::linux::Linux;
use crate::options::{Record, TargetRule, Verbosity};
use crate::report::Report;
use crate::tree::plan::Operands;
use std::io::sink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Longer than any of it takes.
const PATIENCE: Duration = Duration::from_secs(120);

fn quiet() -> Report {
    Report::new("test", Verbosity::Quiet, Box::new(sink()), Box::new(sink()))
}

fn both_ways(stream: &UnixStream) -> (UnixStream, UnixStream) {
    (stream.try_clone().expect("a stream"), stream.try_clone().expect("a stream"))
}

fn send(stream: &UnixStream, sources: &[PathBuf]) -> Verdict {
    let (kernel, report, stop) = (Linux::new(), quiet(), AtomicBool::new(false));
    let (input, output) = both_ways(stream);
    let (input, output) = streams(input, output);
    let world = World { local: &kernel, root: None, intake: None, part: Mutex::default() };
    Sender::new(&world, Terms::plain(), (input, output, Features::all()), &report, &stop).run(sources)
}

fn receive(stream: &UnixStream, target: &Path) -> Verdict {
    let (kernel, host, report) = (Linux::new(), host::this_host(), quiet());
    let report = &report;
    let (terms, kept, stop) = (Terms::plain(), (Record::No, false), Arc::default());
    let receiver =
        Receiver { local: &kernel, root: None, terms, host: &host, report, listener: report, meter: None, kept, stop };
    let (input, output) = both_ways(stream);
    let (input, output) = streams(input, output);
    let awaited = |sent_as: PathBuf| Some(Awaited { shown: Path::new("far:./").join(&sent_as), sent_as });
    receiver.run((input, output, Features::all()), awaited, |sources| Operands {
        sources,
        target: target.to_owned(),
        rule: TargetRule::Directory,
        strips: false,
    })
}

/// The names of more sources than may be on their way at once: what a pattern stands for has no other bound.
#[test]
fn names_of_sources_may_be_longer_than_the_window() {
    let target = tempfile::tempdir().expect("a directory");
    // Nothing is called so: each is said to be missing.
    let sources: Vec<PathBuf> =
        (0..30).map(|number| PathBuf::from(format!("{}{number}", "n".repeat(600_000)))).collect();
    let (one, other) = UnixStream::pair().expect("streams");
    let (done, ended) = channel();
    let also_done = done.clone();
    std::thread::spawn(move || done.send(send(&one, &sources)));
    let to = target.path().to_owned();
    std::thread::spawn(move || also_done.send(receive(&other, &to)));
    for _ in 0..2 {
        assert_eq!(ended.recv_timeout(PATIENCE), Ok(Verdict::Failed), "both ends say that they are missing");
    }
}
