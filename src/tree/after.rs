//! What follows once a name is made.

use super::links::Version;

/// When cp would have removed what stood at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removed {
    /// It would not have.
    No,
    /// Before anything was made.
    Before,
    /// Once it could not be opened, if so.
    IfNeeded,
}

/// What follows once a name is made.
#[derive(Clone, Copy)]
pub(super) enum After {
    Nothing,
    /// It is the first of an inode's names: those that wait for it come up again.
    FirstOf {
        version: Version,
        names: u64,
    },
}

/// What has become of a target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is what it was: -u found it new enough, the user said no, or it is the source.
    Left,
    /// It was made, or will be by whoever it waits for.
    Made,
}
