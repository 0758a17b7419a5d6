//! What is asked of a transfer over SFTP, and what it tells.

use crate::copy::{Placement, Sealed};
use crate::error::Error;
use crate::kernel::{Kernel, Kind};
use crate::quote::quoted;
use std::fmt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// How the far end is reached. The commands are started with pipes for standard input and output; standard error stays as it is.
pub trait Reach {
    /// A program that speaks SFTP: `ssh -s HOST sftp`.
    fn sftp(&self) -> Command;
    /// A program that runs a line of shell there, `ssh HOST LINE`; `None` where the account has no shell. The line holds no names.
    fn shell(&self, line: &str) -> Option<Command>;
}

/// Whether directories are copied with what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// They are an error.
    Refused,
    /// They are. Symbolic links are followed, as scp does.
    Copied,
}

/// Which attributes of a source its target gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attributes {
    /// Permission bits, less the umask, of a new file.
    Fresh,
    /// Permission bits and times (-p).
    Kept,
}

/// Permission bits that are kept. Set-user-ID and set-group-ID are rights of an owner, who is another one: scp keeps none either.
pub(super) const KEPT_BITS: u32 = 0o1777;

/// Whether a target is read before it gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verify {
    /// It is, and what cannot be read gets no name.
    Content,
    /// It is not (--verify=none).
    Nothing,
}

/// Whether targets are written out before they get their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The system may do it later.
    Later,
    /// They are (--durable); a server without fsync@openssh.com is an error.
    Durable,
}

/// What becomes of a file that is there and holds what its source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is copied as all others.
    Anew,
    /// It stays; digests are compared where it is, if they can be had there (--resume).
    Resumed,
}

/// What a list that is made of the run takes of each file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListDigests {
    /// None is made.
    Nothing,
    /// BLAKE3.
    Blake3,
    /// SHA-256 as well.
    Sha256,
}

impl ListDigests {
    /// Whether one is made.
    #[must_use]
    pub fn is_made(self) -> bool {
        self != ListDigests::Nothing
    }
}

/// What is asked of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    /// Directories.
    pub tree: Tree,
    /// Attributes.
    pub attributes: Attributes,
    /// Verification.
    pub verify: Verify,
    /// Writing out.
    pub writing: Writing,
    /// The umask of this process, for what is pulled.
    pub umask: u32,
    /// Bytes a second, at most (-l).
    pub speed_max: Option<u64>,
    /// What a list takes.
    pub listed: ListDigests,
    /// Files that are there.
    pub start: Start,
}

/// How a file was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The far end made a digest of its file with this program, and it is that of what was sent or received.
    Digest(&'static str),
    /// The far file was read over SFTP once it was written, or twice if it is the source.
    ReadBack,
    /// Not at all, as was asked.
    Nothing,
}

/// What happens in a transfer. Paths are as the user would write them, without the host.
#[derive(Debug)]
pub enum TransferEvent<'a> {
    /// How far files will be verified: said once, before the first file.
    Verifying(Proof),
    /// A directory was made.
    Made {
        /// Where it was made.
        target: &'a Path,
    },
    /// A file was copied, was verified as this says, and has its name.
    Copied {
        /// Where it comes from.
        source: &'a Path,
        /// Where it went.
        target: &'a Path,
        /// Bytes of content.
        size: u64,
        /// How it was verified.
        proof: Proof,
        /// How it took its place.
        placement: Placement,
        /// Its path beneath the directory of all targets.
        path: &'a Path,
        /// What it is now, where a list is made.
        sealed: Option<&'a Sealed>,
    },
    /// A file holds what its source holds, and stays.
    Same {
        /// The source.
        source: &'a Path,
        /// The file.
        target: &'a Path,
        /// Its path beneath the directory of all targets.
        path: &'a Path,
        /// What it is now, where a list is made.
        sealed: Option<&'a Sealed>,
    },
    /// A directory has everything in it; told where a list is made.
    Finished {
        /// Its path beneath the directory of all targets.
        path: &'a Path,
        /// What it is now.
        sealed: &'a Sealed,
    },
    /// Bytes were sent or received, for who shows progress.
    Moved(u64),
    /// A source was named before, and goes to the same name: it was copied once.
    Twice {
        /// The source.
        source: &'a Path,
        /// What it is.
        kind: Kind,
    },
    /// The source of a file that was copied changed while it was read.
    Changed {
        /// The source.
        source: &'a Path,
    },
    /// A name in a tree is no file and no directory, and SFTP has no words for it: it was passed over.
    PassedOver {
        /// The source.
        source: &'a Path,
    },
    /// A name was not copied, or not as it was asked. The run goes on.
    Failed(&'a Failure),
}

/// Why a name was not copied, or why the run ended.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Something of this machine.
    Here(Error),
    /// The far end refused something.
    Far {
        /// What was tried, in words that go before a quoted name.
        action: &'static str,
        /// The far name.
        name: Box<Path>,
        /// Its reason.
        reason: String,
    },
    /// A far name is not what it has to be.
    OfFar {
        /// Words that go before it.
        before: Box<str>,
        /// The far name.
        name: Box<Path>,
        /// Words that follow it.
        after: Box<str>,
    },
    /// What the far end has is not what was sent, or what was received is not what it has.
    Differs {
        /// The target.
        name: Box<Path>,
    },
    /// Nothing could verify it.
    Unverified {
        /// The target.
        name: Box<Path>,
        /// Why not.
        reason: String,
    },
    /// The connection ended, or what came over it is no SFTP.
    Broken(String),
    /// The user stopped it.
    Stopped,
}

impl Failure {
    /// A sentence with a far name in it.
    pub(super) fn of_far(before: &str, name: &Path, after: &str) -> Self {
        Failure::OfFar { before: before.into(), name: name.into(), after: after.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Here(error) => write!(f, "{error}"),
            Failure::Far { action, name, reason } => write!(f, "{action} {}: {reason}", quoted(name)),
            Failure::OfFar { before, name, after } => write!(f, "{before}{}{after}", quoted(name)),
            Failure::Differs { name } => write!(f, "{} differs from its source after the copy", quoted(name)),
            Failure::Unverified { name, reason } => write!(f, "cannot verify {}: {reason}", quoted(name)),
            Failure::Broken(reason) => write!(f, "connection to the far end: {reason}"),
            Failure::Stopped => write!(f, "interrupted"),
        }
    }
}

/// This machine, and when to stop.
#[derive(Debug)]
pub struct Near<'a, K: Kernel> {
    /// Its system calls.
    pub kernel: &'a K,
    /// True once the run is to end.
    pub stop: &'a AtomicBool,
}

impl<K: Kernel> Near<'_, K> {
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
