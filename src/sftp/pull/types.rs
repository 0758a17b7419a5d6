//! What is on its way from the far end: the run that all share, its names, its files, and what each request was for.

use super::destination::Destination;
use crate::kernel::Kernel;
use crate::sftp::connection::Connection;
use crate::sftp::hashing::Value;
use crate::sftp::landing::{Landing, Landings};
use crate::sftp::local_directory::LocalDirectory;
use crate::sftp::pace::Pace;
use crate::sftp::reading::{Readings, RequestedRange};
use crate::sftp::types::{Failure, Near, Proof, TransferEvent, Wishes};
use crate::sftp::wire::{Attrs, Entry};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;

/// What all files share.
pub(super) struct Pull<'a, K: Kernel> {
    pub(super) near: &'a Near<'a, K>,
    pub(super) wishes: &'a Wishes,
    pub(super) tell: &'a mut dyn FnMut(&TransferEvent<'_>),
    pub(super) connection: Connection<Tag>,
    pub(super) landings: Landings<'a, K>,
    pub(super) operands: std::vec::IntoIter<Operand>,
    /// Names that operands have, and the far paths that they are of.
    pub(super) given: BTreeMap<PathBuf, Vec<u8>>,
    pub(super) destination: Destination<K::File>,
    /// The directory of all targets, in messages.
    pub(super) base: PathBuf,
    pub(super) files_max: usize,
    pub(super) levels: Vec<Level<K::File>>,
    pub(super) looking: BTreeMap<u64, FarName<K::File>>,
    pub(super) files: BTreeMap<u64, Received<K::File>>,
    pub(super) next_number: u64,
    /// Files that are read.
    pub(super) readings: Readings,
    pub(super) digests: BTreeMap<Vec<u8>, u64>,
    /// Files of which all came, and which wait for their digests alone.
    pub(super) waiting: BTreeSet<u64>,
    pub(super) is_over: bool,
    pub(super) has_ended_digests: bool,
    pub(super) pace: Pace,
}

/// A far source.
pub(super) struct Operand {
    pub(super) typed: Vec<u8>,
    pub(super) absolute: Vec<u8>,
}

/// What a request was for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Tag {
    /// A look at a name of which it is not known what it is.
    Look(u64),
    /// Where a link to a directory with these attributes leads.
    Resolve(u64, Attrs),
    /// The directory of this number.
    Open(u64),
    List(u64),
    File(u64, Step),
    /// Of this nothing hangs on the answer.
    Rest,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Open,
    Look,
    Read(RequestedRange),
    /// Much more came than it was said to have.
    LookFurther,
    /// All came of a file that was said to have nothing, or to have more.
    LookAtEnd,
    LookAtFilesystem,
    OpenAgain,
    LookAgain,
}

/// A far name, and where it goes.
pub(super) struct FarName<F> {
    pub(super) source: PathBuf,
    pub(super) path: Vec<u8>,
    pub(super) dir: Rc<LocalDirectory<F>>,
    /// `None`: the content goes into the directory itself.
    pub(super) name: Option<PathBuf>,
    /// The far path that it was found in, with no link in it; `None` for an operand.
    pub(super) above: Option<Vec<u8>>,
}

/// A far directory whose names are coming.
pub(super) struct Level<F> {
    pub(super) number: u64,
    pub(super) source: PathBuf,
    pub(super) path: Vec<u8>,
    pub(super) local: Rc<LocalDirectory<F>>,
    pub(super) handle: Option<Vec<u8>>,
    pub(super) names: VecDeque<Entry>,
    pub(super) is_asked: bool,
    pub(super) is_over: bool,
}

/// What is known of a file that is here already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Old {
    /// It was not looked at, or nobody asks for it.
    Unseen,
    /// Its digest is compared with the source's.
    Compared,
    /// It holds something else.
    Differs,
}

/// A far file on its way.
pub(super) struct Received<F> {
    pub(super) source: PathBuf,
    pub(super) path: Vec<u8>,
    pub(super) landing: Landing<F>,
    pub(super) old: Old,
    pub(super) attrs: Attrs,
    pub(super) handle: Option<Vec<u8>>,
    /// Of what came.
    pub(super) value: Option<Value>,
    /// What a program there has said before everything came.
    pub(super) told: Option<Value>,
    pub(super) size: u64,
    /// It is no more what it was when it was opened.
    pub(super) has_changed: bool,
    pub(super) proof: Proof,
    pub(super) due: usize,
    pub(super) failure: Option<Failure>,
}
