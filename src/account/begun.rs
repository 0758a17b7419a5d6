//! The account of one run, from its beginning: a listener that hands every event on.

use super::journal::Journal;
use super::lines::{End, Line};
use super::running::Running;
use super::summary;
use super::wanted::Summary;
use crate::report::{Event, Listener};

/// Listens to a run, counts what happens and writes it down.
pub struct Account<'a> {
    next: &'a dyn Listener,
    pub(super) running: &'a Running,
    pub(super) journal: Option<Journal>,
    summary: Summary,
}

impl<'a> Account<'a> {
    /// One that hands events on to `next`.
    #[must_use]
    pub fn begin(next: &'a dyn Listener, running: &'a Running, journal: Option<Journal>, summary: Summary) -> Self {
        Self { next, running, journal, summary }
    }

    /// Writes the last line of the report. What could not be written of it is returned.
    pub fn finish(&self, end: End) -> Result<(), std::io::Error> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.add(&Line::end(&self.running.counts(), end, self.running.took()));
        journal.finish()
    }

    /// The lines of the summary, if it is asked for.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        match self.summary {
            Summary::No => Vec::new(),
            Summary::AtEnd => summary::lines(&self.running.counts(), self.running.took()),
        }
    }
}

impl Listener for Account<'_> {
    fn hear(&self, event: &Event<'_>) {
        self.running.note(event);
        if let Some(journal) = &self.journal {
            Line::of(event).iter().for_each(|line| journal.add(line));
        }
        self.next.hear(event);
    }
}
