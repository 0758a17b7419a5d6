//! A file that is written for whoever asked for it, such as a report: made beside its name and given it when it is whole, or
//! an output that was named on purpose.
//!
//! Root may write it into a directory of everybody, where somebody else may have put a link or a fifo by that name: a link
//! of somebody else is not followed, and nobody is waited for who does not read. A file that is there stays as it is until the
//! new one takes its name. A process that is killed leaves what it has written under a name that begins with
//! `.safecp-report-`.

use crate::copy::stale_temporary::TEMPORARY_PREFIX;
use crate::kernel::Kernel as _;
use crate::kernel::linux::Linux;
use crate::path::directory_of;
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fchmod, fcntl_setfl, fstat, fstatfs, openat,
    readlinkat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, Result, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// As many links as the kernel follows.
const LINKS_MAX: usize = 40;

/// What becomes of a fifo that nobody reads yet, if it is root's or this user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// A reader is waited for.
    Waits,
    /// It is an error.
    Fails,
}

/// A file on its way.
#[derive(Debug)]
pub struct Document {
    file: File,
    /// Where it stands until it is whole; `None` of an output, which has its name already.
    beside: Option<Beside>,
}

/// A file that has not got its name yet.
#[derive(Debug)]
struct Beside {
    directory: OwnedFd,
    temporary: PathBuf,
    name: OsString,
    /// What had the name then, if anything had.
    found: Option<Mark>,
    /// The temporary's path, as the user would write it.
    shown: PathBuf,
}

/// What tells a file from another that has its name, and from itself once it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    file: (u64, u64),
    changed: (i64, u64),
}

/// Writes a text to what is named so, and waits for no reader.
pub fn write(file: &Path, text: &[u8]) -> Result<()> {
    let mut document = Document::open(file, Unread::Fails)?;
    document.write_all(text)?;
    document.finish()
}

impl Document {
    /// Opens what is named so.
    pub fn open(file: &Path, unread: Unread) -> Result<Self> {
        let mut file = file.to_owned();
        for _ in 0..LINKS_MAX {
            match openat(CWD, &file, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
                Err(Errno::NOENT) => return Self::beside(&file, None),
                Err(errno) => return Err(errno.into()),
                Ok(found) => match next(&file, &found)? {
                    Some(led_to) => file = led_to,
                    None => return Self::of(&file, &fstat(&found)?, unread),
                },
            }
        }
        Err(Errno::LOOP.into())
    }

    /// One for what is there.
    fn of(file: &Path, found: &Stat, unread: Unread) -> Result<Self> {
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile => match Self::beside(file, Some(found)) {
                // In a directory that may not be written a file is written where it is.
                Err(error) if is_forbidden(&error) => Self::output(file, Some(found), OFlags::TRUNC | OFlags::NONBLOCK),
                made => made,
            },
            FileType::Fifo if unread == Unread::Waits && is_trusted(found) => {
                Self::output(file, Some(found), OFlags::empty())
            }
            FileType::Fifo | FileType::CharacterDevice => Self::output(file, Some(found), OFlags::NONBLOCK),
            // A link of the kernel's: what it leads to may be written to by others as well.
            FileType::Symlink => Self::output(file, None, OFlags::APPEND | OFlags::NONBLOCK),
            FileType::Directory => Err(Errno::ISDIR.into()),
            FileType::BlockDevice | FileType::Socket | FileType::Unknown => Err(Errno::INVAL.into()),
        }
    }

    /// Opens what was found; `None` is a link of the kernel's.
    fn output(file: &Path, found: Option<&Stat>, flags: OFlags) -> Result<Self> {
        let links = if found.is_some() { OFlags::NOFOLLOW } else { OFlags::empty() };
        let opened =
            openat(CWD, file, flags | links | OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let stat = fstat(&opened)?;
        if found.is_some_and(|found| (found.st_dev, found.st_ino) != (stat.st_dev, stat.st_ino)) {
            return Err(Errno::AGAIN.into());
        }
        fcntl_setfl(&opened, flags & OFlags::APPEND)?;
        Ok(Self { file: File::from(opened), beside: None })
    }

    /// Makes a file beside the one of that name, with its mode.
    fn beside(file: &Path, found: Option<&Stat>) -> Result<Self> {
        let is_directory = file.as_os_str().as_bytes().ends_with(b"/");
        let name = file.file_name().filter(|_| !is_directory).ok_or(Errno::ISDIR)?.to_owned();
        let above = directory_of(file);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, above, flags, Mode::empty())?;
        let temporary = PathBuf::from(format!("{TEMPORARY_PREFIX}report-{:016x}", Linux::new().random()));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(&directory, &temporary, flags, Mode::from_raw_mode(0o666)).inspect_err(|errno| {
            if *errno != Errno::EXIST {
                // Landlock and SELinux judge an open file when it has its name already.
                unlinkat(&directory, &temporary, AtFlags::empty()).unwrap_or(());
            }
        })?;
        let shown = file.with_file_name(&temporary);
        let found_mark = found.map(Mark::of);
        let beside = Beside { directory, temporary, name, found: found_mark, shown };
        let document = Self { file: File::from(made), beside: Some(beside) };
        if let Some(found) = found {
            fchmod(&document.file, Mode::from_raw_mode(found.st_mode & 0o777))?;
        }
        Ok(document)
    }

    /// Gives it its name. On success a reader finds all of it.
    pub fn finish(mut self) -> Result<()> {
        let Some(beside) = &self.beside else { return Ok(()) };
        renameat(&beside.directory, &beside.temporary, &beside.directory, &beside.name)?;
        self.beside = None;
        Ok(())
    }

    /// Whether something has got its name, or has been written to that, since it was opened: that would be lost.
    pub fn is_taken(&self) -> Result<bool> {
        let Some(beside) = &self.beside else { return Ok(false) };
        match statat(&beside.directory, &beside.name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(false),
            found => Ok(Some(Mark::of(&found?)) != beside.found),
        }
    }

    /// The name that it has until it is whole, if that is not its own.
    #[must_use]
    pub fn name_until_then(&self) -> Option<&Path> {
        self.beside.as_ref().map(|beside| &*beside.temporary)
    }

    /// Leaves what was written of it where it is, and tells where, if that is not its name.
    pub fn leave(mut self) -> Option<PathBuf> {
        self.beside.take().map(|beside| beside.shown)
    }
}

impl Write for Document {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

impl Mark {
    fn of(stat: &Stat) -> Self {
        Self { file: (stat.st_dev, stat.st_ino), changed: (stat.st_ctime, stat.st_ctime_nsec) }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // The reason that it is not needed is the better one.
            unlinkat(&beside.directory, &beside.temporary, AtFlags::empty()).unwrap_or(());
        }
    }
}

/// Where a link leads; nothing of what is none. The kernel's own links, such as /dev/stdout's, are no names.
fn next(file: &Path, found: &OwnedFd) -> Result<Option<PathBuf>> {
    let stat = fstat(found)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Ok(None);
    }
    if !is_trusted(&stat) {
        return Err(Error::other("it is a symbolic link of another user"));
    }
    if fstatfs(found)?.f_type == PROC_SUPER_MAGIC {
        return Ok(None);
    }
    let text = PathBuf::from(OsString::from_vec(readlinkat(found, "", Vec::new())?.into_bytes()));
    Ok(Some(file.parent().unwrap_or(Path::new("")).join(text)))
}

/// Whether root or this user has put it there.
fn is_trusted(found: &Stat) -> bool {
    [0, rustix::process::geteuid().as_raw()].contains(&found.st_uid)
}

fn is_forbidden(error: &Error) -> bool {
    [Errno::ACCESS, Errno::PERM, Errno::ROFS].into_iter().any(|errno| Errno::from_io_error(error) == Some(errno))
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
    fn what_is_not_whole_has_no_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        fs::write(at("r"), "old").expect("a file");
        let mut document = Document::open(&at("r"), Unread::Fails).expect("opened");
        document.write_all(b"half").expect("written");
        assert_eq!(fs::read(at("r")).expect("old"), b"old");
        drop(document);
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1, "nothing stays of it");
        let mut document = Document::open(&at("r"), Unread::Fails).expect("opened");
        document.write_all(b"half").expect("written");
        let left = document.leave().expect("a place");
        assert_eq!(
            (fs::read(at("r")).expect("old"), fs::read(left).expect("left")),
            (b"old".to_vec(), b"half".to_vec())
        );
    }

    /// `>>` of a shell: what is there already stays.
    #[test]
    fn a_link_of_the_kernel_is_appended_to() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("r");
        fs::write(&path, "old ").expect("a file");
        let held = fs::File::open(&path).expect("opened");
        let name = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&held));
        write(Path::new(&name), b"new").expect("written");
        assert_eq!(fs::read(&path).expect("both"), b"old new");
    }

    #[test]
    fn outputs_that_are_named_on_purpose_are_written_to() {
        let before = fs::symlink_metadata("/dev/null").expect("there").ino();
        write(Path::new("/dev/null"), b"text").expect("written");
        assert_eq!(fs::symlink_metadata("/dev/null").expect("there").ino(), before);
        assert!(write(Path::new("/"), b"text").is_err());
    }
}
