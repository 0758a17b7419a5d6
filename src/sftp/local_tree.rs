//! Local sources, one after the other, trees from the top down: files open, directories before what is in them.
//!
//! Symbolic links are followed, as scp does; one that leads to a directory above itself is an error. No more names are kept than
//! one call gives for each open directory.

use super::far_path::join;
use super::types::{Failure, Tree};
use crate::error::{Action, Error};
use crate::kernel::{At, DirEntry, Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::quote::quoted;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The next thing that there is to copy.
pub(super) enum Visit<F> {
    /// A directory, to be made.
    Directory { stat: Stat, far: Vec<u8> },
    /// A regular file, to be sent.
    File { file: F, stat: Stat, shown: PathBuf, dir: Vec<u8>, name: Vec<u8> },
    /// Neither, in a tree: it is passed over.
    PassedOver(PathBuf),
    /// What cannot be copied.
    Failed(Failure),
}

/// A directory on the way down.
struct Level<F> {
    dir: F,
    stat: Stat,
    names: std::vec::IntoIter<DirEntry>,
    shown: PathBuf,
    far: Vec<u8>,
}

/// What comes next; see the head of this file.
pub(super) struct LocalTree<'a, K: Kernel> {
    kernel: &'a K,
    tree: Tree,
    operands: std::vec::IntoIter<(PathBuf, Vec<u8>, Vec<u8>)>,
    levels: Vec<Level<K::File>>,
}

impl<'a, K: Kernel> LocalTree<'a, K> {
    /// Sources, each with the far directory and the name that it gets there.
    pub(super) fn new(kernel: &'a K, tree: Tree, operands: Vec<(PathBuf, Vec<u8>, Vec<u8>)>) -> Self {
        Self { kernel, tree, operands: operands.into_iter(), levels: Vec::new() }
    }

    /// The next item; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Visit<K::File>> {
        loop {
            let Some(level) = self.levels.last_mut() else {
                let (source, dir, name) = self.operands.next()?;
                return Some(self.item(None, &source, &source, &dir, &name));
            };
            if let Some(listed) = level.names.next() {
                return Some(self.entry(&listed));
            }
            match self.kernel.next_names(&level.dir) {
                Ok(names) if names.is_empty() => {
                    self.levels.pop();
                }
                Ok(names) => level.names = names.into_iter(),
                Err(errno) => {
                    let shown = std::mem::take(&mut level.shown);
                    self.levels.pop();
                    return Some(failed(Action::Access, &shown, errno));
                }
            }
        }
    }

    fn entry(&mut self, listed: &DirEntry) -> Visit<K::File> {
        let Some(level) = self.levels.pop() else { return Visit::Failed(Failure::Stopped) };
        let name = Path::new(&listed.name);
        let shown = level.shown.join(name);
        let depth = self.levels.len();
        let item = self.item(Some((&level.dir, &level.stat)), name, &shown, &level.far, listed.name.as_bytes());
        // Below what `item` may have opened.
        self.levels.insert(depth, level);
        item
    }

    fn item(
        &mut self,
        above: Option<(&K::File, &Stat)>,
        name: &Path,
        shown: &Path,
        dir: &[u8],
        far_name: &[u8],
    ) -> Visit<K::File> {
        let at: At<'_, K::File> = above.map(|(dir, _)| dir);
        let stat = match self.kernel.stat_at(at, name, true) {
            Ok(stat) => stat,
            Err(errno) => return failed(Action::StatSource, shown, errno),
        };
        match stat.kind {
            Kind::Directory if self.tree == Tree::Refused => {
                refused(format!("-r not specified; omitting directory {}", quoted(shown)))
            }
            Kind::Directory => self.directory(above, name, shown, join(dir, far_name)),
            Kind::File => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
                let opened = self.kernel.open(at, name, flags, Mode::empty(), ResolveFlags::empty());
                match opened.and_then(|file| Ok((self.kernel.stat(&file)?, file))) {
                    Ok((stat, file)) if stat.kind == Kind::File => {
                        let (dir, name) = (dir.to_vec(), far_name.to_vec());
                        Visit::File { file, stat, shown: shown.to_owned(), dir, name }
                    }
                    Ok(_) => Visit::Failed(Failure::Here(Error::replaced(shown))),
                    Err(errno) => failed(Action::OpenSource, shown, errno),
                }
            }
            // Who names it wants it; in a tree it may stand beside what is wanted.
            Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice if above.is_some() => {
                Visit::PassedOver(shown.to_owned())
            }
            Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                refused(format!("{}: not a regular file", quoted(shown)))
            }
        }
    }

    fn directory(
        &mut self,
        above: Option<(&K::File, &Stat)>,
        name: &Path,
        shown: &Path,
        far: Vec<u8>,
    ) -> Visit<K::File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = self.kernel.open(above.map(|(dir, _)| dir), name, flags, Mode::empty(), ResolveFlags::empty());
        let (dir, stat) = match opened.and_then(|dir| Ok((self.kernel.stat(&dir)?, dir))) {
            Ok((stat, dir)) => (dir, stat),
            Err(errno) => return failed(Action::Access, shown, errno),
        };
        let is_above = self.levels.iter().any(|level| level.stat.is_same_file(&stat));
        if is_above || above.is_some_and(|(_, above)| above.is_same_file(&stat)) {
            return failed(Action::Access, shown, Errno::LOOP);
        }
        let names = Vec::new().into_iter();
        self.levels.push(Level { dir, stat, names, shown: shown.to_owned(), far: far.clone() });
        Visit::Directory { stat, far }
    }
}

fn failed<F>(action: Action, shown: &Path, errno: Errno) -> Visit<F> {
    Visit::Failed(Failure::Here(Error::call(action, shown, errno)))
}

fn refused<F>(sentence: String) -> Visit<F> {
    Visit::Failed(Failure::Here(Error::Refused(sentence)))
}
