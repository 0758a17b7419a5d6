//! One pass over a source and its target: bytes are moved, or compared, or both.
//!
//! A pass knows no policy. It is told whether to write, whether to read back what stands in the
//! target, what holes are worth, and what a block of zeros becomes; it returns the digest of the
//! source's bytes as read, if that is asked for, or why it stopped. Reading back happens slice by slice while the source's
//! bytes are still at hand, so equality is decided by comparing bytes, not digests. Nothing here maps
//! file data, and nothing lets the kernel move it: every byte passes through our own buffer.

mod bytes;
mod types;

use super::digest::{PieceHasher, Tree};
use super::extent::{data_runs, gaps, is_zero, steps};
use super::hole_map::{Map, Work};
use super::meter::Moving;
use super::stopped::Stopped;
use super::threads::Threads;
use super::types::{Geometry, Stop};
use crate::error::{Action, Difference};
use crate::kernel::{Kernel, Seek};
use bytes::{Buffers, with_buffers};
use rayon::prelude::*;
use std::ops::Range;

pub(crate) use bytes::Bytes;
pub use types::{Digested, End, Holes, Mode, Passed, Position, Proof, TargetHoles, Zeros};

/// Work items taken from the map at a time: what bounds memory for a file of many extents.
const BATCH: usize = 256;

/// One pass; see the head of this file.
pub struct Pass<'a, K: Kernel> {
    /// The calls.
    pub kernel: &'a K,
    /// What is read.
    pub source: &'a K::File,
    /// What is written or compared; on a writing pass its size has been set where `Any` is not
    /// written in order.
    pub target: &'a K::File,
    /// Source's size before the pass; 0 if it is not known.
    pub size: u64,
    /// Where it ends.
    pub end: End,
    /// How the source is read.
    pub source_position: Position,
    /// How the target is written.
    pub target_position: Position,
    /// What is done with the source's bytes.
    pub mode: Mode,
    /// What zeros become.
    pub zeros: Zeros,
    /// What holes are worth.
    pub holes: Holes,
    /// What tells the target's holes.
    pub target_holes: TargetHoles,
    /// What a digest is taken of.
    pub digested: Digested,
    /// Sizes.
    pub geometry: Geometry,
    /// What pieces are shared between, if there are enough of them.
    pub threads: Option<&'a Threads>,
    /// Asked between slices.
    pub stop: Stop<'a>,
    /// Where it is noted how far it is, if anybody looks.
    pub moving: Option<&'a Moving>,
}

/// What was done to a slice of a target that may hold the source's bytes already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mended {
    /// Nothing: it holds them.
    Held,
    /// They were written.
    Written,
}

impl<K: Kernel> Pass<'_, K> {
    /// Runs the pass. On an error the target holds an undefined part of the source.
    pub fn run(&self) -> Result<Passed, Stopped> {
        match self.holes {
            Holes::Unmapped => self.end_to_end(),
            Holes::Believed | Holes::Read => self.by_map(),
        }
    }

    /// Goes through a range of a regular file that begins where a piece does, and is whole pieces or up to the known size.
    /// Returns the digests of its pieces.
    pub fn run_in(&self, range: &Range<u64>) -> Result<Tree, Stopped> {
        let piece = self.geometry.piece;
        self.each(range.start / piece..range.end.div_ceil(piece), |number| {
            let begin = number * piece;
            self.piece(number, std::slice::from_ref(&(begin..(begin + piece).min(range.end))))
        })
    }

    /// Whole pieces up to the known size, then on in order until the source says that it ends.
    fn end_to_end(&self) -> Result<Passed, Stopped> {
        let piece = self.geometry.piece;
        let whole = self.size / piece;
        let mut tree = self.each(0..whole, |number| {
            self.piece(number, std::slice::from_ref(&(number * piece..(number + 1) * piece)))
        })?;
        let mut size = whole * piece;
        loop {
            let number = size / piece;
            let mut hasher = self.hasher(size);
            let length = self.data(size..size + piece, &mut hasher)?;
            tree.add(number, &hasher);
            size += length;
            if length < piece {
                break;
            }
        }
        if size < self.size {
            return Err(Stopped::Truncated);
        }
        Ok(self.passed(size, tree))
    }

    /// Data as the source's map has it, and what lies between. A file that shrinks meanwhile ends in
    /// what its map calls a hole: who believes holes has to ask whether the file changed. Who does not
    /// believe them has no reason to believe the size, up to which the map goes, either.
    fn by_map(&self) -> Result<Passed, Stopped> {
        let seek =
            |what, offset| self.kernel.seek(self.source, what, offset).map_err(|e| Stopped::Failed(Action::Seek, e));
        let mut map = Map::new(self.size, self.geometry.piece, seek);
        let mut tree = Tree::new(self.geometry.piece);
        loop {
            let batch = map.take(BATCH)?;
            if batch.is_empty() {
                break;
            }
            tree.join(self.each(batch, |work| match work {
                Work::Piece { number, data } => self.piece(number, &data),
                Work::Hole(range) => self.hole(range),
            })?);
        }
        if self.holes == Holes::Read {
            self.must_end()?;
        }
        Ok(self.passed(self.size, tree))
    }

    fn passed(&self, size: u64, tree: Tree) -> Passed {
        Passed { size, digests: if self.takes_digests() { tree.digests(size) } else { None }, proof: Proof::Bytes }
    }

    fn takes_digests(&self) -> bool {
        self.digested != Digested::Nothing
    }

    /// A hasher for the piece that begins at `offset`.
    fn hasher(&self, offset: u64) -> PieceHasher {
        if self.takes_digests() { PieceHasher::at(offset) } else { PieceHasher::idle() }
    }

    /// Asks a read whether the source ends where its size says.
    fn must_end(&self) -> Result<(), Stopped> {
        let behind = self.bytes_of(self.source, Position::Any).read_full(&mut [0], self.size);
        match behind.map_err(|errno| Stopped::Failed(Action::Read, errno))? {
            0 => Ok(()),
            _ => Err(Stopped::Longer),
        }
    }

    /// Does every item, on several threads if there are several, and gathers the digests. Items are
    /// made as they are needed: there are as many as a file's size says, which nobody has to believe.
    fn each<T: Send>(
        &self,
        items: impl IntoIterator<Item = T, IntoIter: Send>,
        work: impl Fn(T) -> Result<Tree, Stopped> + Send + Sync,
    ) -> Result<Tree, Stopped> {
        let empty = || Tree::new(self.geometry.piece);
        let joined = |mut all: Tree, one: Tree| {
            all.join(one);
            all
        };
        let mut items = items.into_iter();
        let Some(pool) = self.threads.and_then(Threads::pool) else {
            return items.try_fold(empty(), |all, item| work(item).map(|one| joined(all, one)));
        };
        // A bridge hands items out in order, so that two threads write near each other.
        pool.install(|| items.par_bridge().map(work).try_reduce(empty, |all, one| Ok(joined(all, one))))
    }

    /// One piece: its data moved or compared, its holes looked at, all of it hashed.
    fn piece(&self, number: u64, data: &[Range<u64>]) -> Result<Tree, Stopped> {
        let start = number * self.geometry.piece;
        let bounds = start..(start + self.geometry.piece).min(self.size);
        let mut hasher = self.hasher(start);
        let mut parts: Vec<(Range<u64>, bool)> = data.iter().map(|range| (range.clone(), true)).collect();
        parts.extend(gaps(data, bounds).into_iter().map(|range| (range, false)));
        parts.sort_unstable_by_key(|(range, _)| range.start);
        for (range, is_data) in parts {
            if is_data {
                if self.data(range.clone(), &mut hasher)? < range.end - range.start {
                    return Err(Stopped::Truncated);
                }
            } else {
                self.hole_within(range.clone())?;
                hasher.update_zeros(range.end - range.start);
            }
        }
        let mut tree = Tree::new(self.geometry.piece);
        tree.add(number, &hasher);
        Ok(tree)
    }

    /// A hole that spans whole pieces, or is the rest of the file.
    fn hole(&self, range: Range<u64>) -> Result<Tree, Stopped> {
        self.hole_within(range.clone())?;
        let mut tree = Tree::new(self.geometry.piece);
        if self.digested == Digested::Everything {
            for piece in steps(range, self.geometry.piece) {
                let mut hasher = PieceHasher::at(piece.start);
                hasher.update_zeros(piece.end - piece.start);
                tree.add(piece.start / self.geometry.piece, &hasher);
            }
        }
        Ok(tree)
    }

    /// Looks whether a hole of the map is one: in the source if that is not believed, in the target
    /// if it is read back.
    fn hole_within(&self, range: Range<u64>) -> Result<(), Stopped> {
        self.note(range.end - range.start);
        if self.holes == Holes::Read {
            self.must_be_zeros(self.source, Action::Read, range.clone(), true)?;
        }
        if !self.mode.compares() {
            return Ok(());
        }
        if self.target_holes == TargetHoles::ByMap {
            let data = self.kernel.seek(self.target, Seek::Data, range.start);
            if matches!(data, Ok(found) if found.is_none_or(|start| start >= range.end)) {
                return Ok(());
            }
        }
        // The target's map says data, or fails, or is not believed: its bytes decide.
        self.must_be_zeros(self.target, Action::Write, range, false)
    }

    /// Reads the range of one of both files; anything but zeros, or an early end, is a difference.
    fn must_be_zeros(&self, file: &K::File, action: Action, range: Range<u64>, is_source: bool) -> Result<(), Stopped> {
        with_buffers(self.geometry.slice, |buffers| {
            for slice in steps(range.clone(), self.geometry.slice as u64) {
                self.check_stop()?;
                let found = &mut buffers.source[..length_of(&slice)];
                let count = self
                    .bytes_of(file, Position::Any)
                    .read_full(found, slice.start)
                    .map_err(|e| Stopped::Failed(action, e))?;
                if count < found.len() && is_source {
                    return Err(Stopped::Truncated);
                }
                if count < found.len() || !is_zero(found) {
                    let zeros = vec![0; found.len()];
                    let (source, target) =
                        if is_source { (&found[..], &zeros[..]) } else { (&zeros[..], &found[..count]) };
                    return Err(self.different(slice.start, source, target));
                }
            }
            Ok(())
        })
    }

    /// Moves or compares the range, in slices. Returns the bytes the source had there: fewer than
    /// the range's length mean that it ended.
    fn data(&self, range: Range<u64>, hasher: &mut PieceHasher) -> Result<u64, Stopped> {
        with_buffers(self.geometry.slice, |buffers| {
            for slice in steps(range.clone(), self.geometry.slice as u64) {
                self.check_stop()?;
                let count = self.slice(&slice, hasher, buffers)?;
                if count < slice.end - slice.start {
                    return Ok(slice.start + count - range.start);
                }
            }
            Ok(range.end - range.start)
        })
    }

    fn slice(&self, slice: &Range<u64>, hasher: &mut PieceHasher, buffers: &mut Buffers<'_>) -> Result<u64, Stopped> {
        let Buffers { source, target } = buffers;
        let end = if self.end == End::AtSize { slice.end.min(self.size).max(slice.start) } else { slice.end };
        let read = &mut source[..length_of(&(slice.start..end))];
        let count = self
            .bytes_of(self.source, self.source_position)
            .read_full(read, slice.start)
            .map_err(|errno| Stopped::Failed(Action::Read, errno))?;
        let bytes = &read[..count];
        hasher.update(bytes);
        if self.mode == Mode::Mend {
            if self.mend(bytes, slice.start, &mut target[..count])? == Mended::Held {
                self.note(count as u64);
                return Ok(count as u64);
            }
        } else if self.mode.writes() {
            self.write_bytes(bytes, slice.start)?;
        }
        if self.mode.compares() && count > 0 {
            let found = &mut target[..count];
            let back = self
                .bytes_of(self.target, Position::Any)
                .read_full(found, slice.start)
                .map_err(|errno| Stopped::Failed(Action::Write, errno))?;
            if found[..back] != *bytes {
                return Err(self.different(slice.start, bytes, &found[..back]));
            }
        }
        self.note(count as u64);
        Ok(count as u64)
    }

    /// Writes bytes unless the target is found to hold them. A hole reads as the zeros that are to be written, and does not
    /// hold them: an earlier run may have made holes, or have been killed within a write.
    fn mend(&self, bytes: &[u8], offset: u64, found: &mut [u8]) -> Result<Mended, Stopped> {
        // What cannot be read is written; if it cannot be read back then, that is said.
        let count = self.bytes_of(self.target, Position::Any).read_full(found, offset).unwrap_or(0);
        let found = &found[..count];
        let is_held = found == bytes;
        match self.zeros {
            Zeros::Holes if is_held => return Ok(Mended::Held),
            // No filesystem has holes of less than 512 bytes.
            Zeros::Written if is_held && !bytes.chunks(self.geometry.block / 8).any(is_zero) => {
                return Ok(Mended::Held);
            }
            Zeros::Holes if found.len() == bytes.len() && is_zero(found) => self.write_without_zeros(bytes, offset)?,
            Zeros::Holes | Zeros::Written => self.write(bytes, offset)?,
        }
        Ok(Mended::Written)
    }

    fn note(&self, bytes: u64) {
        if let Some(moving) = self.moving {
            moving.pass(bytes);
        }
    }

    fn write_bytes(&self, bytes: &[u8], offset: u64) -> Result<(), Stopped> {
        match self.zeros {
            Zeros::Written => self.write(bytes, offset),
            Zeros::Holes => self.write_without_zeros(bytes, offset),
        }
    }

    /// Writes runs of blocks that hold something, and leaves out blocks of zeros.
    fn write_without_zeros(&self, bytes: &[u8], offset: u64) -> Result<(), Stopped> {
        let end = offset + bytes.len() as u64;
        if end > self.size {
            // Behind the size that was set beforehand: the source grew, or its size is not known.
            self.kernel.truncate(self.target, end).map_err(|errno| Stopped::Failed(Action::Write, errno))?;
        }
        data_runs(bytes, offset, self.geometry.block as u64)
            .try_for_each(|run| self.write(&bytes[run.clone()], offset + run.start as u64))
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Stopped> {
        let written = self.bytes_of(self.target, self.target_position).write_full(bytes, offset);
        written.map_err(|errno| Stopped::Failed(Action::Write, errno))
    }

    fn bytes_of<'f>(&'f self, file: &'f K::File, position: Position) -> Bytes<'f, K> {
        Bytes { kernel: self.kernel, file, position }
    }

    fn check_stop(&self) -> Result<(), Stopped> {
        if self.stop.is_asked() { Err(Stopped::Interrupted) } else { Ok(()) }
    }

    /// The difference between two slices that begin at `offset`; the target's may be shorter.
    fn different(&self, offset: u64, source: &[u8], target: &[u8]) -> Stopped {
        let same = source.iter().zip(target).take_while(|(a, b)| a == b).count() as u64;
        let at = offset + same;
        let (source_digest, target_digest) = (blake3::hash(source).to_string(), blake3::hash(target).to_string());
        let range = offset..offset + source.len() as u64;
        Stopped::Different(Box::new(Difference { offset: at, range, source_digest, target_digest }))
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a slice is at most Geometry::slice long, which is a usize")]
fn length_of(slice: &Range<u64>) -> usize {
    (slice.end - slice.start) as usize
}
