//! Precedents: what the first old file that was replaced in a directory has shown of that directory.
//!
//! The directory let the name go, which sticky bits, `chattr +a` and capabilities decide, and a new file in it had these inode
//! flags before any were set. Neither depends on the name where only root and this user can change it
//! ([`TargetDirectory::is_steady`]): the others in the directory need not ask. Who changes his own directory while it is copied into
//! gets for the next files what the first one got, as with its default access control list.

use super::flags::InodeSettings;
use super::stale_temporary::Numbers;
use super::types::TargetDirectory;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many directories are remembered: a tree is worked off one after the other.
const DIRECTORIES_REMEMBERED: usize = 256;

/// What is remembered, the latest last.
#[derive(Default)]
pub(super) struct Precedents(Mutex<VecDeque<(Numbers, InodeSettings)>>);

impl Precedents {
    /// What a new file in a directory is told, if one was asked and names may go.
    pub(super) fn of(&self, directory: &TargetDirectory) -> Option<InodeSettings> {
        let here = numbers(directory)?;
        self.latest().iter().rev().find(|(known, _)| *known == here).map(|(_, told)| *told)
    }

    /// Remembers a directory that lets a name go, and what a new file in it is told.
    pub(super) fn set(&self, directory: &TargetDirectory, told: InodeSettings) {
        let Some(here) = numbers(directory) else { return };
        let mut latest = self.latest();
        if latest.len() == DIRECTORIES_REMEMBERED {
            latest.pop_front();
        }
        latest.push_back((here, told));
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<(Numbers, InodeSettings)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A directory of which precedents hold.
fn numbers(directory: &TargetDirectory) -> Option<Numbers> {
    directory.dev.zip(directory.ino).filter(|_| directory.is_steady)
}
