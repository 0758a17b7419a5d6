//! How far files are that take a while, for whoever wants to show it. Small ones are done before anybody looks, and cost nothing here.

use super::types::Source;
use crate::kernel::Kind;
use crate::options::Verify;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Smaller files are not followed.
const FOLLOWED_MIN: u64 = 64 << 10;

/// The files of a run that are on their way, in the order in which they were begun.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Vec<Arc<Moving>>>);

/// A file on its way.
#[derive(Debug)]
pub struct Moving {
    /// The source as the user would write it.
    pub shown: PathBuf,
    /// Its size in bytes; 0 where that is not known.
    pub size: u64,
    /// How often all its bytes are gone through.
    passes: u64,
    /// Bytes that were gone through in this attempt.
    passed: AtomicU64,
}

/// Follows a file until it is dropped.
pub struct Following<'m> {
    meter: &'m Meter,
    pub(super) moving: Arc<Moving>,
}

impl Meter {
    fn files(&self) -> MutexGuard<'_, Vec<Arc<Moving>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The files that are on their way now.
    #[must_use]
    pub fn moving(&self) -> Vec<Arc<Moving>> {
        self.files().clone()
    }

    /// Follows a file, if it is one that takes a while.
    pub(super) fn follow<F>(&self, source: &Source<'_, F>, verify: Verify) -> Option<Following<'_>> {
        let is_file = source.stat.kind == Kind::File;
        if is_file && source.stat.size < FOLLOWED_MIN {
            return None;
        }
        let size = if is_file { source.stat.size } else { 0 };
        Some(self.begin(source.shown, size, passes(verify)))
    }

    /// Follows a file that is read without a copy, likewise.
    #[must_use]
    pub fn follow_reading(&self, shown: &Path, size: u64) -> Option<Following<'_>> {
        (size >= FOLLOWED_MIN).then(|| self.begin(shown, size, 1))
    }

    fn begin(&self, shown: &Path, size: u64, passes: u64) -> Following<'_> {
        let moving = Arc::new(Moving::new(shown, size, passes));
        self.files().push(Arc::clone(&moving));
        Following { meter: self, moving }
    }
}

impl Following<'_> {
    /// Takes note of bytes that were read.
    pub fn pass(&self, bytes: u64) {
        self.moving.pass(bytes);
    }
}

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.meter.files().retain(|moving| !Arc::ptr_eq(moving, &self.moving));
    }
}

impl Moving {
    fn new(shown: &Path, size: u64, passes: u64) -> Self {
        Self { shown: shown.to_owned(), size, passes, passed: AtomicU64::new(0) }
    }

    /// Takes note of bytes that were gone through.
    pub(super) fn pass(&self, bytes: u64) {
        self.passed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Begins again.
    pub(super) fn restart(&self) {
        self.passed.store(0, Ordering::Relaxed);
    }

    /// Bytes of the file that are done, where what is done twice counts in halves.
    #[must_use]
    pub fn done(&self) -> u64 {
        let done = self.passed.load(Ordering::Relaxed) / self.passes;
        if self.size > 0 { done.min(self.size) } else { done }
    }

    /// Whether everything is written, and read once more.
    #[must_use]
    pub fn is_verified_now(&self) -> bool {
        self.passes > 1 && self.size > 0 && self.passed.load(Ordering::Relaxed) > self.size
    }
}

/// How often all bytes of a file are gone through: what is read back slice by slice is done then.
fn passes(verify: Verify) -> u64 {
    match verify {
        Verify::Content | Verify::Map | Verify::Nothing => 1,
        Verify::Device => 2,
        // It is written, and both are read again.
        Verify::Blake3 => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_through_twice_counts_in_halves() {
        let moving = Moving::new(Path::new("a"), 100, passes(Verify::Device));
        moving.pass(100);
        assert_eq!((moving.done(), moving.is_verified_now()), (50, false));
        moving.pass(60);
        assert_eq!((moving.done(), moving.is_verified_now()), (80, true));
        moving.pass(100);
        assert_eq!(moving.done(), 100, "never more than there is");
        moving.restart();
        assert_eq!(moving.done(), 0);
    }
}
