//! Where worlds are made: filesystems that tests/faults/run mounted, and the directory of temporary files.

use super::asked::variable;
use std::path::PathBuf;

/// A directory on a filesystem.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// All places of this run where there is room.
pub(crate) fn places() -> Vec<Place> {
    let (_, roomy): (Vec<_>, Vec<_>) = made().into_iter().partition(|place| place.name == "quota");
    if roomy.is_empty() { vec![Place { name: "here".to_owned(), path: std::env::temp_dir() }] } else { roomy }
}

/// The btrfs with quotas, if it could be made.
pub(crate) fn quotas() -> Vec<Place> {
    made().into_iter().filter(|place| place.name == "quota").collect()
}

fn made() -> Vec<Place> {
    let list = variable("SAFECP_TEST_FILESYSTEMS").unwrap_or_default();
    let pairs = list.split(',').filter_map(|word| word.split_once('='));
    pairs.map(|(name, path)| Place { name: name.to_owned(), path: path.into() }).collect()
}
