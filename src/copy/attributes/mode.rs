//! The mode: narrow while others could use it, right in the end, and with it the lists that take its place.

use super::types::{AttributedFile, Attributes, Belongings, Fresh, KnownAttributes, OWNERS_BITS, Owned, SPECIAL_BITS};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::known::attributes::{ACCESS_LIST, Class, is_trivial};
use crate::options::Keep;
use crate::quote::quoted;
use std::ffi::OsString;

pub(super) const SET_USER_ID: u32 = 0o4000;
pub(super) const SET_GROUP_ID: u32 = 0o2000;

/// What is left of the mode of a file that an ordinary user has written to, or that was given to another owner: write(2) and chown(2) take
/// the set-ID bits. Without the group's right to execute, set-group-ID means something else and stays.
#[must_use]
pub fn mode_after_writing(mode: u32) -> u32 {
    let lost = if mode & 0o010 == 0 { SET_USER_ID } else { SET_USER_ID | SET_GROUP_ID };
    mode & !lost
}

impl<K: Kernel> Attributes<'_, K> {
    /// Takes all rights from everybody but the owner of an old file that is to get another owner or other lists, and from
    /// the owner what another will not have in his place: on the way they would be too many for the one or the other.
    /// Who stays the owner needs his right to write, or attributes are refused to him. Returns the mode, where it is known.
    pub(super) fn narrow(
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

    /// The mode to set, or `None` if the one the file was made with is right.
    pub(super) fn mode(
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
            // An old file's owner keeps what was left to him, and gets no right of another's.
            if fresh == Fresh::Old && owned == Owned::Failed {
                return None;
            }
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
    pub(super) fn set_mode(
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
        match (self.options.given.mode, keep) {
            (Some(_), _) => self.note(set, Action::ChangeMode, target, Keep::Must, complaints),
            (None, Keep::No) => {
                let set = set.or_else(|errno| self.has_rights(target.file, mode, errno));
                self.note(set, Action::PreserveMode, target, Keep::Must, complaints);
            }
            (None, keep) => self.note(set, Action::PreserveMode, target, keep, complaints),
        }
        for (name, value) in lists {
            let set = match self.kernel.set_xattr(target.file, name, &value) {
                Err(Errno::OPNOTSUPP) if is_trivial(name, &value) => Ok(()),
                set => set,
            };
            self.note(set, Action::PreserveMode, target, keep, complaints);
        }
    }

    /// What became of a mode that nobody asked for, nor asked to keep, and that could not be set: nothing is wrong where no
    /// right is missing. exFAT and VFAT have one mode for all files, and let only the owner of the mount ask for another.
    fn has_rights(&self, file: &K::File, mode: u32, errno: Errno) -> crate::kernel::Result<()> {
        let is_there = errno == Errno::PERM && mode & !self.kernel.stat(file)?.mode == 0;
        if is_there { Ok(()) } else { Err(errno) }
    }
}
