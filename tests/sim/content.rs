//! The bytes of one regular file, in four layers, page by page.
//!
//! `pages` (written through a mapping, in the Linux page cache) over `now` (handed to the filesystem,
//! on ZFS: in the open transaction group) over `map` (the blocks that SEEK_HOLE and FICLONE look at)
//! over `stable` (what a power loss leaves). read(2) gives `pages` over `now`. On ZFS the layers
//! differ for as long as nothing pushes the upper ones down, and that is where its bugs live; an
//! honest filesystem answers every question from `now`.

use super::random::Random;

/// Size of a page and of a block: small, so that files of a few KiB have many.
pub const PAGE: usize = 256;
/// What the largest file may hold: a page for each bit of a [`Pages`].
pub const SIZE_MAX: usize = PAGE * 64;

/// The largest file that is kept within metadata: as long as btrfs has it.
const PACKED_MAX: usize = 2048;

/// A set of pages, one bit each.
pub type Pages = u64;

/// The pages that `start..end` touches.
pub fn touched(start: usize, end: usize) -> Pages {
    if start >= end { 0 } else { first(end.div_ceil(PAGE)) & !first(start / PAGE) }
}

/// The first `count` pages.
fn first(count: usize) -> Pages {
    if count >= 64 { Pages::MAX } else { (1 << count) - 1 }
}

/// The numbers of the pages in the set, ascending.
pub fn numbers(mut pages: Pages) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let number = pages.trailing_zeros() as usize;
        pages &= pages.wrapping_sub(1);
        (number < 64).then_some(number)
    })
}

/// A file's content as one part of the system sees it: whole pages of bytes (zeros where there is no
/// block, and behind `size`), and which pages have a block.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    bytes: Vec<u8>,
    pub blocks: Pages,
    pub size: usize,
}

impl Layer {
    pub fn content(&self) -> &[u8] {
        &self.bytes[..self.size]
    }

    fn page(&self, number: usize) -> &[u8] {
        &self.bytes[number * PAGE..(number + 1) * PAGE]
    }

    fn page_mut(&mut self, number: usize) -> &mut [u8] {
        &mut self.bytes[number * PAGE..(number + 1) * PAGE]
    }

    pub fn resize(&mut self, size: usize) {
        if size < self.size {
            let end = self.size.next_multiple_of(PAGE);
            self.bytes[size..end].fill(0);
        }
        self.bytes.resize(size.next_multiple_of(PAGE), 0);
        self.blocks &= touched(0, size);
        self.size = size;
    }

    fn write(&mut self, start: usize, bytes: &[u8]) {
        let end = start + bytes.len();
        if end > self.size {
            self.resize(end);
        }
        self.bytes[start..end].copy_from_slice(bytes);
        self.blocks |= touched(start, end);
    }

    /// Takes over `other`'s pages, as far as both have them.
    fn take(&mut self, pages: Pages, other: &Layer) {
        for number in numbers(pages & touched(0, self.size.min(other.size))) {
            self.page_mut(number).copy_from_slice(other.page(number));
            self.blocks = self.blocks & !(1 << number) | other.blocks & (1 << number);
        }
    }

    fn copy_from(&mut self, other: &Layer) {
        self.bytes.clone_from(&other.bytes);
        (self.blocks, self.size) = (other.blocks, other.size);
    }

    /// The pages that are blocks: where each begins, and its bytes.
    pub fn pages_with_blocks(&self) -> impl Iterator<Item = (u64, &[u8])> {
        numbers(self.blocks).map(|number| ((number * PAGE) as u64, self.page(number)))
    }

    /// The next offset from `start` on, up to `size`, in a page that is (not) a block.
    pub fn seek(&self, data: bool, start: usize, size: usize) -> Option<usize> {
        let wanted = if data { self.blocks } else { !self.blocks };
        let found = wanted & touched(start, size);
        if found == 0 { None } else { Some(start.max(found.trailing_zeros() as usize * PAGE)) }
    }
}

/// A regular file's bytes and what has become of them.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// Whether the file lives on ZFS, whose own cache lies below the page cache.
    zfs: bool,
    /// Whether it is kept within metadata as long as it is small.
    pub packed: bool,
    /// The bytes of the resident pages (only on ZFS; elsewhere the page cache is `now`).
    pages: Vec<u8>,
    /// Pages in the Linux page cache.
    pub resident: Pages,
    /// Of these, pages changed and not yet handed down.
    pub dirty: Pages,
    /// What the filesystem was given.
    pub now: Layer,
    /// Blocks written since the map was last brought up to date.
    pub written: Pages,
    /// Whether `map` is older than `now`, be it by what was written or by what was freed.
    pub unsynced: bool,
    /// Whether a range was truncated away while unsynced (OpenZFS #18412).
    pub truncated: bool,
    /// What hints are answered from.
    pub map: Layer,
    /// What survives a power loss.
    pub stable: Layer,
}

impl Content {
    pub fn new(zfs: bool) -> Self {
        Self { zfs, ..Self::default() }
    }

    pub fn size(&self) -> usize {
        self.now.size
    }

    /// Whether the bytes lie within metadata, which stay in memory whatever becomes of the page cache.
    pub fn is_inline(&self) -> bool {
        self.packed && (1..=PACKED_MAX).contains(&self.size())
    }

    /// What read(2) would give of the whole file.
    pub fn whole(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size()];
        self.peek(&mut bytes, 0);
        bytes
    }

    /// read(2) without its effect on the page cache: the count of bytes before the end.
    fn peek(&self, buffer: &mut [u8], start: usize) -> usize {
        let end = self.size().min(start.saturating_add(buffer.len()));
        if start >= end {
            return 0;
        }
        buffer[..end - start].copy_from_slice(&self.now.bytes[start..end]);
        if self.zfs {
            for number in numbers(self.resident & touched(start, end)) {
                let (from, to) = (start.max(number * PAGE), end.min((number + 1) * PAGE));
                buffer[from - start..to - start].copy_from_slice(&self.pages[from..to]);
            }
        }
        end - start
    }

    /// read(2). On ZFS it brings no page into the page cache, elsewhere it does.
    pub fn read(&mut self, buffer: &mut [u8], start: usize) -> usize {
        let count = self.peek(buffer, start);
        if !self.zfs {
            self.resident |= touched(start, start + count);
        }
        count
    }

    /// write(2).
    pub fn write(&mut self, start: usize, bytes: &[u8]) {
        let pages = touched(start, start + bytes.len());
        self.now.write(start, bytes);
        self.written |= pages;
        self.unsynced = true;
        if self.zfs {
            self.refresh(pages & self.resident, start, bytes);
        } else {
            self.resident |= pages;
            self.dirty |= pages;
        }
    }

    /// What a write does to pages of a mapping on ZFS.
    fn refresh(&mut self, resident: Pages, start: usize, bytes: &[u8]) {
        for number in numbers(resident) {
            let (from, to) = (start.max(number * PAGE), (start + bytes.len()).min((number + 1) * PAGE));
            self.pages[from..to].copy_from_slice(&bytes[from - start..to - start]);
        }
    }

    /// A store through a shared mapping; it ends where the file does.
    pub fn write_mapped(&mut self, start: usize, bytes: &[u8]) {
        let end = self.size().min(start + bytes.len());
        if start >= end {
            return;
        }
        let bytes = &bytes[..end - start];
        if !self.zfs {
            return self.write(start, bytes);
        }
        let pages = touched(start, end);
        self.fault(pages);
        self.refresh(pages, start, bytes);
        self.dirty |= pages;
    }

    /// A read through a mapping: its pages become resident.
    pub fn fault(&mut self, pages: Pages) {
        let fresh = pages & touched(0, self.size()) & !self.resident;
        self.resident |= fresh;
        if self.zfs {
            self.pages.resize(self.now.bytes.len(), 0);
            for number in numbers(fresh) {
                self.pages[number * PAGE..(number + 1) * PAGE].copy_from_slice(self.now.page(number));
            }
        }
    }

    /// ftruncate(2).
    pub fn truncate(&mut self, size: usize) {
        let (shrunk, before) = (size < self.size(), self.size());
        self.now.resize(size);
        self.resident &= touched(0, size);
        self.dirty &= touched(0, size);
        self.written &= touched(0, size);
        self.unsynced = true;
        self.truncated |= shrunk;
        if !self.pages.is_empty() {
            let kept = size.min(self.pages.len());
            self.pages[kept..].fill(0);
            self.pages.resize(self.now.bytes.len(), 0);
        }
        if shrunk && size % PAGE != 0 {
            self.written |= 1 << (size / PAGE);
            self.differs_from_disk(1 << (size / PAGE));
        }
        self.differs_from_disk(touched(before, size));
    }

    /// fallocate(FALLOC_FL_PUNCH_HOLE) of whole pages.
    pub fn punch(&mut self, pages: Pages) {
        let pages = pages & touched(0, self.size());
        for number in numbers(pages) {
            self.now.page_mut(number).fill(0);
            if self.zfs && self.resident & (1 << number) != 0 {
                self.pages[number * PAGE..(number + 1) * PAGE].fill(0);
            }
        }
        self.now.blocks &= !pages;
        self.written &= !pages;
        self.dirty &= !pages;
        self.unsynced = true;
        self.differs_from_disk(pages);
    }

    /// Off ZFS a page that the disk has otherwise counts as dirty, be it by a hole.
    fn differs_from_disk(&mut self, pages: Pages) {
        if !self.zfs {
            self.dirty |= pages & self.stable.blocks;
        }
    }

    /// Hands dirty pages of a mapping down to ZFS; elsewhere they are where they belong.
    pub fn write_back(&mut self, pages: Pages) {
        if !self.zfs {
            return;
        }
        for number in numbers(pages & self.dirty) {
            self.now.page_mut(number).copy_from_slice(&self.pages[number * PAGE..(number + 1) * PAGE]);
            self.now.blocks |= 1 << number;
            self.written |= 1 << number;
            self.unsynced = true;
            self.dirty &= !(1 << number);
        }
        self.trim();
    }

    /// Bytes that a mapping stored behind the end of the file are not part of it.
    fn trim(&mut self) {
        let (size, end) = (self.now.size, self.now.bytes.len());
        self.now.bytes[size..end].fill(0);
    }

    /// What was handed down survives a power loss: the intent log on ZFS, the disk elsewhere.
    pub fn make_stable(&mut self) {
        self.stable.copy_from(&self.now);
        if !self.zfs {
            self.dirty = 0;
            self.sync_map();
        }
    }

    /// A transaction group ends: the map and the disk hold what was handed down.
    pub fn sync(&mut self) {
        if self.zfs {
            self.stable.copy_from(&self.now);
        }
        self.sync_map();
    }

    fn sync_map(&mut self) {
        self.map.copy_from(&self.now);
        (self.written, self.unsynced, self.truncated) = (0, false, false);
    }

    /// POSIX_FADV_DONTNEED: clean pages go, and the next read comes from below. On ZFS that is its
    /// own cache, elsewhere the disk, whatever the disk has made of it.
    pub fn drop_cache(&mut self) {
        let gone = self.resident & !self.dirty;
        self.resident &= !gone;
        if !self.zfs && !self.is_inline() {
            let Self { now, stable, .. } = self;
            now.take(gone, stable);
        }
    }

    /// FICLONE: all of `from` becomes this file's content.
    pub fn clone_layer(&mut self, from: &Layer, pages: Pages, size: usize) {
        let stale_zeros = self.zfs && self.truncated;
        if self.now.size < size {
            self.now.resize(size);
        }
        let pages = pages & touched(0, size);
        if !stale_zeros {
            self.now.take(pages, from);
        }
        self.written |= pages;
        self.unsynced = true;
        if !self.zfs {
            self.dirty |= pages;
            self.resident &= !pages;
            self.resident |= self.dirty;
        }
        self.trim();
    }

    /// A device that stores something else than it was given: flips a bit of one stable block. There
    /// must be one; a hole has no block to spoil.
    pub fn spoil(&mut self, random: &mut Random) {
        let skipped = random.index(self.stable.blocks.count_ones() as usize);
        if let Some(number) = numbers(self.stable.blocks).nth(skipped) {
            let start = number * PAGE;
            let at = start + random.index(self.stable.size.min(start + PAGE) - start);
            self.stable.bytes[at] ^= 1 << random.below(8);
        }
    }

    /// A power loss: `stable` is certain, of the rest each page is kept or lost by chance.
    pub fn lose_power(&mut self, random: &mut Random) {
        let mut left = std::mem::take(&mut self.stable);
        if random.once_in(2) {
            let kept = random.next();
            if random.once_in(2) {
                left.resize(self.now.size);
            }
            left.take(kept & (self.written | self.dirty), &self.now);
        }
        *self = Self { zfs: self.zfs, packed: self.packed, ..Self::default() };
        self.now.copy_from(&left);
        self.map.copy_from(&left);
        self.stable = left;
    }
}
