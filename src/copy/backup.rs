//! The name that an old target keeps when a new one takes its own (--backup).
//!
//! The old file gets its backup name as a second name before the new one is renamed over it, so that
//! the target's name is never missing (docs/design/backups.md). Where no second name can be had it is
//! renamed, just before.

use super::commit::Claim;
use super::{Copier, Follow, Name};
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel, OFlags, RenameFlags};
use crate::options::{Backup, Options};
use crate::report::quote::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The longest name that Linux's filesystems take, in bytes (NAME_MAX).
const NAME_MAX: usize = 255;

/// How many numbers are tried beyond the highest that was listed: others may be making backups too.
const NUMBERS_MAX: u64 = 1000;

/// An old target with its backup name.
struct Kept {
    /// The backup's name in the target's directory.
    name: PathBuf,
    /// It was renamed: the target's name is free. Else it has both names.
    moved: bool,
}

impl<K: Kernel> Copier<'_, K> {
    /// Gives a finished file the name of what stands at `target`, which keeps a backup name if the
    /// options say so. Returns what `commit` does, and the backup's name for messages.
    ///
    /// `commit` takes the name in the way it is told. If it fails, the name has what it had.
    pub(crate) fn take_over<T>(
        &self,
        target: &Name<'_, K::File>,
        commit: impl FnOnce(Claim) -> crate::kernel::Result<T>,
        failed: impl FnOnce(Errno) -> Error,
    ) -> Result<(T, Option<PathBuf>), Error> {
        let Some(kept) = self.keep(target).map_err(|errno| Error::call(Action::Backup, target.shown, errno))? else {
            return commit(Claim::Over).map(|made| (made, None)).map_err(failed);
        };
        match commit(if kept.moved { Claim::New } else { Claim::Over }) {
            Ok(made) => Ok((made, Some(target.shown.with_file_name(&kept.name)))),
            Err(errno) => Err(self.put_back(target, &kept, failed(errno))),
        }
    }

    /// Whether making a backup of `target` would take away `source`, which has the backup's name.
    pub(crate) fn backup_is_source(
        &self,
        source: &Name<'_, K::File>,
        target: &Name<'_, K::File>,
    ) -> Result<bool, Error> {
        if !matches!(self.options.backup, Backup::Simple | Backup::Existing) {
            return Ok(false);
        }
        let mut name = target.name.as_os_str().to_owned();
        name.push(&self.options.backup_suffix);
        if source.name.file_name() != Some(&name) {
            return Ok(false);
        }
        let at = |dir, name: &Path| match self.kernel.stat_at(dir, name, true) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno),
        };
        let source = at(source.dir, source.name).map_err(|e| Error::call(Action::StatSource, source.shown, e))?;
        let backup = at(target.dir, Path::new(&name)).map_err(|e| Error::call(Action::Backup, target.shown, e))?;
        Ok(matches!((source, backup), (Some(source), Some(backup)) if source.is_same_file(&backup)))
    }

    /// Gives what stands at `target` its backup name; `None` if nothing is there or none is wanted.
    fn keep(&self, target: &Name<'_, K::File>) -> crate::kernel::Result<Option<Kept>> {
        if self.options.backup == Backup::No {
            return Ok(None);
        }
        let dir = target.directory()?;
        let old = match target.following(Follow::No).open(self.kernel, OFlags::PATH) {
            Ok(old) => old,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let names = if self.options.backup == Backup::Simple { Vec::new() } else { self.kernel.list(dir)? };
        match next_number(self.options.backup, target.name, &names) {
            Some(number) => self.keep_numbered(target, &old, number),
            None => self.keep_simple(target, &old),
        }
        .map(Some)
    }

    fn keep_simple(&self, target: &Name<'_, K::File>, old: &K::File) -> crate::kernel::Result<Kept> {
        let dir = target.directory()?;
        let name = backup_name(target.name, &self.options.backup_suffix);
        let linked = match self.kernel.link(old, dir, &name) {
            Err(Errno::EXIST) => self.replace_by(dir, &name, |free| self.kernel.link(old, dir, free)),
            linked => linked,
        };
        self.kept(linked, target, name, RenameFlags::empty())
    }

    fn keep_numbered(&self, target: &Name<'_, K::File>, old: &K::File, first: u64) -> crate::kernel::Result<Kept> {
        let dir = target.directory()?;
        for number in first..first.saturating_add(NUMBERS_MAX) {
            let name = numbered_name(target.name, number);
            match self.kept(self.kernel.link(old, dir, &name), target, name, RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => {}
                kept => return kept,
            }
        }
        Err(Errno::EXIST)
    }

    /// What came of giving the old file its second name; renames it where there can be none.
    fn kept(
        &self,
        linked: crate::kernel::Result<()>,
        target: &Name<'_, K::File>,
        name: PathBuf,
        flags: RenameFlags,
    ) -> crate::kernel::Result<Kept> {
        match linked {
            Ok(()) => Ok(Kept { name, moved: false }),
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK | Errno::XDEV) => {
                let dir = target.directory()?;
                self.kernel.rename(dir, target.name, dir, &name, flags)?;
                Ok(Kept { name, moved: true })
            }
            Err(errno) => Err(errno),
        }
    }

    /// Undoes [`Self::keep`] after `error`; returns what there is to say then.
    fn put_back(&self, target: &Name<'_, K::File>, kept: &Kept, error: Error) -> Error {
        let undone = target.directory().and_then(|dir| {
            if kept.moved {
                self.kernel.rename(dir, &kept.name, dir, target.name, RenameFlags::empty())
            } else {
                self.kernel.unlink(dir, &kept.name)
            }
        });
        match undone {
            Ok(()) => error,
            Err(errno) => {
                let (backup, target) = (quoted(&kept.name), quoted(target.shown));
                Error::Refused(format!("{error}; cannot un-backup {target} from {backup}: {}", reason(errno)))
            }
        }
    }
}

/// The name that a backup of `name` would get now, in a directory with these names.
pub(crate) fn next_name(name: &Path, names: &[OsString], options: &Options) -> PathBuf {
    match next_number(options.backup, name, names) {
        Some(number) => numbered_name(name, number),
        None => backup_name(name, &options.backup_suffix),
    }
}

/// The number that the next backup of `name` gets; `None` if it is a simple one.
fn next_number(backup: Backup, name: &Path, names: &[OsString]) -> Option<u64> {
    match (backup, highest_number(name, names)) {
        (Backup::Numbered, None) => Some(1),
        (Backup::Numbered | Backup::Existing, Some(highest)) => Some(highest.saturating_add(1)),
        (Backup::No | Backup::Simple, _) | (Backup::Existing, None) => None,
    }
}

fn numbered_name(name: &Path, number: u64) -> PathBuf {
    backup_name(name, OsStr::new(&format!(".~{number}~")))
}

/// The name with a suffix, cut where it would be too long as GNU's programs cut it.
fn backup_name(name: &Path, suffix: &OsStr) -> PathBuf {
    let mut bytes = name.as_os_str().as_bytes().to_vec();
    if bytes.len() + suffix.len() > NAME_MAX {
        bytes.truncate(NAME_MAX - 1);
        bytes.push(b'~');
    } else {
        bytes.extend_from_slice(suffix.as_bytes());
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The highest number of a backup of `name` among the names of its directory.
fn highest_number(name: &Path, names: &[OsString]) -> Option<u64> {
    names.iter().filter_map(|there| number_of(there.as_bytes().strip_prefix(name.as_os_str().as_bytes())?)).max()
}

/// The number in `.~N~`: digits without a leading zero.
fn number_of(suffix: &[u8]) -> Option<u64> {
    let digits = suffix.strip_prefix(b".~")?.strip_suffix(b"~")?;
    let is_number = digits.iter().all(u8::is_ascii_digit) && !digits.starts_with(b"0");
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_counts_not_the_first_free_one() {
        let names = ["f", "f~", "f.~1~", "f.~12~", "f.~3~", "f.~012~", "g.~99~", "f.~x~", "f.~~", "f.~7"];
        let names: Vec<OsString> = names.iter().map(OsString::from).collect();
        assert_eq!(highest_number(Path::new("f"), &names), Some(12));
        assert_eq!(highest_number(Path::new("h"), &names), None);
    }

    #[test]
    fn a_name_that_would_be_too_long_is_cut() {
        assert_eq!(backup_name(Path::new("f"), OsStr::new(".old")), Path::new("f.old"));
        let long = "n".repeat(NAME_MAX);
        assert_eq!(backup_name(Path::new(&long), OsStr::new("~")), PathBuf::from("n".repeat(NAME_MAX - 1) + "~"));
    }
}
