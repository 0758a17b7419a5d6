//! PDF documents: zeros may be in a stream that is not packed, and behind the end; a stream of zlib has a checksum.

use super::jpeg;
use crate::kernel::Result;
use crate::scan::bytes::{Part, reads_through};
use crate::scan::suspicion::{Suspicion, Weight, graver};
use flate2::bufread::ZlibDecoder;
use std::io::Read;
use std::ops::Range;

/// The words around a stream, one of which is the end of the other.
const BEGIN: &[u8] = b"stream";
const END: &[u8] = b"endstream";

/// What describes a stream stands in front of it, in so many bytes.
const DICTIONARY_MAX: u64 = 2048;

/// Bytes read at once.
const WINDOW: usize = 64 << 10;

/// How a stream is packed: the outermost way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    None,
    Flate,
    Jpeg,
    /// In letters, which no zero is.
    Letters,
    Other,
}

pub(super) fn judge(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let mut found = None;
    let mut streams = Streams { part, at: 0, open: None };
    for run in zeros {
        streams.read_to(run.start)?;
        let suspicion = match streams.open {
            Some(start) => stream(part, start, run)?,
            None if is_behind_the_end(part, run)? => None,
            None => Some(Suspicion::new(Weight::Suspicious, run, "between the objects of a PDF document")),
        };
        found = graver(found, suspicion);
    }
    Ok(found)
}

/// Where streams begin and end, read once from the front.
struct Streams<'a, 'p> {
    part: &'a Part<'p>,
    at: u64,
    open: Option<u64>,
}

impl Streams<'_, '_> {
    fn read_to(&mut self, end: u64) -> Result<()> {
        while self.at < end {
            let window = self.part.up_to(WINDOW, self.at)?;
            let length = window.len().min(usize::try_from(end - self.at).unwrap_or(usize::MAX));
            let window = &window[..length];
            for (at, _) in window.windows(BEGIN.len()).enumerate().filter(|(_, word)| *word == BEGIN) {
                let is_end = window[..at + BEGIN.len()].ends_with(END);
                self.open = if is_end { None } else { Some(self.at + (at + BEGIN.len()) as u64) };
            }
            // A word may lie across the end of a window.
            let step = if self.at + length as u64 >= end { length } else { length.saturating_sub(END.len()) };
            if step == 0 {
                return Ok(());
            }
            self.at += step as u64;
        }
        Ok(())
    }
}

fn is_behind_the_end(part: &Part<'_>, run: &Range<u64>) -> Result<bool> {
    let before = part.up_to(4096.min(usize::try_from(run.start).unwrap_or(4096)), run.start.saturating_sub(4096))?;
    let last = before.iter().rposition(|byte| !matches!(byte, 0 | b'\r' | b'\n' | b' '));
    Ok(run.end == part.size() && last.is_some_and(|last| before[..=last].ends_with(b"%%EOF")))
}

/// Judges zeros in a stream whose first word ends at `start`.
fn stream(part: &Part<'_>, start: u64, run: &Range<u64>) -> Result<Option<Suspicion>> {
    let before = start.saturating_sub(DICTIONARY_MAX);
    let dictionary = part.up_to(usize::try_from(start - before).unwrap_or(0), before)?;
    let ending = part.up_to(2, start)?;
    let start = start + if ending == b"\r\n" { 2 } else { 1 };
    let content = part.within(start..part.size());
    let suspicion = |weight, why| Ok(Some(Suspicion::new(weight, run, why)));
    match filter(&dictionary) {
        Filter::None => Ok(None),
        Filter::Letters => suspicion(Weight::Damaged, "a stream of letters in a PDF document"),
        Filter::Other => suspicion(Weight::Unusual, "a packed stream of a PDF document"),
        Filter::Jpeg => {
            let zeros = run.start.saturating_sub(start)..run.end - start;
            Ok(jpeg::judge(&content, std::slice::from_ref(&zeros))?
                .map(|found| found.of_part(start, "in a PDF document")))
        }
        Filter::Flate => match unpacks(&content, run.start.saturating_sub(start))? {
            Unpacked::Whole => Ok(None),
            Unpacked::UpToZeros => suspicion(Weight::Damaged, "a stream of a PDF document cannot be unpacked"),
            Unpacked::NotEvenSoFar => {
                suspicion(Weight::Unusual, "a stream of a PDF document that is encrypted, or no stream")
            }
        },
    }
}

/// How far a stream can be unpacked.
enum Unpacked {
    Whole,
    UpToZeros,
    NotEvenSoFar,
}

fn unpacks(content: &Part<'_>, zeros: u64) -> Result<Unpacked> {
    let mut stream = ZlibDecoder::new(content.reader());
    let is_whole = reads_through(stream.by_ref(), |_| {})?;
    Ok(match stream.total_in() {
        _ if is_whole => Unpacked::Whole,
        taken if taken >= zeros.saturating_sub(WINDOW as u64) && taken > 16 => Unpacked::UpToZeros,
        _ => Unpacked::NotEvenSoFar,
    })
}

fn filter(before: &[u8]) -> Filter {
    let dictionary = before.windows(4).rposition(|word| word == b" obj").map_or(before, |at| &before[at..]);
    let Some(at) = dictionary.windows(7).position(|word| word == b"/Filter") else { return Filter::None };
    let names = dictionary[at + 7..].split(|byte| *byte == b'/').nth(1).unwrap_or_default();
    let end = names.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(names.len());
    match &names[..end] {
        b"FlateDecode" | b"Fl" => Filter::Flate,
        b"DCTDecode" | b"DCT" => Filter::Jpeg,
        b"ASCIIHexDecode" | b"AHx" | b"ASCII85Decode" | b"A85" => Filter::Letters,
        _ => Filter::Other,
    }
}
