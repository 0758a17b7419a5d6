//! What became of a name: a regular file that was copied, or something else that was made.

use super::digest::Digests;
use super::fallback::Fallback;
use super::probe::{Residency, Settling};
use super::sealed::{KnownContent, Sealed};
use super::strategy::{Cloning, Strategy, Why};
use super::types::Placement;
use crate::error::Error;
use crate::kernel::Errno;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What became of a name that is no directory.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A regular file was copied.
    Copied(Box<Copied>),
    /// Something else was made: a symbolic link, a node, a hard link, a file without its content.
    Made(Special),
    /// The target was left as it is, rightly.
    Skipped,
    /// The target was left as it is because the user said no.
    Declined,
}

impl Outcome {
    /// The name that an old target keeps.
    #[must_use]
    pub fn backup(&self) -> Option<&Path> {
        match self {
            Outcome::Copied(copied) => copied.backup.as_deref(),
            Outcome::Made(special) => special.backup.as_deref(),
            Outcome::Skipped | Outcome::Declined => None,
        }
    }

    /// What the target was found to hold when it was made or compared, where every byte was digested.
    #[must_use]
    pub fn content(&self) -> Option<KnownContent> {
        match self {
            Outcome::Copied(copied) => {
                let (identity, digests) = copied.identity.zip(copied.digests.clone())?;
                Some(KnownContent { identity, size: copied.size, digests })
            }
            Outcome::Made(special) => special.content.as_deref().cloned(),
            Outcome::Skipped | Outcome::Declined => None,
        }
    }

    /// Attributes that had to be kept and could not.
    #[must_use]
    pub fn complaints(&self) -> &[Error] {
        match self {
            Outcome::Copied(copied) => &copied.complaints,
            Outcome::Made(special) => &special.complaints,
            Outcome::Skipped | Outcome::Declined => &[],
        }
    }
}

/// What a name became that is no copy of a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A symbolic link.
    Symlink,
    /// A further name of a file.
    HardLink,
    /// A fifo, a socket or a device.
    Node,
    /// A file that got its source's attributes alone (--attributes-only).
    Attributes,
    /// A file that held the same already: it got its source's times, and with --resume its attributes.
    Same,
}

impl Thing {
    /// All of them. Their places are what the protocol between machines tells: what is new goes to the end.
    pub(crate) const ALL: [Self; 5] = [Self::Symlink, Self::HardLink, Self::Node, Self::Attributes, Self::Same];
}

/// What was made that is no copy of a file's content.
#[derive(Clone, Debug)]
pub struct Special {
    /// What it is.
    pub thing: Thing,
    /// Attributes that had to be kept and could not.
    pub complaints: Vec<Error>,
    /// The name, for messages, that the old target keeps.
    pub backup: Option<PathBuf>,
    /// It was made anew in an old file's place, which could not be opened (-f).
    pub supplants: bool,
    /// What the file holds, where digests are told and it was read to find out whether it is the same.
    pub content: Option<Box<KnownContent>>,
}

impl Special {
    /// Something of which no content was read.
    #[must_use]
    pub fn new(thing: Thing, complaints: Vec<Error>, backup: Option<PathBuf>) -> Self {
        Self { thing, complaints, backup, supplants: false, content: None }
    }
}

/// A file that was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// By what strategy.
    pub strategy: Strategy,
    /// What allowed it, or forbade a better one.
    pub why: Why,
    /// What was known of cloning into this target.
    pub cloning: Cloning,
    /// What was tried before.
    pub fallbacks: Vec<(Strategy, Fallback)>,
    /// What the source was asked and told.
    pub probed: Probed,
    /// Bytes of content.
    pub size: u64,
    /// BLAKE3 of them and of their pieces, where it is told and every byte was read.
    pub digests: Option<Digests>,
    /// Whether and how the target was read back.
    pub verified: Verified,
    /// Whether holes were told by the source's map, and whether blocks of zeros became holes.
    pub sparse: Sparseness,
    /// Size, times or inode of the source differed afterwards.
    pub changed: bool,
    /// It went on with what an earlier run had left (--partial).
    pub continued: bool,
    /// How it arrived.
    pub placement: Placement,
    /// What took an old file's name was not written out before, since its filesystem has no such call: its answer.
    pub unsynced: Option<Errno>,
    /// Attributes that had to be kept and could not.
    pub complaints: Vec<Error>,
    /// The name, for messages, that the old target keeps.
    pub backup: Option<PathBuf>,
    /// The target's identity, if it is a regular file.
    pub identity: Option<(u64, u64)>,
    /// What it was when it had its name, where a list is made of the run and its handle told that.
    pub sealed: Option<Box<Sealed>>,
    /// How long it took until it had its name or waited for it, where a record of that is kept.
    pub took: Option<Duration>,
}

/// What a source was asked before it was read, and told.
#[derive(Clone, Copy, Debug)]
pub struct Probed {
    /// Where it lies.
    pub filesystem: &'static str,
    /// Its pages in the page cache, where they decide something.
    pub residency: Option<Residency>,
    /// What it was settled for.
    pub settling: Option<Settling>,
    /// Bytes of its size that have no blocks, as its filesystem tells.
    pub unallocated: u64,
}

impl Copied {
    /// BLAKE3 of the content, where it is told and every byte was read.
    #[must_use]
    pub fn digest(&self) -> Option<blake3::Hash> {
        self.digests.as_ref().map(|digests| digests.whole)
    }
}

/// How holes came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sparseness {
    /// SEEK_DATA and SEEK_HOLE told them.
    pub by_map: bool,
    /// Blocks of zeros became holes.
    pub by_zeros: bool,
}

/// How a target was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// By a digest that a program of the far end has made of it (scp over SFTP).
    FarDigest,
    /// Through the page cache.
    Content,
    /// A clone, by its blocks: they are the source's.
    Blocks,
    /// From its device.
    Device,
    /// By digests of both, read again when everything was written.
    Digests,
    /// Not at all, as the options asked.
    No,
    /// Not at all, because it is not a regular file.
    Impossible,
    /// Not at all, because what a read gives is made up by the kernel.
    MadeUp,
}

impl Verified {
    /// All of them. Their places are what the protocol between machines tells: what is new goes to the end.
    pub(crate) const ALL: [Self; 8] = [
        Self::Content,
        Self::Blocks,
        Self::Device,
        Self::Digests,
        Self::No,
        Self::Impossible,
        Self::MadeUp,
        Self::FarDigest,
    ];
}
