//! A digest of content that is taken as the bytes pass, by the algorithm that the far end has a program for.

use sha2::{Digest, Sha256};

/// The algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Blake3,
    Sha256,
}

/// 256 bits of either.
pub(super) type Value = [u8; 32];

/// A digest on its way.
pub(super) enum Hashing {
    Blake3(Box<blake3::Hasher>),
    Sha256(Box<Sha256>),
}

impl Hashing {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Blake3 => Hashing::Blake3(Box::default()),
            Algorithm::Sha256 => Hashing::Sha256(Box::default()),
        }
    }

    /// A new one of the same algorithm.
    pub(super) fn renewed(&self) -> Self {
        Self::new(match self {
            Hashing::Blake3(_) => Algorithm::Blake3,
            Hashing::Sha256(_) => Algorithm::Sha256,
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hashing::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Hashing::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn value(&self) -> Value {
        match self {
            Hashing::Blake3(hasher) => *hasher.finalize().as_bytes(),
            Hashing::Sha256(hasher) => hasher.clone().finalize().into(),
        }
    }
}

/// Reads 64 hexadecimal digits.
pub(super) fn value_of(digits: &[u8]) -> Option<Value> {
    if digits.len() != 64 {
        return None;
    }
    let mut value = Value::default();
    for (byte, pair) in value.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|number| u8::try_from(number).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(value)
}
