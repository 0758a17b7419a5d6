//! A file that is there already (--resume): compared with its source by digests, and left alone if it holds the same.
//!
//! Times tell nothing. The far end makes a digest of its file, or it is read over SFTP; either is less than to send it and to read it back.

use super::failure::lacking_times;
use super::types::{Phase, Push, Step};
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::sftp::far_path::join;
use crate::sftp::listing::Taking;
use crate::sftp::types::{Attributes, Failure, KEPT_BITS, Proof};
use crate::sftp::wire::{self, Access, Attrs, Request};

impl<K: Kernel> Push<'_, K> {
    /// Compares a file with the one that has its name, which is as long.
    pub(super) fn compare_old(&mut self, number: u64) -> Result<(), Failure> {
        if let Err(failure) = self.read_here(number) {
            self.fail(number, failure);
            return Ok(());
        }
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.phase = Phase::Comparing;
        let path = join(&file.dir, &file.name);
        match self.connection.proof_of(&path) {
            Proof::Digest(_) if !self.digests.contains_key(&path) && self.connection.submit(&path) => {
                self.digests.insert(path, number);
                Ok(())
            }
            Proof::Digest(_) | Proof::ReadBack | Proof::Nothing => self.open_old(number),
        }
    }

    /// Makes a digest of a source.
    fn read_here(&mut self, number: u64) -> Result<(), Failure> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(self.connection.client.lengths.write, 0);
        let read = self.hash(number, &mut buffer);
        self.buffer = buffer;
        read
    }

    fn hash(&mut self, number: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let Some(content) = &file.file else { return Ok(()) };
        loop {
            if self.near.is_stopped() {
                return Err(Failure::Stopped);
            }
            let failed = |errno| Failure::Here(Error::call(Action::Read, &file.source, errno));
            let count = self.near.kernel.pread(content, buffer, file.size).map_err(failed)?;
            // What is longer than the old file differs from it, however long it becomes.
            if count == 0 || file.size > file.stat.size {
                file.value = Some(file.hashing.value());
                return Ok(());
            }
            file.hashing.update(&buffer[..count]);
            file.taking.iter_mut().for_each(|taking| taking.update(&buffer[..count]));
            file.size += count as u64;
        }
    }

    /// No digest is made there: it is read over SFTP.
    pub(super) fn open_old(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get(&number) else { return Ok(()) };
        let path = join(&file.dir, &file.name);
        self.ask(number, &Request::Open(&path, Access::Read, Attrs::default()), Step::OpenOld)
    }

    /// It holds something else, or nobody can tell: it is copied.
    pub(super) fn differs(&mut self, number: u64) -> Result<(), Failure> {
        self.close_reading(number)?;
        let listed = self.wishes.listed;
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        (file.size, file.value, file.hashing, file.taking) = (0, None, file.hashing.renewed(), Taking::of(listed));
        self.create(number)
    }

    /// It holds the same, and gets what attributes it is to have.
    pub(super) fn is_same(&mut self, number: u64) -> Result<(), Failure> {
        self.close_reading(number)?;
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.phase = Phase::Naming;
        file.file = None;
        if self.wishes.attributes == Attributes::Kept {
            let path = join(&file.dir, &file.name);
            file.complaint = lacking_times(&file.stat, &file.shown);
            let (mode, times) = (Some(file.stat.mode & KEPT_BITS), Some(wire::times_of(&file.stat)));
            let attrs = Attrs { mode, times, ..Attrs::default() };
            return self.ask(number, &Request::Setstat(&path, attrs), Step::Attributes);
        }
        self.turn(number)
    }

    fn close_reading(&mut self, number: u64) -> Result<(), Failure> {
        match self.readings.end(number) {
            Some(handle) => self.ask(number, &Request::Close(&handle), Step::Remove),
            None => Ok(()),
        }
    }
}
