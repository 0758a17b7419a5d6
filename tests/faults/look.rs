//! What is there: everything below a directory, read by std and rustix alone.

use super::xattrs::xattrs;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A tree by path beneath the directory that was looked at.
pub(crate) type Tree = BTreeMap<PathBuf, Seen>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Link,
    Other,
}

/// One name and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    /// A file's bytes, a link's text.
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) modified: (i64, i64),
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
    pub(crate) inode: u64,
}

impl Seen {
    /// Whether both hold the same bytes, or say the same.
    pub(crate) fn holds_what(&self, other: &Self) -> bool {
        self.kind == other.kind && self.content == other.content
    }
}

/// Looks at everything below `root`.
pub(crate) fn look(root: &Path) -> Tree {
    let mut tree = Tree::new();
    descend(root, Path::new(""), &mut tree);
    tree
}

fn descend(root: &Path, path: &Path, tree: &mut Tree) {
    let here = root.join(path);
    // A program that went wrong may have closed it; without root it is opened for us.
    let entries = fs::read_dir(&here)
        .or_else(|_| fs::set_permissions(&here, fs::Permissions::from_mode(0o700)).and_then(|()| fs::read_dir(&here)));
    for entry in entries.unwrap_or_else(|error| panic!("{}: {error}", here.display())) {
        let path = path.join(entry.expect("an entry").file_name());
        let seen = seen(&root.join(&path));
        let is_directory = seen.kind == Kind::Directory;
        tree.insert(path.clone(), seen);
        if is_directory {
            descend(root, &path, tree);
        }
    }
}

/// Looks at one name.
pub(crate) fn seen(path: &Path) -> Seen {
    let failed = |error| panic!("{}: {error}", path.display());
    let metadata = fs::symlink_metadata(path).unwrap_or_else(failed);
    let kind = kind(&metadata);
    let content = match kind {
        Kind::File => fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        Kind::Link => fs::read_link(path).expect("readlink").as_os_str().as_bytes().to_vec(),
        Kind::Directory | Kind::Other => Vec::new(),
    };
    Seen {
        kind,
        content,
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        xattrs: xattrs(path),
        inode: metadata.ino(),
    }
}

fn kind(metadata: &Metadata) -> Kind {
    let kind = metadata.file_type();
    match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
        (true, _, _) => Kind::File,
        (_, true, _) => Kind::Directory,
        (_, _, true) => Kind::Link,
        _ => Kind::Other,
    }
}
