//! What all files of a run share: kernel, options, machine, threads, and what was learned on the way.

use super::attributes::Attributes;
use super::meter::{Meter, Moving};
use super::precedent::Precedents;
use super::stale_temporary::TemporaryNames;
use super::strays::Stray;
use super::threads::Threads;
use super::types::{Geometry, Name, Origin, Source, Stop, TargetDirectory, TargetFacts};
use crate::error::Error;
use crate::host::Host;
use crate::kernel::{Errno, Kernel, Stat};
use crate::known::attributes::DEFAULT_LIST;
use crate::known::filesystems::{Filesystem, Honesty};
use crate::options::{Options, Unfinished};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// In a directory with this bit each name is its owner's to remove.
const STICKY: u32 = 0o1000;

/// Names that no backup of this run may take: what it has made under names that could be backups of others. By device and inode
/// number of the directory.
pub(super) type ReservedNames = Mutex<BTreeSet<(u64, u64, PathBuf)>>;

/// Copies regular files; see the head of this file.
pub struct Copier<'a, K: Kernel> {
    pub(crate) kernel: &'a K,
    pub(crate) options: &'a Options,
    pub(super) host: &'a Host,
    pub(crate) stop: Stop<'a>,
    /// What files of a tree, and pieces of a large one, are shared between.
    pub(crate) threads: Threads,
    /// The sizes files are cut into.
    pub geometry: Geometry,
    /// Pairs of source and target devices between which FICLONE said that it never can.
    unclonable: Mutex<BTreeSet<(u64, u64)>>,
    /// Names of temporaries.
    pub(super) names: TemporaryNames,
    /// A file without a name could not be given one: they have one from the beginning.
    pub(super) lacks_links: AtomicBool,
    /// Devices on which new files are made under their own names.
    pub(super) own_names: Mutex<BTreeSet<Option<u64>>>,
    /// What replacing the first file of a directory has shown of it.
    pub(super) precedents: Precedents,
    /// Names that no backup may take.
    pub(super) taken: ReservedNames,
    /// Where it is noted how far large files are, if anybody looks.
    pub(crate) meter: Option<&'a Meter>,
}

/// One file on its way: where it comes from and where it goes.
pub(super) struct Job<'a, F> {
    pub(super) source: &'a Source<'a, F>,
    pub(super) target: &'a Name<'a, F>,
    pub(super) facts: &'a TargetFacts,
    /// Where it is noted how far it is.
    pub(super) moving: Option<&'a Moving>,
    /// What becomes of what was made if the run ends too early.
    pub(super) unfinished: Unfinished,
}

impl<'a, K: Kernel> Copier<'a, K> {
    /// A copier for these options on this machine. It ends early once `stop` is true.
    pub fn new(kernel: &'a K, options: &'a Options, host: &'a Host, stop: &'a AtomicBool) -> Self {
        Self {
            kernel,
            options,
            host,
            stop: Stop(stop),
            threads: Threads::new(options.jobs, options.jobs_max),
            geometry: Geometry::default(),
            unclonable: Mutex::default(),
            names: TemporaryNames::default(),
            lacks_links: AtomicBool::default(),
            own_names: Mutex::default(),
            precedents: Precedents::default(),
            taken: ReservedNames::default(),
            meter: None,
        }
    }

    /// Asks about a directory in which targets are to be made.
    pub fn target_directory(&self, dir: &K::File) -> TargetDirectory {
        // What cannot be told of a directory is taken for the worst by whoever asks.
        let stat = self.kernel.stat(dir).ok();
        let inherits = self.hands_down_list(dir, stat.as_ref());
        let filesystem = self.kernel.filesystem(dir).map_or(Filesystem::new(Filesystem::UNTOLD), Filesystem::new);
        let honesty = self.honesty_on(filesystem, dir);
        let is_own =
            stat.is_some_and(|stat| (stat.uid == 0 || stat.uid == self.options.user) && stat.mode & STICKY == 0);
        TargetDirectory {
            inherits,
            honesty,
            dev: stat.map(|stat| stat.dev),
            ino: stat.map(|stat| stat.ino),
            keeping: filesystem.keeping(),
            is_steady: is_own && honesty == Honesty::Honest,
        }
    }

    /// Asks for the filesystem of a directory in which sources are found, whose stat this is; nothing if that
    /// cannot be told.
    pub fn origin(&self, dir: &K::File, stat: &Stat) -> Option<Origin> {
        self.kernel.filesystem(dir).ok().map(|magic| Origin { dev: stat.dev, magic })
    }

    /// Whether what is made in the directory may inherit an access control list: it has a default one, or its
    /// owner, who is neither root nor this user, can give it one at any time. What cannot be asked counts as a yes,
    /// so that each new file is asked whether it has got a list.
    pub(crate) fn hands_down_list(&self, dir: &K::File, stat: Option<&Stat>) -> bool {
        match self.kernel.get_xattr(dir, OsStr::new(DEFAULT_LIST)) {
            Err(Errno::OPNOTSUPP) => false,
            Err(Errno::NODATA) => !stat.is_some_and(|stat| stat.uid == 0 || stat.uid == self.options.user),
            Ok(_) | Err(_) => true,
        }
    }

    /// Whether the filesystem of a source names a file's access control lists among its attributes, if it has any.
    /// `origin` is that of its directory.
    pub(crate) fn tells_lists(&self, origin: Option<Origin>, stat: &Stat) -> bool {
        let origin = origin.filter(|origin| origin.dev == stat.dev);
        origin.is_some_and(|origin| are_lists_told(Filesystem::new(origin.magic).honesty(self.host.kernel)))
    }

    /// What the pieces of a file of this size are shared between, if it has several and the user wants that.
    pub(super) fn threads_for(&self, size: u64) -> Option<&Threads> {
        let is_shared = size >= 2 * self.geometry.piece && self.options.jobs != Some(NonZeroUsize::MIN);
        is_shared.then_some(&self.threads)
    }

    /// Carries attributes.
    pub(crate) fn attributes(&self) -> Attributes<'_, K> {
        Attributes { kernel: self.kernel, options: self.options, rules: &self.host.attributes }
    }

    /// Whether FICLONE between these filesystems was not refused for good before.
    pub(super) fn may_clone(&self, job: &Job<'_, K::File>) -> bool {
        devices(job).is_none_or(|devices| !self.unclonable().contains(&devices))
    }

    /// Remembers that FICLONE between these filesystems never works.
    pub(super) fn remember_unclonable(&self, job: &Job<'_, K::File>) {
        self.unclonable().extend(devices(job));
    }

    fn unclonable(&self) -> MutexGuard<'_, BTreeSet<(u64, u64)>> {
        self.unclonable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of a target, and the names beside it that stayed: these are a failure, whatever else is. `complaints` are what is said
    /// of a target that was made.
    pub(crate) fn with_strays<T>(
        &self,
        made: Result<T, Error>,
        target: &Path,
        complaints: impl Fn(&T) -> &[Error],
    ) -> Result<T, Error> {
        let tell = |made: Result<T, Error>, stray: Stray| {
            let stays = stray.sentence(target);
            Err(match made {
                Ok(made) => Error::Refused(stays).with_complaints(complaints(&made)),
                Err(Error::Interrupted) => Error::Refused(stays),
                Err(error) => Error::Leaving(Box::new(error), stays),
            })
        };
        self.names.strays.take().into_iter().fold(made, tell)
    }
}

/// Whether ext4, XFS, btrfs, tmpfs or ZFS is meant: these name the lists among the attributes.
pub(super) fn are_lists_told(honesty: Honesty) -> bool {
    honesty.is_known()
}

/// The device of the source, and that of the directory the target lies in; nothing if that could not be told.
pub(super) fn devices<F>(job: &Job<'_, F>) -> Option<(u64, u64)> {
    job.facts.target_directory.dev.map(|dev| (job.source.stat.dev, dev))
}
