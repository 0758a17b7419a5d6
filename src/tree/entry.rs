//! The making of one name that is no directory: by which means, and how it lands on what is there.
//!
//! [`Entries::inspect`] has found out ([`super::inspect`]), [`Entries::make`] does. Between them the run may
//! find that another name of the same inode was copied already and make a hard link instead.

use super::entries::Entries;
use super::entry_context::EntryContext;
use super::inspected::Inspected;
use super::links::{Version, identity};
use super::special::TargetName;
use crate::copy::{Arrival, Follow, Name, Outcome, Placement, Source, Special, TargetFacts, Thing, Waiting};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use crate::options::{Backup, Overwrite, Product, Readers, Removal, Verify};
use crate::quote::quoted;
use std::sync::PoisonError;

/// How far a name has come.
pub enum Arrived<F> {
    /// It has its outcome.
    Done(Outcome),
    /// It is a file that waits for its name.
    Waits(Box<Waiting<F>>),
}

impl<K: Kernel> Entries<'_, K> {
    /// Makes the target of a name that was looked at.
    pub fn make(
        &self,
        mut inspected: Box<Inspected<K::File>>,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
    ) -> Result<Arrived<K::File>, Error> {
        let stat = inspected.stat;
        self.check_link(&mut inspected, source, target)?;
        let existing = self.existing(&inspected);
        match self.options().product {
            Product::HardLink => {
                let made = self.copier.make_hard_link(source, &stat, target, existing)?;
                return Ok(Arrived::Done(Outcome::Made(made)));
            }
            Product::SymbolicLink => {
                let made = self.copier.make_link_by_name(source, &stat, target, existing)?;
                return Ok(Arrived::Done(Outcome::Made(made)));
            }
            Product::Copy | Product::Attributes if !self.is_copied_as_file(&stat) => {
                let made = self.copier.make_special(source, &stat, target, (existing, context))?;
                return Ok(Arrived::Done(Outcome::Made(made)));
            }
            Product::Copy => self.check_readers(&stat, source)?,
            Product::Attributes => {}
        }
        self.make_file(inspected, source, target, context)
    }

    /// Makes a target that has content, or carries attributes to it.
    fn make_file(
        &self,
        inspected: Box<Inspected<K::File>>,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
        context: &EntryContext<'_, K::File>,
    ) -> Result<Arrived<K::File>, Error> {
        let (placement, is_another) = self.placement_among(&inspected);
        if placement == Placement::InPlace && is_another && context.target_directory.numbers_files() {
            return Err(Error::just_created(target.shown, source.shown));
        }
        let Inspected { file, stat, existing, referent, ending, .. } = *inspected;
        let (file, stat) = match file {
            Some(file) => (file, stat),
            None => self.open_inspected(source, &stat)?,
        };
        let source = Source { file: &file, stat: &stat, shown: source.shown, origin: context.origin };
        let is_link = existing.is_some_and(|found| found.kind == Kind::Symlink);
        let through_link = is_link && placement != Placement::Supplant;
        // What is written in place needs no name to be replaced under.
        let has_end = through_link && !self.options().in_place && placement != Placement::Through;
        let ending = match ending {
            Some(ending) if through_link => Some(ending),
            Some(_) | None if has_end && context.top.is_none() => self.ending(target, referent.as_ref())?,
            Some(_) | None => None,
        };
        if through_link && context.top.is_some() && ending.is_none() {
            return Err(Error::call(Action::CreateFile, target.shown, Errno::NOENT));
        }
        let (target, target_directory, placement) = match &ending {
            Some(ending) => {
                let placement = if referent.is_some() { placement } else { Placement::New };
                (Name::within(&ending.dir, &ending.name, target.shown), ending.target_directory, placement)
            }
            None => {
                let placement =
                    if through_link && placement == Placement::Replace { Placement::Rewrite } else { placement };
                (
                    if through_link { target.following(Follow::Yes) } else { *target },
                    context.target_directory,
                    placement,
                )
            }
        };
        if through_link && referent.is_none() && ending.is_none() {
            self.copier.make_empty(&target)?;
        }
        let found = referent.or(existing.filter(|_| !is_link));
        // Verification from the device has written each file out by itself.
        let may_wait = context.may_wait && !through_link && self.options().verify != Verify::Device;
        let facts = TargetFacts {
            may_wait,
            placement,
            target_directory,
            found,
            is_another,
            is_last_look: false,
            waits: context.named,
        };
        let mut arrived = self.fill(&source, &target, &facts)?;
        if let (Arrived::Done(Outcome::Copied(copied)), true) = (&mut arrived, through_link) {
            // What has the name in the tree is the link.
            copied.sealed = None;
        }
        if let (Arrived::Done(made), Some(ending)) = (&arrived, ending.as_ref().filter(|_| self.options().durable)) {
            let synced = self.copier.sync_directory(&ending.dir, target.shown);
            synced.map_err(|error| error.with_complaints(made.complaints()))?;
        }
        Ok(arrived)
    }

    /// How a file lands, and whether what stands at its target was written by this run from another source.
    fn placement_among(&self, inspected: &Inspected<K::File>) -> (Placement, bool) {
        let placement = self.placement(inspected);
        let is_another = matches!(placement, Placement::Rewrite | Placement::InPlace) && self.is_of_another(inspected);
        let placement = match placement {
            Placement::Rewrite if is_another => Placement::Replace,
            placement => placement,
        };
        (placement, is_another)
    }

    /// Brings over what the options ask for: attributes, nothing where the target is known to be right, or the content.
    fn fill(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<Arrived<K::File>, Error> {
        if self.options().product == Product::Attributes {
            let finished = self.copier.copy_attributes(source, target, facts)?;
            let supplants = finished.supplants();
            let special = Special::new(Thing::Attributes, finished.complaints, finished.backup);
            return Ok(Arrived::Done(Outcome::Made(Special { supplants, ..special })));
        }
        let same = match self.resumed(source, target, facts)? {
            Some(same) => Some(same),
            None => self.copier.same_already(source, target, facts)?,
        };
        if let Some(same) = same {
            self.copier.forget_part(target, &facts.target_directory, source.stat.size);
            return Ok(Arrived::Done(Outcome::Made(same)));
        }
        match self.copier.copy_or_strip(source, target, facts)? {
            Arrival::Named(copied) => Ok(Arrived::Done(Outcome::Copied(copied))),
            Arrival::Waits(waiting) => Ok(Arrived::Waits(waiting)),
        }
    }

    /// Fails for what is gone once it was read, if others read it as well: each would get a part.
    fn check_readers(&self, stat: &Stat, source: &Name<'_, K::File>) -> Result<(), Error> {
        let can_be_read_again = match stat.kind {
            Kind::File | Kind::BlockDevice | Kind::Directory | Kind::Symlink => true,
            Kind::Fifo | Kind::CharDevice | Kind::Socket => false,
        };
        if self.options().readers == Readers::Several && !can_be_read_again {
            let source = quoted(source.shown);
            return Err(Error::Refused(format!("cannot copy {source} to several targets: it can be read only once")));
        }
        Ok(())
    }

    /// With --resume: a target that holds the source's bytes already gets its attributes, and nothing else. `None` if it has
    /// to be copied.
    fn resumed(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<Option<Special>, Error> {
        let is_like = |found: &Stat| {
            let kinds = (found.kind, source.stat.kind);
            kinds == (Kind::File, Kind::File) && found.size == source.stat.size && !found.is_same_file(source.stat)
        };
        // What takes the old file's place as a new one would be without content.
        let stays = match facts.placement {
            Placement::Replace | Placement::Rewrite | Placement::InPlace => true,
            Placement::New
            | Placement::Own
            | Placement::Supplant
            | Placement::Through
            | Placement::BlockDevice
            | Placement::Value => false,
        };
        let is_asked = self.options().resume && stays;
        let Some(found) = facts.found.filter(|found| is_asked && is_like(found)) else { return Ok(None) };
        // What cannot be read is copied anew.
        let Ok(file) = target.open(self.copier.kernel, OFlags::RDONLY | OFlags::NONBLOCK) else { return Ok(None) };
        let is_it = self.copier.kernel.stat(&file).is_ok_and(|stat| stat.is_same_file(&found));
        if !is_it {
            return Ok(None);
        }
        let Some(same) = self.copier.holds_same_bytes(source, &file, target.shown)? else { return Ok(None) };
        // So is what cannot be opened to be given its attributes.
        let finished = self.copier.copy_attributes(source, target, facts).ok();
        Ok(finished.map(|finished| same.already(&found, finished.complaints, finished.backup)))
    }

    /// Whether what stands at the target may be replaced by something that is no regular file.
    fn existing(&self, inspected: &Inspected<K::File>) -> TargetName {
        let Some(found) = inspected.existing else { return TargetName::Free };
        let options = self.options();
        let is_link = options.product == Product::HardLink
            || options.product == Product::SymbolicLink
            || inspected.stat.kind == Kind::Symlink;
        let replaces = options.backup != Backup::No
            || self.is_removed_first(inspected.source(), &found)
            || options.removal == Removal::WhenUnwritable && is_link
            || options.overwrite == Overwrite::Ask && options.product == Product::HardLink;
        if replaces { TargetName::Taken } else { TargetName::Free }
    }

    /// Notes that an old file with several names is written. True if it is already, of another source under another name.
    fn is_of_another(&self, inspected: &Inspected<K::File>) -> bool {
        let Some(found) = inspected.referent.or(inspected.existing).filter(Stat::has_other_names) else {
            return false;
        };
        let source = Version::new(&inspected.stat, None);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.entry(identity(&found)).or_insert((found, source)).1 != source
    }

    /// How a regular file arrives where something stands, or nothing.
    fn placement(&self, inspected: &Inspected<K::File>) -> Placement {
        let options = self.options();
        let Some(found) = inspected.existing else { return Placement::New };
        let seen = inspected.referent.unwrap_or(found);
        let is_removed = inspected.referent.is_none() && self.is_removed_first(inspected.source(), &found);
        if options.backup != Backup::No || is_removed || inspected.replaced_link.is_some() {
            return Placement::Supplant;
        }
        match seen.kind {
            // A link that leads nowhere, and POSIX: a file is made at its end.
            Kind::Symlink => Placement::InPlace,
            Kind::File if options.in_place => Placement::InPlace,
            Kind::File if seen.has_other_names() => Placement::Rewrite,
            Kind::File => Placement::Replace,
            // Nobody can ever open one: with -f, and where no link leads to it, a file takes its place.
            Kind::Socket if options.removal == Removal::WhenUnwritable && inspected.referent.is_none() => {
                Placement::Supplant
            }
            Kind::Directory | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Placement::Through,
        }
    }
}
