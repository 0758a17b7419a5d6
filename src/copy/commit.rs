//! From a temporary to a name: how a target comes to be, whole or not at all.
//!
//! A new file is made without a name (O_TMPFILE) where the filesystem can, else under a temporary
//! one, which begins with `.safecp-`, in the target's own directory. Only a verified
//! and finished file is given the target's name: by linkat, which refuses a taken one, or by
//! renameat2 over the old file. Until then the old file is untouched, and a crash leaves at most a
//! temporary name (docs/design/temporaries.md has what is done where a call is not to be had).

use super::copier::Copier;
use super::refusal::{is_taken_for_good, may_be_the_name};
use super::stale_temporary::{NamedFor, Numbers, TemporaryNames};
use super::types::TargetDirectory;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use crate::known::filesystems::Honesty;
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// How many temporary names are tried before their being taken is believed.
pub(super) const NAME_ATTEMPTS: usize = 16;

/// Where a verified copy lies if its target's directory takes none: nobody else sees a file without a name.
const ELSEWHERE: [&str; 2] = ["/var/tmp", "/tmp"];

/// How a target's name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing has the name; if something has in the end, that is an error.
    New,
    /// Whatever has the name is replaced.
    Over,
}

/// A directory in which temporaries are made.
pub(crate) struct Spot<'a, K: Kernel> {
    pub(crate) kernel: &'a K,
    pub(crate) names: &'a TemporaryNames,
    pub(crate) dir: &'a K::File,
    /// Its numbers, where they are known to stay.
    pub(crate) here: Option<Numbers>,
    /// Nobody but this machine's kernel works on the filesystem: its locks hold for everyone.
    pub(crate) is_local: bool,
}

impl<K: Kernel> Clone for Spot<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Kernel> Copy for Spot<'_, K> {}

impl<K: Kernel> Spot<'_, K> {
    /// Calls with fresh temporary names until one is not taken.
    pub(crate) fn with_free_name<T>(
        &self,
        of: NamedFor,
        mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
    ) -> crate::kernel::Result<(PathBuf, T)> {
        let marked = || self.names.marked(self.kernel, (self.dir, self.here), self.is_local, of);
        let mut name = marked();
        for _ in 0..NAME_ATTEMPTS {
            name = match call(&name) {
                Err(Errno::EXIST) => marked(),
                Err(Errno::NAMETOOLONG) => self.names.short(self.kernel),
                made => return made.map(|made| (name, made)),
            };
        }
        Err(Errno::EXIST)
    }

    /// The same with names that nobody takes for a leftover.
    pub(super) fn with_plain_name<T>(
        &self,
        mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
    ) -> crate::kernel::Result<(PathBuf, T)> {
        let name = self.names.plain(self.kernel);
        call(&name).map(|made| (name, made))
    }

    /// Gives what has a temporary name one that is for its inode, now that this is known. The old one is as good, but for who
    /// removes leftovers.
    pub(crate) fn renamed(&self, name: PathBuf, of: NamedFor) -> PathBuf {
        let rename = |new: &Path| self.kernel.rename(self.dir, &name, self.dir, new, RenameFlags::empty());
        match self.with_free_name(of, rename) {
            Ok((new, ())) => new,
            Err(_) => name,
        }
    }

    /// Makes a file that is not there yet, under a temporary name, with these flags beside those that say so. Landlock and
    /// SELinux judge an open file when it has its name already: what they refuse is removed again. Nobody else can have that
    /// name, for nobody knew its random bits beforehand; what others put under the name of a part goes as well.
    pub(super) fn make(&self, name: &Path, flags: OFlags, mode: Mode) -> crate::kernel::Result<K::File> {
        let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let made = self.kernel.open(Some(self.dir), name, flags, mode, ResolveFlags::empty());
        made.inspect_err(|errno| {
            if *errno != Errno::EXIST {
                // The reason is on its way.
                self.clear(name);
            }
        })
    }

    /// Removes a temporary name that may be there, after something has failed. What stays is noted, to be told.
    pub(crate) fn clear(&self, name: &Path) {
        let Err(errno) = self.kernel.unlink(self.dir, name) else { return };
        if errno == Errno::NOENT {
            return;
        }
        match self.kernel.stat_at(Some(self.dir), name, false) {
            // It was never made: a directory that takes no name lets none be removed.
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Ok(_) | Err(_) => self.names.strays.note(name, errno),
        }
    }

    /// The same of one that is known to have been there.
    fn forget(&self, name: &Path) {
        if let Err(errno) = self.remove(name) {
            self.names.strays.note(name, errno);
        }
    }

    /// Removes a temporary name; it is well if another run has.
    pub(crate) fn remove(&self, name: &Path) -> crate::kernel::Result<()> {
        match self.kernel.unlink(self.dir, name) {
            Err(Errno::NOENT) => Ok(()),
            removed => removed,
        }
    }

    /// Makes what has a temporary name already under the target's, which goes before. If it cannot be made there after that, it stays
    /// under the other name, which is noted.
    fn make_again(
        &self,
        (name, target): (&Path, &Path),
        mut make: impl FnMut(&Path) -> crate::kernel::Result<()>,
    ) -> crate::kernel::Result<()> {
        self.remove(target).inspect_err(|_| self.forget(name))?;
        make(target).inspect_err(|_| self.names.strays.note_successor(name))?;
        self.forget(name);
        Ok(())
    }

    /// Removes what dead runs have left in the directory.
    pub(crate) fn remove_leftovers(&self) {
        self.names.visit(self.kernel, (self.dir, self.here), self.is_local);
    }

    /// Whether what has the name may be taken out of its directory, as the kernel finds out before it sees that
    /// it is no directory (may_delete in fs/namei.c): sticky bits, `chattr +a`, capabilities and Landlock count.
    /// Who puts an empty directory there at this moment could have removed it as well.
    pub(super) fn lets_go(&self, name: &Path) -> crate::kernel::Result<()> {
        match self.kernel.rmdir(self.dir, name) {
            // What is a directory is in the way of a file however full it is. A filter that knows no rmdir has not looked.
            Ok(()) | Err(Errno::NOTDIR | Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOSYS) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Renames within the directory to a name that must be free. `link` gives that name to what is renamed, or to
    /// the open file of it. Some filesystems and filters refuse RENAME_NOREPLACE, some links as well; the error is that
    /// of the call after which nothing was left to try.
    pub(crate) fn rename_to_free(
        &self,
        name: &Path,
        target: &Path,
        link: impl FnOnce() -> crate::kernel::Result<()>,
    ) -> crate::kernel::Result<()> {
        match self.kernel.rename(self.dir, name, self.dir, target, RenameFlags::NOREPLACE) {
            Err(errno) if self.is_refused(errno) => {}
            renamed => return renamed,
        }
        match link() {
            Ok(()) => self.kernel.unlink(self.dir, name),
            Err(errno) if self.lacks_link(errno) => self.rename_to_seen_free(name, target),
            Err(errno) => Err(errno),
        }
    }

    /// Renames to a name that was seen to be free, or that something empty was made for: a file, or a directory for a directory,
    /// which can replace nothing else.
    fn rename_to_seen_free(&self, name: &Path, target: &Path) -> crate::kernel::Result<()> {
        let rename = || self.kernel.rename(self.dir, name, self.dir, target, RenameFlags::empty());
        let ours = self.kernel.stat_at(Some(self.dir), name, false)?;
        if self.is_private(&ours)? {
            return match self.kernel.stat_at(Some(self.dir), target, false) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => rename(),
                Err(errno) => Err(errno),
            };
        }
        if ours.kind == Kind::Directory {
            self.kernel.mkdir(self.dir, target, Mode::RWXU)?;
            // The reason is on its way; what somebody has put into it stays.
            return rename().inspect_err(|_| self.kernel.rmdir(self.dir, target).unwrap_or(()));
        }
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW;
        self.kernel.open(Some(self.dir), target, flags, Mode::from_raw_mode(0o600), ResolveFlags::empty())?;
        rename().inspect_err(|_| {
            // The reason is on its way.
            self.clear(target);
        })
    }

    /// Whether a call that would have given a name was refused in a way that says nothing about the name: there may be
    /// another way. EIO is rclone's answer to flags and links that it does not know, EACCES that of Android.
    fn is_refused(&self, errno: Errno) -> bool {
        match errno {
            Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOTTY | Errno::PERM | Errno::ACCESS => true,
            // Of a disk of this machine's it is what it says.
            Errno::IO => !self.is_local,
            _ => false,
        }
    }

    /// The same of linkat: not for this file, not by this /proc, not by this filesystem.
    pub(super) fn lacks_link(&self, errno: Errno) -> bool {
        self.is_refused(errno) || matches!(errno, Errno::NOENT | Errno::XDEV | Errno::MLINK)
    }

    /// Whether only this user and root may change the directory, `ours` being what this user made there.
    fn is_private(&self, ours: &Stat) -> crate::kernel::Result<bool> {
        let here = self.kernel.stat(self.dir)?;
        Ok((here.uid == ours.uid || here.uid == 0) && here.mode & 0o022 == 0)
    }
}

/// A file that does not have its target's name yet. Dropping it removes its temporary name, unless it is a part that a later
/// run can go on with.
pub(crate) struct Temporary<'a, K: Kernel> {
    spot: Spot<'a, K>,
    name: Option<PathBuf>,
    file: Option<K::File>,
    kept: Option<PartOrigin>,
    site: Site,
}

/// Where a file lies that is to become a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    /// In the target's directory, under a temporary name or none.
    Beside,
    /// Under the target's own name.
    Own,
    /// In this directory for temporary files, without a name.
    Elsewhere(&'static str),
}

/// Where a part comes from, which stays whatever ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartOrigin {
    /// This run has begun it.
    Begun,
    /// An earlier run has left it, with bytes in it.
    Found,
}

/// A temporary whose directory's handle is not at hand.
pub(crate) struct Detached<F> {
    pub(super) name: Option<PathBuf>,
    /// Open for reading and writing.
    pub(crate) file: F,
}

impl<'a, K: Kernel> Temporary<'a, K> {
    /// Makes an empty file, open for reading and writing, in the directory. It has no name, and the
    /// mode `nameless`, where that is asked for and the filesystem can do it; else a temporary name, and the mode
    /// `named`. Both are less the umask.
    pub(crate) fn create(spot: Spot<'a, K>, named: Mode, nameless: Option<Mode>) -> crate::kernel::Result<Self> {
        let Some(mode) = nameless else { return Self::create_named(spot, named) };
        match Self::create_nameless(spot, Some(spot.dir), Path::new("."), mode) {
            // EISDIR and ENOENT come from kernels and network filesystems that do not know the flag. What a filter
            // refuses may go without it.
            Err(Errno::ISDIR | Errno::NOENT) => Self::create_named(spot, named),
            Err(errno) if spot.is_refused(errno) => Self::create_named(spot, named),
            made => made,
        }
    }

    /// Makes an empty file that is to hold a verified copy for a while, and that only this user can open: without a name
    /// in the directory; with one, where that lets `target` and so the name go again; else without one in a directory for
    /// temporary files. The error is that of the directory.
    pub(super) fn create_beside(spot: Spot<'a, K>, target: &Path) -> crate::kernel::Result<Self> {
        let mode = Mode::from_raw_mode(0o600);
        let mut made = Self::create_nameless(spot, Some(spot.dir), Path::new("."), mode);
        if !matches!(made, Ok(_) | Err(Errno::NOSPC | Errno::DQUOT)) && spot.lets_go(target).is_ok() {
            made = Self::create_named(spot, mode);
        }
        match made {
            Err(errno) if !matches!(errno, Errno::NOSPC | Errno::DQUOT) => Self::create_elsewhere(spot, errno),
            made => made,
        }
    }

    /// Makes one without a name in a directory for temporary files, after the target's answered with `refusal`, which is the error
    /// if there is none. It gets a name there if nothing else is left in the end.
    pub(super) fn create_elsewhere(spot: Spot<'a, K>, refusal: Errno) -> crate::kernel::Result<Self> {
        let mode = Mode::from_raw_mode(0o600);
        let make = |path| {
            let mut made = Self::create_nameless(spot, None, Path::new(path), mode).ok()?;
            made.site = Site::Elsewhere(path);
            Some(made)
        };
        ELSEWHERE.into_iter().find_map(make).ok_or(refusal)
    }

    /// Makes the target under its own name, which has to be free, for this user alone.
    pub(super) fn create_own(spot: Spot<'a, K>, target: &Path) -> crate::kernel::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file =
            spot.kernel.open(Some(spot.dir), target, flags, Mode::from_raw_mode(0o600), ResolveFlags::empty())?;
        Ok(Self { spot, name: Some(target.to_owned()), file: Some(file), kept: None, site: Site::Own })
    }

    /// A file that is there and is to have a further name in the directory.
    pub(crate) fn further(spot: Spot<'a, K>, file: K::File) -> Self {
        Self { spot, name: None, file: Some(file), kept: None, site: Site::Beside }
    }

    /// A part, under the name that it has.
    pub(super) fn part(spot: Spot<'a, K>, name: PathBuf, file: K::File, kept: PartOrigin) -> Self {
        Self { spot, name: Some(name), file: Some(file), kept: Some(kept), site: Site::Beside }
    }

    /// Where it comes from, if it is a part.
    pub(super) fn kept(&self) -> Option<PartOrigin> {
        self.kept
    }

    /// Has it go with this run, and returns why: bytes of it found no place on the disk. That is said once. A later fsync succeeds, and
    /// until the pages are given up they read as what was written (errseq_t, since Linux 4.13).
    pub(super) fn forsaken<E>(&mut self, why: E) -> E {
        self.kept = None;
        why
    }

    fn create_nameless(
        spot: Spot<'a, K>,
        dir: Option<&K::File>,
        path: &Path,
        mode: Mode,
    ) -> crate::kernel::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR;
        let file = spot.kernel.open(dir, path, flags, mode, ResolveFlags::empty())?;
        Ok(Self { spot, name: None, file: Some(file), kept: None, site: Site::Beside })
    }

    fn create_named(spot: Spot<'a, K>, mode: Mode) -> crate::kernel::Result<Self> {
        let make = |name: &Path| spot.make(name, OFlags::RDWR, mode);
        let (name, file) = spot.with_free_name(NamedFor::Made(spot.kernel.now()), make)?;
        let mut temporary = Self { spot, name: Some(name), file: Some(file), kept: None, site: Site::Beside };
        if !temporary.is_held()? {
            let name = temporary.name.clone();
            // The reason is on its way, without the name that stays.
            temporary
                .remove()
                .inspect_err(|errno| name.iter().for_each(|name| spot.names.strays.note(name, *errno)))?;
            let (name, file) = spot.with_plain_name(make)?;
            (temporary.name, temporary.file) = (Some(name), Some(file));
        } else if let of @ NamedFor::Inode(..) = NamedFor::file(spot.kernel, temporary.file()) {
            temporary.name = temporary.name.take().map(|name| spot.renamed(name, of));
        }
        Ok(temporary)
    }

    /// Whether a file that was just made has its name and this run's lock: another run may have taken it for a dead
    /// one's in between. Where locks do not hold for everyone nobody goes by them.
    fn is_held(&self) -> crate::kernel::Result<bool> {
        if !self.spot.is_local {
            return Ok(true);
        }
        match self.spot.kernel.lock(self.file()) {
            Ok(()) => Ok(self.spot.kernel.stat(self.file())?.nlink > 0),
            Err(_) => Ok(false),
        }
    }

    /// The open file.
    pub(crate) fn file(&self) -> &K::File {
        self.file.as_ref().expect("a temporary has its file until it is closed")
    }

    /// Takes the file out of its directory's hands, for a while or for good. Nothing is removed on drop then.
    pub(crate) fn detach(mut self) -> Detached<K::File> {
        let file = self.file.take().expect("a temporary has its file until it is closed");
        Detached { name: self.name.take(), file }
    }

    /// The same file again, in the directory that it was made in.
    pub(crate) fn attach(spot: Spot<'a, K>, detached: Detached<K::File>) -> Self {
        Self { spot, name: detached.name, file: Some(detached.file), kept: None, site: Site::Beside }
    }

    /// The open file, to be closed: what close says comes too late to undo anything.
    pub(crate) fn into_file(mut self) -> K::File {
        self.file.take().expect("a temporary has its file until it is closed")
    }

    /// Whether that error says that it cannot be given a name, since it has none.
    pub(crate) fn lacks_link(&self, errno: Errno) -> bool {
        self.name.is_none() && self.spot.lacks_link(errno)
    }

    /// Whether it has the target's own name.
    pub(super) fn is_own(&self) -> bool {
        self.site == Site::Own
    }

    /// Whether it lies where nothing can give it a name beside the target.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.site, Site::Elsewhere(_))
    }

    /// Its temporary name, if it has one.
    pub(super) fn name(&self) -> Option<&Path> {
        self.name.as_deref()
    }

    /// Gives it a temporary name, if it has none. `number` is its inode number, where that is known.
    pub(crate) fn give_name(&mut self, number: Option<u64>) -> crate::kernel::Result<()> {
        if self.name.is_none() {
            let Spot { kernel, is_local, .. } = self.spot;
            // That of an open file stays on filesystems of this machine.
            let number = number.filter(|_| is_local);
            self.name = Some(self.linked(NamedFor::numbered(kernel, self.file(), number))?);
        }
        Ok(())
    }

    /// A new name of the file.
    fn linked(&self, of: NamedFor) -> crate::kernel::Result<PathBuf> {
        let Spot { kernel, dir, is_local, .. } = self.spot;
        let link = |name: &Path| kernel.link(self.file(), dir, name);
        // Locked before it has a name, so that nobody takes it for a dead run's.
        let is_held = !is_local || kernel.lock(self.file()).is_ok();
        let made = if is_held { self.spot.with_free_name(of, link) } else { self.spot.with_plain_name(link) };
        made.map(|(name, ())| name)
    }

    /// Gives the file the name of `old`, which goes. The two names are exchanged, so that what had the target's is looked at
    /// when nobody can put anything else there any more: what `is_known` does not know gets its name back, and the error is
    /// EEXIST. Where names cannot be exchanged, the look is just before the rename.
    pub(crate) fn commit_over(
        &mut self,
        target: &Path,
        old: &K::File,
        is_known: impl Fn(&Stat) -> bool,
    ) -> crate::kernel::Result<()> {
        let Spot { kernel, dir, .. } = self.spot;
        let of = NamedFor::exchange(kernel, self.file(), old);
        let name = match self.name.take() {
            Some(name) => self.spot.renamed(name, of),
            None => self.linked(of)?,
        };
        self.name = Some(name.clone());
        let rename = |flags| kernel.rename(dir, &name, dir, target, flags);
        let look = |name: &Path| match kernel.stat_at(Some(dir), name, false) {
            Ok(found) if is_known(&found) => Ok(()),
            Ok(_) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        };
        match rename(RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(errno) if self.spot.is_refused(errno) => {
                look(target)?;
                rename(RenameFlags::empty())?;
                self.name = None;
                return Ok(());
            }
            Err(errno) => return Err(errno),
        }
        // What has the temporary name now is not to be removed by this one's end.
        self.name = None;
        match look(&name) {
            Ok(()) => self.spot.remove(&name),
            Err(errno) => {
                rename(RenameFlags::EXCHANGE)?;
                self.name = Some(name);
                Err(errno)
            }
        }
    }

    /// Gives the file the name `target` in its directory. On an error that has what it had. A temporary name that could then not be
    /// removed is noted.
    pub(crate) fn commit(&mut self, target: &Path, claim: Claim) -> crate::kernel::Result<()> {
        let Spot { kernel, dir, .. } = self.spot;
        match (claim, &self.name) {
            (Claim::New, Some(_)) if self.is_own() => {}
            (Claim::New, None) => kernel.link(self.file(), dir, target)?,
            (Claim::New, Some(name)) => {
                let is_linked = Cell::new(false);
                let link = || kernel.link(self.file(), dir, target).inspect(|()| is_linked.set(true));
                match self.spot.rename_to_free(name, target, link) {
                    // It has the target's name, and one beside it that stays: to make it once more would not help.
                    Err(errno) if is_linked.get() => self.spot.names.strays.note(name, errno),
                    named => named?,
                }
            }
            (Claim::Over, _) => {
                self.give_name(None)?;
                let name = self.name.as_deref().expect("a temporary that was given a name");
                kernel.rename(dir, name, dir, target, RenameFlags::empty())?;
            }
        }
        self.name = None;
        Ok(())
    }

    /// Gives it a name that no later run takes for a leftover, and leaves it there: in its directory, or by its path in the one for
    /// temporary files where it lies. What can have no other name stays under the one that it has. `None` if it has none.
    pub(super) fn keep(mut self) -> Option<PathBuf> {
        let Spot { kernel, dir, .. } = self.spot;
        match (self.site, self.name.take()) {
            (Site::Elsewhere(path), _) => self.named_elsewhere(Path::new(path)).ok(),
            (_, None) => self.linked_plainly(dir).ok(),
            (_, Some(old)) => {
                let rename = |name: &Path| kernel.rename(dir, &old, dir, name, RenameFlags::empty());
                let renamed = self.spot.with_plain_name(rename);
                Some(renamed.map_or(old, |(name, ())| name))
            }
        }
    }

    fn named_elsewhere(&self, path: &Path) -> crate::kernel::Result<PathBuf> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let dir = self.spot.kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty())?;
        Ok(path.join(self.linked_plainly(&dir)?))
    }

    /// A name in the directory that nobody takes for a leftover.
    fn linked_plainly(&self, dir: &K::File) -> crate::kernel::Result<PathBuf> {
        let Spot { kernel, names, .. } = self.spot;
        let link = |name: &Path| kernel.link(self.file(), dir, name);
        let linked = self.spot.with_plain_name(link).or_else(|_| {
            // It may be refused for its dot.
            let name = names.undotted(kernel);
            link(&name).map(|()| (name, ()))
        });
        linked.map(|(name, ())| name)
    }

    /// The open file, which keeps the name that it has.
    pub(super) fn into_named(mut self) -> K::File {
        self.name = None;
        self.into_file()
    }

    /// Removes its temporary name, if it has one.
    pub(crate) fn remove(&mut self) -> crate::kernel::Result<()> {
        match self.name.take() {
            Some(name) if self.is_own() && !self.is_shown_by(&name)? => Ok(()),
            Some(name) => self.spot.remove(&name),
            None => Ok(()),
        }
    }

    /// Whether a name that others could have put something else under shows this file.
    fn is_shown_by(&self, name: &Path) -> crate::kernel::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        match self.spot.kernel.stat_at(Some(self.spot.dir), name, false) {
            Ok(seen) => Ok(seen.is_same_file(&self.spot.kernel.stat(file)?)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }
}

impl<K: Kernel> Drop for Temporary<'_, K> {
    fn drop(&mut self) {
        // A part of which nothing was written is of no use to anybody.
        let holds = |file: &K::File| self.spot.kernel.stat(file).is_ok_and(|stat| stat.size > 0);
        if self.kept.is_some() && self.file.as_ref().is_some_and(holds) {
            return;
        }
        // The copy has failed already and its reason is on its way.
        let Some(name) = self.name.clone() else { return };
        if let Err(errno) = self.remove() {
            self.spot.names.strays.note(&name, errno);
        }
    }
}

impl<K: Kernel> Copier<'_, K> {
    /// A directory in which temporaries are made, on a filesystem whose hints are worth so much.
    pub(super) fn spot<'s>(&'s self, dir: &'s K::File, honesty: Honesty) -> Spot<'s, K> {
        let is_local = honesty.is_known();
        Spot { kernel: self.kernel, names: &self.names, dir, here: None, is_local }
    }

    /// The same of a directory of which more is known.
    pub(super) fn spot_in<'s>(&'s self, dir: &'s K::File, known: &TargetDirectory) -> Spot<'s, K> {
        let spot = self.spot(dir, known.honesty);
        Spot { here: known.dev.zip(known.ino).filter(|_| spot.is_local), ..spot }
    }

    /// Makes `make` under a temporary name and renames it over `target`, so that what stood there is
    /// replaced at once or stays. For symbolic links, nodes, and hard links to a `known` file.
    pub(crate) fn replace_by(
        &self,
        dir: &K::File,
        target: &Path,
        known: Option<&K::File>,
        mut make: impl FnMut(&Path) -> crate::kernel::Result<()>,
    ) -> crate::kernel::Result<()> {
        // They are not locked, so that nothing hangs on whether locks hold.
        let honesty = self.honesty_of(dir);
        let spot = self.spot(dir, honesty);
        spot.lets_go(target)?;
        for _ in 1..NAME_ATTEMPTS {
            let of = known.map_or_else(|| NamedFor::Made(self.kernel.now()), |file| NamedFor::file(self.kernel, file));
            let made = match spot.with_free_name(of, &mut make) {
                // What cannot be made under any name leaves the old one where it is.
                Err(errno) if may_be_the_name(errno, honesty) => {
                    let name = spot.names.undotted(self.kernel);
                    make(&name).map(|()| (name, ()))
                }
                made => made,
            };
            let (name, ()) = made?;
            match self.kernel.rename(dir, &name, dir, target, RenameFlags::empty()) {
                Ok(()) => return self.forget_second(spot, &name, target),
                // What has no lock another run may take for a dead one's.
                Err(Errno::NOENT) => {}
                // It could be made under another name, and so it can be here.
                Err(errno) if is_taken_for_good(errno, honesty) => return spot.make_again((&name, target), make),
                Err(errno) => {
                    // The reason is on its way.
                    spot.forget(&name);
                    return Err(errno);
                }
            }
        }
        Err(Errno::NOENT)
    }

    /// Removes a temporary name that may be there, after something has failed. What stays is noted.
    pub(crate) fn clear(&self, dir: &K::File, name: &Path) {
        self.spot(dir, Honesty::Unknown).clear(name);
    }

    /// Renames within a directory; the old name is gone afterwards, whatever happened.
    pub(super) fn rename_and_forget(&self, spot: Spot<'_, K>, name: &Path, target: &Path) -> crate::kernel::Result<()> {
        self.rename_or(spot, name, target, |errno| {
            if errno != Errno::NOENT {
                // The reason is on its way.
                spot.forget(name);
            }
            Err(errno)
        })
    }

    /// The same, where `failed` says what becomes of the old name if it stays.
    pub(super) fn rename_or(
        &self,
        spot: Spot<'_, K>,
        name: &Path,
        target: &Path,
        failed: impl FnOnce(Errno) -> crate::kernel::Result<()>,
    ) -> crate::kernel::Result<()> {
        match self.kernel.rename(spot.dir, name, spot.dir, target, RenameFlags::empty()) {
            Ok(()) => self.forget_second(spot, name, target),
            Err(errno) => failed(errno),
        }
    }

    /// rename of two names of one file does nothing and leaves both: removes the first. What else has that
    /// name now is another run's.
    fn forget_second(&self, spot: Spot<'_, K>, name: &Path, target: &Path) -> crate::kernel::Result<()> {
        let look = |name: &Path| self.kernel.stat_at(Some(spot.dir), name, false);
        match look(name) {
            Err(Errno::NOENT) => Ok(()),
            Ok(found) if look(target).is_ok_and(|there| !found.is_same_file(&there)) => Ok(()),
            // What cannot be looked at goes as well: nobody knew its 128 random bits beforehand.
            _ => spot.remove(name),
        }
    }

    /// Writes a directory out, so that the names in it outlive a power loss.
    pub fn sync_directory(&self, dir: &K::File, shown: &Path) -> Result<(), Error> {
        // A handle of O_PATH cannot be synced; one of its own can.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let failed = |errno| Error::call(Action::Sync, shown, errno);
        let dir =
            self.kernel.open(Some(dir), Path::new("."), flags, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
        self.kernel.fsync(&dir).map_err(failed)
    }
}
