//! Whether a target is already what install would make of a source (-C): then it is left alone.
//!
//! What cannot be asked is answered by installing. That both hold the same is not believed of their sizes and times:
//! every byte of both is read, as after a copy.

use super::run::Run;
use crate::copy::{Name, Source};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, OFlags, Stat};
use crate::options::Context;

/// Bits that install does not compare: with one of them on either side, it installs.
const SPECIAL_BITS: u32 = 0o7000;

/// Where SELinux keeps a file's context.
const CONTEXT: &str = "security.selinux";

impl<K: Kernel> Run<'_, K> {
    /// Whether the target is what would be made. Then its times are the source's, where they are to be kept.
    pub(super) fn is_installed(
        &self,
        source: &Name<'_, K::File>,
        stat: &Stat,
        target: &Name<'_, K::File>,
    ) -> Result<bool, Error> {
        let Ok(found) = self.kernel.stat_at(target.dir, target.name, false) else { return Ok(false) };
        if !self.has_what_is_given(stat, &found) {
            return Ok(false);
        }
        let (Ok(file), Ok(copy)) = (source.open(self.kernel, OFlags::RDONLY), target.open(self.kernel, OFlags::RDONLY))
        else {
            return Ok(false);
        };
        let (Ok(opened), Ok(there)) = (self.kernel.stat(&file), self.kernel.stat(&copy)) else { return Ok(false) };
        if !opened.is_same_file(stat) || !there.is_same_file(&found) || !self.has_same_context(&file, &copy) {
            return Ok(false);
        }
        let from = Source { file: &file, stat: &opened, shown: source.shown, origin: None };
        match self.entries.copier.holds_same_bytes(&from, &copy, target.shown) {
            Ok(Some(_)) => {}
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            // What cannot be read here fails with its reason when it is copied.
            Ok(None) | Err(_) => return Ok(false),
        }
        let are_times_wanted = self.options.preserve.timestamps.wanted();
        if are_times_wanted && (there.atime, there.mtime) != (stat.atime, stat.mtime) {
            let set = self.kernel.set_times(&copy, stat.atime, stat.mtime);
            set.map_err(|errno| Error::call(Action::PreserveTimes, target.shown, errno))?;
        }
        Ok(true)
    }

    /// Whether what is there is a file of the same size with the mode, owner and group that a new one would have.
    fn has_what_is_given(&self, stat: &Stat, found: &Stat) -> bool {
        let given = &self.options.given;
        let is_plain = |stat: &Stat| stat.kind == Kind::File && stat.mode & SPECIAL_BITS == 0;
        is_plain(stat)
            && is_plain(found)
            && stat.size == found.size
            && given.mode == Some(found.mode)
            && found.uid == given.uid.unwrap_or(self.options.user)
            && found.gid == given.gid.unwrap_or(self.options.group)
    }

    /// Whether both have one security context, where that is to be the source's; none is given.
    fn has_same_context(&self, source: &K::File, target: &K::File) -> bool {
        let of = |file| self.kernel.get_xattr(file, CONTEXT.as_ref()).ok();
        let is_one = || of(source).is_some_and(|context| of(target) == Some(context));
        self.options.context == Context::Inherited && (!self.options.preserve.context.wanted() || is_one())
    }
}
