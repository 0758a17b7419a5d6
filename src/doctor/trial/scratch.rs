//! The directory that a trial has for itself, and that is gone afterwards.
//!
//! Nobody else may look into it. Its name begins as that of every temporary of safecp does, so that one that a
//! kill leaves behind is known for what it is.

use crate::copy::stale_temporary::TEMPORARY_PREFIX;
use crate::kernel::Kernel as _;
use crate::kernel::linux::Linux;
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;
use std::fs::remove_dir_all;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// How many names are tried.
const ATTEMPTS: usize = 16;

/// How often removal is begun again where a program that is being ended still makes files.
const REMOVALS: usize = 20;

/// The directory, which is removed with all that is in it, at the latest when this value is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    path: PathBuf,
    handle: OwnedFd,
}

impl Scratch {
    /// Makes it in `parent`, by a name that nobody can foresee.
    pub(super) fn make(parent: &Path) -> std::io::Result<Self> {
        // The copiers are started elsewhere than the names are made: they have to be whole.
        let parent = std::fs::canonicalize(parent)?;
        for _ in 0..ATTEMPTS {
            let path = parent.join(format!("{TEMPORARY_PREFIX}doctor-{:016x}", Linux::new().random()));
            match mkdirat(CWD, &path, Mode::RWXU) {
                Ok(()) => return Self::open(path),
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Err(Errno::EXIST.into())
    }

    fn open(path: PathBuf) -> std::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(CWD, &path, flags, Mode::empty()) {
            Ok(handle) => Ok(Self { path, handle }),
            Err(errno) => {
                // The reason that it cannot be opened is the better one.
                std::fs::remove_dir(&path).unwrap_or(());
                Err(errno.into())
            }
        }
    }

    /// Its whole name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory itself.
    pub(super) fn handle(&self) -> &OwnedFd {
        &self.handle
    }

    /// Removes it. A program that was killed a moment ago may still be making a file there.
    pub(super) fn remove(&self) -> std::io::Result<()> {
        for _ in 1..REMOVALS {
            match remove_dir_all(&self.path) {
                Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
                    std::thread::sleep(super::super::clock::GLANCE);
                }
                answer => return answer,
            }
        }
        remove_dir_all(&self.path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // After remove() there is nothing; else the error that leads here is the one that is told.
        remove_dir_all(&self.path).unwrap_or(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn it_is_closed_to_others_and_leaves_nothing() {
        let parent = tempfile::tempdir().expect("a directory");
        let scratch = Scratch::make(parent.path()).expect("a directory");
        let mode = std::fs::metadata(scratch.path()).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0);
        std::fs::write(scratch.path().join("file"), "x").expect("a file");
        scratch.remove().expect("removed");
        drop(Scratch::make(parent.path()).expect("another"));
        assert_eq!(std::fs::read_dir(parent.path()).expect("a directory").count(), 0);
    }
}
