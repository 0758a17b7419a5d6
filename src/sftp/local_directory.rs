//! A local directory that far files are received into: open as long as something in it is on its way, and finished after the last.

use std::path::PathBuf;
use std::rc::Rc;

/// A directory; see the head of this file.
pub(super) struct LocalDirectory<F> {
    pub(super) file: F,
    pub(super) shown: PathBuf,
    /// The directory that it lies in, unless the user named it.
    pub(super) above: Option<Rc<LocalDirectory<F>>>,
    /// What it gets once all is in it.
    pub(super) last: Option<Last>,
    /// How many directories are above it.
    pub(super) depth: usize,
}

/// The attributes that a directory has in the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    pub(super) mode: Option<u32>,
    pub(super) times: Option<(u32, u32)>,
}
