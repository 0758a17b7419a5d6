//! One operand after the other: renamed if that can be, in GNU's order of questions; else copied (crossing.rs).

use super::crossing::{Crossing, Prepared, Watch};
use super::destination::{Destination, start};
use super::same::Pair;
use super::{Asks, MoveMethod, Request};
use crate::copy::backup::Leaves;
use crate::copy::commit::Claim;
use crate::copy::{Follow, Name, Outcome};
use crate::error::{Action, Error, reason};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, RenameFlags, ResolveFlags, Stat};
use crate::options::{Backup, Options, Removal, TargetRule, Update};
use crate::quote::quoted;
use crate::report::{Event, Listener};
use crate::tree::overwrite::{Ask, check_kinds, is_newer, question, same_file};
use crate::tree::plan::{is_link_with_slash, joined, last_component, without_trailing_slashes};
use std::cell::{Cell, OnceCell};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Moves names; see the head of the room.
pub struct Mover<'a, K: Kernel> {
    kernel: &'a K,
    request: &'a Request,
    listener: &'a Watch<'a>,
    ask: Ask<'a>,
    /// Gets ready for copies, once there is something to copy.
    prepare: &'a dyn Fn() -> Result<Prepared<'a>, Error>,
    crossing: OnceCell<Crossing<'a, K>>,
    /// What operands have made, where there are several: the name, and what has it.
    made: BTreeSet<(PathBuf, (u64, u64))>,
    /// Directories that were to be moved into themselves, and the names that they were to get.
    into_itself: BTreeSet<(PathBuf, (u64, u64))>,
}

impl<'a, K: Kernel> Mover<'a, K> {
    /// A mover for this request; `ask` puts the questions.
    pub fn new(
        kernel: &'a K,
        request: &'a Request,
        listener: &'a Watch<'a>,
        ask: Ask<'a>,
        prepare: &'a dyn Fn() -> Result<Prepared<'a>, Error>,
    ) -> Self {
        let crossing = OnceCell::new();
        let (made, into_itself) = (BTreeSet::new(), BTreeSet::new());
        Self { kernel, request, listener, ask, prepare, crossing, made, into_itself }
    }

    /// Moves every operand; what fails is told, and the rest goes on.
    pub fn operands(&mut self) {
        if let Err(error) = self.all() {
            self.listener.hear(&Event::Failed(&error));
        }
        self.crossing.get().into_iter().for_each(Crossing::tell_shortages);
    }

    fn all(&mut self) -> Result<(), Error> {
        let request = self.request;
        let (target, sources) = (&request.operands.target, &request.operands.sources);
        let here = start(self.kernel, sources.iter().chain([target]));
        let here = here.map_err(|errno| Error::call(Action::Access, Path::new("."), errno))?;
        let plain = self.stripped(target);
        let itself = Destination { dir: &here, name: plain.to_owned(), shown: plain.to_owned() };
        let action = match request.operands.rule {
            TargetRule::Itself => {
                self.tell(|mover| mover.one(&here, mover.stripped(&sources[0]), &itself, None, true));
                return Ok(());
            }
            TargetRule::Directory => Action::TargetDirectoryOption,
            TargetRule::Last => Action::TargetDirectory,
        };
        let mut first = None;
        if let (TargetRule::Last, [source], true) =
            (request.operands.rule, &sources[..], request.way != MoveMethod::Exchange)
        {
            let source = self.stripped(source);
            let as_typed = Destination { name: target.clone(), shown: itself.shown.clone(), ..itself };
            first = Some(self.rename(&here, source, &as_typed, RenameFlags::NOREPLACE));
            if first == Some(Ok(())) {
                self.renamed(source, &as_typed, None);
                return Ok(());
            }
        }
        match self.open_directory(target) {
            Ok(dir) => {
                for (at, source) in sources.iter().enumerate() {
                    if self.is_stopped() {
                        break;
                    }
                    let name = last_component(source);
                    let to = Destination { dir: &dir, shown: joined(target, &name), name };
                    let is_last = at + 1 == sources.len();
                    self.tell(|mover| mover.one(&here, mover.stripped(source), &to, None, is_last));
                }
                Ok(())
            }
            Err(_) if action == Action::TargetDirectory && sources.len() == 1 => {
                self.tell(|mover| mover.one(&here, mover.stripped(&sources[0]), &itself, first, true));
                Ok(())
            }
            Err(errno) => Err(Error::call(action, target, errno)),
        }
    }

    fn tell(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Error>) {
        if let Err(error) = work(self) {
            self.listener.hear(&Event::Failed(&error));
        }
    }

    fn open_directory(&self, path: &Path) -> crate::kernel::Result<K::File> {
        self.kernel.open(None, path, OFlags::PATH | OFlags::DIRECTORY, Mode::empty(), ResolveFlags::empty())
    }

    fn stripped<'p>(&self, source: &'p Path) -> &'p Path {
        if self.request.operands.strips { without_trailing_slashes(source) } else { source }
    }

    fn is_stopped(&self) -> bool {
        self.crossing.get().is_some_and(Crossing::is_stopped)
    }

    /// One operand. `first` is what a rename to the free name has already said.
    fn one(
        &mut self,
        here: &K::File,
        source: &Path,
        target: &Destination<'_, K::File>,
        first: Option<crate::kernel::Result<()>>,
        is_last: bool,
    ) -> Result<(), Error> {
        let request = self.request;
        let rename_to_free = || self.rename(here, source, target, RenameFlags::NOREPLACE);
        let free = (request.way != MoveMethod::Exchange).then(|| first.unwrap_or_else(rename_to_free));
        if free == Some(Ok(())) {
            if !is_last {
                let stat = self.stat_target(target)?.ok_or_else(|| cannot_stat(target, Errno::NOENT))?;
                self.remember(target, &stat);
            }
            self.renamed(source, target, None);
            return Ok(());
        }
        let keeps_existing = matches!(request.options.update, Update::Nothing | Update::NothingFail);
        if free == Some(Err(Errno::EXIST)) && keeps_existing {
            return self.leave(source, target, Outcome::Skipped);
        }
        let stat = self.kernel.stat_at(None, source, false);
        let stat = stat.map_err(|errno| Error::call(Action::StatSource, source, errno))?;
        let Some(found) = self.stat_target(target)? else {
            self.check_backup(target)?;
            let free = if free == Some(Err(Errno::EXIST)) { Some(rename_to_free()) } else { free };
            let errno = match free {
                Some(Ok(())) => {
                    self.renamed(source, target, None);
                    return if is_last { Ok(()) } else { self.remember_made(target) };
                }
                // Still taken, and nothing is there: a link to nothing, with a slash behind its name.
                Some(Err(Errno::EXIST)) => Errno::NOTDIR,
                Some(Err(errno)) => errno,
                None => Errno::NOENT,
            };
            let is_moved = self.move_otherwise(here, source, target, (&stat, None), errno)?;
            return if is_moved && !is_last { self.remember_made(target) } else { Ok(()) };
        };
        if let Some(outcome) = self.existing_stays(source, &stat, target, &found)? {
            return self.leave(source, target, outcome);
        }
        self.check(source, &stat, target, &found)?;
        self.check_backup(target)?;
        let is_moved = self.replace(here, source, target, (&stat, &found))?;
        if is_moved && !is_last { self.remember_made(target) } else { Ok(()) }
    }

    /// Notes what has the target's name now, which is another inode than the source was if it was copied.
    fn remember_made(&mut self, target: &Destination<'_, K::File>) -> Result<(), Error> {
        if let Some(stat) = self.stat_target(target)? {
            self.remember(target, &stat);
        }
        Ok(())
    }

    /// What becomes of an operand whose target is left alone; `None` if it may be replaced.
    fn existing_stays(
        &self,
        source: &Path,
        stat: &Stat,
        target: &Destination<'_, K::File>,
        found: &Stat,
    ) -> Result<Option<Outcome>, Error> {
        let options = &self.request.options;
        if matches!(options.update, Update::Nothing | Update::NothingFail) {
            return Ok(Some(Outcome::Skipped));
        }
        let pair = Pair { kernel: self.kernel, source, stat, target, found };
        let may_move = pair.may_move(options.backup != Backup::No);
        if !may_move.map_err(|errno| cannot_stat(target, errno))? {
            return Err(same_file(source, &target.shown));
        }
        let mut as_kept = options.clone();
        if stat.dev == found.dev {
            as_kept.preserve.timestamps = crate::options::Keep::No;
        }
        if stat.kind != Kind::Directory && is_newer(stat, found, &as_kept) {
            return Ok(Some(Outcome::Skipped));
        }
        Ok(self.declines(target, found).then_some(Outcome::Declined))
    }

    /// Whether the user was asked, and said no.
    fn declines(&self, target: &Destination<'_, K::File>, found: &Stat) -> bool {
        if self.request.asks == Asks::Never {
            return false;
        }
        let options = &self.request.options;
        let is_writable = found.kind == Kind::Symlink
            || options.privileged
            || self.kernel.may_write(Some(target.dir), &target.name).is_ok();
        if is_writable && self.request.asks == Asks::OfUnwritable {
            return false;
        }
        // mv's words for what may not be written are those of cp -f.
        let options = Options { removal: Removal::WhenUnwritable, ..options.clone() };
        !(self.ask)(&question(found, &target.shown, &options, is_writable))
    }

    /// Refuses to give a link with a slash behind it a backup name: what it leads to cannot be renamed by this name.
    fn check_backup(&self, target: &Destination<'_, K::File>) -> Result<(), Error> {
        let has_backup = self.request.options.backup != Backup::No;
        if has_backup && is_link_with_slash(self.kernel, Some(target.dir), &target.name) {
            return Err(Error::call(Action::Backup, &target.shown, Errno::NOTDIR));
        }
        Ok(())
    }

    /// Refuses what must not take another's place.
    fn check(&self, source: &Path, stat: &Stat, target: &Destination<'_, K::File>, found: &Stat) -> Result<(), Error> {
        let backup = self.request.options.backup;
        if self.request.way == MoveMethod::Exchange {
            return Ok(());
        }
        if backup == Backup::No {
            check_kinds(stat, found, source, &target.shown)?;
        }
        let is_ours = || self.made.contains(&(target.name.clone(), (found.dev, found.ino)));
        if found.kind != Kind::Directory && backup != Backup::Numbered && is_ours() {
            return Err(Error::just_created(&target.shown, source));
        }
        Ok(())
    }

    /// Moves over what stands at the target. False if it was not moved, which was told.
    fn replace(
        &mut self,
        here: &K::File,
        source: &Path,
        target: &Destination<'_, K::File>,
        (stat, found): (&Stat, &Stat),
    ) -> Result<bool, Error> {
        let is_dots = matches!(last_component(source).to_str(), Some("." | ".."));
        let backs_up = self.request.options.backup != Backup::No && !is_dots;
        let flags = if self.request.way == MoveMethod::Exchange { RenameFlags::EXCHANGE } else { RenameFlags::empty() };
        let done = if backs_up {
            let copier = self.crossing()?.copier();
            let (above, last) = target.split(self.kernel).map_err(|errno| cannot_stat(target, errno))?;
            let name = Name::within(&above, &last, &target.shown);
            let from = Name { dir: None, name: source, shown: source, follow: Follow::No };
            if copier.backup_is_source(&from, &name)? {
                let (to, from) = (quoted(&target.shown), quoted(source));
                let why = format!("backing up {to} might destroy source;  {from} not moved");
                return Err(Error::Refused(why));
            }
            let last = Cell::new(None);
            let commit = |claim| {
                let flags = if claim == Claim::New { RenameFlags::NOREPLACE } else { RenameFlags::empty() };
                self.rename(here, source, target, flags)
            };
            let is_directory = |stat: &Stat| stat.kind == Kind::Directory;
            // A file can have its second name before it loses the first; but of one file's names none can replace the other.
            let moves_away = is_directory(stat) || is_directory(found) || stat.is_same_file(found);
            let leaves = if moves_away { Leaves::Before } else { Leaves::WhenReplaced };
            let failed = |errno| {
                last.set(Some(errno));
                self.cannot_move(source, target, errno)
            };
            match (copier.take_over(&name, leaves, commit, failed), last.get()) {
                (Ok(((), backup)), _) => Ok(backup),
                (Err(_), Some(errno @ (Errno::XDEV | Errno::INVAL))) => Err(errno),
                (Err(error), _) => return Err(error),
            }
        } else {
            self.rename(here, source, target, flags).map(|()| None)
        };
        match done {
            Ok(backup) => {
                self.renamed(source, target, backup.as_deref());
                Ok(true)
            }
            Err(errno) => self.move_otherwise(here, source, target, (stat, Some(found)), errno),
        }
    }

    /// What is left to do after a rename that failed: to copy, or to say why not. False if that was told.
    fn move_otherwise(
        &mut self,
        here: &K::File,
        source: &Path,
        target: &Destination<'_, K::File>,
        (stat, found): (&Stat, Option<&Stat>),
        errno: Errno,
    ) -> Result<bool, Error> {
        match (errno, self.request.way) {
            // A server of FUSE that cannot exchange answers EINVAL, as a directory within the other does: GNU's words are for the first.
            (Errno::INVAL | Errno::NOSYS, MoveMethod::Exchange) => {
                Err(self.cannot_move(source, target, Errno::OPNOTSUPP))
            }
            (Errno::INVAL, _) if !self.into_itself.insert((target.name.clone(), (stat.dev, stat.ino))) => {
                let warning = format!("source directory {} specified more than once", quoted(source));
                self.listener.hear(&Event::Warned(&warning));
                Ok(false)
            }
            (Errno::INVAL, _) => {
                let (from, to) = (quoted(source), quoted(&target.shown));
                Err(Error::Refused(format!("cannot move {from} to a subdirectory of itself, {to}")))
            }
            (Errno::XDEV, MoveMethod::RenameOrCopy) => self.crossing()?.cross(here, source, target, (stat, found)),
            (errno, MoveMethod::RenameOrCopy | MoveMethod::Rename | MoveMethod::Exchange) => {
                Err(self.cannot_move(source, target, errno))
            }
        }
    }

    /// GNU's words: where the target is to blame, it alone is named.
    fn cannot_move(&self, source: &Path, target: &Destination<'_, K::File>, errno: Errno) -> Error {
        let (from, to, why) = (quoted(source), quoted(&target.shown), reason(errno));
        Error::Refused(match (self.request.way, errno) {
            (MoveMethod::Exchange, _) => format!("cannot exchange {from} and {to}: {why}"),
            (
                MoveMethod::RenameOrCopy | MoveMethod::Rename,
                Errno::DQUOT
                | Errno::EXIST
                | Errno::ISDIR
                | Errno::MLINK
                | Errno::NOSPC
                | Errno::TXTBSY
                | Errno::NOTEMPTY,
            ) => format!("cannot overwrite {to}: {why}"),
            (MoveMethod::RenameOrCopy | MoveMethod::Rename, _) => format!("cannot move {from} to {to}: {why}"),
        })
    }

    /// renameat2(2), also where it does not know RENAME_NOREPLACE: then whether the name is free is asked before.
    fn rename(
        &self,
        here: &K::File,
        source: &Path,
        target: &Destination<'_, K::File>,
        flags: RenameFlags,
    ) -> crate::kernel::Result<()> {
        let rename = |flags| self.kernel.rename(here, source, target.dir, &target.name, flags);
        match rename(flags) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::NOTTY) if flags == RenameFlags::NOREPLACE => {
                match self.kernel.stat_at(Some(target.dir), &target.name, false) {
                    Ok(_) => Err(Errno::EXIST),
                    Err(Errno::NOENT) => rename(RenameFlags::empty()),
                    Err(errno) => Err(errno),
                }
            }
            renamed => renamed,
        }
    }

    fn stat_target(&self, target: &Destination<'_, K::File>) -> Result<Option<Stat>, Error> {
        match self.kernel.stat_at(Some(target.dir), &target.name, false) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(cannot_stat(target, errno)),
        }
    }

    fn remember(&mut self, target: &Destination<'_, K::File>, stat: &Stat) {
        self.made.insert((target.name.clone(), (stat.dev, stat.ino)));
    }

    fn renamed(&self, source: &Path, target: &Destination<'_, K::File>, backup: Option<&Path>) {
        let target = &target.shown;
        self.listener.hear(&match self.request.way {
            MoveMethod::Exchange => Event::Exchanged { source, target },
            MoveMethod::RenameOrCopy | MoveMethod::Rename => Event::Renamed { source, target, backup },
        });
    }

    fn leave(&self, source: &Path, target: &Destination<'_, K::File>, outcome: Outcome) -> Result<(), Error> {
        let target = &target.shown;
        if self.request.options.update == Update::NothingFail {
            return Err(Error::Refused(format!("not replacing {}", quoted(target))));
        }
        self.listener.hear(&Event::Finished { source, target, path: target, outcome: &outcome, sealed: None });
        Ok(())
    }

    /// What copies, made ready if it is not.
    fn crossing(&self) -> Result<&Crossing<'a, K>, Error> {
        if let Some(crossing) = self.crossing.get() {
            return Ok(crossing);
        }
        let crossing = Crossing::new(self.kernel, self.listener, self.ask, (self.prepare)()?);
        Ok(self.crossing.get_or_init(|| crossing))
    }
}

fn cannot_stat<F>(target: &Destination<'_, F>, errno: Errno) -> Error {
    Error::call(Action::StatTarget, &target.shown, errno)
}
