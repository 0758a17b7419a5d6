//! A file that is here already (--resume): compared with its source by digests, and left alone if it holds the same.
//!
//! Times tell nothing. The far end makes a digest of its file, or it is read once, where a copy would read it twice.

use super::types::{Old, Pull, Step};
use crate::kernel::Kernel;
use crate::sftp::reading::Reading;
use crate::sftp::types::{Failure, Start, TransferEvent};

impl<K: Kernel> Pull<'_, K> {
    /// Whether a far file of which it is known how long it is, is to be compared with what is here.
    pub(super) fn is_to_be_compared(&self, number: u64) -> bool {
        let Some(file) = self.files.get(&number).filter(|_| self.wishes.start == Start::Resumed) else { return false };
        file.old == Old::Unseen && file.landing.old_size().is_some_and(|size| file.attrs.size == Some(size))
    }

    /// Makes a digest of what is here, and asks for the other.
    pub(super) fn compare_old(&mut self, number: u64) -> Result<(), Failure> {
        let hashed =
            self.files.get(&number).map(|file| self.landings.hash_old(&file.landing, self.connection.hashing()));
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        // What cannot be read is copied, or fails by that.
        let Some(Ok((hashing, size))) = hashed else { return self.differs(number) };
        (file.old, file.value, file.size) = (Old::Compared, Some(hashing.value()), size);
        file.proof = self.connection.proof_of(&file.path);
        self.await_far_digest(number)
    }

    /// It holds something else: it is copied.
    pub(super) fn differs(&mut self, number: u64) -> Result<(), Failure> {
        self.readings.end(number);
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        (file.old, file.value, file.size, file.told) = (Old::Differs, None, 0, None);
        let Some(handle) = file.handle.clone() else { return self.open(number, Step::Open) };
        let size = file.attrs.size.unwrap_or(0);
        self.readings.begin(number, Reading::new(handle, size, self.connection.hashing()));
        Ok(())
    }

    /// It holds the same, and gets what attributes it is to have.
    pub(super) fn is_same(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get(&number) else { return Ok(()) };
        let (source, target) = (&file.source, &file.landing.shown);
        let kept = self.landings.keep(&file.landing, file.attrs);
        let sealed = self.sealed(&file.landing);
        let path = self.path_in_list(target);
        let (sealed, unsealed) = sealed.map_or_else(|error| (None, Some(error)), |sealed| (sealed, None));
        (self.tell)(&TransferEvent::Same { source, target, path: &path, sealed: sealed.as_ref() });
        kept.err().into_iter().chain(unsealed).for_each(|error| self.failed_here(error));
        self.done(number)
    }
}
