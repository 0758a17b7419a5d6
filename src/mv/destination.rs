//! Where a name is moved to.

use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags, Result};
use crate::path::directory_of;
use crate::tree::plan::{last_component, without_trailing_slashes};
use std::path::{Path, PathBuf};

/// A name in an open directory.
pub(super) struct Destination<'a, F> {
    pub(super) dir: &'a F,
    /// Beneath the directory: one component, or a path as it was typed.
    pub(super) name: PathBuf,
    /// As the user would write it.
    pub(super) shown: PathBuf,
}

impl<F> Destination<'_, F> {
    /// Opens the directory that the last component lies in, and gives that component: what a name leaves behind, or a
    /// backup, is found beside it.
    pub(super) fn split<K: Kernel<File = F>>(&self, kernel: &K) -> Result<(F, PathBuf)> {
        let path = without_trailing_slashes(&self.name);
        let above = directory_of(path);
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let dir = kernel.open(Some(self.dir), above, flags, Mode::empty(), ResolveFlags::empty())?;
        Ok((dir, last_component(path)))
    }
}

/// Opens the directory that names begin in: the working directory, or the root where that one may not be searched, or does not
/// answer, and none of these names begins in it.
pub(super) fn start<'p, K: Kernel>(kernel: &K, mut names: impl Iterator<Item = &'p PathBuf>) -> Result<K::File> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let open = |path| kernel.open(None, Path::new(path), flags, Mode::empty(), ResolveFlags::empty());
    let here = open(".");
    if here.is_err() && names.all(|name| name.is_absolute()) { open("/") } else { here }
}
