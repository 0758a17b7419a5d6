//! Source directories that a run has entered, for who removes them afterwards.

use crate::kernel::Stat;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Device and inode number of each, if anybody wants to know: some 30 bytes for a directory.
#[derive(Default)]
pub(super) struct Entered {
    pub(super) is_wanted: bool,
    directories: Mutex<BTreeSet<(u64, u64)>>,
}

impl Entered {
    pub(super) fn note(&self, directory: &Stat) {
        if self.is_wanted {
            self.directories().insert((directory.dev, directory.ino));
        }
    }

    pub(super) fn has(&self, directory: &Stat) -> bool {
        self.directories().contains(&(directory.dev, directory.ino))
    }

    fn directories(&self) -> MutexGuard<'_, BTreeSet<(u64, u64)>> {
        self.directories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
