//! One name that is no directory, and the further names of its inode.

use super::further::First;
use super::inspected::{Inspected, Inspection};
use super::level::Task;
use super::links::{LinkDecision, Made, Version};
use super::run::{EntryPair, Removed, Run};
use crate::copy::{Follow, Outcome};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Stat};
use crate::options::{Dereference, Product, Work};

impl<K: Kernel> Run<'_, K> {
    /// One name that is no directory, and the names of the same inode that waited for it. With
    /// `waiting` it may be left to whoever is copying that inode.
    pub(super) fn name(&self, entry_pair: &EntryPair<'_, K::File>, waiting: Option<&Task<K>>) -> Result<(), Error> {
        let EntryPair { source, target, context, .. } = *entry_pair;
        let (inspected, is_newer) = match self.entries.inspect(source, target, context)? {
            Inspection::Ended(outcome) => {
                self.finished(entry_pair, &outcome, Removed::No);
                return Ok(());
            }
            Inspection::Make(inspected) => (inspected, false),
            Inspection::Newer(inspected) => (inspected, true),
        };
        let stat = inspected.stat;
        if !self.keeps_links(entry_pair, &stat) {
            return self.make(entry_pair, inspected, is_newer).map(drop);
        }
        let birth = self.kernel.birth(source.dir, source.name, source.follow != Follow::No);
        let birth = birth.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        let version = Version::new(&stat, birth);
        let mut refused = None;
        loop {
            match self.links.decide(&version, refused.as_deref(), waiting.cloned()) {
                LinkDecision::Left => return Ok(()),
                LinkDecision::Link(made, likeness, _) => match self.first(entry_pair, &stat, &made, likeness)? {
                    Some(first) => return self.link(entry_pair, &made, &first, inspected.existing.as_ref(), is_newer),
                    None => refused = Some(made),
                },
                LinkDecision::Copy(_) => return self.first_of(entry_pair, inspected, &version, is_newer),
            }
        }
    }

    /// Whether a name may have to become a hard link to an earlier copy of its inode.
    fn keeps_links(&self, entry_pair: &EntryPair<'_, K::File>, stat: &Stat) -> bool {
        // The other names of what is moved may be gone by now.
        let is_several = stat.nlink > 1
            || self.options.work == Work::Move
            || match self.options.dereference {
                Dereference::Always => true,
                Dereference::CommandLine => entry_pair.context.walked.is_none(),
                Dereference::Never => false,
            };
        is_several && self.options.preserve.links.wanted() && self.options.product != Product::HardLink
    }

    /// Makes what was looked at, unless what is there is newer.
    fn make(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        inspected: Box<Inspected<K::File>>,
        is_newer: bool,
    ) -> Result<Outcome, Error> {
        if is_newer {
            self.finished(entry_pair, &Outcome::Skipped, Removed::No);
            return Ok(Outcome::Skipped);
        }
        let removed = match &inspected.existing {
            None => Removed::No,
            Some(found) if self.entries.is_removed_first(&inspected.stat, found) => Removed::Before,
            Some(_) => Removed::IfNeeded,
        };
        let outcome = self.entries.make(inspected, entry_pair.source, entry_pair.target, entry_pair.context)?;
        self.finished(entry_pair, &outcome, removed);
        Ok(outcome)
    }

    /// Copies the first name of an inode, and then the names that waited for it.
    fn first_of(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        inspected: Box<Inspected<K::File>>,
        version: &Version,
        is_newer: bool,
    ) -> Result<(), Error> {
        // With links followed the names of an inode cannot be counted.
        let names = if entry_pair.source.follow == Follow::Yes { u64::MAX } else { inspected.stat.nlink };
        let made =
            self.make(entry_pair, inspected, is_newer).and_then(|outcome| self.made(entry_pair, version, &outcome));
        let (others, ended) = match made {
            Ok(made) => (self.links.made(version, made, names), Ok(())),
            Err(error) => (self.links.failed(version), Err(error)),
        };
        for task in others.into_iter().flatten() {
            self.task(task);
        }
        ended
    }

    /// Makes a name a hard link to what was made of its inode before; a newer target too, as with cp.
    fn link(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        made: &Made,
        first: &First<K::File>,
        found: Option<&Stat>,
        is_newer: bool,
    ) -> Result<(), Error> {
        let special = self.make_further(entry_pair, made, first, found)?;
        let removed = if found.is_some() && special.backup.is_none() { Removed::Before } else { Removed::No };
        let outcome = if is_newer { Outcome::Skipped } else { Outcome::Made(special) };
        self.finished(entry_pair, &outcome, removed);
        Ok(())
    }
}
