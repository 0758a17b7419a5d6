//! Moving: a rename within a filesystem; across filesystems a copy that is verified and written out before its source goes.
//!
//! A [`Request`] enters. A name that can be renamed costs one call, and nothing is asked of the machine for it. What has to
//! be copied is left to a run of [`crate::tree`]; of a source only that is removed which has its copy. Nothing here
//! reads or writes a regular file.

mod crossing;
mod destination;
mod mover;
mod removal;
mod same;

pub use crossing::{Prepared, Watch};
pub use mover::Mover;

use crate::account::Accounts;
use crate::options::Options;
use crate::tree::plan::Operands;

/// What a command line of mv asks for.
#[derive(Debug)]
pub struct Request {
    /// What is moved, and where to.
    pub operands: Operands,
    /// How what cannot be renamed is copied, which existing targets are replaced, and what is said.
    pub options: Options,
    /// Which existing targets the user is asked about.
    pub asks: Asks,
    /// How a name is moved.
    pub way: MoveMethod,
    /// What is told of it beside its messages.
    pub accounts: Accounts,
    /// What there is to say beforehand.
    pub warnings: Vec<String>,
}

/// Which existing targets the user is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// None (-f).
    Never,
    /// All (-i).
    Always,
    /// Those that he may not write, if standard input is a terminal.
    OfUnwritable,
}

/// How a name is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoveMethod {
    /// Renamed, and copied where that cannot be.
    RenameOrCopy,
    /// Renamed (--no-copy).
    Rename,
    /// It gets the name of what is there, and that gets its (--exchange).
    Exchange,
}
