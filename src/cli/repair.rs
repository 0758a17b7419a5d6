//! The command line of `--repair`: a list, a tree, and other copies of it.

use super::accounts;
use super::check::jobs;
use super::definition::{flag, help, line, path, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{ParseError, Result, Syntax};
use crate::archive::repair::Repair;
use crate::host::Environment;
use crate::quote::quoted;
use clap::{Arg, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// The option that it begins with.
pub(super) const MODE: &str = "repair";

pub(super) const SYNTAX: Syntax = Syntax { help: "--repair --help", status: 1 };

const ABOUT: &str = "Mend what is damaged or missing in a tree, from other copies of it and by a list";

const AFTER_HELP: &str = "\
The tree is checked as by --check. A damaged file is put together of those of its chunks that are right and of
chunks of the copies, each of which is proved by its digest first; for that the manifest's companion
(MANIFEST.chunks) must be there, else a copy must have the whole file. What was changed, moved or added stays.

Exit status: 0 if nothing is damaged or missing any more, 1 otherwise, and where a list without times does not
tell damage from a change.";

pub(super) fn usage(name: &str) -> String {
    format!("{name} --repair [--jobs=N] MANIFEST DIR --from=COPY...")
}

/// The command line of `NAME --repair`.
#[must_use]
pub fn repair_command(name: &str) -> Command {
    line("safecp --repair", ABOUT, usage(name), AFTER_HELP)
        .arg(flag(MODE, None, "mend").hide(true))
        .arg(path(
            valued("from", "COPY", "take what is right from this copy; may be given several times")
                .value_hint(ValueHint::DirPath),
        ))
        .arg(valued("jobs", "N", "read N files, or parts of a large file, at once (default: one per processor)"))
        .args(accounts::of_examinations())
        .arg(help())
        .arg(path(Arg::new("paths").num_args(0..).value_name("PATH").value_hint(ValueHint::AnyPath).hide(true)))
}

/// What it asks for; `--repair` is the first of the arguments after the name.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(repair_command(&environment.called), arguments, |matches, _| request(matches).map(Invocation::Repair))
}

fn request(matches: &ArgMatches) -> Result<Repair> {
    let values = |id| matches.get_many::<OsString>(id).into_iter().flatten().map(PathBuf::from);
    let mut paths = values("paths");
    let list = paths.next().ok_or_else(|| ParseError::new("missing operand"))?;
    let missing = || ParseError::new(format!("missing operand after {}", quoted(&list)));
    let root = paths.next().ok_or_else(missing)?;
    if let Some(extra) = paths.next() {
        return Err(ParseError::new(format!("extra operand {}", quoted(&extra))));
    }
    let copies: Vec<PathBuf> = values("from").collect();
    if copies.is_empty() {
        return Err(ParseError::new("--repair needs another copy, named with --from"));
    }
    Ok(Repair { list, root, copies, jobs: jobs(matches)?, accounts: accounts::wanted(matches) })
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use crate::archive::repair::Repair;
    use crate::host::environment;
    use std::ffi::OsString;
    use std::path::PathBuf;

    fn typed(line: &str) -> Result<Repair, String> {
        let arguments = ["safecp", "--repair"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        match read(arguments, &environment()).map_err(|error| error.to_string())? {
            Invocation::Repair(repair) => Ok(repair),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn copies_may_be_several() {
        let repair = typed("m d --from=a --from b").expect("sound");
        assert_eq!((repair.list, repair.root), (PathBuf::from("m"), PathBuf::from("d")));
        assert_eq!(repair.copies, ["a", "b"].map(PathBuf::from));
        assert_eq!(typed("m d").expect_err("no copy"), "--repair needs another copy, named with --from");
        assert_eq!(typed("m --from=a").expect_err("no tree"), "missing operand after 'm'");
    }
}
