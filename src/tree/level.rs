//! One directory of a tree: the source's handle, the target's, and what is set on the target once
//! everything in it is done.
//!
//! Work on the names of a directory shares its level; whoever lets go of it last finishes the
//! directory and lets go of the one above. So a directory's times are set after its last entry, and
//! no list of directories is kept.

use super::ending::Bounds;
use super::handles::{Directories, Handles, Pair};
use super::overwrite::check_kinds;
use super::plan::without_trailing_slashes;
use super::spellings::Spellings;
use super::walk::Entry;
use crate::copy::attributes::{AttributedFile, Fresh, KnownAttributes};
use crate::copy::backup::Leaves;
use crate::copy::{Copier, Follow, Name, Origin, TargetDirectory};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, Stat};
use crate::options::{Backup, Dereference};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A directory that is being copied.
pub struct Level<K: Kernel> {
    /// The level above; `None` for an operand.
    pub above: Option<Arc<Level<K>>>,
    /// The directory in which the targets of all operands lie.
    pub base: Arc<K::File>,
    pub(super) handles: Arc<Handles<K>>,
    names: NameSource,
    /// The source as it was when it was opened.
    pub from: Stat,
    /// The target was made by this run.
    pub made: bool,
    /// The mode that an inherited access control list gave it, where that was too little to work in.
    pub made_mode: Option<u32>,
    /// The names in it that have come up.
    pub(super) spellings: Spellings,
    /// Whether the target takes several spellings of a name for one, once that was asked.
    pub(super) is_folded: OnceLock<Option<bool>>,
    /// The target, as a directory in which targets are made.
    pub target_directory: TargetDirectory,
    /// The source, as a directory in which sources are found.
    pub origin: Option<Origin>,
}

/// What a level is called. No level has whole paths but where they begin: with them, memory would grow with the square
/// of a tree's depth.
enum NameSource {
    /// By the same component as its source, beneath the level above.
    Beneath(OsString),
    /// As it was typed: an operand, or a directory of --parents.
    Typed(Box<TypedNames>),
}

struct TypedNames {
    /// The source as the user would write it.
    source_shown: PathBuf,
    /// The target as the user would write it.
    target_shown: PathBuf,
    /// The target's path beneath the directory in which all operands' targets lie.
    path: PathBuf,
}

impl<K: Kernel> Level<K> {
    /// The source's name as the user would write it.
    #[must_use]
    pub fn source_shown(&self) -> PathBuf {
        self.composed(None, |typed| without_trailing_slashes(&typed.source_shown))
    }

    /// The target's name as the user would write it.
    #[must_use]
    pub fn target_shown(&self) -> PathBuf {
        self.composed(None, |typed| without_trailing_slashes(&typed.target_shown))
    }

    /// The target's path beneath the directory of all targets.
    pub(super) fn path(&self) -> PathBuf {
        self.composed(None, |typed| &typed.path)
    }

    /// The component by which it is found in the level above, in source and target; that of an operand is empty.
    pub(super) fn component(&self) -> &Path {
        match &self.names {
            NameSource::Beneath(name) => Path::new(name),
            NameSource::Typed(_) => Path::new(""),
        }
    }

    /// The target's path in the directory that it is found in: that of the level above, or of all targets.
    pub(super) fn place(&self) -> &Path {
        match &self.names {
            NameSource::Beneath(name) => Path::new(name),
            NameSource::Typed(typed) => &typed.path,
        }
    }

    /// The operand that it belongs to, or itself.
    pub(super) fn top(&self) -> &Self {
        let mut level = self;
        while let (NameSource::Beneath(_), Some(above)) = (&level.names, &level.above) {
            level = above;
        }
        level
    }

    /// Whether its handles may be closed for a while: it is found again in the level above.
    pub(super) fn is_beneath_another(&self) -> bool {
        matches!(self.names, NameSource::Beneath(_))
    }

    /// The path of this level, and of `name` in it, from what was typed on.
    fn composed(&self, name: Option<&OsStr>, typed: impl Fn(&TypedNames) -> &Path) -> PathBuf {
        let begin = match &self.top().names {
            NameSource::Typed(names) => typed(names),
            NameSource::Beneath(name) => Path::new(name),
        };
        let begin = begin.as_os_str().as_bytes();
        let length = self.upward(name).map(|name| name.len() + 1).sum::<usize>();
        let is_apart = begin.is_empty() || begin.ends_with(b"/");
        let mut end = begin.len() + length - usize::from(is_apart && length > 0);
        // A file has three such paths: one piece of memory for each, filled from its end.
        let mut path = Vec::with_capacity(end);
        path.extend_from_slice(begin);
        path.resize(end, b'/');
        for name in self.upward(name) {
            path[end - name.len()..end].copy_from_slice(name.as_bytes());
            end = (end - name.len()).saturating_sub(1);
        }
        PathBuf::from(OsString::from_vec(path))
    }

    /// The components from `name` up to what was typed, which is not among them.
    fn upward<'l>(&'l self, name: Option<&'l OsStr>) -> impl Iterator<Item = &'l OsStr> {
        let levels = std::iter::successors(Some(self), |level| level.above.as_deref());
        let beneath = levels.map_while(|level| match (&level.names, &level.above) {
            (NameSource::Beneath(name), Some(_)) => Some(name.as_os_str()),
            (NameSource::Beneath(_), None) | (NameSource::Typed(_), _) => None,
        });
        name.into_iter().chain(beneath)
    }
}

/// Where a directory comes from and where it goes.
pub struct DirectoryPair<'a, F> {
    /// The source.
    pub source: Name<'a, F>,
    /// The target.
    pub target: Name<'a, F>,
    /// The target's path beneath the directory of all targets, for what is found by a path that was typed; `None` for
    /// what lies beneath another level, which it is looked up in.
    pub path: Option<PathBuf>,
}

/// Why a directory is not entered.
pub enum NotEntered {
    /// It is the target that is being made.
    IntoItself,
    /// It is the directory that was named, which it lies in, and no link led there.
    Operand,
    /// It is another directory that it lies in, or a link led there.
    Cycle,
    /// It failed.
    For(Error),
}

impl From<Error> for NotEntered {
    fn from(error: Error) -> Self {
        NotEntered::For(error)
    }
}

impl<K: Kernel> Copier<'_, K> {
    /// Opens a source directory and makes or opens its target. `refuse` tells of an opened source
    /// whether it is not to be entered, before anything is made.
    pub(super) fn enter(
        &self,
        directory_pair: &DirectoryPair<'_, K::File>,
        above: Option<&Arc<Level<K>>>,
        base: &Arc<K::File>,
        directories: &Directories<K>,
        refuse: impl Fn(&Stat) -> Option<NotEntered>,
    ) -> Result<Level<K>, NotEntered> {
        let DirectoryPair { source: from, target: to, path } = directory_pair;
        let access = |errno| Error::call(Action::Access, from.shown, errno);
        let source = self.directory_handle(from).map_err(|errno| {
            let inspected = self.kernel.stat_at(from.dir, from.name, from.follow != Follow::No);
            inspected.map_or_else(|errno| Error::call(Action::StatSource, from.shown, errno), |_| access(errno))
        })?;
        let stat = self.kernel.stat(&source).map_err(access)?;
        if let Some(refusal) = refuse(&stat) {
            return Err(refusal);
        }
        let made = self.make_directory(from, &stat, to)?;
        let target = self.open_directory(from, &stat, to, path.is_none())?;
        let base_inherits = || self.hands_down_list(base, self.kernel.stat(base).ok().as_ref());
        let above_inherits = above.map_or_else(base_inherits, |above| above.target_directory.inherits);
        let made_mode = if made && above_inherits { self.open_up(&target, to)? } else { None };
        let target_directory = self.target_directory(&target);
        let origin = self.origin(&source, &stat);
        let names = match path {
            None => NameSource::Beneath(from.name.as_os_str().to_owned()),
            Some(path) => NameSource::Typed(Box::new(TypedNames {
                source_shown: from.shown.to_owned(),
                target_shown: to.shown.to_owned(),
                path: path.clone(),
            })),
        };
        Ok(Level {
            above: above.cloned(),
            base: Arc::clone(base),
            handles: directories.handles(directories.pair(source, target)),
            names,
            from: stat,
            made,
            made_mode,
            spellings: Spellings::default(),
            is_folded: OnceLock::new(),
            target_directory,
            origin,
        })
    }

    /// Gives the owner the rights that an access control list from the directory above took away, to
    /// work in a directory that was just made. Returns the mode it had, if that was changed.
    fn open_up(&self, target: &K::File, to: &Name<'_, K::File>) -> Result<Option<u32>, Error> {
        let failed = |errno| Error::call(Action::PreserveMode, to.shown, errno);
        let mode = self.kernel.stat(target).map_err(failed)?.mode;
        if mode & 0o700 == 0o700 {
            return Ok(None);
        }
        self.kernel.chmod(target, mode | 0o700).map_err(failed)?;
        Ok(Some(mode))
    }

    /// Makes the target directory, closed to others until it is finished; false if it is there.
    fn make_directory(&self, from: &Name<'_, K::File>, stat: &Stat, to: &Name<'_, K::File>) -> Result<bool, Error> {
        let failed = |errno| Error::call(Action::CreateDirectory, to.shown, errno);
        let preserve = &self.options.preserve;
        let mode = if preserve.closes_until_done() { 0o700 } else { self.directory_mode(stat) | 0o700 };
        let dir = to.directory().map_err(failed)?;
        let make = || self.kernel.mkdir(dir, to.name, Mode::from_raw_mode(mode));
        match make() {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) if self.options.backup != Backup::No => {
                let found = self.stat_target(to, to.follow != Follow::No)?;
                if found.is_none_or(|found| found.kind == Kind::Directory) {
                    return Ok(false);
                }
                // With backups, and only then, a directory may take the place of something else.
                let commit = |_| make();
                self.take_over(to, Leaves::Before, commit, failed).map(|_| true)
            }
            Err(Errno::EXIST) => Ok(false),
            // Nobody looks for a way in through what is no directory.
            Err(Errno::NOTDIR) => Err(Error::call(Action::StatTarget, to.shown, Errno::NOTDIR)),
            Err(errno) => {
                let found = self.stat_target(to, false).ok().flatten();
                found.map_or(Ok(()), |found| check_kinds(stat, &found, from.shown, to.shown))?;
                Err(failed(errno))
            }
        }
    }

    /// The permission bits a new directory asks for where none are preserved, before the umask.
    fn directory_mode(&self, from: &Stat) -> u32 {
        let bits = if self.options.preserve.default_mode { 0o777 } else { from.mode & 0o777 };
        bits | from.mode & 0o1000
    }

    /// A handle to look names up in; one of O_PATH for a directory that may be searched and not read,
    /// whose attributes then have to be reached through /proc.
    pub(super) fn directory_handle(&self, name: &Name<'_, K::File>) -> crate::kernel::Result<K::File> {
        match name.open(self.kernel, OFlags::RDONLY | OFlags::DIRECTORY) {
            Err(Errno::ACCESS) => name.open(self.kernel, OFlags::PATH | OFlags::DIRECTORY),
            opened => opened,
        }
    }

    /// Opens the target directory. The links of a tree are those of who may write there; `is_inside` tells that it is
    /// within one.
    fn open_directory(
        &self,
        from: &Name<'_, K::File>,
        stat: &Stat,
        to: &Name<'_, K::File>,
        is_inside: bool,
    ) -> Result<K::File, Error> {
        let failed = |errno| Error::call(Action::CreateDirectory, to.shown, errno);
        let ending = match self.options.keep_directory_symlink && is_inside {
            true => self.ending_within(to.directory().map_err(failed)?, to.name, to.shown, Bounds::Open),
            false => Ok(None),
        };
        let ending = match ending {
            // Told below as what it is.
            Err(Error::Call { errno: Errno::LOOP | Errno::NOTDIR, .. }) => None,
            ending => ending?,
        };
        let opened = match &ending {
            Some(ending) => Name::within(&ending.dir, &ending.name, to.shown),
            None if is_inside => *to,
            None => self.directory_name(to),
        };
        match self.directory_handle(&opened) {
            Ok(target) => Ok(target),
            Err(errno @ (Errno::NOTDIR | Errno::LOOP | Errno::NOENT)) => {
                let found = self.stat_target(to, false)?.ok_or_else(|| failed(errno))?;
                check_kinds(stat, &found, from.shown, to.shown)?;
                Err(failed(errno))
            }
            Err(errno) => Err(failed(errno)),
        }
    }

    /// A target directory's name, with the rule about links that lead to one.
    pub(super) fn directory_name<'n>(&self, to: &Name<'n, K::File>) -> Name<'n, K::File> {
        to.following(if self.options.keep_directory_symlink { Follow::Yes } else { to.follow })
    }

    /// Sets what is preserved of a directory whose entries are all done; one that was made has to be where it can outlive a power
    /// loss, with --durable. Returns what could not be kept.
    pub(super) fn leave(&self, level: &Level<K>, pair: &Pair<K>) -> Vec<Error> {
        let (source_shown, target_shown) = (level.source_shown(), level.target_shown());
        let preserve = &self.options.preserve;
        let wanted = self.directory_mode(&level.from);
        let default_mode = level.made_mode.map_or(wanted & !self.options.umask, |made| made & wanted);
        let private = preserve.closes_until_done() || default_mode & 0o700 != 0o700;
        // A directory within one that gives its group has the set-group-ID bit from the kernel.
        let gives_group = if level.made && (private || preserve.default_mode) {
            self.kernel.stat(&pair.target).map_or(0, |made| made.mode & 0o2000)
        } else {
            0
        };
        let fresh = if level.made {
            Fresh::Made { private, default_mode: default_mode | gives_group, inherits: level.target_directory.inherits }
        } else {
            Fresh::Old
        };
        let tells_lists = self.tells_lists(level.origin, &level.from);
        let known = KnownAttributes::default();
        let source = AttributedFile { file: &pair.source, shown: &source_shown, known, tells_lists };
        let target = AttributedFile { file: &pair.target, shown: &target_shown, known, tells_lists: false };
        let mut complaints = self.attributes().carry(&source, &level.from, &target, fresh);
        if self.options.durable && level.made {
            complaints.extend(self.must_keep(&pair.target, &target_shown).err());
        }
        complaints
    }

    /// How names inside a tree are looked up in the source.
    pub(super) fn follow_inside(&self) -> Follow {
        match self.options.dereference {
            Dereference::Never | Dereference::CommandLine => Follow::No,
            Dereference::Always => Follow::Yes,
        }
    }
}

/// A name in a level, waiting for its turn.
///
/// Cloning shares the level; the last one goes through the run, which finishes the directory.
pub struct Task<K: Kernel> {
    /// The directory it is in.
    pub level: Arc<Level<K>>,
    /// What the walk said of it.
    pub entry: Entry,
}

impl<K: Kernel> Clone for Task<K> {
    fn clone(&self) -> Self {
        Self { level: Arc::clone(&self.level), entry: self.entry.clone() }
    }
}

impl<K: Kernel> Task<K> {
    /// The source's name for messages.
    #[must_use]
    pub fn source_shown(&self) -> PathBuf {
        self.level.composed(Some(&self.entry.name), |typed| without_trailing_slashes(&typed.source_shown))
    }

    /// The target's name for messages.
    #[must_use]
    pub fn target_shown(&self) -> PathBuf {
        self.level.composed(Some(&self.entry.name), |typed| without_trailing_slashes(&typed.target_shown))
    }

    /// Its path beneath the directory of all targets.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.level.composed(Some(&self.entry.name), |typed| &typed.path)
    }

    /// Its path beneath the operand's own target.
    pub(super) fn path_below_top(&self) -> PathBuf {
        self.level.composed(Some(&self.entry.name), |_| Path::new(""))
    }

    /// What the walk took it for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.entry.kind
    }

    /// The component that both names end in.
    #[must_use]
    pub fn name(&self) -> &Path {
        Path::new(&self.entry.name)
    }
}
