//! The classes of worlds with trees: what may go wrong in each, and whether a run has to succeed nevertheless.

use super::super::call::Call;
use super::super::faults::Fault;
use super::super::random::Random;
use super::stranger::{ON_SOURCE, SWAPS, TAKES};
use rustix::io::Errno;

/// What may go wrong in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Short counts and signals.
    Plain,
    /// Filesystems without one or more of: files without a name, RENAME_NOREPLACE, hard links, attributes, locks.
    Lacking,
    /// One call fails once, by a signal, for want of something, or as if it did not exist.
    Passing,
    /// One kind of call is not supported, as by an older kernel or in a container.
    Refused,
    /// One call fails, once or from then on.
    Failing,
    /// The same where old targets keep backup names.
    FailingBackups,
    /// The same where old targets have several names, or are reached through a link.
    FailingInPlace,
    /// The same where hard links are kept.
    FailingLinks,
    /// From some moment on no name can be removed, or nothing works.
    FailingForGood,
    /// The process dies or the power fails.
    Crash,
    /// The same where hard links are kept.
    CrashLinks,
    /// Inode numbers are given again while the source changes.
    Reused,
    /// All files of the source have one number, as FUSE may have it.
    OneNumber,
    /// A target's number goes by its name, as on sshfs.
    Renumbered,
    /// The target takes two names for one.
    Folding,
    /// Somebody gives target directories lists to hand down.
    Lists,
    /// Links of a stranger stand in the target tree.
    Planted,
    /// A stranger plants and swaps names, in source and target.
    Swapped,
    /// Few handles may be open.
    Narrow,
    /// The source's files are written, replaced and removed.
    Moving,
    /// A source has the name that another's temporary would have if it were made from the target's.
    Guessed,
    /// A stranger puts files of theirs in the place of temporaries.
    Taken,
    /// Names come and do not go.
    Kept,
    /// Several operands and names that meet at one target.
    Colliding,
    /// Two existing targets are one file.
    Joined,
    /// Names stay for their age, and their sources are hard links.
    Older,
    /// Old targets are closed to others whom the source lets in.
    Closed,
    /// Of an inode with several names one is written through a link, and the others are linked to it.
    LinkedThrough,
}

/// The classes, in the order of the reports.
pub const CLASSES: &[Class] = &[
    Class::Plain,
    Class::Lacking,
    Class::Passing,
    Class::Refused,
    Class::Failing,
    Class::FailingBackups,
    Class::FailingInPlace,
    Class::FailingLinks,
    Class::FailingForGood,
    Class::Crash,
    Class::CrashLinks,
    Class::Reused,
    Class::OneNumber,
    Class::Renumbered,
    Class::Folding,
    Class::Lists,
    Class::Planted,
    Class::Swapped,
    Class::Narrow,
    Class::Moving,
    Class::Guessed,
    Class::Taken,
    Class::Kept,
    Class::Colliding,
    Class::Joined,
    Class::Older,
    Class::LinkedThrough,
    Class::Closed,
];

/// The number of a class in [`CLASSES`].
pub fn index(class: Class) -> usize {
    CLASSES.iter().position(|listed| *listed == class).unwrap_or_default()
}

/// Sets the stream that chooses the class apart from those that choose the world.
const CLASS: u64 = 0x636c_6173_7321_2121;

impl Class {
    /// The class of a seed's world.
    pub fn of(seed: u64) -> Self {
        let number = Random::new(seed ^ CLASS).index(CLASSES.len());
        CLASSES[number]
    }

    /// Whether the run has to succeed where its order can be carried out.
    pub fn must_succeed(self) -> bool {
        match self {
            Class::Plain
            | Class::Lacking
            | Class::Passing
            | Class::Refused
            | Class::OneNumber
            | Class::Renumbered
            | Class::Narrow
            | Class::Guessed
            | Class::Folding
            | Class::Lists
            | Class::Older
            | Class::Closed
            | Class::LinkedThrough
            | Class::Joined
            | Class::Colliding => true,
            Class::Failing
            | Class::FailingBackups
            | Class::FailingInPlace
            | Class::FailingLinks
            | Class::FailingForGood
            | Class::Crash
            | Class::CrashLinks
            | Class::Reused
            | Class::Planted
            | Class::Swapped
            | Class::Moving
            | Class::Taken
            | Class::Kept => false,
        }
    }

    /// Whether a stranger acts during the run.
    pub fn has_stranger(self) -> bool {
        matches!(self, Class::Reused | Class::Lists | Class::Swapped | Class::Moving | Class::Taken)
    }

    /// Whether the target's directories are the stranger's.
    pub fn is_in_strange_land(self) -> bool {
        matches!(self, Class::Lists | Class::Swapped | Class::Planted | Class::Taken)
    }

    /// What has to strike in a campaign with worlds of the class.
    pub fn faults(self) -> &'static [Fault] {
        match self {
            Class::Lacking => &[
                Fault::LinkUnsupported,
                Fault::LockUnsupported,
                Fault::XattrUnsupported,
                Fault::RenameUnsupported,
                Fault::DotRefused,
            ],
            Class::Passing | Class::Refused => &[Fault::Struck],
            Class::Failing
            | Class::FailingBackups
            | Class::FailingInPlace
            | Class::FailingLinks
            | Class::FailingForGood => &[Fault::Struck],
            Class::Crash | Class::CrashLinks => &[Fault::Killed, Fault::PowerLoss],
            Class::Reused => &[Fault::NumberReused, Fault::StrangerRecreates, Fault::StrangerReplaces],
            Class::Lists => &[Fault::StrangerSetsList, Fault::ListInherited],
            Class::Swapped => SWAPS,
            Class::Narrow => &[],
            Class::Moving => ON_SOURCE,
            Class::Taken => TAKES,
            Class::Kept => &[Fault::NameKept],
            Class::Plain
            | Class::OneNumber
            | Class::Renumbered
            | Class::Folding
            | Class::Planted
            | Class::Guessed
            | Class::Colliding
            | Class::Joined
            | Class::Older
            | Class::Closed
            | Class::LinkedThrough => &[],
        }
    }

    /// Whether one call fails.
    pub fn fails(self) -> bool {
        matches!(
            self,
            Class::Failing
                | Class::FailingBackups
                | Class::FailingInPlace
                | Class::FailingLinks
                | Class::FailingForGood
        )
    }
}

/// Answers to a kind of call that a copier survives, as GNU cp does, or because it need not make it.
pub const SURVIVED: &[(Call, &[Errno])] = &[
    (Call::OpenUnnamed, &[Errno::OPNOTSUPP, Errno::ISDIR, Errno::INVAL, Errno::NOSYS]),
    (Call::RenameNew, &[Errno::INVAL, Errno::NOSYS, Errno::PERM]),
    (Call::Link, &[Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS]),
    (Call::Clone, &[Errno::OPNOTSUPP, Errno::NOTTY, Errno::NOSYS, Errno::PERM, Errno::XDEV, Errno::INVAL]),
    (Call::Offload, &[Errno::OPNOTSUPP, Errno::NOSYS, Errno::PERM, Errno::XDEV, Errno::INVAL]),
    (Call::Seek, &[Errno::INVAL, Errno::OPNOTSUPP]),
    (Call::Lock, &[Errno::NOSYS, Errno::NOLCK, Errno::OPNOTSUPP, Errno::PERM]),
    (Call::Pages, &[Errno::NOSYS, Errno::PERM]),
    (Call::Statfs, &[Errno::NOSYS, Errno::PERM]),
    (Call::Access, &[Errno::NOSYS, Errno::PERM]),
    (Call::ListXattr, &[Errno::OPNOTSUPP]),
    (Call::GetXattr, &[Errno::OPNOTSUPP]),
    (Call::RemoveXattr, &[Errno::OPNOTSUPP]),
    (Call::Rmdir, &[Errno::NOSYS, Errno::PERM, Errno::ACCESS]),
    (Call::Flags, &[Errno::NOTTY, Errno::NOSYS, Errno::PERM, Errno::OPNOTSUPP]),
];

/// Of those, the ones after which attributes cannot be carried, if there are any.
pub const ABOUT_ATTRIBUTES: &[Call] = &[Call::ListXattr, Call::GetXattr, Call::RemoveXattr];

/// What a call may fail with. ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EXDEV, EEXIST and ENODATA are not among them: they
/// are answers.
pub const FAILURES: &[Errno] = &[
    Errno::IO,
    Errno::ACCESS,
    Errno::PERM,
    Errno::NOMEM,
    Errno::NOSPC,
    Errno::NOSYS,
    Errno::OPNOTSUPP,
    Errno::INVAL,
    Errno::MFILE,
    Errno::STALE,
    Errno::ROFS,
    Errno::BUSY,
];
