//! What a name is, what stands at its target, and whether that may be made.
//!
//! Looking changes nothing. It asks in cp's order: what the source is, what is there, whether both are
//! one, whether the target is to be left alone, and what may not take whose place.

use super::ending::{Bounds, Ending};
use super::entries::Entries;
use super::entry_context::{EntryContext, MadeBefore};
use super::inspected::{Inspected, Inspection, ReplacedLink};
use super::overwrite::{Decision, check_kinds, decide};
use super::same::{FollowedName, Sameness};
use crate::copy::{Follow, Name, Outcome};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use crate::options::{Backup, Removal};
use crate::quote::quoted;

/// What a link leads to, and where that is.
type Led<F> = (Option<Stat>, Option<Ending<F>>);

impl<K: Kernel> Entries<'_, K> {
    /// Finds out what a name is and whether its target may be made. Changes nothing.
    pub fn inspect(
        &self,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
    ) -> Result<Inspection<K::File>, Error> {
        let existing = if context.fresh { Ok(None) } else { self.copier.stat_target(target, false) };
        // cp looks at the source first, which is told where neither can be looked at.
        let existing = existing.or_else(|error| self.stat_source(source).and(Err(error)))?;
        let follow = source.follow;
        let (stat, file) = self.inspect_source(source, context, existing.as_ref())?;
        let Some(found) = existing else {
            let (existing, referent, ending, replaced_link, refusal) = (None, None, None, None, None);
            let inspected = Inspected { stat, follow, file, existing, referent, ending, replaced_link, refusal };
            return Ok(Inspection::Make(Box::new(inspected)));
        };
        let follows = found.kind == Kind::Symlink && self.writes_through(&stat);
        let led = if follows { self.referent(target, context) } else { Ok((None, None)) };
        let ((referent, ending), replaced_link) = match led {
            Err(Error::Call { errno: Errno::LOOP, .. }) if self.options().removal == Removal::WhenUnwritable => {
                ((None, None), Some(ReplacedLink::Circular))
            }
            Err(refusal @ Error::Refused(_)) => {
                self.check_just_created(&stat, &found, source, target, context)?;
                let (referent, ending, replaced_link) = (None, None, None);
                let (existing, refusal) = (existing, Some(refusal));
                let inspected = Inspected { stat, follow, file, existing, referent, ending, replaced_link, refusal };
                return self.inspect_refused(Box::new(inspected), target, context);
            }
            led => (led?, None),
        };
        let seen = referent.unwrap_or(found);
        let (referent, ending, replaced_link) = match referent {
            Some(there) if self.parts_names(&there) || self.takes_names(follow, &stat) => {
                (None, None, Some(ReplacedLink::RemovedFirst))
            }
            Some(there) if self.is_closed(target, ending.as_ref(), &there) => {
                (None, None, Some(ReplacedLink::Unwritable))
            }
            referent => (referent, ending, replaced_link),
        };
        let from = FollowedName { name: source, stat: &stat, itself: None };
        let to = FollowedName { name: target, stat: &seen, itself: Some(&found) };
        let sameness = if self.options().may_replace() { self.copier.sameness(&from, &to)? } else { Sameness::Apart };
        let refusal = None;
        let inspected = Box::new(Inspected { stat, follow, file, existing, referent, ending, replaced_link, refusal });
        if self.is_dangling(&inspected) {
            // No existing target to cp: nothing is asked.
            self.check_just_created(&inspected.stat, &found, source, target, context)?;
            return Ok(Inspection::Make(inspected));
        }
        // Decides on the words of a question and nothing else.
        let is_writable = || self.copier.kernel.may_write(target.dir, target.name).is_ok();
        // What leads in a circle has no time to go by.
        let old = self.as_it_was(seen, context);
        let decision = decide(&stat, &old, target.shown, self.options(), is_writable, &|question| self.asks(question))?;
        let is_circular = replaced_link == Some(ReplacedLink::Circular);
        match if is_circular && decision == Decision::Newer { Decision::Replace } else { decision } {
            Decision::Replace => {}
            Decision::Newer => return Ok(Inspection::Newer(inspected)),
            Decision::Skip => return Ok(Inspection::Ended(Outcome::Skipped)),
            Decision::Decline => return Ok(Inspection::Ended(Outcome::Declined)),
        }
        if sameness == Sameness::Done {
            return Ok(Inspection::Ended(Outcome::Skipped));
        }
        check_kinds(&stat, &seen, source.shown, target.shown)?;
        self.check_just_created(&stat, &found, source, target, context)?;
        if self.copier.backup_is_source(source, target)? {
            let (source, target) = (quoted(source.shown), quoted(target.shown));
            return Err(Error::Refused(format!("backing up {target} might destroy source;  {source} not copied")));
        }
        Ok(Inspection::Make(inspected))
    }

    /// cp's refusal to undo what an operand before this one did.
    fn check_just_created(
        &self,
        stat: &Stat,
        found: &Stat,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
    ) -> Result<(), Error> {
        let options = self.options();
        let is_through = found.kind == Kind::Symlink && self.writes_through(stat);
        let is_ours = match context.created {
            MadeBefore::Nothing => false,
            MadeBefore::Link => is_through,
            MadeBefore::Operand => options.backup != Backup::Numbered,
        };
        match (is_ours, is_through) {
            (false, _) => Ok(()),
            (true, true) => Err(Error::through_link(source.shown, target.shown)),
            (true, false) => Err(Error::just_created(target.shown, source.shown)),
        }
    }

    /// Whether the target is a symbolic link that would be written through and leads nowhere.
    fn is_dangling(&self, inspected: &Inspected<K::File>) -> bool {
        let Inspected { stat, existing, referent, replaced_link, .. } = inspected;
        existing.is_some_and(|found| found.kind == Kind::Symlink)
            && referent.is_none()
            && replaced_link.is_none()
            && self.writes_through(stat)
    }

    /// Fails if the symbolic link at the target is not to be written through: for where it leads or whose it is, or since it leads
    /// nowhere, where nothing is made unless POSIX asks for it.
    pub(super) fn check_link(
        &self,
        inspected: &mut Inspected<K::File>,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
    ) -> Result<(), Error> {
        if let Some(refusal) = inspected.refusal.take() {
            return Err(refusal);
        }
        if !self.is_dangling(inspected) {
            return Ok(());
        }
        self.check_readable(source, &inspected.stat)?;
        if self.options().through_dangling {
            return Ok(());
        }
        Err(Error::Refused(format!("not writing through dangling symlink {}", quoted(target.shown))))
    }

    /// A symbolic link within a tree that is not written through, for where it leads or whose it is. That is a failure only where it
    /// would be: what is to be left alone stays, as with cp, and a hard link to an earlier copy may take its place.
    fn inspect_refused(
        &self,
        inspected: Box<Inspected<K::File>>,
        target: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
    ) -> Result<Inspection<K::File>, Error> {
        let (options, stat) = (self.options(), &inspected.stat);
        if options.replaces_all() {
            return Ok(Inspection::Make(inspected));
        }
        // A look, which opens nothing.
        let Ok(Some(there)) = self.copier.stat_target(target, true) else { return Ok(Inspection::Make(inspected)) };
        let old = self.as_it_was(there, context);
        let is_writable = || self.copier.kernel.may_write(target.dir, target.name).is_ok();
        match decide(stat, &old, target.shown, options, is_writable, &|question| self.asks(question))? {
            Decision::Newer if there.is_same_file(stat) => Ok(Inspection::Make(inspected)),
            Decision::Newer => Ok(Inspection::Newer(inspected)),
            Decision::Skip => Ok(Inspection::Ended(Outcome::Skipped)),
            Decision::Decline => Ok(Inspection::Ended(Outcome::Declined)),
            Decision::Replace => Ok(Inspection::Make(inspected)),
        }
    }

    /// Whether a symbolic link at the target of such a source is written through, not replaced.
    pub(super) fn writes_through(&self, stat: &Stat) -> bool {
        let options = self.options();
        self.is_written(stat) && options.backup == Backup::No && options.removal != Removal::Always
    }

    /// The source's stat. One that is probably a regular file is opened at once, which saves a call, if nothing may keep it
    /// from being read.
    fn inspect_source(
        &self,
        source: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
        existing: Option<&Stat>,
    ) -> Result<(Stat, Option<K::File>), Error> {
        let options = self.options();
        let is_read = options.product.reads_sources() && context.walked == Some(Kind::File);
        let is_replaced = existing.is_none_or(|found| found.kind == Kind::File && options.replaces_all());
        if is_read && is_replaced {
            match (self.open_source(source), existing) {
                (Ok((file, stat)), _) => return Ok((stat, Some(file))),
                (Err(error), None) => return Err(error),
                // cp looks at both before it opens one, and says what it finds first.
                (Err(_), Some(_)) => {}
            }
        }
        let stat = self.stat_source(source)?;
        if context.walked.is_some_and(|walked| walked != stat.kind) {
            return Err(Error::replaced(source.shown));
        }
        Ok((stat, None))
    }

    fn stat_source(&self, source: &Name<'_, K::File>) -> Result<Stat, Error> {
        let stat = self.copier.kernel.stat_at(source.dir, source.name, source.follow != Follow::No);
        stat.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))
    }

    /// Opens a source to read it, without waiting for a fifo's writer; fails if it is no regular file.
    pub(super) fn open_source(&self, source: &Name<'_, K::File>) -> Result<(K::File, Stat), Error> {
        let failed = |errno| match errno {
            Errno::LOOP if source.follow == Follow::No => Error::replaced(source.shown),
            // A directory that lists its names and does not let at them: cp finds out before it opens.
            Errno::ACCESS => {
                let inspected = self.copier.kernel.stat_at(source.dir, source.name, source.follow != Follow::No);
                // It fails either way, in the words for the first call that did.
                let action = if inspected.is_ok() { Action::OpenSource } else { Action::StatSource };
                Error::call(action, source.shown, errno)
            }
            errno => Error::call(Action::OpenSource, source.shown, errno),
        };
        let file = self.copier.open(source, OFlags::RDONLY).map_err(failed)?;
        let stat = self.copier.kernel.stat(&file).map_err(failed)?;
        if stat.kind != Kind::File {
            return Err(Error::replaced(source.shown));
        }
        Ok((file, stat))
    }

    /// What a symbolic link at the target leads to, `None` if nowhere; and where that is, within a tree.
    fn referent(&self, target: &Name<'_, K::File>, context: &EntryContext<'_, K::File>) -> Result<Led<K::File>, Error> {
        match context.top {
            Some((top, path)) => {
                let ending = self.copier.ending_within(top, path, target.shown, Bounds::Beneath)?;
                Ok((ending.as_ref().and_then(|ending| ending.found), ending))
            }
            None => Ok((self.copier.stat_target(target, true)?, None)),
        }
    }

    /// Whether -f removes a link at the target, since the file that it leads to cannot be opened to be written.
    fn is_closed(&self, target: &Name<'_, K::File>, ending: Option<&Ending<K::File>>, there: &Stat) -> bool {
        if self.options().removal != Removal::WhenUnwritable || there.kind != Kind::File {
            return false;
        }
        let end = match ending {
            Some(ending) => Name::within(&ending.dir, &ending.name, target.shown),
            None => target.following(Follow::Yes),
        };
        let opened = self.copier.open(&end, OFlags::WRONLY);
        // Any other error is met again, and told.
        matches!(opened, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::TXTBSY))
    }

    /// Fails if a source that would be read cannot be, which cp finds out before it looks at targets.
    pub(super) fn check_readable(&self, source: &Name<'_, K::File>, stat: &Stat) -> Result<(), Error> {
        if !self.is_written(stat) {
            return Ok(());
        }
        match stat.kind {
            Kind::File => self.open_source(source).map(drop),
            Kind::CharDevice | Kind::BlockDevice => {
                let opened = self.copier.open(source, OFlags::RDONLY);
                opened.map(drop).map_err(|errno| Error::call(Action::OpenSource, source.shown, errno))
            }
            // Opening a fifo waits for its writer, or takes what he wrote away from the copy.
            Kind::Directory | Kind::Symlink | Kind::Fifo | Kind::Socket => Ok(()),
        }
    }

    /// Opens a source that was only looked at, and compares: it must still be the same file.
    pub(super) fn open_inspected(&self, source: &Name<'_, K::File>, stat: &Stat) -> Result<(K::File, Stat), Error> {
        if stat.kind == Kind::File {
            let (file, opened) = self.open_source(source)?;
            return if opened.is_same_file(stat) { Ok((file, opened)) } else { Err(Error::replaced(source.shown)) };
        }
        // A fifo or device that is read as a file, as cp without -R does: here waiting is right.
        let file = source.open(self.copier.kernel, OFlags::RDONLY);
        let file = file.map_err(|errno| Error::call(Action::OpenSource, source.shown, errno))?;
        Ok((file, *stat))
    }
}
