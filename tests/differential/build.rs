//! Makes the world of a case in a directory. The same case gives the same world, to the nanosecond.

use super::case::{Case, Content, Entry, Kind, Time};
use super::random::Random;
use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, lchown, symlink};
use std::path::Path;

/// The user without rights.
pub(crate) const NOBODY: u32 = 65534;

/// Makes everything below `root`, which is there and empty. Attributes are given from the last entry to the first:
/// what they forbid, and the times of directories, must not be disturbed by what is made later.
pub(crate) fn build(case: &Case, root: &Path) {
    let privileged = rustix::process::geteuid().is_root();
    for entry in &case.entries {
        create(entry, root);
    }
    for entry in case.entries.iter().rev().filter(|entry| !matches!(entry.kind, Kind::Link(_))) {
        dress(entry, &root.join(&entry.path), privileged);
    }
    if privileged && case.as_nobody {
        lchown(root, Some(NOBODY), Some(NOBODY)).expect("chown of a world");
    }
}

fn create(entry: &Entry, root: &Path) {
    let path = root.join(&entry.path);
    let result = match &entry.kind {
        Kind::Directory => fs::create_dir(&path),
        Kind::File(content) => write(content, &path),
        Kind::Symlink(text) => symlink(text, &path),
        Kind::Link(file) => fs::hard_link(root.join(file), &path),
        Kind::Fifo => node(&path, FileType::Fifo, 0),
        Kind::Device(major, minor) => node(&path, FileType::CharacterDevice, rustix::fs::makedev(*major, *minor)),
    };
    result.unwrap_or_else(|error| panic!("making {}: {error}", path.display()));
}

fn write(content: &Content, path: &Path) -> std::io::Result<()> {
    let file = File::create_new(path)?;
    file.set_len(content.size)?;
    for piece in &content.pieces {
        let mut bytes = vec![0; usize::try_from(piece.length).expect("a small piece")];
        if piece.seed != 0 {
            Random::new(piece.seed).fill(&mut bytes);
        }
        file.write_all_at(&bytes, piece.offset)?;
    }
    Ok(())
}

fn node(path: &Path, kind: FileType, device: u64) -> std::io::Result<()> {
    Ok(rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), device)?)
}

fn dress(entry: &Entry, path: &Path, privileged: bool) {
    if privileged {
        lchown(path, Some(entry.owner.0), Some(entry.owner.1)).expect("chown");
    }
    let is_list = |name: &str| name.starts_with("system.");
    let set = |lists: bool| {
        for (name, value) in entry.xattrs.iter().filter(|(name, _)| is_list(name) == lists) {
            rustix::fs::lsetxattr(path, *name, value, XattrFlags::empty())
                .unwrap_or_else(|error| panic!("setting {name} of {}: {error}", path.display()));
        }
    };
    set(false);
    if !matches!(entry.kind, Kind::Symlink(_)) {
        fs::set_permissions(path, Permissions::from_mode(entry.mode)).expect("chmod");
    }
    // An access control list is a part of the mode, and the last to be set decides.
    set(true);
    let timespec = |(seconds, nanos): Time| Timespec { tv_sec: seconds, tv_nsec: nanos.into() };
    let times = Timestamps { last_access: timespec(entry.accessed), last_modification: timespec(entry.modified) };
    rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW).expect("utimensat");
}
