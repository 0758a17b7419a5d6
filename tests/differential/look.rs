//! What a run left behind: everything below a directory, read by std and rustix alone.

use super::compare::WORLD;
use super::programs::PLACE;
use super::xattrs::xattrs;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, Permissions};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A tree by path; the directory looked at has the empty path.
pub(crate) type Tree = BTreeMap<PathBuf, Seen>;

/// O_NOATIME, for a file's owner and root.
const NOATIME: i32 = rustix::fs::OFlags::NOATIME.bits() as i32;

/// Beyond this many levels nothing is looked at: no world is so deep, only what a copy into itself made of it.
const DEPTH_MAX: usize = 60;

/// One name and what is behind it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) kind: &'static str,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) accessed: (i64, i64),
    pub(crate) modified: (i64, i64),
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// The first name of the same file, in the order of the tree.
    pub(crate) first_name: PathBuf,
    /// Bytes of storage; 0 for what is no regular file.
    pub(crate) allocated: u64,
    /// A file's bytes, a link's text.
    pub(crate) content: Vec<u8>,
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

/// Looks at everything below `root`. What this user may not read is made readable first, after it was looked at.
pub(crate) fn look(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut first_names = BTreeMap::new();
    descend(root, PathBuf::new(), &mut tree);
    let world = root.join(WORLD);
    for (path, seen) in &mut tree {
        // Links that lead to the world by its full path lead to the same place in both.
        if let ("symlink", Ok(rest)) = (seen.kind, Path::new(OsStr::from_bytes(&seen.content)).strip_prefix(&world)) {
            seen.content = Path::new(PLACE).join(rest).into_os_string().into_vec();
        }
        seen.first_name = first_names.entry(seen.inode).or_insert_with(|| path.clone()).clone();
    }
    tree
}

fn descend(root: &Path, path: PathBuf, tree: &mut Tree) {
    if path.components().count() > DEPTH_MAX {
        return;
    }
    let here = root.join(&path);
    let metadata = fs::symlink_metadata(&here).unwrap_or_else(|error| panic!("{}: {error}", here.display()));
    let xattrs = xattrs(&here);
    unlock(&here, &metadata);
    tree.insert(path.clone(), seen(&here, &metadata, xattrs));
    if metadata.is_dir() {
        let entries = fs::read_dir(&here).unwrap_or_else(|error| panic!("{}: {error}", here.display()));
        for entry in entries {
            descend(root, path.join(entry.expect("an entry").file_name()), tree);
        }
    }
}

fn seen(here: &Path, metadata: &Metadata, xattrs: BTreeMap<String, Vec<u8>>) -> Seen {
    let kind = metadata.file_type();
    let (kind, content) = if kind.is_dir() {
        ("directory", Vec::new())
    } else if kind.is_file() {
        ("file", read(here).unwrap_or_else(|error| panic!("{}: {error}", here.display())))
    } else if kind.is_symlink() {
        ("symlink", fs::read_link(here).expect("readlink").into_os_string().as_bytes().to_vec())
    } else if kind.is_fifo() {
        ("fifo", Vec::new())
    } else if kind.is_char_device() {
        ("character device", Vec::new())
    } else {
        ("something else", Vec::new())
    };
    Seen {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        accessed: (metadata.atime(), metadata.atime_nsec()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        device: metadata.rdev(),
        inode: metadata.ino(),
        first_name: PathBuf::new(),
        allocated: if kind == "file" { metadata.blocks() * 512 } else { 0 },
        content,
        xattrs,
    }
}

/// A file's bytes. Its time of access stays, for other names of it are still to be looked at.
fn read(here: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::options().read(true).custom_flags(NOATIME).open(here)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unlock(here: &Path, metadata: &Metadata) {
    let needed = if metadata.is_dir() { 0o700 } else { 0o400 };
    let locked = metadata.mode() & needed != needed && (metadata.is_dir() || metadata.is_file());
    if locked && !rustix::process::geteuid().is_root() {
        fs::set_permissions(here, Permissions::from_mode(0o700)).expect("chmod of what is looked at");
    }
}
