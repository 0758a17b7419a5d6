//! The command line of `--check`: a list and where its names lie, or two trees.

use super::accounts;
use super::definition::{flag, help, line, path, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{ParseError, Result, Syntax};
use crate::archive::check::{Reference, Request};
use crate::host::Environment;
use crate::quote::quoted;
use clap::{Arg, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// The option that it begins with.
pub(super) const MODE: &str = "check";

pub(super) const SYNTAX: Syntax = Syntax { help: "--check --help", status: 1 };

const ABOUT: &str = "Compare a tree with a list that was made of it, or with another tree; change nothing";

const AFTER_HELP: &str = "\
MANIFEST is a list that safecp --manifest has made, or one of mtree(5), b3sum, sha256sum, md5sum and
their like, dpkg (md5sums), pacman, Portage (CONTENTS), hashdeep, BagIt or MHL; - is standard input. Its
names lie in DIR (default: the current directory; / for names that begin there; the place of the list for
BagIt and MHL).

Other content with the same size and times is called damaged, with other times changed. Where a list has
no times it differs. What differs is read again, if possible from the device.

Exit status: 0 if everything is as listed, 1 otherwise.";

/// What `-` stands for.
const STANDARD_INPUT: &str = "/dev/stdin";

pub(super) fn usage(name: &str) -> String {
    format!(
        "{name} --check [--strict] [-x] [--jobs=N] MANIFEST [DIR]\n       {name} --check [-x] [--jobs=N] DIR --against DIR"
    )
}

/// The command line of `NAME --check`.
#[must_use]
pub fn check_command(name: &str) -> Command {
    line("safecp --check", ABOUT, usage(name), AFTER_HELP)
        .arg(flag(MODE, None, "compare").hide(true))
        .arg(path(valued("against", "DIR", "compare with the tree DIR, without a list").value_hint(ValueHint::DirPath)))
        .arg(flag("strict", None, "find also what is not listed, and directories with other times"))
        .arg(flag(
            "one-file-system",
            Some('x'),
            "look for what is not listed, or for what the other tree has, on one filesystem",
        ))
        .arg(valued("jobs", "N", "read N files, or parts of a large file, at once (default: one per processor)"))
        .args(accounts::of_examinations())
        .arg(help())
        .arg(path(Arg::new("paths").num_args(0..).value_name("PATH").value_hint(ValueHint::AnyPath).hide(true)))
}

/// What it asks for; `--check` is the first of the arguments after the name.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(check_command(&environment.called), arguments, |matches, _| request(matches).map(Invocation::Check))
}

fn request(matches: &ArgMatches) -> Result<Request> {
    let mut paths = matches.get_many::<OsString>("paths").into_iter().flatten().map(PathBuf::from);
    let against = matches.get_many::<OsString>("against").into_iter().flatten().last().map(PathBuf::from);
    let first = paths.next().ok_or_else(|| ParseError::new("missing operand"))?;
    let second = paths.next();
    let extra = if against.is_some() { second.clone() } else { paths.next() };
    if let Some(extra) = extra {
        return Err(ParseError::new(format!("extra operand {}", quoted(&extra))));
    }
    let (reference, root) = match against {
        Some(other) => (Reference::Tree(first), Some(other)),
        None if first.as_os_str() == "-" => (Reference::List(STANDARD_INPUT.into()), second),
        None => (Reference::List(first), second),
    };
    Ok(Request {
        reference,
        root,
        is_strict: matches.get_flag("strict"),
        one_file_system: matches.get_flag("one-file-system"),
        jobs: jobs(matches)?,
        accounts: accounts::wanted(matches),
    })
}

/// The number of jobs, if one is given.
pub(super) fn jobs(matches: &ArgMatches) -> Result<Option<NonZeroUsize>> {
    let Some(number) = matches.get_many::<String>("jobs").into_iter().flatten().last() else { return Ok(None) };
    let invalid = |_| ParseError::new(format!("invalid number of jobs: '{number}'"));
    number.parse().map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use crate::archive::check::{Reference, Request};
    use crate::host::environment;
    use std::ffi::OsString;
    use std::path::PathBuf;

    fn typed(line: &str) -> Result<Request, String> {
        let arguments = ["safecp", "--check"].into_iter().chain(line.split_whitespace()).map(OsString::from);
        match read(arguments, &environment()).map_err(|error| error.to_string())? {
            Invocation::Check(request) => Ok(request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_may_have_a_directory() {
        let request = typed("--strict m d").expect("sound");
        assert_eq!((request.reference, request.root), (Reference::List("m".into()), Some(PathBuf::from("d"))));
        assert!(
            request.is_strict && !request.one_file_system && typed("m").is_ok_and(|request| request.root.is_none())
        );
        assert!(typed("-x m d").is_ok_and(|request| request.one_file_system));
        assert_eq!(typed("- d").expect("sound").reference, Reference::List("/dev/stdin".into()));
        assert_eq!(typed("./-").expect("sound").reference, Reference::List("./-".into()));
        assert_eq!(typed("").expect_err("no list"), "missing operand");
        assert_eq!(typed("m d e").expect_err("too much"), "extra operand 'e'");
    }

    #[test]
    fn a_tree_has_another() {
        let request = typed("a --against b").expect("sound");
        assert_eq!((request.reference, request.root), (Reference::Tree("a".into()), Some(PathBuf::from("b"))));
        assert_eq!(typed("a c --against b").expect_err("too much"), "extra operand 'c'");
    }
}
