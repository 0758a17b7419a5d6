//! A list on its way to its name: written beside it, on disk and read back before it is renamed, so that the name shows the old
//! list or the whole new one.

use super::read_back::must_hold;
use crate::copy::commit::{Claim, Spot, Temporary};
use crate::copy::pass::Bytes;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags};
use crate::path::directory_of;
use blake3::Hasher;
use std::path::{Path, PathBuf};

/// So much is written at once.
const WRITE_BYTES: usize = 128 << 10;

/// Everyone may read a list, as far as the umask lets them.
const MODE: Mode = Mode::from_raw_mode(0o666);

/// Opens the directory that a list is to lie in, so that it can be written out. Fails where what has the name is no file.
pub(super) fn open_directory<K: Kernel>(kernel: &K, shown: &Path) -> Result<K::File, Error> {
    let above = directory_of(shown);
    let failed = |errno| Error::call(Action::CreateFile, shown, errno);
    let name = shown.file_name().ok_or_else(|| failed(Errno::ISDIR))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let dir = kernel.open(None, above, flags, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
    match kernel.stat_at(Some(&dir), Path::new(name), false) {
        Ok(found) if found.kind == Kind::File => {}
        Err(Errno::NOENT) => {}
        Ok(_) => return Err(failed(Errno::EXIST)),
        Err(errno) => return Err(failed(errno)),
    }
    Ok(dir)
}

/// A list that has no name yet.
pub(super) struct ListFile<'a, K: Kernel> {
    spot: Spot<'a, K>,
    shown: PathBuf,
    temporary: Temporary<'a, K>,
    buffer: Vec<u8>,
    /// What was handed over to be written.
    written: Hasher,
}

/// A list that is on disk and was read back, and has no name yet.
pub(super) struct ProvedList<'a, K: Kernel>(ListFile<'a, K>);

impl<'a, K: Kernel> ListFile<'a, K> {
    /// An empty one in the directory of `shown`.
    pub(super) fn begin(spot: Spot<'a, K>, shown: &Path) -> Result<Self, Error> {
        let temporary = Temporary::create(spot, MODE, None);
        let temporary = temporary.map_err(|errno| Error::call(Action::CreateFile, shown, errno))?;
        Ok(Self { spot, shown: shown.to_owned(), temporary, buffer: Vec::new(), written: Hasher::new() })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= WRITE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        Bytes::of(self.spot.kernel, self.temporary.file())
            .write_full(&self.buffer, self.written.count())
            .map_err(|errno| Error::call(Action::Write, &self.shown, errno))?;
        self.written.update(&self.buffer);
        self.buffer.clear();
        Ok(())
    }

    /// Writes it out, and reads it back.
    pub(super) fn prove(mut self) -> Result<ProvedList<'a, K>, Error> {
        self.flush()?;
        let (kernel, file) = (self.spot.kernel, self.temporary.file());
        kernel.fsync(file).map_err(|errno| Error::call(Action::Sync, &self.shown, errno))?;
        must_hold(kernel, file, &self.shown, &self.written)?;
        Ok(ProvedList(self))
    }
}

impl<K: Kernel> ProvedList<'_, K> {
    /// Gives it its name. On an error the name has what it had, or the whole list.
    pub(super) fn commit(self) -> Result<(), Error> {
        let ListFile { spot, shown, mut temporary, .. } = self.0;
        let failed = |action| {
            let shown = shown.clone();
            move |errno| Error::call(action, &shown, errno)
        };
        let name = shown.file_name().map(PathBuf::from).unwrap_or_default();
        temporary.commit(&name, Claim::Over).map_err(failed(Action::CreateFile))?;
        spot.kernel.close(temporary.into_file()).map_err(failed(Action::Close))?;
        spot.kernel.fsync(spot.dir).map_err(failed(Action::Sync))
    }
}
