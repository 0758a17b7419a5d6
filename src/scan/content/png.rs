//! PNG images: each chunk has a checksum.

use crate::kernel::Result;
use crate::scan::bytes::{Part, reads_through};
use crate::scan::suspicion::{Suspicion, Weight, meet};
use flate2::Crc;
use std::ops::Range;

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let mut at = 8;
    while let Some([l0, l1, l2, l3, name @ ..]) = part.array::<8>(at)? {
        let end = at + 12 + u64::from(u32::from_be_bytes([l0, l1, l2, l3]));
        let is_name = name.iter().all(u8::is_ascii_alphabetic);
        let range = at..if is_name { end } else { at + 8 };
        let run = zeros.iter().find(|run| meet(run, &range));
        let damaged = |why: String| run.map(|run| Suspicion::new(Weight::Damaged, run, why));
        if !is_name {
            return Ok(damaged("a chunk of a PNG image has no name".to_owned()));
        }
        if run.is_some() && !is_sound(part, at, end)? {
            let name = String::from_utf8_lossy(&name);
            return Ok(damaged(format!("the checksum of chunk {name} of a PNG image does not fit")));
        }
        if name == *b"IEND" {
            break;
        }
        at = end;
    }
    Ok(None)
}

fn is_sound(part: &Part<'_>, at: u64, end: u64) -> Result<bool> {
    let mut crc = Crc::new();
    reads_through(part.within(at + 4..end - 4).reader(), |bytes| crc.update(bytes))?;
    Ok(part.array(end - 4)?.map(u32::from_be_bytes) == Some(crc.sum()))
}
