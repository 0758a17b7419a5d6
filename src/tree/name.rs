//! One name that is no directory, and the further names of its inode.

use super::further::First;
use super::level::Task;
use super::links::{Claim, Made, Version};
use super::looked::{Look, Looked};
use super::run::{Place, Removed, Run};
use crate::copy::{Follow, Outcome};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Stat};
use crate::options::{Dereference, Product};

impl<K: Kernel> Run<'_, K> {
    /// One name that is no directory, and the names of the same inode that waited for it. With
    /// `waiting` it may be left to whoever is copying that inode.
    pub(super) fn name(&self, place: &Place<'_, K::File>, waiting: Option<&Task<K>>) -> Result<(), Error> {
        let Place { source, target, setting, .. } = *place;
        let (looked, is_newer) = match self.entries.look(source, target, setting)? {
            Look::Ended(outcome) => {
                self.finished(place, &outcome, Removed::No);
                return Ok(());
            }
            Look::Make(looked) => (looked, false),
            Look::Newer(looked) => (looked, true),
        };
        let stat = looked.stat;
        if !self.keeps_links(place, &stat) {
            return self.make(place, looked, is_newer).map(drop);
        }
        let birth = self.kernel.birth(source.dir, source.name, source.follow != Follow::No);
        let birth = birth.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        let version = Version::new(&stat, birth);
        let mut refused = None;
        loop {
            match self.links.claim(&version, refused.as_deref(), waiting.cloned()) {
                Claim::Left => return Ok(()),
                Claim::Link(made, likeness, _) => match self.first(place, &stat, &made, likeness)? {
                    Some(first) => return self.link(place, &made, &first, looked.standing.as_ref(), is_newer),
                    None => refused = Some(made),
                },
                Claim::Copy(_) => return self.first_of(place, looked, &version, is_newer),
            }
        }
    }

    /// Whether a name may have to become a hard link to an earlier copy of its inode.
    fn keeps_links(&self, place: &Place<'_, K::File>, stat: &Stat) -> bool {
        let is_several = stat.nlink > 1
            || match self.options.dereference {
                Dereference::Always => true,
                Dereference::CommandLine => place.setting.walked.is_none(),
                Dereference::Never => false,
            };
        is_several && self.options.preserve.links.wanted() && self.options.product != Product::HardLink
    }

    /// Makes what was looked at, unless what is there is newer.
    fn make(&self, place: &Place<'_, K::File>, looked: Box<Looked<K::File>>, is_newer: bool) -> Result<Outcome, Error> {
        if is_newer {
            self.finished(place, &Outcome::Skipped, Removed::No);
            return Ok(Outcome::Skipped);
        }
        let removed = match &looked.standing {
            None => Removed::No,
            Some(found) if self.entries.is_removed_first(&looked.stat, found) => Removed::Before,
            Some(_) => Removed::IfNeeded,
        };
        let outcome = self.entries.make(looked, place.source, place.target, place.setting)?;
        self.finished(place, &outcome, removed);
        Ok(outcome)
    }

    /// Copies the first name of an inode, and then the names that waited for it.
    fn first_of(
        &self,
        place: &Place<'_, K::File>,
        looked: Box<Looked<K::File>>,
        version: &Version,
        is_newer: bool,
    ) -> Result<(), Error> {
        // With links followed the names of an inode cannot be counted.
        let names = if place.source.follow == Follow::Yes { u64::MAX } else { looked.stat.nlink };
        let made = self.make(place, looked, is_newer).and_then(|outcome| self.made(place, version, &outcome));
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
        place: &Place<'_, K::File>,
        made: &Made,
        first: &First<K::File>,
        found: Option<&Stat>,
        is_newer: bool,
    ) -> Result<(), Error> {
        let special = self.make_further(place, made, first, found)?;
        let removed = if found.is_some() && special.backup.is_none() { Removed::Before } else { Removed::No };
        let outcome = if is_newer { Outcome::Skipped } else { Outcome::Made(special) };
        self.finished(place, &outcome, removed);
        Ok(())
    }
}
