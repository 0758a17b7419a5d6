//! Entries in the order of their keys, however many there are: sorted in memory a run at a time, the runs written out, and
//! merged in the end. Of several entries with one key the last counts.

use super::spill::Spill;
use crate::copy::commit::Spot;
use crate::error::Error;
use crate::kernel::Kernel;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// So many bytes of entries are kept in memory.
const RUN_BYTES: usize = 8 << 20;

/// What an entry costs beside its own bytes.
const ENTRY_BYTES: usize = 96;

/// So much of each run is read at once.
const READ_BYTES: usize = 64 << 10;

/// A key and what belongs to it.
pub(super) type Entry = (Vec<u8>, Vec<u8>);

/// Entries that come in any order.
pub(super) struct Sorter<'a, K: Kernel> {
    spot: Spot<'a, K>,
    shown: PathBuf,
    held: Vec<Entry>,
    bytes: usize,
    spill: Option<Spill<'a, K>>,
    runs: Vec<Range<u64>>,
    run_bytes: usize,
}

impl<'a, K: Kernel> Sorter<'a, K> {
    /// None yet. What does not fit into memory is written to files without a name.
    pub(super) fn new(spot: Spot<'a, K>, shown: &Path) -> Self {
        let (held, runs) = (Vec::new(), Vec::new());
        Self { spot, shown: shown.to_owned(), held, bytes: 0, spill: None, runs, run_bytes: RUN_BYTES }
    }

    pub(super) fn push(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        self.bytes += key.len() + value.len() + ENTRY_BYTES;
        self.held.push((key, value));
        if self.bytes >= self.run_bytes { self.write_run() } else { Ok(()) }
    }

    fn sort_held(&mut self) {
        // Stable: the last of those with one key stays behind the others.
        self.held.sort_by(|one, other| one.0.cmp(&other.0));
    }

    fn write_run(&mut self) -> Result<(), Error> {
        self.sort_held();
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::begin(self.spot, &self.shown)?),
        };
        let begin = spill.end();
        let mut buffer = Vec::new();
        for (key, value) in self.held.drain(..) {
            let length = |bytes: &[u8]| (bytes.len() as u64).to_le_bytes();
            buffer.extend([length(&key), length(&value)].concat());
            buffer.extend(key);
            buffer.extend(value);
            if buffer.len() >= READ_BYTES {
                spill.append(&buffer)?;
                buffer.clear();
            }
        }
        spill.append(&buffer)?;
        self.runs.push(begin..spill.end());
        self.bytes = 0;
        Ok(())
    }

    /// The entries in the order of their keys.
    pub(super) fn sorted(mut self) -> Result<Sorted<'a, K>, Error> {
        self.sort_held();
        let mut runs: Vec<Run> = self.runs.into_iter().map(Run::written).collect();
        runs.push(Run { held: self.held.into_iter(), ..Run::written(0..0) });
        let mut sorted = Sorted { spill: self.spill, runs, heap: BinaryHeap::new(), last: None };
        for number in 0..sorted.runs.len() {
            sorted.advance(number)?;
        }
        Ok(sorted)
    }
}

/// A sorted run: in the spill, or in memory.
struct Run {
    rest: Range<u64>,
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    taken: usize,
    held: std::vec::IntoIter<Entry>,
}

impl Run {
    fn written(range: Range<u64>) -> Self {
        Self { rest: range, buffer: Vec::new(), taken: 0, held: Vec::new().into_iter() }
    }

    fn next<K: Kernel>(&mut self, spill: Option<&Spill<'_, K>>) -> Result<Option<Entry>, Error> {
        if let Some(entry) = self.held.next() {
            return Ok(Some(entry));
        }
        let Some(spill) = spill.filter(|_| self.taken < self.buffer.len() || !self.rest.is_empty()) else {
            return Ok(None);
        };
        let mut length = || -> Result<usize, Error> {
            let bytes = self.take(spill, 8)?;
            Ok(usize::try_from(bytes.try_into().map_or(0, u64::from_le_bytes)).unwrap_or(usize::MAX))
        };
        let (key, value) = (length()?, length()?);
        Ok(Some((self.take(spill, key)?, self.take(spill, value)?)))
    }

    fn take<K: Kernel>(&mut self, spill: &Spill<'_, K>, count: usize) -> Result<Vec<u8>, Error> {
        while self.buffer.len() - self.taken < count {
            self.buffer.drain(..self.taken);
            self.taken = 0;
            let wanted = (READ_BYTES.max(count) as u64).min(self.rest.end - self.rest.start);
            let old = self.buffer.len();
            self.buffer.resize(old + usize::try_from(wanted).unwrap_or(usize::MAX), 0);
            spill.read(&mut self.buffer[old..], self.rest.start)?;
            self.rest.start += wanted;
        }
        let bytes = self.buffer[self.taken..self.taken + count].to_vec();
        self.taken += count;
        Ok(bytes)
    }
}

/// Entries in the order of their keys, each key once.
pub(super) struct Sorted<'a, K: Kernel> {
    spill: Option<Spill<'a, K>>,
    runs: Vec<Run>,
    /// The next of each run: of equal keys that of the latest run comes first.
    heap: BinaryHeap<(Reverse<Vec<u8>>, usize, Vec<u8>)>,
    last: Option<Vec<u8>>,
}

impl<K: Kernel> Sorted<'_, K> {
    fn advance(&mut self, number: usize) -> Result<(), Error> {
        let run = &mut self.runs[number];
        let Some((mut key, mut value)) = run.next(self.spill.as_ref())? else { return Ok(()) };
        // Within a run the last of equal keys counts; only what is in memory can be looked at beforehand.
        while run.held.as_slice().first().is_some_and(|(next, _)| *next == key) {
            // There is one: it was just looked at.
            (key, value) = run.held.next().unwrap_or_default();
        }
        self.heap.push((Reverse(key), number, value));
        Ok(())
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, Error> {
        while let Some((Reverse(key), number, value)) = self.heap.pop() {
            self.advance(number)?;
            if self.last.as_ref() != Some(&key) {
                self.last = Some(key.clone());
                return Ok(Some((key, value)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::linux::Linux;
    use crate::kernel::{Mode, OFlags, ResolveFlags};
    use std::collections::BTreeMap;

    /// Against a map, with runs so short that most is written out, and values longer than what is read at once.
    #[test]
    fn entries_come_sorted_and_the_last_of_a_key_counts() {
        let (kernel, place) = (Linux::new(), tempfile::tempdir().expect("a directory"));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let dir = kernel.open(None, place.path(), flags, Mode::empty(), ResolveFlags::empty()).expect("its handle");
        let names = crate::copy::stale_temporary::TemporaryNames::default();
        let spot = Spot { kernel: &kernel, names: &names, dir: &dir, here: None, is_local: false };
        let mut sorter = Sorter { run_bytes: 2000, ..Sorter::new(spot, Path::new("list")) };
        let mut expected = BTreeMap::new();
        for number in 0..1000_usize {
            let (key, length) = (number * 7919 % 613, if number % 100 == 0 { 3 * READ_BYTES } else { number % 50 });
            let (key, value) = (key.to_string().into_bytes(), vec![number as u8; length]);
            sorter.push(key.clone(), value.clone()).expect("room");
            expected.insert(key, value);
        }
        let mut sorted = sorter.sorted().expect("what was written");
        let mut found = Vec::new();
        while let Some(entry) = sorted.next().expect("what was written") {
            found.push(entry);
        }
        assert!(found == expected.into_iter().collect::<Vec<_>>());
        assert_eq!(std::fs::read_dir(place.path()).expect("the directory").count(), 0, "nothing is left");
    }
}
