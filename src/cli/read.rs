//! The reading of a command line: arguments in, options and operands out, in GNU's words if wrong.

use super::wrong::{Kind, Usage, Wrong};
use super::{doctor, guard};
use crate::doctor::Task;
use crate::guard::Shortcut;
use crate::host::Environment;
use crate::options::{
    Backup, Context, Dereference, Keep, Options, Overwrite, Preserve, Product, Reflink, Removal, Sparse, TargetRule,
    Update, Verbosity, Verify,
};
use crate::quote::quoted;
use crate::tree::plan::Operands;
use anyhow::{Result, anyhow, bail};
use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What a command line asks for.
#[derive(Debug)]
pub enum Typed {
    /// A copy.
    Copy {
        /// How.
        options: Box<Options>,
        /// What.
        operands: Operands,
        /// What there is to say beforehand.
        warnings: Vec<String>,
    },
    /// A command to run under the guard.
    Guard {
        /// What it may not ask for.
        refused: Vec<Shortcut>,
        /// The command and its arguments: one or more.
        command: Vec<OsString>,
    },
    /// A look at the machine.
    Doctor(Task),
    /// A text for standard output: help or version.
    Text(String),
}

/// Reads arguments, the program's name first. Makes no system call: umask and user are filled in by
/// the caller. An error is [`Usage`] where GNU points to --help.
pub fn read(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> Result<Typed> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let mode = first.and_then(|argument| argument.strip_prefix("--")).filter(|_| !environment.is_cp());
    let (typed, kind) = match mode {
        Some(guard::MODE) => (guard::parse(arguments, environment), guard::KIND),
        Some(doctor::MODE) => (doctor::parse(arguments, environment), doctor::KIND),
        _ => (parse(arguments, environment), Kind { help: "--help", status: 1 }),
    };
    typed.map_err(|error| Usage::of(error, kind, environment.is_utf8))
}

fn parse(arguments: Vec<OsString>, environment: &Environment) -> Result<Typed> {
    let define = if environment.is_cp() { super::cp_command } else { super::command };
    let mut command = define(&environment.called);
    if environment.posixly_correct {
        command = command.mut_arg("operands", |operands| operands.trailing_var_arg(true));
    }
    by(command, arguments, |matches, command| typed(matches, command, environment))
}

/// Reads arguments by the definition, in getopt's words if that fails, and answers --help.
pub(super) fn by(
    mut command: Command,
    arguments: Vec<OsString>,
    typed: impl FnOnce(&ArgMatches, &Command) -> Result<Typed>,
) -> Result<Typed> {
    match command.try_get_matches_from_mut(arguments) {
        Ok(matches) if matches.get_flag("help") => Ok(Typed::Text(command.render_help().to_string())),
        Ok(matches) => typed(&matches, &command),
        Err(error) => bail!(Wrong::getopt(&error, &command)),
    }
}

fn typed(matches: &ArgMatches, command: &Command, environment: &Environment) -> Result<Typed> {
    if matches.get_flag("version") {
        return Ok(Typed::Text(format!("{}\n", command.render_version().trim_end())));
    }
    let is_typed = |mode: &&str| matches!(matches.try_get_one(mode), Ok(Some(true)));
    if let Some(mode) = [guard::MODE, doctor::MODE].into_iter().find(is_typed) {
        bail!("--{mode} must be the first argument");
    }
    if matches.get_many::<OsString>("target-directory").is_some_and(|directories| directories.len() > 1) {
        bail!(Wrong::Plain("multiple target directories specified"));
    }
    let mut warnings = Vec::new();
    let options = options(matches, environment, &mut warnings)?;
    let operands = operands(matches)?;
    Ok(Typed::Copy { options: Box::new(options), operands, warnings })
}

/// One option as typed, in order.
struct Said<'m> {
    id: &'static str,
    value: &'m str,
}

/// The options whose order matters, as typed.
fn in_order(matches: &ArgMatches) -> Vec<Said<'_>> {
    const FLAGS: [&str; 11] = [
        "archive",
        "links",
        "interactive",
        "follow-operands",
        "dereference",
        "no-clobber",
        "no-dereference",
        "preserve-default",
        "update-older",
        "force",
        "backup-default",
    ];
    const VALUED: [&str; 8] = ["backup", "preserve", "no-preserve", "update", "sparse", "reflink", "verify", "jobs"];
    let mut said = Vec::new();
    for id in FLAGS.into_iter().filter(|id| matches.get_flag(id)) {
        said.extend(matches.indices_of(id).into_iter().flatten().last().map(|at| (at, Said { id, value: "" })));
    }
    for id in VALUED {
        let values = matches.get_many::<String>(id).into_iter().flatten();
        let places = matches.indices_of(id).into_iter().flatten();
        said.extend(places.zip(values).map(|(at, value)| (at, Said { id, value })));
    }
    said.sort_by_key(|(at, _)| *at);
    said.into_iter().map(|(_, said)| said).collect()
}

fn options(matches: &ArgMatches, environment: &Environment, warnings: &mut Vec<String>) -> Result<Options> {
    let mut options = Options::plain();
    let mut dereference = None;
    let mut jobs = None;
    let mut control = None;
    for said in in_order(matches) {
        match said.id {
            "archive" => {
                dereference = Some(Dereference::Never);
                options.recursive = true;
                options.preserve = everything();
            }
            "links" => {
                dereference = Some(Dereference::Never);
                options.preserve.links = Keep::Must;
            }
            "follow-operands" => dereference = Some(Dereference::CommandLine),
            "dereference" => dereference = Some(Dereference::Always),
            "no-dereference" => dereference = Some(Dereference::Never),
            "interactive" => options.overwrite = Overwrite::Ask,
            "no-clobber" => options.overwrite = Overwrite::Never,
            "force" => options.removal = Removal::WhenUnwritable,
            // -b says that there are backups, and leaves what --backup said of their names.
            "backup-default" => control = control.or(Some("")),
            "backup" => control = Some(said.value).filter(|value| !value.is_empty()).or(control).or(Some("")),
            "preserve-default" => keep(&mut options.preserve, "mode,ownership,timestamps", "--preserve")?,
            "preserve" => keep(&mut options.preserve, said.value, "--preserve")?,
            "no-preserve" => leave(&mut options.preserve, said.value)?,
            "update-older" => options.update = Update::Older,
            "update" => options.update = one_of("--update", said.value, &UPDATES)?,
            "sparse" => options.sparse = one_of("--sparse", said.value, &SPARSE)?,
            "reflink" => options.reflink = one_of("--reflink", said.value, &REFLINK)?,
            "verify" => options.verify = one_of("--verify", said.value, &VERIFY)?,
            "jobs" => jobs = Some(said.value.parse().map_err(|_| anyhow!("invalid number of jobs: '{}'", said.value))?),
            id => unreachable!("{id} is in the lists above"),
        }
    }
    if matches.get_flag("remove-destination") {
        options.removal = Removal::Always;
    }
    options.recursive |= matches.get_flag("recursive");
    options.product = product(matches)?;
    options.copy_contents = matches.get_flag("copy-contents");
    options.keep_directory_symlink = matches.get_flag("keep-directory-symlink");
    options.parents = matches.get_flag("parents");
    options.through_dangling = environment.posixly_correct;
    options.one_file_system = matches.get_flag("one-file-system");
    options.in_place = matches.get_flag("in-place");
    options.require_stable = matches.get_flag("require-stable");
    options.durable = matches.get_flag("durable") || options.verify == Verify::Device;
    options.verbosity = match (matches.get_flag("debug"), matches.get_flag("verbose")) {
        (true, _) => Verbosity::Decisions,
        (false, true) => Verbosity::Names,
        (false, false) => Verbosity::Quiet,
    };
    let makes_hard_links = options.product == Product::HardLink;
    let default = if options.recursive && !makes_hard_links { Dereference::Never } else { Dereference::Always };
    options.dereference = dereference.unwrap_or(default);
    // Lines and questions come in the order of the walk, as cp's do, unless jobs are asked for.
    let in_turn = options.verbosity > Verbosity::Quiet || options.overwrite == Overwrite::Ask;
    options.jobs = jobs.or(in_turn.then_some(NonZeroUsize::MIN));
    backups(&mut options, matches, control, environment)?;
    if options.reflink == Reflink::Always && options.sparse != Sparse::Auto {
        bail!("--reflink can be used only with --sparse=auto");
    }
    options.context = context(matches, &mut options.preserve.context, environment, warnings)?;
    Ok(options)
}

fn product(matches: &ArgMatches) -> Result<Product> {
    match (matches.get_flag("link"), matches.get_flag("symbolic-link")) {
        (true, true) => bail!("cannot make both hard and symbolic links"),
        (true, false) => Ok(Product::HardLink),
        (false, true) => Ok(Product::SymbolicLink),
        (false, false) if matches.get_flag("attributes-only") => Ok(Product::Attributes),
        (false, false) => Ok(Product::Copy),
    }
}

/// The kind of backups and their suffix; `control` is what was typed, "" for -b alone, `None` for no
/// backups.
fn backups(
    options: &mut Options,
    matches: &ArgMatches,
    control: Option<&str>,
    environment: &Environment,
) -> Result<()> {
    let typed_suffix = matches.get_many::<OsString>("suffix").into_iter().flatten().last();
    let suffix = typed_suffix.or(environment.backup_suffix.as_ref());
    let is_usable = |suffix: &&OsString| !suffix.is_empty() && !suffix.as_bytes().contains(&b'/');
    if let Some(suffix) = suffix.filter(is_usable) {
        options.backup_suffix = suffix.clone();
    }
    let Some(control) = control.or(typed_suffix.map(|_| "")) else { return Ok(()) };
    if !options.may_replace() {
        bail!("--backup is mutually exclusive with -n or --update=none-fail");
    }
    let from_environment = environment.version_control.as_ref().map(|control| control.to_string_lossy());
    options.backup = match (control, from_environment.as_deref()) {
        ("", None | Some("")) => Backup::Existing,
        ("", Some(control)) => one_of("$VERSION_CONTROL", control, &BACKUPS)?,
        (control, _) => one_of("backup type", control, &BACKUPS)?,
    };
    Ok(())
}

/// What -Z and --context ask for. Where the kernel keeps no contexts, -Z has no effect and --context
/// only a warning, as with GNU's.
fn context(
    matches: &ArgMatches,
    preserve: &mut Keep,
    environment: &Environment,
    warnings: &mut Vec<String>,
) -> Result<Context> {
    let typed = matches.get_many::<OsString>("context").into_iter().flatten().last();
    let named = typed.filter(|context| !context.is_empty());
    let Some(attribute) = environment.context_attribute else {
        if named.is_some() {
            warnings.push("ignoring --context; it requires an SELinux-enabled kernel".to_owned());
        }
        if *preserve == Keep::Must {
            bail!(Wrong::Plain("cannot preserve security context without an SELinux-enabled kernel"));
        }
        return Ok(Context::Inherited);
    };
    let sets = typed.is_some() || matches.get_flag("default-context");
    if sets && *preserve == Keep::Must {
        bail!(Wrong::Plain("cannot set target context and preserve it"));
    }
    if sets && named.is_none() {
        warnings.push("-Z gives the context of the kernel's own policy; file_contexts is not consulted".to_owned());
    }
    if sets {
        *preserve = Keep::No;
    }
    Ok(named.map_or(Context::Inherited, |context| Context::Named { attribute, value: context.clone() }))
}

/// --preserve=all as -a has it: what the filesystem cannot keep of context and xattr is silent.
fn everything() -> Preserve {
    Preserve {
        mode: Keep::Must,
        ownership: Keep::Must,
        timestamps: Keep::Must,
        links: Keep::Must,
        context: Keep::Try,
        xattr: Keep::Try,
        default_mode: false,
    }
}

fn keep(preserve: &mut Preserve, list: &str, option: &str) -> Result<()> {
    each_attribute(preserve, list, option, Keep::Must)
}

fn leave(preserve: &mut Preserve, list: &str) -> Result<()> {
    each_attribute(preserve, list, "--no-preserve", Keep::No)
}

fn each_attribute(preserve: &mut Preserve, list: &str, option: &str, keep: Keep) -> Result<()> {
    for attribute in list.split(',') {
        match one_of(option, attribute, &ATTRIBUTES)? {
            Attribute::Mode => {
                preserve.mode = keep;
                preserve.default_mode = keep == Keep::No;
            }
            Attribute::Ownership => preserve.ownership = keep,
            Attribute::Timestamps => preserve.timestamps = keep,
            Attribute::Links => preserve.links = keep,
            Attribute::Context => preserve.context = keep,
            Attribute::Xattr => preserve.xattr = keep,
            Attribute::All if keep == Keep::No => *preserve = Preserve { default_mode: true, ..Preserve::nothing() },
            // Unlike with -a, what cannot be kept of them is said, if it is no failure either.
            Attribute::All => *preserve = Preserve { context: Keep::Say, xattr: Keep::Say, ..everything() },
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Attribute {
    Mode,
    Timestamps,
    Ownership,
    Links,
    Context,
    Xattr,
    All,
}

const ATTRIBUTES: [(&str, Attribute); 7] = [
    ("mode", Attribute::Mode),
    ("timestamps", Attribute::Timestamps),
    ("ownership", Attribute::Ownership),
    ("links", Attribute::Links),
    ("context", Attribute::Context),
    ("xattr", Attribute::Xattr),
    ("all", Attribute::All),
];
const UPDATES: [(&str, Update); 4] =
    [("all", Update::All), ("none", Update::Nothing), ("none-fail", Update::NothingFail), ("older", Update::Older)];
const SPARSE: [(&str, Sparse); 3] = [("never", Sparse::Never), ("auto", Sparse::Auto), ("always", Sparse::Always)];
const REFLINK: [(&str, Reflink); 3] = [("auto", Reflink::Auto), ("always", Reflink::Always), ("never", Reflink::Never)];
const BACKUPS: [(&str, Backup); 8] = [
    ("none", Backup::No),
    ("off", Backup::No),
    ("simple", Backup::Simple),
    ("never", Backup::Simple),
    ("existing", Backup::Existing),
    ("nil", Backup::Existing),
    ("numbered", Backup::Numbered),
    ("t", Backup::Numbered),
];
const VERIFY: [(&str, Verify); 3] =
    [("content", Verify::Content), ("device", Verify::Device), ("none", Verify::Nothing)];

/// The value that a word, or the beginning of words for just one value, stands for.
fn one_of<T: Copy + PartialEq>(context: &str, word: &str, table: &[(&'static str, T)]) -> Result<T> {
    if let Some((_, value)) = table.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let mut begins = table.iter().filter(|(name, _)| name.starts_with(word)).map(|(_, value)| *value);
    let first = begins.next();
    if let Some(value) = first.filter(|value| begins.all(|other| other == *value)) {
        return Ok(value);
    }
    let same = table.chunk_by(|one, next| one.1 == next.1);
    let valid = same.map(|same| same.iter().map(|(name, _)| *name).collect()).collect();
    let (word, context, is_ambiguous) = (word.to_owned(), context.to_owned(), first.is_some());
    bail!(Wrong::Word { word, context, is_ambiguous, valid })
}

fn operands(matches: &ArgMatches) -> Result<Operands> {
    let mut sources: Vec<PathBuf> =
        matches.get_many::<OsString>("operands").into_iter().flatten().map(PathBuf::from).collect();
    let strips = matches.get_flag("strip-trailing-slashes");
    let itself = matches.get_flag("no-target-directory");
    let directory = matches.get_one::<OsString>("target-directory");
    if sources.is_empty() {
        bail!("missing file operand");
    }
    if let Some(directory) = directory {
        if itself {
            bail!(Wrong::Plain("cannot combine --target-directory (-t) and --no-target-directory (-T)"));
        }
        return Ok(Operands { sources, target: PathBuf::from(directory), rule: TargetRule::Directory, strips });
    }
    if sources.len() == 1 {
        bail!("missing destination file operand after {}", quoted(&sources[0]));
    }
    if itself && sources.len() > 2 {
        bail!("extra operand {}", quoted(&sources[2]));
    }
    let target = sources.pop().ok_or_else(|| anyhow!("missing file operand"))?;
    let rule = if itself { TargetRule::Itself } else { TargetRule::Last };
    Ok(Operands { sources, target, rule, strips })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment {
            program: "safecp",
            called: "safecp".to_owned(),
            posixly_correct: false,
            version_control: None,
            backup_suffix: None,
            is_utf8: false,
            context_attribute: None,
        }
    }

    fn parsed_in(environment: &Environment, line: &str) -> Result<(Options, Operands)> {
        let words = std::iter::once("safecp").chain(line.split_whitespace()).map(OsString::from);
        match read(words, environment)? {
            Typed::Copy { options, operands, .. } => Ok((*options, operands)),
            Typed::Text(text) => bail!(text),
            Typed::Guard { .. } | Typed::Doctor(_) => bail!("no copy"),
        }
    }

    fn parsed(line: &str) -> Result<(Options, Operands)> {
        parsed_in(&environment(), line)
    }

    fn options_of(line: &str) -> Options {
        parsed(&format!("{line} a b")).expect("a sound command line").0
    }

    fn error_of(line: &str) -> String {
        parsed(line).expect_err("a usage error").to_string()
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
        let words = parsed_in(&wrong, "-b a b").expect_err("a wrong variable").to_string();
        let lines = "  - 'none', 'off'\n  - 'simple', 'never'\n  - 'existing', 'nil'\n  - 'numbered', 't'";
        assert_eq!(words, format!("invalid argument 'x' for '$VERSION_CONTROL'\nValid arguments are:\n{lines}"));
        let utf8 = Environment { is_utf8: true, ..environment() };
        let words = parsed_in(&utf8, "--backup=x a b").expect_err("a wrong word").to_string();
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
        assert_eq!(parsed_in(&posix, "-y a b").expect_err("no such option").to_string(), "invalid option -- 'y'");
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
        assert_eq!(both.to_string(), "cannot set target context and preserve it");
    }

    #[test]
    fn verify_from_the_device_is_durable() {
        assert!(options_of("--verify=device").durable && !options_of("").durable);
    }
}
