//! A filled sink becomes a target: it gets its attributes, is written out where it has to be, and gets its name.

use super::attributes::{AttributedFile, Fresh, KnownAttributes};
use super::commit::{Claim, Temporary};
use super::copier::{Copier, Job, are_lists_told};
use super::durable::cannot_sync;
use super::own_name::{By, Supplanted, Taken};
use super::sink::{Content, Finished, Progress, Sink, SinkFile, cannot_create};
use super::target::{cannot_place, is_refused};
use super::types::{Placement, Source};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Stat};
use crate::known::filesystems::Honesty;
use crate::options::{Backup, Keep};
use crate::quote::quoted;
use std::cell::Cell;
use std::sync::atomic::Ordering;

impl<K: Kernel> Copier<'_, K> {
    /// Gives a filled sink its attributes, and its name unless that may wait.
    pub(super) fn finish(
        &self,
        job: &Job<'_, K::File>,
        sink: Sink<'_, K>,
        content: Option<Content<'_>>,
    ) -> Result<Progress<K::File>, Error> {
        let changed = self.has_changed(job.source)?;
        if changed && self.options.require_stable {
            return Err(Error::Refused(format!("{} changed while being copied", quoted(job.source.shown))));
        }
        let Sink { placement, holder } = sink;
        let progress = match holder {
            SinkFile::Old(file) => {
                let stat = content.and_then(|content| content.filled.stat);
                Progress::Named(self.finish_old(job, file, placement, stat)?)
            }
            SinkFile::Beside { copy, old } => Progress::Named(self.rewrite(job, copy, old, content)?),
            SinkFile::Temporary { temporary, old: Some(old) } => {
                self.finish_replacement(job, temporary, &old, content)?
            }
            SinkFile::Temporary { temporary, old: None } => {
                self.finish_temporary(job, temporary, placement, content)?
            }
        };
        Ok(match progress {
            Progress::Named(finished) => Progress::Named(Finished { changed, ..finished }),
            Progress::Waits(file, finished) => Progress::Waits(file, Finished { changed, ..finished }),
            Progress::Again => Progress::Again,
        })
    }

    /// The old file has its new content: gives it its attributes.
    pub(super) fn finish_old(
        &self,
        job: &Job<'_, K::File>,
        file: K::File,
        placement: Placement,
        stat: Option<Stat>,
    ) -> Result<Finished, Error> {
        let mut complaints = Vec::new();
        // It was made at the end of a link, in a directory that nobody has asked about.
        let is_new = matches!(placement, Placement::InPlace | Placement::Rewrite) && job.facts.found.is_none();
        let default_mode = self.wanted_mode(job.source.stat) & !self.options.umask;
        let fresh = if is_new { Fresh::Made { private: true, default_mode, inherits: true } } else { Fresh::Old };
        if matches!(placement, Placement::InPlace | Placement::Rewrite | Placement::Value) {
            let known = if placement == Placement::Value {
                // What sets its mode, or refuses to, is the kernel's own; an owner that is not known is set as well.
                KnownAttributes { mode: None, ..KnownAttributes::of(self.kernel.stat(&file).ok()) }
            } else {
                // Where nothing was written it was not asked yet; chown takes capabilities even if it changes nothing.
                KnownAttributes::of(stat.or_else(|| self.kernel.stat(&file).ok()))
            };
            complaints = self.carry(job, &file, known, fresh);
        }
        match self.settle_old(job, file) {
            Ok(()) => Ok(Finished::new(placement, complaints)),
            Err(error) => Err(error.with_complaints(&complaints)),
        }
    }

    /// Closes it, after it was written out with --durable.
    fn settle_old(&self, job: &Job<'_, K::File>, file: K::File) -> Result<(), Error> {
        if self.options.durable {
            self.sync(&file, job.target.shown)?;
            if job.facts.found.is_none() {
                // It was made at the end of a link, in a directory that nobody has a handle of.
                let synced = self.kernel.sync_filesystem(&file);
                synced.map_err(|errno| Error::call(Action::Sync, job.target.shown, errno))?;
            }
        }
        self.close(job, file)
    }

    /// FUSE and network filesystems say at close, or to any call before it, that what was written
    /// found no place. By then the name would be taken, or chmod would seem to have failed.
    pub(super) fn report_writes(&self, job: &Job<'_, K::File>, file: &K::File) -> Result<(), Error> {
        if job.facts.target_directory.honesty == Honesty::Honest {
            return Ok(());
        }
        self.flush(file).map_err(|errno| Error::call(Action::Close, job.target.shown, errno))
    }

    /// Makes a temporary look like the old file and renames it over that; writes the old file in place, if it cannot be.
    fn finish_replacement(
        &self,
        job: &Job<'_, K::File>,
        mut temporary: Temporary<'_, K>,
        (old, stat): &(K::File, Stat),
        content: Option<Content<'_>>,
    ) -> Result<Progress<K::File>, Error> {
        let failed = |errno| cannot_create(job, errno);
        self.report_writes(job, temporary.file()).map_err(|error| temporary.forsaken(error))?;
        let tells_lists = are_lists_told(job.facts.target_directory.honesty);
        let old = AttributedFile { file: old, shown: job.target.shown, known: KnownAttributes::default(), tells_lists };
        let inherits = job.facts.target_directory.inherits;
        let made = content.and_then(|content| content.filled.stat);
        let known = match self.attributes().imitate(&old, (stat, job.source.stat), temporary.file(), made, inherits) {
            Ok(known) => known,
            Err(errno) if is_refused(errno) => {
                return self.rewrite_after_all(job, temporary, content).map(Progress::Named);
            }
            Err(errno) => return Err(failed(errno)),
        };
        let complaints = self.carry(job, temporary.file(), known, Fresh::Alike { inherits });
        // It would be this user's, and neither the source's owner's nor the old one's. The old file keeps its owner.
        if complaints.iter().any(is_owner_refused) {
            return self.rewrite_after_all(job, temporary, content).map(Progress::Named);
        }
        if job.facts.may_wait {
            return Ok(Progress::Waits(temporary.detach(), Finished::new(Placement::Replace, complaints)));
        }
        // On disk before it takes the old one's name, see below.
        let syncs = self.syncs_in(&job.facts.target_directory);
        let synced = if syncs { self.sync(temporary.file(), job.target.shown) } else { Ok(None) };
        let unsynced = synced.map_err(|error| temporary.forsaken(error))?;
        match temporary.give_name(made.map(|made| made.ino)) {
            Err(errno) if temporary.lacks_link(errno) => {
                self.name_from_now_on();
                return Ok(Progress::Again);
            }
            named => named.map_err(failed)?,
        }
        match temporary.commit(job.target.name, Claim::Over) {
            Err(errno) if is_name_kept(errno, job.facts.target_directory.honesty) => {
                self.rewrite_after_all(job, temporary, content).map(Progress::Named)
            }
            committed => {
                committed.map_err(failed)?;
                let finished = self.finish_named(job, temporary, (Placement::Replace, true), complaints, content)?;
                Ok(Progress::Named(Finished { unsynced, ..finished }))
            }
        }
    }

    /// Writes the old file in place from a temporary that was to replace it.
    fn rewrite_after_all(
        &self,
        job: &Job<'_, K::File>,
        temporary: Temporary<'_, K>,
        content: Option<Content<'_>>,
    ) -> Result<Finished, Error> {
        match self.open_old(job)? {
            Some(old) => self.rewrite(job, temporary, old, content),
            None => Err(cannot_create(job, Errno::ACCESS)),
        }
    }

    fn finish_temporary(
        &self,
        job: &Job<'_, K::File>,
        mut temporary: Temporary<'_, K>,
        placement: Placement,
        content: Option<Content<'_>>,
    ) -> Result<Progress<K::File>, Error> {
        let is_new = matches!(placement, Placement::New | Placement::Own);
        let was_renamed = !is_new || temporary.name().is_some();
        self.report_writes(job, temporary.file()).map_err(|error| temporary.forsaken(error))?;
        let default_mode = self.wanted_mode(job.source.stat) & !self.options.umask;
        let inherits = job.facts.target_directory.inherits;
        let private = temporary.kept().is_some() || temporary.is_own() || self.is_private(job.source.stat);
        let fresh = Fresh::Made { private, default_mode, inherits };
        let made = content.and_then(|content| content.filled.stat);
        let complaints = self.carry(job, temporary.file(), KnownAttributes::of(made), fresh);
        let complaints = self.unless_backed_up(job, complaints)?;
        // What replaces an old file is on disk before it does, or a power loss could take both: no
        // filesystem promises to write the data before the rename (docs/design/temporaries.md).
        let mut unsynced = None;
        let replaces = !is_new;
        let is_needed = job.facts.is_last_look || replaces && self.syncs_in(&job.facts.target_directory);
        if self.options.durable || is_needed {
            let may_wait = job.facts.may_wait && !temporary.is_own() && !temporary.is_elsewhere();
            if may_wait && self.options.backup == Backup::No {
                return Ok(Progress::Waits(temporary.detach(), Finished::new(placement, complaints)));
            }
            let synced = self.sync(temporary.file(), job.target.shown);
            unsynced = synced.map_err(|error| temporary.forsaken(error))?;
        }
        let failed = |errno| cannot_place(job.target.shown, placement, errno);
        let named = if is_new {
            self.take_name(job, &mut temporary, Claim::New, &Cell::default()).map(Some)
        } else if temporary.is_elsewhere() {
            Ok(None)
        } else {
            temporary.give_name(made.map(|made| made.ino)).map(|()| None)
        };
        let taken = match named {
            Err(errno) if temporary.lacks_link(errno) => {
                self.name_from_now_on();
                return Ok(Progress::Again);
            }
            named => named.map_err(failed)?,
        };
        let way = (placement, was_renamed);
        let (finished, backup) = match taken {
            Some(Taken::Given) => (self.finish_named(job, temporary, way, complaints, content)?, None),
            Some(Taken::Made(own)) => (self.fill_own(job, temporary, own, content)?, None),
            None => {
                let Supplanted { by, backup } = self.supplant(job, (temporary, content), failed)?;
                let finished = match by {
                    By::Finished(temporary) => self.finish_named(job, temporary, way, complaints, content)?,
                    By::Copy(finished) => finished,
                };
                (finished, backup)
            }
        };
        Ok(Progress::Named(Finished { backup, unsynced, ..finished }))
    }

    /// An old file that is to have a backup stays what it is where the new one cannot have the source's owner, or extended attributes that
    /// are demanded, as by GNU's cp, which gives the backup its name back: the complaints, unless they end the copy. Whatever else is
    /// complained of may be what GNU's cp copies without a word, as where calls for attributes are refused.
    fn unless_backed_up(&self, job: &Job<'_, K::File>, mut complaints: Vec<Error>) -> Result<Vec<Error>, Error> {
        let keeps_old = self.options.backup != Backup::No && job.facts.found.is_some();
        let demands = self.options.preserve.xattr == Keep::Must;
        let is_xattr =
            |complaint: &Error| matches!(complaint, Error::Call { action: Action::PreserveXattr, .. }) && demands;
        match complaints.iter().position(|complaint| is_owner_refused(complaint) || is_xattr(complaint)) {
            Some(at) if keeps_old => Err(complaints.remove(at).with_complaints(&complaints)),
            _ => Ok(complaints),
        }
    }

    /// A file without a name cannot be given one here (linkat is missing, or goes through a /proc that is): from now on
    /// temporaries have one from the beginning. If it was for another reason, that is met again.
    pub(super) fn name_from_now_on(&self) {
        self.lacks_links.store(true, Ordering::Relaxed);
    }

    /// The target has its name: it has to show what was verified.
    fn finish_named(
        &self,
        job: &Job<'_, K::File>,
        temporary: Temporary<'_, K>,
        (placement, was_renamed): (Placement, bool),
        complaints: Vec<Error>,
        content: Option<Content<'_>>,
    ) -> Result<Finished, Error> {
        let file = temporary.into_file();
        let identity =
            self.identity_of_named((job.target, job.facts.target_directory.honesty), &file, was_renamed, content)?;
        let sealed = self.sealed(job.facts.target_directory.honesty, &file, job.target.shown, content);
        self.close(job, file)?;
        Ok(Finished { identity, sealed, ..Finished::new(placement, complaints) })
    }

    pub(super) fn close(&self, job: &Job<'_, K::File>, target: K::File) -> Result<(), Error> {
        self.kernel.close(target).map_err(|errno| Error::call(Action::Close, job.target.shown, errno))
    }

    fn carry(&self, job: &Job<'_, K::File>, target: &K::File, known: KnownAttributes, fresh: Fresh) -> Vec<Error> {
        let Source { file, stat, shown, origin } = *job.source;
        let source = AttributedFile {
            file,
            shown,
            known: KnownAttributes::default(),
            tells_lists: self.tells_lists(origin, stat),
        };
        let target = AttributedFile { file: target, shown: job.target.shown, known, tells_lists: false };
        self.attributes().carry(&source, job.source.stat, &target, fresh)
    }

    /// Has what was written reported as close(2) would report it. Without a descriptor to close, fsync(2) reports it too.
    fn flush(&self, file: &K::File) -> crate::kernel::Result<()> {
        match self.kernel.flush(file) {
            Err(Errno::MFILE | Errno::NFILE) => match self.kernel.fsync(file) {
                Err(errno) if cannot_sync(errno) => Ok(()),
                synced => synced,
            },
            flushed => flushed,
        }
    }
}

/// Whether a complaint is that the source's owner cannot be had there: a user namespace or a mount has no number for him.
fn is_owner_refused(complaint: &Error) -> bool {
    matches!(complaint, Error::Call { action: Action::PreserveOwnership, errno, .. } if is_refused(*errno))
}

/// Whether the name cannot be taken from the old file: of a mount point, in a directory that lets nothing go, or on a filesystem
/// that is not known and renames nothing, or nothing over what is there (FUSE's answer for programs without rename is ENOSYS).
pub(super) fn is_name_kept(errno: Errno, honesty: Honesty) -> bool {
    match errno {
        Errno::BUSY | Errno::XDEV | Errno::PERM | Errno::ACCESS => true,
        Errno::EXIST | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL => !honesty.is_known(),
        _ => false,
    }
}
