//! The attributes of what was mended: those that are listed; and those of which the list has only digests, from whoever has them,
//! which the digests prove. What nobody has is told, and what a directory hands down to what is made in it goes.

use super::compare::digest_words;
use super::mend::Mender;
use super::record::Record;
use crate::copy::Sealed;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};
use blake3::Hash;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Attributes that have a digest in common.
struct Class {
    /// In words.
    what: &'static str,
    has: fn(&OsStr) -> bool,
    listed: fn(&Record) -> Option<Hash>,
    seen: fn(&Sealed) -> Option<Hash>,
}

const CLASSES: [Class; 2] = [
    Class {
        what: "extended attributes",
        has: |name| name.as_bytes().starts_with(b"user.") || name == "security.capability",
        listed: |record| record.attributes,
        seen: |sealed| sealed.attributes,
    },
    Class {
        what: "access control lists",
        has: |name| name.as_bytes().starts_with(b"system.posix_acl_"),
        listed: |record| record.lists,
        seen: |sealed| sealed.lists,
    },
];

impl<K: Kernel> Mender<'_, K> {
    /// Gives what was made the attributes that are listed; what the list does not say, from what had the name, else from the first
    /// of the copies. Tells in words what it lacks of what is listed.
    pub(super) fn set_attributes(
        &self,
        record: &Record,
        file: &K::File,
        (own, copies): (Option<&K::File>, &[&K::File]),
        shown: &Path,
    ) -> Result<Vec<String>, Error> {
        let kernel = self.sealing.kernel;
        let stat = own.or(copies.first().copied()).map(|donor| kernel.stat(donor)).transpose();
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, shown, errno))?;
        let failed = |action| move |errno| Error::call(action, shown, errno);
        let made = kernel.stat(file).map_err(failed(Action::StatTarget))?;
        let uid = record.uid.or(stat.map(|stat| stat.uid)).filter(|uid| *uid != made.uid);
        let gid = record.gid.or(stat.map(|stat| stat.gid)).filter(|gid| *gid != made.gid);
        if uid.is_some() || gid.is_some() {
            kernel.chown(file, uid, gid).map_err(failed(Action::PreserveOwnership))?;
        }
        let mut lacking = Vec::new();
        if matches!(made.kind, Kind::File | Kind::Directory) {
            for class in &CLASSES {
                let donor = match own {
                    Some(own) => Some(own),
                    None => self.donor(class, record, copies, shown)?,
                };
                self.carry(class, donor, file).map_err(failed(Action::PreserveXattr))?;
                if let (true, Some(listed), None) = (self.format.is_ours(), (class.listed)(record), donor) {
                    lacking.push(format!("{}, was {}", digest_words(class.what, None), digest_words("", Some(listed))));
                }
            }
        }
        if let Some(mode) = record.mode.or(stat.map(|stat| stat.mode)).filter(|_| made.kind != Kind::Symlink) {
            kernel.chmod(file, mode).map_err(failed(Action::PreserveMode))?;
        }
        if let Some(mtime) = record.mtime.or(stat.map(|stat| stat.mtime)) {
            let atime = stat.map_or(mtime, |stat| stat.atime);
            kernel.set_times(file, atime, mtime).map_err(failed(Action::PreserveTimes))?;
        }
        Ok(lacking)
    }

    /// The first copy that has what is listed of a class; any, if the list says nothing of it. Fails if none has it of those that
    /// can be asked, and one cannot.
    fn donor<'c>(
        &self,
        class: &Class,
        record: &Record,
        copies: &[&'c K::File],
        shown: &Path,
    ) -> Result<Option<&'c K::File>, Error> {
        if !self.format.is_ours() {
            return Ok(copies.first().copied());
        }
        let Some(listed) = (class.listed)(record) else { return Ok(None) };
        let mut failure = None;
        for copy in copies {
            let stat = self.sealing.kernel.stat(copy).map_err(|errno| Error::call(Action::StatSource, shown, errno));
            match stat.and_then(|stat| self.sealing.handle(copy, shown, stat, None)) {
                Ok(sealed) if (class.seen)(&sealed) == Some(listed) => return Ok(Some(copy)),
                Ok(_) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Leaves the attributes of a class as `donor` has them; none, if there is no donor.
    fn carry(&self, class: &Class, donor: Option<&K::File>, file: &K::File) -> crate::kernel::Result<()> {
        let kernel = self.sealing.kernel;
        let names = |file: &K::File| -> crate::kernel::Result<Vec<OsString>> {
            match kernel.list_xattr(file) {
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Vec::new()),
                names => Ok(names?.into_iter().filter(|name| (class.has)(name)).collect()),
            }
        };
        let wanted = donor.map_or_else(|| Ok(Vec::new()), names)?;
        for name in names(file)?.iter().filter(|name| !wanted.contains(name)) {
            kernel.remove_xattr(file, name)?;
        }
        for name in &wanted {
            // There is a donor where something is wanted.
            if let Some(donor) = donor {
                kernel.set_xattr(file, name, &kernel.get_xattr(donor, name)?)?;
            }
        }
        Ok(())
    }
}
