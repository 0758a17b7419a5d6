//! Times, owner, extended attributes and mode, in the order the kernel demands.
//!
//! Times first, as who gives a file away may not set them any more, and none of the others touches them; then the
//! owner, because chown clears set-user-ID bits and capabilities; extended attributes next; then the access control
//! lists, because they change the mode; then the mode. At no step does anybody have rights that he has not on the source. Everything goes through handles. What
//! cannot be kept is returned as a complaint: the copy stands, the exit status remembers.

use super::wanted::Wanted;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::known::attributes::{ACCESS_LIST, Class, DEFAULT_LIST, Rules, is_trivial};
use crate::options::{Context, Keep, Options};
use crate::quote::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const SET_USER_ID: u32 = 0o4000;
const SET_GROUP_ID: u32 = 0o2000;

/// Bits that give rights by owner: set-user-ID, set-group-ID and sticky.
const SPECIAL_BITS: u32 = 0o7000;

/// The bits that stay where it is not known whom the others would let in.
const OWNERS_BITS: u32 = 0o700;

/// A file whose attributes are taken or set, and its name for messages.
pub struct AttributedFile<'a, F> {
    /// The handle, possibly an O_PATH one.
    pub file: &'a F,
    /// The name as the user would write it.
    pub shown: &'a Path,
    /// What is known of it.
    pub known: KnownAttributes,
    /// Its filesystem has no access control list that it does not name among the attributes. CIFS and some of FUSE's
    /// have; elsewhere lists are asked for by their names too.
    pub tells_lists: bool,
}

/// Attributes that a file has, where they are known not to have changed since they were asked; what it has is not set.
#[derive(Clone, Copy, Default)]
pub struct KnownAttributes {
    /// Owner and group.
    pub owner: Option<(u32, u32)>,
    /// Permission bits, with those that give rights by owner.
    pub mode: Option<u32>,
}

impl KnownAttributes {
    /// Those of a stat.
    #[must_use]
    pub fn of(stat: Option<Stat>) -> Self {
        Self { owner: stat.map(|stat| (stat.uid, stat.gid)), mode: stat.map(|stat| stat.mode) }
    }
}

/// What the kernel takes from a file that is written to, since it vouches for the old content.
fn is_lost_by_writing(name: &OsStr) -> bool {
    [&b"security.capability"[..], b"security.ima", b"security.evm"].contains(&name.as_bytes())
}

/// The access control lists that such a file can have.
fn lists_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Symlink => &[],
        Kind::Directory => &[ACCESS_LIST, DEFAULT_LIST],
        Kind::File | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => &[ACCESS_LIST],
    }
}

/// Only these say that there is no such attribute. ENOSYS does not: it is an answer about the call, not about the file
/// (FUSE makes EOPNOTSUPP of its daemons' ENOSYS).
fn is_missing(errno: Errno) -> bool {
    matches!(errno, Errno::NODATA | Errno::OPNOTSUPP)
}

/// Whether an attribute is none that this target, or this user, can set: nothing was lost on the way.
fn is_refusal(errno: Errno) -> bool {
    matches!(errno, Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::ACCESS | Errno::INVAL)
}

/// Whose a target is in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owned {
    /// Whoever's it was: that was right, or nothing was asked for.
    AsBefore,
    /// The source's.
    Given,
    /// Another's, as an ordinary user may not give files away: that need not be said.
    Another,
    /// Another's, which was said.
    Failed,
}

/// What a source has of extended attributes.
#[derive(Default)]
struct Belongings {
    /// Their names, those of access control lists among them.
    names: Vec<OsString>,
    /// It may have a list that could not be asked for.
    is_unsure: bool,
}

/// Carries a source's attributes to what was made from it.
pub struct Attributes<'a, K: Kernel> {
    /// The calls.
    pub kernel: &'a K,
    /// What is carried.
    pub options: &'a Options,
    /// What attributes' names mean.
    pub rules: &'a Rules,
}

impl<K: Kernel> Attributes<'_, K> {
    /// Sets on `target` what the options preserve of `source`, whose stat is `from`.
    ///
    /// `fresh` says whether this run made the target, and how. Returns what could not be kept and had to be. Where
    /// that is the owner or an access control list, group and others have no rights in the end: they might be others
    /// than the source's.
    pub fn carry(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        fresh: Fresh,
    ) -> Vec<Error> {
        let preserve = &self.options.preserve;
        let mut complaints = Vec::new();
        let has = self.belongings(source, from, target, &mut complaints);
        let wanted = Wanted::new(self.options, from);
        if let Some((accessed, modified)) = wanted.times {
            let set = self.kernel.set_times(target.file, accessed, modified);
            self.note(set, Action::PreserveTimes, target, preserve.timestamps, &mut complaints);
        }
        let gives_away = wanted.gives_away(target.known.owner);
        // What chown, an extended attribute or an access control list makes of the mode is not known.
        let mut worn_mode = target.known.mode;
        if fresh == Fresh::Old && preserve.mode.wanted() {
            match self.narrow(from, target, gives_away || has.names.iter().any(|name| self.is_list(name))) {
                Ok(narrowed) => worn_mode = narrowed,
                Err(errno) => {
                    complaints.push(Error::call(Action::ClearMode, target.shown, errno));
                    return complaints;
                }
            }
        }
        let owned = if gives_away { self.own(target, &wanted, &mut complaints) } else { Owned::AsBefore };
        if self.carry_xattrs(source, target, &has, &mut complaints) || owned != Owned::AsBefore {
            worn_mode = None;
        }
        if let Context::Named { attribute, value } = &self.options.context {
            // The kernel keeps contexts as C strings, with the byte that ends them.
            let value = [value.as_bytes(), b"\0"].concat();
            let set = self.kernel.set_xattr(target.file, OsStr::new(attribute), &value);
            self.note(set, Action::SetContext, target, Keep::Must, &mut complaints);
        }
        let is_closed = owned == Owned::Failed || has.is_unsure;
        let before = complaints.len();
        if self.carry_lists(source, from, target, (&has, is_closed), fresh, &mut complaints) {
            worn_mode = None;
        }
        let is_closed = is_closed || complaints.len() > before;
        if let Some(mode) = self.mode(from, target, fresh, owned, &mut complaints) {
            let mode = if is_closed { mode & OWNERS_BITS } else { mode };
            self.set_mode(source, target, mode, worn_mode, (&has, is_closed), &mut complaints);
        }
        complaints
    }

    /// The names of what a source has. Lists are asked for by name where they may not be named.
    fn belongings(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        complaints: &mut Vec<Error>,
    ) -> Belongings {
        let preserve = &self.options.preserve;
        let wants_attributes = preserve.xattr.wanted() || preserve.context.wanted();
        if !wants_attributes && !preserve.mode.wanted() {
            return Belongings::default();
        }
        let listed = self.kernel.list_xattr(source.file);
        let is_told = listed.is_ok() && source.tells_lists;
        let mut has = Belongings::default();
        match listed {
            Ok(names) => has.names = names,
            Err(Errno::OPNOTSUPP) => {}
            // What is a mode is asked for below.
            Err(Errno::NOSYS) if !wants_attributes => {}
            Err(errno) => {
                complaints.push(Error::call(Action::ListXattr, source.shown, errno));
                has.is_unsure = errno != Errno::NOSYS;
            }
        }
        if is_told || !preserve.mode.wanted() {
            return has;
        }
        for list in lists_of(from.kind) {
            match self.list(source.file, list) {
                Ok(true) if !has.names.iter().any(|name| name == *list) => has.names.push(OsString::from(list)),
                Ok(_) => {}
                Err(errno) => {
                    self.note(Err(errno), Action::PreserveMode, target, preserve.mode, complaints);
                    has.is_unsure = true;
                }
            }
        }
        has
    }

    /// Whether a file has an access control list that says more than its mode.
    fn list(&self, file: &K::File, list: &str) -> crate::kernel::Result<bool> {
        match self.kernel.get_xattr(file, OsStr::new(list)) {
            Ok(value) => Ok(!is_trivial(OsStr::new(list), &value)),
            Err(errno) if is_missing(errno) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    fn is_list(&self, name: &OsStr) -> bool {
        matches!(self.rules.class(name), Class::PosixList | Class::OtherList)
    }

    /// Takes all rights from everybody but the owner of an old file that is to get another owner or other lists, and from
    /// the owner what another will not have in his place: on the way they would be too many for the one or the other.
    /// Who stays the owner needs his right to write, or attributes are refused to him. Returns the mode, where it is known.
    fn narrow(
        &self,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        changes: bool,
    ) -> crate::kernel::Result<Option<u32>> {
        // What cannot be asked may be there.
        let has_list = || self.list(target.file, ACCESS_LIST).unwrap_or(true);
        if from.kind == Kind::Symlink || !changes && !has_list() {
            return Ok(target.known.mode);
        }
        let (owner, mode) = match target.known {
            KnownAttributes { owner: Some(owner), mode: Some(mode) } => (owner, mode),
            KnownAttributes { .. } => self.kernel.stat(target.file).map(|stat| ((stat.uid, stat.gid), stat.mode))?,
        };
        let is_given_away = self.options.preserve.ownership.wanted() && owner != (from.uid, from.gid);
        let narrow = mode & OWNERS_BITS & if is_given_away { from.mode } else { OWNERS_BITS };
        if mode != narrow {
            self.kernel.chmod(target.file, narrow)?;
        }
        Ok(Some(narrow))
    }

    /// Sets owner and group. An ordinary user may not give files away: that is silent, and costs the special bits.
    /// One that was given has to be had.
    fn own(&self, target: &AttributedFile<'_, K::File>, wanted: &Wanted, complaints: &mut Vec<Error>) -> Owned {
        match self.kernel.chown(target.file, wanted.uid, wanted.gid) {
            Ok(()) => Owned::Given,
            Err(errno) if self.options.given.has_owner() => {
                complaints.push(Error::call(Action::ChangeOwnership, target.shown, errno));
                Owned::Failed
            }
            Err(Errno::PERM | Errno::INVAL) if !self.options.privileged => {
                // At least the group, if we are a member; the owner is another in any case.
                self.kernel.chown(target.file, None, wanted.gid).unwrap_or(());
                Owned::Another
            }
            Err(errno) => {
                let before = complaints.len();
                self.note(Err(errno), Action::PreserveOwnership, target, self.options.preserve.ownership, complaints);
                if complaints.len() > before { Owned::Failed } else { Owned::Another }
            }
        }
    }

    /// Sets the attributes that are no lists. Returns whether the target's mode may have been touched.
    fn carry_xattrs(
        &self,
        source: &AttributedFile<'_, K::File>,
        target: &AttributedFile<'_, K::File>,
        has: &Belongings,
        complaints: &mut Vec<Error>,
    ) -> bool {
        let preserve = &self.options.preserve;
        let mut is_touched = false;
        for name in &has.names {
            let keep = match self.rules.class(name) {
                Class::PosixList | Class::OtherList | Class::Left => Keep::No,
                Class::Context => preserve.context,
                Class::Plain => preserve.xattr,
            };
            if keep.wanted() {
                match self.xattr(source.file, name) {
                    Ok(None) => {}
                    Ok(Some(value)) => {
                        let set = self.kernel.set_xattr(target.file, name, &value);
                        self.note(set, Action::PreserveXattr, target, keep, complaints);
                    }
                    Err(errno) => self.note(Err(errno), Action::ReadXattr, source, keep, complaints),
                }
                is_touched = true;
            }
        }
        is_touched
    }

    /// The value of an attribute; `None` where it was removed since it was listed.
    fn xattr(&self, file: &K::File, name: &OsStr) -> crate::kernel::Result<Option<Vec<u8>>> {
        match self.kernel.get_xattr(file, name) {
            Err(Errno::NODATA) => Ok(None),
            value => value.map(Some),
        }
    }

    fn carry_xattr(&self, source: &K::File, target: &K::File, name: &OsStr) -> crate::kernel::Result<()> {
        self.xattr(source, name)?.map_or(Ok(()), |value| self.kernel.set_xattr(target, name, &value))
    }

    /// Sets the POSIX lists, and removes those that the source has not. Returns whether the mode may have been touched.
    fn carry_lists(
        &self,
        source: &AttributedFile<'_, K::File>,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        (has, is_closed): (&Belongings, bool),
        fresh: Fresh,
        complaints: &mut Vec<Error>,
    ) -> bool {
        let preserve = &self.options.preserve;
        let may_have_one =
            matches!(fresh, Fresh::Old | Fresh::Alike { inherits: true } | Fresh::Made { inherits: true, .. });
        let mut is_touched = false;
        for list in lists_of(from.kind) {
            let is_wanted = has.names.iter().any(|name| name == *list) && !is_closed;
            if preserve.mode.wanted() && is_wanted {
                let carried = self.carry_list(source.file, target.file, OsStr::new(list));
                self.note(carried, Action::PreserveMode, target, preserve.mode, complaints);
                is_touched = true;
            } else if may_have_one && (preserve.mode.wanted() || self.is_list_of_default(list, fresh)) {
                match self.remove_list(target.file, list) {
                    Ok(removed) => is_touched |= removed,
                    Err(errno) => complaints.push(Error::call(Action::PreserveMode, target.shown, errno)),
                }
            }
        }
        is_touched
    }

    /// Whether a list would make another mode of the default one, which is to be had where none is preserved, or of the
    /// one that was given.
    fn is_list_of_default(&self, list: &str, fresh: Fresh) -> bool {
        let is_told = self.options.preserve.default_mode || self.options.given.mode.is_some();
        is_told && list == ACCESS_LIST && matches!(fresh, Fresh::Made { .. })
    }

    /// Carries a list; one that says no more than the mode need not be kept where there are no lists.
    fn carry_list(&self, source: &K::File, target: &K::File, name: &OsStr) -> crate::kernel::Result<()> {
        let Some(value) = self.xattr(source, name)? else { return Ok(()) };
        match self.kernel.set_xattr(target, name, &value) {
            Err(Errno::OPNOTSUPP) if is_trivial(name, &value) => Ok(()),
            set => set,
        }
    }

    /// Removes an access control list; it is well if there is none, or can be none. Returns whether there was one.
    fn remove_list(&self, file: &K::File, list: &str) -> crate::kernel::Result<bool> {
        match self.kernel.remove_xattr(file, OsStr::new(list)) {
            Ok(()) => Ok(true),
            Err(Errno::NODATA) => Ok(false),
            // It is no answer to whether there is one; EOPNOTSUPP neither, where lists can only be asked for.
            Err(errno) => match self.list(file, list) {
                Ok(false) => Ok(false),
                Ok(true) | Err(_) => Err(errno),
            },
        }
    }

    /// The mode to set, or `None` if the one the file was made with is right.
    fn mode(
        &self,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        fresh: Fresh,
        owned: Owned,
        complaints: &mut Vec<Error>,
    ) -> Option<u32> {
        let preserve = &self.options.preserve;
        if from.kind == Kind::Symlink {
            return None;
        }
        if let Some(mode) = self.options.given.mode {
            // It was meant for another owner. What was made stays closed.
            return (owned != Owned::Failed).then_some(mode);
        }
        if preserve.mode.wanted() {
            let lost = match owned {
                Owned::Another | Owned::Failed => SPECIAL_BITS,
                Owned::AsBefore | Owned::Given => self.rights_of_another(from, target, owned, complaints),
            };
            return Some(from.mode & !lost);
        }
        match fresh {
            Fresh::Made { private: true, default_mode, .. } => Some(default_mode),
            Fresh::Made { default_mode, inherits, .. }
                if preserve.default_mode && (inherits || from.kind == Kind::Directory) =>
            {
                Some(default_mode)
            }
            Fresh::Made { private: false, .. } | Fresh::Old | Fresh::Alike { .. } => None,
        }
    }

    /// The set-ID bits that would run a program of the source's owner with the rights of somebody else, which is said.
    /// Filesystems without owners answer chown with success.
    fn rights_of_another(
        &self,
        from: &Stat,
        target: &AttributedFile<'_, K::File>,
        owned: Owned,
        complaints: &mut Vec<Error>,
    ) -> u32 {
        if from.kind != Kind::File || from.mode & (SET_USER_ID | SET_GROUP_ID) == 0 {
            return 0;
        }
        let known = target.known.owner.filter(|_| owned == Owned::AsBefore);
        let owner = known.map_or_else(|| self.kernel.stat(target.file).map(|stat| (stat.uid, stat.gid)), Ok);
        let (uid, gid) = match owner {
            Ok(owner) => owner,
            Err(errno) => {
                complaints.push(Error::call(Action::StatTarget, target.shown, errno));
                return SET_USER_ID | SET_GROUP_ID;
            }
        };
        let lost = if uid == from.uid { 0 } else { SET_USER_ID } | if gid == from.gid { 0 } else { SET_GROUP_ID };
        let (bit, owner) = match lost & from.mode {
            0 => return lost,
            SET_USER_ID => ("set-user-ID bit", "owner"),
            SET_GROUP_ID => ("set-group-ID bit", "group"),
            _ => ("set-user-ID and set-group-ID bits", "owner and group"),
        };
        let shown = quoted(target.shown);
        let warning = format!("warning: not preserving the {bit} of {shown}, which has another {owner}");
        complaints.push(Error::Noted(Box::new(Error::Refused(warning))));
        lost
    }

    /// Sets the mode, and the lists that take its place. A server makes such a list anew of a mode, so that it comes
    /// last; until then, and if it does not come, only the owner has rights.
    fn set_mode(
        &self,
        source: &AttributedFile<'_, K::File>,
        target: &AttributedFile<'_, K::File>,
        mode: u32,
        known: Option<u32>,
        (has, is_closed): (&Belongings, bool),
        complaints: &mut Vec<Error>,
    ) {
        let keep = self.options.preserve.mode;
        let is_carried = |name: &&OsString| keep.wanted() && !is_closed && self.rules.class(name) == Class::OtherList;
        let mut lists = Vec::new();
        let mut is_mode_all = true;
        for name in has.names.iter().filter(is_carried) {
            match self.kernel.get_xattr(source.file, name) {
                Ok(value) => {
                    is_mode_all &= is_trivial(name, &value);
                    lists.push((name, value));
                }
                Err(Errno::NODATA) => {}
                Err(errno) => {
                    is_mode_all = false;
                    complaints.push(Error::call(Action::PreserveMode, target.shown, errno));
                }
            }
        }
        let mode = if is_mode_all { mode } else { mode & (SPECIAL_BITS | OWNERS_BITS) };
        let set = if known == Some(mode) { Ok(()) } else { self.kernel.chmod(target.file, mode) };
        let set = if keep.wanted() { set } else { set.or_else(|errno| self.has_rights(target.file, mode, errno)) };
        let action = if self.options.given.mode.is_some() { Action::ChangeMode } else { Action::PreserveMode };
        self.note(set, action, target, Keep::Must, complaints);
        for (name, value) in lists {
            let set = match self.kernel.set_xattr(target.file, name, &value) {
                Err(Errno::OPNOTSUPP) if is_trivial(name, &value) => Ok(()),
                set => set,
            };
            self.note(set, Action::PreserveMode, target, keep, complaints);
        }
    }

    /// What became of a mode that nobody asked to keep and that could not be set: nothing is wrong where no right is
    /// missing. exFAT and VFAT have one mode for all files, and let only the owner of the mount ask for another.
    fn has_rights(&self, file: &K::File, mode: u32, errno: Errno) -> crate::kernel::Result<()> {
        let is_there = errno == Errno::PERM && mode & !self.kernel.stat(file)?.mode == 0;
        if is_there { Ok(()) } else { Err(errno) }
    }

    fn note(
        &self,
        done: crate::kernel::Result<()>,
        action: Action,
        on: &AttributedFile<'_, K::File>,
        keep: Keep,
        complaints: &mut Vec<Error>,
    ) {
        let Err(errno) = done else { return };
        let complaint = Error::call(action, on.shown, errno);
        match keep {
            Keep::No => {}
            Keep::Must => complaints.push(complaint),
            Keep::Try | Keep::Say | Keep::Warn if !is_refusal(errno) => complaints.push(complaint),
            Keep::Warn => complaints.push(Error::Noted(Box::new(complaint))),
            Keep::Say if errno != Errno::OPNOTSUPP => complaints.push(Error::Noted(Box::new(complaint))),
            Keep::Try | Keep::Say => {}
        }
    }

    /// Makes `new`, whose stat is `made` where that is known, look as `old` did: owner, extended attributes with access
    /// control lists and labels, mode, but for what is to be the source's. `inherits` is whether it may have got a list from its
    /// directory. Returns what the new one has then. An error means that somebody could tell them apart.
    pub fn imitate(
        &self,
        old: &AttributedFile<'_, K::File>,
        stat: &Stat,
        new: &K::File,
        made: Option<Stat>,
        inherits: bool,
    ) -> crate::kernel::Result<KnownAttributes> {
        let preserve = &self.options.preserve;
        // Where owner, mode and lists are the source's in the end they are not first the old ones, by which others
        // could open a temporary that has a name.
        let keeps_owner = preserve.ownership.wanted() && self.options.privileged;
        let mut known = KnownAttributes::of(made);
        let owner = Some((stat.uid, stat.gid));
        if !keeps_owner && known.owner != owner {
            self.kernel.chown(new, Some(stat.uid), Some(stat.gid))?;
            known = KnownAttributes { owner, mode: None };
        }
        let keeps_mode = preserve.mode.wanted();
        let listed = self.kernel.list_xattr(old.file);
        let is_told = listed.is_ok() && old.tells_lists;
        let names = match listed {
            Ok(names) => names,
            Err(Errno::OPNOTSUPP) => Vec::new(),
            // What it has cannot be told (rclone answers EIO) and stays on it, where it is written in place.
            Err(_) => return Err(Errno::PERM),
        };
        let is_second_name = |name: &OsStr| self.rules.class(name) == Class::Left && name.as_bytes().starts_with(SGI);
        let is_carried = |name: &OsStr| !(is_lost_by_writing(name) || keeps_mode && self.is_list(name));
        let carried = || names.iter().filter(|name| is_carried(name) && !is_second_name(name));
        // A list that takes the mode's place comes after it.
        let is_last = |name: &OsStr| self.rules.class(name) == Class::OtherList;
        for name in carried().filter(|name| !is_last(name)) {
            self.carry_xattr(old.file, new, name)?;
            known.mode = None;
        }
        if !names.iter().any(|name| name == ACCESS_LIST) {
            if !keeps_mode && !is_told && self.list(old.file, ACCESS_LIST)? {
                self.carry_xattr(old.file, new, OsStr::new(ACCESS_LIST))?;
            } else if inherits && !keeps_mode {
                self.remove_list(new, ACCESS_LIST)?;
            }
        }
        if keeps_mode {
            return Ok(known);
        }
        // write(2) by an ordinary user takes the set-ID bits, as it would have from the old file.
        let lost = match stat.mode & 0o010 {
            _ if self.options.privileged => 0,
            // Without the group's right to execute, set-group-ID means something else and stays.
            0 => SET_USER_ID,
            _ => SET_USER_ID | SET_GROUP_ID,
        };
        self.kernel.chmod(new, stat.mode & !lost)?;
        known.mode = None;
        for name in carried().filter(|name| is_last(name)) {
            self.carry_xattr(old.file, new, name)?;
        }
        Ok(known)
    }
}

/// What the names of XFS's own attributes begin with.
const SGI: &[u8] = b"trusted.SGI_";

/// Whether a target was made by this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// It was there before: without --preserve its attributes stay.
    Old,
    /// It was made, and looks like the old one whose place it takes: without --preserve that stays so.
    Alike {
        /// Its directory has a default access control list.
        inherits: bool,
    },
    /// It was made.
    Made {
        /// With a mode nobody else can use it by, so that the mode is to be set at the end.
        private: bool,
        /// The mode it gets where none is preserved.
        default_mode: u32,
        /// Its directory has a default access control list.
        inherits: bool,
    },
}
