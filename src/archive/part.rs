//! A part of a manifest: what one of several runs has seen, written down as it comes, to be joined to a list in the end.
//!
//! An entry is a tag, the lengths of key and value in four bytes each, the lowest first, the key and the value.

use super::read_back::must_hold;
use crate::copy::pass::Bytes;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel};
use crate::quote::quoted;
use blake3::Hasher;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// So much is written, and read, at once.
const BUFFER_BYTES: usize = 128 << 10;

/// What stands before an entry's key: tag and two lengths.
const HEAD_BYTES: usize = 9;

/// What an entry is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// A name.
    Name = 1,
    /// One of several names of a file.
    Linked = 2,
    /// The companion.
    Chunk = 3,
    /// A name that the list cannot hold.
    Unheld = 4,
}

/// A part that is being written.
pub struct PartFile<'a, K: Kernel> {
    kernel: &'a K,
    file: K::File,
    shown: PathBuf,
    written: Mutex<Written>,
}

#[derive(Default)]
struct Written {
    buffer: Vec<u8>,
    /// What was handed over to be written.
    written: Hasher,
}

impl<'a, K: Kernel> PartFile<'a, K> {
    /// One in an empty file that is open for reading and writing.
    pub fn new(kernel: &'a K, file: K::File, shown: &Path) -> Self {
        Self { kernel, file, shown: shown.to_owned(), written: Mutex::default() }
    }

    pub(super) fn append(&self, tag: Tag, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).map(u32::to_le_bytes);
        let lengths = length(key).and_then(|key| Ok([key, length(value)?].concat()));
        let lengths = lengths.map_err(|_| Error::call(Action::Write, &self.shown, Errno::FBIG))?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.buffer.push(tag as u8);
        [&lengths, key, value].iter().for_each(|bytes| written.buffer.extend_from_slice(bytes));
        if written.buffer.len() >= BUFFER_BYTES { self.flush(&mut written) } else { Ok(()) }
    }

    fn flush(&self, written: &mut Written) -> Result<(), Error> {
        let buffer = std::mem::take(&mut written.buffer);
        let appended = Bytes::of(self.kernel, &self.file).write_full(&buffer, written.written.count());
        appended.map_err(|errno| Error::call(Action::Write, &self.shown, errno))?;
        written.written.update(&buffer);
        Ok(())
    }

    /// Writes all of it out, and reads it back.
    pub(super) fn finish(&self) -> Result<(), Error> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        self.flush(&mut written)?;
        self.kernel.fsync(&self.file).map_err(|errno| Error::call(Action::Sync, &self.shown, errno))?;
        must_hold(self.kernel, &self.file, &self.shown, &written.written)
    }
}

/// Calls with every entry of a part. One that is not whole is an error.
pub(super) fn each<K: Kernel>(
    (kernel, file, shown): (&K, &K::File, &Path),
    mut call: impl FnMut(Tag, &[u8], &[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let damaged = || Error::Refused(format!("{} is damaged", quoted(shown)));
    let (mut read, mut rest, mut offset) = (vec![0; BUFFER_BYTES], Vec::new(), 0);
    loop {
        let count = kernel.pread(file, &mut read, offset).map_err(|errno| Error::call(Action::Read, shown, errno))?;
        if count == 0 {
            return if rest.is_empty() { Ok(()) } else { Err(damaged()) };
        }
        offset += count as u64;
        rest.extend_from_slice(&read[..count]);
        let mut begin = 0;
        while let Some(length) = length(&rest[begin..]) {
            let (key, end) = (begin + HEAD_BYTES, begin + HEAD_BYTES + length.0 + length.1);
            let Some(entry) = rest.get(key..end) else { break };
            let (key, value) = entry.split_at(length.0);
            call(tag(rest[begin]).ok_or_else(damaged)?, key, value)?;
            begin = end;
        }
        rest.drain(..begin);
    }
}

/// The lengths of key and value, once they are there.
fn length(entry: &[u8]) -> Option<(usize, usize)> {
    let number = |at: usize| {
        let bytes: [u8; 4] = entry.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    Some((number(1)?, number(5)?))
}

fn tag(byte: u8) -> Option<Tag> {
    [Tag::Name, Tag::Linked, Tag::Chunk, Tag::Unheld].into_iter().find(|tag| *tag as u8 == byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::linux::Linux;
    use crate::kernel::{Mode, OFlags, ResolveFlags};

    #[test]
    fn entries_are_read_as_they_were_written() {
        let (kernel, place) = (Linux::new(), tempfile::tempdir().expect("a directory"));
        let path = place.path().join("part");
        let flags = OFlags::RDWR | OFlags::CREATE;
        let open = || kernel.open(None, &path, flags, Mode::RWXU, ResolveFlags::empty()).expect("a file");
        let part = PartFile::new(&kernel, open(), &path);
        let tags = [Tag::Name, Tag::Linked, Tag::Chunk, Tag::Unheld];
        let expected: Vec<(Tag, Vec<u8>, Vec<u8>)> = (0..5000_usize)
            .map(|number| (tags[number % 4], vec![number as u8; number % 90], vec![7; number * 31 % 400]))
            .collect();
        expected.iter().for_each(|(tag, key, value)| part.append(*tag, key, value).expect("room"));
        part.finish().expect("room");
        let mut found = Vec::new();
        let read = |found: &mut Vec<_>| {
            each((&kernel, &open(), &path), |tag, key, value| {
                found.push((tag, key.to_vec(), value.to_vec()));
                Ok(())
            })
        };
        read(&mut found).expect("what was written");
        assert!(found == expected);
        let length = std::fs::metadata(&path).expect("a file").len();
        std::fs::File::options().write(true).open(&path).expect("a file").set_len(length - 1).expect("a shorter one");
        assert!(read(&mut Vec::new()).is_err(), "half an entry");
    }
}
