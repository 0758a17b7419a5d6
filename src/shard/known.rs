//! What a share has verified, as it was then: kept in 32 bytes a name, since there may be millions.

use super::path_key::PathKey;
use crate::kernel::{Stat, Timestamp};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What a source was when it was looked at, and its target once it was made, in few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct KnownCopy {
    pub(super) key: PathKey,
    pub(super) source: u64,
    pub(super) target: u64,
}

/// Bits that change when a source does. Numbers of devices and inodes differ between machines, and do not count.
pub(super) fn source_bits(stat: &Stat) -> u64 {
    let time = |time: Timestamp| (time.seconds, time.nanos);
    bits((stat.kind as u8, stat.size, stat.rdev, time(stat.mtime), time(stat.ctime), stat.mode, stat.uid, stat.gid))
}

/// Bits that change when a target does, but for a further name, which changes the time of the inode.
pub(super) fn target_bits(stat: &Stat) -> u64 {
    let time = |time: Timestamp| (time.seconds, time.nanos);
    bits((stat.kind as u8, stat.ino, stat.size, stat.rdev, time(stat.mtime), stat.mode, stat.uid, stat.gid))
}

/// Those of the copy of a source that keeps all attributes, in a file with this number.
pub(super) fn foretold_bits(source: &Stat, inode: u64) -> u64 {
    target_bits(&Stat { ino: inode, ..*source })
}

/// Bits that change when the part of a large file is made anew, if the filesystem keeps when that was.
pub(super) fn part_bits(stat: &Stat, birth: Option<Timestamp>) -> u64 {
    bits((stat.ino, birth.map(|birth| (birth.seconds, birth.nanos))))
}

/// std's hasher is SipHash 1-3 with a fixed key. Records that another build of std has written differently are compared, not believed.
fn bits(fields: impl Hash) -> u64 {
    let mut together = Together { bytes: [0; FIELDS_BYTES], filled: 0 };
    fields.hash(&mut together);
    together.finish()
}

/// More than all fields of a file have.
const FIELDS_BYTES: usize = 64;

/// Hands its fields to std's hasher as one: each by itself takes that four times as long.
struct Together {
    bytes: [u8; FIELDS_BYTES],
    filled: usize,
}

impl Hasher for Together {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..][..bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    fn finish(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.bytes[..self.filled]);
        hasher.finish()
    }
}

/// All that a share has verified in earlier runs; of a name that stands there several times, the last counts.
#[derive(Default)]
pub(super) struct Verified(Vec<KnownCopy>);

impl Verified {
    /// From records in the order in which they were written.
    pub(super) fn new(mut records: Vec<KnownCopy>) -> Self {
        // The sort keeps the order of records of one name.
        records.sort_by_key(|known| known.key);
        let mut last: Vec<KnownCopy> = Vec::with_capacity(records.len());
        for known in records {
            match last.last_mut().filter(|before| before.key == known.key) {
                Some(before) => *before = known,
                None => last.push(known),
            }
        }
        Self(last)
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether exactly this was verified.
    pub(super) fn has(&self, known: &KnownCopy) -> bool {
        let found = self.0.binary_search_by_key(&known.key, |known| known.key);
        found.is_ok_and(|at| self.0[at] == *known)
    }
}

#[cfg(test)]
mod tests {
    use super::{KnownCopy, PathKey, Verified, bits};
    use std::hash::{DefaultHasher, Hash, Hasher};

    #[test]
    fn fields_that_go_together_have_the_bits_that_they_had_one_by_one() {
        let (time, time_of_inode) = ((-5_i64, 999_999_999_u32), (1_790_000_000_i64, 1_u32));
        let fields = (7_u8, u64::MAX, 3_u64, time, time_of_inode, 0o7777_u32, u32::MAX, 0_u32);
        let mut hasher = DefaultHasher::new();
        fields.hash(&mut hasher);
        assert_eq!(bits(fields), hasher.finish());
        assert_ne!(bits(fields), bits((6_u8, u64::MAX, 3_u64, time, time_of_inode, 0o7777_u32, u32::MAX, 0_u32)));
    }

    #[test]
    fn the_last_record_of_a_name_counts() {
        let known = |key, source| KnownCopy { key: PathKey(key), source, target: 1 };
        let verified = Verified::new(vec![known(2, 9), known(1, 5), known(2, 3)]);
        assert!(verified.has(&known(1, 5)) && verified.has(&known(2, 3)));
        assert!(!verified.has(&known(2, 9)) && !verified.has(&known(3, 3)) && !verified.has(&known(1, 6)));
    }
}
