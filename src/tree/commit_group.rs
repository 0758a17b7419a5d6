//! A group is written out, and its files get their names.

use super::after::{After, Removed};
use super::entry_context::{EntryContext, MadeBefore};
use super::groups::{Deferred, Groups, Member, OperandName, Pace, Waiter, Whence};
use super::level::Task;
use super::links::identity;
use super::run::{EntryPair, Run};
use crate::copy::{Copied, Name, NamingError, Outcome, TargetDirectory, Waiting};
use crate::error::Error;
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags, Stat};
use crate::report::Event;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A syncfs that takes longer for each file of its group writes out what others have written.
pub(super) const SLOW: Duration = Duration::from_millis(40);

/// How many groups are synced file by file before syncfs is tried again beside somebody who writes much.
pub(super) const GROUPS_APART: u32 = 8;

impl<K: Kernel> Run<'_, K> {
    /// Whether files that are made in a directory may wait for their names. Opens what is told of errors there.
    pub(super) fn may_wait(&self, dir: &K::File, target_directory: &TargetDirectory) -> bool {
        let waits = self.groups.files_max > 1 && self.entries.copier.syncs_in(target_directory);
        let Some(dev) = target_directory.dev.filter(|_| waits) else { return false };
        let mut witnesses = self.groups.witnesses.lock().unwrap_or_else(PoisonError::into_inner);
        if witnesses.contains_key(&dev) {
            return true;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = self.kernel.open(Some(dir), Path::new("."), flags, Mode::empty(), ResolveFlags::empty());
        // What cannot be opened so is synced file by file.
        opened.is_ok_and(|witness| witnesses.insert(dev, Arc::new(witness)).is_none())
    }

    /// Puts a file where it waits for its name. A group that is full is committed.
    pub(super) fn wait(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        task: Option<&Task<K>>,
        waiting: Waiting<K::File>,
        (old, removed): (Option<&Stat>, Removed),
        after: After,
    ) {
        let EntryPair { source, target, context, base, path } = *entry_pair;
        let whence = match task {
            Some(task) => Whence::Task(task.clone()),
            None => Whence::Operand(Box::new(OperandName {
                base: Arc::clone(base),
                source: source.name.to_owned(),
                source_shown: source.shown.to_owned(),
                follow: source.follow,
                target: target.name.to_owned(),
                target_shown: target.shown.to_owned(),
                path: path.to_owned(),
                target_directory: context.target_directory,
                named: context.named,
            })),
        };
        // They are open, or were a moment ago.
        let open = task.map_or_else(Vec::new, |task| {
            [&*task.level, task.level.top()].into_iter().filter_map(|level| level.handles.get()).collect()
        });
        let target_directory = context.target_directory;
        let mut queue = self.groups.queue();
        queue.files += 1;
        queue.bytes += waiting.size();
        queue.replaced.extend(old.map(identity));
        queue.items.push(Member::File(Box::new(Waiter { whence, open, waiting, target_directory, removed, after })));
        drop(queue);
        if self.groups.is_full() {
            self.commit_waiting(|groups| groups.is_full());
        }
    }

    /// Commits what waits, and all that comes of it.
    pub(super) fn commit_all(&self) {
        loop {
            let is_committed = self.commit_waiting(|_| true);
            if !self.work_off_later() && !is_committed {
                return;
            }
        }
    }

    /// Commits what waits, if that is wanted still when no other group is being committed. True if anything was.
    pub(super) fn commit_waiting(&self, is_wanted: impl FnOnce(&Groups<K>) -> bool) -> bool {
        let mut pace = self.groups.committing.lock().unwrap_or_else(PoisonError::into_inner);
        let items = if is_wanted(&self.groups) { self.groups.take() } else { Vec::new() };
        let is_any = !items.is_empty();
        let apart = self.sync_groups(&items, &mut pace);
        for item in items {
            match item {
                Member::Event(event) => self.tell(event.event()),
                Member::File(waiter) => self.commit_one(*waiter, &apart),
            }
        }
        is_any
    }

    /// Writes out what the files lie on. Returns the devices on which each file has to be synced by itself.
    fn sync_groups(&self, items: &[Member<K>], pace: &mut Pace) -> BTreeSet<Option<u64>> {
        let mut devices = BTreeMap::new();
        for item in items {
            if let Member::File(waiter) = item {
                let directory = waiter.target_directory;
                devices.entry(directory.dev).or_insert((directory.honesty, 0_u32)).1 += 1;
            }
        }
        if self.is_stopped() {
            return BTreeSet::new();
        }
        // Others open theirs, and copy, while a filesystem is written out.
        let witnesses = self.groups.witnesses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_apart = |(dev, (honesty, files)): &(Option<u64>, (_, u32))| {
            let Some(witness) = dev.and_then(|dev| witnesses.get(&dev)).filter(|_| *files > 1) else { return true };
            if pace.apart > 0 {
                pace.apart -= 1;
                return true;
            }
            let begun = Instant::now();
            if !self.entries.copier.sync_group(witness, *honesty) {
                // What failed may be a file of the next group, and is told once: from now on each file is asked.
                pace.untold.insert(*dev);
            }
            if begun.elapsed() > SLOW * *files {
                pace.apart = GROUPS_APART;
            }
            pace.untold.contains(dev)
        };
        devices.into_iter().filter(is_apart).map(|(dev, _)| dev).collect()
    }

    fn commit_one(&self, waiter: Waiter<K>, apart: &BTreeSet<Option<u64>>) {
        let Waiter { whence, open, waiting, target_directory, removed, after } = waiter;
        let is_apart = apart.contains(&target_directory.dev);
        let mut waits = Some(waiting);
        let ended = self.with_whence(&whence, |entry_pair| {
            let waiting = waits.take().expect("a file that has waited until now");
            let made = match self.give_name(entry_pair.target, waiting, &target_directory, is_apart) {
                Ok(copied) => {
                    self.note_operand(&whence, &copied);
                    Ok((Outcome::Copied(Box::new(copied)), removed))
                }
                Err(NamingError::Failed(error)) => Err(error),
                Err(NamingError::Again) => return None,
            };
            Some(self.made_out(entry_pair, made, after))
        });
        let ended = ended.map_err(|error| match waits {
            // Its directory cannot be had again; it may be open still.
            Some(waiting) => self.give_up(waiting, &whence, &target_directory, error),
            None => error,
        });
        drop(open);
        match ended.unwrap_or_else(|error| Some(self.failed(error, after))) {
            Some(Ok(())) => {}
            Some(Err(error)) => self.tell(Event::Failed(&error)),
            None => return self.add_later([Deferred::Again(whence, after)]),
        }
        self.release_whence(whence);
    }

    /// Gives a file its name, or in a run that is to end gives it up.
    fn give_name(
        &self,
        target: &Name<'_, K::File>,
        mut waiting: Waiting<K::File>,
        target_directory: &TargetDirectory,
        is_apart: bool,
    ) -> Result<Copied, NamingError> {
        let copier = &self.entries.copier;
        let synced = match is_apart {
            _ if self.is_stopped() => Err(Error::Interrupted),
            true => copier.sync_waiting(&mut waiting, target),
            false => Ok(()),
        };
        if let Err(error) = synced {
            let place = (target.directory(), target.shown);
            return Err(NamingError::Failed(copier.give_up_waiting(waiting, place, target_directory, error)));
        }
        copier.name_waiting(waiting, target, target_directory)
    }

    /// Gives a file up whose directory could not be looked up again, for that reason. Returns what there is to say.
    fn give_up(
        &self,
        waiting: Waiting<K::File>,
        whence: &Whence<K>,
        target_directory: &TargetDirectory,
        error: Error,
    ) -> Error {
        let (pair, shown) = match whence {
            Whence::Task(task) => (task.level.handles.get(), task.target_shown()),
            Whence::Operand(operand) => (None, operand.target_shown.clone()),
        };
        let dir = pair.as_ref().map(|pair| &pair.target).ok_or(error.errno().unwrap_or(Errno::BADF));
        self.entries.copier.give_up_waiting(waiting, (dir, &shown), target_directory, error)
    }

    /// The file has another number now than when its operand was done.
    fn note_operand(&self, whence: &Whence<K>, copied: &Copied) {
        if let Whence::Operand(_) = whence {
            self.groups.note_made(copied.identity);
        }
    }

    fn release_whence(&self, whence: Whence<K>) {
        match whence {
            Whence::Task(task) => self.release_task(task),
            Whence::Operand(_) => {}
        }
    }

    /// Lets names come up again once no group is being committed.
    pub(super) fn later(&self, tasks: impl IntoIterator<Item = Task<K>>) {
        self.add_later(tasks.into_iter().map(Deferred::Task));
    }

    fn add_later(&self, names: impl IntoIterator<Item = Deferred<K>>) {
        self.groups.later.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// Does what was left for later. True if there was anything.
    pub(super) fn work_off_later(&self) -> bool {
        let mut is_any = false;
        loop {
            let next = self.groups.later.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(next) = next else { return is_any };
            is_any = true;
            self.make_deferred(next);
        }
    }

    /// Makes what could not be made when its turn was.
    pub(super) fn make_deferred(&self, deferred: Deferred<K>) {
        match deferred {
            Deferred::Task(task) => self.task(task),
            Deferred::Again(whence, after) => {
                let again = self.with_whence(&whence, |entry_pair| self.name_again(entry_pair, None, after));
                let again = again.unwrap_or_else(|error| self.failed(error, after));
                if let Err(error) = again {
                    self.tell(Event::Failed(&error));
                }
                self.release_whence(whence);
            }
        }
    }

    /// Calls with what a name that does not wait any more comes from and where it goes.
    fn with_whence<T>(&self, whence: &Whence<K>, call: impl FnOnce(&EntryPair<'_, K::File>) -> T) -> Result<T, Error> {
        let operand = match whence {
            Whence::Task(task) => return self.with_entry_pair((task, &task.path()), false, call),
            Whence::Operand(operand) => operand,
        };
        let source = Name { dir: None, name: &operand.source, shown: &operand.source_shown, follow: operand.follow };
        let target = Name::within(&*operand.base, &operand.target, &operand.target_shown);
        let context = EntryContext {
            fresh: false,
            target_directory: operand.target_directory,
            origin: None,
            created: MadeBefore::Nothing,
            may_wait: false,
            named: operand.named,
            walked: None,
            top: None,
        };
        let (base, path) = (&operand.base, &operand.path);
        Ok(call(&EntryPair { source: &source, target: &target, context: &context, base, path }))
    }
}
