//! The account of one run, from its beginning: a listener that hands every event on.

use super::journal::{Journal, Unwritten};
use super::lines::{End, Line};
use super::running::Running;
use super::summary;
use super::wanted::Summary;
use crate::options::Work;
use crate::report::{Event, Listener};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Listens to a run, counts what happens and writes it down.
pub struct Account<'a> {
    next: &'a dyn Listener,
    pub(super) running: &'a Running,
    pub(super) journal: Option<&'a Journal>,
    summary: Summary,
    work: Work,
    /// What the summary says of each of several targets.
    of_targets: Mutex<Vec<String>>,
}

impl<'a> Account<'a> {
    /// One that writes down nothing, and hands events on to `next`.
    #[must_use]
    pub fn begin(next: &'a dyn Listener, running: &'a Running) -> Self {
        Self { next, running, journal: None, summary: Summary::No, work: Work::Copy, of_targets: Mutex::default() }
    }

    /// The same with a report and a summary, if they are wanted.
    #[must_use]
    pub(super) fn with(self, journal: Option<&'a Journal>, summary: Summary, work: Work) -> Self {
        Self { journal, summary, work, ..self }
    }

    /// Takes note of an event of one of several targets, which is handed on by its part.
    pub(super) fn note(&self, event: &Event<'_>, directory: &Path) {
        self.running.note(event);
        self.write(directory, Line::of(event));
    }

    /// Takes note of what a target has in the end.
    pub(super) fn end_of(&self, directory: &Path, line: Line<'_>, summary: Vec<String>) {
        self.write(directory, Some(line));
        self.of_targets.lock().unwrap_or_else(PoisonError::into_inner).extend(summary);
    }

    fn write(&self, directory: &Path, line: Option<Line<'_>>) {
        if let Some((journal, line)) = self.journal.zip(line) {
            journal.add(&line, Some(directory));
        }
    }

    /// Writes the last line of the report. What could not be written of it is returned.
    pub(super) fn finish(&self, end: End) -> Result<(), Unwritten> {
        let Some(journal) = &self.journal else { return Ok(()) };
        journal.add(&Line::end(&self.running.counts(), end, self.running.took()), None);
        journal.finish()
    }

    /// The lines of the summary, if it is asked for.
    pub(super) fn summary(&self) -> Vec<String> {
        let of_targets = std::mem::take(&mut *self.of_targets.lock().unwrap_or_else(PoisonError::into_inner));
        match self.summary {
            Summary::No => Vec::new(),
            Summary::AtEnd if of_targets.is_empty() => {
                summary::lines(&self.running.counts(), self.work, self.running.took())
            }
            Summary::AtEnd => of_targets,
        }
    }
}

impl Listener for Account<'_> {
    fn hear(&self, event: &Event<'_>) {
        self.running.note(event);
        if let Some(journal) = &self.journal {
            Line::of(event).iter().for_each(|line| journal.add(line, None));
        }
        self.next.hear(event);
    }
}
