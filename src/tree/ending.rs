//! Where a symbolic link at the target ends: in which directory, and under which name.
//!
//! So that what is there can be replaced whole, as any target. The way there is looked up again, link by link, within
//! the bounds that the look-up of the target has; what is found in the end has to be what was looked at.

use super::entry::Entries;
use super::look::Setting;
use crate::copy::{Follow, Home, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::filesystems::Honesty;
use crate::report::quote::quoted;
use std::path::{Path, PathBuf};

/// How many links lead to links (MAXSYMLINKS): more is ELOOP.
const LINKS_MAX: usize = 40;

/// The end of a link.
pub(super) struct Ending<F> {
    /// The directory it lies in.
    pub(super) dir: F,
    /// Its name there.
    pub(super) name: PathBuf,
    /// What is known of the directory.
    pub(super) home: Home,
}

impl<K: Kernel> Entries<'_, K> {
    /// Where the link at the target ends, whose end has been looked at; `None` if it leads to nothing that has a name,
    /// as those of /proc do, which look like links to files and are open files.
    pub(super) fn ending(
        &self,
        target: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
        end: Option<&Stat>,
    ) -> Result<Option<Ending<K::File>>, Error> {
        let failed = |errno| Error::call(Action::StatTarget, target.shown, errno);
        let kernel = self.copier.kernel;
        let (base, path, bounds) = match setting.top {
            Some((top, path)) => (Some(top), path, ResolveFlags::BENEATH),
            None => (target.dir, target.name, ResolveFlags::empty()),
        };
        let mut path = path.to_owned();
        for _ in 0..=LINKS_MAX {
            let Some(name) = path.file_name().map(PathBuf::from) else { return Ok(None) };
            let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            let dir = kernel.open(base, above, flags, Mode::empty(), bounds).map_err(failed)?;
            match (kernel.stat_at(Some(&dir), &name, false), end) {
                (Ok(found), _) if found.kind == Kind::Symlink => {
                    let link = Name { dir: Some(&dir), name: &name, shown: target.shown, follow: Follow::No };
                    let link = link.open(kernel, OFlags::PATH).map_err(failed)?;
                    if self.copier.honesty_of(&link) == Honesty::Pseudo {
                        return Ok(None);
                    }
                    path = above.join(kernel.readlink(&link).map_err(failed)?);
                }
                (Ok(found), Some(end)) if found.is_same_file(end) => {
                    let home = self.copier.home(&dir);
                    return Ok(Some(Ending { dir, name, home }));
                }
                (Err(Errno::NOENT), None) => {
                    let home = self.copier.home(&dir);
                    return Ok(Some(Ending { dir, name, home }));
                }
                (Ok(_), _) => {
                    let shown = quoted(target.shown);
                    return Err(Error::Refused(format!("not writing to {shown}, as it was replaced meanwhile")));
                }
                (Err(errno), _) => return Err(failed(errno)),
            }
        }
        Err(failed(Errno::LOOP))
    }
}
