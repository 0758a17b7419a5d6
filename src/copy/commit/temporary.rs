//! A file on its way to a target's name, under a temporary one or none.

use super::Claim;
use super::spot::Spot;
use crate::copy::stale_temporary::NamedFor;
use crate::kernel::{Errno, Kernel, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// Where a verified copy lies if its target's directory takes none: nobody else sees a file without a name.
pub(in crate::copy) const ELSEWHERE: [&str; 2] = ["/var/tmp", "/tmp"];

/// A file that does not have its target's name yet. Dropping it removes its temporary name, unless it is a part that a later
/// run can go on with.
pub(crate) struct Temporary<'a, K: Kernel> {
    spot: Spot<'a, K>,
    name: Option<PathBuf>,
    file: Option<K::File>,
    kept: Option<PartOrigin>,
    site: Site,
}

/// Where a file lies that is to become a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    /// In the target's directory, under a temporary name or none.
    Beside,
    /// Under the target's own name.
    Own,
    /// In this directory for temporary files, without a name.
    Elsewhere(&'static str),
}

/// Where a part comes from, which stays whatever ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartOrigin {
    /// This run has begun it.
    Begun,
    /// An earlier run has left it, with bytes in it.
    Found,
}

/// A temporary whose directory's handle is not at hand.
pub(crate) struct Detached<F> {
    pub(in crate::copy) name: Option<PathBuf>,
    /// Open for reading and writing.
    pub(crate) file: F,
}

impl<'a, K: Kernel> Temporary<'a, K> {
    /// Makes an empty file, open for reading and writing, in the directory. It has no name, and the
    /// mode `nameless`, where that is asked for and the filesystem can do it; else a temporary name, and the mode
    /// `named`. Both are less the umask.
    pub(crate) fn create(spot: Spot<'a, K>, named: Mode, nameless: Option<Mode>) -> crate::kernel::Result<Self> {
        let Some(mode) = nameless else { return Self::create_named(spot, named) };
        match Self::create_nameless(spot, Some(spot.dir), Path::new("."), mode) {
            // EISDIR and ENOENT come from kernels and network filesystems that do not know the flag. What a filter
            // refuses may go without it.
            Err(Errno::ISDIR | Errno::NOENT) => Self::create_named(spot, named),
            Err(errno) if spot.is_refused(errno) => Self::create_named(spot, named),
            made => made,
        }
    }

    /// Makes an empty file that is to hold a verified copy for a while, and that only this user can open: without a name
    /// in the directory; with one, where that lets `target` and so the name go again; else without one in a directory for
    /// temporary files. The error is that of the directory.
    pub(in crate::copy) fn create_beside(spot: Spot<'a, K>, target: &Path) -> crate::kernel::Result<Self> {
        let mode = Mode::from_raw_mode(0o600);
        let mut made = Self::create_nameless(spot, Some(spot.dir), Path::new("."), mode);
        if !matches!(made, Ok(_) | Err(Errno::NOSPC | Errno::DQUOT)) && spot.lets_go(target).is_ok() {
            made = Self::create_named(spot, mode);
        }
        match made {
            Err(errno) if !matches!(errno, Errno::NOSPC | Errno::DQUOT) => Self::create_elsewhere(spot, errno),
            made => made,
        }
    }

    /// Makes one without a name in a directory for temporary files, after the target's answered with `refusal`, which is the error
    /// if there is none. It gets a name there if nothing else is left in the end.
    pub(in crate::copy) fn create_elsewhere(spot: Spot<'a, K>, refusal: Errno) -> crate::kernel::Result<Self> {
        let mode = Mode::from_raw_mode(0o600);
        let make = |path| {
            let mut made = Self::create_nameless(spot, None, Path::new(path), mode).ok()?;
            made.site = Site::Elsewhere(path);
            Some(made)
        };
        ELSEWHERE.into_iter().find_map(make).ok_or(refusal)
    }

    /// Makes the target under its own name, which has to be free, for this user alone.
    pub(in crate::copy) fn create_own(spot: Spot<'a, K>, target: &Path) -> crate::kernel::Result<Self> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file =
            spot.kernel.open(Some(spot.dir), target, flags, Mode::from_raw_mode(0o600), ResolveFlags::empty())?;
        Ok(Self { spot, name: Some(target.to_owned()), file: Some(file), kept: None, site: Site::Own })
    }

    /// Makes an empty file for this user alone, under a name that no later run takes for a leftover.
    pub(in crate::copy) fn create_plain(spot: Spot<'a, K>) -> crate::kernel::Result<Self> {
        let make = |name: &Path| spot.make(name, OFlags::RDWR, Mode::from_raw_mode(0o600));
        let (name, file) = spot.with_plain_name(make)?;
        Ok(Self { spot, name: Some(name), file: Some(file), kept: None, site: Site::Beside })
    }

    /// A file that is there and is to have a further name in the directory.
    pub(crate) fn further(spot: Spot<'a, K>, file: K::File) -> Self {
        Self { spot, name: None, file: Some(file), kept: None, site: Site::Beside }
    }

    /// A part, under the name that it has.
    pub(in crate::copy) fn part(spot: Spot<'a, K>, name: PathBuf, file: K::File, kept: PartOrigin) -> Self {
        Self { spot, name: Some(name), file: Some(file), kept: Some(kept), site: Site::Beside }
    }

    /// Where it comes from, if it is a part.
    pub(in crate::copy) fn kept(&self) -> Option<PartOrigin> {
        self.kept
    }

    /// Has it go with this run, and returns why: bytes of it found no place on the disk. That is said once. A later fsync succeeds, and
    /// until the pages are given up they read as what was written (errseq_t, since Linux 4.13).
    pub(in crate::copy) fn forsaken<E>(&mut self, why: E) -> E {
        self.kept = None;
        why
    }

    fn create_nameless(
        spot: Spot<'a, K>,
        dir: Option<&K::File>,
        path: &Path,
        mode: Mode,
    ) -> crate::kernel::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR;
        let file = spot.kernel.open(dir, path, flags, mode, ResolveFlags::empty())?;
        Ok(Self { spot, name: None, file: Some(file), kept: None, site: Site::Beside })
    }

    fn create_named(spot: Spot<'a, K>, mode: Mode) -> crate::kernel::Result<Self> {
        let make = |name: &Path| spot.make(name, OFlags::RDWR, mode);
        let (name, file) = spot.with_free_name(NamedFor::Made(spot.kernel.now()), make)?;
        let mut temporary = Self { spot, name: Some(name), file: Some(file), kept: None, site: Site::Beside };
        if !temporary.is_held()? {
            temporary.remove_or_note()?;
            let (name, file) = spot.with_plain_name(make)?;
            (temporary.name, temporary.file) = (Some(name), Some(file));
        } else if let of @ NamedFor::Inode(..) = NamedFor::file(spot.kernel, temporary.file()) {
            temporary.name = temporary.name.take().map(|name| spot.renamed(name, of));
        }
        Ok(temporary)
    }

    /// Whether a file that was just made has its name and this run's lock: another run may have taken it for a dead
    /// one's in between. Where locks do not hold for everyone nobody goes by them.
    fn is_held(&self) -> crate::kernel::Result<bool> {
        if !self.spot.is_local {
            return Ok(true);
        }
        match self.spot.kernel.lock(self.file()) {
            Ok(()) => Ok(self.spot.kernel.stat(self.file())?.nlink > 0),
            Err(_) => Ok(false),
        }
    }

    /// The open file.
    pub(crate) fn file(&self) -> &K::File {
        self.file.as_ref().expect("a temporary has its file until it is closed")
    }

    /// Takes the file out of its directory's hands, for a while or for good. Nothing is removed on drop then.
    pub(crate) fn detach(mut self) -> Detached<K::File> {
        let file = self.file.take().expect("a temporary has its file until it is closed");
        Detached { name: self.name.take(), file }
    }

    /// The same file again, in the directory that it was made in.
    pub(crate) fn attach(spot: Spot<'a, K>, detached: Detached<K::File>) -> Self {
        Self { spot, name: detached.name, file: Some(detached.file), kept: None, site: Site::Beside }
    }

    /// The open file, to be closed: what close says comes too late to undo anything.
    pub(crate) fn into_file(mut self) -> K::File {
        self.file.take().expect("a temporary has its file until it is closed")
    }

    /// Whether that error says that it cannot be given a name, since it has none.
    pub(crate) fn lacks_link(&self, errno: Errno) -> bool {
        self.name.is_none() && self.spot.lacks_link(errno)
    }

    /// Whether it has the target's own name.
    pub(in crate::copy) fn is_own(&self) -> bool {
        self.site == Site::Own
    }

    /// Whether it lies where nothing can give it a name beside the target.
    pub(in crate::copy) fn is_elsewhere(&self) -> bool {
        matches!(self.site, Site::Elsewhere(_))
    }

    /// Its temporary name, if it has one.
    pub(in crate::copy) fn name(&self) -> Option<&Path> {
        self.name.as_deref()
    }

    /// Gives it a temporary name, if it has none. `number` is its inode number, where that is known.
    pub(crate) fn give_name(&mut self, number: Option<u64>) -> crate::kernel::Result<()> {
        if self.name.is_none() {
            let Spot { kernel, is_local, .. } = self.spot;
            // That of an open file stays on filesystems of this machine.
            let number = number.filter(|_| is_local);
            self.name = Some(self.linked(NamedFor::numbered(kernel, self.file(), number))?);
        }
        Ok(())
    }

    /// A new name of the file.
    fn linked(&self, of: NamedFor) -> crate::kernel::Result<PathBuf> {
        let Spot { kernel, dir, is_local, .. } = self.spot;
        let link = |name: &Path| kernel.link(self.file(), dir, name);
        // Locked before it has a name, so that nobody takes it for a dead run's.
        let is_held = !is_local || kernel.lock(self.file()).is_ok();
        let made = if is_held { self.spot.with_free_name(of, link) } else { self.spot.with_plain_name(link) };
        made.map(|(name, ())| name)
    }

    /// Gives the file the name of `old`, which goes. The two names are exchanged, so that what had the target's is looked at
    /// when nobody can put anything else there any more: what `is_known` does not know gets its name back, and the error is
    /// EEXIST. Where names cannot be exchanged, the look is just before the rename.
    pub(crate) fn commit_over(
        &mut self,
        target: &Path,
        old: &K::File,
        is_known: impl Fn(&Stat) -> bool,
    ) -> crate::kernel::Result<()> {
        let Spot { kernel, dir, .. } = self.spot;
        let of = NamedFor::exchange(kernel, self.file(), old);
        let name = match self.name.take() {
            Some(name) => self.spot.renamed(name, of),
            None => self.linked(of)?,
        };
        self.name = Some(name.clone());
        let rename = |flags| kernel.rename(dir, &name, dir, target, flags);
        let look = |name: &Path| match kernel.stat_at(Some(dir), name, false) {
            Ok(found) if is_known(&found) => Ok(()),
            Ok(_) => Err(Errno::EXIST),
            Err(errno) => Err(errno),
        };
        match rename(RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(errno) if self.spot.is_refused(errno) => {
                look(target)?;
                rename(RenameFlags::empty())?;
                self.name = None;
                return Ok(());
            }
            Err(errno) => return Err(errno),
        }
        // What has the temporary name now is not to be removed by this one's end.
        self.name = None;
        match look(&name) {
            Ok(()) => self.spot.remove(&name),
            Err(errno) => {
                rename(RenameFlags::EXCHANGE)?;
                self.name = Some(name);
                Err(errno)
            }
        }
    }

    /// Gives the file the name `target` in its directory. On an error that has what it had. A temporary name that could then not be
    /// removed is noted.
    pub(crate) fn commit(&mut self, target: &Path, claim: Claim) -> crate::kernel::Result<()> {
        let Spot { kernel, dir, .. } = self.spot;
        match (claim, &self.name) {
            (Claim::New, Some(_)) if self.is_own() => {}
            (Claim::New, None) => kernel.link(self.file(), dir, target)?,
            (Claim::New, Some(name)) => {
                let is_linked = Cell::new(false);
                let link = || kernel.link(self.file(), dir, target).inspect(|()| is_linked.set(true));
                match self.spot.rename_to_free(name, target, link) {
                    // It has the target's name, and one beside it that stays: to make it once more would not help.
                    Err(errno) if is_linked.get() => self.spot.names.strays.note(name, errno),
                    named => named?,
                }
            }
            (Claim::Over, _) => {
                self.give_name(None)?;
                let name = self.name.as_deref().expect("a temporary that was given a name");
                kernel.rename(dir, name, dir, target, RenameFlags::empty())?;
            }
        }
        self.name = None;
        Ok(())
    }

    /// Gives it a name that no later run takes for a leftover, and leaves it there: in its directory, or by its path in the one for
    /// temporary files where it lies. What can have no other name stays under the one that it has. `None` if it has none and gets none.
    pub(in crate::copy) fn keep(&mut self) -> Option<PathBuf> {
        let Spot { kernel, dir, .. } = self.spot;
        match (self.site, self.name.take()) {
            (Site::Elsewhere(path), _) => self.named_elsewhere(Path::new(path)).ok(),
            (_, None) => self.linked_plainly(dir).ok(),
            (_, Some(old)) => {
                let rename = |name: &Path| kernel.rename(dir, &old, dir, name, RenameFlags::empty());
                let renamed = self.spot.with_plain_name(rename);
                Some(renamed.map_or(old, |(name, ())| name))
            }
        }
    }

    fn named_elsewhere(&self, path: &Path) -> crate::kernel::Result<PathBuf> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let dir = self.spot.kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty())?;
        Ok(path.join(self.linked_plainly(&dir)?))
    }

    /// The name in its directory, under which it stays.
    pub(in crate::copy) fn stay(mut self) -> Option<PathBuf> {
        self.name.take()
    }

    /// A name in the directory that nobody takes for a leftover.
    fn linked_plainly(&self, dir: &K::File) -> crate::kernel::Result<PathBuf> {
        let kernel = self.spot.kernel;
        let link = |name: &Path| kernel.link(self.file(), dir, name);
        self.spot.with_plain_name(link).map(|(name, ())| name)
    }

    /// The open file, which keeps the name that it has.
    pub(in crate::copy) fn into_named(mut self) -> K::File {
        self.name = None;
        self.into_file()
    }

    /// Removes its temporary name, if it has one.
    pub(crate) fn remove(&mut self) -> crate::kernel::Result<()> {
        match self.name.take() {
            Some(name) if self.is_own() && !self.is_shown_by(&name)? => Ok(()),
            Some(name) => self.spot.remove(&name),
            None => Ok(()),
        }
    }

    /// The same; a name that stays is noted, for whoever hears the reason does not hear the name.
    fn remove_or_note(&mut self) -> crate::kernel::Result<()> {
        let Some(name) = self.name.clone() else { return Ok(()) };
        self.remove().inspect_err(|errno| self.spot.names.strays.note(&name, *errno))
    }

    /// Whether a name that others could have put something else under shows this file.
    fn is_shown_by(&self, name: &Path) -> crate::kernel::Result<bool> {
        let Some(file) = &self.file else { return Ok(false) };
        self.spot.shows(name, file)
    }
}

impl<K: Kernel> Drop for Temporary<'_, K> {
    fn drop(&mut self) {
        // A part of which nothing was written is of no use to anybody.
        let holds = |file: &K::File| self.spot.kernel.stat(file).is_ok_and(|stat| stat.size > 0);
        if self.kept.is_some() && self.file.as_ref().is_some_and(holds) {
            return;
        }
        // The copy has failed already and its reason is on its way.
        self.remove_or_note().unwrap_or(());
    }
}
