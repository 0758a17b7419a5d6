//! Hard links within the copied set: which source inode already has a target.
//!
//! Files are copied in parallel, so a second name of an inode can come up while its first is still
//! being copied. It is not waited for, which could block a thread on itself: the name is left here,
//! and who copies the inode takes it along. Memory grows with inodes that have several names and
//! with nothing else; an inode whose names have all been seen is forgotten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Device and inode number.
pub type Identity = (u64, u64);

/// A target that was made, to which further names are linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Beneath the directory in which the targets of all operands lie.
    pub path: PathBuf,
    /// The inode it had then.
    pub identity: Identity,
}

enum State<W> {
    Copying { waiting: Vec<W> },
    Made { made: Made, names_left: u64 },
}

/// What a name of an inode is to do.
#[derive(Debug)]
pub enum Claim<W> {
    /// It is the first: copy it, then call [`Links::made`] or [`Links::failed`].
    Copy(W),
    /// Another was copied: link to that.
    Link(Made, W),
    /// Another is being copied; the name was left with it.
    Left,
}

/// The table; `W` is a name that waits.
pub struct Links<W> {
    states: Mutex<BTreeMap<Identity, State<W>>>,
}

impl<W> Default for Links<W> {
    fn default() -> Self {
        Self { states: Mutex::default() }
    }
}

impl<W> Links<W> {
    /// Tells what to do with a name of `source`.
    pub fn claim(&self, source: Identity, name: W) -> Claim<W> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.get_mut(&source) {
            None => {
                states.insert(source, State::Copying { waiting: Vec::new() });
                Claim::Copy(name)
            }
            Some(State::Copying { waiting }) => {
                waiting.push(name);
                Claim::Left
            }
            Some(State::Made { made, names_left }) => {
                let made = made.clone();
                *names_left = names_left.saturating_sub(1);
                if *names_left == 0 {
                    states.remove(&source);
                }
                Claim::Link(made, name)
            }
        }
    }

    /// The first of an inode's `names` names was copied. Returns the names that waited: they claim
    /// again, and are linked.
    pub fn made(&self, source: Identity, names: u64, path: &Path, identity: Identity) -> Vec<W> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = match states.remove(&source) {
            Some(State::Copying { waiting }) => waiting,
            Some(State::Made { .. }) | None => Vec::new(),
        };
        let names_left = names.saturating_sub(1);
        if names_left > 0 {
            let made = Made { path: path.to_owned(), identity };
            states.insert(source, State::Made { made, names_left });
        }
        waiting
    }

    /// The first was not copied. Returns the names that waited: one of them is the first now.
    pub fn failed(&self, source: Identity) -> Vec<W> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        match states.remove(&source) {
            Some(State::Copying { waiting }) => waiting,
            Some(State::Made { .. }) | None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_while_the_first_is_copied_is_handed_to_the_copier() {
        let links = Links::default();
        assert!(matches!(links.claim((1, 1), "a"), Claim::Copy("a")));
        assert!(matches!(links.claim((1, 1), "b"), Claim::Left));
        assert_eq!(links.made((1, 1), 2, Path::new("a"), (2, 9)), ["b"]);
        let Claim::Link(made, "b") = links.claim((1, 1), "b") else { panic!("b is to be linked") };
        assert_eq!(made, Made { path: "a".into(), identity: (2, 9) });
        assert!(links.states.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn an_inode_is_forgotten_once_all_its_names_were_seen() {
        let links = Links::default();
        assert!(matches!(links.claim((1, 1), "a"), Claim::Copy(_)));
        assert!(links.made((1, 1), 2, Path::new("a"), (2, 9)).is_empty());
        assert!(matches!(links.claim((1, 1), "b"), Claim::Link(..)));
        assert!(links.states.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn after_a_failure_the_next_name_is_the_first() {
        let links = Links::default();
        assert!(matches!(links.claim((1, 1), "a"), Claim::Copy(_)));
        assert!(matches!(links.claim((1, 1), "b"), Claim::Left));
        assert_eq!(links.failed((1, 1)), ["b"]);
        assert!(matches!(links.claim((1, 1), "b"), Claim::Copy("b")));
    }
}
