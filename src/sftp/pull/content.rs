//! A file's bytes: written here as they come.

use super::types::{Old, Pull};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::quote::quoted;
use crate::sftp::reading::{Came, RequestedRange};
use crate::sftp::types::{Failure, TransferEvent};
use crate::sftp::wire::Answer;

impl<K: Kernel> Pull<'_, K> {
    pub(super) fn was_read(&mut self, number: u64, asked: RequestedRange, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let (mut offset, bytes, whole) = match self.readings.take(number, asked, answer)? {
            Came::Late => return Ok(()),
            Came::Bytes { offset, bytes, whole } => (offset, bytes, whole),
            Came::Changed if file.old == Old::Compared => return self.differs(number),
            Came::Changed => {
                let sentence = format!("{} changed while it was read", quoted(&file.source));
                self.fail(number, Failure::Here(Error::Refused(sentence)));
                return Ok(());
            }
            Came::Refused(answer) => {
                self.fail_far(number, "error reading", &answer);
                return Ok(());
            }
        };
        if file.failure.is_some() {
            return Ok(());
        }
        let is_first = file.value.is_none();
        for bytes in bytes {
            let count = bytes.len() as u64;
            if is_first {
                if let Err(error) = self.landings.write(&file.landing, &bytes, offset) {
                    self.fail(number, Failure::Here(error));
                    return Ok(());
                }
                (self.tell)(&TransferEvent::Moved(count));
            }
            self.pace.keep(count);
            offset += count;
        }
        match whole {
            Some(value) if is_first => self.received(number, value, offset),
            Some(value) => self.compare(number, value),
            None => Ok(()),
        }
    }
}
