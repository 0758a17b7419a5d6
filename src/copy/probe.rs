//! What the kernel says of a source before it is copied: its filesystem, its size, its mapped pages.
//!
//! On ZFS read and write put no page into the page cache, only mappings do: a resident page means
//! that the file is or was mapped, and in every copy that OpenZFS #15933 was seen to corrupt there
//! were some. Settling is here as well: what is done to a source before a hint about it is used.

use super::copier::Copier;
use super::types::Source;
use crate::error::{Action, Error};
use crate::host::Host;
use crate::kernel::{Errno, Kernel, Seek, unallocated};
use crate::known::filesystems::{Filesystem, Honesty};
use crate::known::zfs::{Bug, Hint, Module};
use std::path::Path;

/// Bytes of a file asked about in one mincore call: a resident page ends the search early.
const MINCORE_STEP: u64 = 256 << 20;

/// Pages of a file in the page cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residency {
    /// Not one.
    Nothing,
    /// Some, none of which is changed: what they hold is with the filesystem.
    Clean,
    /// Some, of which some are changed or on their way to the filesystem.
    Dirty,
    /// Some, or all, changed or not; or the kernel says "all" to who may not know.
    Resident,
    /// Nobody tells; the reason.
    Unknown(Errno),
}

/// Facts about a source.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Where it lies.
    pub filesystem: Filesystem,
    /// What that filesystem's hints are worth on this kernel.
    pub honesty: Honesty,
    /// Its pages in the page cache; asked only where it decides something.
    pub residency: Residency,
    /// Its size in bytes; 0 where stat(2) does not tell it.
    pub size: u64,
    /// Its 512-byte sectors, a hint.
    pub blocks: u64,
    /// The ZFS module, where the file lies on ZFS, or on what may stand in front of it.
    pub zfs: Option<Module>,
}

impl Probe {
    /// What is known of any file on the filesystem with this magic number before the file is looked at: it has
    /// no page, no size and no sector.
    #[must_use]
    pub fn before_a_look(magic: u32, host: &Host) -> Self {
        let filesystem = Filesystem::new(magic);
        let honesty = filesystem.honesty(host.kernel);
        let zfs = host.zfs.clone().filter(|_| matches!(honesty, Honesty::Zfs | Honesty::Unknown));
        Self { filesystem, honesty, residency: Residency::Nothing, size: 0, blocks: 0, zfs }
    }

    /// Whether the source has fewer sectors than its size needs, so that it may have holes.
    #[must_use]
    pub fn looks_sparse(&self) -> bool {
        self.unallocated() > 0
    }

    /// Bytes of the source that have no sector.
    #[must_use]
    pub fn unallocated(&self) -> u64 {
        unallocated(self.size, self.blocks)
    }

    /// The known bug that forbids a hint about this source.
    #[must_use]
    pub fn forbidden(&self, hint: Hint) -> Option<Bug> {
        match self.honesty {
            Honesty::Honest | Honesty::Pseudo => None,
            Honesty::Zfs => self.zfs.as_ref().map_or_else(|| Module::default().forbids(hint), |zfs| zfs.forbids(hint)),
            // ZFS may lie beneath it: overlayfs hands clones and seeks on to what it is made of.
            Honesty::Unknown => self.zfs.as_ref().and_then(|zfs| zfs.forbids(hint)),
        }
    }
}

/// For which hint a source is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// Its map of holes.
    ForHoles,
    /// A clone of a file without resident pages.
    ForClone,
    /// A clone of a file whose resident pages, if it has any, are clean then.
    ForMappedClone,
}

/// What settling found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Everything written before is with the filesystem, and no page is in the way.
    Yes,
    /// Pages appeared or stayed dirty.
    No,
}

impl<K: Kernel> Copier<'_, K> {
    /// Asks for the facts about an open regular file.
    pub(super) fn probe(&self, source: &Source<'_, K::File>) -> Probe {
        let Source { file, stat, origin, .. } = *source;
        // What cannot be asked for, as behind some filters of system calls, is an unknown filesystem.
        let magic = match origin.filter(|origin| origin.dev == stat.dev) {
            Some(origin) => origin.magic,
            None => self.kernel.filesystem(file).unwrap_or(Filesystem::UNTOLD),
        };
        let before = Probe::before_a_look(magic, self.host);
        let before = Probe { honesty: self.honesty_on(before.filesystem, file), ..before };
        let residency = match before.honesty {
            Honesty::Honest | Honesty::Pseudo => Residency::Nothing,
            Honesty::Zfs | Honesty::Unknown => self.residency(file, stat.size),
        };
        // A made-up file ends where a read says so.
        let size = if before.honesty == Honesty::Pseudo { 0 } else { stat.size };
        Probe { residency, size, blocks: stat.blocks, ..before }
    }

    /// What hints of the filesystem that a file lies on are worth; unknown if it cannot be told.
    pub(crate) fn honesty_of(&self, file: &K::File) -> Honesty {
        let magic = self.kernel.filesystem(file);
        magic.map_or(Honesty::Unknown, |magic| self.honesty_on(Filesystem::new(magic), file))
    }

    /// What hints are worth that a filesystem gives about an open file. An overlay hands them on from its layers, and
    /// so it does with the file's extents: where only honest filesystems have any to tell, the layer's is one.
    pub(super) fn honesty_on(&self, filesystem: Filesystem, file: &K::File) -> Honesty {
        let is_layered = filesystem.is_overlay() && self.host.extents_are_honest;
        if is_layered && self.kernel.first_extent(file).is_ok() {
            return Honesty::Honest;
        }
        filesystem.honesty(self.host.kernel)
    }

    /// Whether pages of the file are in the page cache: by cachestat, else by mincore.
    fn residency(&self, file: &K::File, size: u64) -> Residency {
        match self.kernel.cachestat(file) {
            Ok(pages) if pages.cached + pages.dirty + pages.writeback == 0 => Residency::Nothing,
            Ok(pages) if pages.dirty + pages.writeback == 0 => Residency::Clean,
            Ok(_) => Residency::Dirty,
            // Before Linux 6.5, behind an old seccomp filter, or not ours to ask: then mincore says
            // either the truth or "all", which is taken as mapped.
            Err(_) => self.residency_by_mincore(file, size),
        }
    }

    /// Whether it is certain that no page of the file is in the page cache.
    pub(super) fn is_out_of_cache(&self, file: &K::File, size: u64) -> bool {
        self.residency(file, size) == Residency::Nothing
    }

    /// Whether it is certain that no page of the first `size` bytes is in the page cache.
    pub(super) fn has_no_pages(&self, file: &K::File, size: u64) -> bool {
        self.residency_by_mincore(file, size) == Residency::Nothing
    }

    fn residency_by_mincore(&self, file: &K::File, size: u64) -> Residency {
        for range in super::extent::steps(0..size, MINCORE_STEP) {
            match self.kernel.mincore(file, range) {
                Ok(0) => {}
                Ok(_) => return Residency::Resident,
                Err(errno) => return Residency::Unknown(errno),
            }
        }
        Residency::Nothing
    }

    /// Hands everything written to the source so far to its filesystem, and looks whether that held.
    ///
    /// fsync and msync narrow windows and bring errors to light; neither proves anything on ZFS
    /// before 2.2.4. For a clone a seek follows, whose answer is ignored: while the file is dirty it
    /// waits for the transaction group, which is what cures OpenZFS #16012.
    pub(super) fn settle(
        &self,
        source: &K::File,
        size: u64,
        settling: Settling,
        shown: &Path,
    ) -> Result<Settled, Error> {
        let for_clone = settling != Settling::ForHoles;
        let step = |call: crate::kernel::Result<()>| match call {
            Ok(()) => Ok(true),
            Err(errno @ (Errno::IO | Errno::NOSPC | Errno::DQUOT)) => Err(Error::call(Action::Settle, shown, errno)),
            // A filesystem without fsync or mmap cannot be settled; that is no failure of the file.
            Err(_) => Ok(false),
        };
        let is_settled = step(self.kernel.fsync(source))?
            && step(self.kernel.msync(source, size))?
            && (!for_clone || step(self.kernel.seek(source, Seek::Hole, 0).map(drop))?);
        if !is_settled {
            return Ok(Settled::No);
        }
        Ok(match self.residency(source, size) {
            Residency::Nothing => Settled::Yes,
            Residency::Clean if settling == Settling::ForMappedClone => Settled::Yes,
            Residency::Clean | Residency::Dirty | Residency::Resident | Residency::Unknown(_) => Settled::No,
        })
    }

    /// Waits until the transaction group is on disk that comes after the one `file` lies in, by
    /// changing the file and seeking in it. `file` is spoiled: it is a temporary to be thrown away.
    /// Whether it waited is not known, so the answer only says that no call failed.
    pub(super) fn await_group(&self, file: &K::File) -> crate::kernel::Result<()> {
        match self.kernel.pwrite(file, b"!", 0)? {
            0 => Err(Errno::NOSPC),
            _ => self.kernel.seek(file, Seek::Hole, 0).map(drop),
        }
    }
}
