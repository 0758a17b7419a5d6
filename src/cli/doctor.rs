//! The command line of `--doctor`: what to look at, where to write it down, and where to try it.

use super::definition::{flag, help, line, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{ParseError, Result, Syntax};
use crate::doctor::{Detail, Request, Wanted, raw};
use crate::host::Environment;
use crate::known::programs::Ask;
use clap::{Arg, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The option that it begins with.
pub(super) const MODE: &str = "doctor";

pub(super) const SYNTAX: Syntax = Syntax { help: "--doctor --help", status: 1 };

const ABOUT: &str = "Tell whether programs of this machine can copy wrongly here, and why; change nothing";

const AFTER_HELP: &str = "\
Without PATH every mounted filesystem that keeps files is looked at. --try makes a directory
of its own in DIR, in at most 64 MiB and a minute, and removes it again: files that OpenZFS
is known to tell wrongly of, copied by cp, by each call alone and by safecp, and compared
with what they must hold.

Exit status: 0 if nothing is known that can go wrong here, 1 if something could not be
examined (or if safecp itself copied wrongly), 2 if there is a risk.";

pub(super) fn usage(name: &str) -> String {
    format!("{name} --doctor [-v] [--report=FILE] [--try=DIR] [PATH]...")
}

/// The command line of `NAME --doctor`.
#[must_use]
pub fn doctor_command(name: &str) -> Command {
    let file = |arg: Arg| arg.value_parser(clap::value_parser!(OsString));
    line("safecp --doctor", ABOUT, usage(name), AFTER_HELP)
        .arg(flag(MODE, None, "look at this machine").hide(true))
        .arg(file(
            valued(
                "report",
                "FILE",
                "write the same as JSON to FILE; with '-' to standard output, in the place of the page",
            )
            .value_hint(ValueHint::FilePath),
        ))
        .arg(file(valued("try", "DIR", "make copies in DIR and compare them").value_hint(ValueHint::DirPath)))
        .arg(flag("verbose", Some('v'), "tell all that was looked at"))
        .arg(valued("copier", "CALL", "copy PATH to PATH by this call alone: the trial's own use").hide(true))
        .arg(help())
        .arg(file(Arg::new("paths").num_args(0..).value_name("PATH").value_hint(ValueHint::AnyPath).hide(true)))
}

/// What it asks for; `--doctor` is the first of the arguments after the name.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(doctor_command(&environment.called), arguments, |matches, _| invocation(matches))
}

fn invocation(matches: &ArgMatches) -> Result<Invocation> {
    let paths: Vec<PathBuf> = matches.get_many::<OsString>("paths").into_iter().flatten().map(PathBuf::from).collect();
    let task = match matches.get_many::<String>("copier").into_iter().flatten().last() {
        Some(word) => copy(word, paths)?,
        None => {
            let report = last(matches, "report");
            let is_output = report.as_deref() == Some(Path::new("-"));
            let detail = match (is_output, matches.get_flag("verbose")) {
                (true, _) => Detail::Json,
                (false, true) => Detail::Everything,
                (false, false) => Detail::Risks,
            };
            let report = report.filter(|_| !is_output);
            Request::Examine(Wanted { paths, report, try_in: last(matches, "try"), detail })
        }
    };
    Ok(Invocation::Doctor(task))
}

fn last(matches: &ArgMatches, id: &str) -> Option<PathBuf> {
    matches.get_many::<OsString>(id).into_iter().flatten().last().map(PathBuf::from)
}

fn copy(word: &str, paths: Vec<PathBuf>) -> Result<Request> {
    let Some(call) = Ask::ALL.into_iter().find(|call| raw::word(*call) == word) else {
        return Err(ParseError::new(format!("--copier knows no call '{word}'")));
    };
    match <[PathBuf; 2]>::try_from(paths) {
        Ok([source, target]) => Ok(Request::Copy { call, source, target }),
        Err(_) => Err(ParseError::new("--copier takes a source and a target")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use crate::doctor::Request;
    use crate::host::environment;
    use crate::known::programs::Ask;
    use std::ffi::OsString;
    use std::path::PathBuf;

    fn typed(line: &str) -> Result<Request, String> {
        let arguments = ["safecp", "--doctor"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        match read(arguments, &environment()).map_err(|error| error.to_string())? {
            Invocation::Doctor(task) => Ok(task),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn paths_and_options_may_stand_in_any_order() {
        let Ok(Request::Examine(wanted)) = typed("/a --try=/d /b --report r") else { panic!("sound") };
        assert_eq!(wanted.paths, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!((wanted.report, wanted.try_in), (Some(PathBuf::from("r")), Some(PathBuf::from("/d"))));
    }

    #[test]
    fn options_of_cp_are_none_of_its() {
        assert_eq!(typed("-a x").expect_err("an option of cp"), "invalid option -- 'a'");
        assert_eq!(typed("--try").expect_err("no directory"), "option '--try' requires an argument");
    }

    #[test]
    fn a_copier_has_a_source_and_a_target() {
        let Ok(Request::Copy { call, .. }) = typed("--copier=ficlone a b") else { panic!("sound") };
        assert_eq!(call, Ask::Ficlone);
        assert!(typed("--copier=ficlone a").is_err() && typed("--copier=rename a b").is_err());
    }
}
