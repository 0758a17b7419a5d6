//! What stat(2) and statx(2) say, in this project's types.

use super::opening::at;
use crate::kernel::process::{is_any_closed, stands_for_nothing};
use crate::kernel::{At, Kind, Result, Stat, Timestamp};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, StatxFlags, Timespec};
use rustix::io::Errno;
use std::path::Path;

pub(super) fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Fifo,
        FileType::Socket => Kind::Socket,
        FileType::CharacterDevice => Kind::CharDevice,
        FileType::BlockDevice => Kind::BlockDevice,
        FileType::RegularFile | FileType::Unknown => Kind::File,
    }
}

#[allow(clippy::unnecessary_cast, reason = "the fields' types differ between architectures")]
pub(super) fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    let time = |seconds: i64, nanos: u64| Timestamp { seconds, nanos: nanos as u32 };
    Stat {
        dev: stat.st_dev as u64,
        ino: stat.st_ino as u64,
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        mode: stat.st_mode & 0o7777,
        nlink: stat.st_nlink as u64,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: stat.st_rdev as u64,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        blocks: u64::try_from(stat.st_blocks).unwrap_or(0),
        atime: time(stat.st_atime as i64, stat.st_atime_nsec as u64),
        mtime: time(stat.st_mtime as i64, stat.st_mtime_nsec as u64),
        ctime: time(stat.st_ctime as i64, stat.st_ctime_nsec as u64),
    }
}

/// Whether a name leads to a standard handle that was closed when the process began, such as /dev/fd/0: to whoever gave the name it is
/// not there. `found` is what it shows.
pub(super) fn is_closed_handle(dir: BorrowedFd<'_>, path: &Path, found: &Stat) -> bool {
    match found.kind {
        Kind::Socket => stands_for_nothing((found.dev, found.ino)),
        // One of procfs; what the user has made is there, wherever it leads.
        Kind::Symlink if is_any_closed() => {
            let leads_there = rustix::fs::statat(dir, path, AtFlags::empty())
                .is_ok_and(|end| stands_for_nothing((end.st_dev, end.st_ino)));
            leads_there
                && rustix::fs::readlinkat(dir, path, Vec::new())
                    .is_ok_and(|text| text.to_bytes().starts_with(b"socket:["))
        }
        Kind::Symlink | Kind::File | Kind::Directory | Kind::Fifo | Kind::CharDevice | Kind::BlockDevice => false,
    }
}

pub(super) fn timespec(time: Timestamp) -> Timespec {
    Timespec { tv_sec: time.seconds, tv_nsec: time.nanos.into() }
}

/// Has the kernel ask anew what it remembers of a file.
pub(super) fn renew(dir: At<'_, OwnedFd>, path: &Path) -> Result<()> {
    let mut flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::STATX_FORCE_SYNC;
    flags.set(AtFlags::EMPTY_PATH, path.as_os_str().is_empty());
    match rustix::fs::statx(at(dir), path, flags, StatxFlags::BASIC_STATS) {
        // Before Linux 4.11; and seccomp filters that do not know it, of which some say EPERM.
        Ok(_) | Err(Errno::NOSYS | Errno::PERM) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// When a file was made, where the filesystem keeps that.
pub(super) fn birth(dir: At<'_, OwnedFd>, path: &Path, follow: bool) -> Result<Option<Timestamp>> {
    let mut flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
    flags.set(AtFlags::EMPTY_PATH, path.as_os_str().is_empty());
    let found = match rustix::fs::statx(at(dir), path, flags, StatxFlags::BTIME) {
        // Before Linux 4.11; and seccomp filters that do not know it.
        Err(Errno::NOSYS) => return Ok(None),
        found => found?,
    };
    let is_told = found.stx_mask & StatxFlags::BTIME.bits() != 0;
    let birth = Timestamp { seconds: found.stx_btime.tv_sec, nanos: found.stx_btime.tv_nsec };
    Ok(is_told.then_some(birth))
}
