//! One name made right again: a file chunk by chunk from whichever copy has the chunk that is listed, everything else from what
//! the list says of it.
//!
//! Every chunk is proved by its digest before it is used, and the whole is read back and proved before it gets the
//! name, on disk. What is damaged stays as it is until then.

use super::chunks::{self, CHUNK};
use super::digest::{Algorithm, Digest};
use super::finding::Mended;
use super::names::clean;
use super::open::{Links, beneath, digest};
use super::record::Record;
use super::spill::{temporary_name, write_all};
use crate::copy::Sealing;
use crate::copy::digest::{Digests, piece_value};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use crate::quote::quoted;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Another copy of the tree.
pub(super) struct Copy<K: Kernel> {
    pub(super) root: K::File,
}

/// Mends names; see the head of this file.
pub(super) struct Mender<'a, K: Kernel> {
    pub(super) sealing: &'a Sealing<'a, K>,
    pub(super) root: K::File,
    pub(super) shown: &'a Path,
    pub(super) copies: Vec<Copy<K>>,
    pub(super) companion: PathBuf,
}

/// A directory in which a name is mended.
struct Place<'p, F> {
    dir: F,
    /// As it was before.
    stat: Stat,
    name: &'p Path,
    shown: PathBuf,
}

/// A file on its way, by a name that goes if it is not given another.
struct Temporary<'t, K: Kernel> {
    kernel: &'t K,
    dir: &'t K::File,
    name: PathBuf,
    is_gone: bool,
}

impl<K: Kernel> Drop for Temporary<'_, K> {
    fn drop(&mut self) {
        if !self.is_gone {
            // What led here is said; there is nothing else to be done about one that stays.
            self.kernel.unlink(self.dir, &self.name).unwrap_or(());
        }
    }
}

/// A file that a chunk may come from.
struct Origin<F> {
    file: F,
    stat: Stat,
    is_copy: bool,
}

impl<K: Kernel> Mender<'_, K> {
    fn place<'p>(&self, path: &'p Path) -> Result<Place<'p, K::File>, Error> {
        let shown = self.shown.join(path);
        let failed = |errno| Error::call(Action::CreateFile, &shown, errno);
        let name = path.file_name().map(Path::new).ok_or_else(|| failed(Errno::INVAL))?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = self.directory(above).map_err(failed)?;
        let stat = self.sealing.kernel.stat(&dir).map_err(failed)?;
        Ok(Place { dir, stat, name, shown })
    }

    /// Opens a directory; one that is not listed, and not there, is made.
    fn directory(&self, path: &Path) -> crate::kernel::Result<K::File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let kernel = self.sealing.kernel;
        match beneath(kernel, &self.root, path, flags, Links::None) {
            Err(Errno::NOENT) => {}
            opened => return opened,
        }
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let dir = self.directory(above)?;
        let name = path.file_name().map(Path::new).ok_or(Errno::INVAL)?;
        kernel.mkdir(&dir, name, Mode::RWXU)?;
        beneath(kernel, &self.root, path, flags, Links::None)
    }

    /// Sets the directory's times back, so that nothing but the name is another.
    fn leave(&self, place: &Place<'_, K::File>) -> Result<(), Error> {
        let kernel = self.sealing.kernel;
        let shown = place.shown.parent().unwrap_or(self.shown);
        kernel.fsync(&place.dir).map_err(|errno| Error::call(Action::Sync, shown, errno))?;
        kernel
            .set_times(&place.dir, place.stat.atime, place.stat.mtime)
            .map_err(|errno| Error::call(Action::PreserveTimes, shown, errno))
    }

    /// Makes what a record lists of the name that is damaged or missing. `existing` is what is there.
    pub(super) fn mend(&self, record: &Record) -> Result<Mended, Error> {
        let path = clean(&record.path);
        match record.kind.unwrap_or(Kind::File) {
            Kind::File => self.file(record, &path),
            Kind::Directory => self.make(record, &path, |kernel, dir, name| kernel.mkdir(dir, name, Mode::RWXU)),
            Kind::Symlink => {
                let text = record.text.clone().unwrap_or_default();
                self.make(record, &path, |kernel, dir, name| kernel.symlink(&text, dir, name))
            }
            kind @ (Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice) => {
                let device = record.device.unwrap_or(0);
                self.make(record, &path, |kernel, dir, name| {
                    kernel.mknod(dir, name, kind, Mode::RUSR | Mode::WUSR, device)
                })
            }
        }
    }

    fn make(
        &self,
        record: &Record,
        path: &Path,
        make: impl FnOnce(&K, &K::File, &Path) -> crate::kernel::Result<()>,
    ) -> Result<Mended, Error> {
        let kernel = self.sealing.kernel;
        let place = self.place(path)?;
        let failed = |errno| Error::call(Action::CreateSpecial, &place.shown, errno);
        make(kernel, &place.dir, place.name).map_err(failed)?;
        // A directory is finished once everything in it is.
        if record.kind != Some(Kind::Directory) {
            self.dress_by_path(record, path)?;
        }
        self.leave(&place)?;
        Ok(Mended::Restored)
    }

    /// Sets the attributes of what was made under a name: those of directories once nothing more comes into them.
    pub(super) fn dress_by_path(&self, record: &Record, path: &Path) -> Result<(), Error> {
        let shown = self.shown.join(path);
        let failed = |errno| Error::call(Action::StatTarget, &shown, errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let handle = beneath(self.sealing.kernel, &self.root, path, flags, Links::None).map_err(failed)?;
        let open = |copy: &Copy<K>| beneath(self.sealing.kernel, &copy.root, path, flags, Links::None).ok();
        let donor = self.copies.iter().find_map(open);
        self.dress(record, &handle, donor.as_ref(), &shown)
    }

    /// Makes a name a further one of a file that is right.
    pub(super) fn link(&self, path: &Path, first: &Path) -> Result<Mended, Error> {
        let kernel = self.sealing.kernel;
        let place = self.place(path)?;
        let failed = |errno| Error::pair(Action::CreateLink, &place.shown, &self.shown.join(first), errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let first = beneath(kernel, &self.root, first, flags, Links::None).map_err(failed)?;
        let mut temporary = Temporary { kernel, dir: &place.dir, name: temporary_name(kernel), is_gone: false };
        kernel.link(&first, &place.dir, &temporary.name).map_err(failed)?;
        kernel.rename(&place.dir, &temporary.name, &place.dir, place.name, RenameFlags::empty()).map_err(failed)?;
        temporary.is_gone = true;
        self.leave(&place)?;
        Ok(Mended::Linked)
    }

    /// Opens a regular file beneath a root, if there is one.
    fn origin(&self, root: &K::File, path: &Path, is_copy: bool) -> Option<Origin<K::File>> {
        let kernel = self.sealing.kernel;
        let file = beneath(kernel, root, path, OFlags::RDONLY | OFlags::NONBLOCK, Links::None).ok()?;
        let stat = kernel.stat(&file).ok()?;
        (stat.kind == Kind::File).then_some(Origin { file, stat, is_copy })
    }

    fn file(&self, record: &Record, path: &Path) -> Result<Mended, Error> {
        let kernel = self.sealing.kernel;
        let place = self.place(path)?;
        let own = self.origin(&self.root, path, false);
        let before = own.as_ref().map(|own| own.stat);
        let copies = self.copies.iter().filter_map(|copy| self.origin(&copy.root, path, true));
        let origins: Vec<_> = own.into_iter().chain(copies).collect();
        let mut temporary = Temporary { kernel, dir: &place.dir, name: temporary_name(kernel), is_gone: false };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let failed = |errno| Error::call(Action::CreateFile, &place.shown, errno);
        let file =
            kernel.open(Some(&place.dir), &temporary.name, flags, Mode::RUSR | Mode::WUSR, ResolveFlags::empty());
        let file = file.map_err(failed)?;
        let mended = self.fill(record, &file, &origins, &place.shown)?;
        self.prove(record, &file, &place.shown)?;
        self.dress(record, &file, origins.first().map(|origin| &origin.file), &place.shown)?;
        kernel.fsync(&file).map_err(|errno| Error::call(Action::Sync, &place.shown, errno))?;
        kernel.close(file).map_err(|errno| Error::call(Action::Close, &place.shown, errno))?;
        let now = match kernel.stat_at(Some(&place.dir), place.name, false) {
            Ok(now) => Some(now),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(Error::call(Action::StatTarget, &place.shown, errno)),
        };
        let is_same = |now: &Stat, before: &Stat| now.is_same_file(before) && now.ctime == before.ctime;
        let is_untouched = match (&now, &before) {
            (None, None) => true,
            (Some(now), Some(before)) => is_same(now, before),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_untouched {
            return Err(Error::replaced(&place.shown));
        }
        kernel.rename(&place.dir, &temporary.name, &place.dir, place.name, RenameFlags::empty()).map_err(failed)?;
        temporary.is_gone = true;
        self.leave(&place)?;
        Ok(if before.is_some() { mended } else { Mended::Restored })
    }

    /// Writes what is listed, from wherever it is right.
    fn fill(
        &self,
        record: &Record,
        file: &K::File,
        origins: &[Origin<K::File>],
        shown: &Path,
    ) -> Result<Mended, Error> {
        let nowhere = || Error::Refused(format!("cannot mend {}: its content is right nowhere", quoted(shown)));
        let Some(wanted) = &record.digest else { return Err(nowhere()) };
        if let Some(digests) = self.chunk_digests(record, wanted) {
            return self.fill_by_chunks(record.size.unwrap_or(0), &digests, file, origins, shown);
        }
        for origin in origins {
            if record.size.is_some_and(|size| size != origin.stat.size) {
                continue;
            }
            // A copy that cannot be read is one that is not right.
            if self.is_right(&origin.file, wanted, shown).unwrap_or(false) {
                self.copy(&origin.file, file, shown)?;
                let of = origin.stat.size.div_ceil(CHUNK).max(1);
                return Ok(Mended::Chunks { taken: of, of });
            }
        }
        Err(nowhere())
    }

    /// Whether a file holds what is listed.
    fn is_right(&self, file: &K::File, wanted: &Digest, shown: &Path) -> Result<bool, Error> {
        let algorithms: &[Algorithm] = match wanted.algorithm {
            Algorithm::Sha256OrBlake3 => &[Algorithm::Blake3, Algorithm::Sha256],
            _ => &[wanted.algorithm],
        };
        for algorithm in algorithms {
            if digest(self.sealing.kernel, file, shown, *algorithm)?.value == wanted.value {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The digests of a file's chunks, if they are known and add up to the one that is listed.
    fn chunk_digests(&self, record: &Record, wanted: &Digest) -> Option<Digests> {
        if wanted.algorithm != Algorithm::Blake3 {
            return None;
        }
        let whole = blake3::Hash::from(<[u8; 32]>::try_from(&wanted.value[..]).ok()?);
        chunks::find(self.sealing.kernel, &self.companion, &whole, record.size?)
    }

    fn fill_by_chunks(
        &self,
        size: u64,
        digests: &Digests,
        file: &K::File,
        origins: &[Origin<K::File>],
        shown: &Path,
    ) -> Result<Mended, Error> {
        let (mut taken, mut lost) = (0, 0);
        let mut buffer = Vec::new();
        for (offset, value) in (0..).step_by(chunk_bytes()).zip(&digests.pieces) {
            let length = usize::try_from(CHUNK.min(size - offset)).unwrap_or(usize::MAX);
            let is_right = |origin: &&Origin<K::File>| {
                self.read(&origin.file, offset, length, &mut buffer) && piece_value(&buffer, offset) == *value
            };
            match origins.iter().find(is_right) {
                Some(origin) => {
                    taken += u64::from(origin.is_copy);
                    write_all(self.sealing.kernel, file, &buffer, offset)
                        .map_err(|errno| Error::call(Action::Write, shown, errno))?;
                }
                None => lost += 1,
            }
        }
        let of = digests.pieces.len() as u64;
        if lost > 0 {
            let shown = quoted(shown);
            return Err(Error::Refused(format!("cannot mend {shown}: {lost} of its {of} chunks are right nowhere")));
        }
        Ok(Mended::Chunks { taken, of })
    }

    /// Reads a chunk; false if it cannot be read whole, which makes it one that is not right.
    fn read(&self, file: &K::File, offset: u64, length: usize, buffer: &mut Vec<u8>) -> bool {
        buffer.resize(length, 0);
        let mut count = 0;
        while count < length {
            match self.sealing.kernel.pread(file, &mut buffer[count..], offset + count as u64) {
                Ok(0) | Err(_) => return false,
                Ok(read) => count += read,
            }
        }
        true
    }

    /// Copies all bytes; what arrives is proved later.
    fn copy(&self, from: &K::File, to: &K::File, shown: &Path) -> Result<(), Error> {
        let kernel = self.sealing.kernel;
        let mut buffer = vec![0; chunk_bytes()];
        let mut offset = 0;
        loop {
            let count = kernel.pread(from, &mut buffer, offset);
            let count = count.map_err(|errno| Error::call(Action::Read, shown, errno))?;
            if count == 0 {
                return Ok(());
            }
            write_all(kernel, to, &buffer[..count], offset)
                .map_err(|errno| Error::call(Action::Write, shown, errno))?;
            offset += count as u64;
        }
    }

    /// Reads back what was written: it must be what is listed.
    fn prove(&self, record: &Record, file: &K::File, shown: &Path) -> Result<(), Error> {
        let is_proved = match &record.digest {
            Some(wanted) => self.is_right(file, wanted, shown)?,
            None => false,
        };
        if is_proved {
            return Ok(());
        }
        Err(Error::Refused(format!("cannot mend {}: what was written does not read back", quoted(shown))))
    }

    /// Gives what was made the attributes that are listed; those of which the list has only digests, from `donor`.
    fn dress(&self, record: &Record, file: &K::File, donor: Option<&K::File>, shown: &Path) -> Result<(), Error> {
        let kernel = self.sealing.kernel;
        let stat = donor.map(|donor| kernel.stat(donor)).transpose();
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, shown, errno))?;
        let failed = |action| move |errno| Error::call(action, shown, errno);
        let made = kernel.stat(file).map_err(failed(Action::StatTarget))?;
        let uid = record.uid.or(stat.map(|stat| stat.uid)).filter(|uid| *uid != made.uid);
        let gid = record.gid.or(stat.map(|stat| stat.gid)).filter(|gid| *gid != made.gid);
        if uid.is_some() || gid.is_some() {
            kernel.chown(file, uid, gid).map_err(failed(Action::PreserveOwnership))?;
        }
        let has_attributes = matches!(made.kind, Kind::File | Kind::Directory);
        if let Some(donor) = donor.filter(|_| has_attributes) {
            self.carry_attributes(donor, file).map_err(failed(Action::PreserveXattr))?;
        }
        if let Some(mode) = record.mode.or(stat.map(|stat| stat.mode)).filter(|_| made.kind != Kind::Symlink) {
            kernel.chmod(file, mode).map_err(failed(Action::PreserveMode))?;
        }
        if let Some(mtime) = record.mtime.or(stat.map(|stat| stat.mtime)) {
            let atime = stat.map_or(mtime, |stat| stat.atime);
            kernel.set_times(file, atime, mtime).map_err(failed(Action::PreserveTimes))?;
        }
        Ok(())
    }

    fn carry_attributes(&self, donor: &K::File, file: &K::File) -> crate::kernel::Result<()> {
        let kernel = self.sealing.kernel;
        let names = match kernel.list_xattr(donor) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
            names => names?,
        };
        for name in names.iter().filter(|name| is_carried(name)) {
            let value = kernel.get_xattr(donor, name)?;
            kernel.set_xattr(file, name, &value)?;
        }
        Ok(())
    }
}

/// What digests in lists are taken of.
fn is_carried(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    bytes.starts_with(b"user.") || bytes.starts_with(b"system.posix_acl_") || bytes == b"security.capability"
}

fn chunk_bytes() -> usize {
    usize::try_from(CHUNK).unwrap_or(usize::MAX)
}
