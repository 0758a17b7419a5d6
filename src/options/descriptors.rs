//! How many files a run has open at once, by what the limit of open files allows.

use super::{DIRECTORIES_MAX, Options, WAITING_MAX};
use std::num::NonZeroUsize;

/// Descriptors of a run apart from those of the names that it copies: the three standard ones, those of signals, the
/// directory of all targets, a listing.
const DESCRIPTORS_OF_A_RUN: usize = 24;

/// Descriptors of one file on its way: its source, its temporary, the old target, duplicates, directories on the way.
const DESCRIPTORS_OF_A_FILE: usize = 10;

/// The operand's own directory, and the one that is listed.
const DIRECTORIES_MIN: usize = 2;

impl Options {
    /// The same with no more files open at once than `descriptors`, as far as that can be.
    #[must_use]
    pub fn within(self, descriptors: u64) -> Self {
        let free = usize::try_from(descriptors).unwrap_or(usize::MAX).saturating_sub(DESCRIPTORS_OF_A_RUN);
        let waiting_max = (free / 4).min(WAITING_MAX);
        let free = free - waiting_max;
        let (files, directories) = (free / 2, free / 2);
        let jobs_max = NonZeroUsize::new(files / DESCRIPTORS_OF_A_FILE).unwrap_or(NonZeroUsize::MIN);
        // A quarter more may be open for a moment, on the way back up a deep tree.
        let directories_max = (directories / 2 * 4 / 5).clamp(DIRECTORIES_MIN, DIRECTORIES_MAX);
        Self { jobs_max, directories_max, waiting_max, ..self }
    }
}
