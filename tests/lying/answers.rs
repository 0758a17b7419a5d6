//! The calls about one file, as the store knows it and as its liar wants it told. No FUSE in here.

use super::lies::Lie;
use super::store::{BLOCK, Caching, File, SIZE_MAX};
use fuser::Errno;

/// What lseek(2) is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seek {
    Data,
    Hole,
}

const FAILURES: [Errno; 3] = [Errno::EIO, Errno::EINVAL, Errno::EOVERFLOW];
const NO_SPACE: [Errno; 2] = [Errno::ENOSPC, Errno::EDQUOT];

impl File {
    /// st_size.
    pub(crate) fn told_size(&mut self) -> u64 {
        let size = self.bytes.len() as u64;
        let mut told = size;
        if let Some(number) = self.liar.strikes(Lie::LargerSize) {
            told = size + 1 + number % 20_000;
        }
        if let Some(number) = self.liar.strikes(Lie::SmallerSize) {
            told = number % (size + 1);
        }
        if self.liar.strikes(Lie::NoSize).is_some() {
            told = 0;
        }
        if let Some(number) = self.liar.strikes(Lie::HugeSize) {
            // Through a cache that trusts its own size the kernel would make up zeros to that end.
            let sizes = if self.caching == Caching::Back { [3 << 20; 3] } else { [1 << 32, 1 << 40, i64::MAX as u64] };
            told = sizes[(number % 3) as usize];
        }
        if self.caching != Caching::Direct {
            self.answers.ends.insert(told);
        }
        told
    }

    /// st_blocks.
    pub(crate) fn told_sectors(&mut self) -> u64 {
        if self.liar.strikes(Lie::NoBlocks).is_some() {
            return 0;
        }
        self.liar.strikes(Lie::AnyBlocks).map_or_else(|| self.sectors(), |number| number % 100_000)
    }

    pub(crate) fn read(&mut self, offset: u64, size: usize) -> Result<Vec<u8>, Errno> {
        if self.liar.strikes(Lie::ReadError).is_some() {
            return Err(Errno::EIO);
        }
        let mut bytes = self.content(offset, size);
        if !bytes.is_empty() && self.liar.strikes(Lie::EarlyEnd).is_some() {
            bytes.clear();
        }
        if let Some(count) = self.liar.strikes_within(Lie::ShortRead, bytes.len()) {
            bytes.truncate(count);
        }
        self.remember(offset, size, &bytes);
        Ok(bytes)
    }

    /// What a read is given, up to the end of the file.
    fn content(&mut self, offset: u64, size: usize) -> Vec<u8> {
        let is_stale = !self.before.is_empty() && self.liar.strikes(Lie::StaleBytes).is_some();
        let file = if is_stale { &self.before } else { &self.bytes };
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
        let mut bytes = file[start..file.len().min(start.saturating_add(size))].to_vec();
        if !bytes.is_empty() {
            self.change(offset, &mut bytes);
        }
        bytes
    }

    fn change(&mut self, offset: u64, bytes: &mut [u8]) {
        if self.liar.strikes(Lie::OtherBytes).is_some() {
            let wrong = self.liar.constant(Lie::OtherBytes) % self.bytes.len().max(1) as u64;
            (offset..).zip(&mut *bytes).filter(|(at, _)| *at / 512 == wrong / 512).for_each(|(_, byte)| *byte ^= 0x5a);
        }
        if let Some(number) = self.liar.strikes(Lie::ChangingBytes) {
            bytes[(number % bytes.len() as u64) as usize] ^= 1 + (number >> 32) as u8 % 255;
        }
    }

    fn remember(&mut self, offset: u64, size: usize, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        self.answers.reads.push((offset, bytes.to_vec()));
        if bytes.len() < size && self.caching != Caching::Direct {
            // A short answer means the end to a page cache, and zeros up to the end of the request.
            self.answers.ends.insert(end);
            self.answers.reads.push((end, vec![0; size - bytes.len()]));
        }
        if bytes.is_empty() {
            self.answers.ends.insert(offset);
        }
    }

    /// How many of the bytes are said to be written.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.answers.writes += 1;
        if offset + bytes.len() as u64 > SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        if self.liar.strikes(Lie::WriteError).is_some() {
            self.answers.write_failed = true;
            return Err(Errno::EIO);
        }
        if let Some(number) = self.liar.strikes(Lie::NoSpace) {
            self.answers.write_failed = true;
            return Err(NO_SPACE[(number % 2) as usize]);
        }
        if self.liar.strikes(Lie::NoWrite).is_some() {
            return Ok(0);
        }
        if let Some(count) = self.liar.strikes_within(Lie::ShortWrite, bytes.len()) {
            self.put(offset, &bytes[..count]);
            return Ok(count);
        }
        self.keep_or_lose(offset, bytes);
        Ok(bytes.len())
    }

    /// Keeps bytes that are said to be written, as well as the lies let it.
    fn keep_or_lose(&mut self, offset: u64, bytes: &[u8]) {
        if self.liar.strikes(Lie::DroppedWrite).is_some() {
            return;
        }
        if self.liar.strikes(Lie::TornWrite).is_some() {
            return self.put(offset, &bytes[..bytes.len() / 2]);
        }
        if let Some(number) = self.liar.strikes(Lie::StrayWrite) {
            return self.put(offset + 1 + number % 5000, bytes);
        }
        let mut kept = bytes.to_vec();
        if let Some(number) = self.liar.strikes(Lie::SpoiledWrite) {
            kept[(number % bytes.len() as u64) as usize] ^= 1 << (number % 8);
        }
        self.put(offset, &kept);
    }

    pub(crate) fn truncate(&mut self, size: u64) -> Result<(), Errno> {
        if self.liar.strikes(Lie::TruncateError).is_some() {
            return Err(Errno::EIO);
        }
        if size > SIZE_MAX {
            return Err(Errno::EFBIG);
        }
        if self.liar.strikes(Lie::DroppedTruncate).is_none() {
            self.before.clone_from(&self.bytes);
            self.bytes.resize(usize::try_from(size).expect("at most SIZE_MAX"), 0);
            self.answers.write_failed &= size > 0;
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<(), Errno> {
        self.liar.strikes(Lie::SyncError).map_or(Ok(()), |_| Err(Errno::EIO))
    }

    pub(crate) fn flush(&mut self) -> Result<(), Errno> {
        let Some(number) = self.liar.strikes(Lie::CloseError) else { return Ok(()) };
        self.answers.close_failed |= self.answers.writes > 0;
        Err(NO_SPACE[(number % 2) as usize])
    }

    /// Where the next data, or the next hole, is said to be.
    pub(crate) fn seek(&mut self, what: Seek, offset: u64) -> Result<u64, Errno> {
        let size = self.bytes.len() as u64;
        if let Some(number) = self.liar.strikes(Lie::SeekError) {
            return Err(FAILURES[(number % 3) as usize]);
        }
        if self.liar.strikes(Lie::AllHole).is_some() {
            return if what == Seek::Data { Err(Errno::ENXIO) } else { Ok(offset) };
        }
        if self.liar.strikes(Lie::AllData).is_some() {
            return Ok(if what == Seek::Data { offset } else { size });
        }
        if let Some(number) = self.liar.strikes(Lie::RandomMap) {
            return Ok(number % (2 * size + 1));
        }
        if let Some(number) = self.liar.strikes(Lie::BackwardMap) {
            return Ok(offset.saturating_sub(1 + number % 9000));
        }
        if let Some(number) = self.liar.strikes(Lie::FarMap) {
            return Ok(size + number % (1 << 50));
        }
        let shift = self.liar.strikes(Lie::ShiftedMap).map_or(0, |number| (1 + number % 4) * BLOCK as u64);
        self.true_seek(what, offset + shift).map(|found| found.saturating_sub(shift).max(offset)).ok_or(Errno::ENXIO)
    }

    fn true_seek(&self, what: Seek, offset: u64) -> Option<u64> {
        let from = usize::try_from(offset).ok().filter(|from| *from < self.bytes.len())?;
        let starts = std::iter::once(from)
            .chain((from / BLOCK + 1..self.bytes.len().div_ceil(BLOCK)).map(|block| block * BLOCK));
        let found = starts.into_iter().find(|start| self.is_hole(*start) == (what == Seek::Hole));
        found.or((what == Seek::Hole).then_some(self.bytes.len())).map(|found| found as u64)
    }
}
