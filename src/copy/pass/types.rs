//! What a pass is told to do, and what it returns.

use crate::copy::digest::Digests;

/// A block of zeros in the source's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// It is written like any other.
    Written,
    /// It becomes a hole.
    Holes,
}

/// A hole in the source's map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holes {
    /// There is no map: the file is read from end to end.
    Unmapped,
    /// The map says so, and is believed; the target must have a hole or zeros there.
    Believed,
    /// The map says so, and the source is read to see whether it is true.
    Read,
}

/// What a pass does with the source's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are written to the target.
    Write,
    /// They are written, and read back while they are at hand; a difference ends the pass.
    WriteAndCompare,
    /// The target's must equal them, and are written and read back where they do not.
    Mend,
    /// The target's must equal them.
    Compare,
    /// They are read, for their digest.
    Read,
}

impl Mode {
    /// Whether the target is written.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Mode::Write | Mode::WriteAndCompare | Mode::Mend)
    }

    /// Whether the target's bytes are read and must equal the source's.
    #[must_use]
    pub fn compares(self) -> bool {
        matches!(self, Mode::WriteAndCompare | Mode::Mend | Mode::Compare)
    }
}

/// Where a source ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where its size says: the filesystem's word about it is good, and whoever runs the pass asks afterwards whether the
    /// file changed.
    AtSize,
    /// Where a read says so.
    ByRead,
}

/// What tells whether the target has a hole where the source has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetHoles {
    /// Its own map, and its bytes where the map says data.
    ByMap,
    /// Its bytes.
    ByBytes,
}

/// What a digest is taken of. Equality does not hang on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digested {
    /// Nothing.
    Nothing,
    /// A file without holes that span pieces; one that has any gets none.
    Data,
    /// All bytes: holes cost hashing as many zeros.
    Everything,
}

/// Where a handle reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// At any offset: a regular file.
    Any,
    /// Where it stands: a fifo, a terminal, a device.
    Here,
}

/// What a pass saw.
#[derive(Debug)]
pub struct Passed {
    /// Length of the source as read, in bytes.
    pub size: u64,
    /// BLAKE3 of those bytes, if it was asked for and no holes were left out of it.
    pub digests: Option<Digests>,
    /// By what the target was found to be the same, where it was compared.
    pub proof: Proof,
}

/// By what two files are known to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The bytes of both.
    Bytes,
    /// The blocks of both.
    Blocks,
}
