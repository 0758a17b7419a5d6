//! One operand: what it is, which directory its target lies in, and what operands before it did.
//!
//! The refusals are cp's, in cp's order: a source that was named before, a target that cannot be
//! looked at, a name that can only be a directory's.

use super::after::Fate;
use super::collision::Newcomer;
use super::entry_context::{EntryContext, MadeBefore};
use super::handles::Asker;
use super::level::DirectoryPair;
use super::links::{Identity, identity};
use super::parents::beneath;
use super::plan::{Operand, Operands, Plan, ends_in_slash};
use super::run::{EntryPair, Run};
use crate::copy::{Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Backup, Dereference, Product, Work};
use crate::quote::quoted;
use crate::report::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What operands before this one did.
pub(crate) struct OperandHistory<F> {
    /// Files that were named, by the names they had.
    files: BTreeMap<Identity, Vec<PathBuf>>,
    /// Directories that were copied, by the names they got in the directory of all targets.
    directories: BTreeMap<Identity, Vec<PathBuf>>,
    /// The paths of what was made: inode numbers may change with every look.
    paths: BTreeSet<PathBuf>,
    /// The directories in which targets lie, as they were typed: with --durable they are written out in the end.
    bases: BTreeMap<PathBuf, Arc<F>>,
}

impl<F> Default for OperandHistory<F> {
    fn default() -> Self {
        Self { files: BTreeMap::new(), directories: BTreeMap::new(), paths: BTreeSet::new(), bases: BTreeMap::new() }
    }
}

/// Where an operand comes from and where it goes.
struct Route<'a, F> {
    source: Name<'a, F>,
    /// The source as it was looked at.
    stat: &'a Stat,
    target: Name<'a, F>,
    /// The user named the target itself.
    is_named: bool,
    /// The target's path beneath the directory of all targets, and that directory.
    path: &'a Path,
    base: &'a Arc<F>,
    /// The target lies in that directory itself.
    is_in_base: bool,
}

impl<K: Kernel> Run<'_, K> {
    /// Copies every operand; what fails is reported and the rest goes on.
    pub fn operands(&self, operands: &Operands) {
        let plan = match Plan::new(self.kernel, operands) {
            Ok(plan) => plan,
            Err(error) => return self.tell(Event::Failed(&self.in_its_words(error))),
        };
        if self.options.parents && !plan.is_into_directory() {
            return match &plan.unknown {
                Some(error) => self.tell(Event::Failed(error)),
                None => self.tell(Event::Misused("with --parents, the destination must be a directory")),
            };
        }
        if operands.sources.len() > 1 {
            self.expect_several();
        }
        let mut history = OperandHistory::default();
        for source in &operands.sources {
            if self.is_stopped() {
                break;
            }
            let operand = if self.options.parents { plan.operand_with_parents(source) } else { plan.operand(source) };
            if let Err(error) = self.operand(&operand, &plan, operands.sources.len() > 1, &mut history) {
                self.tell(Event::Failed(&error));
            }
        }
        self.settle(&mut history);
        self.tell_shortages();
    }

    /// Says how much room is missing, where any was.
    pub(crate) fn tell_shortages(&self) {
        self.shortages.take(self.kernel, self.options).iter().for_each(|shortage| self.tell(Event::Full(shortage)));
    }

    /// Gives what waits its names, and with --durable writes out the directories that operands went to.
    fn settle(&self, history: &mut OperandHistory<K::File>) {
        self.commit_all();
        self.write_out_directories();
        for (shown, base) in std::mem::take(&mut history.bases) {
            if let Err(error) = self.sync(&base, &shown) {
                self.tell(Event::Failed(&error));
            }
        }
    }

    /// Gets ready for several operands, each copied by [`Self::one`].
    pub(crate) fn expect_several(&self) {
        self.links.keep_all();
        self.paths.keep();
    }

    /// Copies the only source of these operands; what fails is told.
    pub(crate) fn one(&self, operands: &Operands, history: &mut OperandHistory<K::File>) {
        let copied = Plan::new(self.kernel, operands).and_then(|plan| {
            let operand = |source: &PathBuf| self.operand(&plan.operand(source), &plan, true, &mut *history);
            operands.sources.first().map_or(Ok(()), operand)
        });
        copied.unwrap_or_else(|error| self.tell(Event::Failed(&error)));
        self.settle(history);
    }

    /// What install says of a directory given with -t that it cannot look at.
    fn in_its_words(&self, error: Error) -> Error {
        match error {
            Error::Call { action: Action::TargetDirectoryOption, path, errno }
                if self.options.work == Work::Install =>
            {
                Error::Call { action: Action::AccessTargetDirectory, path, errno }
            }
            error => error,
        }
    }

    /// Copies an operand; with `several` it is one of more than one.
    pub(super) fn operand(
        &self,
        operand: &Operand,
        plan: &Plan,
        several: bool,
        history: &mut OperandHistory<K::File>,
    ) -> Result<(), Error> {
        if operand.parents.is_empty() {
            stays_within(operand, &operand.name)?;
            let source = self.inspect_operand(operand)?;
            plan.unknown.clone().map_or(Ok(()), Err)?;
            let base = Arc::new(self.base(operand, plan, &source)?);
            self.operand_in(operand, &source, &base, &base, &operand.name, several.then_some(&mut *history))?;
            history.bases.entry(plan.base.clone()).or_insert(base);
            return Ok(());
        }
        let failed = |errno| Error::call(Action::TargetDirectory, &plan.base, errno);
        let base = Arc::new(plan.open_base(self.kernel).map_err(failed)?);
        let parents = self.parents(operand, &base)?;
        let copied = self.inspect_operand(operand).and_then(|source| {
            let pair = parents.innermost.as_ref().map(|level| self.handles(level, Asker::Name)).transpose()?;
            let dir = pair.as_ref().map_or(&*base, |pair| &pair.target);
            let path = beneath(parents.path.clone(), &operand.name);
            stays_within(operand, &path)?;
            self.operand_in(operand, &source, &base, dir, &path, several.then_some(&mut *history))?;
            self.sync(dir, operand.target_shown.parent().unwrap_or(&plan.base))
        });
        self.leave_parents(parents);
        copied.and_then(|()| self.sync(&base, &plan.base))
    }

    /// With --durable writes a directory out, so that the names in it outlive a power loss.
    fn sync(&self, dir: &K::File, shown: &Path) -> Result<(), Error> {
        if self.options.durable { self.entries.copier.sync_directory(dir, shown) } else { Ok(()) }
    }

    /// A source as it was typed.
    fn inspect_operand(&self, operand: &Operand) -> Result<Stat, Error> {
        let follow = self.options.dereference != Dereference::Never;
        let look = || self.kernel.stat_at(None, &operand.source, follow);
        let mut stat = look();
        if self.groups.would_change(&stat) {
            // A source may lie where an operand before has put something.
            self.commit_all();
            stat = look();
        }
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, &operand.source, errno))?;
        if stat.kind == Kind::Directory && !self.options.recursive {
            let source = quoted(&operand.source);
            return Err(Error::Refused(match self.options.work {
                Work::Copy | Work::Examine => format!("-r not specified; omitting directory {source}"),
                Work::Install | Work::Move => format!("omitting directory {source}"),
            }));
        }
        Ok(stat)
    }

    /// The directory that the target lies in. Where there is none, or the target can only be a
    /// directory and is none, cp's words for that.
    fn base(&self, operand: &Operand, plan: &Plan, source: &Stat) -> Result<K::File, Error> {
        let shown = &operand.target_shown;
        let cannot_stat = |errno| Error::call(Action::StatTarget, shown, errno);
        let cannot_make = |errno| {
            let name = self.source_name(operand);
            let unreadable = self.entries.check_readable(&name, source).err();
            let kind = if self.entries.is_copied_as_file(source) { Kind::File } else { source.kind };
            let pair = |action| Error::pair(action, shown, &operand.source, errno);
            unreadable.unwrap_or_else(|| match self.options.product {
                Product::HardLink if kind != Kind::Directory => pair(Action::CreateLink),
                Product::SymbolicLink if kind != Kind::Directory => pair(Action::CreateSymlink),
                Product::Copy | Product::Attributes | Product::HardLink | Product::SymbolicLink => {
                    Error::call(creation(kind), shown, errno)
                }
            })
        };
        let base = match plan.open_base(self.kernel) {
            Ok(base) => base,
            Err(Errno::NOENT) => return Err(cannot_make(Errno::NOENT)),
            Err(errno) => return Err(cannot_stat(errno)),
        };
        if !ends_in_slash(shown) || plan.is_into_directory() {
            return Ok(base);
        }
        match self.kernel.stat_at(Some(&base), &operand.name, true) {
            Ok(found) if found.kind == Kind::Directory => Ok(base),
            Ok(_) => Err(cannot_stat(Errno::NOTDIR)),
            Err(Errno::NOENT) if source.kind != Kind::Directory && self.entries.is_written(source) => {
                Err(cannot_make(Errno::NOTDIR))
            }
            // A link that leads nowhere.
            Err(Errno::NOENT) if self.kernel.stat_at(Some(&base), &operand.name, false).is_ok() => {
                Err(cannot_make(Errno::EXIST))
            }
            Err(Errno::NOENT) if source.kind == Kind::Directory => Ok(base),
            Err(Errno::NOENT) => Err(cannot_make(Errno::NOENT)),
            Err(errno) => Err(cannot_stat(errno)),
        }
    }

    fn source_name<'o>(&self, operand: &'o Operand) -> Name<'o, K::File> {
        let follow = if self.options.dereference == Dereference::Never { Follow::No } else { Follow::Yes };
        Name { dir: None, name: &operand.source, shown: &operand.source, follow }
    }

    /// An operand whose target lies in `dir`, at `path` beneath `base`. With several operands, `history`
    /// has what the others did.
    fn operand_in(
        &self,
        operand: &Operand,
        stat: &Stat,
        base: &Arc<K::File>,
        dir: &K::File,
        path: &Path,
        history: Option<&mut OperandHistory<K::File>>,
    ) -> Result<(), Error> {
        let target = Name::within(dir, &operand.name, &operand.target_shown);
        let is_in_base = std::ptr::eq(dir, &raw const **base);
        let route = Route {
            source: self.source_name(operand),
            stat,
            target,
            is_named: operand.is_named,
            path,
            base,
            is_in_base,
        };
        if history.as_ref().is_some_and(|history| history.paths.contains(path)) {
            // What an operand before has made there may still wait for its name: -u and -C have to see it.
            self.commit_all();
        }
        if self.options.compares && self.is_installed(&route.source, stat, &route.target)? {
            Ok(())
        } else if stat.kind == Kind::Directory {
            // It may hold what operands before have made.
            self.commit_all();
            self.directory_operand(&route, history)
        } else {
            self.single(&route, history)
        }
    }

    fn directory_operand(
        &self,
        route: &Route<'_, K::File>,
        history: Option<&mut OperandHistory<K::File>>,
    ) -> Result<(), Error> {
        let Route { source, stat, target, path, base, .. } = *route;
        let copy = || self.directory(DirectoryPair { source, target, path: Some(path.to_owned()) }, stat, base);
        let Some(history) = history else { return copy().map(drop) };
        let targets = history.directories.entry(identity(stat)).or_default();
        if targets.iter().any(|target| target == path) {
            self.tell(Event::Warned(&format!("source directory {} specified more than once", quoted(source.shown))));
            return Ok(());
        }
        let dir = target.directory().map_err(|errno| Error::call(Action::CreateDirectory, target.shown, errno))?;
        if self.options.backup != Backup::No && self.options.backup != Backup::Numbered && history.paths.contains(path)
        {
            // What an operand made there would be the backup of this one.
            let found = self.entries.copier.stat_target(&target, false)?;
            if found.is_some_and(|found| found.kind != Kind::Directory) {
                return Err(Error::just_created(target.shown, source.shown));
            }
        }
        let created = self.claim_path(&newcomer(route, dir))?;
        self.check_way(created, stat.kind, source.shown, target.shown)?;
        if copy()? {
            targets.push(path.to_owned());
        }
        Ok(())
    }

    /// An operand that is no directory.
    fn single(&self, route: &Route<'_, K::File>, history: Option<&mut OperandHistory<K::File>>) -> Result<(), Error> {
        let Route { source, stat, target, is_named, path, base, .. } = route;
        let copier = &self.entries.copier;
        let dir = target.directory().map_err(|errno| Error::call(Action::CreateFile, target.shown, errno))?;
        let target_directory = copier.target_directory(dir);
        let context = EntryContext {
            fresh: false,
            target_directory,
            origin: None,
            created: MadeBefore::Nothing,
            may_wait: history.is_some() && route.is_in_base && self.may_wait(dir, &target_directory),
            named: *is_named,
            walked: None,
            top: None,
        };
        let entry_pair = EntryPair { source, target, context: &context, base, path };
        let Some(history) = history else { return self.name(&entry_pair, None).map(drop) };
        let newcomer = newcomer(route, dir);
        let names = history.files.entry(identity(stat)).or_default();
        let is_named = |name: &PathBuf| copier.is_same_name(&Name { name, ..*source }, source);
        let are_named = || names.iter().map(is_named).collect::<Result<Vec<_>, _>>();
        let is_told_of = self.options.work == Work::Copy && self.options.backup == Backup::No;
        if is_told_of && are_named()?.contains(&true) {
            self.tell(Event::Warned(&format!("source file {} specified more than once", quoted(source.shown))));
            return Ok(());
        }
        names.push(source.name.to_owned());
        let created = self.claim_path(&newcomer)?;
        let found = copier.stat_target(target, false)?;
        let is_link = found.as_ref().is_some_and(|found| found.kind == Kind::Symlink);
        let leads_to = || self.kernel.stat_at(target.dir, target.name, true);
        if is_link && self.entries.writes_through(stat) && self.groups.would_change(&leads_to()) {
            // It leads to what an operand before has made, which this one comes after.
            self.commit_all();
        }
        // Of a file with several names, this one goes to another file.
        let is_made = |found: &Stat| !found.has_other_names() && self.groups.is_made(&identity(found));
        let is_operands = history.paths.contains(*path) || found.as_ref().is_some_and(is_made);
        let created = if found.is_some() && is_operands { MadeBefore::Operand } else { created };
        let context = EntryContext { created, ..context };
        let entry_pair = EntryPair { context: &context, ..entry_pair };
        if self.name(&entry_pair, None)? == Fate::Left {
            // Nothing of this run's is lost with it.
            return Ok(());
        }
        // What waits for its name has not taken it yet from an old file, which may have others.
        let is_one = |found: &Stat| !found.has_other_names();
        self.groups.note_made(copier.stat_target(target, false)?.filter(is_one).as_ref().map(identity));
        history.paths.insert(path.to_path_buf());
        Ok(())
    }
}

/// Fails for `--parents ..`, which would copy a directory out of the target; in cp's words.
fn stays_within(operand: &Operand, path: &Path) -> Result<(), Error> {
    if operand.name == Path::new("..") && path.starts_with("..") {
        return Err(Error::call(Action::CreateDirectory, &operand.target_shown, Errno::EXIST));
    }
    Ok(())
}

/// An operand as a name that is about to be made.
fn newcomer<'a, F>(route: &Route<'a, F>, dir: &'a F) -> Newcomer<'a, F> {
    let Route { source, stat, target, path, .. } = *route;
    let (source_shown, target_shown) = (source.shown, target.shown);
    Newcomer { dir, path, kind: stat.kind, is_told_apart: false, source_shown, target_shown }
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
