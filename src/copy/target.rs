//! Where a copy's bytes go before it has its name: sinks, as they are made or opened.
//!
//! A sink is a temporary that becomes new or replaces an old file whole, or the old file itself. An
//! old file is replaced whole only where nobody could tell but by the inode number; whatever cannot
//! be made to look the same is written in place, from a verified copy beside it (rewrite.rs).

use super::commit::{PartOrigin, Spot, Temporary};
use super::copier::{Copier, Job};
use super::flags::{self, InodeSettings};
use super::refusal::may_be_the_name;
use super::sink::{Sink, SinkFile, cannot_create, not_beside, remove};
use super::types::{Follow, Name, Placement};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::filesystems::Honesty;
use crate::options::{Backup, Product, Removal, Unfinished, Verify};
use crate::quote::quoted;
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
    pub(super) fn is_private(&self, source: &Stat) -> bool {
        let preserve = &self.options.preserve;
        let sets_attributes = preserve.xattr.wanted() || preserve.context.wanted();
        preserve.closes_until_done()
            || self.options.given.mode.is_some()
            || self.options.closes_to_owner()
            || sets_attributes && self.wanted_mode(source) & 0o200 == 0
    }

    /// The permission bits a new file asks for where none are preserved, before the umask.
    pub(super) fn wanted_mode(&self, source: &Stat) -> u32 {
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
    pub(super) fn open_old(&self, job: &Job<'_, K::File>) -> Result<Option<K::File>, Error> {
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
pub(super) fn is_refused(errno: Errno) -> bool {
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
