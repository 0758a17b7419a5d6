//! What a name is that has arrived, where a list is made of the run: looked at here, and read once more.

use super::types::Pull;
use crate::copy::{Geometry, Name, Sealed, Sealing, Stop};
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::sftp::landing::Landing;
use crate::sftp::local_directory::LocalDirectory;
use crate::sftp::types::TransferEvent;
use std::path::{Path, PathBuf};

impl<K: Kernel> Pull<'_, K> {
    fn sealing(&self) -> Sealing<'_, K> {
        let (kernel, stop) = (self.near.kernel, Stop(self.near.stop));
        Sealing { kernel, geometry: Geometry::default(), threads: None, stop, meter: None }
    }

    /// Its path beneath the directory of all targets.
    pub(super) fn path_in_list(&self, shown: &Path) -> PathBuf {
        shown.strip_prefix(&self.base).unwrap_or(shown).to_owned()
    }

    /// What a file is that has its name.
    pub(super) fn sealed(&self, landing: &Landing<K::File>) -> Result<Option<Sealed>, Error> {
        if !self.wishes.listed.is_made() {
            return Ok(None);
        }
        let name = Path::new(landing.shown.file_name().unwrap_or_default());
        self.sealing().name(&Name::within(&landing.dir.file, name, &landing.shown), None).map(Some)
    }

    /// Tells what a directory is that has everything in it.
    pub(super) fn seal_directory(&mut self, directory: &LocalDirectory<K::File>) {
        if !self.wishes.listed.is_made() {
            return;
        }
        let shown = &directory.shown;
        let stat = self.near.kernel.stat(&directory.file);
        let stat = stat.map_err(|errno| Error::call(Action::StatTarget, shown, errno));
        match stat.and_then(|stat| self.sealing().handle(&directory.file, shown, stat, None)) {
            Ok(sealed) => {
                let path = self.path_in_list(shown);
                (self.tell)(&TransferEvent::Finished { path: &path, sealed: &sealed });
            }
            Err(error) => self.failed_here(error),
        }
    }
}
