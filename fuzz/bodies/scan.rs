//! Any content, taken for each kind that has rules about zeros: its reader ends, and tells of zeros that it was asked about.

use safecp::kernel::Result;
use safecp::scan::content::kind::{ContentKind, HEAD_BYTES};
use safecp::scan::{Bytes, Part};
use std::cell::Cell;
use std::ops::Range;
use std::slice;

/// Pieces of the content that are zeros in turn.
const PIECES: usize = 8;

/// Content whose reads are counted.
struct Counted<'a> {
    bytes: &'a [u8],
    reads: Cell<usize>,
}

impl Bytes for Counted<'_> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.reads.set(self.reads.get() + 1);
        self.bytes.read_at(buffer, offset)
    }
}

pub(crate) fn check(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    assert_eq!(ContentKind::of(head), ContentKind::of(head));
    let piece = bytes.len().div_ceil(PIECES).max(1);
    for kind in ContentKind::ALL {
        judge(kind, bytes, slice::from_ref(&(0..bytes.len())));
        let pieces: Vec<Range<usize>> =
            (0..bytes.len()).step_by(piece).map(|start| start..(start + piece).min(bytes.len())).collect();
        let every_second: Vec<Range<usize>> = pieces.iter().skip(1).step_by(2).cloned().collect();
        judge(kind, bytes, &every_second);
        for piece in pieces {
            let mut zeroed = bytes.to_vec();
            zeroed[piece.clone()].fill(0);
            judge(kind, &zeroed, slice::from_ref(&piece));
        }
    }
}

fn judge(kind: ContentKind, bytes: &[u8], zeros: &[Range<usize>]) {
    let zeros: Vec<Range<u64>> = zeros.iter().map(|run| run.start as u64..run.end as u64).collect();
    let counted = Counted { bytes, reads: Cell::new(0) };
    let suspicion = kind.judge(&Part::new(&counted, bytes.len() as u64), &zeros).expect("no read fails");
    assert!(counted.reads.get() <= 1000 + 8 * bytes.len(), "{kind:?} reads {} times", counted.reads.get());
    let Some(suspicion) = suspicion else { return };
    let found = suspicion.zeros;
    let is_among = zeros.iter().any(|run| run.start <= found.start && found.end <= run.end);
    assert!(is_among, "{kind:?} tells of {found:?}, and was asked of {zeros:?}");
}
