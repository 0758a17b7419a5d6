//! Far files that are being read: what is asked for next, and the order of what comes.
//!
//! A push reads what it sent back, a pull reads what it is to write. Files are read in turn. Many reads are asked for at once
//! and answered in any order, some with less than was asked. The bytes come out in order, each once. The file's size is a
//! proposal: the end is where the server says that it is.

use super::hashing::{Hashing, Value};
use super::types::Failure;
use super::wire::{self, Answer};
use crate::copy::growth;
use std::collections::{BTreeMap, VecDeque};

/// A range that was asked for: where it begins, and its length.
pub(super) type RequestedRange = (u64, u32);

/// Why reading ended before the end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum ReadFault {
    /// The server refused, with this answer.
    Refused(Answer),
    /// It gave other bytes than were asked for.
    Nonsense,
    /// The file became shorter or longer meanwhile.
    Changed,
}

/// What an answer to a read came to.
pub(super) enum Came {
    /// Nothing: of this file nothing is read any more.
    Late,
    /// Bytes in order, which begin at the offset. With the last of them comes the digest of all.
    Bytes { offset: u64, bytes: Vec<Vec<u8>>, whole: Option<Value> },
    /// The same, and the file is much longer than it was said to be: nothing more is asked for before somebody says how it goes on.
    Longer { offset: u64, bytes: Vec<Vec<u8>> },
    /// The server refused, with this answer.
    Refused(Answer),
    /// The file became shorter or longer meanwhile.
    Changed,
}

/// All far files that are being read, by the numbers that the caller gives them.
#[derive(Default)]
pub(super) struct Readings {
    readings: BTreeMap<u64, Reading>,
    /// Those that have bytes to be asked for.
    queue: VecDeque<u64>,
}

impl Readings {
    /// Begins with a file, or begins it anew.
    pub(super) fn begin(&mut self, number: u64, reading: Reading) {
        self.readings.insert(number, reading);
        self.queue.push_back(number);
    }

    /// What to ask for now: of which file, by which handle. Nothing if answers have to come first, or everything was read.
    pub(super) fn next(&mut self, length_max: usize) -> Option<(u64, Vec<u8>, RequestedRange)> {
        while let Some(number) = self.queue.front().copied() {
            if let Some(reading) = self.readings.get_mut(&number) {
                if let Some(asked) = reading.next(length_max) {
                    return Some((number, reading.handle.clone(), asked));
                }
            }
            self.queue.pop_front();
        }
        None
    }

    /// Takes an answer. An error ends the run: such an answer cannot be.
    pub(super) fn take(&mut self, number: u64, asked: RequestedRange, answer: Answer) -> Result<Came, Failure> {
        let Some(reading) = self.readings.get_mut(&number) else { return Ok(Came::Late) };
        let offset = reading.taken;
        let bytes = match reading.take(asked, answer) {
            Ok(bytes) => bytes,
            Err(ReadFault::Refused(answer)) => return Ok(Came::Refused(answer)),
            Err(ReadFault::Changed) => return Ok(Came::Changed),
            Err(ReadFault::Nonsense) => return Err(Failure::Broken("an answer that cannot be".to_owned())),
        };
        if !reading.is_bounded && growth::is_look_due(reading.size, offset, reading.taken) && reading.end.is_none() {
            reading.is_held = true;
            return Ok(Came::Longer { offset, bytes });
        }
        let whole = reading.is_done().then(|| reading.hashing.value());
        if whole.is_some() {
            self.queue.retain(|other| *other != number);
        } else if !reading.is_stopped && !self.queue.contains(&number) {
            self.queue.push_back(number);
        }
        Ok(Came::Bytes { offset, bytes, whole })
    }

    /// Goes on with a file that is longer than it was said to be.
    pub(super) fn go_on(&mut self, number: u64) {
        if let Some(reading) = self.readings.get_mut(&number) {
            reading.is_held = false;
            self.queue.push_back(number);
        }
    }

    /// Ends such a file with what came. Returns the digest of that, and how long it is.
    pub(super) fn end_here(&mut self, number: u64) -> Option<(Value, u64)> {
        self.stop(number);
        self.readings.get(&number).map(|reading| (reading.hashing.value(), reading.taken))
    }

    /// How much of a file came in order.
    pub(super) fn taken(&self, number: u64) -> u64 {
        self.readings.get(&number).map_or(0, |reading| reading.taken)
    }

    /// Asks for no more of a file.
    pub(super) fn stop(&mut self, number: u64) {
        self.queue.retain(|other| *other != number);
        if let Some(reading) = self.readings.get_mut(&number) {
            reading.is_stopped = true;
        }
    }

    /// Forgets a file. Returns the handle that it was read by.
    pub(super) fn end(&mut self, number: u64) -> Option<Vec<u8>> {
        self.queue.retain(|other| *other != number);
        self.readings.remove(&number).map(|reading| reading.handle)
    }

    /// A new digest by the algorithm that a file was read with.
    pub(super) fn hashing_as(&self, number: u64) -> Option<Hashing> {
        self.readings.get(&number).map(|reading| reading.hashing.renewed())
    }
}

/// A file that is being read.
pub(super) struct Reading {
    handle: Vec<u8>,
    hashing: Hashing,
    /// What the file is said to have.
    size: u64,
    /// Everything before was asked for.
    asked: u64,
    /// Everything before came out.
    taken: u64,
    early: BTreeMap<u64, Vec<u8>>,
    again: Vec<RequestedRange>,
    due: usize,
    end: Option<u64>,
    /// What lies behind the size is not looked for.
    is_bounded: bool,
    /// No more is asked for, whatever comes.
    is_stopped: bool,
    /// It is much longer than it was said to be: somebody has to say how it goes on.
    is_held: bool,
}

impl Reading {
    pub(super) fn new(handle: Vec<u8>, size: u64, hashing: Hashing) -> Self {
        let (early, again) = (BTreeMap::new(), Vec::new());
        let (asked, taken, due, end) = (0, 0, 0, None);
        let (is_bounded, is_stopped, is_held) = (false, false, false);
        Self { handle, hashing, size, asked, taken, early, again, due, end, is_bounded, is_stopped, is_held }
    }

    /// The same up to its size, whatever lies behind that. Of what has no size the end is looked for.
    pub(super) fn bounded(self) -> Self {
        Self { is_bounded: self.size > 0, ..self }
    }

    /// What to ask for now; nothing if answers have to come first, or everything was read.
    fn next(&mut self, length_max: usize) -> Option<RequestedRange> {
        if self.is_held {
            return None;
        }
        let next = match self.again.pop() {
            Some(asked) => asked,
            None if self.end.is_some() => return None,
            None => {
                let left = self.size.saturating_sub(self.asked);
                // Beyond its size one read at a time looks for the end.
                if left == 0 && (self.due > 0 || self.is_bounded) {
                    return None;
                }
                let most = if left == 0 { u64::MAX } else { left };
                let length = u32::try_from(most.min(length_max as u64)).ok()?;
                let offset = self.asked;
                self.asked += u64::from(length);
                (offset, length)
            }
        };
        self.due += 1;
        Some(next)
    }

    /// Takes an answer, and returns what comes out now.
    fn take(&mut self, (offset, length): RequestedRange, answer: Answer) -> Result<Vec<Vec<u8>>, ReadFault> {
        self.due -= 1;
        match answer {
            Answer::Status(wire::EOF, _) => {
                self.end = Some(self.end.map_or(offset, |end| end.min(offset)));
                self.again.clear();
            }
            Answer::Status(..) => return Err(ReadFault::Refused(answer)),
            Answer::Data(bytes) if bytes.is_empty() || bytes.len() > length as usize => {
                return Err(ReadFault::Nonsense);
            }
            Answer::Data(bytes) => {
                let count = u32::try_from(bytes.len()).map_err(|_| ReadFault::Nonsense)?;
                if count < length && self.end.is_none() {
                    self.again.push((offset + u64::from(count), length - count));
                }
                self.early.insert(offset, bytes);
            }
            Answer::Handle(_) | Answer::Names(_) | Answer::Attrs(_) | Answer::Extended(_) => {
                return Err(ReadFault::Nonsense);
            }
        }
        let mut out = Vec::new();
        while let Some(bytes) = self.early.remove(&self.taken) {
            self.taken += bytes.len() as u64;
            self.hashing.update(&bytes);
            out.push(bytes);
        }
        if self.is_bounded && self.taken == self.size {
            self.end = Some(self.taken);
        }
        let is_over = self.due == 0 && self.end.is_some();
        // An end before what came, or a gap before it.
        if is_over && (!self.early.is_empty() || self.end != Some(self.taken)) {
            return Err(ReadFault::Changed);
        }
        Ok(out)
    }

    /// Whether all was read, and nothing is due.
    fn is_done(&self) -> bool {
        self.due == 0 && self.end == Some(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hashing::Algorithm;
    use super::*;

    fn reading(size: u64) -> Reading {
        Reading::new(b"h".to_vec(), size, Hashing::new(Algorithm::Blake3))
    }

    fn eof() -> Answer {
        Answer::Status(wire::EOF, String::new())
    }

    #[test]
    fn short_and_late_answers_come_out_in_order() {
        let content: Vec<u8> = (0..100).collect();
        let mut reading = reading(100);
        let (first, second) = (reading.next(60).expect("a range"), reading.next(60).expect("a range"));
        assert_eq!((first, second, reading.next(60)), ((0, 60), (60, 40), None));
        let mut out = reading.take(second, Answer::Data(content[60..].to_vec())).expect("bytes");
        out.extend(reading.take(first, Answer::Data(content[..10].to_vec())).expect("bytes"));
        let rest = reading.next(60).expect("the rest");
        assert_eq!(rest, (10, 50));
        out.extend(reading.take(rest, Answer::Data(content[10..60].to_vec())).expect("bytes"));
        let beyond = reading.next(60).expect("a look beyond the size");
        assert_eq!(beyond.0, 100);
        assert!(!reading.is_done());
        assert_eq!(reading.take(beyond, eof()), Ok(vec![]));
        assert!(reading.is_done());
        assert_eq!(out.concat(), content);
        assert_eq!(&reading.hashing.value(), blake3::hash(&content).as_bytes());
    }

    #[test]
    fn a_file_that_grows_is_read_to_its_end_and_one_that_shrinks_is_told() {
        let mut growing = reading(0);
        let asked = growing.next(10).expect("a range");
        growing.take(asked, Answer::Data(vec![1; 10])).expect("bytes");
        let asked = growing.next(10).expect("a range");
        growing.take(asked, eof()).expect("the end");
        assert!(growing.is_done());
        let mut shrinking = reading(20);
        let (first, second) = (shrinking.next(10).expect("a range"), shrinking.next(10).expect("a range"));
        shrinking.take(first, eof()).expect("an end");
        assert_eq!(shrinking.take(second, Answer::Data(vec![1; 10])), Err(ReadFault::Changed));
    }

    #[test]
    fn what_lies_behind_a_bound_is_not_asked_for() {
        let mut bounded = reading(20).bounded();
        let (first, second) = (bounded.next(10).expect("a range"), bounded.next(10).expect("a range"));
        assert_eq!((first, second, bounded.next(10)), ((0, 10), (10, 10), None));
        bounded.take(second, Answer::Data(vec![2; 4])).expect("some bytes");
        bounded.take(first, Answer::Data(vec![1; 10])).expect("bytes");
        let rest = bounded.next(10).expect("the rest");
        assert_eq!(rest, (14, 6));
        assert!(!bounded.is_done());
        bounded.take(rest, Answer::Data(vec![2; 6])).expect("bytes");
        assert!(bounded.is_done() && bounded.next(10).is_none());
        let content = [[1; 10], [2; 10]].concat();
        assert_eq!(&bounded.hashing.value(), blake3::hash(&content).as_bytes());
        // One that is shorter by now ends there.
        let mut short = reading(20).bounded();
        let (first, second) = (short.next(10).expect("a range"), short.next(10).expect("a range"));
        short.take(first, Answer::Data(vec![1; 10])).expect("bytes");
        short.take(second, eof()).expect("the end");
        assert!(short.is_done() && short.taken == 10);
    }

    #[test]
    fn answers_that_cannot_be_are_refused() {
        for answer in [Answer::Data(vec![]), Answer::Data(vec![0; 11]), Answer::Handle(vec![])] {
            let mut reading = reading(10);
            let asked = reading.next(10).expect("a range");
            assert_eq!(reading.take(asked, answer), Err(ReadFault::Nonsense));
        }
    }
}
