//! The content of one file, as far as it has come.
//!
//! Each chunk is proved by its value, and all of them by the digest of the file. One that comes again is to be what it was.

use crate::copy::digest::{PieceHasher, Tree};
use crate::remote::message::{CHUNK, Chunk, End};
use std::collections::BTreeSet;

/// The content of one file, as far as it has come.
pub(super) struct Stream {
    pub(super) id: u64,
    /// Up to where.
    pub(super) position: u64,
    /// Chunks of zeros that come next.
    pub(super) zeros: u64,
    /// The last chunk, or one that came again: whose, from where, and what.
    pub(super) chunk: (u64, u64, Vec<u8>),
    /// The value of each chunk that has come: it is to be the same when it comes again.
    values: Vec<[u8; 32]>,
    /// What the sender says that the chunks are, before any has come.
    pub(super) told: Vec<[u8; 32]>,
    /// Those before were asked for, unless a part has them.
    pub(super) ahead: u64,
    /// Those that a part has.
    pub(super) in_part: BTreeSet<u64>,
    pub(super) tree: Option<Tree>,
    pub(super) end: Option<End>,
    /// Whether anybody wanted to know what it holds.
    pub(super) interest: Interest,
}

/// Whether anybody wanted to know what a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    None,
    Some,
}

impl Stream {
    /// Of a file with this number nothing has come.
    pub(super) fn of(id: u64) -> Self {
        Self {
            id,
            position: 0,
            zeros: 0,
            chunk: (0, 0, Vec::new()),
            values: Vec::new(),
            told: Vec::new(),
            ahead: 0,
            in_part: BTreeSet::new(),
            tree: Some(Tree::new(CHUNK)),
            end: None,
            interest: Interest::None,
        }
    }

    /// What stands at an offset, of the chunk that is at hand.
    pub(super) fn held(&self, id: u64, offset: u64) -> Option<&[u8]> {
        let (of, start, bytes) = &self.chunk;
        let at = usize::try_from(offset.checked_sub(*start)?).ok()?;
        bytes.get(at..).filter(|rest| *of == id && !rest.is_empty())
    }

    /// The next chunk has come, and is right ([`Chunk::is_right`]), so that its value need not be found once more. One without bytes
    /// has no value: the file is shorter by now, and will not add up.
    pub(super) fn add(&mut self, Chunk { number, value, bytes, .. }: Chunk) {
        let start = number * CHUNK;
        if let Some(tree) = self.tree.as_mut().filter(|_| !bytes.is_empty()) {
            if number == 0 {
                let mut hasher = PieceHasher::at(start);
                hasher.update(&bytes);
                tree.add(number, &hasher);
            } else {
                tree.add_value(number, value);
            }
        }
        self.values.push(value);
        self.position = start + bytes.len() as u64;
        self.chunk = (self.id, start, bytes);
    }

    /// Whether a chunk that comes again is what it was. What a file has grown by is taken off: it is no part of this copy.
    pub(super) fn is_as_before(&self, chunk: &mut Chunk) -> bool {
        let known = usize::try_from(chunk.number).ok().and_then(|number| self.values.get(number));
        let Some(known) = known.filter(|_| chunk.id == self.id && !chunk.bytes.is_empty()) else { return true };
        let start = chunk.number * CHUNK;
        chunk.bytes.truncate(usize::try_from(self.position - start).unwrap_or(usize::MAX));
        let mut hasher = PieceHasher::at(start);
        hasher.update(&chunk.bytes);
        hasher.value().as_ref() == Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &[u8] = b"short";

    #[test]
    fn what_a_file_has_grown_by_is_no_part_of_it() {
        let mut stream = Stream::of(1);
        stream.add(Chunk::of(1, 0, SHORT.to_vec()));
        let mut grown = Chunk::of(1, 0, b"short and more".to_vec());
        assert!(stream.is_as_before(&mut grown));
        assert_eq!(grown.bytes, SHORT);
        assert!(!stream.is_as_before(&mut Chunk::of(1, 0, b"Short and more".to_vec())));
        assert!(stream.is_as_before(&mut Chunk::of(1, 1, b"never seen".to_vec())));
    }
}
