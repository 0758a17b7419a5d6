//! The options that ask for more than messages: how each is spelled, and what help says of it. Every command line that goes
//! through many files has them.

use super::definition::{flag, path, valued};
use crate::account::{Accounts, Progress, ReportTo, Summary};
use clap::{Arg, ArgMatches, ValueHint};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

pub(super) fn report() -> Arg {
    let help = "write a line of JSON to FILE for each name, and one at the end; '-' is standard output";
    valued("report", "FILE", help).value_hint(ValueHint::FilePath)
}

pub(super) fn digests() -> Arg {
    flag("digests", None, "with --report: take the BLAKE3 digest of every file that is read, and tell it")
}

/// All of them where nothing is copied, and no digest is taken for them.
pub(super) fn of_examinations() -> [Arg; 3] {
    [path(report()), summary(), progress()]
}

/// What was typed of these.
pub(super) fn wanted(matches: &ArgMatches) -> Accounts {
    let files = matches.get_many::<OsString>("report").into_iter().flatten();
    let report = files.last().map(|file| report_to(file));
    let progress = if matches.get_flag("progress") { Progress::Shown } else { Progress::No };
    let has_summary = matches.get_flag("summary") || progress == Progress::Shown;
    Accounts { report, summary: if has_summary { Summary::AtEnd } else { Summary::No }, progress }
}

pub(super) fn summary() -> Arg {
    flag("summary", None, "say on standard error in the end what the run came to")
}

pub(super) fn progress() -> Arg {
    flag("progress", None, "show on standard error how far the run is, and --summary in the end")
}

/// Where lines of JSON go.
pub(super) fn report_to(file: &OsStr) -> ReportTo {
    if file == "-" { ReportTo::Output } else { ReportTo::File(PathBuf::from(file)) }
}
