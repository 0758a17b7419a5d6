//! Threads, begun when something can be shared between them and not before: to begin them takes as long as to copy a small
//! file, which is what most calls of cp in a build do.

use crate::kernel::deferred::do_deferred;
use crate::kernel::process::memory_limit;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::num::NonZeroUsize;
use std::sync::OnceLock;

/// Threads beyond this many only wait for each other.
const COUNT_MAX: usize = 512;

/// Address space that a thread has to itself at least where there is a limit: beyond it memory may run out at any moment, which
/// ends the process.
const ROOM: u64 = 16 << 20;

/// The threads of one run.
pub struct Threads {
    wanted: Option<NonZeroUsize>,
    max: NonZeroUsize,
    pool: OnceLock<Option<ThreadPool>>,
}

impl Threads {
    /// So many of them, or one for each processor, and at most `max` and 512; none has begun.
    #[must_use]
    pub fn new(wanted: Option<NonZeroUsize>, max: NonZeroUsize) -> Self {
        Self { wanted, max, pool: OnceLock::new() }
    }

    /// The threads to share work between, which wait for it from the first call on. `None` where there is to be one, and where
    /// none are to be had, as beyond `ulimit -u`: who asks then does all the work.
    pub fn pool(&self) -> Option<&ThreadPool> {
        self.pool.get_or_init(|| begin(self.wanted.unwrap_or_else(processors).min(self.max))).as_ref()
    }
}

fn begin(count: NonZeroUsize) -> Option<ThreadPool> {
    do_deferred();
    let limit = memory_limit().ok().flatten();
    let room = limit.map_or(COUNT_MAX, |bytes| usize::try_from(bytes / ROOM).unwrap_or(COUNT_MAX));
    let count = count.get().min(COUNT_MAX).min(room);
    if count > 1 { ThreadPoolBuilder::new().num_threads(count).build().ok() } else { None }
}

/// Processors that this process may use; one where the address space is limited (`ulimit -v`), of which each thread takes
/// megabytes.
fn processors() -> NonZeroUsize {
    if are_free() { std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) } else { NonZeroUsize::MIN }
}

/// Whether threads that nobody asked for may begin: the address space has no limit.
pub(crate) fn are_free() -> bool {
    memory_limit() == Ok(None)
}
