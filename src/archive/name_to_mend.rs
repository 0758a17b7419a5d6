//! A name that is made right, in its open directory, and how it gets what was made for it: by the temporaries of copies, so
//! that it shows what was there or what is right, and a later run removes what a killed one leaves.

use super::record::Record;
use crate::copy::commit::{Claim, Spot, Temporary};
use crate::copy::stale_temporary::{NamedFor, TemporaryNames};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags, Stat};
use crate::quote::quoted;
use std::path::{Path, PathBuf};

/// Opens whatever has a name.
const ITSELF: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW);

/// A name that is made right, in its directory.
pub(super) struct NameToMend<'p, K: Kernel> {
    kernel: &'p K,
    names: &'p TemporaryNames,
    dir: K::File,
    /// As it was before.
    stat: Stat,
    name: &'p Path,
    pub(super) shown: PathBuf,
    /// That of the directory.
    shown_dir: PathBuf,
}

/// What has a name that is to be given to something else.
pub(super) struct Existing<'e, F> {
    pub(super) file: &'e F,
    /// When it was found to be wrong.
    pub(super) stat: Stat,
}

impl<'p, K: Kernel> NameToMend<'p, K> {
    /// That of a path beneath what messages call `shown`, in its open directory.
    pub(super) fn within(
        kernel: &'p K,
        names: &'p TemporaryNames,
        dir: K::File,
        path: &'p Path,
        shown: &Path,
    ) -> Result<Self, Error> {
        let (shown, shown_root) = (shown.join(path), shown);
        let failed = |errno| Error::call(Action::CreateFile, &shown, errno);
        let name = path.file_name().map(Path::new).ok_or_else(|| failed(Errno::INVAL))?;
        let stat = kernel.stat(&dir).map_err(failed)?;
        let shown_dir = shown.parent().unwrap_or(shown_root).to_owned();
        Ok(Self { kernel, names, dir, stat, name, shown, shown_dir })
    }

    /// Where temporaries are made.
    pub(super) fn spot(&self) -> Spot<'_, K> {
        // Whether locks hold for everyone is not asked: leftovers go whose process is gone.
        Spot { kernel: self.kernel, names: self.names, dir: &self.dir, here: None, is_local: false }
    }

    /// What has the name, if that is what the list has of it but for its content: anything else is somebody's work.
    pub(super) fn existing(&self, record: &Record, stat: Stat) -> Result<Stat, Error> {
        let is_as_listed = |listed: crate::kernel::Timestamp| {
            listed.seconds == stat.mtime.seconds && (listed.nanos == stat.mtime.nanos || listed.nanos == 0)
        };
        if record.mtime.is_none_or(is_as_listed) { Ok(stat) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Error {
        Error::Refused(format!("not mending {}, as it was changed since it was checked", quoted(&self.shown)))
    }

    /// Gives a temporary the name, if that has what it had. On an error it has that still.
    pub(super) fn give(
        &self,
        temporary: &mut Temporary<'_, K>,
        existing: Option<Existing<'_, K::File>>,
    ) -> Result<(), Error> {
        let failed = |errno| match errno {
            Errno::EXIST => self.changed(),
            errno => Error::call(Action::CreateFile, &self.shown, errno),
        };
        let Some(Existing { file, stat }) = existing else {
            return temporary.commit(self.name, Claim::New).map_err(failed);
        };
        match self.kernel.stat_at(Some(&self.dir), self.name, false) {
            Ok(now) if now.is_same_file(&stat) && now.ctime == stat.ctime => {}
            Ok(_) | Err(Errno::NOENT) => return Err(self.changed()),
            Err(errno) => return Err(Error::call(Action::StatTarget, &self.shown, errno)),
        }
        // A rename of it sets its ctime, and reading it its atime.
        let is_known = |now: &Stat| Stat { ctime: stat.ctime, atime: stat.atime, ..*now } == stat;
        temporary.commit_over(self.name, file, is_known).map_err(failed)
    }

    /// Opens what has the name.
    pub(super) fn open_name(&self, flags: OFlags) -> crate::kernel::Result<K::File> {
        self.kernel.open(Some(&self.dir), self.name, flags, Mode::empty(), ResolveFlags::empty())
    }

    /// Makes something that is no file under a temporary name, has it finished, and gives it the name, which must be free.
    pub(super) fn make(
        &self,
        make: impl FnMut(&Path) -> crate::kernel::Result<()>,
        finish: impl FnOnce(&K::File) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let kernel = self.kernel;
        let failed = |errno| Error::call(Action::CreateSpecial, &self.shown, errno);
        let (name, ()) = self.spot().with_any_name(NamedFor::Made(kernel.now()), make).map_err(failed)?;
        // Once it has other times than those of its birth, only its inode tells whose it is.
        let name = match kernel.open(Some(&self.dir), &name, ITSELF, Mode::empty(), ResolveFlags::empty()) {
            Ok(handle) => self.spot().renamed(name, NamedFor::file(kernel, &handle)),
            // It is opened once more, and says why then.
            Err(_) => name,
        };
        self.finish_and_name(&name, finish).inspect_err(|_| {
            // What led here is said; there is nothing else to be done about one that stays.
            kernel.unlink(&self.dir, &name).or_else(|_| kernel.rmdir(&self.dir, &name)).unwrap_or(());
        })
    }

    fn finish_and_name(&self, name: &Path, finish: impl FnOnce(&K::File) -> Result<(), Error>) -> Result<(), Error> {
        let (kernel, spot) = (self.kernel, self.spot());
        let failed = |errno| match errno {
            Errno::EXIST => self.changed(),
            errno => Error::call(Action::CreateSpecial, &self.shown, errno),
        };
        let handle =
            kernel.open(Some(&self.dir), name, ITSELF, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
        finish(&handle)?;
        let link = || kernel.link(&handle, &self.dir, self.name);
        spot.rename_to_free(name, self.name, link).map_err(failed)
    }

    /// Sets the directory's times back, so that nothing but the name is another.
    pub(super) fn leave(&self) -> Result<(), Error> {
        let failed = |action| move |errno| Error::call(action, &self.shown_dir, errno);
        self.kernel.fsync(&self.dir).map_err(failed(Action::Sync))?;
        let times = self.kernel.set_times(&self.dir, self.stat.atime, self.stat.mtime);
        times.map_err(failed(Action::PreserveTimes))
    }
}
