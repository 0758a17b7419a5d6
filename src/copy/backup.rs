//! The name that an old target keeps when a new one takes its own (--backup).
//!
//! The old file gets its backup name as a second name before the new one is renamed over it, so that
//! the target's name is never missing. Where no second name can be had it is renamed, just before. An older backup is
//! set aside until the copy has succeeded, so that nothing is lost whichever call fails (docs/design/backups.md).

use super::backup_number::BackupNumber;
use super::commit::{Claim, NAME_ATTEMPTS, Spot};
use super::copier::Copier;
use super::stale_temporary::NamedFor;
use super::types::{Follow, Name};
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel, Kind, OFlags, RenameFlags, Stat};
use crate::options::{Backup, Options};
use crate::path::beside;
use crate::quote::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

/// The longest name that Linux's filesystems take, in bytes (NAME_MAX).
const NAME_MAX: usize = 255;

/// How many numbers are tried beyond the highest that was listed: others may be making backups too.
const NUMBERS_MAX: usize = 1000;

/// How an old target leaves its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// When the new one is renamed over it, if it can have two names until then.
    WhenReplaced,
    /// Before: what takes its place cannot be renamed over it.
    Before,
}

/// An old target with its backup name.
struct BackedUp {
    /// The old target.
    old: Stat,
    /// The backup's name in the target's directory.
    name: PathBuf,
    way: BackupMethod,
    /// The temporary name of an older backup of that name.
    older: Option<PathBuf>,
}

/// How an old target came by its backup name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BackupMethod {
    /// It was renamed: the target's name is free.
    Moved,
    /// It has both names.
    Linked,
    /// It had both names before.
    Before,
}

impl<K: Kernel> Copier<'_, K> {
    /// Gives a finished file the name of what stands at `target`, which keeps a backup name if the
    /// options say so. Returns what `commit` does, and the backup's name for messages.
    ///
    /// `commit` takes the name in the way it is told. If it fails, the name has what it had.
    pub(crate) fn take_over<T, E>(
        &self,
        target: &Name<'_, K::File>,
        leaves: Leaves,
        commit: impl FnOnce(Claim) -> Result<T, E>,
        failed: impl FnOnce(E) -> Error,
    ) -> Result<(T, Option<PathBuf>), Error> {
        let Some(kept) = self.keep(target, leaves)? else {
            return commit(Claim::Over).map(|made| (made, None)).map_err(failed);
        };
        let claim = if kept.way == BackupMethod::Moved { Claim::New } else { Claim::Over };
        let made = commit(claim).map_err(|error| self.put_back(target, &kept, failed(error)))?;
        if let Some(older) = &kept.older {
            let removed = target.directory().and_then(|dir| self.backup_spot(dir).remove(older));
            removed.map_err(|errno| Error::call(Action::Remove, &beside(target.shown, older), errno))?;
        }
        Ok((made, Some(beside(target.shown, &kept.name))))
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

    /// Remembers a target that is being made, if another target's backup might get its name.
    pub(crate) fn spare_from_backups(&self, target: &Name<'_, K::File>) -> Result<(), Error> {
        let could_be_one = target.name.as_os_str().as_bytes().ends_with(self.options.backup_suffix.as_bytes());
        match self.options.backup {
            Backup::Simple | Backup::Existing if could_be_one => self.take(target, target.name).map(drop),
            Backup::No | Backup::Numbered | Backup::Simple | Backup::Existing => Ok(()),
        }
    }

    /// Notes that this run has made `name` beside the target; false if it had already.
    fn take(&self, target: &Name<'_, K::File>, name: &Path) -> Result<bool, Error> {
        let here = target.directory().and_then(|dir| self.kernel.stat(dir));
        let here = here.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(taken.insert((here.dev, here.ino, name.to_owned())))
    }

    fn backup_spot<'s>(&'s self, dir: &'s K::File) -> Spot<'s, K> {
        self.spot(dir, self.honesty_of(dir))
    }

    /// Gives what stands at `target` its backup name; `None` if nothing is there or none is wanted.
    fn keep(&self, target: &Name<'_, K::File>, leaves: Leaves) -> Result<Option<BackedUp>, Error> {
        if self.options.backup == Backup::No {
            return Ok(None);
        }
        let failed = |errno| Error::call(Action::Backup, target.shown, errno);
        let dir = target.directory().map_err(failed)?;
        let old = match target.following(Follow::No).open(self.kernel, OFlags::PATH) {
            Ok(old) => old,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(failed(errno)),
        };
        let stat = self.kernel.stat(&old).map_err(failed)?;
        let spot = self.backup_spot(dir);
        if stat.kind != Kind::Directory {
            // What GNU's rename would say, before a second name is made that could not be removed again. A directory gets
            // none, and the question would remove an empty one.
            spot.lets_go(target.name).map_err(failed)?;
        }
        let is_simple = self.options.backup == Backup::Simple;
        let names = if is_simple { Vec::new() } else { names_in(self.kernel, dir).map_err(failed)? };
        let giving = Giving { spot, target: target.name, old: &old, stat, leaves };
        match next_number(self.options.backup, target.name, &names) {
            Some(number) => giving.numbered(number).map_err(failed),
            None => {
                let name = backup_name(target.name, &self.options.backup_suffix);
                self.check_backup_name(target, &name)?;
                self.keep_simple(&giving, &name).map_err(failed)
            }
        }
        .map(Some)
    }

    /// Fails if a backup's name is the target's own, or is that of what this run has made.
    fn check_backup_name(&self, target: &Name<'_, K::File>, name: &Path) -> Result<(), Error> {
        if name == target.name {
            return Err(Error::call(Action::Backup, target.shown, Errno::NAMETOOLONG));
        }
        let mut whole = target.name.as_os_str().to_owned();
        whole.push(&self.options.backup_suffix);
        // Others have the name only if it was cut, or if it was made as a target: that it was one is noted elsewhere.
        let is_cut = name != Path::new(&whole);
        let is_taken = if is_cut { !self.take(target, name)? } else { self.is_taken(target, name)? };
        if is_taken {
            let backup = beside(target.shown, name);
            let (target, backup) = (quoted(target.shown), quoted(&backup));
            return Err(Error::Refused(format!(
                "will not overwrite just-created {backup} with the backup of {target}"
            )));
        }
        Ok(())
    }

    fn is_taken(&self, target: &Name<'_, K::File>, name: &Path) -> Result<bool, Error> {
        if self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            return Ok(false);
        }
        let here = target.directory().and_then(|dir| self.kernel.stat(dir));
        let here = here.map_err(|errno| Error::call(Action::StatTarget, target.shown, errno))?;
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(taken.contains(&(here.dev, here.ino, name.to_owned())))
    }

    fn keep_simple(&self, giving: &Giving<'_, K>, name: &Path) -> crate::kernel::Result<BackedUp> {
        for _ in 1..NAME_ATTEMPTS {
            match self.keep_simple_once(giving, name) {
                // Another run has made a backup at this moment.
                Err(Errno::EXIST) => {}
                kept => return kept,
            }
        }
        Err(Errno::EXIST)
    }

    fn keep_simple_once(&self, giving: &Giving<'_, K>, name: &Path) -> crate::kernel::Result<BackedUp> {
        let Giving { spot, stat, leaves, .. } = giving;
        let kept = |way, older| BackedUp { old: *stat, name: name.to_owned(), way, older };
        let older = match self.kernel.stat_at(Some(spot.dir), name, false) {
            Err(Errno::NOENT) => None,
            Err(errno) => return Err(errno),
            Ok(found) if found.kind == Kind::Directory => return Err(Errno::ISDIR),
            // It is one already: a run was killed before the new file took the name.
            Ok(found) if found.is_same_file(stat) && *leaves == Leaves::WhenReplaced => {
                return Ok(kept(BackupMethod::Before, None));
            }
            Ok(_) => Some(set_aside(*spot, name)?),
        };
        let linked = if older.is_some() { giving.link_over(name, self) } else { giving.link(name) };
        let given = match linked {
            Ok(()) => Ok(BackupMethod::Linked),
            Err(errno) if giving.is_without_links(errno) => giving.move_to(name).map(|()| BackupMethod::Moved),
            Err(errno) => Err(errno),
        };
        given.map(|way| kept(way, older.clone())).inspect_err(|_| {
            // The reason is on its way. What is aside stays there if it has to.
            older.map_or(Ok(()), |older| self.bring_back(*spot, &older, name)).unwrap_or(());
        })
    }

    /// Gives an older backup its name back, whatever has that now. If that cannot be, and it has no other name, it stays where it is,
    /// which is told.
    fn bring_back(&self, spot: Spot<'_, K>, older: &Path, name: &Path) -> crate::kernel::Result<()> {
        self.rename_or(spot, older, name, |errno| {
            let look = |name: &Path| self.kernel.stat_at(Some(spot.dir), name, false);
            let has_both = matches!((look(older), look(name)), (Ok(aside), Ok(there)) if aside.is_same_file(&there));
            if has_both {
                return spot.remove(older);
            }
            self.names.strays.note_backup(older, errno);
            Err(errno)
        })
    }

    /// Undoes [`Self::keep`] after `error`; returns what there is to say then.
    fn put_back(&self, target: &Name<'_, K::File>, kept: &BackedUp, error: Error) -> Error {
        let undone = target.directory().and_then(|dir| self.undo(self.backup_spot(dir), target.name, kept));
        match undone {
            Ok(()) => error,
            Err(errno) => {
                let (backup, target) = (beside(target.shown, &kept.name), quoted(target.shown));
                let backup = quoted(&backup);
                let why = format!("cannot un-backup {target} from {backup}: {}", reason(errno));
                // What ended it was told when it came, or was a signal.
                let is_told = matches!(error, Error::Interrupted);
                Error::Refused(if is_told { why } else { format!("{error}; {why}") })
            }
        }
    }

    /// The backup's name goes only where the target's has the old file, or gets it back.
    fn undo(&self, spot: Spot<'_, K>, target: &Path, kept: &BackedUp) -> crate::kernel::Result<()> {
        let has_both = match (kept.way, self.kernel.stat_at(Some(spot.dir), target, false)) {
            // It was moved, or went where nothing is renamed over what is there.
            (_, Err(Errno::NOENT)) => {
                self.kernel.rename(spot.dir, &kept.name, spot.dir, target, RenameFlags::empty())?;
                false
            }
            (_, Ok(found)) if found.is_same_file(&kept.old) => true,
            (_, Ok(_)) => return Err(Errno::EXIST),
            (_, Err(errno)) => return Err(errno),
        };
        match (&kept.older, kept.way) {
            (Some(older), _) => self.bring_back(spot, older, &kept.name),
            (None, BackupMethod::Linked) if has_both => self.kernel.unlink(spot.dir, &kept.name),
            (None, BackupMethod::Linked | BackupMethod::Moved | BackupMethod::Before) => Ok(()),
        }
    }
}

/// An old target that is to get a backup name.
struct Giving<'a, K: Kernel> {
    spot: Spot<'a, K>,
    target: &'a Path,
    old: &'a K::File,
    stat: Stat,
    leaves: Leaves,
}

impl<K: Kernel> Giving<'_, K> {
    fn link(&self, name: &Path) -> crate::kernel::Result<()> {
        match self.leaves {
            Leaves::WhenReplaced => self.spot.kernel.link(self.old, self.spot.dir, name),
            Leaves::Before => Err(Errno::OPNOTSUPP),
        }
    }

    /// Whether that error says that the old file cannot have a second name.
    fn is_without_links(&self, errno: Errno) -> bool {
        self.leaves == Leaves::Before || self.spot.lacks_link(errno)
    }

    /// The same where an older backup has the name.
    fn link_over(&self, name: &Path, copier: &Copier<'_, K>) -> crate::kernel::Result<()> {
        let (free, ()) = self.spot.with_any_name(NamedFor::file(self.spot.kernel, self.old), |free| self.link(free))?;
        copier.rename_and_forget(self.spot, &free, name)
    }

    /// Frees the target's name. Where the backup's name is one of the same file, rename(2) does nothing and leaves both.
    /// A temporary's name goes in that case even if it cannot be looked at; this one is the user's, and stays.
    fn move_to(&self, name: &Path) -> crate::kernel::Result<()> {
        let Spot { kernel, dir, .. } = self.spot;
        kernel.rename(dir, self.target, dir, name, RenameFlags::empty())?;
        let stays = |found: Stat| found.is_same_file(&self.stat);
        if self.stat.has_other_names() && kernel.stat_at(Some(dir), self.target, false).is_ok_and(stays) {
            return kernel.unlink(dir, self.target);
        }
        // What cannot be looked at is met again when the name is taken.
        Ok(())
    }

    fn numbered(&self, mut number: BackupNumber) -> crate::kernel::Result<BackedUp> {
        for _ in 0..NUMBERS_MAX {
            let name = numbered_name(self.target, &number);
            let moved =
                || self.spot.rename_to_free(self.target, &name, || Err(Errno::OPNOTSUPP)).map(|()| BackupMethod::Moved);
            let given = match self.link(&name) {
                Ok(()) => Ok(BackupMethod::Linked),
                Err(errno) if self.is_without_links(errno) => moved(),
                Err(errno) => Err(errno),
            };
            match given {
                Err(Errno::EXIST) => number = number.next(),
                given => return given.map(|way| BackedUp { old: self.stat, name, way, older: None }),
            }
        }
        Err(Errno::EXIST)
    }
}

/// Gives an older backup a temporary name: a second one, else instead of its own.
fn set_aside<K: Kernel>(spot: Spot<'_, K>, name: &Path) -> crate::kernel::Result<PathBuf> {
    let Spot { kernel, dir, .. } = spot;
    let older = Name::within(dir, name, name).open(kernel, OFlags::PATH)?;
    let of = NamedFor::file(kernel, &older);
    let linked = spot.with_any_name(of, |free| kernel.link(&older, dir, free));
    let rename = |free: &Path| kernel.rename(dir, name, dir, free, RenameFlags::empty());
    let given = match linked {
        Err(errno) if spot.lacks_link(errno) => spot.with_any_name(of, rename),
        given => given,
    };
    given.map(|(aside, ())| aside)
}

/// The names in a directory, as far as they can be known: one that may not be listed counts as empty. With backups GNU's cp does the
/// same; a number that is taken is passed over when the backup gets its name.
pub(crate) fn names_in<K: Kernel>(kernel: &K, dir: &K::File) -> crate::kernel::Result<Vec<OsString>> {
    match kernel.list(dir) {
        Err(Errno::ACCESS) => Ok(Vec::new()),
        names => names,
    }
}

/// The name that a backup of `name` would get now, in a directory with these names.
pub(crate) fn next_name(name: &Path, names: &[OsString], options: &Options) -> PathBuf {
    match next_number(options.backup, name, names) {
        Some(number) => numbered_name(name, &number),
        None => backup_name(name, &options.backup_suffix),
    }
}

/// The number that the next backup of `name` gets; `None` if it is a simple one.
fn next_number(backup: Backup, name: &Path, names: &[OsString]) -> Option<BackupNumber> {
    match (backup, highest_number(name, names)) {
        (Backup::Numbered, None) => Some(BackupNumber::first()),
        (Backup::Numbered | Backup::Existing, Some(highest)) => Some(highest.next()),
        (Backup::No | Backup::Simple, _) | (Backup::Existing, None) => None,
    }
}

fn numbered_name(name: &Path, number: &BackupNumber) -> PathBuf {
    backup_name(name, OsStr::new(&number.suffix()))
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
fn highest_number(name: &Path, names: &[OsString]) -> Option<BackupNumber> {
    names.iter().filter_map(|there| BackupNumber::of(there.as_bytes().strip_prefix(name.as_os_str().as_bytes())?)).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_number_counts_not_the_first_free_one() {
        let names = ["f", "f~", "f.~1~", "f.~12~", "f.~3~", "f.~012~", "g.~99~", "f.~x~", "f.~~", "f.~7"];
        let names: Vec<OsString> = names.iter().map(OsString::from).collect();
        assert_eq!(highest_number(Path::new("f"), &names), BackupNumber::of(b".~12~"));
        assert_eq!(highest_number(Path::new("h"), &names), None);
    }

    #[test]
    fn a_name_that_would_be_too_long_is_cut() {
        assert_eq!(backup_name(Path::new("f"), OsStr::new(".old")), Path::new("f.old"));
        let long = "n".repeat(NAME_MAX);
        assert_eq!(backup_name(Path::new(&long), OsStr::new("~")), PathBuf::from("n".repeat(NAME_MAX - 1) + "~"));
    }
}
