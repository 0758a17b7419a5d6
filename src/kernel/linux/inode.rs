//! What an inode keeps beside its attributes: flags, extent sizes and the project (struct fsxattr).
#![allow(unsafe_code)]

use crate::kernel::errno::whole_return;
use crate::kernel::{InodeHints, Result};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::ioctl::{Opcode, opcode};

/// struct fsxattr: flags, extent size, number of extents, project, extent size of copies on write, eight bytes to spare.
type FsXattr = [u32; 7];

/// FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR.
const FSGETXATTR: Opcode = opcode::read::<FsXattr>(b'X', 31);
const FSSETXATTR: Opcode = opcode::write::<FsXattr>(b'X', 32);

fn fsxattr(file: &OwnedFd) -> Result<FsXattr> {
    let mut value = FsXattr::default();
    // SAFETY: the kernel writes as many bytes as the number of the request says, which is made of the array's size.
    whole_return(unsafe { libc::ioctl(file.as_raw_fd(), FSGETXATTR as _, value.as_mut_ptr()) })?;
    Ok(value)
}

/// FS_IOC_FSGETXATTR.
pub(super) fn hints(file: &OwnedFd) -> Result<InodeHints> {
    fsxattr(file).map(|[flags, extent_size, _, project, cow_extent_size, ..]| InodeHints {
        flags,
        extent_size,
        project,
        cow_extent_size,
    })
}

/// FS_IOC_FSSETXATTR.
pub(super) fn set_hints(file: &OwnedFd, hints: InodeHints) -> Result<()> {
    let InodeHints { flags, extent_size, project, cow_extent_size } = hints;
    let value: FsXattr = [flags, extent_size, 0, project, cow_extent_size, 0, 0];
    // SAFETY: the kernel reads as many bytes as the number of the request says, which is made of the array's size.
    whole_return(unsafe { libc::ioctl(file.as_raw_fd(), FSSETXATTR as _, value.as_ptr()) })
}
