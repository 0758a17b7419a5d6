//! How an open file that has no name is given one.

use super::reach::{Purpose, Reach, by_proc};
use super::stat::stat_of;
use crate::kernel::Result;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD};
use rustix::io::Errno;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of the ways to do so.
#[derive(Debug, Default)]
pub(super) struct Linking {
    /// linkat of an empty path answered ENOENT once (before Linux 6.10 it asks for
    /// CAP_DAC_READ_SEARCH): go by /proc/self/fd instead.
    lacks_empty_link: AtomicBool,
    /// Whether linkat takes an empty path, where there is no /proc.
    takes_empty_link: OnceLock<bool>,
}

/// A name that nothing gets.
const TRIED: &str = ".safecp-directory";

impl Linking {
    /// Whether a file that has no name can be given one. Without /proc that takes a linkat of an empty path, which
    /// is tried with a directory: nobody may link that, so that nothing comes of it.
    pub(super) fn is_possible(&self, reach: &Reach, dir: BorrowedFd<'_>) -> bool {
        let tried = || rustix::fs::linkat(dir, "", dir, TRIED, AtFlags::EMPTY_PATH);
        reach.has_proc() || *self.takes_empty_link.get_or_init(|| tried() != Err(Errno::NOENT))
    }

    /// Links the file to the name.
    pub(super) fn link(&self, reach: &Reach, file: &OwnedFd, dir: &OwnedFd, name: &Path) -> Result<()> {
        if !self.lacks_empty_link.load(Ordering::Relaxed) {
            match rustix::fs::linkat(file, "", dir, name, AtFlags::EMPTY_PATH) {
                Err(Errno::NOENT) => self.lacks_empty_link.store(true, Ordering::Relaxed),
                answer => return answer,
            }
        }
        if reach.has_proc() {
            return rustix::fs::linkat(CWD, by_proc(file), dir, name, AtFlags::SYMLINK_FOLLOW);
        }
        reach.by_name(file, Purpose::Link, |from, old| {
            rustix::fs::linkat(from, old, dir, name, AtFlags::empty())?;
            let linked = rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| stat_of(&stat));
            if linked.is_ok_and(|linked| rustix::fs::fstat(file).is_ok_and(|stat| stat_of(&stat).is_same_file(&linked)))
            {
                return Ok(());
            }
            // Another file had the name for a moment, and has a further one now.
            rustix::fs::unlinkat(dir, name, AtFlags::empty())?;
            Err(Errno::STALE)
        })
    }
}
