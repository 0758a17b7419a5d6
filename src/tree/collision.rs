//! Two names of the source that a target takes for one: the second is refused.

use super::entry_context::MadeBefore;
use super::handles::Asker;
use super::level::Task;
use super::run::Run;
use super::spellings::{Earlier, Novelty, exact, key, path_key, with_case_swapped};
use crate::copy::backup::names_in;
use crate::copy::stale_temporary::TEMPORARY_PREFIX;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};
use crate::known::filesystems::{Filesystem, Honesty};
use crate::options::Backup;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::PoisonError;

/// How many names of a directory are tried to see whether it tells capitals from small letters: others may remove them.
const CASES_MAX: usize = 16;

/// FS_CASEFOLD_FL, which is chattr's F.
const CASEFOLD: u32 = 0x4000_0000;

/// A name that is about to be made.
pub(super) struct Newcomer<'a, F> {
    /// The directory it is to be in.
    pub(super) dir: &'a F,
    /// Its path beneath the directory of all targets.
    pub(super) path: &'a Path,
    pub(super) kind: Kind,
    /// It can only be met by an operand of the same spelling, unless it is a link that one writes through.
    pub(super) is_told_apart: bool,
    /// For messages.
    pub(super) source_shown: &'a Path,
    pub(super) target_shown: &'a Path,
}

impl<K: Kernel> Run<'_, K> {
    /// Fails if a name of a tree is one with another that this run has made, or would be made through a link of its own.
    pub(super) fn claim(&self, task: &Task<K>) -> Result<(), Error> {
        self.claim_spelling(task)?;
        if !self.paths.are_kept() {
            return Ok(());
        }
        let pair = self.handles(&task.level, Asker::Descent)?;
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        let created = self.claim_path(&Newcomer {
            dir: &pair.target,
            path: &task.path(),
            kind: task.kind(),
            is_told_apart: self.is_told_apart(task)?,
            source_shown: &source_shown,
            target_shown: &target_shown,
        })?;
        self.check_way(created, task.kind(), &source_shown, &target_shown)
    }

    /// Fails if a directory would be copied through a link to one that an operand before has made.
    pub(super) fn check_way(&self, created: MadeBefore, kind: Kind, source: &Path, target: &Path) -> Result<(), Error> {
        if created == MadeBefore::Link && kind == Kind::Directory && self.options.keep_directory_symlink {
            return Err(Error::through_link(source, target));
        }
        Ok(())
    }

    /// Fails if the target directory takes a name of this source directory for one that came up before.
    fn claim_spelling(&self, task: &Task<K>) -> Result<(), Error> {
        let Task { level, entry } = task;
        let novelty = level.spellings.add(&entry.name);
        // With numbered backups what was made first is kept, as with cp.
        let is_kept = self.options.backup == Backup::Numbered && entry.kind != Kind::Directory && !level.made;
        if novelty == Novelty::New || is_kept {
            return Ok(());
        }
        let pair = self.handles(level, Asker::Descent)?;
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        if novelty == Novelty::Many {
            if self.tells_case(&pair.target, &target_shown)? {
                level.spellings.forget_plain();
            }
            return Ok(());
        }
        let names = self.kernel.list(&pair.source);
        let names = names.map_err(|errno| Error::call(Action::Access, &level.source_shown(), errno))?;
        self.part(&pair.target, &names, task.name(), [&source_shown, &target_shown])
    }

    /// Fails if another operand has made the same under another spelling. With one operand there is nothing to know.
    pub(super) fn claim_path(&self, newcomer: &Newcomer<'_, K::File>) -> Result<MadeBefore, Error> {
        let paths = &self.paths;
        if !paths.are_kept() {
            return Ok(MadeBefore::Nothing);
        }
        let Newcomer { path, kind, .. } = *newcomer;
        let (key, exact, is_link) = (path_key(path), exact(path), kind == Kind::Symlink);
        let earlier = paths.made().get(&key).cloned();
        match earlier {
            None => {
                if is_link || !newcomer.is_told_apart {
                    let name = path.file_name().unwrap_or_default().into();
                    paths.made().insert(key, Earlier { exact, name, is_link });
                }
                Ok(MadeBefore::Nothing)
            }
            Some(earlier) if earlier.exact == exact => {
                let created = if earlier.is_link { MadeBefore::Link } else { MadeBefore::Nothing };
                paths.made().insert(key, Earlier { is_link: is_link || earlier.is_link, ..earlier });
                Ok(created)
            }
            Some(earlier) => {
                let Some(name) = path.file_name().map(Path::new) else { return Ok(MadeBefore::Nothing) };
                let shown = [newcomer.source_shown, newcomer.target_shown];
                self.part(newcomer.dir, &[earlier.name.into()], name, shown)?;
                Ok(MadeBefore::Nothing)
            }
        }
    }

    /// Fails if the directory takes one of these names for `name`.
    fn part(&self, dir: &K::File, names: &[OsString], name: &Path, shown: [&Path; 2]) -> Result<(), Error> {
        let wanted = key(name.as_os_str());
        let [source, target] = shown;
        for other in names.iter().filter(|other| *other != name.as_os_str() && key(other) == wanted) {
            if self.takes_for_one(dir, other, name.as_os_str(), target)? {
                return Err(Error::just_created(target, source));
            }
        }
        Ok(())
    }

    /// Whether no spelling but its own leads to a name of a tree, so far as that can be told without asking much.
    fn is_told_apart(&self, task: &Task<K>) -> Result<bool, Error> {
        let Task { level, entry } = task;
        let is_folded = match level.target_directory.honesty {
            Honesty::Honest => {
                let pair = self.handles(level, Asker::Descent)?;
                *level.is_folded.get_or_init(|| self.is_folded(&pair.target))
            }
            Honesty::Pseudo => Some(false),
            Honesty::Zfs | Honesty::Unknown => None,
        };
        if let Some(is_folded) = is_folded {
            return Ok(!is_folded);
        }
        let Some(dev) = level.target_directory.dev.filter(|_| entry.name.as_bytes().is_ascii()) else {
            return Ok(false);
        };
        let devices = || self.paths.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let known = devices().get(&dev).copied();
        if let Some(tells) = known {
            return Ok(tells);
        }
        let Some(path) = with_case_swapped(level.place()) else { return Ok(false) };
        let above = level.above.as_ref().filter(|_| level.is_beneath_another());
        let above = above.map(|above| self.handles(above, Asker::Descent)).transpose()?;
        let dir = above.as_ref().map_or(&*level.base, |above| &above.target);
        let tells = match self.kernel.stat_at(Some(dir), &path, false) {
            Err(Errno::NOENT) => true,
            Ok(_) => false,
            // Then all names are remembered.
            Err(_) => return Ok(false),
        };
        devices().insert(dev, tells);
        Ok(tells)
    }

    /// Whether a directory is seen to tell capitals from small letters, by the names that it has.
    fn tells_case(&self, dir: &K::File, shown: &Path) -> Result<bool, Error> {
        let names = self.kernel.list(dir).map_err(|errno| Error::call(Action::StatTarget, shown, errno))?;
        Ok(self.tells_case_of(dir, &names, shown)? == Some(true))
    }

    /// The same of one that has these names; `None` if it has none by which that shows.
    fn tells_case_of(&self, dir: &K::File, names: &[OsString], shown: &Path) -> Result<Option<bool>, Error> {
        let copier = &self.entries.copier;
        // Temporaries come and go.
        let are_lasting = names.iter().filter(|name| !name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
        let swapped = are_lasting.filter_map(|name| Some((name, with_case_swapped(Path::new(name))?)));
        let is_there = |name: &Path| names.iter().any(|there| there == name.as_os_str());
        for (name, swapped) in swapped.filter(|(_, swapped)| !is_there(swapped)).take(CASES_MAX) {
            if copier.leads_somewhere(dir, &swapped, shown)? {
                return Ok(Some(false));
            }
            if copier.leads_somewhere(dir, Path::new(name), shown)? {
                return Ok(Some(true));
            }
        }
        Ok(None)
    }

    /// Whether a directory takes two names for one.
    fn takes_for_one(&self, dir: &K::File, one: &OsStr, other: &OsStr, shown: &Path) -> Result<bool, Error> {
        if self.is_folded(dir) == Some(false) {
            return Ok(false);
        }
        let names = names_in(self.kernel, dir).map_err(|errno| Error::call(Action::StatTarget, shown, errno))?;
        let copier = &self.entries.copier;
        let is_there = |name: &OsStr| names.iter().any(|there| there == name);
        match (is_there(one), is_there(other)) {
            (true, true) => Ok(false),
            (true, false) => copier.leads_somewhere(dir, Path::new(other), shown),
            (false, true) => copier.leads_somewhere(dir, Path::new(one), shown),
            (false, false) => {
                let is_case = one.eq_ignore_ascii_case(other);
                let tells_case = if is_case { self.tells_case_of(dir, &names, shown)? } else { None };
                tells_case.map_or_else(|| copier.takes_for_one(dir, one, other, shown), |tells| Ok(!tells))
            }
        }
    }

    /// Whether a directory was told to fold names, on filesystems where only those do that were; `None` where that is not
    /// known.
    fn is_folded(&self, dir: &K::File) -> Option<bool> {
        let magic = self.kernel.filesystem(dir).unwrap_or(Filesystem::UNTOLD);
        match self.kernel.inode_flags(dir) {
            _ if !Filesystem::new(magic).folds_by_flag() => None,
            Ok(flags) => Some(flags & CASEFOLD != 0),
            // tmpfs before Linux 6.6, which had neither flags nor folds.
            Err(Errno::NOTTY) => Some(false),
            Err(_) => None,
        }
    }
}
