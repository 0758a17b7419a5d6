//! The command lines of `--finish` and `--status`: a target that shards copy to.

use super::check::jobs;
use super::definition::{flag, help, line, path, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{ParseError, Result, Syntax};
use crate::host::Environment;
use crate::quote::quoted;
use crate::shard::About;
use clap::{Arg, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// The option that the one begins with.
pub(super) const FINISH: &str = "finish";

/// The option that the other begins with.
pub(super) const STATUS: &str = "status";

pub(super) const FINISH_SYNTAX: Syntax = Syntax { help: "--finish --help", status: 1 };
pub(super) const STATUS_SYNTAX: Syntax = Syntax { help: "--status --help", status: 1 };

const ABOUT_FINISH: &str = "Finish a copy whose shards are all complete, and say success only if nothing is missing";

const AFTER_FINISH: &str = "\
DEST is the target that safecp --shard=K/N was given. Every shard must be complete; those that are not are named. Then
each name of the sources is looked up in DEST, directories get their owner, mode, attributes and times, and the
records of the shards are removed. A run that was interrupted can be started again.

Exit status: 0 if the copy is complete and finished, 1 otherwise.";

const ABOUT_STATUS: &str = "Tell how far the shards of a copy are; change nothing";

const AFTER_STATUS: &str = "\
Exit status: 0 if all shards are complete, 1 otherwise.";

pub(super) fn usage_finish(name: &str) -> String {
    format!("{name} --finish [--state=DIR] [--jobs=N] DEST")
}

pub(super) fn usage_status(name: &str) -> String {
    format!("{name} --status [--state=DIR] DEST")
}

/// The command line of `NAME --finish`.
#[must_use]
pub fn finish_command(name: &str) -> Command {
    define(line("safecp --finish", ABOUT_FINISH, usage_finish(name), AFTER_FINISH))
        .arg(flag(FINISH, None, "finish").hide(true))
        .arg(valued("jobs", "N", "look at N names at once (default: one per processor)"))
}

/// The command line of `NAME --status`.
#[must_use]
pub fn status_command(name: &str) -> Command {
    define(line("safecp --status", ABOUT_STATUS, usage_status(name), AFTER_STATUS))
        .arg(flag(STATUS, None, "tell").hide(true))
}

fn define(command: Command) -> Command {
    command
        .arg(path(valued("state", "DIR", "find the records of shards in DIR").value_hint(ValueHint::DirPath)))
        .arg(help())
        .arg(path(Arg::new("paths").num_args(0..).value_name("PATH").value_hint(ValueHint::DirPath).hide(true)))
}

/// What `--finish` asks for.
pub(super) fn parse_finish(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(finish_command(&environment.called), arguments, |matches, _| {
        Ok(Invocation::Finish { about: about(matches)?, jobs: jobs(matches)? })
    })
}

/// What `--status` asks for.
pub(super) fn parse_status(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(status_command(&environment.called), arguments, |matches, _| about(matches).map(Invocation::Status))
}

fn about(matches: &ArgMatches) -> Result<About> {
    let mut paths = matches.get_many::<OsString>("paths").into_iter().flatten().map(PathBuf::from);
    let target = paths.next().ok_or_else(|| ParseError::new("missing operand"))?;
    if let Some(extra) = paths.next() {
        return Err(ParseError::new(format!("extra operand {}", quoted(&extra))));
    }
    let state = matches.get_many::<OsString>("state").into_iter().flatten().last().map(PathBuf::from);
    Ok(About { target, state })
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use super::About;
    use crate::host::environment;
    use std::ffi::OsString;

    fn typed(line: &str) -> Result<Invocation, String> {
        let arguments = ["safecp"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        read(arguments, &environment()).map_err(|error| error.to_string())
    }

    #[test]
    fn both_take_one_target() {
        for mode in ["--finish", "--status"] {
            let Ok(Invocation::Finish { about, .. } | Invocation::Status(about)) =
                typed(&format!("{mode} d --state=s"))
            else {
                panic!("{mode}")
            };
            assert_eq!(about, About { target: "d".into(), state: Some("s".into()) });
            assert_eq!(typed(mode).expect_err("no target"), "missing operand");
            assert_eq!(typed(&format!("{mode} d e")).expect_err("two targets"), "extra operand 'e'");
        }
    }
}
