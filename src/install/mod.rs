//! What install does beside copying: directories, and the numbers of owners by their names.
//!
//! A [`Request`] enters. Files are left to a run of [`crate::tree`], whose options say what is given to them; directories
//! are made here. Nothing here reads or writes a regular file.

mod directories;
mod owner;

pub use directories::{Directories, DirectoryMode};
pub use owner::{Owner, owner};

use crate::account::Accounts;
use crate::options::{Options, Verbosity};
use crate::tree::plan::Operands;
use std::ffi::OsString;
use std::path::PathBuf;

/// What a command line of install asks for.
#[derive(Debug)]
pub struct Request {
    /// What is made.
    pub task: Task,
    /// What is said of a success.
    pub verbosity: Verbosity,
    /// The owner, by name or number.
    pub owner: Option<OsString>,
    /// The group, likewise.
    pub group: Option<OsString>,
    /// What is told of it beside its messages.
    pub accounts: Accounts,
    /// What there is to say beforehand.
    pub notes: Vec<String>,
}

/// What install makes.
#[derive(Debug)]
pub enum Task {
    /// Directories with these names, and what is missing above them.
    Directories {
        /// Their names; at least one.
        names: Vec<PathBuf>,
        /// The bits that they get.
        mode: DirectoryMode,
    },
    /// Copies of files.
    Files(Box<Files>),
}

/// Files to install.
#[derive(Debug)]
pub struct Files {
    /// How.
    pub options: Options,
    /// What, and where to.
    pub operands: Operands,
    /// What is missing above the target is made (-D).
    pub makes_leading: bool,
}
