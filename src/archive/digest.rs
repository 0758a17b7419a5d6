//! Digests of content as lists have them, and the taking of one.

use blake2::Blake2b;
use blake2::digest::consts::{U16, U20, U28, U32, U48, U64};
use blake3::Hash;
use md5::Md5;
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

/// How a digest is taken; the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// xxHash, 64 bits.
    Xxh64,
    /// XXH3, 64 bits.
    Xxh3,
    /// XXH3, 128 bits.
    Xxh128,
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// One of those whose digests have so many bytes: lists of sha256sum and of b3sum look the same, and so do those of
    /// sha512sum and of b2sum, and those of `b3sum --length`.
    Unnamed(u8),
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// BLAKE2b with so many bytes, which are among [`LENGTHS`].
    Blake2b(u8),
    /// The first so many bytes of what BLAKE3 gives, more or less than the usual (`b3sum --length`).
    Blake3Of(u8),
    /// BLAKE3.
    Blake3,
}

/// Bytes of digests that have no word for their algorithm.
pub(super) const LENGTHS: [u8; 6] = [16, 20, 28, 32, 48, 64];

/// Fewer bytes of BLAKE3 prove little.
const BLAKE3_MIN: u8 = 16;

/// Words for algorithms, in lower case and without dashes.
const NAMES: [(&str, Algorithm); 21] = [
    ("xxhash64", Algorithm::Xxh64),
    ("xxhash64be", Algorithm::Xxh64),
    ("xxh64", Algorithm::Xxh64),
    ("xxh3", Algorithm::Xxh3),
    ("xxh128", Algorithm::Xxh128),
    ("md5", Algorithm::Md5),
    ("md5digest", Algorithm::Md5),
    ("sha1", Algorithm::Sha1),
    ("sha1digest", Algorithm::Sha1),
    ("sha224", Algorithm::Sha224),
    ("sha256", Algorithm::Sha256),
    ("sha256digest", Algorithm::Sha256),
    ("sha384", Algorithm::Sha384),
    ("sha384digest", Algorithm::Sha384),
    ("sha512", Algorithm::Sha512),
    ("sha512digest", Algorithm::Sha512),
    ("blake3", Algorithm::Blake3),
    // openssl's.
    ("sha2224", Algorithm::Sha224),
    ("sha2256", Algorithm::Sha256),
    ("sha2384", Algorithm::Sha384),
    ("sha2512", Algorithm::Sha512),
];

impl Algorithm {
    /// The one of this name, as lists write it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('-', "");
        let name = if name == "blake3digest" { "blake3" } else { &name };
        if let Some(bits) = name.strip_prefix("blake2b") {
            let is_of = |bytes: &u8| bits.parse() == Ok(8 * u32::from(*bytes)) || bits.is_empty() && *bytes == 64;
            return LENGTHS.into_iter().find(is_of).map(Algorithm::Blake2b);
        }
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// What digests of so many bytes are of in lists without words.
    #[must_use]
    pub fn of_length(bytes: usize) -> Option<Self> {
        LENGTHS.into_iter().find(|length| usize::from(*length) == bytes).map(Algorithm::Unnamed)
    }

    /// What it may be: itself, but for one that has no name. The one that is tried first comes first. Only those are here for
    /// which nobody can make a file that has a given digest, so not xxHash: whoever changed files could choose what they are taken for.
    #[must_use]
    pub fn candidates(self) -> Vec<Self> {
        let Algorithm::Unnamed(bytes) = self else { return vec![self] };
        let usual: &[Self] = match bytes {
            16 => &[Algorithm::Md5],
            20 => &[Algorithm::Sha1],
            28 => &[Algorithm::Sha224],
            32 => &[Algorithm::Blake3, Algorithm::Sha256],
            48 => &[Algorithm::Sha384],
            _ => &[Algorithm::Sha512],
        };
        let of_length = (bytes != 32).then_some(Algorithm::Blake3Of(bytes));
        usual.iter().copied().chain([Algorithm::Blake2b(bytes)]).chain(of_length).collect()
    }

    /// The same of a digest of so many bytes: BLAKE3 gives as many as one likes.
    #[must_use]
    pub fn of_bytes(self, bytes: usize) -> Self {
        match (self, u8::try_from(bytes)) {
            (Algorithm::Blake3, Ok(bytes)) if bytes >= BLAKE3_MIN && bytes != 32 => Algorithm::Blake3Of(bytes),
            (algorithm, _) => algorithm,
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn words(self) -> String {
        let name = match self {
            Algorithm::Xxh64 => "xxHash64",
            Algorithm::Xxh3 => "XXH3",
            Algorithm::Xxh128 => "XXH128",
            Algorithm::Md5 => "MD5",
            Algorithm::Sha1 => "SHA-1",
            Algorithm::Sha224 => "SHA-224",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha384 => "SHA-384",
            Algorithm::Sha512 => "SHA-512",
            Algorithm::Blake3 => "BLAKE3",
            Algorithm::Blake2b(bytes) => return format!("BLAKE2b-{}", 8 * u32::from(bytes)),
            Algorithm::Blake3Of(bytes) => return format!("BLAKE3 of {bytes} bytes"),
            Algorithm::Unnamed(bytes) => return format!("{bytes} bytes"),
        };
        name.to_owned()
    }

    /// Bytes of a digest.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Algorithm::Xxh64 | Algorithm::Xxh3 => 8,
            Algorithm::Xxh128 | Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
            Algorithm::Sha224 => 28,
            Algorithm::Sha256 | Algorithm::Blake3 => 32,
            Algorithm::Sha384 => 48,
            Algorithm::Sha512 => 64,
            Algorithm::Unnamed(bytes) | Algorithm::Blake2b(bytes) | Algorithm::Blake3Of(bytes) => bytes.into(),
        }
    }
}

/// A digest and how it was taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest {
    /// How.
    pub algorithm: Algorithm,
    /// Its bytes.
    pub value: Vec<u8>,
}

impl Digest {
    /// A BLAKE3 digest.
    #[must_use]
    pub fn blake3(hash: &Hash) -> Self {
        Self { algorithm: Algorithm::Blake3, value: hash.as_bytes().to_vec() }
    }

    /// A SHA-256 digest.
    #[must_use]
    pub fn sha256(value: &[u8; 32]) -> Self {
        Self { algorithm: Algorithm::Sha256, value: value.to_vec() }
    }

    /// One in hexadecimal digits, if it has the length that its algorithm gives.
    #[must_use]
    pub fn parse(algorithm: Algorithm, digits: &[u8]) -> Option<Self> {
        let value = unhex(digits)?;
        (value.len() == algorithm.length()).then_some(Self { algorithm, value })
    }
}

/// Bytes in hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    text.into_iter().map(char::from).collect()
}

/// Puts the same behind a text.
pub fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let begin = text.len();
    text.resize(begin + 2 * bytes.len(), 0);
    for (digits, byte) in text[begin..].chunks_exact_mut(2).zip(bytes) {
        digits.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// The bytes that hexadecimal digits stand for.
#[must_use]
pub fn unhex(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if digits.len() % 2 != 0 {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// A digest that is being taken of bytes in their order. BLAKE3 is taken elsewhere, by pieces.
pub enum Hasher {
    /// SHA-2, SHA-1, MD5, BLAKE2b.
    Cryptographic(Box<dyn DynDigest + Send>),
    /// xxHash.
    Xxh64(Box<Xxh64>),
    /// XXH3.
    Xxh3(Box<Xxh3>),
    /// XXH3 with 128 bits.
    Xxh128(Box<Xxh3>),
    /// BLAKE3, of so many bytes.
    Blake3(Box<blake3::Hasher>, u8),
}

impl Hasher {
    /// For this algorithm; for that which is tried first where it has no name.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Xxh64 => Hasher::Xxh64(Box::new(Xxh64::new(0))),
            Algorithm::Xxh3 => Hasher::Xxh3(Box::new(Xxh3::new())),
            Algorithm::Xxh128 => Hasher::Xxh128(Box::new(Xxh3::new())),
            Algorithm::Md5 => Hasher::Cryptographic(Box::<Md5>::default()),
            Algorithm::Sha1 => Hasher::Cryptographic(Box::<Sha1>::default()),
            Algorithm::Sha224 => Hasher::Cryptographic(Box::<Sha224>::default()),
            Algorithm::Sha256 => Hasher::Cryptographic(Box::<Sha256>::default()),
            Algorithm::Sha384 => Hasher::Cryptographic(Box::<Sha384>::default()),
            Algorithm::Sha512 => Hasher::Cryptographic(Box::<Sha512>::default()),
            Algorithm::Blake2b(bytes) => Hasher::Cryptographic(blake2b(bytes)),
            Algorithm::Blake3 => Hasher::Blake3(Box::new(blake3::Hasher::new()), 32),
            Algorithm::Blake3Of(bytes) => Hasher::Blake3(Box::new(blake3::Hasher::new()), bytes),
            Algorithm::Unnamed(_) => Self::new(algorithm.candidates()[0]),
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Cryptographic(hasher) => hasher.update(bytes),
            Hasher::Xxh64(hasher) => hasher.update(bytes),
            Hasher::Xxh3(hasher) | Hasher::Xxh128(hasher) => hasher.update(bytes),
            Hasher::Blake3(hasher, _) => {
                hasher.update(bytes);
            }
        }
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        match self {
            Hasher::Cryptographic(hasher) => hasher.finalize().to_vec(),
            Hasher::Xxh64(hasher) => hasher.digest().to_be_bytes().to_vec(),
            Hasher::Xxh3(hasher) => hasher.digest().to_be_bytes().to_vec(),
            Hasher::Xxh128(hasher) => hasher.digest128().to_be_bytes().to_vec(),
            Hasher::Blake3(hasher, bytes) => {
                let mut value = vec![0; bytes.into()];
                hasher.finalize_xof().fill(&mut value);
                value
            }
        }
    }
}

fn blake2b(bytes: u8) -> Box<dyn DynDigest + Send> {
    match bytes {
        16 => Box::<Blake2b<U16>>::default(),
        20 => Box::<Blake2b<U20>>::default(),
        28 => Box::<Blake2b<U28>>::default(),
        32 => Box::<Blake2b<U32>>::default(),
        48 => Box::<Blake2b<U48>>::default(),
        _ => Box::<Blake2b<U64>>::default(),
    }
}
