//! Archives of ar(1), with what is in them: members of known kinds are judged like files, and headers are never zeros.

use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight, common, graver, meet};
use std::ops::Range;

const HEADER_BYTES: u64 = 60;

/// Judges a member, which has these runs of zeros.
type Inner<'a> = &'a dyn Fn(&Part<'_>, &[Range<u64>]) -> Result<Option<Suspicion>>;

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>], inner: Inner<'_>) -> Result<Option<Suspicion>> {
    let mut at = 8;
    let mut found = None;
    while let Some(header) = part.array::<{ HEADER_BYTES as usize }>(at)? {
        let Some(size) = size(&header) else {
            let range = at..at + HEADER_BYTES;
            let run = zeros.iter().find(|run| meet(run, &range));
            return Ok(graver(run.map(|run| Suspicion::new(Weight::Damaged, run, "a member has no header")), found));
        };
        let data = at + HEADER_BYTES..(at + HEADER_BYTES).saturating_add(size).min(part.size());
        found = graver(found, member(part, &header, &data, zeros, inner)?);
        // Members begin at even places.
        at = data.end + data.end % 2;
    }
    Ok(found)
}

fn member(
    part: &Part<'_>,
    header: &[u8; HEADER_BYTES as usize],
    data: &Range<u64>,
    zeros: &[Range<u64>],
    inner: Inner<'_>,
) -> Result<Option<Suspicion>> {
    let mut data = data.clone();
    let name = header[..16].trim_ascii_end();
    // BSD's ar has long names in front of the data.
    if let Some(length) = name.strip_prefix(b"#1/").and_then(number) {
        data.start = (data.start.saturating_add(length)).min(data.end);
    }
    let runs: Vec<Range<u64>> = zeros.iter().map(|run| common(run, &data)).filter(|run| !run.is_empty()).collect();
    let Some(first) = runs.first() else { return Ok(None) };
    if matches!(name, b"/" | b"//" | b"/SYM64/") && runs.iter().any(|run| run.end - run.start >= 512) {
        return Ok(Some(Suspicion::new(Weight::Damaged, first, "the index has no entries there")));
    }
    let shifted: Vec<Range<u64>> = runs.iter().map(|run| run.start - data.start..run.end - data.start).collect();
    let suspicion = inner(&part.within(data.clone()), &shifted)?;
    let shown = String::from_utf8_lossy(name);
    Ok(suspicion.map(|suspicion| suspicion.of_part(data.start, &format!("member {}", shown.trim_end_matches('/')))))
}

fn size(header: &[u8; HEADER_BYTES as usize]) -> Option<u64> {
    if header[58..] != *b"`\n" { None } else { number(header[48..58].trim_ascii_end()) }
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if is_number { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}
