//! One tree over several runs of safecp: what each copies, what it writes down, and the end of all (docs/design/shards.md).
//!
//! A command line and the tree's names enter; records and verdicts leave. Nothing here copies a file, and nothing here talks
//! to another process: runs meet in the state directory alone.

pub mod auto;
mod directory;
pub mod finish;
mod known;
mod line;
mod lists;
mod lock;
mod log;
mod path_key;
pub mod plan;
pub mod planner;
mod ranges;
pub mod share;
pub mod state;
pub mod status;
mod written;

use crate::account::ReportTo;
use crate::archive::Wanted;
use crate::options::Options;
use crate::tree::plan::Operands;
use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Which share of how many: from 1 to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// This one.
    pub number: NonZeroU32,
    /// All of them.
    pub count: NonZeroU32,
}

/// Which share is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    Told(Number),
    /// The one that a batch system names in the environment.
    Auto,
    /// None: a list is to be made for each of so many.
    Lists(NonZeroU32),
}

/// A share of a copy that is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// How.
    pub options: Options,
    /// What.
    pub operands: Operands,
    /// Which share of it.
    pub which: Which,
    /// Where records are kept; `None` for a directory in the target.
    pub state: Option<PathBuf>,
    /// The manifest that is made of the whole.
    pub manifest: Option<Wanted>,
    /// Where the report of the whole goes.
    pub report: Option<ReportTo>,
    /// The command line, from which the end is worked out.
    pub arguments: Vec<OsString>,
    /// What there is to say beforehand.
    pub warnings: Vec<String>,
}

/// What is asked of a copy that shares work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The target as it was given to the shares.
    pub target: PathBuf,
    /// Where records are kept; `None` for a directory in the target.
    pub state: Option<PathBuf>,
}
