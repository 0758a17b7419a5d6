//! How a large file is cut into ranges that several runs copy. Its size alone decides, so that all of them cut it alike.

use std::ops::Range;

/// A file has so many ranges at most: there is a record of each.
const RANGES_MAX: u64 = 4096;

/// The ranges of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    size: u64,
    /// How long a range is: a power of two times the shortest, which is a multiple of any stripe, and a subtree of BLAKE3.
    pub(super) length: u64,
}

impl Cut {
    /// That of a file of this size; `None` of one that is not at least two of the shortest ranges long.
    pub(super) fn of(size: u64, shortest: u64) -> Option<Self> {
        if size / 2 < shortest {
            return None;
        }
        let mut length = shortest;
        while size.div_ceil(length) > RANGES_MAX {
            length *= 2;
        }
        Some(Self { size, length })
    }

    /// How many ranges there are.
    pub(super) fn count(self) -> u64 {
        self.size.div_ceil(self.length)
    }

    /// The range of this number, from 0 on.
    pub(super) fn range(self, number: u64) -> Range<u64> {
        let begin = number * self.length;
        begin..(begin + self.length).min(self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cut, RANGES_MAX};

    #[test]
    fn ranges_cover_the_file_once() {
        const MIB: u64 = 1 << 20;
        for size in [128 * MIB, 128 * MIB + 1, 64 * MIB * RANGES_MAX, 64 * MIB * RANGES_MAX + 1, 10 << 40] {
            let cut = Cut::of(size, 64 * MIB).expect("a large file");
            assert!(cut.length % (64 * MIB) == 0 && (cut.length / MIB).is_power_of_two() && cut.count() <= RANGES_MAX);
            let end = (0..cut.count()).map(|number| cut.range(number)).fold(0, |end, range| {
                assert!(range.start == end && range.end > end && range.start % cut.length == 0);
                range.end
            });
            assert_eq!(end, size);
        }
        assert_eq!(Cut::of(128 * MIB - 1, 64 * MIB), None);
        assert_eq!(Cut::of(0, 64 * MIB), None);
    }
}
