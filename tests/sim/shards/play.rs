//! A run in a world that others share: a share of the tree, or its end.

use super::super::kernel::Sim;
use super::super::turns::Turns;
use super::grove::RANGE;
use safecp::copy::Geometry;
use safecp::host::Host;
use safecp::kernel::retry::Retrying;
use safecp::options::{Dereference, Options, Preserve, TargetRule};
use safecp::report::{Event, Listener, Report};
use safecp::shard::finish::{Finish, Tools};
use safecp::shard::share::Share;
use safecp::shard::{About, Number, Request, Which};
use safecp::tree::plan::Operands;
use safecp::tree::run::Run;
use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// What a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A share, from 1 on.
    Share(u32),
    /// The end.
    Finish,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Played {
    pub task: Task,
    pub succeeded: bool,
    pub messages: String,
}

/// What is written to it is kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Cuts files so that worlds may be small.
pub fn geometry() -> Geometry {
    Geometry { slice: 256, piece: 1024, block: 256, small: 0, range: RANGE }
}

fn request(count: u32) -> Request {
    let options = Options {
        recursive: true,
        dereference: Dereference::Never,
        preserve: Preserve::everything(),
        jobs: Some(NonZeroUsize::MIN),
        privileged: true,
        keeps_set_ids: true,
        resume: true,
        ..Options::plain()
    };
    let operands = Operands { sources: vec!["s".into()], target: "d".into(), rule: TargetRule::Itself, strips: false };
    let which = Which::Told(number(1, count));
    let (arguments, warnings) = (Vec::new(), Vec::new());
    Request { options, operands, which, state: None, manifest: None, report: None, arguments, warnings }
}

fn number(number: u32, count: u32) -> Number {
    let of = |number| NonZeroU32::new(number).expect("from 1 on");
    Number { number: of(number), count: of(count) }
}

/// Carries out one task of a tree that `count` shares copy.
pub fn play(sim: &Sim, task: Task, count: u32) -> Played {
    let kernel = Retrying(sim.clone());
    let (host, stop) = (Host { kernel: (6, 12), ..Host::default() }, AtomicBool::new(false));
    let messages = Kept::default();
    let request = request(count);
    let report =
        Report::new("safecp", request.options.verbosity, Box::new(std::io::sink()), Box::new(messages.clone()));
    match task {
        Task::Share(of) => share(&kernel, &request, number(of, count), (&host, &stop, &report)),
        Task::Finish => finish(&kernel, &request, (&host, &stop, &report)),
    }
    let succeeded = report.finish();
    let said = messages.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Played { task, succeeded, messages: String::from_utf8_lossy(&said).into_owned() }
}

type With<'a> = (&'a Host, &'a AtomicBool, &'a Report);

fn share(kernel: &Retrying<Sim>, request: &Request, number: Number, (host, stop, report): With<'_>) {
    match Share::begin(kernel, request, number, (Path::new(""), 0), (stop, report)) {
        Ok(share) => {
            let mut run = Run::new(kernel, &request.options, host, stop, report, &|_| true);
            run.cut(geometry());
            run.share(&share);
            run.operands(&request.operands);
            drop(run);
            share.end(report.finish()).unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
        }
        Err(error) => report.hear(&Event::Failed(&error)),
    }
}

fn finish(kernel: &Retrying<Sim>, request: &Request, (host, stop, report): With<'_>) {
    let about = About { target: request.operands.target.clone(), state: None };
    let begun = Finish::begin(kernel, &about, 0).unwrap_or_else(|missing| {
        missing.iter().for_each(|error| report.hear(&Event::Failed(error)));
        None
    });
    let Some(mut finish) = begun else { return };
    let (is_well, write) = (|| report.finish(), || Ok(()));
    let tools =
        Tools { host, stop, listener: report, ask: &|_| true, is_well: &is_well, write: &write, geometry: geometry() };
    let finished = finish.check(request).and_then(|operands| finish.run(&request.options, &operands, &tools));
    finished.unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
}

/// Carries out tasks at the same time, in turns.
pub fn play_together(sim: &Sim, tasks: &[Task], turns: &Arc<Turns>, count: u32) -> Vec<Played> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..)
            .zip(tasks)
            .map(|(process, task)| {
                scope.spawn(move || {
                    turns.first(process);
                    let played = {
                        let sim = sim.of_process(process, turns);
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(&sim, *task, count)))
                    };
                    turns.leave(process);
                    played.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            })
            .collect();
        started.into_iter().map(|thread| thread.join().expect("a run that panics is a broken promise")).collect()
    })
}
