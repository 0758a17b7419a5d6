//! Zip archives: the directory at the end says where each member is, how it is packed, and its checksum.

use crate::kernel::Result;
use crate::scan::bytes::{Part, reads_through};
use crate::scan::suspicion::{Suspicion, Weight, meet};
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::ops::Range;

/// A comment of the archive may have so many bytes, behind 22 others.
const END_MAX: u64 = 0xffff + 22;

/// So much may stand between a member's header and its content.
const NAMES_MAX: u64 = 2 * 0xffff;

const ENTRY_BYTES: u64 = 46;

fn short(bytes: &[u8], at: usize) -> u64 {
    u64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}

fn double(bytes: &[u8], at: usize) -> u64 {
    long(bytes, at) | long(bytes, at + 4) << 32
}

/// The directory.
struct Directory {
    range: Range<u64>,
    /// What stands before the archive, as a program that unpacks it.
    before: u64,
}

/// A member, as the directory has it.
struct Member {
    name: String,
    method: u64,
    is_encrypted: bool,
    crc: u64,
    packed: u64,
    header: u64,
}

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let meeting = |range: &Range<u64>| zeros.iter().find(|run| meet(run, range));
    let damaged =
        |range: &Range<u64>, why: &str| meeting(range).map(|run| Suspicion::new(Weight::Damaged, run, why.to_owned()));
    let Some(directory) = directory(part)? else {
        return Ok(damaged(
            &(part.size().saturating_sub(END_MAX)..part.size()),
            "the end of a zip archive is not there",
        ));
    };
    let mut at = directory.range.start;
    while at < directory.range.end {
        let Some((member, end)) = member(part, at)? else {
            return Ok(damaged(&(at..at.saturating_add(ENTRY_BYTES)), "the directory of a zip archive"));
        };
        at = end;
        let header = member.header.saturating_add(directory.before);
        let most = header..header.saturating_add(member.packed).saturating_add(30 + NAMES_MAX);
        if meeting(&most).is_none() {
            continue;
        }
        let name = &member.name;
        let Some(data) = data(part, header, member.packed)? else {
            if let Some(found) =
                damaged(&(header..header.saturating_add(30)), &format!("member {name} of a zip archive has no header"))
            {
                return Ok(Some(found));
            }
            continue;
        };
        let Some(run) = meeting(&data) else { continue };
        let content = part.within(data);
        let verdict = match member.method {
            _ if member.is_encrypted => Some((Weight::Suspicious, "is encrypted, which leaves none")),
            0 => (!has_crc(content.reader(), member.crc)?).then_some((Weight::Damaged, "has another checksum")),
            8 => {
                let is_sound = has_crc(DeflateDecoder::new(content.reader()), member.crc)?;
                (!is_sound).then_some((Weight::Damaged, "cannot be unpacked"))
            }
            _ => Some((Weight::Suspicious, "is packed, which leaves none")),
        };
        if let Some((weight, why)) = verdict {
            return Ok(Some(Suspicion::new(weight, run, format!("member {name} of a zip archive {why}"))));
        }
    }
    Ok(None)
}

fn has_crc(stream: impl std::io::Read, crc: u64) -> Result<bool> {
    let mut sum = Crc::new();
    Ok(reads_through(stream, |bytes| sum.update(bytes))? && u64::from(sum.sum()) == crc)
}

fn directory(part: &Part<'_>) -> Result<Option<Directory>> {
    let start = part.size().saturating_sub(END_MAX);
    let tail = part.up_to(END_MAX as usize, start)?;
    let Some(at) = tail.windows(22).rposition(|end| end.starts_with(b"PK\x05\x06")) else { return Ok(None) };
    let end = &tail[at..];
    let (mut size, mut offset, mut until) = (long(end, 12), long(end, 16), start + at as u64);
    if let Some(locator) = at.checked_sub(20).map(|at| &tail[at..at + 20]).filter(|end| end.starts_with(b"PK\x06\x07"))
    {
        if let Some(wide) = part.array::<56>(double(locator, 8))?.filter(|wide| wide.starts_with(b"PK\x06\x06")) {
            (size, offset, until) = (double(&wide, 40), double(&wide, 48), double(locator, 8));
        }
    }
    let begin = until.saturating_sub(size);
    Ok(Some(Directory { range: begin..until, before: begin.saturating_sub(offset) }))
}

/// A member, and where the next one is described.
fn member(part: &Part<'_>, at: u64) -> Result<Option<(Member, u64)>> {
    let Some(entry) = part.array::<{ ENTRY_BYTES as usize }>(at)?.filter(|entry| entry.starts_with(b"PK\x01\x02"))
    else {
        return Ok(None);
    };
    let (name, extra, comment) = (short(&entry, 28), short(&entry, 30), short(&entry, 32));
    let shown = part.up_to(name as usize, at + ENTRY_BYTES)?;
    let mut member = Member {
        name: String::from_utf8_lossy(&shown).escape_default().to_string(),
        method: short(&entry, 10),
        is_encrypted: short(&entry, 8) & 1 != 0,
        crc: long(&entry, 16),
        packed: long(&entry, 20),
        header: long(&entry, 42),
    };
    let extras = part.up_to(extra as usize, at + ENTRY_BYTES + name)?;
    member.widen(long(&entry, 24), &extras);
    Ok(Some((member, at + ENTRY_BYTES + name + extra + comment)))
}

impl Member {
    /// Takes what does not fit into 32 bits from where it is then.
    fn widen(&mut self, unpacked: u64, mut extras: &[u8]) {
        const NONE: u64 = 0xffff_ffff;
        while extras.len() >= 4 {
            let (kind, length) = (short(extras, 0), short(extras, 2) as usize);
            let Some(extra) = extras.get(4..4 + length) else { return };
            extras = &extras[4 + length..];
            if kind == 1 {
                let mut values = extra.chunks_exact(8).map(|value| double(value, 0));
                let mut wide = |value: u64| if value == NONE { values.next().unwrap_or(value) } else { value };
                wide(unpacked);
                (self.packed, self.header) = (wide(self.packed), wide(self.header));
            }
        }
    }
}

/// Where a member's content is; `None` where it has no header.
fn data(part: &Part<'_>, header: u64, packed: u64) -> Result<Option<Range<u64>>> {
    let found = part.array::<30>(header)?.filter(|found| found.starts_with(b"PK\x03\x04"));
    Ok(found.map(|found| {
        let start = header + 30 + short(&found, 26) + short(&found, 28);
        start..start.saturating_add(packed)
    }))
}
