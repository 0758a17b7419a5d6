//! Copies by one call alone, which believe whatever it answers: what the trial tries a filesystem with.
//!
//! Each runs in a process of its own. They are wrong on purpose wherever the kernel is: nothing is read back,
//! and no call makes up for another.

use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags, Result, Seek};
use crate::known::programs::Ask;
use rustix::fd::OwnedFd;
use std::ops::Range;
use std::path::Path;

/// The exit status that says that the kernel refused the call: nothing was copied.
pub(super) const REFUSED: u8 = 3;

const FAILED: u8 = 1;

/// Bytes moved at once.
const BUFFER: usize = 128 << 10;

/// The call's name on the command line.
#[must_use]
pub fn word(call: Ask) -> &'static str {
    match call {
        Ask::SeekData => "holes",
        Ask::Ficlone => "ficlone",
        Ask::CopyFileRange => "copy_file_range",
    }
}

/// Copies one file by the call; the exit status tells how that went.
#[must_use]
pub fn copy(call: Ask, source: &Path, target: &Path) -> u8 {
    match try_copy(call, &Retrying(Linux::new()), source, target) {
        Ok(()) => 0,
        Err(errno) if is_refusal(errno) => REFUSED,
        Err(_) => FAILED,
    }
}

fn try_copy(call: Ask, kernel: &Retrying<Linux>, source: &Path, target: &Path) -> Result<()> {
    let open = |path, flags| kernel.open(None, path, flags, Mode::RUSR | Mode::WUSR, ResolveFlags::empty());
    let source = open(source, OFlags::RDONLY)?;
    let target = open(target, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL)?;
    let size = kernel.stat(&source)?.size;
    match call {
        Ask::SeekData => data_only(kernel, &source, &target, size)?,
        Ask::Ficlone => kernel.ficlone(&target, &source)?,
        Ask::CopyFileRange => by_kernel(kernel, &source, &target, size)?,
    }
    kernel.close(target)
}

/// What a filesystem says that cannot, cannot here, or cannot now.
fn is_refusal(errno: Errno) -> bool {
    [Errno::OPNOTSUPP, Errno::NOTTY, Errno::NOSYS, Errno::XDEV, Errno::INVAL, Errno::AGAIN, Errno::PERM]
        .contains(&errno)
}

fn data_only(kernel: &Retrying<Linux>, source: &OwnedFd, target: &OwnedFd, size: u64) -> Result<()> {
    kernel.truncate(target, size)?;
    let mut at = 0;
    while let Some(start) = kernel.seek(source, Seek::Data, at)? {
        let end = kernel.seek(source, Seek::Hole, start)?.unwrap_or(size).min(size);
        if end <= start {
            return Ok(());
        }
        plainly(kernel, source, target, start..end)?;
        at = end;
    }
    Ok(())
}

fn plainly(kernel: &Retrying<Linux>, source: &OwnedFd, target: &OwnedFd, range: Range<u64>) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    let mut at = range.start;
    while at < range.end {
        let length = BUFFER.min(usize::try_from(range.end - at).unwrap_or(BUFFER));
        let read = kernel.pread(source, &mut buffer[..length], at)?;
        let mut rest = &buffer[..read];
        if rest.is_empty() {
            return Ok(());
        }
        while !rest.is_empty() {
            let written = kernel.pwrite(target, rest, at)?;
            if written == 0 {
                return Err(Errno::NOSPC);
            }
            rest = &rest[written..];
            at += written as u64;
        }
    }
    Ok(())
}

fn by_kernel(kernel: &Retrying<Linux>, source: &OwnedFd, target: &OwnedFd, size: u64) -> Result<()> {
    let mut at = 0;
    while at < size {
        match kernel.copy_file_range(source, target, at..size)? {
            0 => return Ok(()),
            count => at += count,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn where_the_kernel_is_right_so_are_they() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let mut bytes = vec![0; 1 << 20];
        bytes[300_000..500_000].fill(7);
        fs::write(path("source"), &bytes).expect("a file");
        for call in Ask::ALL {
            let target = path(word(call));
            match copy(call, &path("source"), &target) {
                0 => assert!(fs::read(&target).expect("a copy") == bytes, "{call:?}"),
                status => assert_eq!((status, call), (REFUSED, Ask::Ficlone)),
            }
            assert_eq!(copy(call, &path("source"), &target), FAILED, "the target is there already");
        }
    }
}
