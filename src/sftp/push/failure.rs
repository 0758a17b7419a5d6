//! A file that failed: why, and what goes of it at the far end.

use super::types::{Phase, Push, Step};
use crate::kernel::{Kernel, Stat};
use crate::sftp::status::refusal;
use crate::sftp::types::Failure;
use crate::sftp::wire::{self, Answer, Request};
use std::path::Path;

/// What is said of a far name that was to get the times of `stat`, if the protocol lacks them.
pub(super) fn lacking_times(stat: &Stat, shown: &Path) -> Option<Failure> {
    let reason = || "SFTP has no times before 1970 or after 2106".to_owned();
    let failure = || Failure::Far { action: "preserving times for", name: shown.into(), reason: reason() };
    (!wire::can_tell_times(stat)).then(failure)
}

impl<K: Kernel> Push<'_, K> {
    /// Notes why a file failed; nothing more is sent of it.
    pub(super) fn fail(&mut self, number: u64, failure: Failure) {
        self.sending.retain(|other| *other != number);
        self.readings.stop(number);
        if let Some(file) = self.files.get_mut(&number) {
            file.file = None;
            file.failure.get_or_insert(failure);
        }
    }

    pub(super) fn fail_far(&mut self, number: u64, action: &'static str, answer: &Answer) {
        let name = self.files[&number].shown.clone().into_boxed_path();
        self.fail(number, Failure::Far { action, name, reason: refusal(answer) });
    }

    /// Takes away what a failed file left, and says why it failed.
    pub(super) fn clean(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let is_asked = matches!(file.phase, Phase::Asking | Phase::Removing);
        if file.may_be_full && !is_asked && self.connection.tells_room {
            file.phase = Phase::Asking;
            let dir = file.dir.clone();
            return self.ask(number, &Request::Statvfs(&dir), Step::Room);
        }
        let open = file.handle.take().or_else(|| self.readings.end(number));
        match file.temporary.take() {
            Some(temporary) => {
                file.phase = Phase::Removing;
                if let Some(handle) = open {
                    self.ask(number, &Request::Close(&handle), Step::Remove)?;
                }
                self.ask(number, &Request::Remove(&temporary), Step::Remove)
            }
            None => {
                let Some(file) = self.files.remove(&number) else { return Ok(()) };
                if let Some(failure) = file.failure.filter(|failure| !matches!(failure, Failure::Stopped)) {
                    self.tell_failure(&file.dir, failure);
                }
                Ok(())
            }
        }
    }

    /// A server says no more than "failure" of a full disk: whether it is full it tells when it is asked.
    pub(super) fn note_room(&mut self, number: u64, body: &[u8]) {
        // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail.
        let numbers = wire::numbers(body);
        let Some([_, _, blocks, _, room, files, _, free]) = numbers.first_chunk() else { return };
        let is_full = (*blocks > 0 && *room == 0) || (*files > 0 && *free == 0);
        if let Some(Failure::Far { reason, .. }) = self.files.get_mut(&number).and_then(|file| file.failure.as_mut()) {
            if is_full {
                *reason = "No space left on device".to_owned();
            }
        }
    }
}
