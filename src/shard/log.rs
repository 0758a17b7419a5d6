//! What one share has done, written down as it is done: lines that are only added, each with a check over it.
//!
//! A line of a verified name is written once its target is on disk, so that what stands here outlives a power loss together
//! with what it tells of. Who has the log locked is the share; death unlocks it.

use super::Number;
use super::known::{KnownCopy, Verified};
use super::line::{opened, seal, sealed};
use super::lock::begin_share;
use super::path_key::PathKey;
use super::ranges::{Ranges, part_line, range_line};
use super::state::{State, ranges_name};
use super::written::write_out;
use crate::archive::digest::push_hex;
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::report::Listener;
use blake3::hazmat::ChainingValue;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many lines are held back at most until their targets are on disk.
const HELD_MAX: usize = 4096;

/// They are held back for so many seconds at most.
const SECONDS_MAX: i64 = 20;

/// The end of a log in which its last line is looked for.
const TAIL_BYTES: u64 = 4096;

/// Stands in a line of a run that goes by no list.
const NO_LIST: &str = "none";

/// So much is read at once.
const READ_BYTES: usize = 256 << 10;

/// How far a run of a share came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Names that are as they should be.
    pub names: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// When it began and when that was written, in seconds since the epoch.
    pub begun: i64,
    /// The same.
    pub told: i64,
    /// What the list is known by that the run goes by, if there is one.
    pub list: Option<u64>,
}

/// What the end of a log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// No run of the share has begun.
    NotBegun,
    /// A run has begun and has not ended.
    Begun(Count),
    /// A run has ended with something left undone.
    Failed(Count),
    /// A run has ended, with everything done; with the sum of its names' keys.
    Complete(Count, u128),
}

/// A share's own log.
pub(super) struct Log<'a, K: Kernel> {
    kernel: &'a K,
    file: K::File,
    /// Locked together with other shares.
    _plan: K::File,
    /// What is written down of large files.
    ranges: K::File,
    shown: PathBuf,
    /// A handle on the filesystem of the targets that was opened before anything was written there: it is told what
    /// could not be written.
    witness: K::File,
    tally: Mutex<Tally>,
}

/// What was done, to be counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) names: u64,
    pub(super) bytes: u64,
    /// What it adds to the sum of names.
    pub(super) addend: PathKey,
}

/// What was verified, to be written down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record {
    /// A name.
    Name(KnownCopy),
    /// A range of a large file, and the value of its subtree.
    Range(KnownCopy, ChainingValue),
}

struct Tally {
    held: Vec<u8>,
    held_ranges: Vec<u8>,
    held_lines: usize,
    flushed: i64,
    count: Count,
    sum: u128,
}

impl<'a, K: Kernel> Log<'a, K> {
    /// Opens the log of a share and begins a run. Waits as long as another run of the same share, or an end, goes on. Returns what
    /// earlier runs have verified too, names and ranges.
    pub(super) fn begin(
        state: &State<'a, K>,
        (number, list): (Number, Option<u64>),
        witness: K::File,
        stop: &AtomicBool,
        listener: &dyn Listener,
    ) -> Result<(Self, Verified, Ranges), Error> {
        let kernel = state.kernel;
        let shown = state.shown_log(number.number);
        let (file, plan) = begin_share(state, number, stop, listener)?;
        let failed = |errno| Error::call(Action::Read, &shown, errno);
        state.check_place()?;
        let mut records = Vec::new();
        let is_whole = each_line(kernel, &file, |line| records.extend(known(line))).map_err(failed)?;
        let (ranges_file, mut ranges) = (state.lines(&ranges_name(number.number))?, Ranges::default());
        let are_whole = each_line(kernel, &ranges_file, |line| ranges.add(line)).map_err(failed)?;
        ranges.sort();
        let now = kernel.now().seconds;
        let count = Count { begun: now, told: now, list, ..Count::default() };
        // What a killed run has left of its last line ends here.
        let end = |is_whole: bool| if is_whole { Vec::new() } else { vec![b'\n'] };
        let (mut held, held_ranges) = (end(is_whole), end(are_whole));
        held.extend_from_slice(sealed(&format!("begun {}", words(&count))).as_bytes());
        let tally = Mutex::new(Tally { held, held_ranges, held_lines: 0, flushed: now, count, sum: 0 });
        let log = Self { kernel, file, _plan: plan, ranges: ranges_file, shown, witness, tally };
        log.write(&mut log.tally())?;
        Ok((log, Verified::new(records), ranges))
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name or a range is as it should be; `record` tells how, unless that stands here already.
    pub(super) fn add(&self, counted: Counted, record: Option<Record>) -> Result<(), Error> {
        let mut tally = self.tally();
        tally.count.names += counted.names;
        tally.count.bytes += counted.bytes;
        tally.sum = tally.sum.wrapping_add(counted.addend.0);
        tally.held_lines += usize::from(record.is_some());
        match record {
            Some(Record::Name(known)) => push_name(&mut tally.held, &known),
            Some(Record::Range(known, value)) => {
                tally.held_ranges.extend_from_slice(range_line(&known, &value).as_bytes());
            }
            None => {}
        }
        let now = self.kernel.now().seconds;
        if tally.held_lines < HELD_MAX && (tally.flushed..tally.flushed + SECONDS_MAX).contains(&now) {
            return Ok(());
        }
        self.flush(&mut tally)
    }

    /// Ranges of a file are going to be copied. That is written down before its part is made, or a part that a killed run has made
    /// would be nobody's to remove once the source is gone.
    pub(super) fn begins_part(&self, path: &Path) -> Result<(), Error> {
        let _alone = self.tally();
        self.append(&self.ranges, part_line(path).as_bytes())
    }

    /// Writes down what is held back, once what it tells of is on disk.
    fn flush(&self, tally: &mut Tally) -> Result<(), Error> {
        let synced = self.kernel.sync_filesystem(&self.witness);
        if let Err(errno) = synced {
            // Nobody knows of which of them that is told.
            tally.held.clear();
            tally.held_ranges.clear();
            return Err(Error::call(Action::Sync, &self.shown, errno));
        }
        tally.held_lines = 0;
        tally.flushed = self.kernel.now().seconds;
        tally.count.told = tally.flushed;
        let words = format!("so-far {}", words(&tally.count));
        tally.held.extend_from_slice(sealed(&words).as_bytes());
        self.write(tally)
    }

    fn write(&self, tally: &mut Tally) -> Result<(), Error> {
        let (held, ranges) = (std::mem::take(&mut tally.held), std::mem::take(&mut tally.held_ranges));
        if !ranges.is_empty() {
            self.append(&self.ranges, &ranges)?;
        }
        self.append(&self.file, &held)
    }

    fn append(&self, file: &K::File, lines: &[u8]) -> Result<(), Error> {
        write_out(self.kernel, file, lines, &self.shown)
    }

    /// Ends the run.
    pub(super) fn end(&self, ended: Ended) -> Result<(), Error> {
        let mut tally = self.tally();
        self.flush(&mut tally)?;
        let words = words(&tally.count);
        let words = match ended {
            Ended::Failed => format!("failed {words}"),
            Ended::Complete => format!("complete {words} {:032x}", tally.sum),
        };
        tally.held = sealed(&words).into_bytes();
        self.write(&mut tally)
    }
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With something left undone.
    Failed,
    /// With everything done.
    Complete,
}

/// What the last line of a log tells.
pub(super) fn ending<K: Kernel>(kernel: &K, file: &K::File) -> crate::kernel::Result<Ending> {
    let size = kernel.stat(file)?.size;
    let mut buffer = vec![0; TAIL_BYTES as usize];
    let (mut filled, begin) = (0, size.saturating_sub(TAIL_BYTES));
    while filled < buffer.len() {
        match kernel.pread(file, &mut buffer[filled..], begin + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    let lines = buffer[..filled].rsplit(|byte| *byte == b'\n');
    let untold = if size == 0 { Ending::NotBegun } else { Ending::Begun(Count::default()) };
    Ok(lines.filter_map(opened).find_map(told).unwrap_or(untold))
}

/// What a line tells of the run; that of a name tells nothing.
fn told(words: &str) -> Option<Ending> {
    let mut words = words.split(' ');
    let kind = words.next()?;
    if !matches!(kind, "begun" | "so-far" | "failed" | "complete") {
        return None;
    }
    let (names, bytes) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (begun, told) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let list = match words.next()? {
        NO_LIST => None,
        id => Some(u64::from_str_radix(id, 16).ok()?),
    };
    let count = Count { names, bytes, begun, told, list };
    match kind {
        "failed" => Some(Ending::Failed(count)),
        "complete" => Some(Ending::Complete(count, u128::from_str_radix(words.next()?, 16).ok()?)),
        _ => Some(Ending::Begun(count)),
    }
}

fn words(count: &Count) -> String {
    let Count { names, bytes, begun, told, list } = count;
    let list = list.map_or(NO_LIST.to_owned(), |id| format!("{id:016x}"));
    format!("{names} {bytes} {begun} {told} {list}")
}

/// Puts the line of a verified name behind a text. There is one for each file, and the general formatter took 3,600 instructions
/// for it.
fn push_name(text: &mut Vec<u8>, known: &KnownCopy) {
    let begin = text.len();
    text.extend_from_slice(b"done ");
    push_hex(text, &known.key.0.to_be_bytes());
    for bits in [known.source, known.target] {
        text.push(b' ');
        push_hex(text, &bits.to_be_bytes());
    }
    seal(text, begin);
}

/// The record of a verified name in a line.
fn known(line: &[u8]) -> Option<KnownCopy> {
    let mut words = opened(line)?.strip_prefix("done ")?.split(' ');
    let key = PathKey(u128::from_str_radix(words.next()?, 16).ok()?);
    let mut bits = || u64::from_str_radix(words.next()?, 16).ok();
    Some(KnownCopy { key, source: bits()?, target: bits()? })
}

/// Calls with each line of a file. False if the last one has no end.
pub(super) fn each_line<K: Kernel>(
    kernel: &K,
    file: &K::File,
    mut call: impl FnMut(&[u8]),
) -> crate::kernel::Result<bool> {
    let (mut buffer, mut rest, mut offset) = (vec![0; READ_BYTES], Vec::new(), 0);
    loop {
        let count = kernel.pread(file, &mut buffer, offset)?;
        if count == 0 {
            call(&rest);
            return Ok(rest.is_empty());
        }
        offset += count as u64;
        rest.extend_from_slice(&buffer[..count]);
        let mut begin = 0;
        while let Some(length) = rest[begin..].iter().position(|byte| *byte == b'\n') {
            call(&rest[begin..begin + length]);
            begin += length + 1;
        }
        rest.drain(..begin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_name_is_short() {
        for (key, source, target) in [(u128::MAX, u64::MAX, u64::MAX), (0x1f << 64, 0xa0, 7), (0, 0, 0)] {
            let copy = KnownCopy { key: PathKey(key), source, target };
            let mut lines = b"before\n".to_vec();
            push_name(&mut lines, &copy);
            let line = lines.strip_prefix(b"before\n").expect("what stood there");
            assert_eq!(line, sealed(&format!("done {key:032x} {source:016x} {target:016x}")).as_bytes());
            assert!(line.len() <= 100, "{}", line.len());
            assert_eq!(known(line.trim_ascii_end()), Some(copy));
        }
    }

    #[test]
    fn a_line_tells_how_a_run_ended() {
        let count = Count { names: 3, bytes: 5, begun: 7, told: 9, list: None };
        assert_eq!(told("complete 3 5 7 9 none ff"), Some(Ending::Complete(count, 255)));
        assert_eq!(told("failed 3 5 7 9 none"), Some(Ending::Failed(count)));
        assert_eq!(told("so-far 3 5 7 9 none"), Some(Ending::Begun(count)));
        let with_list = Count { list: Some(0xab), ..count };
        assert_eq!(told(&format!("begun {}", words(&with_list))), Some(Ending::Begun(with_list)));
        assert_eq!((told("complete 3 5 7 9 none"), told("so-far 3 5 7 9"), told("nothing")), (None, None, None));
    }
}
