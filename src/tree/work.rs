//! A tree is worked off: in this thread, or by all; who is the last in a directory finishes it.

use super::descent::Descent;
use super::entry_context::EntryContext;
use super::handles::Asker;
use super::level::{DirectoryPair, Level, NotEntered, Task};
use super::overwrite::same_file;
use super::portion::Part;
use super::run::{EntryPair, Run};
use super::same::FollowedName;
use super::walk::Listing;
use crate::copy::Name;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Stat};
use crate::options::Product;
use crate::report::Event;
use rayon::prelude::*;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// Names handed out at a time, so many that two threads seldom meet in one directory; who has none left takes some of
/// another's.
const BATCH: usize = 128;

impl<'a, K: Kernel> Run<'a, K> {
    /// A directory operand: everything in it. False if there was nothing to do.
    /// `stat` is the source's.
    pub(super) fn directory(
        &self,
        directory_pair: DirectoryPair<'_, K::File>,
        stat: &Stat,
        base: &Arc<K::File>,
    ) -> Result<bool, Error> {
        let DirectoryPair { source, target, .. } = &directory_pair;
        let copier = &self.entries.copier;
        let found = copier.stat_target(target, false)?;
        let is_itself = found.is_some_and(|found| found.is_same_file(stat));
        if is_itself && self.options.product == Product::HardLink && self.options.may_replace() {
            return Ok(false);
        }
        if is_itself && self.options.may_replace() {
            return Err(same_file(source.shown, target.shown));
        }
        // Something else would be said of a link to the source, and less to the point.
        if let Some(link) = found.filter(|found| found.kind == Kind::Symlink && self.options.may_replace()) {
            let to = FollowedName { name: target, stat: &link, itself: Some(&link) };
            copier.sameness(&FollowedName { name: source, stat, itself: None }, &to)?;
        }
        let top = match copier.enter(&directory_pair, None, base, &self.directories, |_| None) {
            Ok(top) => top,
            Err(NotEntered::For(error)) => return Err(error),
            Err(NotEntered::IntoItself | NotEntered::Operand | NotEntered::Cycle) => return Ok(false),
        };
        let forbidden = self.handles(&top, Asker::Name).map(|pair| self.kernel.stat(&pair.target))?;
        let forbidden = forbidden.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?;
        self.entered.note(&top.from);
        if top.made {
            self.tell(Event::DirectoryMade { source: source.shown, target: target.shown });
        }
        let levels = vec![(Arc::new(top), Listing::default())];
        self.descend(Descent { run: self, levels, forbidden, source: source.shown, target: target.shown });
        Ok(true)
    }

    /// Works a tree off, in this thread or in all.
    fn descend(&self, mut descent: Descent<'_, 'a, K>) {
        if let Some(pool) = self.entries.copier.threads.pool() {
            self.crowded.begin();
            let batches = std::iter::from_fn(|| descent.batch(BATCH)).par_bridge();
            pool.install(|| batches.for_each(|batch| batch.into_par_iter().for_each(|task| self.task(task))));
            self.crowded.end().into_iter().for_each(|name| self.make_deferred(name));
        } else {
            while let Some(batch) = descent.batch(1) {
                batch.into_iter().for_each(|task| self.task(task));
            }
        }
        descent.end();
        self.commit_all();
    }

    /// One name of a tree.
    pub(super) fn task(&self, task: Task<K>) {
        let done = if self.is_stopped() { Ok(()) } else { self.name_of(&task) };
        if let Err(error) = done {
            self.tell(Event::Failed(&error));
        }
        self.release_task(task);
        self.work_off_later();
    }

    /// Lets go of a name that is done.
    pub(super) fn release_task(&self, task: Task<K>) {
        self.release(task.level, Asker::Name);
    }

    fn name_of(&self, task: &Task<K>) -> Result<(), Error> {
        let path = task.path();
        if self.is_others(task, &path)? {
            return Ok(());
        }
        self.with_entry_pair((task, &path), true, |entry_pair| self.name(entry_pair, Some(task)))?.map(drop)
    }

    /// Calls with what a name of a tree comes from and where it goes; `path` is [`Task::path`].
    pub(super) fn with_entry_pair<T>(
        &self,
        (task, path): (&Task<K>, &Path),
        may_wait: bool,
        call: impl FnOnce(&EntryPair<'_, K::File>) -> T,
    ) -> Result<T, Error> {
        let level = &task.level;
        let pair = self.handles(level, Asker::Name)?;
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        let follow = self.entries.copier.follow_inside();
        let source = Name { dir: Some(&pair.source), name: task.name(), shown: &source_shown, follow };
        let target = Name::within(&pair.target, task.name(), &target_shown);
        // Where the way to the directory led through links, the directory is the top; in a new one there are none.
        let (top_pair, below) = if self.options.keep_directory_symlink || level.made {
            (Arc::clone(&pair), Cow::Borrowed(task.name()))
        } else {
            (self.handles(level.top(), Asker::Name)?, Cow::Owned(task.path_below_top()))
        };
        let top: (&K::File, &Path) = (&top_pair.target, &below);
        // In a new directory nothing is replaced.
        let may_wait = may_wait && (!level.made || self.options.durable);
        let may_wait = may_wait && self.may_wait(&pair.target, &level.target_directory);
        let context = EntryContext {
            fresh: level.made,
            target_directory: level.target_directory,
            origin: level.origin,
            created: self.paths.created(path),
            may_wait,
            named: false,
            walked: Some(task.kind()),
            top: Some(top),
        };
        let entry_pair = EntryPair { source: &source, target: &target, context: &context, base: &level.base, path };
        Ok(call(&entry_pair))
    }

    /// Lets go of a level; who is the last to do so finishes it, and lets go of the one above.
    pub(super) fn release(&self, level: Arc<Level<K>>, asker: Asker) {
        let mut held = Some(level);
        while let Some(level) = held.and_then(Arc::into_inner) {
            match self.handles(&level, asker) {
                Ok(pair) => {
                    if self.shared_part().is_none_or(Part::finishes_directories) {
                        let complaints = self.entries.copier.leave(&level, &pair);
                        complaints.iter().for_each(|complaint| self.tell(Event::Failed(complaint)));
                        self.write_out_later(&level, &pair);
                        self.seal_directory(&level, &pair);
                    }
                }
                Err(error) => self.tell(Event::Failed(&error)),
            }
            level.handles.end();
            held = level.above;
        }
    }
}
