//! Whether two files lie in the same blocks, as FIEMAP tells of both when they are written out.
//!
//! What lies in the same blocks reads the same, so that a clone is proved without being read: on btrfs and XFS, where
//! each file's map is that of what reads see. Two maps are walked side by side, a few extents at a time. They may be cut
//! differently; what counts is where each byte lies. Extents that do not tell where that is make the answer no.

use super::types::Stop;
use crate::kernel::{Extent, Kernel, Result};
use std::collections::VecDeque;

/// FIEMAP_EXTENT_UNWRITTEN: space that reads as zeros.
const UNWRITTEN: u32 = 0x800;

/// Flags of an extent whose place does not say what reads find there.
const SAYS_NOTHING: u32 = UNKNOWN | DELALLOC | ENCODED | ENCRYPTED | NOT_ALIGNED | INLINE | TAIL;

/// FIEMAP_EXTENT_UNKNOWN and FIEMAP_EXTENT_DELALLOC: it has no place yet.
const UNKNOWN: u32 = 0x2;
const DELALLOC: u32 = 0x4;
/// FIEMAP_EXTENT_ENCODED: btrfs gives the place of a whole compressed extent, of which two files may have different parts.
const ENCODED: u32 = 0x8;
/// FIEMAP_EXTENT_DATA_ENCRYPTED: another file may have another key.
const ENCRYPTED: u32 = 0x80;
/// FIEMAP_EXTENT_NOT_ALIGNED: several may share a block.
const NOT_ALIGNED: u32 = 0x100;
/// FIEMAP_EXTENT_DATA_INLINE and FIEMAP_EXTENT_DATA_TAIL: it lies within metadata, or beside other files' ends.
pub(super) const INLINE: u32 = 0x200;
const TAIL: u32 = 0x400;

/// Whether the first `size` bytes of both files lie in the same blocks, and all of those are told. False as well where a
/// signal ends the run in the middle, and where a map cannot be had: the error of its call.
pub(super) fn is_shared<K: Kernel>(
    kernel: &K,
    source: &K::File,
    target: &K::File,
    size: u64,
    stop: Stop<'_>,
) -> Result<bool> {
    let mut maps = [BlockMap::new(kernel, source, size), BlockMap::new(kernel, target, size)];
    while !stop.is_asked() {
        let [one, other] = &mut maps;
        let (one, other) = match (one.first()?, other.first()?) {
            (None, None) => return Ok(true),
            (Some(one), Some(other)) => (one, other),
            (Some(_), None) | (None, Some(_)) => return Ok(false),
        };
        if !is_same_place(&one, &other) {
            return Ok(false);
        }
        let end = one.logical.end.min(other.logical.end);
        maps.iter_mut().for_each(|map| map.pass(end));
    }
    Ok(false)
}

/// Whether both begin with the same byte of the file in the same place, which says what it holds.
fn is_same_place(one: &Extent, other: &Extent) -> bool {
    (one.flags | other.flags) & SAYS_NOTHING == 0
        && (one.flags ^ other.flags) & UNWRITTEN == 0
        && one.logical.start == other.logical.start
        && one.physical == other.physical
}

/// What is left of one file's map.
struct BlockMap<'a, K: Kernel> {
    kernel: &'a K,
    file: &'a K::File,
    size: u64,
    /// What was told and not passed yet.
    told: VecDeque<Extent>,
    /// Up to where that goes.
    asked: u64,
}

impl<'a, K: Kernel> BlockMap<'a, K> {
    fn new(kernel: &'a K, file: &'a K::File, size: u64) -> Self {
        Self { kernel, file, size, told: VecDeque::new(), asked: 0 }
    }

    /// The first extent that is left; `None` where nothing is, up to the end.
    fn first(&mut self) -> Result<Option<Extent>> {
        if self.told.is_empty() && self.asked < self.size {
            let from = self.asked;
            let told = self.kernel.extents(self.file, from)?;
            self.told = told.into_iter().filter(|extent| extent.logical.end > from).collect();
            self.asked = self.told.back().map_or(self.size, |last| last.logical.end);
            self.pass(from);
        }
        Ok(self.told.front().filter(|extent| extent.logical.start < self.size).cloned())
    }

    /// Leaves out what lies before an offset.
    fn pass(&mut self, offset: u64) {
        while let Some(first) = self.told.front_mut() {
            if first.logical.end > offset {
                let passed = offset.saturating_sub(first.logical.start);
                first.logical.start += passed;
                first.physical = first.physical.saturating_add(passed);
                return;
            }
            self.told.pop_front();
        }
    }
}
