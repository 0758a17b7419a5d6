//! The place of one trial: a source and a target below `tree`, what lies outside of both, and the intruder's own place.
//!
//! What is outside has the names that the source has, so that a link in a directory's place leads to names that are looked for.

use super::content::{SECRET, Tag, text};
use crate::common::is_root;
use rustix::fs::{CWD, FileType, Mode, XattrFlags};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

/// The intruder, where the tests run as root, and whose the trees are.
pub(crate) const INTRUDER: u32 = 65534;
/// The owner of files with set-ID bits.
pub(crate) const GRANTOR: u32 = 12345;
/// Where the stage is mounted once more for whoever shall not be able to rename across.
pub(crate) const OTHER_MOUNT: &str = "other";

/// Directories of a tree, the tree itself first.
const DIRECTORIES: &[&str] = &["", "d0", "d0/e", "d1", "d2"];

/// Names in each directory. Those with the same name in another have the same text.
const FILES: &[(&str, usize, u32)] = &[
    ("f0", 1_000, 0o644),
    ("f1", 0, 0o644),
    ("f2", 9_000, 0o755),
    ("f3", 70_000, 0o664),
    ("p", 5_000, 0o600),
    ("s", 300, 0o6755),
];

/// One place.
pub(crate) struct Stage {
    root: tempfile::TempDir,
    /// Names in both trees, relative to them.
    pub(crate) files: Vec<PathBuf>,
    pub(crate) directories: Vec<PathBuf>,
}

impl Stage {
    /// Builds one below `parent`, with an old target if there is to be one.
    pub(crate) fn build(parent: &Path, has_target: bool) -> Self {
        let root = tempfile::Builder::new().prefix("hostile-").tempdir_in(parent).expect("a temporary directory");
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).expect("chmod");
        let mut stage = Self { root, files: Vec::new(), directories: Vec::new() };
        for place in ["tree", "outside", "outside/empty", "park", OTHER_MOUNT] {
            fs::create_dir(stage.path(place)).expect("mkdir");
        }
        stage.directories = DIRECTORIES.iter().map(PathBuf::from).collect();
        for directory in DIRECTORIES {
            let names = FILES.iter().map(|(name, ..)| *name).chain(["l", "h", "h2", "q"]);
            stage.files.extend(names.map(|name| Path::new(directory).join(name)));
        }
        stage.plant_tree("tree/source", Tag::Source);
        if has_target {
            stage.plant_tree("tree/target", Tag::Old);
        }
        stage.plant_tree("park/decoy-source", Tag::Decoy);
        stage.plant_tree("park/decoy-target", Tag::Decoy);
        stage.plant_outside();
        stage.give(&["tree", "park"]);
        stage
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.path().join(name)
    }

    /// An entry of a tree. The tree itself has no slash behind it, which would follow a link.
    pub(crate) fn entry(&self, tree: &str, name: &Path) -> PathBuf {
        let top = self.path(tree);
        if name.as_os_str().is_empty() { top } else { top.join(name) }
    }

    fn plant_tree(&self, name: &str, tag: Tag) {
        let top = self.path(name);
        for directory in DIRECTORIES {
            let here = top.join(directory);
            fs::create_dir(&here).expect("mkdir");
            for (name, size, mode) in FILES {
                let tag = if tag == Tag::Source && *name == "p" { Tag::Private } else { tag };
                make_file(&here.join(name), &text(tag, name, *size), *mode);
            }
            make_file(&here.join("h"), &text(tag, "h", 2_000), 0o644);
            fs::hard_link(here.join("h"), here.join("h2")).expect("link");
            symlink("f0", here.join("l")).expect("symlink");
            make_fifo(&here.join("q"));
            own_recursively(&here);
        }
    }

    fn plant_outside(&self) {
        for directory in DIRECTORIES {
            let here = self.path("outside").join(directory);
            if !directory.is_empty() {
                fs::create_dir(&here).expect("mkdir");
            }
            for (name, ..) in FILES {
                make_file(&here.join(name), &text(Tag::Secret, name, 400), 0o644);
                let value = SECRET.as_bytes();
                // A filesystem without attributes has none to give away.
                rustix::fs::setxattr(here.join(name), "user.secret", value, XattrFlags::empty()).unwrap_or(());
            }
            make_file(&here.join(SECRET), SECRET.as_bytes(), 0o644);
            symlink(SECRET, here.join("l")).expect("symlink");
        }
        // The intruder gives this file a second name, in the target.
        make_file(&self.path("outside/linked"), &text(Tag::Secret, "linked", 400), 0o644);
    }

    fn give(&self, places: &[&str]) {
        for place in places.iter().filter(|_| is_root()) {
            lchown(self.path(place), Some(INTRUDER), Some(INTRUDER)).expect("chown");
        }
    }
}

fn make_file(path: &Path, bytes: &[u8], mode: u32) {
    fs::write(path, bytes).expect("a file");
    if mode & 0o7000 != 0 && is_root() {
        lchown(path, Some(GRANTOR), Some(GRANTOR)).expect("chown");
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

pub(crate) fn make_fifo(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).expect("mkfifo");
}

/// Gives a directory and what is directly in it to the intruder, but for files with set-ID bits.
fn own_recursively(directory: &Path) {
    if !is_root() {
        return;
    }
    lchown(directory, Some(INTRUDER), Some(INTRUDER)).expect("chown");
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.file_name() != "s" {
            lchown(entry.path(), Some(INTRUDER), Some(INTRUDER)).expect("chown");
        }
    }
}
