//! What went wrong with one name: what was tried, on what, and why it failed.
//!
//! An [`Error`] is a value that travels up to the report, which prints it once in cp's words. It
//! branches nowhere: code that must decide on a failure looks at the [`Errno`] or the enum it has.

use crate::kernel::Errno;
use crate::quote::quoted;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What was being done. Each has GNU cp's words for it, in [`Error`]'s `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looking at a source.
    StatSource,
    /// Looking at a target.
    StatTarget,
    /// Looking at the target operand that must be a directory.
    TargetDirectory,
    /// Looking at the directory given with -t.
    TargetDirectoryOption,
    /// The same, by install.
    AccessTargetDirectory,
    /// Opening or listing a directory of the source.
    Access,
    /// Opening a source to read it.
    OpenSource,
    /// Opening or making a target file.
    CreateFile,
    /// Making a target directory.
    CreateDirectory,
    /// Making a symbolic link.
    CreateSymlink,
    /// Reading the content of a symbolic link.
    ReadSymlink,
    /// Making a fifo.
    CreateFifo,
    /// Making a socket or device.
    CreateSpecial,
    /// Making a hard link.
    CreateLink,
    /// Removing what stood at the target.
    Remove,
    /// Giving what stood at the target its backup name.
    Backup,
    /// Looking at a directory of a source's path, to make one like it (--parents).
    ParentAttributes,
    /// Making a directory of a source's path (--parents).
    CreateParent,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Setting the size of a target.
    Extend,
    /// Asking where holes are.
    Seek,
    /// Cloning all blocks.
    Clone,
    /// Writing out a source before a hint about it is used.
    Settle,
    /// Writing out a target.
    Sync,
    /// Closing a target.
    Close,
    /// Setting owner and group.
    PreserveOwnership,
    /// Taking permission bits from an old target before it gets another owner.
    ClearMode,
    /// Setting permission bits or an access control list.
    PreserveMode,
    /// Setting an owner and a group that were given.
    ChangeOwnership,
    /// Setting permission bits that were given.
    ChangeMode,
    /// Setting the owner, the group and the permission bits that were given, of a directory.
    ChangeOwnershipAndMode,
    /// Setting times.
    PreserveTimes,
    /// Setting extended attributes.
    PreserveXattr,
    /// Setting the security context that was asked for.
    SetContext,
    /// Reading one of a source's extended attributes.
    ReadXattr,
    /// Listing a source's extended attributes.
    ListXattr,
}

impl Action {
    /// The words before the quoted name; [`Error`] puts a colon and the reason behind it.
    fn words(self) -> &'static str {
        match self {
            Action::StatSource | Action::StatTarget => "cannot stat",
            Action::TargetDirectory => "target",
            Action::TargetDirectoryOption => "target directory",
            Action::AccessTargetDirectory => "failed to access",
            Action::Access => "cannot access",
            Action::OpenSource => "cannot open",
            Action::CreateFile => "cannot create regular file",
            Action::CreateDirectory => "cannot create directory",
            Action::CreateSymlink => "cannot create symbolic link",
            Action::ReadSymlink => "cannot read symbolic link",
            Action::CreateFifo => "cannot create fifo",
            Action::CreateSpecial => "cannot create special file",
            Action::CreateLink => "cannot create hard link",
            Action::Remove => "cannot remove",
            Action::Backup => "cannot backup",
            Action::ParentAttributes => "failed to get attributes of",
            Action::CreateParent => "cannot make directory",
            Action::Read => "error reading",
            Action::Write => "error writing",
            Action::Extend => "failed to extend",
            Action::Seek => "cannot lseek",
            Action::Clone => "failed to clone",
            Action::Settle => "cannot write out",
            Action::Sync => "cannot fsync",
            Action::Close => "failed to close",
            Action::PreserveOwnership => "failed to preserve ownership for",
            Action::ClearMode => "clearing permissions for",
            Action::PreserveMode => "preserving permissions for",
            Action::ChangeOwnership => "cannot change ownership of",
            Action::ChangeMode => "cannot change permissions of",
            Action::ChangeOwnershipAndMode => "cannot change owner and permissions of",
            Action::PreserveTimes => "preserving times for",
            Action::PreserveXattr => "setting attributes for",
            Action::SetContext => "failed to set the security context of",
            Action::ReadXattr => "getting attributes of",
            Action::ListXattr => "listing attributes of",
        }
    }
}

/// A failure that ends the copying of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A system call failed.
    Call {
        /// What it was part of.
        action: Action,
        /// The name as the user would write it.
        path: PathBuf,
        /// The kernel's reason.
        errno: Errno,
    },
    /// A call with two names failed: `words 'first' to/from 'second'`.
    Pair {
        /// What it was part of.
        action: Action,
        /// The target's name.
        target: PathBuf,
        /// The other name.
        source: PathBuf,
        /// The kernel's reason.
        errno: Errno,
    },
    /// There is no room for a verified copy beside an old file, which stays as it is.
    Beside(Box<Error>),
    /// What failed, and a sentence about what could not be taken away again.
    Leaving(Box<Error>, String),
    /// The copy differs from its source, after every strategy that could be tried.
    Mismatch {
        /// The source's name.
        source: PathBuf,
        /// The target's name.
        target: PathBuf,
        /// Where and how.
        difference: Box<Difference>,
        /// What has the target's name now.
        left: TargetAfterFailure,
    },
    /// cp refuses: a whole sentence.
    Refused(String),
    /// Something that is said and is no failure.
    Noted(Box<Error>),
    /// A signal asked the run to end.
    Interrupted,
}

/// What has a target's name after a copy that was not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetAfterFailure {
    /// Nothing: it was to be new.
    Nothing,
    /// What had it before.
    Old,
    /// What is wrong: it was written in place.
    Wrong,
}

/// The first difference that verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Byte offset of the first difference.
    pub offset: u64,
    /// The bytes that were compared at once and are digested below.
    pub range: Range<u64>,
    /// BLAKE3 of the source's bytes in that range as read, in hexadecimal.
    pub source_digest: String,
    /// BLAKE3 of the target's bytes in that range as read back, in hexadecimal.
    pub target_digest: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "first at byte {} (bytes {} to {}: source {}, target {})",
            self.offset, self.range.start, self.range.end, self.source_digest, self.target_digest
        )
    }
}

/// What to do where a copy was wrong twice.
const AFTER_MISMATCH: &str = "Copy it again; if that fails too, test the memory and the disk";

impl fmt::Display for TargetAfterFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TargetAfterFailure::Nothing => "was not created",
            TargetAfterFailure::Old => "is what it was before",
            TargetAfterFailure::Wrong => "was written in place and holds wrong bytes",
        })
    }
}

impl Error {
    /// A failed call on one name.
    #[must_use]
    pub fn call(action: Action, path: &Path, errno: Errno) -> Self {
        Error::Call { action, path: path.to_owned(), errno }
    }

    /// A source is not what it was when it was looked at.
    #[must_use]
    pub(crate) fn replaced(shown: &Path) -> Self {
        Error::Refused(format!("skipping file {}, as it was replaced while being copied", quoted(shown)))
    }

    /// cp's refusal to write where a link leads that it has just made.
    #[must_use]
    pub(crate) fn through_link(source: &Path, target: &Path) -> Self {
        Error::Refused(format!("will not copy {} through just-created symlink {}", quoted(source), quoted(target)))
    }

    /// What failed, and what had been said of the same name before, which nobody else tells now.
    #[must_use]
    pub fn with_complaints(self, complaints: &[Error]) -> Self {
        let leaving = |error, complaint: &Error| Error::Leaving(Box::new(error), complaint.to_string());
        complaints.iter().fold(self, leaving)
    }

    /// The kernel's reason, if it had one.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Error::Call { errno, .. } | Error::Pair { errno, .. } => Some(*errno),
            Error::Beside(error) | Error::Leaving(error, _) | Error::Noted(error) => error.errno(),
            Error::Mismatch { .. } | Error::Refused(_) | Error::Interrupted => None,
        }
    }

    /// Whether a call failed on this name.
    #[must_use]
    pub(crate) fn is_about(&self, shown: &Path) -> bool {
        matches!(self, Error::Call { path, .. } if path == shown)
    }

    /// Whether permission bits or an access control list could not be set.
    #[must_use]
    pub fn is_about_permissions(&self) -> bool {
        matches!(self, Error::Call { action: Action::PreserveMode, .. })
    }

    /// cp's refusal to undo what this run has done.
    #[must_use]
    pub fn just_created(target: &Path, source: &Path) -> Self {
        Error::Refused(format!("will not overwrite just-created {} with {}", quoted(target), quoted(source)))
    }

    /// A failed call on a target that was made from a source.
    #[must_use]
    pub fn pair(action: Action, target: &Path, source: &Path, errno: Errno) -> Self {
        Error::Pair { action, target: target.to_owned(), source: source.to_owned(), errno }
    }
}

/// The kernel's reason as libc words it: "No such file or directory".
#[must_use]
pub fn reason(errno: Errno) -> String {
    reason_of(&std::io::Error::from_raw_os_error(errno.raw_os_error()))
}

/// The same of an error of the standard library, which may be of its own.
#[must_use]
pub fn reason_of(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // openat2 with RESOLVE_BENEATH, the only way for a name that is opened to get this.
            Error::Call { action: Action::OpenSource, path, errno: errno @ Errno::XDEV } => {
                write!(f, "cannot open {} for reading: it leads out of the tree ({})", quoted(path), reason(*errno))
            }
            Error::Call { action: Action::OpenSource, path, errno } => {
                write!(f, "cannot open {} for reading: {}", quoted(path), reason(*errno))
            }
            Error::Call { action, path, errno } => write!(f, "{} {}: {}", action.words(), quoted(path), reason(*errno)),
            Error::Pair { action, target, source, errno } => {
                let joint = if matches!(action, Action::CreateLink | Action::CreateSymlink) { "to" } else { "from" };
                let (words, reason) = (action.words(), reason(*errno));
                write!(f, "{words} {} {joint} {}: {reason}", quoted(target), quoted(source))
            }
            Error::Mismatch { source, target, difference, left } => {
                let (source, target) = (quoted(source), quoted(target));
                write!(
                    f,
                    "verification failed: {target} differs from {source}, {difference}; {target} {left}. {AFTER_MISMATCH}"
                )
            }
            Error::Beside(error) => {
                write!(f, "{error}; not overwriting it without a verified copy beside it (--in-place does)")
            }
            Error::Leaving(error, sentence) => write!(f, "{error}; {sentence}"),
            Error::Refused(sentence) => f.write_str(sentence),
            Error::Noted(error) => error.fmt(f),
            Error::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {}
