//! The one place where EINTR is met: a kernel that asks again.
//!
//! [`Retrying`] passes every call on and repeats those that a signal interrupted before they did
//! anything. Two calls are not repeated: close(2), after which the handle is gone either way, and
//! FICLONE, which on ZFS 2.2.7 and later can be interrupted half done, so that only a new target may
//! be tried. A kernel that answers EINTR for ever is believed after [`ATTEMPTS`] times.

use super::{
    At, CachePages, DirEntry, Extent, InodeHints, Kernel, Kind, Mode, Mount, OFlags, Quota, QuotaOf, RenameFlags,
    ResolveFlags, Room, Seek, Stat, Timestamp,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// How often a call is made before its EINTR is passed on. A signal arrives once; a filesystem that
/// is mounted `intr` may answer so a few times.
pub const ATTEMPTS: usize = 100;

/// A kernel whose calls are repeated on EINTR; see the head of this file.
pub struct Retrying<K>(pub K);

fn retry<T>(mut call: impl FnMut() -> super::Result<T>) -> super::Result<T> {
    for _ in 1..ATTEMPTS {
        match call() {
            Err(Errno::INTR) => {}
            answer => return answer,
        }
    }
    call()
}

/// Writes the methods that only repeat: name, arguments, what they return.
macro_rules! repeated {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $returned:ty;)*) => {
        $(fn $name(&self $(, $argument: $type)*) -> super::Result<$returned> {
            retry(|| self.0.$name($($argument),*))
        })*
    };
}

impl<K: Kernel> Kernel for Retrying<K> {
    type File = K::File;

    repeated! {
        fn open(&self, dir: At<'_, K::File>, path: &Path, flags: OFlags, mode: Mode, resolve: ResolveFlags) -> K::File;
        fn stat(&self, file: &K::File) -> Stat;
        fn stat_at(&self, dir: At<'_, K::File>, path: &Path, follow: bool) -> Stat;
        fn renew(&self, dir: At<'_, K::File>, path: &Path) -> ();
        fn birth(&self, dir: At<'_, K::File>, path: &Path, follow: bool) -> Option<Timestamp>;
        fn may_write(&self, dir: At<'_, K::File>, path: &Path) -> ();
        fn filesystem(&self, file: &K::File) -> u32;
        fn room(&self, file: &K::File) -> Room;
        fn quota(&self, file: &K::File, whose: QuotaOf) -> Quota;
        fn mount(&self, file: &K::File) -> Mount;
        fn wait_from_now_on(&self, file: &K::File) -> ();
        fn read(&self, file: &K::File, buffer: &mut [u8]) -> usize;
        fn write(&self, file: &K::File, buffer: &[u8]) -> usize;
        fn pread(&self, file: &K::File, buffer: &mut [u8], offset: u64) -> usize;
        fn pwrite(&self, file: &K::File, buffer: &[u8], offset: u64) -> usize;
        fn seek(&self, file: &K::File, what: Seek, offset: u64) -> Option<u64>;
        fn first_extent(&self, file: &K::File) -> Option<u32>;
        fn extents(&self, file: &K::File, offset: u64) -> Vec<Extent>;
        fn lock(&self, file: &K::File) -> ();
        fn lock_shared(&self, file: &K::File) -> ();
        fn truncate(&self, file: &K::File, size: u64) -> ();
        fn fsync(&self, file: &K::File) -> ();
        fn sync_filesystem(&self, file: &K::File) -> ();
        fn msync(&self, file: &K::File, size: u64) -> ();
        fn cachestat(&self, file: &K::File) -> CachePages;
        fn drop_cache(&self, file: &K::File) -> ();
        fn rename(&self, from_dir: &K::File, from: &Path, to_dir: &K::File, to: &Path, flags: RenameFlags) -> ();
        fn link(&self, file: &K::File, dir: &K::File, name: &Path) -> ();
        fn unlink(&self, dir: &K::File, name: &Path) -> ();
        fn rmdir(&self, dir: &K::File, name: &Path) -> ();
        fn mkdir(&self, dir: &K::File, name: &Path, mode: Mode) -> ();
        fn symlink(&self, content: &OsStr, dir: &K::File, name: &Path) -> ();
        fn list(&self, dir: &K::File) -> Vec<OsString>;
        fn next_names(&self, dir: &K::File) -> Vec<DirEntry>;
        fn rewind(&self, dir: &K::File) -> ();
        fn readlink(&self, link: &K::File) -> OsString;
        fn mknod(&self, dir: &K::File, name: &Path, kind: Kind, mode: Mode, rdev: u64) -> ();
        fn chown(&self, file: &K::File, uid: Option<u32>, gid: Option<u32>) -> ();
        fn chmod(&self, file: &K::File, mode: u32) -> ();
        fn set_times(&self, file: &K::File, atime: Timestamp, mtime: Timestamp) -> ();
        fn touch(&self, file: &K::File) -> ();
        fn list_xattr(&self, file: &K::File) -> Vec<OsString>;
        fn get_xattr(&self, file: &K::File, name: &OsStr) -> Vec<u8>;
        fn set_xattr(&self, file: &K::File, name: &OsStr, value: &[u8]) -> ();
        fn remove_xattr(&self, file: &K::File, name: &OsStr) -> ();
        fn inode_flags(&self, file: &K::File) -> u32;
        fn set_inode_flags(&self, file: &K::File, flags: u32) -> ();
        fn inode_hints(&self, file: &K::File) -> InodeHints;
        fn set_inode_hints(&self, file: &K::File, hints: InodeHints) -> ();
        fn process_exists(&self, pid: u64) -> ();
    }

    fn mincore(&self, file: &K::File, range: Range<u64>) -> super::Result<u64> {
        retry(|| self.0.mincore(file, range.clone()))
    }

    fn allocate(&self, file: &K::File, range: Range<u64>) -> super::Result<()> {
        retry(|| self.0.allocate(file, range.clone()))
    }

    fn copy_file_range(&self, source: &K::File, target: &K::File, range: Range<u64>) -> super::Result<u64> {
        retry(|| self.0.copy_file_range(source, target, range.clone()))
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn pause(&self, time: Duration) {
        self.0.pause(time);
    }

    fn close(&self, file: K::File) -> super::Result<()> {
        self.0.close(file)
    }

    fn flush(&self, file: &K::File) -> super::Result<()> {
        self.0.flush(file)
    }

    fn ficlone(&self, target: &K::File, source: &K::File) -> super::Result<()> {
        self.0.ficlone(target, source)
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}
