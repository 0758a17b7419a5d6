//! Verification of what came: it is read back here, and the far end makes a digest of its own, or is read once more.

use super::types::{Old, Pull, Received, Step, Tag};
use crate::kernel::Kernel;
use crate::sftp::hashing::Value;
use crate::sftp::reading::Reading;
use crate::sftp::types::{Failure, Proof};
use crate::sftp::wire::{self, Answer, Attrs, Request};

/// What tells that a file has changed.
fn state(attrs: &Attrs) -> (Option<u64>, Option<u32>) {
    (attrs.size, attrs.times.map(|(_, modified)| modified))
}

impl<K: Kernel> Pull<'_, K> {
    /// All of a file came. One that tells no size, as those in /proc, says 0 and holds more, or one that says a page, as those in /sys, holds
    /// less: whether it has changed the server is asked once more.
    pub(super) fn received(&mut self, number: u64, value: Value, size: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        (file.value, file.size) = (Some(value), size);
        let is_shorter = file.attrs.size.is_some_and(|announced| size < announced);
        if is_shorter || file.attrs.size == Some(0) && size > 0 {
            let handle = file.handle.clone().unwrap_or_default();
            return self.ask(number, &Request::Fstat(&handle), Step::LookAtEnd);
        }
        file.has_changed = file.attrs.size.is_some_and(|announced| size > announced);
        self.verify(number, value)
    }

    /// What a file says of itself that said to have nothing, and of which bytes came; or to have more than came.
    pub(super) fn looked_at_end(&mut self, number: u64, answer: &Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.has_changed = !matches!(answer, Answer::Attrs(attrs) if state(attrs) == state(&file.attrs));
        let is_shorter = file.attrs.size.is_some_and(|announced| file.size < announced);
        if is_shorter && !file.has_changed && self.connection.tells_room {
            let path = file.path.clone();
            return self.ask(number, &Request::Statvfs(&path), Step::LookAtFilesystem);
        }
        if is_shorter {
            self.truncated(number);
            return Ok(());
        }
        file.value.map_or(Ok(()), |value| self.verify(number, value))
    }

    /// Where a file lies that says to have more than came. One in a filesystem without a single block, as those in /sys, is made when it
    /// is read, and its size is a guess. Anywhere else something is missing.
    pub(super) fn looked_at_filesystem(&mut self, number: u64, answer: &Answer) -> Result<(), Failure> {
        let is_made_up = matches!(answer, Answer::Extended(body) if wire::blocks(body) == Some(0));
        if !is_made_up {
            self.truncated(number);
            return Ok(());
        }
        let value = self.files.get(&number).and_then(|file| file.value);
        value.map_or(Ok(()), |value| self.verify(number, value))
    }

    fn truncated(&mut self, number: u64) {
        let Some(file) = self.files.get(&number) else { return };
        let failure = Failure::of_far("", &file.source, " was truncated while being copied");
        self.fail(number, failure);
    }

    /// What came is read back here, and there.
    fn verify(&mut self, number: u64, value: Value) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        // Whoever has told its digest may be gone by now.
        if file.told.is_none() {
            file.proof = self.connection.proof_of(&file.path);
        }
        if file.proof == Proof::Nothing {
            return self.name(number);
        }
        let hashing = self.readings.hashing_as(number).unwrap_or_else(|| self.connection.hashing());
        match self.landings.read_back(&file.landing, hashing) {
            Ok(hashing) if hashing.value() == value => {}
            Ok(_) => {
                let name = file.landing.shown.as_path().into();
                self.fail(number, Failure::Differs { name });
                return Ok(());
            }
            Err(error) => {
                self.fail(number, Failure::Here(error));
                return Ok(());
            }
        }
        if let Some(told) = file.told {
            return self.compare(number, told);
        }
        self.await_far_digest(number)
    }

    /// Waits for the digest that the far end makes of a file. Where none is to be had, the file is read once more.
    pub(super) fn await_far_digest(&mut self, number: u64) -> Result<(), Failure> {
        if !self.ask_far_digest(number) {
            self.read_again(number);
            return Ok(());
        }
        self.waiting.insert(number);
        if let Some(handle) = self.files.get_mut(&number).and_then(|file| file.handle.take()) {
            self.connection.client.ask(&Request::Close(&handle), Tag::Rest)?;
        }
        Ok(())
    }

    /// Asks for the digest of a file, unless that was done: of a large one while it comes, so that both readings take as long as
    /// one. False if none comes for this one. Two sources may be one file: the first has its digest.
    pub(super) fn ask_far_digest(&mut self, number: u64) -> bool {
        let Some(file) = self.files.get_mut(&number) else { return false };
        let proof = self.connection.proof_of(&file.path);
        if !matches!(proof, Proof::Digest(_)) {
            return false;
        }
        if let Some(asked) = self.digests.get(&file.path) {
            return *asked == number;
        }
        let is_asked = self.connection.submit(&file.path);
        if is_asked {
            file.proof = proof;
            self.digests.insert(file.path.clone(), number);
        }
        is_asked
    }

    /// A program there has said what a file holds.
    pub(super) fn told(&mut self, path: &[u8], value: Value) -> Result<(), Failure> {
        let Some(number) = self.digests.remove(path) else { return Ok(()) };
        match self.files.get_mut(&number) {
            Some(file) if file.value.is_none() => {
                file.told = Some(value);
                Ok(())
            }
            Some(_) | None => {
                self.waiting.remove(&number);
                self.compare(number, value)
            }
        }
    }

    /// Whatever digest comes of a file is nobody's any more.
    pub(super) fn forget(&mut self, number: u64, file: &Received<K::File>) {
        if self.digests.get(&file.path) == Some(&number) {
            self.digests.remove(&file.path);
            self.waiting.remove(&number);
        }
    }

    /// A file of which no digest came is read once more.
    pub(super) fn open_again(&mut self, number: u64) -> Result<(), Failure> {
        if self.files.get(&number).is_some_and(|file| file.handle.is_some()) {
            self.read_again(number);
            return Ok(());
        }
        self.open(number, Step::OpenAgain)
    }

    pub(super) fn read_again(&mut self, number: u64) {
        let Some(file) = self.files.get_mut(&number) else { return };
        file.proof = Proof::ReadBack;
        // What was taken with another program's algorithm stays comparable.
        let hashing = self.readings.hashing_as(number).unwrap_or_else(|| self.connection.hashing());
        let handle = file.handle.clone().unwrap_or_default();
        if file.failure.is_none() {
            let reading = Reading::new(handle, file.size, hashing);
            // What a source has grown by since is no part of a copy; but a file that is longer than an old one is another.
            let reading = if file.old == Old::Compared { reading } else { reading.bounded() };
            self.readings.begin(number, reading);
        }
    }

    /// The digest is not that of what came. Where the source has changed since it was opened, that says nothing: it is read once more.
    pub(super) fn looked_again(&mut self, number: u64, answer: &Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if matches!(answer, Answer::Attrs(attrs) if state(attrs) != state(&file.attrs)) {
            file.has_changed = true;
            return self.open_again(number);
        }
        let name = file.landing.shown.as_path().into();
        self.fail(number, Failure::Differs { name });
        Ok(())
    }

    pub(super) fn compare(&mut self, number: u64, value: Value) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        match (file.failure.is_none(), file.value == Some(value), file.old) {
            (true, true, Old::Compared) => return self.is_same(number),
            (true, false, Old::Compared) => return self.differs(number),
            (true, true, Old::Unseen | Old::Differs) => return self.name(number),
            (true, false, Old::Unseen | Old::Differs) if matches!(file.proof, Proof::Digest(_)) => {
                let path = file.path.clone();
                return self.ask(number, &Request::Stat(&path), Step::LookAgain);
            }
            (true, false, Old::Unseen | Old::Differs) | (false, ..) => {}
        }
        let name = file.landing.shown.as_path().into();
        self.fail(number, Failure::Differs { name });
        self.turn(number)
    }
}
