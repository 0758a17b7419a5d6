//! A further name of an inode that was copied: a hard link to the copy, as long as that is one of what the name shows now.
//!
//! An inode number proves little: it is given away again as soon as it is free, and filesystems in user space give several
//! files one number, or one file several. So the copy has to be what it was, and the source what it was when that was read;
//! where times cannot tell, or numbers mean nothing, the bytes decide. What is not proved to be the same is copied by itself.

use super::links::{Likeness, LinkableCopy, Version};
use super::run::{EntryPair, Run};
use super::special::TargetName;
use crate::copy::{Outcome, Source, Special, Thing};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::filesystems::Filesystem;
use crate::options::Product;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The right of a file's owner to read it (S_IRUSR).
const OWNER_READS: u32 = 0o400;

/// The copy that a further name is linked to.
pub(super) struct First<F> {
    /// A handle of O_PATH.
    file: F,
    stat: Stat,
    version: Version,
    /// Its filesystem gives every file a number of its own.
    is_numbered: bool,
}

impl<F> First<F> {
    /// Bytes of content.
    pub(super) fn size(&self) -> u64 {
        self.stat.size
    }
}

impl<K: Kernel> Run<'_, K> {
    /// What was made, as it is once it has its name: there are filesystems whose inode numbers go by it (libfuse's own,
    /// which sshfs and mergerfs have).
    pub(super) fn made(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        source: &Version,
        outcome: &Outcome,
    ) -> Result<LinkableCopy, Error> {
        let target = entry_pair.target;
        let failed = |errno| Error::call(Action::StatTarget, target.shown, errno);
        let stat = self.kernel.stat_at(target.dir, target.name, false).map_err(failed)?;
        let birth = self.kernel.birth(target.dir, target.name, false).map_err(failed)?;
        let version = Version::new(&stat, birth);
        let (is_new, is_copied) = match outcome {
            Outcome::Copied(copied) => (true, !copied.changed),
            Outcome::Made(_) => (true, true),
            Outcome::Skipped | Outcome::Declined => (false, false),
        };
        let is_settled = is_copied && source.is_settled(&version);
        let content = if self.options.seals { outcome.content().map(Box::new) } else { None };
        Ok(LinkableCopy { path: entry_pair.path.to_owned(), version, is_new, is_settled, content })
    }

    /// The earlier copy, if this name may be a link to it. `likeness` is how the source compares with what it was then.
    pub(super) fn first(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        stat: &Stat,
        made: &LinkableCopy,
        likeness: Likeness,
    ) -> Result<Option<First<K::File>>, Error> {
        let Some(first) = self.open_first(entry_pair, made)? else { return Ok(None) };
        let is_it = if first.is_numbered {
            made.version.likeness(&first.version) != Likeness::Other
        } else {
            made.version.kind == first.version.kind
        };
        // A link at the first target was written through: what has that name is no copy.
        let is_kind = self.options.product != Product::Copy || first.version.kind == stat.kind;
        let is_proved = is_it
            && is_kind
            && match self.options.product {
                // No bytes tell whether what is made by a source's name, or without its content, is still what was made.
                Product::HardLink | Product::SymbolicLink => made.is_new && first.is_numbered,
                Product::Attributes => made.is_new && (first.is_numbered || made.version.looks_like(&first.version)),
                Product::Copy => {
                    let is_seen = likeness == Likeness::Same && made.is_settled && first.is_numbered;
                    is_seen && self.is_numbered(entry_pair, stat)? || self.holds_same(entry_pair, stat, &first, made)?
                }
            };
        Ok(is_proved.then_some(first))
    }

    /// Opens the copy where it was made; `None` if it is not there any more.
    fn open_first(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: &LinkableCopy,
    ) -> Result<Option<First<K::File>>, Error> {
        let failed =
            |errno| Error::pair(Action::CreateLink, entry_pair.target.shown, &shown_copy(entry_pair, made), errno);
        let Some(file) = self.open_made(entry_pair, made, OFlags::PATH | OFlags::NOFOLLOW).map_err(failed)? else {
            return Ok(None);
        };
        let stat = self.kernel.stat(&file).map_err(failed)?;
        let birth = self.kernel.birth(Some(&file), "".as_ref(), false).map_err(failed)?;
        let magic = self.kernel.filesystem(&file).unwrap_or(Filesystem::UNTOLD);
        let is_numbered = Filesystem::new(magic).numbers_files();
        Ok(Some(First { file, stat, version: Version::new(&stat, birth), is_numbered }))
    }

    fn open_made(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: &LinkableCopy,
        flags: OFlags,
    ) -> crate::kernel::Result<Option<K::File>> {
        // With --keep-directory-symlink the way to it may lead through links; it is compared. So is what a link at a
        // target led to, through which the copy was written.
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let reach = match (self.options.keep_directory_symlink, flags.contains(OFlags::NOFOLLOW)) {
            (true, _) => ResolveFlags::empty(),
            // The user's own way out, with --parents.
            (false, _) if made.path.starts_with("..") => ResolveFlags::NO_SYMLINKS,
            (false, true) => within,
            (false, false) => ResolveFlags::BENEATH,
        };
        let opened = match self.kernel.open(Some(entry_pair.base), &made.path, flags, Mode::empty(), reach) {
            // A way that follows no links is walked by the kernel's wrapper, however long it is.
            Err(Errno::NAMETOOLONG) if reach.is_empty() => self.open_by_steps(entry_pair.base, &made.path, flags),
            opened => opened,
        };
        match opened {
            Ok(file) => Ok(Some(file)),
            // Gone, or something else by now.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            // A link leads out; where none is followed nothing does, and the answer is a fault.
            Err(Errno::XDEV) if !reach.contains(ResolveFlags::NO_SYMLINKS) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Opens what lies beneath a directory by a path that may be longer than one call takes (PATH_MAX); links are followed.
    fn open_by_steps(&self, base: &K::File, path: &Path, flags: OFlags) -> crate::kernel::Result<K::File> {
        let open = |dir: &K::File, name: &Path, flags| {
            self.kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty())
        };
        let name = path.file_name().map(Path::new).ok_or(Errno::INVAL)?;
        let mut above: Option<K::File> = None;
        for step in path.parent().into_iter().flat_map(Path::components) {
            above = Some(open(above.as_ref().unwrap_or(base), step.as_ref(), OFlags::PATH | OFlags::DIRECTORY)?);
        }
        open(above.as_ref().unwrap_or(base), name, flags)
    }

    /// Whether this user need not be able to read what he has made: its rights keep even its owner from that, or it is somebody
    /// else's, as what root's server makes for him is. Nothing keeps root out but a fault.
    fn may_be_closed(&self, copied: &Stat) -> bool {
        copied.mode & OWNER_READS == 0 || !self.options.privileged && copied.uid != self.options.user
    }

    /// Opens the copy to read it; `None` also if its rights keep this user from that.
    fn read_made(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: &LinkableCopy,
        copied: &Stat,
        flags: OFlags,
    ) -> crate::kernel::Result<Option<K::File>> {
        match self.open_made(entry_pair, made, flags | OFlags::RDONLY | OFlags::NONBLOCK) {
            Err(Errno::ACCESS) if self.may_be_closed(copied) => Ok(None),
            opened => opened,
        }
    }

    /// Whether the source's filesystem gives every file a number of its own.
    fn is_numbered(&self, entry_pair: &EntryPair<'_, K::File>, stat: &Stat) -> Result<bool, Error> {
        let magic = match entry_pair.context.origin {
            Some(origin) if origin.dev == stat.dev => origin.magic,
            Some(_) | None => {
                let handle = entry_pair.source.open(self.kernel, OFlags::PATH);
                let handle = handle.map_err(|errno| Error::call(Action::StatSource, entry_pair.source.shown, errno))?;
                self.kernel.filesystem(&handle).unwrap_or(Filesystem::UNTOLD)
            }
        };
        Ok(Filesystem::new(magic).numbers_files())
    }

    /// Makes a name a further one of the copy, unless it is that already.
    pub(super) fn make_further(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: &LinkableCopy,
        first: &First<K::File>,
        existing: Option<&Stat>,
    ) -> Result<Special, Error> {
        let is_linked = first.is_numbered && existing.is_some_and(|found| found.is_same_file(&first.stat));
        if is_linked {
            let special = Special::new(Thing::HardLink, Vec::new(), None);
            return Ok(Special { content: made.content.clone(), ..special });
        }
        if existing.is_some_and(|found| found.kind == Kind::File) && first.stat.kind == Kind::File {
            // A new file is not synced when it gets its name; this name has something to lose.
            let failed = |errno| Error::call(Action::Sync, entry_pair.target.shown, errno);
            let copy = self.read_made(entry_pair, made, &first.stat, OFlags::NOFOLLOW).map_err(failed)?;
            self.entries.copier.write_out(copy.as_ref(), entry_pair.target)?;
        }
        let existing = if existing.is_some() { TargetName::Taken } else { TargetName::Free };
        let special =
            self.entries.copier.make_link(&first.file, &shown_copy(entry_pair, made), entry_pair.target, existing)?;
        Ok(Special { content: made.content.clone(), ..special })
    }

    /// Whether the copy holds what the source shows under this name.
    fn holds_same(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        stat: &Stat,
        first: &First<K::File>,
        made: &LinkableCopy,
    ) -> Result<bool, Error> {
        let source = entry_pair.source;
        let copy = &first.stat;
        match stat.kind {
            Kind::File => self.holds_same_bytes(entry_pair, stat, first, made),
            Kind::Symlink if copy.kind == Kind::Symlink => {
                let failed = |errno| Error::call(Action::ReadSymlink, source.shown, errno);
                let link = source.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW).map_err(failed)?;
                let texts = self.kernel.readlink(&link).and_then(|text| Ok((text, self.kernel.readlink(&first.file)?)));
                texts.map(|(source, copy)| source == copy).map_err(failed)
            }
            Kind::Directory | Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                Ok((stat.kind, stat.rdev) == (copy.kind, copy.rdev))
            }
        }
    }

    fn holds_same_bytes(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        stat: &Stat,
        first: &First<K::File>,
        made: &LinkableCopy,
    ) -> Result<bool, Error> {
        let copied = &first.stat;
        // Through a link the copy was written to what that leads to.
        let follow = if copied.kind == Kind::Symlink { OFlags::empty() } else { OFlags::NOFOLLOW };
        // What fails is the name that was to be a link to it.
        let failed = |errno| Error::call(Action::Read, entry_pair.target.shown, errno);
        // The copy's time of access is preserved; the kernel lets its owner read it without a new one.
        let copy = match self.read_made(entry_pair, made, copied, follow | OFlags::NOATIME) {
            Err(Errno::PERM) => self.read_made(entry_pair, made, copied, follow),
            copy => copy,
        };
        let copy = copy.map_err(failed)?;
        let Some(copy) = copy else { return Ok(false) };
        let found = self.kernel.stat(&copy).map_err(failed)?;
        let is_copy = copied.kind == Kind::Symlink || copied.is_same_file(&found);
        if !is_copy || found.kind != Kind::File {
            return Ok(false);
        }
        let (file, opened) = self.entries.open_inspected(entry_pair.source, stat)?;
        let source =
            Source { file: &file, stat: &opened, shown: entry_pair.source.shown, origin: entry_pair.context.origin };
        match self.entries.copier.holds_same_bytes(&source, &copy, entry_pair.target.shown) {
            // sshfs opens what its far end does not let this user read.
            Err(Error::Call { errno: Errno::ACCESS, .. }) if self.may_be_closed(copied) => Ok(false),
            held => held.map(|held| held.is_some()),
        }
    }
}

/// The copy's name as it would be typed: this target's own, with the other's path at its end.
fn shown_copy<F>(entry_pair: &EntryPair<'_, F>, made: &LinkableCopy) -> PathBuf {
    let shown = entry_pair.target.shown.as_os_str().as_bytes();
    let before = shown.strip_suffix(entry_pair.path.as_os_str().as_bytes()).unwrap_or_default();
    PathBuf::from(OsString::from_vec([before, made.path.as_os_str().as_bytes()].concat()))
}
