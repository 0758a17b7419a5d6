//! Which attributes what is made gets: those of its source that are carried over, and those that are given.

use std::ffi::OsString;

/// Whether an attribute is carried over, and how loud a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Not carried over.
    No,
    /// As far as it goes: a failure is silent (xattr and context under -a).
    Try,
    /// As far as it goes: a failure is said, unless the filesystem has no such attributes (xattr and
    /// context under --preserve=all).
    Say,
    /// As far as it goes: what the filesystem has not, or the user may not set, is said whatever it is (install's times, all that mv carries).
    Warn,
    /// A failure is said and remembered in the exit status.
    Must,
}

impl Keep {
    /// Whether the attribute is carried over at all.
    #[must_use]
    pub fn wanted(self) -> bool {
        self != Keep::No
    }
}

/// The attributes of --preserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preserve {
    /// Permission bits and access control lists.
    pub mode: Keep,
    /// Owner and group.
    pub ownership: Keep,
    /// Times of last access and change, to the nanosecond.
    pub timestamps: Keep,
    /// Hard links between copied files.
    pub links: Keep,
    /// The security context (security.selinux and its like).
    pub context: Keep,
    /// Extended attributes, file capabilities among them.
    pub xattr: Keep,
    /// --no-preserve=mode was said: new files get the default mode, not the source's.
    pub default_mode: bool,
}

impl Preserve {
    /// Whether what is made stays closed to others until its owner and mode are set.
    #[must_use]
    pub fn closes_until_done(&self) -> bool {
        self.mode.wanted() || self.ownership.wanted()
    }

    /// --preserve=all as -a has it: what the filesystem cannot keep of context and xattr is silent.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            mode: Keep::Must,
            ownership: Keep::Must,
            timestamps: Keep::Must,
            links: Keep::Must,
            context: Keep::Try,
            xattr: Keep::Try,
            default_mode: false,
        }
    }

    /// Nothing is carried over but the permission bits of new files, less the umask.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            mode: Keep::No,
            ownership: Keep::No,
            timestamps: Keep::No,
            links: Keep::No,
            context: Keep::No,
            xattr: Keep::No,
            default_mode: false,
        }
    }
}

/// Attributes that what is made gets whatever its source has (install's -o, -g and -m).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Permission bits, with those that give rights by owner.
    pub mode: Option<u32>,
}

impl Given {
    /// Whether an owner or a group is given.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }
}

/// The security context that new files get (-Z, --context).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Context {
    /// Whatever the kernel gives them.
    Inherited,
    /// This one.
    Named {
        /// The extended attribute that the kernel keeps it in.
        attribute: &'static str,
        /// As typed.
        value: OsString,
    },
}
