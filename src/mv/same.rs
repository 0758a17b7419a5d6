//! Whether source and target are one file, or one leads to the other, so that a move would lose something.
//!
//! rename(2) of two names of one file does nothing and says 0; a file that replaces what a link leads to
//! leaves a link to nothing. GNU's mv refuses both, with its words for a copy onto itself.

use super::destination::Destination;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Result, Stat};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// How many links the kernel follows on one way.
const LINKS_MAX: usize = 40;

/// A source and what stands at its target, neither followed.
pub(super) struct Pair<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) source: &'a Path,
    pub(super) stat: &'a Stat,
    pub(super) target: &'a Destination<'a, K::File>,
    pub(super) found: &'a Stat,
}

impl<K: Kernel> Pair<'_, K> {
    /// Whether nothing is lost if the one takes the other's name. With `keeps_old` that keeps another.
    pub(super) fn may_move(&self, keeps_old: bool) -> Result<bool> {
        let is_one = self.stat.is_same_file(self.found);
        let (is_link, is_onto_link) = (self.stat.kind == Kind::Symlink, self.found.kind == Kind::Symlink);
        if is_link && is_onto_link {
            return Ok(if self.is_same_name(self.source)? { false } else { keeps_old || !is_one });
        }
        if keeps_old {
            return Ok(!is_one || !self.is_same_name(self.source)?);
        }
        if is_onto_link {
            return Ok(true);
        }
        if !is_link {
            return Ok(!is_one);
        }
        // A link may replace one of several names of what it leads to: it leads to another.
        let end = if self.found.has_other_names() { self.end_of_source()? } else { None };
        if let Some(end) = end {
            return Ok(!self.is_same_name(&end)?);
        }
        match self.kernel.stat_at(None, self.source, true) {
            Ok(end) => Ok(!end.is_same_file(self.found)),
            Err(_) => Ok(true),
        }
    }

    /// Whether a path is the target's own name.
    fn is_same_name(&self, path: &Path) -> Result<bool> {
        let name = |path: &Path| path.file_name().map(OsStr::to_owned);
        if name(path) != name(&self.target.name) {
            return Ok(false);
        }
        let above = |dir, path: &Path| self.kernel.stat_at(dir, above(path), true);
        Ok(above(None, path)?.is_same_file(&above(Some(self.target.dir), &self.target.name)?))
    }

    /// The name that the source leads to in the end; `None` if it leads nowhere.
    fn end_of_source(&self) -> Result<Option<PathBuf>> {
        let mut path = self.source.to_owned();
        for _ in 0..LINKS_MAX {
            match self.kernel.stat_at(None, &path, false) {
                Ok(stat) if stat.kind == Kind::Symlink => {}
                Ok(_) => return Ok(Some(path)),
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(errno) => return Err(errno),
            }
            let flags = OFlags::PATH | OFlags::NOFOLLOW;
            let link = self.kernel.open(None, &path, flags, Mode::empty(), ResolveFlags::empty())?;
            path = above(&path).join(self.kernel.readlink(&link)?);
        }
        Ok(None)
    }
}

/// The directory that a path names something in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(if path.is_absolute() {
        Path::new("/")
    } else {
        Path::new(".")
    })
}
