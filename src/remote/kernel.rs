//! The world of one end: files of this machine, beneath a directory if there is one, and what a peer has sent.
//!
//! The engine that copies sees sources which look like files and are read from the peer, in the order in which they
//! come. Nothing of the peer's can be written or changed, and no path of its leads to a file of this machine.

use super::fill::fill;
use super::intake::Intake;
use super::received::{Received, above_operands};
use crate::copy::partial::is_part;
use crate::kernel::{
    At, CachePages, DirEntry, Errno, Extent, InodeHints, Kernel, Kind, Mode, Mount, OFlags, Quota, QuotaOf,
    RenameFlags, ResolveFlags, Result, Room, Seek, Stat, Timestamp,
};
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The world of one end; see the head of this file.
pub(super) struct World<'a, K: Kernel> {
    pub(super) local: &'a K,
    /// What every path of this machine lies beneath (`--root`).
    pub(super) root: Option<K::File>,
    /// What comes from the peer, on the side that receives.
    pub(super) intake: Option<&'a Mutex<Intake>>,
    /// The part of a large file that was opened last (--partial): what it holds already need not be sent.
    pub(super) part: Mutex<Option<K::File>>,
}

/// An open file.
pub(super) enum File<F> {
    /// Of this machine.
    Local(F),
    /// The peer's.
    Far(Arc<Received>),
}

impl<F> File<F> {
    fn local(&self) -> Result<&F> {
        match self {
            File::Local(file) => Ok(file),
            File::Far(_) => Err(Errno::NOSYS),
        }
    }
}

/// A look-up: from which handle of this machine, by which path, and how far it may lead.
struct Lookup<'w, F> {
    dir: At<'w, F>,
    path: &'w Path,
    resolve: ResolveFlags,
}

impl<K: Kernel> World<'_, K> {
    fn intake(&self) -> Result<MutexGuard<'_, Intake>> {
        let intake = self.intake.ok_or(Errno::NOSYS)?;
        Ok(intake.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The peer's name that is meant; `None` if it is one of this machine.
    fn far(&self, dir: At<'_, File<K::File>>, path: &Path) -> Result<Option<Arc<Received>>> {
        match (dir, self.intake) {
            (Some(File::Far(dir)), _) if path.as_os_str().is_empty() || path == Path::new(".") => {
                Ok(Some(Arc::clone(dir)))
            }
            (Some(File::Far(dir)), _) => self.intake()?.look_up(dir, path.as_os_str()).map(Some),
            (None, Some(_)) if self.intake()?.is_operand(path) => self.intake()?.operand(path).map(Some),
            (None | Some(File::Local(_)), _) => Ok(None),
        }
    }

    /// How a path of this machine is looked up. Beneath a root no link leads out of the directory that it stands in.
    fn way<'w>(
        &'w self,
        dir: At<'w, File<K::File>>,
        path: &'w Path,
        resolve: ResolveFlags,
    ) -> Result<Lookup<'w, K::File>> {
        let dir = dir.map(File::local).transpose()?;
        let Some(root) = &self.root else { return Ok(Lookup { dir, path, resolve }) };
        let resolve = resolve | ResolveFlags::BENEATH;
        match dir {
            Some(_) => Ok(Lookup { dir, path, resolve }),
            None => Ok(Lookup { dir: Some(root), path: relative(path), resolve }),
        }
    }

    /// Opens a part once more, to be read while the engine writes into it. Whatever it is, only what is proved by its
    /// value is taken from it: where it cannot be opened, everything is sent.
    fn find_part(&self, way: &Lookup<'_, K::File>) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let opened = self.local.open(way.dir, way.path, flags, Mode::empty(), way.resolve);
        *self.part.lock().unwrap_or_else(PoisonError::into_inner) = opened.ok();
    }

    /// Opens a file of this machine. Beneath a root no device is written to: a peer that may send one (--archive) would write to
    /// whatever it stands for.
    fn open_local(&self, way: &Lookup<'_, K::File>, flags: OFlags, mode: Mode) -> Result<K::File> {
        let open = || self.local.open(way.dir, way.path, flags, mode, way.resolve);
        let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        let is_new = flags.contains(OFlags::TMPFILE) || flags.contains(OFlags::CREATE | OFlags::EXCL);
        if self.root.is_none() || !writes || is_new {
            return open();
        }
        let check = |stat: Stat| match stat.kind {
            Kind::CharDevice | Kind::BlockDevice => Err(Errno::ACCESS),
            Kind::File | Kind::Directory | Kind::Symlink | Kind::Fifo | Kind::Socket => Ok(()),
        };
        // Some devices do something when they are opened.
        match self.stat_beneath(way, !flags.contains(OFlags::NOFOLLOW)) {
            Ok(found) => check(found)?,
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        let file = open()?;
        self.local.stat(&file).and_then(check)?;
        Ok(file)
    }

    /// Looks at what a path leads to, where links may not lead out.
    fn stat_beneath(&self, way: &Lookup<'_, K::File>, follow: bool) -> Result<Stat> {
        let last = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
        let file = self.local.open(way.dir, way.path, OFlags::PATH | last, Mode::empty(), way.resolve)?;
        self.local.stat(&file)
    }
}

/// A path without the slashes that it begins with: beneath a root it begins there.
fn relative(path: &Path) -> &Path {
    let bytes = path.as_os_str().as_bytes();
    let start = bytes.iter().position(|byte| *byte != b'/').unwrap_or(bytes.len());
    let rest = &bytes[start..];
    Path::new(if rest.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(rest) })
}

/// Writes the methods that are for files of this machine alone: name, arguments, what they return.
macro_rules! local {
    ($(fn $name:ident(&self, $file:ident $(, $argument:ident: $type:ty)*) -> $returned:ty;)*) => {
        $(fn $name(&self, $file: &Self::File $(, $argument: $type)*) -> Result<$returned> {
            self.local.$name($file.local()? $(, $argument)*)
        })*
    };
}

impl<K: Kernel> Kernel for World<'_, K> {
    type File = File<K::File>;

    fn open(
        &self,
        dir: At<'_, Self::File>,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<Self::File> {
        if let Some(received) = self.far(dir, path)? {
            let found = received.found()?;
            if flags.contains(OFlags::DIRECTORY) && found.stat.kind != Kind::Directory {
                return Err(Errno::NOTDIR);
            }
            let refusal = found.refusal.filter(|_| !flags.contains(OFlags::PATH));
            return refusal.map_or(Ok(File::Far(Arc::clone(&received))), Err);
        }
        let way = self.way(dir, path, resolve)?;
        let file = self.open_local(&way, flags, mode)?;
        if is_part(path) {
            self.find_part(&way);
        }
        Ok(File::Local(file))
    }

    fn stat_at(&self, dir: At<'_, Self::File>, path: &Path, follow: bool) -> Result<Stat> {
        if let Some(received) = self.far(dir, path)? {
            return received.stat();
        }
        if dir.is_none() && self.intake.is_some() {
            if let Some(number) = self.intake()?.number_of_above(path) {
                return Ok(above_operands(number));
            }
        }
        let way = self.way(dir, path, ResolveFlags::empty())?;
        if self.root.is_some() && (follow || dir.is_none()) {
            return self.stat_beneath(&way, follow);
        }
        self.local.stat_at(way.dir, way.path, follow)
    }

    fn birth(&self, dir: At<'_, Self::File>, path: &Path, follow: bool) -> Result<Option<Timestamp>> {
        if self.far(dir, path)?.is_some() {
            return Ok(None);
        }
        let way = self.way(dir, path, ResolveFlags::empty())?;
        self.local.birth(way.dir, way.path, follow && self.root.is_none())
    }

    fn may_write(&self, dir: At<'_, Self::File>, path: &Path) -> Result<()> {
        if self.far(dir, path)?.is_some() {
            return Err(Errno::ROFS);
        }
        let way = self.way(dir, path, ResolveFlags::empty())?;
        self.local.may_write(way.dir, way.path)
    }

    fn close(&self, file: Self::File) -> Result<()> {
        match file {
            File::Local(file) => self.local.close(file),
            File::Far(_) => Ok(()),
        }
    }

    fn stat(&self, file: &Self::File) -> Result<Stat> {
        match file {
            File::Local(file) => self.local.stat(file),
            File::Far(received) => received.stat(),
        }
    }

    fn pread(&self, file: &Self::File, buffer: &mut [u8], offset: u64) -> Result<usize> {
        match file {
            File::Local(file) => self.local.pread(file, buffer, offset),
            File::Far(received) => {
                let part = self.part.lock().unwrap_or_else(PoisonError::into_inner);
                let held = |buffer: &mut [u8], offset| {
                    part.as_ref().map_or(Ok(0), |part| fill(self.local, part, buffer, offset))
                };
                self.intake()?.read(received, &held, buffer, offset)
            }
        }
    }

    fn next_names(&self, dir: &Self::File) -> Result<Vec<DirEntry>> {
        match dir {
            File::Local(dir) => self.local.next_names(dir),
            File::Far(dir) => {
                let listed = |received: Arc<Received>| {
                    let kind = received.found().ok().map(|found| found.stat.kind);
                    DirEntry { name: received.entry.name.clone(), kind }
                };
                Ok(self.intake()?.next_name(dir)?.map(listed).into_iter().collect())
            }
        }
    }

    fn rewind(&self, dir: &Self::File) -> Result<()> {
        match dir {
            File::Local(dir) => self.local.rewind(dir),
            // It has not been read yet: names come once.
            File::Far(_) => Ok(()),
        }
    }

    fn readlink(&self, link: &Self::File) -> Result<OsString> {
        match link {
            File::Local(link) => self.local.readlink(link),
            File::Far(received) => received.found()?.text.clone().ok_or(Errno::INVAL),
        }
    }

    fn list_xattr(&self, file: &Self::File) -> Result<Vec<OsString>> {
        match file {
            File::Local(file) => self.local.list_xattr(file),
            File::Far(received) => received.attribute_names(),
        }
    }

    fn get_xattr(&self, file: &Self::File, name: &OsStr) -> Result<Vec<u8>> {
        match file {
            File::Local(file) => self.local.get_xattr(file, name),
            File::Far(received) => received.attribute(name),
        }
    }

    fn told(&self, file: &Self::File) -> Option<[u8; 32]> {
        match file {
            File::Local(_) => None,
            File::Far(received) => self.intake().ok()?.told(received),
        }
    }

    fn comes_once(&self, file: &Self::File) -> bool {
        matches!(file, File::Far(_))
    }

    fn read(&self, file: &Self::File, buffer: &mut [u8]) -> Result<usize> {
        match file {
            File::Local(file) => self.local.read(file, buffer),
            // A fifo or a device: only regular files have content that is sent.
            File::Far(_) => Err(Errno::OPNOTSUPP),
        }
    }

    fn wait_from_now_on(&self, file: &Self::File) -> Result<()> {
        match file {
            File::Local(file) => self.local.wait_from_now_on(file),
            File::Far(_) => Ok(()),
        }
    }

    local! {
        fn flush(&self, file) -> ();
        fn filesystem(&self, file) -> u32;
        fn room(&self, file) -> Room;
        fn quota(&self, file, whose: QuotaOf) -> Quota;
        fn mount(&self, file) -> Mount;
        fn write(&self, file, buffer: &[u8]) -> usize;
        fn pwrite(&self, file, buffer: &[u8], offset: u64) -> usize;
        fn seek(&self, file, what: Seek, offset: u64) -> Option<u64>;
        fn lock(&self, file) -> ();
        fn lock_shared(&self, file) -> ();
        fn first_extent(&self, file) -> Option<u32>;
        fn extents(&self, file, offset: u64) -> Vec<Extent>;
        fn allocate(&self, file, range: Range<u64>) -> ();
        fn truncate(&self, file, size: u64) -> ();
        fn fsync(&self, file) -> ();
        fn sync_filesystem(&self, file) -> ();
        fn msync(&self, file, size: u64) -> ();
        fn cachestat(&self, file) -> CachePages;
        fn mincore(&self, file, range: Range<u64>) -> u64;
        fn drop_cache(&self, file) -> ();
        fn unlink(&self, dir, name: &Path) -> ();
        fn rmdir(&self, dir, name: &Path) -> ();
        fn mkdir(&self, dir, name: &Path, mode: Mode) -> ();
        fn list(&self, dir) -> Vec<OsString>;
        fn mknod(&self, dir, name: &Path, kind: Kind, mode: Mode, rdev: u64) -> ();
        fn chown(&self, file, uid: Option<u32>, gid: Option<u32>) -> ();
        fn chmod(&self, file, mode: u32) -> ();
        fn set_times(&self, file, atime: Timestamp, mtime: Timestamp) -> ();
        fn touch(&self, file) -> ();
        fn set_xattr(&self, file, name: &OsStr, value: &[u8]) -> ();
        fn remove_xattr(&self, file, name: &OsStr) -> ();
        fn inode_flags(&self, file) -> u32;
        fn set_inode_flags(&self, file, flags: u32) -> ();
        fn inode_hints(&self, file) -> InodeHints;
        fn set_inode_hints(&self, file, hints: InodeHints) -> ();
    }

    fn ficlone(&self, target: &Self::File, source: &Self::File) -> Result<()> {
        self.local.ficlone(target.local()?, source.local()?)
    }

    fn copy_file_range(&self, source: &Self::File, target: &Self::File, range: Range<u64>) -> Result<u64> {
        self.local.copy_file_range(source.local()?, target.local()?, range)
    }

    fn rename(
        &self,
        from_dir: &Self::File,
        from: &Path,
        to_dir: &Self::File,
        to: &Path,
        flags: RenameFlags,
    ) -> Result<()> {
        self.local.rename(from_dir.local()?, from, to_dir.local()?, to, flags)
    }

    fn link(&self, file: &Self::File, dir: &Self::File, name: &Path) -> Result<()> {
        self.local.link(file.local()?, dir.local()?, name)
    }

    fn symlink(&self, content: &OsStr, dir: &Self::File, name: &Path) -> Result<()> {
        self.local.symlink(content, dir.local()?, name)
    }

    fn pause(&self, time: Duration) {
        self.local.pause(time);
    }

    fn now(&self) -> Timestamp {
        self.local.now()
    }

    fn process_exists(&self, pid: u64) -> Result<()> {
        self.local.process_exists(pid)
    }

    fn random(&self) -> u64 {
        self.local.random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beneath_a_root_every_path_begins_there() {
        for (path, expected) in [("/etc", "etc"), ("//a/b", "a/b"), ("/", "."), ("", "."), ("a", "a"), ("..", "..")] {
            assert_eq!(relative(Path::new(path)), Path::new(expected), "{path}");
        }
    }
}
