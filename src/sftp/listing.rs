//! Digests of content for a list that is made of a run, taken as the bytes pass: BLAKE3 with the values of its chunks, and SHA-256
//! where the list has that. And what SFTP tells of a far name, in the words of lists.

use super::types::{Failure, ListDigests};
use super::wire::{self, Attrs};
use crate::copy::digest::{Digests, PieceHasher, Tree};
use crate::copy::{Sealed, View};
use crate::kernel::{Kind, Stat, Timestamp};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Bytes of a chunk.
const CHUNK: u64 = 1 << 20;

/// Digests on their way.
pub(super) struct Taking {
    tree: Tree,
    piece: PieceHasher,
    position: u64,
    sha256: Option<Sha256>,
}

/// What was taken.
pub(super) struct ListedDigest {
    digests: Digests,
    sha256: Option<[u8; 32]>,
}

impl Taking {
    /// What a list takes; nothing where none is made.
    pub(super) fn of(listed: ListDigests) -> Option<Self> {
        let sha256 = match listed {
            ListDigests::Nothing => return None,
            ListDigests::Blake3 => None,
            ListDigests::Sha256 => Some(Sha256::new()),
        };
        Some(Self { tree: Tree::new(CHUNK), piece: PieceHasher::at(0), position: 0, sha256 })
    }

    /// Takes in the next bytes.
    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        self.sha256.iter_mut().for_each(|sha256| sha256.update(bytes));
        while !bytes.is_empty() {
            let room = CHUNK - self.position % CHUNK;
            let count = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            let (next, rest) = bytes.split_at(count);
            self.piece.update(next);
            self.position += count as u64;
            bytes = rest;
            if self.position % CHUNK == 0 {
                self.tree.add(self.position / CHUNK - 1, &self.piece);
                self.piece = PieceHasher::at(self.position);
            }
        }
    }

    /// What was taken of all bytes.
    pub(super) fn end(mut self) -> Option<ListedDigest> {
        self.tree.add(self.position / CHUNK, &self.piece);
        let digests = self.tree.digests(self.position)?;
        Some(ListedDigest { digests, sha256: self.sha256.map(|sha256| sha256.finalize().into()) })
    }
}

/// What a far name is, in the words of lists; nothing of what is no file and no directory, or where the server does not tell all
/// of it.
pub(super) fn sealed(attrs: &Attrs, taken: Option<ListedDigest>) -> Option<Sealed> {
    let kind = match attrs.kind()? {
        wire::FILE => Kind::File,
        wire::DIRECTORY => Kind::Directory,
        _ => return None,
    };
    let (digests, sha256) = taken.map_or((None, None), |taken| (Some(taken.digests), taken.sha256));
    let stat = stat(attrs, kind)?;
    Some(Sealed { stat, text: None, digests, attributes: None, lists: None, sha256, view: View::OverSftp })
}

/// The same of a symbolic link, which says `text`.
pub(super) fn sealed_link(attrs: &Attrs, text: Option<&[u8]>) -> Option<Sealed> {
    let text = text.filter(|text| !text.is_empty() && !text.contains(&0));
    let (Some(wire::LINK), Some(text)) = (attrs.kind(), text) else { return None };
    let text = Some(OsStr::from_bytes(text).to_owned());
    let stat = stat(attrs, Kind::Symlink)?;
    let (digests, attributes, lists, sha256) = (None, None, None, None);
    Some(Sealed { stat, text, digests, attributes, lists, sha256, view: View::OverSftp })
}

fn stat(attrs: &Attrs, kind: Kind) -> Option<Stat> {
    let ((uid, gid), size, mode) = (attrs.owner?, attrs.size?, attrs.mode? & 0o7777);
    let time = Timestamp::default();
    let (dev, ino, nlink, rdev, blocks) = (0, 0, 1, 0, size.div_ceil(512));
    let (atime, mtime, ctime) = (time, time, time);
    Some(Stat { dev, ino, kind, mode, nlink, uid, gid, rdev, size, blocks, atime, mtime, ctime })
}

/// What is said of a far name that [`sealed`] has no words for.
pub(super) fn unlisted(shown: &Path) -> Failure {
    let why = " is: it has changed again, or is a symbolic link to a directory";
    Failure::of_far("the list cannot tell what ", shown, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_whole_however_it_comes() {
        let bytes: Vec<u8> = (0..3_000_001_u32).map(|number| (number * 7 / 3) as u8).collect();
        for (size, slice) in
            [(0, 1), (1, 1), (1 << 20, 261_120), (1 << 20, 1 << 20), (3_000_001, 261_120), (2_097_153, 1_500_000)]
        {
            let mut taking = Taking::of(ListDigests::Sha256).expect("a list");
            bytes[..size].chunks(slice).for_each(|bytes| taking.update(bytes));
            let taken = taking.end().expect("all of it");
            assert_eq!(taken.digests.whole, blake3::hash(&bytes[..size]), "{size}");
            assert_eq!(taken.digests.pieces.len(), if size > 1 << 20 { size.div_ceil(1 << 20) } else { 0 }, "{size}");
            assert_eq!(taken.sha256, Some(Sha256::digest(&bytes[..size]).into()), "{size}");
        }
        assert!(Taking::of(ListDigests::Nothing).is_none());
    }
}
