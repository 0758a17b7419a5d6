//! The making of directories, with what is missing above them (install -d and -D).
//!
//! A path is gone down a component at a time, each looked up in the handle of the one before. What is there is gone
//! through, also where a symbolic link leads to a directory; what was just made is not taken for a link.

use super::owner::Owner;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::options::TargetRule;
use crate::report::{Event, Listener};
use crate::tree::plan::{Operands, without_trailing_slashes};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The bits of directories on the way, whatever the last one gets.
const LEADING_MODE: u32 = 0o755;

/// What group and others may do.
const OTHERS: u32 = 0o077;

/// What lets group and others write.
const OTHERS_WRITE: u32 = 0o022;

const SET_IDS: u32 = 0o6000;
const STICKY: u32 = 0o1000;
const EXECUTABLE: u32 = 0o111;

/// The bits that a directory gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirectoryMode {
    /// Those that it has in the end, of the ones that are told.
    pub mode: u32,
    /// The bits that were spoken of; a directory keeps the others.
    pub told: u32,
}

/// Makes directories; the process has no umask.
pub struct Directories<'a, K: Kernel> {
    /// The calls.
    pub kernel: &'a K,
    /// Who is told of each that is made.
    pub listener: &'a dyn Listener,
}

/// A directory that was reached, and what is left of the path.
struct ReachedDirectory<'p, F> {
    dir: F,
    last: &'p Path,
}

impl<K: Kernel> Directories<'_, K> {
    /// Makes a directory, or gives one that is there its owner and bits.
    pub fn make(&self, path: &Path, mode: DirectoryMode, owner: Owner) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::CreateDirectory, path, errno);
        if path.as_os_str().is_empty() {
            return Err(failed(Errno::NOENT));
        }
        let ReachedDirectory { dir, last } = self.go_down(path)?;
        let keeps_owner = owner == Owner::default();
        let keeps_special = mode.told & SET_IDS | mode.mode & STICKY == 0;
        // Nobody else gets in before it has its owner and its special bits.
        let closed = match (keeps_owner, keeps_special) {
            (false, _) => OTHERS,
            (true, false) => OTHERS_WRITE,
            (true, true) => 0,
        };
        let made = self.kernel.mkdir(&dir, last, Mode::from_raw_mode(mode.mode & !closed));
        match made {
            Ok(()) => self.listener.hear(&Event::DirectoryCreated { directory: path }),
            Err(errno @ (Errno::NOENT | Errno::NOTDIR)) => return Err(failed(errno)),
            // It may be there.
            Err(_) => {}
        }
        let extra = if made.is_ok() { OFlags::NOFOLLOW } else { OFlags::empty() };
        let flags = OFlags::PATH | OFlags::DIRECTORY | extra;
        let opened = self.kernel.open(Some(&dir), last, flags, Mode::empty(), ResolveFlags::empty());
        let directory = opened.map_err(|errno| failed(made.err().unwrap_or(errno)))?;
        self.set_attributes(&directory, mode, owner).map_err(|errno| {
            let action = if keeps_owner { Action::ChangeMode } else { Action::ChangeOwnershipAndMode };
            Error::call(action, path, errno)
        })
    }

    /// Sets owner and bits, as far as they are not what they are to be. chown takes the set-ID bits.
    fn set_attributes(&self, directory: &K::File, mode: DirectoryMode, owner: Owner) -> crate::kernel::Result<()> {
        let found = self.kernel.stat(directory)?;
        let differs = |wanted: Option<u32>, has| wanted.is_some_and(|wanted| wanted != has);
        let mut unsure = 0;
        if differs(owner.uid, found.uid) || differs(owner.gid, found.gid) {
            self.kernel.chown(directory, owner.uid, owner.gid)?;
            unsure = if found.mode & EXECUTABLE == 0 { 0 } else { found.mode & SET_IDS };
        }
        if (found.mode ^ mode.mode | unsure) & mode.told == 0 {
            return Ok(());
        }
        self.kernel.chmod(directory, mode.mode | found.mode & !mode.told)
    }

    /// Makes what is missing above the targets of these operands (-D).
    pub fn make_leading(&self, operands: &Operands) -> Result<(), Error> {
        let target = &operands.target;
        let found = self.kernel.stat_at(None, target, true);
        match (operands.rule, found) {
            (TargetRule::Directory, Err(Errno::NOENT)) => {
                let ReachedDirectory { dir, last } = self.go_down(target)?;
                // It is on the way to the files, and is told like those above it.
                self.step(&dir, last, without_trailing_slashes(target)).map(drop)
            }
            (TargetRule::Last, Ok(Stat { kind: Kind::Directory, .. })) | (TargetRule::Directory, _) => Ok(()),
            // Only one source gets a name that nothing has.
            (TargetRule::Last | TargetRule::Itself, _) if operands.sources.len() == 1 => self.go_down(target).map(drop),
            (TargetRule::Last | TargetRule::Itself, _) => Ok(()),
        }
    }

    /// Goes down to the directory that the last component lies in, and makes what is missing on the way.
    fn go_down<'p>(&self, path: &'p Path) -> Result<ReachedDirectory<'p, K::File>, Error> {
        let bytes = path.as_os_str().as_bytes();
        let start = if bytes.first() == Some(&b'/') { "/" } else { "." };
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let opened = self.kernel.open(None, Path::new(start), flags, Mode::empty(), ResolveFlags::empty());
        let mut dir = opened.map_err(|errno| Error::call(Action::CreateDirectory, path, errno))?;
        let mut components = components(bytes);
        let last = components.pop().map_or(Path::new(start), |range| path_of(&bytes[range]));
        for range in components {
            let shown = path_of(&bytes[..range.end]);
            dir = self.step(&dir, path_of(&bytes[range]), shown)?;
        }
        Ok(ReachedDirectory { dir, last })
    }

    /// Makes a component on the way if it is missing, and opens it.
    fn step(&self, dir: &K::File, name: &Path, shown: &Path) -> Result<K::File, Error> {
        let made = match name {
            // They are there if what they are in is.
            name if name == Path::new(".") || name == Path::new("..") => Err(Errno::EXIST),
            name => self.kernel.mkdir(dir, name, Mode::from_raw_mode(LEADING_MODE)),
        };
        if made.is_ok() {
            self.listener.hear(&Event::DirectoryCreated { directory: shown });
        }
        let extra = if made.is_ok() { OFlags::NOFOLLOW } else { OFlags::empty() };
        let flags = OFlags::PATH | OFlags::DIRECTORY | extra;
        let opened = self.kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty());
        opened.map_err(|errno| {
            // That nothing is there says less than why nothing could be made.
            let errno = if errno == Errno::NOENT { made.err().unwrap_or(errno) } else { errno };
            Error::call(Action::CreateDirectory, shown, errno)
        })
    }
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

/// Where the components of a path are.
fn components(path: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for component in path.split(|byte| *byte == b'/') {
        if !component.is_empty() {
            found.push(at..at + component.len());
        }
        at += component.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn components_are_found_between_slashes_however_many() {
        let found =
            |path: &'static str| components(path.as_bytes()).into_iter().map(|range| &path[range]).collect::<Vec<_>>();
        assert_eq!(found("//a/./b//c/"), ["a", ".", "b", "c"]);
        assert_eq!(found("/"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }
}
