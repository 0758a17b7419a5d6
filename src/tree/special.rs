//! What is no regular file and no directory: symbolic links, fifos, sockets, devices, hard links.
//!
//! Each is made under its own name where that is free, and under a temporary one that is renamed
//! over an old target otherwise, so that the old one is never missing. Links that are made instead of
//! copies (-l, -s) are here as well.

use super::entry_context::EntryContext;
use super::shortages::may_pass;
use crate::copy::attributes::{AttributedFile, Fresh, KnownAttributes};
use crate::copy::backup::Leaves;
use crate::copy::{Copier, Follow, Name, Special, Thing};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, Stat};
use crate::options::{Backup, Context, Product};
use crate::quote::{bare, quoted};
use std::cell::Cell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What has the target's name so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetName {
    /// Nothing.
    Free,
    /// Something that is to be replaced.
    Taken,
}

/// What is made under a name.
enum Making<'a, F> {
    /// A symbolic link with this content.
    Symlink(&'a OsStr),
    /// A fifo, socket or device: kind, mode and device number.
    Node(Kind, Mode, u64),
    /// A further name of an open file.
    Link(&'a F),
}

impl<F> Clone for Making<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Making<'_, F> {}

impl<K: Kernel> Copier<'_, K> {
    /// Makes `target` a symbolic link, fifo, socket or device like `source`, with its attributes.
    pub(super) fn make_special(
        &self,
        source: &Name<'_, K::File>,
        from: &Stat,
        target: &Name<'_, K::File>,
        (existing, context): (TargetName, &EntryContext<'_, K::File>),
    ) -> Result<Special, Error> {
        let handle = source.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW);
        let failed = |errno| Error::call(Action::StatSource, source.shown, errno);
        let handle = handle.map_err(failed)?;
        if !self.kernel.stat(&handle).map_err(failed)?.is_same_file(from) {
            return Err(Error::replaced(source.shown));
        }
        let backup = match from.kind {
            Kind::Symlink => self.make_symlink(&handle, source, target, existing)?,
            kind => self.make_node(from, kind, target, existing)?,
        };
        let carried = self.set_attributes(&handle, source, from, target, context);
        let complaints = carried.inspect_err(|error| {
            if existing == TargetName::Free && may_pass(error) {
                self.take_away(from, target);
            }
        })?;
        self.sync_name(target).map_err(|error| error.with_complaints(&complaints))?;
        let thing = if from.kind == Kind::Symlink { Thing::Symlink } else { Thing::Node };
        Ok(Special::new(thing, complaints, backup))
    }

    /// Takes away what was just made like `from` under a free name, so that another try finds it free again. What somebody else has put
    /// there stays, and so does what cannot be removed: then there is no other try.
    fn take_away(&self, from: &Stat, target: &Name<'_, K::File>) {
        let Ok(dir) = target.directory() else { return };
        let is_ours = |made: Stat| {
            (made.kind, made.rdev, made.uid) == (from.kind, from.rdev, self.options.user) && !made.has_other_names()
        };
        if self.kernel.stat_at(target.dir, target.name, false).is_ok_and(is_ours) {
            self.kernel.unlink(dir, target.name).unwrap_or(());
        }
    }

    fn make_symlink(
        &self,
        link: &K::File,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        existing: TargetName,
    ) -> Result<Option<PathBuf>, Error> {
        let content = self.kernel.readlink(link);
        let content = content.map_err(|errno| Error::call(Action::ReadSymlink, source.shown, errno))?;
        let making = Making::Symlink(&content);
        self.make(target, existing, making, |errno| Error::call(Action::CreateSymlink, target.shown, errno))
    }

    fn make_node(
        &self,
        from: &Stat,
        kind: Kind,
        target: &Name<'_, K::File>,
        existing: TargetName,
    ) -> Result<Option<PathBuf>, Error> {
        let preserve = &self.options.preserve;
        let mode = Mode::from_raw_mode(if preserve.closes_until_done() { 0o600 } else { self.node_mode(from) });
        let making = Making::Node(kind, mode, from.rdev);
        let action = if kind == Kind::Fifo { Action::CreateFifo } else { Action::CreateSpecial };
        self.make(target, existing, making, |errno| Error::call(action, target.shown, errno))
    }

    /// The mode that a new node asks for where none is preserved, before the umask.
    fn node_mode(&self, from: &Stat) -> u32 {
        if self.options.preserve.default_mode { 0o666 | from.mode & 0o7000 } else { from.mode & 0o7777 }
    }

    /// Makes something under the target's name, or under another that takes it over.
    fn make(
        &self,
        target: &Name<'_, K::File>,
        existing: TargetName,
        making: Making<'_, K::File>,
        failed: impl Fn(Errno) -> Error,
    ) -> Result<Option<PathBuf>, Error> {
        let dir = target.directory().map_err(&failed)?;
        self.spare_from_backups(target)?;
        match existing {
            TargetName::Free => self.give(making, dir, target.name).map(|()| None).map_err(failed),
            TargetName::Taken => {
                let known = match making {
                    Making::Link(file) => Some(file),
                    Making::Symlink(_) | Making::Node(..) => None,
                };
                // Some filesystems and filters refuse with EPERM to make it, as a sticky directory does to remove.
                let is_made = Cell::new(true);
                let is_link = matches!(self.options.product, Product::HardLink | Product::SymbolicLink);
                let is_copy = !is_link && !matches!(making, Making::Link(_));
                let give = |name: &Path| self.give_temporary(making, dir, name).inspect_err(|_| is_made.set(false));
                let commit = |_| self.replace_by(dir, target.name, known, give);
                let failed_here = |errno| match errno {
                    // cp removes what stands at a target before it makes anything but links of its own.
                    Errno::ACCESS | Errno::PERM | Errno::BUSY
                        if is_made.get() && is_copy && self.options.backup == Backup::No =>
                    {
                        Error::call(Action::Remove, target.shown, errno)
                    }
                    errno => failed(errno),
                };
                let taken = self.take_over(target, Leaves::WhenReplaced, commit, failed_here);
                let ((), backup) = self.with_strays(taken, target.shown, |_| &[])?;
                if self.shows(making, target).map_err(failed)? {
                    return Ok(backup);
                }
                let target = quoted(target.shown);
                Err(Error::Refused(format!("{target} is not what was made: it was replaced meanwhile")))
            }
        }
    }

    fn give(&self, making: Making<'_, K::File>, dir: &K::File, name: &Path) -> crate::kernel::Result<()> {
        match making {
            Making::Symlink(content) => self.kernel.symlink(content, dir, name),
            Making::Node(kind, mode, rdev) => self.kernel.mknod(dir, name, kind, mode, rdev),
            Making::Link(file) => self.kernel.link(file, dir, name),
        }
    }

    /// The same under a temporary name. exfat-fuse and rclone fail to make a fifo, and leave a file of its name.
    fn give_temporary(&self, making: Making<'_, K::File>, dir: &K::File, name: &Path) -> crate::kernel::Result<()> {
        self.give(making, dir, name).inspect_err(|&errno| {
            if errno != Errno::EXIST {
                // The reason is on its way.
                self.clear(dir, name);
            }
        })
    }

    /// Whether a target that was renamed over an old one is what was made: its temporary name could be seen by others.
    fn shows(&self, making: Making<'_, K::File>, target: &Name<'_, K::File>) -> crate::kernel::Result<bool> {
        let there = target.following(Follow::No).open(self.kernel, OFlags::PATH)?;
        let seen = self.kernel.stat(&there)?;
        match making {
            Making::Symlink(content) => Ok(seen.kind == Kind::Symlink
                && match self.kernel.readlink(&there) {
                    Ok(text) => text == content,
                    // sshfs 3.7.3 of Debian 12 makes links that lead out of what is mounted, and does not read them.
                    Err(Errno::PERM) => seen.size == content.len() as u64,
                    Err(errno) => return Err(errno),
                }),
            Making::Node(kind, _, rdev) => Ok((seen.kind, seen.rdev) == (kind, rdev)),
            Making::Link(file) => {
                let linked = self.kernel.stat(file)?;
                // Some filesystems make numbers from names.
                let looks = |stat: &Stat| (stat.kind, stat.size, stat.mtime, stat.mode, stat.uid);
                let is_known = self.honesty_of(file).is_known();
                Ok(seen.is_same_file(&linked) || !is_known && looks(&seen) == looks(&linked))
            }
        }
    }

    /// Makes `target` a hard link to `source` (-l), which has to be what `from` was.
    pub(super) fn make_hard_link(
        &self,
        source: &Name<'_, K::File>,
        from: &Stat,
        target: &Name<'_, K::File>,
        existing: TargetName,
    ) -> Result<Special, Error> {
        let failed = |errno| Error::pair(Action::CreateLink, target.shown, source.shown, errno);
        let handle = source.open(self.kernel, OFlags::PATH).map_err(failed)?;
        if !self.kernel.stat(&handle).map_err(failed)?.is_same_file(from) {
            return Err(failed(Errno::STALE));
        }
        let backup = self.make(target, existing, Making::Link(&handle), failed)?;
        self.sync_name(target)?;
        Ok(Special::new(Thing::HardLink, Vec::new(), backup))
    }

    /// Makes `target` a symbolic link that holds `source`'s name as typed (-s).
    pub(super) fn make_link_by_name(
        &self,
        source: &Name<'_, K::File>,
        from: &Stat,
        target: &Name<'_, K::File>,
        existing: TargetName,
    ) -> Result<Special, Error> {
        if source.shown.is_relative() && !self.is_working_directory(target)? {
            let words = "can make relative symbolic links only in current directory";
            return Err(Error::Refused(format!("{}: {words}", bare(target.shown))));
        }
        let failed = |errno| Error::pair(Action::CreateSymlink, target.shown, source.shown, errno);
        let making = Making::Symlink(source.shown.as_os_str());
        let backup = self.make(target, existing, making, failed)?;
        let mut complaints = Vec::new();
        if self.options.preserve.timestamps.wanted() {
            let link = target.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW);
            let set = link.and_then(|link| {
                // A hard link to somebody else's file, put here since, must not get our source's times.
                let made = self.kernel.stat(&link)?;
                let is_ours = made.kind == Kind::Symlink && !made.has_other_names();
                if is_ours { self.kernel.set_times(&link, from.atime, from.mtime) } else { Err(Errno::STALE) }
            });
            complaints.extend(set.map_err(|errno| Error::call(Action::PreserveTimes, target.shown, errno)).err());
        }
        self.sync_name(target).map_err(|error| error.with_complaints(&complaints))?;
        Ok(Special::new(Thing::Symlink, complaints, backup))
    }

    /// Whether the target lies in the working directory.
    fn is_working_directory(&self, target: &Name<'_, K::File>) -> Result<bool, Error> {
        let failed = |shown| move |errno| Error::call(Action::StatTarget, shown, errno);
        let here = Path::new(".");
        let working = self.kernel.stat_at(None, here, true).map_err(failed(here))?;
        let target_directory =
            target.directory().and_then(|dir| self.kernel.stat(dir)).map_err(failed(target.shown))?;
        Ok(working.is_same_file(&target_directory))
    }

    /// Gives a node its attributes, by a handle that is seen to be that node and nobody else's.
    fn set_attributes(
        &self,
        source: &K::File,
        from_name: &Name<'_, K::File>,
        from: &Stat,
        target: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
    ) -> Result<Vec<Error>, Error> {
        let preserve = &self.options.preserve;
        let kept = [preserve.mode, preserve.ownership, preserve.timestamps, preserve.xattr, preserve.context];
        let is_finished = !preserve.default_mode && !self.options.closes_to_owner();
        if self.options.context == Context::Inherited && is_finished && !kept.iter().any(|keep| keep.wanted()) {
            return Ok(Vec::new());
        }
        let failed = |errno| Error::call(Action::StatTarget, target.shown, errno);
        let handle = target.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW).map_err(failed)?;
        let made = self.kernel.stat(&handle).map_err(failed)?;
        // A hard link to somebody else's node, put here since, must not get our source's owner.
        if (made.kind, made.rdev) != (from.kind, from.rdev) || made.has_other_names() {
            return Err(failed(Errno::STALE));
        }
        // With an owner of its own it keeps its set-user-ID bit only if its mode is preserved, as with cp.
        let kept = if preserve.ownership.wanted() && !preserve.mode.wanted() { 0o3777 } else { 0o7777 };
        let default_mode = self.node_mode(from) & !self.options.umask & kept;
        // A mode that it was made with stays: a list that it inherits may have taken rights from it.
        let private = preserve.closes_until_done() || self.options.closes_to_owner();
        let fresh = Fresh::Made { private, default_mode, inherits: context.target_directory.inherits };
        let tells_lists = self.tells_lists(context.origin, from);
        let source =
            AttributedFile { file: source, shown: from_name.shown, known: KnownAttributes::default(), tells_lists };
        let known = KnownAttributes::of(Some(made));
        let target = AttributedFile { file: &handle, shown: target.shown, known, tells_lists: false };
        Ok(self.attributes().carry(&source, from, &target, fresh))
    }

    /// Makes `target` a further name of a file made before, which is known as `shown`.
    pub(super) fn make_link(
        &self,
        first: &K::File,
        shown: &Path,
        target: &Name<'_, K::File>,
        existing: TargetName,
    ) -> Result<Special, Error> {
        let failed = |errno| Error::pair(Action::CreateLink, target.shown, shown, errno);
        let backup = self.make(target, existing, Making::Link(first), failed)?;
        self.sync_name(target)?;
        Ok(Special::new(Thing::HardLink, Vec::new(), backup))
    }

    /// A target's stat without following a link, or `None` where there is nothing.
    pub(super) fn stat_target(&self, target: &Name<'_, K::File>, follow: bool) -> Result<Option<Stat>, Error> {
        match self.kernel.stat_at(target.dir, target.name, follow) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::call(Action::StatTarget, target.shown, errno)),
        }
    }
}
