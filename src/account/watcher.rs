//! Who looks on (--progress): now and then it asks how far the run is, and shows it.

use super::display::Display;
use super::running::Running;
use super::wanted::Progress;
use crate::host;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

/// A run that is over sooner shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often a bar is drawn.
const FRAME: Duration = Duration::from_millis(200);

/// How often a line is written where no bar can be.
const LINE: Duration = Duration::from_secs(10);

/// How long a run goes on before what there is to do is counted beside it: a short one is over by then, and pays nothing.
const COUNTED_AFTER: Duration = Duration::from_secs(1);

/// Who looks on.
pub(super) struct Watcher<'a> {
    /// At what.
    pub(super) running: &'a Running,
    /// The terminal, if there is one.
    pub(super) display: Option<&'a Display>,
    /// What stands before a line.
    pub(super) program: &'a str,
}

impl Watcher<'_> {
    /// Does the work, and looks on beside it if that is wanted. `count` counts what there is to do, until the work is over.
    /// Without threads the work is done all the same.
    pub(super) fn look_on<T>(
        &self,
        progress: Progress,
        count: impl Fn(&AtomicBool) + Send,
        work: impl FnOnce() -> T,
    ) -> T {
        if progress == Progress::No {
            return work();
        }
        let is_over = AtomicBool::new(false);
        let ((shows, shown), (counts, counted)) = (channel::<()>(), channel::<()>());
        std::thread::scope(|scope| {
            let named = |name: &str| Builder::new().name(name.to_owned());
            let is_over = &is_over;
            let watches = named("progress").spawn_scoped(scope, move || self.watch(&shown));
            let counter = named("totals").spawn_scoped(scope, move || {
                if counted.recv_timeout(COUNTED_AFTER) == Err(RecvTimeoutError::Timeout) {
                    count(is_over);
                }
            });
            if watches.is_err() || counter.is_err() {
                say(self.program, "warning: progress is not shown, as no thread can be had for it");
            }
            let worked = work();
            is_over.store(true, Ordering::Relaxed);
            drop((shows, counts));
            worked
        })
    }

    /// Looks on until the other end of the channel is gone.
    fn watch(&self, ended: &Receiver<()>) {
        let (mut pause, then) = if self.display.is_some() { (PATIENCE, FRAME) } else { (LINE, LINE) };
        while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            pause = then;
            if let Some(display) = self.display.filter(|_| self.running.has_lent_terminal()) {
                display.clear();
                continue;
            }
            let status = self.running.status();
            match (self.display, host::columns()) {
                (Some(display), Some(columns)) => display.show(&status, columns),
                // The terminal is gone.
                (Some(_), None) => {}
                (None, _) => say(self.program, &status.line()),
            }
        }
        self.display.iter().for_each(|display| display.clear());
    }
}

/// Writes a line on standard error. Where it cannot be written, nobody looks on.
pub(super) fn say(program: &str, line: &str) {
    host::messages().write_all(format!("{program}: {line}\n").as_bytes()).unwrap_or(());
}
