//! Threads, begun when something can be shared between them and not before: to begin them takes as long as to copy a small
//! file, which is what most calls of cp in a build do.

use rayon::{ThreadPool, ThreadPoolBuilder};
use std::num::NonZeroUsize;
use std::sync::OnceLock;

/// Threads beyond this many only wait for each other.
const COUNT_MAX: usize = 512;

/// The threads of one run.
pub struct Threads {
    count: usize,
    pool: OnceLock<Option<ThreadPool>>,
}

impl Threads {
    /// So many of them, at most 512, none of which has begun.
    #[must_use]
    pub fn new(count: NonZeroUsize) -> Self {
        Self { count: count.get().min(COUNT_MAX), pool: OnceLock::new() }
    }

    /// The threads to share work between, which wait for it from the first call on. `None` where one job was asked for, and where
    /// none are to be had, as beyond `ulimit -u`: who asks then does all the work.
    pub fn pool(&self) -> Option<&ThreadPool> {
        let begin =
            || if self.count > 1 { ThreadPoolBuilder::new().num_threads(self.count).build().ok() } else { None };
        self.pool.get_or_init(begin).as_ref()
    }
}
