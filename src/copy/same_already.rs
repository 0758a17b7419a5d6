//! An old file that is what its copy would be, but for its times: it gets those, and stays.
//!
//! What it has to be for that is in docs/design/same-already.md. Of anything else, and of whatever fails on the way, nothing is said: the
//! file is copied, and what is wrong is met again.

use super::copier::Copier;
use super::outcome::Special;
use super::types::{Name, Placement, Source, TargetFacts};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, OFlags, Stat};

/// Bits of a mode that a write may take away.
const SET_ID_BITS: u32 = 0o6000;

impl<K: Kernel> Copier<'_, K> {
    /// Leaves an old file that is what its copy would be, and sets its times; `None` if it has to be copied.
    ///
    /// On success every byte of both was read, and is the same. A crash leaves the file with its old times or its new ones.
    pub(crate) fn same_already(
        &self,
        source: &Source<'_, K::File>,
        target: &Name<'_, K::File>,
        facts: &TargetFacts,
    ) -> Result<Option<Special>, Error> {
        let may_stay = |found: &Stat| self.options.leaves_the_same() && self.may_be_same(source, found, facts);
        let Some(found) = facts.found.filter(may_stay) else { return Ok(None) };
        // For writing too: what cp may not write to is not passed over.
        let Ok(old) = target.open(self.kernel, OFlags::RDWR | OFlags::NONBLOCK) else { return Ok(None) };
        let is_it = |stat: Stat| stat.is_same_file(&found) && self.may_be_same(source, &stat, facts);
        if !self.kernel.stat(&old).is_ok_and(is_it) {
            return Ok(None);
        }
        let same = match self.holds_same_bytes(source, &old, target.shown) {
            Ok(Some(same)) => same,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            // Another read might succeed.
            Err(error) if error.is_about(source.shown) => return Err(error),
            Ok(None) | Err(_) => return Ok(None),
        };
        if !self.attributes().are_same(source, &old, self.tells_lists(source.origin, source.stat)) {
            return Ok(None);
        }
        let set = if self.options.preserve.timestamps.wanted() {
            self.kernel.set_times(&old, source.stat.atime, source.stat.mtime)
        } else {
            self.kernel.touch(&old)
        };
        if set.is_err() {
            return Ok(None);
        }
        self.kernel.close(old).map_err(|errno| Error::call(Action::Close, target.shown, errno))?;
        Ok(Some(same.already(&found, Vec::new(), None)))
    }

    /// Whether what stat tells of both is what it would tell of source and copy.
    fn may_be_same(&self, source: &Source<'_, K::File>, found: &Stat, facts: &TargetFacts) -> bool {
        let (stat, preserve) = (source.stat, &self.options.preserve);
        // With other names it would be written in place.
        let is_old = matches!(facts.placement, Placement::Replace | Placement::Rewrite) && !facts.is_another;
        let is_plain = (stat.kind, found.kind) == (Kind::File, Kind::File) && found.mode & SET_ID_BITS == 0;
        // Times prove nothing; by them files are passed over that are hardly worth reading.
        let was_copied =
            if preserve.timestamps.wanted() { stat.mtime == found.mtime } else { stat.mtime <= found.mtime };
        // All of a hole is read.
        let is_dense = !stat.looks_sparse() || stat.size <= self.geometry.piece;
        is_old
            && is_plain
            && was_copied
            && is_dense
            && stat.size == found.size
            && stat.looks_sparse() == found.looks_sparse()
            && facts.target_directory.honesty.is_known()
            && (!preserve.mode.wanted() || stat.mode == found.mode)
            && (!preserve.ownership.wanted() || (stat.uid, stat.gid) == (found.uid, found.gid))
            && !stat.is_same_file(found)
            && !self.kernel.comes_once(source.file)
    }
}
