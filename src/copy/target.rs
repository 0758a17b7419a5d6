//! Where a copy's bytes go before it has its name, and how it gets it: sinks.
//!
//! A sink is a temporary that becomes new or replaces an old file whole, or the old file itself. An
//! old file is replaced whole only where nobody could tell but by the inode number; whatever cannot
//! be made to look the same is written in place, from a verified copy beside it (rewrite.rs).

use super::attributes::{AttributedFile, Fresh, KnownAttributes};
use super::commit::{Claim, PartOrigin, Spot, Temporary};
use super::copier::{Copier, Job, are_lists_told};
use super::durable::cannot_sync;
use super::flags::{self, InodeSettings};
use super::own_name::{Supplanted, Taken};
use super::refusal::may_be_the_name;
use super::sink::{Content, Finished, Progress, Sink, SinkFile, cannot_create, not_beside, remove};
use super::types::{Follow, Name, Placement, Source};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::filesystems::Honesty;
use crate::options::{Backup, Product, Removal, Unfinished, Verify};
use crate::quote::quoted;
use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::Ordering;

impl<K: Kernel> Copier<'_, K> {
    /// Makes or opens what the bytes go into. Its placement may be another than the one asked for.
    pub(super) fn sink<'j>(&'j self, job: &Job<'j, K::File>, placement: Placement) -> Result<Sink<'j, K>, Error> {
        match placement {
            Placement::New | Placement::Own | Placement::Supplant => self.temporary(job, placement),
            Placement::Replace | Placement::Rewrite | Placement::InPlace | Placement::Value if self.is_value(job) => {
                self.value(job)
            }
            Placement::Replace => self.replacement(job),
            Placement::Rewrite => self.rewriting(job),
            Placement::InPlace | Placement::Value => self.old_file(job),
            Placement::Through | Placement::BlockDevice => self.device(job),
        }
    }

    fn temporary<'j>(&'j self, job: &Job<'j, K::File>, placement: Placement) -> Result<Sink<'j, K>, Error> {
        self.spare_from_backups(job.target)?;
        if placement == Placement::Supplant {
            // Before a temporary is made that could not be removed either.
            let let_go = self.spot_of(job).and_then(|spot| spot.lets_go(job.target.name));
            let backs_up = self.options.backup != Backup::No;
            let action = if backs_up { Action::Backup } else { Action::Remove };
            let_go.map_err(|errno| Error::call(action, job.target.shown, errno))?;
        }
        let needs_own_name = placement == Placement::Own
            || placement == Placement::New && self.needs_own_name(&job.facts.target_directory);
        let made = if needs_own_name {
            self.spot_of(job)
                .and_then(|spot| Temporary::create_own(spot, job.target.name))
                .map(|own| (own, Placement::Own))
        } else {
            match self.make_temporary(job, placement) {
                Ok(temporary) => Ok((temporary, placement)),
                Err(errno) => self.without_temporary(job, placement, errno),
            }
        };
        let (temporary, placement) = made.map_err(|errno| cannot_place(job.target.shown, placement, errno))?;
        if self.options.durable && temporary.is_elsewhere() {
            let dir = job.target.directory().map_err(|errno| cannot_create(job, errno))?;
            self.must_keep(dir, job.target.shown)?;
        }
        Ok(Sink { placement, holder: SinkFile::Temporary { temporary, old: None } })
    }

    pub(super) fn spot_of<'j>(&'j self, job: &Job<'j, K::File>) -> crate::kernel::Result<Spot<'j, K>> {
        Ok(self.spot_in(job.target.directory()?, &job.facts.target_directory))
    }

    fn make_temporary<'j>(
        &'j self,
        job: &Job<'j, K::File>,
        placement: Placement,
    ) -> crate::kernel::Result<Temporary<'j, K>> {
        let wanted = self.wanted_mode(job.source.stat);
        // An old file may be closed to those whom the source is open to.
        let replaces = placement == Placement::Replace;
        let keeps_old_mode = replaces && !self.options.preserve.mode.wanted();
        let named = if replaces || self.is_private(job.source.stat) { 0o600 } else { wanted };
        // Nobody can open what has no name: it may have its mode at once, if that lets us set attributes. What is to
        // get another owner gets its mode when it has him.
        let is_given_away = self.options.preserve.ownership.wanted() && job.source.stat.uid != self.options.user;
        let nameless = if keeps_old_mode || is_given_away || wanted & 0o200 == 0 { named } else { wanted };
        // On ZFS linkat of a file without a name waits for the transaction group (zfs_link; measured on
        // 2.4.4: 0.2 to 2.3 s a file), and a temporary name costs nothing. A file that cannot be linked has to be made anew, with a
        // name, which takes a source that can be read again.
        let is_nameless = job.facts.target_directory.honesty != Honesty::Zfs
            && job.source.can_be_read_again()
            && !self.lacks_links.load(Ordering::Relaxed);
        if job.unfinished == Unfinished::Kept {
            // What stands in the way of a part, such as another run at work on it, stands in the way of no copy.
            if let Ok(Some(part)) = self.part(self.spot_of(job)?, job.target.name) {
                return Ok(part);
            }
        }
        let [named, nameless] = [named, nameless].map(Mode::from_raw_mode);
        Temporary::create(self.spot_of(job)?, named, is_nameless.then_some(nameless))
    }

    /// Whether a new file is made with a mode of its own, to be given its real one in the end: to keep
    /// others out until it has its owner, to have the right to set attributes on it, or as its real one gives not even
    /// its owner a right.
    fn is_private(&self, source: &Stat) -> bool {
        let preserve = &self.options.preserve;
        let sets_attributes = preserve.xattr.wanted() || preserve.context.wanted();
        preserve.closes_until_done()
            || self.options.given.mode.is_some()
            || self.options.closes_to_owner()
            || sets_attributes && self.wanted_mode(source) & 0o200 == 0
    }

    /// The permission bits a new file asks for where none are preserved, before the umask.
    fn wanted_mode(&self, source: &Stat) -> u32 {
        match self.options.given.mode {
            // A stripping program must be able to write it.
            Some(_) => 0o600,
            None if self.options.preserve.default_mode => 0o666,
            None => source.mode & 0o777,
        }
    }

    /// A temporary that will look like the old file; one whose bytes go into the old file, if it cannot; or, with -f,
    /// if that cannot be opened, a new one.
    fn replacement<'j>(&'j self, job: &Job<'j, K::File>) -> Result<Sink<'j, K>, Error> {
        // Opened for writing as cp would, so that what cp may not overwrite stays.
        let old = match self.open(job.target, OFlags::WRONLY) {
            Ok(old) => old,
            Err(_) if self.options.removal == Removal::WhenUnwritable => {
                return self.temporary(job, Placement::Supplant);
            }
            Err(errno) => return Err(cannot_create(job, errno)),
        };
        let stat = self.expected(job, &old)?;
        let precedent = self.precedents.of(&job.facts.target_directory);
        let lets_go = precedent.is_some() || self.spot_of(job).and_then(|spot| spot.lets_go(job.target.name)).is_ok();
        let has_others = stat.has_other_names() && !job.facts.is_another;
        if stat.kind != Kind::File || has_others || !lets_go {
            return self.rewriting(job);
        }
        let temporary = match self.make_temporary(job, Placement::Replace) {
            Ok(temporary) => temporary,
            // A directory we may not write holds a file we may; some filesystems do not take a name such as a temporary's.
            Err(errno) if is_place_refused(errno, job.facts.target_directory.honesty) => return self.rewriting(job),
            Err(errno) => return Err(cannot_create(job, errno)),
        };
        let can_own = self.options.privileged
            || self.can_own(temporary.file(), &stat).map_err(|errno| cannot_create(job, errno))?;
        // A flag that cannot be set, or that cannot be told, leaves the old inode where it is.
        if !can_own || self.carry_flags(job, &old, &temporary, precedent).is_err() {
            // It may have been made with a mode that lets others in once it has a name.
            remove(job, temporary)?;
            return self.rewriting(job);
        }
        Ok(Sink { placement: Placement::Replace, holder: SinkFile::Temporary { temporary, old: Some((old, stat)) } })
    }

    /// Makes a fresh file in its inode's flags like the old one. What it has of its own the precedent tells, if there is one.
    fn carry_flags(
        &self,
        job: &Job<'_, K::File>,
        old: &K::File,
        new: &Temporary<'_, K>,
        precedent: Option<InodeSettings>,
    ) -> crate::kernel::Result<()> {
        let old = InodeSettings::of(self.kernel, old)?;
        // What an earlier run has left may have flags of its own already.
        let is_found = new.kept() == Some(PartOrigin::Found);
        let precedent = precedent.filter(|_| !is_found);
        if precedent.is_some_and(|fresh| fresh.is_like(old)) {
            return Ok(());
        }
        let fresh = InodeSettings::of(self.kernel, new.file())?;
        if precedent.is_none() && !is_found {
            self.precedents.set(&job.facts.target_directory, fresh);
        }
        flags::carry(self.kernel, old, fresh, new.file())
    }

    fn rewriting<'j>(&'j self, job: &Job<'j, K::File>) -> Result<Sink<'j, K>, Error> {
        let copy = self.spot_of(job).and_then(|spot| Temporary::create_beside(spot, job.target.name));
        self.beside(job, copy.map_err(|errno| not_beside(job, Action::CreateFile, errno))?)
    }

    fn beside<'j>(&'j self, job: &Job<'j, K::File>, copy: Temporary<'j, K>) -> Result<Sink<'j, K>, Error> {
        match self.open_old(job)? {
            Some(old) => Ok(Sink { placement: Placement::Rewrite, holder: SinkFile::Beside { copy, old } }),
            None => {
                remove(job, copy)?;
                self.temporary(job, Placement::Supplant)
            }
        }
    }

    /// Makes an empty file at the end of a link that leads nowhere, to be written in place, closed to others until it
    /// is. A crash before it is can leave it empty.
    pub(crate) fn make_empty(&self, target: &Name<'_, K::File>) -> Result<(), Error> {
        let resolve = if target.follow == Follow::Beneath { ResolveFlags::BENEATH } else { ResolveFlags::empty() };
        let mode = Mode::from_raw_mode(0o600);
        let made = self.kernel.open(target.dir, target.name, OFlags::WRONLY | OFlags::CREATE, mode, resolve);
        made.map(drop).map_err(|errno| Error::call(Action::CreateFile, target.shown, errno))
    }

    /// Whether the new file can have the old one's owner and group: told before any byte is moved.
    fn can_own(&self, new: &K::File, old: &Stat) -> crate::kernel::Result<bool> {
        let is_ours = self.kernel.stat(new).is_ok_and(|new| (new.uid, new.gid) == (old.uid, old.gid));
        if is_ours { Ok(true) } else { is_possible(self.kernel.chown(new, Some(old.uid), Some(old.gid))) }
    }

    fn old_file<'j>(&'j self, job: &Job<'j, K::File>) -> Result<Sink<'j, K>, Error> {
        match self.open_old(job)? {
            Some(file) => Ok(Sink { placement: Placement::InPlace, holder: SinkFile::Old(file) }),
            None => self.temporary(job, Placement::Supplant),
        }
    }

    /// The old file to be written, and read back if that is asked for; `None` if a new one is to take its place.
    fn open_old(&self, job: &Job<'_, K::File>) -> Result<Option<K::File>, Error> {
        if job.facts.is_another && job.facts.target_directory.numbers_files() {
            return Err(Error::just_created(job.target.shown, job.source.shown));
        }
        let reads_back = self.options.verify != Verify::Nothing && self.options.product != Product::Attributes;
        let access = if reads_back { OFlags::RDWR } else { OFlags::WRONLY };
        match self.open(job.target, access) {
            Ok(file) => self.expected(job, &file).map(|_| Some(file)),
            Err(_) if self.options.removal == Removal::WhenUnwritable => Ok(None),
            Err(errno) => Err(cannot_create(job, errno)),
        }
    }

    /// The stat of an old target that was opened. It has to be what was looked at, since what is done with
    /// several names, with devices and with fifos was decided by that; a file of one name may be another.
    pub(super) fn expected(&self, job: &Job<'_, K::File>, old: &K::File) -> Result<Stat, Error> {
        let stat = self.kernel.stat(old).map_err(|errno| Error::call(Action::StatTarget, job.target.shown, errno))?;
        let is_known = job.facts.found.is_none_or(|found| found.is_same_file(&stat));
        if is_known || stat.kind == Kind::File && !stat.has_other_names() {
            return Ok(stat);
        }
        Err(Error::Refused(format!("not writing to {}, as it was replaced meanwhile", quoted(job.target.shown))))
    }

    /// Gives a filled sink its attributes, and its name unless that may wait.
    pub(super) fn finish(
        &self,
        job: &Job<'_, K::File>,
        sink: Sink<'_, K>,
        content: Option<Content<'_>>,
    ) -> Result<Progress<K::File>, Error> {
        let changed = self.has_changed(job)?;
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
        if self.options.durable {
            self.sync(&file, job.target.shown)?;
            if job.facts.found.is_none() {
                // It was made at the end of a link, in a directory that nobody has a handle of.
                let synced = self.kernel.sync_filesystem(&file);
                synced.map_err(|errno| Error::call(Action::Sync, job.target.shown, errno))?;
            }
        }
        self.close(job, file)?;
        Ok(Finished::new(placement, complaints))
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
        let known = match self.attributes().imitate(&old, stat, temporary.file(), made, inherits) {
            Ok(known) => known,
            Err(errno) if is_refused(errno) => {
                return self.rewrite_after_all(job, temporary, content).map(Progress::Named);
            }
            Err(errno) => return Err(failed(errno)),
        };
        let complaints = self.carry(job, temporary.file(), known, Fresh::Alike { inherits });
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
        let Supplanted { taken, temporary, backup } = match taken {
            Some(taken) => Supplanted { taken, temporary, backup: None },
            None => self.supplant(job, temporary, failed)?,
        };
        let finished = match taken {
            Taken::Given => self.finish_named(job, temporary, (placement, was_renamed), complaints, content)?,
            Taken::Made(own) => self.fill_own(job, temporary, own, (content, !is_new))?,
        };
        Ok(Progress::Named(Finished { backup, unsynced, ..finished }))
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

    /// Whether the source is not what it was when it was opened.
    pub(super) fn has_changed(&self, job: &Job<'_, K::File>) -> Result<bool, Error> {
        let before = job.source.stat;
        let after = self.kernel.stat(job.source.file);
        let after = after.map_err(|errno| Error::call(Action::StatSource, job.source.shown, errno))?;
        let state = |stat: &Stat| (stat.dev, stat.ino, stat.size, stat.mtime, stat.ctime);
        Ok(before.kind == Kind::File && state(before) != state(&after))
    }
}

/// Whether the new file can be made like the old one, or the old one has to be written in place. What
/// says nothing about that, such as EIO of what was written before, fails the file while there still is
/// an old one: it is emptied in place.
fn is_possible(made: crate::kernel::Result<()>) -> crate::kernel::Result<bool> {
    match made {
        Ok(()) => Ok(true),
        Err(errno) if is_refused(errno) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Whether an attribute cannot be had there, or not by this user.
fn is_refused(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::OPNOTSUPP
            | Errno::NOTTY
            | Errno::NOSYS
            | Errno::XDEV
            | Errno::INVAL
            | Errno::TXTBSY
            | Errno::BADF
            | Errno::AGAIN
            | Errno::PERM
            | Errno::ACCESS
    )
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

/// Whether no temporary can be made there: in a directory that this user may not write, which holds a file that he may; on a mount
/// that maps owners and has none for this user (EOVERFLOW); or of that name, on some filesystems.
fn is_place_refused(errno: Errno, honesty: Honesty) -> bool {
    match errno {
        Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::OVERFLOW | Errno::INVAL | Errno::NAMETOOLONG => true,
        errno => may_be_the_name(errno, honesty),
    }
}

/// What cp would have said: it removes what a new file supplants before it makes anything.
pub(super) fn cannot_place(shown: &Path, placement: Placement, errno: Errno) -> Error {
    let is_removal = placement == Placement::Supplant && matches!(errno, Errno::ACCESS | Errno::PERM | Errno::BUSY);
    Error::call(if is_removal { Action::Remove } else { Action::CreateFile }, shown, errno)
}
