//! Opening without waiting for a fifo's other end, and yet for whoever holds a lease on the file.
//!
//! A file server that lets its clients keep changes back (Samba with kernel oplocks, knfsd with delegations) holds a
//! lease. open(2) asks it back and waits; with O_NONBLOCK, which keeps a fifo that took a file's place from
//! blocking the run, it asks it back and fails with EAGAIN. So a regular file is tried again until it opens.

use super::copier::Copier;
use super::types::{Follow, Name};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Result};
use std::time::Duration;

/// Pauses between two attempts, in milliseconds; the last one is repeated.
const PAUSES: [u64; 6] = [1, 2, 5, 10, 20, 50];

/// How long a file is tried: twice as long as Linux leaves a lease to who does not give it back
/// (/proc/sys/fs/lease-break-time, 45 s). What says EAGAIN longer has another reason.
const PATIENCE: Duration = Duration::from_secs(90);

impl<K: Kernel> Copier<'_, K> {
    /// Opens a name with O_NONBLOCK. A regular file that is leased is waited for.
    pub(crate) fn open(&self, name: &Name<'_, K::File>, flags: OFlags) -> Result<K::File> {
        let mut pauses = PAUSES.into_iter().chain(std::iter::repeat(PAUSES[PAUSES.len() - 1]));
        let mut waited = Duration::ZERO;
        loop {
            let opened = name.open(self.kernel, flags | OFlags::NONBLOCK);
            let is_over = waited >= PATIENCE || self.stop.is_asked();
            if !matches!(opened, Err(Errno::AGAIN)) || is_over || !self.is_regular(name) {
                return opened;
            }
            let pause = Duration::from_millis(pauses.next().unwrap_or_default());
            self.kernel.pause(pause);
            waited += pause;
        }
    }

    /// Whether the name, a link followed where that is asked for, is a regular file; what cannot be told is none.
    fn is_regular(&self, name: &Name<'_, K::File>) -> bool {
        // A link that may not lead out is not followed by this call: what it leads to was looked at before.
        let follow = name.follow == Follow::Yes;
        let found = self.kernel.stat_at(name.dir, name.name, follow);
        found.is_ok_and(|found| {
            found.kind == Kind::File || found.kind == Kind::Symlink && name.follow == Follow::Beneath
        })
    }
}
