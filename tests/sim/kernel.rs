//! The simulated kernel: the trait's methods, each around its call on the [`World`].
//!
//! One lock is taken per call, as the real kernel would serialize what matters here; with one job it
//! is never waited for. Opening, naming and attributes are here; what moves bytes is in transfer.rs.

use super::call::Call;
use super::content::Content;
use super::faults::Fault;
use super::tree::{Attributes, Body, Node, Place, ROOT};
use super::turns::Turns;
use super::world::{ACCESS_LIST, DEFAULT_LIST, Lock, Opened, World};
use rustix::fs::{Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;
use safecp::kernel::{
    At, CachePages, DirEntry, Extent, InodeHints, Kernel, Kind, Mount, Quota, QuotaOf, Result, Room, Seek, Stat,
    Timestamp,
};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// FS_CASEFOLD_FL.
const CASEFOLD: u32 = 0x4000_0000;

/// The kernel of a simulated machine.
#[derive(Clone)]
pub struct Sim {
    world: Arc<Mutex<World>>,
    /// Which process it is for, where several take turns.
    process: Option<(usize, Arc<Turns>)>,
}

/// An open file of a [`Sim`]; dropping it closes it.
pub struct File {
    world: Arc<Mutex<World>>,
    number: usize,
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.number)
    }
}

impl File {
    /// Its number among the open files.
    pub fn number(&self) -> usize {
        self.number
    }
}

fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for File {
    fn drop(&mut self) {
        let mut world = locked(&self.world);
        let number = self.number;
        if let Some(opened) = world.opened.get_mut(number) {
            *opened = None;
        }
        world.locks.iter_mut().for_each(|locks| locks.retain(|lock| lock.handle != number));
        world.leave(format_args!("dropped #{number}"), None);
    }
}

impl Sim {
    pub fn new(world: World) -> Self {
        Self { world: Arc::new(Mutex::new(world)), process: None }
    }

    /// The world itself: for those who build it, look at it or meddle with it.
    pub fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    /// The kernel as one of several processes sees it.
    pub fn of_process(&self, process: usize, turns: &Arc<Turns>) -> Self {
        Self { world: Arc::clone(&self.world), process: Some((process, Arc::clone(turns))) }
    }

    /// One call: what happens around it, and `work` in between.
    fn call<T>(
        &self,
        said: fmt::Arguments<'_>,
        kind: impl Into<Call>,
        work: impl FnOnce(&mut World) -> Result<T>,
    ) -> Result<T> {
        let is_alive = self.process.as_ref().is_none_or(|(process, turns)| turns.call(*process));
        let mut world = self.world();
        let answer = match world.enter(kind.into()) {
            Ok(()) if is_alive => work(&mut world),
            Ok(()) => Err(Errno::IO),
            Err(errno) => Err(errno),
        };
        world.leave(said, answer.as_ref().err().copied());
        answer
    }

    fn file(&self, number: usize) -> File {
        File { world: Arc::clone(&self.world), number }
    }

    fn flock(&self, file: &File, is_shared: bool) -> Result<()> {
        self.call(format_args!("flock {file} {is_shared}"), Call::Lock, |world| {
            let node = world.usable(file)?.node;
            if world.system(node).locks {
                return world.lock(Lock { node, handle: file.number, is_shared });
            }
            world.count(Fault::LockUnsupported);
            Err(Errno::NOLCK)
        })
    }
}

impl World {
    /// The inode of an open file that is not O_PATH.
    pub fn usable(&self, file: &File) -> Result<Opened> {
        let opened = self.opened(file.number);
        if opened.flags.contains(OFlags::PATH) { Err(Errno::BADF) } else { Ok(opened) }
    }

    pub fn node(&self, file: &File) -> Node {
        self.opened(file.number).node
    }

    /// The inode of a file that is open for reading.
    pub fn readable(&self, file: &File) -> Result<Node> {
        let opened = self.usable(file)?;
        if opened.flags.contains(OFlags::WRONLY) { Err(Errno::BADF) } else { Ok(opened.node) }
    }

    /// The inode of a file that is open for writing.
    pub fn writable(&self, file: &File) -> Result<Node> {
        let opened = self.usable(file)?;
        if opened.flags.intersects(OFlags::WRONLY | OFlags::RDWR) { Ok(opened.node) } else { Err(Errno::BADF) }
    }

    fn install(&mut self, opened: Opened) -> usize {
        match self.opened.iter().position(Option::is_none) {
            Some(free) => {
                self.opened[free] = Some(opened);
                free
            }
            None => {
                self.opened.push(Some(opened));
                self.opened.len() - 1
            }
        }
    }

    fn start(&self, dir: At<'_, File>) -> Node {
        dir.map_or(ROOT, |dir| self.node(dir))
    }

    fn open(&mut self, dir: Node, path: &Path, flags: OFlags, mode: Mode, resolve: ResolveFlags) -> Result<usize> {
        if self.opened.iter().flatten().count() >= self.handles_max {
            self.count(Fault::HandlesGone);
            return Err(Errno::MFILE);
        }
        let (node, number) = if flags.contains(OFlags::TMPFILE) {
            let node = self.open_unnamed(dir, path, flags, mode, resolve)?;
            (node, self.tree.inodes[node].number)
        } else {
            self.open_named(dir, path, flags, mode, resolve)?
        };
        Ok(self.install(Opened { node, flags, position: 0, number }))
    }

    fn open_unnamed(
        &mut self,
        dir: Node,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<Node> {
        let place = self.tree.walk(dir, path, true, resolve)?;
        let parent = place.found.ok_or(Errno::NOENT)?;
        self.tree.entries(parent)?;
        if !flags.intersects(OFlags::WRONLY | OFlags::RDWR) {
            return Err(Errno::INVAL);
        }
        if !self.systems[self.tree.inodes[parent].system].tmpfile {
            self.count(Fault::TmpfileUnsupported);
            return Err(Errno::OPNOTSUPP);
        }
        self.fails(&[(Fault::NoSpace, Errno::NOSPC), (Fault::OpenError, Errno::IO)])?;
        let node = self.make_file(parent, mode);
        self.tree.inodes[node].linkable = !flags.contains(OFlags::EXCL);
        Ok(node)
    }

    /// The attributes of what is made in `dir`: with a list to hand down, they come from that, and not from the umask.
    fn inherited(&mut self, dir: Node, mode: u32, is_dir: bool) -> Attributes {
        let lists = &self.tree.inodes[dir].attributes.xattrs;
        let Some(list) = lists.iter().find(|(name, _)| name == DEFAULT_LIST).map(|(_, list)| list.clone()) else {
            return self.attributes(mode & !self.umask);
        };
        self.count(Fault::ListInherited);
        let mut attributes = self.attributes(mode);
        attributes.xattrs.push((ACCESS_LIST.into(), list.clone()));
        if is_dir {
            attributes.xattrs.push((DEFAULT_LIST.into(), list));
        }
        attributes
    }

    fn make_file(&mut self, dir: Node, mode: Mode) -> Node {
        let system = self.tree.inodes[dir].system;
        let attributes = self.inherited(dir, mode.bits() & 0o7777, false);
        let mut content = Content::new(self.systems[system].zfs.is_some());
        content.packed = self.systems[system].packs;
        self.tree.add(system, Kind::File, Body::File(content), attributes)
    }

    fn open_named(
        &mut self,
        dir: Node,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<(Node, u64)> {
        let exclusive = flags.contains(OFlags::CREATE | OFlags::EXCL);
        let follow = !flags.contains(OFlags::NOFOLLOW) && !exclusive;
        let Place { dir, name, found, slash } = self.tree.walk(dir, path, follow, resolve)?;
        let (name, number) = (name.to_owned(), found.map(|node| self.number(node, dir, name)));
        self.witness.inspect(dir, &name, self.calls);
        let (Some(node), Some(number)) = (found, number) else {
            if !flags.contains(OFlags::CREATE) {
                return Err(Errno::NOENT);
            }
            if slash {
                return Err(Errno::ISDIR);
            }
            self.takes_name(dir, &name)?;
            // A directory that was removed takes no new names (IS_DEADDIR in fs/namei.c).
            if self.removed.contains(&dir) {
                return Err(Errno::NOENT);
            }
            self.fails(&[
                (Fault::NoSpace, Errno::NOSPC),
                (Fault::Quota, Errno::DQUOT),
                (Fault::OpenError, Errno::ACCESS),
            ])?;
            let node = self.make_file(dir, mode);
            self.tree.set(dir, &name, Some(node));
            self.touch(dir);
            if name.as_encoded_bytes().starts_with(b".safecp-") {
                self.fails(&[(Fault::OpenRefusedLate, Errno::ACCESS)])?;
            }
            return Ok((node, self.number(node, dir, &name)));
        };
        if exclusive {
            return Err(Errno::EXIST);
        }
        self.open_existing(node, flags)?;
        Ok((node, number))
    }

    fn open_existing(&mut self, node: Node, flags: OFlags) -> Result<()> {
        let kind = self.tree.inodes[node].kind;
        let by_path = flags.contains(OFlags::PATH);
        if flags.contains(OFlags::DIRECTORY) && kind != Kind::Directory {
            return Err(Errno::NOTDIR);
        }
        if by_path {
            return self.fails(&[(Fault::OpenError, Errno::IO)]);
        }
        let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        match kind {
            Kind::Symlink => return Err(Errno::LOOP),
            Kind::Directory if writes || flags.contains(OFlags::CREATE) => return Err(Errno::ISDIR),
            Kind::Socket => return Err(Errno::NXIO),
            Kind::Fifo => self.open_fifo(flags)?,
            Kind::Directory | Kind::File | Kind::CharDevice | Kind::BlockDevice => {}
        }
        let bits = if flags.contains(OFlags::WRONLY) { 2 } else { 4 } | if writes { 2 } else { 0 };
        if !self.allows(node, bits) {
            return Err(Errno::ACCESS);
        }
        if self.tree.inodes[node].secret {
            self.witness.outside = Some("a file outside the trees was opened");
        }
        self.fails(&[(Fault::OpenError, Errno::MFILE)])?;
        if flags.contains(OFlags::TRUNC) && writes && kind == Kind::File {
            self.truncate_node(node, 0);
        }
        Ok(())
    }

    /// Nobody writes to a simulated fifo, and its only reader waits for somebody who waits.
    fn open_fifo(&mut self, flags: OFlags) -> Result<()> {
        let (writes, waits) = (flags.contains(OFlags::WRONLY), !flags.contains(OFlags::NONBLOCK));
        match (writes, waits) {
            _ if flags.contains(OFlags::RDWR) => Ok(()),
            (true, true) | (false, false) => Ok(()),
            (true, false) => Err(Errno::NXIO),
            (false, true) => {
                self.witness.hung = Some("open of a fifo without O_NONBLOCK");
                Err(Errno::IO)
            }
        }
    }

    /// Fails for a name that the directory's filesystem takes for nothing.
    fn takes_name(&mut self, dir: Node, name: &OsStr) -> Result<()> {
        if self.systems[self.tree.inodes[dir].system].dots || !name.as_encoded_bytes().starts_with(b".") {
            return Ok(());
        }
        self.count(Fault::DotRefused);
        Err(Errno::INVAL)
    }

    fn link(&mut self, node: Node, dir: Node, name: &OsStr) -> Result<()> {
        self.tree.entries(dir)?;
        self.takes_name(dir, name)?;
        if self.tree.find(dir, name).is_some() {
            return Err(Errno::EXIST);
        }
        let inode = &self.tree.inodes[node];
        if inode.system != self.tree.inodes[dir].system {
            return Err(Errno::XDEV);
        }
        if inode.kind == Kind::Directory {
            return Err(Errno::PERM);
        }
        if inode.nlink == 0 && !inode.linkable {
            return Err(Errno::NOENT);
        }
        if !self.systems[inode.system].links {
            self.count(Fault::LinkUnsupported);
            return Err(Errno::PERM);
        }
        self.fails(&[(Fault::NamingError, Errno::IO), (Fault::NoSpace, Errno::NOSPC)])?;
        self.tree.set(dir, name, Some(node));
        self.touch_inode(node);
        self.touch(dir);
        self.expose(node);
        Ok(())
    }

    fn rename(&mut self, from_dir: Node, from: &OsStr, to_dir: Node, to: &OsStr, flags: RenameFlags) -> Result<()> {
        self.tree.entries(from_dir)?;
        self.tree.entries(to_dir)?;
        let node = self.tree.find(from_dir, from).ok_or(Errno::NOENT)?;
        let replaced = self.tree.find(to_dir, to);
        if self.tree.inodes[from_dir].system != self.tree.inodes[to_dir].system {
            return Err(Errno::XDEV);
        }
        if !self.systems[self.tree.inodes[to_dir].system].renames {
            self.count(Fault::RenameUnsupported);
            return Err(Errno::NOSYS);
        }
        self.takes_name(to_dir, to)?;
        if flags.contains(RenameFlags::NOREPLACE) {
            if !self.systems[self.tree.inodes[to_dir].system].noreplace {
                self.count(Fault::NoReplaceUnsupported);
                return Err(Errno::INVAL);
            }
            if replaced.is_some() {
                return Err(Errno::EXIST);
            }
        } else if !flags.is_empty() {
            return Err(Errno::INVAL);
        }
        if let Some(replaced) = replaced {
            self.may_replace(node, replaced)?;
        }
        self.may_remove(from_dir)?;
        self.fails(&[(Fault::NamingError, Errno::IO), (Fault::NoSpace, Errno::NOSPC)])?;
        if replaced != Some(node) {
            self.tree.rename(from_dir, from, to_dir, to);
            self.touch_inode(node);
            self.touch(to_dir);
        }
        Ok(())
    }

    /// Whether names go from the directory, or only come.
    fn may_remove(&mut self, dir: Node) -> Result<()> {
        if !self.systems[self.tree.inodes[dir].system].keeps_names {
            return Ok(());
        }
        self.count(Fault::NameKept);
        Err(Errno::PERM)
    }

    fn may_replace(&self, node: Node, replaced: Node) -> Result<()> {
        let is_dir = |node: Node| self.tree.inodes[node].kind == Kind::Directory;
        match (is_dir(node), is_dir(replaced)) {
            (false, true) => Err(Errno::ISDIR),
            (true, false) => Err(Errno::NOTDIR),
            (true, true) if !self.tree.entries(replaced)?.is_empty() => Err(Errno::NOTEMPTY),
            (true, true) | (false, false) => Ok(()),
        }
    }

    fn unlink(&mut self, dir: Node, name: &OsStr) -> Result<()> {
        self.tree.entries(dir)?;
        let node = self.tree.find(dir, name).ok_or(Errno::NOENT)?;
        if self.tree.inodes[node].kind == Kind::Directory {
            return Err(Errno::ISDIR);
        }
        self.may_remove(dir)?;
        self.fails(&[(Fault::UnlinkError, Errno::IO)])?;
        self.tree.set(dir, name, None);
        self.touch_inode(node);
        self.touch(dir);
        Ok(())
    }

    /// A new inode that is no regular file, under a name that must be free.
    fn make(&mut self, dir: Node, name: &OsStr, kind: Kind, body: Body, mode: u32) -> Result<()> {
        self.tree.entries(dir)?;
        if name == "." || name == ".." || self.tree.find(dir, name).is_some() {
            return Err(Errno::EXIST);
        }
        self.takes_name(dir, name)?;
        self.fails(&[(Fault::NoSpace, Errno::NOSPC)])?;
        let attributes = match kind {
            Kind::Symlink => self.attributes(mode),
            _ => self.inherited(dir, mode, kind == Kind::Directory),
        };
        let system = self.tree.inodes[dir].system;
        let node = self.tree.add(system, kind, body, attributes);
        self.tree.set(dir, name, Some(node));
        self.touch(dir);
        Ok(())
    }

    /// Who may change the attributes of a file.
    fn owns(&self, node: Node) -> Result<()> {
        if self.uid == 0 || self.uid == self.tree.inodes[node].attributes.uid { Ok(()) } else { Err(Errno::PERM) }
    }

    fn chown(&mut self, node: Node, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.owns(node)?;
        let attributes = &self.tree.inodes[node].attributes;
        if self.uid != 0
            && (uid.is_some_and(|uid| uid != attributes.uid)
                || gid.is_some_and(|gid| gid != attributes.gid && gid != self.gid))
        {
            return Err(Errno::PERM);
        }
        self.fails(&[(Fault::AttributeError, Errno::PERM)])?;
        let regular = self.tree.inodes[node].kind == Kind::File;
        let attributes = &mut self.tree.inodes[node].attributes;
        attributes.uid = uid.unwrap_or(attributes.uid);
        attributes.gid = gid.unwrap_or(attributes.gid);
        if regular && (uid.is_some() || gid.is_some()) {
            // Linux takes set-user-ID away, and set-group-ID where the group may execute; file
            // capabilities go too.
            attributes.mode &= if attributes.mode & 0o010 != 0 { !0o6000 } else { !0o4000 };
            attributes.xattrs.retain(|(name, _)| name != "security.capability");
        }
        self.touch_inode(node);
        Ok(())
    }

    fn chmod(&mut self, node: Node, mode: u32) -> Result<()> {
        if self.tree.inodes[node].kind == Kind::Symlink {
            return Err(Errno::OPNOTSUPP);
        }
        self.owns(node)?;
        self.fails(&[(Fault::AttributeError, Errno::PERM)])?;
        self.tree.inodes[node].attributes.mode = mode & 0o7777;
        self.touch_inode(node);
        self.expose(node);
        Ok(())
    }

    fn set_xattr(&mut self, node: Node, name: &OsStr, value: &[u8]) -> Result<()> {
        self.may_name_xattr(node, name)?;
        self.fails(&[(Fault::AttributeError, Errno::IO), (Fault::NoSpace, Errno::NOSPC)])?;
        let xattrs = &mut self.tree.inodes[node].attributes.xattrs;
        match xattrs.iter_mut().find(|(there, _)| there == name) {
            Some((_, there)) => *there = value.to_owned(),
            None => xattrs.push((name.to_owned(), value.to_owned())),
        }
        self.touch_inode(node);
        self.expose(node);
        Ok(())
    }

    fn remove_xattr(&mut self, node: Node, name: &OsStr) -> Result<()> {
        self.may_name_xattr(node, name)?;
        self.fails(&[(Fault::AttributeError, Errno::IO)])?;
        let xattrs = &mut self.tree.inodes[node].attributes.xattrs;
        let at = xattrs.iter().position(|(there, _)| there == name).ok_or(Errno::NODATA)?;
        xattrs.remove(at);
        self.touch_inode(node);
        Ok(())
    }

    /// Whether the file's system has extended attributes at all.
    fn knows_xattrs(&mut self, node: Node) -> Result<()> {
        if self.system(node).xattrs {
            return Ok(());
        }
        self.count(Fault::XattrUnsupported);
        Err(Errno::OPNOTSUPP)
    }

    fn may_name_xattr(&mut self, node: Node, name: &OsStr) -> Result<()> {
        use std::os::unix::ffi::OsStrExt;
        self.knows_xattrs(node)?;
        let name = name.as_bytes();
        let regular = matches!(self.tree.inodes[node].kind, Kind::File | Kind::Directory);
        match () {
            () if name.starts_with(b"user.") && regular => self.owns(node),
            () if name.starts_with(b"user.") => Err(Errno::PERM),
            () if name.starts_with(b"trusted.") && self.uid != 0 => Err(Errno::PERM),
            () if name.contains(&b'.') => self.owns(node),
            () => Err(Errno::OPNOTSUPP),
        }
    }
}

fn shown(path: &Path) -> std::path::Display<'_> {
    path.display()
}

impl Kernel for Sim {
    type File = File;

    fn open(&self, dir: At<'_, File>, path: &Path, flags: OFlags, mode: Mode, resolve: ResolveFlags) -> Result<File> {
        let kind = match () {
            () if flags.contains(OFlags::TMPFILE) => Call::OpenUnnamed,
            () if !resolve.is_empty() => Call::OpenWithin,
            () => Call::Open,
        };
        let number = self.call(format_args!("open {} {flags:?} {resolve:?}", shown(path)), kind, |world| {
            let dir = world.start(dir);
            world.open(dir, path, flags, mode, resolve)
        })?;
        let node = self.world().opened(number).node;
        self.world().say(format_args!("        #{number} is inode {node}"));
        Ok(self.file(number))
    }

    fn close(&self, file: File) -> Result<()> {
        self.call(format_args!("close {file}"), Call::Close, |world| {
            let writes = world.opened(file.number).flags.intersects(OFlags::WRONLY | OFlags::RDWR);
            if writes { world.fails(&[(Fault::CloseError, Errno::IO)]) } else { Ok(()) }
        })
    }

    fn flush(&self, file: &File) -> Result<()> {
        self.call(format_args!("flush {file}"), Call::Flush, |world| {
            world.opened(file.number);
            world.fails(&[(Fault::CloseError, Errno::IO)])
        })
    }

    fn stat(&self, file: &File) -> Result<Stat> {
        self.call(format_args!("fstat {file}"), Call::Stat, |world| {
            world.fails(&[(Fault::StatError, Errno::IO)])?;
            let opened = world.opened(file.number);
            let stat = Stat { ino: opened.number, ..world.stat(opened.node) };
            world.witness_stat(opened.node, stat);
            Ok(stat)
        })
    }

    fn stat_at(&self, dir: At<'_, File>, path: &Path, follow: bool) -> Result<Stat> {
        self.call(format_args!("fstatat {}", shown(path)), Call::StatAt, |world| {
            let place = world.tree.walk(world.start(dir), path, follow, ResolveFlags::empty())?;
            world.witness.inspect(place.dir, place.name, world.calls);
            let node = place.found.ok_or(Errno::NOENT)?;
            let ino = world.number(node, place.dir, place.name);
            world.fails(&[(Fault::StatError, Errno::IO)])?;
            Ok(Stat { ino, ..world.stat(node) })
        })
    }

    fn birth(&self, dir: At<'_, File>, path: &Path, follow: bool) -> Result<Option<Timestamp>> {
        self.call(format_args!("statx {}", shown(path)), true, |world| {
            let start = world.start(dir);
            let node = if path.as_os_str().is_empty() {
                start
            } else {
                let place = world.tree.walk(start, path, follow, ResolveFlags::empty())?;
                place.found.ok_or(Errno::NOENT)?
            };
            world.fails(&[(Fault::StatError, Errno::IO)])?;
            Ok(Some(world.tree.inodes[node].birth))
        })
    }

    fn may_write(&self, dir: At<'_, File>, path: &Path) -> Result<()> {
        self.call(format_args!("faccessat {}", shown(path)), Call::Access, |world| {
            let place = world.tree.walk(world.start(dir), path, true, ResolveFlags::empty())?;
            let node = place.found.ok_or(Errno::NOENT)?;
            if world.allows(node, 2) { Ok(()) } else { Err(Errno::ACCESS) }
        })
    }

    fn filesystem(&self, file: &File) -> Result<u32> {
        self.call(format_args!("fstatfs {file}"), Call::Statfs, |world| {
            world.fails(&[(Fault::StatError, Errno::IO)])?;
            Ok(world.systems[world.tree.inodes[world.node(file)].system].magic)
        })
    }

    /// Simulated disks are never full but by a fault, and then there is room for nothing.
    fn room(&self, file: &File) -> Result<Room> {
        self.call(format_args!("fstatvfs {file}"), Call::Statfs, |world| {
            world.fails(&[(Fault::StatError, Errno::IO)])?;
            Ok(Room { block: 4096, free: 0, free_to_users: 0, files: 0, files_free: 0 })
        })
    }

    /// No simulated filesystem keeps quotas.
    fn quota(&self, file: &File, _: QuotaOf) -> Result<Quota> {
        self.call(format_args!("quotactl_fd {file}"), Call::Other, |_| Err(Errno::SRCH))
    }

    /// No simulated machine has a /proc.
    fn mount(&self, file: &File) -> Result<Mount> {
        self.call(format_args!("statx {file}"), Call::Other, |world| {
            world.node(file);
            Err(Errno::NOENT)
        })
    }

    fn wait_from_now_on(&self, file: &File) -> Result<()> {
        self.call(format_args!("fcntl {file}"), Call::Other, |world| world.usable(file).map(drop))
    }

    fn read(&self, file: &File, buffer: &mut [u8]) -> Result<usize> {
        self.call(format_args!("read {file} {}", buffer.len()), Call::Read, |world| {
            let position = world.usable(file)?.position;
            let count = world.read(file, buffer, position)?;
            world.advance(file.number, count);
            Ok(count)
        })
    }

    fn write(&self, file: &File, buffer: &[u8]) -> Result<usize> {
        self.call(format_args!("write {file} {}", buffer.len()), Call::Write, |world| {
            let opened = world.usable(file)?;
            let append = opened.flags.contains(OFlags::APPEND);
            let end = world.tree.content(opened.node).map_or(0, Content::size) as u64;
            let position = if append { end } else { opened.position };
            let count = world.write(file, buffer, position)?;
            world.advance(file.number, count);
            Ok(count)
        })
    }

    fn pread(&self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.call(format_args!("pread {file} {offset} +{}", buffer.len()), Call::Read, |world| {
            world.read(file, buffer, offset)
        })
    }

    fn pwrite(&self, file: &File, buffer: &[u8], offset: u64) -> Result<usize> {
        self.call(format_args!("pwrite {file} {offset} +{}", buffer.len()), Call::Write, |world| {
            world.write(file, buffer, offset)
        })
    }

    fn seek(&self, file: &File, what: Seek, offset: u64) -> Result<Option<u64>> {
        let found = self
            .call(format_args!("lseek {file} {what:?} {offset}"), Call::Seek, |world| world.seek(file, what, offset))?;
        self.world().say(format_args!("        {found:?}"));
        Ok(found)
    }

    fn ficlone(&self, target: &File, source: &File) -> Result<()> {
        self.call(format_args!("ficlone {source} to {target}"), Call::Clone, |world| world.ficlone(target, source))
    }

    fn copy_file_range(&self, source: &File, target: &File, range: Range<u64>) -> Result<u64> {
        self.call(format_args!("copy_file_range {source} to {target} {range:?}"), Call::Offload, |world| {
            world.copy_file_range(source, target, range.clone())
        })
    }

    fn first_extent(&self, file: &File) -> Result<Option<u32>> {
        self.call(format_args!("fiemap {file}"), Call::Other, |world| {
            Ok(world.extents(file, 0)?.first().map(|extent| extent.flags))
        })
    }

    fn extents(&self, file: &File, offset: u64) -> Result<Vec<Extent>> {
        self.call(format_args!("fiemap {file} {offset}"), Call::Other, |world| world.extents(file, offset))
    }

    fn allocate(&self, file: &File, range: Range<u64>) -> Result<()> {
        self.call(format_args!("fallocate {file} {range:?}"), Call::Other, |world| world.allocate(file))
    }

    fn lock(&self, file: &File) -> Result<()> {
        self.flock(file, false)
    }

    fn lock_shared(&self, file: &File) -> Result<()> {
        self.flock(file, true)
    }

    fn truncate(&self, file: &File, size: u64) -> Result<()> {
        self.call(format_args!("ftruncate {file} {size}"), Call::Truncate, |world| world.truncate(file, size))
    }

    fn fsync(&self, file: &File) -> Result<()> {
        self.call(format_args!("fsync {file}"), Call::Fsync, |world| {
            let node = world.usable(file)?.node;
            world.fsync(node)
        })
    }

    fn sync_filesystem(&self, file: &File) -> Result<()> {
        self.call(format_args!("syncfs {file}"), Call::Fsync, |world| {
            let node = world.usable(file)?.node;
            world.sync_filesystem(node)
        })
    }

    fn msync(&self, file: &File, size: u64) -> Result<()> {
        self.call(format_args!("msync {file} {size}"), Call::Pages, |world| {
            let node = world.mappable(file)?;
            if size == 0 { Ok(()) } else { world.fsync(node) }
        })
    }

    fn cachestat(&self, file: &File) -> Result<CachePages> {
        self.call(format_args!("cachestat {file}"), Call::Pages, |world| world.cachestat(file))
    }

    fn mincore(&self, file: &File, range: Range<u64>) -> Result<u64> {
        self.call(format_args!("mincore {file} {range:?}"), Call::Pages, |world| world.mincore(file, range.clone()))
    }

    fn pause(&self, time: Duration) {
        self.world().slept += time.as_nanos() as u64;
    }

    fn drop_cache(&self, file: &File) -> Result<()> {
        self.call(format_args!("fadvise {file} dontneed"), Call::Pages, |world| {
            let node = world.usable(file)?.node;
            if !world.strikes(Fault::CacheKept) {
                world.tree.content_mut(node).into_iter().for_each(Content::drop_cache);
            }
            Ok(())
        })
    }

    fn rename(&self, from_dir: &File, from: &Path, to_dir: &File, to: &Path, flags: RenameFlags) -> Result<()> {
        let kind = if flags.is_empty() { Call::Rename } else { Call::RenameNew };
        self.call(format_args!("rename {} to {} {flags:?}", shown(from), shown(to)), kind, |world| {
            let from = world.tree.walk(world.node(from_dir), from, false, ResolveFlags::empty())?;
            let to = world.tree.walk(world.node(to_dir), to, false, ResolveFlags::empty())?;
            let (from_dir, from, to_dir, to) = (from.dir, from.name.to_owned(), to.dir, to.name.to_owned());
            world.rename(from_dir, &from, to_dir, &to, flags)
        })
    }

    fn link(&self, file: &File, dir: &File, name: &Path) -> Result<()> {
        self.call(format_args!("link {file} as {}", shown(name)), Call::Link, |world| {
            let place = world.tree.walk(world.node(dir), name, false, ResolveFlags::empty())?;
            let (dir, name) = (place.dir, place.name.to_owned());
            world.link(world.node(file), dir, &name)
        })
    }

    fn unlink(&self, dir: &File, name: &Path) -> Result<()> {
        self.call(format_args!("unlink {}", shown(name)), Call::Unlink, |world| {
            let place = world.tree.walk(world.node(dir), name, false, ResolveFlags::empty())?;
            let (dir, name) = (place.dir, place.name.to_owned());
            world.unlink(dir, &name)
        })
    }

    fn rmdir(&self, dir: &File, name: &Path) -> Result<()> {
        self.call(format_args!("rmdir {}", shown(name)), Call::Rmdir, |world| {
            let place = world.tree.walk(world.node(dir), name, false, ResolveFlags::empty())?;
            let (dir, name, node) = (place.dir, place.name.to_owned(), place.found.ok_or(Errno::NOENT)?);
            world.may_remove(dir)?;
            world.fails(&[(Fault::UnlinkError, Errno::PERM)])?;
            let is_empty = world.tree.entries(node).is_ok_and(<[_]>::is_empty);
            if is_empty && world.locks.is_some() {
                world.tree.set(dir, &name, None);
                world.touch(dir);
                world.removed.push(node);
                return Ok(());
            }
            // A run by itself removes none.
            Err(if world.tree.inodes[node].kind == Kind::Directory { Errno::NOTEMPTY } else { Errno::NOTDIR })
        })
    }

    fn mkdir(&self, dir: &File, name: &Path, mode: Mode) -> Result<()> {
        self.call(format_args!("mkdir {}", shown(name)), Call::Mkdir, |world| {
            let place = world.tree.walk(world.node(dir), name, false, ResolveFlags::empty())?;
            let (dir, name) = (place.dir, place.name.to_owned());
            let body = Body::Directory { entries: Vec::new(), parent: dir };
            world.make(dir, &name, Kind::Directory, body, mode.bits() & 0o1777)
        })
    }

    fn symlink(&self, content: &OsStr, dir: &File, name: &Path) -> Result<()> {
        self.call(format_args!("symlink {} to {}", shown(name), content.to_string_lossy()), Call::Symlink, |world| {
            let place = world.tree.walk(world.node(dir), name, false, ResolveFlags::empty())?;
            let (dir, name) = (place.dir, place.name.to_owned());
            world.make(dir, &name, Kind::Symlink, Body::Symlink(content.to_owned()), 0o777)
        })
    }

    fn list(&self, dir: &File) -> Result<Vec<OsString>> {
        self.call(format_args!("getdents {dir}"), Call::List, |world| {
            let entries = world.tree.entries(world.node(dir))?;
            Ok(entries.iter().map(|(name, _)| name.clone()).collect())
        })
    }

    fn next_names(&self, dir: &File) -> Result<Vec<DirEntry>> {
        self.call(format_args!("getdents {dir}, once"), Call::List, |world| {
            world.follow_removals();
            let opened = world.usable(dir)?;
            let entries = world.tree.entries(opened.node)?.iter().skip(opened.position as usize).take(2);
            let names: Vec<DirEntry> = entries
                .map(|(name, node)| DirEntry { name: name.clone(), kind: Some(world.tree.inodes[*node].kind) })
                .collect();
            world.advance(dir.number, names.len());
            Ok(names)
        })
    }

    fn rewind(&self, dir: &File) -> Result<()> {
        self.call(format_args!("lseek {dir} 0"), Call::List, |world| {
            world.usable(dir)?;
            if let Some(opened) = &mut world.opened[dir.number] {
                opened.position = 0;
            }
            Ok(())
        })
    }

    fn readlink(&self, link: &File) -> Result<OsString> {
        self.call(format_args!("readlink {link}"), Call::Readlink, |world| {
            match &world.tree.inodes[world.node(link)].body {
                Body::Symlink(content) => Ok(content.clone()),
                Body::File(_) | Body::Directory { .. } | Body::Special(_) => Err(Errno::NOENT),
            }
        })
    }

    fn mknod(&self, dir: &File, name: &Path, kind: Kind, mode: Mode, rdev: u64) -> Result<()> {
        self.call(format_args!("mknod {} {kind:?}", shown(name)), Call::Mknod, |world| {
            let place = world.tree.walk(world.node(dir), name, false, ResolveFlags::empty())?;
            let (dir, name) = (place.dir, place.name.to_owned());
            let mode = mode.bits() & 0o7777;
            match kind {
                Kind::CharDevice | Kind::BlockDevice if world.uid != 0 => Err(Errno::PERM),
                Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                    world.make(dir, &name, kind, Body::Special(rdev), mode)
                }
                Kind::File | Kind::Directory | Kind::Symlink => Err(Errno::INVAL),
            }
        })
    }

    fn chown(&self, file: &File, uid: Option<u32>, gid: Option<u32>) -> Result<()> {
        self.call(format_args!("chown {file} {uid:?}:{gid:?}"), Call::Chown, |world| {
            world.chown(world.node(file), uid, gid)
        })
    }

    fn chmod(&self, file: &File, mode: u32) -> Result<()> {
        self.call(format_args!("chmod {file} {mode:o}"), Call::Chmod, |world| world.chmod(world.node(file), mode))
    }

    fn set_times(&self, file: &File, atime: Timestamp, mtime: Timestamp) -> Result<()> {
        self.call(format_args!("utimens {file}"), Call::Times, |world| {
            let node = world.node(file);
            world.owns(node)?;
            world.fails(&[(Fault::AttributeError, Errno::IO)])?;
            let attributes = &mut world.tree.inodes[node].attributes;
            (attributes.atime, attributes.mtime) = (atime, mtime);
            world.touch_inode(node);
            Ok(())
        })
    }

    fn touch(&self, file: &File) -> Result<()> {
        self.call(format_args!("utimens {file} now"), Call::Times, |world| {
            let node = world.node(file);
            world.owns(node)?;
            world.fails(&[(Fault::AttributeError, Errno::IO)])?;
            world.touch(node);
            Ok(())
        })
    }

    fn list_xattr(&self, file: &File) -> Result<Vec<OsString>> {
        self.call(format_args!("listxattr {file}"), Call::ListXattr, |world| {
            world.knows_xattrs(world.node(file))?;
            world.fails(&[(Fault::AttributeError, Errno::IO)])?;
            let xattrs = &world.tree.inodes[world.node(file)].attributes.xattrs;
            Ok(xattrs.iter().map(|(name, _)| name.clone()).collect())
        })
    }

    fn get_xattr(&self, file: &File, name: &OsStr) -> Result<Vec<u8>> {
        self.call(format_args!("getxattr {file} {}", name.to_string_lossy()), Call::GetXattr, |world| {
            world.knows_xattrs(world.node(file))?;
            world.fails(&[(Fault::AttributeError, Errno::IO)])?;
            let xattrs = &world.tree.inodes[world.node(file)].attributes.xattrs;
            xattrs.iter().find(|(there, _)| there == name).map(|(_, value)| value.clone()).ok_or(Errno::NODATA)
        })
    }

    fn set_xattr(&self, file: &File, name: &OsStr, value: &[u8]) -> Result<()> {
        self.call(format_args!("setxattr {file} {}", name.to_string_lossy()), Call::SetXattr, |world| {
            world.set_xattr(world.node(file), name, value)
        })
    }

    fn remove_xattr(&self, file: &File, name: &OsStr) -> Result<()> {
        self.call(format_args!("removexattr {file} {}", name.to_string_lossy()), Call::RemoveXattr, |world| {
            world.remove_xattr(world.node(file), name)
        })
    }

    fn inode_flags(&self, file: &File) -> Result<u32> {
        self.call(format_args!("getflags {file}"), Call::Flags, |world| {
            world.fails(&[(Fault::AttributeError, Errno::IO)])?;
            let node = world.usable(file)?.node;
            let folds = world.systems[world.tree.inodes[node].system].folds_by_flag();
            let is_folded = folds && world.tree.inodes[node].kind == Kind::Directory;
            Ok(world.tree.inodes[node].attributes.flags | if is_folded { CASEFOLD } else { 0 })
        })
    }

    fn set_inode_flags(&self, file: &File, flags: u32) -> Result<()> {
        self.call(format_args!("setflags {file} {flags:x}"), Call::Flags, |world| {
            let node = world.usable(file)?.node;
            world.owns(node)?;
            world.fails(&[(Fault::AttributeError, Errno::PERM)])?;
            world.tree.inodes[node].attributes.flags = flags;
            world.touch_inode(node);
            Ok(())
        })
    }

    fn inode_hints(&self, file: &File) -> Result<InodeHints> {
        self.call(format_args!("fsgetxattr {file}"), Call::Flags, |world| {
            world.usable(file)?;
            Err(Errno::NOTTY)
        })
    }

    fn set_inode_hints(&self, file: &File, _: InodeHints) -> Result<()> {
        self.call(format_args!("fssetxattr {file}"), Call::Flags, |world| {
            world.usable(file)?;
            Err(Errno::NOTTY)
        })
    }

    fn now(&self) -> Timestamp {
        self.world().now()
    }

    fn process_exists(&self, pid: u64) -> Result<()> {
        self.call(format_args!("kill {pid} 0"), true, |_| Ok(()))
    }

    fn random(&self) -> u64 {
        self.world().random.next()
    }
}
