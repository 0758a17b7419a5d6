//! Targets that are written under their own names: on filesystems where a file cannot get another name later, or not one like
//! a temporary's, as of some programs behind FUSE and some servers (docs/design/temporaries.md).
//!
//! Never done on filesystems that are known. A new file is closed to others until it is verified, and goes again if that fails.
//! An old one leaves its name only to a copy that was verified elsewhere, which stays if the name then cannot be had.

use super::backup::Leaves;
use super::commit::{Claim, Temporary};
use super::copier::{Copier, Job};
use super::refusal::{gives_no_names, is_taken_for_good, may_be_the_name};
use super::sink::{Content, Finished, remove};
use super::types::{Placement, TargetDirectory, TargetFacts};
use crate::error::Error;
use crate::kernel::{Errno, Kernel, Stat};
use std::cell::Cell;
use std::convert::identity;
use std::path::PathBuf;
use std::sync::PoisonError;

/// What is said of a target whose name nothing has any more.
const MISSING: &str = "is missing";

/// What is said of a target that has not all of its bytes.
const INCOMPLETE: &str = "is incomplete";

/// How a finished file came by its target's name.
pub(super) enum Taken<'a, K: Kernel> {
    /// It was given to it.
    Given,
    /// It could not be: an empty file has it, which is to get its bytes.
    Made(Temporary<'a, K>),
}

/// What has come by an old file's name.
pub(super) struct Supplanted<'t, K: Kernel> {
    pub(super) by: By<'t, K>,
    /// The name that the old file keeps.
    pub(super) backup: Option<PathBuf>,
}

/// Which file it is.
pub(super) enum By<'t, K: Kernel> {
    /// The finished one.
    Finished(Temporary<'t, K>),
    /// One that was made under that name, and has its bytes and attributes.
    Copy(Finished),
}

impl<K: Kernel> Copier<'_, K> {
    /// Whether new files in a directory are made under their own names, as the first one on its filesystem had to be.
    pub(super) fn needs_own_name(&self, directory: &TargetDirectory) -> bool {
        !directory.honesty.is_known()
            && self.own_names.lock().unwrap_or_else(PoisonError::into_inner).contains(&directory.dev)
    }

    /// What the bytes go into where no temporary can be made in the target's directory, which answered with `refusal`: a new target
    /// itself; a file elsewhere, if what stands at the target goes.
    pub(super) fn without_temporary<'j>(
        &'j self,
        job: &Job<'j, K::File>,
        placement: Placement,
        refusal: Errno,
    ) -> crate::kernel::Result<(Temporary<'j, K>, Placement)> {
        if !may_be_the_name(refusal, job.facts.target_directory.honesty) {
            return Err(refusal);
        }
        let spot = self.spot_of(job)?;
        if placement == Placement::Supplant {
            return Ok((Temporary::create_elsewhere(spot, refusal)?, placement));
        }
        let made = Temporary::create_own(spot, job.target.name)?;
        self.remember_own_name(&job.facts.target_directory);
        Ok((made, Placement::Own))
    }

    /// Gives a finished file the name of what stands at the target, which keeps a backup name if the options say so. A file that has
    /// to be made under that name is filled. If the old file has gone and cannot have its name again, the finished one stays under
    /// another, which the error tells.
    pub(super) fn supplant<'t>(
        &self,
        job: &Job<'_, K::File>,
        (mut temporary, content): (Temporary<'t, K>, Option<Content<'_>>),
        failed: impl FnOnce(Errno) -> Error,
    ) -> Result<Supplanted<'t, K>, Error> {
        let leaves = if temporary.is_elsewhere() { Leaves::Before } else { Leaves::WhenReplaced };
        let has_gone = Cell::new(false);
        let take = |claim| match self.take_name(job, &mut temporary, claim, &has_gone).map_err(failed)? {
            Taken::Given => Ok(None),
            Taken::Made(own) => {
                has_gone.set(true);
                self.filled_own(job, temporary.file(), own, (content, true)).map(Some)
            }
        };
        match self.take_over(job.target, leaves, take, identity) {
            Ok((None, backup)) => Ok(Supplanted { by: By::Finished(temporary), backup }),
            Ok((Some(mut finished), backup)) => {
                finished.complaints.extend(remove(job, temporary).err());
                Ok(Supplanted { by: By::Copy(finished), backup })
            }
            Err(error) if has_gone.get() => match self.loss(job, &temporary) {
                Some(left) => Err(self.lost(job, temporary, content, (&error, left))),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// What is left at a target whose old file had gone: nothing, or an empty file that was to take its bytes and could not be
    /// removed. `None` if the old file has its name again, or the new one has it.
    fn loss(&self, job: &Job<'_, K::File>, new: &Temporary<'_, K>) -> Option<&'static str> {
        let Ok(seen) = self.stat_at_target(job) else { return Some(MISSING) };
        let is_old = job.facts.found.is_some_and(|old| old.is_same_file(&seen));
        let is_new = self.kernel.stat(new.file()).is_ok_and(|new| new.is_same_file(&seen));
        (!is_old && !is_new).then_some(INCOMPLETE)
    }

    /// Gives a verified file the target's name. Where names cannot be given, or not to what is there, what is there goes before, which
    /// `has_gone` tells; at last an empty file is made that has the name.
    pub(super) fn take_name<'j>(
        &'j self,
        job: &Job<'j, K::File>,
        temporary: &mut Temporary<'_, K>,
        claim: Claim,
        has_gone: &Cell<bool>,
    ) -> crate::kernel::Result<Taken<'j, K>> {
        let (target, directory) = (job.target.name, &job.facts.target_directory);
        let is_refused = |errno| match claim {
            Claim::New => gives_no_names(errno, directory.honesty),
            Claim::Over => is_taken_for_good(errno, directory.honesty),
        };
        let mut commit = |claim| {
            if temporary.is_elsewhere() { Err(Errno::XDEV) } else { temporary.commit(target, claim) }
        };
        match commit(claim) {
            Ok(()) => return Ok(Taken::Given),
            Err(errno) if !is_refused(errno) => return Err(errno),
            Err(_) => {}
        }
        let spot = self.spot_of(job)?;
        if claim == Claim::Over {
            spot.remove(target)?;
            has_gone.set(true);
            match commit(Claim::New) {
                Ok(()) => return Ok(Taken::Given),
                Err(errno) if !gives_no_names(errno, directory.honesty) => return Err(errno),
                Err(_) => {}
            }
        }
        let made = Temporary::create_own(spot, target)?;
        self.remember_own_name(directory);
        Ok(Taken::Made(made))
    }

    /// Fills a new target, which is empty, from its verified copy, which goes then. What fails is removed.
    pub(super) fn fill_own(
        &self,
        job: &Job<'_, K::File>,
        copy: Temporary<'_, K>,
        own: Temporary<'_, K>,
        content: Option<Content<'_>>,
    ) -> Result<Finished, Error> {
        let mut finished = self.filled_own(job, copy.file(), own, (content, false))?;
        finished.complaints.extend(remove(job, copy).err());
        Ok(finished)
    }

    /// Fills an empty target from its verified copy, and gives it its attributes. What fails is removed.
    fn filled_own(
        &self,
        job: &Job<'_, K::File>,
        copy: &K::File,
        own: Temporary<'_, K>,
        (content, supplants): (Option<Content<'_>>, bool),
    ) -> Result<Finished, Error> {
        let stat = content.map(|content| self.move_into(job, copy, own.file(), content, false)).transpose()?;
        self.report_writes(job, own.file())?;
        // On disk before its copy goes: the old file has gone already. And before it stays whatever fails.
        if self.options.durable || supplants && self.syncs_in(&job.facts.target_directory) {
            self.sync(own.file(), job.target.shown)?;
        }
        let place = (job.target, job.facts.target_directory.honesty);
        let identity = self.identity_of_named(place, own.file(), true, content)?;
        let facts = TargetFacts { found: None, ..*job.facts };
        let job = &Job { facts: &facts, ..*job };
        let finished = self.finish_old(job, own.into_named(), Placement::Rewrite, stat)?;
        Ok(Finished { placement: Placement::Own, identity, ..finished })
    }

    fn stat_at_target(&self, job: &Job<'_, K::File>) -> crate::kernel::Result<Stat> {
        job.target.directory().and_then(|dir| self.kernel.stat_at(Some(dir), job.target.name, false))
    }

    fn remember_own_name(&self, directory: &TargetDirectory) {
        self.own_names.lock().unwrap_or_else(PoisonError::into_inner).insert(directory.dev);
    }
}
