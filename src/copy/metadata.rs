//! Owner, extended attributes, mode and times, in the order the kernel demands.
//!
//! Owner first, because chown clears set-user-ID bits and capabilities; extended attributes next,
//! access control lists among them, because they change the mode; then the mode; times last, because
//! all the others touch them. Everything goes through handles. What cannot be kept is returned as a
//! complaint: the copy stands, the exit status remembers.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Context, Keep, Options};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bits that give rights by owner: set-user-ID, set-group-ID and sticky.
const SPECIAL_BITS: u32 = 0o7000;

/// The access control list that chmod knows of.
const ACCESS_LIST: &str = "system.posix_acl_access";
/// The list that new entries of a directory inherit.
pub const DEFAULT_LIST: &str = "system.posix_acl_default";

/// A file whose attributes are taken or set, and its name for messages.
pub struct Dressed<'a, F> {
    /// The handle, possibly an O_PATH one.
    pub file: &'a F,
    /// The name as the user would write it.
    pub shown: &'a Path,
    /// What is known of it.
    pub worn: Worn,
}

/// Attributes that a file has, where they are known not to have changed since they were asked; what it has is not set.
#[derive(Clone, Copy, Default)]
pub struct Worn {
    /// Owner and group.
    pub owner: Option<(u32, u32)>,
    /// Permission bits, with those that give rights by owner.
    pub mode: Option<u32>,
}

impl Worn {
    /// Those of a stat.
    #[must_use]
    pub fn of(stat: Option<Stat>) -> Self {
        Self { owner: stat.map(|stat| (stat.uid, stat.gid)), mode: stat.map(|stat| stat.mode) }
    }
}

/// What an extended attribute belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    AccessControl,
    Context,
    Plain,
}

fn class_of(name: &OsStr) -> Class {
    match name.as_bytes() {
        b"system.posix_acl_access" | b"system.posix_acl_default" | b"system.nfs4_acl" | b"system.richacl" => {
            Class::AccessControl
        }
        b"security.selinux" | b"security.SMACK64" => Class::Context,
        _ => Class::Plain,
    }
}

/// What the kernel takes from a file that is written to, since it vouches for the old content.
fn is_lost_by_writing(name: &OsStr) -> bool {
    [&b"security.capability"[..], b"security.ima", b"security.evm"].contains(&name.as_bytes())
}

/// Carries a source's attributes to what was made from it.
pub struct Wardrobe<'a, K: Kernel> {
    /// The calls.
    pub kernel: &'a K,
    /// What is carried.
    pub options: &'a Options,
}

impl<K: Kernel> Wardrobe<'_, K> {
    /// Sets on `target` what the options preserve of `source`, whose stat is `from`.
    ///
    /// `fresh` says that the target was made by this run, with a private mode if anything is
    /// preserved; then its mode is set in any case. `inherits` says that it may have an access
    /// control list from its directory. Returns what could not be kept and had to be.
    pub fn carry(
        &self,
        source: &Dressed<'_, K::File>,
        from: &Stat,
        target: &Dressed<'_, K::File>,
        fresh: Fresh,
    ) -> Vec<Error> {
        let preserve = &self.options.preserve;
        let mut complaints = Vec::new();
        let mut owner_kept = true;
        // What chown, an extended attribute or an access control list makes of the mode is not known.
        let mut worn_mode = target.worn.mode;
        if preserve.ownership.wanted() && target.worn.owner != Some((from.uid, from.gid)) {
            owner_kept = self.own(target, from, &mut complaints);
            worn_mode = None;
        }
        let mut lists_kept = true;
        if preserve.xattr.wanted() || preserve.context.wanted() || preserve.mode.wanted() {
            let before = complaints.len();
            if self.carry_xattrs(source, from, target, fresh, &mut complaints) {
                worn_mode = None;
            }
            lists_kept = !complaints[before..].iter().any(Error::is_about_permissions);
        }
        if let Context::Named { attribute, value } = &self.options.context {
            // The kernel keeps contexts as C strings, with the byte that ends them.
            let value = [value.as_bytes(), b"\0"].concat();
            let set = self.kernel.set_xattr(target.file, OsStr::new(attribute), &value);
            self.note(set, Action::SetContext, target, Keep::Must, &mut complaints);
        }
        let may_have_list = matches!(fresh, Fresh::Made { inherits: true, .. }) && from.kind != Kind::Symlink;
        if preserve.default_mode && may_have_list {
            // Where no mode is to be preserved it is the default one, and no list makes it another.
            let removed = self.remove_list(target.file, ACCESS_LIST);
            self.note(removed, Action::PreserveMode, target, Keep::Must, &mut complaints);
        }
        if let Some(mode) = self.mode(from, fresh, owner_kept) {
            // With an access control list the group bits are its mask, and would be more than the
            // group's own rights where the list itself is missing.
            let mode = if lists_kept { mode } else { mode & !0o070 };
            let set = if worn_mode == Some(mode) { Ok(()) } else { self.kernel.chmod(target.file, mode) };
            self.note(set, Action::PreserveMode, target, Keep::Must, &mut complaints);
        }
        if preserve.timestamps.wanted() {
            let set = self.kernel.set_times(target.file, from.atime, from.mtime);
            self.note(set, Action::PreserveTimes, target, preserve.timestamps, &mut complaints);
        }
        complaints
    }

    /// Sets owner and group; false if they are not the source's in the end. An ordinary user may
    /// not give files away: that is silent, and costs the special bits.
    fn own(&self, target: &Dressed<'_, K::File>, from: &Stat, complaints: &mut Vec<Error>) -> bool {
        let owned = self.kernel.chown(target.file, Some(from.uid), Some(from.gid));
        match owned {
            Ok(()) => true,
            Err(Errno::PERM | Errno::INVAL) if !self.options.privileged => {
                // At least the group, if we are a member; the owner is another in any case.
                self.kernel.chown(target.file, None, Some(from.gid)).unwrap_or(());
                false
            }
            Err(errno) => {
                self.note(Err(errno), Action::PreserveOwnership, target, self.options.preserve.ownership, complaints);
                false
            }
        }
    }

    /// The mode to set, or `None` if the one the file was made with is right.
    fn mode(&self, from: &Stat, fresh: Fresh, owner_kept: bool) -> Option<u32> {
        let preserve = &self.options.preserve;
        if from.kind == Kind::Symlink {
            return None;
        }
        if preserve.mode.wanted() {
            let unsafe_bits = if owner_kept { 0 } else { SPECIAL_BITS };
            return Some(from.mode & !unsafe_bits);
        }
        match fresh {
            Fresh::Made { private: true, default_mode, .. } => Some(default_mode),
            Fresh::Made { default_mode, inherits, .. }
                if preserve.default_mode && (inherits || from.kind == Kind::Directory) =>
            {
                Some(default_mode)
            }
            Fresh::Made { private: false, .. } | Fresh::Old => None,
        }
    }

    /// Returns whether the target's may have been touched.
    fn carry_xattrs(
        &self,
        source: &Dressed<'_, K::File>,
        from: &Stat,
        target: &Dressed<'_, K::File>,
        fresh: Fresh,
        complaints: &mut Vec<Error>,
    ) -> bool {
        let preserve = &self.options.preserve;
        let names = match self.kernel.list_xattr(source.file) {
            Ok(names) => names,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Vec::new(),
            Err(errno) => {
                let keep = if preserve.mode == Keep::Must { Keep::Must } else { preserve.xattr };
                self.note(Err(errno), Action::ListXattr, source, keep, complaints);
                return false;
            }
        };
        for name in &names {
            let (keep, action) = match class_of(name) {
                Class::AccessControl => (preserve.mode, Action::PreserveMode),
                Class::Context => (preserve.context, Action::PreserveXattr),
                Class::Plain => (preserve.xattr, Action::PreserveXattr),
            };
            if keep.wanted() {
                self.note(self.carry_xattr(source, target, name), action, target, keep, complaints);
            }
        }
        let may_inherit = matches!(fresh, Fresh::Old | Fresh::Made { inherits: true, .. });
        if !preserve.mode.wanted() || !may_inherit || from.kind == Kind::Symlink {
            return !names.is_empty();
        }
        let inherited: &[&str] =
            if from.kind == Kind::Directory { &[ACCESS_LIST, DEFAULT_LIST] } else { &[ACCESS_LIST] };
        for list in inherited.iter().filter(|list| !names.iter().any(|name| name == **list)) {
            let removed = self.remove_list(target.file, list);
            self.note(removed, Action::PreserveMode, target, preserve.mode, complaints);
        }
        true
    }

    fn carry_xattr(
        &self,
        source: &Dressed<'_, K::File>,
        target: &Dressed<'_, K::File>,
        name: &OsStr,
    ) -> crate::kernel::Result<()> {
        match self.kernel.get_xattr(source.file, name) {
            // It was removed since it was listed.
            Err(Errno::NODATA) => Ok(()),
            value => self.kernel.set_xattr(target.file, name, &value?),
        }
    }

    /// Removes an access control list; it is well if there is none, or can be none.
    fn remove_list(&self, file: &K::File, list: &str) -> crate::kernel::Result<()> {
        match self.kernel.remove_xattr(file, OsStr::new(list)) {
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            removed => removed,
        }
    }

    fn note(
        &self,
        done: crate::kernel::Result<()>,
        action: Action,
        on: &Dressed<'_, K::File>,
        keep: Keep,
        complaints: &mut Vec<Error>,
    ) {
        let Err(errno) = done else { return };
        let complaint = Error::call(action, on.shown, errno);
        match keep {
            Keep::Must => complaints.push(complaint),
            Keep::Say if errno != Errno::OPNOTSUPP => complaints.push(Error::Noted(Box::new(complaint))),
            Keep::No | Keep::Try | Keep::Say => {}
        }
    }

    /// Makes `new` look as `old` did: owner, extended attributes with access control lists and
    /// labels, mode, but for what is to be the source's. An error means that somebody could tell them apart.
    pub fn imitate(&self, old: &K::File, stat: &Stat, new: &K::File) -> crate::kernel::Result<()> {
        self.kernel.chown(new, Some(stat.uid), Some(stat.gid))?;
        let names = match self.kernel.list_xattr(old) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Vec::new(),
            names => names?,
        };
        // Where mode and lists are the source's in the end they are not first the old ones, by which others
        // could open a temporary that has a name.
        let keeps_mode = self.options.preserve.mode.wanted();
        let is_kept = |name: &OsStr| keeps_mode && class_of(name) == Class::AccessControl;
        for name in names.iter().filter(|name| !is_lost_by_writing(name) && !is_kept(name)) {
            match self.kernel.get_xattr(old, name) {
                Err(Errno::NODATA) => {}
                value => self.kernel.set_xattr(new, name, &value?)?,
            }
        }
        if !names.iter().any(|name| name == ACCESS_LIST) {
            self.remove_list(new, ACCESS_LIST)?;
        }
        if keeps_mode {
            return Ok(());
        }
        // write(2) by an ordinary user takes the set-ID bits, as it would have from the old file.
        let lost = match stat.mode & 0o010 {
            _ if self.options.privileged => 0,
            // Without the group's right to execute, set-group-ID means something else and stays.
            0 => 0o4000,
            _ => 0o6000,
        };
        self.kernel.chmod(new, stat.mode & !lost)
    }
}

/// Whether a target was made by this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// It was there before: without --preserve its attributes stay.
    Old,
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
