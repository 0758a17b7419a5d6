//! Verification of what was sent: by a digest that the far end makes, or by reading it back.

use super::types::{Phase, Push, Step};
use crate::kernel::Kernel;
use crate::sftp::hashing::Value;
use crate::sftp::reading::{Came, RequestedRange};
use crate::sftp::status::refusal;
use crate::sftp::types::{Failure, Proof};
use crate::sftp::wire::{Access, Answer, Attrs, Request};

impl<K: Kernel> Push<'_, K> {
    pub(super) fn verify(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let Some(temporary) = file.temporary.clone() else { return Ok(()) };
        file.proof = self.connection.proof_of(&temporary);
        file.phase = Phase::Verifying;
        match file.proof {
            Proof::Nothing => self.name(number),
            Proof::Digest(_) if self.connection.submit(&temporary) => {
                self.digests.insert(temporary, number);
                Ok(())
            }
            Proof::Digest(_) | Proof::ReadBack => self.open_again(number),
        }
    }

    pub(super) fn open_again(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if file.phase == Phase::Comparing {
            return self.open_old(number);
        }
        file.proof = Proof::ReadBack;
        let Some(temporary) = file.temporary.clone() else { return Ok(()) };
        self.ask(number, &Request::Open(&temporary, Access::Read, Attrs::default()), Step::OpenAgain)
    }

    pub(super) fn was_read(&mut self, number: u64, asked: RequestedRange, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let whole = match self.readings.take(number, asked, answer)? {
            Came::Late => return Ok(()),
            Came::Bytes { bytes, whole, .. } => {
                self.pace.keep(bytes.iter().map(|bytes| bytes.len() as u64).sum());
                whole
            }
            Came::Changed | Came::Longer { .. } | Came::Refused(_) if file.phase == Phase::Comparing => {
                return self.differs(number);
            }
            Came::Changed | Came::Longer { .. } => {
                let name = file.shown.clone().into_boxed_path();
                self.fail(number, Failure::Differs { name });
                return Ok(());
            }
            Came::Refused(answer) => {
                self.unverified(number, refusal(&answer));
                return Ok(());
            }
        };
        match whole {
            Some(value) if file.failure.is_none() && file.phase == Phase::Comparing => self.compare(number, value),
            Some(value) if file.failure.is_none() => {
                if let Some(handle) = self.readings.end(number) {
                    self.ask(number, &Request::Close(&handle), Step::Remove)?;
                }
                self.compare(number, value)
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn unverified(&mut self, number: u64, reason: String) {
        let name = self.files[&number].shown.clone().into_boxed_path();
        self.fail(number, Failure::Unverified { name, reason });
    }

    pub(super) fn compare(&mut self, number: u64, value: Value) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if file.failure.is_some() {
            return self.turn(number);
        }
        match (file.value == Some(value), file.phase == Phase::Comparing) {
            (true, false) => return self.name(number),
            (true, true) => return self.is_same(number),
            (false, true) => return self.differs(number),
            (false, false) => {}
        }
        let name = file.shown.clone().into_boxed_path();
        self.fail(number, Failure::Differs { name });
        self.turn(number)
    }
}
