//! One name made right again: a file from whichever copy has what is listed, everything else from what the list says of it.
//!
//! What is damaged stays as it is until what takes its name was proved, and is on disk.

use super::assembly::{Assembly, nowhere};
use super::finding::Mended;
use super::format::Format;
use super::name_to_mend::{Existing, NameToMend};
use super::names::clean;
use super::open::{Links, beneath};
use super::origin::{Origin, opened};
use super::record::Record;
use super::unmended::{Unmended, Unreadable};
use crate::copy::Sealing;
use crate::copy::commit::{Spot, Temporary};
use crate::copy::stale_temporary::TemporaryNames;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags};
use crate::path::directory_of;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Another copy of the tree.
pub(super) struct Copy<'a, K: Kernel> {
    pub(super) root: K::File,
    pub(super) shown: &'a Path,
}

/// Mends names; see the head of this file.
pub(super) struct Mender<'a, K: Kernel> {
    pub(super) sealing: &'a Sealing<'a, K>,
    pub(super) root: K::File,
    pub(super) shown: &'a Path,
    pub(super) copies: Vec<Copy<'a, K>>,
    pub(super) companion: PathBuf,
    pub(super) format: Format,
    pub(super) names: TemporaryNames,
    /// Directories that the list does not tell, and that were made.
    pub(super) unlisted: RefCell<Vec<Record>>,
}

impl<K: Kernel> Mender<'_, K> {
    fn to_mend<'p>(&'p self, path: &'p Path) -> Result<NameToMend<'p, K>, Error> {
        let dir = self.directory(directory_of(path), &self.shown.join(path))?;
        NameToMend::within(self.sealing.kernel, &self.names, dir, path, self.shown)
    }

    /// Opens a directory to make `shown` in it. One that is not there, and that the list does not tell, is made as a copy has it.
    fn directory(&self, path: &Path, shown: &Path) -> Result<K::File, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let open = |path: &Path| beneath(self.sealing.kernel, &self.root, path, flags, Links::None);
        let is_missing = |path: &&Path| !path.as_os_str().is_empty() && matches!(open(path), Err(Errno::NOENT));
        let missing: Vec<_> = path.ancestors().take_while(is_missing).collect();
        for path in missing.into_iter().rev() {
            let above = open(directory_of(path)).map_err(|errno| Error::call(Action::CreateFile, shown, errno))?;
            self.make_unlisted(&above, path, shown)?;
        }
        open(path).map_err(|errno| Error::call(Action::CreateFile, shown, errno))
    }

    fn make_unlisted(&self, above: &K::File, path: &Path, shown: &Path) -> Result<(), Error> {
        let kernel = self.sealing.kernel;
        let failed = |errno| Error::call(Action::CreateFile, shown, errno);
        let name = path.file_name().map(Path::new).ok_or_else(|| failed(Errno::INVAL))?;
        kernel.mkdir(above, name, Mode::RWXU).map_err(failed)?;
        let unlisted = Record { path: path.to_owned(), kind: Some(Kind::Directory), ..Record::default() };
        let donors = self.donors(&unlisted, path)?;
        let Some(donor) = donors.first() else { return Ok(()) };
        // It is filled before it is finished.
        let mode = Some(kernel.stat(donor).map_err(failed)?.mode | 0o700);
        self.set_attributes_by_path(&Record { mode, ..unlisted.clone() }, path)?;
        self.unlisted.borrow_mut().push(unlisted);
        Ok(())
    }

    /// Removes what killed runs have left in a directory of the tree; one that is not there has nothing.
    pub(super) fn remove_leftovers(&self, path: &Path) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        if let Ok(dir) = beneath(self.sealing.kernel, &self.root, path, flags, Links::None) {
            Spot { kernel: self.sealing.kernel, names: &self.names, dir: &dir, here: None, is_local: false }
                .remove_leftovers();
        }
    }

    /// Makes what a record lists of the name that is damaged or missing. `existing` is what is there.
    /// Tells in words what it lacks of what is listed, as no copy has that.
    pub(super) fn mend(&self, record: &Record) -> Result<(Mended, Vec<String>), Unmended> {
        let path = clean(&record.path);
        match record.kind.unwrap_or(Kind::File) {
            Kind::File => self.file(record, &path),
            Kind::Directory => self.make(record, &path, |kernel, dir, name| kernel.mkdir(dir, name, Mode::RWXU)),
            Kind::Symlink => {
                // symlink(2) refuses an empty text.
                let text = record.text.clone().unwrap_or_default();
                self.make(record, &path, |kernel, dir, name| kernel.symlink(&text, dir, name))
            }
            kind @ (Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice) => {
                let device = record.device.unwrap_or(0);
                self.make(record, &path, |kernel, dir, name| {
                    kernel.mknod(dir, name, kind, Mode::RUSR | Mode::WUSR, device)
                })
            }
        }
    }

    fn make(
        &self,
        record: &Record,
        path: &Path,
        make: impl Fn(&K, &K::File, &Path) -> crate::kernel::Result<()>,
    ) -> Result<(Mended, Vec<String>), Unmended> {
        let to_mend = self.to_mend(path)?;
        let donors = self.donors(record, path)?;
        let donors: Vec<_> = donors.iter().collect();
        let mut lacking = Vec::new();
        // A directory is filled before it is finished.
        let is_filled = record.kind == Some(Kind::Directory);
        let mode = record.mode.map(|mode| if is_filled { mode | 0o700 } else { mode });
        let unfinished = Record { mode, ..record.clone() };
        to_mend.make(
            |name| make(self.sealing.kernel, to_mend.spot().dir, name),
            |handle| {
                lacking = self.set_attributes(&unfinished, handle, (None, &donors), &to_mend.shown)?;
                Ok(())
            },
        )?;
        to_mend.leave()?;
        Ok((Mended::Restored, lacking))
    }

    /// What other copies have of a name, where it is what is listed.
    fn donors(&self, record: &Record, path: &Path) -> Result<Vec<K::File>, Error> {
        let kernel = self.sealing.kernel;
        let mut donors = Vec::new();
        for copy in &self.copies {
            let failed = |errno| Error::call(Action::OpenSource, &copy.shown.join(path), errno);
            let donor = opened(beneath(kernel, &copy.root, path, OFlags::PATH, Links::None)).map_err(failed)?;
            let Some(donor) = donor else { continue };
            if Some(kernel.stat(&donor).map_err(failed)?.kind) == record.kind {
                donors.push(donor);
            }
        }
        Ok(donors)
    }

    /// Sets the attributes of a directory once nothing more comes into it.
    pub(super) fn set_attributes_by_path(&self, record: &Record, path: &Path) -> Result<(), Error> {
        let shown = self.shown.join(path);
        let failed = |errno| Error::call(Action::StatTarget, &shown, errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let handle = beneath(self.sealing.kernel, &self.root, path, flags, Links::None).map_err(failed)?;
        let donors = self.donors(record, path)?;
        // What it lacks was told when it was made.
        self.set_attributes(record, &handle, (None, &donors.iter().collect::<Vec<_>>()), &shown).map(drop)
    }

    /// Makes the name of a record a further one of a file that is right.
    pub(super) fn link(&self, record: &Record, path: &Path, first: &Path) -> Result<Mended, Error> {
        let kernel = self.sealing.kernel;
        let to_mend = self.to_mend(path)?;
        let failed = |errno| Error::pair(Action::CreateLink, &to_mend.shown, &self.shown.join(first), errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let first = beneath(kernel, &self.root, first, flags, Links::None).map_err(failed)?;
        let old = match to_mend.open_name(flags) {
            Ok(old) => Some((to_mend.existing(record, kernel.stat(&old).map_err(failed)?)?, old)),
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(failed(errno)),
        };
        let existing = old.as_ref().map(|(stat, file)| Existing { file, stat: *stat });
        to_mend.give(&mut Temporary::further(to_mend.spot(), first), existing)?;
        to_mend.leave()?;
        Ok(Mended::Linked)
    }

    /// Whether a name holds what is listed.
    pub(super) fn holds(&self, record: &Record, path: &Path) -> Result<bool, Error> {
        let kernel = self.sealing.kernel;
        match (Origin::open(kernel, &self.root, path, self.shown.join(path), false)?, &record.digest) {
            (Some(own), Some(wanted)) => own.holds(kernel, wanted, record.size),
            (Some(_) | None, _) => Ok(false),
        }
    }

    /// Where a file's content may come from: what is there first, then the other copies. One that cannot be opened is none.
    fn origins(&self, path: &Path, own: Option<Origin<K>>) -> (Vec<Origin<K>>, Unreadable) {
        let (mut origins, mut unreadable) = (Vec::from_iter(own), Unreadable::default());
        for copy in &self.copies {
            match Origin::open(self.sealing.kernel, &copy.root, path, copy.shown.join(path), true) {
                Ok(origin) => origins.extend(origin),
                Err(error) => unreadable.note(error),
            }
        }
        (origins, unreadable)
    }

    fn file(&self, record: &Record, path: &Path) -> Result<(Mended, Vec<String>), Unmended> {
        let kernel = self.sealing.kernel;
        let own = Origin::open(kernel, &self.root, path, self.shown.join(path), false)?;
        let own_stat = own.as_ref().map(|own| own.stat);
        let (origins, unreadable) = self.origins(path, own);
        if origins.is_empty() {
            // No directory is made for what nobody has.
            return Err(unreadable.and(nowhere(&self.shown.join(path))));
        }
        let to_mend = self.to_mend(path)?;
        let before = own_stat.map(|stat| to_mend.existing(record, stat)).transpose()?;
        // Under a name: not every filesystem gives one to a file that was made without.
        let temporary = Temporary::create(to_mend.spot(), Mode::RUSR | Mode::WUSR, None);
        let mut temporary = temporary.map_err(|errno| Error::call(Action::CreateFile, &to_mend.shown, errno))?;
        let (companion, shown) = (&self.companion, &to_mend.shown);
        let assembly = Assembly { kernel, companion, origins: &origins, file: temporary.file(), shown };
        let (mended, from) = assembly.fill(record, unreadable)?;
        assembly.prove(record)?;
        let own = origins.first().filter(|_| before.is_some()).map(|own| &own.file);
        // Whose content was taken comes first.
        let copies: Vec<_> =
            from.into_iter().chain(origins.iter().filter(|origin| origin.is_copy)).map(|copy| &copy.file).collect();
        let lacking = self.set_attributes(record, temporary.file(), (own, &copies), &to_mend.shown)?;
        kernel.fsync(temporary.file()).map_err(|errno| Error::call(Action::Sync, &to_mend.shown, errno))?;
        let existing = before.zip(origins.first()).map(|(stat, own)| Existing { file: &own.file, stat });
        to_mend.give(&mut temporary, existing)?;
        kernel.close(temporary.into_file()).map_err(|errno| Error::call(Action::Close, &to_mend.shown, errno))?;
        to_mend.leave()?;
        Ok((if before.is_some() { mended } else { Mended::Restored }, lacking))
    }
}
