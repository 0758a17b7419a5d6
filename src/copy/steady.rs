//! Whether a source stayed what it was while it was read, as far as its times tell.
//!
//! A file is stamped by a clock that moves in ticks, and some filesystems cut its times to two seconds: who writes twice
//! within one such span leaves one time. (Since Linux 6.13 a few filesystems give what was asked about in between a finer
//! one.) Where a change must not be missed, a source is not read before its times are too old to be given again.

use super::copier::Copier;
use super::types::Source;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind};
use std::path::Path;
use std::time::Duration;

/// How soon a signal is heard.
const GLANCE: Duration = Duration::from_millis(50);

impl<K: Kernel> Copier<'_, K> {
    /// Where the source must be stable, waits until whoever writes to it gives it other times than it had when it was opened:
    /// some 10 ms at most, 2 s where times are whole seconds, not at all for what is older. The times of a file server
    /// whose clock goes wrong prove less.
    pub(super) fn outwait_times(&self, source: &Source<'_, K::File>) -> Result<(), Error> {
        if !self.options.require_stable || source.stat.kind != Kind::File {
            return Ok(());
        }
        loop {
            let now = self.kernel.now();
            // Not every filesystem keeps a ctime.
            let left = source.stat.ctime.lasts_from(now).max(source.stat.mtime.lasts_from(now));
            if left.is_zero() {
                return Ok(());
            }
            if self.stop.is_asked() {
                return Err(Error::Interrupted);
            }
            self.kernel.pause(left.min(GLANCE));
        }
    }

    /// Whether the source is not what it was when it was opened. What must be stable is asked about where it is kept: NFS and FUSE
    /// remember for a while what they were told.
    pub(super) fn has_changed(&self, source: &Source<'_, K::File>) -> Result<bool, Error> {
        let after = if self.options.require_stable {
            self.kernel.stat_anew(Some(source.file), Path::new(""))
        } else {
            self.kernel.stat(source.file)
        };
        let after = after.map_err(|errno| Error::call(Action::StatSource, source.shown, errno))?;
        Ok(source.stat.kind == Kind::File && !source.stat.is_unchanged(&after))
    }
}
