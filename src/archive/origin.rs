//! A file that content may come from: what has the name that is mended, or what another copy has of it.

use super::digest::Digest;
use super::open::{Links, beneath, digests};
use crate::copy::pass::Bytes;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use std::path::{Path, PathBuf};

/// An open regular file that content may come from.
pub(super) struct Origin<K: Kernel> {
    pub(super) file: K::File,
    pub(super) stat: Stat,
    pub(super) shown: PathBuf,
    /// It lies in another copy.
    pub(super) is_copy: bool,
}

impl<K: Kernel> Origin<K> {
    /// Opens a regular file beneath a root, if there is one.
    pub(super) fn open(
        kernel: &K,
        root: &K::File,
        path: &Path,
        shown: PathBuf,
        is_copy: bool,
    ) -> Result<Option<Self>, Error> {
        let failed = |errno| Error::call(Action::OpenSource, &shown, errno);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let Some(file) = opened(beneath(kernel, root, path, flags, Links::None)).map_err(failed)? else {
            return Ok(None);
        };
        let stat = kernel.stat(&file).map_err(failed)?;
        Ok((stat.kind == Kind::File).then_some(Self { file, stat, shown, is_copy }))
    }

    /// Whether it holds what is listed.
    pub(super) fn holds(&self, kernel: &K, wanted: &Digest, size: Option<u64>) -> Result<bool, Error> {
        Ok(size.is_none_or(|size| size == self.stat.size) && is_right(kernel, &self.file, wanted, &self.shown)?)
    }

    /// Reads a chunk; false if the file ends in it.
    pub(super) fn read(&self, kernel: &K, offset: u64, chunk: &mut [u8]) -> Result<bool, Error> {
        let read = Bytes::of(kernel, &self.file).read_full(chunk, offset);
        let read = read.map_err(|errno| Error::call(Action::Read, &self.shown, errno))?;
        Ok(read == chunk.len())
    }
}

/// What was opened, if it is there and no link.
pub(super) fn opened<F>(result: crate::kernel::Result<F>) -> crate::kernel::Result<Option<F>> {
    match result {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::NODEV) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Whether an open file holds what a digest is of, by any algorithm that it may be of. The file is read once.
pub(super) fn is_right<K: Kernel>(kernel: &K, file: &K::File, wanted: &Digest, shown: &Path) -> Result<bool, Error> {
    let found = digests(kernel, file, shown, &wanted.algorithm.candidates())?;
    Ok(found.iter().any(|digest| digest.value == wanted.value))
}
