//! Names that found no room, or no descriptor, while others were being made beside them, and old files that others may be reading: they are
//! made once nobody is at work.
//!
//! A large file that does not fit takes up all the room there is until it is given up. A small one beside it would fail for that, though
//! it fits: cp, which makes one name after the other, copies it.

use super::groups::Deferred;
use crate::kernel::Kernel;
use std::sync::{Mutex, PoisonError};

/// How many names are left at most, for each holds its directory. A file that is given up is gone in less time than so many take.
const NAMES_MAX: usize = 1024;

/// The names that are left; `None` while one is made after the other.
pub(super) struct Crowded<K: Kernel>(Mutex<Option<Vec<Deferred<K>>>>);

impl<K: Kernel> Default for Crowded<K> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K: Kernel> Crowded<K> {
    /// From now on several names are made at a time.
    pub(super) fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// Leaves a name until nobody else is at work. False if nobody is now, or if so many are left that one more is not.
    pub(super) fn leave(&self, name: impl FnOnce() -> Deferred<K>) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(names) = left.as_mut().filter(|names| names.len() < NAMES_MAX) else { return false };
        names.push(name());
        true
    }

    /// From now on one name is made after the other. Returns those that were left, in the order in which they were.
    pub(super) fn end(&self) -> Vec<Deferred<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }
}
