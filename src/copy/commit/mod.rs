//! From a temporary to a name: how a target comes to be, whole or not at all.
//!
//! A new file is made without a name (O_TMPFILE) where the filesystem can, else under a temporary
//! one, which begins with `.safecp-`, in the target's own directory. Only a verified
//! and finished file is given the target's name: by linkat, which refuses a taken one, or by
//! renameat2 over the old file. Until then the old file is untouched, and a crash leaves at most a
//! temporary name (docs/design/temporaries.md has what is done where a call is not to be had).

mod spot;
mod temporary;

pub(crate) use spot::Spot;
pub(in crate::copy) use temporary::ELSEWHERE;
pub(crate) use temporary::{Detached, PartOrigin, Temporary};

use super::copier::Copier;
use super::refusal::is_taken_for_good;
use super::stale_temporary::NamedFor;
use super::types::TargetDirectory;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, RenameFlags, ResolveFlags};
use crate::known::filesystems::Honesty;
use std::path::Path;

/// How many temporary names are tried before their being taken is believed.
pub(super) const NAME_ATTEMPTS: usize = 16;

/// How a target's name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing has the name; if something has in the end, that is an error.
    New,
    /// Whatever has the name is replaced.
    Over,
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
            // What cannot be made under any name leaves the old one where it is.
            let (name, ()) = spot.with_any_name(of, &mut make)?;
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
