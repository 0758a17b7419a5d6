//! What a file holds, in chunks: each is proved and sent again by itself, and the end tells what all of them add up to.

use crate::copy::digest::PieceHasher;
use crate::kernel::Errno;
use crate::remote::fields::{Malformed, Reader, Result, Writer, at, place, read_errno, write_errno};
use crate::remote::frame::BODY_MAX;

/// A file is cut into chunks of so many bytes, each proved and sent again by itself.
pub const CHUNK: u64 = BODY_MAX as u64;

/// What cannot be finished of a longer file stays as a part (--partial), of which the values of its chunks tell what is right.
pub const PARTED_MIN: u64 = 64 << 20;

/// So many values go at once.
pub const VALUES_AT_ONCE: usize = 16 << 10;

/// And so many of a file, which is a tebibyte of it. What lies behind is asked for.
pub const VALUES_MAX: usize = 1 << 20;

/// Whether a file stayed what it was while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steadiness {
    /// As far as size, times and number tell.
    Same,
    /// It did not.
    Changed,
}

const STEADINESS: [Steadiness; 2] = [Steadiness::Same, Steadiness::Changed];

/// A chunk of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Of the entry.
    pub id: u64,
    /// Counted from 0.
    pub number: u64,
    /// Its chaining value in the BLAKE3 tree of the file.
    pub value: [u8; 32],
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The end of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Of the entry.
    pub id: u64,
    /// How many bytes were read.
    pub size: u64,
    /// BLAKE3 of them.
    pub digest: [u8; 32],
    /// Whether the file changed meanwhile.
    pub steadiness: Steadiness,
    /// Why reading ended early.
    pub error: Option<Errno>,
}

/// A chunk that was asked for and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Of the entry.
    pub id: u64,
    /// Counted from 0.
    pub number: u64,
    /// Why.
    pub error: Errno,
}

/// What the next chunks of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// Of the entry.
    pub id: u64,
    /// Their chaining values.
    pub values: Vec<[u8; 32]>,
}

impl Chunk {
    /// One that holds these bytes, with their value.
    pub(in crate::remote) fn of(id: u64, number: u64, bytes: Vec<u8>) -> Self {
        let value = value(number, &bytes).unwrap_or_default();
        Self { id, number, value, bytes }
    }

    /// Whether it is what it was when it was read.
    pub(in crate::remote) fn is_right(&self) -> bool {
        value(self.number, &self.bytes) == Some(self.value)
    }

    /// Writes down all but what it holds, which is the body of its message.
    pub(super) fn write(&self, head: &mut Writer) {
        head.u64(self.id).u64(self.number).digest(&self.value);
    }

    /// Reads what was written. The last byte of it has an offset.
    pub(super) fn read(reader: &mut Reader<'_>, bytes: Vec<u8>) -> Result<Self> {
        let (id, number, value) = (reader.u64()?, reader.u64()?, reader.digest()?);
        number.checked_add(1).and_then(|next| next.checked_mul(CHUNK)).ok_or(Malformed)?;
        Ok(Self { id, number, value, bytes })
    }
}

impl End {
    /// Writes it down.
    pub(super) fn write(&self, head: &mut Writer) {
        head.u64(self.id).u64(self.size).digest(&self.digest).u8(place(&STEADINESS, &self.steadiness));
        write_errno(head, self.error);
    }

    /// Reads what was written.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            id: reader.u64()?,
            size: reader.u64()?,
            digest: reader.digest()?,
            steadiness: at(&STEADINESS, reader)?,
            error: read_errno(reader)?,
        })
    }
}

impl Missed {
    /// Writes it down.
    pub(super) fn write(&self, head: &mut Writer) {
        head.u64(self.id).u64(self.number);
        write_errno(head, Some(self.error));
    }

    /// Reads what was written.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { id: reader.u64()?, number: reader.u64()?, error: read_errno(reader)?.ok_or(Malformed)? })
    }
}

impl Values {
    /// Writes them down.
    pub(super) fn write(&self, head: &mut Writer) {
        head.u64(self.id).u32(u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.values.iter().for_each(|value| {
            head.digest(value);
        });
    }

    /// Reads what was written.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { id: reader.u64()?, values: reader.several(Reader::digest)? })
    }
}

/// The chaining value of a chunk. One without bytes has none.
fn value(number: u64, bytes: &[u8]) -> Option<[u8; 32]> {
    let mut hasher = PieceHasher::at(number * CHUNK);
    hasher.update(bytes);
    hasher.value()
}
