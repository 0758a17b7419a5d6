//! Extended attributes: what a source has, and those that are carried which are no lists.

use super::lists::lists_of;
use super::types::{AttributedFile, Attributes, Belongings};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Stat};
use crate::known::attributes::Class;
use crate::options::Keep;
use std::ffi::{OsStr, OsString};

impl<K: Kernel> Attributes<'_, K> {
    /// The names of what a source has. Lists are asked for by name where they may not be named.
    pub(super) fn belongings(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        complaints: &mut Vec<Error>,
    ) -> Belongings {
        let preserve = &self.options.preserve;
        let wants_attributes = preserve.xattr.wanted() || preserve.context.wanted();
        if !wants_attributes && !preserve.mode.wanted() {
            return Belongings::default();
        }
        let listed = self.kernel.list_xattr(source.file);
        let is_told = listed.is_ok() && source.tells_lists;
        let mut has = Belongings::default();
        match listed {
            Ok(names) => has.names = names,
            Err(Errno::OPNOTSUPP) => {}
            // What is a mode is asked for below.
            Err(Errno::NOSYS) if !wants_attributes => {}
            Err(errno) => {
                complaints.push(Error::call(Action::ListXattr, source.shown, errno));
                has.is_unsure = errno != Errno::NOSYS;
            }
        }
        if is_told || !preserve.mode.wanted() {
            return has;
        }
        for list in lists_of(from.kind) {
            match self.list(source.file, list) {
                Ok(true) if !has.names.iter().any(|name| name == *list) => has.names.push(OsString::from(list)),
                Ok(_) => {}
                Err(errno) => {
                    self.note(Err(errno), Action::PreserveMode, target, preserve.mode, complaints);
                    has.is_unsure = true;
                }
            }
        }
        has
    }

    /// Sets the attributes that are no lists. Returns whether the target's mode may have been touched.
    pub(super) fn carry_xattrs(
        &self,
        source: &AttributedFile<'_, K::File>,
        target: &AttributedFile<'_, K::File>,
        has: &Belongings,
        complaints: &mut Vec<Error>,
    ) -> bool {
        let preserve = &self.options.preserve;
        let mut is_touched = false;
        for name in &has.names {
            let keep = match self.rules.class(name) {
                Class::PosixList | Class::OtherList | Class::Left => Keep::No,
                Class::Context => preserve.context,
                Class::Plain => preserve.xattr,
            };
            if keep.wanted() {
                match self.xattr(source.file, name) {
                    Ok(None) if matches!(keep, Keep::Must | Keep::Warn) && self.is_still_listed(source.file, name) => {
                        let complaint = Error::call(Action::ReadXattr, source.shown, Errno::NODATA);
                        complaints.push(if keep == Keep::Must { complaint } else { Error::Noted(Box::new(complaint)) });
                    }
                    Ok(None) => {}
                    Ok(Some(value)) => {
                        let set = self.kernel.set_xattr(target.file, name, &value);
                        self.note(set, Action::PreserveXattr, target, keep, complaints);
                    }
                    Err(errno) => self.note(Err(errno), Action::ReadXattr, source, keep, complaints),
                }
                is_touched = true;
            }
        }
        is_touched
    }

    /// Whether an attribute without a value is listed all the same: fuse-overlayfs names those in trusted.* to users who may not read
    /// them. One that was removed meanwhile is not.
    fn is_still_listed(&self, file: &K::File, name: &OsStr) -> bool {
        self.kernel.list_xattr(file).is_ok_and(|names| names.iter().any(|listed| listed == name))
    }

    /// The value of an attribute; `None` where it has none: it was removed since it was listed, or may not be read.
    pub(super) fn xattr(&self, file: &K::File, name: &OsStr) -> crate::kernel::Result<Option<Vec<u8>>> {
        match self.kernel.get_xattr(file, name) {
            Err(Errno::NODATA) => Ok(None),
            value => value.map(Some),
        }
    }

    pub(super) fn carry_xattr(&self, source: &K::File, target: &K::File, name: &OsStr) -> crate::kernel::Result<()> {
        self.xattr(source, name)?.map_or(Ok(()), |value| self.kernel.set_xattr(target, name, &value))
    }
}
