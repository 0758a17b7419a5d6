//! Files of bzip2: runs of one byte are taken out before anything is packed, so that no block of zeros comes of it.

use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight};
use std::ops::Range;

/// Digits of pi, or of its square root where nothing is packed.
const SIGNS: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if SIGNS.iter().any(|sign| rest.starts_with(sign)))
}

pub(super) fn judge(_: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    Ok(zeros.first().map(|run| Suspicion::new(Weight::Suspicious, run, "what bzip2 packs has none")))
}
