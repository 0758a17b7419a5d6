//! Where worlds are made: filesystems that tests/faults/run mounted, and the directory of temporary files.

use super::asked::variable;
use super::say;
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

/// Those where --partial keeps what there is. Another machine may work on what is below an overlay, so that there are no parts on it
/// where this one has no ID (docs/design/partial.md), as in a container.
pub(crate) fn places_with_parts() -> Vec<Place> {
    let has_id = std::fs::read("/etc/machine-id").is_ok_and(|id| !id.is_empty());
    let (kept, left): (Vec<_>, Vec<_>) = places().into_iter().partition(|place| has_id || place.name != "overlay");
    if !left.is_empty() {
        say("left out: parts on an overlay, which need /etc/machine-id");
    }
    kept
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
