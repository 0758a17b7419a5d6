//! Linux: the system calls themselves, by rustix where it has them and by hand where it has not.
//!
//! What takes more than one call, or a look at what this kernel has, stands in a room of its own. By hand are cachestat and mincore,
//! FIEMAP and fsxattr, calls that take a name where a handle will not do, msync of a mapping nobody touches, close with its
//! result, and fsync with a return value that is looked at whole. `unsafe` is allowed in these rooms, in process.rs and in users.rs
//! alone.
#![allow(unsafe_code)]

mod beneath;
mod cache;
mod directory;
mod extents;
mod inode;
mod linking;
mod mapping;
mod mounts;
mod opening;
mod owner_and_mode;
mod random;
mod reach;
mod space;
mod stat;
mod xattr;

pub use mapping::write_mapped;

use super::deferred::{NEAR, do_deferred};
use super::errno::{last_errno, whole_return};
use super::{
    At, CachePages, DirEntry, Extent, InodeHints, Kernel, Kind, Mount, Quota, QuotaOf, Result, Room, Seek, Stat,
    Timestamp,
};
use linking::Linking;
use opening::{Opening, at};
use reach::Reach;
use rustix::fd::{AsRawFd, IntoRawFd, OwnedFd};
use rustix::fs::{
    Access, AtFlags, FallocateFlags, FileType, FlockOperation, IFlags, Mode, OFlags, RenameFlags, ResolveFlags,
    SeekFrom,
};
use rustix::io::Errno;
use stat::stat_of;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::Duration;

/// The kernel this program runs on.
#[derive(Debug, Default)]
pub struct Linux {
    /// How names are opened.
    opening: Opening,
    /// How files without a name get one.
    linking: Linking,
    /// How O_PATH handles are used by calls that do not take them.
    reach: Reach,
}

impl Linux {
    /// A kernel of which nothing is known to be missing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Kernel for Linux {
    type File = OwnedFd;

    fn open(
        &self,
        dir: At<'_, OwnedFd>,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<OwnedFd> {
        if flags.intersects(OFlags::CREATE | OFlags::TRUNC) {
            do_deferred();
        }
        let flags = flags | OFlags::CLOEXEC;
        if flags.contains(OFlags::TMPFILE) && !self.linking.is_possible(&self.reach, at(dir)) {
            return Err(Errno::OPNOTSUPP);
        }
        let opened = self.opening.open(dir, path, flags, mode, resolve)?;
        if flags.contains(OFlags::PATH) {
            self.reach.opened(&opened, dir, path);
        }
        Ok(opened)
    }

    fn close(&self, file: OwnedFd) -> Result<()> {
        // SAFETY: into_raw_fd gives up ownership, so the descriptor is closed once.
        match unsafe { libc::close(file.into_raw_fd()) } {
            0 => Ok(()),
            _ => match last_errno() {
                Errno::INTR => Ok(()),
                errno => Err(errno),
            },
        }
    }

    fn flush(&self, file: &OwnedFd) -> Result<()> {
        self.close(rustix::io::fcntl_dupfd_cloexec(file, 0)?)
    }

    fn stat(&self, file: &OwnedFd) -> Result<Stat> {
        rustix::fs::fstat(file).map(|stat| stat_of(&stat))
    }

    fn stat_at(&self, dir: At<'_, OwnedFd>, path: &Path, follow: bool) -> Result<Stat> {
        let flags = if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
        let found = stat_of(&rustix::fs::statat(at(dir), path, flags)?);
        if stat::is_closed_handle(at(dir), path, &found) { Err(Errno::NOENT) } else { Ok(found) }
    }

    fn renew(&self, dir: At<'_, OwnedFd>, path: &Path) -> Result<()> {
        stat::renew(dir, path)
    }

    fn birth(&self, dir: At<'_, OwnedFd>, path: &Path, follow: bool) -> Result<Option<Timestamp>> {
        stat::birth(dir, path, follow)
    }

    fn may_write(&self, dir: At<'_, OwnedFd>, path: &Path) -> Result<()> {
        rustix::fs::accessat(at(dir), path, Access::WRITE_OK, AtFlags::EACCESS)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        reason = "magic numbers have 32 bits; the field's width and sign vary"
    )]
    fn filesystem(&self, file: &OwnedFd) -> Result<u32> {
        rustix::fs::fstatfs(file).map(|statfs| statfs.f_type as u32)
    }

    fn room(&self, file: &OwnedFd) -> Result<Room> {
        space::room(file)
    }

    fn quota(&self, file: &OwnedFd, whose: QuotaOf) -> Result<Quota> {
        space::quota(file, whose)
    }

    fn mount(&self, file: &OwnedFd) -> Result<Mount> {
        mounts::mount(file)
    }

    fn wait_from_now_on(&self, file: &OwnedFd) -> Result<()> {
        do_deferred();
        let flags = rustix::fs::fcntl_getfl(file)?;
        rustix::fs::fcntl_setfl(file, flags - OFlags::NONBLOCK)
    }

    fn read(&self, file: &OwnedFd, buffer: &mut [u8]) -> Result<usize> {
        do_deferred();
        rustix::io::read(file, buffer)
    }

    fn write(&self, file: &OwnedFd, buffer: &[u8]) -> Result<usize> {
        rustix::io::write(file, buffer)
    }

    fn pread(&self, file: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<usize> {
        if offset >= NEAR {
            do_deferred();
        }
        rustix::io::pread(file, buffer, offset)
    }

    fn pwrite(&self, file: &OwnedFd, buffer: &[u8], offset: u64) -> Result<usize> {
        rustix::io::pwrite(file, buffer, offset)
    }

    fn seek(&self, file: &OwnedFd, what: Seek, offset: u64) -> Result<Option<u64>> {
        let from = match what {
            Seek::Data => SeekFrom::Data(offset),
            Seek::Hole => SeekFrom::Hole(offset),
        };
        match rustix::fs::seek(file, from) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NXIO) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    fn ficlone(&self, target: &OwnedFd, source: &OwnedFd) -> Result<()> {
        rustix::fs::ioctl_ficlone(target, source)
    }

    fn copy_file_range(&self, source: &OwnedFd, target: &OwnedFd, range: Range<u64>) -> Result<u64> {
        if range.end > NEAR {
            do_deferred();
        }
        let (mut from, mut to) = (range.start, range.start);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), length).map(|count| count as u64)
    }

    fn lock(&self, file: &OwnedFd) -> Result<()> {
        rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)
    }

    fn lock_shared(&self, file: &OwnedFd) -> Result<()> {
        rustix::fs::flock(file, FlockOperation::NonBlockingLockShared)
    }

    fn first_extent(&self, file: &OwnedFd) -> Result<Option<u32>> {
        extents::first(file)
    }

    fn extents(&self, file: &OwnedFd, offset: u64) -> Result<Vec<Extent>> {
        extents::from(file, offset)
    }

    fn allocate(&self, file: &OwnedFd, range: Range<u64>) -> Result<()> {
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, range.start, range.end - range.start)
    }

    fn truncate(&self, file: &OwnedFd, size: u64) -> Result<()> {
        do_deferred();
        rustix::fs::ftruncate(file, size)
    }

    fn fsync(&self, file: &OwnedFd) -> Result<()> {
        do_deferred();
        // SAFETY: the descriptor is open while `file` is borrowed.
        whole_return(unsafe { libc::fsync(file.as_raw_fd()) })
    }

    fn sync_filesystem(&self, file: &OwnedFd) -> Result<()> {
        do_deferred();
        rustix::fs::syncfs(file)
    }

    fn msync(&self, file: &OwnedFd, size: u64) -> Result<()> {
        mapping::msync(file, size)
    }

    fn cachestat(&self, file: &OwnedFd) -> Result<CachePages> {
        cache::cachestat(file)
    }

    fn mincore(&self, file: &OwnedFd, range: Range<u64>) -> Result<u64> {
        cache::mincore(file, range)
    }

    fn drop_cache(&self, file: &OwnedFd) -> Result<()> {
        rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn rename(&self, from_dir: &OwnedFd, from: &Path, to_dir: &OwnedFd, to: &Path, flags: RenameFlags) -> Result<()> {
        do_deferred();
        if flags.is_empty() {
            return rustix::fs::renameat(from_dir, from, to_dir, to);
        }
        rustix::fs::renameat_with(from_dir, from, to_dir, to, flags)
    }

    fn link(&self, file: &OwnedFd, dir: &OwnedFd, name: &Path) -> Result<()> {
        self.linking.link(&self.reach, file, dir, name)
    }

    fn unlink(&self, dir: &OwnedFd, name: &Path) -> Result<()> {
        do_deferred();
        rustix::fs::unlinkat(dir, name, AtFlags::empty())
    }

    fn rmdir(&self, dir: &OwnedFd, name: &Path) -> Result<()> {
        rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
    }

    fn mkdir(&self, dir: &OwnedFd, name: &Path, mode: Mode) -> Result<()> {
        do_deferred();
        rustix::fs::mkdirat(dir, name, mode)
    }

    fn symlink(&self, content: &OsStr, dir: &OwnedFd, name: &Path) -> Result<()> {
        do_deferred();
        rustix::fs::symlinkat(content, dir, name)
    }

    fn list(&self, dir: &OwnedFd) -> Result<Vec<OsString>> {
        directory::list(dir)
    }

    fn next_names(&self, dir: &OwnedFd) -> Result<Vec<DirEntry>> {
        directory::next_names(dir)
    }

    fn rewind(&self, dir: &OwnedFd) -> Result<()> {
        rustix::fs::seek(dir, SeekFrom::Start(0)).map(drop)
    }

    fn readlink(&self, link: &OwnedFd) -> Result<OsString> {
        rustix::fs::readlinkat(link, "", Vec::new()).map(|content| OsString::from_vec(content.into_bytes()))
    }

    fn mknod(&self, dir: &OwnedFd, name: &Path, kind: Kind, mode: Mode, rdev: u64) -> Result<()> {
        do_deferred();
        let file_type = match kind {
            Kind::File => FileType::RegularFile,
            Kind::Fifo => FileType::Fifo,
            Kind::Socket => FileType::Socket,
            Kind::CharDevice => FileType::CharacterDevice,
            Kind::BlockDevice => FileType::BlockDevice,
            Kind::Directory | Kind::Symlink => return Err(Errno::INVAL),
        };
        rustix::fs::mknodat(dir, name, file_type, mode, rdev)
    }

    fn chown(&self, file: &OwnedFd, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        owner_and_mode::chown(&self.reach, file, uid, gid)
    }

    fn chmod(&self, file: &OwnedFd, mode: u32) -> Result<()> {
        owner_and_mode::chmod(&self.reach, file, mode)
    }

    fn set_times(&self, file: &OwnedFd, atime: Timestamp, mtime: Timestamp) -> Result<()> {
        owner_and_mode::set_times(&self.reach, file, atime, mtime)
    }

    fn touch(&self, file: &OwnedFd) -> Result<()> {
        owner_and_mode::touch(&self.reach, file)
    }

    fn list_xattr(&self, file: &OwnedFd) -> Result<Vec<OsString>> {
        xattr::list(&self.reach, file)
    }

    fn get_xattr(&self, file: &OwnedFd, name: &OsStr) -> Result<Vec<u8>> {
        xattr::get(&self.reach, file, name)
    }

    fn set_xattr(&self, file: &OwnedFd, name: &OsStr, value: &[u8]) -> Result<()> {
        xattr::set(&self.reach, file, name, value)
    }

    fn remove_xattr(&self, file: &OwnedFd, name: &OsStr) -> Result<()> {
        xattr::remove(&self.reach, file, name)
    }

    fn inode_flags(&self, file: &OwnedFd) -> Result<u32> {
        rustix::fs::ioctl_getflags(file).map(|flags| flags.bits())
    }

    fn set_inode_flags(&self, file: &OwnedFd, flags: u32) -> Result<()> {
        rustix::fs::ioctl_setflags(file, IFlags::from_bits_retain(flags))
    }

    fn inode_hints(&self, file: &OwnedFd) -> Result<InodeHints> {
        inode::hints(file)
    }

    fn set_inode_hints(&self, file: &OwnedFd, hints: InodeHints) -> Result<()> {
        inode::set_hints(file, hints)
    }

    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp { seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX), nanos: since.subsec_nanos() }
    }

    fn process_exists(&self, pid: u64) -> Result<()> {
        let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).ok_or(Errno::SRCH)?;
        rustix::process::test_kill_process(pid)
    }

    fn random(&self) -> u64 {
        random::random()
    }
}
