//! From a temporary to a name: how a target comes to be, whole or not at all.
//!
//! A new file is made without a name (O_TMPFILE) where the filesystem can, else under a temporary
//! one, `.safecp-` with sixteen hexadecimal digits, in the target's own directory, and locked. Only a verified
//! and finished file is given the target's name: by linkat, which refuses a taken one, or by
//! renameat2 over the old file. Until then the old file is untouched, and a crash leaves at most a
//! temporary name.

use super::Copier;
use super::leftover::{is_held, own_name, remove_dead};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, RenameFlags, ResolveFlags};
use std::path::{Path, PathBuf};

/// What temporary names begin with.
pub const TEMPORARY_PREFIX: &str = ".safecp-";

/// How many temporary names are tried before their being taken is believed.
const NAME_ATTEMPTS: u64 = 16;

/// How a target's name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing has the name; if something has in the end, that is an error.
    New,
    /// Whatever has the name is replaced.
    Over,
}

/// A file that does not have its target's name yet. Dropping it removes its temporary name.
pub struct Temporary<'a, K: Kernel> {
    kernel: &'a K,
    dir: &'a K::File,
    name: Option<PathBuf>,
    file: Option<K::File>,
}

impl<'a, K: Kernel> Temporary<'a, K> {
    /// Makes an empty file, open for reading and writing, in `dir`, to become `target` there. It has no name, and the
    /// mode `nameless`, where that is asked for and the filesystem can do it; else a temporary name, and the mode
    /// `named`. Both are less the umask.
    pub fn create(
        kernel: &'a K,
        dir: &'a K::File,
        target: &Path,
        named: Mode,
        nameless: Option<Mode>,
    ) -> crate::kernel::Result<Self> {
        let Some(mode) = nameless else { return Self::create_named(kernel, dir, target, named) };
        let flags = OFlags::TMPFILE | OFlags::RDWR;
        match kernel.open(Some(dir), Path::new("."), flags, mode, ResolveFlags::empty()) {
            Ok(file) => Ok(Self { kernel, dir, name: None, file: Some(file) }),
            // EISDIR and ENOENT come from kernels and network filesystems that do not know the flag.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL | Errno::NOSYS) => {
                Self::create_named(kernel, dir, target, named)
            }
            Err(errno) => Err(errno),
        }
    }

    fn create_named(kernel: &'a K, dir: &'a K::File, target: &Path, mode: Mode) -> crate::kernel::Result<Self> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW;
        let make = |name: &Path| kernel.open(Some(dir), name, flags, mode, ResolveFlags::empty());
        let (name, file) = with_free_name(kernel, dir, target, make)?;
        let mut temporary = Self { kernel, dir, name: Some(name), file: Some(file) };
        if !is_held(kernel, temporary.file())? {
            // Another run removes it; nobody looks for a name of chance.
            temporary.name = None;
            let (name, file) = with_name_of_chance(kernel, make)?;
            (temporary.name, temporary.file) = (Some(name), Some(file));
        }
        Ok(temporary)
    }

    /// The open file.
    pub fn file(&self) -> &K::File {
        self.file.as_ref().expect("a temporary has its file until it is committed")
    }

    /// Gives the file the name `target` in its directory, and returns it to be closed: what close says comes
    /// too late to undo anything. On an error the name has what it had.
    pub fn commit(mut self, target: &Path, claim: Claim) -> crate::kernel::Result<K::File> {
        match (claim, self.name.take()) {
            (Claim::New, None) => self.kernel.link(self.file(), self.dir, target)?,
            (Claim::New, Some(name)) => self.rename(name, target, RenameFlags::NOREPLACE)?,
            (Claim::Over, Some(name)) => self.rename(name, target, RenameFlags::empty())?,
            (Claim::Over, None) => {
                // Before it has a name, so that nobody takes it for a dead run's. Where there are no locks,
                // nobody gets one to remove it.
                self.kernel.lock(self.file()).unwrap_or(());
                let link = |name: &Path| self.kernel.link(self.file(), self.dir, name);
                let (name, ()) = with_free_name(self.kernel, self.dir, target, link)?;
                self.rename(name, target, RenameFlags::empty())?;
            }
        }
        Ok(self.file.take().expect("a temporary has its file until it is committed"))
    }

    /// Renames; the temporary name is kept for removal if that fails.
    fn rename(&mut self, name: PathBuf, target: &Path, flags: RenameFlags) -> crate::kernel::Result<()> {
        let renamed = match self.kernel.rename(self.dir, &name, self.dir, target, flags) {
            // Filesystems without RENAME_NOREPLACE: link does not replace either.
            Err(Errno::INVAL) if flags == RenameFlags::NOREPLACE => {
                let linked = self.kernel.link(self.file(), self.dir, target);
                linked.and_then(|()| self.kernel.unlink(self.dir, &name))
            }
            renamed => renamed,
        };
        if renamed.is_err() {
            self.name = Some(name);
        }
        renamed
    }
}

impl<K: Kernel> Drop for Temporary<'_, K> {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // The copy has failed already and its reason is on its way; a name that cannot be
            // removed has nothing to add to it.
            self.kernel.unlink(self.dir, &name).unwrap_or(());
        }
    }
}

/// Calls with a temporary name for `target` that is not taken: its own, which what a dead run left there
/// has to make way for, else one of chance.
fn with_free_name<K: Kernel, T>(
    kernel: &K,
    dir: &K::File,
    target: &Path,
    mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
) -> crate::kernel::Result<(PathBuf, T)> {
    let own = own_name(target);
    let mut made = call(&own);
    if matches!(made, Err(Errno::EXIST)) && remove_dead(kernel, dir, &own) {
        made = call(&own);
    }
    match made {
        Err(Errno::EXIST) => with_name_of_chance(kernel, call),
        made => made.map(|made| (own, made)),
    }
}

/// Calls with fresh temporary names until one is not taken.
fn with_name_of_chance<K: Kernel, T>(
    kernel: &K,
    mut call: impl FnMut(&Path) -> crate::kernel::Result<T>,
) -> crate::kernel::Result<(PathBuf, T)> {
    let random = kernel.random();
    for attempt in 0..NAME_ATTEMPTS {
        let name = PathBuf::from(format!("{TEMPORARY_PREFIX}{:016x}", random.wrapping_add(attempt)));
        match call(&name) {
            Err(Errno::EXIST) => {}
            made => return made.map(|made| (name, made)),
        }
    }
    Err(Errno::EXIST)
}

impl<K: Kernel> Copier<'_, K> {
    /// Makes `make` under a temporary name and renames it over `target`, so that what stood there is
    /// replaced at once or stays. For symbolic links, nodes and hard links.
    pub(crate) fn replace_by(
        &self,
        dir: &K::File,
        target: &Path,
        mut make: impl FnMut(&Path) -> crate::kernel::Result<()>,
    ) -> crate::kernel::Result<()> {
        for _ in 1..NAME_ATTEMPTS {
            let (name, ()) = with_free_name(self.kernel, dir, target, &mut make)?;
            match self.rename_and_forget(dir, &name, target) {
                // What has no lock another run may take for a dead one's.
                Err(Errno::NOENT) => {}
                renamed => return renamed,
            }
        }
        Err(Errno::NOENT)
    }

    /// Renames within a directory; the old name is gone afterwards, whatever happened.
    fn rename_and_forget(&self, dir: &K::File, name: &Path, target: &Path) -> crate::kernel::Result<()> {
        match self.kernel.rename(dir, name, dir, target, RenameFlags::empty()) {
            Ok(()) => self.forget_second(dir, name, target),
            Err(Errno::NOENT) => Err(Errno::NOENT),
            Err(errno) => {
                // The reason is on its way; a name that cannot be removed has nothing to add to it.
                self.kernel.unlink(dir, name).unwrap_or(());
                Err(errno)
            }
        }
    }

    /// rename of two names of one file does nothing and leaves both: removes the first. What else has that
    /// name now is another run's.
    fn forget_second(&self, dir: &K::File, name: &Path, target: &Path) -> crate::kernel::Result<()> {
        let look = |name: &Path| self.kernel.stat_at(Some(dir), name, false);
        match look(name) {
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno),
            Ok(found) if found.is_same_file(&look(target)?) => self.kernel.unlink(dir, name),
            Ok(_) => Ok(()),
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
