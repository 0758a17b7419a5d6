//! A move from one filesystem to another: a copy like that of cp -a, verified, written out, and only then the source goes.
//!
//! All operands are copied by one run, so that hard links stay together. Of an operand of which anything failed nothing is
//! removed, as with GNU's mv; unlike that, the old target stays until its successor is verified, and a source that was
//! changed meanwhile stays as well.

use super::destination::Destination;
use super::removal::{Parted, Removal};
use crate::copy::backup::Leaves;
use crate::copy::meter::Meter;
use crate::copy::{Copier, Name, Outcome};
use crate::error::{Action, Error, reason};
use crate::host::Host;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::options::{Backup, Options, Record, TargetRule, Verbosity};
use crate::path::directory_of;
use crate::quote::quoted;
use crate::report::{Event, Listener};
use crate::tree::OperandHistory;
use crate::tree::overwrite::Ask;
use crate::tree::plan::{Operands, last_component, without_trailing_slashes};
use crate::tree::run::Run;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a copy needs that a rename does not.
#[derive(Clone, Copy)]
pub struct Prepared<'a> {
    /// How names are copied.
    pub options: &'a Options,
    /// The machine.
    pub host: &'a Host,
    /// True once the run is to end.
    pub stop: &'a AtomicBool,
    /// How far large files are.
    pub meter: &'a Meter,
}

/// Copies operands and removes their sources.
pub(super) struct Crossing<'a, K: Kernel> {
    kernel: &'a K,
    prepared: Prepared<'a>,
    listener: &'a Watch<'a>,
    /// What all operands share: their names, and the inodes that were copied.
    run: Run<'a, K>,
    history: RefCell<OperandHistory<K::File>>,
    /// The directories, of source and target, that are known not to show each other's names.
    apart: RefCell<Option<(PathBuf, PathBuf)>>,
    /// Sources that have lost one of their names.
    parted: RefCell<Parted>,
}

impl<'a, K: Kernel> Crossing<'a, K> {
    pub(super) fn new(kernel: &'a K, listener: &'a Watch<'a>, ask: Ask<'a>, prepared: Prepared<'a>) -> Self {
        let mut run = Run::new(kernel, prepared.options, prepared.host, prepared.stop, listener, ask);
        run.measure(prepared.meter);
        run.expect_several();
        run.remember_entered();
        let (history, apart, parted) = (RefCell::default(), RefCell::default(), RefCell::default());
        Self { kernel, prepared, listener, run, history, apart, parted }
    }

    pub(super) fn copier(&self) -> &Copier<'a, K> {
        self.run.copier()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.prepared.stop.load(Ordering::Relaxed)
    }

    /// Moves an operand; `stat` is what it is, `found` what stands at its target. False if it was not copied, which was told.
    pub(super) fn cross(
        &self,
        here: &K::File,
        source: &Path,
        target: &Destination<'_, K::File>,
        (stat, found): (&Stat, Option<&Stat>),
    ) -> Result<bool, Error> {
        self.listener.begin(source, &target.shown);
        self.check_apart(here, source, target)?;
        let began = self.kernel.now();
        let has_directory = |stat: &Stat| stat.kind == Kind::Directory;
        let old_directory = found.filter(|found| has_directory(found));
        let makes_way = found.filter(|found| has_directory(found) || has_directory(stat));
        match (old_directory, makes_way) {
            (_, Some(_)) if self.prepared.options.backup != Backup::No => {
                let split = target.split(self.kernel);
                let (above, last) = split.map_err(|errno| Error::call(Action::Backup, &target.shown, errno))?;
                let name = Name::within(&above, &last, &target.shown);
                // The reason was told when it was met; the old one gets its name back.
                let commit = |_| if self.copy(source, target) { Ok(()) } else { Err(Errno::CANCELED) };
                let failed = |_| Error::Interrupted;
                self.copier().take_over(&name, Leaves::Before, commit, failed)?;
            }
            (Some(_), _) => {
                self.make_way(source, target)?;
                if !self.copy(source, target) {
                    return Ok(false);
                }
            }
            (None, _) => {
                if !self.copy(source, target) {
                    return Ok(false);
                }
            }
        }
        self.write_out(stat, target)?;
        let options = self.prepared.options;
        let is_verbose = options.verbosity >= Verbosity::Names || options.record != Record::No;
        // Numbers of inodes mean little on filesystems that are not known.
        let is_entered =
            |dir: &K::File, stat: &Stat| self.run.has_entered(stat) || !self.copier().honesty_of(dir).is_known();
        let (kernel, listener, stop) = (self.kernel, self.listener, self.prepared.stop);
        let parted = &self.parted;
        let directories_max = self.prepared.options.directories_max;
        let removal =
            Removal { kernel, listener, began, stop, is_verbose, directories_max, is_entered: &is_entered, parted };
        removal.operand(here, source, stat, target).map(|()| true)
    }

    /// Refuses a target of the source's name in a directory of which the source's shows the names, through another filesystem: bindfs,
    /// sshfs to this machine, a pool of mergerfs and one of its branches, an overlay and its layer. Device numbers differ there; the
    /// removal of the source would remove the copy.
    fn check_apart(&self, here: &K::File, source: &Path, target: &Destination<'_, K::File>) -> Result<(), Error> {
        let failed = |shown: &Path, errno| Error::call(Action::Access, shown, errno);
        let plain = without_trailing_slashes(source);
        let pair = (directory_of(plain).to_owned(), directory_of(&target.shown).to_owned());
        if self.apart.borrow().as_ref() == Some(&pair) {
            return Ok(());
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let from = self.kernel.open(Some(here), &pair.0, flags, Mode::empty(), ResolveFlags::empty());
        let from = from.map_err(|errno| failed(&pair.0, errno))?;
        let (to, name) = target.split(self.kernel).map_err(|errno| failed(&pair.1, errno))?;
        let is_known = |dir: &K::File| self.copier().honesty_of(dir).is_known();
        if (!is_known(&from) || !is_known(&to)) && self.copier().comes_up(&to, &from, &target.shown)? {
            let old = last_component(plain);
            let is_one =
                |old: &Path| self.copier().takes_for_one(&to, old.as_os_str(), name.as_os_str(), &target.shown);
            if old != name && !is_one(&old)? {
                return Ok(());
            }
            let (source, shown) = (quoted(source), quoted(&target.shown));
            let (from, to) = (quoted(&pair.0), quoted(&pair.1));
            return Err(Error::Refused(format!(
                "cannot move {source} to {shown}: {from} shows what is made in {to}, and the copy would be removed with the source"
            )));
        }
        *self.apart.borrow_mut() = Some(pair);
        Ok(())
    }

    /// Says how much room is missing, where any was.
    pub(super) fn tell_shortages(&self) {
        self.run.tell_shortages();
    }

    /// Copies an operand. False if anything of it failed, which was told.
    fn copy(&self, source: &Path, target: &Destination<'_, K::File>) -> bool {
        let (sources, target) = (vec![source.to_owned()], target.shown.clone());
        let operands = Operands { sources, target, rule: TargetRule::Itself, strips: false };
        self.run.one(&operands, &mut self.history.borrow_mut());
        !self.listener.has_failed() && !self.is_stopped()
    }

    /// An empty directory in the place of which another is moved goes first, as with rename(2).
    fn make_way(&self, source: &Path, target: &Destination<'_, K::File>) -> Result<(), Error> {
        match self.kernel.rmdir(target.dir, &target.name) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(unable_to_remove(source, &target.shown, errno)),
        }
    }

    /// Writes the copy out: a file by itself, a tree with all that its filesystem has to write.
    fn write_out(&self, stat: &Stat, target: &Destination<'_, K::File>) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Sync, &target.shown, errno);
        let tolerated = |synced| match synced {
            // There is no such call there; a mv that fails for it would never move anything.
            Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => Ok(()),
            synced => synced.map_err(failed),
        };
        let name = Name::within(target.dir, &target.name, &target.shown);
        // What cannot be opened by its owner, for its mode, is written out with its filesystem.
        let opened = if stat.kind == Kind::File { name.open(self.kernel, OFlags::RDONLY).ok() } else { None };
        let above = directory_of(&target.name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let above = self.kernel.open(Some(target.dir), above, flags, Mode::empty(), ResolveFlags::empty());
        match (opened, above) {
            (Some(file), Ok(above)) => {
                tolerated(self.kernel.fsync(&file))?;
                tolerated(self.kernel.fsync(&above))
            }
            (Some(file), Err(_)) => tolerated(self.kernel.sync_filesystem(&file)),
            (None, Ok(above)) => tolerated(self.kernel.sync_filesystem(&above)),
            (None, Err(errno)) => tolerated(Err(errno)),
        }
    }
}

/// Passes events on, and notes whether what was told means that a part of the operand is not where it was to be.
pub struct Watch<'a> {
    listener: &'a dyn Listener,
    has_failed: AtomicBool,
    /// Source and target of the operand.
    operand: Mutex<(PathBuf, PathBuf)>,
}

impl<'a> Watch<'a> {
    /// Passes events on to `listener`.
    #[must_use]
    pub fn new(listener: &'a dyn Listener) -> Self {
        Self { listener, has_failed: AtomicBool::new(false), operand: Mutex::default() }
    }

    fn begin(&self, source: &Path, target: &Path) {
        *self.operand.lock().unwrap_or_else(PoisonError::into_inner) = (source.to_owned(), target.to_owned());
        self.has_failed.store(false, Ordering::Relaxed);
    }

    fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// What GNU's mv says where it cannot take away what stands at the target.
    fn in_its_words(&self, error: &Error) -> Option<Error> {
        let operand = self.operand.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Error::Call { action: Action::Remove, path, errno } if *path == operand.1 => {
                Some(unable_to_remove(&operand.0, &operand.1, *errno))
            }
            _ => None,
        }
    }
}

impl Listener for Watch<'_> {
    fn hear(&self, event: &Event<'_>) {
        let is_failure = |error: &Error| !matches!(error, Error::Noted(_));
        let complaints = |outcome: &Outcome| match outcome {
            Outcome::Copied(copied) => copied.complaints.iter().any(is_failure),
            Outcome::Made(special) => special.complaints.iter().any(is_failure),
            Outcome::Skipped | Outcome::Declined => true,
        };
        let has_failed = match event {
            Event::Failed(error) => is_failure(error),
            Event::Finished { outcome, .. } => complaints(outcome),
            Event::Misused(_) => true,
            _ => false,
        };
        if has_failed {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        match event {
            Event::Failed(error) => {
                let words = self.in_its_words(error);
                self.listener.hear(&Event::Failed(words.as_ref().unwrap_or(error)));
            }
            event => self.listener.hear(event),
        }
    }
}

fn unable_to_remove(source: &Path, target: &Path, errno: Errno) -> Error {
    let (from, to, why) = (quoted(source), quoted(target), reason(errno));
    Error::Refused(format!("inter-device move failed: {from} to {to}; unable to remove target: {why}"))
}
