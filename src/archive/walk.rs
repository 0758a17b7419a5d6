//! Every name of a tree, each directory before what is in it.

use crate::error::{Action, Error};
use crate::kernel::{DirEntry, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::tree::walk::{Listing, entry};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open directory of a tree.
pub(super) struct Directory<K: Kernel> {
    pub(super) file: K::File,
    pub(super) stat: Stat,
}

/// A name that was found.
pub(super) struct WalkedName<K: Kernel> {
    /// The directory that it lies in.
    pub(super) dir: Arc<Directory<K>>,
    /// Its last component.
    pub(super) name: PathBuf,
    /// Its path beneath the tree's top.
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) kind: Kind,
}

struct Level<K: Kernel> {
    dir: Arc<Directory<K>>,
    path: PathBuf,
    listing: Listing,
}

/// The names of a tree; directories that cannot be entered come up as errors.
pub(super) struct Walk<'a, K: Kernel> {
    kernel: &'a K,
    /// What messages have before the path.
    shown: &'a Path,
    levels: Vec<Level<K>>,
    /// Which directories are entered.
    enters: &'a (dyn Fn(&Path) -> bool + Sync),
    /// The filesystem that is not left, if there is one.
    device: Option<u64>,
    /// A name that does not come up.
    left_out: Option<&'a Path>,
}

impl<'a, K: Kernel> Walk<'a, K> {
    /// Those beneath an open directory, but not that itself.
    pub(super) fn new(kernel: &'a K, top: Directory<K>, shown: &'a Path) -> Self {
        let top = Level { dir: Arc::new(top), path: PathBuf::new(), listing: Listing::default() };
        Self { kernel, shown, levels: vec![top], enters: &|_| true, device: None, left_out: None }
    }

    /// The same, but of the directories beneath the top only those that `enters` says yes to.
    pub(super) fn entering(self, enters: &'a (dyn Fn(&Path) -> bool + Sync)) -> Self {
        Self { enters, ..self }
    }

    /// The same, but of directories of other filesystems than the top's what is in them does not come up, if it is so.
    pub(super) fn on_one_filesystem(self, is_so: bool) -> Self {
        let device = self.levels.first().map(|top| top.dir.stat.dev).filter(|_| is_so);
        Self { device, ..self }
    }

    /// The same, but what has this name does not come up, in whichever directory: it is of the run itself.
    pub(super) fn leaving_out(self, name: Option<&'a Path>) -> Self {
        Self { left_out: name, ..self }
    }

    /// Reads on in the directory that is listed, or leaves it at its end.
    fn read(&mut self) -> Result<(), Error> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        let read = level.listing.has_ended().and_then(|has_ended| {
            if has_ended { Ok(true) } else { level.listing.read(self.kernel, &level.dir.file).map(|()| false) }
        });
        let error = read.map_err(|errno| Error::call(Action::Access, &self.shown.join(&level.path), errno));
        if !matches!(error, Ok(false)) {
            self.levels.pop();
        }
        error.map(drop)
    }

    fn found(&mut self, listed: DirEntry) -> Result<WalkedName<K>, Error> {
        let level = self.levels.last().ok_or(Error::Interrupted)?;
        let path = level.path.join(&listed.name);
        let dir = Arc::clone(&level.dir);
        let failed = |action| {
            let shown = self.shown.join(&path);
            move |errno| Error::call(action, &shown, errno)
        };
        let found = entry(self.kernel, &dir.file, listed, false).map_err(failed(Action::StatSource))?;
        let (name, kind) = (PathBuf::from(found.name), found.kind);
        if kind == Kind::Directory && (self.enters)(&path) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let opened = self.kernel.open(Some(&dir.file), &name, flags, Mode::empty(), ResolveFlags::empty());
            let file = opened.map_err(failed(Action::Access))?;
            let stat = self.kernel.stat(&file).map_err(failed(Action::Access))?;
            if self.device.is_none_or(|device| device == stat.dev) {
                let dir = Arc::new(Directory { file, stat });
                self.levels.push(Level { dir, path: path.clone(), listing: Listing::default() });
            }
        }
        Ok(WalkedName { dir, name, path, kind })
    }
}

impl<K: Kernel> Iterator for Walk<'_, K> {
    type Item = Result<WalkedName<K>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.levels.last_mut()?.listing.take() {
                Some(listed) if self.left_out.is_some_and(|name| name == listed.name) => {}
                Some(listed) => return Some(self.found(listed)),
                None => {
                    if let Err(error) = self.read() {
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
