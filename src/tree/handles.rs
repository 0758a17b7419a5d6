//! The open handles of directories that are being copied: so many at once, however deep or wide a tree is.
//!
//! A level ([`super::level`]) has its two handles open from the beginning. Where too many are open, those of a level
//! that is not being worked on are closed, and opened again when a name in it comes up: from the nearest level above
//! that is open, a component at a time, each compared with the directory that it was. A directory that somebody put in
//! the place of another meanwhile is an error, and never entered.

use crate::kernel::{Kernel, Stat};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The two handles of a level.
pub(super) struct Pair<K: Kernel> {
    /// The source; its names come from the walk and are looked up here.
    pub(super) source: K::File,
    /// The target.
    pub(super) target: K::File,
    open: Arc<AtomicUsize>,
}

impl<K: Kernel> Drop for Pair<K> {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a level keeps its handles.
pub(super) struct Handles<K: Kernel>(Mutex<State<K>>);

pub(super) enum State<K: Kernel> {
    Open(Arc<Pair<K>>),
    /// With the target as it was; the level has the source's stat.
    Closed(Stat),
    /// The level is finished.
    Ended,
}

impl<K: Kernel> Clone for State<K> {
    fn clone(&self) -> Self {
        match self {
            State::Open(pair) => State::Open(Arc::clone(pair)),
            State::Closed(target) => State::Closed(*target),
            State::Ended => State::Ended,
        }
    }
}

impl<K: Kernel> Handles<K> {
    pub(super) fn state(&self) -> MutexGuard<'_, State<K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handles, if they are open.
    pub(super) fn get(&self) -> Option<Arc<Pair<K>>> {
        match self.state().clone() {
            State::Open(pair) => Some(pair),
            State::Closed(_) | State::Ended => None,
        }
    }

    /// Takes handles that were opened again; those of another thread, if it was quicker.
    pub(super) fn put(&self, opened: Pair<K>) -> Arc<Pair<K>> {
        let mut state = self.state();
        if let State::Open(pair) = &*state {
            return Arc::clone(pair);
        }
        let pair = Arc::new(opened);
        *state = State::Open(Arc::clone(&pair));
        pair
    }

    /// Closes the handles if they are open and nobody uses them. True if that was done.
    pub(super) fn close(&self, kernel: &K) -> bool {
        let mut state = self.state();
        let State::Open(pair) = &*state else { return false };
        if Arc::strong_count(pair) > 1 {
            return false;
        }
        // What cannot be compared later stays open.
        let Ok(target) = kernel.stat(&pair.target) else { return false };
        *state = State::Closed(target);
        true
    }

    /// Closes the handles for good.
    pub(super) fn end(&self) {
        *self.state() = State::Ended;
    }

    fn is_open(&self) -> bool {
        matches!(&*self.state(), State::Open(_))
    }
}

/// All directories of a run that are open.
pub(super) struct Directories<K: Kernel> {
    pub(super) max: usize,
    open: Arc<AtomicUsize>,
    /// Levels whose names have all come up, and wait: in a batch, or for another name of their inode. The first was
    /// put here first.
    listed: Mutex<VecDeque<Arc<Handles<K>>>>,
}

impl<K: Kernel> Directories<K> {
    /// None yet, and about `max` at once.
    pub(super) fn new(max: usize) -> Self {
        Self { max, open: Arc::default(), listed: Mutex::default() }
    }

    /// Counts two handles as open from now on.
    pub(super) fn pair(&self, source: K::File, target: K::File) -> Pair<K> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Pair { source, target, open: Arc::clone(&self.open) }
    }

    /// Where a level keeps the handles that it was made with.
    pub(super) fn handles(&self, pair: Pair<K>) -> Arc<Handles<K>> {
        Arc::new(Handles(Mutex::new(State::Open(Arc::new(pair)))))
    }

    /// Whether more pairs are open than so many.
    pub(super) fn are_more_than(&self, count: usize) -> bool {
        self.open.load(Ordering::Relaxed) > count
    }

    /// Whether so many are open that who waits for its turn should have it.
    pub(super) fn are_many(&self) -> bool {
        self.open.load(Ordering::Relaxed) > self.max / 2
    }

    /// The names of the level with these handles have all come up: from now on its handles may be closed by anybody.
    pub(super) fn listed(&self, handles: &Arc<Handles<K>>) {
        let mut listed = self.lock();
        if listed.len() > 2 * self.max {
            listed.retain(|handles| handles.is_open());
        }
        listed.push_back(Arc::clone(handles));
    }

    /// Closes handles of levels whose names have all come up, until no more than `count` are open. False if more are then.
    pub(super) fn close_to(&self, kernel: &K, count: usize) -> bool {
        // Before the lock: each directory comes by here, and few trees have so many open.
        if !self.are_more_than(count) {
            return true;
        }
        let mut listed = self.lock();
        for _ in 0..listed.len() {
            let Some(handles) = listed.pop_front() else { break };
            if !handles.close(kernel) && handles.is_open() {
                listed.push_back(handles);
            }
            if !self.are_more_than(count) {
                return true;
            }
        }
        !self.are_more_than(count)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Handles<K>>>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who asks for the handles of a level that was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The way back up a tree: levels above will be asked for next.
    Descent,
    /// A name, or the end of a directory.
    Name,
}
