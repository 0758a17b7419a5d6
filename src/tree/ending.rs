//! Where a symbolic link at the target ends: in which directory, and under which name.
//!
//! So that what is there can be replaced whole, as any target. The links of an operand's own target are the user's. Those
//! that stand within a tree may be anybody's who may write there: they are followed one component at a time, by handles,
//! as long as they belong to the user who copies and stay beneath the operand's target. What is found in the end is used
//! by its directory's handle, so that no link that is put there later is followed.

use super::entries::Entries;
use crate::copy::{Copier, Follow, Name, TargetDirectory};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::known::filesystems::Honesty;
use crate::path::directory_of;
use crate::quote::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How many links lead to links (MAXSYMLINKS): more is ELOOP.
const LINKS_MAX: usize = 40;

/// The end of a link.
pub(super) struct Ending<F> {
    /// The directory it lies in.
    pub(super) dir: F,
    /// Its name there.
    pub(super) name: PathBuf,
    /// What is there.
    pub(super) found: Option<Stat>,
    /// What is known of the directory.
    pub(super) target_directory: TargetDirectory,
}

/// How far the links of a tree may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Not out of the directory where the look-up begins.
    Beneath,
    /// Anywhere (--keep-directory-symlink).
    Open,
}

/// A look-up on its way: the directories behind it, innermost last, and the components before it, next last.
struct Lookup<'a, F> {
    top: &'a F,
    entered: Vec<F>,
    rest: Vec<OsString>,
    links: usize,
}

impl<F> Lookup<'_, F> {
    fn here(&self) -> &F {
        self.entered.last().unwrap_or(self.top)
    }

    /// Puts the components of a path, or of what a link says, before those that are left.
    fn add(&mut self, path: &OsStr) {
        let bytes = path.as_bytes();
        // What ends in a slash can only be a directory.
        self.rest.extend(bytes.ends_with(b"/").then(|| OsString::from(".")));
        let components = bytes.rsplit(|byte| *byte == b'/').filter(|component| !component.is_empty());
        self.rest.extend(components.map(|component| OsStr::from_bytes(component).to_owned()));
    }
}

impl<K: Kernel> Copier<'_, K> {
    /// Where `path` beneath `top` ends, which is or leads through symbolic links within a tree; `None` if that is nowhere.
    /// `shown` is the name of the link for messages.
    pub(super) fn ending_within(
        &self,
        top: &K::File,
        path: &Path,
        shown: &Path,
        bounds: Bounds,
    ) -> Result<Option<Ending<K::File>>, Error> {
        let failed = |errno| Error::call(Action::StatTarget, shown, errno);
        let mut way = Lookup { top, entered: Vec::new(), rest: Vec::new(), links: 0 };
        way.add(path.as_os_str());
        let mut name = OsString::from(".");
        while let Some(next) = way.rest.pop() {
            name = next;
            let is_last = way.rest.is_empty();
            if name == "." || name == ".." {
                self.step(&mut way, &name, shown, bounds)?;
                continue;
            }
            let found = self.kernel.open(
                Some(way.here()),
                Path::new(&name),
                OFlags::PATH | OFlags::NOFOLLOW,
                Mode::empty(),
                ResolveFlags::empty(),
            );
            let found = match found {
                Ok(found) => found,
                Err(Errno::NOENT) if is_last => return self.ended(&way, &name, None).map(Some).map_err(failed),
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(failed(errno)),
            };
            let stat = self.kernel.stat(&found).map_err(failed)?;
            match stat.kind {
                Kind::Symlink => self.follow(&mut way, &found, &stat, shown, bounds)?,
                _ if is_last => return self.ended(&way, &name, Some(stat)).map(Some).map_err(failed),
                Kind::Directory => way.entered.push(found),
                Kind::File | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                    return Err(failed(Errno::NOTDIR));
                }
            }
        }
        let stat = self.kernel.stat(way.here()).map_err(failed)?;
        let here = OsStr::new(".");
        debug_assert!(name == here || name == "..", "any other component has ended the way");
        self.ended(&way, here, Some(stat)).map(Some).map_err(failed)
    }

    /// Goes where `.` or `..` lead.
    fn step(&self, way: &mut Lookup<'_, K::File>, name: &OsStr, shown: &Path, bounds: Bounds) -> Result<(), Error> {
        if name == "." || way.entered.pop().is_some() {
            return Ok(());
        }
        match bounds {
            Bounds::Beneath => Err(leads_out(shown)),
            Bounds::Open => {
                let above = self.directory(way.here(), name);
                way.entered.push(above.map_err(|errno| Error::call(Action::StatTarget, shown, errno))?);
                Ok(())
            }
        }
    }

    /// Goes where a link leads.
    fn follow(
        &self,
        way: &mut Lookup<'_, K::File>,
        link: &K::File,
        stat: &Stat,
        shown: &Path,
        bounds: Bounds,
    ) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::StatTarget, shown, errno);
        let is_first = way.links == 0;
        way.links += 1;
        if way.links > LINKS_MAX {
            return Err(failed(Errno::LOOP));
        }
        // Outside of the tree the links are the system's.
        let is_systems = bounds == Bounds::Open && !is_first && stat.uid == 0;
        if stat.uid != self.options.user && !is_systems {
            let (shown, uid) = (quoted(shown), stat.uid);
            return Err(Error::Refused(format!("not writing through symlink {shown}, which belongs to user {uid}")));
        }
        let text = self.kernel.readlink(link).map_err(failed)?;
        if text.as_bytes().starts_with(b"/") {
            if bounds == Bounds::Beneath {
                return Err(leads_out(shown));
            }
            way.entered.push(self.directory(way.here(), OsStr::new("/")).map_err(failed)?);
        }
        way.add(&text);
        Ok(())
    }

    fn ended(
        &self,
        way: &Lookup<'_, K::File>,
        name: &OsStr,
        found: Option<Stat>,
    ) -> crate::kernel::Result<Ending<K::File>> {
        let dir = self.directory(way.here(), OsStr::new("."))?;
        let target_directory = self.target_directory(&dir);
        Ok(Ending { dir, name: PathBuf::from(name), found, target_directory })
    }

    fn directory(&self, dir: &K::File, name: &OsStr) -> crate::kernel::Result<K::File> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        self.kernel.open(Some(dir), Path::new(name), flags, Mode::empty(), ResolveFlags::empty())
    }
}

fn leads_out(shown: &Path) -> Error {
    Error::Refused(format!("not writing through symlink {}, which leads out of the target", quoted(shown)))
}

impl<K: Kernel> Entries<'_, K> {
    /// Where the link at an operand's target ends, whose end has been looked at; `None` if it leads to nothing that has a
    /// name, as those of /proc do, which look like links to files and are open files.
    pub(super) fn ending(
        &self,
        target: &Name<'_, K::File>,
        end: Option<&Stat>,
    ) -> Result<Option<Ending<K::File>>, Error> {
        // Where there is nothing, a file is to be made.
        let action = if end.is_some() { Action::StatTarget } else { Action::CreateFile };
        let failed = |errno| Error::call(action, target.shown, errno);
        let kernel = self.copier.kernel;
        let mut path = target.name.to_owned();
        for _ in 0..=LINKS_MAX {
            let Some(name) = path.file_name().map(PathBuf::from) else { return Ok(None) };
            let above = directory_of(&path);
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            let dir = kernel.open(target.dir, above, flags, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
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
                    let target_directory = self.copier.target_directory(&dir);
                    return Ok(Some(Ending { dir, name, found: Some(found), target_directory }));
                }
                (Err(Errno::NOENT), None) => {
                    let target_directory = self.copier.target_directory(&dir);
                    return Ok(Some(Ending { dir, name, found: None, target_directory }));
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
