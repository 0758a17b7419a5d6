//! The map of a file whose seeks answer anything. It may call the answers nonsense; else its work covers the file once, in
//! order, and calls data exactly what was answered.

use super::input::Input;
use rustix::io::Errno;
use safecp::copy::hole_map::{Map, Work};
use safecp::copy::stopped::Stopped;
use safecp::error::Action;
use safecp::kernel::Seek;
use std::cell::RefCell;
use std::ops::Range;

/// Work that is taken from one map: a file of exabytes has no end.
const WORK_MAX: usize = 4000;

/// A kernel that answers seeks by bytes.
struct Seeks<'a> {
    input: Input<'a>,
    size: u64,
    asked: usize,
    /// Where the last data was said to begin.
    start: u64,
    /// What was answered, as far as it makes sense.
    extents: Vec<Range<u64>>,
}

pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    // st_size is a signed number, and a piece is some megabytes.
    let size = input.number() >> 1;
    let piece = (input.number() % (1 << 40)).max(1);
    let count = usize::from(input.byte()).max(1);
    let answers = bytes.len();
    let seeks = RefCell::new(Seeks { input, size, asked: 0, start: 0, extents: Vec::new() });
    let mut map = Map::new(size, piece, |what, offset| seeks.borrow_mut().answer(what, offset));
    let mut seen = Seen { size, piece, at: 0, data: Vec::new() };
    let mut taken = 0;
    while taken < WORK_MAX {
        let Ok(batch) = map.take(count) else { return };
        assert!(batch.len() <= count + 2, "{} items instead of {count}", batch.len());
        if batch.is_empty() {
            assert_eq!(seen.at, size, "the end before the end");
            assert_eq!(merged(&seen.data), merged(&seeks.borrow().extents));
            break;
        }
        taken += batch.len();
        batch.into_iter().for_each(|work| seen.look(work));
    }
    assert!(seeks.borrow().asked <= 2 * answers + 2, "it asks and asks");
}

impl Seeks<'_> {
    fn answer(&mut self, what: Seek, offset: u64) -> Result<Option<u64>, Stopped> {
        self.asked += 1;
        if self.input.is_empty() {
            return Ok(None);
        }
        let found = match self.input.byte() % 8 {
            0 => None,
            1 => return Err(Stopped::Failed(Action::Seek, Errno::IO)),
            2 => Some(self.input.number()),
            3 => Some(offset),
            4 => Some(self.size),
            5 => Some(offset.saturating_sub(self.input.number())),
            _ => Some(offset.saturating_add(self.input.number() % 5000)),
        };
        match (what, found) {
            (Seek::Data, Some(start)) => self.start = start,
            (Seek::Hole, Some(end)) if end > self.start => self.extents.push(self.start..end.min(self.size)),
            (_, None) | (Seek::Hole, Some(_)) => {}
        }
        Ok(found)
    }
}

/// What came out of a map so far.
struct Seen {
    size: u64,
    piece: u64,
    at: u64,
    data: Vec<Range<u64>>,
}

impl Seen {
    fn look(&mut self, work: Work) {
        let bounds = match work {
            Work::Hole(range) => range,
            Work::Piece { number, data } => {
                let bounds = number * self.piece..((number + 1) * self.piece).min(self.size);
                let mut at = bounds.start;
                for range in data {
                    assert!(at <= range.start && range.start < range.end && range.end <= bounds.end, "{range:?}");
                    at = range.end;
                    self.data.push(range);
                }
                bounds
            }
        };
        assert_eq!(bounds.start, self.at, "work comes in order, without a gap");
        assert!(bounds.start < bounds.end && bounds.end <= self.size, "{bounds:?}");
        self.at = bounds.end;
    }
}

/// The same bytes in as few ranges as can be.
fn merged(ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        match merged.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => merged.push(range.clone()),
        }
    }
    merged
}
