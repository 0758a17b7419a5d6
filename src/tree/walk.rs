//! The names in a source directory, as its own handle gives them: proposals, not truth.

use crate::kernel::{Errno, Kernel, Kind, Listed};
use std::ffi::OsString;
use std::path::Path;

/// A name that was found.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The last component.
    pub name: OsString,
    /// What it was when it was found; where links are followed, what it led to.
    pub kind: Kind,
    /// It was a symbolic link, and is followed.
    pub is_link: bool,
}

/// The names of one directory that have not come up yet. No more of them are kept than one call gives.
#[derive(Debug, Default)]
pub struct Listing {
    names: std::vec::IntoIter<Listed>,
    is_begun: bool,
}

impl Listing {
    /// The next name in `dir`; `None` at its end. An error ends the directory.
    pub fn next<K: Kernel>(&mut self, kernel: &K, dir: &K::File) -> crate::kernel::Result<Option<Listed>> {
        if let Some(listed) = self.names.next() {
            return Ok(Some(listed));
        }
        // It was opened some time ago, before its target was made.
        let begun = if self.is_begun { Ok(()) } else { kernel.rewind(dir) };
        self.is_begun = true;
        let names = begun.and_then(|()| kernel.next_names(dir)).map_err(|errno| match errno {
            // A handle of O_PATH: the directory may be searched, and not read.
            Errno::BADF => Errno::ACCESS,
            errno => errno,
        })?;
        self.names = names.into_iter();
        Ok(self.names.next())
    }
}

/// What a listed name is, or leads to where `follows` says that links are followed.
pub fn entry<K: Kernel>(kernel: &K, dir: &K::File, listed: Listed, follows: bool) -> crate::kernel::Result<Entry> {
    let Listed { name, kind } = listed;
    let look = |follow| kernel.stat_at(Some(dir), Path::new(&name), follow).map(|stat| stat.kind);
    let kind = kind.map_or_else(|| look(false), Ok)?;
    let is_link = follows && kind == Kind::Symlink;
    let kind = if is_link { look(true)? } else { kind };
    Ok(Entry { name, kind, is_link })
}
