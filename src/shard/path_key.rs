//! What a path goes by in records: 128 bits of its BLAKE3.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// 128 bits of a path's BLAKE3. Sums of them tell whether two sets of paths are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct PathKey(pub(super) u128);

impl PathKey {
    /// That of a path.
    pub(super) fn of(path: &Path) -> Self {
        Self::first_of(&blake3::hash(path.as_os_str().as_bytes()))
    }

    fn first_of(digest: &blake3::Hash) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        Self(u128::from_be_bytes(bytes))
    }

    /// That of a range of the file with this path.
    pub(super) fn of_range(path: &Path, number: u64) -> Self {
        // No path holds a zero byte.
        let digest = blake3::Hasher::new()
            .update(path.as_os_str().as_bytes())
            .update(&[0])
            .update(&number.to_le_bytes())
            .finalize();
        Self::first_of(&digest)
    }

    /// What a range adds to a sum: those of all ranges of a file come to the file's own key.
    pub(super) fn addend(path: &Path, number: u64, count: u64) -> Self {
        if number > 0 {
            return Self::of_range(path, number);
        }
        let others = (1..count).map(|number| Self::of_range(path, number).0);
        Self(Self::of(path).0.wrapping_sub(others.fold(0, u128::wrapping_add)))
    }
}

/// The share of so many that a path falls to, from 0 on. Each share asks this of every name: BLAKE3 would take five times as long.
pub(super) fn share_of_path(path: &Path, count: u32) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(path.as_os_str().as_bytes()) % u64::from(count)) as u32
}

/// The share of so many that a number falls to, from 0 on; numbers that follow each other are spread.
pub(super) fn share_of(number: u64, count: u32) -> u32 {
    let spread = xxhash_rust::xxh3::xxh3_64(&number.to_le_bytes());
    (spread % u64::from(count)) as u32
}

#[cfg(test)]
mod tests {
    use super::PathKey;
    use std::path::Path;

    #[test]
    fn ranges_add_up_to_their_file() {
        let path = Path::new("a/b");
        for count in [1, 2, 7, 300] {
            let sum = (0..count).map(|number| PathKey::addend(path, number, count).0).fold(0, u128::wrapping_add);
            assert_eq!(sum, PathKey::of(path).0, "{count}");
        }
        assert_ne!(PathKey::of_range(path, 1), PathKey::of_range(path, 2));
    }
}
