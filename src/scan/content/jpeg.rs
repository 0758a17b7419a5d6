//! JPEG images: after the headers nothing is zeros, unless the image's own tables code a plain area so.

use crate::kernel::{Errno, Result};
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight, graver, meet};
use std::io::BufRead;
use std::ops::Range;

const TABLES: u8 = 0xc4;
const SCAN: u8 = 0xda;
const END: u8 = 0xd9;

/// Of each table that was read so far: whether its code of zeros says that nothing changes. Those for the means of
/// blocks, and those for what deviates from them.
#[derive(Default)]
struct State {
    means: [bool; 4],
    details: [bool; 4],
}

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let mut state = State::default();
    let mut at = 2;
    let mut found = None;
    loop {
        let Some([sign, marker, high, low]) = part.array::<4>(at)? else { return Ok(found) };
        let damaged = |why| {
            zeros.iter().find(|run| meet(run, &(at..at + 4))).map(|run| Suspicion::new(Weight::Damaged, run, why))
        };
        if sign != 0xff {
            return Ok(graver(damaged("a JPEG image has no header there"), found));
        }
        if marker == END {
            return Ok(found);
        }
        // Fill bytes, and markers that stand alone.
        if matches!(marker, 0xff | 0x01 | 0xd0..=0xd8) {
            at += if marker == 0xff { 1 } else { 2 };
            continue;
        }
        let end = at + 2 + u64::from(u16::from_be_bytes([high, low]));
        let header = usize::from(u16::from_be_bytes([high, low])).saturating_sub(2);
        if marker == TABLES {
            state.take(&part.up_to(header, at + 4)?);
        }
        if marker == SCAN {
            let next = end_of_scan(part, end)?;
            found = graver(found, state.judge(&part.up_to(header, at + 4)?, &(end..next), zeros));
            at = next;
        } else {
            at = end.max(at + 2);
        }
    }
}

impl State {
    /// Reads tables; the first code of each is all zeros.
    fn take(&mut self, mut tables: &[u8]) {
        while tables.len() > 17 {
            let count: usize = tables[1..17].iter().map(|count| usize::from(*count)).sum();
            let number = usize::from(tables[0] & 3);
            // A difference of no bits; the end of a block, or of many.
            match tables[0] >> 4 {
                0 => self.means[number] = tables[17] == 0,
                _ => self.details[number] = tables[17] & 15 == 0,
            }
            tables = tables.get(17 + count..).unwrap_or_default();
        }
    }

    /// Whether a plain area is zeros in a scan that begins with this header.
    fn codes_plain(&self, header: &[u8]) -> bool {
        let count = usize::from(header.first().copied().unwrap_or(0));
        let (Some(components), Some(&[first, last, steps])) =
            (header.get(1..1 + 2 * count), header.get(1 + 2 * count..4 + 2 * count))
        else {
            return false;
        };
        // A progressive image has scans for the means alone, and scans that add a bit to what is known.
        let (has_means, has_details, is_refined) = (first == 0, last > 0, steps >> 4 > 0);
        components.chunks_exact(2).all(|component| {
            let (means, details) = (usize::from(component[1] >> 4 & 3), usize::from(component[1] & 3));
            (!has_means || is_refined || self.means[means]) && (!has_details || self.details[details])
        })
    }

    fn judge(&self, header: &[u8], scan: &Range<u64>, zeros: &[Range<u64>]) -> Option<Suspicion> {
        let run = zeros.iter().find(|run| meet(run, scan))?;
        let (weight, why) = if self.codes_plain(header) {
            (Weight::Unusual, "in a JPEG image, which may have a plain area there")
        } else {
            (Weight::Suspicious, "what JPEG packs by these tables has none")
        };
        Some(Suspicion::new(weight, run, why))
    }
}

/// Where the next marker is that ends a scan.
fn end_of_scan(part: &Part<'_>, start: u64) -> Result<u64> {
    let mut bytes = part.within(start..part.size()).reader();
    let mut at = start;
    let failed = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    loop {
        let ahead = bytes.fill_buf().map_err(failed)?;
        if ahead.is_empty() {
            return Ok(at);
        }
        let Some(sign) = ahead.iter().position(|byte| *byte == 0xff) else {
            let count = ahead.len();
            bytes.consume(count);
            at += count as u64;
            continue;
        };
        bytes.consume(sign + 1);
        at += sign as u64 + 1;
        match bytes.fill_buf().map_err(failed)?.first() {
            // A byte of content is followed by a zero; a scan may have points to go on from.
            Some(0 | 0xd0..=0xd7) => {
                bytes.consume(1);
                at += 1;
            }
            Some(0xff) => {}
            Some(_) | None => return Ok(at - 1),
        }
    }
}
