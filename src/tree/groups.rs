//! Files that wait for their names, and what else waits with them, until a group is written out at once.
//!
//! A group is committed in the order in which its files came, and groups one after the other, so that what comes later
//! replaces what came earlier, as without groups. What follows a name waits with it: what is said of it, further names of
//! its inode, the end of its directory. docs/design/groups.md has the measurements and what was not done.

use super::after::{After, Removed};
use super::handles::Pair;
use super::level::Task;
use super::links::{Identity, identity};
use crate::copy::Sealed;
use crate::copy::{Follow, Outcome, TargetDirectory, Waiting};
use crate::kernel::{self, Errno, Kernel, Stat};
use crate::options::Options;
use crate::report::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of content that wait at most before they are written out: they lie on disk twice until then.
const BYTES_MAX: u64 = 256 << 20;

/// What waits, in a run.
pub(super) struct Groups<K: Kernel> {
    /// How many files wait at most; fewer than two mean that none does.
    pub(super) files_max: usize,
    pub(super) queue: Mutex<Queue<K>>,
    /// Held while a group is committed.
    pub(super) committing: Mutex<Pace>,
    /// For each device a handle that was opened before anything was written there: it is told what could not be written.
    pub(super) witnesses: Mutex<BTreeMap<u64, Arc<K::File>>>,
    pub(super) later: Mutex<Vec<Deferred<K>>>,
    /// Files that operands have made. Of one that waits, the number is noted when it has its name.
    operands: Mutex<BTreeSet<Identity>>,
}

pub(super) struct Queue<K: Kernel> {
    pub(super) items: Vec<Member<K>>,
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// The old files that they are to take the place of.
    pub(super) replaced: BTreeSet<Identity>,
}

pub(super) enum Member<K: Kernel> {
    File(Box<Waiter<K>>),
    /// It is told behind what happened before.
    Event(OwnedEvent),
}

/// A file that waits.
pub(super) struct Waiter<K: Kernel> {
    pub(super) whence: Whence<K>,
    /// Its directories, which stay open: a name that is taken from one meanwhile does not matter.
    pub(super) open: Vec<Arc<Pair<K>>>,
    pub(super) waiting: Waiting<K::File>,
    pub(super) target_directory: TargetDirectory,
    pub(super) removed: Removed,
    pub(super) after: After,
}

/// Where a name comes from, kept while no handle of its directories has to be open.
pub(super) enum Whence<K: Kernel> {
    Task(Task<K>),
    Operand(Box<OperandName<K>>),
}

pub(super) struct OperandName<K: Kernel> {
    pub(super) base: Arc<K::File>,
    pub(super) source: PathBuf,
    pub(super) source_shown: PathBuf,
    pub(super) follow: Follow,
    pub(super) target: PathBuf,
    pub(super) target_shown: PathBuf,
    pub(super) path: PathBuf,
    pub(super) target_directory: TargetDirectory,
    pub(super) named: bool,
}

/// What comes up when no group is being committed, or nobody else is at work.
pub(super) enum Deferred<K: Kernel> {
    /// A name that waited for another of its inode.
    Task(Task<K>),
    /// A file that cannot get its name in this way, or that found no room.
    Again(Whence<K>, After),
}

/// How groups are written out.
#[derive(Default)]
pub(super) struct Pace {
    /// So many groups are synced file by file.
    pub(super) apart: u32,
    /// Devices of which syncfs does not tell what could not be written, or has told that once.
    pub(super) untold: BTreeSet<Option<u64>>,
}

/// An event that is told later.
pub(super) enum OwnedEvent {
    DirectoryMade(PathBuf, PathBuf),
    Removed(PathBuf),
    Finished(Box<Finished>),
}

/// What a name has come to.
pub(super) struct Finished {
    source: PathBuf,
    target: PathBuf,
    path: PathBuf,
    outcome: Outcome,
    sealed: Option<Sealed>,
}

impl OwnedEvent {
    /// What is told in the order of names; messages are not.
    fn new(event: &Event<'_>) -> Option<Self> {
        match *event {
            Event::DirectoryMade { source, target } => Some(Self::DirectoryMade(source.to_owned(), target.to_owned())),
            Event::Removed { target } => Some(Self::Removed(target.to_owned())),
            Event::Finished { source, target, path, outcome, sealed } => Some(Self::Finished(Box::new(Finished {
                source: source.to_owned(),
                target: target.to_owned(),
                path: path.to_owned(),
                outcome: outcome.clone(),
                sealed: sealed.cloned(),
            }))),
            Event::ParentMade { .. }
            | Event::DirectoryCreated { .. }
            | Event::DirectoryFinished { .. }
            | Event::Failed(_)
            | Event::Warned(_)
            | Event::Full(_)
            | Event::Noted(_)
            | Event::Renamed { .. }
            | Event::Exchanged { .. }
            | Event::SourceRemoved { .. }
            | Event::Examined { .. }
            | Event::Found(_)
            | Event::Mended { .. }
            | Event::Misused(_) => None,
        }
    }

    pub(super) fn event(&self) -> Event<'_> {
        match self {
            Self::DirectoryMade(source, target) => Event::DirectoryMade { source, target },
            Self::Removed(target) => Event::Removed { target },
            Self::Finished(finished) => {
                let Finished { source, target, path, outcome, sealed } = &**finished;
                Event::Finished { source, target, path, outcome, sealed: sealed.as_ref() }
            }
        }
    }
}

impl<K: Kernel> Groups<K> {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            files_max: options.waiting_max,
            queue: Mutex::new(Queue { items: Vec::new(), files: 0, bytes: 0, replaced: BTreeSet::new() }),
            committing: Mutex::default(),
            witnesses: Mutex::default(),
            later: Mutex::default(),
            operands: Mutex::default(),
        }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue<K>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operands(&self) -> MutexGuard<'_, BTreeSet<Identity>> {
        self.operands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a file that an operand has made.
    pub(super) fn note_made(&self, made: Option<Identity>) {
        self.operands().extend(made);
    }

    /// Whether an operand has made this file.
    pub(super) fn is_made(&self, file: &Identity) -> bool {
        self.operands().contains(file)
    }

    /// Whether any operand has made one.
    pub(super) fn has_made_any(&self) -> bool {
        !self.operands().is_empty()
    }

    /// Whether something waits that would make this look at a name another one: the old file, or no file, is not what cp would see.
    pub(super) fn would_change(&self, seen: &kernel::Result<Stat>) -> bool {
        let queue = self.queue();
        match seen {
            Ok(found) => queue.replaced.contains(&identity(found)),
            Err(errno) => *errno == Errno::NOENT && queue.files > 0,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let queue = self.queue();
        queue.files >= self.files_max || queue.bytes >= BYTES_MAX
    }

    /// Keeps an event back where something waits that happened before it. False if it is to be told now.
    pub(super) fn keeps_back(&self, event: &Event<'_>) -> bool {
        let mut queue = self.queue();
        if queue.items.is_empty() {
            return false;
        }
        let kept = OwnedEvent::new(event).map(Member::Event);
        let is_kept = kept.is_some();
        queue.items.extend(kept);
        is_kept
    }

    pub(super) fn take(&self) -> Vec<Member<K>> {
        let mut queue = self.queue();
        (queue.files, queue.bytes) = (0, 0);
        queue.replaced.clear();
        std::mem::take(&mut queue.items)
    }
}
