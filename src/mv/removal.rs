//! The removal of a source that was copied: of what has its copy, and of nothing else.
//!
//! Somebody may have put something into the source, or written to it, since its copy was made; GNU's mv removes that too.
//! Here each name is compared with its copy once more: there must be one, of the same kind and size, and the source must
//! not have been changed since the copying began but by the removal of its further names, or show the time that its copy has, as
//! exactly as that one is kept, or be a link with its copy's text. What does not is told, and stays.
//! A directory must be one that was entered: what was copied may have been in another that had its name for a moment.
//! Directories are gone through by handles, a component at a time, so that no link leads out; of a deep tree only
//! some are open at once.

use super::destination::Destination;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat, TICK, Timestamp};
use crate::quote::quoted;
use crate::report::{Event, Listener};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// So many directories are open at once at most, each in source and copy.
const OPEN_MAX: usize = 32;

/// Removes sources.
pub(super) struct Removal<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) listener: &'a dyn Listener,
    /// When the copying began.
    pub(super) began: Timestamp,
    pub(super) stop: &'a AtomicBool,
    /// Each name is told.
    pub(super) is_verbose: bool,
    /// So many directories of a tree may be open at once while it is copied.
    pub(super) directories_max: usize,
    /// Whether a directory, with its handle, is one that was copied: another may have had its name then.
    pub(super) is_entered: &'a dyn Fn(&K::File, &Stat) -> bool,
    /// Files that have lost one of their names.
    pub(super) parted: &'a RefCell<Parted>,
}

/// Files that have lost a name of several, which gave each a new ctime, by device and inode number: as they were before that, and when
/// it was done. A file is forgotten with its last name.
#[derive(Default)]
pub(super) struct Parted(BTreeMap<(u64, u64), (Stat, Timestamp)>);

impl Parted {
    /// Notes that a name of a file was removed, which was this before.
    fn note(&mut self, before: &Stat, now: Timestamp) {
        let identity = (before.dev, before.ino);
        if before.has_other_names() {
            self.0.insert(identity, (*before, now));
        } else {
            self.0.remove(&identity);
        }
    }

    /// Whether nothing but that removal has changed a file since. Who writes to it gives it a new time of content.
    fn is_as_left(&self, found: &Stat) -> bool {
        self.0.get(&(found.dev, found.ino)).is_some_and(|(before, then)| {
            let state = |stat: &Stat| (stat.kind, stat.size, stat.mtime, stat.mode, stat.uid, stat.gid);
            state(before) == state(found) && found.ctime <= *then
        })
    }
}

/// A directory of the source, and its copy.
struct Level<F> {
    /// `None` while too many are open.
    open: Option<(F, F)>,
    source: Stat,
    copy: Stat,
    /// In the level above; the operand as it was typed.
    name: PathBuf,
    /// What is left in it to be looked at.
    names: Vec<OsString>,
    /// Nothing in it stays.
    is_empty: bool,
}

impl<K: Kernel> Removal<'_, K> {
    /// Removes an operand that was this when its copying began. What stays of it is told, or is the error.
    pub(super) fn operand(
        &self,
        here: &K::File,
        source: &Path,
        stat: &Stat,
        target: &Destination<'_, K::File>,
    ) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Remove, source, errno);
        let found = self.kernel.stat_anew(None, source).map_err(failed)?;
        if stat.kind != Kind::Directory {
            if !stat.is_unchanged(&found) {
                return Err(changed(source));
            }
            self.kernel.unlink(here, source).map_err(failed)?;
            self.removed(|| source.to_owned(), false);
            return Ok(());
        }
        if !found.is_same_file(stat) {
            return Err(changed(source));
        }
        let copy = self.kernel.stat_at(Some(target.dir), &target.name, false).map_err(failed)?;
        let above = (here, target.dir);
        let top = self.enter(above, (source, &target.name), (&found, &copy)).map_err(failed)?;
        if !self.was_copied(&top) {
            return Err(changed(source));
        }
        self.tree(here, vec![top])
    }

    /// Works a tree off, deepest first.
    fn tree(&self, here: &K::File, mut levels: Vec<Level<K::File>>) -> Result<(), Error> {
        while let Some(level) = levels.last_mut() {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            if let Some(name) = level.names.pop() {
                match self.name(level, Path::new(&name)) {
                    Ok(Occupant::Nothing) => {}
                    Ok(Occupant::Removed) => self.removed(|| shown(&levels, Some(Path::new(&name))), false),
                    Ok(Occupant::Directory(beneath)) => {
                        levels.push(*beneath);
                        if let Some(far) = levels.len().checked_sub(self.open_max() + 1) {
                            levels[far].open = None;
                        }
                    }
                    Err(error) => {
                        level.is_empty = false;
                        self.listener.hear(&Event::Failed(&error.of(|| shown(&levels, Some(Path::new(&name))))));
                    }
                }
                continue;
            }
            let Some(level) = levels.pop() else { break };
            match self.end(here, &mut levels, &level) {
                Ok(is_removed) if is_removed => self.removed(|| shown(&levels, Some(&level.name)), true),
                Ok(_) => {}
                Err(error) => {
                    self.listener.hear(&Event::Failed(&error.of(|| shown(&levels, Some(&level.name)))));
                    if let Some(above) = levels.last_mut() {
                        above.is_empty = false;
                    }
                }
            }
            if levels.last().is_some_and(|above| above.open.is_none()) {
                // Nothing of what is above can be reached any more.
                return Err(changed(&shown(&levels, None)));
            }
        }
        Ok(())
    }

    /// How many levels stay open. One more is for a moment, and its names are read through a handle of their own.
    fn open_max(&self) -> usize {
        (self.directories_max / 2).clamp(1, OPEN_MAX)
    }

    /// Removes a name of a level, or enters it.
    fn name(&self, level: &Level<K::File>, name: &Path) -> Result<Occupant<K::File>, Stays> {
        let Some((source, copy)) = &level.open else { return Err(Stays::Changed) };
        let found = match self.kernel.stat_anew(Some(source), name) {
            Ok(found) => found,
            // Somebody else was faster.
            Err(Errno::NOENT) => return Ok(Occupant::Nothing),
            Err(errno) => return Err(Stays::For(errno)),
        };
        let its_copy = self.kernel.stat_at(Some(copy), name, false).map_err(|errno| match errno {
            // What came into the source meanwhile has no copy.
            Errno::NOENT => Stays::Changed,
            errno => Stays::For(errno),
        })?;
        let is_right = |its_copy: &Stat| {
            self.is_copied(&found, its_copy) || self.has_same_text((source, &found), (copy, its_copy), name)
        };
        let its_copy = if is_right(&its_copy) {
            its_copy
        } else {
            let anew = self.kernel.stat_anew(Some(copy), name).map_err(Stays::For)?;
            if is_right(&anew) { anew } else { return Err(Stays::Changed) }
        };
        if found.kind == Kind::Directory {
            let level = self.enter((source, copy), (name, name), (&found, &its_copy)).map_err(Stays::For)?;
            return if self.was_copied(&level) {
                Ok(Occupant::Directory(Box::new(level)))
            } else {
                Err(Stays::Changed)
            };
        }
        self.kernel.unlink(source, name).map_err(Stays::For)?;
        self.parted.borrow_mut().note(&found, self.kernel.now());
        Ok(Occupant::Removed)
    }

    fn was_copied(&self, level: &Level<K::File>) -> bool {
        level.open.as_ref().is_some_and(|(source, _)| (self.is_entered)(source, &level.source))
    }

    /// Whether a name is what was copied: see the head of this file.
    fn is_copied(&self, source: &Stat, copy: &Stat) -> bool {
        let has_content = matches!(source.kind, Kind::File | Kind::Symlink);
        let is_old = source.ctime.to_nanos() + TICK <= self.began.to_nanos();
        let is_like = source.kind == copy.kind && (!has_content || source.size == copy.size);
        let is_as_left = || self.parted.borrow().is_as_left(source);
        is_like && (is_old || is_as_left() || shows_time(source.mtime, copy.mtime) || source.kind == Kind::Directory)
    }

    /// Whether both are symbolic links with one text, which nobody can change. The removal of one name of a link changes its
    /// other's ctime, and where a server follows links (sshfs 3.7) its copy could not get its time either.
    fn has_same_text(&self, source: (&K::File, &Stat), copy: (&K::File, &Stat), name: &Path) -> bool {
        let flags = OFlags::PATH | OFlags::NOFOLLOW;
        let text = |(dir, stat): (&K::File, &Stat)| {
            let link = self.kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty()).ok()?;
            let is_seen = self.kernel.stat(&link).ok()?.is_same_file(stat);
            self.kernel.readlink(&link).ok().filter(|_| is_seen)
        };
        let are_links = [source.1, copy.1].iter().all(|stat| stat.kind == Kind::Symlink);
        // What cannot be read has not shown that it was copied.
        are_links && text(source).is_some_and(|of_source| text(copy) == Some(of_source))
    }

    fn enter(
        &self,
        (source_above, copy_above): (&K::File, &K::File),
        (source, copy): (&Path, &Path),
        (source_stat, copy_stat): (&Stat, &Stat),
    ) -> crate::kernel::Result<Level<K::File>> {
        let open = |dir, name: &Path, expected: &Stat, extra| {
            let flags = extra | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let file = self.kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty())?;
            if self.kernel.stat(&file)?.is_same_file(expected) { Ok(file) } else { Err(Errno::STALE) }
        };
        let from = open(source_above, source, source_stat, OFlags::RDONLY)?;
        let to = open(copy_above, copy, copy_stat, OFlags::PATH)?;
        let names = self.kernel.list(&from)?;
        let (source_stat, copy_stat) = (*source_stat, *copy_stat);
        let name = source.to_owned();
        Ok(Level { open: Some((from, to)), source: source_stat, copy: copy_stat, name, names, is_empty: true })
    }

    /// Removes a directory that was gone through, if nothing stays in it, and opens the one above again, if it was closed.
    fn end(&self, here: &K::File, levels: &mut [Level<K::File>], level: &Level<K::File>) -> Result<bool, Stays> {
        let Some(above) = levels.last_mut() else {
            return self.remove_directory(here, level);
        };
        if let (None, Some((source, copy))) = (&above.open, &level.open) {
            let open = |below, expected: &Stat, extra| {
                let flags = extra | OFlags::DIRECTORY;
                let up = Path::new("..");
                let file = self.kernel.open(Some(below), up, flags, Mode::empty(), ResolveFlags::empty())?;
                if self.kernel.stat(&file)?.is_same_file(expected) { Ok(file) } else { Err(Errno::STALE) }
            };
            let opened = open(source, &above.source, OFlags::RDONLY)
                .and_then(|source| Ok((source, open(copy, &above.copy, OFlags::PATH)?)));
            above.open = Some(opened.map_err(Stays::For)?);
        }
        if !level.is_empty {
            above.is_empty = false;
        }
        let Some((source, _)) = &above.open else { return Err(Stays::Changed) };
        self.remove_directory(source, level)
    }

    /// Removes a directory in which nothing stays; what does was told.
    fn remove_directory(&self, dir: &K::File, level: &Level<K::File>) -> Result<bool, Stays> {
        if level.is_empty {
            self.kernel.rmdir(dir, &level.name).map_err(Stays::For)?;
        }
        Ok(level.is_empty)
    }

    fn removed(&self, path: impl FnOnce() -> PathBuf, is_directory: bool) {
        if self.is_verbose {
            self.listener.hear(&Event::SourceRemoved { source: &path(), is_directory });
        }
    }
}

/// What was found under a name.
enum Occupant<F> {
    /// Nothing any more.
    Nothing,
    /// What was copied; it is gone.
    Removed,
    /// A directory, which is to be gone through.
    Directory(Box<Level<F>>),
}

/// Why a name stays.
enum Stays {
    /// It is not what was copied.
    Changed,
    /// The kernel's reason.
    For(Errno),
}

impl Stays {
    fn of(self, path: impl FnOnce() -> PathBuf) -> Error {
        match self {
            Stays::Changed => changed(&path()),
            Stays::For(errno) => Error::call(Action::Remove, &path(), errno),
        }
    }
}

/// Whether a copy's time is the source's, cut to the coarsest unit of which it is a multiple.
fn shows_time(source: Timestamp, copy: Timestamp) -> bool {
    (0..copy.unit()).contains(&(source.to_nanos() - copy.to_nanos()))
}

fn changed(path: &Path) -> Error {
    Error::Refused(format!("not removing {}, as it was changed after it was copied", quoted(path)))
}

/// The path of the innermost level, or of a name in it, as the user would write it.
fn shown<F>(levels: &[Level<F>], name: Option<&Path>) -> PathBuf {
    levels.iter().map(|level| level.name.as_path()).chain(name).collect()
}

#[cfg(test)]
mod tests {
    use super::{Parted, shows_time};
    use crate::kernel::{Kind, Stat, Timestamp};

    fn at(seconds: i64, nanos: u32) -> Timestamp {
        Timestamp { seconds, nanos }
    }

    /// The removal of a name is no change, and whatever else happens to a file is one.
    #[test]
    fn a_file_that_lost_a_name_and_nothing_else_is_as_it_was_left() {
        let mut parted = Parted::default();
        let before = Stat {
            dev: 1,
            ino: 2,
            kind: Kind::File,
            mode: 0o644,
            nlink: 3,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 5,
            blocks: 8,
            atime: at(1, 0),
            mtime: at(1, 0),
            ctime: at(1, 0),
        };
        parted.note(&before, at(9, 0));
        let left = Stat { nlink: 2, ctime: at(8, 0), atime: at(8, 0), ..before };
        assert!(parted.is_as_left(&left));
        for other in [
            Stat { ino: 3, ..left },
            Stat { size: 6, ..left },
            Stat { mtime: at(8, 0), ..left },
            Stat { mode: 0o600, ..left },
            Stat { ctime: at(9, 1), ..left },
        ] {
            assert!(!parted.is_as_left(&other), "{other:?}");
        }
        parted.note(&Stat { nlink: 1, ..left }, at(9, 0));
        assert!(!parted.is_as_left(&left), "its number is free");
    }

    #[test]
    fn a_time_is_shown_as_its_filesystem_cuts_it_and_no_other_is() {
        let exact = at(1_000_000_001, 123_456_789);
        for cut in [
            exact,
            at(1_000_000_001, 123_456_700),
            at(1_000_000_001, 123_456_000),
            at(1_000_000_001, 120_000_000),
            at(1_000_000_001, 0),
            at(1_000_000_000, 0),
        ] {
            assert!(shows_time(exact, cut), "{cut:?}");
        }
        for other in [
            at(1_000_000_001, 123_456_788),
            at(1_000_000_001, 123_456_800),
            at(1_000_000_002, 123_456_789),
            at(1_000_000_002, 0),
            at(999_999_998, 0),
        ] {
            assert!(!shows_time(exact, other), "{other:?}");
        }
        assert!(shows_time(at(-2, 500_000_000), at(-2, 0)), "before 1970");
        assert!(!shows_time(at(1_000_000_003, 0), at(1_000_000_001, 0)));
    }
}
