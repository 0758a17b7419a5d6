//! The directories of a source's path, made beneath the target directory (--parents).
//!
//! Each is a level, as directories that are copied are, and gets its attributes after what goes into
//! it. Where all of them are there already they are left as they are.

use super::handles::Asker;
use super::level::{Level, Passage, Refusal};
use super::plan::{Operand, Parent};
use super::run::Run;
use crate::copy::{Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};
use crate::report::quote::quoted;
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
            parents.path.push(&parent.name);
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
        let target = Name { dir: Some(dir), name: &parent.name, shown: target_shown, follow: Follow::Beneath };
        match self.kernel.stat_at(target.dir, target.name, true) {
            Ok(found) if found.kind != Kind::Directory => {
                return Err(Error::Refused(format!("{} exists but is not a directory", quoted(target_shown))));
            }
            Ok(_) => {}
            // Nothing, or a symbolic link that leads nowhere.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                if self.entries.copier.look_at(&target, false)?.is_some() {
                    return Err(Error::call(Action::CreateParent, target_shown, Errno::EXIST));
                }
            }
            Err(errno) => return Err(Error::call(Action::StatTarget, target_shown, errno)),
        }
        let source = Name { dir: None, name: shown, shown, follow: Follow::Yes };
        let stat = self.kernel.stat_at(None, shown, true).map_err(failed)?;
        if stat.kind != Kind::Directory {
            return Err(failed(Errno::NOTDIR));
        }
        let passage = Passage { source, target, path: Some(path.to_owned()) };
        match self.entries.copier.enter(&passage, above, base, &self.directories, |_| None) {
            Ok(level) => {
                if level.made {
                    self.report.parent_made(shown, target_shown);
                }
                Ok(level)
            }
            Err(Refusal::For(Error::Call { action: Action::CreateDirectory, path, errno })) => {
                Err(Error::call(Action::CreateParent, &path, errno))
            }
            Err(Refusal::For(error)) => Err(error),
            Err(Refusal::IntoItself | Refusal::Operand | Refusal::Cycle) => Err(failed(Errno::LOOP)),
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
