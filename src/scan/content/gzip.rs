//! Files of gzip: whole blocks of zeros come up where much of one byte was packed, so that only the checksum tells.

use crate::kernel::Result;
use crate::scan::bytes::{Part, reads_through};
use crate::scan::suspicion::{Suspicion, Weight};
use flate2::bufread::GzDecoder;
use std::io::{BufRead, BufReader};
use std::ops::Range;

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let Some(first) = zeros.first() else { return Ok(None) };
    let mut packed = part.reader();
    loop {
        if !reads_through(GzDecoder::new(&mut packed), |_| {})? {
            return Ok(Some(Suspicion::new(Weight::Damaged, first, "what gzip packed cannot be unpacked")));
        }
        if !begins_member(&mut packed)? {
            return Ok(None);
        }
    }
}

/// Whether another member follows. gzip passes over zeros behind the last one, as tapes have them, and warns of the rest.
fn begins_member(packed: &mut BufReader<impl std::io::Read>) -> Result<bool> {
    let ahead = packed
        .fill_buf()
        .map_err(|error| crate::kernel::Errno::from_io_error(&error).unwrap_or(crate::kernel::Errno::IO))?;
    Ok(ahead.starts_with(b"\x1f\x8b"))
}
