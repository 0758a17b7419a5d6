//! The text of a list that is packed by gzip: all of its members, one after the other.
//!
//! As with gzip, zeros behind the last one are none of it: tapes and old transfers fill their blocks with them. What else stands
//! there is an error.

use flate2::bufread::GzDecoder;
use std::io::{BufRead, Error, Read, Result};

/// What a packed file begins with.
pub(super) const SIGNATURE: &[u8] = b"\x1f\x8b";

/// Reads what was packed.
pub(super) struct Unpacked<R> {
    /// `None` once the last member has ended.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Unpacked<R> {
    /// That of a file that begins with the signature.
    pub(super) fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

impl<R: BufRead> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let has_more = goes_on(member.get_mut())?;
            self.member = self.member.take().filter(|_| has_more).map(|member| GzDecoder::new(member.into_inner()));
        }
        Ok(0)
    }
}

/// Whether another member follows one that has ended.
fn goes_on(packed: &mut impl BufRead) -> Result<bool> {
    let mut has_zeros = false;
    loop {
        let bytes = packed.fill_buf()?;
        match bytes.iter().position(|byte| *byte != 0) {
            None if bytes.is_empty() => return Ok(false),
            None => {
                let count = bytes.len();
                packed.consume(count);
                has_zeros = true;
            }
            Some(0) if !has_zeros => return Ok(true),
            Some(_) => return Err(Error::other("behind the zeros at its end there is something else")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{BufReader, Write};

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    }

    fn read(bytes: &[u8]) -> Result<String> {
        let mut text = String::new();
        // Members and zeros end within buffers and at their ends.
        Unpacked::new(BufReader::with_capacity(16, bytes)).read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn members_and_zeros_follow_each_other_and_nothing_else_does() {
        let (one, two) = (packed("one\n"), packed("two\n"));
        let zeros = [0; 40];
        assert_eq!(read(&[&one[..], &two].concat()).expect("two members"), "one\ntwo\n");
        for count in [1, 15, 16, 17, 40] {
            let padded = [&one[..], &two, &zeros[..count]].concat();
            assert_eq!(read(&padded).expect("zeros"), "one\ntwo\n", "{count}");
            assert!(read(&[&padded[..], b"x"].concat()).is_err(), "{count}");
            assert!(read(&[&padded[..], &one].concat()).is_err(), "{count}");
        }
        assert!(read(&[&one[..], b"x"].concat()).is_err());
        assert!(read(&one[..one.len() - 1]).is_err());
    }
}
