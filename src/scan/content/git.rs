//! Files of git: packs and indexes end in the digest of what is before it, and loose objects are streams of zlib, which has a
//! checksum.

use crate::archive::digest::{Algorithm, Hasher};
use crate::kernel::Result;
use crate::scan::bytes::{Part, reads_through};
use crate::scan::suspicion::{Suspicion, Weight};
use flate2::bufread::ZlibDecoder;
use std::io::Read;
use std::ops::Range;

/// What an object begins with, unpacked.
const OBJECTS: [&[u8]; 4] = [b"blob ", b"tree ", b"commit ", b"tag "];

/// What an index begins with.
const INDEX: &[u8] = b"DIRC";

/// Digests at the end: SHA-1, or SHA-256 in repositories that were made so.
const SEALS: [(Algorithm, u64); 2] = [(Algorithm::Sha1, 20), (Algorithm::Sha256, 32)];

/// Whether an object of git begins so.
pub(super) fn begins_object(head: &[u8]) -> bool {
    // Windows of 32 KiB, and each of the levels.
    if !matches!(head, [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]) {
        return false;
    }
    let mut unpacked = [0; 7];
    let mut stream = ZlibDecoder::new(head);
    let mut count = 0;
    // What is behind the head is not there, which is an error to zlib and none here.
    while let Ok(more @ 1..) = stream.read(&mut unpacked[count..]) {
        count += more;
    }
    OBJECTS.iter().any(|object| unpacked[..count].starts_with(object))
}

pub(super) fn judge_object(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let Some(first) = zeros.first() else { return Ok(None) };
    let is_sound = reads_through(ZlibDecoder::new(part.reader()), |_| {})?;
    Ok((!is_sound).then(|| Suspicion::new(Weight::Damaged, first, "an object of git cannot be unpacked")))
}

pub(super) fn judge_sealed(part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
    let Some(first) = zeros.first() else { return Ok(None) };
    let is_index = part.up_to(INDEX.len(), 0)? == INDEX;
    for (algorithm, length) in SEALS {
        let Some(end) = part.size().checked_sub(length) else { continue };
        let seal = part.up_to(length as usize, end)?;
        let mut hasher = Hasher::new(algorithm);
        reads_through(part.within(0..end).reader(), |bytes| hasher.update(bytes))?;
        // index.skipHash leaves zeros in place of the digest (git 2.40). So does a run that covers it.
        let is_covered = zeros.iter().any(|run| run.start < end && run.end > end);
        let is_left_out = is_index && !is_covered && seal.iter().all(|byte| *byte == 0);
        if hasher.finish() == seal || is_left_out {
            return Ok(None);
        }
    }
    Ok(Some(Suspicion::new(Weight::Damaged, first, "a file of git does not have the digest at its end")))
}
