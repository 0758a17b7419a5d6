//! Pages of files in memory: how many there are, and how many are dirty.
#![allow(unsafe_code)]

use super::mapping::Untouched;
use crate::kernel::errno::{last_errno, whole_return};
use crate::kernel::{CachePages, Result};
use rustix::fd::{AsRawFd, OwnedFd};
use std::ops::Range;

/// cachestat(2)'s number; since Linux 5.1 new calls have the same one on every architecture but alpha.
const CACHESTAT: libc::c_long = 451;

/// Pages looked at in one mincore(2) call: its answer is a byte each.
const MINCORE_PAGES_MAX: u64 = 1 << 16;

/// cachestat(2) of the whole file.
pub(super) fn cachestat(file: &OwnedFd) -> Result<CachePages> {
    // The kernel's struct cachestat_range { off, len }, where len 0 means "to the end", and
    // struct cachestat { cached, dirty, writeback, evicted, recently evicted }.
    let range = [0_u64; 2];
    let mut counts = [0_u64; 5];
    // SAFETY: both arrays have the size and layout that the kernel reads and writes.
    match unsafe { libc::syscall(CACHESTAT, file.as_raw_fd(), range.as_ptr(), counts.as_mut_ptr(), 0) } {
        0 => Ok(CachePages { cached: counts[0], dirty: counts[1], writeback: counts[2] }),
        _ => Err(last_errno()),
    }
}

/// How many pages of a range mincore(2) finds.
pub(super) fn mincore(file: &OwnedFd, range: Range<u64>) -> Result<u64> {
    let page = rustix::param::page_size() as u64;
    let mut resident = 0;
    let mut flags = Vec::new();
    let mut offset = range.start / page * page;
    while offset < range.end {
        let length = (range.end - offset).min(MINCORE_PAGES_MAX * page);
        let mapping = Untouched::map(file, offset, length)?;
        flags.resize(mapping.length.div_ceil(rustix::param::page_size()), 0_u8);
        // SAFETY: the vector has a byte for every page of the mapping.
        whole_return(unsafe { libc::mincore(mapping.start, mapping.length, flags.as_mut_ptr()) })?;
        resident += flags.iter().filter(|flag| **flag & 1 == 1).count() as u64;
        offset += length;
    }
    Ok(resident)
}
