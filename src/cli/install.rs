//! The command line of install.

use super::accounts;
use super::definition::{OURS, flag, help, letter, line, operands, optional, paths, valued};
use super::draft::Draft;
use super::invocation::{Invocation, parse_program};
use super::mode::{Changed, ModeChange};
use super::option::{CommandOption, Meaning, apply, option};
use super::usage_error::{ParseError, Result, cited};
use crate::account::Summary;
use crate::host::Environment;
use crate::install::{DirectoryMode, Files, Request, Task};
use crate::options::{Given, Keep, Options, Removal, Verbosity, Work};
use crate::quote::quoted;
use clap::{ArgMatches, Command, ValueHint};
use std::ffi::{OsStr, OsString};

const ABOUT: &str = "\
Copy files, often just compiled, to where they are used, set owner, group and mode, and
make directories. Every copy is read back, and an old file stays until it is good";

const AFTER_HELP: &str = "\
In the first three forms, copy SOURCE to DEST or multiple SOURCE(s) to the existing
DIRECTORY, while setting permission modes and owner/group. In the 4th form, create all
components of the given DIRECTORY(ies).

CONTROL is none or off (no backups, even if --backup is given), numbered or t, existing or nil
(numbered if numbered backups exist, simple otherwise; the default), simple or never. The
suffix of simple backups is '~', unless set with --suffix or SIMPLE_BACKUP_SUFFIX; CONTROL
may be set with VERSION_CONTROL as well.

With -s a copy is verified before it is stripped, and what strip left is verified when it
has been copied to DEST.

Exit status: 0 if everything was installed and verified, 1 otherwise.";

/// The permission bits of what is installed, if nothing is said of them.
const MODE: Changed = Changed { mode: 0o755, told: 0o7777 };

/// The bits that are no permissions: -C has no use for them.
const SPECIAL_BITS: u32 = 0o7000;

/// What was typed so far.
struct InstallDraft {
    /// What cp has as well.
    common: Draft,
    mode: Option<OsString>,
    owner: Option<OsString>,
    group: Option<OsString>,
    makes_directories: bool,
    makes_leading: bool,
    strips: bool,
    strip_program: Option<OsString>,
    keeps_context: bool,
}

/// The command line of install, of a program that is called `name`.
#[must_use]
pub fn install_command(name: &str) -> Command {
    let forms = ["[-T] SOURCE DEST", "SOURCE... DIRECTORY", "-t DIRECTORY SOURCE...", "-d DIRECTORY..."];
    let usage = forms.map(|form| format!("{name} [OPTION]... {form}")).join("\n       ");
    line("install", ABOUT, usage, AFTER_HELP)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(operands("SOURCE... DEST"))
        .next_help_heading(OURS)
        .args(of_ours().into_iter().map(CommandOption::into_arg))
        .next_help_heading("The options of install")
        .args(of_gnu().into_iter().map(CommandOption::into_arg))
        .arg(help())
        .arg(flag("version", None, "print the version"))
}

fn options() -> Vec<CommandOption<InstallDraft>> {
    of_gnu().into_iter().chain(of_ours()).collect()
}

#[rustfmt::skip]
fn of_gnu() -> Vec<CommandOption<InstallDraft>> {
    use Meaning::{Flag, Value, Word};
    vec![
        option(optional("backup", "CONTROL", "", "make a backup of each existing destination file"),
            Word(|draft, control| draft.common.backup(control))),
        option(letter("backup-default", 'b', "like --backup but does not accept an argument"),
            Flag(|draft| draft.common.backup_by_default())),
        option(letter("ignored", 'c', "(ignored)"),
            Flag(|_| {})),
        option(flag("compare", Some('C'), "if content, owner, group and mode are what they would be, leave the destination as it is"),
            Flag(|draft| draft.common.options.compares = true)),
        option(flag("directory", Some('d'), "treat all arguments as directory names; create all components of the directories").alias("di"),
            Flag(|draft| draft.makes_directories = true)),
        option(letter("leading", 'D', "create all leading components of DEST except the last, or all of --target-directory, then copy"),
            Flag(|draft| draft.makes_leading = true)),
        option(flag("debug", None, "explain how a file is copied and why, with its digest; implies -v"),
            Flag(|draft| draft.common.says(Verbosity::Decisions))),
        option(valued("group", "GROUP", "set group ownership, instead of the process's current group").short('g'),
            Value(|draft, group| { draft.group = Some(group.to_owned()); Ok(()) })),
        option(valued("mode", "MODE", "set permission mode (as in chmod), instead of rwxr-xr-x").short('m'),
            Value(|draft, mode| { draft.mode = Some(mode.to_owned()); Ok(()) })),
        option(valued("owner", "OWNER", "set ownership (super-user only)").short('o'),
            Value(|draft, owner| { draft.owner = Some(owner.to_owned()); Ok(()) })),
        option(flag("preserve-timestamps", Some('p'), "keep the times of last access and change of each SOURCE"),
            Flag(|draft| draft.common.options.preserve.timestamps = Keep::Warn)),
        option(flag("strip", Some('s'), "strip symbol tables"),
            Flag(|draft| draft.strips = true)),
        option(valued("strip-program", "PROGRAM", "program used to strip binaries"),
            Value(|draft, program| { draft.strip_program = Some(program.to_owned()); Ok(()) })),
        option(valued("suffix", "SUFFIX", "what the names of simple backups end in (default: ~)").short('S').alias("su"),
            Value(|draft, suffix| draft.common.suffix(suffix))),
        option(valued("target-directory", "DIRECTORY", "copy all SOURCE arguments into DIRECTORY")
                .short('t').value_hint(ValueHint::DirPath),
            Value(|draft, directory| draft.common.target_directory(directory))),
        option(flag("no-target-directory", Some('T'), "treat DEST as a normal file"),
            Flag(|draft| draft.common.no_target_directory = true)),
        option(flag("verbose", Some('v'), "print the name of each created file or directory"),
            Flag(|draft| draft.common.says(Verbosity::Names))),
        option(flag("preserve-context", None, "preserve the SELinux security context"),
            Flag(|draft| draft.keeps_context = true)),
        option(letter("default-context", 'Z', "set the security context of what is made to the default of the kernel's policy"),
            Flag(|draft| draft.common.sets_context = true)),
        option(optional("context", "CTX", "", "the same, or the SELinux or SMACK security context CTX"),
            Value(|draft, context| draft.common.context(context))),
    ]
}

/// What GNU's has not: long only, so that none takes a letter from it.
#[rustfmt::skip]
fn of_ours() -> Vec<CommandOption<InstallDraft>> {
    use Meaning::{Flag, Value, Word};
    vec![
        option(valued("verify", "HOW", "read every copy back: content (default), map, blake3, device, none"),
            Word(|draft, how| draft.common.verify(how))),
        option(flag("durable", None, "say success only of what a power loss cannot take back"),
            Flag(|draft| draft.common.options.durable = true)),
        option(flag("require-stable", None, "fail for a source that changed while it was read"),
            Flag(|draft| draft.common.options.require_stable = true)),
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
    let command = install_command(&environment.called);
    parse_program(command, arguments, environment, |matches| invocation(matches, environment))
}

fn invocation(matches: &ArgMatches, environment: &Environment) -> Result<Invocation> {
    let mut draft = InstallDraft {
        common: Draft::new(),
        mode: None,
        owner: None,
        group: None,
        makes_directories: false,
        makes_leading: false,
        strips: false,
        strip_program: None,
        keeps_context: false,
    };
    apply(&options(), matches, &mut draft)?;
    draft.decide(matches, environment).map(|request| Invocation::Install(Box::new(request)))
}

impl InstallDraft {
    /// What is asked for, checked in the order in which GNU's install checks it.
    fn decide(mut self, matches: &ArgMatches, environment: &Environment) -> Result<Request> {
        if self.makes_directories && self.strips {
            return Err(ParseError::last("the strip option may not be used when installing a directory"));
        }
        if self.makes_directories && self.common.has_target_directory() {
            return Err(ParseError::last("target directory not allowed when installing a directory"));
        }
        let mut notes = Vec::new();
        self.decide_context(environment, &mut notes)?;
        let (options, warnings) = self.common.decide(environment)?;
        notes.extend(warnings.into_iter().map(|warning| format!("warning: {warning}")));
        let (file_mode, directory_mode) = self.modes(environment)?;
        let paths = paths(matches);
        notes.extend(self.notes_of_ignored(&options, file_mode.mode));
        let task = if self.makes_directories {
            match (&paths[..], self.common.no_target_directory) {
                ([], _) => return Err(ParseError::new("missing file operand")),
                ([_, _, third, ..], true) => {
                    return Err(ParseError::new(format!("extra operand {}", quoted(third))));
                }
                _ => {}
            }
            Task::Directories {
                names: paths,
                mode: DirectoryMode { mode: directory_mode.mode, told: directory_mode.told },
            }
        } else {
            let options = self.options_of_files(options.clone(), file_mode.mode)?;
            let operands = self.common.operands(paths)?;
            Task::Files(Box::new(Files { options, operands, makes_leading: self.makes_leading }))
        };
        let verbosity = options.verbosity;
        let accounts = self.common.wanted_accounts()?;
        Ok(Request { task, verbosity, owner: self.owner, group: self.group, accounts, notes })
    }

    fn decide_context(&mut self, environment: &Environment, notes: &mut Vec<String>) -> Result<()> {
        if !self.keeps_context {
            return Ok(());
        }
        if environment.context_attribute.is_none() {
            notes.push("WARNING: ignoring --preserve-context; this kernel is not SELinux-enabled".to_owned());
        } else if self.common.sets_context {
            return Err(ParseError::last("cannot set target context and preserve it"));
        } else {
            self.common.options.preserve.context = Keep::Warn;
        }
        Ok(())
    }

    /// The bits of files, and those of directories.
    fn modes(&self, environment: &Environment) -> Result<(Changed, Changed)> {
        let Some(typed) = &self.mode else { return Ok((MODE, MODE)) };
        let change = typed.to_str().and_then(ModeChange::parse).ok_or_else(|| {
            let mode = cited(&typed.to_string_lossy(), environment.is_utf8);
            ParseError::last(format!("invalid mode {mode}"))
        })?;
        Ok((change.of_nothing(false), change.of_nothing(true)))
    }

    /// What there is to say of options that do nothing here.
    fn notes_of_ignored(&self, common: &Options, mode: u32) -> Vec<String> {
        let mut notes = Vec::new();
        if self.strip_program.is_some() && !self.strips {
            notes.push("WARNING: ignoring --strip-program option as -s option was not specified".to_owned());
        }
        if common.compares && mode & SPECIAL_BITS != 0 {
            let why = "the --compare (-C) option is ignored when you specify a mode with non-permission bits";
            notes.push(why.to_owned());
        }
        notes
    }

    /// How files are installed.
    fn options_of_files(&self, common: Options, mode: u32) -> Result<Options> {
        if common.compares && self.strips {
            return Err(ParseError::new("options --compare (-C) and --strip are mutually exclusive"));
        }
        let program = || self.strip_program.clone().unwrap_or_else(|| OsString::from(OsStr::new(crate::copy::STRIP)));
        Ok(Options {
            work: Work::Install,
            removal: Removal::Always,
            given: Given { mode: Some(mode), ..Given::default() },
            compares: common.compares && mode & SPECIAL_BITS == 0,
            strip: self.strips.then(program),
            ..common
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Invocation, as_named, read};
    use crate::host::environment;
    use crate::install::{Request, Task};
    use std::ffi::OsString;

    fn typed(line: &str) -> Result<Request, String> {
        let arguments = ["safecp", "--as=install"].into_iter().chain(line.split_whitespace());
        let (arguments, environment) = as_named(arguments.map(OsString::from).collect(), environment());
        match read(arguments, &environment).map_err(|error| error.to_string())? {
            Invocation::Install(request) => Ok(*request),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_last_mode_counts() {
        let Task::Files(files) = typed("-c -m 644 -m 640 a b").expect("sound").task else { panic!("no files") };
        assert_eq!(files.options.given.mode, Some(0o640));
        let Task::Files(files) = typed("a b").expect("sound").task else { panic!("no files") };
        assert_eq!(files.options.given.mode, Some(0o755));
    }

    #[test]
    fn what_cannot_be_together_is_refused() {
        let error = |line| typed(line).expect_err("a usage error");
        assert_eq!(error("-ds a"), "the strip option may not be used when installing a directory");
        assert_eq!(error("-d -t x a"), "target directory not allowed when installing a directory");
        assert_eq!(error("-Cs a b"), "options --compare (-C) and --strip are mutually exclusive");
        assert_eq!(error("-d"), "missing file operand");
        assert_eq!(error("a"), "missing destination file operand after 'a'");
        assert!(typed("-Cp a b").is_ok(), "as since coreutils 9.11");
    }
}
