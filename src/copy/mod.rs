//! One regular file, from an open source to a target that was read back and has its name.
//!
//! Probe, choose strategies, make a fresh temporary, settle if a hint will be used, transfer, verify;
//! a strategy that is not supported or whose result differs hands over to the next, with a new
//! temporary; then metadata, then the name. This file holds the only loop down the ladder.

pub(crate) mod backup;
pub mod commit;
pub mod digest;
mod durable;
pub mod extent;
mod fill;
mod flags;
mod landing;
mod lease;
mod leftover;
pub mod map;
pub mod metadata;
pub mod probe;
mod rewrite;
mod same;
pub mod strategy;
pub mod threads;
mod through;
pub mod transfer;
pub mod verify;

use crate::error::{Action, Error};
use crate::host::Host;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::attributes::DEFAULT_LIST;
use crate::known::filesystems::{Filesystem, Honesty};
use crate::options::{Options, Reflink, Verify};
use crate::quote::quoted;
use backup::Taken;
use fill::{Failed, Filled, exhausted};
pub(crate) use landing::Finished;
use landing::{Content, no_room};
use leftover::Names;
use metadata::Wardrobe;
use probe::Probe;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use strategy::{Cloning, Fallback, Ladder, Strategy, Why};
use threads::Threads;

/// More hole bytes than this are not hashed where the map is believed: the file then has no digest.
/// Hashing so many zeros takes some hundredths of a second.
pub const HOLES_HASHED_MAX: u64 = 256 << 20;

/// The sizes a file is cut into, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// One read and one write; at most this much memory for each of two buffers per thread.
    pub slice: usize,
    /// What is hashed by itself and handed to one thread: 1024 times a power of two, and a multiple
    /// of the slice.
    pub piece: u64,
    /// The smallest hole that is made.
    pub block: usize,
    /// The largest file that is small: to prove its clone costs more than to copy it (docs/design/small-files.md).
    pub small: u64,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { slice: 128 << 10, piece: 1 << 20, block: 4096, small: 16 << 10 }
    }
}

/// Which symbolic links a look-up goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// None in the last component, which is the only one inside a tree.
    No,
    /// Those that stay beneath the directory.
    Beneath,
    /// All: the user named it.
    Yes,
}

/// A name in a directory, and what the user would call it.
#[derive(Debug)]
pub struct Name<'a, F> {
    /// The directory that `name` is looked up in; `None` is the working directory.
    pub dir: Option<&'a F>,
    /// One component within a tree; a path for an operand of the command line.
    pub name: &'a Path,
    /// For messages.
    pub shown: &'a Path,
    /// Which links count.
    pub follow: Follow,
}

impl<F> Clone for Name<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Name<'_, F> {}

impl<'a, F> Name<'a, F> {
    /// A single component in an open directory.
    #[must_use]
    pub fn within(dir: &'a F, name: &'a Path, shown: &'a Path) -> Self {
        Self { dir: Some(dir), name, shown, follow: Follow::No }
    }

    /// The same name with another rule about links.
    #[must_use]
    pub fn following(self, follow: Follow) -> Self {
        Self { follow, ..self }
    }

    /// The directory's handle. Targets have one; without it the answer is EBADF.
    pub fn directory(&self) -> crate::kernel::Result<&'a F> {
        self.dir.ok_or(Errno::BADF)
    }

    /// Opens it.
    pub fn open<K: Kernel<File = F>>(&self, kernel: &K, flags: OFlags) -> crate::kernel::Result<F> {
        let (extra, resolve) = match self.follow {
            Follow::No => (OFlags::NOFOLLOW, ResolveFlags::empty()),
            Follow::Beneath => (OFlags::empty(), ResolveFlags::BENEATH),
            Follow::Yes => (OFlags::empty(), ResolveFlags::empty()),
        };
        // openat2 takes no other flags beside O_PATH than those about the look-up.
        let terminal = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NOCTTY };
        kernel.open(self.dir, self.name, flags | extra | terminal, Mode::empty(), resolve)
    }
}

/// An open source.
pub struct Source<'a, F> {
    /// Open for reading.
    pub file: &'a F,
    /// As it was when it was opened.
    pub stat: &'a Stat,
    /// For messages.
    pub shown: &'a Path,
    /// The filesystem of the directory it was found in, if that directory's handle is still open.
    pub origin: Option<Origin>,
}

/// The filesystem of an open directory: asked once for all names in it. A file with the same device lies on it,
/// since the handle keeps that number from being given to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The directory's device.
    pub dev: u64,
    /// The filesystem's magic number.
    pub magic: u32,
}

/// How a regular file arrives at its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    /// Under a name that is free.
    New,
    /// In the place of an old file that looks the same afterwards but for content and inode number.
    Replace,
    /// In the place of whatever is there, as a new file.
    Supplant,
    /// Into the old file, from a verified copy beside it.
    Rewrite,
    /// Into the old file, which is emptied first.
    InPlace,
    /// Into something that is not a regular file: written, never read back.
    Through,
    /// Onto a block device.
    BlockDevice,
    /// Into a value that the kernel shows as a file: written at once, never read back.
    Value,
}

/// What is known of a target's directory: asked once for all names in it.
#[derive(Clone, Copy, Debug)]
pub struct Home {
    /// What is made in it may inherit an access control list.
    pub inherits: bool,
    /// What hints of its filesystem are worth.
    pub honesty: Honesty,
    /// Its device; `None` if it could not be told.
    pub dev: Option<u64>,
}

/// What a regular file is to meet at its target, found out before anything is opened there.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    /// How it arrives.
    pub landing: Landing,
    /// The target's directory.
    pub home: Home,
    /// What has the target's name, links followed as far as they are written through.
    pub found: Option<Stat>,
    /// A fifo's reader is waited for: the user named it. Elsewhere somebody may have put it there.
    pub waits: bool,
}

/// Asked between steps: whether a signal wants the run to end.
#[derive(Clone, Copy)]
pub struct Stop<'a>(pub &'a AtomicBool);

impl Stop<'_> {
    /// Whether it does.
    #[must_use]
    pub fn is_asked(self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// By what strategy.
    pub strategy: Strategy,
    /// What allowed it, or forbade a better one.
    pub why: Why,
    /// What was known of cloning into this target.
    pub cloning: Cloning,
    /// What was tried before.
    pub fallbacks: Vec<(Strategy, Fallback)>,
    /// Bytes of content.
    pub size: u64,
    /// BLAKE3 of them, where it is told and every byte was read.
    pub digest: Option<blake3::Hash>,
    /// Whether and how the target was read back.
    pub verified: Verified,
    /// Whether holes were told by the source's map, and whether blocks of zeros became holes.
    pub sparse: Sparseness,
    /// Size, times or inode of the source differed afterwards.
    pub changed: bool,
    /// How it arrived.
    pub landing: Landing,
    /// What took an old file's name was not written out before, since its filesystem has no such call: its answer.
    pub unsynced: Option<Errno>,
    /// Attributes that had to be kept and could not.
    pub complaints: Vec<Error>,
    /// The name, for messages, that the old target keeps.
    pub backup: Option<PathBuf>,
    /// The target's identity, if it is a regular file.
    pub identity: Option<(u64, u64)>,
}

/// How holes came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sparseness {
    /// SEEK_DATA and SEEK_HOLE told them.
    pub by_map: bool,
    /// Blocks of zeros became holes.
    pub by_zeros: bool,
}

/// How a target was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Through the page cache.
    Content,
    /// From its device.
    Device,
    /// Not at all, as the options asked.
    No,
    /// Not at all, because it is not a regular file.
    Impossible,
    /// Not at all, because what a read gives is made up by the kernel.
    MadeUp,
}

/// Copies regular files; see the head of this file.
pub struct Copier<'a, K: Kernel> {
    pub(crate) kernel: &'a K,
    pub(crate) options: &'a Options,
    host: &'a Host,
    stop: Stop<'a>,
    /// What files of a tree, and pieces of a large one, are shared between.
    pub(crate) threads: Threads,
    /// The sizes files are cut into.
    pub geometry: Geometry,
    /// Pairs of source and target devices between which FICLONE said that it never can.
    unclonable: Mutex<BTreeSet<(u64, u64)>>,
    /// Names of temporaries.
    names: Names,
    /// A file without a name could not be given one: they have one from the beginning.
    lacks_links: AtomicBool,
    /// Names that no backup may take.
    taken: Taken,
}

/// One file on its way: where it comes from and where it goes.
struct Job<'a, F> {
    source: &'a Source<'a, F>,
    target: &'a Name<'a, F>,
    ground: &'a Ground,
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
            names: Names::default(),
            lacks_links: AtomicBool::default(),
            taken: Taken::default(),
        }
    }

    /// Asks about a directory in which targets are to be made.
    pub fn home(&self, dir: &K::File) -> Home {
        // What cannot be told of a directory is taken for the worst by whoever asks.
        let stat = self.kernel.stat(dir).ok();
        let inherits = self.hands_down_list(dir, stat.as_ref());
        Home { inherits, honesty: self.honesty_of(dir), dev: stat.map(|stat| stat.dev) }
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

    /// Carries attributes.
    pub(crate) fn wardrobe(&self) -> Wardrobe<'_, K> {
        Wardrobe { kernel: self.kernel, options: self.options, rules: &self.host.attributes }
    }

    /// Copies an open source to `target`.
    ///
    /// On success the target has its name, its content was read back as the options ask, and equals
    /// what was read of the source. On an error the name has what it had, unless `landing` writes
    /// into the old file. A crash can leave a name that begins with [`commit::TEMPORARY_PREFIX`].
    pub fn copy_file(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        ground: &Ground,
    ) -> Result<Copied, Error> {
        let job = Job { source, target, ground };
        let mut landing = ground.landing;
        let probe = self.probe(source);
        let mut ladder = self.ladder(&probe, &job, landing)?;
        loop {
            let sink = self.sink(&job, landing)?;
            self.must_last(&job, sink.landing, sink.staying())?;
            if sink.landing != landing {
                landing = sink.landing;
                ladder = self.ladder(&probe, &job, landing)?;
            }
            match self.fill(ladder.rung(), &probe, &job, &sink) {
                Ok(filled) => {
                    let content = Content { filled: &filled, strategy: ladder.rung().strategy };
                    if let Some(finished) = self.finish(&job, sink, Some(content))? {
                        return Ok(self.copied(&ladder, &filled, finished));
                    }
                    // Once more, with a temporary that has a name.
                }
                Err(Failed::For(error)) => return Err(without_room(&job, landing, error)),
                Err(Failed::Fallback(fallback)) => {
                    sink.give_up(&job)?;
                    ladder.step_down(fallback).map_err(|fallback| exhausted(fallback, &job))?;
                }
            }
        }
    }

    /// Carries a source's attributes to `target` and leaves its content alone; a new file is empty.
    ///
    /// On success the target has its name. What a crash can leave is what [`Self::copy_file`] says.
    pub(crate) fn copy_attributes(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        ground: &Ground,
    ) -> Result<Finished, Error> {
        let job = Job { source, target, ground };
        let landing = match ground.landing {
            Landing::Replace | Landing::Rewrite => Landing::InPlace,
            landing @ (Landing::New
            | Landing::Supplant
            | Landing::InPlace
            | Landing::Through
            | Landing::BlockDevice
            | Landing::Value) => landing,
        };
        let attempt = || {
            let sink = self.sink(&job, landing)?;
            self.must_last(&job, sink.landing, sink.staying())?;
            self.finish(&job, sink, None)
        };
        // A file without a name that could not be given one: once more, with one from the beginning.
        let finished = attempt()?.map_or_else(attempt, |finished| Ok(Some(finished)))?;
        finished.ok_or_else(|| Error::call(Action::CreateFile, target.shown, Errno::BUSY))
    }

    /// The strategies for this file, or cp's words where `--reflink=always` cannot be.
    fn ladder(&self, probe: &Probe, job: &Job<'_, K::File>, landing: Landing) -> Result<Ladder, Error> {
        let is_file = !matches!(landing, Landing::Through | Landing::BlockDevice | Landing::Value);
        if !is_file || job.source.stat.kind != Kind::File {
            if self.options.reflink == Reflink::Always {
                return Err(Error::pair(Action::Clone, job.target.shown, job.source.shown, Errno::INVAL));
            }
            return Ok(Ladder::only_stream(Why::NotRegular));
        }
        let is_proved = self.options.verify != Verify::Nothing && self.options.reflink != Reflink::Always;
        let cloning = if is_proved && probe.size <= self.geometry.small {
            Cloning::NotWorthProving
        } else if landing == Landing::InPlace || landing == Landing::Rewrite && self.options.reflink == Reflink::Always
        {
            Cloning::IntoOld
        } else if self.may_clone(job) {
            Cloning::IntoNew
        } else {
            Cloning::Refused
        };
        Ladder::new(probe, self.options, cloning).map_err(|why| {
            let (target, source) = (quoted(job.target.shown), quoted(job.source.shown));
            Error::Refused(format!("failed to clone {target} from {source}: {why}"))
        })
    }

    /// Whether FICLONE between these filesystems was not refused for good before.
    fn may_clone(&self, job: &Job<'_, K::File>) -> bool {
        devices(job).is_none_or(|devices| !self.unclonable().contains(&devices))
    }

    /// Remembers that FICLONE between these filesystems never works.
    fn remember_unclonable(&self, job: &Job<'_, K::File>) {
        self.unclonable().extend(devices(job));
    }

    fn unclonable(&self) -> MutexGuard<'_, BTreeSet<(u64, u64)>> {
        self.unclonable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn copied(&self, ladder: &Ladder, filled: &Filled, finished: Finished) -> Copied {
        let rung = ladder.rung();
        let verified = match (finished.landing, self.options.verify) {
            (Landing::Through, _) => Verified::Impossible,
            (Landing::Value, _) => Verified::MadeUp,
            (_, Verify::Nothing) => Verified::No,
            (_, Verify::Content) => Verified::Content,
            (_, Verify::Device) => Verified::Device,
        };
        let sparse =
            Sparseness { by_map: rung.strategy == Strategy::Extents, by_zeros: filled.zeros == transfer::Zeros::Holes };
        Copied {
            strategy: rung.strategy,
            why: rung.why,
            cloning: ladder.cloning(),
            fallbacks: ladder.fallbacks().to_vec(),
            size: filled.passed.size,
            digest: filled.passed.digest,
            verified,
            sparse,
            changed: finished.changed,
            landing: finished.landing,
            unsynced: finished.unsynced,
            complaints: finished.complaints,
            backup: finished.backup,
            identity: finished.identity.or(filled.stat.map(|stat| (stat.dev, stat.ino))),
        }
    }
}

/// Whether ext4, XFS, btrfs, tmpfs or ZFS is meant: these name the lists among the attributes.
fn are_lists_told(honesty: Honesty) -> bool {
    matches!(honesty, Honesty::Honest | Honesty::Zfs)
}

/// What is said where a verified copy beside an old file finds no room.
fn without_room<F>(job: &Job<'_, F>, landing: Landing, error: Error) -> Error {
    match error {
        Error::Call { errno: Errno::NOSPC | Errno::DQUOT, .. } if landing == Landing::Rewrite => {
            no_room(job, &error.to_string())
        }
        error => error,
    }
}

/// The device of the source, and that of the directory the target lies in; nothing if that could not be told.
fn devices<F>(job: &Job<'_, F>) -> Option<(u64, u64)> {
    job.ground.home.dev.map(|dev| (job.source.stat.dev, dev))
}
