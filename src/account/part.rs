//! What an account has of one of several targets: its lines name the directory, and its numbers are its own.

use super::begun::Account;
use super::counts::Counts;
use super::lines::Line;
use super::summary;
use crate::options::Work;
use crate::quote::quoted;
use crate::report::{Event, Listener};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Listens to the run of one target.
pub struct Part<'a> {
    account: &'a Account<'a>,
    directory: &'a Path,
    next: &'a dyn Listener,
    counts: Mutex<Counts>,
    began: Instant,
    took: OnceLock<Duration>,
}

impl<'a> Part<'a> {
    /// The part of an account that is about this directory, and hands events on to `next`.
    #[must_use]
    pub fn begin(account: &'a Account<'a>, directory: &'a Path, next: &'a dyn Listener) -> Self {
        let (counts, began, took) = (Mutex::default(), Instant::now(), OnceLock::new());
        Self { account, directory, next, counts, began, took }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run is over.
    pub fn is_over(&self) {
        self.took.get_or_init(|| self.began.elapsed());
    }

    /// Tells what the target has, and whether that is everything.
    pub fn finish(&self, is_complete: bool) {
        let (counts, took) = (self.counts(), *self.took.get_or_init(|| self.began.elapsed()));
        let mut summary = summary::lines(&counts, Work::Copy, took);
        if let Some(first) = summary.first_mut() {
            *first = format!("target directory {}: {first}", quoted(self.directory));
        }
        self.account.end_of(self.directory, Line::target(&counts, is_complete, took), summary);
    }
}

impl Listener for Part<'_> {
    fn hear(&self, event: &Event<'_>) {
        self.counts().note(event);
        self.account.note(event, self.directory);
        self.next.hear(event);
    }
}
