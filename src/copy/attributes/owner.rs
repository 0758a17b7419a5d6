//! Owner and group.

use super::types::{AttributedFile, Attributes, Owned};
use super::wanted::Wanted;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};

impl<K: Kernel> Attributes<'_, K> {
    /// Sets owner and group. An ordinary user may not give files away: that is silent, and costs the special bits.
    /// One that was given has to be had.
    pub(super) fn own(
        &self,
        target: &AttributedFile<'_, K::File>,
        kind: Kind,
        wanted: &Wanted,
        complaints: &mut Vec<Error>,
    ) -> Owned {
        match self.kernel.chown(target.file, wanted.uid, wanted.gid) {
            Ok(()) => Owned::Given,
            Err(errno) if self.options.given.has_owner() => {
                complaints.push(Error::call(Action::ChangeOwnership, target.shown, errno));
                Owned::Failed
            }
            Err(Errno::PERM | Errno::INVAL) if !self.options.privileged => {
                // At least the group, if we are a member; the owner is another in any case.
                self.kernel.chown(target.file, None, wanted.gid).unwrap_or(());
                Owned::Another
            }
            Err(errno) => {
                let before = complaints.len();
                let keep = self.options.preserve.ownership;
                self.note_of(kind, Err(errno), Action::PreserveOwnership, target, keep, complaints);
                if complaints.len() > before { Owned::Failed } else { Owned::Another }
            }
        }
    }
}
