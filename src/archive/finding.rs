//! What a check finds, one difference between what is listed and what is there, and what a repair makes of it.

use super::unnamed::TakenFor;
use crate::error::Error;
use crate::kernel::Kind;
use std::path::PathBuf;

/// A difference. Paths are those of the list.
#[derive(Clone, Debug)]
pub enum Finding {
    /// What is listed is not there, nor anywhere else in the tree.
    Missing(PathBuf),
    /// What is there is not listed.
    Extra(PathBuf),
    /// What is listed is there under a name that is not listed.
    Moved {
        /// As listed.
        from: PathBuf,
        /// Where its content is now.
        to: PathBuf,
    },
    /// The content is another.
    Content {
        /// The name.
        path: PathBuf,
        /// How it came to be, as far as sizes and times tell.
        fault: Fault,
        /// What is known of the difference.
        detail: Detail,
    },
    /// The content cannot be read.
    Unreadable {
        /// The name.
        path: PathBuf,
        /// What its times say of it.
        fault: Fault,
        /// Why.
        error: Error,
    },
    /// The content is right, and what is known beside it is not.
    Attributes {
        /// The name.
        path: PathBuf,
        /// Each difference in words.
        differences: Vec<String>,
    },
    /// It is something else.
    Kind {
        /// The name.
        path: PathBuf,
        /// What is listed.
        wanted: Kind,
        /// What is there.
        found: Kind,
    },
    /// It could not be looked at, or a line of the list could not be read.
    Failed(Error),
}

/// How another content came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody wrote it: the times are those that are listed.
    Damage,
    /// Somebody wrote it: the time of its last change is another.
    Change,
    /// The list has no times.
    Unknown,
}

/// What is known of another content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The size is another.
    Size {
        /// As listed.
        wanted: u64,
        /// As it is.
        found: u64,
    },
    /// The bytes are others.
    Bytes {
        /// The chunk in which the first difference lies, where the digests of chunks are known.
        chunk: Option<u64>,
        /// What reading them again has shown.
        again: SecondReading,
    },
}

/// What reading a file again has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondReading {
    /// The same bytes, read from the device.
    SameFromDevice,
    /// The same bytes, perhaps from memory.
    Same,
    /// Other bytes, and still not those that are listed.
    Other,
    /// The bytes that are listed.
    Right,
    /// It was written between the two.
    Written,
    /// It could not be read again.
    Failed,
}

/// How many differences there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Names that were looked for.
    pub names: u64,
    /// Bytes of content that were read for them.
    pub bytes: u64,
    /// Files that are there, and whose content was not read, since the list has no digest of it.
    pub unread: u64,
    /// None of the names is there: they may begin in another directory.
    pub is_elsewhere: bool,
    /// What digests were taken for of which the list does not tell what they are of.
    pub taken_for: TakenFor,
    /// Digests of a list that does not tell what they are of were right for no file.
    pub fits_nothing: bool,
    /// [`Finding::Missing`].
    pub missing: u64,
    /// [`Finding::Extra`].
    pub extra: u64,
    /// [`Finding::Moved`].
    pub moved: u64,
    /// [`Fault::Damage`].
    pub damaged: u64,
    /// [`Fault::Change`].
    pub changed: u64,
    /// [`Fault::Unknown`].
    pub differing: u64,
    /// [`Finding::Unreadable`].
    pub unreadable: u64,
    /// [`Finding::Attributes`].
    pub attributes: u64,
    /// [`Finding::Kind`].
    pub kinds: u64,
    /// [`Finding::Failed`].
    pub failed: u64,
}

impl Tally {
    /// Counts a finding.
    pub fn count(&mut self, finding: &Finding) {
        let counter = match finding {
            Finding::Missing(_) => &mut self.missing,
            Finding::Extra(_) => &mut self.extra,
            Finding::Moved { .. } => &mut self.moved,
            Finding::Content { fault: Fault::Damage, .. } => &mut self.damaged,
            Finding::Content { fault: Fault::Change, .. } => &mut self.changed,
            Finding::Content { fault: Fault::Unknown, .. } => &mut self.differing,
            Finding::Unreadable { .. } => &mut self.unreadable,
            Finding::Attributes { .. } => &mut self.attributes,
            Finding::Kind { .. } => &mut self.kinds,
            Finding::Failed(_) => &mut self.failed,
        };
        *counter += 1;
    }

    /// The kinds with their words, those of which there are none left out.
    #[must_use]
    pub fn in_words(&self) -> Vec<String> {
        let kinds = [
            (self.damaged, "damaged"),
            (self.changed, "changed"),
            (self.differing, "with other content"),
            (self.unreadable, "that cannot be read"),
            (self.missing, "missing"),
            (self.moved, "moved"),
            (self.extra, "not listed"),
            (self.kinds, "of another kind"),
            (self.attributes, "with other attributes"),
            (self.failed, "that could not be checked"),
        ];
        kinds.iter().filter(|(count, _)| *count > 0).map(|(count, words)| format!("{count} {words}")).collect()
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.in_words().is_empty()
    }
}

/// What was done for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mended {
    /// A file was put together: chunks that came from another copy, of so many.
    Chunks {
        /// From another copy.
        taken: u64,
        /// Of all.
        of: u64,
    },
    /// It is there again.
    Restored,
    /// It is a further name of a file that is right.
    Linked,
}

/// What a repair comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What the check found.
    pub found: Tally,
    /// Names that are right again.
    pub mended: u64,
    /// Names that are not.
    pub failed: u64,
    /// Names of other content that were left, since nothing tells whether that is damage.
    pub doubtful: u64,
}

impl Repaired {
    /// Whether nothing is damaged or missing any more, as far as can be told of each name.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failed == 0 && self.doubtful == 0
    }
}
