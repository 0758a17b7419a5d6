//! Everything below a directory, by lstat and read alone: to tell what has changed, and what a copy brought.

use super::common::xattrs::xattrs;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A tree by path, relative to the directory that was looked at, which has the empty one.
pub(crate) type Snapshot = BTreeMap<PathBuf, Seen>;

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Link,
    Other,
}

/// One name and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) names: u64,
    pub(crate) modified: (i64, i64),
    pub(crate) changed: (i64, i64),
    /// A file's bytes, a link's text.
    pub(crate) content: Vec<u8>,
    pub(crate) attributes: BTreeMap<String, Vec<u8>>,
}

/// Looks at everything below `top`. A name that goes away meanwhile is left out.
pub(crate) fn look(top: &Path) -> Snapshot {
    let mut snapshot = Snapshot::new();
    descend(top, PathBuf::new(), &mut snapshot);
    snapshot
}

fn descend(top: &Path, path: PathBuf, snapshot: &mut Snapshot) {
    let here = if path.as_os_str().is_empty() { top.to_owned() } else { top.join(&path) };
    let Some(seen) = seen(&here) else { return };
    let is_directory = seen.kind == Kind::Directory;
    snapshot.insert(path.clone(), seen);
    if is_directory {
        for entry in fs::read_dir(&here).into_iter().flatten().flatten() {
            descend(top, path.join(entry.file_name()), snapshot);
        }
    }
}

fn seen(here: &Path) -> Option<Seen> {
    let metadata = fs::symlink_metadata(here).ok()?;
    let file_type = metadata.file_type();
    let (kind, content) = if file_type.is_dir() {
        (Kind::Directory, Vec::new())
    } else if file_type.is_symlink() {
        (Kind::Link, fs::read_link(here).ok()?.into_os_string().as_bytes().to_vec())
    } else if file_type.is_file() {
        (Kind::File, fs::read(here).unwrap_or_default())
    } else {
        let known = file_type.is_fifo() || file_type.is_socket() || file_type.is_char_device();
        assert!(known, "{}: {metadata:?}", here.display());
        (Kind::Other, Vec::new())
    };
    Some(Seen {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        names: metadata.nlink(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        content,
        attributes: xattrs(here),
    })
}
