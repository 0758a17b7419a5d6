//! A large file that several runs copy, each some ranges of it, into one file that has its name only at the end.
//!
//! A range is moved and read back by whoever copies it, which gives the value of its subtree of BLAKE3. The end reads every
//! range again and compares the values, so that what the file holds then is what the sources held when it was copied; only
//! then it gets its attributes and its name. Here no hint is used: every byte goes through our own buffer.

use super::attempt::exhausted;
use super::commit::{Detached, Temporary};
use super::copier::{Copier, Job};
use super::digest::{Digests, Tree};
use super::fallback::AttemptError;
use super::ladder::Ladder;
use super::outcome::Copied;
use super::pass::{self, Digested, End, Holes, Pass, Passed, Position, Proof, TargetHoles, Zeros};
use super::sink::{Content, Filled, Progress, Sink, SinkFile};
use super::stopped::Stopped;
use super::strategy::{Strategy, Why};
use super::types::{Name, Placement, Source, TargetFacts};
use crate::error::{Action, Error, TargetAfterFailure};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat, Timestamp};
use crate::known::filesystems::Honesty;
use crate::options::{Sparse, Unfinished, Verify};
use crate::path::beside;
use crate::quote::quoted;
use blake3::hazmat::ChainingValue;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Only its owner may read and write what is not finished.
const OWNERS: u32 = 0o600;

/// The file that ranges are copied into.
pub(crate) struct Part<F> {
    /// Its name in the target's directory.
    name: PathBuf,
    file: F,
    /// As it was when it was opened.
    pub(crate) stat: Stat,
    /// When it came into being, where the filesystem keeps that.
    pub(crate) birth: Option<Timestamp>,
}

impl<K: Kernel> Copier<'_, K> {
    /// Opens the part of a target, of the source's size; makes it where there is none.
    pub(crate) fn make_part(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        name: PathBuf,
    ) -> Result<Part<K::File>, Error> {
        let failed = |errno| Error::call(Action::CreateFile, target.shown, errno);
        let mut part = self.open_part(target, &name, OFlags::RDWR)?;
        // What somebody else has put there gives way to a new one, and so does what an end that died had given its owner already.
        if let (Some(odd), Some(dir)) = (part.take_if(|part| !is_own(part, self.options.user)), target.dir) {
            drop(odd);
            self.kernel.unlink(dir, &name).map_err(failed)?;
        }
        if part.is_none() {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            match self.kernel.open(target.dir, &name, flags, Mode::from_raw_mode(OWNERS), ResolveFlags::empty()) {
                // Opened as another's might be.
                Ok(_) | Err(Errno::EXIST) => part = self.open_part(target, &name, OFlags::RDWR)?,
                Err(errno) => return Err(failed(errno)),
            }
        }
        let part = part.ok_or_else(|| failed(Errno::NOENT))?;
        must_be_own(&part, target, self.options.user)?;
        // Whoever comes first gives it its size; a source that changed has another.
        if part.stat.size != source.stat.size {
            let resized = self.kernel.truncate(&part.file, source.stat.size);
            resized.map_err(|errno| Error::call(Action::Extend, target.shown, errno))?;
        }
        Ok(part)
    }

    /// Opens the part of a target to be read again, by whoever has records of it; `None` where there is none.
    pub(crate) fn find_part(&self, target: &Name<'_, K::File>, name: &Path) -> Result<Option<Part<K::File>>, Error> {
        // One whose end was interrupted may have its owner and its mode already; records know it by its birth.
        let part = self.open_part(target, name, OFlags::RDONLY)?;
        part.iter()
            .filter(|part| part.birth.is_none())
            .try_for_each(|part| must_be_own(part, target, self.options.user))?;
        Ok(part)
    }

    fn open_part(
        &self,
        target: &Name<'_, K::File>,
        name: &Path,
        access: OFlags,
    ) -> Result<Option<Part<K::File>>, Error> {
        let failed = |errno| Error::call(Action::CreateFile, target.shown, errno);
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = match self.kernel.open(target.dir, name, flags, Mode::empty(), ResolveFlags::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        let stat = self.kernel.stat(&file).map_err(failed)?;
        let birth = self.kernel.birth(Some(&file), Path::new(""), false).map_err(failed)?;
        Ok(Some(Part { name: name.to_owned(), file, stat, birth }))
    }

    /// Copies a range, and reads it back. Returns the value of the source's subtree.
    pub(crate) fn copy_range(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
        (part, range): (&Part<K::File>, &Range<u64>),
    ) -> Result<ChainingValue, Error> {
        let job = Job { source, target, facts, moving: None, unfinished: Unfinished::Removed };
        self.outwait_times(source)?;
        let zeros = match self.options.sparse {
            Sparse::Always => Zeros::Holes,
            Sparse::Auto if source.stat.looks_sparse() => Zeros::Holes,
            Sparse::Auto | Sparse::Never => Zeros::Written,
        };
        let mode = if self.options.verify == Verify::Nothing { pass::Mode::Write } else { pass::Mode::WriteAndCompare };
        let pass = |zeros| Pass { mode, zeros, ..self.pass_of_range(source.file, &part.file, source.stat.size) };
        let first = pass(zeros).run_in(range).map_err(|stopped| self.failed(&job, stopped));
        let tree = match first {
            // Where a hole was to be, an earlier run may have left bytes of a source that has changed.
            Err(AttemptError::Fallback(_)) => {
                pass(Zeros::Written).run_in(range).map_err(|stopped| self.failed(&job, stopped))
            }
            first => first,
        };
        let mut tree = tree.map_err(|error| match error {
            AttemptError::Fatal(error) => error,
            AttemptError::Fallback(fallback) => exhausted(fallback, &job, TargetAfterFailure::Nothing),
        })?;
        if self.has_changed(source)? {
            let source = quoted(source.shown);
            return Err(Error::Refused(format!("{source} changed while being copied: run all shards again")));
        }
        tree.range(range).ok_or_else(|| Error::call(Action::Read, source.shown, Errno::IO))
    }

    /// Reads a range of a part. Returns the digests of its pieces.
    pub(crate) fn read_range(
        &self,
        target: &Name<'_, K::File>,
        (part, range): (&Part<K::File>, &Range<u64>),
    ) -> Result<Tree, Error> {
        let failed = |errno| Error::call(Action::Read, target.shown, errno);
        self.pass_of_range(&part.file, &part.file, part.stat.size).run_in(range).map_err(|stopped| match stopped {
            Stopped::Failed(_, errno) => failed(errno),
            Stopped::Interrupted => Error::Interrupted,
            Stopped::Truncated | Stopped::Longer | Stopped::Different(_) | Stopped::Nonsense => failed(Errno::STALE),
        })
    }

    fn pass_of_range<'p>(&'p self, source: &'p K::File, target: &'p K::File, size: u64) -> Pass<'p, K> {
        Pass {
            kernel: self.kernel,
            source,
            target,
            size,
            // Whether the source has changed is asked afterwards.
            end: End::AtSize,
            source_position: Position::Any,
            target_position: Position::Any,
            mode: pass::Mode::Read,
            zeros: Zeros::Written,
            holes: Holes::Unmapped,
            target_holes: TargetHoles::ByBytes,
            digested: Digested::Everything,
            geometry: self.geometry,
            threads: (self.options.jobs != Some(NonZeroUsize::MIN)).then_some(&self.threads),
            stop: self.stop,
            moving: None,
        }
    }

    /// Gives a part that was read again, with these digests, its attributes and the target's name. One that cannot have it is
    /// removed.
    pub(crate) fn name_part(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
        (part, digests): (Part<K::File>, Digests),
    ) -> Result<Copied, Error> {
        let facts = &TargetFacts { may_wait: false, placement: Placement::New, is_last_look: true, ..*facts };
        let job = Job { source, target, facts, moving: None, unfinished: Unfinished::Removed };
        let began = self.options.tells_digests().then(|| self.kernel.now());
        let failed = |errno| Error::call(Action::CreateFile, target.shown, errno);
        let probe = self.probe(source);
        let ladder = Ladder::only_stream(Why::Shared);
        let spot = self.spot(target.directory().map_err(failed)?, facts.target_directory.honesty);
        let Part { name, file, stat, .. } = part;
        let passed = Passed { size: stat.size, digests: Some(digests), proof: Proof::Bytes };
        let filled = Filled { passed, zeros: Zeros::Written, stat: Some(stat), continued: false };
        let content = Content { filled: &filled, strategy: Strategy::Stream };
        let temporary = Temporary::attach(spot, Detached { name: Some(name), file });
        let sink = Sink { placement: Placement::New, holder: SinkFile::Temporary { temporary, old: None } };
        match self.finish(&job, sink, Some(content))? {
            Progress::Named(finished) => Ok(self.copied((&probe, began), &ladder, &filled, finished)),
            Progress::Waits(..) | Progress::Again => Err(failed(Errno::BUSY)),
        }
    }

    /// Removes the part of a target, if there is one.
    pub(crate) fn discard_part(&self, target: &Name<'_, K::File>, name: &Path) -> Result<(), Error> {
        let removed = target.directory().and_then(|dir| self.spot(dir, Honesty::Unknown).remove(name));
        removed.map_err(|errno| Error::call(Action::Remove, &beside(target.shown, name), errno))
    }

    /// Removes a part that does not hold what it should.
    pub(crate) fn remove_part(&self, target: &Name<'_, K::File>, part: Part<K::File>) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Remove, &beside(target.shown, &part.name), errno);
        self.kernel.unlink(target.directory().map_err(failed)?, &part.name).map_err(failed)
    }
}

/// Whether a part is as a shard makes it.
fn is_own<F>(part: &Part<F>, user: u32) -> bool {
    let Stat { kind, nlink, uid, mode, .. } = part.stat;
    kind == Kind::File && nlink == 1 && uid == user && mode & !OWNERS == 0
}

/// Fails for a part that somebody else may have put there: he could have it given an owner and a name, and go on writing to it.
fn must_be_own<F>(part: &Part<F>, target: &Name<'_, F>, user: u32) -> Result<(), Error> {
    if is_own(part, user) {
        return Ok(());
    }
    let shown = beside(target.shown, &part.name);
    let what = "it is not as a shard has made it; remove it, and run all shards again";
    Err(Error::Refused(format!("not using {}: {what}", quoted(&shown))))
}
