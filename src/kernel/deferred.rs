//! What is put off until this process does more than give one small file its name.
//!
//! A thread that takes signals costs a twelfth of the time of a small `install -m 644`, and has nothing to do there: the file has no
//! name until it is whole, and the kernel removes it with the process. So the thread begins with the first call that could leave
//! something behind or take long: one that changes a directory or cuts a file, a wait, a read of a stream or beyond the first [`NEAR`]
//! bytes of a file, a sync. Those calls do what is deferred (linux/mod.rs). So does whoever makes the name of a temporary, for link(2)
//! may give it, and whoever begins threads, for they inherit which signals are blocked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of a file that are read and written in no time.
pub(super) const NEAR: u64 = 1 << 20;

type Work = Box<dyn FnOnce() + Send>;

/// Whether there is something to do: a look at this costs nothing.
static IS_DUE: AtomicBool = AtomicBool::new(false);

static DEFERRED: Mutex<Option<Work>> = Mutex::new(None);

/// Puts `work` off. What was put off before and not done is forgotten.
pub fn defer(work: impl FnOnce() + Send + 'static) {
    *DEFERRED.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
    IS_DUE.store(true, Ordering::Release);
}

/// Does what was put off, if anything was; it is done when this returns, unless another thread does it just now.
pub fn do_deferred() {
    if IS_DUE.load(Ordering::Relaxed) && IS_DUE.swap(false, Ordering::AcqRel) {
        let work = DEFERRED.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.into_iter().for_each(|work| work());
    }
}
