//! What the digests of a list without words are of. A list may be put together of several tools' lines, so that what a file is
//! right by decides for that file alone. What files were right by before is tried first, so that most of them are read once.

use super::digest::{Algorithm, LENGTHS};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What is known of it so far.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    /// By the number of bytes: what files were right by, in the order in which that came up; nothing if none was.
    lengths: Mutex<BTreeMap<u8, Vec<Algorithm>>>,
}

/// What digests without a name were taken for, once all that is listed was looked at: a bit for each of [`all`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenFor(u32);

/// All that digests without a name may be of, the shortest first.
fn all() -> impl Iterator<Item = Algorithm> {
    LENGTHS.into_iter().flat_map(|bytes| Algorithm::Unnamed(bytes).candidates())
}

impl TakenFor {
    /// The names of the algorithms, the shortest digests first; `None` if the list has said what it has, or nothing was right.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let is_taken = |(number, _): &(usize, Algorithm)| self.0 >> number & 1 == 1;
        let names: Vec<_> = all().enumerate().filter(is_taken).map(|(_, known)| known.words()).collect();
        (!names.is_empty()).then(|| names.join(" and "))
    }
}

impl Unnamed {
    /// What an algorithm of a list is tried as at first: what files were right by, if any was.
    pub(super) fn candidates(&self, algorithm: Algorithm) -> Vec<Algorithm> {
        let Algorithm::Unnamed(bytes) = algorithm else { return vec![algorithm] };
        let lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lengths.get(&bytes).filter(|known| !known.is_empty());
        known.cloned().unwrap_or_else(|| algorithm.candidates())
    }

    /// Takes down that a file is right by one, or by none of the candidates.
    pub(super) fn note(&self, algorithm: Algorithm, right: Option<Algorithm>) {
        let Algorithm::Unnamed(bytes) = algorithm else { return };
        let mut lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lengths.entry(bytes).or_default();
        let new = right.filter(|right| !known.contains(right));
        known.extend(new);
    }

    /// What they were found to be.
    pub(super) fn taken_for(&self) -> TakenFor {
        let lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |(_, algorithm): &(usize, Algorithm)| lengths.values().flatten().any(|known| known == algorithm);
        TakenFor(all().enumerate().filter(is_known).fold(0, |bits, (number, _)| bits | 1 << number))
    }

    /// Whether there were digests without a name, and no file was right by one: they may be of something else altogether.
    pub(super) fn fits_nothing(&self) -> bool {
        let lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        !lengths.is_empty() && lengths.values().all(Vec::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_were_right_by_is_tried_first() {
        let (unnamed, of_64) = (Unnamed::default(), Algorithm::Unnamed(64));
        let of_any = [Algorithm::Sha512, Algorithm::Blake2b(64), Algorithm::Blake3Of(64)];
        assert_eq!(unnamed.candidates(of_64), of_any);
        assert_eq!(unnamed.taken_for().words(), None);
        assert!(!unnamed.fits_nothing());
        unnamed.note(of_64, None);
        assert!(unnamed.fits_nothing());
        unnamed.note(Algorithm::Unnamed(16), Some(Algorithm::Md5));
        assert!(!unnamed.fits_nothing());
        assert_eq!(unnamed.candidates(of_64), of_any);
        unnamed.note(of_64, Some(Algorithm::Blake2b(64)));
        unnamed.note(of_64, None);
        assert_eq!(unnamed.candidates(of_64), [Algorithm::Blake2b(64)]);
        assert_eq!(unnamed.taken_for().words().as_deref(), Some("MD5 and BLAKE2b-512"));
        unnamed.note(of_64, Some(Algorithm::Sha512));
        unnamed.note(of_64, Some(Algorithm::Blake2b(64)));
        assert!(!unnamed.fits_nothing());
        assert_eq!(unnamed.candidates(of_64), [Algorithm::Blake2b(64), Algorithm::Sha512]);
        assert_eq!(unnamed.taken_for().words().as_deref(), Some("MD5 and SHA-512 and BLAKE2b-512"));
        assert_eq!(unnamed.candidates(Algorithm::Md5), [Algorithm::Md5]);
    }
}
