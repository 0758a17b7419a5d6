//! The part of a tree that a run works on, where several runs share it (docs/design/shards.md).
//!
//! All walk the same tree. A run asks of each name whether it is its own, and tells what became of it. Who keeps count of
//! that lives in a room above; here is only what is asked and told.

use crate::error::Error;
use crate::kernel::{Stat, Timestamp};
use blake3::hazmat::ChainingValue;
use std::path::{Path, PathBuf};

/// What a run does of the work on a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It makes directories, and looks at all sources so that the work can be dealt out.
    Plan,
    /// It makes directories, which stay open to their owner, and copies its own names.
    Names,
    /// It looks whether each name has a target, and changes nothing.
    Look,
    /// It joins the ranges of large files, and gives these their names.
    Join,
    /// It gives every directory its attributes.
    Directories,
    /// It gives the operands' own directories theirs.
    Operands,
}

impl Part {
    /// Whether names that are no directories come up.
    pub(super) fn has_names(self) -> bool {
        matches!(self, Part::Plan | Part::Names | Part::Look | Part::Join)
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

/// A range of a large file, and what is known of the file's source and of the part that it is copied into.
#[derive(Clone, Copy, Debug)]
pub struct Ranged<'a> {
    /// The file's path beneath the directory of all targets.
    pub path: &'a Path,
    /// The range's number, from 0 on.
    pub number: u64,
    /// How many ranges the file has.
    pub count: u64,
    /// The source.
    pub source: &'a Stat,
    /// The part.
    pub part: &'a Stat,
    /// When the part came into being, where that is kept.
    pub birth: Option<Timestamp>,
}

/// Who tells a run what to do, and keeps count. Paths are those beneath the directory of all targets. A walk that goes everywhere,
/// and copies nothing, is what is not told otherwise.
pub trait Portion: Sync {
    /// What the run does.
    fn part(&self) -> Part;
    /// The path that is taken already, by what runs keep there for each other.
    fn reserved(&self) -> Option<&Path>;
    /// Whose a name is. Of one that may have to become a hard link, `inode` is the number; all names of it are one run's.
    fn whose(&self, _path: &Path, _source: &Stat, _inode: Option<u64>) -> Whose {
        Whose::Others
    }

    /// Whether anything beneath a directory may be this run's.
    fn enters(&self, _directory: &Path) -> bool {
        true
    }

    /// Whether a name may be this run's, whatever it is.
    fn may_be_ours(&self, _path: &Path) -> bool {
        true
    }

    /// Whether it is this run's if it has no other name.
    fn is_likely(&self, _path: &Path) -> bool {
        false
    }

    /// What a name is, where the work is only dealt out: as with [`Self::whose`], and whether it is cut into ranges.
    fn weigh(&self, _path: &Path, _source: &Stat, _inode: Option<u64>, _is_cut: bool) {}
    /// Whether anything was made before.
    fn has_records(&self) -> bool {
        false
    }

    /// Whether a name was made before, of what the source was when it was asked whose it is, and is still there.
    fn is_made(&self, _path: &Path, _target: &Stat) -> bool {
        false
    }

    /// Whether nothing is known to stand where new names go: then a look at each is spared.
    fn expects_nothing(&self) -> bool {
        false
    }

    /// Something does.
    fn has_found(&self) {}

    /// A regular file is as it should be: all of its source's attributes were kept, and it has this number. False if it is to be looked
    /// at before it is told by [`Self::made`].
    fn made_unseen(&self, _path: &Path, _inode: u64) -> Result<bool, Error> {
        Ok(false)
    }

    /// A name is as it should be.
    fn made(&self, _path: &Path, _target: &Stat) -> Result<(), Error> {
        Ok(())
    }

    /// Whether large files are cut into ranges.
    fn cuts(&self) -> bool;
    /// Whose a range of a file is.
    fn whose_range(&self, _path: &Path, _number: u64) -> Whose {
        Whose::Others
    }

    /// The name of the part that a file's ranges are copied into, in its target's directory.
    fn part_name(&self, path: &Path) -> PathBuf;
    /// Ranges of a file are going to be copied; on success that is known to whoever finishes the copy.
    fn begins_part(&self, _path: &Path) -> Result<(), Error> {
        Ok(())
    }

    /// Whether a file has been copied in ranges.
    fn had_part(&self, _path: &Path) -> bool {
        false
    }

    /// The value of a range's subtree, if it was copied and verified before, from what the source is into what the part is.
    fn range_value(&self, _ranged: &Ranged<'_>) -> Option<ChainingValue> {
        None
    }

    /// A range, of so many bytes, is as it should be; `value` is that of its subtree, unless that was known.
    fn range_made(&self, _ranged: &Ranged<'_>, _bytes: u64, _value: Option<&ChainingValue>) -> Result<(), Error> {
        Ok(())
    }

    /// A name has a target.
    fn seen(&self, _path: &Path) {}
}
