//! The end of a copy that shares have worked on: proof that all of it was done, then what only the end can do.
//!
//! It refuses unless every share has ended well, and has had, together with the others, each name of the sources exactly once. Then directories
//! get their attributes, from the deepest; until then they are open to their owner, and their times change. Last the records go. A kill
//! leaves it to be run again, and nothing that is called finished.

use super::lists::LISTED;
use super::lock::{is_locked, take_plan};
use super::log::{Ending, each_line, ending};
use super::path_key::PathKey;
use super::plan::{Plan, absolute};
use super::ranges::Ranges;
use super::share::{part_name, range_known, reserved};
use super::state::{Lies, Stage, State, manifest_name, report_name};
use super::{About, Number, Request, directory};
use crate::copy::Geometry;
use crate::error::{Action, Error};
use crate::host::Host;
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::options::Options;
use crate::path::directory_of;
use crate::quote::quoted;
use crate::report::Listener;
use crate::tree::overwrite::Ask;
use crate::tree::plan::{Operands, Plan as Targets};
use crate::tree::portion::{Part, Portion, Ranged};
use crate::tree::run::Run;
use blake3::hazmat::ChainingValue;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// --status locks a log for a moment to find out whether somebody else does.
const PATIENCE: u32 = 10;
const AGAIN: Duration = Duration::from_millis(100);

/// Names, and the sum of their keys.
type Names = (u64, u128);

/// A copy that is being finished.
pub struct Finish<'a, K: Kernel> {
    state: State<'a, K>,
    /// What the shares have done together.
    done: Names,
    /// What they have verified of large files.
    ranges: Ranges,
    /// Locked for this end alone, so that no share begins again meanwhile; none is wanted where only records are to be removed.
    plan: Option<K::File>,
    /// How often what is locked is tried again.
    patience: u32,
}

/// What a run over the tree is done with.
pub struct Tools<'a> {
    /// The machine.
    pub host: &'a Host,
    /// When to stop.
    pub stop: &'a AtomicBool,
    /// Who is told.
    pub listener: &'a dyn Listener,
    /// Who is asked.
    pub ask: Ask<'a>,
    /// Whether nothing has failed so far.
    pub is_well: &'a dyn Fn() -> bool,
    /// Writes what is made of the whole, once all of it is there.
    pub write: &'a dyn Fn() -> Result<(), Error>,
    /// The sizes that files were cut into.
    pub geometry: Geometry,
}

impl<'a, K: Kernel> Finish<'a, K> {
    /// Opens the records of a copy. Fails, with all that is missing, unless every share is complete. `None` if the copy
    /// was finished, and the last of its records has been removed now.
    pub fn begin(kernel: &'a K, about: &About, user: u32) -> Result<Option<Self>, Vec<Error>> {
        let state = State::open(kernel, about, user).map_err(|error| vec![error])?;
        let Some(state) = state else { return Ok(None) };
        let mut finish = Self { state, done: (0, 0), ranges: Ranges::default(), plan: None, patience: PATIENCE };
        if finish.state.stage == Stage::Removal {
            return Ok(Some(finish));
        }
        finish.plan = finish.wait(take_plan).map_err(|error| vec![error])?;
        let count = finish.state.plan.count;
        let numbers = (1..=count.get()).filter_map(NonZeroU32::new);
        let mut missing: Vec<Error> =
            numbers.filter_map(|number| finish.take(Number { number, count }).err()).collect();
        if missing.is_empty() && finish.plan.is_none() {
            let target = quoted(finish.state.shown_target());
            missing.push(Error::Refused(format!("{target} is being finished, or --plan is at work")));
        }
        finish.ranges.sort();
        if missing.is_empty() {
            return Ok(Some(finish));
        }
        // Shards have to run again, which they do not while the records lie beside the target: an earlier end has died there, or a loss of
        // power has undone that it brought them back.
        if finish.plan.is_some() {
            missing.extend(finish.state.bring_back().err());
        }
        Err(missing)
    }

    /// Takes what a share has done, if that is complete.
    fn take(&mut self, share: Number) -> Result<(), Error> {
        let Number { number, count } = share;
        let not = |what: &str| Error::Refused(format!("shard {number} of {count} {what}"));
        let (kernel, shown) = (self.state.kernel, self.state.shown_log(number));
        let file = self.state.log(number)?.ok_or_else(|| not("has not begun"))?;
        self.wait(|_| Ok(is_locked(kernel.lock(&file), &shown)?.then_some(())))?.ok_or_else(|| not("is at work"))?;
        match ending(kernel, &file).map_err(|errno| Error::call(Action::Read, &shown, errno))? {
            Ending::NotBegun => Err(not("has not begun")),
            Ending::Begun(_) => Err(not("was interrupted")),
            Ending::Failed(_) => Err(not("has failed")),
            Ending::Complete(count, sum) => {
                self.done = (self.done.0 + count.names, self.done.1.wrapping_add(sum));
                self.take_ranges(number)
            }
        }
    }

    /// Tries what may be locked again and again, as long as there is patience left.
    fn wait<T>(&mut self, attempt: impl Fn(&State<'a, K>) -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
        loop {
            let found = attempt(&self.state)?;
            if found.is_some() || self.patience == 0 {
                return Ok(found);
            }
            self.patience -= 1;
            self.state.kernel.pause(AGAIN);
        }
    }

    /// Takes what a share has written down of large files.
    fn take_ranges(&mut self, number: NonZeroU32) -> Result<(), Error> {
        let Some(file) = self.state.ranges(number)? else { return Ok(()) };
        let read = each_line(self.state.kernel, &file, |line| self.ranges.add(line));
        read.map(drop).map_err(|errno| Error::call(Action::Read, &self.state.shown_log(number), errno))
    }

    /// Whether all that is left is to remove the records.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.state.stage == Stage::Removal
    }

    /// Where the share ran that was first.
    #[must_use]
    pub fn here(&self) -> &Path {
        &self.state.plan.here
    }

    /// Each share's part of the manifest, opened when its turn comes.
    pub fn manifest_parts(&self) -> impl Iterator<Item = Result<(u32, K::File, PathBuf), Error>> {
        let part = move |number: NonZeroU32| {
            let name = manifest_name(number);
            let shown = self.state.shown.join(&name);
            let file = self.state.find(&name)?;
            let file = file.ok_or_else(|| Error::call(Action::Read, &shown, Errno::NOENT))?;
            Ok((number.get(), file, shown))
        };
        (1..=self.state.plan.count.get()).filter_map(NonZeroU32::new).map(part)
    }

    /// The names of the shares' parts of the report.
    pub fn report_parts(&self) -> impl Iterator<Item = PathBuf> {
        let numbers = (1..=self.state.plan.count.get()).filter_map(NonZeroU32::new);
        numbers.map(|number| self.state.shown.join(report_name(number)))
    }

    /// The command line of the shares.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.state.plan.arguments
    }

    /// Works out again what the shares have done with their command line, which asks for `request` in this environment.
    /// Returns the operands, from the root on.
    pub fn check(&self, request: &Request) -> Result<Operands, Error> {
        let plan = &self.state.plan;
        let here = &plan.here;
        let number = Number { number: NonZeroU32::MIN, count: plan.count };
        if Plan::of(request, number, here).id != plan.id {
            let shown = quoted(&self.state.shown);
            let why = "this version, or the environment, reads the command line of the shards otherwise";
            return Err(Error::Refused(format!("not finishing by {shown}: {why}")));
        }
        Ok(absolute(&request.operands, here))
    }

    /// Finishes the copy. What fails on the way is told; an error, or something told, means that it is to be run again.
    pub fn run(&mut self, options: &Options, operands: &Operands, tools: &Tools<'_>) -> Result<(), Error> {
        if self.state.stage == Stage::Shares {
            let joined = self.join(options, operands, tools);
            if !matches!(joined, Ok(true)) {
                // Shards may have to run again, and an earlier end may have taken the records away from them.
                let brought_back = self.state.bring_back();
                return joined.map(drop).and(brought_back);
            }
            self.state.set_aside()?;
            let directories = self.new_walk(Part::Directories);
            if !self.walk(options, operands, tools, &directories) {
                return Ok(());
            }
            (tools.write)()?;
            self.sync(operands)?;
            self.state.note_finished()?;
        }
        self.state.remove()?;
        if self.state.lies == Lies::Within {
            // What went from the target has changed its time.
            let own = self.new_walk(Part::Operands);
            self.walk(options, operands, tools, &own);
        }
        Ok(())
    }

    /// Sees that all names were copied, and gives large files theirs. False if something failed, which was told.
    fn join(&self, options: &Options, operands: &Operands, tools: &Tools<'_>) -> Result<bool, Error> {
        let reserved = reserved(self.state.kernel, operands, self.state.lies)?;
        let look = Walk { reserved, ..self.new_walk(Part::Look) };
        if !self.walk(options, operands, tools, &look) {
            return Ok(false);
        }
        let seen = *look.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.compare(seen)?;
        if !self.ranges.paths.is_empty() && !self.walk(options, operands, tools, &self.new_walk(Part::Join)) {
            return Ok(false);
        }
        self.remove_parts(operands).map(|()| true)
    }

    fn new_walk(&self, part: Part) -> Walk<'_> {
        let cuts = self.state.plan.count.get() > 1;
        Walk { part, seen: Mutex::default(), reserved: None, ranges: &self.ranges, cuts }
    }

    /// Removes the parts of large files whose sources are gone. All others have their names.
    fn remove_parts(&self, operands: &Operands) -> Result<(), Error> {
        let kernel = self.state.kernel;
        let failed = |path: &Path| {
            let shown = operands.target.join(path);
            move |errno| Error::call(Action::Remove, &shown, errno)
        };
        if self.ranges.paths.is_empty() {
            return Ok(());
        }
        let base = Targets::new(kernel, operands)?.open_base(kernel).map_err(failed(Path::new("")))?;
        for path in &self.ranges.paths {
            let above = directory_of(path);
            let flags = OFlags::PATH | OFlags::DIRECTORY;
            let opened = kernel.open(Some(&base), above, flags, Mode::empty(), ResolveFlags::BENEATH);
            let removed = opened.and_then(|dir| kernel.unlink(&dir, &part_name(path)));
            if !matches!(removed, Err(Errno::NOENT | Errno::NOTDIR)) {
                removed.map_err(failed(path))?;
            }
        }
        Ok(())
    }

    /// Writes the target out: once the records say that all is done, nobody looks again.
    fn sync(&self, operands: &Operands) -> Result<(), Error> {
        let (kernel, target) = (self.state.kernel, &operands.target);
        let synced = directory::open(kernel, target).and_then(|target| kernel.sync_filesystem(&target));
        synced.map_err(|errno| Error::call(Action::Sync, target, errno))
    }

    /// Walks over the tree; false if something failed, or all is to stop.
    fn walk(&self, options: &Options, operands: &Operands, tools: &Tools<'_>, walk: &Walk<'_>) -> bool {
        let Tools { host, stop, listener, ask, is_well, write: _, geometry } = tools;
        let mut run = Run::new(self.state.kernel, options, host, stop, *listener, *ask);
        run.cut(*geometry);
        run.share(walk);
        run.operands(operands);
        is_well() && !stop.load(Ordering::Relaxed)
    }

    /// Fails unless what is there now is what the shares have done.
    fn compare(&self, there: Names) -> Result<(), Error> {
        if there == self.done {
            return Ok(());
        }
        let ((now, _), (done, _)) = (there, self.done);
        let what = "what the shards have copied is not what the sources hold now";
        // Directories that came since the lists were made are on none.
        let again = if self.state.find(LISTED)?.is_some() { "--plan and all shards" } else { "all shards" };
        Err(Error::Refused(format!("{what} ({done} names, and {now}): run {again} again, then --finish")))
    }
}

/// A walk over the tree, and the names that it has come by.
struct Walk<'r> {
    part: Part,
    seen: Mutex<Names>,
    reserved: Option<PathBuf>,
    ranges: &'r Ranges,
    cuts: bool,
}

impl Portion for Walk<'_> {
    fn part(&self) -> Part {
        self.part
    }

    fn reserved(&self) -> Option<&Path> {
        self.reserved.as_deref()
    }

    fn seen(&self, path: &Path) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = (seen.0 + 1, seen.1.wrapping_add(PathKey::of(path).0));
    }

    fn cuts(&self) -> bool {
        self.cuts
    }

    fn part_name(&self, path: &Path) -> PathBuf {
        part_name(path)
    }

    fn had_part(&self, path: &Path) -> bool {
        self.ranges.paths.contains(path)
    }

    fn range_value(&self, ranged: &Ranged<'_>) -> Option<ChainingValue> {
        self.ranges.value(&range_known(ranged))
    }
}
