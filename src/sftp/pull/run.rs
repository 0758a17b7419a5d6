//! The run: what comes in is taken, and while the channel has room something more is asked for.

use super::types::{Pull, Step, Tag};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::sftp::incoming::Incoming;
use crate::sftp::types::{Failure, TransferEvent};
use crate::sftp::wire::Request;

/// Files that wait for their digests, each with a handle here; more than one program at the far end gets at once.
const VERIFIED_LATE_MAX: usize = 400;

impl<K: Kernel> Pull<'_, K> {
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        loop {
            while let Some(incoming) = self.connection.came() {
                self.take(incoming)?;
            }
            if self.near.is_stopped() {
                return Err(Failure::Stopped);
            }
            if self.connection.client.has_room() && self.advance()? {
                continue;
            }
            if self.is_over && self.files.is_empty() && self.connection.client.is_idle() {
                return Ok(());
            }
            if let Some(incoming) = self.connection.wait()? {
                self.take(incoming)?;
            }
        }
    }

    /// Asks for something, or begins something. False if there is nothing to do before something comes in.
    fn advance(&mut self) -> Result<bool, Failure> {
        if let Some((number, handle, asked)) = self.readings.next(self.connection.client.lengths.read) {
            let (offset, length) = asked;
            return self.ask(number, &Request::Read(&handle, offset, length), Step::Read(asked)).map(|()| true);
        }
        let active = self.files.len() - self.waiting.len();
        let has_room = active + self.looking.len() < self.files_max && self.waiting.len() < VERIFIED_LATE_MAX;
        if has_room && self.begin_next()? {
            return Ok(true);
        }
        let is_over = self.operands.len() == 0 && self.levels.is_empty() && self.looking.is_empty();
        self.is_over = is_over;
        // The far program makes the digests of the last names when it knows that they are the last.
        let are_all_asked_for = self.files.len() == self.digests.len();
        if is_over && !self.has_ended_digests && are_all_asked_for {
            self.has_ended_digests = true;
            self.connection.end_digests();
        }
        Ok(false)
    }

    pub(super) fn take(&mut self, incoming: Incoming) -> Result<(), Failure> {
        match incoming {
            Incoming::Answer(answer) => {
                let (id, answer) = answer.map_err(|error| Failure::Broken(error.to_string()))?;
                match self.connection.client.answered(id, &answer)? {
                    Tag::Look(number) => self.looked(number, &answer),
                    Tag::Resolve(number, attrs) => self.resolved(number, attrs, &answer),
                    Tag::Open(number) => {
                        self.opened_directory(number, answer);
                        Ok(())
                    }
                    Tag::List(number) => {
                        self.listed(number, answer);
                        Ok(())
                    }
                    Tag::File(number, step) => self.answered(number, step, answer),
                    Tag::Rest => Ok(()),
                }
            }
            Incoming::Digest(path, value) => self.told(&path, value),
            Incoming::DigestsEnded => {
                self.connection.forget_digests();
                self.waiting.clear();
                let mut numbers: Vec<u64> = std::mem::take(&mut self.digests).into_values().collect();
                // What is still on its way is seen to when it has come.
                numbers.retain(|number| self.files.get(number).is_some_and(|file| file.value.is_some()));
                numbers.sort_unstable();
                numbers.into_iter().try_for_each(|number| self.open_again(number))
            }
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        (self.tell)(&TransferEvent::Failed(&failure));
    }

    pub(super) fn failed_here(&mut self, error: Error) {
        self.failed(Failure::Here(error));
    }
}
