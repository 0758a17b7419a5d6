//! The files of a tree, as walkdir finds them. Nothing is copied here, so that a path may be looked up twice: whoever exchanges
//! a directory meanwhile has another file read, and told of.

use super::packages;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::known::filesystems::Filesystem;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// Which filesystems a scan enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enters {
    /// All that lie in the tree, but those that the kernel makes up.
    All,
    /// The one that the operand lies on.
    One,
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScannedFile {
    pub(super) path: PathBuf,
    /// The user named it himself, and a link that has its name is followed.
    pub(super) is_operand: bool,
}

/// What lies beneath `operand` and may be a regular file. No link is followed but the operand itself.
pub(super) fn files<'a, K: Kernel>(
    kernel: &'a K,
    operand: &Path,
    enters: Enters,
) -> impl Iterator<Item = Result<ScannedFile, Error>> + use<'a, K> {
    let mut known = BTreeMap::new();
    let walk = WalkDir::new(operand).same_file_system(enters == Enters::One).into_iter();
    let entries =
        walk.filter_entry(move |entry| !entry.file_type().is_dir() || !is_made_up(kernel, entry.path(), &mut known));
    entries.filter_map(|entry| match entry {
        Ok(entry) => {
            is_candidate(&entry).then(|| Ok(ScannedFile { is_operand: entry.depth() == 0, path: entry.into_path() }))
        }
        Err(error) => Some(Err(failed(&error))),
    })
}

fn is_candidate(entry: &DirEntry) -> bool {
    entry.file_type().is_file() || entry.depth() == 0 && entry.file_type().is_symlink()
}

fn failed(error: &walkdir::Error) -> Error {
    let errno = error.io_error().and_then(Errno::from_io_error).unwrap_or(Errno::LOOP);
    Error::call(Action::Access, error.path().unwrap_or(Path::new("")), errno)
}

/// Whether a directory lies on a filesystem that makes its files up, like proc; asked once for each filesystem. What cannot be
/// told is entered, and says itself why it cannot be read.
fn is_made_up<K: Kernel>(kernel: &K, path: &Path, known: &mut BTreeMap<u64, bool>) -> bool {
    let Ok(stat) = kernel.stat_at(None, path, false) else { return false };
    *known.entry(stat.dev).or_insert_with(|| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let dir = kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty());
        dir.and_then(|dir| kernel.filesystem(&dir)).is_ok_and(|magic| Filesystem::new(magic).is_pseudo())
    })
}

/// The operand as a path from the root without links, and the root of the system that it is a part of: the nearest
/// directory above with lists of dpkg, else the root of this one.
pub(super) fn place(operand: &Path) -> (PathBuf, PathBuf) {
    // What cannot be looked up is told when it is walked.
    let real = operand.canonicalize().unwrap_or_else(|_| operand.to_owned());
    let root = real.ancestors().find(|above| above.join(packages::PLACE).is_dir()).unwrap_or(Path::new("/"));
    (real.clone(), root.to_owned())
}
