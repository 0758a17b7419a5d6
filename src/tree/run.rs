//! The order of the work: operands one after the other, a tree's files in parallel, directories
//! made before what is in them and finished after it.
//!
//! The way down hands out names in small batches, only as fast as they are worked off, so that memory
//! does not grow with the number of files. With one job everything is a plain loop in the calling thread.

use super::descent::Descent;
use super::entry::{Entries, Outcome};
use super::further::First;
use super::handles::{Asker, Directories};
use super::level::{Level, Passage, Refusal, Task};
use super::links::{Claim, Identity, Links, Made, Version};
use super::look::{Look, Looked, Setting};
use super::operand::Before;
use super::overwrite::{Ask, same_file};
use super::plan::{Operands, Plan};
use super::same::Seen;
use super::spellings::Paths;
use super::walk::Listing;
use crate::copy::{Copied, Follow, Geometry, Landing, Name};
use crate::error::{Action, Error};
use crate::host::Host;
use crate::kernel::{Kernel, Kind, Stat};
use crate::options::{Dereference, Options, Product};
use crate::report::Report;
use rayon::prelude::*;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Names handed out at a time, so many that two threads seldom meet in one directory; who has none left takes some of
/// another's.
const BATCH: usize = 128;

/// One run of the program over its operands.
pub struct Run<'a, K: Kernel> {
    pub(super) entries: Entries<'a, K>,
    pub(super) kernel: &'a K,
    pub(super) options: &'a Options,
    stop: &'a AtomicBool,
    pub(super) report: &'a Report,
    /// What operands before have made.
    pub(super) paths: Paths,
    /// Names that wait for another of their inode; an operand never does.
    links: Links<Option<Task<K>>>,
    /// Those that are open.
    pub(super) directories: Directories<K>,
}

/// Where a name comes from, where it goes, and what is known of that.
#[derive(Clone, Copy)]
pub(super) struct Place<'a, F> {
    pub(super) source: &'a Name<'a, F>,
    pub(super) target: &'a Name<'a, F>,
    pub(super) setting: &'a Setting<'a, F>,
    /// The directory of all targets, and the target's path beneath it.
    pub(super) base: &'a F,
    pub(super) path: &'a Path,
}

impl<'a, K: Kernel> Run<'a, K> {
    /// A run; `ask` puts -i's question.
    pub fn new(
        kernel: &'a K,
        options: &'a Options,
        host: &'a Host,
        stop: &'a AtomicBool,
        report: &'a Report,
        ask: Ask<'a>,
    ) -> Self {
        let entries = Entries::new(kernel, options, host, stop, ask);
        let directories = Directories::new(options.directories_max);
        Self { entries, kernel, options, stop, report, paths: Paths::default(), links: Links::default(), directories }
    }

    /// Cuts files into these sizes: in a simulated world they are small.
    pub fn cut(&mut self, geometry: Geometry) {
        self.entries.copier.geometry = geometry;
    }

    /// Copies every operand; what fails is reported and the rest goes on.
    pub fn operands(&self, operands: &Operands) {
        let plan = match Plan::new(self.kernel, operands) {
            Ok(plan) => plan,
            Err(error) => return self.report.error(&error),
        };
        if self.options.parents && !plan.is_into_directory() {
            return match &plan.unknown {
                Some(error) => self.report.error(error),
                None => self.report.usage("with --parents, the destination must be a directory"),
            };
        }
        if operands.sources.len() > 1 {
            self.links.keep_all();
            self.paths.keep();
        }
        let mut before = Before::default();
        for source in &operands.sources {
            if self.is_stopped() {
                return;
            }
            let operand = if self.options.parents { plan.operand_with_parents(source) } else { plan.operand(source) };
            if let Err(error) = self.operand(&operand, &plan, operands.sources.len() > 1, &mut before) {
                self.report.error(&error);
            }
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// One name that is no directory, and the names of the same inode that waited for it. With
    /// `waiting` it may be left to whoever is copying that inode.
    pub(super) fn name(&self, place: &Place<'_, K::File>, waiting: Option<&Task<K>>) -> Result<(), Error> {
        let Place { source, target, setting, .. } = *place;
        let (looked, is_newer) = match self.entries.look(source, target, setting)? {
            Look::Ended(outcome) => {
                self.tell(place, &outcome, Removed::No);
                return Ok(());
            }
            Look::Make(looked) => (looked, false),
            Look::Newer(looked) => (looked, true),
        };
        let stat = looked.stat;
        if !self.keeps_links(place, &stat) {
            return self.make(place, looked, is_newer).map(drop);
        }
        let birth = self.kernel.birth(source.dir, source.name, source.follow != Follow::No);
        let birth = birth.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        let version = Version::new(&stat, birth);
        let mut refused = None;
        loop {
            match self.links.claim(&version, refused.as_deref(), waiting.cloned()) {
                Claim::Left => return Ok(()),
                Claim::Link(made, likeness, _) => match self.first(place, &stat, &made, likeness)? {
                    Some(first) => return self.link(place, &made, &first, looked.standing.as_ref(), is_newer),
                    None => refused = Some(made),
                },
                Claim::Copy(_) => return self.first_of(place, looked, &version, is_newer),
            }
        }
    }

    /// Whether a name may have to become a hard link to an earlier copy of its inode.
    fn keeps_links(&self, place: &Place<'_, K::File>, stat: &Stat) -> bool {
        let is_several = stat.nlink > 1
            || match self.options.dereference {
                Dereference::Always => true,
                Dereference::CommandLine => place.setting.walked.is_none(),
                Dereference::Never => false,
            };
        is_several && self.options.preserve.links.wanted() && self.options.product != Product::HardLink
    }

    /// Makes what was looked at, unless what is there is newer.
    fn make(&self, place: &Place<'_, K::File>, looked: Box<Looked<K::File>>, is_newer: bool) -> Result<Outcome, Error> {
        if is_newer {
            self.tell(place, &Outcome::Skipped, Removed::No);
            return Ok(Outcome::Skipped);
        }
        let removed = match &looked.standing {
            None => Removed::No,
            Some(found) if self.entries.is_removed_first(&looked.stat, found) => Removed::Before,
            Some(_) => Removed::IfNeeded,
        };
        let outcome = self.entries.make(looked, place.source, place.target, place.setting)?;
        self.tell(place, &outcome, removed);
        Ok(outcome)
    }

    /// Copies the first name of an inode, and then the names that waited for it.
    fn first_of(
        &self,
        place: &Place<'_, K::File>,
        looked: Box<Looked<K::File>>,
        version: &Version,
        is_newer: bool,
    ) -> Result<(), Error> {
        // With links followed the names of an inode cannot be counted.
        let names = if place.source.follow == Follow::Yes { u64::MAX } else { looked.stat.nlink };
        let made = self.make(place, looked, is_newer).and_then(|outcome| self.made(place, version, &outcome));
        let (others, ended) = match made {
            Ok(made) => (self.links.made(version, made, names), Ok(())),
            Err(error) => (self.links.failed(version), Err(error)),
        };
        for task in others.into_iter().flatten() {
            self.task(task);
        }
        ended
    }

    /// Makes a name a hard link to what was made of its inode before; a newer target too, as with cp.
    fn link(
        &self,
        place: &Place<'_, K::File>,
        made: &Made,
        first: &First<K::File>,
        found: Option<&Stat>,
        is_newer: bool,
    ) -> Result<(), Error> {
        let special = self.make_further(place, made, first, found)?;
        let removed = if found.is_some() && special.backup.is_none() { Removed::Before } else { Removed::No };
        let outcome = if is_newer { Outcome::Skipped } else { Outcome::Made(special) };
        self.tell(place, &outcome, removed);
        Ok(())
    }

    /// Reports an outcome. That an old target was removed is said where cp would have removed it:
    /// before the copy, or with -f after a first try.
    fn tell(&self, place: &Place<'_, K::File>, outcome: &Outcome, removed: Removed) {
        if removed == Removed::Before {
            self.report.removed(place.target.shown);
        }
        self.report.outcome(place.source.shown, place.target.shown, outcome);
        let is_new = |copied: &Copied| copied.landing == Landing::Supplant && copied.backup.is_none();
        if removed == Removed::IfNeeded && matches!(outcome, Outcome::Copied(copied) if is_new(copied)) {
            self.report.removed(place.target.shown);
        }
    }

    /// A directory operand: everything in it. False if there was nothing to do.
    /// `stat` is the source's.
    pub(super) fn directory(
        &self,
        passage: Passage<'_, K::File>,
        stat: &Stat,
        base: &Arc<K::File>,
    ) -> Result<bool, Error> {
        let Passage { source, target, .. } = &passage;
        let copier = &self.entries.copier;
        let found = copier.look_at(target, false)?;
        let is_itself = found.is_some_and(|found| found.is_same_file(stat));
        if is_itself && self.options.product == Product::HardLink {
            return Ok(false);
        }
        if is_itself && self.options.may_replace() {
            return Err(same_file(source.shown, target.shown));
        }
        // Something else would be said of a link to the source, and less to the point.
        if let Some(link) = found.filter(|found| found.kind == Kind::Symlink && self.options.may_replace()) {
            let to = Seen { name: target, stat: &link, itself: Some(&link) };
            copier.sameness(&Seen { name: source, stat, itself: None }, &to)?;
        }
        let top = match copier.enter(&passage, None, base, &self.directories, |_| None) {
            Ok(top) => top,
            Err(Refusal::For(error)) => return Err(error),
            Err(Refusal::IntoItself | Refusal::Operand | Refusal::Cycle) => return Ok(false),
        };
        let forbidden = self.handles(&top, Asker::Name).map(|pair| self.kernel.stat(&pair.target))?;
        let forbidden = forbidden.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?;
        if top.made {
            self.report.made(source.shown, target.shown);
        }
        let levels = vec![(Arc::new(top), Listing::default())];
        self.descend(Descent { run: self, levels, forbidden, source: source.shown, target: target.shown });
        Ok(true)
    }

    /// Works a tree off, in this thread or in all.
    fn descend(&self, mut descent: Descent<'_, 'a, K>) {
        if let Some(pool) = self.entries.copier.threads.pool() {
            let batches = std::iter::from_fn(|| descent.batch(BATCH)).par_bridge();
            pool.install(|| batches.for_each(|batch| batch.into_par_iter().for_each(|task| self.task(task))));
        } else {
            while let Some(batch) = descent.batch(1) {
                batch.into_iter().for_each(|task| self.task(task));
            }
        }
        descent.end();
    }

    /// One name of a tree.
    fn task(&self, task: Task<K>) {
        if !self.is_stopped()
            && let Err(error) = self.name_of(&task)
        {
            self.report.error(&error);
        }
        self.release(task.level, Asker::Name);
    }

    fn name_of(&self, task: &Task<K>) -> Result<(), Error> {
        let level = &task.level;
        let pair = self.handles(level, Asker::Name)?;
        let (source_shown, target_shown, path) = (task.source_shown(), task.target_shown(), task.path());
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
        let setting = Setting {
            fresh: level.made,
            home: level.home,
            origin: level.origin,
            created: self.paths.created(&path),
            named: false,
            walked: Some(task.kind()),
            top: Some(top),
        };
        let place = Place { source: &source, target: &target, setting: &setting, base: &level.base, path: &path };
        self.name(&place, Some(task))
    }

    /// Lets go of a level; who is the last to do so finishes it, and lets go of the one above.
    pub(super) fn release(&self, level: Arc<Level<K>>, asker: Asker) {
        let mut held = Some(level);
        while let Some(level) = held.and_then(Arc::into_inner) {
            match self.handles(&level, asker) {
                Ok(pair) => {
                    let complaints = self.entries.copier.leave(&level, &pair);
                    complaints.iter().for_each(|complaint| self.report.error(complaint));
                }
                Err(error) => self.report.error(&error),
            }
            level.handles.end();
            held = level.above;
        }
    }
}

/// When cp would have removed what stood at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removed {
    /// It would not have.
    No,
    /// Before anything was made.
    Before,
    /// Once it could not be opened, if so.
    IfNeeded,
}

pub(super) fn identity(stat: &Stat) -> Identity {
    (stat.dev, stat.ino)
}
