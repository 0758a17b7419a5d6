//! A FUSE filesystem that passes everything on to a directory, and takes some names for one as exFAT, NTFS or macOS do.
//!
//! Its inode numbers go by names, as libfuse's own do: one file has several of them, and another after a rename. It may have a
//! habit as well that programs behind FUSE have.
#![allow(dead_code, reason = "each test program uses a part of this")]

use crate::common::{World, is_root, left_out};
use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ASK_AGAIN: Duration = Duration::ZERO;

/// What a name is for the filesystem: two names of the same are one.
pub(crate) type Fold = fn(&str) -> String;

/// Capitals are small letters.
pub(crate) fn case(name: &str) -> String {
    name.to_lowercase()
}

/// An e and an accent are an e with an accent.
pub(crate) fn accents(name: &str) -> String {
    name.replace("e\u{301}", "\u{e9}")
}

/// Every name is what it is.
pub(crate) fn exact(name: &str) -> String {
    name.to_owned()
}

/// What programs behind FUSE do, and no filesystem of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    None,
    /// No file has a name, by its count of links.
    CountsNoLinks,
    /// A directory's list calls everything a regular file.
    ListsFiles,
    /// chmod is answered, and not done.
    IgnoresModes,
    /// Nothing can be renamed.
    RenamesNothing,
    /// Nothing can be renamed over what is there.
    RenamesOverNothing,
    /// A rename takes no flags (ntfs-3g).
    RenamesWithoutFlags,
    /// Nothing can be renamed, and nothing has a second name.
    KeepsNames,
    /// The same, and nothing can be removed.
    KeepsNamesForGood,
    /// Names do not begin with a dot.
    RefusesDots,
    /// The same, and there is little room for a file's bytes.
    RefusesDotsInLittleRoom,
    /// Names do not begin with a dot, with the answer of a server that hides them.
    HidesDots,
    /// Names do not begin with a dot, and nothing can be renamed or have a second name.
    KeepsNamesWithoutDots,
    /// Nothing can be renamed or have a second name; after a removal there is no room for a name.
    KeepsNamesOnce,
    /// The same, and names do not begin with a dot.
    KeepsNamesWithoutDotsOnce,
    /// Nothing can be renamed over what is there; after a removal there is no room for a name.
    RenamesOverNothingOnce,
    /// Nothing can be made, as on a mount that maps owners and has none for who asks.
    MapsNoOwner,
    /// What was written finds no room, which is said at close, but for temporaries.
    FillsAtClose,
    /// Bytes are taken behind the last ones.
    WritesInOrder,
    /// A file's time of change is that of its content (sshfs).
    TellsNoChange,
}

impl Habit {
    /// What is answered to names that begin with a dot, where these are not taken.
    fn dots_refusal(self) -> Option<rustix::io::Errno> {
        match self {
            Habit::RefusesDots
            | Habit::RefusesDotsInLittleRoom
            | Habit::KeepsNamesWithoutDots
            | Habit::KeepsNamesWithoutDotsOnce => Some(rustix::io::Errno::INVAL),
            Habit::HidesDots => Some(rustix::io::Errno::NOENT),
            _ => None,
        }
    }

    /// Whether a file has the name that it was made under for good.
    fn keeps_names(self) -> bool {
        matches!(
            self,
            Habit::KeepsNames
                | Habit::KeepsNamesForGood
                | Habit::KeepsNamesWithoutDots
                | Habit::KeepsNamesOnce
                | Habit::KeepsNamesWithoutDotsOnce
        )
    }

    /// Whether no name can be had after a removal.
    fn fills_up(self) -> bool {
        matches!(self, Habit::KeepsNamesOnce | Habit::KeepsNamesWithoutDotsOnce | Habit::RenamesOverNothingOnce)
    }

    fn renames_over_nothing(self) -> bool {
        matches!(self, Habit::RenamesOverNothing | Habit::RenamesOverNothingOnce)
    }

    /// Whether there is little room for a file's bytes.
    fn is_narrow(self) -> bool {
        matches!(
            self,
            Habit::KeepsNames
                | Habit::KeepsNamesForGood
                | Habit::KeepsNamesWithoutDots
                | Habit::RefusesDotsInLittleRoom
        )
    }
}

/// Bytes behind this one find no room where there is little.
const ROOM: u64 = 200_000;

/// A mount, for as long as this lives.
pub(crate) struct Mount {
    session: Option<BackgroundSession>,
    at: PathBuf,
}

/// How often an unmount is tried, and how long after each other.
const UNMOUNTS: u32 = 500;
const BETWEEN_UNMOUNTS: Duration = Duration::from_millis(10);

impl Drop for Mount {
    /// A program that another test starts holds what this one had open at that moment, until it is executed: EBUSY.
    fn drop(&mut self) {
        let is_unmounted = (0..UNMOUNTS).any(|_| {
            let ended = Command::new("umount").arg(&self.at).stderr(Stdio::null()).status();
            let is_ended = ended.is_ok_and(|status| status.success());
            if !is_ended {
                std::thread::sleep(BETWEEN_UNMOUNTS);
            }
            is_ended
        });
        let ended = self.session.take().filter(|_| is_unmounted).map(BackgroundSession::join);
        let is_well = is_unmounted && matches!(ended, Some(Ok(())));
        assert!(is_well || std::thread::panicking(), "umount: {ended:?}");
    }
}

/// Mounts the directory `back` of a world at `m`. None, which has been said, where that cannot be had.
pub(crate) fn mount(world: &World, fold: Fold) -> Option<Mount> {
    mount_with(world, fold, Habit::None)
}

/// The same with a habit.
pub(crate) fn mount_with(world: &World, fold: Fold, habit: Habit) -> Option<Mount> {
    if !is_root() || !Path::new("/dev/fuse").exists() {
        left_out("needs root and /dev/fuse");
        return None;
    }
    world.dir("m").dir("back");
    let root = world.path("back");
    let paths =
        Mutex::new(Paths { of: vec![PathBuf::new(), PathBuf::new()], numbers: HashMap::from([(PathBuf::new(), 1)]) });
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("odd".to_owned())];
    let session =
        fuser::spawn_mount(Odd { root, fold, habit, is_full: AtomicBool::new(false), paths }, world.path("m"), &config)
            .expect("a FUSE mount");
    Some(Mount { session: Some(session), at: world.path("m") })
}

/// Numbers and the paths below the root that they stand for.
struct Paths {
    of: Vec<PathBuf>,
    numbers: HashMap<PathBuf, u64>,
}

struct Odd {
    root: PathBuf,
    fold: Fold,
    habit: Habit,
    /// There is no room for a name.
    is_full: AtomicBool,
    paths: Mutex<Paths>,
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_i32(error.raw_os_error().unwrap_or(rustix::io::Errno::IO.raw_os_error()))
}

fn kind(metadata: &Metadata) -> FileType {
    let of = metadata.file_type();
    match () {
        () if of.is_dir() => FileType::Directory,
        () if of.is_symlink() => FileType::Symlink,
        () if of.is_fifo() => FileType::NamedPipe,
        () => FileType::RegularFile,
    }
}

fn time(seconds: i64, nanos: i64) -> SystemTime {
    UNIX_EPOCH + Duration::new(seconds as u64, nanos as u32)
}

fn refusal(errno: rustix::io::Errno) -> io::Error {
    io::Error::from(errno)
}

fn timespec(time: Option<TimeOrNow>) -> Timespec {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    match time {
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        Some(TimeOrNow::Now) => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
        Some(TimeOrNow::SpecificTime(at)) => {
            Timespec { tv_sec: since(at).as_secs() as i64, tv_nsec: since(at).subsec_nanos().into() }
        }
    }
}

impl Odd {
    fn attributes(&self, number: u64, of: &Metadata) -> FileAttr {
        let found = attributes(number, of);
        match self.habit {
            Habit::CountsNoLinks => FileAttr { nlink: 0, ..found },
            Habit::TellsNoChange => FileAttr { ctime: found.mtime, ..found },
            _ => found,
        }
    }

    /// Fails for a name that is not taken.
    fn taken(&self, name: &OsStr) -> io::Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(refusal(rustix::io::Errno::NOSPC));
        }
        if self.habit == Habit::MapsNoOwner {
            return Err(refusal(rustix::io::Errno::OVERFLOW));
        }
        match self.habit.dots_refusal().filter(|_| name.as_bytes().starts_with(b".")) {
            Some(errno) => Err(refusal(errno)),
            None => Ok(()),
        }
    }

    fn paths(&self) -> MutexGuard<'_, Paths> {
        self.paths.lock().expect("no answer panicked")
    }

    fn path(&self, number: INodeNo) -> PathBuf {
        self.root.join(&self.paths().of[number.0 as usize])
    }

    /// The path of a name in a directory: of the entry that it is taken for, if there is one.
    fn entry(&self, parent: INodeNo, name: &OsStr) -> PathBuf {
        let dir = self.path(parent);
        let folded = |name: &OsStr| (self.fold)(&name.to_string_lossy());
        let names = fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.file_name());
        dir.join(names.into_iter().find(|there| folded(there) == folded(name)).unwrap_or_else(|| name.to_owned()))
    }

    /// What is told of a path that was asked for under `name`.
    fn told(&self, parent: INodeNo, name: &OsStr, path: &Path) -> Result<FileAttr, Errno> {
        let asked = self.paths().of[parent.0 as usize].join(name);
        let metadata = fs::symlink_metadata(path).map_err(|error| errno(&error))?;
        let mut paths = self.paths();
        let real = path.strip_prefix(&self.root).expect("a path below the root").to_owned();
        let number = match paths.numbers.get(&asked) {
            Some(number) => *number,
            None => paths.of.len() as u64,
        };
        if number as usize == paths.of.len() {
            paths.of.push(real);
            paths.numbers.insert(asked, number);
        } else {
            paths.of[number as usize] = real;
        }
        Ok(self.attributes(number, &metadata))
    }

    /// Who has a renamed file open reaches it by its old number; its new name gets another.
    fn moved(&self, (parent, name): (INodeNo, &OsStr), path: &Path) {
        let mut paths = self.paths();
        let from = paths.of[parent.0 as usize].join(name);
        if let Some(number) = paths.numbers.remove(&from) {
            paths.of[number as usize] = path.strip_prefix(&self.root).expect("a path below the root").to_owned();
        }
    }

    /// What has the name later is another file. Who has this one open reaches it by a name that it still has there.
    fn gone(&self, (parent, name): (INodeNo, &OsStr), inode: u64) {
        let entries = fs::read_dir(self.path(parent)).into_iter().flatten().flatten();
        let further = entries.filter(|entry| entry.ino() == inode).map(|entry| entry.path()).next();
        let mut paths = self.paths();
        let asked = paths.of[parent.0 as usize].join(name);
        let number = paths.numbers.remove(&asked);
        if let (Some(number), Some(path)) = (number, further) {
            paths.of[number as usize] = path.strip_prefix(&self.root).expect("a path below the root").to_owned();
        }
    }

    fn made(&self, parent: INodeNo, name: &OsStr, made: io::Result<()>) -> Result<FileAttr, Errno> {
        made.map_err(|error| errno(&error))?;
        let path = self.entry(parent, name);
        self.told(parent, name, &path)
    }
}

fn attributes(number: u64, of: &Metadata) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size: of.size(),
        blocks: of.blocks(),
        atime: time(of.atime(), of.atime_nsec()),
        mtime: time(of.mtime(), of.mtime_nsec()),
        ctime: time(of.ctime(), of.ctime_nsec()),
        crtime: UNIX_EPOCH,
        kind: kind(of),
        perm: (of.mode() & 0o7777) as u16,
        nlink: of.nlink() as u32,
        uid: of.uid(),
        gid: of.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
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

macro_rules! entry {
    ($reply:ident, $result:expr) => {
        answer!($reply, $result, |attributes| $reply.entry(&ASK_AGAIN, &attributes, Generation(0)))
    };
}

macro_rules! done {
    ($reply:ident, $result:expr) => {
        answer!($reply, $result.map_err(|error| errno(&io::Error::from(error))), |_| $reply.ok())
    };
}

impl Filesystem for Odd {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        entry!(reply, self.told(parent, name, &self.entry(parent, name)));
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let found = fs::symlink_metadata(self.path(number)).map_err(|error| errno(&error));
        answer!(reply, found, |found| reply.attr(&ASK_AGAIN, &self.attributes(number.0, &found)));
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
        let path = self.path(number);
        let set = || -> io::Result<Metadata> {
            if let Some(size) = size {
                File::options().write(true).open(&path)?.set_len(size)?;
            }
            rustix::fs::chownat(CWD, &path, uid.map(Uid::from_raw), gid.map(Gid::from_raw), AtFlags::SYMLINK_NOFOLLOW)?;
            if let Some(mode) = mode.filter(|_| self.habit != Habit::IgnoresModes) {
                rustix::fs::chmod(&path, Mode::from_raw_mode(mode & 0o7777))?;
            }
            let times = Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) };
            rustix::fs::utimensat(CWD, &path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
            fs::symlink_metadata(&path)
        };
        let found = set().map_err(|error| errno(&error));
        answer!(reply, found, |found| reply.attr(&ASK_AGAIN, &self.attributes(number.0, &found)));
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let names = fs::read_dir(self.path(number)).into_iter().flatten().flatten();
        for (at, entry) in names.enumerate().skip(offset as usize) {
            let found = entry.metadata().ok().filter(|_| self.habit != Habit::ListsFiles);
            let of = found.map_or(FileType::RegularFile, |found| kind(&found));
            if reply.add(INodeNo(2), at as u64 + 1, of, entry.file_name()) {
                break;
            }
        }
        reply.ok();
    }

    fn readlink(&self, _: &Request, number: INodeNo, reply: ReplyData) {
        let text = fs::read_link(self.path(number)).map_err(|error| errno(&error));
        answer!(reply, text, |text: PathBuf| reply.data(text.as_os_str().as_bytes()));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let mode = Mode::from_raw_mode(mode & !umask);
        let made = rustix::fs::mkdir(self.entry(parent, name), mode).map_err(io::Error::from);
        entry!(reply, self.made(parent, name, made));
    }

    fn symlink(&self, _: &Request, parent: INodeNo, name: &OsStr, target: &Path, reply: ReplyEntry) {
        let made = self.taken(name).and_then(|()| std::os::unix::fs::symlink(target, self.entry(parent, name)));
        entry!(reply, self.made(parent, name, made));
    }

    fn link(&self, _: &Request, number: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let linked = match self.habit.keeps_names() {
            true => Err(refusal(rustix::io::Errno::NOSYS)),
            false => self.taken(name).and_then(|()| fs::hard_link(self.path(number), self.entry(parent, name))),
        };
        entry!(reply, self.made(parent, name, linked));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let path = self.entry(parent, name);
        let found = fs::symlink_metadata(&path);
        let removed = match self.habit {
            Habit::KeepsNamesForGood => Err(refusal(rustix::io::Errno::NOSYS)),
            _ => fs::remove_file(&path),
        };
        if let (Ok(()), Ok(found)) = (&removed, found) {
            self.gone((parent, name), found.ino());
            self.is_full.fetch_or(self.habit.fills_up(), Ordering::Relaxed);
        }
        done!(reply, removed);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done!(reply, fs::remove_dir(self.entry(parent, name)));
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
        let flags = rustix::fs::RenameFlags::from_bits_retain(flags.bits());
        let (from, to) = (self.entry(parent, name), self.entry(new_parent, new_name));
        let is_there = fs::symlink_metadata(&to).is_ok();
        let renamed = match self.habit {
            Habit::RenamesNothing => Err(rustix::io::Errno::NOSYS),
            habit if habit.keeps_names() => Err(rustix::io::Errno::NOSYS),
            Habit::RenamesWithoutFlags if !flags.is_empty() => Err(rustix::io::Errno::INVAL),
            habit if habit.renames_over_nothing() && is_there => Err(rustix::io::Errno::EXIST),
            habit if habit.dots_refusal().is_some() && new_name.as_bytes().starts_with(b".") => {
                Err(rustix::io::Errno::INVAL)
            }
            _ if self.is_full.load(Ordering::Relaxed) => Err(rustix::io::Errno::NOSPC),
            _ => rustix::fs::renameat_with(CWD, &from, CWD, &to, flags),
        };
        if renamed.is_ok() {
            self.moved((parent, name), &to);
        }
        done!(reply, renamed);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, _: i32, reply: ReplyCreate) {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY;
        let mode = Mode::from_raw_mode(mode & !umask & 0o7777);
        let open = || rustix::fs::open(self.entry(parent, name), flags, mode).map(drop).map_err(io::Error::from);
        let made = self.taken(name).and_then(|()| open());
        let made = self.made(parent, name, made);
        answer!(reply, made, |attributes| {
            reply.created(&ASK_AGAIN, &attributes, Generation(0), FileHandle(0), FopenFlags::FOPEN_DIRECT_IO)
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
        let mut bytes = vec![0; size as usize];
        let read = File::open(self.path(number)).and_then(|file| file.read_at(&mut bytes, offset));
        answer!(reply, read.map_err(|error| errno(&error)), |count| reply.data(&bytes[..count]));
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
        let file = File::options().write(true).open(self.path(number));
        let written = file.and_then(|file| match self.habit {
            habit if habit.is_narrow() && offset >= ROOM => Err(refusal(rustix::io::Errno::NOSPC)),
            Habit::WritesInOrder if file.metadata()?.len() != offset => Err(refusal(rustix::io::Errno::OPNOTSUPP)),
            _ => file.write_at(bytes, offset),
        });
        let written = written.map_err(|error| errno(&error));
        answer!(reply, written, |count| reply.written(count as u32));
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        reply.ok();
    }

    fn flush(&self, _: &Request, number: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        let path = self.path(number);
        let is_temporary = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
        if self.habit == Habit::FillsAtClose && !is_temporary {
            return reply.error(Errno::ENOSPC);
        }
        reply.ok();
    }

    fn access(&self, _: &Request, _: INodeNo, _: fuser::AccessFlags, reply: ReplyEmpty) {
        reply.ok();
    }
}
