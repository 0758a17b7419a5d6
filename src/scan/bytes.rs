//! Bytes of a file, or of a part of it, wherever they lie.

use crate::copy::Stop;
use crate::kernel::{Errno, Kernel, Result};
use std::io::{BufReader, Read};
use std::ops::Range;

/// So much is read ahead where bytes are read in their order.
const AHEAD_BYTES: usize = 64 << 10;

/// What can be read at any place.
pub trait Bytes {
    /// As pread(2): may read less than asked, and nothing at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize>;
}

/// An open file, of which nothing more is read once the run is to end: ECANCELED.
pub(super) struct OpenFile<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) file: &'a K::File,
    pub(super) stop: Stop<'a>,
}

impl<K: Kernel> Bytes for OpenFile<'_, K> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        if self.stop.is_asked() {
            return Err(Errno::CANCELED);
        }
        self.kernel.pread(self.file, buffer, offset)
    }
}

impl Bytes for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

/// A part of something, counted from its own beginning.
#[derive(Clone)]
pub struct Part<'a> {
    bytes: &'a dyn Bytes,
    range: Range<u64>,
}

impl<'a> Part<'a> {
    /// The first `size` bytes.
    #[must_use]
    pub fn new(bytes: &'a dyn Bytes, size: u64) -> Self {
        Self { bytes, range: 0..size }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// Where it begins in what it is a part of.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.range.start
    }

    /// A part of this part, cut where this one ends.
    #[must_use]
    pub fn within(&self, range: Range<u64>) -> Self {
        let at = |offset: u64| self.range.start.saturating_add(offset).min(self.range.end);
        Self { bytes: self.bytes, range: at(range.start)..at(range.end.max(range.start)) }
    }

    /// Fills the buffer from there on, as far as this part goes.
    pub fn fill(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let room = usize::try_from(self.size().saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let mut count = 0;
        while count < room {
            match self.bytes.read_at(&mut buffer[count..room], self.range.start + offset + count as u64)? {
                0 => break,
                more => count += more,
            }
        }
        Ok(count)
    }

    /// So many bytes; `None` where they are not all there.
    pub fn array<const N: usize>(&self, offset: u64) -> Result<Option<[u8; N]>> {
        let mut array = [0; N];
        Ok((self.fill(&mut array, offset)? == N).then_some(array))
    }

    /// At most so many bytes.
    pub fn up_to(&self, count: usize, offset: u64) -> Result<Vec<u8>> {
        let room = usize::try_from(self.size().saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; count.min(room)];
        let filled = self.fill(&mut bytes, offset)?;
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Its bytes in their order, for readers of streams.
    #[must_use]
    pub fn reader(&self) -> BufReader<InOrder<'a>> {
        BufReader::with_capacity(AHEAD_BYTES, InOrder { part: self.clone(), offset: 0 })
    }
}

/// The bytes of a part, one after the other.
pub struct InOrder<'a> {
    part: Part<'a>,
    offset: u64,
}

impl Read for InOrder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.part.fill(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Reads all that a reader of streams gives, and hands it over. Whether it came to its end: what keeps it from that is in the
/// bytes, unless the kernel gave an error.
pub(super) fn reads_through(mut stream: impl Read, mut take: impl FnMut(&[u8])) -> Result<bool> {
    let mut buffer = vec![0; AHEAD_BYTES];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) => take(&buffer[..count]),
            Err(error) => return Errno::from_io_error(&error).map_or(Ok(false), Err),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_what_it_is_a_part_of_ends() {
        let bytes: &[u8] = b"0123456789";
        let whole = Part::new(&bytes, 10);
        let part = whole.within(4..40);
        assert_eq!((part.start(), part.size()), (4, 6));
        assert_eq!(part.array::<2>(4).expect("bytes"), Some(*b"89"));
        assert_eq!(part.array::<3>(4).expect("bytes"), None);
        assert_eq!(part.up_to(9, 3).expect("bytes"), b"789");
        let (later, earlier) = (7, 3);
        assert_eq!(part.within(later..earlier).size(), 0);
    }
}
