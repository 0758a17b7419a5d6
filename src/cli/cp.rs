//! The command line of cp, and of safecp where it has no mode.

use super::cp_options::{of_cp, of_ours};
use super::definition::{OURS, flag, help, line, operands, paths, valued};
use super::draft::{Draft, TargetDirectories};
use super::invocation::{Invocation, parse_program};
use super::option::{CommandOption, apply};
use super::usage_error::{ParseError, Result};
use super::{AS, check, doctor, finish, guard, repair, scan, server};
use crate::account::{Accounts, Progress, Summary};
use crate::host::{CalledAs, Environment};
use crate::options::{Options, Readers};
use crate::{shard, targets};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use std::ffi::OsString;

const ABOUT: &str = "Copy files and directories, read every copy back, and say success only if it is the same";

const AFTER_HELP: &str = "\
CONTROL is none or off (no backups, even if --backup is given), numbered or t, existing or nil
(numbered if numbered backups exist, simple otherwise; the default), simple or never. The
suffix of simple backups is '~', unless set with --suffix or SIMPLE_BACKUP_SUFFIX; CONTROL
may be set with VERSION_CONTROL as well.

ATTR_LIST is a comma-separated list of attributes: mode (permission bits and access
control lists), ownership, timestamps, links, context, xattr, all.

By default holes are made in the target where the source seems to have them
(--sparse=auto), blocks are shared with the source where the filesystem can and its word
is good (--reflink=auto), and what was written is read back through the page cache and
compared with what was read (--verify=content). --verify=blake3 reads source and target
again when everything is written and compares digests, which --debug tells.
--verify=device reads the target back from the device and fails where it cannot prove that
it did; it implies --durable.

Exit status: 0 if everything was copied and verified, 1 otherwise; a run that a signal
ended dies of that signal.";

/// The command line of a program that is called `name`.
#[must_use]
pub fn command(name: &str) -> Command {
    define(
        [
            usage(name),
            seal_usage(name),
            check::usage(name),
            repair::usage(name),
            scan::usage(name),
            share_usage(name),
            finish::usage_finish(name),
            finish::usage_status(name),
            guard::usage(name),
            doctor::usage(name),
        ]
        .join("\n       "),
        modes(),
    )
    .mut_arg("target-directory", |arg| arg.help("copy every operand into DIRECTORY; with several, into each of them"))
}

/// The same where it is called cp: then it is cp, and nothing else.
#[must_use]
pub fn cp_command(name: &str) -> Command {
    define(usage(name), Vec::new())
}

/// The only use without a target.
fn seal_usage(name: &str) -> String {
    format!("{name} --manifest=FILE [--manifest-format=FORMAT] [--jobs=N] [-x] DIR")
}

/// A copy that many runs work on.
fn share_usage(name: &str) -> String {
    format!("{name} -a {{--shard=K/N|--plan=N}} [--state=DIR] [OPTION]... SOURCE DEST")
}

fn usage(name: &str) -> String {
    format!(
        "{name} [OPTION]... [-T] SOURCE DEST\n       {name} [OPTION]... SOURCE... DIRECTORY\n       {name} [OPTION]... -t DIRECTORY SOURCE..."
    )
}

/// GNU's cp has no short option for help: who is called cp has none either.
fn define(usage: String, modes: Vec<Arg>) -> Command {
    let short = !modes.is_empty();
    line("safecp", ABOUT, usage, AFTER_HELP)
        .version(env!("CARGO_PKG_VERSION"))
        .arg(operands("SOURCE... DEST"))
        .next_help_heading(OURS)
        .args(of_ours().into_iter().map(CommandOption::into_arg))
        .next_help_heading("The options of cp")
        .args(of_cp().into_iter().map(CommandOption::into_arg))
        .arg(help().short(short.then_some('h')))
        .arg(flag("version", short.then_some('V'), "print the version"))
        .next_help_heading("First arguments")
        .args(modes)
}

fn options() -> Vec<CommandOption<Draft>> {
    of_cp().into_iter().chain(of_ours()).collect()
}

/// What a manifest of what is there takes.
const OF_A_LIST: [&str; 8] =
    ["manifest", "manifest-format", "jobs", "progress", "summary", "report", "digests", "one-file-system"];

/// What can only be the first argument.
const MODES: [&str; 9] = [
    AS,
    guard::MODE,
    check::MODE,
    repair::MODE,
    scan::MODE,
    server::MODE,
    finish::FINISH,
    finish::STATUS,
    doctor::MODE,
];

/// What is no copy, or a copy by another name: each is the first argument, and has a command line of its own behind it.
fn modes() -> Vec<Arg> {
    vec![
        valued(AS, "NAME", "as the first argument: be cp, install, mv or scp, with all that follows")
            .require_equals(true),
        flag(
            guard::MODE,
            None,
            "as the first argument: run a command that can use no clone, no hole and no copy by the kernel",
        ),
        flag(check::MODE, None, "as the first argument: compare a tree with a list of it, or with another tree"),
        flag(
            repair::MODE,
            None,
            "as the first argument: mend what is damaged or missing in a tree, from other copies of it",
        ),
        flag(server::MODE, None, "as the first argument: be the far end of a copy from or to another machine"),
        flag(scan::MODE, None, "as the first argument: find files that a past copy may have filled with zeros"),
        flag(finish::FINISH, None, "as the first argument: finish a copy whose shards are all complete"),
        flag(finish::STATUS, None, "as the first argument: tell how far the shards of a copy are"),
        flag(doctor::MODE, None, "as the first argument: tell whether programs of this machine can copy wrongly here"),
    ]
}

/// What it asks for.
pub(super) fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Invocation> {
    let define = if environment.called_as == CalledAs::Cp { cp_command } else { command };
    let typed = arguments.clone();
    parse_program(define(&environment.called), arguments, environment, |matches| {
        invocation(matches, environment, typed)
    })
}

fn invocation(matches: &ArgMatches, environment: &Environment, arguments: Vec<OsString>) -> Result<Invocation> {
    let is_typed = |mode: &&str| matches!(matches.value_source(mode), Some(ValueSource::CommandLine));
    let are_defined = environment.called_as != CalledAs::Cp;
    if let Some(mode) = MODES.into_iter().filter(|_| are_defined).find(is_typed) {
        return Err(ParseError::new(format!("--{mode} must be the first argument")));
    }
    let is_of_a_copy =
        || options().iter().any(|option| !OF_A_LIST.contains(&option.name()) && option.is_typed(matches));
    let mut draft = Draft::new();
    if are_defined {
        draft.takes = TargetDirectories::Several;
    }
    apply(&options(), matches, &mut draft)?;
    let (options, warnings) = draft.decide(environment)?;
    let operands = paths(matches);
    let manifest = draft.wanted()?;
    let accounts = draft.wanted_accounts()?;
    match (&manifest, &operands[..]) {
        // With an option of a copy it is one whose target was forgotten, or was an empty variable.
        (Some(wanted), [operand]) if !draft.has_target(operands.len()) && !is_of_a_copy() => {
            let (operand, wanted) = (operand.clone(), wanted.clone());
            let Options { one_file_system, jobs, .. } = options;
            return Ok(Invocation::Seal { operand, one_file_system, wanted, accounts, jobs });
        }
        _ => {}
    }
    if let Some(share) = draft.share(&options)? {
        let Accounts { report, summary, progress } = accounts;
        if summary != Summary::No || progress != Progress::No {
            return Err(ParseError::new("--shard cannot be combined with --summary and --progress"));
        }
        let operands = draft.operands(operands)?.itself_if_one();
        // What another run of the shard has made is not copied again, recorded or not.
        let options = Options { resume: true, ..options };
        let request = shard::Request {
            options,
            operands,
            which: share.which,
            state: share.state,
            manifest,
            report,
            arguments,
            warnings,
        };
        return Ok(Invocation::Share(Box::new(request)));
    }
    let operands = draft.operands(operands)?;
    if let Some(operands) = draft.operands_of_each(&operands) {
        let options = Options { readers: Readers::Several, ..options };
        return Ok(Invocation::Distribute(Box::new(targets::Request {
            options,
            operands,
            manifest,
            accounts,
            warnings,
        })));
    }
    Ok(Invocation::Copy { options: Box::new(options), operands, manifest, accounts, warnings })
}

#[cfg(test)]
mod tests {
    use super::super::invocation::Invocation;
    use super::super::read;
    use crate::host::{CalledAs, Environment};
    use crate::options::{Backup, Context, Dereference, Keep, Options, Overwrite, Reflink, Sparse};
    use crate::tree::plan::Operands;
    use std::ffi::OsString;
    use std::path::PathBuf;

    fn environment() -> Environment {
        Environment {
            called_as: CalledAs::Safecp,
            program: "safecp",
            called: "safecp".to_owned(),
            posixly_correct: false,
            version_control: None,
            backup_suffix: None,
            is_utf8: false,
            context_attribute: None,
        }
    }

    fn parsed_in(environment: &Environment, line: &str) -> Result<(Options, Operands), String> {
        let words = std::iter::once("safecp").chain(line.split_whitespace()).map(OsString::from);
        match read(words, environment).map_err(|error| error.to_string())? {
            Invocation::Copy { options, operands, .. } => Ok((*options, operands)),
            Invocation::Text(text) => Err(text),
            Invocation::Install(_)
            | Invocation::Move(_)
            | Invocation::Distribute(_)
            | Invocation::Transfer { .. }
            | Invocation::Serve(_)
            | Invocation::Seal { .. }
            | Invocation::Check(_)
            | Invocation::Repair(_)
            | Invocation::Scan(_)
            | Invocation::Share(_)
            | Invocation::Finish { .. }
            | Invocation::Status(_)
            | Invocation::Guard { .. }
            | Invocation::Doctor(_) => Err("no copy".to_owned()),
        }
    }

    fn parsed(line: &str) -> Result<(Options, Operands), String> {
        parsed_in(&environment(), line)
    }

    fn options_of(line: &str) -> Options {
        parsed(&format!("{line} a b")).expect("a sound command line").0
    }

    fn error_of(line: &str) -> String {
        parsed(line).expect_err("a usage error")
    }

    #[test]
    fn later_options_take_back_earlier_ones() {
        assert_eq!(options_of("-a -L").dereference, Dereference::Always);
        assert_eq!(options_of("-L -a").dereference, Dereference::Never);
        assert_eq!(options_of("-n -i").overwrite, Overwrite::Ask);
        assert_eq!(options_of("-i -n").overwrite, Overwrite::Never);
        assert!(!options_of("-a --no-preserve=mode").preserve.mode.wanted());
        assert!(options_of("--no-preserve=mode -a").preserve.mode.wanted());
        assert_eq!(options_of("--sparse=never --sparse=always").sparse, Sparse::Always);
    }

    #[test]
    fn recursion_follows_no_links_unless_told() {
        assert_eq!(options_of("").dereference, Dereference::Always);
        assert_eq!(options_of("-r").dereference, Dereference::Never);
        assert_eq!(options_of("-RH").dereference, Dereference::CommandLine);
    }

    #[test]
    fn options_and_values_may_be_abbreviated_and_follow_operands() {
        let (options, operands) = parsed("a b --refl=nev --spar always").expect("sound");
        assert_eq!((options.reflink, options.sparse), (Reflink::Never, Sparse::Always));
        assert_eq!((operands.sources, operands.target), (vec![PathBuf::from("a")], PathBuf::from("b")));
    }

    #[test]
    fn wrong_lines_get_getopts_words() {
        assert_eq!(error_of(""), "missing file operand");
        assert_eq!(error_of("a"), "missing destination file operand after 'a'");
        assert_eq!(error_of("-T a b c"), "extra operand 'c'");
        assert_eq!(error_of("-y a b"), "invalid option -- 'y'");
        assert_eq!(error_of("--nope a b"), "unrecognized option '--nope'");
        assert!(error_of("--no- a b").starts_with("option '--no-' is ambiguous; possibilities: '--no-clobber' "));
        assert!(error_of("--sparse=x a b").starts_with("invalid argument 'x' for '--sparse'\nValid arguments are:"));
        assert_eq!(error_of("--reflink --sparse=never a b"), "--reflink can be used only with --sparse=auto");
        assert_eq!(error_of("--jobs=0 a b"), "invalid number of jobs: '0'");
    }

    #[test]
    fn backups_are_named_by_option_or_environment() {
        let backup = |line: &str| options_of(line).backup;
        assert_eq!((backup(""), backup("-b"), backup("-S .old")), (Backup::No, Backup::Existing, Backup::Existing));
        assert_eq!((backup("--backup=t"), backup("--backup=numb -b")), (Backup::Numbered, Backup::Numbered));
        assert_eq!((backup("--backup=simple --backup"), backup("--backup=off")), (Backup::Simple, Backup::No));
        assert_eq!(options_of("-S .old").backup_suffix, ".old");
        assert_eq!(options_of("-S a/b").backup_suffix, "~", "a suffix leads nowhere else");
        let set = Environment {
            version_control: Some("numbered".into()),
            backup_suffix: Some(".bak".into()),
            ..environment()
        };
        let options = parsed_in(&set, "-b a b").expect("sound").0;
        assert_eq!((options.backup, options.backup_suffix), (Backup::Numbered, ".bak".into()));
        let wrong = Environment { version_control: Some("x".into()), ..environment() };
        let words = parsed_in(&wrong, "-b a b").expect_err("a wrong variable");
        let lines = "  - 'none', 'off'\n  - 'simple', 'never'\n  - 'existing', 'nil'\n  - 'numbered', 't'";
        assert_eq!(words, format!("invalid argument 'x' for '$VERSION_CONTROL'\nValid arguments are:\n{lines}"));
        let utf8 = Environment { is_utf8: true, ..environment() };
        let words = parsed_in(&utf8, "--backup=x a b").expect_err("a wrong word");
        assert!(words.starts_with("invalid argument \u{2018}x\u{2019} for \u{2018}backup type\u{2019}\n"), "{words}");
        assert_eq!(error_of("-b -n a b"), "--backup is mutually exclusive with -n or --update=none-fail");
    }

    #[test]
    fn links_are_made_of_what_they_lead_to_unless_told() {
        assert_eq!(options_of("-rl").dereference, Dereference::Always);
        assert_eq!(options_of("-rlP").dereference, Dereference::Never);
        assert_eq!(options_of("-rs").dereference, Dereference::Never);
        assert_eq!(error_of("-ls a b"), "cannot make both hard and symbolic links");
    }

    #[test]
    fn options_end_at_the_first_operand_where_posix_wants_it() {
        let posix = Environment { posixly_correct: true, ..environment() };
        let (options, operands) = parsed_in(&posix, "-r a b -a c").expect("sound");
        assert_eq!(operands.sources, ["a", "b", "-a"].map(PathBuf::from));
        assert!(options.recursive && !options.preserve.links.wanted());
        assert_eq!(parsed_in(&posix, "-y a b").expect_err("no such option"), "invalid option -- 'y'");
    }

    #[test]
    fn contexts_need_a_kernel_that_keeps_them() {
        let kept = Environment { context_attribute: Some("security.selinux"), ..environment() };
        assert_eq!(
            error_of("--preserve=context a b"),
            "cannot preserve security context without an SELinux-enabled kernel"
        );
        assert_eq!(options_of("-Z --context=x").context, Context::Inherited);
        let named = Context::Named { attribute: "security.selinux", value: "x".into() };
        let options = parsed_in(&kept, "-a --context=x a b").expect("sound").0;
        assert_eq!((options.context, options.preserve.context), (named, Keep::No), "-Z overrides -a");
        let both = parsed_in(&kept, "-Z --preserve=context a b").expect_err("one or the other");
        assert_eq!(both, "cannot set target context and preserve it");
    }

    #[test]
    fn verify_from_the_device_is_durable() {
        assert!(options_of("--verify=device").durable && !options_of("").durable);
    }
}
