//! What a path goes by in records: 128 bits of its BLAKE3.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// 128 bits of a path's BLAKE3. Sums of them tell whether two sets of paths are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct PathKey(pub(super) u128);

impl PathKey {
    /// That of a path.
    pub(super) fn of(path: &Path) -> Self {
        let digest = blake3::hash(path.as_os_str().as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        Self(u128::from_be_bytes(bytes))
    }

    /// Its share of so many, from 0 on.
    pub(super) fn share(self, count: u32) -> u32 {
        share_of(self.0 as u64, count)
    }
}

/// The share of so many that a number falls to, from 0 on; numbers that follow each other are spread.
pub(super) fn share_of(number: u64, count: u32) -> u32 {
    let spread = xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes());
    (spread % u64::from(count)) as u32
}
