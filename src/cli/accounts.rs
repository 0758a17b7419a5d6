//! The options that ask for more than messages: how each is spelled, and what help says of it. Every command line that goes
//! through many files has them.

use super::definition::{flag, valued};
use crate::account::ReportTo;
use clap::{Arg, ValueHint};
use std::ffi::OsStr;
use std::path::PathBuf;

pub(super) fn report() -> Arg {
    let help = "write a line of JSON to FILE for each name, and one at the end; '-' is standard output";
    valued("report", "FILE", help).value_hint(ValueHint::FilePath)
}

pub(super) fn digests() -> Arg {
    flag("digests", None, "with --report: take the BLAKE3 digest of every file that is read, and tell it")
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
