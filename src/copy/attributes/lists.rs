//! Access control lists of POSIX's kind: carried, and removed where the source has none.

use super::types::{AttributedFile, Attributes, Belongings, Fresh};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::known::attributes::{ACCESS_LIST, Class, DEFAULT_LIST, is_trivial};
use std::ffi::OsStr;

/// The access control lists that such a file can have.
pub(super) fn lists_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Symlink => &[],
        Kind::Directory => &[ACCESS_LIST, DEFAULT_LIST],
        Kind::File | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => &[ACCESS_LIST],
    }
}

/// Only these say that there is no such attribute. ENOSYS does not: it is an answer about the call, not about the file
/// (FUSE makes EOPNOTSUPP of its daemons' ENOSYS).
fn is_missing(errno: Errno) -> bool {
    matches!(errno, Errno::NODATA | Errno::OPNOTSUPP)
}

impl<K: Kernel> Attributes<'_, K> {
    /// Whether a file has an access control list that says more than its mode.
    pub(super) fn list(&self, file: &K::File, list: &str) -> crate::kernel::Result<bool> {
        match self.kernel.get_xattr(file, OsStr::new(list)) {
            Ok(value) => Ok(!is_trivial(OsStr::new(list), &value)),
            Err(errno) if is_missing(errno) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    pub(super) fn is_list(&self, name: &OsStr) -> bool {
        matches!(self.rules.class(name), Class::PosixList | Class::OtherList)
    }

    /// Sets the POSIX lists, and removes those that the source has not. Returns whether the mode may have been touched.
    pub(super) fn carry_lists(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        (has, is_closed): (&Belongings, bool),
        fresh: Fresh,
        complaints: &mut Vec<Error>,
    ) -> bool {
        let preserve = &self.options.preserve;
        let may_have_one =
            matches!(fresh, Fresh::Old | Fresh::Alike { inherits: true } | Fresh::Made { inherits: true, .. });
        let mut is_touched = false;
        for list in lists_of(from.kind) {
            let is_wanted = has.names.iter().any(|name| name == *list) && !is_closed;
            if preserve.mode.wanted() && is_wanted {
                let carried = self.carry_list(source.file, target.file, OsStr::new(list));
                self.note(carried, Action::PreserveMode, target, preserve.mode, complaints);
                is_touched = true;
            } else if may_have_one && (preserve.mode.wanted() || self.is_list_of_default(list, fresh)) {
                match self.remove_list(target.file, list) {
                    Ok(removed) => is_touched |= removed,
                    Err(errno) => complaints.push(Error::call(Action::PreserveMode, target.shown, errno)),
                }
            }
        }
        is_touched
    }

    /// Whether a list would make another mode of the default one, which is to be had where none is preserved, or of the
    /// one that was given.
    fn is_list_of_default(&self, list: &str, fresh: Fresh) -> bool {
        let is_told = self.options.preserve.default_mode || self.options.given.mode.is_some();
        is_told && list == ACCESS_LIST && matches!(fresh, Fresh::Made { .. })
    }

    /// Carries a list; one that says no more than the mode need not be kept where there are no lists.
    fn carry_list(&self, source: &K::File, target: &K::File, name: &OsStr) -> crate::kernel::Result<()> {
        let Some(value) = self.xattr(source, name)? else { return Ok(()) };
        match self.kernel.set_xattr(target, name, &value) {
            Err(Errno::OPNOTSUPP) if is_trivial(name, &value) => Ok(()),
            set => set,
        }
    }

    /// Removes an access control list; it is well if there is none, or can be none. Returns whether there was one.
    pub(super) fn remove_list(&self, file: &K::File, list: &str) -> crate::kernel::Result<bool> {
        match self.kernel.remove_xattr(file, OsStr::new(list)) {
            Ok(()) => Ok(true),
            Err(Errno::NODATA) => Ok(false),
            // It is no answer to whether there is one; EOPNOTSUPP neither, where lists can only be asked for.
            Err(errno) => match self.list(file, list) {
                Ok(false) => Ok(false),
                Ok(true) | Err(_) => Err(errno),
            },
        }
    }
}
