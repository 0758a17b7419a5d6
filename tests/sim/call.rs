//! The calls by their kinds, so that one kind alone can fail, and a failure that strikes whatever is asked.

use rustix::io::Errno;

/// What a call is, as far as it may fail apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Open,
    /// openat2 with a rule about the look-up.
    OpenWithin,
    /// open with O_TMPFILE.
    OpenUnnamed,
    Close,
    Flush,
    Stat,
    StatAt,
    Access,
    Statfs,
    Read,
    Write,
    Seek,
    Clone,
    Offload,
    Lock,
    Truncate,
    Fsync,
    /// cachestat, mincore, msync and fadvise: what is asked of the page cache.
    Pages,
    Rename,
    /// rename with RENAME_NOREPLACE.
    RenameNew,
    Link,
    Unlink,
    /// Of what is no directory: it asks whether that may be removed.
    Rmdir,
    Mkdir,
    Symlink,
    Mknod,
    List,
    Readlink,
    Chown,
    Chmod,
    Times,
    ListXattr,
    GetXattr,
    SetXattr,
    RemoveXattr,
    /// The ioctls for what chattr sets.
    Flags,
    /// Any other that can wait, and so be interrupted.
    Other,
}

impl Call {
    /// Those that a campaign strikes one by one.
    pub const ALL: &[Call] = &[
        Call::Open,
        Call::OpenWithin,
        Call::OpenUnnamed,
        Call::Close,
        Call::Flush,
        Call::Stat,
        Call::StatAt,
        Call::Access,
        Call::Statfs,
        Call::Read,
        Call::Write,
        Call::Seek,
        Call::Clone,
        Call::Offload,
        Call::Lock,
        Call::Truncate,
        Call::Fsync,
        Call::Pages,
        Call::Rename,
        Call::RenameNew,
        Call::Link,
        Call::Unlink,
        Call::Rmdir,
        Call::Mkdir,
        Call::Symlink,
        Call::Mknod,
        Call::List,
        Call::Readlink,
        Call::Chown,
        Call::Chmod,
        Call::Times,
        Call::ListXattr,
        Call::GetXattr,
        Call::SetXattr,
        Call::RemoveXattr,
        Call::Flags,
    ];

    /// Whether a signal may interrupt it before it did anything.
    pub fn is_interruptible(self) -> bool {
        !matches!(self, Call::Close | Call::Flush)
    }

    /// Whether it may leave what it is called on neither as it was nor as it was to be.
    pub fn changes_content(self) -> bool {
        matches!(self, Call::Write | Call::Truncate | Call::Fsync | Call::Clone | Call::Offload | Call::Close)
    }
}

impl From<bool> for Call {
    /// A call of no kind that a campaign strikes by itself: whether it is interruptible.
    fn from(is_interruptible: bool) -> Self {
        if is_interruptible { Call::Other } else { Call::Flush }
    }
}

/// A call that fails whatever it asks, before it does anything.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    /// Of which kind; `None` for any.
    pub of: Option<Call>,
    /// How many of the kind are spared first.
    pub spared: u64,
    /// How many then fail.
    pub times: u64,
    pub errno: Errno,
}
