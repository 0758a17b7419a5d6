//! The directory in which the shares of one copy keep what they have done: the plan, and a log for each share.
//!
//! It lies in the target, unless the user names a place for it, and is gone when the copy is finished. What stands in it decides what is
//! called verified, and whose command line the end follows; so it must be this user's alone.

use super::About;
use super::directory::{make, open, place};
use super::plan::Plan;
use super::written::write_out;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, RenameFlags, ResolveFlags};
use crate::quote::quoted;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

/// Its name in the target.
pub const NAME: &str = ".safecp-shards";

/// The plan's name in it.
const PLAN: &str = "plan";

/// The plan's name where nothing is left to do but to remove all that is here.
const FINISHED: &str = "finished";

/// Rights of others than the owner.
const OTHERS: u32 = 0o077;

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lies {
    /// In the target.
    Within,
    /// Beside the target, while the copy is being finished: what goes from the target afterwards would change its time.
    Beside,
    /// Where the user wants it.
    Elsewhere,
}

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Shares work, or the end is not reached.
    Shares,
    /// The records are to be removed.
    Removal,
}

/// What there is of the records of a copy.
pub(super) enum Records<'a, K: Kernel> {
    /// A state directory with its plan.
    Open(State<'a, K>),
    /// A directory beside the target, of which all was removed but itself.
    Emptied { dir: K::File, shown: PathBuf },
}

/// A state directory that is open.
pub struct State<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) dir: K::File,
    pub(super) shown: PathBuf,
    pub(super) lies: Lies,
    pub(super) stage: Stage,
    /// What the shares have in common.
    pub plan: Plan,
}

impl<'a, K: Kernel> State<'a, K> {
    /// Opens it for a share of this plan, and makes it where there is none.
    pub(super) fn begin(kernel: &'a K, about: &About, plan: &Plan, user: u32) -> Result<Self, Error> {
        let (shown, lies) = match &about.state {
            Some(state) => (state.clone(), Lies::Elsewhere),
            None => (about.target.join(NAME), Lies::Within),
        };
        let ending = || being_finished(&about.target);
        if lies == Lies::Within && Self::open_beside(kernel, &about.target)?.is_some() {
            return Err(ending());
        }
        let dir = make(kernel, &shown)?;
        if lies == Lies::Within && Self::open_beside(kernel, &about.target)?.is_some() {
            // An end has taken the records out of the target meanwhile. What was made in their place is empty; where it is not, or is
            // not there, another share has seen the same, or that end has brought them back.
            let (above, name) = place(kernel, &shown)?;
            kernel.rmdir(&above, &name).unwrap_or(());
            return Err(ending());
        }
        check_owner(kernel, &dir, &shown, user)?;
        if read_plan(kernel, &dir, &shown)?.is_none() {
            write_plan(kernel, &dir, &shown, plan)?;
        }
        let found = read_plan(kernel, &dir, &shown)?;
        let (found, stage) = found.ok_or_else(|| Error::call(Action::Read, &shown, Errno::NOENT))?;
        if stage == Stage::Removal {
            return Err(ending());
        }
        if found.id != plan.id {
            let what = "records of another copy: its sources, target, options or number of shards differ";
            let shown = quoted(&shown);
            return Err(Error::Refused(format!("{shown} has {what}; finish that one, or remove {shown}")));
        }
        Ok(Self { kernel, dir, shown, lies, stage, plan: found })
    }

    /// Opens the one of a copy that shares have begun. `None` where only its removal had not come to the end, and has now.
    pub fn open(kernel: &'a K, about: &About, user: u32) -> Result<Option<Self>, Error> {
        match Self::look(kernel, about, user)? {
            Records::Open(state) if state.stage == Stage::Removal && state.lies == Lies::Beside => {
                if !Self::is_begun_again(kernel, about)? {
                    return Ok(Some(state));
                }
                state.remove()?;
            }
            Records::Open(state) => return Ok(Some(state)),
            Records::Emptied { dir, shown } => {
                // Shares that came while it was being emptied may have left logs, in which nothing stands.
                let (above, name) = place(kernel, &shown)?;
                let removed = empty(kernel, &dir).and_then(|()| kernel.rmdir(&above, &name));
                removed.map_err(|errno| Error::call(Action::Remove, &shown, errno))?;
                if !Self::is_begun_again(kernel, about)? {
                    return Ok(None);
                }
            }
        }
        Self::open(kernel, about, user)
    }

    /// Whether the target has records of its own, besides those of a copy that is finished, whose removal a loss of power has undone.
    fn is_begun_again(kernel: &K, about: &About) -> Result<bool, Error> {
        let shown = about.target.join(NAME);
        match open(kernel, &shown) {
            Ok(dir) => Ok(read_plan(kernel, &dir, &shown)?.is_some()),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(Error::call(Action::Access, &shown, errno)),
        }
    }

    /// Opens it, and changes nothing.
    pub(super) fn look(kernel: &'a K, about: &About, user: u32) -> Result<Records<'a, K>, Error> {
        let (opened, shown, lies) = match &about.state {
            Some(state) => (open(kernel, state), state.clone(), Lies::Elsewhere),
            None => match Self::open_beside(kernel, &about.target)? {
                Some((dir, shown)) => (Ok(dir), shown, Lies::Beside),
                None => (open(kernel, &about.target.join(NAME)), about.target.join(NAME), Lies::Within),
            },
        };
        let target = quoted(&about.target);
        let nothing =
            || Error::Refused(format!("{target} has no records of shards: none has begun, or all is finished"));
        let dir = match opened {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return Err(nothing()),
            Err(errno) => return Err(Error::call(Action::Access, &shown, errno)),
        };
        check_owner(kernel, &dir, &shown, user)?;
        let Some((plan, stage)) = read_plan(kernel, &dir, &shown)? else {
            if lies != Lies::Beside {
                return Err(nothing());
            }
            return Ok(Records::Emptied { dir, shown });
        };
        let looked = |path: &Path| {
            let found = kernel.stat_at(None, path, true);
            found.map_err(|errno| Error::call(Action::StatTarget, path, errno))
        };
        if !looked(&about.target)?.is_same_file(&looked(&plan.target)?) {
            // A copy of a tree that is not finished has these as well.
            let (shown, target) = (quoted(&shown), quoted(&plan.target));
            return Err(Error::Refused(format!("the records in {shown} are of a copy to {target}")));
        }
        Ok(Records::Open(Self { kernel, dir, shown, lies, stage, plan }))
    }

    /// The one beside the target, if there is one.
    fn open_beside(kernel: &K, target: &Path) -> Result<Option<(K::File, PathBuf)>, Error> {
        let (above, name) = place(kernel, target)?;
        let Some(beside) = beside(&name) else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        match kernel.open(Some(&above), &beside, flags, Mode::empty(), ResolveFlags::empty()) {
            Ok(dir) => Ok(Some((dir, target.with_file_name(beside)))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::call(Action::Access, &target.with_file_name(beside), errno)),
        }
    }

    /// Fails if an end has taken it out of the target since it was opened, and has died: only another one brings it back.
    pub(super) fn check_place(&self) -> Result<(), Error> {
        if self.lies == Lies::Within && Self::open_beside(self.kernel, self.shown_target())?.is_some() {
            return Err(self.being_finished());
        }
        Ok(())
    }

    /// The target, as the user wrote it where that is known.
    pub(super) fn shown_target(&self) -> &Path {
        let within = self.shown.parent().filter(|_| self.lies == Lies::Within);
        within.unwrap_or(&self.plan.target)
    }

    /// An end is at work, or has died on the way.
    pub(super) fn being_finished(&self) -> Error {
        being_finished(self.shown_target())
    }

    /// What a share's log is called in messages.
    pub(super) fn shown_log(&self, number: NonZeroU32) -> PathBuf {
        self.shown.join(number.to_string())
    }

    /// Opens a share's log; `None` if there is none.
    pub(super) fn log(&self, number: NonZeroU32) -> Result<Option<K::File>, Error> {
        self.find(&number.to_string())
    }

    /// Opens what a share has written down of large files; `None` if there is nothing.
    pub(super) fn ranges(&self, number: NonZeroU32) -> Result<Option<K::File>, Error> {
        self.find(&ranges_name(number))
    }

    /// Opens a file of it that may be locked: NFS locks only what is open for writing.
    pub(super) fn find(&self, name: &str) -> Result<Option<K::File>, Error> {
        self.find_for(OFlags::RDWR, name)
    }

    /// The same to read it, where it may be that nothing can be written.
    pub(super) fn find_to_read(&self, name: &str) -> Result<Option<K::File>, Error> {
        self.find_for(OFlags::RDONLY, name)
    }

    fn find_for(&self, access: OFlags, name: &str) -> Result<Option<K::File>, Error> {
        let flags = access | OFlags::NOFOLLOW;
        match self.kernel.open(Some(&self.dir), name.as_ref(), flags, Mode::empty(), ResolveFlags::empty()) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::call(Action::Access, &self.shown.join(name), errno)),
        }
    }

    /// Opens a file that lines are added to; makes it where there is none.
    pub(super) fn lines(&self, name: &str) -> Result<K::File, Error> {
        let opened = self.open_lines(name, OFlags::CREATE);
        opened.map_err(|errno| Error::call(Action::CreateFile, &self.shown.join(name), errno))
    }

    /// The same; `None` where there is none.
    pub(super) fn more_lines(&self, name: &str) -> Result<Option<K::File>, Error> {
        match self.open_lines(name, OFlags::empty()) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Error::call(Action::Access, &self.shown.join(name), errno)),
        }
    }

    fn open_lines(&self, name: &str, flags: OFlags) -> crate::kernel::Result<K::File> {
        let flags = flags | OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW;
        self.kernel.open(Some(&self.dir), name.as_ref(), flags, Mode::from_raw_mode(0o600), ResolveFlags::empty())
    }

    /// Opens the plan, by which runs tell each other that they are at work.
    pub(super) fn plan_file(&self) -> Result<(K::File, PathBuf), Error> {
        let file = self.find(PLAN)?.ok_or_else(|| self.being_finished())?;
        Ok((file, self.shown.join(PLAN)))
    }

    /// Takes back what [`State::set_aside`] did.
    pub(super) fn bring_back(&mut self) -> Result<(), Error> {
        if self.lies != Lies::Beside {
            return Ok(());
        }
        let target = &self.plan.target;
        let failed = |errno| Error::call(Action::Access, target, errno);
        let within = open(self.kernel, target).map_err(failed)?;
        let (above, name) = place(self.kernel, target)?;
        let Some(beside) = beside(&name) else { return Ok(()) };
        self.kernel.rename(&above, &beside, &within, Path::new(NAME), RenameFlags::empty()).map_err(failed)?;
        (self.shown, self.lies) = (target.join(NAME), Lies::Within);
        Ok(())
    }

    /// Takes it out of the target, to the target's side. Where that cannot be it stays.
    pub(super) fn set_aside(&mut self) -> Result<(), Error> {
        let target = &self.plan.target;
        if self.lies != Lies::Within {
            return Ok(());
        }
        let failed = |errno| Error::call(Action::Access, target, errno);
        let within = open(self.kernel, target).map_err(failed)?;
        let (above, name) = place(self.kernel, target)?;
        let Some(beside) = beside(&name) else { return Ok(()) };
        let flags = RenameFlags::empty();
        // The target may be a mount point, or what it lies in may be closed.
        if self.kernel.rename(&within, Path::new(NAME), &above, &beside, flags).is_ok() {
            self.shown = target.with_file_name(beside);
            self.lies = Lies::Beside;
        }
        Ok(())
    }

    /// Notes that nothing is left to do but to remove it.
    pub(super) fn note_finished(&self) -> Result<(), Error> {
        let (plan, finished) = (Path::new(PLAN), Path::new(FINISHED));
        let failed = |action| move |errno| Error::call(action, &self.shown, errno);
        let renamed = self.kernel.rename(&self.dir, plan, &self.dir, finished, RenameFlags::empty());
        renamed.map_err(failed(Action::CreateFile))?;
        self.kernel.fsync(&self.dir).map_err(failed(Action::Sync))
    }

    /// Removes it. The last name in it that goes tells that this is all that is left to do.
    pub(super) fn remove(&self) -> Result<(), Error> {
        let failed = |errno| Error::call(Action::Remove, &self.shown, errno);
        empty(self.kernel, &self.dir).map_err(failed)?;
        let (above, name) = match self.lies {
            Lies::Within => (open(self.kernel, &self.plan.target).map_err(failed)?, PathBuf::from(NAME)),
            Lies::Beside | Lies::Elsewhere => place(self.kernel, &self.shown)?,
        };
        self.kernel.rmdir(&above, &name).map_err(failed)
    }
}

fn being_finished(target: &Path) -> Error {
    Error::Refused(format!("{} is being finished: run --finish again", quoted(target)))
}

/// Removes what is in a state directory; what tells that nothing else is left to do comes last.
fn empty<K: Kernel>(kernel: &K, dir: &K::File) -> crate::kernel::Result<()> {
    let names = kernel.list(dir)?;
    let (last, others): (Vec<&OsString>, Vec<&OsString>) = names.iter().partition(|name| *name == FINISHED);
    for name in others.into_iter().chain(last) {
        match kernel.unlink(dir, Path::new(name)) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What a share writes down of large files.
pub(super) fn ranges_name(number: NonZeroU32) -> String {
    format!("{number}-ranges")
}

/// A share's part of the manifest.
pub(super) fn manifest_name(number: NonZeroU32) -> String {
    format!("{number}-manifest")
}

/// A share's part of the report.
pub(super) fn report_name(number: NonZeroU32) -> String {
    format!("{number}-report")
}

/// The name that it has beside a target of this name; `None` where nothing can be beside that.
fn beside(name: &Path) -> Option<PathBuf> {
    let mut beside = OsString::from(NAME);
    beside.push("-of-");
    beside.push(name.file_name()?);
    Some(PathBuf::from(beside))
}

/// Fails unless a state directory is this user's alone.
fn check_owner<K: Kernel>(kernel: &K, dir: &K::File, shown: &Path, user: u32) -> Result<(), Error> {
    let stat = kernel.stat(dir).map_err(|errno| Error::call(Action::Access, shown, errno))?;
    if stat.uid != user || stat.mode & OTHERS != 0 {
        let shown = quoted(shown);
        return Err(Error::Refused(format!(
            "not using {shown}: others can write or read it (it must be yours, mode 0700)"
        )));
    }
    Ok(())
}

/// The plan, and what its name tells.
fn read_plan<K: Kernel>(kernel: &K, dir: &K::File, shown: &Path) -> Result<Option<(Plan, Stage)>, Error> {
    for (name, stage) in [(PLAN, Stage::Shares), (FINISHED, Stage::Removal)] {
        let shown = shown.join(name);
        let text = contents(kernel, dir, Path::new(name));
        let text = text.map_err(|errno| Error::call(Action::Read, &shown, errno))?;
        let Some(text) = text else { continue };
        let damaged = || Error::Refused(format!("{} is damaged", quoted(&shown)));
        return Plan::parse(&text).map(|plan| Some((plan, stage))).ok_or_else(damaged);
    }
    Ok(None)
}

/// What a small file holds; `None` if there is none.
pub(super) fn contents<K: Kernel>(kernel: &K, dir: &K::File, name: &Path) -> crate::kernel::Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = match kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno),
    };
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        match kernel.read(&file, &mut buffer)? {
            0 => return Ok(Some(text)),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Writes the plan down whole, unless another share was quicker.
fn write_plan<K: Kernel>(kernel: &K, dir: &K::File, shown: &Path, plan: &Plan) -> Result<(), Error> {
    let shown = shown.join(PLAN);
    let temporary = PathBuf::from(format!("{PLAN}-{:016x}", kernel.random()));
    let written = write_new(kernel, dir, &temporary, &plan.text(), &shown).and_then(|file| {
        // NFS has links and no RENAME_NOREPLACE; with some filesystems it is the other way round.
        let named = match kernel.link(&file, dir, PLAN.as_ref()) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(_) => kernel.rename(dir, &temporary, dir, PLAN.as_ref(), RenameFlags::NOREPLACE),
        };
        match named {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(Error::call(Action::CreateFile, &shown, errno)),
        }
    });
    let removed = match kernel.unlink(dir, &temporary) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(Error::call(Action::Remove, &shown, errno)),
    };
    written.and(removed)?;
    kernel.fsync(dir).map_err(|errno| Error::call(Action::Sync, &shown, errno))
}

fn write_new<K: Kernel>(kernel: &K, dir: &K::File, name: &Path, text: &str, shown: &Path) -> Result<K::File, Error> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
    let file = kernel.open(Some(dir), name, flags, Mode::from_raw_mode(0o600), ResolveFlags::empty());
    let file = file.map_err(|errno| Error::call(Action::CreateFile, shown, errno))?;
    write_out(kernel, &file, text.as_bytes(), shown)?;
    Ok(file)
}
