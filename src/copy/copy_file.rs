//! The loop: strategies are tried, best first, until one has made a copy that was proved.

use super::attempt::exhausted;
use super::copier::{Copier, Job};
use super::fallback::AttemptError;
use super::ladder::Ladder;
use super::mismatch::left;
use super::outcome::{Copied, Probed, Sparseness, Verified};
use super::pass::{Proof, Zeros};
use super::probe::Probe;
use super::sink::{Content, Filled, Finished, Progress};
use super::strategy::{Cloning, Strategy, Why};
use super::types::{Name, Placement, Source, TargetFacts};
use super::waiting::{Arrival, Waiting};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Timestamp};
use crate::known::filesystems::Honesty;
use crate::options::{Reflink, Unfinished, Verify};
use crate::quote::quoted;

impl<K: Kernel> Copier<'_, K> {
    /// Copies an open source to `target`.
    ///
    /// On success the target has its name, or waits for it where `facts` let it; its content was read back as the options ask, and equals
    /// what was read of the source. On an error the name has what it had, unless `placement` writes
    /// into the old file. A crash can leave a name that begins with [`TEMPORARY_PREFIX`](super::stale_temporary::TEMPORARY_PREFIX).
    pub fn copy_file(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<Arrival<K::File>, Error> {
        self.with_strays(self.copy_by_ladder(source, target, facts), target.shown, Arrival::complaints)
    }

    fn copy_by_ladder(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<Arrival<K::File>, Error> {
        let following = self.meter.and_then(|meter| meter.follow(source, self.options.verify));
        let moving = following.as_ref().map(|following| &*following.moving);
        let job = Job { source, target, facts, moving, unfinished: Unfinished::Removed };
        let mut placement = facts.placement;
        let began = self.options.tells_decisions().then(|| self.kernel.now());
        self.outwait_times(source)?;
        let probe = self.probe(source);
        let mut lies_elsewhere = false;
        let mut ladder = self.ladder(&probe, &job, placement, lies_elsewhere)?;
        let mut lasts = None;
        loop {
            let unfinished = self.unfinished(ladder.rung().strategy, &job);
            // What is so large has its name as soon as it can, and so has what cannot be read again if the name is refused.
            let may_wait = facts.may_wait && unfinished == Unfinished::Removed && source.can_be_read_again();
            let facts = &TargetFacts { may_wait, ..*facts };
            let job = Job { facts, unfinished, ..job };
            let sink = self.sink(&job, placement)?;
            // Once: what is written in place has been emptied when it is asked about again.
            if lasts != Some(sink.placement) {
                self.must_last(&job, sink.placement, sink.staying())?;
                lasts = Some(sink.placement);
            }
            if (sink.placement, sink.lies_elsewhere()) != (placement, lies_elsewhere) {
                (placement, lies_elsewhere) = (sink.placement, sink.lies_elsewhere());
                ladder = self.ladder(&probe, &job, placement, lies_elsewhere)?;
            }
            match self.fill(ladder.rung(), &probe, &job, &sink) {
                Ok(filled) => {
                    let content = Content { filled: &filled, strategy: ladder.rung().strategy };
                    match self.finish(&job, sink, Some(content))? {
                        Progress::Named(finished) => {
                            return Ok(Arrival::Named(Box::new(self.copied(
                                (&probe, began),
                                &ladder,
                                &filled,
                                finished,
                            ))));
                        }
                        Progress::Waits(file, finished) => {
                            let copied = self.copied((&probe, began), &ladder, &filled, finished);
                            return Ok(Arrival::Waits(Box::new(Waiting { file, copied, filled })));
                        }
                        // Once more, with a temporary that has a name.
                        Progress::Again => {}
                    }
                }
                Err(AttemptError::Fatal(error)) => return Err(without_room(placement, error)),
                Err(AttemptError::Fallback(fallback)) => {
                    sink.give_up(&job)?;
                    ladder.step_down(fallback).map_err(|fallback| exhausted(fallback, &job, left(&job, placement)))?;
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
        facts: &TargetFacts,
    ) -> Result<Finished, Error> {
        let facts = &TargetFacts { may_wait: false, ..*facts };
        let job = Job { source, target, facts, moving: None, unfinished: Unfinished::Removed };
        let placement = match facts.placement {
            Placement::Replace | Placement::Rewrite => Placement::InPlace,
            placement @ (Placement::New
            | Placement::Own
            | Placement::Supplant
            | Placement::InPlace
            | Placement::Through
            | Placement::BlockDevice
            | Placement::Value) => placement,
        };
        let attempt = || {
            let sink = self.sink(&job, placement)?;
            self.must_last(&job, sink.placement, sink.staying())?;
            self.finish(&job, sink, None)
        };
        let finished = match attempt() {
            // A file without a name that could not be given one: once more, with one from the beginning.
            Ok(Progress::Again) => attempt(),
            finished => finished,
        };
        match self.with_strays(finished, target.shown, Progress::complaints)? {
            Progress::Named(finished) => Ok(finished),
            Progress::Waits(..) | Progress::Again => Err(Error::call(Action::CreateFile, target.shown, Errno::BUSY)),
        }
    }

    /// The strategies for this file, or cp's words where `--reflink=always` cannot be.
    fn ladder(
        &self,
        probe: &Probe,
        job: &Job<'_, K::File>,
        placement: Placement,
        lies_elsewhere: bool,
    ) -> Result<Ladder, Error> {
        let is_file = !matches!(placement, Placement::Through | Placement::BlockDevice | Placement::Value);
        if !is_file || job.source.stat.kind != Kind::File {
            if self.options.reflink == Reflink::Always {
                return Err(Error::pair(Action::Clone, job.target.shown, job.source.shown, Errno::INVAL));
            }
            let again = job.source.can_be_read_again();
            return Ok(if again { Ladder::only_stream } else { Ladder::only_once }(Why::NotRegular));
        }
        let is_proved = self.options.verify != Verify::Nothing && self.options.reflink != Reflink::Always;
        let cloning = if is_proved && probe.size <= self.geometry.small {
            Cloning::NotWorthProving
        } else if lies_elsewhere && self.options.reflink == Reflink::Always {
            Cloning::IntoOldAlone
        } else if placement == Placement::InPlace
            || placement == Placement::Rewrite && self.options.reflink == Reflink::Always
        {
            Cloning::IntoOld
        } else if placement == Placement::Own && self.options.reflink != Reflink::Always {
            // Another try would begin with the removal of a name that others may see.
            Cloning::Refused
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

    pub(super) fn copied(
        &self,
        (probe, began): (&Probe, Option<Timestamp>),
        ladder: &Ladder,
        filled: &Filled,
        finished: Finished,
    ) -> Copied {
        let rung = ladder.rung();
        let probed = Probed {
            filesystem: probe.filesystem.name(),
            residency: (probe.honesty != Honesty::Honest).then_some(probe.residency),
            settling: rung.settling,
            unallocated: probe.unallocated(),
        };
        let verified = match (finished.placement, self.options.verify) {
            (Placement::Through, _) => Verified::Impossible,
            (Placement::Value, _) => Verified::MadeUp,
            (_, Verify::Nothing) => Verified::No,
            (_, Verify::Map) if filled.passed.proof == Proof::Blocks => Verified::Blocks,
            (_, Verify::Content | Verify::Map) => Verified::Content,
            (_, Verify::Blake3) => Verified::Digests,
            (_, Verify::Device) => Verified::Device,
        };
        let sparse = Sparseness { by_map: rung.strategy == Strategy::Extents, by_zeros: filled.zeros == Zeros::Holes };
        Copied {
            strategy: rung.strategy,
            why: rung.why,
            cloning: ladder.cloning(),
            fallbacks: ladder.fallbacks().to_vec(),
            probed,
            size: filled.passed.size,
            digests: filled.passed.digests.clone(),
            verified,
            sparse,
            changed: finished.changed,
            continued: filled.continued,
            placement: finished.placement,
            unsynced: finished.unsynced,
            complaints: finished.complaints,
            backup: finished.backup,
            identity: finished.identity.or(filled.stat.map(|stat| (stat.dev, stat.ino))),
            sealed: finished.sealed,
            took: began.map(|began| self.kernel.now().since(began)),
        }
    }
}

/// What is said where a verified copy beside an old file finds no room.
fn without_room(placement: Placement, error: Error) -> Error {
    match error {
        Error::Call { errno: Errno::NOSPC | Errno::DQUOT, .. } if placement == Placement::Rewrite => {
            Error::Beside(Box::new(error))
        }
        error => error,
    }
}
