//! What is there: everything below a directory, read by std and rustix alone. The campaigns judge by it.

use super::xattrs::xattrs;
use std::collections::BTreeMap;
use std::fs::{self, File, FileType, Metadata, Permissions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A tree by path; the directory that was looked at has the empty one.
pub(crate) type Tree = BTreeMap<PathBuf, Seen>;

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Link,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
}

/// One name and what is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) accessed: (i64, i64),
    pub(crate) modified: (i64, i64),
    pub(crate) changed: (i64, i64),
    pub(crate) device: u64,
    pub(crate) inode: u64,
    /// How many names it has.
    pub(crate) names: u64,
    /// The first of them, in the order of the tree.
    pub(crate) first_name: PathBuf,
    /// Bytes of storage; 0 for what is no regular file.
    pub(crate) allocated: u64,
    /// A file's bytes, a link's text.
    pub(crate) content: Vec<u8>,
    pub(crate) xattrs: BTreeMap<String, Vec<u8>>,
}

impl Seen {
    /// Whether both hold the same bytes, or say the same.
    pub(crate) fn holds_what(&self, other: &Self) -> bool {
        self.kind == other.kind && self.content == other.content
    }
}

/// Whether somebody else is at work in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Nobody: what cannot be read is made readable once it was looked at, and what still fails ends the test.
    Alone,
    /// Somebody: what goes away meanwhile is left out, what cannot be read is empty, and nothing is changed.
    Others,
}

/// O_NOATIME, for a file's owner and root.
const NOATIME: i32 = rustix::fs::OFlags::NOATIME.bits() as i32;

/// Beyond this many levels nothing is looked at: no world is so deep, only what a copy into itself made of it.
const DEPTH_MAX: usize = 60;

/// Looks at everything below `root`.
pub(crate) fn look(root: &Path, company: Company) -> Tree {
    let mut tree = Tree::new();
    descend(root, PathBuf::new(), company, &mut tree);
    let mut first_names = BTreeMap::new();
    for (path, seen) in &mut tree {
        seen.first_name = first_names.entry(seen.inode).or_insert_with(|| path.clone()).clone();
    }
    tree
}

fn descend(root: &Path, path: PathBuf, company: Company, tree: &mut Tree) {
    if path.components().count() > DEPTH_MAX {
        return;
    }
    let here = if path.as_os_str().is_empty() { root.to_owned() } else { root.join(&path) };
    let Some(seen) = needed(seen(&here, company), &here, company) else { return };
    let is_directory = seen.kind == Kind::Directory;
    tree.insert(path.clone(), seen);
    if is_directory {
        for entry in needed(fs::read_dir(&here), &here, company).into_iter().flatten() {
            let Some(entry) = needed(entry, &here, company) else { continue };
            descend(root, path.join(entry.file_name()), company, tree);
        }
    }
}

/// What must be had unless others are at work.
fn needed<T>(found: io::Result<T>, here: &Path, company: Company) -> Option<T> {
    match (found, company) {
        (Ok(found), _) => Some(found),
        (Err(_), Company::Others) => None,
        (Err(error), Company::Alone) => panic!("{}: {error}", here.display()),
    }
}

/// Looks at one name.
pub(crate) fn seen(here: &Path, company: Company) -> io::Result<Seen> {
    let metadata = fs::symlink_metadata(here)?;
    let (kind, xattrs) = (kind_of(metadata.file_type()), xattrs(here));
    if company == Company::Alone {
        unlock(here, &metadata)?;
    }
    let content = match (kind, company) {
        (Kind::File, Company::Alone) => read(here)?,
        (Kind::File, Company::Others) => fs::read(here).unwrap_or_default(),
        (Kind::Link, _) => fs::read_link(here)?.as_os_str().as_bytes().to_vec(),
        (Kind::Directory | Kind::Fifo | Kind::Socket | Kind::CharacterDevice | Kind::BlockDevice, _) => Vec::new(),
    };
    Ok(Seen {
        kind,
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        accessed: (metadata.atime(), metadata.atime_nsec()),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
        device: metadata.rdev(),
        inode: metadata.ino(),
        names: metadata.nlink(),
        first_name: PathBuf::new(),
        allocated: if kind == Kind::File { metadata.blocks() * 512 } else { 0 },
        content,
        xattrs,
    })
}

fn kind_of(file_type: FileType) -> Kind {
    let kinds = [
        (file_type.is_dir(), Kind::Directory),
        (file_type.is_symlink(), Kind::Link),
        (file_type.is_fifo(), Kind::Fifo),
        (file_type.is_socket(), Kind::Socket),
        (file_type.is_char_device(), Kind::CharacterDevice),
        (file_type.is_block_device(), Kind::BlockDevice),
    ];
    kinds.into_iter().find_map(|(is, kind)| is.then_some(kind)).unwrap_or(Kind::File)
}

/// A file's bytes. Its time of access stays, for other names of it are still to be looked at.
fn read(here: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::options().read(true).custom_flags(NOATIME).open(here)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unlock(here: &Path, metadata: &Metadata) -> io::Result<()> {
    let needed = if metadata.is_dir() { 0o700 } else { 0o400 };
    let locked = metadata.mode() & needed != needed && (metadata.is_dir() || metadata.is_file());
    if locked && !rustix::process::geteuid().is_root() {
        fs::set_permissions(here, Permissions::from_mode(0o700))?;
    }
    Ok(())
}
