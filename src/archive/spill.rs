//! Bytes that do not fit into memory, in a file without a name beside the list that is made of them.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
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
    /// An empty one in an open directory.
    pub(super) fn begin(kernel: &'a K, dir: &K::File, shown: &Path) -> Result<Self, Error> {
        let failed = |errno| Error::call(Action::CreateFile, shown, errno);
        let name = temporary_name(kernel);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        let file = kernel.open(Some(dir), &name, flags, Mode::RUSR | Mode::WUSR, ResolveFlags::empty());
        let file = file.map_err(failed)?;
        kernel.unlink(dir, &name).map_err(failed)?;
        Ok(Self { kernel, file, end: 0, shown: shown.to_owned() })
    }

    /// Where the next bytes will lie.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        write_all(self.kernel, &self.file, bytes, self.end)
            .map_err(|errno| Error::call(Action::Write, &self.shown, errno))?;
        self.end += bytes.len() as u64;
        Ok(())
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

/// A name for what is not there for long.
pub(super) fn temporary_name<K: Kernel>(kernel: &K) -> PathBuf {
    PathBuf::from(format!("{}{:016x}", crate::copy::stale_temporary::TEMPORARY_PREFIX, kernel.random()))
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
