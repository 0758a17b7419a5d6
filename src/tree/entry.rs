//! One name that is no directory: looked at, weighed against what stands at its target, and made.
//!
//! [`Entries::look`] finds out, [`Entries::make`] does. Between them the run may find that another
//! name of the same inode was copied already and make a hard link instead.

use super::overwrite::{Ask, Decision, check_kinds, decide};
use super::same::{Sameness, Seen};
use super::special::{Special, Standing};
use crate::copy::{Copied, Copier, Follow, Host, Landing, Name, Source};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use crate::options::{Backup, Dereference, Options, Overwrite, Product, Removal};
use crate::report::quote::quoted;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What became of a name.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A regular file was copied.
    Copied(Box<Copied>),
    /// Something else was made: a symbolic link, a node, a hard link, a file without its content.
    Made(Special),
    /// The target was left as it is, rightly.
    Skipped,
    /// The target was left as it is because the user said no.
    Declined,
}

impl Outcome {
    /// Device and inode number of the file that was made, where they are known.
    #[must_use]
    pub fn identity(&self) -> Option<(u64, u64)> {
        match self {
            Outcome::Copied(copied) => copied.identity,
            Outcome::Made(_) | Outcome::Skipped | Outcome::Declined => None,
        }
    }

    /// The name that an old target keeps.
    #[must_use]
    pub fn backup(&self) -> Option<&Path> {
        match self {
            Outcome::Copied(copied) => copied.backup.as_deref(),
            Outcome::Made(special) => special.backup.as_deref(),
            Outcome::Skipped | Outcome::Declined => None,
        }
    }
}

/// Where a name lies and what is known of it beforehand.
pub struct Setting<'a, F> {
    /// The target's directory was made by this run, so that nothing can be in the way.
    pub fresh: bool,
    /// The target's directory has a default access control list.
    pub inherits: bool,
    /// The target was made by an operand before this one.
    pub just_created: bool,
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
    file: Option<F>,
    /// What stands at the target, links not followed.
    pub standing: Option<Stat>,
    /// What it leads to, if it is a symbolic link that is written through.
    referent: Option<Stat>,
    /// It is a symbolic link that leads in a circle, and is replaced (-f).
    is_circular: bool,
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

/// Copies names that are no directories.
pub struct Entries<'a, K: Kernel> {
    /// Copies regular files.
    pub copier: Copier<'a, K>,
    ask: Ask<'a>,
}

impl<'a, K: Kernel> Entries<'a, K> {
    /// Entries for these options; `ask` puts -i's question.
    pub fn new(kernel: &'a K, options: &'a Options, host: &'a Host, stop: &'a AtomicBool, ask: Ask<'a>) -> Self {
        Self { copier: Copier::new(kernel, options, host, stop), ask }
    }

    fn options(&self) -> &Options {
        self.copier.options
    }

    /// Looks and makes: the whole way of one name.
    pub fn copy(
        &self,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
    ) -> Result<Outcome, Error> {
        match self.look(source, target, setting)? {
            Look::Make(looked) => self.make(looked, source, target, setting),
            Look::Newer(_) => Ok(Outcome::Skipped),
            Look::Ended(outcome) => Ok(outcome),
        }
    }

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
        if self.copier.backup_is_source(source, target) {
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
                let action = if looked.is_ok() { Action::OpenSource } else { Action::StatSource };
                Error::call(action, source.shown, errno)
            }
            errno => Error::call(Action::OpenSource, source.shown, errno),
        };
        let file = source.open(self.copier.kernel, OFlags::RDONLY | OFlags::NONBLOCK).map_err(failed)?;
        let stat = self.copier.kernel.stat(&file).map_err(failed)?;
        if stat.kind != Kind::File {
            return Err(replaced(source.shown));
        }
        Ok((file, stat))
    }

    /// Whether a source of this kind becomes a regular file: without -R, or with --copy-contents, all do.
    pub(super) fn is_copied_as_file(&self, stat: &Stat) -> bool {
        let reads_all = !self.options().recursive || self.options().copy_contents;
        stat.kind == Kind::File || (reads_all && !matches!(stat.kind, Kind::Symlink | Kind::Directory))
    }

    /// Whether a regular file is made of such a source.
    pub(super) fn is_written(&self, stat: &Stat) -> bool {
        self.is_copied_as_file(stat) && self.options().product.reads_sources()
    }

    /// Whether cp removes what stands at the target before it makes anything there.
    pub(super) fn is_removed_first(&self, stat: &Stat, found: &Stat) -> bool {
        let options = self.options();
        let is_in_the_way = options.preserve.links.wanted() && found.nlink > 1
            || options.dereference == Dereference::Never && stat.kind != Kind::File;
        let makes_data = options.product != Product::Attributes;
        options.backup == Backup::No && (options.removal == Removal::Always || makes_data && is_in_the_way)
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

    /// Makes the target of a name that was looked at.
    pub fn make(
        &self,
        looked: Box<Looked<K::File>>,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        setting: &Setting<'_, K::File>,
    ) -> Result<Outcome, Error> {
        let stat = looked.stat;
        let standing = self.standing(&looked);
        match self.options().product {
            Product::HardLink => {
                return self.copier.make_hard_link(source, &stat, target, standing).map(Outcome::Made);
            }
            Product::SymbolicLink => {
                return self.copier.make_link_by_name(source, &stat, target, standing).map(Outcome::Made);
            }
            Product::Copy | Product::Attributes if !self.is_copied_as_file(&stat) => {
                let made = self.copier.make_special(source, &stat, target, standing).map(Outcome::Made);
                let is_removed = looked.standing.is_some_and(|found| self.is_removed_first(&stat, &found));
                return made.map_err(|error| if is_removed { unremovable(error) } else { error });
            }
            Product::Copy | Product::Attributes => {}
        }
        let landing = self.landing(&looked);
        let (file, stat) = match looked.file {
            Some(file) => (file, stat),
            None => self.open_looked(source, &stat)?,
        };
        let source = Source { file: &file, stat: &stat, shown: source.shown };
        let is_link = looked.standing.is_some_and(|found| found.kind == Kind::Symlink);
        let through_link = is_link && matches!(landing, Landing::InPlace | Landing::Through);
        let (dir, name, follow) = match setting.top {
            Some((top, path)) if through_link => (Some(top), path, Follow::Beneath),
            None if through_link => (target.dir, target.name, Follow::Yes),
            Some(_) | None => (target.dir, target.name, target.follow),
        };
        let target = Name { dir, name, shown: target.shown, follow };
        if through_link && looked.referent.is_none() {
            self.copier.make_empty(&source, &target)?;
        }
        if self.options().product == Product::Attributes {
            let finished = self.copier.copy_attributes(&source, &target, landing, setting.inherits)?;
            return Ok(Outcome::Made(Special { complaints: finished.complaints, backup: finished.backup }));
        }
        let copied = self.copier.copy_file(&source, &target, landing, setting.inherits)?;
        Ok(Outcome::Copied(Box::new(copied)))
    }

    /// Whether what stands at the target may be replaced by something that is no regular file.
    fn standing(&self, looked: &Looked<K::File>) -> Standing {
        let Some(found) = looked.standing else { return Standing::Free };
        let options = self.options();
        let is_link = options.product == Product::HardLink
            || options.product == Product::SymbolicLink
            || looked.stat.kind == Kind::Symlink;
        let replaces = options.backup != Backup::No
            || self.is_removed_first(&looked.stat, &found)
            || options.removal == Removal::WhenUnwritable && is_link
            || options.overwrite == Overwrite::Ask && options.product == Product::HardLink;
        if replaces { Standing::Taken } else { Standing::Free }
    }

    /// Fails if a source that would be read cannot be, which cp finds out before it looks at targets.
    pub(super) fn check_readable(&self, source: &Name<'_, K::File>, stat: &Stat) -> Result<(), Error> {
        if !self.is_written(stat) {
            return Ok(());
        }
        match stat.kind {
            Kind::File => self.open_source(source).map(drop),
            Kind::CharDevice | Kind::BlockDevice => {
                let opened = source.open(self.copier.kernel, OFlags::RDONLY | OFlags::NONBLOCK);
                opened.map(drop).map_err(|errno| Error::call(Action::OpenSource, source.shown, errno))
            }
            // Opening a fifo waits for its writer, or takes what he wrote away from the copy.
            Kind::Directory | Kind::Symlink | Kind::Fifo | Kind::Socket => Ok(()),
        }
    }

    /// Opens a source that was only looked at, and compares: it must still be the same file.
    fn open_looked(&self, source: &Name<'_, K::File>, stat: &Stat) -> Result<(K::File, Stat), Error> {
        if stat.kind == Kind::File {
            let (file, opened) = self.open_source(source)?;
            return if opened.is_same_file(stat) { Ok((file, opened)) } else { Err(replaced(source.shown)) };
        }
        // A fifo or device that is read as a file, as cp without -R does: here waiting is right.
        let file = source.open(self.copier.kernel, OFlags::RDONLY);
        let file = file.map_err(|errno| Error::call(Action::OpenSource, source.shown, errno))?;
        Ok((file, *stat))
    }

    /// How a regular file arrives where something stands, or nothing.
    fn landing(&self, looked: &Looked<K::File>) -> Landing {
        let options = self.options();
        let Some(found) = looked.standing else { return Landing::New };
        let seen = looked.referent.unwrap_or(found);
        let is_removed = looked.referent.is_none() && self.is_removed_first(&looked.stat, &found);
        if options.backup != Backup::No || is_removed || looked.is_circular {
            return Landing::Supplant;
        }
        match seen.kind {
            // A link that leads nowhere, and POSIX: a file is made at its end.
            Kind::Symlink => Landing::InPlace,
            Kind::File if options.in_place || seen.nlink > 1 || looked.referent.is_some() => Landing::InPlace,
            Kind::File => Landing::Replace,
            Kind::Directory | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Landing::Through,
        }
    }
}

/// What cp would have said where it removes what stands at a target before it makes anything.
fn unremovable(error: Error) -> Error {
    match error {
        Error::Call {
            action: Action::CreateSymlink | Action::CreateFifo,
            path,
            errno: errno @ (Errno::ACCESS | Errno::PERM),
        }
        // EPERM is mknod's own answer to those who may not make devices.
        | Error::Call { action: Action::CreateSpecial, path, errno: errno @ Errno::ACCESS } => {
            Error::Call { action: Action::Remove, path, errno }
        }
        error => error,
    }
}

/// GNU's words for a source that is no longer what it was.
fn replaced(shown: &Path) -> Error {
    Error::Refused(format!("skipping file {}, as it was replaced while being copied", quoted(shown)))
}
