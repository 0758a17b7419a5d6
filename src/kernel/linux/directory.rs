//! The names in a directory.

use super::stat::kind_of;
use crate::kernel::{DirEntry, Result};
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, RawDir};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// Bytes that one getdents64(2) may fill: some hundred names.
const DIRECTORY_BUFFER: usize = 32 << 10;

/// All names, by a handle that may be one of O_PATH.
pub(super) fn list(dir: &OwnedFd) -> Result<Vec<OsString>> {
    // A handle of O_PATH lists nothing; one of its own does, and has a position of its own.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::openat(dir, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    loop {
        let next = next_names(&opened)?;
        if next.is_empty() {
            return Ok(names);
        }
        names.extend(next.into_iter().map(|listed| listed.name));
    }
}

/// The next names from the handle's position on; none at the end.
pub(super) fn next_names(dir: &OwnedFd) -> Result<Vec<DirEntry>> {
    let mut buffer = Vec::with_capacity(DIRECTORY_BUFFER);
    let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            let kind = (entry.file_type() != FileType::Unknown).then(|| kind_of(entry.file_type()));
            names.push(DirEntry { name: OsStr::from_bytes(name).to_owned(), kind });
        }
        if entries.is_buffer_empty() && !names.is_empty() {
            break;
        }
    }
    Ok(names)
}
