//! What a command line asks for, and the reading of one by its definition.

use super::usage_error::{ParseError, Result};
use crate::account::Accounts;
use crate::archive::Wanted;
use crate::archive::check;
use crate::archive::repair::Repair;
use crate::doctor;
use crate::guard::Shortcut;
use crate::host::Environment;
use crate::install;
use crate::mv;
use crate::options::Options;
use crate::remote::client::Request;
use crate::remote::server::Server;
use crate::scan;
use crate::shard;
use crate::targets;
use crate::tree::plan::Operands;
use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What a command line asks for.
#[derive(Debug)]
pub enum Invocation {
    /// A copy.
    Copy {
        /// How.
        options: Box<Options>,
        /// What.
        operands: Operands,
        /// The manifest that is made of it.
        manifest: Option<Wanted>,
        /// What is told of it beside its messages.
        accounts: Accounts,
        /// What there is to say beforehand.
        warnings: Vec<String>,
    },
    /// A copy into several targets.
    Distribute(Box<targets::Request>),
    /// Files or directories to install.
    Install(Box<install::Request>),
    /// A copy to or from another machine.
    Transfer {
        /// What, and how.
        request: Box<Request>,
        /// The manifest that is made of it.
        manifest: Option<Wanted>,
        /// What is told of it beside its messages.
        accounts: Accounts,
    },
    /// The far end of one.
    Serve(Server),
    /// Names to move.
    Move(Box<mv::Request>),
    /// A manifest of what is there.
    Seal {
        /// What is read.
        operand: PathBuf,
        /// What lies on other filesystems is left out.
        one_file_system: bool,
        /// The manifest.
        wanted: Wanted,
        /// What is told of it beside its messages.
        accounts: Accounts,
        /// How many files are read at once; `None` for as many as there are processors.
        jobs: Option<NonZeroUsize>,
    },
    /// A comparison of a tree with a list, or with another tree.
    Check(check::Request),
    /// A tree that is mended.
    Repair(Repair),
    /// A search for victims of past copies.
    Scan(scan::Request),
    /// A share of a copy.
    Share(Box<shard::Request>),
    /// The end of a copy that shares have worked on.
    Finish {
        /// Which.
        about: shard::About,
        /// How many names are looked at at once; `None` for as many as there are processors.
        jobs: Option<NonZeroUsize>,
    },
    /// How far the shares of a copy are.
    Status(shard::About),
    /// A command to run under the guard.
    Guard {
        /// What it may not ask for.
        refused: Vec<Shortcut>,
        /// The command and its arguments: one or more.
        command: Vec<OsString>,
    },
    /// A look at the machine.
    Doctor(doctor::Request),
    /// A text for standard output: help or version.
    Text(String),
}

/// Reads the arguments of a program that stands in for GNU's, and answers --version too.
pub(super) fn parse_program(
    command: Command,
    arguments: Vec<OsString>,
    environment: &Environment,
    invocation: impl FnOnce(&ArgMatches) -> Result<Invocation>,
) -> Result<Invocation> {
    let command = if environment.posixly_correct {
        command.mut_arg("operands", |operands| operands.trailing_var_arg(true))
    } else {
        command
    };
    parse_with(command, arguments, |matches, command| {
        if matches.get_flag("version") {
            return Ok(Invocation::Text(format!("{}\n", command.render_version().trim_end())));
        }
        invocation(matches)
    })
}

/// Reads arguments by the definition, in getopt's words if that fails, and answers --help.
pub(super) fn parse_with(
    mut command: Command,
    arguments: Vec<OsString>,
    invocation: impl FnOnce(&ArgMatches, &Command) -> Result<Invocation>,
) -> Result<Invocation> {
    match command.try_get_matches_from_mut(arguments.clone()) {
        Ok(matches) if matches.get_flag("help") => Ok(Invocation::Text(command.render_help().to_string())),
        Ok(matches) => invocation(&matches, &command),
        Err(error) => Err(ParseError::getopt(&error, &command, &arguments)),
    }
}
