//! Whether an old file has the attributes that a copy would have.

use super::likeness::is_lost_by_writing;
use super::types::Attributes;
use crate::copy::types::Source;
use crate::kernel::{Errno, Kernel};
use crate::known::attributes::ACCESS_LIST;
use std::ffi::OsString;

impl<K: Kernel> Attributes<'_, K> {
    /// Whether `old` would have the same extended attributes and lists after a copy of `source`. `tells_lists` is whether the source's
    /// filesystem names its lists. What cannot be asked is a no.
    pub(in crate::copy) fn are_same(&self, source: &Source<'_, K::File>, old: &K::File, tells_lists: bool) -> bool {
        let preserve = &self.options.preserve;
        let Ok(has) = self.names(old) else { return false };
        if has.iter().any(|name| is_lost_by_writing(name)) {
            return false;
        }
        if !(preserve.mode.wanted() || preserve.xattr.wanted() || preserve.context.wanted()) {
            return true;
        }
        let may_hide_list = preserve.mode.wanted() && !tells_lists;
        let Ok(wanted) = self.names(source.file) else { return false };
        let is_same = |name: &OsString| {
            let value = self.kernel.get_xattr(source.file, name);
            value.is_ok_and(|value| self.kernel.get_xattr(old, name) == Ok(value))
        };
        wanted == has
            && wanted.iter().all(is_same)
            && (!may_hide_list || self.list(source.file, ACCESS_LIST) == Ok(has.iter().any(|name| name == ACCESS_LIST)))
    }

    /// The names of a file's attributes, in order.
    fn names(&self, file: &K::File) -> crate::kernel::Result<Vec<OsString>> {
        match self.kernel.list_xattr(file) {
            Ok(mut names) => {
                names.sort_unstable();
                Ok(names)
            }
            Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
            Err(errno) => Err(errno),
        }
    }
}
