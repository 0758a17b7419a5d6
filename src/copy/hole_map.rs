//! A source's map of data and holes, cut into pieces, a few at a time.
//!
//! Asking goes on only as far as work is taken, so a file with millions of extents needs no more
//! memory than one with two. The answers are a hint: here they are only made to add up.

use super::stopped::Stopped;
use crate::kernel::Seek;
use std::ops::Range;

/// What is to be looked at next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A piece that holds data: its number, and the data's ranges in order.
    Piece {
        /// Counted from 0.
        number: u64,
        /// Within the piece and the file.
        data: Vec<Range<u64>>,
    },
    /// Pieces without data; may be as long as the file.
    Hole(Range<u64>),
}

/// The map of a file of a given size, as `seek` tells it.
pub struct Map<S> {
    size: u64,
    piece: u64,
    seek: S,
    /// Up to where the map was asked.
    asked: u64,
    /// The part of the last extent that was not cut yet.
    extent: Range<u64>,
    /// The piece that is being filled.
    filling: Option<(u64, Vec<Range<u64>>)>,
    /// Up to where work was handed out.
    given: u64,
}

impl<S: Fn(Seek, u64) -> Result<Option<u64>, Stopped>> Map<S> {
    /// A map of `0..size`; `seek` answers as lseek(2) does, `None` for ENXIO.
    pub fn new(size: u64, piece: u64, seek: S) -> Self {
        Self { size, piece, seek, asked: 0, extent: 0..0, filling: None, given: 0 }
    }

    /// The next work, in order, at most a little more than `count` items; empty at the end. Together
    /// the items cover the file once.
    pub fn take(&mut self, count: usize) -> Result<Vec<Work>, Stopped> {
        let mut work = Vec::new();
        while work.len() < count {
            if self.extent.is_empty() && !self.ask()? {
                self.finish(&mut work);
                break;
            }
            self.cut(&mut work);
        }
        Ok(work)
    }

    /// Asks for the next extent of data; false at the end of the file.
    fn ask(&mut self) -> Result<bool, Stopped> {
        if self.asked >= self.size {
            return Ok(false);
        }
        let Some(start) = (self.seek)(Seek::Data, self.asked)? else {
            self.asked = self.size;
            return Ok(false);
        };
        if start < self.asked {
            return Err(Stopped::Nonsense);
        }
        if start >= self.size {
            self.asked = self.size;
            return Ok(false);
        }
        // No hole behind data means that the file ends there: it shrank, or the map is no map. A read
        // of all of it tells which.
        let end = (self.seek)(Seek::Hole, start)?.filter(|end| *end > start).ok_or(Stopped::Nonsense)?;
        self.extent = start..end.min(self.size);
        self.asked = self.extent.end;
        Ok(true)
    }

    /// Puts the part of the extent that lies in one piece where it belongs.
    fn cut(&mut self, work: &mut Vec<Work>) {
        let number = self.extent.start / self.piece;
        let end = self.extent.end.min((number + 1) * self.piece);
        let range = self.extent.start..end;
        self.extent.start = end;
        match &mut self.filling {
            Some((current, data)) if *current == number => data.push(range),
            _ => {
                self.flush(work);
                self.skip_to(number * self.piece, work);
                self.filling = Some((number, vec![range]));
            }
        }
    }

    fn flush(&mut self, work: &mut Vec<Work>) {
        if let Some((number, data)) = self.filling.take() {
            self.given = ((number + 1) * self.piece).min(self.size);
            work.push(Work::Piece { number, data });
        }
    }

    fn skip_to(&mut self, offset: u64, work: &mut Vec<Work>) {
        if self.given < offset {
            work.push(Work::Hole(self.given..offset));
            self.given = offset;
        }
    }

    fn finish(&mut self, work: &mut Vec<Work>) {
        self.flush(work);
        self.skip_to(self.size, work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// lseek over a file in which `data[i]` says whether byte i is data.
    fn seek_in(data: &[bool]) -> impl Fn(Seek, u64) -> Result<Option<u64>, Stopped> {
        move |what, offset| {
            let wanted = what == Seek::Data;
            let from = usize::try_from(offset).expect("small");
            let found = (from..data.len()).find(|at| data[*at] == wanted).map(|at| at as u64);
            Ok(found.or((what == Seek::Hole && from < data.len()).then_some(data.len() as u64)))
        }
    }

    proptest! {
        #[test]
        fn every_byte_is_handed_out_once_as_what_it_is(
            data in proptest::collection::vec(any::<bool>(), 0..120),
            piece in 1_u64..40,
            count in 1_usize..5,
        ) {
            let size = data.len() as u64;
            let mut map = Map::new(size, piece, seek_in(&data));
            let mut seen = vec![None; data.len()];
            let mut at = 0;
            loop {
                let batch = map.take(count).expect("a sound map");
                if batch.is_empty() {
                    break;
                }
                for work in batch {
                    let (bounds, ranges) = match work {
                        Work::Piece { number, data } => (number * piece..((number + 1) * piece).min(size), data),
                        Work::Hole(range) => (range, Vec::new()),
                    };
                    prop_assert_eq!(bounds.start, at);
                    at = bounds.end;
                    for byte in bounds {
                        seen[byte as usize] = Some(ranges.iter().any(|range| range.contains(&byte)));
                    }
                }
            }
            prop_assert_eq!(at, size);
            prop_assert_eq!(seen, data.iter().map(|is_data| Some(*is_data)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_map_that_goes_backwards_is_nonsense() {
        let backwards =
            |what, offset: u64| Ok(Some(if what == Seek::Data { offset } else { offset.saturating_sub(1) }));
        assert!(matches!(Map::new(100, 10, backwards).take(10), Err(Stopped::Nonsense)));
    }
}
