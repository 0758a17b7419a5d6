//! The making of one name that is no directory: by which means, and how it lands on what is there.
//!
//! [`Entries::look`] has found out ([`super::look`]), [`Entries::make`] does. Between them the run may
//! find that another name of the same inode was copied already and make a hard link instead.

use super::entries::Entries;
use super::links::{Version, identity};
use super::looked::Looked;
use super::setting::Setting;
use super::special::Standing;
use crate::copy::{Follow, Ground, Landing, Name, Outcome, Source, Special};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};
use crate::options::{Backup, Overwrite, Product, Removal};
use std::sync::PoisonError;

impl<K: Kernel> Entries<'_, K> {
    /// Makes the target of a name that was looked at.
    pub fn make(
        &self,
        looked: Box<Looked<K::File>>,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
    ) -> Result<Outcome, Error> {
        let stat = looked.stat;
        let standing = self.standing(&looked);
        match self.options().product {
            Product::HardLink => {
                return self.copier.make_hard_link(source, &stat, target, standing).map(Outcome::Made);
            }
            Product::SymbolicLink => {
                return self.copier.make_link_by_name(source, &stat, target, standing).map(Outcome::Made);
            }
            Product::Copy | Product::Attributes if !self.is_copied_as_file(&stat) => {
                let made = self.copier.make_special(source, &stat, target, (standing, setting)).map(Outcome::Made);
                let is_removed = looked.standing.is_some_and(|found| self.is_removed_first(&stat, &found));
                return made.map_err(|error| if is_removed { unremovable(error) } else { error });
            }
            Product::Copy | Product::Attributes => {}
        }
        let landing = self.landing(&looked);
        let is_another = matches!(landing, Landing::Rewrite | Landing::InPlace) && self.is_of_another(&looked);
        let landing = match landing {
            Landing::InPlace if is_another && setting.home.numbers_files() => {
                return Err(Error::just_created(target.shown, source.shown));
            }
            Landing::Rewrite if is_another => Landing::Replace,
            landing => landing,
        };
        let Looked { file, standing, referent, ending, .. } = *looked;
        let (file, stat) = match file {
            Some(file) => (file, stat),
            None => self.open_looked(source, &stat)?,
        };
        let source = Source { file: &file, stat: &stat, shown: source.shown, origin: setting.origin };
        let is_link = standing.is_some_and(|found| found.kind == Kind::Symlink);
        let through_link = is_link && landing != Landing::Supplant;
        // What is written in place needs no name to be replaced under.
        let has_end = through_link && !self.options().in_place && landing != Landing::Through;
        let ending = match ending {
            Some(ending) if through_link => Some(ending),
            Some(_) | None if has_end && setting.top.is_none() => self.ending(target, referent.as_ref())?,
            Some(_) | None => None,
        };
        if through_link && setting.top.is_some() && ending.is_none() {
            return Err(Error::call(Action::CreateFile, target.shown, Errno::NOENT));
        }
        let (target, home, landing) = match &ending {
            Some(ending) => {
                let landing = if referent.is_some() { landing } else { Landing::New };
                (Name::within(&ending.dir, &ending.name, target.shown), ending.home, landing)
            }
            None => {
                let landing = if through_link && landing == Landing::Replace { Landing::Rewrite } else { landing };
                (if through_link { target.following(Follow::Yes) } else { *target }, setting.home, landing)
            }
        };
        if through_link && referent.is_none() && ending.is_none() {
            self.copier.make_empty(&target)?;
        }
        let found = referent.or(standing.filter(|_| !is_link));
        let ground = Ground { landing, home, found, is_another, waits: setting.named };
        let outcome = if self.options().product == Product::Attributes {
            let finished = self.copier.copy_attributes(&source, &target, &ground)?;
            Outcome::Made(Special { complaints: finished.complaints, backup: finished.backup })
        } else {
            Outcome::Copied(Box::new(self.copier.copy_file(&source, &target, &ground)?))
        };
        if let Some(ending) = ending.as_ref().filter(|_| self.options().durable) {
            self.copier.sync_directory(&ending.dir, target.shown)?;
        }
        Ok(outcome)
    }

    /// Whether what stands at the target may be replaced by something that is no regular file.
    fn standing(&self, looked: &Looked<K::File>) -> Standing {
        let Some(found) = looked.standing else { return Standing::Free };
        let options = self.options();
        let is_link = options.product == Product::HardLink
            || options.product == Product::SymbolicLink
            || looked.stat.kind == Kind::Symlink;
        let replaces = options.backup != Backup::No
            || self.is_removed_first(&looked.stat, &found)
            || options.removal == Removal::WhenUnwritable && is_link
            || options.overwrite == Overwrite::Ask && options.product == Product::HardLink;
        if replaces { Standing::Taken } else { Standing::Free }
    }

    /// Notes that an old file with several names is written. True if it is already, of another source under another name.
    fn is_of_another(&self, looked: &Looked<K::File>) -> bool {
        let Some(found) = looked.referent.or(looked.standing).filter(|found| found.nlink > 1) else { return false };
        let source = Version::new(&looked.stat, None);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.entry(identity(&found)).or_insert((found, source)).1 != source
    }

    /// How a regular file arrives where something stands, or nothing.
    fn landing(&self, looked: &Looked<K::File>) -> Landing {
        let options = self.options();
        let Some(found) = looked.standing else { return Landing::New };
        let seen = looked.referent.unwrap_or(found);
        let is_removed = looked.referent.is_none() && self.is_removed_first(&looked.stat, &found);
        if options.backup != Backup::No || is_removed || looked.is_circular {
            return Landing::Supplant;
        }
        match seen.kind {
            // A link that leads nowhere, and POSIX: a file is made at its end.
            Kind::Symlink => Landing::InPlace,
            Kind::File if options.in_place => Landing::InPlace,
            Kind::File if seen.nlink > 1 => Landing::Rewrite,
            Kind::File => Landing::Replace,
            Kind::Directory | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Landing::Through,
        }
    }
}

/// What cp would have said where it removes what stands at a target before it makes anything.
fn unremovable(error: Error) -> Error {
    match error {
        Error::Call {
            action: Action::CreateSymlink | Action::CreateFifo,
            path,
            errno: errno @ (Errno::ACCESS | Errno::PERM),
        }
        // EPERM is mknod's own answer to those who may not make devices.
        | Error::Call { action: Action::CreateSpecial, path, errno: errno @ Errno::ACCESS } => {
            Error::Call { action: Action::Remove, path, errno }
        }
        error => error,
    }
}
