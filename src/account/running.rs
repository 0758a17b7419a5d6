//! What is known of a run at any time: what was done, what is on its way, what there is to do.

use super::counts::Counts;
use super::status::{Current, Status};
use super::totals::Totals;
use crate::copy::meter::{Meter, Moving};
use crate::report::Event;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The rate is that of so long ago until now.
const PACE: Duration = Duration::from_secs(5);

/// A run that goes on.
#[derive(Debug)]
pub struct Running {
    counts: Mutex<Counts>,
    /// How far large files are.
    pub meter: Meter,
    /// How much there is, where that is counted.
    pub totals: Totals,
    began: Instant,
    pace: Mutex<Pace>,
    /// Somebody has looked: the next name is kept for them. A name costs a copy of it, which nobody pays who is not looked at.
    wants_name: AtomicBool,
    last: Mutex<Option<PathBuf>>,
    /// Another program has the terminal.
    is_terminal_lent: AtomicBool,
}

/// How many bytes were done, and when.
#[derive(Debug, Default)]
struct Pace {
    samples: VecDeque<(Duration, u64)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// A run that begins now.
    #[must_use]
    pub fn begin() -> Self {
        Self {
            counts: Mutex::default(),
            meter: Meter::default(),
            totals: Totals::default(),
            began: Instant::now(),
            pace: Mutex::default(),
            wants_name: AtomicBool::new(false),
            last: Mutex::default(),
            is_terminal_lent: AtomicBool::new(false),
        }
    }

    /// Lets another program have the terminal, such as ssh that may ask for a password: no bar is drawn over its question. What is drawn
    /// already goes within a fifth of a second, in which nobody has asked yet.
    pub fn lend_terminal(&self) {
        self.is_terminal_lent.store(true, Ordering::Relaxed);
    }

    /// Has it back.
    pub fn take_terminal_back(&self) {
        self.is_terminal_lent.store(false, Ordering::Relaxed);
    }

    pub(super) fn has_lent_terminal(&self) -> bool {
        self.is_terminal_lent.load(Ordering::Relaxed)
    }

    /// Takes note of what happened.
    pub(super) fn note(&self, event: &Event<'_>) {
        self.counts().note(event);
        self.keep_name(name(event));
    }

    /// Takes note of a file that has arrived elsewhere, and was read back there.
    pub fn arrived(&self, shown: &Path, bytes: u64) {
        self.counts().arrived(bytes);
        self.keep_name(Some(shown));
    }

    fn keep_name(&self, name: Option<&Path>) {
        let wanted = name.filter(|_| self.wants_name.load(Ordering::Relaxed));
        if let Some(name) = wanted {
            *lock(&self.last) = Some(name.to_owned());
            self.wants_name.store(false, Ordering::Relaxed);
        }
    }

    pub(super) fn counts(&self) -> MutexGuard<'_, Counts> {
        lock(&self.counts)
    }

    pub(super) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// How far it is now.
    pub fn status(&self) -> Status {
        let moving = self.meter.moving();
        let (names, done, has_skipped) = {
            let counts = self.counts();
            (counts.names(), counts.bytes, counts.has_skipped())
        };
        let took = self.took();
        let on_their_way: u64 = moving.iter().map(|moving| moving.done()).sum();
        let (bytes, rate) = lock(&self.pace).at(took, done + on_their_way);
        self.wants_name.store(true, Ordering::Relaxed);
        let last = || lock(&self.last).clone().map(|shown| Current { shown, percent: None, is_verified_now: false });
        let current = moving.first().map(|moving| current(moving)).or_else(last);
        Status { names, bytes, total: self.totals.known(), has_skipped, took, rate, current }
    }
}

impl Pace {
    /// The bytes that are done, which are never fewer than they were, and how many are done in a second.
    fn at(&mut self, now: Duration, bytes: u64) -> (u64, u64) {
        // What waits for its name is on its way no more, and not yet done.
        let bytes = self.samples.back().map_or(bytes, |(_, before)| bytes.max(*before));
        while self.samples.front().is_some_and(|(at, _)| now.saturating_sub(*at) > PACE) && self.samples.len() > 1 {
            self.samples.pop_front();
        }
        let (since, before) = self.samples.front().copied().unwrap_or_default();
        self.samples.push_back((now, bytes));
        let nanos = now.saturating_sub(since).as_nanos().max(1);
        let rate = u128::from(bytes - before) * 1_000_000_000 / nanos;
        (bytes, u64::try_from(rate).unwrap_or(u64::MAX))
    }
}

fn current(moving: &Moving) -> Current {
    let percent = (moving.size > 0).then(|| moving.done().saturating_mul(100) / moving.size);
    Current { shown: moving.shown.clone(), percent, is_verified_now: moving.is_verified_now() }
}

/// The name that an event is about.
fn name<'a>(event: &Event<'a>) -> Option<&'a Path> {
    match *event {
        Event::Finished { source, .. }
        | Event::DirectoryMade { source, .. }
        | Event::ParentMade { source, .. }
        | Event::Renamed { source, .. }
        | Event::Exchanged { source, .. }
        | Event::SourceRemoved { source, .. } => Some(source),
        Event::DirectoryCreated { directory } => Some(directory),
        Event::Removed { target } => Some(target),
        Event::Examined { path, .. } | Event::Mended { path, .. } => Some(path),
        Event::Found(found) => Some(found.path),
        Event::DirectoryFinished { path, .. } => Some(path),
        Event::Failed(_) | Event::Full(_) | Event::Warned(_) | Event::Noted(_) | Event::Misused(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_late_and_bytes_never_go_back() {
        let mut pace = Pace::default();
        let second = Duration::from_secs;
        assert_eq!(pace.at(second(2), 200), (200, 100), "from the beginning");
        assert_eq!(pace.at(second(4), 1200), (1200, 500), "from the first look");
        assert_eq!(pace.at(second(5), 900), (1200, 333), "what waits is not lost");
        assert_eq!(pace.at(second(20), 1200), (1200, 0), "nothing has moved since");
    }
}
