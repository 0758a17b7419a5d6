//! The run: what comes in is taken, and while the channel has room something more is sent.

use super::types::{Push, Step, Tag};
use crate::kernel::Kernel;
use crate::sftp::incoming::Incoming;
use crate::sftp::local_tree::Visit;
use crate::sftp::types::{Failure, TransferEvent};
use crate::sftp::wire::Request;

/// Files that wait for their digests, at most; far more than are hashed by one program at once.
const VERIFIED_LATE_MAX: usize = 20_000;

impl<K: Kernel> Push<'_, K> {
    pub(super) fn run(&mut self) -> Result<(), Failure> {
        self.search(0)?;
        loop {
            while let Some(incoming) = self.connection.came() {
                self.take(incoming)?;
            }
            if self.near.is_stopped() && !self.is_over {
                self.stop()?;
            }
            if self.connection.client.has_room() && self.advance()? {
                continue;
            }
            if self.is_over && self.files.is_empty() && self.connection.client.is_idle() {
                break;
            }
            if let Some(incoming) = self.connection.wait()? {
                self.take(incoming)?;
            }
        }
        if self.near.is_stopped() { Err(Failure::Stopped) } else { self.finish_directories() }
    }

    /// Nothing new begins, and what is on its way goes.
    fn stop(&mut self) -> Result<(), Failure> {
        self.is_over = true;
        self.sending.clear();
        self.digests.clear();
        let numbers: Vec<u64> = self.files.keys().copied().collect();
        for number in numbers {
            self.fail(number, Failure::Stopped);
            self.turn(number)?;
        }
        Ok(())
    }

    /// Sends something, or begins something. False if there is nothing to do before something comes in.
    fn advance(&mut self) -> Result<bool, Failure> {
        if let Some((number, handle, asked)) = self.readings.next(self.connection.client.lengths.read) {
            let (offset, length) = asked;
            return self.ask(number, &Request::Read(&handle, offset, length), Step::Read(asked)).map(|()| true);
        }
        if let Some(number) = self.sending.front().copied() {
            return self.send(number).map(|()| true);
        }
        let (late, active) = (self.digests.len(), self.files.len() - self.digests.len());
        let has_room = active < self.files_max && late < VERIFIED_LATE_MAX;
        if !self.is_over && has_room {
            match self.tree.next() {
                Some(item) => self.begin(item)?,
                None => self.is_over = true,
            }
            return Ok(true);
        }
        // The far program makes the digests of the last names when it knows that they are the last.
        if self.is_over && !self.has_ended_digests && active == 0 {
            self.has_ended_digests = true;
            self.connection.end_digests();
        }
        Ok(false)
    }

    fn begin(&mut self, item: Visit<K::File>) -> Result<(), Failure> {
        match item {
            Visit::Failed(failure) => {
                (self.tell)(&TransferEvent::Failed(&failure));
                Ok(())
            }
            Visit::PassedOver(shown) => {
                (self.tell)(&TransferEvent::PassedOver { source: &shown });
                Ok(())
            }
            Visit::Directory { stat, far } => self.make_directory(stat, far),
            Visit::File { file, stat, shown, dir, name } => self.begin_file(file, stat, shown, dir, name),
        }
    }

    /// Asks something for a file.
    pub(super) fn ask(&mut self, number: u64, request: &Request<'_>, step: Step) -> Result<(), Failure> {
        if let Some(file) = self.files.get_mut(&number) {
            file.due += 1;
        }
        self.connection.client.ask(request, Tag::File(number, step))
    }

    pub(super) fn take(&mut self, incoming: Incoming) -> Result<(), Failure> {
        match incoming {
            Incoming::Answer(answer) => {
                let (id, answer) = answer.map_err(|error| Failure::Broken(error.to_string()))?;
                match self.connection.client.answered(id, &answer)? {
                    Tag::File(number, step) => self.answered(number, step, answer),
                    Tag::Make(number) => self.made(number, &answer),
                    Tag::MakeLook(number) => self.found(number, &answer),
                    Tag::Finish(number) => self.finished(number, &answer),
                    Tag::Seal(number) => {
                        self.seal_directory(number, &answer);
                        Ok(())
                    }
                    Tag::Search(number, step) => self.searched(number, step, answer),
                }
            }
            Incoming::Digest(path, value) => match self.digests.remove(&path) {
                Some(number) => self.compare(number, value),
                None => Ok(()),
            },
            Incoming::DigestsEnded => {
                self.connection.forget_digests();
                let mut numbers: Vec<u64> = std::mem::take(&mut self.digests).into_values().collect();
                numbers.sort_unstable();
                numbers.into_iter().try_for_each(|number| self.open_again(number))
            }
        }
    }
}
