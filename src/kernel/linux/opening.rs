//! How a name is opened: beneath its directory, where that is asked for.
//!
//! openat2 does it. Where that cannot be had, the names are walked one by one (beneath.rs), so that the rest of the code sees
//! one call.

use super::beneath::Walk;
use crate::kernel::{At, Result};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is known of the ways to open.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// openat2 answered ENOSYS or E2BIG once: do not ask again.
    lacks_openat2: AtomicBool,
}

/// The directory's handle.
pub(super) fn at<'a>(dir: At<'a, OwnedFd>) -> BorrowedFd<'a> {
    dir.map_or(CWD, AsFd::as_fd)
}

impl Opening {
    /// Opens a name.
    pub(super) fn open(
        &self,
        dir: At<'_, OwnedFd>,
        path: &Path,
        flags: OFlags,
        mode: Mode,
        resolve: ResolveFlags,
    ) -> Result<OwnedFd> {
        if resolve.is_empty() {
            return rustix::fs::openat(at(dir), path, flags, mode);
        }
        if !self.lacks_openat2.load(Ordering::Relaxed) {
            match rustix::fs::openat2(at(dir), path, flags, mode, resolve) {
                Err(Errno::NOSYS | Errno::TOOBIG) => self.lacks_openat2.store(true, Ordering::Relaxed),
                // EPERM and EINVAL may be a filter's answer or the file's own (an immutable one opened for writing),
                // which the walk below then gives again. EAGAIN comes of `..` while anything at all is renamed or
                // mounted on the machine (handle_dots in fs/namei.c). A path that is too long has names that are not.
                // EXDEV says that the path leads out; the walk finds out whether it does.
                Err(Errno::PERM | Errno::INVAL | Errno::AGAIN | Errno::NAMETOOLONG | Errno::XDEV) => {}
                answer => return answer,
            }
        }
        Walk::new(at(dir), path, resolve)?.open(flags, mode)
    }
}
