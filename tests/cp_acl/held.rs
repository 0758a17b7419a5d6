//! A FUSE filesystem of one file, `f`, whose extended attributes it names or not, and gives or not.

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEntry, ReplyOpen, ReplyXattr, Request, SessionACL,
};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

const CONTENT: &[u8] = b"secret\n";
const FILE: INodeNo = INodeNo(2);
const ASK_AGAIN: Duration = Duration::ZERO;

/// What the file has.
#[derive(Clone, Default)]
pub(crate) struct Held {
    pub(crate) mode: u16,
    /// Their values.
    pub(crate) attributes: BTreeMap<&'static str, Vec<u8>>,
    /// Those that a listing leaves out.
    pub(crate) hidden: Vec<&'static str>,
    /// Those that cannot be read.
    pub(crate) broken: Vec<&'static str>,
    /// Listing is not known.
    pub(crate) has_no_listing: bool,
}

impl Held {
    /// Mounts it, for as long as what is returned lives.
    pub(crate) fn mount(self, at: &Path) -> BackgroundSession {
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("held".to_owned()), MountOption::DefaultPermissions];
        config.acl = SessionACL::All;
        fuser::spawn_mount(self, at, &config).expect("a FUSE filesystem")
    }

    fn attr(&self, number: INodeNo) -> FileAttr {
        let is_file = number == FILE;
        let (kind, perm) = if is_file { (FileType::RegularFile, self.mode) } else { (FileType::Directory, 0o755) };
        let then = SystemTime::UNIX_EPOCH;
        FileAttr {
            ino: number,
            size: if is_file { CONTENT.len() as u64 } else { 0 },
            blocks: 1,
            atime: then,
            mtime: then,
            ctime: then,
            crtime: then,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

fn answer(reply: ReplyXattr, size: u32, value: &[u8]) {
    match size as usize {
        0 => reply.size(value.len() as u32),
        size if size < value.len() => reply.error(Errno::ERANGE),
        _ => reply.data(value),
    }
}

impl Filesystem for Held {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == "f" {
            reply.entry(&ASK_AGAIN, &self.attr(FILE), Generation(0));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&ASK_AGAIN, &self.attr(number));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        _: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        reply.data(&CONTENT[CONTENT.len().min(offset as usize)..]);
    }

    fn getxattr(&self, _: &Request, number: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        let name = name.to_str().unwrap_or_default();
        match self.attributes.get(name).filter(|_| number == FILE) {
            _ if self.broken.contains(&name) => reply.error(Errno::EIO),
            Some(value) => answer(reply, size, value),
            None => reply.error(Errno::ENODATA),
        }
    }

    fn listxattr(&self, _: &Request, number: INodeNo, size: u32, reply: ReplyXattr) {
        if self.has_no_listing {
            return reply.error(Errno::ENOSYS);
        }
        let told = self.attributes.keys().filter(|name| number == FILE && !self.hidden.contains(name));
        let names: Vec<u8> = told.flat_map(|name| [OsStr::new(name).as_bytes(), b"\0"].concat()).collect();
        answer(reply, size, &names);
    }
}
