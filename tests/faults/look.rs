//! What the rules judge of a world.

pub(crate) use super::tree::{Kind, Seen, Tree};

use super::tree::{self, Company};
use std::path::{Path, PathBuf};

/// Everything below `root`, without what a run may change that nobody asked about.
pub(crate) fn look(root: &Path) -> Tree {
    let mut tree = tree::look(root, Company::Alone);
    tree.remove(Path::new(""));
    tree.values_mut().for_each(judged);
    tree
}

/// When something was read and how it is stored is not judged. Names come and go beside it: which are one file, inodes tell.
fn judged(seen: &mut Seen) {
    (seen.accessed, seen.changed, seen.allocated) = ((0, 0), (0, 0), 0);
    (seen.names, seen.first_name) = (0, PathBuf::new());
}

/// One name.
pub(crate) fn seen(path: &Path) -> Seen {
    let mut seen = tree::seen(path, Company::Alone).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    judged(&mut seen);
    seen
}
