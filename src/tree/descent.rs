//! The way down a tree: names from the walk become tasks, directories become levels.
//!
//! Directories are made when the walk comes to them, so that whoever copies a name finds its
//! directory there. What cannot be entered is said, and nothing below it is looked at.

use super::level::{Level, Passage, Refusal, Task};
use super::run::Run;
use super::walk::{Cause, Entry, Obstacle, Walk};
use crate::copy::Name;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Stat};
use crate::report::quote::quoted;
use std::path::Path;
use std::sync::Arc;

/// The way down a tree: a walk, and the levels that are open above where it is.
pub(super) struct Descent<'r, 'a, K: Kernel, W> {
    pub(super) run: &'r Run<'a, K>,
    pub(super) walk: W,
    /// The operand's own level first.
    pub(super) levels: Vec<Arc<Level<K>>>,
    /// The operand's target, which must not be copied into itself.
    pub(super) forbidden: Stat,
    /// The operand and its target for messages.
    pub(super) source: &'r Path,
    pub(super) target: &'r Path,
}

impl<K: Kernel, W: Walk> Descent<'_, '_, K, W> {
    /// The next names that are no directories, at least one and at most `count`; `None` at the end.
    /// Directories that come up are made at once.
    pub(super) fn batch(&mut self, count: usize) -> Option<Vec<Task<K>>> {
        let mut batch = Vec::new();
        while batch.len() < count && !self.run.is_stopped() {
            match self.walk.next() {
                None => break,
                Some(Err(obstacle)) => self.run.report.error(&describe(&obstacle)),
                Some(Ok(entry)) => {
                    self.pop_to(entry.depth);
                    let level = Arc::clone(self.levels.last()?);
                    if entry.kind == Kind::Directory {
                        self.enter(&entry, level);
                    } else {
                        batch.push(Task { level, entry });
                    }
                }
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Lets go of the levels deeper than `depth`.
    pub(super) fn pop_to(&mut self, depth: usize) {
        for level in self.levels.drain(depth.min(self.levels.len())..).rev() {
            self.run.release(level);
        }
    }

    fn enter(&mut self, entry: &Entry, above: Arc<Level<K>>) {
        let run = self.run;
        let task = Task { level: above, entry: entry.clone() };
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        let level = &task.level;
        let follow = run.entries.copier.follow_inside();
        let passage = Passage {
            source: Name { dir: Some(&level.source), name: task.name(), shown: &source_shown, follow },
            target: Name::within(&level.target, task.name(), &target_shown),
            path: task.path(),
        };
        let forbidden = &self.forbidden;
        let entered = run.entries.copier.enter(&passage, Some(level), &level.base, |stat| stat.is_same_file(forbidden));
        match entered {
            Ok(level) => {
                if level.made {
                    run.report.made(&source_shown, &target_shown);
                }
                self.levels.push(Arc::new(level));
            }
            Err(Refusal::IntoItself) => {
                let (source, target) = (quoted(self.source), quoted(self.target));
                run.report.error(&Error::Refused(format!("cannot copy a directory, {source}, into itself, {target}")));
                self.walk.skip_directory();
            }
            Err(Refusal::For(error)) => {
                run.report.error(&error);
                self.walk.skip_directory();
            }
        }
        run.release(task.level);
    }
}

fn describe(obstacle: &Obstacle) -> Error {
    match obstacle.cause {
        Cause::Unlisted(errno) => Error::call(Action::Access, &obstacle.path, errno),
        Cause::Unreachable(errno) => Error::call(Action::StatSource, &obstacle.path, errno),
        Cause::Cycle => Error::Refused(format!("cannot copy cyclic symbolic link {}", quoted(&obstacle.path))),
    }
}
