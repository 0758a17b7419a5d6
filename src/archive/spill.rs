//! Bytes that do not fit into memory, in a file without a name beside the list that is made of them. What is written is read back.

use super::read_back::not_held;
use crate::copy::commit::{Spot, Temporary};
use crate::copy::pass::Bytes;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode};
use std::path::{Path, PathBuf};

/// A file that is gone as soon as it is closed.
pub(super) struct Spill<'a, K: Kernel> {
    kernel: &'a K,
    file: K::File,
    end: u64,
    /// The list, for messages.
    shown: PathBuf,
}

impl<'a, K: Kernel> Spill<'a, K> {
    /// An empty one.
    pub(super) fn begin(spot: Spot<'a, K>, shown: &Path) -> Result<Self, Error> {
        let failed = |errno| Error::call(Action::CreateFile, shown, errno);
        let mode = Mode::RUSR | Mode::WUSR;
        let mut temporary = Temporary::create(spot, mode, None).map_err(failed)?;
        temporary.remove().map_err(failed)?;
        Ok(Self { kernel: spot.kernel, file: temporary.into_file(), end: 0, shown: shown.to_owned() })
    }

    /// Where the next bytes will lie.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Bytes::of(self.kernel, &self.file)
            .write_full(bytes, self.end)
            .map_err(|errno| Error::call(Action::Write, &self.shown, errno))?;
        let mut found = vec![0; bytes.len()];
        self.read(&mut found, self.end)?;
        self.end += bytes.len() as u64;
        if found == bytes { Ok(()) } else { Err(not_held(&self.shown)) }
    }

    /// Fills the buffer from an offset on; what is not there is an error.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Read, &self.shown, errno);
        let read = Bytes::of(self.kernel, &self.file).read_full(buffer, offset).map_err(failed)?;
        if read == buffer.len() { Ok(()) } else { Err(failed(Errno::IO)) }
    }
}
