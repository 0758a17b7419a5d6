//! What found no room in a run, added up for each filesystem, so that it can be said once how much is missing.
//!
//! What a name needs is what its source takes up, a hole left out. That is the least: a filesystem needs room for its own
//! records as well, and a source that is compressed may take up more in its copy.

use crate::error::Error;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, Quota, QuotaOf, ResolveFlags, SECTOR, Stat};
use crate::options::{Backup, Options, Sparse};
use crate::report::{InPlace, Resource, Shortage};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What found no room, by device.
pub(super) struct Shortages<K: Kernel>(Mutex<BTreeMap<u64, Want<K::File>>>);

/// What found no room on one filesystem.
struct Want<F> {
    /// A directory of it, to ask how much is left, and its name for messages.
    directory: F,
    shown: PathBuf,
    /// How it rounds sizes up.
    block: u64,
    names: u64,
    /// What the last of them met.
    limit: Limit,
    beside: Need,
    /// What it would be with --in-place, if that would spare anything.
    in_place: Option<Need>,
}

/// What leaves no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The size of the filesystem.
    Disk,
    /// A quota.
    Quota,
}

impl Limit {
    /// Which one a call has met, if that is what failed.
    pub(super) fn met(errno: Errno) -> Option<Self> {
        match errno {
            Errno::NOSPC => Some(Limit::Disk),
            Errno::DQUOT => Some(Limit::Quota),
            _ => None,
        }
    }
}

/// Whether there may be room once what waits has its names, and nobody else is at work. A failure that leaves a name is told: another
/// try would have something else to tell, or nothing.
pub(super) fn may_pass(error: &Error) -> bool {
    let is_shortage = |errno| Limit::met(errno).is_some() || matches!(errno, Errno::MFILE | Errno::NFILE);
    !matches!(error, Error::Leaving(..)) && error.errno().is_some_and(is_shortage)
}

/// What a name needs.
#[derive(Clone, Copy, Default)]
pub(super) struct Requirement {
    /// Bytes of content.
    size: u64,
    /// Bytes that are given back once it has replaced an old file.
    old: Option<u64>,
}

impl Requirement {
    /// Of a source that is to replace an old file, if there is one; nothing where it is written through a device or a fifo.
    pub(super) fn new(options: &Options, source: &Stat, old: Option<&Stat>) -> Option<Self> {
        let is_written_through = |old: &Stat| !matches!(old.kind, Kind::File | Kind::Directory | Kind::Symlink);
        if old.is_some_and(is_written_through) {
            return None;
        }
        let taken = |stat: &Stat| stat.blocks.saturating_mul(SECTOR);
        let size = match (source.kind, options.sparse) {
            (Kind::File, Sparse::Never) => source.size,
            (Kind::File, Sparse::Auto | Sparse::Always) => source.size.min(taken(source)),
            (_, Sparse::Auto | Sparse::Always | Sparse::Never) => 0,
        };
        let is_given_back = |old: &&Stat| old.kind == Kind::File && options.backup == Backup::No;
        Some(Self { size, old: old.filter(is_given_back).map(taken) })
    }
}

/// The room that names need one after the other, where each gives back what its old file takes up.
#[derive(Clone, Copy, Default)]
struct Need {
    bytes: i128,
    grown: i128,
}

impl Need {
    /// One more name, which takes so much at first, and so much more than before in the end.
    fn add(&mut self, at_first: u64, grown: i128) {
        self.bytes = self.bytes.max(self.grown + i128::from(at_first));
        self.grown += grown;
    }

    fn bytes(self) -> u64 {
        u64::try_from(self.bytes).unwrap_or(0)
    }
}

impl<K: Kernel> Default for Shortages<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Kernel> Shortages<K> {
    /// Takes note of a name that found no room in `dir`, which is called `shown`.
    pub(super) fn note(&self, kernel: &K, (dir, shown): (&K::File, &Path), wish: Requirement, limit: Limit) {
        let Ok(dev) = kernel.stat(dir).map(|stat| stat.dev) else { return };
        let mut wants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let want = match wants.entry(dev) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let flags = OFlags::PATH | OFlags::DIRECTORY;
                let opened = kernel.open(Some(dir), Path::new("."), flags, Mode::empty(), ResolveFlags::empty());
                // Where that cannot be had, the messages of the names are what is said.
                let Ok(directory) = opened else { return };
                let Ok(room) = kernel.room(&directory) else { return };
                let (block, shown) = (room.block.max(1), shown.to_owned());
                let (beside, in_place) = (Need::default(), None);
                new.insert(Want { directory, shown, block, names: 0, limit, beside, in_place })
            }
        };
        // What is empty needs a block for its name.
        let size = wish.size.max(1).div_ceil(want.block).saturating_mul(want.block);
        let old = wish.old.unwrap_or(0);
        let grown = i128::from(size) - i128::from(old);
        want.names += 1;
        want.limit = limit;
        if wish.old.is_some() && want.in_place.is_none() {
            want.in_place = Some(want.beside);
        }
        if let Some(in_place) = &mut want.in_place {
            in_place.add(size.saturating_sub(old), grown);
        }
        want.beside.add(size, grown);
    }

    /// Takes out what is missing now.
    pub(super) fn take(&self, kernel: &K, options: &Options) -> Vec<Shortage> {
        let wants = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        wants.into_values().filter_map(|want| want.shortage(kernel, options)).collect()
    }
}

impl<F> Want<F> {
    /// What is missing, where that can be told: a filesystem may have failed of its own records, or room was freed meanwhile.
    fn shortage<K: Kernel<File = F>>(self, kernel: &K, options: &Options) -> Option<Shortage> {
        let room = kernel.room(&self.directory).ok()?;
        let mut left = if options.privileged { room.free } else { room.free_to_users };
        let mut has_names = room.files == 0 || room.files_free > 0;
        if !options.privileged {
            for whose in [QuotaOf::User(options.user), QuotaOf::Group(options.group)] {
                // Where no quota is kept, or it may not be asked for, there is none.
                if let Ok(quota) = kernel.quota(&self.directory, whose) {
                    left = left.min(quota_left(&quota, kernel.now().seconds));
                    has_names &= quota.names_limit == 0 || quota.names < quota.names_limit;
                }
            }
        }
        let needed = self.beside.bytes();
        let fits = self.in_place.is_some_and(|need| need.bytes() <= left) && needed > left;
        let lack = match self.limit {
            _ if !has_names => Resource::Inodes { names: self.names },
            _ if needed > left => Resource::Room { needed, left },
            // btrfs keeps quotas of its own, of subvolumes.
            Limit::Quota => Resource::Quota { needed },
            Limit::Disk => return None,
        };
        let in_place = if fits { InPlace::Fits } else { InPlace::SparesNothing };
        Some(Shortage { directory: self.shown, lack, in_place })
    }
}

/// The bytes that a quota leaves.
fn quota_left(quota: &Quota, now: i64) -> u64 {
    let is_late = quota.grace_ends > 0 && quota.grace_ends <= now.unsigned_abs();
    let limit = if quota.limit == 0 || is_late { quota.soft_limit } else { quota.limit };
    if limit == 0 { u64::MAX } else { limit.saturating_sub(quota.used) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_replaces_needs_its_room_once_and_what_is_new_keeps_it() {
        let mut need = Need::default();
        for (at_first, grown) in [(100, 0), (100, 10), (50, 0)] {
            need.add(at_first, grown);
        }
        assert_eq!(need.bytes(), 100);
        need.add(100, 100);
        assert_eq!(need.bytes(), 110);
        need.add(100, 100);
        assert_eq!(need.bytes(), 210);
    }

    #[test]
    fn the_soft_limit_counts_once_its_time_is_over() {
        let quota = Quota { limit: 100, soft_limit: 50, used: 60, grace_ends: 9, names_limit: 0, names: 0 };
        assert_eq!((quota_left(&quota, 8), quota_left(&quota, 9)), (40, 0));
        assert_eq!(quota_left(&Quota { limit: 0, soft_limit: 0, ..quota }, 9), u64::MAX);
    }
}
