//! What happens to a file before it is copied, and what it must hold then.
//!
//! The pasts are those of tests/zfs/trial.c which OpenZFS was found to tell wrongly of. Bytes come from a seed,
//! and none that was written is zero, so that zeros in their place are always wrong.

use crate::kernel::linux::write_mapped;
use rustix::fs::{FallocateFlags, fallocate, ftruncate};
use std::fs::{File, OpenOptions};
use std::io::Error;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// A record as ZFS has it unless told otherwise: what a hole or a clone consists of.
const RECORD: usize = 128 << 10;

/// Of every file.
pub(super) const SIZE: usize = 4 * RECORD;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// Extended, then written through a mapping in parts (OpenZFS #15933).
    Mapped,
    /// The same, but the first record was written with write(2).
    Mixed,
    /// Its last record is on disk; then others were written through a mapping (#15933, as clones meet it).
    MappedLater,
    /// On disk, then its middle was punched out (#16012).
    Punched,
    /// On disk, then cut short and extended again (#16012).
    Cut,
}

impl Past {
    /// All of them.
    pub(super) const ALL: [Past; 5] = [Past::Mapped, Past::Mixed, Past::MappedLater, Past::Punched, Past::Cut];

    /// What it is called in tables and sentences.
    pub(super) fn name(self) -> &'static str {
        match self {
            Past::Mapped => "mapped",
            Past::Mixed => "mixed",
            Past::MappedLater => "mapped later",
            Past::Punched => "punched",
            Past::Cut => "cut",
        }
    }

    /// Whether what is prepared has to be on disk before the file is altered.
    pub(super) fn waits(self) -> bool {
        match self {
            Past::Mapped | Past::Mixed => false,
            Past::MappedLater | Past::Punched | Past::Cut => true,
        }
    }

    /// The records that are written first, with write(2).
    fn written(self) -> Range<usize> {
        match self {
            Past::Mapped => 0..0,
            Past::Mixed => 0..1,
            Past::MappedLater => 3..4,
            Past::Punched | Past::Cut => 0..4,
        }
    }

    /// The records that are written through a mapping afterwards.
    fn mapped(self) -> &'static [usize] {
        match self {
            Past::Mapped => &[1, 3],
            Past::Mixed => &[2, 3],
            Past::MappedLater => &[0, 1],
            Past::Punched | Past::Cut => &[],
        }
    }

    /// The records that hold nothing in the end, whatever was written.
    fn removed(self) -> Range<usize> {
        match self {
            Past::Mapped | Past::Mixed | Past::MappedLater => 0..0,
            Past::Punched => 1..3,
            Past::Cut => 1..4,
        }
    }

    /// What a reader of the file must find.
    pub(super) fn content(self, seed: u64) -> Vec<u8> {
        let all = pattern(seed);
        let mut content = vec![0; SIZE];
        for records in self.mapped().iter().map(|record| *record..record + 1).chain([self.written()]) {
            content[bytes(&records)].copy_from_slice(&all[bytes(&records)]);
        }
        content[bytes(&self.removed())].fill(0);
        content
    }

    /// Makes the file and writes what comes first.
    pub(super) fn prepare(self, name: &Path, seed: u64) -> Result<(), Error> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(name)?;
        file.set_len(SIZE as u64)?;
        let records = bytes(&self.written());
        file.write_all_at(&pattern(seed)[records.clone()], records.start as u64)?;
        if self.waits() { file.sync_all() } else { Ok(()) }
    }

    /// Does to the file what is told wrongly of.
    pub(super) fn alter(self, name: &Path, seed: u64) -> Result<(), Error> {
        let file: OwnedFd = File::options().read(true).write(true).open(name)?.into();
        let all = pattern(seed);
        for record in self.mapped() {
            let range = bytes(&(*record..record + 1));
            write_mapped(&file, &all[range.clone()], range.start as u64)?;
        }
        let removed = bytes(&self.removed());
        match self {
            Past::Mapped | Past::Mixed | Past::MappedLater => {}
            Past::Punched => {
                let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                fallocate(&file, flags, removed.start as u64, removed.len() as u64)?;
            }
            Past::Cut => {
                ftruncate(&file, removed.start as u64)?;
                ftruncate(&file, SIZE as u64)?;
            }
        }
        Ok(())
    }
}

fn bytes(records: &Range<usize>) -> Range<usize> {
    records.start * RECORD..records.end * RECORD
}

/// Bytes without a zero among them, other ones for each seed.
fn pattern(seed: u64) -> Vec<u8> {
    let mut pattern = vec![0; SIZE];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut pattern);
    pattern.iter_mut().for_each(|byte| *byte |= 1);
    pattern
}

/// Whether a filesystem says that it has no such files, rather than that something went wrong.
pub(super) fn is_impossible(error: &Error) -> bool {
    let impossible = [libc::EOPNOTSUPP, libc::ENODEV, libc::ENOSYS, libc::EINVAL];
    error.raw_os_error().is_some_and(|errno| impossible.contains(&errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_what_they_must() {
        let directory = tempfile::tempdir().expect("a directory");
        for past in Past::ALL {
            let name = directory.path().join(past.name());
            past.prepare(&name, 7).expect("prepared");
            past.alter(&name, 7).expect("altered");
            let content = std::fs::read(&name).expect("a file");
            assert!(content == past.content(7), "{past:?}");
            assert_eq!(content.len(), SIZE);
            assert!(content.contains(&0) && content.iter().any(|byte| *byte != 0), "{past:?} can go wrong either way");
        }
    }

    #[test]
    fn no_two_files_are_alike() {
        assert!(Past::Cut.content(1) != Past::Cut.content(2));
    }
}
