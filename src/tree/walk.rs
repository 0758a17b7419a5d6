//! The names in a source directory, as its own handle gives them: proposals, not truth.

use crate::kernel::{DirEntry, Errno, Kernel, Kind};
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

/// The names of one directory that have not come up yet. No more of them are kept than one call gives, unless the
/// directory's handle has to be closed before they have come up.
#[derive(Debug, Default)]
pub struct Listing {
    names: std::vec::IntoIter<DirEntry>,
    state: State,
}

/// How far the handle was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not at all.
    #[default]
    Unread,
    /// Up to the names that are kept.
    Begun,
    /// To the end.
    Ended,
    /// Up to an error, which comes up after the names before it.
    Failed(Errno),
}

impl Listing {
    /// The next name of those that are kept.
    pub fn take(&mut self) -> Option<DirEntry> {
        self.names.next()
    }

    /// Whether there is no name behind those that are kept, so that `dir` is not needed any more; an error that was met
    /// on the way there.
    pub fn has_ended(&self) -> crate::kernel::Result<bool> {
        match self.state {
            State::Unread | State::Begun => Ok(false),
            State::Ended => Ok(true),
            State::Failed(errno) => Err(errno),
        }
    }

    /// Reads the next names from `dir`, always the same handle, once all before them were taken. None come at the end.
    pub fn read<K: Kernel>(&mut self, kernel: &K, dir: &K::File) -> crate::kernel::Result<()> {
        // It was opened some time ago, before its target was made.
        let begun = if self.state == State::Unread { kernel.rewind(dir) } else { Ok(()) };
        self.state = State::Begun;
        let names = begun.and_then(|()| kernel.next_names(dir)).map_err(|errno| match errno {
            // A handle of O_PATH: the directory may be searched, and not read.
            Errno::BADF => Errno::ACCESS,
            errno => errno,
        })?;
        if names.is_empty() {
            self.state = State::Ended;
        }
        self.names = names.into_iter();
        Ok(())
    }

    /// Reads all names that are left, so that `dir` can be closed: a handle that is opened anew does not go on where
    /// this one stands.
    pub fn drain<K: Kernel>(&mut self, kernel: &K, dir: &K::File) {
        let mut names: Vec<DirEntry> = self.names.by_ref().collect();
        while matches!(self.state, State::Unread | State::Begun) {
            match self.read(kernel, dir) {
                Ok(()) => names.extend(self.names.by_ref()),
                Err(errno) => self.state = State::Failed(errno),
            }
        }
        self.names = names.into_iter();
    }
}

/// What a listed name is, or leads to where `follows` says that links are followed.
pub fn entry<K: Kernel>(kernel: &K, dir: &K::File, listed: DirEntry, follows: bool) -> crate::kernel::Result<Entry> {
    let DirEntry { name, kind } = listed;
    let look = |follow| kernel.stat_at(Some(dir), Path::new(&name), follow).map(|stat| stat.kind);
    let kind = kind.map_or_else(|| look(false), Ok)?;
    let is_link = follows && kind == Kind::Symlink;
    let kind = if is_link { look(true)? } else { kind };
    Ok(Entry { name, kind, is_link })
}
