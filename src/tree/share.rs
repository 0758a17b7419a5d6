//! What a run that shares its work with others does with a name: leaves it to another, finds it made, or copies and tells.

use super::after::{After, Removed};
use super::entry_context::EntryContext;
use super::handles::Asker;
use super::inspected::Inspection;
use super::level::Task;
use super::portion::{Part, Portion, Whose};
use super::run::{EntryPair, Run};
use crate::copy::{Copied, Follow, Outcome, Placement};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::quote::quoted;
use std::path::{Path, PathBuf};

/// Whether there is more to do for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// It is to be looked at, and made.
    Goes,
    /// The same, if it turns out to be this run's.
    Unasked,
    /// There is not.
    Ended,
}

impl<K: Kernel> Run<'_, K> {
    /// What the run does of the work on a tree, where it does not do all of it.
    pub(super) fn shared_part(&self) -> Option<Part> {
        self.portion.map(Portion::part)
    }

    /// Fails for a name whose place in the target is taken by what runs keep there for each other.
    pub(super) fn check_reserved(&self, path: impl FnOnce() -> PathBuf, name: &Path) -> Result<(), Error> {
        let reserved = self.portion.and_then(Portion::reserved);
        let Some(reserved) = reserved.filter(|reserved| reserved.file_name() == Some(name.as_os_str())) else {
            return Ok(());
        };
        if path() != reserved {
            return Ok(());
        }
        let why = "which is where shards keep their records; use --state=DIR";
        Err(Error::Refused(format!("will not copy to {}, {why}", quoted(reserved))))
    }

    /// Whether a name is another run's. One look at the source tells, for it may have further names; what its target is called does not
    /// matter yet. What cannot be told, or not so soon, is not. `path` is [`Task::path`].
    pub(super) fn is_others(&self, task: &Task<K>, path: &Path) -> Result<bool, Error> {
        let Some(portion) = self.portion.filter(|portion| portion.part() == Part::Names) else { return Ok(false) };
        if !portion.may_be_ours(path) {
            return Ok(true);
        }
        if task.kind() != Kind::File || portion.is_likely(path) {
            return Ok(false);
        }
        let pair = self.handles(&task.level, Asker::Name)?;
        let follows = self.entries.copier.follow_inside() != Follow::No;
        // What fails here fails again where it is told.
        let found = self.kernel.stat_at(Some(&pair.source), task.name(), follows);
        Ok(found.is_ok_and(|stat| !self.has_further_names(&stat, Some(task.kind())) && !self.is_cut(portion, &stat)))
    }

    /// What a run that shares its work does with a name that is no directory, before it is looked at.
    pub(super) fn begin(&self, entry_pair: &EntryPair<'_, K::File>) -> Result<Begun, Error> {
        let EntryPair { context, path, .. } = *entry_pair;
        let Some(portion) = self.portion else { return Ok(Begun::Goes) };
        match portion.part() {
            Part::Names if !portion.may_be_ours(path) => return Ok(Begun::Ended),
            Part::Names => {}
            Part::Plan => {
                let stat = self.source_stat(entry_pair)?;
                let inode = self.keeps_links(entry_pair, &stat).then_some(stat.ino);
                let is_cut = inode.is_none() && self.is_cut(portion, &stat);
                portion.weigh(path, &stat, inode, is_cut);
                return Ok(Begun::Ended);
            }
            Part::Join => return self.join(entry_pair, portion).map(|()| Begun::Ended),
            Part::Look | Part::Directories | Part::Operands => {
                self.look(entry_pair, portion)?;
                portion.seen(path);
                return Ok(Begun::Ended);
            }
        }
        // What is probably a regular file of this run's is going to be opened, and tells more then.
        let is_likely = context.walked == Some(Kind::File) && portion.is_likely(path);
        if is_likely && !portion.has_records() {
            return Ok(Begun::Unasked);
        }
        let stat = self.source_stat(entry_pair)?;
        if self.asked(entry_pair, &stat)? == Begun::Ended {
            return Ok(Begun::Ended);
        }
        // The first name of an inode has to be known to the others.
        if !self.keeps_links(entry_pair, &stat) && self.is_made_already(entry_pair)? {
            if self.options.seals {
                // A manifest is made of what is there now.
                self.finished(entry_pair, &Outcome::Skipped, Removed::No);
            } else {
                self.record(entry_pair, &Outcome::Skipped)?;
            }
            return Ok(Begun::Ended);
        }
        Ok(Begun::Goes)
    }

    /// Copies what is probably a file of this run's with a free target: the name is given only if nothing has it. False if there is
    /// more to look at.
    pub(super) fn make_unseen(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        task: Option<&Task<K>>,
    ) -> Result<bool, Error> {
        let EntryPair { source, target, context, .. } = *entry_pair;
        let portion = self.portion.filter(|portion| !context.fresh && portion.expects_nothing());
        let Some(portion) = portion else { return Ok(false) };
        let context = &EntryContext { fresh: true, ..*context };
        let unseen = &EntryPair { context, ..*entry_pair };
        let Inspection::Make(inspected) = self.entries.inspect(source, target, context)? else { return Ok(false) };
        if self.asked(entry_pair, &inspected.stat)? == Begun::Ended {
            return Ok(true);
        }
        if self.keeps_links(entry_pair, &inspected.stat) {
            return Ok(false);
        }
        match self.make(unseen, inspected, false, task, After::Nothing) {
            Err(error) if error.errno() == Some(Errno::EXIST) => {
                portion.has_found();
                Ok(false)
            }
            made => made.map(|()| true),
        }
    }

    /// Whether a name has a target, or a part that has all of one.
    fn look(&self, entry_pair: &EntryPair<'_, K::File>, portion: &dyn Portion) -> Result<(), Error> {
        let EntryPair { source, target, context, .. } = *entry_pair;
        let found = match self.kernel.stat_at(target.dir, target.name, false) {
            Err(Errno::NOENT) if self.has_ranges(entry_pair, portion)? => return Ok(()),
            found => found.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?,
        };
        // A file may stand where a link led to one.
        let is_other = context.walked.is_some_and(|kind| kind != found.kind) && source.follow == Follow::No;
        if is_other {
            return Err(Error::Refused(format!("{} is not what was copied", quoted(target.shown))));
        }
        self.must_be_no_other(entry_pair, portion, &found)
    }

    /// Joins the ranges of a file that was copied in ranges.
    fn join(&self, entry_pair: &EntryPair<'_, K::File>, portion: &dyn Portion) -> Result<(), Error> {
        let EntryPair { target, path, .. } = *entry_pair;
        if !portion.had_part(path) {
            return Ok(());
        }
        match self.kernel.stat_at(target.dir, target.name, false) {
            Err(Errno::NOENT) => self.join_ranges(entry_pair, portion),
            Err(errno) => Err(Error::call(Action::StatTarget, target.shown, errno)),
            // It got its name in a run that did not come to the end, and may be in no part of a manifest.
            Ok(_) if self.options.seals => {
                self.finished(entry_pair, &Outcome::Skipped, Removed::No);
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// What a run that shares its work does with a name whose source is known.
    pub(super) fn asked(&self, entry_pair: &EntryPair<'_, K::File>, stat: &Stat) -> Result<Begun, Error> {
        let Some(portion) = self.portion else { return Ok(Begun::Goes) };
        let keeps_links = self.keeps_links(entry_pair, stat);
        // All names of an inode have to be one run's.
        if !keeps_links && self.copy_ranges(entry_pair, stat)? {
            return Ok(Begun::Ended);
        }
        match portion.whose(entry_pair.path, stat, keeps_links.then_some(stat.ino)) {
            Whose::Ours => Ok(Begun::Goes),
            Whose::Others => Ok(Begun::Ended),
        }
    }

    /// Whether a name that needs no look is another run's after all.
    pub(super) fn is_left(&self, entry_pair: &EntryPair<'_, K::File>) -> Result<bool, Error> {
        Ok(self.asked(entry_pair, &self.source_stat(entry_pair)?)? == Begun::Ended)
    }

    pub(super) fn source_stat(&self, entry_pair: &EntryPair<'_, K::File>) -> Result<Stat, Error> {
        let source = entry_pair.source;
        let stat = self.kernel.stat_at(source.dir, source.name, source.follow != Follow::No);
        stat.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))
    }

    /// Whether a name was made by an earlier run, and is still what that has made.
    pub(super) fn is_made_already(&self, entry_pair: &EntryPair<'_, K::File>) -> Result<bool, Error> {
        let EntryPair { target, context, path, .. } = *entry_pair;
        let portion = self.portion.filter(|portion| !context.fresh && portion.has_records());
        let Some(portion) = portion else { return Ok(false) };
        match self.kernel.stat_at(target.dir, target.name, false) {
            Ok(found) => Ok(portion.is_made(path, &found)),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(Error::call(Action::StatTarget, target.shown, errno)),
        }
    }

    /// Tells that a name is as it should be. One with something to complain of is not.
    pub(super) fn record(&self, entry_pair: &EntryPair<'_, K::File>, outcome: &Outcome) -> Result<(), Error> {
        let EntryPair { target, path, .. } = *entry_pair;
        let Some(portion) = self.portion else { return Ok(()) };
        let complaints = match outcome {
            Outcome::Copied(copied) => &copied.complaints,
            Outcome::Made(special) => &special.complaints,
            Outcome::Skipped => &Vec::new(),
            Outcome::Declined => return Ok(()),
        };
        if complaints.iter().any(|complaint| !matches!(complaint, Error::Noted(_))) {
            return Ok(());
        }
        let inode = match outcome {
            Outcome::Copied(copied) => self.foretold(copied),
            Outcome::Made(_) | Outcome::Skipped | Outcome::Declined => None,
        };
        if let Some(inode) = inode {
            if portion.made_unseen(path, inode)? {
                return Ok(());
            }
        }
        let found = self.kernel.stat_at(target.dir, target.name, false);
        let found = found.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?;
        portion.made(path, &found)
    }

    /// The number of a copy that is as its source was, as far as anybody has said.
    fn foretold(&self, copied: &Copied) -> Option<u64> {
        let preserve = &self.options.preserve;
        let keeps_all = preserve.mode.wanted() && preserve.ownership.wanted() && preserve.timestamps.wanted();
        let is_plain = copied.placement == Placement::New && !copied.changed && copied.complaints.is_empty();
        copied.identity.filter(|_| keeps_all && is_plain).map(|(_, inode)| inode)
    }
}
