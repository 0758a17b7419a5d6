//! Frames: what messages travel in, so that neither a wrong length nor a changed byte is taken for anything else.
//!
//! A frame is a byte for the kind, two lengths of four bytes, the head, eight bytes of the BLAKE3 of all that, and the
//! body. The body is a file's bytes, whose digest the head holds: it is hashed once. Both lengths are bounded before
//! anything is allocated.

use std::io::{Error, ErrorKind, Read, Result, Write};

/// The longest head: a name with all its extended attributes.
pub const HEAD_MAX: usize = 1 << 20;

/// The longest body: a chunk of a file.
pub const BODY_MAX: usize = 1 << 20;

/// Kind and lengths.
const PREFIX: usize = 9;

/// How much of the digest travels: a flipped byte is found, and who can make one that is not needs no such thing.
const CHECK: usize = 8;

/// What travels at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the head is.
    pub kind: u8,
    /// Fields.
    pub head: Vec<u8>,
    /// Bytes of a file.
    pub body: Vec<u8>,
}

/// How many bytes a frame takes on its way.
#[must_use]
pub fn length(head: usize, body: usize) -> usize {
    PREFIX + head + CHECK + body
}

/// Writes a frame.
pub fn write(output: &mut dyn Write, kind: u8, head: &[u8], body: &[u8]) -> Result<()> {
    if head.len() > HEAD_MAX || body.len() > BODY_MAX {
        return Err(Error::new(ErrorKind::InvalidInput, "a message is too long to be sent"));
    }
    let mut prefix = [kind; PREFIX];
    prefix[1..5].copy_from_slice(&u32::try_from(head.len()).unwrap_or(u32::MAX).to_le_bytes());
    prefix[5..].copy_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    output.write_all(&prefix)?;
    output.write_all(head)?;
    output.write_all(&check(&prefix, head))?;
    output.write_all(body)
}

/// Reads a frame. An end of the stream between two frames is one as well: who ends says so before.
pub fn read(input: &mut dyn Read) -> Result<Frame> {
    let mut prefix = [0; PREFIX];
    input.read_exact(&mut prefix)?;
    let length = |at: usize| u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]) as usize;
    let (head, body) = (length(1), length(5));
    if head > HEAD_MAX || body > BODY_MAX {
        return Err(damaged());
    }
    let (mut head, mut found) = (vec![0; head], [0; CHECK]);
    input.read_exact(&mut head)?;
    input.read_exact(&mut found)?;
    if found != check(&prefix, &head) {
        return Err(damaged());
    }
    let mut body = vec![0; body];
    input.read_exact(&mut body)?;
    Ok(Frame { kind: prefix[0], head, body })
}

fn check(prefix: &[u8], head: &[u8]) -> [u8; CHECK] {
    let digest = blake3::Hasher::new().update(prefix).update(head).finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest.as_bytes()[..CHECK]);
    check
}

fn damaged() -> Error {
    Error::new(ErrorKind::InvalidData, "what arrived is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_bounded_before_anything_is_allocated() {
        for at in [1, 5] {
            let mut bytes = [0_u8; PREFIX];
            bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
            assert_eq!(read(&mut &bytes[..]).expect_err("too long").kind(), ErrorKind::InvalidData);
        }
    }

    proptest! {
        #[test]
        fn a_byte_that_changed_outside_the_body_is_found(
            head in proptest::collection::vec(any::<u8>(), 0..40),
            body in proptest::collection::vec(any::<u8>(), 0..40),
            at: prop::sample::Index,
            flip in 1_u8..,
        ) {
            let mut bytes = Vec::new();
            write(&mut bytes, 7, &head, &body).expect("a frame");
            prop_assert_eq!(bytes.len(), length(head.len(), body.len()));
            prop_assert_eq!(read(&mut &bytes[..]).expect("the frame"), Frame { kind: 7, head: head.clone(), body: body.clone() });
            let at = at.index(bytes.len() - body.len());
            bytes[at] ^= flip;
            // A length that grew ends at the end of the stream.
            prop_assert!(read(&mut &bytes[..]).is_err());
        }
    }
}
