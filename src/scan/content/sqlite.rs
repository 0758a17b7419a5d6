//! Databases of SQLite: a page that is in use begins with what it is, so that none is all zeros but free ones.

use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight};
use std::collections::BTreeSet;
use std::ops::Range;

/// So many free pages are remembered: a megabyte or two. A database with more is not judged.
const FREE_MAX: usize = 50_000;

/// SQLite locks the bytes from here on, and keeps nothing in their page.
const LOCKED: u64 = 1 << 30;

/// The pages of a database.
struct Pages {
    size: u64,
    count: u64,
}

fn number(header: &[u8], at: usize) -> u64 {
    u64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
}

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let Some(header) = part.array::<100>(0)? else { return Ok(None) };
    let size = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size if size >= 512 && size.is_power_of_two() => u64::from(size),
        _ => return Ok(None),
    };
    // The number of pages counts only where the last writer knew of it (3.7.0).
    let is_counted = number(&header, 24) == number(&header, 92) && number(&header, 28) != 0;
    let count = if is_counted { number(&header, 28) } else { part.size() / size };
    let pages = Pages { size, count };
    let Some(free) = pages.free(part, number(&header, 32))? else { return Ok(None) };
    for run in zeros {
        let whole = run.start.div_ceil(size) + 1..run.end / size + 1;
        for page in whole.take_while(|page| *page <= count) {
            let is_locked = (page - 1) * size == LOCKED;
            if !is_locked && !free.contains(&page) {
                let why = format!("page {page} of an SQLite database, which is not free");
                return Ok(Some(Suspicion::new(Weight::Suspicious, run, why)));
            }
        }
    }
    Ok(None)
}

impl Pages {
    /// The free ones; `None` where the list of them makes no sense, or is too long.
    fn free(&self, part: &Part<'_>, first: u64) -> Result<Option<BTreeSet<u64>>> {
        let mut free = BTreeSet::new();
        let mut trunk = first;
        while trunk != 0 {
            if trunk > self.count || !free.insert(trunk) || free.len() > FREE_MAX {
                return Ok(None);
            }
            let page = part.up_to(usize::try_from(self.size).unwrap_or(0), (trunk - 1) * self.size)?;
            if page.len() < 8 {
                return Ok(None);
            }
            let leaves = page[8..].chunks_exact(4).take(usize::try_from(number(&page, 4)).unwrap_or(0));
            free.extend(leaves.map(|leaf| number(leaf, 0)));
            trunk = number(&page, 0);
        }
        Ok(Some(free))
    }
}
