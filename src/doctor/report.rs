//! Where the report goes: a file that is made, or replaced whole by a rename; an output that was named on purpose.
//!
//! Root may write it into a directory of everybody, where somebody else may have put a link or a fifo by that name: a link
//! of somebody else is not followed, and nobody is waited for who does not read.

use crate::copy::stale_temporary::TEMPORARY_PREFIX;
use crate::kernel::Kernel as _;
use crate::kernel::linux::Linux;
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fchmod, fcntl_setfl, fstat, fstatfs, openat,
    readlinkat, renameat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, Result, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// As many links as the kernel follows.
const LINKS_MAX: usize = 40;

/// Writes the text to what is named so.
pub(super) fn write(file: &Path, text: &[u8]) -> Result<()> {
    let mut file = file.to_owned();
    for _ in 0..LINKS_MAX {
        match openat(CWD, &file, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT) => return replace(&file, None, text),
            Err(errno) => return Err(errno.into()),
            Ok(found) => match next(&file, &found)? {
                Some(led_to) => file = led_to,
                None => return to(&file, &fstat(&found)?, text),
            },
        }
    }
    Err(Errno::LOOP.into())
}

/// Where a link leads; nothing of what is none. The kernel's own links, such as /dev/stdout's, are no names.
fn next(file: &Path, found: &OwnedFd) -> Result<Option<PathBuf>> {
    let stat = fstat(found)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Ok(None);
    }
    if ![0, rustix::process::geteuid().as_raw()].contains(&stat.st_uid) {
        return Err(Error::other("it is a symbolic link of another user"));
    }
    if fstatfs(found)?.f_type == PROC_SUPER_MAGIC {
        return Ok(None);
    }
    let text = PathBuf::from(OsString::from_vec(readlinkat(found, "", Vec::new())?.into_bytes()));
    Ok(Some(file.parent().unwrap_or(Path::new("")).join(text)))
}

/// Writes to what is there.
fn to(file: &Path, found: &Stat, text: &[u8]) -> Result<()> {
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => match replace(file, Some(found), text) {
            // In a directory that may not be written a file is written where it is.
            Err(error) if is_forbidden(&error) => put(file, Some(found), OFlags::TRUNC, text),
            replaced => replaced,
        },
        FileType::Fifo | FileType::CharacterDevice => put(file, Some(found), OFlags::empty(), text),
        FileType::Symlink => put(file, None, OFlags::empty(), text),
        FileType::Directory => Err(Errno::ISDIR.into()),
        FileType::BlockDevice | FileType::Socket | FileType::Unknown => Err(Errno::INVAL.into()),
    }
}

fn is_forbidden(error: &Error) -> bool {
    [Errno::ACCESS, Errno::PERM, Errno::ROFS].into_iter().any(|errno| Errno::from_io_error(error) == Some(errno))
}

/// Opens what was found and writes to it; `None` is a link of the kernel's. A fifo that nobody reads is an error.
fn put(file: &Path, found: Option<&Stat>, flags: OFlags, text: &[u8]) -> Result<()> {
    let links = if found.is_some() { OFlags::NOFOLLOW } else { OFlags::empty() };
    let flags = flags | links | OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = openat(CWD, file, flags, Mode::empty())?;
    let stat = fstat(&opened)?;
    if found.is_some_and(|found| (found.st_dev, found.st_ino) != (stat.st_dev, stat.st_ino)) {
        return Err(Errno::AGAIN.into());
    }
    fcntl_setfl(&opened, OFlags::empty())?;
    File::from(opened).write_all(text)
}

/// Writes a new file beside it, which takes its name.
fn replace(file: &Path, found: Option<&Stat>, text: &[u8]) -> Result<()> {
    let beside = file.with_file_name(format!("{TEMPORARY_PREFIX}report-{:016x}", Linux::new().random()));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let made = openat(CWD, &beside, flags, Mode::from_raw_mode(0o666))?;
    let mode = found.map(|found| Mode::from_raw_mode(found.st_mode & 0o777));
    let written = mode.map_or(Ok(()), |mode| fchmod(&made, mode)).map_err(Error::from);
    let written = written.and_then(|()| File::from(made).write_all(text));
    let named = written.and_then(|()| Ok(renameat(CWD, &beside, CWD, file)?));
    if named.is_err() {
        // The reason that it is not needed is the better one.
        unlinkat(CWD, &beside, AtFlags::empty()).unwrap_or(());
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn a_file_is_made_and_replaced_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        write(&at("r"), b"one").expect("written");
        fs::hard_link(at("r"), at("old")).expect("a link");
        symlink("r", at("link")).expect("a link");
        write(&at("link"), b"two").expect("written");
        assert_eq!(
            (fs::read(at("r")).expect("new"), fs::read(at("old")).expect("old")),
            (b"two".to_vec(), b"one".to_vec())
        );
        assert!(fs::symlink_metadata(at("link")).expect("there").is_symlink());
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 3);
    }

    #[test]
    fn outputs_that_are_named_on_purpose_are_written_to() {
        let before = fs::symlink_metadata("/dev/null").expect("there").ino();
        write(Path::new("/dev/null"), b"text").expect("written");
        assert_eq!(fs::symlink_metadata("/dev/null").expect("there").ino(), before);
        assert!(write(Path::new("/"), b"text").is_err());
    }
}
