//! That a filesystem was too small for what was to be copied there, in numbers and in words.

use super::amount::short_size;
use crate::options::Work;
use crate::quote::quoted;
use std::path::PathBuf;

/// What a run lacked on one filesystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// A directory of it.
    pub directory: PathBuf,
    /// What it lacked.
    pub lack: Resource,
    /// Whether the option would help.
    pub in_place: InPlace,
}

/// What a filesystem has too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Bytes: what was not copied needs so many, and so many are left to the user.
    Room {
        /// The least that is needed.
        needed: u64,
        /// What is left once the run is over.
        left: u64,
    },
    /// What somebody's quota allows, which cannot be asked for.
    Quota {
        /// The least that is needed.
        needed: u64,
    },
    /// Inodes, for so many names.
    Inodes {
        /// The names that were not made.
        names: u64,
    },
}

/// What --in-place would come to, which writes into old files and needs no room for two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InPlace {
    /// There is room for that.
    Fits,
    /// It spares nothing, or not enough.
    SparesNothing,
}

/// The line that tells it.
#[must_use]
pub fn text(shortage: &Shortage, work: Work) -> String {
    let directory = quoted(&shortage.directory);
    let lack = match shortage.lack {
        Resource::Inodes { names: 1 } => {
            format!("no inodes are left on the filesystem of {directory}, and 1 is missing")
        }
        Resource::Inodes { names } => {
            format!("no inodes are left on the filesystem of {directory}, and at least {names} are missing")
        }
        Resource::Quota { needed } => format!(
            "what was not copied needs {} on the filesystem of {directory}, more than a disk quota leaves",
            short_size(needed)
        ),
        Resource::Room { needed, left } => format!(
            "what was not copied needs {} on the filesystem of {directory}, where {} are left: at least {} are missing",
            short_size(needed),
            short_size(left),
            short_size(needed.saturating_sub(left))
        ),
    };
    match (shortage.in_place, work) {
        (InPlace::Fits, Work::Copy) => format!("{lack}; --in-place would fit, which writes into the old files"),
        (InPlace::Fits, Work::Install | Work::Move | Work::Examine) | (InPlace::SparesNothing, _) => lack,
    }
}
