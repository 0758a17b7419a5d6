//! One name that is no directory, and the further names of its inode.

use super::after::{After, Fate, Removed};
use super::entry::Arrived;
use super::entry_context::EntryContext;
use super::further::First;
use super::groups::{Deferred, Whence};
use super::inspected::{Inspected, Inspection, ReplacedLink};
use super::level::Task;
use super::links::{LinkDecision, LinkableCopy, Version, identity};
use super::run::{EntryPair, Run};
use super::share::Begun;
use super::shortages::{Limit, Requirement, may_pass};
use crate::copy::{Follow, Name, Outcome};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Dereference, Product, Work};
use std::path::Path;

impl<K: Kernel> Run<'_, K> {
    /// One name that is no directory, and the names of the same inode that waited for it. With
    /// `waiting` it may be left to whoever is copying that inode.
    pub(super) fn name(&self, entry_pair: &EntryPair<'_, K::File>, waiting: Option<&Task<K>>) -> Result<Fate, Error> {
        let EntryPair { source, target, context, .. } = *entry_pair;
        let begun = self.begin(entry_pair)?;
        // Another run makes it, or has.
        if begun == Begun::Ended {
            return Ok(Fate::Made);
        }
        if begun == Begun::Unasked && self.make_unseen(entry_pair, waiting)? {
            return Ok(Fate::Made);
        }
        let (inspected, is_newer) = match self.entries.inspect(source, target, context)? {
            Inspection::Ended(outcome) => {
                if begun == Begun::Unasked && self.is_left(entry_pair)? {
                    return Ok(Fate::Made);
                }
                self.finished(entry_pair, &outcome, Removed::No);
                return Ok(Fate::Left);
            }
            Inspection::Make(inspected) => (inspected, false),
            Inspection::Newer(inspected) => (inspected, true),
        };
        let stat = inspected.stat;
        if begun == Begun::Unasked && self.asked(entry_pair, &stat)? == Begun::Ended {
            return Ok(Fate::Made);
        }
        if self.keeps_links(entry_pair, &stat) {
            return self.name_of_several(entry_pair, inspected, is_newer, waiting);
        }
        let fate = if is_newer { Fate::Left } else { Fate::Made };
        self.make(entry_pair, inspected, is_newer, waiting, After::Nothing).map(|()| fate)
    }

    /// A name of an inode that has, or may have, further ones in the copied set.
    fn name_of_several(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        inspected: Box<Inspected<K::File>>,
        is_newer: bool,
        waiting: Option<&Task<K>>,
    ) -> Result<Fate, Error> {
        let (source, stat) = (entry_pair.source, inspected.stat);
        let birth = self.kernel.birth(source.dir, source.name, source.follow != Follow::No);
        let birth = birth.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        let version = Version::new(&stat, birth);
        let fate = if is_newer { Fate::Left } else { Fate::Made };
        let mut refused = None;
        loop {
            match self.links.decide(&version, refused.as_deref(), waiting.cloned()) {
                LinkDecision::Left => return Ok(Fate::Made),
                LinkDecision::Link(made, likeness, _) => match self.first(entry_pair, &stat, &made, likeness)? {
                    Some(first) => {
                        let existing = inspected.existing.as_ref();
                        let linked = self.link(entry_pair, &made, &first, existing, is_newer);
                        let linked = linked.or_else(|error| {
                            let left = self.leave_or_fail(error, waiting);
                            left.inspect(|()| self.links.comes_again(&version, &made, likeness))
                        });
                        return linked.map(|()| Fate::Made);
                    }
                    None => refused = Some(made),
                },
                LinkDecision::Copy(_) => {
                    // With links followed the names of an inode cannot be counted.
                    let names = if source.follow == Follow::Yes { u64::MAX } else { stat.nlink };
                    // Another operand would have to wait for this one's name, and none does.
                    let may_wait = entry_pair.context.may_wait && waiting.is_some();
                    let context = &EntryContext { may_wait, ..*entry_pair.context };
                    let entry_pair = &EntryPair { context, ..*entry_pair };
                    let after = After::FirstOf { version, names };
                    if self.is_made_already(entry_pair)? {
                        let made = Ok((Outcome::Skipped, Removed::No));
                        return self.made_out(entry_pair, made, after).map(|()| Fate::Made);
                    }
                    return self.make(entry_pair, inspected, is_newer, waiting, after).map(|()| fate);
                }
            }
        }
    }

    /// Whether a name may have to become a hard link to an earlier copy of its inode.
    pub(super) fn keeps_links(&self, entry_pair: &EntryPair<'_, K::File>, stat: &Stat) -> bool {
        self.has_further_names(stat, entry_pair.context.walked)
    }

    /// The same of what the walk took for this; `None` for an operand.
    pub(super) fn has_further_names(&self, stat: &Stat, walked: Option<Kind>) -> bool {
        // The other names of what is moved may be gone by now.
        let is_several = stat.has_other_names()
            || self.options.work == Work::Move
            || match self.options.dereference {
                Dereference::Always => true,
                Dereference::CommandLine => walked.is_none(),
                Dereference::Never => false,
            };
        is_several && self.options.preserve.links.wanted() && self.options.product != Product::HardLink
    }

    /// Makes what was looked at, unless what is there is newer; then, or once it has its name, `after`.
    pub(super) fn make(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        inspected: Box<Inspected<K::File>>,
        is_newer: bool,
        task: Option<&Task<K>>,
        after: After,
    ) -> Result<(), Error> {
        if is_newer {
            return self.made_out(entry_pair, Ok((Outcome::Skipped, Removed::No)), after);
        }
        let removed = match &inspected.existing {
            None => Removed::No,
            Some(found) if self.entries.is_removed_first(inspected.source(), found) => Removed::Before,
            Some(_) if inspected.replaced_link == Some(ReplacedLink::RemovedFirst) => Removed::Before,
            Some(_) => Removed::IfNeeded,
        };
        let old = inspected.referent.or(inspected.existing);
        let wish = Requirement::new(self.options, &inspected.stat, old.as_ref());
        // In a tree it may have been another name of this run's, which the directory takes for this one.
        let may_be_overtaken = old.is_none() && entry_pair.context.top.is_none() && self.options.work != Work::Move;
        // Of a pipe only what was left would be copied then.
        let is_read_once = inspected.stat.kind != Kind::File && self.entries.is_copied_as_file(&inspected.stat);
        let may_come_again =
            |error: &Error| may_pass(error) && !is_read_once && !self.has_got_its_name(entry_pair, old.as_ref());
        // An old file with several names may be what another thread reads as a source, under one of them: it would be cut short there, or
        // copied half written.
        let may_be_a_source = old.is_some_and(|old| old.has_other_names() && old.dev == inspected.stat.dev);
        if may_be_a_source && !is_read_once && self.leaves(task, |task| again(task, after)) {
            return Ok(());
        }
        let made = match self.entries.make(inspected, entry_pair.source, entry_pair.target, entry_pair.context) {
            Ok(Arrived::Waits(waiting)) => {
                self.wait(entry_pair, task, *waiting, (old.as_ref(), removed), after);
                return Ok(());
            }
            Ok(Arrived::Done(outcome)) => Ok((outcome, removed)),
            // What waits for its name lies on disk twice, and has handles.
            Err(error) if may_come_again(&error) && self.commit_waiting(|_| true) => {
                return self.name_again(entry_pair, task, after);
            }
            Err(error) if may_come_again(&error) && self.leaves(task, |task| again(task, after)) => return Ok(()),
            Err(error) if may_be_overtaken && !is_read_once && is_taken(&error) => {
                return self.overtaken(entry_pair, task, after, error);
            }
            Err(error) => {
                wish.into_iter().for_each(|wish| self.note_want(entry_pair.target, &error, wish));
                Err(error)
            }
        };
        self.made_out(entry_pair, made, after)
    }

    /// Whether what failed had its name already: another try would find that taken, and tell that, and nothing of what is wrong with it.
    fn has_got_its_name(&self, entry_pair: &EntryPair<'_, K::File>, old: Option<&Stat>) -> bool {
        let Name { dir, name, .. } = *entry_pair.target;
        let is_new = |now: Stat| !old.is_some_and(|old| old.is_same_file(&now));
        self.kernel.stat_at(dir, name, false).is_ok_and(is_new)
    }

    /// Another run has made an operand's target while this one copied it, as parallel builds do. What it has made is an old file
    /// now: with cp the later run comes after it, too.
    fn overtaken(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        task: Option<&Task<K>>,
        after: After,
        error: Error,
    ) -> Result<(), Error> {
        let inspection = self.entries.inspect(entry_pair.source, entry_pair.target, entry_pair.context);
        let is_known = entry_pair.context.target_directory.numbers_files() || !self.groups.has_made_any();
        let is_others = |found: Stat| found.kind == Kind::File && is_known && !self.groups.is_made(&identity(&found));
        match &inspection {
            // It is not what cp would have found, or it has gone again.
            Ok(Inspection::Make(now)) if !now.existing.is_some_and(is_others) => {
                self.made_out(entry_pair, Err(error), after)
            }
            _ => self.inspected(entry_pair, inspection, task, after),
        }
    }

    /// Takes note of what found no room, if that is what failed.
    pub(super) fn note_want(&self, target: &Name<'_, K::File>, error: &Error, wish: Requirement) {
        let Some(limit) = error.errno().and_then(Limit::met) else { return };
        let Ok(dir) = target.directory() else { return };
        let shown = target.shown.parent().filter(|parent| !parent.as_os_str().is_empty());
        let shown = shown.unwrap_or(Path::new("."));
        self.shortages.note(self.kernel, (dir, shown), wish, limit);
    }

    /// A name once more, whose inode is this one's to copy still.
    pub(super) fn name_again(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        task: Option<&Task<K>>,
        after: After,
    ) -> Result<(), Error> {
        let inspection = self.entries.inspect(entry_pair.source, entry_pair.target, entry_pair.context);
        self.inspected(entry_pair, inspection, task, after)
    }

    /// What follows a look at a name whose inode is this one's to copy still.
    fn inspected(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        inspection: Result<Inspection<K::File>, Error>,
        task: Option<&Task<K>>,
        after: After,
    ) -> Result<(), Error> {
        match inspection {
            Ok(Inspection::Make(inspected)) => self.make(entry_pair, inspected, false, task, after),
            Ok(Inspection::Newer(inspected)) => self.make(entry_pair, inspected, true, task, after),
            Ok(Inspection::Ended(outcome)) => self.made_out(entry_pair, Ok((outcome, Removed::No)), after),
            Err(error) => self.made_out(entry_pair, Err(error), after),
        }
    }

    /// What follows once it is known what became of a name.
    pub(super) fn made_out(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: Result<(Outcome, Removed), Error>,
        after: After,
    ) -> Result<(), Error> {
        let made = made.map(|(outcome, removed)| {
            self.finished(entry_pair, &outcome, removed);
            outcome
        });
        let After::FirstOf { version, names } = after else { return made.map(drop) };
        match made.and_then(|outcome| self.made(entry_pair, &version, &outcome)) {
            Ok(made) => {
                self.later(self.links.made(&version, made, names).into_iter().flatten());
                Ok(())
            }
            Err(error) => self.failed(error, after),
        }
    }

    /// What follows where a name failed: another of its inode is the first now.
    pub(super) fn failed(&self, error: Error, after: After) -> Result<(), Error> {
        if let After::FirstOf { version, .. } = after {
            self.later(self.links.failed(&version).into_iter().flatten());
        }
        Err(error)
    }

    /// Leaves a further name that failed until nobody else is at work, if it may be made then.
    fn leave_or_fail(&self, error: Error, task: Option<&Task<K>>) -> Result<(), Error> {
        let is_left = may_pass(&error) && !tells_of_loss(&error) && self.leaves(task, Deferred::Task);
        if is_left { Ok(()) } else { Err(error) }
    }

    /// Leaves a name of a tree until nobody else is at work. False if nobody is now.
    fn leaves(&self, task: Option<&Task<K>>, name: impl FnOnce(Task<K>) -> Deferred<K>) -> bool {
        task.is_some_and(|task| self.crowded.leave(|| name(task.clone())))
    }

    /// Makes a name a hard link to what was made of its inode before; a newer target too, as with cp.
    fn link(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: &LinkableCopy,
        first: &First<K::File>,
        found: Option<&Stat>,
        is_newer: bool,
    ) -> Result<(), Error> {
        let special = match self.make_further(entry_pair, made, first, found) {
            Err(error) if may_pass(&error) && !tells_of_loss(&error) && self.commit_waiting(|_| true) => {
                self.make_further(entry_pair, made, first, found)?
            }
            special => special?,
        };
        self.entries.copier.forget_part(entry_pair.target, &entry_pair.context.target_directory, first.size());
        let removed = if found.is_some() && special.backup.is_none() { Removed::Before } else { Removed::No };
        let outcome = if is_newer { Outcome::Skipped } else { Outcome::Made(special) };
        self.finished(entry_pair, &outcome, removed);
        Ok(())
    }
}

/// A name of a tree once more, whose inode is this one's to copy still.
fn again<K: Kernel>(task: Task<K>, after: After) -> Deferred<K> {
    Deferred::Again(Whence::Task(task), after)
}

/// Whether a file's name was taken while it was copied.
fn is_taken(error: &Error) -> bool {
    matches!(error, Error::Call { action: Action::CreateFile, errno: Errno::EXIST, .. })
}

/// Whether what was written found no place in the end. That is said once: a second fsync of the same file succeeds, and the bytes are
/// gone (errseq_t, since Linux 4.13). A copy of its own is made anew and loses nothing by another try.
fn tells_of_loss(error: &Error) -> bool {
    matches!(error, Error::Call { action: Action::Sync, errno, .. } if Limit::met(*errno).is_some())
}
