//! Files of zstd: much of one byte is packed as that byte and a number, so that no block of zeros comes of it.

use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight};
use std::ops::Range;

pub(super) fn judge(_: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    Ok(zeros.first().map(|run| Suspicion::new(Weight::Suspicious, run, "what zstd packs has none")))
}
