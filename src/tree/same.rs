//! Whether source and target are one file, and whether copying is all right even then.
//!
//! What would empty or lose the only copy is refused, as cp refuses it: writing a file onto itself, a
//! link over what it leads to, a backup that renames its own source. Where the kernel does not answer,
//! nothing is made: a look that failed is not two files.

use super::overwrite::same_file;
use crate::copy::{Copier, Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Backup, Product, Removal};
use std::path::Path;

/// What is to be done about a source and a target that may be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sameness {
    /// They are two files, or the target is replaced without harm to the source.
    Apart,
    /// The target is what was to be made.
    Done,
}

/// A name that is looked at: as it is seen by who copies, and as itself.
pub(super) struct FollowedName<'a, F> {
    pub(super) name: &'a Name<'a, F>,
    /// Links followed as far as the copy follows them.
    pub(super) stat: &'a Stat,
    /// No link followed, where that is known already.
    pub(super) itself: Option<&'a Stat>,
}

impl<K: Kernel> Copier<'_, K> {
    /// Weighs a source against what stands at its target, by cp's rules.
    pub(super) fn sameness(
        &self,
        source: &FollowedName<'_, K::File>,
        target: &FollowedName<'_, K::File>,
    ) -> Result<Sameness, Error> {
        let refused = || Err(same_file(source.name.shown, target.name.shown));
        let is_one = source.stat.is_same_file(target.stat);
        let product = self.options.product;
        if is_one && product == Product::HardLink {
            return Ok(Sameness::Done);
        }
        // With -H too, within a tree.
        let follows_none = source.name.follow == Follow::No;
        if follows_none && is_link(source.stat) && is_link(target.stat) {
            return match (self.is_same_name(source.name, target.name)?, is_one) {
                (true, _) => refused(),
                (false, true) if self.options.backup == Backup::No => Ok(Sameness::Done),
                (false, _) => Ok(Sameness::Apart),
            };
        }
        if !follows_none && !is_one {
            return Ok(Sameness::Apart);
        }
        let (from, to) = if follows_none {
            (*source.stat, *target.stat)
        } else {
            (self.itself(source, Action::StatSource)?, self.itself(target, Action::StatTarget)?)
        };
        if self.unlinks_first(source, target, &from, &to)? {
            return Ok(Sameness::Apart);
        }
        if self.options.backup != Backup::No {
            return refused();
        }
        if !is_link(&from) && !is_link(&to) {
            return match (from.is_same_file(&to), product) {
                (false, _) => Ok(Sameness::Apart),
                (true, Product::HardLink) => Ok(Sameness::Done),
                (true, Product::Copy | Product::Attributes | Product::SymbolicLink) => refused(),
            };
        }
        if product == Product::SymbolicLink && is_link(&to) {
            return Ok(Sameness::Apart);
        }
        if follows_none {
            let from = self.end(source.name, &from, Action::StatSource)?;
            let end = self.end(target.name, &to, Action::StatTarget)?;
            let (Some(from), Some(end)) = (from, end) else { return Ok(Sameness::Apart) };
            if !from.is_same_file(&end) {
                return Ok(Sameness::Apart);
            }
            if product == Product::HardLink {
                return Ok(if is_link(&to) { Sameness::Apart } else { Sameness::Done });
            }
        }
        refused()
    }

    /// Whether the target's name is taken from it before anything is written, so that the source,
    /// under its own name, is not touched.
    fn unlinks_first(
        &self,
        source: &FollowedName<'_, K::File>,
        target: &FollowedName<'_, K::File>,
        from: &Stat,
        to: &Stat,
    ) -> Result<bool, Error> {
        let is_one = from.is_same_file(to);
        let are_two_names = || self.is_same_name(source.name, target.name).map(|is_same| !is_same);
        if self.options.backup != Backup::No {
            // A link that leads to the target would lead nowhere once that is renamed.
            let leads_there = source.name.follow != Follow::No && is_link(from) && !is_link(to);
            return if is_one { are_two_names() } else { Ok(!leads_there) };
        }
        if self.options.removal != Removal::Always || is_link(to) {
            return Ok(self.options.removal == Removal::Always);
        }
        if is_one && to.has_other_names() { are_two_names() } else { Ok(false) }
    }

    fn itself(&self, seen: &FollowedName<'_, K::File>, action: Action) -> Result<Stat, Error> {
        let Name { dir, name, shown, .. } = *seen.name;
        let ask = || self.kernel.stat_at(dir, name, false).map_err(|errno| Error::call(action, shown, errno));
        seen.itself.map_or_else(ask, |itself| Ok(*itself))
    }

    /// What a name leads to in the end; `None` if it leads nowhere, or in a circle.
    fn end(&self, name: &Name<'_, K::File>, itself: &Stat, action: Action) -> Result<Option<Stat>, Error> {
        if !is_link(itself) {
            return Ok(Some(*itself));
        }
        match self.kernel.stat_at(name.dir, name.name, true) {
            Ok(end) => Ok(Some(end)),
            // The last is of a link that says more than any name can be long.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => Ok(None),
            Err(errno) => Err(Error::call(action, name.shown, errno)),
        }
    }

    /// Whether source and target are one name of one file, not two names of it. An error if their
    /// directories cannot be looked at.
    pub(super) fn is_same_name(&self, source: &Name<'_, K::File>, target: &Name<'_, K::File>) -> Result<bool, Error> {
        let target_directory = |name: &Name<'_, K::File>, action| {
            let parent = name.name.parent().filter(|parent| !parent.as_os_str().is_empty());
            let stat = self.kernel.stat_at(name.dir, parent.unwrap_or(Path::new(".")), true);
            stat.map_err(|errno| Error::call(action, name.shown, errno))
        };
        let is_one_home =
            target_directory(source, Action::StatSource)?.is_same_file(&target_directory(target, Action::StatTarget)?);
        Ok(is_one_home && source.name.file_name() == target.name.file_name())
    }
}

fn is_link(stat: &Stat) -> bool {
    stat.kind == Kind::Symlink
}
