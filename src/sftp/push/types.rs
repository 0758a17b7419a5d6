//! What is on its way to the far end: the run that all share, its files, its directories, and what each request was for.

use crate::kernel::{Kernel, Stat};
use crate::sftp::connection::Connection;
use crate::sftp::far_path::TypedDirectory;
use crate::sftp::hashing::{Hashing, Value};
use crate::sftp::listing::Taking;
use crate::sftp::local_tree::LocalTree;
use crate::sftp::pace::Pace;
use crate::sftp::reading::{Readings, RequestedRange};
use crate::sftp::temporary::Names;
use crate::sftp::types::{Failure, Near, Proof, TransferEvent, Wishes};
use crate::sftp::wire::Attrs;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

/// What all files share.
pub(super) struct Push<'a, K: Kernel> {
    pub(super) near: &'a Near<'a, K>,
    pub(super) wishes: &'a Wishes,
    pub(super) tell: &'a mut dyn FnMut(&TransferEvent<'_>),
    pub(super) connection: Connection<Tag>,
    pub(super) tree: LocalTree<'a, K>,
    pub(super) is_over: bool,
    pub(super) names: Names,
    pub(super) files_max: usize,
    pub(super) files: BTreeMap<u64, OutgoingFile<K::File>>,
    pub(super) next_file: u64,
    /// Files that have bytes to be sent.
    pub(super) sending: VecDeque<u64>,
    /// Files that are read back.
    pub(super) readings: Readings,
    /// Files whose digests were asked for, by path.
    pub(super) digests: BTreeMap<Vec<u8>, u64>,
    pub(super) has_ended_digests: bool,
    /// The directory of all targets.
    pub(super) base: Vec<u8>,
    /// The far directory that was typed, or that the typed name is in.
    pub(super) home: TypedDirectory,
    pub(super) directories: BTreeMap<Vec<u8>, Directory>,
    pub(super) finishing: Vec<Finishing>,
    pub(super) searching: Vec<Search>,
    pub(super) buffer: Vec<u8>,
    pub(super) pace: Pace,
}

/// What a request was for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tag {
    File(u64, Step),
    /// The making of the directory of this number.
    Make(usize),
    /// A look at what stands where it should be.
    MakeLook(usize),
    /// Its last attributes.
    Finish(usize),
    /// A look at what it is then, for a list.
    Seal(usize),
    Search(usize, SearchStep),
}

/// What was asked for a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Look,
    Resolve,
    Open,
    Owner,
    Own,
    Write,
    Sync,
    Close,
    OpenAgain,
    /// Opened to be compared.
    OpenOld,
    Read(RequestedRange),
    Attributes,
    Rename,
    /// What the link says that has the name, for a list.
    ReadLink,
    /// A look at what has the name, for a list.
    Seal,
    Room,
    Remove,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum SearchStep {
    Open,
    Read,
    Rest,
}

/// Where a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Looking,
    /// It is compared with what has its name.
    Comparing,
    Opening,
    Sending,
    Closing,
    /// A digest is waited for, or it is read back.
    Verifying,
    Naming,
    /// It has its name, and a list is to have what it is.
    Sealing,
    /// It failed, and the room is asked for that there is.
    Asking,
    /// It failed, and its temporary goes.
    Removing,
}

/// A file on its way.
pub(super) struct OutgoingFile<F> {
    pub(super) source: PathBuf,
    pub(super) shown: PathBuf,
    pub(super) file: Option<F>,
    pub(super) stat: Stat,
    pub(super) dir: Vec<u8>,
    pub(super) name: Vec<u8>,
    pub(super) temporary: Option<Vec<u8>>,
    pub(super) handle: Option<Vec<u8>>,
    pub(super) old: Option<Attrs>,
    /// The link that has the typed name, and leads to it.
    pub(super) link: Option<Link>,
    pub(super) size: u64,
    pub(super) hashing: Hashing,
    pub(super) value: Option<Value>,
    /// Its path beneath the directory of all targets.
    pub(super) listed: PathBuf,
    /// Digests for a list.
    pub(super) taking: Option<Taking>,
    pub(super) proof: Proof,
    pub(super) phase: Phase,
    pub(super) due: usize,
    pub(super) failure: Option<Failure>,
    pub(super) complaint: Option<Failure>,
    /// The server refused with no more than "failure", as it does on a full disk.
    pub(super) may_be_full: bool,
    /// Who writes over there is root.
    pub(super) is_roots: bool,
}

/// A far link.
pub(super) struct Link {
    pub(super) path: Vec<u8>,
    /// What it says, once that was asked.
    pub(super) text: Option<Vec<u8>>,
}

/// A far directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Directory {
    Asked(usize),
    Fresh,
    Existing,
    Failed,
}

/// A directory that was made or found, and what it is to have in the end.
pub(super) struct Finishing {
    pub(super) far: Vec<u8>,
    pub(super) stat: Stat,
    pub(super) is_fresh: bool,
    /// Why it could not be made.
    pub(super) refusal: Option<String>,
    /// Of files in it, until it is known whether it is there.
    pub(super) failures: Vec<Failure>,
}

/// The search for what dead runs left in a directory.
pub(super) struct Search {
    pub(super) dir: Vec<u8>,
    pub(super) handle: Option<Vec<u8>>,
    pub(super) seen: usize,
    pub(super) is_begun: bool,
}

impl Search {
    pub(super) fn new(dir: Vec<u8>) -> Self {
        Self { dir, handle: None, seen: 0, is_begun: false }
    }
}
