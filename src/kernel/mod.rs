//! The boundary to the operating system: one method per system call.
//!
//! Everything safecp asks of the world goes through [`Kernel`], so that the code that ships can be
//! driven by a simulator (tests/sim) that lies, fails and crashes on a seed. A method is one call in
//! the kernel's own words: no policy, no retries (those are in [`retry`]), no joined paths. Names
//! are looked up relative to a directory handle; what was looked up once is used by handle.

pub mod deferred;
mod errno;
pub mod linux;
pub mod process;
pub mod retry;
pub mod users;

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

pub use rustix::fs::{Mode, OFlags, RenameFlags, ResolveFlags};
pub use rustix::io::Errno;

/// What a call returns: a value or the kernel's error number, which code may match on.
pub type Result<T> = std::result::Result<T, Errno>;

/// The directory a name is looked up in; `None` is the working directory (AT_FDCWD).
pub type At<'a, F> = Option<&'a F>;

/// A point in time as stat(2) gives it: seconds since 1970, which may be negative, plus 0 to
/// 999,999,999 nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
}

/// The clock that files are stamped by runs so far behind the one that [`Kernel::now`] reads, in nanoseconds, at most: a
/// tick of 100 Hz.
pub const TICK: i128 = 10_000_000;

/// The units, in nanoseconds, that filesystems cut times to: from the coarsest, FAT's, to NTFS's and the finest.
const UNITS: [i128; 7] = [2_000_000_000, 1_000_000_000, 10_000_000, 1_000_000, 1_000, 100, 1];

impl Timestamp {
    /// How much later it is than `earlier`: nothing, where the clock was set back meanwhile.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.to_nanos() - earlier.to_nanos()).unwrap_or(0))
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub fn to_nanos(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanos)
    }

    /// The coarsest unit of those that filesystems cut times to, in nanoseconds, of which it is a multiple.
    #[must_use]
    pub fn unit(self) -> i128 {
        UNITS.into_iter().find(|unit| self.to_nanos() % unit == 0).unwrap_or(1)
    }

    /// How long after `now` a file of this machine that is written to can still be stamped with this time: not at all if it
    /// is old enough, and not if it is yet to come.
    #[must_use]
    pub fn lasts_from(self, now: Self) -> Duration {
        let age = now.to_nanos() - self.to_nanos();
        let left = if age < 0 { 0 } else { self.unit() + TICK - age };
        Duration::from_nanos(u64::try_from(left).unwrap_or(0))
    }
}

/// What a name is, as the S_IFMT bits of its mode say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
}

/// What stat(2) says of a file, in its units: sizes in bytes, `blocks` in 512-byte sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Device that holds the file; with `ino` its identity.
    pub dev: u64,
    /// Inode number on that device.
    pub ino: u64,
    /// What it is.
    pub kind: Kind,
    /// Permission bits with set-user-ID, set-group-ID and sticky: 0 to 0o7777.
    pub mode: u32,
    /// Number of names.
    pub nlink: u64,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// For a device node, the device it stands for.
    pub rdev: u64,
    /// Size in bytes; 0 for most files of /proc, whatever they hold.
    pub size: u64,
    /// Allocated 512-byte sectors: a hint, on ZFS late by a transaction group.
    pub blocks: u64,
    /// Last read.
    pub atime: Timestamp,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last change of the inode.
    pub ctime: Timestamp,
}

/// The bytes of a sector, in which stat(2) counts.
pub const SECTOR: u64 = 512;

/// How many bytes of a file of that size have no sector: it may have holes if there are any.
#[must_use]
pub fn unallocated(size: u64, blocks: u64) -> u64 {
    size.saturating_sub(blocks.saturating_mul(SECTOR))
}

impl Stat {
    /// Whether both describe one and the same inode.
    #[must_use]
    pub fn is_same_file(&self, other: &Stat) -> bool {
        self.dev == other.dev && self.ino == other.ino
    }

    /// Whether the inode has other names than the one that was looked up. Some programs behind FUSE say that no file has a
    /// name, so that 0 is none either.
    #[must_use]
    pub fn has_other_names(&self) -> bool {
        self.nlink > 1
    }

    /// Whether the file that it was taken of holds what it held then, as far as its times tell.
    #[must_use]
    pub fn is_unchanged(&self, after: &Stat) -> bool {
        let state = |stat: &Stat| (stat.dev, stat.ino, stat.size, stat.mtime, stat.ctime);
        state(self) == state(after)
    }

    /// Whether it has fewer sectors than its size needs, so that it may have holes.
    #[must_use]
    pub fn looks_sparse(&self) -> bool {
        unallocated(self.size, self.blocks) > 0
    }
}

/// Pages of a file in the page cache, as cachestat(2) counts them (Linux 6.5 and later).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CachePages {
    /// Pages present.
    pub cached: u64,
    /// Pages changed and not yet handed to the filesystem.
    pub dirty: u64,
    /// Pages on their way to the filesystem.
    pub writeback: u64,
}

/// What a filesystem has left, in bytes and inodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// The unit in which it hands out space.
    pub block: u64,
    /// What root may still use.
    pub free: u64,
    /// What everybody may.
    pub free_to_users: u64,
    /// Inodes that it has; 0 where it makes them as they are needed.
    pub files: u64,
    /// Those of them that are free.
    pub files_free: u64,
}

/// Whose quota is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaOf {
    /// A user's.
    User(u32),
    /// A group's.
    Group(u32),
}

/// A quota and what is used of it, in bytes and inodes. A limit of 0 is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Never more than this.
    pub limit: u64,
    /// More than this until the grace ends.
    pub soft_limit: u64,
    /// What is used.
    pub used: u64,
    /// When the soft limit becomes the limit, in seconds since 1970; 0 where it is not passed.
    pub grace_ends: u64,
    /// Never more inodes than this.
    pub names_limit: u64,
    /// Inodes that are used.
    pub names: u64,
}

/// A mount as mountinfo lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The filesystem's type, which tells more than its magic number: `fuse.sshfs`, `virtiofs`.
    pub kind: String,
    /// The filesystem's own options, each as it stands there.
    pub options: Vec<String>,
}

/// What FS_IOC_FSGETXATTR tells of an inode and can be set: struct fsxattr without its count of extents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InodeHints {
    /// FS_XFLAG_*.
    pub flags: u32,
    /// The unit in which space is allocated, in bytes, if the flags say that there is one.
    pub extent_size: u32,
    /// The project whose quota it counts for.
    pub project: u32,
    /// The same unit for space that is copied on write.
    pub cow_extent_size: u32,
}

/// Where a part of a file lies, as FIEMAP tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Which of the file's bytes; the end may lie beyond that of the file.
    pub logical: Range<u64>,
    /// Where the first of them is on the device, in bytes; on btrfs in the filesystem's own numbering.
    pub physical: u64,
    /// FIEMAP_EXTENT_*.
    pub flags: u32,
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    /// The name.
    pub name: OsString,
    /// What it is; `None` where the filesystem does not say.
    pub kind: Option<Kind>,
}

/// What lseek(2) is to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// The next byte that the filesystem calls data.
    Data,
    /// The next byte that the filesystem calls a hole; the end of the file counts as one.
    Hole,
}

/// The system calls, one method each.
///
/// Every method may fail with any [`Errno`]; what is said below is what success means. EINTR comes
/// through as it is: wrap a kernel in [`retry::Retrying`] to have it retried.
pub trait Kernel: Sync {
    /// An open file; dropping it closes it and loses what close(2) would have reported, so handles
    /// that were written to go through [`Kernel::close`].
    type File: Send + Sync;

    /// openat2(2), or openat(2) where `resolve` is empty. O_CLOEXEC is always added.
    fn open(
        &self,
        dir: At<'_, Self::File>,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<Self::File>;
    /// close(2). The handle is gone whatever is returned; EINTR is success, as POSIX will have it.
    fn close(&self, file: Self::File) -> Result<()>;
    /// What close(2) would report of the handle, which stays: a duplicate of it is closed. EMFILE where no
    /// descriptor is left for one.
    fn flush(&self, file: &Self::File) -> Result<()>;
    /// fstat(2); works on O_PATH handles.
    fn stat(&self, file: &Self::File) -> Result<Stat>;
    /// fstatat(2); `follow` follows a symbolic link in the last component.
    fn stat_at(&self, dir: At<'_, Self::File>, path: &Path, follow: bool) -> Result<Stat>;
    /// statx(2) with AT_STATX_FORCE_SYNC: has whoever keeps the file asked anew, links not followed. FUSE and NFS remember for
    /// a while what they were told (gocryptfs 2.3 tells a wrong size of a further name when it is made). An empty path is `dir`
    /// itself. Nothing, where nothing is remembered.
    fn renew(&self, _dir: At<'_, Self::File>, _path: &Path) -> Result<()> {
        Ok(())
    }
    /// [`Self::renew`], and fstatat(2), or fstat(2) for an empty path: what a file is now.
    fn stat_anew(&self, dir: At<'_, Self::File>, path: &Path) -> Result<Stat> {
        self.renew(dir, path)?;
        match dir {
            Some(file) if path.as_os_str().is_empty() => self.stat(file),
            dir => self.stat_at(dir, path, false),
        }
    }
    /// statx(2): when the file came into being, where the filesystem keeps that. An empty path is `dir` itself.
    fn birth(&self, dir: At<'_, Self::File>, path: &Path, follow: bool) -> Result<Option<Timestamp>>;
    /// faccessat2(2) with AT_EACCESS: whether the effective user may write the file.
    fn may_write(&self, dir: At<'_, Self::File>, path: &Path) -> Result<()>;
    /// fstatfs(2): the filesystem's magic number.
    fn filesystem(&self, file: &Self::File) -> Result<u32>;
    /// fstatvfs(3): what is left on the filesystem.
    fn room(&self, file: &Self::File) -> Result<Room>;
    /// quotactl_fd(2), Linux 5.14: what a quota allows. ESRCH where none is kept.
    fn quota(&self, file: &Self::File, whose: QuotaOf) -> Result<Quota>;
    /// statx(2) and /proc/self/mountinfo: the mount that a file lies on. ENOENT where it is not listed.
    fn mount(&self, file: &Self::File) -> Result<Mount>;

    /// BLAKE3 of a file's content, where somebody else has read it and tells: no call.
    fn told(&self, _file: &Self::File) -> Option<[u8; 32]> {
        None
    }

    /// Whether the file's content comes once, from somebody who would have to be asked for it again: no call.
    fn comes_once(&self, _file: &Self::File) -> bool {
        false
    }

    /// fcntl(F_SETFL) without O_NONBLOCK: reads and writes of the handle wait from now on.
    fn wait_from_now_on(&self, file: &Self::File) -> Result<()>;
    /// read(2) at the handle's own position. 0 is end of file.
    fn read(&self, file: &Self::File, buffer: &mut [u8]) -> Result<usize>;
    /// write(2) at the handle's own position. May write less than asked.
    fn write(&self, file: &Self::File, buffer: &[u8]) -> Result<usize>;
    /// pread(2). 0 is end of file; a short count is not.
    fn pread(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> Result<usize>;
    /// pwrite(2). May write less than asked.
    fn pwrite(&self, file: &Self::File, buffer: &[u8], offset: u64) -> Result<usize>;
    /// lseek(2) with SEEK_DATA or SEEK_HOLE. ENXIO becomes `None`: nothing of the kind up to the end.
    fn seek(&self, file: &Self::File, what: Seek, offset: u64) -> Result<Option<u64>>;
    /// ioctl(FICLONE): makes `target` share all of `source`'s blocks. 0 from it is a claim.
    fn ficlone(&self, target: &Self::File, source: &Self::File) -> Result<()>;
    /// copy_file_range(2) of the range to the same offset of `target`. Returns the bytes it claims.
    fn copy_file_range(&self, source: &Self::File, target: &Self::File, range: Range<u64>) -> Result<u64>;
    /// flock(LOCK_EX | LOCK_NB): nobody else has the file locked until it is closed, by death too. EAGAIN
    /// where somebody has.
    fn lock(&self, file: &Self::File) -> Result<()>;
    /// flock(LOCK_SH | LOCK_NB): the same beside others who ask for no more than this.
    fn lock_shared(&self, file: &Self::File) -> Result<()>;
    /// ioctl(FS_IOC_FIEMAP): the flags of a file's first extent (FIEMAP_EXTENT_*), `None` where it has none. What waits to be
    /// written out goes on waiting.
    fn first_extent(&self, file: &Self::File) -> Result<Option<u32>>;
    /// ioctl(FS_IOC_FIEMAP) with FIEMAP_FLAG_SYNC: the next extents of a file, in order, from that which holds or follows the
    /// offset; none at the end. What was written to the file has its place before.
    fn extents(&self, file: &Self::File, offset: u64) -> Result<Vec<Extent>>;
    /// fallocate(2) with FALLOC_FL_KEEP_SIZE: blocks of its own for the range, which may end beyond the file.
    fn allocate(&self, file: &Self::File, range: Range<u64>) -> Result<()>;
    /// ftruncate(2).
    fn truncate(&self, file: &Self::File, size: u64) -> Result<()>;

    /// fsync(2) of a file or a directory. A positive return, which ZFS 2.2.4 to 2.4.4 can give
    /// instead of an error, is EIO here.
    fn fsync(&self, file: &Self::File) -> Result<()>;
    /// syncfs(2): all that was changed on the filesystem that the file lies on.
    fn sync_filesystem(&self, file: &Self::File) -> Result<()>;
    /// msync(MS_SYNC) of a mapping of `0..size` that is made for it and never touched.
    fn msync(&self, file: &Self::File, size: u64) -> Result<()>;
    /// cachestat(2) of the whole file. ENOSYS before Linux 6.5; EPERM to who may not write the file.
    fn cachestat(&self, file: &Self::File) -> Result<CachePages>;
    /// mincore(2) on a mapping of the range that is never touched: how many of its pages are in the
    /// page cache. To who may not write the file the kernel says "all".
    fn mincore(&self, file: &Self::File, range: Range<u64>) -> Result<u64>;
    /// posix_fadvise(POSIX_FADV_DONTNEED) of the whole file. A request, not a promise.
    fn drop_cache(&self, file: &Self::File) -> Result<()>;
    /// Lets this thread sleep, at least so long.
    fn pause(&self, time: Duration);

    /// renameat2(2).
    fn rename(
        &self,
        from_dir: &Self::File,
        from: &Path,
        to_dir: &Self::File,
        to: &Path,
        flags: RenameFlags,
    ) -> Result<()>;
    /// linkat(2): gives the open file, also one of O_TMPFILE or O_PATH, the name `name` in `dir`.
    fn link(&self, file: &Self::File, dir: &Self::File, name: &Path) -> Result<()>;
    /// unlinkat(2) of anything but a directory.
    fn unlink(&self, dir: &Self::File, name: &Path) -> Result<()>;
    /// unlinkat(2) with AT_REMOVEDIR: of an empty directory. ENOTDIR of what is none, but only to who may remove it.
    fn rmdir(&self, dir: &Self::File, name: &Path) -> Result<()>;
    /// mkdirat(2); the umask applies.
    fn mkdir(&self, dir: &Self::File, name: &Path, mode: Mode) -> Result<()>;
    /// symlinkat(2).
    fn symlink(&self, content: &OsStr, dir: &Self::File, name: &Path) -> Result<()>;
    /// getdents64(2) to the end, of a directory by any handle of it: names in no order, without `.`
    /// and `..`.
    fn list(&self, dir: &Self::File) -> Result<Vec<OsString>>;
    /// getdents64(2), once or until it gives a name: the next names of a directory from the handle's own
    /// position on, without `.` and `..`; none at the end. EBADF of an O_PATH handle.
    fn next_names(&self, dir: &Self::File) -> Result<Vec<DirEntry>>;
    /// lseek(2) of a directory's handle to its beginning. Names that came since it was opened are seen then
    /// also by btrfs, which otherwise ends where it ended at that time.
    fn rewind(&self, dir: &Self::File) -> Result<()>;
    /// readlinkat(2) of an O_PATH handle of a symbolic link.
    fn readlink(&self, link: &Self::File) -> Result<OsString>;
    /// mknodat(2) of a fifo, socket or device; the umask applies.
    fn mknod(&self, dir: &Self::File, name: &Path, kind: Kind, mode: Mode, rdev: u64) -> Result<()>;

    /// fchownat(2) of the handle itself, also an O_PATH one; `None` leaves the one as it is.
    fn chown(&self, file: &Self::File, uid: Option<u32>, gid: Option<u32>) -> Result<()>;
    /// fchmod(2); works on O_PATH handles of anything but a symbolic link.
    fn chmod(&self, file: &Self::File, mode: u32) -> Result<()>;
    /// utimensat(2) of the handle itself, also an O_PATH one.
    fn set_times(&self, file: &Self::File, atime: Timestamp, mtime: Timestamp) -> Result<()>;
    /// utimensat(2) with UTIME_NOW: the content was changed now, by the clock that writes go by. The other time stays.
    fn touch(&self, file: &Self::File) -> Result<()>;
    /// flistxattr(2); works on O_PATH handles. Names in the kernel's order.
    fn list_xattr(&self, file: &Self::File) -> Result<Vec<OsString>>;
    /// fgetxattr(2); works on O_PATH handles. ENODATA where there is none.
    fn get_xattr(&self, file: &Self::File, name: &OsStr) -> Result<Vec<u8>>;
    /// fsetxattr(2); works on O_PATH handles. Replaces what was there.
    fn set_xattr(&self, file: &Self::File, name: &OsStr, value: &[u8]) -> Result<()>;
    /// fremovexattr(2); works on O_PATH handles.
    fn remove_xattr(&self, file: &Self::File, name: &OsStr) -> Result<()>;

    /// ioctl(FS_IOC_GETFLAGS): what chattr(1) sets. ENOTTY where the filesystem has no flags.
    fn inode_flags(&self, file: &Self::File) -> Result<u32>;
    /// ioctl(FS_IOC_SETFLAGS).
    fn set_inode_flags(&self, file: &Self::File, flags: u32) -> Result<()>;
    /// ioctl(FS_IOC_FSGETXATTR). ENOTTY where the filesystem has nothing of the kind.
    fn inode_hints(&self, file: &Self::File) -> Result<InodeHints>;
    /// ioctl(FS_IOC_FSSETXATTR).
    fn set_inode_hints(&self, file: &Self::File, hints: InodeHints) -> Result<()>;

    /// clock_gettime(2) of CLOCK_REALTIME: what filesystems of this machine take the times of their files from.
    fn now(&self) -> Timestamp;
    /// kill(2) with signal 0: ESRCH where no process has the number.
    fn process_exists(&self, pid: u64) -> Result<()>;
    /// getrandom(2), eight bytes: what nobody can foretell.
    fn random(&self) -> u64;
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use std::time::Duration;

    /// The expected spans are reckoned by hand: a tick of 10 ms, and what the filesystem cuts off.
    #[test]
    fn a_time_is_given_again_for_a_tick_and_as_long_as_its_filesystem_cuts_off() {
        let at = |seconds, nanos| Timestamp { seconds, nanos };
        for (stamp, now, millis) in [
            (at(1_000_001, 123_456_789), at(1_000_001, 123_456_789), 10),
            (at(1_000_001, 123_456_789), at(1_000_001, 127_456_789), 6),
            (at(1_000_001, 123_456_789), at(1_000_001, 133_456_789), 0),
            (at(1_000_001, 120_000_000), at(1_000_001, 123_000_000), 17),
            (at(1_000_001, 0), at(1_000_001, 400_000_000), 610),
            (at(1_000_000, 0), at(1_000_001, 400_000_000), 610),
            (at(1_000_000, 0), at(1_000_002, 10_000_000), 0),
            (at(1_000_005, 0), at(1_000_001, 0), 0),
            (at(-5, 0), at(1_000_001, 0), 0),
        ] {
            let left = stamp.lasts_from(now);
            // 123,456,789 is a multiple of one nanosecond only, which is cut off as well.
            assert!(left - Duration::from_millis(millis) <= Duration::from_nanos(1), "{stamp:?} {now:?}: {left:?}");
        }
    }
}
