//! Extended attributes of a handle, possibly an O_PATH one, which the calls do not take.

use super::reach::{self, Purpose, Reach};
use crate::kernel::Result;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes asked for at first of an extended attribute or a list of their names: most are shorter.
const XATTR_FIRST: usize = 256;

/// The kernel gives no longer value and no longer list (XATTR_SIZE_MAX and XATTR_LIST_MAX).
const XATTR_MAX: usize = 64 << 10;

/// Reads a value whose length is not known beforehand: at first what most fit in, then what all fit in.
fn sized(mut call: impl FnMut(&mut [u8]) -> Result<usize>) -> Result<Vec<u8>> {
    let mut buffer = vec![0; XATTR_FIRST];
    let mut answer = call(&mut buffer);
    if answer == Err(Errno::RANGE) {
        buffer.resize(XATTR_MAX, 0);
        answer = call(&mut buffer);
    }
    buffer.truncate(answer?);
    Ok(buffer)
}

pub(super) fn list(reach: &Reach, file: &OwnedFd) -> Result<Vec<OsString>> {
    let answer = sized(|buffer| rustix::fs::flistxattr(file, buffer));
    let by_path = |path: &Path| sized(|buffer| rustix::fs::listxattr(path, buffer));
    let by_name = |dir: BorrowedFd<'_>, name: &Path| sized(|buffer| reach::list(dir, name, buffer));
    let list = reach.else_by_path(file, Purpose::Ask, answer, by_path, by_name)?;
    let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    Ok(names.map(|name| OsStr::from_bytes(name).to_owned()).collect())
}

pub(super) fn get(reach: &Reach, file: &OwnedFd, name: &OsStr) -> Result<Vec<u8>> {
    let answer = sized(|buffer| rustix::fs::fgetxattr(file, name, buffer));
    let by_path = |path: &Path| sized(|buffer| rustix::fs::getxattr(path, name, buffer));
    let by_name = |dir: BorrowedFd<'_>, at: &Path| sized(|buffer| reach::get(dir, at, name, buffer));
    reach.else_by_path(file, Purpose::Ask, answer, by_path, by_name)
}

pub(super) fn set(reach: &Reach, file: &OwnedFd, name: &OsStr, value: &[u8]) -> Result<()> {
    let flags = XattrFlags::empty();
    let answer = rustix::fs::fsetxattr(file, name, value, flags);
    let by_path = |path: &Path| rustix::fs::setxattr(path, name, value, flags);
    reach.else_by_path(file, Purpose::Change, answer, by_path, |dir, at| reach::set(dir, at, name, value))
}

pub(super) fn remove(reach: &Reach, file: &OwnedFd, name: &OsStr) -> Result<()> {
    let answer = rustix::fs::fremovexattr(file, name);
    let by_path = |path: &Path| rustix::fs::removexattr(path, name);
    reach.else_by_path(file, Purpose::Change, answer, by_path, |dir, at| reach::remove(dir, at, name))
}
