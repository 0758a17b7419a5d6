//! The way down a tree: names become tasks, directories become levels.
//!
//! Each directory is listed by the handle that its names are then looked up in, and made when it comes
//! up, so that whoever copies a name finds its directory there. What cannot be entered is said, and
//! nothing below it is looked at.

use super::handles::Asker;
use super::level::{DirectoryPair, Level, NotEntered, Task};
use super::plan::joined;
use super::portion::{Part, Portion};
use super::run::Run;
use super::shortages::Requirement;
use super::walk::{Entry, Listing, entry};
use crate::copy::{Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{DirEntry, Errno, Kernel, Kind, Stat};
use crate::known::filesystems::Filesystem;
use crate::quote::quoted;
use crate::report::Event;
use std::path::Path;
use std::sync::Arc;

/// A batch of so many names ends where their directory does. Two threads in one directory wait for each other: for its
/// lock, and on XFS for the allocation group that all its inodes come from (20,000 files in 0.34 s, and 0.50 s without).
const BATCH_MIN: usize = 32;

/// A tree that is deeper is none: it may be a filesystem in user space that shows itself under ever new inode numbers.
const DEPTH_MAX: usize = 1 << 15;

/// The way down a tree: the levels that are open, and the names in each that have not come up yet.
pub(super) struct Descent<'r, 'a, K: Kernel> {
    pub(super) run: &'r Run<'a, K>,
    /// The operand's own level first.
    pub(super) levels: Vec<(Arc<Level<K>>, Listing)>,
    /// The operand's target, which must not be copied into itself.
    pub(super) forbidden: Stat,
    /// The operand and its target for messages.
    pub(super) source: &'r Path,
    pub(super) target: &'r Path,
}

impl<K: Kernel> Descent<'_, '_, K> {
    /// The next names that are no directories, at least one and at most `count`; `None` at the end.
    /// Directories that come up are made at once.
    pub(super) fn batch(&mut self, count: usize) -> Option<Vec<Task<K>>> {
        let mut batch = Vec::new();
        while batch.len() < count && !self.run.is_stopped() {
            let Some((level, listing)) = self.levels.last_mut() else { break };
            if let Some(listed) = listing.take() {
                let level = Arc::clone(level);
                self.name(level, listed, &mut batch);
                continue;
            }
            match self.read() {
                Ok(true) => {}
                // Nobody else may hold the level here: who lets go of it last finishes it.
                Ok(false) => {
                    self.pop();
                    // Names that wait hold their directories open.
                    if batch.len() >= BATCH_MIN || !batch.is_empty() && self.run.directories.are_many() {
                        break;
                    }
                }
                Err(error) => {
                    self.run.tell(Event::Failed(&error));
                    self.pop();
                }
            }
        }
        (!batch.is_empty()).then_some(batch)
    }

    /// Reads on in the level that is listed; false at its end.
    fn read(&mut self) -> Result<bool, Error> {
        let Some((level, listing)) = self.levels.last_mut() else { return Ok(false) };
        let access = |errno| Error::call(Action::Access, &level.source_shown(), errno);
        if listing.has_ended().map_err(access)? {
            return Ok(false);
        }
        let pair = self.run.handles(level, Asker::Descent)?;
        listing.read(self.run.kernel, &pair.source).map_err(access)?;
        Ok(!listing.has_ended().map_err(access)?)
    }

    /// Lets go of the level that is listed.
    fn pop(&mut self) {
        if let Some((level, _)) = self.levels.pop() {
            if level.is_beneath_another() && Arc::strong_count(&level) > 1 {
                self.run.directories.listed(&level.handles);
            }
            self.run.release(level, Asker::Descent);
        }
    }

    /// Closes directories until no more than `count` are open: those that wait for their names to be copied, then those
    /// above the one that is listed, whose other names are read before, from the top.
    fn close_to(&mut self, count: usize) {
        let (run, last) = (self.run, self.levels.len().saturating_sub(1));
        for (level, listing) in &mut self.levels[..last] {
            if run.directories.close_to(run.kernel, count) {
                return;
            }
            let handles = if level.is_beneath_another() { level.handles.get() } else { None };
            if let Some(pair) = handles {
                listing.drain(run.kernel, &pair.source);
                drop(pair);
                level.handles.close(run.kernel);
            }
        }
        // Files that wait for their names keep theirs open.
        if run.directories.are_more_than(count) && run.commit_waiting(|_| true) {
            run.directories.close_to(run.kernel, count);
        }
    }

    /// Lets go of all levels, from the deepest.
    pub(super) fn end(&mut self) {
        while !self.levels.is_empty() {
            self.pop();
        }
    }

    fn name(&mut self, level: Arc<Level<K>>, listed: DirEntry, batch: &mut Vec<Task<K>>) {
        match self.entry(&level, listed) {
            Ok(entry) => self.proposed(Task { level, entry }, batch),
            Err(error) => {
                self.run.tell(Event::Failed(&error));
                self.run.release(level, Asker::Descent);
            }
        }
    }

    /// A name that is known for what it is.
    fn proposed(&mut self, task: Task<K>, batch: &mut Vec<Task<K>>) {
        let is_directory = task.kind() == Kind::Directory;
        let comes_up = |part: Part| if is_directory { part.has_directories() } else { part.has_names() };
        let is_left =
            |portion: &dyn Portion| !comes_up(portion.part()) || is_directory && !portion.enters(&task.path());
        if self.run.portion.is_some_and(is_left) || self.run.left_out == Some(task.name()) {
            return self.run.release(task.level, Asker::Descent);
        }
        let is_free = self.run.check_reserved(|| task.path(), task.name());
        match is_free.and_then(|()| self.run.claim(&task)) {
            Ok(()) if is_directory => self.enter(task),
            Ok(()) => batch.push(task),
            Err(error) => {
                self.run.tell(Event::Failed(&error));
                self.run.release(task.level, Asker::Descent);
            }
        }
    }

    /// What a name is; a look at it only where the listing does not tell.
    fn entry(&self, level: &Level<K>, listed: DirEntry) -> Result<Entry, Error> {
        let follows = self.run.entries.copier.follow_inside() != Follow::No;
        // Programs behind FUSE fill the kind in by hand, or not.
        let is_told = level.origin.is_none_or(|origin| !Filesystem::new(origin.magic).is_fuse());
        let listed = DirEntry { kind: listed.kind.filter(|_| is_told), ..listed };
        if let Some(kind) = listed.kind.filter(|kind| !(follows && *kind == Kind::Symlink)) {
            return Ok(Entry { name: listed.name, kind, is_link: false });
        }
        let pair = self.run.handles(level, Asker::Descent)?;
        let shown = joined(&level.source_shown(), Path::new(&listed.name));
        let found = entry(self.run.kernel, &pair.source, listed, follows);
        found.map_err(|errno| Error::call(Action::StatSource, &shown, errno))
    }

    fn enter(&mut self, task: Task<K>) {
        let run = self.run;
        self.close_to(run.directories.max - 1);
        match self.entered(&task) {
            Ok(level) => self.list(level),
            Err(error) => run.tell(Event::Failed(&error)),
        }
        // The one above had to be open for that.
        self.close_to(run.directories.max);
        run.release(task.level, Asker::Descent);
    }

    /// Opens a directory and makes its target.
    fn entered(&self, task: &Task<K>) -> Result<Level<K>, Error> {
        let (run, level) = (self.run, &task.level);
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        if self.levels.len() >= DEPTH_MAX {
            return Err(Error::call(Action::Access, &source_shown, Errno::NAMETOOLONG));
        }
        let pair = run.handles(level, Asker::Descent)?;
        let follow = run.entries.copier.follow_inside();
        let directory_pair = DirectoryPair {
            source: Name { dir: Some(&pair.source), name: task.name(), shown: &source_shown, follow },
            target: Name::within(&pair.target, task.name(), &target_shown),
            path: None,
        };
        let refuse = |stat: &Stat| match () {
            () if stat.is_same_file(&self.forbidden) => Some(NotEntered::IntoItself),
            () if !self.is_entered(stat) => None,
            () if !task.entry.is_link && self.is_operand(stat) => Some(NotEntered::Operand),
            () => Some(NotEntered::Cycle),
        };
        let entered = run.entries.copier.enter(&directory_pair, Some(level), &level.base, &run.directories, refuse);
        let entered = entered.map_err(|refusal| {
            let error = self.refused(refusal, &source_shown, &target_shown);
            run.note_want(&directory_pair.target, &error, Requirement::default());
            error
        })?;
        run.entered.note(&entered.from);
        if entered.made {
            run.tell(Event::DirectoryMade { source: &source_shown, target: &target_shown });
        }
        Ok(entered)
    }

    /// Goes on with what is in a directory, unless it lies on another filesystem and -x was given.
    fn list(&mut self, level: Level<K>) {
        let is_other = self.levels.first().is_some_and(|(top, _)| top.from.dev != level.from.dev);
        if self.run.options.one_file_system && is_other {
            self.run.release(Arc::new(level), Asker::Descent);
        } else {
            self.levels.push((Arc::new(level), Listing::default()));
        }
    }

    /// Whether a directory is one of those above: a link to it leads in a circle, or, in user space, a filesystem that
    /// shows itself. GNU's cp asks of every directory as well.
    fn is_entered(&self, stat: &Stat) -> bool {
        self.levels.iter().any(|(level, _)| level.from.is_same_file(stat))
    }

    fn is_operand(&self, stat: &Stat) -> bool {
        self.levels.first().is_some_and(|(level, _)| level.from.is_same_file(stat))
    }

    fn refused(&self, refusal: NotEntered, shown: &Path, target: &Path) -> Error {
        match refusal {
            NotEntered::IntoItself => {
                let (source, target) = (quoted(self.source), quoted(self.target));
                Error::Refused(format!("cannot copy a directory, {source}, into itself, {target}"))
            }
            NotEntered::Operand => {
                let (target, top) = (quoted(target), quoted(self.target));
                Error::Refused(format!("will not create hard link {target} to directory {top}"))
            }
            NotEntered::Cycle => Error::Refused(format!("cannot copy cyclic symbolic link {}", quoted(shown))),
            NotEntered::For(error) => error,
        }
    }
}
