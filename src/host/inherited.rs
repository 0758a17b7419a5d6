//! What a process has from whoever started it: user, mask, limits, working directory.

use crate::error::{Error, reason_of};
use crate::kernel::process;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::{CapabilitySet, capabilities};
use std::path::PathBuf;

/// The directory that relative names begin in. Fails where that was removed.
pub fn working_directory() -> Result<PathBuf, Error> {
    let failed = |error| Error::Refused(format!("cannot get current directory: {}", reason_of(&error)));
    std::env::current_dir().map_err(failed)
}

/// The bits that new files do not get. From now on the kernel takes only those from them that are not the owner's:
/// these are needed to make a file, and taken in the end.
#[must_use]
pub fn umask() -> u32 {
    // The call that tells also sets; no other thread makes files yet.
    let umask = rustix::process::umask(Mode::empty());
    if umask.bits() > UMASK_MAX {
        return umask_by_proc();
    }
    rustix::process::umask(umask & !Mode::RWXU);
    umask.bits()
}

/// The highest mask. rustix takes umask(2) for a call that cannot fail: behind a filter that refuses it, what comes is the error's
/// number and not a mask.
const UMASK_MAX: u32 = 0o777;

/// What the kernel masks where it tells only in /proc (Linux 4.7), and nobody can change it. Where that is not to be had either,
/// nobody but the owner gets a right.
fn umask_by_proc() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let told = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    told.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o077)
}

/// The effective user.
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The effective group.
#[must_use]
pub fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

/// Whether the kernel leaves a file that this process writes to its set-user-ID and set-group-ID bits (file_remove_privs in
/// fs/inode.c). What cannot be told is not so.
#[must_use]
pub fn keeps_set_ids() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::FSETID))
}

/// Gives what is made all the bits that are asked for.
pub fn forget_umask() {
    rustix::process::umask(Mode::empty());
}

/// _POSIX_OPEN_MAX of limits.h.
const POSIX_OPEN_MAX: u64 = 20;

/// Raises the soft limit of open files to the hard one, and returns what it is then. Where the kernel does not tell, that is the
/// number that every system allows.
#[must_use]
pub fn allow_many_files() -> u64 {
    let Ok((soft, hard)) = process::files_limit() else { return POSIX_OPEN_MAX };
    let raised = Rlimit { current: Some(hard), maximum: Some(hard) };
    // If it cannot be raised, the run keeps to the one that it has.
    if setrlimit(Resource::Nofile, raised).is_ok() { hard } else { soft }
}
