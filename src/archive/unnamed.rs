//! What the digests of a list without words are of. The first file that is right by one of the algorithms with digests of that
//! length decides it for all others, so that each of them is read once.

use super::digest::{Algorithm, LENGTHS};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What is known of it so far.
#[derive(Debug, Default)]
pub(super) struct Unnamed {
    /// By the number of bytes.
    lengths: Mutex<BTreeMap<u8, Seen>>,
}

/// What digests without a name were taken for, once all that is listed was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenFor([Option<Algorithm>; LENGTHS.len()]);

impl TakenFor {
    /// What an algorithm of the list may be: one alone where that is known.
    pub(super) fn candidates(&self, algorithm: Algorithm) -> Vec<Algorithm> {
        let Algorithm::Unnamed(bytes) = algorithm else { return vec![algorithm] };
        let known = self.0.iter().flatten().find(|known| known.length() == usize::from(bytes));
        known.map_or_else(|| algorithm.candidates(), |known| vec![*known])
    }

    /// The names of the algorithms, the shortest digests first; `None` if the list has said what it has, or nothing was right.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        let names: Vec<_> = self.0.iter().flatten().map(|known| known.words()).collect();
        (!names.is_empty()).then(|| names.join(" and "))
    }
}

/// What was seen of digests of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// A file was right by this.
    Right(Algorithm),
    /// Files were compared, and no algorithm had what is listed.
    Nothing,
}

impl Unnamed {
    /// What an algorithm of a list may be: one alone once that is known.
    pub(super) fn candidates(&self, algorithm: Algorithm) -> Vec<Algorithm> {
        let Algorithm::Unnamed(bytes) = algorithm else { return vec![algorithm] };
        let lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        match lengths.get(&bytes) {
            Some(Seen::Right(known)) => vec![*known],
            Some(Seen::Nothing) | None => algorithm.candidates(),
        }
    }

    /// Takes down that a file is right by one, or by none of the candidates.
    pub(super) fn note(&self, algorithm: Algorithm, right: Option<Algorithm>) {
        let Algorithm::Unnamed(bytes) = algorithm else { return };
        let mut lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        match right {
            Some(known) => {
                lengths.entry(bytes).and_modify(|seen| *seen = seen.or(known)).or_insert(Seen::Right(known));
            }
            None => {
                lengths.entry(bytes).or_insert(Seen::Nothing);
            }
        }
    }

    /// What they were found to be.
    pub(super) fn taken_for(&self) -> TakenFor {
        let lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        TakenFor(LENGTHS.map(|bytes| match lengths.get(&bytes) {
            Some(Seen::Right(known)) => Some(*known),
            Some(Seen::Nothing) | None => None,
        }))
    }

    /// Whether there were digests without a name, and no file was right by one: they may be of something else altogether.
    pub(super) fn fits_nothing(&self) -> bool {
        let lengths = self.lengths.lock().unwrap_or_else(PoisonError::into_inner);
        !lengths.is_empty() && lengths.values().all(|seen| *seen == Seen::Nothing)
    }
}

impl Seen {
    fn or(self, known: Algorithm) -> Self {
        match self {
            Seen::Right(_) => self,
            Seen::Nothing => Seen::Right(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_right_decides() {
        let (unnamed, of_64) = (Unnamed::default(), Algorithm::Unnamed(64));
        let of_any = [Algorithm::Sha512, Algorithm::Blake2b(64), Algorithm::Blake3Of(64)];
        assert_eq!(unnamed.candidates(of_64), of_any);
        assert_eq!((unnamed.taken_for().words(), unnamed.taken_for().candidates(of_64)), (None, of_any.to_vec()));
        assert!(!unnamed.fits_nothing());
        unnamed.note(of_64, None);
        assert!(unnamed.fits_nothing());
        unnamed.note(Algorithm::Unnamed(16), Some(Algorithm::Md5));
        assert!(!unnamed.fits_nothing());
        assert_eq!(unnamed.candidates(of_64).len(), 3);
        unnamed.note(of_64, Some(Algorithm::Blake2b(64)));
        unnamed.note(of_64, None);
        unnamed.note(of_64, Some(Algorithm::Sha512));
        assert!(!unnamed.fits_nothing());
        assert_eq!(unnamed.candidates(of_64), [Algorithm::Blake2b(64)]);
        let taken_for = unnamed.taken_for();
        assert_eq!(taken_for.candidates(of_64), [Algorithm::Blake2b(64)]);
        assert_eq!(taken_for.words().as_deref(), Some("MD5 and BLAKE2b-512"));
        assert_eq!(unnamed.candidates(Algorithm::Md5), [Algorithm::Md5]);
    }
}
