//! The filesystems of a world: what each can do, and how its version of ZFS answers.
//!
//! Which release has which bug is read from the project's notes on the OpenZFS sources, not from the
//! engine's table of known bugs: the two must agree for a campaign to pass, and neither copies the
//! other.

use std::ffi::OsStr;

/// Magic numbers as statfs(2) gives them.
pub const ZFS_MAGIC: u32 = 0x2fc1_2fc1;
pub const EXT4_MAGIC: u32 = 0xef53;
pub const XFS_MAGIC: u32 = 0x5846_5342;
pub const BTRFS_MAGIC: u32 = 0x9123_683e;
/// No filesystem that anyone knows.
pub const UNKNOWN_MAGIC: u32 = 0x0bad_f00d;

/// A release of OpenZFS and the parameters of its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zfs {
    pub version: (u32, u32, u32),
    /// zfs_dmu_offset_next_sync: a seek in a dirty file waits for the transaction group.
    pub next_sync: bool,
    /// zfs_bclone_enabled.
    pub cloning: bool,
    /// zfs_bclone_wait_dirty: a clone of dirty blocks waits instead of EAGAIN.
    pub wait_dirty: bool,
}

impl Zfs {
    /// Writing a dirty page out can fail while fsync and lseek say that it worked (#15933).
    pub fn loses_writeback(&self) -> bool {
        self.version < (2, 2, 4)
    }

    /// A file with unsynced blocks can look clean for a moment (#15526).
    pub fn looks_clean(&self) -> bool {
        self.version < (2, 1, 14) || (2, 2, 0) <= self.version && self.version < (2, 2, 2)
    }

    pub fn can_clone(&self) -> bool {
        self.version >= (2, 2, 0) && self.cloning
    }

    /// A clone does not look at pages of a mapping (#15933).
    pub fn clones_without_pages(&self) -> bool {
        self.version < (2, 2, 4)
    }

    /// A clone that stops at a dirty block says 0 (#15728).
    pub fn clones_part(&self) -> bool {
        self.version < (2, 2, 3)
    }

    /// A clone that waits for dirty blocks may wait for ever (#15994).
    pub fn clone_hangs(&self) -> bool {
        self.wait_dirty && self.version < (2, 2, 4)
    }
}

/// One mounted filesystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct System {
    pub magic: u32,
    pub zfs: Option<Zfs>,
    /// FICLONE works.
    pub reflink: bool,
    /// O_TMPFILE works.
    pub tmpfile: bool,
    /// RENAME_NOREPLACE works.
    pub noreplace: bool,
    /// Small files are kept within metadata.
    pub packs: bool,
    /// What SEEK_HOLE and FICLONE say may be false, although it is not ZFS.
    pub lies: bool,
    /// A file may have several names.
    pub links: bool,
    /// Files can be renamed.
    pub renames: bool,
    /// Names may begin with a dot.
    pub dots: bool,
    /// It has extended attributes.
    pub xattrs: bool,
    /// flock works.
    pub locks: bool,
    /// Names come and do not go, as in an append-only directory.
    pub keeps_names: bool,
    /// How names are compared.
    pub folding: Folding,
    /// A file's number goes by its name, as on FUSE.
    pub numbers_names: bool,
}

/// How a filesystem compares names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Folding {
    /// Byte by byte.
    #[default]
    Exact,
    /// Capitals are small letters.
    Case,
    /// A letter with its accent is the letter and the accent.
    Accents,
}

impl Folding {
    /// Whether two names are one.
    pub fn is_same(self, one: &OsStr, other: &OsStr) -> bool {
        match self {
            Folding::Exact => one == other,
            Folding::Case => one.eq_ignore_ascii_case(other),
            Folding::Accents => one == other || composed(one) == composed(other),
        }
    }

    /// The name as all that are the same are written.
    pub fn folded(self, name: &str) -> String {
        match self {
            Folding::Exact => name.to_owned(),
            Folding::Case => name.to_ascii_lowercase(),
            Folding::Accents => composed(OsStr::new(name)),
        }
    }
}

/// The one letter with an accent that names here have, as one character.
fn composed(name: &OsStr) -> String {
    name.to_string_lossy().replace("e\u{301}", "\u{e9}")
}

impl System {
    pub fn honest(magic: u32, reflink: bool) -> Self {
        Self {
            magic,
            zfs: None,
            reflink,
            tmpfile: true,
            noreplace: true,
            packs: magic == BTRFS_MAGIC,
            lies: false,
            links: true,
            renames: true,
            dots: true,
            xattrs: true,
            locks: true,
            keeps_names: false,
            folding: Folding::Exact,
            numbers_names: false,
        }
    }

    /// Whether its directories fold names because they were told to, and say so.
    pub fn folds_by_flag(&self) -> bool {
        self.folding != Folding::Exact && self.magic == EXT4_MAGIC
    }

    pub fn zfs(zfs: Zfs) -> Self {
        Self { zfs: Some(zfs), ..Self::honest(ZFS_MAGIC, zfs.can_clone()) }
    }
}
