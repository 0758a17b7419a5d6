//! What is counted in a trial: for each copier and each kind of file, how many copies came out how.

use serde::Serialize;
use std::path::PathBuf;

/// What came of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(in super::super) struct Trial {
    /// Where it was.
    #[serde(serialize_with = "super::super::json::lossy")]
    pub(in super::super) directory: PathBuf,
    /// The filesystem there.
    #[serde(rename = "type")]
    pub(in super::super) name: &'static str,
    /// How long it took.
    pub(in super::super) seconds: f64,
    /// What came of it: a row for each copier, all with the same kinds of files.
    pub(in super::super) copiers: Vec<Row>,
    /// Sources that did not hold what was written to them: what came of their copies says nothing of the copier.
    pub(in super::super) wrong_sources: usize,
    /// Why some kinds of files are not there: the filesystem cannot have them.
    pub(in super::super) notes: Vec<String>,
    /// What went wrong in the trial itself: a sentence each.
    pub(in super::super) errors: Vec<String>,
}

/// What one copier did.
#[derive(Clone, Debug, Serialize)]
pub(in super::super) struct Row {
    /// Its name.
    pub(in super::super) copier: String,
    /// One for each kind of file.
    pub(in super::super) tallies: Vec<Tally>,
}

/// What one copier did with one kind of file.
#[derive(Clone, Debug, Default, Serialize)]
pub(in super::super) struct Tally {
    /// The kind of file.
    pub(in super::super) past: &'static str,
    /// Copies that were said to have succeeded.
    pub(in super::super) copies: usize,
    /// Those of them that hold other bytes.
    pub(in super::super) corrupt: usize,
    /// The kernel or the program said that it cannot.
    pub(in super::super) refused: usize,
    /// Failures of other kinds.
    pub(in super::super) failed: usize,
    /// Not tried, or not ended in time.
    pub(in super::super) undone: usize,
}

impl Row {
    /// Wrong copies of all kinds of files.
    pub(in super::super) fn corrupt(&self) -> usize {
        self.tallies.iter().map(|tally| tally.corrupt).sum()
    }

    /// Copies of all kinds of files that were said to have succeeded.
    pub(in super::super) fn copies(&self) -> usize {
        self.tallies.iter().map(|tally| tally.copies).sum()
    }

    /// Failures with all kinds of files.
    pub(in super::super) fn failed(&self) -> usize {
        self.tallies.iter().map(|tally| tally.failed).sum()
    }
}
