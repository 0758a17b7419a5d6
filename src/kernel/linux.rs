//! Linux: the system calls themselves, by rustix where it has them and by hand where it has not.
//!
//! With process.rs and reach.rs the only file of the project in which `unsafe` is allowed. By hand are cachestat and mincore,
//! FIEMAP, msync of a mapping nobody touches, close with its result, fsync with a return value that is
//! looked at whole, and the one write through a mapping, which no copy makes: the trials of `--doctor` do.
//! Where openat2 cannot be had, the names are walked one by one (beneath.rs), so that the rest of the code sees one call.
#![allow(unsafe_code)]

use super::beneath::Walk;
use super::errno::last_errno;
use super::reach::{self, Purpose, Reach, by_proc};
use super::{
    At, CachePages, Extent, InodeHints, Kernel, Kind, Listed, Mount, Quota, QuotaOf, Result, Room, Seek, Stat,
    Timestamp,
};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use rustix::fs::{
    Access, AtFlags, CWD, FallocateFlags, FileType, FlockOperation, Gid, IFlags, MemfdFlags, Mode, OFlags, RawDir,
    RenameFlags, ResolveFlags, SeekFrom, StatxFlags, Timespec, Timestamps, Uid, XattrFlags, memfd_create,
};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, opcode};
use rustix::mm::{MapFlags, ProtFlags};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// cachestat(2)'s number; since Linux 5.1 new calls have the same one on every architecture but alpha.
const CACHESTAT: libc::c_long = 451;

/// quotactl_fd(2)'s, likewise.
const QUOTACTL_FD: libc::c_long = 443;

/// The command that reads a quota.
const Q_GETQUOTA: u32 = 0x80_0007;

/// Pages looked at in one mincore(2) call: its answer is a byte each.
const MINCORE_PAGES_MAX: u64 = 1 << 16;

/// Bytes asked for at first of an extended attribute or a list of their names: most are shorter.
const XATTR_FIRST: usize = 256;

/// The kernel gives no longer value and no longer list (XATTR_SIZE_MAX and XATTR_LIST_MAX).
const XATTR_MAX: usize = 64 << 10;

/// Where the kernel lists the mounts that this process sees.
const MOUNTS: &str = "/proc/self/mountinfo";

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

/// Bytes that one getdents64(2) may fill: some hundred names.
const DIRECTORY_BUFFER: usize = 32 << 10;

/// struct fsxattr: flags, extent size, number of extents, project, extent size of copies on write, eight bytes to spare.
type FsXattr = [u32; 7];

/// FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR.
const FSGETXATTR: Opcode = opcode::read::<FsXattr>(b'X', 31);
const FSSETXATTR: Opcode = opcode::write::<FsXattr>(b'X', 32);

/// The kernel this program runs on.
#[derive(Debug, Default)]
pub struct Linux {
    /// openat2 answered ENOSYS or E2BIG once: do not ask again.
    lacks_openat2: AtomicBool,
    /// linkat of an empty path answered ENOENT once (before Linux 6.10 it asks for
    /// CAP_DAC_READ_SEARCH): go by /proc/self/fd instead.
    lacks_empty_link: AtomicBool,
    /// Whether linkat takes an empty path, where there is no /proc.
    takes_empty_link: OnceLock<bool>,
    /// How O_PATH handles are used by calls that do not take them.
    reach: Reach,
}

impl Linux {
    /// A kernel of which nothing is known to be missing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a file that has no name can be given one. Without /proc that takes a linkat of an empty path, which
    /// is tried with a directory: nobody may link that, so that nothing comes of it.
    fn links_handles(&self, dir: BorrowedFd<'_>) -> bool {
        let tried = || rustix::fs::linkat(dir, "", dir, TRIED, AtFlags::EMPTY_PATH);
        self.reach.has_proc() || *self.takes_empty_link.get_or_init(|| tried() != Err(Errno::NOENT))
    }

    fn look_up(
        &self,
        dir: At<'_, OwnedFd>,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<OwnedFd> {
        if resolve.is_empty() {
            return rustix::fs::openat(at(dir), path, flags, mode);
        }
        if !self.lacks_openat2.load(Ordering::Relaxed) {
            match rustix::fs::openat2(at(dir), path, flags, mode, resolve) {
                Err(Errno::NOSYS | Errno::TOOBIG) => self.lacks_openat2.store(true, Ordering::Relaxed),
                // EPERM and EINVAL may be a filter's answer or the file's own (an immutable one opened for writing),
                // which the walk below then gives again. EAGAIN comes of `..` while anything at all is renamed or
                // mounted on the machine (handle_dots in fs/namei.c). A path that is too long has names that are not.
                // EXDEV says that the path leads out; the walk finds out whether it does.
                Err(Errno::PERM | Errno::INVAL | Errno::AGAIN | Errno::NAMETOOLONG | Errno::XDEV) => {}
                answer => return answer,
            }
        }
        Walk::new(at(dir), path, resolve)?.open(flags, mode)
    }
}

/// A name that nothing gets.
const TRIED: &str = ".safecp-directory";

fn at<'a>(dir: At<'a, OwnedFd>) -> BorrowedFd<'a> {
    dir.map_or(CWD, AsFd::as_fd)
}

/// What a C call returned, looked at whole: 0 is success, -1 is errno, anything else is EIO.
fn whole_return(returned: libc::c_int) -> Result<()> {
    match returned {
        0 => Ok(()),
        -1 => Err(last_errno()),
        _ => Err(Errno::IO),
    }
}

/// A mapping of a file that nobody reads or writes through: it brings no page into the cache.
struct Untouched {
    start: *mut libc::c_void,
    length: usize,
}

impl Untouched {
    /// Maps `length` bytes (more than 0) from `offset`, a multiple of the page size.
    fn map(file: &OwnedFd, offset: u64, length: u64) -> Result<Self> {
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

/// The mount of this number, if the line of mountinfo is about it:
/// `36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda rw`, where what is optional ends at the dash.
fn mount_with(line: &[u8], number: u64) -> Option<Mount> {
    let line = String::from_utf8_lossy(line);
    let mut fields = line.split(' ');
    if fields.next()?.parse() != Ok(number) {
        return None;
    }
    let mut last = fields.skip_while(|field| *field != "-").skip(1);
    let (kind, options) = (last.next()?.to_owned(), last.nth(1).unwrap_or_default());
    Some(Mount { kind, options: options.split(',').map(str::to_owned).collect() })
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

fn fsxattr(file: &OwnedFd) -> Result<FsXattr> {
    let mut value = FsXattr::default();
    // SAFETY: the kernel writes as many bytes as the number of the request says, which is made of the array's size.
    whole_return(unsafe { libc::ioctl(file.as_raw_fd(), FSGETXATTR as _, value.as_mut_ptr()) })?;
    Ok(value)
}

fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

fn kind_of(file_type: FileType) -> Kind {
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
fn stat_of(stat: &rustix::fs::Stat) -> Stat {
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

fn timespec(time: Timestamp) -> Timespec {
    Timespec { tv_sec: time.seconds, tv_nsec: time.nanos.into() }
}

/// Reads a value whose length is not known beforehand: at first what most fit in, then what all fit in.
fn sized(mut call: impl FnMut(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; XATTR_FIRST];
    let mut answer = call(&mut buffer);
    if answer == Err(Errno::RANGE) {
        buffer.resize(XATTR_MAX, 0);
        answer = call(&mut buffer);
    }
    buffer.truncate(answer?);
    Ok(buffer)
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
        let flags = flags | OFlags::CLOEXEC;
        if flags.contains(OFlags::TMPFILE) && !self.links_handles(at(dir)) {
            return Err(Errno::OPNOTSUPP);
        }
        let opened = self.look_up(dir, path, flags, mode, resolve)?;
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
        rustix::fs::statat(at(dir), path, flags).map(|stat| stat_of(&stat))
    }

    fn birth(&self, dir: At<'_, OwnedFd>, path: &Path, follow: bool) -> Result<Option<Timestamp>> {
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

    fn quota(&self, file: &OwnedFd, whose: QuotaOf) -> Result<Quota> {
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

    fn mount(&self, file: &OwnedFd) -> Result<Mount> {
        // statx has the number since Linux 5.8.
        let wanted = StatxFlags::MNT_ID;
        let found = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, wanted)?;
        if found.stx_mask & wanted.bits() == 0 {
            return Err(Errno::NOSYS);
        }
        let list = std::fs::read(MOUNTS).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let listed = list.split(|byte| *byte == b'\n').find_map(|line| mount_with(line, found.stx_mnt_id));
        listed.ok_or(Errno::NOENT)
    }

    fn wait_from_now_on(&self, file: &OwnedFd) -> Result<()> {
        let flags = rustix::fs::fcntl_getfl(file)?;
        rustix::fs::fcntl_setfl(file, flags - OFlags::NONBLOCK)
    }

    fn read(&self, file: &OwnedFd, buffer: &mut [u8]) -> Result<usize> {
        rustix::io::read(file, buffer)
    }

    fn write(&self, file: &OwnedFd, buffer: &[u8]) -> Result<usize> {
        rustix::io::write(file, buffer)
    }

    fn pread(&self, file: &OwnedFd, buffer: &mut [u8], offset: u64) -> Result<usize> {
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
        let (mut from, mut to) = (range.start, range.start);
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        rustix::fs::copy_file_range(source, Some(&mut from), target, Some(&mut to), length).map(|count| count as u64)
    }

    fn lock(&self, file: &OwnedFd) -> Result<()> {
        rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive)
    }

    fn first_extent(&self, file: &OwnedFd) -> Result<Option<u32>> {
        Ok(fiemap(file, 0, 1, 0)?.first().map(|extent| extent.flags))
    }

    fn extents(&self, file: &OwnedFd, offset: u64) -> Result<Vec<Extent>> {
        fiemap(file, offset, EXTENTS_ASKED, FIEMAP_SYNC)
    }

    fn allocate(&self, file: &OwnedFd, range: Range<u64>) -> Result<()> {
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, range.start, range.end - range.start)
    }

    fn truncate(&self, file: &OwnedFd, size: u64) -> Result<()> {
        rustix::fs::ftruncate(file, size)
    }

    fn fsync(&self, file: &OwnedFd) -> Result<()> {
        // SAFETY: the descriptor is open while `file` is borrowed.
        whole_return(unsafe { libc::fsync(file.as_raw_fd()) })
    }

    fn sync_filesystem(&self, file: &OwnedFd) -> Result<()> {
        rustix::fs::syncfs(file)
    }

    fn msync(&self, file: &OwnedFd, size: u64) -> Result<()> {
        if size == 0 {
            return Ok(());
        }
        let mapping = Untouched::map(file, 0, size)?;
        // SAFETY: the range is that of a live mapping; MS_SYNC writes out, it reads no byte of it.
        whole_return(unsafe { libc::msync(mapping.start, mapping.length, libc::MS_SYNC) })
    }

    fn cachestat(&self, file: &OwnedFd) -> Result<CachePages> {
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

    fn mincore(&self, file: &OwnedFd, range: Range<u64>) -> Result<u64> {
        let page = page_bytes();
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

    fn drop_cache(&self, file: &OwnedFd) -> Result<()> {
        rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)
    }

    fn pause(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn rename(&self, from_dir: &OwnedFd, from: &Path, to_dir: &OwnedFd, to: &Path, flags: RenameFlags) -> Result<()> {
        if flags.is_empty() {
            return rustix::fs::renameat(from_dir, from, to_dir, to);
        }
        rustix::fs::renameat_with(from_dir, from, to_dir, to, flags)
    }

    fn link(&self, file: &OwnedFd, dir: &OwnedFd, name: &Path) -> Result<()> {
        if !self.lacks_empty_link.load(Ordering::Relaxed) {
            match rustix::fs::linkat(file, "", dir, name, AtFlags::EMPTY_PATH) {
                Err(Errno::NOENT) => self.lacks_empty_link.store(true, Ordering::Relaxed),
                answer => return answer,
            }
        }
        if self.reach.has_proc() {
            return rustix::fs::linkat(CWD, by_proc(file), dir, name, AtFlags::SYMLINK_FOLLOW);
        }
        self.reach.by_name(file, Purpose::Link, |from, old| {
            rustix::fs::linkat(from, old, dir, name, AtFlags::empty())?;
            let linked = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat_of(&stat));
            if linked.is_ok_and(|linked| self.stat(file).is_ok_and(|stat| stat.is_same_file(&linked))) {
                return Ok(());
            }
            // Another file had the name for a moment, and has a further one now.
            rustix::fs::unlinkat(dir, name, AtFlags::empty())?;
            Err(Errno::STALE)
        })
    }

    fn unlink(&self, dir: &OwnedFd, name: &Path) -> Result<()> {
        rustix::fs::unlinkat(dir, name, AtFlags::empty())
    }

    fn rmdir(&self, dir: &OwnedFd, name: &Path) -> Result<()> {
        rustix::fs::unlinkat(dir, name, AtFlags::REMOVEDIR)
    }

    fn mkdir(&self, dir: &OwnedFd, name: &Path, mode: Mode) -> Result<()> {
        rustix::fs::mkdirat(dir, name, mode)
    }

    fn symlink(&self, content: &OsStr, dir: &OwnedFd, name: &Path) -> Result<()> {
        rustix::fs::symlinkat(content, dir, name)
    }

    fn list(&self, dir: &OwnedFd) -> Result<Vec<OsString>> {
        // A handle of O_PATH lists nothing; one of its own does, and has a position of its own.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(dir, ".", flags, Mode::empty())?;
        let mut names = Vec::new();
        loop {
            let next = self.next_names(&opened)?;
            if next.is_empty() {
                return Ok(names);
            }
            names.extend(next.into_iter().map(|listed| listed.name));
        }
    }

    fn next_names(&self, dir: &OwnedFd) -> Result<Vec<Listed>> {
        let mut buffer = Vec::with_capacity(DIRECTORY_BUFFER);
        let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
        let mut names = Vec::new();
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                let kind = (entry.file_type() != FileType::Unknown).then(|| kind_of(entry.file_type()));
                names.push(Listed { name: OsStr::from_bytes(name).to_owned(), kind });
            }
            if entries.is_buffer_empty() && !names.is_empty() {
                break;
            }
        }
        Ok(names)
    }

    fn rewind(&self, dir: &OwnedFd) -> Result<()> {
        rustix::fs::seek(dir, SeekFrom::Start(0)).map(drop)
    }

    fn readlink(&self, link: &OwnedFd) -> Result<OsString> {
        rustix::fs::readlinkat(link, "", Vec::new()).map(|content| OsString::from_vec(content.into_bytes()))
    }

    fn mknod(&self, dir: &OwnedFd, name: &Path, kind: Kind, mode: Mode, rdev: u64) -> Result<()> {
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
        self.reach.else_by_path(file, Purpose::Change, answer, by_path, by_name)
    }

    fn chmod(&self, file: &OwnedFd, mode: u32) -> Result<()> {
        let mode = Mode::from_raw_mode(mode);
        let answer = match rustix::fs::fchmod(file, mode) {
            Err(Errno::BADF) if !self.reach.has_proc() => reach::chmod(file, mode),
            answer => answer,
        };
        let by_path = |path: &Path| match rustix::fs::chmod(path, mode) {
            Err(Errno::NOSYS | Errno::PERM) => reach::chmod(file, mode),
            answer => answer,
        };
        let by_name = |dir: BorrowedFd<'_>, name: &Path| rustix::fs::chmodat(dir, name, mode, AtFlags::empty());
        self.reach.else_by_path(file, Purpose::Change, answer, by_path, by_name)
    }

    fn set_times(&self, file: &OwnedFd, atime: Timestamp, mtime: Timestamp) -> Result<()> {
        let times = Timestamps { last_access: timespec(atime), last_modification: timespec(mtime) };
        let answer = match rustix::fs::futimens(file, &times) {
            Err(Errno::BADF) => rustix::fs::utimensat(file, "", &times, AtFlags::EMPTY_PATH),
            answer => return answer,
        };
        // Linux before 5.8 knows no empty path here.
        let answer = if answer == Err(Errno::INVAL) { Err(Errno::BADF) } else { answer };
        let by_path = |path: &Path| rustix::fs::utimensat(CWD, path, &times, AtFlags::empty());
        let by_name =
            |dir: BorrowedFd<'_>, name: &Path| rustix::fs::utimensat(dir, name, &times, AtFlags::SYMLINK_NOFOLLOW);
        self.reach.else_by_path(file, Purpose::Change, answer, by_path, by_name)
    }

    fn list_xattr(&self, file: &OwnedFd) -> Result<Vec<OsString>> {
        let answer = sized(|buffer| rustix::fs::flistxattr(file, buffer));
        let by_path = |path: &Path| sized(|buffer| rustix::fs::listxattr(path, buffer));
        let by_name = |dir: BorrowedFd<'_>, name: &Path| sized(|buffer| reach::list(dir, name, buffer));
        let list = self.reach.else_by_path(file, Purpose::Ask, answer, by_path, by_name)?;
        let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| OsStr::from_bytes(name).to_owned()).collect())
    }

    fn get_xattr(&self, file: &OwnedFd, name: &OsStr) -> Result<Vec<u8>> {
        let answer = sized(|buffer| rustix::fs::fgetxattr(file, name, buffer));
        let by_path = |path: &Path| sized(|buffer| rustix::fs::getxattr(path, name, buffer));
        let by_name = |dir: BorrowedFd<'_>, at: &Path| sized(|buffer| reach::get(dir, at, name, buffer));
        self.reach.else_by_path(file, Purpose::Ask, answer, by_path, by_name)
    }

    fn set_xattr(&self, file: &OwnedFd, name: &OsStr, value: &[u8]) -> Result<()> {
        let flags = XattrFlags::empty();
        let answer = rustix::fs::fsetxattr(file, name, value, flags);
        let by_path = |path: &Path| rustix::fs::setxattr(path, name, value, flags);
        self.reach.else_by_path(file, Purpose::Change, answer, by_path, |dir, at| reach::set(dir, at, name, value))
    }

    fn remove_xattr(&self, file: &OwnedFd, name: &OsStr) -> Result<()> {
        let answer = rustix::fs::fremovexattr(file, name);
        let by_path = |path: &Path| rustix::fs::removexattr(path, name);
        self.reach.else_by_path(file, Purpose::Change, answer, by_path, |dir, at| reach::remove(dir, at, name))
    }

    fn inode_flags(&self, file: &OwnedFd) -> Result<u32> {
        rustix::fs::ioctl_getflags(file).map(|flags| flags.bits())
    }

    fn set_inode_flags(&self, file: &OwnedFd, flags: u32) -> Result<()> {
        rustix::fs::ioctl_setflags(file, IFlags::from_bits_retain(flags))
    }

    fn inode_hints(&self, file: &OwnedFd) -> Result<InodeHints> {
        fsxattr(file).map(|[flags, extent_size, _, project, cow_extent_size, ..]| InodeHints {
            flags,
            extent_size,
            project,
            cow_extent_size,
        })
    }

    fn set_inode_hints(&self, file: &OwnedFd, hints: InodeHints) -> Result<()> {
        let InodeHints { flags, extent_size, project, cow_extent_size } = hints;
        let value: FsXattr = [flags, extent_size, 0, project, cow_extent_size, 0, 0];
        // SAFETY: the kernel reads as many bytes as the number of the request says, which is made of the array's size.
        whole_return(unsafe { libc::ioctl(file.as_raw_fd(), FSSETXATTR as _, value.as_ptr()) })
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
        let mut bytes = [0_u8; 8];
        match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
            Ok(8) => u64::from_ne_bytes(bytes),
            // Linux before 3.17, or a filter.
            _ => random_otherwise(),
        }
    }
}

/// What nobody can foretell where getrandom(2) fails: /dev/urandom's word; without that, where and when this runs.
fn random_otherwise() -> u64 {
    let mut bytes = [0_u8; 8];
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let read =
        rustix::fs::open("/dev/urandom", flags, Mode::empty()).and_then(|file| rustix::io::read(file, &mut bytes));
    if read == Ok(bytes.len()) {
        return u64::from_ne_bytes(bytes);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let place = std::ptr::from_ref(&bytes).addr() as u64;
    now.as_nanos() as u64 ^ place.rotate_left(32) ^ u64::from(std::process::id()).rotate_left(48)
}
