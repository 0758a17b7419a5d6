//! A stream that goes no faster than it may (-l), however fast the other end is.

use crate::sftp::Pace;
use std::io::{Read, Result, Write};

/// More does not go at once, so that nobody waits long for what goes at all.
const PART: usize = 16 << 10;

/// A stream at a pace.
pub(super) struct Paced<T> {
    stream: T,
    pace: Pace,
}

impl<T> Paced<T> {
    /// So many bytes a second at most; as fast as it goes without a limit.
    pub(super) fn new(stream: T, speed_max: Option<u64>) -> Self {
        Self { stream, pace: Pace::new(speed_max) }
    }

    /// How many of these bytes go at once.
    fn part(&self, length: usize) -> usize {
        if self.pace.is_limited() { length.min(PART) } else { length }
    }
}

impl<T: Read> Read for Paced<T> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let part = self.part(buffer.len());
        let count = self.stream.read(&mut buffer[..part])?;
        self.pace.keep(count as u64);
        Ok(count)
    }
}

impl<T: Write> Write for Paced<T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let part = self.part(bytes.len());
        let count = self.stream.write(&bytes[..part])?;
        self.pace.keep(count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn nothing_goes_faster_than_it_may() {
        let bytes = vec![1; 200 << 10];
        let (began, mut got, mut sent) = (Instant::now(), Vec::new(), Vec::new());
        Paced::new(&bytes[..], Some(1 << 20)).read_to_end(&mut got).expect("bytes");
        Paced::new(&mut sent, Some(1 << 20)).write_all(&bytes).expect("room");
        // Twice 200 KiB at 1 MiB a second, but for what goes before anybody waits.
        assert!(began.elapsed() >= Duration::from_millis(250));
        assert!(got == bytes && sent == bytes);
    }
}
