//! What the user decided, as one value made once from the command line and the environment.
//!
//! Each field answers one question and is an enum where the question has more than two answers. No
//! part of clap is seen from here on, and nothing here makes a system call.

mod attributes;
mod descriptors;

pub use self::attributes::{Context, Given, Keep, Preserve};
use std::ffi::OsString;
use std::num::NonZeroUsize;

/// What a run is for. Some words, and some of what is done, go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// cp's.
    Copy,
    /// install's.
    Install,
    /// mv's, across filesystems.
    Move,
    /// Looking at what is there (--check, --repair, --scan).
    Examine,
}

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

/// What is made of a source that is no directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A copy.
    Copy,
    /// A copy of its attributes: content that is there stays, a new file is empty (--attributes-only).
    Attributes,
    /// A hard link to it (-l).
    HardLink,
    /// A symbolic link with its name as typed (-s).
    SymbolicLink,
}

impl Product {
    /// Whether sources are opened and read for it, and not only named.
    #[must_use]
    pub fn reads_sources(self) -> bool {
        matches!(self, Product::Copy | Product::Attributes)
    }
}

/// Whether an existing target keeps a name when a new one takes its own, and which (--backup).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backup {
    /// It does not.
    No,
    /// Its name with the suffix; an older backup of that name is replaced.
    Simple,
    /// A number, where backups with numbers are there already; else simple.
    Existing,
    /// Its name with the next free number: `.~1~`, `.~2~`, ...
    Numbered,
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
    /// The target's content, through the page cache, but that of a clone whose blocks are seen to be the source's.
    Map,
    /// Digests of source and target, both read again from the start when everything is written.
    Blake3,
    /// The target's content from its device: written out, dropped from the cache, with proof that
    /// it was dropped, and read again.
    Device,
    /// Nothing.
    Nothing,
}

/// What the kernel says of content without reading it (--hints): maps of holes, clones, sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hints {
    /// Used where they are known to be right.
    Auto,
    /// Never: every byte of source and target is read, holes and all, on every filesystem.
    Never,
}

/// What is written out to its disk before a name is given up for it (--sync).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// What replaces an old file: neither a kill nor a power loss can take both.
    Auto,
    /// Nothing: a kill can take neither, a power loss within half a minute can take both.
    Never,
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

/// Whether a record is kept of each file that was copied (--report).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// None.
    No,
    /// One in the report.
    Kept,
    /// One with the digest of what was read (--digests).
    WithDigest,
}

/// What becomes of what was copied of a large file if the run ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// It goes.
    Removed,
    /// It stays, and the next run goes on with it (--partial).
    Kept,
}

/// How many runs read the sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// This one.
    One,
    /// One for each of several targets: a source that is gone once it was read cannot be copied.
    Several,
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
    /// What the run is for.
    pub work: Work,
    /// Directories are copied with what is in them (-r, -R, -a).
    pub recursive: bool,
    /// Directories on another filesystem than the operand's are made, not entered (-x).
    pub one_file_system: bool,
    /// Symbolic links in the source.
    pub dereference: Dereference,
    /// What is made.
    pub product: Product,
    /// Special files within a tree are read as files are (--copy-contents).
    pub copy_contents: bool,
    /// A directory goes into an existing target that is a symbolic link to one (--keep-directory-symlink).
    pub keep_directory_symlink: bool,
    /// Sources keep their whole path beneath the target directory (--parents).
    pub parents: bool,
    /// A file may be made at the end of a dangling symbolic link (POSIXLY_CORRECT).
    pub through_dangling: bool,
    /// Existing targets.
    pub overwrite: Overwrite,
    /// Existing targets by their age.
    pub update: Update,
    /// Existing targets that are in the way.
    pub removal: Removal,
    /// The names that existing targets keep.
    pub backup: Backup,
    /// What simple backups' names end in; no slash, not empty.
    pub backup_suffix: OsString,
    /// Attributes.
    pub preserve: Preserve,
    /// Attributes that do not come from the source.
    pub given: Given,
    /// A target that holds the same and has what would be given to it is left alone (install's -C).
    pub compares: bool,
    /// The program that strips each copy before it gets its name (install's -s).
    pub strip: Option<OsString>,
    /// Security contexts of what is made.
    pub context: Context,
    /// Holes.
    pub sparse: Sparse,
    /// Shared blocks.
    pub reflink: Reflink,
    /// Reading back.
    pub verify: Verify,
    /// What is used of what the kernel says of content.
    pub hints: Hints,
    /// Existing files are written over in place rather than replaced whole (--in-place).
    pub in_place: bool,
    /// Success is said only of what a power loss cannot take back (--durable).
    pub durable: bool,
    /// What is written out before it takes an old file's name (--sync).
    pub sync: Sync,
    /// A source that changed while it was read is a failure (--require-stable).
    pub require_stable: bool,
    /// How many files, or pieces of a large file, are worked on at once; `None` for as many as there are processors.
    pub jobs: Option<NonZeroUsize>,
    /// The most of them that the limit of open files allows.
    pub jobs_max: NonZeroUsize,
    /// How many directories are open at once, each in source and target, while the names in them wait for their turn.
    pub directories_max: usize,
    /// How many files may wait for their names until they are written out together; fewer than two mean that none does.
    pub waiting_max: usize,
    /// What is said of a success.
    pub verbosity: Verbosity,
    /// A list is made of what was copied (--manifest), with a digest of every byte.
    pub seals: bool,
    /// What is kept of each file that was copied.
    pub record: Record,
    /// An existing file that holds what its source holds is not copied again (--resume).
    pub resume: bool,
    /// What becomes of what was copied of a large file if the run ends too early.
    pub unfinished: Unfinished,
    /// How many runs read the sources.
    pub readers: Readers,
    /// The process's umask: bits that new files do not get unless modes are preserved.
    pub umask: u32,
    /// Whether chown may be expected to work: the effective user is root.
    pub privileged: bool,
    /// Whether what this process writes to keeps its set-user-ID and set-group-ID bits: it has CAP_FSETID.
    pub keeps_set_ids: bool,
    /// The effective user.
    pub user: u32,
    /// The effective group.
    pub group: u32,
}

/// More open directories than this gain nothing.
const DIRECTORIES_MAX: usize = 256;

/// More files than this in a group gain nothing (docs/design/groups.md).
const WAITING_MAX: usize = 512;

impl Options {
    /// Whether what takes an old file's name is written out before.
    #[must_use]
    pub fn syncs(&self) -> bool {
        self.sync == Sync::Auto
    }

    /// Whether any existing target may be replaced.
    #[must_use]
    pub fn may_replace(&self) -> bool {
        self.overwrite != Overwrite::Never && !matches!(self.update, Update::Nothing | Update::NothingFail)
    }

    /// Whether every existing target that can be replaced is, whatever it and its source are.
    #[must_use]
    pub fn replaces_all(&self) -> bool {
        self.overwrite == Overwrite::Always && self.update == Update::All
    }

    /// Whether the umask takes rights from the owner as well. What is made has them until it is done.
    #[must_use]
    pub fn closes_to_owner(&self) -> bool {
        self.umask & 0o700 != 0
    }

    /// Whether digests are told, and so taken: bytes are compared, with or without one.
    #[must_use]
    pub fn tells_digests(&self) -> bool {
        self.seals || self.record == Record::WithDigest || self.verbosity >= Verbosity::Decisions
    }

    /// Whether it is told how each file was copied.
    #[must_use]
    pub fn tells_decisions(&self) -> bool {
        self.record != Record::No || self.tells_digests()
    }

    /// Whether an old file that is what its copy would be may stay: nothing is said of how it is to be made
    /// (docs/design/same-already.md).
    #[must_use]
    pub fn leaves_the_same(&self) -> bool {
        (self.work, self.product) == (Work::Copy, Product::Copy)
            && (self.verify, self.sparse, self.reflink) == (Verify::Content, Sparse::Auto, Reflink::Auto)
            && self.context == Context::Inherited
            && !self.in_place
            && !self.durable
    }

    /// What `safecp SOURCE TARGET` means, with one job, before the environment was asked.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            work: Work::Copy,
            recursive: false,
            one_file_system: false,
            dereference: Dereference::Always,
            product: Product::Copy,
            copy_contents: false,
            keep_directory_symlink: false,
            parents: false,
            through_dangling: false,
            overwrite: Overwrite::Always,
            update: Update::All,
            removal: Removal::Never,
            backup: Backup::No,
            backup_suffix: OsString::from("~"),
            preserve: Preserve::nothing(),
            given: Given::default(),
            compares: false,
            strip: None,
            context: Context::Inherited,
            sparse: Sparse::Auto,
            reflink: Reflink::Auto,
            verify: Verify::Content,
            hints: Hints::Auto,
            in_place: false,
            durable: false,
            sync: Sync::Auto,
            require_stable: false,
            jobs: Some(NonZeroUsize::MIN),
            jobs_max: NonZeroUsize::MAX,
            directories_max: DIRECTORIES_MAX,
            waiting_max: WAITING_MAX,
            verbosity: Verbosity::Quiet,
            seals: false,
            record: Record::No,
            resume: false,
            unfinished: Unfinished::Removed,
            readers: Readers::One,
            umask: 0o022,
            privileged: false,
            keeps_set_ids: false,
            user: 0,
            group: 0,
        }
    }
}
