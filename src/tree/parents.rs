//! The directories of a source's path, made beneath the target directory (--parents).
//!
//! Each is a level, as directories that are copied are, and gets its attributes after what goes into
//! it. Where all of them are there already they are left as they are.

use super::collision::Newcomer;
use super::ending::{Bounds, Ending};
use super::handles::Asker;
use super::level::{DirectoryPair, Level, NotEntered};
use super::plan::{Operand, Parent};
use super::run::Run;
use crate::copy::{Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};
use crate::quote::quoted;
use crate::report::Event;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directories above an operand's target.
pub(super) struct Parents<K: Kernel> {
    /// The innermost; `None` where the operand's target lies in the target directory itself.
    pub(super) innermost: Option<Arc<Level<K>>>,
    /// The path of the innermost beneath the target directory; empty for that itself.
    pub(super) path: PathBuf,
    /// One of them was made: they are finished in the end.
    are_finished: bool,
}

impl<K: Kernel> Run<'_, K> {
    /// Makes or opens the directories above an operand's target.
    pub(super) fn parents(&self, operand: &Operand, base: &Arc<K::File>) -> Result<Parents<K>, Error> {
        let mut parents = Parents { innermost: None, path: PathBuf::new(), are_finished: false };
        for parent in &operand.parents {
            parents.path = beneath(parents.path, &parent.name);
            let above = parents.innermost.take();
            let entered = self.enter_parent(parent, above.as_ref(), &parents.path, base);
            match entered {
                Ok(level) => {
                    parents.are_finished |= level.made;
                    parents.innermost = Some(Arc::new(level));
                }
                Err(error) => {
                    parents.innermost = above;
                    self.leave_parents(parents);
                    return Err(error);
                }
            }
        }
        Ok(parents)
    }

    fn enter_parent(
        &self,
        parent: &Parent,
        above: Option<&Arc<Level<K>>>,
        path: &Path,
        base: &Arc<K::File>,
    ) -> Result<Level<K>, Error> {
        let (shown, target_shown) = (&parent.path, &parent.target_shown);
        let failed = |errno| Error::call(Action::ParentAttributes, shown, errno);
        let above_pair = above.map(|above| self.handles(above, Asker::Name)).transpose()?;
        let dir = above_pair.as_ref().map_or(&**base, |pair| &pair.target);
        let target = Name::within(dir, &parent.name, target_shown);
        let ending = self.parent_ending(dir, &target)?;
        let target = ending.as_ref().map_or(target, |ending| Name::within(&ending.dir, &ending.name, target_shown));
        let source = Name { dir: None, name: shown, shown, follow: Follow::Yes };
        let stat = self.kernel.stat_at(None, shown, true).map_err(failed)?;
        if stat.kind != Kind::Directory {
            return Err(failed(Errno::NOTDIR));
        }
        let (kind, is_told_apart) = (Kind::Directory, false);
        self.claim_path(&Newcomer { dir, path, kind, is_told_apart, source_shown: shown, target_shown })?;
        let directory_pair = DirectoryPair { source, target, path: Some(path.to_owned()) };
        match self.entries.copier.enter(&directory_pair, above, base, &self.directories, |_| None) {
            Ok(level) => {
                if level.made {
                    self.tell(Event::ParentMade { source: shown, target: target_shown });
                }
                Ok(level)
            }
            Err(NotEntered::For(Error::Call { action: Action::CreateDirectory, path, errno })) => {
                Err(Error::call(Action::CreateParent, &path, errno))
            }
            Err(NotEntered::For(error)) => Err(error),
            Err(NotEntered::IntoItself | NotEntered::Operand | NotEntered::Cycle) => Err(failed(Errno::LOOP)),
        }
    }

    /// Where the link ends that stands in the place of a directory; `None` if there is none. Fails if something else
    /// stands there.
    fn parent_ending(&self, dir: &K::File, target: &Name<'_, K::File>) -> Result<Option<Ending<K::File>>, Error> {
        let copier = &self.entries.copier;
        let is_taken = || Error::Refused(format!("{} exists but is not a directory", quoted(target.shown)));
        // Of a link that leads nowhere.
        let is_there = || Error::call(Action::CreateParent, target.shown, Errno::EXIST);
        match copier.stat_target(target, false)? {
            None => Ok(None),
            Some(found) if found.kind == Kind::Directory => Ok(None),
            Some(found) if found.kind == Kind::Symlink => {
                let bounds = if self.options.keep_directory_symlink { Bounds::Open } else { Bounds::Beneath };
                match copier.ending_within(dir, target.name, target.shown, bounds) {
                    Ok(Some(ending)) => match ending.found {
                        Some(found) if found.kind == Kind::Directory => Ok(Some(ending)),
                        Some(_) => Err(is_taken()),
                        None => Err(is_there()),
                    },
                    Ok(None) | Err(Error::Call { errno: Errno::LOOP | Errno::NOTDIR, .. }) => Err(is_there()),
                    // What a link out of the target leads to is looked at for the message alone.
                    Err(error) => match copier.stat_target(target, true)? {
                        Some(found) if found.kind != Kind::Directory => Err(is_taken()),
                        _ => Err(error),
                    },
                }
            }
            Some(_) => Err(is_taken()),
        }
    }

    /// Sets the attributes of the directories, innermost first.
    pub(super) fn leave_parents(&self, parents: Parents<K>) {
        match parents.innermost {
            Some(level) if parents.are_finished => self.release(level, Asker::Name),
            Some(_) | None => {}
        }
    }
}

/// A name in a directory, without a way back that it takes.
pub(super) fn beneath(directory: PathBuf, name: &Path) -> PathBuf {
    let mut path = directory;
    let goes_up = name == Path::new("..");
    let is_below = path.file_name().is_some();
    if !(goes_up && is_below && path.pop()) {
        path.push(name);
    }
    path
}
