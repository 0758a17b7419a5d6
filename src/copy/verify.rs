//! Proof that a target holds what its source held: the size, the bytes, and, if asked, the device.

use super::block_map::INLINE;
use super::copier::{Copier, Job};
use super::digest::Digests;
use super::fallback::{AttemptError, Fallback};
use super::mismatch::{left, mismatch};
use super::pass::{Digested, End, Holes, Mode, Pass, Passed, Zeros};
use super::stopped::Stopped;
use crate::error::{Action, Difference, Error};
use crate::kernel::{Kernel, Stat};
use crate::known::filesystems::{Filesystem, Honesty};
use crate::options::Verify;
use crate::quote::quoted;
use std::path::Path;
use std::time::Duration;

impl<K: Kernel> Copier<'_, K> {
    /// Compares every byte of the target with the source's, as a pass of its own: for strategies
    /// that did not have the bytes in hand.
    pub(super) fn compare(&self, filling: Pass<'_, K>) -> Result<Passed, Stopped> {
        Pass { mode: Mode::Compare, zeros: Zeros::Written, ..filling }.run()
    }

    /// A target whose size is not that of what was read holds something else, whatever its bytes.
    /// Returns the target's stat.
    pub(super) fn check_size(&self, job: &Job<'_, K::File>, target: &K::File, size: u64) -> Result<Stat, AttemptError> {
        let stat = self.kernel.stat(target);
        let stat =
            stat.map_err(|errno| AttemptError::Fatal(Error::call(Action::StatTarget, job.target.shown, errno)))?;
        if stat.size == size {
            return Ok(stat);
        }
        let range = size.min(stat.size)..size.max(stat.size);
        let size_of = |size: u64| format!("size {size}");
        Err(AttemptError::Fallback(Fallback::Different(Box::new(Difference {
            offset: range.start,
            range,
            source_digest: size_of(size),
            target_digest: size_of(stat.size),
        }))))
    }

    /// Drops a file that was written out from the page cache, and tells whether it is proved to be gone from there.
    fn drops_out_of_cache(&self, file: &K::File, is_gone: impl Fn() -> bool) -> crate::kernel::Result<bool> {
        for pause in PATIENCE {
            self.kernel.pause(Duration::from_millis(pause));
            self.kernel.drop_cache(file)?;
            if is_gone() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes the target out, drops it from the page cache, proves that it is gone from there, and
    /// compares again. `digest` is what was read of a source that cannot be read twice.
    ///
    /// The proof holds for filesystems that keep file data in the page cache and nowhere else. ZFS
    /// has a cache of its own, and what is behind FUSE or a network nobody tells: there it is an
    /// error, as it is where pages stay (tmpfs has no device).
    pub(super) fn verify_from_device(
        &self,
        job: &Job<'_, K::File>,
        target: &K::File,
        again: Recheck<'_, K>,
    ) -> Result<(), AttemptError> {
        let failed = |errno| AttemptError::Fatal(Error::call(Action::Sync, job.target.shown, errno));
        self.kernel.fsync(target).map_err(failed)?;
        let filesystem = Filesystem::new(self.kernel.filesystem(target).map_err(failed)?);
        let size = self.kernel.stat(target).map_err(failed)?.size;
        let is_honest = filesystem.honesty(self.host.kernel) == Honesty::Honest;
        let mut is_gone = size == 0;
        if !is_gone && is_honest && filesystem.has_device() {
            is_gone = self.drops_out_of_cache(target, || self.is_out_of_cache(target, size)).map_err(failed)?;
        }
        if !is_honest || !is_gone {
            return Err(AttemptError::Fatal(cannot_prove(
                job.target.shown,
                &format!("{} keeps it in memory", filesystem.name()),
            )));
        }
        // Metadata stay in memory, with what of a small file lies within them.
        if size > 0 && !self.is_out_of_metadata(target).map_err(failed)? {
            return Err(AttemptError::Fatal(cannot_prove(
                job.target.shown,
                &format!("{} keeps it within its metadata", filesystem.name()),
            )));
        }
        self.compare_again(job, again)
    }

    /// Writes a block device out, unless nothing is to be proved: its close would do so too, and say nothing of
    /// what could not be written. With --verify=device drops what was written from the page cache, proves
    /// that it is gone from there, and compares again.
    pub(super) fn verify_block_device<'a>(
        &self,
        job: &Job<'_, K::File>,
        target: &K::File,
        size: u64,
        again: impl FnOnce() -> Recheck<'a, K>,
    ) -> Result<(), AttemptError>
    where
        K: 'a,
    {
        let failed = |errno| AttemptError::Fatal(Error::call(Action::Sync, job.target.shown, errno));
        if self.options.verify == Verify::Nothing {
            return Ok(());
        }
        self.kernel.fsync(target).map_err(failed)?;
        if self.options.verify != Verify::Device {
            let is_compared = matches!(self.options.verify, Verify::Content | Verify::Map);
            return if is_compared { Ok(()) } else { self.compare_again(job, again()) };
        }
        // The rest of the device is others'.
        let is_gone = || self.has_no_pages(target, size);
        if !self.drops_out_of_cache(target, is_gone).map_err(failed)? {
            return Err(AttemptError::Fatal(cannot_prove(job.target.shown, "others keep it in memory")));
        }
        self.compare_again(job, again())
    }

    /// Reads source and target once more, from the start to the end, and compares what BLAKE3 makes of them. Returns the
    /// digests of what was read.
    pub(super) fn verify_by_digests(
        &self,
        job: &Job<'_, K::File>,
        target: &K::File,
        again: Recheck<'_, K>,
    ) -> Result<Option<Digests>, AttemptError> {
        let pass = match again {
            Recheck::Compare(pass) => pass,
            // A source that is gone has its digest from when it was there.
            Recheck::Digest(..) => return self.compare_again(job, again).map(|()| None),
        };
        let reading = |file| Pass {
            source: file,
            mode: Mode::Read,
            holes: Holes::Unmapped,
            end: End::ByRead,
            digested: Digested::Everything,
            ..pass
        };
        let read = |pass: Pass<'_, K>| pass.run().map_err(|stopped| self.failed(job, stopped));
        let (source, target) = (read(reading(pass.source))?, read(reading(target))?);
        let whole = |passed: &Passed| passed.digests.as_ref().map(|digests| digests.whole);
        if whole(&source).is_some() && whole(&source) == whole(&target) && source.size == target.size {
            return Ok(source.digests);
        }
        let difference = whole_difference(source.size.max(target.size), whole(&source), whole(&target));
        Err(AttemptError::Fallback(Fallback::Different(difference)))
    }

    /// Whether the file's content lies in blocks of its own.
    fn is_out_of_metadata(&self, file: &K::File) -> crate::kernel::Result<bool> {
        Ok(self.kernel.first_extent(file)?.is_none_or(|flags| flags & INLINE == 0))
    }

    fn compare_again(&self, job: &Job<'_, K::File>, again: Recheck<'_, K>) -> Result<(), AttemptError> {
        match again {
            Recheck::Compare(pass) => self.compare(pass).map(drop).map_err(|stopped| self.failed(job, stopped)),
            Recheck::Digest(pass, digest) => {
                let target_pass = Pass { mode: Mode::Read, holes: Holes::Unmapped, ..pass };
                let read = target_pass.run().map_err(|stopped| self.failed(job, stopped))?;
                let found = read.digests.map(|digests| digests.whole);
                if found.is_some() && found == digest {
                    return Ok(());
                }
                Err(AttemptError::Fatal(mismatch(
                    whole_difference(read.size, digest, found),
                    job,
                    left(job, job.facts.placement),
                )))
            }
        }
    }
}

/// How long who has just written a page out is given to let go of it, in milliseconds before each request to drop it: on btrfs one
/// file in 20,000 to 40,000 was still held when fsync had returned (Linux 6.18).
const PATIENCE: [u64; 7] = [0, 1, 2, 4, 8, 16, 32];

/// Two files of at most `size` bytes whose digests differ: where, they do not tell.
fn whole_difference(size: u64, source: Option<blake3::Hash>, target: Option<blake3::Hash>) -> Box<Difference> {
    let shown = |digest: Option<blake3::Hash>| digest.map_or_else(String::new, |hash| hash.to_string());
    let (source_digest, target_digest) = (shown(source), shown(target));
    Box::new(Difference { offset: 0, range: 0..size, source_digest, target_digest })
}

/// The refusal to say of a target that it came back from its device.
pub(super) fn cannot_prove(shown: &Path, why: &str) -> Error {
    Error::Refused(format!("cannot prove that {} is read back from its device: {why}", quoted(shown)))
}

/// How a target is compared once more.
pub(super) enum Recheck<'a, K: Kernel> {
    /// With its source.
    Compare(Pass<'a, K>),
    /// With the digest of a source that is gone, such as a fifo; the pass reads the target alone.
    Digest(Pass<'a, K>, Option<blake3::Hash>),
}
