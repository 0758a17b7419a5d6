//! What shares have written down of large files: the value of each range that was verified, and where the parts lie.

use super::known::KnownCopy;
use super::line::{opened, sealed};
use super::path_key::PathKey;
use super::plan::{escaped, unescaped};
use blake3::hazmat::ChainingValue;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The values of ranges, and the paths of files that have parts.
#[derive(Default)]
pub(super) struct Ranges {
    values: Vec<(KnownCopy, ChainingValue)>,
    pub(super) paths: BTreeSet<PathBuf>,
}

/// The line of a range that was verified.
pub(super) fn range_line(known: &KnownCopy, value: &ChainingValue) -> String {
    let KnownCopy { key, source, target } = known;
    let value = blake3::Hash::from_bytes(*value).to_hex();
    sealed(&format!("range {:032x} {source:016x} {target:016x} {value}", key.0))
}

/// The line of a file whose ranges are going to be copied.
pub(super) fn part_line(path: &Path) -> String {
    sealed(&format!("part {}", escaped(path.as_os_str().as_bytes())))
}

impl Ranges {
    /// Takes what a line says; one that is not whole says nothing.
    pub(super) fn add(&mut self, line: &[u8]) {
        let Some((kind, words)) = opened(line).and_then(|words| words.split_once(' ')) else { return };
        match kind {
            "range" => self.values.extend(range(words)),
            "part" => self.paths.extend(unescaped(words).map(|bytes| PathBuf::from(OsString::from_vec(bytes)))),
            _ => {}
        }
    }

    /// Gets ready to be asked. Of several records of a range the last counts.
    pub(super) fn sort(&mut self) {
        // The sort keeps the order of records of one range.
        self.values.sort_by_key(|(known, _)| known.key);
        self.values.reverse();
        self.values.dedup_by_key(|(known, _)| known.key);
        self.values.reverse();
    }

    /// The value of exactly this range.
    pub(super) fn value(&self, known: &KnownCopy) -> Option<ChainingValue> {
        let at = self.values.binary_search_by_key(&known.key, |(known, _)| known.key).ok()?;
        let (found, value) = &self.values[at];
        (found == known).then_some(*value)
    }
}

fn range(words: &str) -> Option<(KnownCopy, ChainingValue)> {
    let mut words = words.split(' ');
    let key = PathKey(u128::from_str_radix(words.next()?, 16).ok()?);
    let mut bits = || u64::from_str_radix(words.next()?, 16).ok();
    let known = KnownCopy { key, source: bits()?, target: bits()? };
    let value = blake3::Hash::from_hex(words.next()?).ok()?;
    Some((known, *value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_of_a_range_counts() {
        let known = |key, source| KnownCopy { key: PathKey(key), source, target: 3 };
        let mut ranges = Ranges::default();
        for (key, source, value) in [(7, 1, 10), (5, 1, 11), (7, 2, 12), (9, 1, 13)] {
            ranges.add(range_line(&known(key, source), &[value; 32]).trim_end().as_bytes());
        }
        ranges.add(part_line(Path::new("a\n b")).trim_end().as_bytes());
        ranges.sort();
        assert_eq!(ranges.value(&known(7, 2)), Some([12; 32]));
        assert_eq!(ranges.value(&known(5, 1)), Some([11; 32]));
        assert_eq!(ranges.value(&known(9, 1)), Some([13; 32]));
        assert_eq!((ranges.value(&known(7, 1)), ranges.value(&known(1, 1))), (None, None));
        assert_eq!(ranges.paths, BTreeSet::from([PathBuf::from("a\n b")]));
    }
}
