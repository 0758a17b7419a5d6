//! Times, owner, extended attributes and mode, in the order the kernel demands.
//!
//! Times first, as who gives a file away may not set them any more, and none of the others touches them; then the
//! owner, because chown clears set-user-ID bits and capabilities; extended attributes next; then the access control
//! lists, because they change the mode; then the mode. At no step does anybody have rights that he has not on the
//! source. Everything goes through handles. What cannot be kept is returned as a complaint: the copy stands, the exit
//! status remembers.

mod equality;
mod likeness;
mod lists;
mod mode;
mod owner;
mod types;
mod wanted;
mod xattrs;

pub use mode::mode_after_writing;
pub use types::{AttributedFile, Attributes, Fresh, KnownAttributes};

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Stat};
use crate::options::{Context, Keep};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use types::{OWNERS_BITS, Owned};
use wanted::Wanted;

impl<K: Kernel> Attributes<'_, K> {
    /// Sets on `target` what the options preserve of `source`, whose stat is `from`.
    ///
    /// `fresh` says whether this run made the target, and how. Returns what could not be kept and had to be. Where
    /// that is the owner or an access control list, group and others have no rights in the end: they might be others
    /// than the source's.
    pub fn carry(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        fresh: Fresh,
    ) -> Vec<Error> {
        let mut complaints = self.carry_each(source, from, target, fresh);
        let refused = |complaint: &Error| match complaint {
            Error::Call { action, errno: Errno::PERM, .. } => Some(*action),
            _ => None,
        };
        // What is another user's, or has chattr +a, lets nothing be set. That is told once, as by GNU's cp.
        if complaints.iter().any(|complaint| refused(complaint) == Some(Action::PreserveTimes)) {
            complaints
                .retain(|complaint| !matches!(refused(complaint), Some(Action::ClearMode | Action::PreserveMode)));
        }
        complaints
    }

    fn carry_each(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        fresh: Fresh,
    ) -> Vec<Error> {
        let preserve = &self.options.preserve;
        let mut complaints = Vec::new();
        let has = self.belongings(source, from, target, &mut complaints);
        let wanted = Wanted::new(self.options, from);
        if let Some((accessed, modified)) = wanted.times {
            let set = self.kernel.set_times(target.file, accessed, modified);
            self.note_of(from.kind, set, Action::PreserveTimes, target, preserve.timestamps, &mut complaints);
        }
        let gives_away = wanted.gives_away(target.known.owner);
        // What chown, an extended attribute or an access control list makes of the mode is not known.
        let mut known_mode = target.known.mode;
        if fresh == Fresh::Old && preserve.mode.wanted() {
            match self.narrow(from, target, gives_away || has.names.iter().any(|name| self.is_list(name))) {
                Ok(narrowed) => known_mode = narrowed,
                Err(errno) => {
                    complaints.push(Error::call(Action::ClearMode, target.shown, errno));
                    return complaints;
                }
            }
        }
        let owned = if gives_away { self.own(target, from.kind, &wanted, &mut complaints) } else { Owned::AsBefore };
        if self.carry_xattrs(source, target, &has, &mut complaints) || owned != Owned::AsBefore {
            known_mode = None;
        }
        if let Context::Named { attribute, value } = &self.options.context {
            // The kernel keeps contexts as C strings, with the byte that ends them.
            let value = [value.as_bytes(), b"\0"].concat();
            let set = self.kernel.set_xattr(target.file, OsStr::new(attribute), &value);
            self.note(set, Action::SetContext, target, Keep::Must, &mut complaints);
        }
        let is_closed = owned == Owned::Failed || has.is_unsure;
        let before = complaints.len();
        if self.carry_lists(source, from, target, (&has, is_closed), fresh, &mut complaints) {
            known_mode = None;
        }
        let is_closed = is_closed || complaints.len() > before;
        if let Some(mode) = self.mode(from, target, fresh, owned, &mut complaints) {
            let mode = if is_closed { mode & OWNERS_BITS } else { mode };
            self.set_mode(source, target, mode, known_mode, (&has, is_closed), &mut complaints);
        }
        complaints
    }
}
