//! Verified files that wait for their names until many of them have been written out at once.
//!
//! What takes an old file's name has to be on disk first, and one fsync(2) for each file is what replacing costs: on btrfs
//! 160 times as long as cp takes. One syncfs(2) writes out all of a filesystem (docs/design/groups.md). Nothing old is
//! given up before it has returned.

use super::commit::{Claim, Detached, Temporary};
use super::copier::Copier;
use super::finish::is_name_kept;
use super::outcome::Copied;
use super::refusal::{gives_no_names, is_taken_for_good};
use super::sink::{Content, Filled};
use super::target::cannot_place;
use super::types::{Name, Placement, TargetDirectory};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel};
use crate::known::filesystems::Honesty;
use std::path::Path;

/// The first release in which syncfs(2) returns what could not be written since its handle was opened (commit 735e4ae5ba28).
const SYNCFS_TELLS: (u32, u32) = (5, 8);

/// A verified file with its attributes, and without its name.
pub struct Waiting<F> {
    pub(super) file: Detached<F>,
    pub(super) copied: Copied,
    pub(super) filled: Filled,
}

/// How a regular file has arrived.
pub enum Arrival<F> {
    /// It has its name.
    Named(Box<Copied>),
    /// It is to be written out, and then to be given its name.
    Waits(Box<Waiting<F>>),
}

impl<F> Arrival<F> {
    /// What is said of it.
    pub(super) fn complaints(&self) -> &[Error] {
        match self {
            Arrival::Named(copied) => &copied.complaints,
            Arrival::Waits(waiting) => &waiting.copied.complaints,
        }
    }
}

/// Why a file that waited did not get its name.
#[derive(Debug)]
pub(crate) enum NamingError {
    /// Not in this way: the name is to be copied again, without waiting. Nothing has changed.
    Again,
    /// It failed; the name has what it had.
    Failed(Error),
}

impl<F> Arrival<F> {
    /// How it was copied.
    pub(super) fn copied(&mut self) -> &mut Copied {
        match self {
            Arrival::Named(copied) => copied,
            Arrival::Waits(waiting) => &mut waiting.copied,
        }
    }
}

impl<F> Waiting<F> {
    /// Bytes of content, which lie on disk twice until it has its name.
    pub(crate) fn size(&self) -> u64 {
        self.copied.size
    }
}

impl<K: Kernel> Copier<'_, K> {
    /// Writes out the filesystem of `witness`, a handle that was opened before any of the group was written. True if what
    /// could not be written would have been told: else each file has to be synced, which is little work then.
    pub(crate) fn sync_group(&self, witness: &K::File, honesty: Honesty) -> bool {
        let synced = self.kernel.sync_filesystem(witness).is_ok();
        synced && honesty == Honesty::Honest && self.host.kernel >= SYNCFS_TELLS
    }

    /// Writes one file of a group out by itself.
    pub(crate) fn sync_waiting(&self, waiting: &mut Waiting<K::File>, target: &Name<'_, K::File>) -> Result<(), Error> {
        waiting.copied.unsynced = self.sync(&waiting.file.file, target.shown)?;
        Ok(())
    }

    /// Gives a file that was written out its name. On an error its temporary is gone, as far as it can be removed.
    pub(crate) fn name_waiting(
        &self,
        waiting: Waiting<K::File>,
        target: &Name<'_, K::File>,
        target_directory: &TargetDirectory,
    ) -> Result<Copied, NamingError> {
        let named = match self.named_or_not(waiting, target, target_directory) {
            Ok(copied) => Ok(copied),
            Err(NamingError::Failed(error)) => Err(error),
            // A name that stays would be told with another file, by whoever of the threads comes to this one.
            Err(NamingError::Again) => {
                let told = self.with_strays(Ok(()), target.shown, |()| &[]);
                return Err(told.map_or_else(NamingError::Failed, |()| NamingError::Again));
            }
        };
        self.with_strays(named, target.shown, |copied| &copied.complaints).map_err(NamingError::Failed)
    }

    fn named_or_not(
        &self,
        waiting: Waiting<K::File>,
        target: &Name<'_, K::File>,
        target_directory: &TargetDirectory,
    ) -> Result<Copied, NamingError> {
        let Waiting { file, copied, filled } = waiting;
        let failed = |errno| NamingError::Failed(cannot_place(target.shown, copied.placement, errno));
        let dir = target.directory().map_err(failed)?;
        let mut temporary = Temporary::attach(self.spot_in(dir, target_directory), file);
        let had_name = temporary.name().is_some();
        let claim = if copied.placement == Placement::New { Claim::New } else { Claim::Over };
        let number = filled.stat.map(|stat| stat.ino);
        let given = if claim == Claim::Over { temporary.give_name(number) } else { Ok(()) };
        if let Err(errno) = given {
            return Err(self.not_linked(&temporary, errno).unwrap_or_else(|| failed(errno)));
        }
        match temporary.commit(target.name, claim) {
            Ok(()) => {}
            // The old file is to be written in place, or to go before; a new one is to be made in another way.
            Err(errno) if is_to_be_made_otherwise(errno, claim, copied.placement, target_directory.honesty) => {
                return Err(NamingError::Again);
            }
            Err(errno) => return Err(self.not_linked(&temporary, errno).unwrap_or_else(|| failed(errno))),
        }
        let was_renamed = claim == Claim::Over || had_name;
        let file = temporary.into_file();
        let content = Content { filled: &filled, strategy: copied.strategy };
        let place = (target, target_directory.honesty);
        let identity = self.identity_of_named(place, &file, was_renamed, Some(content)).map_err(NamingError::Failed)?;
        let sealed = self.sealed(target_directory.honesty, &file, target.shown, Some(content));
        let closed = self.kernel.close(file);
        closed.map_err(|errno| NamingError::Failed(Error::call(Action::Close, target.shown, errno)))?;
        Ok(Copied { identity: identity.or(copied.identity), sealed, ..copied })
    }

    /// Removes what a file that waited has of a name, after `error`. Returns what there is to say then.
    pub(crate) fn give_up_waiting(
        &self,
        waiting: Waiting<K::File>,
        (dir, shown): (crate::kernel::Result<&K::File>, &Path),
        target_directory: &TargetDirectory,
        error: Error,
    ) -> Error {
        match (dir, &waiting.file.name) {
            (Ok(dir), _) => drop(Temporary::attach(self.spot_in(dir, target_directory), waiting.file)),
            (Err(errno), Some(name)) => self.names.strays.note(name, errno),
            (Err(_), None) => {}
        }
        self.with_strays(Err(error), shown, |()| &[]).expect_err("a failure stays one")
    }

    fn not_linked(&self, temporary: &Temporary<'_, K>, errno: Errno) -> Option<NamingError> {
        temporary.lacks_link(errno).then(|| {
            self.name_from_now_on();
            NamingError::Again
        })
    }
}

/// Whether a name that was refused may be had in another way: an old file is written in place, or goes before.
fn is_to_be_made_otherwise(errno: Errno, claim: Claim, placement: Placement, honesty: Honesty) -> bool {
    match placement {
        Placement::Replace => is_name_kept(errno, honesty),
        _ if claim == Claim::New => gives_no_names(errno, honesty),
        _ => is_taken_for_good(errno, honesty),
    }
}
