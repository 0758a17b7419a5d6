//! A file's bytes: written here as they come.

use super::types::{Old, Pull, Step};
use crate::kernel::Kernel;
use crate::sftp::reading::{Came, RequestedRange};
use crate::sftp::types::{Failure, TransferEvent};
use crate::sftp::wire::{Answer, Attrs, Request};

impl<K: Kernel> Pull<'_, K> {
    pub(super) fn was_read(&mut self, number: u64, asked: RequestedRange, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let (mut offset, bytes, whole, is_longer) = match self.readings.take(number, asked, answer)? {
            Came::Late => return Ok(()),
            Came::Longer { .. } if file.old == Old::Compared => return self.differs(number),
            Came::Longer { offset, bytes } => (offset, bytes, None, true),
            Came::Bytes { offset, bytes, whole } => (offset, bytes, whole, false),
            Came::Changed if file.old == Old::Compared => return self.differs(number),
            Came::Changed => {
                let failure = Failure::of_far("", &file.source, " changed while it was read");
                self.fail(number, failure);
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
            None if is_longer => self.look_further(number),
            None => Ok(()),
        }
    }

    /// Asks how long a file is of which more came than it was said to have.
    fn look_further(&mut self, number: u64) -> Result<(), Failure> {
        let handle = self.files.get(&number).and_then(|file| file.handle.clone()).unwrap_or_default();
        self.ask(number, &Request::Fstat(&handle), Step::LookFurther)
    }

    /// One that grows faster than it comes ends here. One that does not tell how long it is goes on.
    pub(super) fn looked_further(&mut self, number: u64, attrs: Attrs) -> Result<(), Failure> {
        let grows = attrs.size.is_some_and(|size| size > self.readings.taken(number));
        let whole = if grows { self.readings.end_here(number) } else { None };
        match whole {
            Some((value, size)) => self.received(number, value, size),
            None => {
                self.readings.go_on(number);
                Ok(())
            }
        }
    }
}
