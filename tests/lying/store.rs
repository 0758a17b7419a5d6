//! What the lying filesystem holds in truth, and what it told about it.
//!
//! The store is asked directly by the test, in memory: no system call and no page cache is between it and the verdict.

use super::lies::{Liar, Told};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::time::SystemTime;

/// Bytes that are allocated together; a block of zeros is a hole.
pub(crate) const BLOCK: usize = 4096;

/// The directory that all others are in.
pub(crate) const ROOT: u64 = 1;

/// A file that grows beyond this is refused.
pub(crate) const SIZE_MAX: u64 = 1 << 30;

/// What the kernel keeps between the filesystem and its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caching {
    /// Nothing (FOPEN_DIRECT_IO): every read and write arrives.
    Direct,
    /// Pages that were read or written; writes arrive at once.
    Through,
    /// Pages; writes arrive later.
    Back,
}

/// What is behind an inode number.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) accessed: SystemTime,
    pub(crate) modified: SystemTime,
    pub(crate) links: u32,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Directory(Directory),
    File(Box<File>),
}

#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) names: BTreeMap<OsString, u64>,
    /// How files that are made in it lie.
    pub(crate) new: Option<Manner>,
    /// Every file that was made in it, with a name or no longer.
    pub(crate) made: Vec<u64>,
}

/// How a file behaves.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) caching: Caching,
    pub(crate) seed: u64,
    pub(crate) told: Vec<Told>,
}

#[derive(Debug)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    /// What it held before the last change.
    pub(crate) before: Vec<u8>,
    pub(crate) caching: Caching,
    pub(crate) liar: Liar,
    pub(crate) answers: Answers,
}

/// What was told of a file to those who read it.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Offsets, and the bytes that reads gave there.
    pub(crate) reads: Vec<(u64, Vec<u8>)>,
    /// Offsets at which the file was said to end.
    pub(crate) ends: BTreeSet<u64>,
    /// Calls that wrote something.
    pub(crate) writes: u64,
    /// A close after a write was told that something is wrong.
    pub(crate) close_failed: bool,
    /// A write was refused since the file was last empty: what was written before that is of an attempt that was given up.
    pub(crate) write_failed: bool,
}

impl File {
    pub(crate) fn new(bytes: Vec<u8>, manner: &Manner) -> Self {
        let liar = Liar::new(manner.seed, &manner.told);
        Self { bytes, before: Vec::new(), caching: manner.caching, liar, answers: Answers::default() }
    }

    /// Whether the block at this offset is nothing but zeros.
    pub(crate) fn is_hole(&self, offset: usize) -> bool {
        let start = offset / BLOCK * BLOCK;
        let block = &self.bytes[start..self.bytes.len().min(start + BLOCK)];
        // A comparison of slices is fast without optimisation, too.
        *block == [0; BLOCK][..block.len()]
    }

    /// Sectors that it needs.
    pub(crate) fn sectors(&self) -> u64 {
        let blocks = (0..self.bytes.len()).step_by(BLOCK).filter(|at| !self.is_hole(*at)).count();
        (blocks * BLOCK / 512) as u64
    }

    /// Puts bytes where they belong, and remembers what was there.
    pub(crate) fn put(&mut self, offset: u64, bytes: &[u8]) {
        self.before.clone_from(&self.bytes);
        let start = usize::try_from(offset).expect("a small file");
        let end = start + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[start..end].copy_from_slice(bytes);
    }
}

/// All files of all cases.
#[derive(Debug)]
pub(crate) struct Store {
    nodes: HashMap<u64, Node>,
    next: u64,
}

impl Store {
    pub(crate) fn new() -> Self {
        let mut store = Self { nodes: HashMap::new(), next: ROOT };
        store.add(Kind::Directory(Directory::default()), 0o755);
        store
    }

    /// A new inode, whose number no other ever had.
    pub(crate) fn add(&mut self, kind: Kind, mode: u32) -> u64 {
        let number = self.next;
        self.next += 1;
        let now = SystemTime::now();
        let links = if matches!(kind, Kind::File(_)) { 1 } else { 2 };
        self.nodes.insert(number, Node { kind, mode, owner: (0, 0), accessed: now, modified: now, links });
        number
    }

    pub(crate) fn node(&mut self, number: u64) -> Option<&mut Node> {
        self.nodes.get_mut(&number)
    }

    pub(crate) fn directory(&mut self, number: u64) -> Option<&mut Directory> {
        match &mut self.nodes.get_mut(&number)?.kind {
            Kind::Directory(directory) => Some(directory),
            Kind::File(_) => None,
        }
    }

    pub(crate) fn file(&mut self, number: u64) -> Option<&mut File> {
        match &mut self.nodes.get_mut(&number)?.kind {
            Kind::File(file) => Some(file),
            Kind::Directory(_) => None,
        }
    }

    pub(crate) fn find(&mut self, directory: u64, name: &OsStr) -> Option<u64> {
        self.directory(directory)?.names.get(name).copied()
    }

    /// Makes a directory, or a file, and gives it a name.
    pub(crate) fn make(&mut self, directory: u64, name: &OsStr, kind: Kind, mode: u32) -> u64 {
        let number = self.add(kind, mode);
        let parent = self.directory(directory).expect("a directory that is there");
        parent.names.insert(name.to_owned(), number);
        parent.made.push(number);
        number
    }

    /// Takes inodes out of the store for good.
    pub(crate) fn forget(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.nodes.remove(&number);
        }
    }
}
