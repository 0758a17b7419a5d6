//! Where the parts of a file lie: FIEMAP.
#![allow(unsafe_code)]

use crate::kernel::{Extent, Result};
use rustix::fd::OwnedFd;
use rustix::ioctl::{Opcode, Updater};

/// Extents that one FIEMAP is asked for.
const EXTENTS_ASKED: usize = 64;

/// FIEMAP_FLAG_SYNC.
const FIEMAP_SYNC: u32 = 1;

/// The kernel's struct fiemap with some struct fiemap_extent behind it.
#[repr(C)]
struct Fiemap {
    start: u64,
    length: u64,
    flags: u32,
    mapped_extents: u32,
    extent_count: u32,
    reserved: u32,
    extents: [FiemapExtent; EXTENTS_ASKED],
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct FiemapExtent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved64: [u64; 2],
    flags: u32,
    reserved: [u32; 3],
}

/// Its number counts the bytes before the extents.
const FS_IOC_FIEMAP: Opcode = rustix::ioctl::opcode::read_write::<[u64; 4]>(b'f', 11);

/// The flags of the first extent; `None` if there is no extent.
pub(super) fn first(file: &OwnedFd) -> Result<Option<u32>> {
    Ok(fiemap(file, 0, 1, 0)?.first().map(|extent| extent.flags))
}

/// The next extents from an offset on, once the file is written out.
pub(super) fn from(file: &OwnedFd, offset: u64) -> Result<Vec<Extent>> {
    fiemap(file, offset, EXTENTS_ASKED, FIEMAP_SYNC)
}

/// The next extents from an offset on, at most `count` of them and as many as struct fiemap here has room for.
fn fiemap(file: &OwnedFd, offset: u64, count: usize, flags: u32) -> Result<Vec<Extent>> {
    let mut asked = Fiemap {
        start: offset,
        length: u64::MAX - offset,
        flags,
        mapped_extents: 0,
        extent_count: count.min(EXTENTS_ASKED) as u32,
        reserved: 0,
        extents: [FiemapExtent::default(); EXTENTS_ASKED],
    };
    // SAFETY: the number is that of FS_IOC_FIEMAP, and the value a struct fiemap with room for as many extents
    // as it says.
    unsafe { rustix::ioctl::ioctl(file, Updater::<FS_IOC_FIEMAP, Fiemap>::new(&mut asked))? };
    let told = asked.extents.iter().take(asked.mapped_extents as usize);
    Ok(told
        .map(|extent| Extent {
            logical: extent.logical..extent.logical.saturating_add(extent.length),
            physical: extent.physical,
            flags: extent.flags,
        })
        .collect())
}
