//! What the user decided, as one value made once from the command line and the environment.
//!
//! Each field answers one question and is an enum where the question has more than two answers. No
//! part of clap is seen from here on, and nothing here makes a system call.

use std::num::NonZeroUsize;

/// Which symbolic links in the source are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dereference {
    /// None (-P).
    Never,
    /// Those named on the command line (-H).
    CommandLine,
    /// All (-L).
    Always,
}

/// Whether an existing target may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// Without asking.
    Always,
    /// Silently not (-n).
    Never,
    /// If the user says yes (-i).
    Ask,
}

/// Which existing targets are worth replacing (--update).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// All of them.
    All,
    /// None, and that is no failure.
    Nothing,
    /// None, and that is a failure.
    NothingFail,
    /// Those older than the source (-u).
    Older,
}

/// What is done to an existing target before a new one takes its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is kept and given new content; one that cannot be opened for writing is an error.
    Never,
    /// It is removed where it cannot be opened for writing (-f).
    WhenUnwritable,
    /// It is removed always (--remove-destination).
    Always,
}

/// Whether an attribute is carried over, and how loud a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Not carried over.
    No,
    /// As far as it goes: a failure is silent (xattr and context under -a).
    Try,
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

/// Holes in the target (--sparse).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sparse {
    /// Where the source seems to have them.
    Auto,
    /// Wherever a block holds only zeros.
    Always,
    /// Nowhere.
    Never,
}

/// Sharing blocks with the source (--reflink).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reflink {
    /// Where it can be done and is trusted.
    Auto,
    /// Or the file fails.
    Always,
    /// Not at all.
    Never,
}

/// What is read back before a copy is called good (--verify).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// The target's content, through the page cache.
    Content,
    /// The target's content from its device: written out, dropped from the cache, with proof that
    /// it was dropped, and read again.
    Device,
    /// Nothing.
    Nothing,
}

/// What is said of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Nothing.
    Quiet,
    /// A line for each name (-v).
    Names,
    /// That, and how each file was copied and why (--debug).
    Decisions,
}

/// How the operands are read: what is the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetRule {
    /// The last operand; a directory takes the sources in.
    Last,
    /// The directory named with -t; all operands are sources.
    Directory,
    /// The last of two operands, and it is the new name itself, directory or not (-T).
    Itself,
}

/// All decisions of one run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directories are copied with what is in them (-r, -R, -a).
    pub recursive: bool,
    /// Directories on another filesystem than the operand's are made, not entered (-x).
    pub one_file_system: bool,
    /// Symbolic links in the source.
    pub dereference: Dereference,
    /// Existing targets.
    pub overwrite: Overwrite,
    /// Existing targets by their age.
    pub update: Update,
    /// Existing targets that are in the way.
    pub removal: Removal,
    /// Attributes.
    pub preserve: Preserve,
    /// Holes.
    pub sparse: Sparse,
    /// Shared blocks.
    pub reflink: Reflink,
    /// Reading back.
    pub verify: Verify,
    /// Existing files are written over in place rather than replaced whole (--in-place).
    pub in_place: bool,
    /// Success is said only of what a power loss cannot take back (--durable).
    pub durable: bool,
    /// A source that changed while it was read is a failure (--require-stable).
    pub require_stable: bool,
    /// How many files, or pieces of a large file, are worked on at once.
    pub jobs: NonZeroUsize,
    /// What is said of a success.
    pub verbosity: Verbosity,
    /// The process's umask: bits that new files do not get unless modes are preserved.
    pub umask: u32,
    /// Whether chown may be expected to work: the effective user is root.
    pub privileged: bool,
}

impl Options {
    /// What `safecp SOURCE TARGET` means, with one job, before the environment was asked.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            recursive: false,
            one_file_system: false,
            dereference: Dereference::Always,
            overwrite: Overwrite::Always,
            update: Update::All,
            removal: Removal::Never,
            preserve: Preserve::nothing(),
            sparse: Sparse::Auto,
            reflink: Reflink::Auto,
            verify: Verify::Content,
            in_place: false,
            durable: false,
            require_stable: false,
            jobs: NonZeroUsize::MIN,
            verbosity: Verbosity::Quiet,
            umask: 0o022,
            privileged: false,
        }
    }
}
