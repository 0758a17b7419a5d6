//! The command line of mv.

use super::accounts;
use super::definition::{OURS, flag, help, letter, line, operands, optional, paths, valued};
use super::draft::Draft;
use super::invocation::{Invocation, parse_program};
use super::option::{CommandOption, Meaning, apply, option};
use super::usage_error::{ParseError, Result};
use super::values::UPDATES;
use super::words::one_of;
use crate::account::Summary;
use crate::host::Environment;
use crate::mv::{Asks, MoveMethod, Request};
use crate::options::{Dereference, Keep, Options, Preserve, Removal, Update, Verbosity, Work};
use clap::{ArgMatches, Command, ValueHint};
use std::ffi::OsString;

const ABOUT: &str = "\
Rename SOURCE to DEST, or move SOURCE(s) to DIRECTORY. What has to be copied to another
filesystem is read back and written out before its source is removed";

const AFTER_HELP: &str = "\
If you specify more than one of -i, -f, -n, only the final one takes effect.

UPDATE controls which existing files are replaced: all (the default), none, which is no failure,
none-fail, which is one, or older, only those that are older than their source.

CONTROL is none or off (no backups, even if --backup is given), numbered or t, existing or nil
(numbered if numbered backups exist, simple otherwise; the default), simple or never. The
suffix of simple backups is '~', unless set with --suffix or SIMPLE_BACKUP_SUFFIX; CONTROL
may be set with VERSION_CONTROL as well.

Exit status: 0 if everything was moved, 1 otherwise. Of an operand that could not be copied
whole to another filesystem nothing is removed.";

/// What was typed so far.
struct MvDraft {
    /// What cp has as well.
    common: Draft,
    /// -i, -f or -n, whichever came last.
    clobbers: Option<Clobbers>,
    exchanges: bool,
    copies: bool,
    backs_up: bool,
}

/// What -i, -f and -n say.
#[derive(Clone, Copy, PartialEq)]
enum Clobbers {
    Asked,
    Always,
    Never,
}

/// The command line of mv, of a program that is called `name`.
#[must_use]
pub fn mv_command(name: &str) -> Command {
    let forms = ["[-T] SOURCE DEST", "SOURCE... DIRECTORY", "-t DIRECTORY SOURCE..."];
    let usage = forms.map(|form| format!("{name} [OPTION]... {form}")).join("\n       ");
    line("mv", ABOUT, usage, AFTER_HELP)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(operands("SOURCE... DEST"))
        .next_help_heading(OURS)
        .args(of_ours().into_iter().map(CommandOption::into_arg))
        .next_help_heading("The options of mv")
        .args(of_gnu().into_iter().map(CommandOption::into_arg))
        .arg(help())
        .arg(flag("version", None, "print the version"))
}

fn options() -> Vec<CommandOption<MvDraft>> {
    of_gnu().into_iter().chain(of_ours()).collect()
}

#[rustfmt::skip]
fn of_gnu() -> Vec<CommandOption<MvDraft>> {
    use Meaning::{Flag, Value, Word};
    vec![
        option(optional("backup", "CONTROL", "", "make a backup of each existing destination file"),
            Word(|draft, control| { draft.backs_up = true; draft.common.backup(control) })),
        option(letter("backup-default", 'b', "like --backup but does not accept an argument"),
            Flag(|draft| { draft.backs_up = true; draft.common.backup_by_default(); })),
        option(flag("debug", None, "explain how a file is copied and why, with its digest; implies -v").alias("d"),
            Flag(|draft| draft.common.says(Verbosity::Decisions))),
        option(flag("exchange", None, "exchange source and destination"),
            Flag(|draft| draft.exchanges = true)),
        option(flag("force", Some('f'), "do not prompt before overwriting"),
            Flag(|draft| draft.clobbers = Some(Clobbers::Always))),
        option(flag("interactive", Some('i'), "prompt before overwrite"),
            Flag(|draft| draft.clobbers = Some(Clobbers::Asked))),
        option(flag("no-clobber", Some('n'), "do not overwrite an existing file"),
            Flag(|draft| draft.clobbers = Some(Clobbers::Never))),
        option(flag("no-copy", None, "do not copy if renaming fails"),
            Flag(|draft| draft.copies = false)),
        option(flag("strip-trailing-slashes", None, "remove any trailing slashes from each SOURCE argument"),
            Flag(|draft| draft.common.strips = true)),
        option(valued("suffix", "SUFFIX", "what the names of simple backups end in (default: ~)").short('S').alias("su"),
            Value(|draft, suffix| { draft.backs_up = true; draft.common.suffix(suffix) })),
        option(valued("target-directory", "DIRECTORY", "move all SOURCE arguments into DIRECTORY")
                .short('t').value_hint(ValueHint::DirPath),
            Value(|draft, directory| draft.common.target_directory(directory))),
        option(flag("no-target-directory", Some('T'), "treat DEST as a normal file"),
            Flag(|draft| draft.common.no_target_directory = true)),
        option(optional("update", "UPDATE", "older", "control which existing files are replaced: all, none, none-fail, older (default)"),
            Word(|draft, word| { draft.common.options.update = one_of("--update", word, &UPDATES)?; Ok(()) })),
        option(letter("update-older", 'u', "equivalent to --update[=older]"),
            Flag(|draft| draft.common.options.update = Update::Older)),
        option(flag("verbose", Some('v'), "explain what is being done"),
            Flag(|draft| draft.common.says(Verbosity::Names))),
        option(flag("context", Some('Z'), "set the security context of the destination to the default of the kernel's policy"),
            Flag(|draft| draft.common.sets_context = true)),
    ]
}

/// What GNU's has not: long only, so that none takes a letter from it.
#[rustfmt::skip]
fn of_ours() -> Vec<CommandOption<MvDraft>> {
    use Meaning::{Flag, Value, Word};
    vec![
        option(valued("verify", "HOW", "read every copy back: content (default), map, blake3, device, none"),
            Word(|draft, how| draft.common.verify(how))),
        option(valued("jobs", "N", "copy N files, or parts of a large file, at once (default: one per processor; 1 with -v)"),
            Word(|draft, number| draft.common.jobs(number))),
        option(accounts::report(),
            Value(|draft, file| draft.common.report(file))),
        option(accounts::digests(),
            Flag(|draft| draft.common.takes_digests = true)),
        option(accounts::summary(),
            Flag(|draft| draft.common.accounts.summary = Summary::AtEnd)),
        option(accounts::progress(),
            Flag(|draft| draft.common.progress())),
    ]
}

/// What it asks for.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    let command = mv_command(&environment.called);
    parse_program(command, arguments, environment, |matches| invocation(matches, environment))
}

fn invocation(matches: &ArgMatches, environment: &Environment) -> Result<Invocation> {
    let common = Draft::new();
    let mut draft = MvDraft { common, clobbers: None, exchanges: false, copies: true, backs_up: false };
    apply(&options(), matches, &mut draft)?;
    draft.decide(matches, environment).map(|request| Invocation::Move(Box::new(request)))
}

impl MvDraft {
    fn decide(mut self, matches: &ArgMatches, environment: &Environment) -> Result<Request> {
        let options = &mut self.common.options;
        if self.clobbers == Some(Clobbers::Never) {
            options.update = Update::Nothing;
        }
        // That of GNU's cp -a, where what cannot be kept is said and the file is moved all the same.
        options.preserve = Preserve {
            mode: Keep::Warn,
            ownership: Keep::Warn,
            timestamps: Keep::Warn,
            links: Keep::Must,
            context: Keep::Try,
            xattr: Keep::Warn,
            default_mode: false,
        };
        let keeps_existing = matches!(options.update, Update::Nothing | Update::NothingFail);
        if self.backs_up && (self.exchanges || keeps_existing) {
            // What is wrong with the operands is said first.
            let why = "cannot combine --backup with --exchange, -n, or --update=none-fail";
            return Err(self.common.operands(paths(matches)).err().unwrap_or_else(|| ParseError::new(why)));
        }
        self.common.dereference = Some(Dereference::Never);
        let (common, warnings) = self.common.decide(environment)?;
        let options =
            Options { work: Work::Move, recursive: true, removal: Removal::Always, require_stable: true, ..common };
        let asks = match self.clobbers {
            None => Asks::OfUnwritable,
            Some(Clobbers::Asked) => Asks::Always,
            Some(Clobbers::Always | Clobbers::Never) => Asks::Never,
        };
        let way = match (self.exchanges, self.copies) {
            (true, _) => MoveMethod::Exchange,
            (false, true) => MoveMethod::RenameOrCopy,
            (false, false) => MoveMethod::Rename,
        };
        let operands = self.common.operands(paths(matches))?;
        let accounts = self.common.wanted_accounts()?;
        Ok(Request { operands, options, asks, way, accounts, warnings })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, as_named, read};
    use crate::host::environment;
    use crate::mv::{Asks, Request};
    use crate::options::Update;
    use std::ffi::OsString;

    fn typed(line: &str) -> Result<Request, String> {
        let arguments = ["safecp", "--as=mv"].into_iter().chain(line.split_whitespace());
        let (arguments, environment) = as_named(arguments.map(OsString::from).collect(), environment());
        match read(arguments, &environment).map_err(|error| error.to_string())? {
            Invocation::Move(request) => Ok(*request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_of_i_f_and_n_counts() {
        let of = |line| typed(line).map(|request| (request.asks, request.options.update)).expect("sound");
        assert_eq!(of("a b"), (Asks::OfUnwritable, Update::All));
        assert_eq!(of("-n -i a b"), (Asks::Always, Update::All));
        assert_eq!(of("-i -f a b"), (Asks::Never, Update::All));
        assert_eq!(of("-u -n a b"), (Asks::Never, Update::Nothing));
        assert_eq!(of("-u -i a b"), (Asks::Always, Update::Older));
    }

    #[test]
    fn what_cannot_be_together_is_refused() {
        let both = "cannot combine --backup with --exchange, -n, or --update=none-fail";
        for line in ["-b -n a b", "--exchange --backup a b", "-S x --update=none-fail a b"] {
            assert_eq!(typed(line).expect_err("a usage error"), both, "{line}");
        }
        assert_eq!(typed("-b -n a").expect_err("no target"), "missing destination file operand after 'a'");
        assert!(typed("--context=x a b").is_err(), "unlike cp's it takes no value");
    }
}
