//! What stands where at one moment: names, kinds, content and attributes of a tree.

use super::super::content::Content;
use super::super::tree::{Attributes, Body, Node};
use super::super::world::World;
use super::order::key;
use safecp::kernel::Kind;
use std::ffi::OsString;

/// One name and what bears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    pub path: String,
    /// The path as all that are one with it are written.
    pub key: String,
    pub node: Node,
    pub kind: Kind,
    pub content: Vec<u8>,
    /// Where a symbolic link leads.
    pub link: Option<OsString>,
    pub attributes: Attributes,
    pub nlink: u64,
    /// Whoever reads the content fails.
    pub unreadable: bool,
}

/// What read(2) gives of a file.
pub fn bytes(content: &Content) -> Vec<u8> {
    content.whole()
}

impl Still {
    pub fn of(world: &World, path: String, node: Node) -> Self {
        let inode = &world.tree.inodes[node];
        let (content, link) = match &inode.body {
            Body::File(content) => (bytes(content), None),
            Body::Symlink(link) => (Vec::new(), Some(link.clone())),
            Body::Directory { .. } | Body::Special(_) => (Vec::new(), None),
        };
        let (attributes, key) = (inode.attributes.clone(), key(world, &path));
        let (kind, nlink, unreadable) = (inode.kind, inode.nlink, inode.unreadable);
        Self { key, path, node, kind, content, link, attributes, nlink, unreadable }
    }

    /// Whether nobody has changed it since: content, and attributes but for the time it was last read.
    pub fn is_as_it_was(&self, now: &Still) -> bool {
        let looks = |still: &Still| {
            let Attributes { mode, uid, gid, mtime, .. } = still.attributes;
            (still.kind, mode, uid, gid, if still.kind == Kind::Directory { None } else { Some(mtime) })
        };
        self.content == now.content
            && self.link == now.link
            && looks(self) == looks(now)
            && self.attributes.xattrs == now.attributes.xattrs
    }

    /// The same bytes, whatever else.
    pub fn is_whole(&self, now: &Still) -> bool {
        self.kind == now.kind && self.content == now.content && self.link == now.link
    }
}

/// All names beneath a directory, and that itself, parents first.
pub fn stills(world: &World, path: &str) -> Vec<Still> {
    let mut found = Vec::new();
    if let Some(node) = world.at(path) {
        collect(world, path.to_owned(), node, &mut found);
    }
    found
}

fn collect(world: &World, path: String, node: Node, found: &mut Vec<Still>) {
    found.push(Still::of(world, path.clone(), node));
    for (name, node) in world.tree.entries(node).unwrap_or_default() {
        collect(world, format!("{path}/{}", name.to_string_lossy()), *node, found);
    }
}
