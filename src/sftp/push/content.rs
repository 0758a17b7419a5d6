//! A file's bytes: read here, sent, and hashed as they pass.

use super::types::{Phase, Push, Step};
use crate::copy::growth;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Stat};
use crate::known::filesystems::Filesystem;
use crate::quote::quoted;
use crate::sftp::types::{Failure, TransferEvent, Writing};
use crate::sftp::wire::Request;

impl<K: Kernel> Push<'_, K> {
    /// Sends the next bytes of a file, or its end.
    pub(super) fn send(&mut self, number: u64) -> Result<(), Failure> {
        let length = self.connection.client.lengths.write;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(length, 0);
        let sent = self.send_slice(number, &mut buffer);
        self.buffer = buffer;
        sent
    }

    fn send_slice(&mut self, number: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else {
            self.sending.pop_front();
            return Ok(());
        };
        let Some((handle, content)) = file.handle.clone().zip(file.file.as_ref()) else {
            self.sending.pop_front();
            return Ok(());
        };
        let count = match self.near.kernel.pread(content, buffer, file.size) {
            Ok(count) => count,
            Err(errno) => {
                let failure = Failure::Here(Error::call(Action::Read, &file.source, errno));
                self.fail(number, failure);
                return self.turn(number);
            }
        };
        if count == 0 {
            self.sending.pop_front();
            return self.end_content(number, &handle);
        }
        let (bytes, offset) = (&buffer[..count], file.size);
        file.hashing.update(bytes);
        file.taking.iter_mut().for_each(|taking| taking.update(bytes));
        file.size += count as u64;
        let is_look_due = growth::is_look_due(file.stat.size, offset, file.size);
        let grows = is_look_due && self.near.kernel.stat(content).is_ok_and(|stat| stat.size > file.size);
        self.ask(number, &Request::Write(&handle, offset, bytes), Step::Write)?;
        (self.tell)(&TransferEvent::Moved(count as u64));
        self.pace.keep(count as u64);
        if grows {
            self.sending.pop_front();
            return self.end_content(number, &handle);
        }
        Ok(())
    }

    fn end_content(&mut self, number: u64, handle: &[u8]) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let content = file.file.take();
        let is_made_up =
            |content| self.near.kernel.filesystem(content).is_ok_and(|magic| Filesystem::new(magic).is_pseudo());
        if file.size < file.stat.size && !content.as_ref().is_some_and(is_made_up) {
            let sentence = format!("{} was truncated while being copied", quoted(&file.source));
            self.fail(number, Failure::Here(Error::Refused(sentence)));
            return self.turn(number);
        }
        let after = content.map(|content| self.near.kernel.stat(&content));
        let is_same = |after: Stat| after.size == file.stat.size && after.mtime == file.stat.mtime;
        if !after.is_some_and(|after| after.is_ok_and(is_same)) {
            (self.tell)(&TransferEvent::Changed { source: &file.source });
        }
        file.value = Some(file.hashing.value());
        file.phase = Phase::Closing;
        file.handle = None;
        if self.wishes.writing == Writing::Durable {
            self.ask(number, &Request::Fsync(handle), Step::Sync)?;
        }
        self.ask(number, &Request::Close(handle), Step::Close)
    }
}
