//! Where the bytes of one attempt go, and what it held in the end.

use super::commit::{Detached, PartOrigin, Temporary};
use super::copier::Job;
use super::pass::{Passed, Zeros};
use super::sealed::Sealed;
use super::strategy::Strategy;
use super::strays::cannot_remove;
use super::types::Placement;
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel, Stat};
use crate::path::beside;
use crate::quote::quoted;
use std::path::PathBuf;

/// The target of one attempt.
pub(super) struct Sink<'a, K: Kernel> {
    pub(super) placement: Placement,
    pub(super) holder: SinkFile<'a, K>,
}

pub(super) enum SinkFile<'a, K: Kernel> {
    /// A fresh file; with it the old one that it replaces, if it has to look like that.
    Temporary { temporary: Temporary<'a, K>, old: Option<(K::File, Stat)> },
    /// A fresh file whose bytes go into the old one in the end.
    Beside { copy: Temporary<'a, K>, old: K::File },
    /// The old file.
    Old(K::File),
}

/// What a sink was filled with, and how.
#[derive(Clone, Copy)]
pub(super) struct Content<'a> {
    pub(super) filled: &'a Filled,
    pub(super) strategy: Strategy,
}

/// How far a target has come.
pub(super) enum Progress<F> {
    /// It has its name.
    Named(Finished),
    /// It has everything else, and waits to be written out with others.
    Waits(Detached<F>, Finished),
    /// Its file cannot be given a name; another is to be made with one. Nothing has changed.
    Again,
}

impl<F> Progress<F> {
    /// What is said of it.
    pub(super) fn complaints(&self) -> &[Error] {
        match self {
            Progress::Named(finished) | Progress::Waits(_, finished) => &finished.complaints,
            Progress::Again => &[],
        }
    }
}

/// What is known of a target once it has its name.
pub(crate) struct Finished {
    pub(super) placement: Placement,
    pub(super) changed: bool,
    /// What fsync said where it cannot be had.
    pub(super) unsynced: Option<Errno>,
    pub(crate) complaints: Vec<Error>,
    /// The name, for messages, that the old target keeps.
    pub(crate) backup: Option<PathBuf>,
    /// Device and inode number, where they were asked for when it had its name.
    pub(super) identity: Option<(u64, u64)>,
    /// What it was then, where that was seen by its handle.
    pub(super) sealed: Option<Box<Sealed>>,
}

impl Finished {
    /// Whether it was made anew in an old file's place.
    pub(crate) fn supplants(&self) -> bool {
        self.placement.supplants()
    }

    pub(super) fn new(placement: Placement, complaints: Vec<Error>) -> Self {
        Self { placement, changed: false, unsynced: None, complaints, backup: None, identity: None, sealed: None }
    }
}

impl<K: Kernel> Sink<'_, K> {
    /// Something that is there already.
    pub(super) fn old(placement: Placement, file: K::File) -> Self {
        Self { placement, holder: SinkFile::Old(file) }
    }

    pub(super) fn file(&self) -> &K::File {
        match &self.holder {
            SinkFile::Temporary { temporary, .. } => temporary.file(),
            SinkFile::Beside { copy, .. } => copy.file(),
            SinkFile::Old(file) => file,
        }
    }

    /// Whether it is what an earlier run has left, with bytes in it.
    pub(super) fn is_found(&self) -> bool {
        match &self.holder {
            SinkFile::Temporary { temporary, .. } => temporary.kept() == Some(PartOrigin::Found),
            SinkFile::Beside { .. } | SinkFile::Old(_) => false,
        }
    }

    /// Whether it is a copy for an old file which lies where that file's name cannot be.
    pub(super) fn lies_elsewhere(&self) -> bool {
        matches!(&self.holder, SinkFile::Beside { copy, .. } if copy.is_elsewhere())
    }

    /// The file that has the target's name in the end.
    pub(super) fn staying(&self) -> &K::File {
        match &self.holder {
            SinkFile::Temporary { temporary, .. } => temporary.file(),
            SinkFile::Beside { old, .. } => old,
            SinkFile::Old(file) => file,
        }
    }

    /// Gives up an attempt that another follows. What it cannot take away again is told.
    pub(super) fn give_up(self, job: &Job<'_, K::File>) -> Result<(), Error> {
        match self.holder {
            SinkFile::Temporary { temporary, .. } | SinkFile::Beside { copy: temporary, .. } => remove(job, temporary),
            SinkFile::Old(_) => Ok(()),
        }
    }
}

/// A sink that holds the source.
pub(super) struct Filled {
    pub(super) passed: Passed,
    pub(super) zeros: Zeros,
    /// The target as it is then, if it is a regular file.
    pub(super) stat: Option<Stat>,
    /// It held bytes of an earlier run.
    pub(super) continued: bool,
}

pub(super) fn cannot_create<F>(job: &Job<'_, F>, errno: Errno) -> Error {
    Error::call(Action::CreateFile, job.target.shown, errno)
}

/// A verified copy beside the old file cannot be made, or not be moved into it.
pub(super) fn not_beside<F>(job: &Job<'_, F>, action: Action, errno: Errno) -> Error {
    if matches!(errno, Errno::NOSPC | Errno::DQUOT) {
        return Error::Beside(Box::new(Error::call(action, job.target.shown, errno)));
    }
    let (target, why) = (quoted(job.target.shown), reason(errno));
    Error::Refused(format!("not overwriting {target} without a verified copy beside it (--in-place does): {why}"))
}

/// Removes a temporary that is of no more use. What stays has to be told.
pub(super) fn remove<K: Kernel>(job: &Job<'_, K::File>, mut temporary: Temporary<'_, K>) -> Result<(), Error> {
    let name = temporary.name().map(|name| beside(job.target.shown, name));
    match (temporary.remove(), name) {
        (Err(errno), Some(name)) => Err(Error::Refused(cannot_remove(&name, job.target.shown, errno))),
        (Ok(()), _) | (Err(_), None) => Ok(()),
    }
}
