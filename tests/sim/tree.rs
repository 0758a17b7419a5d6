//! The simulated namespace: inodes, directory entries and the lookup of paths.
//!
//! Every change of a directory is logged with what it replaced, so that a power loss can take back
//! what no fsync of the directory has made durable. Lookup knows symbolic links and what openat2's
//! BENEATH and NO_SYMLINKS refuse; it knows no permissions of directories.

use super::content::Content;
use super::random::Random;
use super::system::Folding;
use rustix::fs::ResolveFlags;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use safecp::kernel::{Kind, Result, Timestamp};

/// Index of an inode in its [`Tree`]; the inode number is one more.
pub type Node = usize;

/// The root directory, also the working directory.
pub const ROOT: Node = 0;

/// Symbolic links that one lookup follows before ELOOP.
const LINKS_MAX: u32 = 40;

/// What an inode holds besides its attributes.
#[derive(Clone, Debug)]
pub enum Body {
    /// A regular file's bytes.
    File(Content),
    /// A directory's entries in the order they were made, and the directory it is in.
    Directory { entries: Vec<(OsString, Node)>, parent: Node },
    /// Where a symbolic link points.
    Symlink(OsString),
    /// A fifo, socket or device, with the device's number.
    Special(u64),
}

/// The attributes that chmod, chown, utimensat and setxattr set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub atime: Timestamp,
    pub mtime: Timestamp,
    pub ctime: Timestamp,
    pub xattrs: Vec<(OsString, Vec<u8>)>,
    /// What chattr sets.
    pub flags: u32,
}

/// One inode.
#[derive(Clone, Debug)]
pub struct Inode {
    /// What stat calls it; a number of an inode that is gone may be another's.
    pub number: u64,
    pub system: usize,
    pub kind: Kind,
    pub body: Body,
    pub attributes: Attributes,
    /// The attributes as the last fsync left them.
    pub stable: Attributes,
    pub nlink: u64,
    pub birth: Timestamp,
    /// O_TMPFILE without O_EXCL, or once linked: linkat may name it although nlink is 0.
    pub linkable: bool,
    /// It lies outside of what the run was given: opening it breaks a promise.
    pub secret: bool,
    /// It lies in bad sectors: whoever reads it fails.
    pub unreadable: bool,
    /// Rights that others had to it at some time when it had a name and bytes; see [`LISTED`].
    pub exposed: u32,
}

/// The bit of [`Inode::exposed`] for rights by an access control list.
pub const LISTED: u32 = 0o1000;

/// One directory operation: which entries it changed, and what stood there before.
#[derive(Debug)]
struct Change {
    entries: [Option<(Node, OsString, Option<Node>)>; 2],
    durable: bool,
}

/// All inodes of all filesystems of a world.
#[derive(Debug, Default)]
pub struct Tree {
    pub inodes: Vec<Inode>,
    /// Numbers of inodes that are gone, with their filesystems: new inodes get them.
    pub free: Vec<(usize, u64)>,
    /// How the names of each filesystem are compared; exactly where nothing is said.
    pub folding: Vec<Folding>,
    /// Directories, and which of their entries went: who lists one goes on behind the same name.
    pub removed: Vec<(Node, usize)>,
    changes: Vec<Change>,
}

/// Where a path leads: the directory, the name in it, and what bears that name.
pub struct Place<'a> {
    pub dir: Node,
    pub name: &'a OsStr,
    pub found: Option<Node>,
    /// Whether the path ends in a slash, so that only a directory will do.
    pub slash: bool,
}

impl Tree {
    pub fn add(&mut self, system: usize, kind: Kind, body: Body, attributes: Attributes) -> Node {
        let (stable, birth) = (attributes.clone(), attributes.ctime);
        let free = self.free.iter().position(|(of, _)| *of == system);
        let number = free.map_or(self.inodes.len() as u64 + 1, |at| self.free.swap_remove(at).1);
        self.inodes.push(Inode {
            number,
            system,
            kind,
            body,
            attributes,
            stable,
            nlink: 0,
            birth,
            linkable: true,
            secret: false,
            unreadable: false,
            exposed: 0,
        });
        self.inodes.len() - 1
    }

    pub fn entries(&self, dir: Node) -> Result<&[(OsString, Node)]> {
        match &self.inodes[dir].body {
            Body::Directory { entries, .. } => Ok(entries),
            Body::File(_) | Body::Symlink(_) | Body::Special(_) => Err(Errno::NOTDIR),
        }
    }

    fn entries_mut(&mut self, dir: Node) -> &mut Vec<(OsString, Node)> {
        match &mut self.inodes[dir].body {
            Body::Directory { entries, .. } => entries,
            Body::File(_) | Body::Symlink(_) | Body::Special(_) => panic!("inode {dir} is no directory"),
        }
    }

    pub fn content(&self, node: Node) -> Option<&Content> {
        match &self.inodes[node].body {
            Body::File(content) => Some(content),
            Body::Directory { .. } | Body::Symlink(_) | Body::Special(_) => None,
        }
    }

    pub fn content_mut(&mut self, node: Node) -> Option<&mut Content> {
        match &mut self.inodes[node].body {
            Body::File(content) => Some(content),
            Body::Directory { .. } | Body::Symlink(_) | Body::Special(_) => None,
        }
    }

    pub fn find(&self, dir: Node, name: &OsStr) -> Option<Node> {
        let folding = self.folding_of(dir);
        self.entries(dir).ok()?.iter().find(|(entry, _)| folding.is_same(entry, name)).map(|(_, node)| *node)
    }

    /// How names in a directory are compared.
    pub fn folding_of(&self, dir: Node) -> Folding {
        self.folding.get(self.inodes[dir].system).copied().unwrap_or_default()
    }

    /// Makes `name` in `dir` stand for `node`, or for nothing; returns what it stood for.
    fn put(&mut self, dir: Node, name: &OsStr, node: Option<Node>) -> Option<Node> {
        let folding = self.folding_of(dir);
        let entries = self.entries_mut(dir);
        let at = entries.iter().position(|(entry, _)| folding.is_same(entry, name));
        let before = match (at, node) {
            (Some(at), Some(node)) => Some(std::mem::replace(&mut entries[at].1, node)),
            (Some(at), None) => {
                let before = entries.remove(at).1;
                self.removed.push((dir, at));
                Some(before)
            }
            (None, Some(node)) => {
                entries.push((name.to_owned(), node));
                None
            }
            (None, None) => None,
        };
        if let Some(node) = node {
            self.inodes[node].nlink += 1;
            if let Body::Directory { parent, .. } = &mut self.inodes[node].body {
                *parent = dir;
            }
        }
        if let Some(before) = before {
            self.inodes[before].nlink = self.inodes[before].nlink.saturating_sub(1);
        }
        before
    }

    /// One entry is made, replaced or removed.
    pub fn set(&mut self, dir: Node, name: &OsStr, node: Option<Node>) {
        let before = self.put(dir, name, node);
        self.changes.push(Change { entries: [Some((dir, name.to_owned(), before)), None], durable: false });
    }

    /// `from` becomes `to` in one step.
    pub fn rename(&mut self, from_dir: Node, from: &OsStr, to_dir: Node, to: &OsStr) {
        let Some(node) = self.put(from_dir, from, None) else { return };
        let replaced = self.put(to_dir, to, Some(node));
        let entries = [Some((to_dir, to.to_owned(), replaced)), Some((from_dir, from.to_owned(), Some(node)))];
        self.changes.push(Change { entries, durable: false });
    }

    /// fsync of a directory: its entries survive a power loss.
    pub fn make_durable(&mut self, dir: Node) {
        for change in &mut self.changes {
            change.durable |= change.entries.iter().flatten().any(|(changed, ..)| *changed == dir);
        }
    }

    /// Everything so far survives a power loss.
    pub fn settle(&mut self) {
        self.changes.clear();
        for inode in &mut self.inodes {
            inode.stable = inode.attributes.clone();
            if let Body::File(content) = &mut inode.body {
                content.make_stable();
                content.sync();
            }
        }
    }

    /// What is there after a power loss: of the directory operations a prefix and the durable ones.
    pub fn lose_power(&mut self, random: &mut Random) {
        let kept = random.index(self.changes.len() + 1);
        for change in std::mem::take(&mut self.changes).into_iter().skip(kept).rev().filter(|change| !change.durable) {
            for (dir, name, before) in change.entries.into_iter().flatten() {
                self.put(dir, &name, before);
            }
        }
        for inode in &mut self.inodes {
            if let Body::File(content) = &mut inode.body {
                content.lose_power(random);
            }
            if random.once_in(2) {
                inode.attributes = inode.stable.clone();
            }
        }
    }

    /// Looks `path` up from `start`; `follow` follows a symbolic link at its end.
    pub fn walk<'a>(&'a self, start: Node, path: &'a Path, follow: bool, resolve: ResolveFlags) -> Result<Place<'a>> {
        let mut links = 0;
        self.step(start, start, path.as_os_str().as_bytes(), follow, resolve, &mut links)
    }

    fn step<'a>(
        &'a self,
        top: Node,
        from: Node,
        path: &'a [u8],
        follow: bool,
        resolve: ResolveFlags,
        links: &mut u32,
    ) -> Result<Place<'a>> {
        let beneath = resolve.contains(ResolveFlags::BENEATH);
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        let absolute = path[0] == b'/';
        if absolute && beneath {
            return Err(Errno::XDEV);
        }
        let slash = path[path.len() - 1] == b'/';
        let mut place =
            Place { dir: ROOT, name: OsStr::new("."), found: Some(if absolute { ROOT } else { from }), slash };
        let mut rest = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = rest.next() {
            let dir = place.found.ok_or(Errno::NOENT)?;
            let Body::Directory { parent, .. } = &self.inodes[dir].body else { return Err(Errno::NOTDIR) };
            if name.len() > 255 {
                return Err(Errno::NAMETOOLONG);
            }
            let last = rest.peek().is_none();
            let found = match name {
                b"." => Some(dir),
                b".." if beneath && dir == top => return Err(Errno::XDEV),
                b".." => Some(*parent),
                name => self.find(dir, OsStr::from_bytes(name)),
            };
            place = Place { dir, name: OsStr::from_bytes(name), found, slash };
            if let Some((Body::Symlink(content), true)) =
                found.map(|node| (&self.inodes[node].body, !last || follow || slash))
            {
                *links += 1;
                if resolve.contains(ResolveFlags::NO_SYMLINKS) || *links > LINKS_MAX {
                    return Err(Errno::LOOP);
                }
                place = self.step(top, dir, content.as_bytes(), true, resolve, links)?;
                place.slash |= slash;
            }
        }
        if place.slash && place.found.is_some_and(|node| self.inodes[node].kind != Kind::Directory) {
            return Err(Errno::NOTDIR);
        }
        Ok(place)
    }
}
