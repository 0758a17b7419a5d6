//! Owner, mode and times of a handle, possibly an O_PATH one, which some kernels do not take.

use super::reach::{self, Purpose, Reach};
use super::stat::timespec;
use crate::kernel::{Result, Timestamp};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Gid, Mode, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, Uid};
use rustix::io::Errno;
use std::path::Path;

pub(super) fn chown(reach: &Reach, file: &OwnedFd, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
    let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
    let answer = match rustix::fs::fchown(file, uid, gid) {
        Err(Errno::BADF | Errno::NOSYS) => rustix::fs::chownat(file, "", uid, gid, AtFlags::EMPTY_PATH),
        // Others may not give files away, which is no filter's word.
        Err(Errno::PERM) if rustix::process::geteuid().is_root() => Err(Errno::PERM),
        answer => return answer,
    };
    let by_path = |path: &Path| rustix::fs::chownat(CWD, path, uid, gid, AtFlags::empty());
    let by_name =
        |dir: BorrowedFd<'_>, name: &Path| rustix::fs::chownat(dir, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW);
    reach.else_by_path(file, Purpose::Change, answer, by_path, by_name)
}

pub(super) fn chmod(reach: &Reach, file: &OwnedFd, mode: u32) -> Result<()> {
    let mode = Mode::from_raw_mode(mode);
    let answer = match rustix::fs::fchmod(file, mode) {
        Err(Errno::BADF) if !reach.has_proc() => reach::chmod(file, mode),
        answer => answer,
    };
    let by_path = |path: &Path| match rustix::fs::chmod(path, mode) {
        Err(Errno::NOSYS | Errno::PERM) => reach::chmod(file, mode),
        answer => answer,
    };
    let by_name = |dir: BorrowedFd<'_>, name: &Path| rustix::fs::chmodat(dir, name, mode, AtFlags::empty());
    reach.else_by_path(file, Purpose::Change, answer, by_path, by_name)
}

pub(super) fn set_times(reach: &Reach, file: &OwnedFd, atime: Timestamp, mtime: Timestamp) -> Result<()> {
    set(reach, file, &Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) })
}

pub(super) fn touch(reach: &Reach, file: &OwnedFd) -> Result<()> {
    let at = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    set(reach, file, &Timestamps { last_access: at(UTIME_OMIT), last_modification: at(UTIME_NOW) })
}

fn set(reach: &Reach, file: &OwnedFd, times: &Timestamps) -> Result<()> {
    let answer = match rustix::fs::futimens(file, times) {
        Err(Errno::BADF) => rustix::fs::utimensat(file, "", times, AtFlags::EMPTY_PATH),
        answer => return answer,
    };
    // Linux before 5.8 knows no empty path here.
    let answer = if answer == Err(Errno::INVAL) { Err(Errno::BADF) } else { answer };
    let by_path = |path: &Path| rustix::fs::utimensat(CWD, path, times, AtFlags::empty());
    let by_name = |dir: BorrowedFd<'_>, name: &Path| rustix::fs::utimensat(dir, name, times, AtFlags::SYMLINK_NOFOLLOW);
    reach.else_by_path(file, Purpose::Change, answer, by_path, by_name)
}
