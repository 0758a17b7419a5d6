//! A file with attributes, what is known of them, and how a target came to be.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::known::attributes::Rules;
use crate::options::{Keep, Options};
use std::ffi::OsString;
use std::path::Path;

/// Bits that give rights by owner: set-user-ID, set-group-ID and sticky.
pub(super) const SPECIAL_BITS: u32 = 0o7000;

/// The bits that stay where it is not known whom the others would let in.
pub(super) const OWNERS_BITS: u32 = 0o700;

/// A file whose attributes are taken or set, and its name for messages.
pub struct AttributedFile<'a, F> {
    /// The handle, possibly an O_PATH one.
    pub file: &'a F,
    /// The name as the user would write it.
    pub shown: &'a Path,
    /// What is known of it.
    pub known: KnownAttributes,
    /// Its filesystem has no access control list that it does not name among the attributes. CIFS and some of FUSE's
    /// have; elsewhere lists are asked for by their names too.
    pub tells_lists: bool,
}

/// Attributes that a file has, where they are known not to have changed since they were asked; what it has is not set.
#[derive(Clone, Copy, Default)]
pub struct KnownAttributes {
    /// Owner and group.
    pub owner: Option<(u32, u32)>,
    /// Permission bits, with those that give rights by owner.
    pub mode: Option<u32>,
}

impl KnownAttributes {
    /// Those of a stat.
    #[must_use]
    pub fn of(stat: Option<Stat>) -> Self {
        Self { owner: stat.map(|stat| (stat.uid, stat.gid)), mode: stat.map(|stat| stat.mode) }
    }
}

/// Whether a target was made by this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// It was there before: without --preserve its attributes stay.
    Old,
    /// It was made, and looks like the old one whose place it takes: without --preserve that stays so.
    Alike {
        /// Its directory has a default access control list.
        inherits: bool,
    },
    /// It was made.
    Made {
        /// With a mode nobody else can use it by, so that the mode is to be set at the end.
        private: bool,
        /// The mode it gets where none is preserved.
        default_mode: u32,
        /// Its directory has a default access control list.
        inherits: bool,
    },
}

/// Whose a target is in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owned {
    /// Whoever's it was: that was right, or nothing was asked for.
    AsBefore,
    /// The source's.
    Given,
    /// Another's, as an ordinary user may not give files away: that need not be said.
    Another,
    /// Another's, which was said.
    Failed,
}

/// What a source has of extended attributes.
#[derive(Default)]
pub(super) struct Belongings {
    /// Their names, those of access control lists among them.
    pub(super) names: Vec<OsString>,
    /// It may have a list that could not be asked for.
    pub(super) is_unsure: bool,
}

/// Carries a source's attributes to what was made from it.
pub struct Attributes<'a, K: Kernel> {
    /// The calls.
    pub kernel: &'a K,
    /// What is carried.
    pub options: &'a Options,
    /// What attributes' names mean.
    pub rules: &'a Rules,
}

/// Whether an attribute is none that this target, or this user, can set: nothing was lost on the way.
fn is_refusal(errno: Errno) -> bool {
    matches!(errno, Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::ACCESS | Errno::INVAL)
}

impl<K: Kernel> Attributes<'_, K> {
    /// As `note`, of an entry of that kind. A server that follows links, as sshfs 3.7 does, has no place for what a link itself
    /// has, and answers ENOENT where the link leads to nothing.
    pub(super) fn note_of(
        &self,
        kind: Kind,
        done: crate::kernel::Result<()>,
        action: Action,
        on: &AttributedFile<'_, K::File>,
        keep: Keep,
        complaints: &mut Vec<Error>,
    ) {
        match (kind, done, keep) {
            (Kind::Symlink, Err(errno @ Errno::NOENT), Keep::Warn) => {
                complaints.push(Error::Noted(Box::new(Error::call(action, on.shown, errno))));
            }
            (_, done, _) => self.note(done, action, on, keep, complaints),
        }
    }

    pub(super) fn note(
        &self,
        done: crate::kernel::Result<()>,
        action: Action,
        on: &AttributedFile<'_, K::File>,
        keep: Keep,
        complaints: &mut Vec<Error>,
    ) {
        let Err(errno) = done else { return };
        let complaint = Error::call(action, on.shown, errno);
        match keep {
            Keep::No => {}
            Keep::Must => complaints.push(complaint),
            Keep::Try | Keep::Say | Keep::Warn if !is_refusal(errno) => complaints.push(complaint),
            Keep::Warn => complaints.push(Error::Noted(Box::new(complaint))),
            Keep::Say if errno != Errno::OPNOTSUPP => complaints.push(Error::Noted(Box::new(complaint))),
            Keep::Try | Keep::Say => {}
        }
    }
}
