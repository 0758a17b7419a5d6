//! A file that is written while it is copied, in blocks that each tell by which version they were written.
//!
//! A block is 4096 times its version, a number from 1 to 250. What a writer does has an order, so that what was read can be told
//! to be one state of the file, or none.

use super::random::Random;
use rustix::fs::{CWD, RenameFlags};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

const BLOCK: usize = 4096;
/// Blocks that are data, and then as many that are a hole, in a sparse file.
const RUN: usize = 16;
const VERSION_MAX: u8 = 250;

/// How a file is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// A block is added at the end.
    Append,
    /// The second half is cut off, and written again block by block.
    Truncate,
    /// All blocks are written again, from the first to the last.
    Rewrite,
    /// The same, through a mapping.
    Map,
    /// Another file gets the name.
    Replace,
}

/// One file and its writer.
pub(crate) struct Subject {
    path: PathBuf,
    act: Act,
    blocks: usize,
    sparse: bool,
    version: u8,
    at: usize,
    mapper: Option<Mapper>,
}

/// xfs_io, which has the file mapped.
struct Mapper {
    child: Child,
    orders: ChildStdin,
}

impl Drop for Mapper {
    fn drop(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
    }
}

impl Subject {
    /// Makes a file of `blocks` blocks, which begins and ends with data.
    pub(crate) fn make(path: PathBuf, act: Act, blocks: usize, sparse: bool) -> Self {
        let mut subject = Self { path, act, blocks, sparse, version: 1, at: 0, mapper: None };
        subject.fill(&subject.path, 1);
        if act == Act::Map {
            subject.mapper = Some(subject.map());
        }
        subject
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn is_data(&self, block: usize) -> bool {
        !self.sparse || block / RUN % 2 == 0
    }

    fn fill(&self, path: &Path, version: u8) {
        let file = File::create(path).expect("a file");
        file.set_len((self.blocks * BLOCK) as u64).expect("its size");
        for block in (0..self.blocks).filter(|block| self.is_data(*block)) {
            file.write_all_at(&[version; BLOCK], (block * BLOCK) as u64).expect("a block");
        }
    }

    fn map(&self) -> Mapper {
        let mut command = Command::new("xfs_io");
        command.arg(&self.path).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("xfs_io");
        let mut orders = child.stdin.take().expect("its input");
        writeln!(orders, "mmap -rw 0 {}", self.blocks * BLOCK).expect("an order");
        Mapper { child, orders }
    }

    /// One step of the writer.
    pub(crate) fn step(&mut self, random: &mut Random) {
        match self.act {
            Act::Append => self.append(),
            Act::Truncate => self.truncate(),
            Act::Rewrite | Act::Map => self.rewrite(1 + random.index(8)),
            Act::Replace => self.replace(),
        }
    }

    fn append(&self) {
        let mut file = OpenOptions::new().append(true).open(&self.path).expect("the source");
        // The copy has an end although the file has not.
        if file.metadata().expect("stat").len() < 4 * (self.blocks * BLOCK) as u64 {
            file.write_all(&[1; BLOCK]).expect("a block");
        }
    }

    fn truncate(&mut self) {
        let file = self.open();
        if self.at == 0 {
            self.version = next(self.version);
            self.at = self.blocks / 2;
            file.set_len((self.at * BLOCK) as u64).expect("truncate");
            return;
        }
        self.write(&file);
        if self.at == self.blocks {
            self.at = 0;
        }
    }

    fn rewrite(&mut self, steps: usize) {
        let file = self.open();
        for _ in 0..steps {
            if self.at == 0 {
                self.version = next(self.version);
            }
            self.write(&file);
            if self.at == self.blocks {
                self.at = 0;
            }
        }
    }

    fn open(&self) -> File {
        OpenOptions::new().write(true).open(&self.path).expect("the source")
    }

    /// Writes the block that comes next and is data.
    fn write(&mut self, file: &File) {
        while !self.is_data(self.at) {
            self.at += 1;
        }
        let offset = (self.at * BLOCK) as u64;
        match &mut self.mapper {
            Some(mapper) => writeln!(mapper.orders, "mwrite -S {} {offset} {BLOCK}", self.version).expect("an order"),
            None => file.write_all_at(&[self.version; BLOCK], offset).expect("a block"),
        }
        self.at += 1;
    }

    fn replace(&mut self) {
        self.version = next(self.version);
        let fresh = self.path.with_extension("fresh");
        self.fill(&fresh, self.version);
        rustix::fs::renameat_with(CWD, &fresh, CWD, &self.path, RenameFlags::empty()).expect("rename");
    }

    /// Whether these bytes are one state that the file had.
    pub(crate) fn is_one_state(&self, bytes: &[u8]) -> bool {
        let Some(versions) = self.versions(bytes) else { return false };
        match self.act {
            Act::Append => {
                versions.len() >= self.data_blocks(self.blocks) && versions.iter().all(|version| *version == 1)
            }
            Act::Truncate => {
                let (old, new) = versions.split_at(self.data_blocks(self.blocks / 2).min(versions.len()));
                bytes.len() >= self.blocks / 2 * BLOCK && is_uniform(old) && old.first() == Some(&1) && is_uniform(new)
            }
            Act::Rewrite | Act::Map => {
                let first = versions.first().copied().unwrap_or_default();
                let rest = versions.iter().skip_while(|version| **version == first);
                let earlier: Vec<u8> = rest.copied().collect();
                let follows = earlier.first().is_none_or(|version| next(*version) == first);
                bytes.len() == self.blocks * BLOCK && is_uniform(&earlier) && follows
            }
            Act::Replace => bytes.len() == self.blocks * BLOCK && is_uniform(&versions),
        }
    }

    /// Whether every byte was in its place at some time: a version in data, nothing in a hole.
    pub(crate) fn is_mixture(&self, bytes: &[u8]) -> bool {
        bytes.chunks(BLOCK).enumerate().all(|(block, bytes)| {
            // Between a cut and the next block a file may be read that ends in zeros.
            bytes.iter().all(|byte| {
                if self.is_data(block) || self.act == Act::Append { *byte <= VERSION_MAX } else { *byte == 0 }
            })
        })
    }

    fn data_blocks(&self, blocks: usize) -> usize {
        (0..blocks).filter(|block| self.is_data(*block)).count()
    }

    /// The version of each block of data; nothing where a block has two, or a hole has any.
    fn versions(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut versions = Vec::new();
        for (block, bytes) in bytes.chunks(BLOCK).enumerate() {
            if bytes.len() != BLOCK || !is_uniform(bytes) {
                return None;
            }
            if self.is_data(block) || block >= self.blocks {
                versions.push(bytes[0]);
            } else if bytes[0] != 0 {
                return None;
            }
        }
        (!versions.contains(&0)).then_some(versions)
    }
}

fn next(version: u8) -> u8 {
    if version == VERSION_MAX { 2 } else { version + 1 }
}

fn is_uniform(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes[1..] == bytes[..bytes.len() - 1]
}

/// Whether a filesystem gives a file that is written twice in a moment two times, if it was looked at in between.
pub(crate) fn has_fine_times(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let path = directory.join("clock");
    let mut file = File::create(&path).expect("a file");
    let mut time = || {
        file.write_all(b"x").expect("a byte");
        let metadata = file.metadata().expect("stat");
        (metadata.ctime(), metadata.ctime_nsec())
    };
    let times: Vec<_> = (0..200).map(|_| time()).collect();
    fs::remove_file(path).expect("remove");
    times.windows(2).all(|pair| pair[0] != pair[1])
}
