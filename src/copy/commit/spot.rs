//! A directory in which temporaries are made, and what is asked of it: names that nobody has, the removal of one, whether it lets a name go.

use super::NAME_ATTEMPTS;
use crate::copy::refusal::is_refusal_of_a_name;
use crate::copy::stale_temporary::{NamedFor, Numbers, TemporaryNames};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use std::path::{Path, PathBuf};

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
    pub(in crate::copy) fn with_plain_name<T>(
        &self,
        mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
    ) -> crate::kernel::Result<(PathBuf, T)> {
        let name = self.names.plain(self.kernel);
        match call(&name) {
            Ok(made) => Ok((name, made)),
            Err(errno) => self.with_undotted_name(errno, call),
        }
    }

    /// The same for what stands for a moment: it may have a name without a dot in front, where no other is taken.
    pub(crate) fn with_any_name<T>(
        &self,
        of: NamedFor,
        mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
    ) -> crate::kernel::Result<(PathBuf, T)> {
        self.with_free_name(of, &mut call).or_else(|errno| self.with_undotted_name(errno, call))
    }

    /// Calls with such a name, if one with a dot may have been refused for that; else that refusal is the error.
    fn with_undotted_name<T>(
        &self,
        refusal: Errno,
        mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
    ) -> crate::kernel::Result<(PathBuf, T)> {
        if self.is_local || !is_refusal_of_a_name(refusal) {
            return Err(refusal);
        }
        let name = self.names.undotted(self.kernel);
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
    pub(in crate::copy) fn make(&self, name: &Path, flags: OFlags, mode: Mode) -> crate::kernel::Result<K::File> {
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
            // What a disk cannot tell may be there.
            Ok(_) | Err(Errno::IO | Errno::NOMEM) => self.names.strays.note(name, errno),
            // A directory that takes no such name lets none be removed or looked at.
            Err(_) => {}
        }
    }

    /// The same of one that is known to have been there.
    pub(in crate::copy) fn forget(&self, name: &Path) {
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

    /// Whether a name that others could have put something else under shows a file that is open.
    pub(in crate::copy) fn shows(&self, name: &Path, file: &K::File) -> crate::kernel::Result<bool> {
        match self.kernel.stat_at(Some(self.dir), name, false) {
            Ok(seen) => Ok(seen.is_same_file(&self.kernel.stat(file)?)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    /// Makes what has a temporary name already under the target's, which goes before. If it cannot be made there after that, it stays
    /// under the other name, which is noted.
    pub(super) fn make_again(
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
    pub(in crate::copy) fn lets_go(&self, name: &Path) -> crate::kernel::Result<()> {
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
            self.forget(target);
        })
    }

    /// Whether a call that would have given a name was refused in a way that says nothing about the name: there may be
    /// another way. EIO is rclone's answer to flags and links that it does not know, EACCES that of Android.
    pub(super) fn is_refused(&self, errno: Errno) -> bool {
        match errno {
            Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOTTY | Errno::PERM | Errno::ACCESS => true,
            // Of a disk of this machine's it is what it says.
            Errno::IO => !self.is_local,
            _ => false,
        }
    }

    /// The same of linkat: not for this file, not by this /proc, not by this filesystem.
    pub(in crate::copy) fn lacks_link(&self, errno: Errno) -> bool {
        self.is_refused(errno) || matches!(errno, Errno::NOENT | Errno::XDEV | Errno::MLINK)
    }

    /// Whether only this user and root may change the directory, `ours` being what this user made there.
    fn is_private(&self, ours: &Stat) -> crate::kernel::Result<bool> {
        let here = self.kernel.stat(self.dir)?;
        Ok((here.uid == ours.uid || here.uid == 0) && here.mode & 0o022 == 0)
    }
}
