//! Questions put to a directory: whether it takes two spellings of a name for one, and whether what is made in it comes up in another
//! directory, which shows it through a filesystem of its own (bindfs, sshfs, mergerfs, an overlay, a server's export).
//!
//! No call tells that. An empty file is made, for the first question with a name that ends in the one spelling, and looked for. Its name is
//! that of a temporary, so that a later run removes what a killed one left; where nothing can be removed, nothing is made.

use super::Copier;
use super::commit::NAME_ATTEMPTS;
use super::stale_temporary::NamedFor;
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel, Mode, OFlags};
use crate::path::beside;
use crate::quote::quoted;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The longest name that Linux's filesystems take, in bytes (NAME_MAX).
const NAME_MAX: usize = 255;

/// FS_APPEND_FL, which is chattr's a: names come into the directory and do not go.
const APPEND_ONLY: u32 = 0x20;

impl<K: Kernel> Copier<'_, K> {
    /// Whether a directory takes two names for one, neither of which it has. Where it cannot be asked, two that may be one
    /// count as one. `shown` is the name that this is asked for. A crash can leave an empty temporary.
    pub(crate) fn takes_for_one(&self, dir: &K::File, one: &OsStr, other: &OsStr, shown: &Path) -> Result<bool, Error> {
        if self.keeps_all(dir) {
            return Ok(true);
        }
        let spot = self.spot(dir, self.honesty_of(dir));
        for _ in 0..NAME_ATTEMPTS {
            let make = |begin: &Path| {
                if begin.as_os_str().len() + one.len().max(other.len()) > NAME_MAX {
                    return Err(Errno::NAMETOOLONG);
                }
                spot.make(&ending(begin, one), OFlags::WRONLY, Mode::from_raw_mode(0o600)).map(drop)
            };
            let [made, sought] = match spot.with_any_name(NamedFor::Made(self.kernel.now()), make) {
                Ok((begin, ())) => [one, other].map(|end| ending(&begin, end)),
                Err(Errno::EXIST | Errno::NAMETOOLONG) => break,
                // Nothing new can be made there: the names will say so themselves.
                Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::INVAL | Errno::ILSEQ) => return Ok(false),
                Err(errno) => return Err(Error::call(Action::CreateFile, shown, errno)),
            };
            let found = self.leads_somewhere(dir, &sought, shown);
            match self.kernel.unlink(dir, &made) {
                Ok(()) => return found,
                // Another run has taken it for a dead one's, perhaps before it was looked for.
                Err(Errno::NOENT) => {}
                Err(errno) => {
                    let (made, shown) = (quoted(&beside(shown, &made)), quoted(shown));
                    let reason = reason(errno);
                    return Err(Error::Refused(format!("cannot remove {made}, a temporary of {shown}: {reason}")));
                }
            }
        }
        Ok(true)
    }

    /// Whether what is made in `dir` comes up in `other` as well. Where nothing can be made, or removed again, it is taken not to.
    /// `shown` is the name that this is asked for. A crash can leave an empty temporary; one that cannot be removed is noted.
    pub(crate) fn comes_up(&self, dir: &K::File, other: &K::File, shown: &Path) -> Result<bool, Error> {
        if self.keeps_all(dir) {
            return Ok(false);
        }
        let spot = self.spot(dir, self.honesty_of(dir));
        let make = |name: &Path| spot.make(name, OFlags::WRONLY, Mode::from_raw_mode(0o600));
        for _ in 0..NAME_ATTEMPTS {
            let name = match spot.with_any_name(NamedFor::Made(self.kernel.now()), make) {
                Ok((name, file)) => {
                    drop(file);
                    name
                }
                Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::INVAL | Errno::ILSEQ) => return Ok(false),
                Err(errno) => return Err(Error::call(Action::CreateFile, shown, errno)),
            };
            let found = self.leads_somewhere(other, &name, shown);
            match self.kernel.unlink(dir, &name) {
                Ok(()) => return found,
                // Another run has taken it for a dead one's, perhaps before it was looked for.
                Err(Errno::NOENT) => {}
                Err(errno) => {
                    self.names.strays.note(&name, errno);
                    return found;
                }
            }
        }
        Ok(false)
    }

    /// Whether a directory is append-only, so that nothing in it can be removed. Where flags cannot be told there are none.
    fn keeps_all(&self, dir: &K::File) -> bool {
        self.kernel.inode_flags(dir).is_ok_and(|flags| flags & APPEND_ONLY != 0)
    }

    /// Whether a name leads to anything in a directory, whatever it is spelled like there.
    pub(crate) fn leads_somewhere(&self, dir: &K::File, name: &Path, shown: &Path) -> Result<bool, Error> {
        match self.kernel.stat_at(Some(dir), name, false) {
            Ok(_) => Ok(true),
            // The latter are names that cannot be.
            Err(Errno::NOENT | Errno::INVAL | Errno::ILSEQ | Errno::NAMETOOLONG) => Ok(false),
            Err(errno) => Err(Error::call(Action::StatTarget, shown, errno)),
        }
    }
}

fn ending(begin: &Path, end: &OsStr) -> PathBuf {
    let mut name = begin.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}
