//! The store as a FUSE filesystem: requests in, answers out. What is told is decided in answers.rs.
//!
//! Nothing the kernel was told stays valid: every look-up and every stat asks again.

use super::answers::Seek;
use super::lies::Lie;
use super::store::{BLOCK, Caching, Directory, File, Kind, Manner, Node, Store};
use fuser::{
    BsdFileFlags, CopyFileRangeFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyEmpty,
    ReplyEntry, ReplyLseek, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

const ASK_AGAIN: Duration = Duration::ZERO;
const SEEK_DATA: i32 = 3;
const SEEK_HOLE: i32 = 4;

/// One mount of the store.
pub(crate) struct Liars {
    pub(crate) store: Arc<Mutex<Store>>,
    /// Whether the kernel may keep writes to itself for a while.
    pub(crate) writes_back: bool,
}

impl Liars {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().expect("no answer panicked")
    }

    /// Lets a file answer.
    fn ask<T>(&self, number: INodeNo, answer: impl FnOnce(&mut File) -> Result<T, Errno>) -> Result<T, Errno> {
        answer(self.store().file(number.0).ok_or(Errno::ENOENT)?)
    }

    fn make(&self, parent: INodeNo, name: &OsStr, mode: u32) -> Result<(FileAttr, FopenFlags, INodeNo), Errno> {
        let mut store = self.store();
        let manner = store.directory(parent.0).ok_or(Errno::ENOENT)?.new.clone();
        let manner = manner.unwrap_or(Manner { caching: Caching::Direct, seed: 0, told: Vec::new() });
        let number = store.make(parent.0, name, Kind::File(Box::new(File::new(Vec::new(), &manner))), mode & 0o7777);
        let attributes = attributes(&mut store, number)?;
        Ok((attributes, opened(manner.caching), INodeNo(number)))
    }
}

fn opened(caching: Caching) -> FopenFlags {
    if caching == Caching::Direct { FopenFlags::FOPEN_DIRECT_IO } else { FopenFlags::empty() }
}

fn attributes(store: &mut Store, number: u64) -> Result<FileAttr, Errno> {
    let Node { kind, mode, owner, accessed, modified, links } = store.node(number).ok_or(Errno::ENOENT)?;
    let (size, blocks, kind) = match kind {
        Kind::File(file) => (file.told_size(), file.told_sectors(), FileType::RegularFile),
        Kind::Directory(_) => (0, 0, FileType::Directory),
    };
    Ok(FileAttr {
        ino: INodeNo(number),
        size,
        blocks,
        atime: *accessed,
        mtime: *modified,
        ctime: *modified,
        crtime: *modified,
        kind,
        perm: *mode as u16,
        nlink: *links,
        uid: owner.0,
        gid: owner.1,
        rdev: 0,
        blksize: BLOCK as u32,
        flags: 0,
    })
}

fn point(time: TimeOrNow) -> SystemTime {
    match time {
        TimeOrNow::SpecificTime(time) => time,
        TimeOrNow::Now => SystemTime::now(),
    }
}

/// Sends one of both.
macro_rules! answer {
    ($reply:ident, $result:expr, $good:expr) => {
        match $result {
            Ok(answer) => $good(answer),
            Err(errno) => $reply.error(errno),
        }
    };
}

impl Filesystem for Liars {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        let mut wanted = InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP | InitFlags::FUSE_AUTO_INVAL_DATA;
        if self.writes_back {
            wanted |= InitFlags::FUSE_WRITEBACK_CACHE;
        }
        // What an older kernel does not have is left out.
        let wanted = wanted & config.capabilities();
        config.add_capabilities(wanted).map_err(|_| std::io::ErrorKind::Unsupported.into())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut store = self.store();
        let found = store.find(parent.0, name).ok_or(Errno::ENOENT);
        let found = found.and_then(|number| attributes(&mut store, number));
        answer!(reply, found, |attributes| reply.entry(&ASK_AGAIN, &attributes, Generation(0)));
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let found = attributes(&mut self.store(), number.0);
        answer!(reply, found, |attributes| reply.attr(&ASK_AGAIN, &attributes));
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut store = self.store();
        if let Some((size, file)) = size.zip(store.file(number.0)) {
            if let Err(errno) = file.truncate(size) {
                return reply.error(errno);
            }
        }
        if let Some(node) = store.node(number.0) {
            node.mode = mode.map_or(node.mode, |mode| mode & 0o7777);
            node.owner = (uid.unwrap_or(node.owner.0), gid.unwrap_or(node.owner.1));
            node.accessed = accessed.map_or(node.accessed, point);
            node.modified = modified.map_or(node.modified, point);
        }
        answer!(reply, attributes(&mut store, number.0), |attributes| reply.attr(&ASK_AGAIN, &attributes));
    }

    fn open(&self, _: &Request, number: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let caching = self.ask(number, |file| Ok(file.caching));
        answer!(reply, caching, |caching| reply.opened(FileHandle(number.0), opened(caching)));
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, _: i32, reply: ReplyCreate) {
        let made = self.make(parent, name, mode & !umask);
        answer!(reply, made, |(attributes, flags, number): (FileAttr, FopenFlags, INodeNo)| {
            reply.created(&ASK_AGAIN, &attributes, Generation(0), FileHandle(number.0), flags)
        });
    }

    fn read(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let bytes = self.ask(number, |file| file.read(offset, size as usize));
        answer!(reply, bytes, |bytes: Vec<u8>| reply.data(&bytes));
    }

    fn write(
        &self,
        _: &Request,
        number: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.ask(number, |file| file.write(offset, bytes));
        answer!(reply, written, |count| reply.written(count as u32));
    }

    fn flush(&self, _: &Request, number: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        answer!(reply, self.ask(number, File::flush), |()| reply.ok());
    }

    fn fsync(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer!(reply, self.ask(number, File::sync), |()| reply.ok());
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn access(&self, _: &Request, _: INodeNo, _: fuser::AccessFlags, reply: ReplyEmpty) {
        reply.ok();
    }

    fn lseek(&self, _: &Request, number: INodeNo, _: FileHandle, offset: i64, what: i32, reply: ReplyLseek) {
        let what = match what {
            SEEK_DATA => Seek::Data,
            SEEK_HOLE => Seek::Hole,
            _ => return reply.error(Errno::EINVAL),
        };
        let found = self.ask(number, |file| file.seek(what, offset as u64));
        answer!(reply, found, |found| reply.offset(found as i64));
    }

    fn copy_file_range(
        &self,
        _: &Request,
        source: INodeNo,
        _: FileHandle,
        from: u64,
        target: INodeNo,
        _: FileHandle,
        to: u64,
        length: u64,
        _: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        let mut store = self.store();
        let copied = copy_range(&mut store, (source.0, from), (target.0, to), length);
        answer!(reply, copied, |count| reply.written(count));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut store = self.store();
        let removed = store.directory(parent.0).and_then(|directory| directory.names.remove(name));
        if let Some(node) = removed.and_then(|number| store.node(number)) {
            node.links -= 1;
        }
        answer!(reply, removed.ok_or(Errno::ENOENT), |_| reply.ok());
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if parent != new_parent {
            return reply.error(Errno::EXDEV);
        }
        let renamed = rename(&mut self.store(), parent.0, name, new_name, flags);
        answer!(reply, renamed, |()| reply.ok());
    }

    fn link(&self, _: &Request, number: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let mut store = self.store();
        let linked = link(&mut store, number.0, parent.0, name).and_then(|()| attributes(&mut store, number.0));
        answer!(reply, linked, |attributes| reply.entry(&ASK_AGAIN, &attributes, Generation(0)));
    }
}

fn rename(store: &mut Store, parent: u64, name: &OsStr, new: &OsStr, flags: RenameFlags) -> Result<(), Errno> {
    let number = store.find(parent, name).ok_or(Errno::ENOENT)?;
    if let Some(random) = store.file(number).and_then(|file| file.liar.strikes(Lie::RenameError)) {
        return Err([Errno::EIO, Errno::EINVAL][(random % 2) as usize]);
    }
    let names = &mut store.directory(parent).ok_or(Errno::ENOENT)?.names;
    if flags.contains(RenameFlags::RENAME_NOREPLACE) && names.contains_key(new) {
        return Err(Errno::EEXIST);
    }
    names.remove(name);
    let replaced = names.insert(new.to_owned(), number);
    if let Some(node) = replaced.and_then(|number| store.node(number)) {
        node.links -= 1;
    }
    Ok(())
}

fn link(store: &mut Store, number: u64, parent: u64, name: &OsStr) -> Result<(), Errno> {
    let Directory { names, .. } = store.directory(parent).ok_or(Errno::ENOENT)?;
    if names.contains_key(name) {
        return Err(Errno::EEXIST);
    }
    names.insert(name.to_owned(), number);
    store.node(number).ok_or(Errno::ENOENT)?.links += 1;
    Ok(())
}

/// Copies within the store, or says that it did.
fn copy_range(store: &mut Store, source: (u64, u64), target: (u64, u64), length: u64) -> Result<u32, Errno> {
    let file = store.file(source.0).ok_or(Errno::ENOENT)?;
    let start = usize::try_from(source.1).unwrap_or(usize::MAX).min(file.bytes.len());
    let end = file.bytes.len().min(start.saturating_add(usize::try_from(length).unwrap_or(usize::MAX)));
    let mut bytes = file.bytes[start..end].to_vec();
    if file.liar.strikes(Lie::RangeError).is_some() {
        return Err(Errno::EIO);
    }
    if file.liar.strikes(Lie::ClaimedRange).is_some() {
        return Ok(bytes.len() as u32);
    }
    if file.liar.strikes(Lie::NoRange).is_some() {
        bytes.clear();
    }
    if file.liar.strikes(Lie::ShortRange).is_some() {
        bytes.truncate(bytes.len().div_ceil(2));
    }
    store.file(target.0).ok_or(Errno::ENOENT)?.put(target.1, &bytes);
    Ok(bytes.len() as u32)
}
