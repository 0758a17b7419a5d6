//! What an inode is told beside its attributes: chattr's flags, the project, hints about extents.
//!
//! A new file that replaces an old one gets them while it is empty, since btrfs takes "no copy on write" and XFS the size
//! of extents at no other time. What cannot be carried leaves the old inode where it is: it is written in place.

use crate::kernel::{Errno, InodeHints, Kernel, Result};

/// The flags of FS_IOC_SETFLAGS that a user sets, by chattr's letters: s u c S d A m j t C x. Immutable and append-only are not
/// among them, since who has them is not opened for writing, nor what the filesystem itself tells (e, E, I, N, V, F).
const FLAGS: u32 = 0x1 | 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x400 | 0x4000 | 0x8000 | 0x0080_0000 | 0x0200_0000;

/// The flags of FS_IOC_FSSETXATTR that are no chattr flags: realtime, extent size, no defragmentation, file streams, extent size of
/// copies on write.
const HINTS: u32 = 0x1 | 0x800 | 0x2000 | 0x4000 | 0x1_0000;

/// What an inode is told; `None` where its filesystem has nothing of the kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct InodeSettings {
    flags: Option<u32>,
    hints: Option<InodeHints>,
}

impl InodeSettings {
    /// Asks an open file.
    pub(super) fn of<K: Kernel>(kernel: &K, file: &K::File) -> Result<Self> {
        Ok(Self { flags: known(kernel.inode_flags(file))?, hints: known(kernel.inode_hints(file))? })
    }

    /// Whether a new file of which this is known has to be told nothing to be like an old one.
    pub(super) fn is_like(self, old: Self) -> bool {
        self.flags_like(old).is_none_or(|wanted| Some(wanted) == self.flags)
            && self.hints_like(old).is_none_or(|wanted| Some(wanted) == self.hints)
    }

    /// The flags that make it like an old one, if both have any.
    fn flags_like(self, old: Self) -> Option<u32> {
        self.flags.zip(old.flags).map(|(to, from)| to & !FLAGS | from & FLAGS)
    }

    fn hints_like(self, old: Self) -> Option<InodeHints> {
        let like =
            |(to, from): (InodeHints, InodeHints)| InodeHints { flags: to.flags & !HINTS | from.flags & HINTS, ..from };
        self.hints.zip(old.hints).map(like)
    }
}

/// Makes the empty file `new`, of which this is known, in this like an old one. An error means that it cannot be.
pub(super) fn carry<K: Kernel>(kernel: &K, old: InodeSettings, fresh: InodeSettings, new: &K::File) -> Result<()> {
    if let (Some(wanted), Some(to)) = (fresh.flags_like(old), fresh.flags) {
        if wanted != to {
            kernel.set_inode_flags(new, wanted)?;
        }
    }
    if let (Some(wanted), Some(to)) = (fresh.hints_like(old), fresh.hints) {
        if wanted != to {
            kernel.set_inode_hints(new, wanted)?;
        }
    }
    Ok(())
}

/// What a filesystem tells, `None` where it has nothing of the kind. ENOSYS is FUSE's word for that, EINVAL that of some drivers.
fn known<T>(told: Result<T>) -> Result<Option<T>> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(None),
        Err(errno) => Err(errno),
    }
}
