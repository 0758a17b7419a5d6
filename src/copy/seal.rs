//! What a file is that was copied, told by the handle that wrote it: opening its name once more was half of the calls that a list cost.
//!
//! The commit has proved that the name shows that file. Where it cannot, nothing is told here, and whoever wants to know looks at the
//! name: what was written in place or through a link, and filesystems that are not known.

use super::copier::Copier;
use super::sealed::{Sealed, Sealing};
use super::sink::Content;
use crate::kernel::{Kernel, Kind, Stat};
use crate::known::filesystems::Honesty;
use std::path::Path;

impl<K: Kernel> Copier<'_, K> {
    /// What looks at names of this run.
    pub(crate) fn sealing(&self) -> Sealing<'_, K> {
        let Self { kernel, geometry, ref threads, stop, .. } = *self;
        Sealing { kernel, geometry, threads: Some(threads), stop, meter: None }
    }

    /// What a verified file is that has just got its name, by its handle, where a list is made of the run. `None` leaves that to a
    /// look at the name, which tells what fails as well. On filesystems that are not known the name may show something else.
    pub(super) fn sealed(
        &self,
        honesty: Honesty,
        file: &K::File,
        shown: &Path,
        content: Option<Content<'_>>,
    ) -> Option<Box<Sealed>> {
        let is_known = honesty.is_known();
        let passed = content.filter(|_| self.options.seals && is_known).map(|content| &content.filled.passed)?;
        let digests = passed.digests.clone()?;
        // A name that is gone again, and content that was written since, are not what was verified.
        let is_verified = |stat: &Stat| stat.kind == Kind::File && stat.nlink > 0 && stat.size == passed.size;
        let stat = self.kernel.stat(file).ok().filter(is_verified)?;
        self.sealing().handle(file, shown, stat, Some(digests)).ok().map(Box::new)
    }
}
