//! The order of the work: operands one after the other, a tree's files in parallel, directories
//! made before what is in them and finished after it.
//!
//! Threads live here. The walk hands out names in small batches, only as fast as they are worked
//! off, so that memory does not grow with the number of files. With one job everything is a plain
//! loop in the calling thread.

use super::descent::Descent;
use super::entry::{Entries, Look, Looked, Outcome, Setting};
use super::level::{Level, Passage, Refusal, Task};
use super::links::{Claim, Links, Made};
use super::overwrite::{Ask, same_file};
use super::plan::{Operand, Operands, Plan, ends_in_slash};
use super::special::Standing;
use super::walk::{Walk, Walkdir};
use crate::copy::{Follow, Host, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Dereference, Options, Removal};
use crate::report::Report;
use crate::report::quote::quoted;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Names taken from the walk at a time.
const BATCH: usize = 32;

/// Threads beyond this many only wait for each other.
const JOBS_MAX: usize = 512;

/// One run of the program over its operands.
pub struct Run<'a, K: Kernel> {
    pub(super) entries: Entries<'a, K>,
    kernel: &'a K,
    options: &'a Options,
    stop: &'a AtomicBool,
    pub(super) report: &'a Report,
    /// Names that wait for another of their inode; an operand never does.
    links: Links<Option<Task<K>>>,
}

/// Where a name comes from, where it goes, and what is known of that.
#[derive(Clone, Copy)]
struct Place<'a, F> {
    source: &'a Name<'a, F>,
    target: &'a Name<'a, F>,
    setting: &'a Setting<'a, F>,
    /// The directory of all targets, and the target's path beneath it.
    base: &'a F,
    path: &'a Path,
}

/// What operands before this one did.
#[derive(Default)]
struct Before {
    /// Sources that were named, with their identity.
    sources: HashSet<(PathBuf, u64, u64)>,
    /// Files that were made.
    made: HashSet<(u64, u64)>,
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
        Self { entries, kernel, options, stop, report, links: Links::default() }
    }

    /// Copies every operand; what fails is reported and the rest goes on.
    pub fn operands(&self, operands: &Operands) {
        let plan = match Plan::new(self.kernel, operands) {
            Ok(plan) => plan,
            Err(error) => return self.report.error(&error),
        };
        let threads = self.options.jobs.get().min(JOBS_MAX);
        if threads == 1 {
            return self.all(operands, &plan);
        }
        match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.install(|| self.all(operands, &plan)),
            // No threads to be had: the work can be done without.
            Err(_) => self.all(operands, &plan),
        }
    }

    fn all(&self, operands: &Operands, plan: &Plan) {
        let mut before = Before::default();
        for source in &operands.sources {
            if self.is_stopped() {
                return;
            }
            if let Err(error) = self.operand(&plan.operand(source), plan, operands.sources.len() > 1, &mut before) {
                self.report.error(&error);
            }
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn operand(&self, operand: &Operand, plan: &Plan, several: bool, before: &mut Before) -> Result<(), Error> {
        let follow = if self.options.dereference == Dereference::Never { Follow::No } else { Follow::Yes };
        let stat = self.kernel.stat_at(None, &operand.source, follow == Follow::Yes);
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, &operand.source, errno))?;
        let is_directory = stat.kind == Kind::Directory;
        if is_directory && !self.options.recursive {
            let source = quoted(&operand.source);
            return Err(Error::Refused(format!("-r not specified; omitting directory {source}")));
        }
        if several && !before.sources.insert((operand.source.clone(), stat.dev, stat.ino)) {
            let what = if is_directory { "directory" } else { "file" };
            self.report.warning(&format!("source {what} {} specified more than once", quoted(&operand.source)));
            return Ok(());
        }
        let base = plan.open_base(self.kernel).and_then(|base| {
            let is_file_as_directory = !is_directory && ends_in_slash(&operand.target_shown);
            if is_file_as_directory { Err(Errno::NOTDIR) } else { Ok(base) }
        });
        let base = base.map_err(|errno| Error::call(creation(stat.kind), &operand.target_shown, errno))?;
        let base = Arc::new(base);
        let source = Name { dir: None, name: &operand.source, shown: &operand.source, follow };
        let target = Name::within(&*base, &operand.name, &operand.target_shown);
        if is_directory {
            self.directory(Passage { source, target, path: operand.name.clone() }, &base)?;
        } else {
            self.single(&source, &stat, &target, several, before)?;
        }
        if self.options.durable { self.entries.copier.sync_directory(&base, &plan.base) } else { Ok(()) }
    }

    /// An operand that is no directory.
    fn single(
        &self,
        source: &Name<'_, K::File>,
        stat: &Stat,
        target: &Name<'_, K::File>,
        several: bool,
        before: &mut Before,
    ) -> Result<(), Error> {
        let copier = &self.entries.copier;
        let identity = |stat: &Stat| (stat.dev, stat.ino);
        if several {
            let is_link = stat.nlink > 1 && self.options.preserve.links.wanted();
            let found = copier.look_at(target, false)?.filter(|found| before.made.contains(&identity(found)));
            if let Some(found) = found.filter(|_| !is_link) {
                return Err(just_created(source, target, &found));
            }
        }
        let dir = target.directory().map_err(|errno| Error::call(Action::CreateFile, target.shown, errno))?;
        let inherits = copier.hands_down_list(dir);
        let setting = Setting { fresh: false, inherits, walked: None, top: None };
        let place = Place { source, target, setting: &setting, base: dir, path: target.name };
        self.name(&place, None)?;
        if several {
            before.made.extend(copier.look_at(target, false)?.as_ref().map(identity));
        }
        Ok(())
    }

    /// One name that is no directory, and the names of the same inode that waited for it. With
    /// `waiting` it may be left to whoever is copying that inode.
    fn name(&self, place: &Place<'_, K::File>, waiting: Option<&Task<K>>) -> Result<(), Error> {
        let Place { source, target, setting, .. } = *place;
        let looked = match self.entries.look(source, target, setting)? {
            Look::Ended(outcome) => {
                self.tell(place, &outcome, false);
                return Ok(());
            }
            Look::Make(looked) => looked,
        };
        let stat = looked.stat;
        if stat.nlink < 2 || !self.options.preserve.links.wanted() {
            let stood = looked.standing.is_some();
            let outcome = self.entries.make(looked, source, target, setting)?;
            self.tell(place, &outcome, stood);
            return Ok(());
        }
        let identity = (stat.dev, stat.ino);
        match self.links.claim(identity, waiting.cloned()) {
            Claim::Left => Ok(()),
            Claim::Link(made, _) => {
                let standing = if looked.standing.is_some() { Standing::Taken } else { Standing::Free };
                self.link(place, &made, looked.standing.as_ref(), standing)
            }
            Claim::Copy(_) => {
                let made = self.first_of(place, looked);
                let others = match &made {
                    Ok(found) => self.links.made(identity, stat.nlink, place.path, *found),
                    Err(_) => self.links.failed(identity),
                };
                for task in others.into_iter().flatten() {
                    self.task(task);
                }
                made.map(drop)
            }
        }
    }

    /// Copies the first name of an inode; returns the identity of what was made.
    fn first_of(&self, place: &Place<'_, K::File>, looked: Box<Looked<K::File>>) -> Result<(u64, u64), Error> {
        let stood = looked.standing.is_some();
        let outcome = self.entries.make(looked, place.source, place.target, place.setting)?;
        self.tell(place, &outcome, stood);
        if let Some(identity) = outcome.identity() {
            return Ok(identity);
        }
        let found = self.entries.copier.look_at(place.target, false)?;
        let found = found.ok_or_else(|| Error::call(Action::StatTarget, place.target.shown, Errno::NOENT))?;
        Ok((found.dev, found.ino))
    }

    fn link(
        &self,
        place: &Place<'_, K::File>,
        made: &Made,
        found: Option<&Stat>,
        standing: Standing,
    ) -> Result<(), Error> {
        if found.is_none_or(|found| (found.dev, found.ino) != made.identity) {
            self.entries.copier.make_link(place.base, made, place.target, standing)?;
        }
        self.tell(place, &Outcome::Made { complaints: Vec::new() }, standing == Standing::Taken);
        Ok(())
    }

    /// Reports an outcome. With `stood`, something had the name before; that it was removed is said
    /// where cp would have removed it: before the copy, or with -f after a first try.
    fn tell(&self, place: &Place<'_, K::File>, outcome: &Outcome, stood: bool) {
        let removed = stood && outcome.is_new_file();
        let after = self.options.removal == Removal::WhenUnwritable && matches!(outcome, Outcome::Copied(_));
        if removed && !after {
            self.report.removed(place.target.shown);
        }
        self.report.outcome(place.source.shown, place.target.shown, outcome);
        if removed && after {
            self.report.removed(place.target.shown);
        }
    }

    /// A directory operand: everything in it.
    fn directory(&self, passage: Passage<'_, K::File>, base: &Arc<K::File>) -> Result<(), Error> {
        let Passage { source, target, .. } = &passage;
        let copier = &self.entries.copier;
        let stat = self.kernel.stat_at(source.dir, source.name, true);
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        if copier.look_at(target, false)?.is_some_and(|found| found.is_same_file(&stat)) {
            return Err(same_file(source.shown, target.shown));
        }
        let top = match copier.enter(&passage, None, base, |_| false) {
            Ok(top) => top,
            Err(Refusal::For(error)) => return Err(error),
            Err(Refusal::IntoItself) => return Ok(()),
        };
        let forbidden = self.kernel.stat(&top.target);
        let forbidden = forbidden.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?;
        if top.made {
            self.report.made(source.shown, target.shown);
        }
        let walk = Walkdir::new(source.name, self.options.dereference, self.options.one_file_system);
        let levels = vec![Arc::new(top)];
        self.descend(Descent { run: self, walk, levels, forbidden, source: source.shown, target: target.shown });
        Ok(())
    }

    /// Works the walk off, in this thread or in all.
    fn descend<W: Walk + Send>(&self, mut descent: Descent<'_, 'a, K, W>) {
        if self.options.jobs.get() == 1 {
            while let Some(batch) = descent.batch(1) {
                batch.into_iter().for_each(|task| self.task(task));
            }
        } else {
            let batches = std::iter::from_fn(|| descent.batch(BATCH)).par_bridge();
            batches.for_each(|batch| batch.into_par_iter().for_each(|task| self.task(task)));
        }
        descent.pop_to(0);
    }

    /// One name of a tree.
    fn task(&self, task: Task<K>) {
        if !self.is_stopped() {
            let (source_shown, target_shown, path) = (task.source_shown(), task.target_shown(), task.path());
            let level = &task.level;
            let follow = self.entries.copier.follow_inside();
            let source = Name { dir: Some(&level.source), name: task.name(), shown: &source_shown, follow };
            let target = Name::within(&level.target, task.name(), &target_shown);
            let setting = Setting {
                fresh: level.made,
                inherits: level.inherits,
                walked: Some(task.kind()),
                top: Some((&*level.base, &path)),
            };
            let place = Place { source: &source, target: &target, setting: &setting, base: &level.base, path: &path };
            if let Err(error) = self.name(&place, Some(&task)) {
                self.report.error(&error);
            }
        }
        self.release(task.level);
    }

    /// Lets go of a level; who is the last to do so finishes it, and lets go of the one above.
    pub(super) fn release(&self, level: Arc<Level<K>>) {
        let mut held = Some(level);
        while let Some(level) = held.and_then(Arc::into_inner) {
            for complaint in self.entries.copier.leave(&level) {
                self.report.error(&complaint);
            }
            held = level.above;
        }
    }
}

/// cp's refusal to undo what an operand before this one did.
fn just_created<F>(source: &Name<'_, F>, target: &Name<'_, F>, found: &Stat) -> Error {
    let (source, target) = (quoted(source.shown), quoted(target.shown));
    Error::Refused(if found.kind == Kind::Symlink {
        format!("will not copy {source} through just-created symlink {target}")
    } else {
        format!("will not overwrite just-created {target} with {source}")
    })
}

/// The words for making something of this kind.
fn creation(kind: Kind) -> Action {
    match kind {
        Kind::File => Action::CreateFile,
        Kind::Directory => Action::CreateDirectory,
        Kind::Symlink => Action::CreateSymlink,
        Kind::Fifo => Action::CreateFifo,
        Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Action::CreateSpecial,
    }
}
