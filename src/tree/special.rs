//! What is no regular file and no directory: symbolic links, fifos, sockets, devices, hard links.
//!
//! Each is made under its own name where that is free, and under a temporary one that is renamed
//! over an old target otherwise, so that the old one is never missing.

use crate::copy::metadata::{Dressed, Fresh, Wardrobe};
use crate::copy::{Copier, Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::tree::links::Made;
use std::path::Path;

/// What has the target's name so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Free,
    /// Something that is to be replaced.
    Taken,
}

impl<K: Kernel> Copier<'_, K> {
    /// Makes `target` a symbolic link, fifo, socket or device like `source`, with its attributes.
    /// Returns attributes that had to be kept and could not.
    pub(super) fn make_special(
        &self,
        source: &Name<'_, K::File>,
        from: &Stat,
        target: &Name<'_, K::File>,
        standing: Standing,
    ) -> Result<Vec<Error>, Error> {
        let handle = source.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW);
        let handle = handle.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        match from.kind {
            Kind::Symlink => self.make_symlink(&handle, source, target, standing)?,
            kind => self.make_node(from, kind, target, standing)?,
        }
        self.dress(&handle, source, from, target)
    }

    fn make_symlink(
        &self,
        link: &K::File,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        standing: Standing,
    ) -> Result<(), Error> {
        let content = self.kernel.readlink(link);
        let content = content.map_err(|errno| Error::call(Action::ReadSymlink, source.shown, errno))?;
        let make = |dir: &K::File, name: &Path| self.kernel.symlink(&content, dir, name);
        self.make(target, standing, make).map_err(|errno| Error::call(Action::CreateSymlink, target.shown, errno))
    }

    fn make_node(&self, from: &Stat, kind: Kind, target: &Name<'_, K::File>, standing: Standing) -> Result<(), Error> {
        let preserve = &self.options.preserve;
        let mode = Mode::from_raw_mode(if preserve.closes_until_done() { 0o600 } else { from.mode & 0o777 });
        let make = |dir: &K::File, name: &Path| self.kernel.mknod(dir, name, kind, mode, from.rdev);
        let action = if kind == Kind::Fifo { Action::CreateFifo } else { Action::CreateSpecial };
        self.make(target, standing, make).map_err(|errno| Error::call(action, target.shown, errno))
    }

    fn make(
        &self,
        target: &Name<'_, K::File>,
        standing: Standing,
        make: impl Fn(&K::File, &Path) -> crate::kernel::Result<()>,
    ) -> crate::kernel::Result<()> {
        let dir = target.directory()?;
        match standing {
            Standing::Free => make(dir, target.name),
            Standing::Taken => self.replace_by(target, |name| make(dir, name)),
        }
    }

    /// Gives a node its attributes, by a handle that is seen to be that node and nobody else's.
    fn dress(
        &self,
        source: &K::File,
        from_name: &Name<'_, K::File>,
        from: &Stat,
        target: &Name<'_, K::File>,
    ) -> Result<Vec<Error>, Error> {
        let preserve = &self.options.preserve;
        let kept = [preserve.mode, preserve.ownership, preserve.timestamps, preserve.xattr, preserve.context];
        if !kept.iter().any(|keep| keep.wanted()) {
            return Ok(Vec::new());
        }
        let failed = |errno| Error::call(Action::StatTarget, target.shown, errno);
        let handle = target.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW).map_err(failed)?;
        let made = self.kernel.stat(&handle).map_err(failed)?;
        // A hard link to somebody else's node, put here since, must not get our source's owner.
        if (made.kind, made.rdev, made.nlink) != (from.kind, from.rdev, 1) {
            return Err(failed(Errno::STALE));
        }
        let wardrobe = Wardrobe { kernel: self.kernel, options: self.options };
        let fresh =
            Fresh::Made { private: true, default_mode: from.mode & 0o777 & !self.options.umask, inherits: true };
        let source = Dressed { file: source, shown: from_name.shown, owner: None };
        Ok(wardrobe.carry(
            &source,
            from,
            &Dressed { file: &handle, shown: target.shown, owner: Some((made.uid, made.gid)) },
            fresh,
        ))
    }

    /// Makes `target` a further name of a file made before, which lies beneath `base`.
    pub(super) fn make_link(
        &self,
        base: &K::File,
        made: &Made,
        target: &Name<'_, K::File>,
        standing: Standing,
    ) -> Result<(), Error> {
        let failed = |errno| Error::pair(Action::CreateLink, target.shown, &made.path, errno);
        let reach = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let first = self.kernel.open(Some(base), &made.path, flags, Mode::empty(), reach).map_err(failed)?;
        let stat = self.kernel.stat(&first).map_err(failed)?;
        if (stat.dev, stat.ino) != made.identity {
            return Err(failed(Errno::STALE));
        }
        self.make(target, standing, |dir, name| self.kernel.link(&first, dir, name)).map_err(failed)
    }

    /// A target's stat without following a link, or `None` where there is nothing.
    pub(super) fn look_at(&self, target: &Name<'_, K::File>, follow: bool) -> Result<Option<Stat>, Error> {
        match self.kernel.stat_at(target.dir, target.name, follow) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::call(Action::StatTarget, target.shown, errno)),
        }
    }

    /// Whether source and target are one name of one file, not two names of it.
    pub(super) fn is_same_name(&self, source: &Name<'_, K::File>, target: &Name<'_, K::File>) -> bool {
        let home = |name: &Name<'_, K::File>| {
            let parent = name.name.parent().filter(|parent| !parent.as_os_str().is_empty());
            self.kernel.stat_at(name.dir, parent.unwrap_or(Path::new(".")), true).map(|stat| (stat.dev, stat.ino))
        };
        match (home(source), home(target)) {
            (Ok(source_home), Ok(target_home)) => {
                source_home == target_home && source.name.file_name() == target.name.file_name()
            }
            // Not known to be two names: taken for one, which is refused.
            (Err(_), _) | (_, Err(_)) => true,
        }
    }
}

impl<'a, F> Name<'a, F> {
    /// A single component in an open directory.
    #[must_use]
    pub fn within(dir: &'a F, name: &'a Path, shown: &'a Path) -> Self {
        Self { dir: Some(dir), name, shown, follow: Follow::No }
    }
}
