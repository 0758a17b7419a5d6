//! The command line of `--scan`: trees in which victims of past copies are looked for.

use super::accounts;
use super::check::jobs;
use super::definition::{flag, help, line, operands, paths, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{ParseError, Result, Syntax};
use crate::host::Environment;
use crate::scan::{Enters, Request, Sums};
use clap::{ArgMatches, Command};
use std::ffi::OsString;

/// The option that it begins with.
pub(super) const MODE: &str = "scan";

pub(super) const SYNTAX: Syntax = Syntax { help: "--scan --help", status: 1 };

const ABOUT: &str = "Find files that a past copy may have filled with zeros; change nothing";

const AFTER_HELP: &str = "\
Blocks of zeros are looked for where files of their kind have none: ELF, ar, zip, gzip, xz, zstd, bzip2, PNG, JPEG,
PDF, SQLite and git, told by content. So are files that begin with zeros although they are executable or have the name
of such a kind. A file of a Debian package that has a block of zeros is compared with the package's sum.

damaged: a checksum or a structure proves it. suspicious: no program is known to write such a file. unusual: few do.

Exit status: 0 if nothing was found, 1 otherwise.";

pub(super) fn usage(name: &str) -> String {
    format!("{name} --scan [--all-sums] [-x] [--jobs=N] DIR...")
}

/// The command line of `NAME --scan`.
#[must_use]
pub fn scan_command(name: &str) -> Command {
    line("safecp --scan", ABOUT, usage(name), AFTER_HELP)
        .arg(flag(MODE, None, "scan").hide(true))
        .arg(flag("all-sums", None, "compare all files of Debian packages with the packages' sums"))
        .arg(flag("one-file-system", Some('x'), "stay on this file system"))
        .arg(valued("jobs", "N", "read N files at once (default: one per processor)"))
        .args(accounts::of_examinations())
        .arg(help())
        .arg(operands("DIR"))
}

/// What it asks for; `--scan` is the first of the arguments after the name.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(scan_command(&environment.called), arguments, |matches, _| request(matches).map(Invocation::Scan))
}

fn request(matches: &ArgMatches) -> Result<Request> {
    let operands = paths(matches);
    if operands.is_empty() {
        return Err(ParseError::new("missing operand"));
    }
    let enters = if matches.get_flag("one-file-system") { Enters::One } else { Enters::All };
    let sums = if matches.get_flag("all-sums") { Sums::OfAll } else { Sums::OfZeros };
    Ok(Request { operands, enters, sums, jobs: jobs(matches)?, accounts: accounts::wanted(matches) })
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use crate::host::environment;
    use crate::scan::{Enters, Request, Sums};
    use std::ffi::OsString;
    use std::path::PathBuf;

    fn typed(line: &str) -> Result<Request, String> {
        let arguments = ["safecp", "--scan"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        match read(arguments, &environment()).map_err(|error| error.to_string())? {
            Invocation::Scan(request) => Ok(request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn trees_may_be_several() {
        let request = typed("a -x b --jobs=3 --all").expect("sound");
        assert_eq!(request.operands, ["a", "b"].map(PathBuf::from));
        assert_eq!((request.enters, request.sums), (Enters::One, Sums::OfAll));
        assert_eq!(request.jobs.map(usize::from), Some(3));
        let plain = typed("a").expect("sound");
        assert_eq!((plain.enters, plain.sums, plain.jobs), (Enters::All, Sums::OfZeros, None));
        assert_eq!(typed("").expect_err("no tree"), "missing operand");
        assert_eq!(typed("a --jobs=0").expect_err("no job"), "invalid number of jobs: '0'");
    }
}
