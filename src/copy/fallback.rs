//! Why an attempt ended, and what an error number means for the next.

use crate::error::{Difference, Error, reason};
use crate::kernel::Errno;
use std::fmt;

/// Why an attempt ended.
pub(super) enum AttemptError {
    /// The next strategy may do.
    Fallback(Fallback),
    /// This file fails.
    Fatal(Error),
}

/// Why a strategy was left for the next.
#[derive(Clone, Debug)]
pub enum Fallback {
    /// The kernel or filesystem cannot.
    Unsupported(Errno),
    /// A signal came in the middle of a clone; a new target may be tried.
    Interrupted,
    /// The source's blocks were not on disk yet; they have been waited for.
    NotYetOnDisk,
    /// The source could not be settled.
    Unsettled,
    /// The map of holes contradicted itself.
    Nonsense,
    /// The source goes on where its size says that it ends.
    Longer,
    /// The source changed while its map of holes was believed.
    Changed,
    /// What it made differed from the source.
    Different(Box<Difference>),
}

impl Fallback {
    /// Why, without what differs from file to file.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Fallback::Different(_) => "its result differed".to_owned(),
            Fallback::Unsupported(_)
            | Fallback::Interrupted
            | Fallback::NotYetOnDisk
            | Fallback::Unsettled
            | Fallback::Nonsense
            | Fallback::Longer
            | Fallback::Changed => self.to_string(),
        }
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fallback::Unsupported(errno) => f.write_str(&reason(*errno)),
            Fallback::Interrupted => f.write_str("interrupted"),
            Fallback::NotYetOnDisk => f.write_str("blocks not yet on disk"),
            Fallback::Unsettled => f.write_str("pages changed while it was written out"),
            Fallback::Nonsense => f.write_str("the hole map contradicts itself"),
            Fallback::Longer => f.write_str("the source is longer than its size"),
            Fallback::Changed => f.write_str("the source changed while its hole map was believed"),
            Fallback::Different(difference) => write!(f, "its result differed, {difference}"),
        }
    }
}

/// What an error of a strategy's own call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This file cannot be copied so; another strategy may.
    Unsupported,
    /// The same again, on a new target, may work.
    Transient,
    /// The file's copy has failed; another strategy could only hide it.
    Fatal,
}

/// What is made of an error number from FICLONE, copy_file_range, or a seek for holes.
///
/// EIO, full disks and lack of memory are fatal: after them the page cache may hold what the disk does not, so that
/// a second way of copying would succeed with other bytes (coreutils 9.2 stopped falling back for
/// that reason). Any other number, from whatever filesystem or filter it comes, says that this call cannot be had; reading and
/// writing then shows whether the file can be copied at all.
#[must_use]
pub fn verdict(errno: Errno) -> Verdict {
    match errno {
        Errno::IO | Errno::NOMEM | Errno::NOSPC | Errno::DQUOT => Verdict::Fatal,
        Errno::INTR => Verdict::Transient,
        _ => Verdict::Unsupported,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_hide_a_failure_falls_back() {
        for errno in [Errno::IO, Errno::NOSPC, Errno::DQUOT, Errno::NOMEM] {
            assert_eq!(verdict(errno), Verdict::Fatal, "{errno:?}");
        }
        for errno in
            [Errno::OPNOTSUPP, Errno::XDEV, Errno::INVAL, Errno::AGAIN, Errno::NOTTY, Errno::NOSYS, Errno::OVERFLOW]
        {
            assert_eq!(verdict(errno), Verdict::Unsupported, "{errno:?}");
        }
        assert_eq!(verdict(Errno::INTR), Verdict::Transient);
    }
}
