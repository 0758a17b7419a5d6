//! What it takes for a copy to outlive a power loss: that it is written out, on a filesystem that keeps what was.
//!
//! fsync's 0 is not enough. tmpfs has nowhere to write to, an overlay that is mounted `volatile` leaves it out, and of a FUSE
//! program that has no fsync the kernel says 0. There --durable is an error. What has no content, such as a link, a
//! fifo or a further name, cannot be synced by a handle of its own: its whole filesystem is.

use super::copier::{Copier, Job};
use super::types::{Follow, Name, Placement, TargetDirectory};
use super::verify::cannot_prove;
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Result};
use crate::known::filesystems::{Filesystem, Honesty, Keeping, PROGRAMS_THAT_SYNC};
use crate::options::Verify;
use crate::quote::quoted;
use std::path::Path;

/// Whether a filesystem says of fsync that it has no such call: not that something could not be written. FUSE programs,
/// network filesystems, read-only ones and those of /proc and /sys do.
pub(super) fn cannot_sync(errno: Errno) -> bool {
    matches!(errno, Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP | Errno::ROFS)
}

fn cannot_last(shown: &Path, why: &str) -> Error {
    Error::Refused(format!("cannot make {} durable: {why}", quoted(shown)))
}

/// The first release in which syncfs(2) returns what its filesystem says, such as errors of the journal (commit 5679897eb104).
const SYNCFS_TELLS_OF_NAMES: (u32, u32) = (5, 17);

/// How an overlay that writes nothing out shows itself, since Linux 5.10 and since 6.18.
const VOLATILE: [&str; 2] = ["volatile", "fsync=volatile"];

impl<K: Kernel> Copier<'_, K> {
    /// Writes a target out. Where the filesystem has no such call that is an error with --durable, and else is
    /// returned.
    pub(super) fn sync(&self, target: &K::File, shown: &Path) -> std::result::Result<Option<Errno>, Error> {
        match self.kernel.fsync(target) {
            Ok(()) => Ok(None),
            Err(errno) if !self.options.durable && cannot_sync(errno) => Ok(Some(errno)),
            Err(errno) => Err(Error::call(Action::Sync, shown, errno)),
        }
    }

    /// Whether what takes an old file's name in a directory is written out before. A power loss takes all of a filesystem that is kept
    /// in memory, whatever was asked of it.
    pub(crate) fn syncs_in(&self, directory: &TargetDirectory) -> bool {
        self.options.syncs() && !(directory.honesty == Honesty::Honest && directory.keeping == Keeping::InMemory)
    }

    /// With --durable fails where what is written to a sink would not outlive a power loss, before anything is.
    pub(super) fn must_last(
        &self,
        job: &Job<'_, K::File>,
        placement: Placement,
        file: &K::File,
    ) -> std::result::Result<(), Error> {
        match placement {
            _ if !self.options.durable => Ok(()),
            // What cannot be synced when it is empty cannot be later.
            Placement::Through | Placement::BlockDevice => self.sync(file, job.target.shown).map(drop),
            Placement::New
            | Placement::Own
            | Placement::Replace
            | Placement::Supplant
            | Placement::Rewrite
            | Placement::InPlace
            | Placement::Value => {
                let shown = job.target.shown;
                match self.why_lost(file, shown)? {
                    None => Ok(()),
                    // It implies --durable, and was asked for.
                    Some(why) if self.options.verify == Verify::Device => Err(cannot_prove(shown, &why)),
                    Some(why) => Err(cannot_last(shown, &why)),
                }
            }
        }
    }

    /// Fails where nothing on the filesystem of an open file or directory outlives a power loss.
    pub(crate) fn must_keep(&self, file: &K::File, shown: &Path) -> std::result::Result<(), Error> {
        self.why_lost(file, shown)?.map_or(Ok(()), |why| Err(cannot_last(shown, &why)))
    }

    fn why_lost(&self, file: &K::File, shown: &Path) -> std::result::Result<Option<String>, Error> {
        self.forgets(file).map_err(|errno| Error::call(Action::Sync, shown, errno))
    }

    /// Why what was synced there would be lost all the same; `None` if it would not.
    fn forgets(&self, file: &K::File) -> Result<Option<String>> {
        let filesystem = match self.kernel.filesystem(file) {
            Ok(magic) => Filesystem::new(magic),
            Err(errno) => return Ok(Some(format!("its filesystem cannot be told: {}", reason(errno)))),
        };
        let name = filesystem.name();
        let keeping = filesystem.keeping();
        let mount = match keeping {
            Keeping::OnDisk => return Ok(None),
            Keeping::InMemory => return Ok(Some(format!("{name} keeps it in memory"))),
            Keeping::InLayer | Keeping::WithProgram => match self.kernel.mount(file) {
                Ok(mount) => mount,
                Err(errno) => {
                    return Ok(Some(format!("how {name} is mounted there cannot be told: {}", reason(errno))));
                }
            },
        };
        if keeping == Keeping::WithProgram {
            let syncs = PROGRAMS_THAT_SYNC.contains(&mount.kind.as_str());
            return Ok((!syncs).then(|| "fsync succeeds on fuse even where the program behind it has none".to_owned()));
        }
        if mount.options.iter().any(|option| VOLATILE.contains(&option.as_str())) {
            return Ok(Some(format!("{name} is mounted there with 'volatile'")));
        }
        let is_on_disk = match self.kernel.stat(file)?.kind {
            Kind::Directory => self.is_layer_on_disk(file),
            Kind::File => self.kernel.first_extent(file).is_ok(),
            Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => true,
        };
        Ok((!is_on_disk).then(|| format!("what the upper layer of {name} lies on cannot be told")))
    }

    /// Whether new files in a directory of an overlay have extents to tell, as they have on disks only. Overlays before
    /// Linux 6.6 make no file without a name to ask: there each file is asked when it is copied.
    fn is_layer_on_disk(&self, dir: &K::File) -> bool {
        let (flags, mode) = (OFlags::TMPFILE | OFlags::RDWR, Mode::from_raw_mode(0o600));
        let made = self.kernel.open(Some(dir), Path::new("."), flags, mode, ResolveFlags::empty());
        made.map_or(true, |file| self.kernel.first_extent(&file).is_ok())
    }

    /// Writes out the filesystem of an open directory. True if what could not be written of the names there would have been told.
    pub(crate) fn sync_names(&self, dir: &K::File, honesty: Honesty) -> bool {
        let tells = honesty == Honesty::Honest && self.host.kernel >= SYNCFS_TELLS_OF_NAMES;
        // An error may be about something else there.
        tells && self.kernel.sync_filesystem(dir).is_ok()
    }

    /// Writes out a copy that is about to take an old file's name as well, before the old content is gone. `None` is a copy
    /// that may not be read: then its whole filesystem is written out.
    pub(crate) fn write_out(
        &self,
        copy: Option<&K::File>,
        target: &Name<'_, K::File>,
    ) -> std::result::Result<(), Error> {
        let synced = match copy {
            _ if !self.options.syncs() => Ok(()),
            Some(copy) => self.kernel.fsync(copy),
            None => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let dir = self.kernel.open(target.dir, Path::new("."), flags, Mode::empty(), ResolveFlags::empty());
                dir.and_then(|dir| self.kernel.sync_filesystem(&dir))
            }
        };
        match synced {
            Err(errno) if !self.options.durable && cannot_sync(errno) => Ok(()),
            synced => synced.map_err(|errno| Error::call(Action::Sync, target.shown, errno)),
        }
    }

    /// With --durable writes out a name that was just made and what it names, which was not copied: a node, or
    /// a link of either kind.
    pub(crate) fn sync_name(&self, target: &Name<'_, K::File>) -> std::result::Result<(), Error> {
        if !self.options.durable {
            return Ok(());
        }
        let failed = |errno| Error::call(Action::Sync, target.shown, errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let dir = self.kernel.open(target.dir, Path::new("."), flags, Mode::empty(), ResolveFlags::empty());
        let dir = dir.map_err(failed)?;
        self.must_keep(&dir, target.shown)?;
        let made = self.kernel.stat_at(target.dir, target.name, false).map_err(failed)?;
        let named = Name { dir: target.dir, name: target.name, shown: target.shown, follow: Follow::No };
        let synced = match made.kind {
            Kind::File => match self.open(&named, OFlags::RDONLY) {
                Ok(file) => self.kernel.fsync(&file),
                // A link can be made to what may not be read.
                Err(Errno::ACCESS) => self.kernel.sync_filesystem(&dir),
                Err(errno) => Err(errno),
            },
            Kind::Directory | Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                self.kernel.sync_filesystem(&dir)
            }
        };
        synced.map_err(failed)
    }
}
