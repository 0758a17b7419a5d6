//! The content of a file that is mended, put together: chunk by chunk from whichever origin has the chunk that is listed, or all of it
//! from one.
//!
//! Every chunk is proved by its digest before it is used, and the whole is read back and proved in the end.

use super::chunks::{self, CHUNK};
use super::digest::{Algorithm, Digest};
use super::finding::Mended;
use super::origin::{Origin, is_right};
use super::record::Record;
use super::unmended::{Unmended, Unreadable};
use crate::copy::digest::{Digests, piece_value};
use crate::copy::extent::data_runs;
use crate::copy::pass::{Bytes, Zeros};
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::quote::quoted;
use std::path::Path;

/// What becomes a hole is so many bytes of zeros: a block of most filesystems.
const BLOCK: u64 = 4096;

/// A file on its way to what is listed of it.
pub(super) struct Assembly<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    /// What digests of chunks are in, if it is there.
    pub(super) companion: &'a Path,
    /// Where its content may come from, the best first.
    pub(super) origins: &'a [Origin<K>],
    /// Open and empty.
    pub(super) file: &'a K::File,
    /// Its name to be.
    pub(super) shown: &'a Path,
}

/// How far a file could be copied.
enum Ended {
    /// To its end.
    Whole,
    /// Until it could not be read.
    Unreadable(Error),
}

impl<'a, K: Kernel> Assembly<'a, K> {
    /// Writes what is listed, from wherever it is right; tells from where, if all is of one. `unreadable` has what could not be
    /// opened.
    pub(super) fn fill(
        &self,
        record: &Record,
        mut unreadable: Unreadable,
    ) -> Result<(Mended, Option<&'a Origin<K>>), Unmended> {
        let Some(wanted) = &record.digest else { return Err(unreadable.and(nowhere(self.shown))) };
        if let Some(digests) = self.chunk_digests(record, wanted) {
            return Ok((self.fill_by_chunks(record.size.unwrap_or(0), &digests, unreadable)?, None));
        }
        for origin in self.origins {
            match origin.holds(self.kernel, wanted, record.size) {
                Ok(true) => match self.copy(origin)? {
                    Ended::Whole => {
                        let of = origin.stat.size.div_ceil(CHUNK).max(1);
                        let mended = Mended::Chunks { taken: if origin.is_copy { of } else { 0 }, of };
                        return Ok((mended, Some(origin)));
                    }
                    Ended::Unreadable(error) => unreadable.note(error),
                },
                Ok(false) => {}
                Err(error) => unreadable.note(error),
            }
        }
        Err(unreadable.and(nowhere(self.shown)))
    }

    /// The digests of a file's chunks, if they are known and add up to the one that is listed.
    fn chunk_digests(&self, record: &Record, wanted: &Digest) -> Option<Digests> {
        if wanted.algorithm != Algorithm::Blake3 {
            return None;
        }
        let whole = blake3::Hash::from(<[u8; 32]>::try_from(&wanted.value[..]).ok()?);
        chunks::find(self.kernel, self.companion, &whole, record.size?)
    }

    fn fill_by_chunks(&self, size: u64, digests: &Digests, mut unreadable: Unreadable) -> Result<Mended, Unmended> {
        let (mut taken, mut lost) = (0, 0);
        let zeros = self.begin(size)?;
        let mut buffer = vec![0; chunk_bytes()];
        for (offset, value) in (0..).step_by(chunk_bytes()).zip(&digests.pieces) {
            let chunk = &mut buffer[..usize::try_from(CHUNK.min(size - offset)).unwrap_or(usize::MAX)];
            let mut is_right = |origin: &&Origin<K>| match origin.read(self.kernel, offset, chunk) {
                Ok(is_whole) => is_whole && piece_value(chunk, offset) == *value,
                Err(error) => {
                    unreadable.note(error);
                    false
                }
            };
            match self.origins.iter().find(|origin| is_right(origin)) {
                Some(origin) => {
                    taken += u64::from(origin.is_copy);
                    self.put(chunk, offset, zeros)?;
                }
                None => lost += 1,
            }
        }
        let of = digests.pieces.len() as u64;
        if lost == 0 {
            return Ok(Mended::Chunks { taken, of });
        }
        Err(unreadable.and(format!("cannot mend {}: {lost} of its {of} chunks are right nowhere", quoted(self.shown))))
    }

    /// Gives the file its size before its bytes come, where blocks of zeros become holes: what was sparse is not restored dense.
    fn begin(&self, size: u64) -> Result<Zeros, Error> {
        if !self.origins.iter().any(|origin| origin.stat.looks_sparse()) {
            return Ok(Zeros::Written);
        }
        let extended = self.kernel.truncate(self.file, size);
        extended.map_err(|errno| Error::call(Action::Extend, self.shown, errno)).map(|()| Zeros::Holes)
    }

    fn put(&self, bytes: &[u8], offset: u64, zeros: Zeros) -> Result<(), Error> {
        let to = Bytes::of(self.kernel, self.file);
        let written = match zeros {
            Zeros::Written => to.write_full(bytes, offset),
            Zeros::Holes => data_runs(bytes, offset, BLOCK)
                .try_for_each(|run| to.write_full(&bytes[run.clone()], offset + run.start as u64)),
        };
        written.map_err(|errno| Error::call(Action::Write, self.shown, errno))
    }

    /// Copies all bytes; what arrives is proved later.
    fn copy(&self, from: &Origin<K>) -> Result<Ended, Error> {
        let zeros = self.begin(from.stat.size)?;
        let mut buffer = vec![0; chunk_bytes()];
        let mut offset = 0;
        loop {
            let count = match self.kernel.pread(&from.file, &mut buffer, offset) {
                Ok(0) => return Ok(Ended::Whole),
                Ok(count) => count,
                Err(errno) => return Ok(Ended::Unreadable(Error::call(Action::Read, &from.shown, errno))),
            };
            self.put(&buffer[..count], offset, zeros)?;
            offset += count as u64;
        }
    }

    /// Reads back what was written: it must be what is listed.
    pub(super) fn prove(&self, record: &Record) -> Result<(), Error> {
        let is_proved = match &record.digest {
            Some(wanted) => is_right(self.kernel, self.file, wanted, self.shown)?,
            None => false,
        };
        if is_proved {
            return Ok(());
        }
        Err(Error::Refused(format!("cannot mend {}: what was written does not read back", quoted(self.shown))))
    }
}

/// What is said of a file that cannot be had.
pub(super) fn nowhere(shown: &Path) -> String {
    format!("cannot mend {}: its content is right nowhere", quoted(shown))
}

fn chunk_bytes() -> usize {
    usize::try_from(CHUNK).unwrap_or(usize::MAX)
}
