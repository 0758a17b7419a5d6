//! Where a name is moved to.

use std::path::PathBuf;

/// A name in an open directory.
pub(super) struct Destination<'a, F> {
    pub(super) dir: &'a F,
    /// Beneath the directory: one component, or a path as it was typed.
    pub(super) name: PathBuf,
    /// As the user would write it.
    pub(super) shown: PathBuf,
}
