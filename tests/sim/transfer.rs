//! The calls that move bytes or tell where they are, with the lies that the world's filesystems tell.
//!
//! Honest filesystems answer from what read(2) sees. ZFS answers from its block map, which lags
//! behind, in the ways its version and parameters have (system.rs); a filesystem marked as lying
//! does so at the rates of the world. Every answer that hides bytes is counted.

use super::content::{Content, Layer, PAGE, Pages, SIZE_MAX, numbers, touched};
use super::faults::Fault;
use super::kernel::File;
use super::system::{System, Zfs};
use super::tree::{Body, Node};
use super::world::World;
use rustix::fs::OFlags;
use rustix::io::Errno;
use safecp::kernel::{CachePages, Extent, Kind, Result, Seek, Stat};
use std::ops::Range;

impl World {
    pub fn system(&self, node: Node) -> System {
        self.systems[self.tree.inodes[node].system]
    }

    fn content_of(&mut self, node: Node) -> &mut Content {
        self.tree.content_mut(node).expect("the caller has inspected that it is a regular file")
    }

    /// Why bytes cannot be moved to or from something that is no regular file.
    fn regular(&self, node: Node) -> Result<()> {
        match self.tree.inodes[node].kind {
            Kind::File => Ok(()),
            Kind::Directory => Err(Errno::ISDIR),
            Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Err(Errno::INVAL),
        }
    }

    pub fn advance(&mut self, number: usize, count: usize) {
        if let Some(opened) = &mut self.opened[number] {
            opened.position += count as u64;
        }
    }

    /// The oracle's notes of a stat of the watched source.
    pub fn witness_stat(&mut self, node: Node, stat: Stat) {
        if self.witness.source == Some(node) {
            self.witness.first_stat.get_or_insert(stat);
            self.witness.last_stat = Some(stat);
            self.witness.last_stat_call = self.calls;
        }
    }

    pub fn read(&mut self, file: &File, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let node = self.readable(file)?;
        if matches!(self.tree.inodes[node].kind, Kind::Fifo) {
            return Ok(0);
        }
        self.regular(node)?;
        if self.tree.inodes[node].unreadable {
            return Err(Errno::IO);
        }
        if self.witness.source == Some(node) {
            self.witness.last_read_call = self.calls;
        }
        if let Err(errno) = self.fails(&[(Fault::ReadError, Errno::IO)]) {
            self.witness.source_unread |= self.witness.source == Some(node);
            return Err(errno);
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let there = self.content_of(node).size().saturating_sub(start).min(buffer.len());
        let wanted = if there > 1 && self.strikes(Fault::ShortRead) { 1 + self.random.index(there - 1) } else { there };
        let count = self.content_of(node).read(&mut buffer[..wanted], start);
        self.note(count as u64);
        Ok(count)
    }

    pub fn write(&mut self, file: &File, buffer: &[u8], offset: u64) -> Result<usize> {
        let node = self.writable(file)?;
        if self.tree.inodes[node].kind == Kind::Fifo {
            return Ok(buffer.len());
        }
        self.regular(node)?;
        let full = [(Fault::WriteError, Errno::IO), (Fault::NoSpace, Errno::NOSPC), (Fault::Quota, Errno::DQUOT)];
        self.fails(&full)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        if buffer.is_empty() || self.strikes(Fault::ZeroWrite) {
            return Ok(0);
        }
        if start.saturating_add(buffer.len()) > SIZE_MAX {
            return Err(Errno::FBIG);
        }
        let short = buffer.len() > 1 && self.strikes(Fault::ShortWrite);
        let count = if short { 1 + self.random.index(buffer.len() - 1) } else { buffer.len() };
        self.store(node, &buffer[..count], start);
        self.expose(node);
        self.touch(node);
        self.note(count as u64);
        Ok(count)
    }

    /// Puts the bytes where they belong, unless the world loses or spoils them. A lost write leaves
    /// a hole or what was there, never a shorter file: that is what a device would do.
    fn store(&mut self, node: Node, bytes: &[u8], start: usize) {
        let end = start + bytes.len();
        if self.strikes(Fault::LostWrite) {
            let size = self.content_of(node).size();
            return self.truncate_node(node, size.max(end));
        }
        self.content_of(node).write(start, bytes);
        if self.strikes(Fault::WrongWrite) {
            let at = start + self.random.index(bytes.len());
            let wrong = bytes[at - start] ^ 1 << self.random.below(8);
            self.content_of(node).write(at, &[wrong]);
        }
    }

    pub fn truncate(&mut self, file: &File, size: u64) -> Result<()> {
        let node = self.writable(file).map_err(|_| Errno::INVAL)?;
        self.regular(node)?;
        self.fails(&[(Fault::WriteError, Errno::IO), (Fault::NoSpace, Errno::NOSPC)])?;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > SIZE_MAX {
            return Err(Errno::FBIG);
        }
        self.truncate_node(node, size);
        Ok(())
    }

    /// fallocate(2): a file with a block of its own is not kept within metadata. Filesystems that know no files without
    /// names do not know this either.
    pub fn allocate(&mut self, file: &File) -> Result<()> {
        let node = self.writable(file)?;
        self.regular(node)?;
        if !self.system(node).tmpfile {
            return Err(Errno::OPNOTSUPP);
        }
        self.fails(&[(Fault::NoSpace, Errno::NOSPC)])?;
        self.content_of(node).packed = false;
        self.touch(node);
        Ok(())
    }

    /// FIEMAP: an extent for each page that has a block. Pages of the same bytes lie in the same place, as after a clone; what has no
    /// place yet, or lies within metadata, is said to be at 0.
    pub fn extents(&mut self, file: &File, offset: u64) -> Result<Vec<Extent>> {
        const DELALLOC: u32 = 0x4;
        const DATA_INLINE: u32 = 0x200;
        let node = self.usable(file)?.node;
        self.regular(node).map_err(|_| Errno::OPNOTSUPP)?;
        if self.system(node).zfs.is_some() {
            return Err(Errno::OPNOTSUPP);
        }
        let is_unplaced = self.strikes(Fault::MapUnplaced);
        let content = self.content_of(node);
        let flags = match (content.is_inline(), is_unplaced) {
            (true, _) => DATA_INLINE,
            (false, true) => DELALLOC,
            (false, false) => 0,
        };
        let extents = content.now.pages_with_blocks().map(|(start, bytes)| Extent {
            logical: start..start + bytes.len() as u64,
            physical: if flags == 0 { place_of(bytes) } else { 0 },
            flags,
        });
        Ok(extents.filter(|extent| extent.logical.end > offset).take(3).collect())
    }

    /// syncfs(2): everything on the filesystem that the file lies on.
    pub fn sync_filesystem(&mut self, node: Node) -> Result<()> {
        self.fails(&[(Fault::SyncError, Errno::IO)])?;
        let system = self.tree.inodes[node].system;
        for node in 0..self.tree.inodes.len() {
            if self.tree.inodes[node].system != system {
                continue;
            }
            match self.tree.inodes[node].kind {
                Kind::File => {
                    self.write_back(node);
                    self.content_of(node).make_stable();
                }
                Kind::Directory => self.tree.make_durable(node),
                Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {}
            }
            let inode = &mut self.tree.inodes[node];
            inode.stable.clone_from(&inode.attributes);
        }
        Ok(())
    }

    pub fn truncate_node(&mut self, node: Node, size: usize) {
        self.content_of(node).truncate(size);
        self.touch(node);
    }

    /// fsync(2) of a file or directory.
    pub fn fsync(&mut self, node: Node) -> Result<()> {
        let (is_dir, is_file) = match self.tree.inodes[node].kind {
            Kind::File => (false, true),
            Kind::Directory => (true, false),
            Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => {
                return Err(Errno::INVAL);
            }
        };
        self.fails(&[(Fault::SyncError, Errno::IO)])?;
        if is_dir {
            self.tree.make_durable(node);
        }
        if is_file {
            self.write_back(node);
            let content = self.content_of(node);
            let was_stable = content.dirty == 0 && content.written == 0;
            content.make_stable();
            let written = !was_stable && content.stable.blocks != 0;
            if written && self.strikes(Fault::SpoiledDevice) {
                let Self { tree, random, .. } = self;
                if let Some(content) = tree.content_mut(node) {
                    content.spoil(random);
                }
            }
        }
        let inode = &mut self.tree.inodes[node];
        inode.stable.clone_from(&inode.attributes);
        Ok(())
    }

    /// Hands the pages of a mapping down to ZFS: all of them, or, before 2.2.4, perhaps not all.
    pub fn write_back(&mut self, node: Node) {
        let (Some(zfs), Some(content)) = (self.system(node).zfs, self.tree.content(node)) else { return };
        let mut pages = content.dirty;
        if pages == 0 {
            return;
        }
        for number in numbers(pages) {
            if zfs.loses_writeback() && self.strikes(Fault::LostWriteback) {
                pages &= !(1 << number);
            }
        }
        self.content_of(node).write_back(pages);
        // ZFS sets the times when a page arrives, not when it is stored to.
        self.touch(node);
    }

    /// The file that may be mapped for reading.
    pub fn mappable(&self, file: &File) -> Result<Node> {
        let node =
            self.readable(file).map_err(|errno| if self.usable(file).is_ok() { Errno::ACCESS } else { errno })?;
        self.regular(node).map_err(|_| Errno::NODEV)?;
        Ok(node)
    }

    /// Whether the kernel keeps the state of the page cache from this process.
    fn is_stranger(&mut self) -> bool {
        let refused = self.rates.of(Fault::ResidencyRefused) != 0;
        if refused {
            self.count(Fault::ResidencyRefused);
        }
        refused
    }

    /// Whether resident pages are denied; only of the source, as no copier maps its target.
    fn hides_residency(&mut self, node: Node) -> bool {
        let resident = self.tree.content(node).is_some_and(|content| content.resident != 0);
        resident && self.witness.source == Some(node) && self.strikes(Fault::ResidencyHidden)
    }

    pub fn cachestat(&mut self, file: &File) -> Result<CachePages> {
        let node = self.usable(file)?.node;
        if self.rates.of(Fault::CachestatMissing) != 0 {
            self.count(Fault::CachestatMissing);
            return Err(Errno::NOSYS);
        }
        if self.is_stranger() {
            return Err(Errno::PERM);
        }
        if self.hides_residency(node) {
            return Ok(CachePages::default());
        }
        let Some(content) = self.tree.content(node) else { return Ok(CachePages::default()) };
        let count = |pages: Pages| u64::from(pages.count_ones());
        Ok(CachePages { cached: count(content.resident), dirty: count(content.resident & content.dirty), writeback: 0 })
    }

    pub fn mincore(&mut self, file: &File, range: Range<u64>) -> Result<u64> {
        let node = self.mappable(file)?;
        let (start, end) = (range.start as usize, (range.end as usize).min(SIZE_MAX));
        let pages = touched(start, end);
        if self.hides_residency(node) {
            return Ok(0);
        }
        let shown = if self.is_stranger() { pages } else { pages & self.content_of(node).resident };
        Ok(shown.count_ones().into())
    }

    pub fn seek(&mut self, file: &File, what: Seek, offset: u64) -> Result<Option<u64>> {
        let node = self.usable(file)?.node;
        self.regular(node)?;
        if self.strikes(Fault::SeekUnsupported) {
            return Err(Errno::INVAL);
        }
        self.fails(&[(Fault::SeekError, Errno::IO)])?;
        let system = self.system(node);
        let from_map = match system.zfs {
            Some(zfs) => match self.seek_settles(node, zfs) {
                Some(from_map) => from_map,
                None => return Ok(self.all_data(node, what, offset)),
            },
            None => system.lies && self.content_of(node).unsynced && self.strikes(Fault::HoleLie),
        };
        let content = self.content_of(node);
        let (size, start) = (content.size(), usize::try_from(offset).unwrap_or(usize::MAX));
        if start >= size {
            return Ok(None);
        }
        let layer = if from_map { &content.map } else { &content.now };
        let found = layer.seek(what == Seek::Data, start, size);
        let hidden = content.hidden(layer);
        if from_map && system.zfs.is_some() && hidden {
            self.count(Fault::HoleLie);
        }
        Ok(match what {
            Seek::Data => found.map(|at| at as u64),
            Seek::Hole => Some(found.unwrap_or(size) as u64),
        })
    }

    /// What lseek on ZFS does first. `Some(true)`: the answer comes from the map as it now is;
    /// `None`: the file is dirty and all of it is called data.
    fn seek_settles(&mut self, node: Node, zfs: Zfs) -> Option<bool> {
        self.write_back(node);
        if self.content_of(node).unsynced {
            if zfs.looks_clean() && self.strikes(Fault::LooksClean) {
                return Some(true);
            }
            if !zfs.next_sync {
                return None;
            }
            self.content_of(node).sync();
        }
        Some(true)
    }

    fn all_data(&self, node: Node, what: Seek, offset: u64) -> Option<u64> {
        let size = self.tree.content(node).map_or(0, Content::size) as u64;
        match what {
            _ if offset >= size => None,
            Seek::Data => Some(offset),
            Seek::Hole => Some(size),
        }
    }

    /// The two files of a clone or an offload.
    fn pair(&mut self, source: &File, target: &File) -> Result<(Node, Node)> {
        let (source, target) = (self.readable(source)?, self.writable(target)?);
        self.regular(source)?;
        self.regular(target)?;
        if self.tree.inodes[source].system != self.tree.inodes[target].system {
            return Err(Errno::XDEV);
        }
        Ok((source, target))
    }

    pub fn ficlone(&mut self, target: &File, source: &File) -> Result<()> {
        let (source, target) = self.pair(source, target)?;
        let system = self.system(target);
        if !system.reflink || self.strikes(Fault::CloneUnsupported) {
            return Err(Errno::OPNOTSUPP);
        }
        if source == target {
            return Err(Errno::INVAL);
        }
        self.fails(&[
            (Fault::CrossDevice, Errno::XDEV),
            (Fault::CloneDirty, Errno::AGAIN),
            (Fault::CloneError, Errno::IO),
        ])?;
        self.fails(&[(Fault::NoSpace, Errno::NOSPC)])?;
        self.touch(target);
        let size = self.content_of(source).size();
        let whole = touched(0, size);
        for (fault, errno) in [(Fault::CloneBroken, Errno::INVAL), (Fault::CloneInterrupted, Errno::INTR)] {
            if self.strikes(fault) {
                let part = whole & self.random.next();
                self.clone_pages(source, target, false, part);
                return Err(errno);
            }
        }
        match system.zfs {
            Some(zfs) => self.clone_on_zfs(source, target, zfs),
            None => self.clone_elsewhere(source, target, system),
        }
    }

    /// Clones the pages as the map has them, or as read(2) sees them.
    fn clone_pages(&mut self, source: Node, target: Node, from_map: bool, pages: Pages) {
        let content = self.content_of(source);
        let layer = if from_map { content.map_as_now() } else { content.now.clone() };
        let size = content.size();
        self.content_of(target).clone_layer(&layer, pages, size);
    }

    fn clone_elsewhere(&mut self, source: Node, target: Node, system: System) -> Result<()> {
        let whole = touched(0, self.content_of(source).size());
        if system.lies && whole != 0 && self.strikes(Fault::CloneNothing) {
            return Ok(());
        }
        if system.lies && whole != 0 && self.strikes(Fault::ClonePrefix) {
            let pages = whole >> 1 & whole;
            self.clone_pages(source, target, false, pages);
            return Ok(());
        }
        if system.lies && self.content_of(source).is_stale() && self.strikes(Fault::CloneOld) {
            // The file as it was, length and all.
            let old = self.content_of(source).map.clone();
            self.content_of(target).clone_layer(&old, Pages::MAX, old.size);
            return Ok(());
        }
        self.clone_pages(source, target, false, whole);
        let size = self.content_of(target).size();
        if system.lies && self.content_of(target).now.blocks != 0 && self.strikes(Fault::CloneWrong) {
            let at = self.random.index(size);
            let byte = self.content_of(target).whole()[at];
            self.content_of(target).write(at, &[!byte]);
        }
        Ok(())
    }

    fn clone_on_zfs(&mut self, source: Node, target: Node, zfs: Zfs) -> Result<()> {
        if zfs.clone_hangs() {
            self.witness.hung = Some("FICLONE on ZFS before 2.2.4 with zfs_bclone_wait_dirty=1");
            return Err(Errno::IO);
        }
        let is_seen = self.rates.of(Fault::ResidencyHidden) == 0 && self.intruder.versions.len() == 1;
        self.witness.cloned_dirty |= is_seen && self.content_of(source).dirty != 0;
        if !zfs.clones_without_pages() {
            self.write_back(source);
        }
        let content = self.content_of(source);
        let whole = touched(0, content.size());
        if content.written != 0 && zfs.wait_dirty {
            content.sync();
        }
        let (written, hidden) = (content.written, content.dirty & content.resident != 0);
        if written != 0 {
            return self.clone_until_dirty(source, target, zfs, whole, written);
        }
        let is_stale = content.is_stale();
        self.clone_pages(source, target, true, whole);
        match (hidden, is_stale) {
            (true, _) => self.count(Fault::CloneUnwritten),
            (false, true) => self.count(Fault::CloneOld),
            (false, false) => {}
        }
        Ok(())
    }

    /// A clone ends at the first block of the open transaction group.
    fn clone_until_dirty(&mut self, source: Node, target: Node, zfs: Zfs, whole: Pages, written: Pages) -> Result<()> {
        let before = whole & ((1 << written.trailing_zeros()) - 1);
        if before == 0 {
            self.count(Fault::CloneDirty);
            return Err(Errno::AGAIN);
        }
        self.clone_pages(source, target, true, before);
        if zfs.clones_part() {
            self.count(Fault::ClonePrefix);
            return Ok(());
        }
        self.count(Fault::CloneBroken);
        Err(Errno::INVAL)
    }

    pub fn copy_file_range(&mut self, source: &File, target: &File, range: Range<u64>) -> Result<u64> {
        if self.opened(target.number()).flags.contains(OFlags::APPEND) {
            return Err(Errno::BADF);
        }
        let (source, target) = self.pair(source, target)?;
        self.fails(&[
            (Fault::CrossDevice, Errno::XDEV),
            (Fault::ReadError, Errno::IO),
            (Fault::NoSpace, Errno::NOSPC),
        ])?;
        let start = usize::try_from(range.start).unwrap_or(usize::MAX);
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        if source == target && wanted > 0 {
            return Err(Errno::INVAL);
        }
        let mut count = self.content_of(source).size().saturating_sub(start).min(wanted);
        if count == 0 || self.strikes(Fault::ZeroOffload) {
            return Ok(0);
        }
        if count > 1 && self.strikes(Fault::ShortOffload) {
            count = 1 + self.random.index(count - 1);
        }
        self.offload(source, target, start, count);
        self.touch(target);
        Ok(count as u64)
    }

    /// On ZFS it clones where it can, old blocks and all; elsewhere it reads and writes.
    fn offload(&mut self, source: Node, target: Node, start: usize, count: usize) {
        if self.witness.source == Some(source) {
            self.witness.last_read_call = self.calls;
        }
        let clones = self.system(source).zfs.is_some_and(|zfs| zfs.can_clone());
        let content = self.content_of(source);
        let mut bytes = vec![0; count];
        content.read(&mut bytes, start);
        if clones && start % PAGE == 0 && content.written == 0 && content.is_stale() {
            let old = content.map_as_now();
            bytes.copy_from_slice(&old.content()[start..start + count]);
            self.count(Fault::CloneOld);
        }
        self.content_of(target).write(start, &bytes);
    }
}

impl Content {
    /// Whether `layer` lacks blocks that read(2) has bytes for.
    fn hidden(&self, layer: &Layer) -> bool {
        ((self.now.blocks | self.dirty) & !layer.blocks) & touched(0, self.size()) != 0
    }

    /// Whether a clone of the map would differ from what the filesystem was given.
    fn is_stale(&self) -> bool {
        self.unsynced && (self.map.size != self.size() || self.map.content() != self.now.content())
    }

    /// The map's blocks at the size that the file now has.
    fn map_as_now(&self) -> Layer {
        let mut layer = self.map.clone();
        layer.resize(self.size());
        layer
    }
}

impl World {
    /// Whether the inode is a regular file, for the intruder and the oracle.
    pub fn is_file(&self, node: Node) -> bool {
        matches!(self.tree.inodes[node].body, Body::File(_))
    }
}

/// Where a page with these bytes lies.
fn place_of(bytes: &[u8]) -> u64 {
    let hash = *blake3::hash(bytes).as_bytes();
    u64::from_le_bytes(std::array::from_fn(|at| hash[at])) >> 16 << 12
}
