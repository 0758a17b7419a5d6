//! The filesystems that tests/run made for the tests, by name: ext4, btrfs, xfs, tmpfs, overlay.

use super::left_out;
use std::path::PathBuf;

/// A mounted filesystem to copy on.
#[derive(Clone, Debug)]
pub(crate) struct Filesystem {
    /// ext4, btrfs, xfs, tmpfs or overlay; `here` is whatever holds the temporary files.
    pub(crate) name: String,
    /// A directory on it.
    pub(crate) path: PathBuf,
}

/// Those of SAFECP_TEST_FILESYSTEMS, written `ext4=/path,btrfs=/path`.
pub(crate) fn made() -> Vec<Filesystem> {
    let list = std::env::var("SAFECP_TEST_FILESYSTEMS").unwrap_or_default();
    let pairs = list.split(',').filter_map(|word| word.split_once('='));
    pairs.map(|(name, path)| Filesystem { name: name.to_owned(), path: path.into() }).collect()
}

/// The same; where there are none `here` alone, which is said.
pub(crate) fn filesystems() -> Vec<Filesystem> {
    let made = made();
    if !made.is_empty() {
        return made;
    }
    left_out("every filesystem but that of the temporary files, see SAFECP_TEST_FILESYSTEMS in tests/run");
    vec![Filesystem { name: "here".to_owned(), path: std::env::temp_dir() }]
}
