//! The terms of a copy: what both ends have to know of the options.

use super::fields::{Reader, Result, Writer, at, place};
use crate::options::{Dereference, Keep, Options, Preserve, Sparse, Unfinished, Verbosity, Verify};
pub use crate::sftp::Start;
use std::num::NonZeroUsize;

/// Whether directories are copied with what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// They are refused.
    Names,
    /// They are (-r).
    Trees,
}

/// Which attributes go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// None: a new file gets the permission bits of its source less the umask.
    Nothing,
    /// Times and permission bits (-p).
    Times,
    /// All that cp -a keeps, and links as what they are (--archive).
    Everything,
}

/// What both ends have to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Directories.
    pub depth: Depth,
    /// Attributes.
    pub carried: Carried,
    /// Holes in the targets.
    pub sparse: Sparse,
    /// Reading back.
    pub verify: Verify,
    /// When success may be said.
    pub lasting: Lasting,
    /// What is said of a success.
    pub verbosity: Verbosity,
    /// Files that are there already.
    pub start: Start,
    /// What becomes of a large file that could not be finished.
    pub unfinished: Unfinished,
    /// Where it is told what became of each name.
    pub tell: Tell,
}

/// Where it is told what became of each name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// The end that receives says what there is to say.
    There,
    /// It tells the sender, which says it and writes it down (--report).
    Outcomes,
    /// And what each name is now, with the digest of what was read back (--manifest).
    Lists,
}

/// When success may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// When the target has its name.
    Named,
    /// When a power loss cannot take it back (--durable).
    Durable,
}

const DEPTHS: [Depth; 2] = [Depth::Names, Depth::Trees];
const CARRIED: [Carried; 3] = [Carried::Nothing, Carried::Times, Carried::Everything];
const SPARSE: [Sparse; 3] = [Sparse::Auto, Sparse::Always, Sparse::Never];
const VERIFY: [Verify; 4] = [Verify::Content, Verify::Blake3, Verify::Device, Verify::Nothing];
const LASTING: [Lasting; 2] = [Lasting::Named, Lasting::Durable];
/// One byte for both: terms of before had no parts.
const STARTS: [(Start, Unfinished); 4] = [
    (Start::Anew, Unfinished::Removed),
    (Start::Resumed, Unfinished::Removed),
    (Start::Anew, Unfinished::Kept),
    (Start::Resumed, Unfinished::Kept),
];
const TELL: [Tell; 3] = [Tell::There, Tell::Outcomes, Tell::Lists];
const VERBOSITY: [Verbosity; 3] = [Verbosity::Quiet, Verbosity::Names, Verbosity::Decisions];

impl Terms {
    /// What `scp SOURCE TARGET` means.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            depth: Depth::Names,
            carried: Carried::Nothing,
            sparse: Sparse::Auto,
            verify: Verify::Content,
            lasting: Lasting::Named,
            verbosity: Verbosity::Quiet,
            start: Start::Anew,
            unfinished: Unfinished::Removed,
            tell: Tell::There,
        }
    }

    /// Whether symbolic links are followed: scp follows all.
    pub(super) fn dereference(&self) -> Dereference {
        if self.carried == Carried::Everything { Dereference::Never } else { Dereference::Always }
    }

    /// The options of the end that receives. Names arrive one after the other, and nothing is known of the source but
    /// what arrives.
    #[must_use]
    pub fn options(&self) -> Options {
        let preserve = match self.carried {
            Carried::Nothing => Preserve::nothing(),
            Carried::Times => Preserve { mode: Keep::Must, timestamps: Keep::Must, ..Preserve::nothing() },
            Carried::Everything => Preserve::everything(),
        };
        Options {
            recursive: self.depth == Depth::Trees,
            dereference: self.dereference(),
            preserve,
            sparse: self.sparse,
            verify: self.verify,
            durable: self.lasting == Lasting::Durable || self.verify == Verify::Device,
            verbosity: self.verbosity,
            resume: self.start == Start::Resumed,
            unfinished: self.unfinished,
            jobs: Some(NonZeroUsize::MIN),
            ..Options::plain()
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer
            .u8(place(&DEPTHS, &self.depth))
            .u8(place(&CARRIED, &self.carried))
            .u8(place(&SPARSE, &self.sparse))
            .u8(place(&VERIFY, &self.verify))
            .u8(place(&LASTING, &self.lasting))
            .u8(place(&VERBOSITY, &self.verbosity))
            .u8(place(&STARTS, &(self.start, self.unfinished)))
            .u8(place(&TELL, &self.tell));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let (depth, carried, sparse) = (at(&DEPTHS, reader)?, at(&CARRIED, reader)?, at(&SPARSE, reader)?);
        let (verify, lasting, verbosity) = (at(&VERIFY, reader)?, at(&LASTING, reader)?, at(&VERBOSITY, reader)?);
        let ((start, unfinished), tell) = (at(&STARTS, reader)?, at(&TELL, reader)?);
        Ok(Self { depth, carried, sparse, verify, lasting, verbosity, start, unfinished, tell })
    }
}
