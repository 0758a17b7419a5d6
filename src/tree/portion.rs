//! The part of a tree that a run works on, where several runs share it (docs/design/shards.md).
//!
//! All walk the same tree. A run asks of each name whether it is its own, and tells what became of it. Who keeps count of
//! that lives in a room above; here is only what is asked and told.

use crate::error::Error;
use crate::kernel::Stat;
use std::path::Path;

/// What a run does of the work on a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It makes directories, which stay open to their owner, and copies its own names.
    Names,
    /// It looks whether each name has a target, and changes nothing.
    Look,
    /// It gives every directory its attributes.
    Directories,
    /// It gives the operands' own directories theirs.
    Operands,
}

impl Part {
    /// Whether names that are no directories come up.
    pub(super) fn has_names(self) -> bool {
        matches!(self, Part::Names | Part::Look)
    }

    /// Whether directories within an operand come up.
    pub(super) fn has_directories(self) -> bool {
        self != Part::Operands
    }

    /// Whether a directory gets its attributes when everything in it is done.
    pub(super) fn finishes_directories(self) -> bool {
        matches!(self, Part::Directories | Part::Operands)
    }
}

/// Whose a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This run's.
    Ours,
    /// Another's.
    Others,
}

/// Who tells a run what to do, and keeps count. Paths are those beneath the directory of all targets.
pub trait Portion: Sync {
    /// What the run does.
    fn part(&self) -> Part;
    /// The path that is taken already, by what runs keep there for each other.
    fn reserved(&self) -> Option<&Path>;
    /// Whose a name is. Of one that may have to become a hard link, `inode` is the number; all names of it are one run's.
    fn whose(&self, path: &Path, source: &Stat, inode: Option<u64>) -> Whose;
    /// Whether a name was made before, of what the source was when it was asked whose it is, and is still there.
    fn is_made(&self, path: &Path, target: &Stat) -> bool;
    /// A name is as it should be.
    fn made(&self, path: &Path, target: &Stat) -> Result<(), Error>;
    /// A name has a target.
    fn seen(&self, path: &Path);
}
