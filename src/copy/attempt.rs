//! One attempt: a sink is filled by one strategy, and what it then holds is proved.

use super::block_map::is_shared;
use super::copier::{Copier, Job};
use super::digest::Digests;
use super::fallback::{AttemptError, Fallback, Verdict, verdict};
use super::mismatch::mismatch;
use super::pass::{Digested, End, Holes, Mode, Pass, Passed, Position, Proof, TargetHoles, Zeros};
use super::probe::{Probe, Settled};
use super::sink::{Filled, Sink};
use super::stopped::Stopped;
use super::strategy::{Rung, Strategy};
use super::through::VALUE_SLICE;
use super::types::{Geometry, HOLES_HASHED_MAX, Placement};
use super::verify::Recheck;
use crate::error::{Action, Error, TargetAfterFailure};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::known::filesystems::Honesty;
use crate::options::{Hints, Reflink, Sparse, Verify};
use crate::quote::quoted;

/// The most that one copy_file_range is asked for: glibc 2.41 and 2.42 cut larger answers, and a
/// signal is noticed between calls.
const OFFLOAD_STEP: u64 = 1 << 30;

/// No filesystem keeps a file within metadata that is longer than its blocks can be, in bytes.
const INLINE_MAX: u64 = 64 << 10;

impl<K: Kernel> Copier<'_, K> {
    /// Fills the sink by the rung's strategy, and verifies it as the options ask.
    pub(super) fn fill(
        &self,
        rung: Rung,
        probe: &Probe,
        job: &Job<'_, K::File>,
        sink: &Sink<'_, K>,
    ) -> Result<Filled, AttemptError> {
        if let Some(moving) = job.moving {
            moving.restart();
        }
        if let Some(settling) = rung.settling {
            let settled =
                self.settle(job.source.file, probe.size, settling, job.source.shown).map_err(AttemptError::Fatal)?;
            if settled == Settled::No {
                return Err(AttemptError::Fallback(Fallback::Unsettled));
            }
        }
        if sink.placement == Placement::InPlace {
            self.resize(job, sink, 0)?;
        }
        let is_file = !matches!(sink.placement, Placement::Through | Placement::Value | Placement::BlockDevice);
        if is_file && (probe.size > 0 || job.source.stat.kind != Kind::File) {
            self.keep_out_of_metadata(job, sink.file(), probe.size)?;
        }
        let pass = self.pass(rung.strategy, probe, job, sink);
        let zeros = pass.zeros;
        let believes_holes = pass.holes == Holes::Believed;
        let compares = pass.mode.compares();
        let passed = match rung.strategy {
            Strategy::Reflink => self.reflink(pass, probe, job),
            Strategy::Offload => self.offload(&pass, probe, job),
            Strategy::Extents | Strategy::Stream => {
                // Pieces written out of order and holes at the end need the size beforehand; what was found may be longer.
                let is_sized = pass.threads.is_some() || pass.mode == Mode::Mend;
                if is_sized || pass.zeros == Zeros::Holes || pass.holes != Holes::Unmapped {
                    self.resize(job, sink, probe.size)?;
                }
                let ran = match pass.run() {
                    Err(Stopped::Failed(Action::Write, errno)) if is_sized && self.takes_in_order(errno, sink) => {
                        self.resize(job, sink, 0)?;
                        Pass { threads: None, zeros: Zeros::Written, holes: Holes::Unmapped, ..pass }.run()
                    }
                    ran => ran,
                };
                ran.map_err(|stopped| self.failed(job, stopped))
            }
        }?;
        // Where the file is cut short, the map calls a hole what never held zeros, and nothing of it
        // was read.
        if rung.strategy == Strategy::Extents
            && believes_holes
            && self.has_changed(job.source).map_err(AttemptError::Fatal)?
        {
            return Err(AttemptError::Fallback(Fallback::Changed));
        }
        if compares && zeros == Zeros::Holes && self.was_longer(probe, job, sink, &passed) {
            let pass = Pass { size: passed.size, end: End::AtSize, ..self.pass(rung.strategy, probe, job, sink) };
            self.compare(pass).map_err(|stopped| self.failed(job, stopped))?;
        }
        let (stat, digests) = self.prove(rung.strategy, probe, job, sink, &passed)?;
        let digests = digests.or(passed.digests);
        Ok(Filled { passed: Passed { digests, ..passed }, zeros, stat, continued: sink.is_found() })
    }

    /// Whether a write may have failed as its filesystem, of which little is known, takes bytes only behind the last ones: as some
    /// programs behind FUSE that keep files in object stores.
    fn takes_in_order(&self, errno: Errno, sink: &Sink<'_, K>) -> bool {
        let is_refusal = matches!(errno, Errno::OPNOTSUPP | Errno::INVAL | Errno::SPIPE | Errno::NOSYS | Errno::PERM);
        is_refusal && !sink.is_found() && !self.honesty_of(sink.file()).is_known()
    }

    /// Whether the source was longer than it had said, on a target's filesystem of which nothing is known: holes were then made by
    /// setting its size, after bytes before them had been compared. A FUSE server with write-back caching that answers that with a
    /// smaller size makes the kernel throw these bytes away (fuse_do_setattr, Linux 6.18).
    fn was_longer(&self, probe: &Probe, job: &Job<'_, K::File>, sink: &Sink<'_, K>, passed: &Passed) -> bool {
        let is_known = self.honesty_of(sink.file()).is_known();
        job.source.stat.kind == Kind::File && passed.size > probe.size && !is_known
    }

    /// Verifies what a pass has put into the sink, as far as that was not done on the way. Returns what stat says then, and
    /// digests, where they were what was compared.
    fn prove(
        &self,
        strategy: Strategy,
        probe: &Probe,
        job: &Job<'_, K::File>,
        sink: &Sink<'_, K>,
        passed: &Passed,
    ) -> Result<(Option<Stat>, Option<Digests>), AttemptError> {
        let mut digests = None;
        let again = || self.again(strategy, probe, job, sink, passed);
        let stat = match sink.placement {
            Placement::Through | Placement::Value => None,
            Placement::BlockDevice => {
                self.verify_block_device(job, sink.file(), passed.size, again)?;
                None
            }
            Placement::New
            | Placement::Own
            | Placement::Replace
            | Placement::Supplant
            | Placement::Rewrite
            | Placement::InPlace => {
                let stat = self.check_size(job, sink.file(), passed.size)?;
                match self.options.verify {
                    Verify::Device => self.verify_from_device(job, sink.file(), again())?,
                    Verify::Blake3 => digests = self.verify_by_digests(job, sink.file(), again())?,
                    Verify::Content | Verify::Map | Verify::Nothing => {}
                }
                Some(stat)
            }
        };
        Ok((stat, digests))
    }

    /// With --verify=device gives a file that is small enough to be kept within metadata, which stays in memory, a block of its
    /// own (btrfs, and ext4 with inline_data). Where that cannot be had, the extents show what became of it.
    pub(super) fn keep_out_of_metadata(
        &self,
        job: &Job<'_, K::File>,
        file: &K::File,
        size: u64,
    ) -> Result<(), AttemptError> {
        if self.options.verify != Verify::Device || size > INLINE_MAX {
            return Ok(());
        }
        match self.kernel.allocate(file, 0..1) {
            Err(errno @ (Errno::IO | Errno::NOSPC | Errno::DQUOT)) => {
                Err(AttemptError::Fatal(Error::call(Action::Write, job.target.shown, errno)))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// The pass that a strategy makes over this file.
    fn pass<'p>(
        &'p self,
        strategy: Strategy,
        probe: &Probe,
        job: &Job<'p, K::File>,
        sink: &'p Sink<'_, K>,
    ) -> Pass<'p, K> {
        let is_regular = job.source.stat.kind == Kind::File;
        let size = if is_regular { probe.size } else { 0 };
        let through = matches!(sink.placement, Placement::Through | Placement::Value);
        let is_file = !through && sink.placement != Placement::BlockDevice;
        let slice = if sink.placement == Placement::Value { VALUE_SLICE } else { self.geometry.slice };
        let source_believed = probe.honesty == Honesty::Honest && self.options.hints == Hints::Auto;
        let maps = match strategy {
            Strategy::Extents => true,
            // A reflink of a sparse file is compared where both sides have data.
            Strategy::Reflink => source_believed && probe.looks_sparse(),
            Strategy::Offload | Strategy::Stream => false,
        };
        let holes = match (maps, source_believed) {
            (false, _) => Holes::Unmapped,
            (true, true) => Holes::Believed,
            (true, false) => Holes::Read,
        };
        let zeros = match self.options.sparse {
            _ if !is_file => Zeros::Written,
            Sparse::Always => Zeros::Holes,
            Sparse::Never => Zeros::Written,
            Sparse::Auto if strategy == Strategy::Stream && is_regular && probe.looks_sparse() => Zeros::Holes,
            Sparse::Auto => Zeros::Written,
        };
        let reads_again = matches!(self.options.verify, Verify::Device | Verify::Blake3);
        let digests = self.options.tells_digests() || reads_again && !is_regular;
        let unallocated = probe.unallocated();
        Pass {
            kernel: self.kernel,
            source: job.source.file,
            target: sink.file(),
            size,
            end: if strategy == Strategy::Stream && is_regular && source_believed { End::AtSize } else { End::ByRead },
            source_position: if is_regular { Position::Any } else { Position::Here },
            target_position: if through { Position::Here } else { Position::Any },
            mode: match through {
                true => Mode::Write,
                false if sink.is_found() => Mode::Mend,
                false => self.writing(),
            },
            zeros,
            holes,
            target_holes: if maps { self.target_holes(sink.file()) } else { TargetHoles::ByBytes },
            digested: match (digests, self.options.seals || holes == Holes::Read || unallocated <= HOLES_HASHED_MAX) {
                (true, true) => Digested::Everything,
                (true, false) => Digested::Data,
                (false, _) => Digested::Nothing,
            },
            geometry: Geometry { slice, ..self.geometry },
            threads: self.threads_for(size).filter(|_| is_file),
            stop: self.stop,
            moving: job.moving,
        }
    }

    /// How bytes are written: read back, unless the options say otherwise.
    pub(super) fn writing(&self) -> Mode {
        match self.options.verify {
            // It is compared when everything is written.
            Verify::Nothing | Verify::Blake3 => Mode::Write,
            Verify::Content | Verify::Map | Verify::Device => Mode::WriteAndCompare,
        }
    }

    /// What a target's holes are told by.
    pub(super) fn target_holes(&self, target: &K::File) -> TargetHoles {
        if self.options.hints == Hints::Auto && self.honesty_of(target) == Honesty::Honest {
            TargetHoles::ByMap
        } else {
            TargetHoles::ByBytes
        }
    }

    fn again<'p>(
        &'p self,
        strategy: Strategy,
        probe: &Probe,
        job: &Job<'p, K::File>,
        sink: &'p Sink<'_, K>,
        passed: &Passed,
    ) -> Recheck<'p, K> {
        let pass = self.pass(strategy, probe, job, sink);
        if job.source.stat.kind == Kind::File {
            return Recheck::Compare(pass);
        }
        let alone = Pass { source: sink.file(), size: passed.size, source_position: Position::Any, ..pass };
        Recheck::Digest(alone, passed.digests.as_ref().map(|digests| digests.whole))
    }

    /// FICLONE, then a comparison of what came of it: success from it is a claim.
    fn reflink(&self, pass: Pass<'_, K>, probe: &Probe, job: &Job<'_, K::File>) -> Result<Passed, AttemptError> {
        if let Err(errno) = self.kernel.ficlone(pass.target, pass.source) {
            if matches!(errno, Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS | Errno::XDEV) {
                self.remember_unclonable(job);
            }
            // Where refusing is all that is left, the source's blocks are worth a wait.
            let waits = errno == Errno::AGAIN && self.options.reflink == Reflink::Always;
            if waits && probe.honesty == Honesty::Zfs && self.await_group(pass.target).is_ok() {
                return Err(AttemptError::Fallback(Fallback::NotYetOnDisk));
            }
            let error = Error::pair(Action::Clone, job.target.shown, job.source.shown, errno);
            return Err(by_verdict(errno, error));
        }
        self.prove_claim(pass, probe, job)
    }

    /// copy_file_range over the whole file. What it says it moved is a claim as well.
    fn offload(&self, pass: &Pass<'_, K>, probe: &Probe, job: &Job<'_, K::File>) -> Result<Passed, AttemptError> {
        let mut at = 0;
        while at < probe.size {
            if self.stop.is_asked() {
                return Err(AttemptError::Fatal(Error::Interrupted));
            }
            let range = at..probe.size.min(at + OFFLOAD_STEP);
            match self.kernel.copy_file_range(pass.source, pass.target, range) {
                // No progress before the end: read(2) must tell what is there.
                Ok(0) => return Err(AttemptError::Fallback(Fallback::Unsupported(Errno::OPNOTSUPP))),
                Ok(count) => {
                    at += count;
                    if let Some(moving) = pass.moving {
                        moving.pass(count);
                    }
                }
                Err(errno) => return Err(by_verdict(errno, Error::call(Action::Write, job.target.shown, errno))),
            }
        }
        Ok(Passed { size: probe.size, digests: None, proof: Proof::Bytes })
    }

    fn prove_claim(&self, pass: Pass<'_, K>, probe: &Probe, job: &Job<'_, K::File>) -> Result<Passed, AttemptError> {
        if matches!(self.options.verify, Verify::Nothing | Verify::Blake3) {
            return Ok(Passed { size: probe.size, digests: None, proof: Proof::Bytes });
        }
        if self.is_proved_by_blocks(&pass, probe) {
            return Ok(Passed { size: probe.size, digests: None, proof: Proof::Blocks });
        }
        let plain = Pass { holes: Holes::Unmapped, target_holes: TargetHoles::ByBytes, ..pass };
        let compared = match self.compare(pass) {
            // Maps only save the reading of holes.
            Err(Stopped::Failed(Action::Seek, _) | Stopped::Nonsense) => self.compare(plain),
            compared => compared,
        };
        compared.map_err(|stopped| self.failed(job, stopped))
    }

    /// With --verify=map whether a clone lies in its source's blocks, on a filesystem whose maps are those of what reads see.
    /// A manifest wants digests, for which every byte is read.
    fn is_proved_by_blocks(&self, pass: &Pass<'_, K>, probe: &Probe) -> bool {
        self.options.verify == Verify::Map
            && !self.options.seals
            && probe.honesty == Honesty::Honest
            && self.honesty_of(pass.target) == Honesty::Honest
            // Where a map cannot be had, what is read decides, and says what is wrong.
            && is_shared(self.kernel, pass.source, pass.target, probe.size, self.stop) == Ok(true)
    }

    fn resize(&self, job: &Job<'_, K::File>, sink: &Sink<'_, K>, size: u64) -> Result<(), AttemptError> {
        let resized = self.kernel.truncate(sink.file(), size);
        resized.map_err(|errno| AttemptError::Fatal(Error::call(Action::Extend, job.target.shown, errno)))
    }

    /// What a pass that stopped means for the file.
    pub(super) fn failed(&self, job: &Job<'_, K::File>, stopped: Stopped) -> AttemptError {
        match stopped {
            Stopped::Different(difference) => AttemptError::Fallback(Fallback::Different(difference)),
            Stopped::Nonsense => AttemptError::Fallback(Fallback::Nonsense),
            Stopped::Longer => AttemptError::Fallback(Fallback::Longer),
            Stopped::Interrupted => AttemptError::Fatal(Error::Interrupted),
            Stopped::Truncated => AttemptError::Fatal(Error::Refused(format!(
                "{} was truncated while being copied",
                quoted(job.source.shown)
            ))),
            Stopped::Failed(Action::Seek, errno) => {
                by_verdict(errno, Error::call(Action::Seek, job.source.shown, errno))
            }
            Stopped::Failed(Action::Write, errno) => {
                AttemptError::Fatal(Error::call(Action::Write, job.target.shown, errno))
            }
            Stopped::Failed(action, errno) => AttemptError::Fatal(Error::call(action, job.source.shown, errno)),
        }
    }
}

fn by_verdict(errno: Errno, error: Error) -> AttemptError {
    match verdict(errno) {
        Verdict::Unsupported => AttemptError::Fallback(Fallback::Unsupported(errno)),
        Verdict::Transient => AttemptError::Fallback(Fallback::Interrupted),
        Verdict::Fatal => AttemptError::Fatal(error),
    }
}

/// What is said when the last strategy was left.
pub(super) fn exhausted<F>(fallback: Fallback, job: &Job<'_, F>, left: TargetAfterFailure) -> Error {
    let clone_failed = |errno| Error::pair(Action::Clone, job.target.shown, job.source.shown, errno);
    match fallback {
        Fallback::Different(difference) => mismatch(difference, job, left),
        Fallback::Unsupported(errno) => clone_failed(errno),
        Fallback::Interrupted => clone_failed(Errno::INTR),
        Fallback::NotYetOnDisk => clone_failed(Errno::AGAIN),
        Fallback::Unsettled | Fallback::Nonsense | Fallback::Longer | Fallback::Changed => Error::Refused(format!(
            "failed to clone {} from {}: {fallback}",
            quoted(job.target.shown),
            quoted(job.source.shown)
        )),
    }
}
