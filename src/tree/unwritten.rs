//! Directories that are done, and with --durable wait to be written out many at once.
//!
//! Nothing is given up for a directory's names, so that only the exit status waits for them. One syncfs(2) costs little more than one
//! fsync(2): 200 directories on XFS took longer by the latter than the 20,000 files in them by the former (docs/design/groups.md).

use crate::copy::TargetDirectory;
use crate::kernel::Kernel;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many wait at most, each with a handle.
const DIRECTORIES_WAITING_MAX: usize = 64;

/// What waits, in a run.
pub(super) struct Unwritten<K: Kernel> {
    pub(super) directories_max: usize,
    waiting: Mutex<Waiting<K>>,
}

pub(super) struct Waiting<K: Kernel> {
    pub(super) directories: Vec<DirectoryToSync<K>>,
    /// So many times each is synced by itself.
    pub(super) apart: u32,
}

/// A directory that is done.
pub(super) struct DirectoryToSync<K: Kernel> {
    /// It can be synced.
    pub(super) handle: K::File,
    pub(super) known: TargetDirectory,
    pub(super) shown: PathBuf,
}

impl<K: Kernel> Unwritten<K> {
    /// With fewer where few files may wait, as few may be open.
    pub(super) fn new(waiting_max: usize) -> Self {
        let waiting = Waiting { directories: Vec::new(), apart: 0 };
        Self { directories_max: DIRECTORIES_WAITING_MAX.min(waiting_max / 8), waiting: Mutex::new(waiting) }
    }

    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting<K>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be written out now, and whether each by itself.
    pub(super) fn take(&self) -> (Vec<DirectoryToSync<K>>, bool) {
        let mut waiting = self.waiting();
        let directories = std::mem::take(&mut waiting.directories);
        let is_apart = waiting.apart > 0;
        if !directories.is_empty() {
            waiting.apart = waiting.apart.saturating_sub(1);
        }
        (directories, is_apart)
    }
}
