//! The making of one name that is no directory: by which means, and how it lands on what is there.
//!
//! [`Entries::look`] has found out ([`super::look`]), [`Entries::make`] does. Between them the run may
//! find that another name of the same inode was copied already and make a hard link instead.

use super::look::{Look, Looked, Setting};
use super::overwrite::Ask;
use super::special::{Special, Standing};
use crate::copy::{Copied, Copier, Follow, Ground, Landing, Name, Source};
use crate::error::{Action, Error};
use crate::host::Host;
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Backup, Dereference, Options, Overwrite, Product, Removal};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

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

/// Copies names that are no directories.
pub struct Entries<'a, K: Kernel> {
    /// Copies regular files.
    pub copier: Copier<'a, K>,
    /// Puts -i's question.
    ask: Ask<'a>,
    /// Held while a question waits for its answer.
    turn: Mutex<()>,
}

impl<'a, K: Kernel> Entries<'a, K> {
    /// Entries for these options; `ask` puts -i's question.
    pub fn new(kernel: &'a K, options: &'a Options, host: &'a Host, stop: &'a AtomicBool, ask: Ask<'a>) -> Self {
        Self { copier: Copier::new(kernel, options, host, stop), ask, turn: Mutex::default() }
    }

    pub(super) fn options(&self) -> &Options {
        self.copier.options
    }

    /// Puts a question to the user, who is asked one at a time.
    pub(super) fn asks(&self, question: &str) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        (self.ask)(question)
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
                return self.copier.make_special(source, &stat, target, (standing, setting)).map(Outcome::Made);
            }
            Product::Copy | Product::Attributes => {}
        }
        let landing = self.landing(&looked);
        let Looked { file, standing, referent, ending, .. } = *looked;
        let (file, stat) = match file {
            Some(file) => (file, stat),
            None => self.open_looked(source, &stat)?,
        };
        let source = Source { file: &file, stat: &stat, shown: source.shown, origin: setting.origin };
        let is_link = standing.is_some_and(|found| found.kind == Kind::Symlink);
        let through_link = is_link && landing != Landing::Supplant;
        // What is written in place needs no name to be replaced under.
        let has_end = through_link && !self.options().in_place && landing != Landing::Through;
        let ending = match ending {
            Some(ending) if through_link => Some(ending),
            Some(_) | None if has_end && setting.top.is_none() => self.ending(target, referent.as_ref())?,
            Some(_) | None => None,
        };
        if through_link && setting.top.is_some() && ending.is_none() {
            return Err(Error::call(Action::CreateFile, target.shown, Errno::NOENT));
        }
        let (target, home, landing) = match &ending {
            Some(ending) => {
                let landing = if referent.is_some() { landing } else { Landing::New };
                (Name::within(&ending.dir, &ending.name, target.shown), ending.home, landing)
            }
            None => {
                let landing = if through_link && landing == Landing::Replace { Landing::Rewrite } else { landing };
                (if through_link { target.following(Follow::Yes) } else { *target }, setting.home, landing)
            }
        };
        if through_link && referent.is_none() && ending.is_none() {
            self.copier.make_empty(&target)?;
        }
        let found = referent.or(standing.filter(|_| !is_link));
        let ground = Ground { landing, home, found, waits: setting.named };
        let outcome = if self.options().product == Product::Attributes {
            let finished = self.copier.copy_attributes(&source, &target, &ground)?;
            Outcome::Made(Special { complaints: finished.complaints, backup: finished.backup })
        } else {
            Outcome::Copied(Box::new(self.copier.copy_file(&source, &target, &ground)?))
        };
        if let Some(ending) = ending.as_ref().filter(|_| self.options().durable) {
            self.copier.sync_directory(&ending.dir, target.shown)?;
        }
        Ok(outcome)
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
            Kind::File if options.in_place => Landing::InPlace,
            Kind::File if seen.nlink > 1 => Landing::Rewrite,
            Kind::File => Landing::Replace,
            Kind::Directory | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Landing::Through,
        }
    }
}
