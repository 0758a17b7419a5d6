//! BLAKE3 of a file, piece by piece, so that pieces can be hashed in any order and compared alone.
//!
//! A piece is a subtree of BLAKE3's own tree (its `hazmat` interface), so the root that the pieces add
//! up to is the digest that b3sum prints for the whole file.

use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use blake3::{Hash, Hasher};
use std::ops::Range;

/// Hashes one piece of a file, or nothing where nobody asks for the digest.
pub struct PieceHasher(Option<Hasher>);

impl PieceHasher {
    /// A hasher for the piece that begins at `offset`, a multiple of the piece size, which itself is
    /// a power of two times 1024.
    #[must_use]
    pub fn at(offset: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.set_input_offset(offset);
        Self(Some(hasher))
    }

    /// One that takes nothing in; a [`Tree`] made of such pieces has no root.
    #[must_use]
    pub fn idle() -> Self {
        Self(None)
    }

    /// Takes in the next bytes of the piece.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(hasher) = &mut self.0 {
            hasher.update(bytes);
        }
    }

    /// The chaining value of what was taken in; nothing of no bytes.
    #[must_use]
    pub fn value(&self) -> Option<ChainingValue> {
        self.0.as_ref().filter(|hasher| hasher.count() > 0).map(HasherExt::finalize_non_root)
    }

    /// Takes in `length` zero bytes.
    pub fn update_zeros(&mut self, mut length: u64) {
        static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
        while length > 0 && self.0.is_some() {
            let count = length.min(ZEROS.len() as u64);
            #[allow(clippy::cast_possible_truncation, reason = "at most the length of ZEROS")]
            self.update(&ZEROS[..count as usize]);
            length -= count;
        }
    }
}

/// The digests of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// BLAKE3 of all its bytes.
    pub whole: Hash,
    /// The chaining value of each piece, in order; none of a file that is not longer than one piece.
    pub pieces: Vec<ChainingValue>,
}

impl Digests {
    /// Whether the values of the pieces add up to the digest of a file of `size` bytes, so that each of them can be
    /// believed as that can.
    #[must_use]
    pub fn are_consistent(&self, piece: u64, size: u64) -> bool {
        let values = (0..).zip(self.pieces.iter().copied()).collect();
        self.pieces.len() > 1 && Tree { piece, values, alone: None }.root(size) == Some(self.whole)
    }
}

/// The chaining value of the piece of a file that begins at `offset`; the file is longer than that.
#[must_use]
pub fn piece_value(bytes: &[u8], offset: u64) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    hasher.update(bytes).finalize_non_root()
}

/// The digests of the pieces of one file, in any order until [`Tree::root`] is asked for.
#[derive(Debug)]
pub struct Tree {
    piece: u64,
    /// Number and value of each piece.
    values: Vec<(u64, ChainingValue)>,
    /// The digest the file has if its first piece is all of it.
    alone: Option<Hash>,
}

impl Tree {
    /// The digest of an empty file, cut into pieces of `piece` bytes.
    #[must_use]
    pub fn new(piece: u64) -> Self {
        Self { piece, values: Vec::new(), alone: None }
    }

    /// That of a file whose pieces have these values, in order.
    #[must_use]
    pub fn of(piece: u64, values: Vec<ChainingValue>) -> Self {
        Self { piece, values: (0..).zip(values).collect(), alone: None }
    }

    /// The value of a range that is a subtree of the file's: it begins at a multiple of a power of two times the piece, and is as
    /// long as that or reaches the file's end. `None` while pieces of it are missing.
    #[must_use]
    pub fn range(&mut self, range: &Range<u64>) -> Option<ChainingValue> {
        self.values.sort_unstable_by_key(|(number, _)| *number);
        let length = range.end - range.start;
        let is_whole = length > 0
            && self.values.len() as u64 == length.div_ceil(self.piece)
            && (range.start / self.piece..).zip(&self.values).all(|(expected, (number, _))| expected == *number);
        is_whole.then(|| self.subtree(0, length))
    }

    /// Adds a piece that is complete or the file's last. A piece without bytes changes nothing.
    pub fn add(&mut self, number: u64, hasher: &PieceHasher) {
        let Some(hasher) = hasher.0.as_ref().filter(|hasher| hasher.count() > 0) else { return };
        if number == 0 {
            self.alone = Some(hasher.finalize());
        }
        self.values.push((number, hasher.finalize_non_root()));
    }

    /// Adds a piece by its value. Not the first one: it may be the whole file, and its value is not the file's digest then.
    pub fn add_value(&mut self, number: u64, value: ChainingValue) {
        self.values.push((number, value));
    }

    /// Takes over the pieces of another tree of the same file.
    pub fn join(&mut self, other: Tree) {
        self.alone = self.alone.or(other.alone);
        self.values.extend(other.values);
    }

    /// The digest of a file of `size` bytes, or `None` while pieces of it are missing.
    #[must_use]
    pub fn root(self, size: u64) -> Option<Hash> {
        self.digests(size).map(|digests| digests.whole)
    }

    /// The same with the values of its pieces.
    #[must_use]
    pub fn digests(mut self, size: u64) -> Option<Digests> {
        self.values.sort_unstable_by_key(|(number, _)| *number);
        let is_whole = self.values.len() as u64 == size.div_ceil(self.piece)
            && (0..).zip(&self.values).all(|(expected, (number, _))| expected == *number);
        if !is_whole {
            return None;
        }
        if self.values.len() < 2 {
            let whole = self.alone.unwrap_or_else(|| Hasher::new().finalize());
            return Some(Digests { whole, pieces: Vec::new() });
        }
        let (left, right) = self.halves(0, size);
        let whole = merge_subtrees_root(&left, &right, Mode::Hash);
        Some(Digests { whole, pieces: self.values.into_iter().map(|(_, value)| value).collect() })
    }

    /// The two children of the subtree of `length` bytes (more than one piece) at `offset`.
    fn halves(&self, offset: u64, length: u64) -> (ChainingValue, ChainingValue) {
        let left = left_subtree_len(length);
        (self.subtree(offset, left), self.subtree(offset + left, length - left))
    }

    fn subtree(&self, offset: u64, length: u64) -> ChainingValue {
        if length <= self.piece {
            let number = usize::try_from(offset / self.piece).unwrap_or(usize::MAX);
            return self.values[number].1;
        }
        let (left, right) = self.halves(offset, length);
        merge_subtrees_non_root(&left, &right, Mode::Hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts `bytes` into pieces of 1024, adds them last first, and compares with BLAKE3's own answer.
    #[test]
    fn the_root_is_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..40_000_u32).map(|n| (n * 7 / 3) as u8).collect();
        for size in [0, 1, 1023, 1024, 1025, 2048, 2049, 3 * 1024, 7 * 1024 + 5, 16 * 1024, 40_000] {
            let mut tree = Tree::new(1024);
            for (number, piece) in (0..).zip(bytes[..size].chunks(1024)).collect::<Vec<_>>().into_iter().rev() {
                let mut hasher = PieceHasher::at(number * 1024);
                hasher.update(piece);
                tree.add(number, &hasher);
            }
            assert_eq!(tree.root(size as u64), Some(blake3::hash(&bytes[..size])), "{size} bytes");
        }
    }

    /// Ranges of four pieces, each hashed by itself, join to BLAKE3's own answer.
    #[test]
    fn ranges_join_to_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..40_000_u32).map(|n| (n * 11 / 7) as u8).collect();
        for size in [4097, 8192, 8193, 13 * 1024, 16 * 1024, 39_999] {
            let values = (0_u64..).zip(bytes[..size].chunks(4096)).map(|(number, range)| {
                let begin = number * 4096;
                let mut tree = Tree::new(1024);
                for (piece, bytes) in (begin / 1024..).zip(range.chunks(1024)) {
                    let mut hasher = PieceHasher::at(piece * 1024);
                    hasher.update(bytes);
                    tree.add(piece, &hasher);
                }
                tree.range(&(begin..begin + range.len() as u64)).expect("all pieces")
            });
            assert_eq!(
                Tree::of(4096, values.collect()).root(size as u64),
                Some(blake3::hash(&bytes[..size])),
                "{size}"
            );
        }
    }

    #[test]
    fn zeros_hash_as_zero_bytes() {
        let mut hasher = PieceHasher::at(0);
        hasher.update_zeros(200_000);
        let mut tree = Tree::new(1 << 20);
        tree.add(0, &hasher);
        assert_eq!(tree.root(200_000), Some(blake3::hash(&vec![0; 200_000])));
    }

    #[test]
    fn a_missing_piece_leaves_no_root() {
        let mut hasher = PieceHasher::at(1024);
        hasher.update(&[1; 1024]);
        let mut tree = Tree::new(1024);
        tree.add(1, &hasher);
        assert_eq!(tree.root(2048), None);
    }
}
