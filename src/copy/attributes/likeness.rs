//! A new file that is to look as the old one whose place it takes.

use super::mode::mode_after_writing;
use super::types::{AttributedFile, Attributes, KnownAttributes};
use super::wanted::Wanted;
use crate::kernel::{Errno, Kernel, Stat};
use crate::known::attributes::{ACCESS_LIST, Class};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// What the names of XFS's own attributes begin with.
const SGI: &[u8] = b"trusted.SGI_";

/// What the kernel takes from a file that is written to, since it vouches for the old content.
pub(super) fn is_lost_by_writing(name: &OsStr) -> bool {
    [&b"security.capability"[..], b"security.ima", b"security.evm"].contains(&name.as_bytes())
}

impl<K: Kernel> Attributes<'_, K> {
    /// Makes `new`, whose stat is `made` where that is known, look as `old` did: owner, extended attributes with access
    /// control lists and labels, mode, but for what is to be the source's, whose stat is `from`. Where it gets another owner than the
    /// old one, it has not the set-ID bits that chown(2) would take from that. `inherits` is whether it may have got a list from its
    /// directory. Returns what the new one has then. An error means that somebody could tell them apart.
    pub fn imitate(
        &self,
        old: &AttributedFile<'_, K::File>,
        (stat, from): (&Stat, &Stat),
        new: &K::File,
        made: Option<Stat>,
        inherits: bool,
    ) -> crate::kernel::Result<KnownAttributes> {
        let preserve = &self.options.preserve;
        let mut known = KnownAttributes::of(made);
        let owner = Some((stat.uid, stat.gid));
        // Where owner, mode and lists are the source's in the end they are not first the old ones, by which others
        // could open a temporary that has a name.
        let is_given_away = self.options.privileged && Wanted::new(self.options, from).gives_away(owner);
        if !is_given_away && known.owner != owner {
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
        // As if the old file had been written to, or given away: both take the same bits.
        let keeps_bits = self.options.keeps_set_ids && !is_given_away;
        let mode = if keeps_bits { stat.mode } else { mode_after_writing(stat.mode) };
        self.kernel.chmod(new, mode)?;
        // A filesystem of which little is known may answer that and do nothing, as bindfs does with --chmod-ignore.
        if !old.tells_lists && self.kernel.stat(new)?.mode != mode {
            return Err(Errno::OPNOTSUPP);
        }
        known.mode = None;
        for name in carried().filter(|name| is_last(name)) {
            self.carry_xattr(old.file, new, name)?;
        }
        Ok(known)
    }
}
