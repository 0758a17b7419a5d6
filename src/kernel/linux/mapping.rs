//! Mappings of files: those that nobody touches, for calls that want one, and the one through which bytes are written.
//!
//! No copy writes through a mapping; the trials of `--doctor` do.
#![allow(unsafe_code)]

use crate::kernel::Result;
use crate::kernel::errno::{last_errno, whole_return};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags};

/// A mapping of a file that nobody reads or writes through: it brings no page into the cache.
pub(super) struct Untouched {
    pub(super) start: *mut libc::c_void,
    pub(super) length: usize,
}

impl Untouched {
    /// Maps `length` bytes (more than 0) from `offset`, a multiple of the page size.
    pub(super) fn map(file: &OwnedFd, offset: u64, length: u64) -> Result<Self> {
        let length = usize::try_from(length).map_err(|_| Errno::OVERFLOW)?;
        // SAFETY: a new mapping at an address the kernel chooses; it is never dereferenced, so a
        // truncation of the file by others cannot raise SIGBUS.
        let start =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, offset)? };
        Ok(Self { start, length })
    }
}

impl Drop for Untouched {
    fn drop(&mut self) {
        // SAFETY: start and length are those of a mapping this value owns.
        let unmapped = unsafe { rustix::mm::munmap(self.start, self.length) };
        debug_assert!(unmapped.is_ok(), "munmap of a mapping of our own");
    }
}

/// Writes out what others changed through mappings of theirs.
pub(super) fn msync(file: &OwnedFd, size: u64) -> Result<()> {
    if size == 0 {
        return Ok(());
    }
    let mapping = Untouched::map(file, 0, size)?;
    // SAFETY: the range is that of a live mapping; MS_SYNC writes out, it reads no byte of it.
    whole_return(unsafe { libc::msync(mapping.start, mapping.length, libc::MS_SYNC) })
}

/// Writes bytes into an open file through a shared mapping, which is gone on return. `offset` is a multiple of
/// the page size, and the file has the range. A page that cannot be had, for the disk is full or somebody cut the file, is
/// an error: the kernel stores the bytes, and answers EFAULT where a store of ours would raise SIGBUS.
pub fn write_mapped(file: &OwnedFd, bytes: &[u8], offset: u64) -> Result<()> {
    let content = memfd_create("content", MemfdFlags::CLOEXEC)?;
    if rustix::io::write(&content, bytes)? < bytes.len() {
        return Err(Errno::NOSPC);
    }
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping at an address the kernel chooses.
    let start =
        unsafe { rustix::mm::mmap(std::ptr::null_mut(), bytes.len(), protection, MapFlags::SHARED, file, offset)? };
    let mut done = 0;
    let stored = loop {
        // SAFETY: the mapping is as long as `bytes`, writable, and nobody else has its address; the kernel checks each page.
        let read = unsafe {
            let rest = start.cast::<u8>().add(done);
            libc::pread(content.as_raw_fd(), rest.cast(), bytes.len() - done, done as libc::off_t)
        };
        match usize::try_from(read) {
            Ok(0) => break Err(Errno::IO),
            Ok(count) if done + count < bytes.len() => done += count,
            Ok(_) => break Ok(()),
            Err(_) => break Err(last_errno()),
        }
    };
    // SAFETY: start and length are those of the mapping above, which nothing refers to any more.
    unsafe { rustix::mm::munmap(start, bytes.len())? };
    match stored {
        // Why the page cannot be had is said to a write of it.
        Err(Errno::FAULT) => {
            Err(rustix::io::pwrite(file, &bytes[done..], offset + done as u64).err().unwrap_or(Errno::NOSPC))
        }
        stored => stored,
    }
}
