//! The command line of `--guard`: options up to the command, and none of them cp's.

use super::definition::{flag, help, line, valued};
use super::invocation::{Invocation, parse_with};
use super::usage_error::{ParseError, Result, Syntax};
use crate::guard::{FAILED, Shortcut};
use crate::host::Environment;
use clap::{Arg, ArgMatches, Command, ValueHint};
use std::ffi::OsString;

/// The option that it begins with.
pub(super) const MODE: &str = "guard";

pub(super) const SYNTAX: Syntax = Syntax { help: "--guard --help", status: FAILED };

const ABOUT: &str = "Run a command, and all that it starts, that can use no clone, no hole and no copy by the kernel";

const AFTER_HELP: &str = "\
WHAT is a comma-separated list: clones (FICLONE and FICLONERANGE, which are refused with
EOPNOTSUPP), offload (copy_file_range, with EXDEV), holes (lseek with SEEK_DATA and
SEEK_HOLE, with EINVAL). Programs know these errors from other filesystems and read and
write plainly instead, which is right on ZFS too.

COMMAND takes the place of this program. A user without CAP_SYS_ADMIN can install the
filter only with no_new_privs, which is said: set-user-ID programs such as sudo gain
nothing under COMMAND then.

Exit status: COMMAND's; 125 if the guard cannot be set up, 126 if COMMAND cannot be
executed, 127 if it is not found.";

pub(super) fn usage(name: &str) -> String {
    format!("{name} --guard [--allow=WHAT] [--] COMMAND [ARG]...")
}

/// The command line of `NAME --guard`.
#[must_use]
pub fn guard_command(name: &str) -> Command {
    line("safecp --guard", ABOUT, usage(name), AFTER_HELP)
        .arg(flag(MODE, None, "run COMMAND under the guard").hide(true))
        .arg(valued("allow", "WHAT", "leave these calls alone: clones, offload, holes"))
        .arg(help())
        .arg(
            Arg::new("command")
                .num_args(0..)
                .trailing_var_arg(true)
                .value_name("COMMAND")
                .value_hint(ValueHint::CommandWithArguments)
                .value_parser(clap::value_parser!(OsString))
                .hide(true),
        )
}

/// What it asks for; `--guard` is the first of the arguments after the name.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    parse_with(guard_command(&environment.called), arguments, |matches, _| invocation(matches))
}

fn invocation(matches: &ArgMatches) -> Result<Invocation> {
    let mut refused = Shortcut::ALL.to_vec();
    for word in matches.get_many::<String>("allow").into_iter().flatten().flat_map(|list| list.split(',')) {
        let allowed = shortcut(word)?;
        refused.retain(|shortcut| *shortcut != allowed);
    }
    if refused.is_empty() {
        return Err(ParseError::new("--allow leaves nothing to guard against"));
    }
    let command: Vec<OsString> = matches.get_many("command").into_iter().flatten().cloned().collect();
    if command.is_empty() {
        return Err(ParseError::new("missing command"));
    }
    Ok(Invocation::Guard { refused, command })
}

/// The words of --allow.
fn shortcut(word: &str) -> Result<Shortcut> {
    let words = Shortcut::ALL.map(|shortcut| (named(shortcut), shortcut));
    match words.iter().find(|(name, _)| *name == word) {
        Some((_, shortcut)) => Ok(*shortcut),
        None => Err(ParseError::Word {
            word: word.to_owned(),
            context: "--allow".to_owned(),
            is_ambiguous: false,
            valid: words.iter().map(|(name, _)| vec![*name]).collect(),
        }),
    }
}

fn named(shortcut: Shortcut) -> &'static str {
    match shortcut {
        Shortcut::Clones => "clones",
        Shortcut::Offload => "offload",
        Shortcut::Holes => "holes",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, read};
    use crate::guard::Shortcut;
    use crate::host::environment;
    use std::ffi::OsString;

    fn typed(line: &str) -> Result<(Vec<Shortcut>, Vec<OsString>), String> {
        let arguments = line.split(' ').filter(|word| !word.is_empty());
        let arguments = ["safecp", "--guard"].into_iter().chain(arguments).map(OsString::from);
        match read(arguments, &environment()).map_err(|error| error.to_string())? {
            Invocation::Guard { refused, command } => Ok((refused, command)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let (refused, command) = typed("make -j4 --allow=holes -- x").expect("sound");
        assert_eq!(refused, Shortcut::ALL);
        assert_eq!(command, ["make", "-j4", "--allow=holes", "--", "x"]);
        assert_eq!(typed("-- --help").expect("sound").1, ["--help"]);
    }

    #[test]
    fn what_is_allowed_is_not_refused() {
        assert_eq!(typed("--allow=holes,clones true").expect("sound").0, [Shortcut::Offload]);
        assert_eq!(typed("--allow=holes --allow offload true").expect("sound").0, [Shortcut::Clones]);
        assert!(typed("--allow=seeks true").expect_err("no such word").contains("clones"));
        let nothing = typed("--allow=holes,clones,offload true").expect_err("nothing is left");
        assert_eq!(nothing, "--allow leaves nothing to guard against");
    }

    #[test]
    fn a_guard_without_a_command_is_wrong() {
        assert_eq!(typed("").expect_err("no command"), "missing command");
        assert_eq!(typed("--").expect_err("no command"), "missing command");
        assert_eq!(typed("-a true").expect_err("an option of cp"), "invalid option -- 'a'");
    }
}
