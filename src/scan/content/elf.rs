//! ELF files. Arrays of zeros, and what pads segments to pages, are sound; tables, names, code and what describes it for a
//! debugger have none. Zeros that begin and end where records of 128 KiB do are told wherever they are.

use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::{Suspicion, Weight, common, graver};
use std::ops::Range;

/// Fewer zeros than ZFS's smallest block may belong to what lies beside.
const ZEROS_MIN: u64 = 512;

/// ZFS's recordsize, unless an administrator has set another.
const RECORD: u64 = 128 << 10;

/// No header of a section is longer.
const ENTRY_MAX: u64 = 256;

/// Headers that are read at once.
const HEADERS_AT_ONCE: u64 = 512;

/// Sections that describe the program to a debugger and have no tables of addresses, which are zeros in objects.
const DEBUG: [&[u8]; 7] = [
    b".debug_info",
    b".debug_types",
    b".debug_abbrev",
    b".debug_line",
    b".debug_str",
    b".debug_line_str",
    b".debug_macro",
];

/// Sections whose content is packed.
const PACKED: [&[u8]; 2] = [b".gnu_debugdata", b".gnu.lto_"];

const COMPRESSED: u64 = 1 << 11;
const EXECUTABLE: u64 = 1 << 2;

/// How numbers stand in a file.
#[derive(Clone, Copy)]
struct Numbers {
    is_wide: bool,
    is_little: bool,
}

impl Numbers {
    /// A number of so many bytes.
    fn number(self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.is_little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    /// A number of `width` bytes in a header; 0 where the header is too short.
    fn at(self, header: &[u8], offset: usize, width: usize) -> u64 {
        header.get(offset..offset + width).map_or(0, |bytes| self.number(bytes))
    }

    /// One that is a word of the machine: at `wide` or at `narrow`.
    fn word(self, header: &[u8], wide: usize, narrow: usize) -> u64 {
        if self.is_wide { self.at(header, wide, 8) } else { self.at(header, narrow, 4) }
    }
}

/// The table of sections.
struct Table<'a, 'p> {
    part: &'a Part<'p>,
    numbers: Numbers,
    entry: u64,
    range: Range<u64>,
    names: u64,
}

/// A section, as its header has it.
struct Section {
    name: u64,
    kind: u64,
    flags: u64,
    range: Range<u64>,
}

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let Some(table) = Table::open(part)? else { return Ok(None) };
    let first = table.range.start.saturating_add(table.entry)..table.range.end;
    if let Some(run) = zeros.iter().find(|run| holds(run, &first, table.entry)) {
        return Ok(Some(Suspicion::new(Weight::Damaged, run, "the section headers of an ELF file")));
    }
    let mut found = None;
    table.sections(|section| {
        for run in zeros {
            if holds(run, &section.range, ZEROS_MIN) {
                found = graver(found.take(), table.judge(&section, run)?);
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether so many of these zeros are in a range.
fn holds(run: &Range<u64>, range: &Range<u64>, least: u64) -> bool {
    let common = common(run, range);
    common.end - common.start >= least
}

impl<'a, 'p> Table<'a, 'p> {
    /// `None` where there are no sections.
    fn open(part: &'a Part<'p>) -> Result<Option<Self>> {
        let header = part.up_to(64, 0)?;
        let numbers = match header.get(4..6) {
            Some([class @ 1..=2, order @ 1..=2]) => Numbers { is_wide: *class == 2, is_little: *order == 1 },
            _ => return Ok(None),
        };
        let start = numbers.word(&header, 40, 32);
        let half = |wide, narrow| numbers.at(&header, if numbers.is_wide { wide } else { narrow }, 2);
        let (entry, mut count, mut names) = (half(58, 46), half(60, 48), half(62, 50));
        let entry_min = if numbers.is_wide { 64 } else { 40 };
        if start == 0 || !(entry_min..=ENTRY_MAX).contains(&entry) {
            return Ok(None);
        }
        // Numbers that do not fit stand in the first header.
        let first = part.up_to(64, start)?;
        if count == 0 {
            count = numbers.word(&first, 32, 20);
        }
        if names == 0xffff {
            names = numbers.at(&first, if numbers.is_wide { 40 } else { 24 }, 4);
        }
        let end = start.saturating_add(count.saturating_mul(entry)).min(part.size());
        let mut table = Self { part, numbers, entry, range: start..end.max(start), names: 0 };
        table.names = table.header(names)?.map_or(u64::MAX, |section| section.range.start);
        Ok(Some(table))
    }

    fn header(&self, number: u64) -> Result<Option<Section>> {
        let at = self.range.start.saturating_add(number.saturating_mul(self.entry));
        if at >= self.range.end {
            return Ok(None);
        }
        Ok(Some(self.section(&self.part.up_to(64, at)?)))
    }

    fn section(&self, header: &[u8]) -> Section {
        let numbers = self.numbers;
        let (start, size) = (numbers.word(header, 24, 16), numbers.word(header, 32, 20));
        Section {
            name: numbers.at(header, 0, 4),
            kind: numbers.at(header, 4, 4),
            flags: numbers.word(header, 8, 8),
            range: start..start.saturating_add(size),
        }
    }

    /// Hands over all sections but the first, which is none.
    fn sections(&self, mut take: impl FnMut(Section) -> Result<()>) -> Result<()> {
        let mut at = self.range.start.saturating_add(self.entry);
        while at < self.range.end {
            let some = (self.range.end - at).min(HEADERS_AT_ONCE * self.entry);
            let headers = self.part.up_to(usize::try_from(some).unwrap_or(0), at)?;
            for header in headers.chunks_exact(usize::try_from(self.entry).unwrap_or(64)) {
                take(self.section(header))?;
            }
            at += some;
        }
        Ok(())
    }

    fn name(&self, section: &Section) -> Result<Vec<u8>> {
        let mut name = self.part.up_to(64, self.names.saturating_add(section.name))?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    fn judge(&self, section: &Section, run: &Range<u64>) -> Result<Option<Suspicion>> {
        let name = self.name(section)?;
        let weight = match weight(section, &name) {
            Some(weight) => weight,
            None if has_content(section.kind) && self.is_record(run)? => Weight::Unusual,
            None => return Ok(None),
        };
        let name = String::from_utf8_lossy(&name);
        let why = match weight {
            Weight::Damaged | Weight::Suspicious => format!("{name} of an ELF file has none"),
            Weight::Unusual => format!("whole records in {name} of an ELF file, and not a byte more"),
        };
        Ok(Some(Suspicion::new(weight, run, why)))
    }

    /// Whether zeros begin and end with records, while what is around them does not.
    fn is_record(&self, run: &Range<u64>) -> Result<bool> {
        let (start, end) = (self.part.start() + run.start, self.part.start() + run.end);
        if start % RECORD != 0 || end % RECORD != 0 {
            return Ok(false);
        }
        let before = self.part.up_to(8, run.start.saturating_sub(8))?;
        let behind = self.part.up_to(8, run.end)?;
        let has_content = |bytes: &[u8]| bytes.iter().any(|byte| *byte != 0);
        Ok(has_content(&before) && has_content(&behind))
    }
}

/// Whether a section has bytes in the file that a program has made: NULL, NOTE and NOBITS have none, or may be anything.
fn has_content(kind: u64) -> bool {
    !matches!(kind, 0 | 7 | 8)
}

fn weight(section: &Section, name: &[u8]) -> Option<Weight> {
    match section.kind {
        0 | 7 | 8 => None,
        // SYMTAB, STRTAB, HASH, DYNSYM, GNU_HASH: each is full of what is not zero. RELA and REL: an entry of zeros does
        // nothing, and linkers leave some at the end.
        2 | 3 | 5 | 11 | 0x6fff_fff6 => Some(Weight::Damaged),
        4 | 9 => Some(Weight::Suspicious),
        _ if section.flags & COMPRESSED != 0 => Some(Weight::Damaged),
        _ if PACKED.iter().any(|packed| name.starts_with(packed)) => Some(Weight::Damaged),
        _ if DEBUG.contains(&name) || name.starts_with(b".zdebug_") => Some(Weight::Damaged),
        _ if section.flags & EXECUTABLE != 0 => Some(Weight::Suspicious),
        _ => None,
    }
}
