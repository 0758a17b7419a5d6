//! The account of one run, from its beginning: a listener that hands every event on.

use super::counts::Counts;
use super::journal::Journal;
use super::lines::{End, Line};
use super::summary;
use super::wanted::Summary;
use crate::report::{Event, Listener};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Listens to a run, counts what happens and writes it down.
pub struct Account<'a> {
    next: &'a dyn Listener,
    counts: Mutex<Counts>,
    journal: Option<Journal>,
    summary: Summary,
    began: Instant,
}

impl<'a> Account<'a> {
    /// One that hands events on to `next`.
    #[must_use]
    pub fn begin(next: &'a dyn Listener, journal: Option<Journal>, summary: Summary) -> Self {
        Self { next, counts: Mutex::default(), journal, summary, began: Instant::now() }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the last line of the report. What could not be written of it is returned.
    pub fn finish(&self, end: End) -> Result<(), std::io::Error> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.add(&Line::end(&self.counts(), end, self.began.elapsed()));
        journal.finish()
    }

    /// The lines of the summary, if it is asked for.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        match self.summary {
            Summary::No => Vec::new(),
            Summary::AtEnd => summary::lines(&self.counts(), self.began.elapsed()),
        }
    }
}

impl Listener for Account<'_> {
    fn hear(&self, event: &Event<'_>) {
        self.counts().note(event);
        if let Some((journal, line)) = self.journal.as_ref().zip(Line::of(event)) {
            journal.add(&line);
        }
        self.next.hear(event);
    }
}
