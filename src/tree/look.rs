//! What a name is, what stands at its target, and whether that may be made.
//!
//! Looking changes nothing. It asks in cp's order: what the source is, what is there, whether both are
//! one, whether the target is to be left alone, and what may not take whose place.

use super::entry::{Entries, Outcome};
use super::overwrite::{Decision, check_kinds, decide};
use super::same::{Sameness, Seen};
use crate::copy::{Follow, Home, Name, Origin};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use crate::options::{Backup, Removal};
use crate::report::quote::quoted;
use std::path::Path;

/// Where a name lies and what is known of it beforehand.
pub struct Setting<'a, F> {
    /// The target's directory was made by this run, so that nothing can be in the way.
    pub fresh: bool,
    /// The target's directory.
    pub home: Home,
    /// The source's directory; `None` for an operand.
    pub origin: Option<Origin>,
    /// The target was made by an operand before this one.
    pub just_created: bool,
    /// The user named the target itself: a fifo there is waited for.
    pub named: bool,
    /// What the walk took the source for; `None` for an operand.
    pub walked: Option<Kind>,
    /// The top of the target's tree and the target's path beneath it: how far a symbolic link that
    /// stands at the target may lead. `None` for an operand, whose links are the user's own.
    pub top: Option<(&'a F, &'a Path)>,
}

/// A name that was looked at.
pub struct Looked<F> {
    /// The source.
    pub stat: Stat,
    /// The source, if it was opened already.
    pub(super) file: Option<F>,
    /// What stands at the target, links not followed.
    pub standing: Option<Stat>,
    /// What it leads to, if it is a symbolic link that is written through.
    pub(super) referent: Option<Stat>,
    /// It is a symbolic link that leads in a circle, and is replaced (-f).
    pub(super) is_circular: bool,
}

/// What to do with a name that was looked at.
pub enum Look<F> {
    /// It is to be made.
    Make(Box<Looked<F>>),
    /// What stands at the target is not older: it stays, unless it is to be a link to another copy.
    Newer(Box<Looked<F>>),
    /// Its outcome is known.
    Ended(Outcome),
}

impl<K: Kernel> Entries<'_, K> {
    /// Finds out what a name is and whether its target may be made. Changes nothing.
    pub fn look(
        &self,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
    ) -> Result<Look<K::File>, Error> {
        let standing = if setting.fresh { None } else { self.copier.look_at(target, false)? };
        let (stat, file) = self.look_at_source(source, setting, standing.is_none())?;
        let Some(found) = standing else {
            let looked = Looked { stat, file, standing: None, referent: None, is_circular: false };
            return Ok(Look::Make(Box::new(looked)));
        };
        let follows = found.kind == Kind::Symlink && self.writes_through(&stat);
        let (referent, is_circular) = match if follows { self.referent(target, setting) } else { Ok(None) } {
            Err(Error::Call { errno: Errno::LOOP, .. }) if self.options().removal == Removal::WhenUnwritable => {
                (None, true)
            }
            referent => (referent?, false),
        };
        let seen = referent.unwrap_or(found);
        let from = Seen { name: source, stat: &stat, itself: None };
        let to = Seen { name: target, stat: &seen, itself: Some(&found) };
        let sameness = if self.options().may_replace() { self.copier.sameness(&from, &to)? } else { Sameness::Apart };
        let looked = Box::new(Looked { stat, file, standing, referent, is_circular });
        if follows && referent.is_none() && !is_circular {
            self.check_just_created(&looked.stat, &found, source, target, setting)?;
            return self.look_at_dangling(looked, source, target);
        }
        // Decides on the words of a question and nothing else.
        let is_writable = || self.copier.kernel.may_write(target.dir, target.name).is_ok();
        // What leads in a circle has no time to go by.
        let decision = decide(&stat, &seen, target.shown, self.options(), is_writable, self.ask)?;
        match if is_circular && decision == Decision::Newer { Decision::Replace } else { decision } {
            Decision::Replace => {}
            Decision::Newer => return Ok(Look::Newer(looked)),
            Decision::Skip => return Ok(Look::Ended(Outcome::Skipped)),
            Decision::Decline => return Ok(Look::Ended(Outcome::Declined)),
        }
        if sameness == Sameness::Done {
            return Ok(Look::Ended(Outcome::Skipped));
        }
        check_kinds(&stat, &seen, source.shown, target.shown)?;
        self.check_just_created(&stat, &found, source, target, setting)?;
        if self.copier.backup_is_source(source, target)? {
            let (source, target) = (quoted(source.shown), quoted(target.shown));
            return Err(Error::Refused(format!("backing up {target} might destroy source;  {source} not copied")));
        }
        Ok(Look::Make(looked))
    }

    /// cp's refusal to undo what an operand before this one did.
    fn check_just_created(
        &self,
        stat: &Stat,
        found: &Stat,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
    ) -> Result<(), Error> {
        let options = self.options();
        let is_link = stat.nlink > 1 && options.preserve.links.wanted();
        if !setting.just_created || is_link || options.backup == Backup::Numbered {
            return Ok(());
        }
        let (source, target) = (quoted(source.shown), quoted(target.shown));
        Err(Error::Refused(if found.kind == Kind::Symlink && self.writes_through(stat) {
            format!("will not copy {source} through just-created symlink {target}")
        } else {
            format!("will not overwrite just-created {target} with {source}")
        }))
    }

    /// A symbolic link that leads nowhere is no existing target to cp, but nothing is made at its end
    /// unless POSIX asks for it.
    fn look_at_dangling(
        &self,
        looked: Box<Looked<K::File>>,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
    ) -> Result<Look<K::File>, Error> {
        self.check_readable(source, &looked.stat)?;
        if self.options().through_dangling {
            return Ok(Look::Make(looked));
        }
        Err(Error::Refused(format!("not writing through dangling symlink {}", quoted(target.shown))))
    }

    /// Whether a symbolic link at the target of such a source is written through, not replaced.
    fn writes_through(&self, stat: &Stat) -> bool {
        let options = self.options();
        self.is_written(stat) && options.backup == Backup::No && options.removal != Removal::Always
    }

    /// The source's stat. One that is probably a regular file is opened at once, which saves a call.
    fn look_at_source(
        &self,
        source: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
        open: bool,
    ) -> Result<(Stat, Option<K::File>), Error> {
        if open && self.options().product.reads_sources() && setting.walked == Some(Kind::File) {
            let (file, stat) = self.open_source(source)?;
            return Ok((stat, Some(file)));
        }
        let stat = self.copier.kernel.stat_at(source.dir, source.name, source.follow != Follow::No);
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        if setting.walked.is_some_and(|walked| walked != stat.kind) {
            return Err(replaced(source.shown));
        }
        Ok((stat, None))
    }

    /// Opens a source to read it, without waiting for a fifo's writer; fails if it is no regular file.
    fn open_source(&self, source: &Name<'_, K::File>) -> Result<(K::File, Stat), Error> {
        let failed = |errno| match errno {
            Errno::LOOP if source.follow == Follow::No => replaced(source.shown),
            // A directory that lists its names and does not let at them: cp finds out before it opens.
            Errno::ACCESS => {
                let looked = self.copier.kernel.stat_at(source.dir, source.name, source.follow != Follow::No);
                // It fails either way, in the words for the first call that did.
                let action = if looked.is_ok() { Action::OpenSource } else { Action::StatSource };
                Error::call(action, source.shown, errno)
            }
            errno => Error::call(Action::OpenSource, source.shown, errno),
        };
        let file = self.copier.open(source, OFlags::RDONLY).map_err(failed)?;
        let stat = self.copier.kernel.stat(&file).map_err(failed)?;
        if stat.kind != Kind::File {
            return Err(replaced(source.shown));
        }
        Ok((file, stat))
    }

    /// What a symbolic link at the target leads to, `None` if nowhere.
    fn referent(&self, target: &Name<'_, K::File>, setting: &Setting<'_, K::File>) -> Result<Option<Stat>, Error> {
        let Some((top, path)) = setting.top else { return self.copier.look_at(target, true) };
        let beneath = Name { dir: Some(top), name: path, shown: target.shown, follow: Follow::Beneath };
        match beneath.open(self.copier.kernel, OFlags::PATH) {
            Ok(file) => {
                let stat = self.copier.kernel.stat(&file);
                stat.map(Some).map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::XDEV) => Err(Error::Refused(format!(
                "not writing through symlink {}, which leads out of the target",
                quoted(target.shown)
            ))),
            Err(errno) => Err(Error::call(Action::StatTarget, target.shown, errno)),
        }
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
    pub(super) fn open_looked(&self, source: &Name<'_, K::File>, stat: &Stat) -> Result<(K::File, Stat), Error> {
        if stat.kind == Kind::File {
            let (file, opened) = self.open_source(source)?;
            return if opened.is_same_file(stat) { Ok((file, opened)) } else { Err(replaced(source.shown)) };
        }
        // A fifo or device that is read as a file, as cp without -R does: here waiting is right.
        let file = source.open(self.copier.kernel, OFlags::RDONLY);
        let file = file.map_err(|errno| Error::call(Action::OpenSource, source.shown, errno))?;
        Ok((file, *stat))
    }
}

/// GNU's words for a source that is no longer what it was.
pub(super) fn replaced(shown: &Path) -> Error {
    Error::Refused(format!("skipping file {}, as it was replaced while being copied", quoted(shown)))
}
