//! What can go wrong in a simulated world, how often, and how often it did.
//!
//! Every kind has a rate ("one in N calls it could strike", 0 for never) that a world's seed chooses
//! by swarm: most kinds are off in most worlds, so that each gets its chance to act undisturbed. The
//! counters of a campaign are added up, and one that stays at zero fails it: a fault that the world
//! cannot produce is a branch that nobody tests.

use super::random::Random;

/// Writes the enum with the lists of its values.
macro_rules! faults {
    ($($list:ident: $what:literal { $($(#[doc = $doc:literal])* $name:ident,)* })*) => {
        /// A kind of misfortune.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($($(#[doc = $doc])* $name,)*)* }

        impl Fault {
            pub const ALL: &[Fault] = &[$($(Fault::$name,)*)*];
            $(#[doc = $what] pub const $list: &[Fault] = &[$(Fault::$name,)*];)*
        }
    };
}

faults! {
    FILES: "Those that strike where one file is copied." {
    /// Any call that can wait: EINTR before anything was done.
    Interrupted,
    /// read(2) gives fewer bytes than there are.
    ShortRead,
    /// write(2) takes fewer bytes than it was given.
    ShortWrite,
    /// write(2) takes none and says 0.
    ZeroWrite,
    /// copy_file_range(2) does less than asked.
    ShortOffload,
    /// copy_file_range(2) says 0 before the end.
    ZeroOffload,
    /// read(2): EIO.
    ReadError,
    /// write(2), ftruncate(2): EIO.
    WriteError,
    /// ENOSPC.
    NoSpace,
    /// EDQUOT.
    Quota,
    /// fsync(2), msync(2): EIO.
    SyncError,
    /// close(2) of a written file: EIO.
    CloseError,
    /// lseek(2): EIO.
    SeekError,
    /// lseek(2) with SEEK_DATA: EINVAL, the filesystem cannot.
    SeekUnsupported,
    /// openat2(2): EIO, EMFILE or EACCES.
    OpenError,
    /// openat2(2) that makes a file with a temporary name: EACCES, and the file is there (Landlock, SELinux).
    OpenRefusedLate,
    /// fstat(2), fstatat(2), fstatfs(2): EIO.
    StatError,
    /// renameat2(2), linkat(2): EIO or ENOSPC.
    NamingError,
    /// unlinkat(2): EIO or EPERM.
    UnlinkError,
    /// fchmod, fchown, utimensat, xattr calls: EPERM or EIO.
    AttributeError,
    /// O_TMPFILE: EOPNOTSUPP.
    TmpfileUnsupported,
    /// renameat2(2) with RENAME_NOREPLACE: EINVAL.
    NoReplaceUnsupported,
    /// FICLONE: EOPNOTSUPP.
    CloneUnsupported,
    /// FICLONE, copy_file_range(2): EXDEV.
    CrossDevice,
    /// FICLONE: EAGAIN, the source has dirty blocks.
    CloneDirty,
    /// FICLONE: EINTR, with part of the target cloned (ZFS 2.2.7 and later).
    CloneInterrupted,
    /// FICLONE: EINVAL, with part of the target cloned (ZFS 2.2.3 and later).
    CloneBroken,
    /// FICLONE: EIO.
    CloneError,
    /// FICLONE: 0, and nothing was cloned.
    CloneNothing,
    /// FICLONE: 0, and only the first pages were cloned (ZFS 2.2.0 to 2.2.2).
    ClonePrefix,
    /// FICLONE: 0, and blocks were cloned that the source no longer has (OpenZFS #16012).
    CloneOld,
    /// FICLONE: 0, and a block that is not the source's is among those of the target.
    CloneWrong,
    /// FICLONE: 0, and pages written through a mapping are missing (OpenZFS #15933).
    CloneUnwritten,
    /// FIEMAP tells extents that have no place yet.
    MapUnplaced,
    /// lseek(2) calls written pages a hole (OpenZFS #15933, #15526).
    HoleLie,
    /// ZFS before 2.2.4: a dirty page stays dirty although fsync or lseek said it was written out.
    LostWriteback,
    /// ZFS before 2.1.14 and 2.2.2: a file with unsynced blocks is taken for clean (OpenZFS #15526).
    LooksClean,
    /// cachestat(2): ENOSYS.
    CachestatMissing,
    /// cachestat(2): EPERM, and mincore(2) calls all pages resident.
    ResidencyRefused,
    /// cachestat(2) and mincore(2) call no page resident, whatever is: the guard itself is wrong.
    ResidencyHidden,
    /// POSIX_FADV_DONTNEED drops nothing.
    CacheKept,
    /// write(2) says all was written and stores nothing.
    LostWrite,
    /// write(2) says all was written and stores something else.
    WrongWrite,
    /// The device stores something else than it was given.
    SpoiledDevice,
    /// A transaction group ends between two calls.
    GroupSynced,
    /// The process ends at a call; the kernel lives on.
    Killed,
    /// The power fails at a call.
    PowerLoss,
    /// The power fails after success was said.
    PowerLossAfter,
    /// Somebody appends to the source.
    IntruderAppends,
    /// Somebody writes over a part of the source.
    IntruderWrites,
    /// Somebody writes to the source through a mapping.
    IntruderMaps,
    /// Somebody truncates the source.
    IntruderTruncates,
    /// Somebody punches a hole into the source.
    IntruderPunches,
    /// Somebody puts another file in the source's place.
    IntruderReplacesSource,
    /// Somebody puts a symbolic link to a secret in the source's place.
    IntruderLinksSource,
    /// Somebody puts a fifo in the source's place.
    IntruderPipesSource,
    /// Somebody removes the source's name.
    IntruderRemovesSource,
    /// Somebody makes or replaces the target.
    IntruderMakesTarget,
    /// Somebody renames the target away.
    IntruderMovesTarget,
    /// Somebody removes the target.
    IntruderRemovesTarget,
    /// Somebody puts a symbolic link to a victim in the target's place.
    IntruderLinksTarget,
    /// Somebody puts a fifo in the target's place.
    IntruderPipesTarget,
    }
    TREES: "Those that strike where trees are copied." {
    /// A call fails because it is that call; see [`super::call::Strike`].
    Struck,
    /// openat2(2): EMFILE, so many handles are open.
    HandlesGone,
    /// linkat(2): EPERM, the filesystem has none.
    LinkUnsupported,
    /// renameat2(2): ENOSYS, the filesystem renames nothing.
    RenameUnsupported,
    /// What would give a name that begins with a dot: EINVAL, the filesystem takes none.
    DotRefused,
    /// flock(2): ENOLCK.
    LockUnsupported,
    /// Extended attributes: EOPNOTSUPP.
    XattrUnsupported,
    /// unlinkat(2), renameat2(2): EPERM, for names only come.
    NameKept,
    /// What is made gets an access control list from its directory.
    ListInherited,
    /// An inode number is given again.
    NumberReused,
    /// Somebody writes a source over.
    StrangerRewrites,
    /// Somebody puts another file in a source's place.
    StrangerReplaces,
    /// Somebody removes all names of a source, and other files get its number and names.
    StrangerRecreates,
    /// Somebody removes a source's name.
    StrangerRemoves,
    /// Somebody puts a link to a secret in a source's place.
    StrangerLinksSource,
    /// Somebody puts a link to the outside in a source directory's place.
    StrangerSwapsSource,
    /// Somebody plants a link at a target, out of the tree or to a file of theirs.
    StrangerPlants,
    /// Somebody puts a link to the outside in a target directory's place.
    StrangerSwapsTarget,
    /// Somebody puts a file of theirs in a temporary's place.
    StrangerTakesTemporary,
    /// Somebody gives a target directory a list to hand down.
    StrangerSetsList,
    }
}

/// How many kinds there are.
pub const KINDS: usize = Fault::ALL.len();

/// How often each kind struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts(pub [u64; KINDS]);

impl Default for Counts {
    fn default() -> Self {
        Self([0; KINDS])
    }
}

impl Counts {
    pub fn of(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    pub fn any(&self, faults: &[Fault]) -> bool {
        faults.iter().any(|fault| self.of(*fault) != 0)
    }

    pub fn add(&mut self, other: &Counts) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }

    /// Those of the kinds that never struck.
    pub fn missing(&self, kinds: &[Fault]) -> Vec<Fault> {
        kinds.iter().copied().filter(|fault| self.of(*fault) == 0).collect()
    }
}

/// The rates of one world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates(pub [u32; KINDS]);

impl Rates {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self([0; KINDS])
    }

    /// Switches each of the kinds on with one chance in `chance`, at a rate of its own.
    pub fn swarm(&mut self, random: &mut Random, kinds: &[Fault], chance: u32) {
        for kind in kinds {
            if random.once_in(chance) {
                self.0[*kind as usize] = random.pick(&[2, 3, 5, 9, 20, 60]);
            }
        }
    }

    pub fn of(&self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }

    pub fn set(&mut self, fault: Fault, rate: u32) {
        self.0[fault as usize] = rate;
    }
}
