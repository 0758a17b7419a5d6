//! Temporary names that stay, from that moment until they are told with what became of their file.
//!
//! What removes a temporary is mostly on its way out with another reason, and nobody listens there. A name that stays is told
//! all the same: whoever looks into the directory would find it without a word.

use crate::error::reason;
use crate::kernel::Errno;
use crate::path::beside;
use crate::quote::quoted;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;

/// Names that stayed.
#[derive(Default)]
pub(super) struct Strays {
    names: Mutex<Vec<Stray>>,
    /// There may be some. It changes only with the names locked, so that each thread sees its own; every file asks, and mostly
    /// there are none.
    are_any: AtomicBool,
}

pub(super) struct Stray {
    /// Who could not take it away, and will tell.
    thread: ThreadId,
    /// In the target's directory.
    name: PathBuf,
    why: Why,
}

#[derive(Clone, Copy)]
enum Why {
    /// It could not be removed.
    Kept(Errno),
    /// It is an older backup, which could not get its own name back.
    OlderBackup(Errno),
    /// The old target has gone, and what it is could not be made in that one's place.
    Successor,
}

impl Strays {
    /// Notes a name that cannot be removed.
    pub(super) fn note(&self, name: &Path, errno: Errno) {
        self.push(name, Why::Kept(errno));
    }

    /// Notes the name of an older backup that cannot get its own back.
    pub(super) fn note_backup(&self, name: &Path, errno: Errno) {
        self.push(name, Why::OlderBackup(errno));
    }

    /// Notes the name of what was to have the target's, which is free now.
    pub(super) fn note_successor(&self, name: &Path) {
        self.push(name, Why::Successor);
    }

    fn push(&self, name: &Path, why: Why) {
        let stray = Stray { thread: std::thread::current().id(), name: name.to_owned(), why };
        let mut strays = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        strays.push(stray);
        self.are_any.store(true, Ordering::Relaxed);
    }

    /// Those of this thread, which are forgotten.
    pub(super) fn take(&self) -> Vec<Stray> {
        if !self.are_any.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let ours = std::thread::current().id();
        let mut strays = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let (taken, left) = std::mem::take(&mut *strays).into_iter().partition(|stray| stray.thread == ours);
        *strays = left;
        self.are_any.store(!strays.is_empty(), Ordering::Relaxed);
        taken
    }
}

impl Stray {
    /// What is said of it beside its target.
    pub(super) fn sentence(&self, target: &Path) -> String {
        let name = beside(target, &self.name);
        match self.why {
            Why::Kept(errno) => cannot_remove(&name, target, errno),
            Why::OlderBackup(errno) => {
                let (name, target, why) = (quoted(&name), quoted(target), reason(errno));
                format!("the older backup of {target} is left as {name}: {why}")
            }
            Why::Successor => {
                let (name, target) = (quoted(&name), quoted(target));
                format!("what was to be {target} is left as {name}")
            }
        }
    }
}

/// What is said of a file that was to be `target`, and stays under that name or a temporary one.
pub(super) fn cannot_remove(name: &Path, target: &Path, errno: Errno) -> String {
    let is_own = name.file_name() == target.file_name();
    let (name, target, why) = (quoted(name), quoted(target), reason(errno));
    if is_own {
        format!("cannot remove {name}, which is incomplete: {why}")
    } else {
        format!("cannot remove {name}, a temporary of {target}: {why}")
    }
}
