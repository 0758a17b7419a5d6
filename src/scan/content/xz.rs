//! Files of xz: neither what it packs nor what it leaves as it is has a block of zeros. There may be some between two streams.

use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight};
use std::ops::Range;

const MAGIC: &[u8] = b"\xfd7zXZ\0";
const FOOTER: &[u8] = b"YZ";

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    for run in zeros {
        if is_padding(part, run)? {
            continue;
        }
        let is_end = run.end == part.size();
        let (weight, why) = if is_end {
            (Weight::Damaged, "the end of what xz packed is not there")
        } else {
            (Weight::Suspicious, "what xz packs has none")
        };
        return Ok(Some(Suspicion::new(weight, run, why)));
    }
    Ok(None)
}

/// Whether the zeros stand between the end of a stream and the next one, or the end of the file.
fn is_padding(part: &Part<'_>, run: &Range<u64>) -> Result<bool> {
    let before = part.up_to(4096.min(usize::try_from(run.start).unwrap_or(4096)), run.start.saturating_sub(4096))?;
    let behind = part.up_to(4096, run.end)?;
    let last = before.iter().rposition(|byte| *byte != 0).map(|last| &before[..=last]);
    let next = behind.iter().position(|byte| *byte != 0).map(|next| &behind[next..]);
    Ok(last.is_some_and(|last| last.ends_with(FOOTER)) && next.is_none_or(|next| next.starts_with(MAGIC)))
}
