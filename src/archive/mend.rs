//! One name made right again: a file chunk by chunk from whichever copy has the chunk that is listed, everything else from what
//! the list says of it.
//!
//! Every chunk is proved by its digest before it is used, and the whole is read back and proved before it gets the
//! name, on disk. What is damaged stays as it is until then.

use super::chunks::{self, CHUNK};
use super::digest::{Algorithm, Digest};
use super::finding::Mended;
use super::format::Format;
use super::name_to_mend::{Existing, NameToMend};
use super::names::clean;
use super::open::{Links, beneath, digest};
use super::record::Record;
use super::spill::write_all;
use crate::copy::Sealing;
use crate::copy::commit::{Spot, Temporary};
use crate::copy::digest::{Digests, piece_value};
use crate::copy::extent::data_runs;
use crate::copy::pass::Zeros;
use crate::copy::stale_temporary::TemporaryNames;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, Stat};
use crate::quote::quoted;
use std::path::{Path, PathBuf};

/// The bytes of a sector, in which stat(2) counts.
const SECTOR: u64 = 512;

/// What becomes a hole is so many bytes of zeros: a block of most filesystems.
const BLOCK: u64 = 4096;

/// Another copy of the tree.
pub(super) struct Copy<'a, K: Kernel> {
    pub(super) root: K::File,
    pub(super) shown: &'a Path,
}

/// Mends names; see the head of this file.
pub(super) struct Mender<'a, K: Kernel> {
    pub(super) sealing: &'a Sealing<'a, K>,
    pub(super) root: K::File,
    pub(super) shown: &'a Path,
    pub(super) copies: Vec<Copy<'a, K>>,
    pub(super) companion: PathBuf,
    pub(super) format: Format,
    pub(super) names: TemporaryNames,
}

/// A file that a chunk may come from.
struct Origin<K: Kernel> {
    file: K::File,
    stat: Stat,
    shown: PathBuf,
    is_copy: bool,
}

/// Why a name could not be mended.
pub(super) struct Unmended {
    /// Why this and that could not be read.
    pub(super) unreadable: Vec<Error>,
    /// What it comes to.
    pub(super) why: Error,
}

impl From<Error> for Unmended {
    fn from(why: Error) -> Self {
        Self { unreadable: Vec::new(), why }
    }
}

/// How far a file could be copied.
enum Ended {
    /// To its end.
    Whole,
    /// Until it could not be read.
    Unreadable(Error),
}

/// Why what a file may come from cannot be read; each reason once, however many chunks there are. Told if the file is right
/// nowhere.
#[derive(Default)]
struct Unreadable(Vec<Error>);

impl Unreadable {
    fn note(&mut self, error: Error) {
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    fn and(self, why: String) -> Unmended {
        Unmended { unreadable: self.0, why: Error::Refused(why) }
    }
}

/// What was opened, if it is there and no link.
fn opened<F>(result: crate::kernel::Result<F>) -> crate::kernel::Result<Option<F>> {
    match result {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::NODEV) => Ok(None),
        Err(errno) => Err(errno),
    }
}

impl<K: Kernel> Mender<'_, K> {
    fn to_mend<'p>(&'p self, path: &'p Path) -> Result<NameToMend<'p, K>, Error> {
        NameToMend::open(self.sealing.kernel, &self.names, &self.root, path, self.shown)
    }

    /// Removes what killed runs have left in a directory of the tree; one that is not there has nothing.
    pub(super) fn remove_leftovers(&self, path: &Path) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        if let Ok(dir) = beneath(self.sealing.kernel, &self.root, path, flags, Links::None) {
            Spot { kernel: self.sealing.kernel, names: &self.names, dir: &dir, here: None, is_local: false }
                .remove_leftovers();
        }
    }

    /// Makes what a record lists of the name that is damaged or missing. `existing` is what is there.
    /// Tells in words what it lacks of what is listed, as no copy has that.
    pub(super) fn mend(&self, record: &Record) -> Result<(Mended, Vec<String>), Unmended> {
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
        make: impl Fn(&K, &K::File, &Path) -> crate::kernel::Result<()>,
    ) -> Result<(Mended, Vec<String>), Unmended> {
        let to_mend = self.to_mend(path)?;
        let donors = self.donors(record, path)?;
        let donors: Vec<_> = donors.iter().collect();
        let mut lacking = Vec::new();
        // A directory is filled before it is finished.
        let is_filled = record.kind == Some(Kind::Directory);
        let mode = record.mode.map(|mode| if is_filled { mode | 0o700 } else { mode });
        let unfinished = Record { mode, ..record.clone() };
        to_mend.make(
            |name| make(self.sealing.kernel, to_mend.spot().dir, name),
            |handle| {
                lacking = self.set_attributes(&unfinished, handle, (None, &donors), &to_mend.shown)?;
                Ok(())
            },
        )?;
        to_mend.leave()?;
        Ok((Mended::Restored, lacking))
    }

    /// What other copies have of a name, where it is what is listed.
    fn donors(&self, record: &Record, path: &Path) -> Result<Vec<K::File>, Error> {
        let kernel = self.sealing.kernel;
        let mut donors = Vec::new();
        for copy in &self.copies {
            let failed = |errno| Error::call(Action::OpenSource, &copy.shown.join(path), errno);
            let donor = opened(beneath(kernel, &copy.root, path, OFlags::PATH, Links::None)).map_err(failed)?;
            let Some(donor) = donor else { continue };
            if Some(kernel.stat(&donor).map_err(failed)?.kind) == record.kind {
                donors.push(donor);
            }
        }
        Ok(donors)
    }

    /// Sets the attributes of a directory once nothing more comes into it.
    pub(super) fn set_attributes_by_path(&self, record: &Record, path: &Path) -> Result<(), Error> {
        let shown = self.shown.join(path);
        let failed = |errno| Error::call(Action::StatTarget, &shown, errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let handle = beneath(self.sealing.kernel, &self.root, path, flags, Links::None).map_err(failed)?;
        let donors = self.donors(record, path)?;
        // What it lacks was told when it was made.
        self.set_attributes(record, &handle, (None, &donors.iter().collect::<Vec<_>>()), &shown).map(drop)
    }

    /// Makes the name of a record a further one of a file that is right.
    pub(super) fn link(&self, record: &Record, path: &Path, first: &Path) -> Result<Mended, Error> {
        let kernel = self.sealing.kernel;
        let to_mend = self.to_mend(path)?;
        let failed = |errno| Error::pair(Action::CreateLink, &to_mend.shown, &self.shown.join(first), errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let first = beneath(kernel, &self.root, first, flags, Links::None).map_err(failed)?;
        let old = match to_mend.open_name(flags) {
            Ok(old) => Some((to_mend.existing(record, kernel.stat(&old).map_err(failed)?)?, old)),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(failed(errno)),
        };
        let existing = old.as_ref().map(|(stat, file)| Existing { file, stat: *stat });
        to_mend.give(&mut Temporary::further(to_mend.spot(), first), existing)?;
        to_mend.leave()?;
        Ok(Mended::Linked)
    }

    /// Whether a name holds what is listed.
    pub(super) fn holds(&self, record: &Record, path: &Path) -> Result<bool, Error> {
        let shown = self.shown.join(path);
        let Some(Origin { file, stat, .. }) = self.origin(&self.root, path, shown.clone(), false)? else {
            return Ok(false);
        };
        match &record.digest {
            Some(wanted) if record.size.is_none_or(|size| size == stat.size) => self.is_right(&file, wanted, &shown),
            Some(_) | None => Ok(false),
        }
    }

    /// Opens a regular file beneath a root, if there is one.
    fn origin(&self, root: &K::File, path: &Path, shown: PathBuf, is_copy: bool) -> Result<Option<Origin<K>>, Error> {
        let kernel = self.sealing.kernel;
        let failed = |errno| Error::call(Action::OpenSource, &shown, errno);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let Some(file) = opened(beneath(kernel, root, path, flags, Links::None)).map_err(failed)? else {
            return Ok(None);
        };
        let stat = kernel.stat(&file).map_err(failed)?;
        Ok((stat.kind == Kind::File).then_some(Origin { file, stat, shown, is_copy }))
    }

    /// Where a file's content may come from: what is there first, then the other copies. One that cannot be opened is none.
    fn origins(&self, path: &Path, own: Option<Origin<K>>) -> (Vec<Origin<K>>, Unreadable) {
        let (mut origins, mut unreadable) = (Vec::from_iter(own), Unreadable::default());
        for copy in &self.copies {
            match self.origin(&copy.root, path, copy.shown.join(path), true) {
                Ok(origin) => origins.extend(origin),
                Err(error) => unreadable.note(error),
            }
        }
        (origins, unreadable)
    }

    fn file(&self, record: &Record, path: &Path) -> Result<(Mended, Vec<String>), Unmended> {
        let kernel = self.sealing.kernel;
        let to_mend = self.to_mend(path)?;
        let own = self.origin(&self.root, path, to_mend.shown.clone(), false)?;
        let before = own.as_ref().map(|own| to_mend.existing(record, own.stat)).transpose()?;
        let (origins, unreadable) = self.origins(path, own);
        // Under a name: not every filesystem gives one to a file that was made without.
        let temporary = Temporary::create(to_mend.spot(), Mode::RUSR | Mode::WUSR, None);
        let mut temporary = temporary.map_err(|errno| Error::call(Action::CreateFile, &to_mend.shown, errno))?;
        let (mended, from) = self.fill(record, temporary.file(), &origins, unreadable, &to_mend.shown)?;
        self.prove(record, temporary.file(), &to_mend.shown)?;
        let own = origins.first().filter(|_| before.is_some()).map(|own| &own.file);
        // Whose content was taken comes first.
        let copies: Vec<_> =
            from.into_iter().chain(origins.iter().filter(|origin| origin.is_copy)).map(|copy| &copy.file).collect();
        let lacking = self.set_attributes(record, temporary.file(), (own, &copies), &to_mend.shown)?;
        kernel.fsync(temporary.file()).map_err(|errno| Error::call(Action::Sync, &to_mend.shown, errno))?;
        let existing = before.zip(origins.first()).map(|(stat, own)| Existing { file: &own.file, stat });
        to_mend.give(&mut temporary, existing)?;
        kernel.close(temporary.into_file()).map_err(|errno| Error::call(Action::Close, &to_mend.shown, errno))?;
        to_mend.leave()?;
        Ok((if before.is_some() { mended } else { Mended::Restored }, lacking))
    }

    /// Writes what is listed, from wherever it is right; tells from where, if all is of one.
    fn fill<'o>(
        &self,
        record: &Record,
        file: &K::File,
        origins: &'o [Origin<K>],
        mut unreadable: Unreadable,
        shown: &Path,
    ) -> Result<(Mended, Option<&'o Origin<K>>), Unmended> {
        let nowhere = format!("cannot mend {}: its content is right nowhere", quoted(shown));
        let Some(wanted) = &record.digest else { return Err(unreadable.and(nowhere)) };
        if let Some(digests) = self.chunk_digests(record, wanted) {
            let mended = self.fill_by_chunks(record.size.unwrap_or(0), &digests, file, origins, unreadable, shown)?;
            return Ok((mended, None));
        }
        for origin in origins {
            if record.size.is_some_and(|size| size != origin.stat.size) {
                continue;
            }
            match self.is_right(&origin.file, wanted, &origin.shown) {
                Ok(true) => {
                    let zeros = self.begin(file, origin.stat.size, origins, shown)?;
                    match self.copy(origin, file, zeros, shown)? {
                        Ended::Whole => {
                            let of = origin.stat.size.div_ceil(CHUNK).max(1);
                            let mended = Mended::Chunks { taken: if origin.is_copy { of } else { 0 }, of };
                            return Ok((mended, Some(origin)));
                        }
                        Ended::Unreadable(error) => unreadable.note(error),
                    }
                }
                Ok(false) => {}
                Err(error) => unreadable.note(error),
            }
        }
        Err(unreadable.and(nowhere))
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
        origins: &[Origin<K>],
        mut unreadable: Unreadable,
        shown: &Path,
    ) -> Result<Mended, Unmended> {
        let (mut taken, mut lost) = (0, 0);
        let zeros = self.begin(file, size, origins, shown)?;
        let mut buffer = Vec::new();
        for (offset, value) in (0..).step_by(chunk_bytes()).zip(&digests.pieces) {
            let length = usize::try_from(CHUNK.min(size - offset)).unwrap_or(usize::MAX);
            let is_right = |origin: &&Origin<K>| match self.read(&origin.file, offset, length, &mut buffer) {
                Ok(is_whole) => is_whole && piece_value(&buffer, offset) == *value,
                Err(errno) => {
                    unreadable.note(Error::call(Action::Read, &origin.shown, errno));
                    false
                }
            };
            match origins.iter().find(is_right) {
                Some(origin) => {
                    taken += u64::from(origin.is_copy);
                    self.put(file, &buffer, offset, zeros).map_err(|errno| Error::call(Action::Write, shown, errno))?;
                }
                None => lost += 1,
            }
        }
        let of = digests.pieces.len() as u64;
        if lost == 0 {
            return Ok(Mended::Chunks { taken, of });
        }
        Err(unreadable.and(format!("cannot mend {}: {lost} of its {of} chunks are right nowhere", quoted(shown))))
    }

    /// Reads a chunk; false if the file ends in it.
    fn read(&self, file: &K::File, offset: u64, length: usize, buffer: &mut Vec<u8>) -> crate::kernel::Result<bool> {
        buffer.resize(length, 0);
        let mut count = 0;
        while count < length {
            match self.sealing.kernel.pread(file, &mut buffer[count..], offset + count as u64)? {
                0 => return Ok(false),
                read => count += read,
            }
        }
        Ok(true)
    }

    /// Gives a new file its size before its bytes come, where blocks of zeros become holes: what was sparse is not restored dense.
    fn begin(&self, file: &K::File, size: u64, origins: &[Origin<K>], shown: &Path) -> Result<Zeros, Error> {
        if !origins.iter().any(|origin| origin.stat.blocks < origin.stat.size.div_ceil(SECTOR)) {
            return Ok(Zeros::Written);
        }
        let extended = self.sealing.kernel.truncate(file, size);
        extended.map_err(|errno| Error::call(Action::Extend, shown, errno)).map(|()| Zeros::Holes)
    }

    fn put(&self, file: &K::File, bytes: &[u8], offset: u64, zeros: Zeros) -> crate::kernel::Result<()> {
        let write = |bytes: &[u8], offset| write_all(self.sealing.kernel, file, bytes, offset);
        match zeros {
            Zeros::Written => write(bytes, offset),
            Zeros::Holes => data_runs(bytes, offset, BLOCK)
                .try_for_each(|run| write(&bytes[run.clone()], offset + run.start as u64)),
        }
    }

    /// Copies all bytes; what arrives is proved later.
    fn copy(&self, from: &Origin<K>, to: &K::File, zeros: Zeros, shown: &Path) -> Result<Ended, Error> {
        let kernel = self.sealing.kernel;
        let mut buffer = vec![0; chunk_bytes()];
        let mut offset = 0;
        loop {
            let count = match kernel.pread(&from.file, &mut buffer, offset) {
                Ok(0) => return Ok(Ended::Whole),
                Ok(count) => count,
                Err(errno) => return Ok(Ended::Unreadable(Error::call(Action::Read, &from.shown, errno))),
            };
            self.put(to, &buffer[..count], offset, zeros).map_err(|errno| Error::call(Action::Write, shown, errno))?;
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
}

fn chunk_bytes() -> usize {
    usize::try_from(CHUNK).unwrap_or(usize::MAX)
}
