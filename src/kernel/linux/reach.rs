//! How a call that takes no O_PATH handle reaches that handle's file: by /proc, else by the file's name.
//!
//! fchmod and the calls for extended attributes refuse O_PATH handles, and so does getxattrat with an empty path
//! (Linux 6.13). /proc/self/fd is the way to the very file. A chroot often has no /proc: there the directory and
//! the name of each such handle are remembered, and the call goes to that name, if the file still has it and
//! nobody could gain by putting another there meanwhile. Answers, never guesses: what cannot be reached is ENOSYS.
#![allow(unsafe_code)]

use crate::kernel::errno::last_errno;
use crate::kernel::{At, Result};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

// Since Linux 5.1 new calls have the same number on every architecture but alpha.
const FCHMODAT2: libc::c_long = 452;
const SETXATTRAT: libc::c_long = 463;
const GETXATTRAT: libc::c_long = 464;
const LISTXATTRAT: libc::c_long = 465;
const REMOVEXATTRAT: libc::c_long = 466;

/// What statfs(2) calls procfs.
const PROC: u32 = 0x9fa0;

/// The name under /proc of an open file.
pub(super) fn by_proc(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

/// What a call is about to do to the file that it reaches by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It looks.
    Ask,
    /// It changes something.
    Change,
    /// It gives the file a further name, and looks afterwards at what has got it.
    Link,
}

/// What is known of the ways to files behind O_PATH handles; see the head of this file.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// /proc is there, and is what it should be.
    proc: OnceLock<bool>,
    /// Where O_PATH handles were found, where there is no /proc. A handle that is gone leaves its entry to the next
    /// of its number; what an entry says is compared with the file before it is used.
    ways: Mutex<BTreeMap<RawFd, PathFrom>>,
}

/// A directory's handle, `None` for the working directory, and a path from there.
type PathFrom = (Option<RawFd>, PathBuf);

impl Reach {
    /// Whether open files have a name under /proc.
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "magic numbers have 32 bits")]
    pub(super) fn has_proc(&self) -> bool {
        *self.proc.get_or_init(|| match rustix::fs::statfs("/proc/self/fd") {
            Ok(statfs) => statfs.f_type as u32 == PROC,
            Err(errno) => !matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::LOOP),
        })
    }

    /// Remembers where an O_PATH handle was found, if that may be needed.
    pub(super) fn opened(&self, file: &OwnedFd, dir: At<'_, OwnedFd>, path: &Path) {
        if !self.has_proc() {
            let way = (dir.map(AsRawFd::as_raw_fd), path.to_owned());
            self.ways.lock().unwrap_or_else(PoisonError::into_inner).insert(file.as_raw_fd(), way);
        }
    }

    /// Passes on what a call on a handle answered; where it takes no such handle, or is not to be had, calls by the
    /// name under /proc, else by a directory's handle and a name in it, whose last component is not to be followed.
    /// The filters of containers know some of these calls and answer ENOSYS or EPERM to the others.
    pub(super) fn else_by_path<T>(
        &self,
        file: &OwnedFd,
        purpose: Purpose,
        answer: Result<T>,
        by_path: impl FnOnce(&Path) -> Result<T>,
        by_name: impl Fn(BorrowedFd<'_>, &Path) -> Result<T>,
    ) -> Result<T> {
        let mut refusal = match answer {
            Err(Errno::BADF | Errno::NOSYS) => Errno::NOSYS,
            Err(Errno::PERM) => Errno::PERM,
            answer => return answer,
        };
        if self.has_proc() {
            match by_path(&by_proc(file)) {
                Err(Errno::NOENT | Errno::NOSYS) => {}
                Err(Errno::PERM) => refusal = Errno::PERM,
                answer => return answer,
            }
        }
        match self.by_name(file, purpose, by_name) {
            Err(Errno::NOSYS) => Err(refusal),
            answer => answer,
        }
    }

    /// Calls by the name that an O_PATH handle was found by: ENOSYS where it is not known, or where somebody else
    /// could gain by putting another file there, ESTALE where another file is there.
    pub(super) fn by_name<T>(
        &self,
        file: &OwnedFd,
        purpose: Purpose,
        call: impl Fn(BorrowedFd<'_>, &Path) -> Result<T>,
    ) -> Result<T> {
        let stat = rustix::fs::fstat(file)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            // Its own "." is it, for who may search it.
            match call(file.as_fd(), Path::new(".")) {
                Err(Errno::ACCESS) => {}
                answer => return answer,
            }
        }
        let way = self.ways.lock().unwrap_or_else(PoisonError::into_inner).get(&file.as_raw_fd()).cloned();
        let (dir, path) = way.ok_or(Errno::NOSYS)?;
        let name = path.file_name().map(Path::new).ok_or(Errno::NOSYS)?;
        let above = path.parent().filter(|above| *above != Path::new("")).unwrap_or(Path::new("."));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(dir.map_or(CWD, as_borrowed), above, flags, Mode::empty())?;
        if !is_safe(&rustix::fs::fstat(&dir)?, &stat, purpose) {
            return Err(Errno::NOSYS);
        }
        let is_there = || {
            let found = rustix::fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if (found.st_dev, found.st_ino) == (stat.st_dev, stat.st_ino) { Ok(()) } else { Err(Errno::STALE) }
        };
        is_there()?;
        let answer = call(dir.as_fd(), name)?;
        is_there().map(|()| answer)
    }
}

/// A handle by its number. What it stands for is compared before and after it is used.
fn as_borrowed<'a>(number: RawFd) -> BorrowedFd<'a> {
    // SAFETY: callers use the number of a handle that their own caller holds; if that were closed, the call would
    // fail or meet another file, which is found out.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Whether those who can put another file in the place of this one in its directory gain nothing by it. They are
/// its owner, and whoever else may write there and is not kept from it by the sticky bit. Root and this user are
/// trusted. What is asked of a file is told to others as the file's own, so that its owner may be one of them; a
/// change would be made to a file that he may not change. A symbolic link has no rights that could be asked for.
fn is_safe(dir: &Stat, file: &Stat, purpose: Purpose) -> bool {
    let is_ours = |stat: &Stat| stat.st_uid == 0 || stat.st_uid == rustix::process::geteuid().as_raw();
    let is_trusted = is_ours(dir) || purpose == Purpose::Ask && dir.st_uid == file.st_uid;
    let is_sticky = dir.st_mode & 0o1000 != 0 && (is_ours(file) || purpose == Purpose::Ask);
    let is_link = FileType::from_raw_mode(file.st_mode) == FileType::Symlink;
    purpose == Purpose::Link
        || is_link && purpose == Purpose::Ask
        || is_trusted && (dir.st_mode & 0o022 == 0 || is_sticky)
}

/// Runs a call in a thread of its own, whose working directory is `dir`: for calls that take a path and no directory.
fn within<T: Send>(dir: BorrowedFd<'_>, call: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let work = || {
        // SAFETY: unshare only gives this thread, which ends soon, a working directory of its own.
        if unsafe { libc::unshare(libc::CLONE_FS) } != 0 {
            return Err(Errno::NOSYS);
        }
        rustix::process::fchdir(dir)?;
        call()
    };
    std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, work) {
        Ok(thread) => thread.join().unwrap_or(Err(Errno::NOSYS)),
        Err(_) => Err(Errno::NOSYS),
    })
}

/// Calls by a directory and a name, as Linux 6.13 can, else from within the directory. A filter may answer EPERM for a
/// call that it does not know.
fn by_either<T: Send>(
    dir: BorrowedFd<'_>,
    at: impl FnOnce() -> Result<T>,
    inside: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    match at() {
        Err(Errno::NOSYS | Errno::PERM) => within(dir, inside),
        answer => answer,
    }
}

fn c_string(bytes: &OsStr) -> Result<CString> {
    CString::new(bytes.as_bytes()).map_err(|_| Errno::INVAL)
}

/// What a C call returned: a count, or -1 for errno.
fn count(returned: libc::c_long) -> Result<usize> {
    usize::try_from(returned).map_err(|_| last_errno())
}

/// The kernel's struct xattr_args: where the value is, its size, and flags.
#[repr(C, align(8))]
struct Value {
    address: u64,
    size: u32,
    flags: u32,
}

/// fchmodat2(2) of the handle itself, since Linux 6.6.
pub(super) fn chmod(file: &OwnedFd, mode: Mode) -> Result<()> {
    let empty = c"".as_ptr();
    // SAFETY: the handle is open while it is borrowed, and the path is a C string.
    let returned =
        unsafe { libc::syscall(FCHMODAT2, file.as_raw_fd(), empty, mode.as_raw_mode() & 0o7777, libc::AT_EMPTY_PATH) };
    count(returned).map(drop)
}

/// listxattrat(2), or llistxattr(2) inside the directory.
pub(super) fn list(dir: BorrowedFd<'_>, name: &Path, buffer: &mut [u8]) -> Result<usize> {
    let path = c_string(name.as_os_str())?;
    let (address, size) = (buffer.as_mut_ptr(), buffer.len());
    let at = || {
        // SAFETY: path is a C string, and the buffer is as long as it says.
        let returned = unsafe {
            libc::syscall(LISTXATTRAT, dir.as_raw_fd(), path.as_ptr(), libc::AT_SYMLINK_NOFOLLOW, address, size)
        };
        count(returned)
    };
    by_either(dir, at, || rustix::fs::llistxattr(name, buffer))
}

/// getxattrat(2), or lgetxattr(2) inside the directory.
pub(super) fn get(dir: BorrowedFd<'_>, name: &Path, attribute: &OsStr, buffer: &mut [u8]) -> Result<usize> {
    let (path, key) = (c_string(name.as_os_str())?, c_string(attribute)?);
    let size = u32::try_from(buffer.len()).map_err(|_| Errno::INVAL)?;
    let value = Value { address: buffer.as_mut_ptr() as u64, size, flags: 0 };
    let at = || {
        // SAFETY: path and key are C strings, and the value's buffer is as long as it says.
        let returned = unsafe {
            let flags = libc::AT_SYMLINK_NOFOLLOW;
            libc::syscall(GETXATTRAT, dir.as_raw_fd(), path.as_ptr(), flags, key.as_ptr(), &raw const value, VALUE_SIZE)
        };
        count(returned)
    };
    by_either(dir, at, || rustix::fs::lgetxattr(name, attribute, buffer))
}

/// setxattrat(2), or lsetxattr(2) inside the directory.
pub(super) fn set(dir: BorrowedFd<'_>, name: &Path, attribute: &OsStr, bytes: &[u8]) -> Result<()> {
    let (path, key) = (c_string(name.as_os_str())?, c_string(attribute)?);
    let size = u32::try_from(bytes.len()).map_err(|_| Errno::TOOBIG)?;
    let value = Value { address: bytes.as_ptr() as u64, size, flags: 0 };
    let at = || {
        // SAFETY: path and key are C strings, and the value is as long as it says.
        let returned = unsafe {
            let flags = libc::AT_SYMLINK_NOFOLLOW;
            libc::syscall(SETXATTRAT, dir.as_raw_fd(), path.as_ptr(), flags, key.as_ptr(), &raw const value, VALUE_SIZE)
        };
        count(returned).map(drop)
    };
    by_either(dir, at, || rustix::fs::lsetxattr(name, attribute, bytes, rustix::fs::XattrFlags::empty()))
}

/// removexattrat(2), or lremovexattr(2) inside the directory.
pub(super) fn remove(dir: BorrowedFd<'_>, name: &Path, attribute: &OsStr) -> Result<()> {
    let (path, key) = (c_string(name.as_os_str())?, c_string(attribute)?);
    let at = || {
        // SAFETY: path and key are C strings.
        let returned = unsafe {
            libc::syscall(REMOVEXATTRAT, dir.as_raw_fd(), path.as_ptr(), libc::AT_SYMLINK_NOFOLLOW, key.as_ptr())
        };
        count(returned).map(drop)
    };
    by_either(dir, at, || rustix::fs::lremovexattr(name, attribute))
}

/// The size by which the kernel tells which struct xattr_args it was given.
const VALUE_SIZE: usize = size_of::<Value>();
