//! What openat2 with RESOLVE_BENEATH does, where that call cannot be had: Linux before 5.6, old seccomp filters, or
//! somebody who renames something while `..` is looked up. The names are walked one by one.
//!
//! Each name is opened in the handle of the directory before it without following a link; a link is read and its
//! names take its place. `..` goes back by the names that led here, so that nobody who moves directories about
//! leads it out.

use crate::kernel::Result;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many symbolic links one look-up goes through, as in the kernel (MAXSYMLINKS).
const LINKS_MAX: usize = 40;

/// One look-up.
pub(super) struct Walk<'a> {
    top: BorrowedFd<'a>,
    resolve: ResolveFlags,
    /// The directory that was reached; `None` is the top.
    held: Option<OwnedFd>,
    /// The names that led to it.
    way: Vec<OsString>,
    /// What is still to be looked up, the next name last.
    ahead: Vec<OsString>,
    links: usize,
}

impl<'a> Walk<'a> {
    /// A look-up of a path beneath `top`.
    pub(super) fn new(top: BorrowedFd<'a>, path: &Path, resolve: ResolveFlags) -> Result<Self> {
        let mut walk = Self { top, resolve, held: None, way: Vec::new(), ahead: Vec::new(), links: 0 };
        walk.look_ahead(path.as_os_str())?;
        Ok(walk)
    }

    /// Puts the names of a path before what is still to be looked up.
    fn look_ahead(&mut self, path: &OsStr) -> Result<()> {
        let bytes = path.as_bytes();
        match bytes.first() {
            None => return Err(Errno::NOENT),
            Some(b'/') => return Err(Errno::XDEV),
            Some(_) => {}
        }
        let names = bytes.rsplit(|byte| *byte == b'/').enumerate();
        // A slash at the end asks for a directory, as a dot behind it does.
        let names = names.filter_map(|(at, name)| match (at, name) {
            (0, b"") => Some(&b"."[..]),
            (_, b"") => None,
            (_, name) => Some(name),
        });
        self.ahead.extend(names.map(|name| OsStr::from_bytes(name).to_owned()));
        Ok(())
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.held.as_ref().map_or(self.top, AsFd::as_fd)
    }

    /// Opens what the path leads to.
    pub(super) fn open(mut self, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
        while let Some(name) = self.ahead.pop() {
            let is_last = self.ahead.is_empty();
            match name.as_bytes() {
                b".." => self.go_back()?,
                b"." => {}
                _ if is_last => match self.open_last(&name, flags, mode)? {
                    Some(opened) => return Ok(opened),
                    None => continue,
                },
                _ => self.enter(name)?,
            }
        }
        rustix::fs::openat(self.here(), ".", flags, mode)
    }

    /// Opens the last name, or, where that is a link to be followed, puts its names ahead.
    fn open_last(&mut self, name: &OsStr, flags: OFlags, mode: Mode) -> Result<Option<OwnedFd>> {
        let follows = !flags.intersects(OFlags::NOFOLLOW) && !flags.contains(OFlags::CREATE | OFlags::EXCL);
        let opened = rustix::fs::openat(self.here(), name, flags | OFlags::NOFOLLOW, mode);
        let may_be_link = match &opened {
            // An O_PATH handle is got of a link too.
            Ok(_) => flags.contains(OFlags::PATH),
            Err(errno) => matches!(*errno, Errno::LOOP | Errno::NOTDIR),
        };
        if follows && may_be_link && self.follow(name)? {
            return Ok(None);
        }
        opened.map(Some)
    }

    /// Goes on in the directory of that name, or, where it is a link, to the names it holds.
    fn enter(&mut self, name: OsString) -> Result<()> {
        match self.step(&name) {
            Ok(entered) => {
                self.held = Some(entered);
                self.way.push(name);
                Ok(())
            }
            Err(Errno::NOTDIR | Errno::LOOP) if self.follow(&name)? => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    fn step(&self, name: &OsStr) -> Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(self.here(), name, flags, Mode::empty())
    }

    /// Puts the names that a link holds ahead; false if the name is no link.
    fn follow(&mut self, name: &OsStr) -> Result<bool> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let link = rustix::fs::openat(self.here(), name, flags, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&link)?.st_mode) != FileType::Symlink {
            return Ok(false);
        }
        self.links += 1;
        if self.links > LINKS_MAX || self.resolve.contains(ResolveFlags::NO_SYMLINKS) {
            return Err(Errno::LOOP);
        }
        let text = rustix::fs::readlinkat(&link, "", Vec::new())?;
        self.look_ahead(OsStr::from_bytes(text.as_bytes()))?;
        Ok(true)
    }

    /// Goes to the directory above by the names that led here, from the top on.
    fn go_back(&mut self) -> Result<()> {
        if self.way.pop().is_none() {
            return Err(Errno::XDEV);
        }
        self.held = None;
        for name in std::mem::take(&mut self.way) {
            self.held = Some(self.step(&name)?);
            self.way.push(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;
    use crate::kernel::linux::Linux;
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::PathBuf;

    /// What a look-up came to: the file that was opened, or the error.
    fn found(opened: Result<OwnedFd>) -> Result<(u64, u64)> {
        let stat = rustix::fs::fstat(opened?)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    fn tree() -> tempfile::TempDir {
        let tree = tempfile::tempdir().expect("a directory");
        let at = |name: &str| tree.path().join("top").join(name);
        std::fs::create_dir_all(at("a/b/c")).expect("directories");
        std::fs::write(at("a/file"), "").expect("a file");
        std::fs::write(tree.path().join("outside"), "").expect("a file");
        let links = [
            ("../file", "a/b/up"),
            ("up", "a/b/again"),
            ("../../../outside", "a/b/out"),
            ("..", "a/b/above"),
            ("/", "root"),
            ("b/c/", "a/slash"),
            ("file/", "a/no_directory"),
            ("nowhere", "a/dangling"),
            ("circle", "circle"),
            ("a/b/./c/../../b", "long"),
        ];
        links.into_iter().for_each(|(text, name)| symlink(text, at(name)).expect("a link"));
        tree
    }

    #[test]
    fn a_walk_comes_where_openat2_comes() {
        let tree = tree();
        let top = std::fs::File::open(tree.path().join("top")).expect("the top");
        let paths = [
            "a",
            "a/file",
            "a/b/up",
            "a/b/again",
            "a/b/out",
            "a/b/above/file",
            "a/b/above/b/above/../a/file",
            "../outside",
            "a/../..",
            "a/..",
            "a/../a/file",
            ".",
            "./a//b/./up",
            "/a",
            "",
            "root/etc",
            "a/slash",
            "a/slash/",
            "a/slash/../up",
            "a/no_directory",
            "a/file/",
            "a/file/x",
            "a/dangling",
            "circle",
            "circle/x",
            "long/up",
            "long",
            "none/x",
        ];
        let more = [ResolveFlags::empty(), ResolveFlags::NO_SYMLINKS];
        let kinds =
            [OFlags::RDONLY, OFlags::PATH, OFlags::PATH | OFlags::NOFOLLOW, OFlags::NOFOLLOW, OFlags::DIRECTORY];
        for (path, more, flags) in
            paths.iter().flat_map(|path| more.iter().flat_map(move |more| kinds.map(|kind| (path, more, kind))))
        {
            let (path, resolve, flags) = (Path::new(path), ResolveFlags::BENEATH | *more, flags | OFlags::CLOEXEC);
            let walked = Walk::new(top.as_fd(), path, resolve).and_then(|walk| walk.open(flags, Mode::empty()));
            // EAGAIN tells of renames anywhere on the machine.
            let open = || rustix::fs::openat2(&top, path, flags, Mode::empty(), resolve);
            let opened = std::iter::repeat_with(open).find(|opened| !matches!(opened, Err(Errno::AGAIN)));
            let opened = opened.expect("it does not end before");
            assert_eq!(found(walked), found(opened), "{} {flags:?} {resolve:?}", path.display());
        }
    }

    #[test]
    fn a_walk_makes_a_file_at_the_end_of_a_link() {
        let tree = tree();
        let top = std::fs::File::open(tree.path().join("top")).expect("the top");
        let (flags, mode) = (OFlags::WRONLY | OFlags::CREATE, Mode::from_raw_mode(0o600));
        let walk = Walk::new(top.as_fd(), Path::new("a/dangling"), ResolveFlags::BENEATH).expect("a path");
        let made = found(walk.open(flags, mode)).expect("a new file");
        let there = std::fs::symlink_metadata(tree.path().join("top/a/nowhere")).expect("the new file");
        assert_eq!(made, (there.dev(), there.ino()));
    }

    #[test]
    fn a_walk_needs_no_path_that_the_kernel_takes() {
        let tree = tempfile::tempdir().expect("a directory");
        let top = std::fs::File::open(tree.path()).expect("the top");
        let mut path = PathBuf::new();
        let mut here = top.try_clone().expect("a handle");
        for _ in 0..20 {
            let name = "n".repeat(250);
            rustix::fs::mkdirat(&here, &name, Mode::from_raw_mode(0o700)).expect("a directory");
            here = rustix::fs::openat(&here, &name, OFlags::DIRECTORY, Mode::empty()).expect("the directory").into();
            path.push(name);
        }
        let kernel = Linux::new();
        let opened = kernel.open(Some(&top.into()), &path, OFlags::PATH, Mode::empty(), ResolveFlags::BENEATH);
        assert_eq!(found(opened), found(Ok(here.into())));
    }
}
