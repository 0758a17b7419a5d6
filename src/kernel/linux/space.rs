//! How much room a filesystem has left, and how much of it a quota leaves.
#![allow(unsafe_code)]

use crate::kernel::errno::last_errno;
use crate::kernel::{Quota, QuotaOf, Result, Room};
use rustix::fd::{AsRawFd, OwnedFd};

/// quotactl_fd(2)'s number; since Linux 5.1 new calls have the same one on every architecture but alpha.
const QUOTACTL_FD: libc::c_long = 443;

/// The command that reads a quota.
const Q_GETQUOTA: u32 = 0x80_0007;

/// fstatvfs(3).
pub(super) fn room(file: &OwnedFd) -> Result<Room> {
    let found = rustix::fs::fstatvfs(file)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Room {
        block: found.f_frsize,
        free: bytes(found.f_bfree),
        free_to_users: bytes(found.f_bavail),
        files: found.f_files,
        files_free: found.f_favail,
    })
}

/// quotactl_fd(2), which Linux has since 5.14.
pub(super) fn quota(file: &OwnedFd, whose: QuotaOf) -> Result<Quota> {
    let (kind, id) = match whose {
        QuotaOf::User(id) => (0, id),
        QuotaOf::Group(id) => (1, id),
    };
    // The kernel's struct if_dqblk: limits of space in KiB, hard and soft, its use in bytes; the same three of inodes, which
    // are numbers; the ends of both times of grace; flags.
    let mut found = [0_u64; 9];
    // SAFETY: the array has the size and layout that the kernel writes.
    match unsafe { libc::syscall(QUOTACTL_FD, file.as_raw_fd(), Q_GETQUOTA << 8 | kind, id, found.as_mut_ptr()) } {
        0 => Ok(Quota {
            limit: found[0].saturating_mul(1024),
            soft_limit: found[1].saturating_mul(1024),
            used: found[2],
            names_limit: found[3],
            names: found[5],
            grace_ends: found[6],
        }),
        _ => Err(last_errno()),
    }
}
