//! A name that has arrived: what the receiver's engine has for a source.

use super::message::{Entry, FileHead};
use crate::kernel::{Errno, Kind, Result, Stat, Timestamp};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// No device of this machine has a number with this bit, so that nothing that arrives is taken for a file that is here.
const ELSEWHERE: u64 = 1 << 63;

/// A name that has arrived; see the head of this file.
#[derive(Debug)]
pub(super) struct Received {
    /// What was sent of it.
    pub(super) entry: Entry,
    /// The number of the directory that it is in; 0 for an operand.
    pub(super) parent: u64,
    /// How many directories it is in; its own names are one deeper.
    pub(super) depth: usize,
    /// As messages have it.
    pub(super) shown: PathBuf,
    /// It changed while it was read.
    pub(super) has_changed: AtomicBool,
}

/// A directory of which nothing was sent but that operands are in it: told apart from others by its number, and no more.
pub(super) fn above_operands(number: u64) -> Stat {
    let time = Timestamp::default();
    let (kind, mode, nlink, ino) = (Kind::Directory, 0o700, 1, u64::MAX - number);
    let (uid, gid, rdev, size, blocks) = (0, 0, 0, 0, 0);
    Stat { dev: ELSEWHERE, ino, kind, mode, nlink, uid, gid, rdev, size, blocks, atime: time, mtime: time, ctime: time }
}

impl Received {
    /// What it is, or why that could not be told.
    pub(super) fn found(&self) -> Result<&FileHead> {
        self.entry.found.as_ref().map_err(|errno| *errno)
    }

    /// As stat(2) would have it.
    pub(super) fn stat(&self) -> Result<Stat> {
        let mut stat = self.found()?.stat;
        stat.dev |= ELSEWHERE;
        if self.has_changed.load(Ordering::Relaxed) {
            stat.ctime.seconds = stat.ctime.seconds.wrapping_add(1);
        }
        Ok(stat)
    }

    /// The names of its extended attributes.
    pub(super) fn attribute_names(&self) -> Result<Vec<OsString>> {
        Ok(self.found()?.attributes.iter().map(|(name, _)| name.clone()).collect())
    }

    /// One of them.
    pub(super) fn attribute(&self, name: &OsStr) -> Result<Vec<u8>> {
        let value = self.found()?.attributes.iter().find(|(known, _)| known == name);
        value.map(|(_, value)| value.clone()).ok_or(Errno::NODATA)
    }
}
