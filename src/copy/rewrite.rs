//! How the bytes of a verified copy get into an old file that has to stay, and what a name shows in the end.
//!
//! The old file is emptied only when a complete and verified copy lies beside it, and there is room for its bytes. They are
//! then moved and compared like those of any source, and no signal ends that. If it fails nevertheless, the copy gets a name, or keeps the
//! one that it has, and the message tells it.

use super::attempt::exhausted;
use super::commit::Temporary;
use super::copier::{Copier, Job};
use super::fallback::{AttemptError, Verdict, verdict};
use super::pass::{Digested, End, Holes, Mode, Pass, Position, TargetHoles, Zeros};
use super::sink::{Content, Finished, not_beside, remove};
use super::stopped::Stopped;
use super::strategy::Strategy;
use super::types::{Name, Placement, Stop};
use super::verify::Recheck;
use crate::error::{Action, Error, TargetAfterFailure};
use crate::kernel::{Errno, Kernel, OFlags, Seek, Stat};
use crate::known::filesystems::Honesty;
use crate::options::{Hints, Keep, Reflink, Sparse, Verify};
use crate::quote::quoted;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

/// How often a clone is tried that a signal interrupts.
const CLONE_ATTEMPTS: usize = 4;

/// An old file that has been emptied is filled again, whoever wants to stop.
static NEVER: AtomicBool = AtomicBool::new(false);

impl<K: Kernel> Copier<'_, K> {
    /// Moves the verified copy's bytes into the old file and gives that its attributes.
    pub(super) fn rewrite(
        &self,
        job: &Job<'_, K::File>,
        copy: Temporary<'_, K>,
        old: K::File,
        content: Option<Content<'_>>,
    ) -> Result<Finished, Error> {
        let content = content.ok_or_else(|| Error::call(Action::Write, job.target.shown, Errno::INVAL))?;
        // What lies elsewhere has no blocks to share: the source has them, and what came of it is compared with the copy.
        let is_apart = copy.is_elsewhere() && self.options.reflink == Reflink::Always;
        let shared = if is_apart { job.source.file } else { copy.file() };
        let is_shared = self.clones_into(job, shared, &old, content)?;
        let is_reserved = !is_shared && self.reserve(job, copy.file(), &old, content)?;
        // Until here nothing of the old file has changed. What has all its blocks keeps them.
        let keeps_blocks = is_reserved && self.pass_into(copy.file(), &old, content).zeros == Zeros::Written;
        if !is_shared && !keeps_blocks {
            self.empty(job, &old)?;
        }
        let stat = match self.move_into(job, copy.file(), &old, content, is_shared) {
            Ok(stat) => stat,
            Err(error) => return Err(self.lost(job, copy, Some(content), (&error, "is incomplete"))),
        };
        let mut finished = match self.finish_old(job, old, Placement::Rewrite, Some(stat)) {
            Ok(finished) => finished,
            // Network filesystems say at close that what was written found no place.
            Err(error) => return Err(self.lost(job, copy, Some(content), (&error, "may be incomplete"))),
        };
        finished.identity = Some((stat.dev, stat.ino));
        finished.complaints.extend(remove(job, copy).err());
        Ok(finished)
    }

    /// Fills the emptied old file, or compares it where it has the copy's blocks, and proves what it holds. Returns its
    /// stat.
    pub(super) fn move_into(
        &self,
        job: &Job<'_, K::File>,
        copy: &K::File,
        old: &K::File,
        content: Content<'_>,
        is_shared: bool,
    ) -> Result<Stat, Error> {
        let pass = || self.pass_into(copy, old, content);
        let first = self.prove_move(job, pass(), || {
            let writing = Pass { mode: Mode::Write, ..pass() };
            if is_shared { Ok(()) } else { writing.run().map(drop) }
        });
        let proved = match first {
            // Whatever came of holes and blocks: every byte is read and written.
            Err(AttemptError::Fallback(_)) => {
                self.empty(job, old)?;
                let plain = || Pass { holes: Holes::Unmapped, ..pass() };
                self.prove_move(job, plain(), || Pass { mode: Mode::Write, ..plain() }.run().map(drop))
            }
            proved => proved,
        };
        proved.map_err(|failed| match failed {
            AttemptError::Fatal(error) => error,
            AttemptError::Fallback(fallback) => exhausted(fallback, job, TargetAfterFailure::Wrong),
        })
    }

    fn prove_move(
        &self,
        job: &Job<'_, K::File>,
        pass: Pass<'_, K>,
        moves: impl FnOnce() -> Result<(), Stopped>,
    ) -> Result<Stat, AttemptError> {
        // For holes, and for pieces written out of order; a clone leaves what was longer.
        let (old, size) = (pass.target, pass.size);
        if size > 0 {
            self.keep_out_of_metadata(job, old, size)?;
        }
        self.kernel
            .truncate(old, size)
            .map_err(|errno| AttemptError::Fatal(Error::call(Action::Extend, job.target.shown, errno)))?;
        moves().map_err(|stopped| self.failed(job, stopped))?;
        if pass.mode.compares() || self.options.verify == Verify::Blake3 {
            // By a second look at the copy: the first is the only source of what was written.
            self.compare(Pass { ..pass }).map_err(|stopped| self.failed(job, stopped))?;
        }
        let stat = self.check_size(job, old, size)?;
        if self.options.verify == Verify::Device {
            self.verify_from_device(job, old, Recheck::Compare(pass))?;
        }
        Ok(stat)
    }

    fn empty(&self, job: &Job<'_, K::File>, old: &K::File) -> Result<(), Error> {
        self.kernel.truncate(old, 0).map_err(|errno| Error::call(Action::Extend, job.target.shown, errno))
    }

    /// The pass from a verified copy, whose every byte is read, to the old file. What the copy has for holes are holes there.
    fn pass_into<'p>(&'p self, copy: &'p K::File, old: &'p K::File, content: Content<'_>) -> Pass<'p, K> {
        let size = content.filled.passed.size;
        let is_honest = |file| self.honesty_of(file) == Honesty::Honest;
        let is_sparse = content.strategy == Strategy::Extents || content.filled.zeros == Zeros::Holes;
        let has_holes = is_sparse && self.options.sparse != Sparse::Never;
        let is_mapped = has_holes && self.options.hints == Hints::Auto && is_honest(copy);
        Pass {
            kernel: self.kernel,
            source: copy,
            target: old,
            size,
            end: End::ByRead,
            source_position: Position::Any,
            target_position: Position::Any,
            mode: self.writing(),
            zeros: if has_holes { Zeros::Holes } else { Zeros::Written },
            holes: if is_mapped { Holes::Believed } else { Holes::Unmapped },
            target_holes: if is_mapped { self.target_holes(old) } else { TargetHoles::ByBytes },
            digested: Digested::Nothing,
            geometry: self.geometry,
            threads: self.threads_for(size),
            stop: Stop(&NEVER),
            moving: None,
        }
    }

    /// Has the old file blocks for all that the copy has data for, before anything is taken from it: the copy beside it needs
    /// the same room. False where that cannot be had of the filesystem, and the room is only hoped for.
    fn reserve(
        &self,
        job: &Job<'_, K::File>,
        copy: &K::File,
        old: &K::File,
        content: Content<'_>,
    ) -> Result<bool, Error> {
        let pass = self.pass_into(copy, old, content);
        let before = self.kernel.stat(old).map_err(|errno| Error::call(Action::StatTarget, job.target.shown, errno))?;
        let mut at = 0;
        while at < pass.size {
            let range = if pass.holes == Holes::Unmapped { at..pass.size } else { self.data_from(copy, at, pass.size) };
            if range.is_empty() {
                break;
            }
            match self.kernel.allocate(old, range.clone()) {
                Ok(()) => at = range.end,
                Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => {
                    // What it got beyond its end goes again. That there is no room is what is said.
                    let freed = self.kernel.truncate(old, before.size);
                    freed.and_then(|()| self.kernel.set_times(old, before.atime, before.mtime)).unwrap_or(());
                    return Err(not_beside(job, Action::Write, errno));
                }
                Err(_) => return Ok(false),
            }
        }
        Ok(pass.zeros == Zeros::Written || pass.holes == Holes::Believed)
    }

    /// The next data of a copy from an offset on, as its map has it; all that is left where that cannot be told.
    fn data_from(&self, copy: &K::File, offset: u64, size: u64) -> Range<u64> {
        match self.kernel.seek(copy, Seek::Data, offset) {
            Ok(None) => size..size,
            Ok(Some(start)) if start >= offset && start < size => {
                let end = self.kernel.seek(copy, Seek::Hole, start).ok().flatten().unwrap_or(size);
                start..if end > start { end.min(size) } else { size }
            }
            Ok(Some(_)) | Err(_) => offset..size,
        }
    }

    /// Shares the blocks of the copy, or of the source, where that is known to be right in a file that holds something (on ZFS
    /// it is not, see known/zfs.rs): it needs no room and changes nothing if it fails. False if they cannot be shared and need
    /// not be.
    fn clones_into(
        &self,
        job: &Job<'_, K::File>,
        shared: &K::File,
        old: &K::File,
        content: Content<'_>,
    ) -> Result<bool, Error> {
        let is_hinted = self.options.hints == Hints::Auto;
        let shares = is_hinted && self.options.reflink == Reflink::Auto && self.options.sparse != Sparse::Never;
        let must_share = self.options.reflink == Reflink::Always;
        let is_wanted = content.strategy == Strategy::Reflink || shares || must_share;
        let failed = |errno| Error::pair(Action::Clone, job.target.shown, job.source.shown, errno);
        if !is_wanted || self.honesty_of(old) != Honesty::Honest {
            return if must_share { Err(failed(Errno::OPNOTSUPP)) } else { Ok(false) };
        }
        let clone = || self.kernel.ficlone(old, shared);
        let again = |cloned: crate::kernel::Result<()>| match cloned {
            Err(Errno::INTR) => clone(),
            cloned => cloned,
        };
        match (1..CLONE_ATTEMPTS).fold(clone(), |cloned, _| again(cloned)) {
            Ok(()) => Ok(true),
            Err(Errno::NOSPC | Errno::DQUOT) if !must_share => Ok(false),
            Err(errno) if !must_share && verdict(errno) != Verdict::Fatal => Ok(false),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// The identity of a target that has just got its name. Where a temporary name was renamed to it, or on a filesystem that
    /// is not known, the name is looked at. It has to show the file that was verified, or what another run of the same
    /// command would have put there meanwhile: parallel builds install one file twice.
    pub(super) fn identity_of_named(
        &self,
        (target, honesty): (&Name<'_, K::File>, Honesty),
        file: &K::File,
        was_renamed: bool,
        content: Option<Content<'_>>,
    ) -> Result<Option<(u64, u64)>, Error> {
        let is_known = honesty.is_known();
        if is_known && !was_renamed {
            return Ok(None);
        }
        let failed = |errno| Error::call(Action::StatTarget, target.shown, errno);
        let named = Name { follow: super::Follow::No, ..*target };
        let seen = self.kernel.stat_at(named.dir, named.name, false).map_err(failed)?;
        // The numbers of an open file stay where they are its own.
        let known = content.and_then(|content| content.filled.stat).filter(|_| is_known);
        let ours = known.map_or_else(|| self.kernel.stat(file), Ok).map_err(failed)?;
        if !seen.is_same_file(&ours) {
            let may_be_alike = !is_known || self.has_its_attributes(&seen, file).map_err(failed)?;
            if !(may_be_alike && self.holds_the_same(&named, file, content)?) {
                let name = quoted(target.shown);
                return Err(Error::Refused(format!(
                    "{name} is not the file that was verified: it was replaced meanwhile"
                )));
            }
        }
        Ok(Some((seen.dev, seen.ino)))
    }

    /// Whether another file has the kind, the owner, the mode and, where they are kept, the times of this one.
    fn has_its_attributes(&self, other: &Stat, file: &K::File) -> crate::kernel::Result<bool> {
        let ours = self.kernel.stat(file)?;
        let keeps_times = self.options.preserve.timestamps != Keep::No;
        let attributes = |stat: &Stat| (stat.kind, stat.uid, stat.gid, stat.mode, keeps_times.then_some(stat.mtime));
        Ok(attributes(other) == attributes(&ours))
    }

    /// Whether a name shows what the file is that no byte was written to: nobody else's, empty, and not written since.
    fn is_alike(&self, named: &Name<'_, K::File>, file: &K::File) -> Result<bool, Error> {
        let failed = |errno| Error::call(Action::StatTarget, named.shown, errno);
        let seen = self.kernel.stat_at(named.dir, named.name, false).map_err(failed)?;
        let ours = self.kernel.stat(file).map_err(failed)?;
        let looks = |stat: &Stat| (stat.kind, stat.size, stat.mtime, stat.mode, stat.uid, stat.gid);
        Ok(seen.size == 0 && looks(&seen) == looks(&ours))
    }

    /// Whether the bytes behind a name are those of the verified file: sshfs and mergerfs make inode numbers from names.
    fn holds_the_same(
        &self,
        named: &Name<'_, K::File>,
        file: &K::File,
        content: Option<Content<'_>>,
    ) -> Result<bool, Error> {
        let Some(content) = content else { return self.is_alike(named, file) };
        let failed = |errno| Error::call(Action::StatTarget, named.shown, errno);
        let there = named.open(self.kernel, OFlags::RDONLY | OFlags::NONBLOCK).map_err(failed)?;
        let size = self.kernel.stat(&there).map_err(failed)?.size;
        let pass = self.pass_into(file, &there, content);
        Ok(size == content.filled.passed.size && self.compare(pass).is_ok())
    }
}
