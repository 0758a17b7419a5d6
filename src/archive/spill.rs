//! Bytes that do not fit into memory, in a file without a name beside the list that is made of them. What is written is read back.

use super::read_back::not_held;
use crate::copy::commit::{Spot, Temporary};
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
        write_all(self.kernel, &self.file, bytes, self.end)
            .map_err(|errno| Error::call(Action::Write, &self.shown, errno))?;
        let mut found = vec![0; bytes.len()];
        self.read(&mut found, self.end)?;
        self.end += bytes.len() as u64;
        if found == bytes { Ok(()) } else { Err(not_held(&self.shown)) }
    }

    /// Fills the buffer from an offset on; what is not there is an error.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        let mut count = 0;
        while count < buffer.len() {
            let read = self.kernel.pread(&self.file, &mut buffer[count..], offset + count as u64);
            match read {
                Ok(0) => return Err(Error::call(Action::Read, &self.shown, Errno::IO)),
                Ok(read) => count += read,
                Err(errno) => return Err(Error::call(Action::Read, &self.shown, errno)),
            }
        }
        Ok(())
    }
}

/// Writes all of `bytes`. A count of 0 is a failure, not progress.
pub(super) fn write_all<K: Kernel>(
    kernel: &K,
    file: &K::File,
    mut bytes: &[u8],
    mut offset: u64,
) -> crate::kernel::Result<()> {
    while !bytes.is_empty() {
        match kernel.pwrite(file, bytes, offset)? {
            0 => return Err(Errno::NOSPC),
            count => {
                bytes = bytes.get(count..).unwrap_or_default();
                offset += count as u64;
            }
        }
    }
    Ok(())
}
