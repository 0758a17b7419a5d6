//! The reading of a command line: arguments in, options and operands out, in GNU's words if wrong.

use crate::options::{
    Dereference, Keep, Options, Overwrite, Preserve, Reflink, Removal, Sparse, TargetRule, Update, Verbosity, Verify,
};
use crate::report::quote::quoted;
use crate::tree::plan::Operands;
use anyhow::{Result, anyhow, bail};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What a command line asks for.
#[derive(Debug)]
pub enum Typed {
    /// A copy.
    Copy(Box<Options>, Operands),
    /// A text for standard output: help or version.
    Text(String),
}

/// Reads arguments, the program's name first. Makes no system call: umask and user are filled in by
/// the caller, as is the number of jobs where none was given and `default_jobs` stands in.
pub fn read(arguments: impl IntoIterator<Item = OsString>, default_jobs: NonZeroUsize) -> Result<Typed> {
    let mut command = super::command();
    let matches = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => matches,
        Err(error) => bail!(usage_error(&error, &command)),
    };
    if matches.get_flag("help") {
        return Ok(Typed::Text(command.render_help().to_string()));
    }
    if matches.get_flag("version") {
        return Ok(Typed::Text(format!("{}\n", command.render_version().trim_end())));
    }
    let options = options(&matches, default_jobs)?;
    Ok(Typed::Copy(Box::new(options), operands(&matches)?))
}

/// clap's finding in the words of GNU's getopt.
fn usage_error(error: &clap::Error, command: &Command) -> String {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let name = argument.split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    let short = name.strip_prefix('-').filter(|rest| rest.chars().count() == 1).map(str::to_owned);
    match (error.kind(), short) {
        (ErrorKind::UnknownArgument, Some(letter)) => format!("invalid option -- '{letter}'"),
        (ErrorKind::UnknownArgument, None) => unknown_long(&name, command),
        (ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues, _) => {
            format!("option '{name}' doesn't allow an argument")
        }
        // clap names an option by its long form, getopt as it was typed.
        (ErrorKind::InvalidValue | ErrorKind::NoEquals, _) => format!("option '{name}' requires an argument"),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}

/// An abbreviation of several options, or of none.
fn unknown_long(name: &str, command: &Command) -> String {
    let longs = command.get_arguments().filter_map(|argument| argument.get_long());
    let begins: Vec<String> = longs.map(|long| format!("--{long}")).filter(|long| long.starts_with(name)).collect();
    if begins.is_empty() {
        return format!("unrecognized option '{name}'");
    }
    format!("option '{name}' is ambiguous; possibilities: '{}'", begins.join("' '"))
}

/// One option as typed, in order.
struct Said<'m> {
    id: &'static str,
    value: &'m str,
}

/// The options whose order matters, as typed.
fn in_order(matches: &ArgMatches) -> Vec<Said<'_>> {
    const FLAGS: [&str; 10] = [
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
    ];
    const VALUED: [&str; 7] = ["preserve", "no-preserve", "update", "sparse", "reflink", "verify", "jobs"];
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

fn options(matches: &ArgMatches, default_jobs: NonZeroUsize) -> Result<Options> {
    let mut options = Options::plain();
    let mut dereference = None;
    let mut jobs = None;
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
    options.one_file_system = matches.get_flag("one-file-system");
    options.in_place = matches.get_flag("in-place");
    options.require_stable = matches.get_flag("require-stable");
    options.durable = matches.get_flag("durable") || options.verify == Verify::Device;
    options.verbosity = match (matches.get_flag("debug"), matches.get_flag("verbose")) {
        (true, _) => Verbosity::Decisions,
        (false, true) => Verbosity::Names,
        (false, false) => Verbosity::Quiet,
    };
    let default = if options.recursive { Dereference::Never } else { Dereference::Always };
    options.dereference = dereference.unwrap_or(default);
    // Lines and questions come in the order of the walk, as cp's do, unless jobs are asked for.
    let in_turn = options.verbosity > Verbosity::Quiet || options.overwrite == Overwrite::Ask;
    options.jobs = jobs.unwrap_or(if in_turn { NonZeroUsize::MIN } else { default_jobs });
    if options.reflink == Reflink::Always && options.sparse != Sparse::Auto {
        bail!("--reflink can be used only with --sparse=auto");
    }
    Ok(options)
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
            Attribute::All => *preserve = everything(),
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
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
const VERIFY: [(&str, Verify); 3] =
    [("content", Verify::Content), ("device", Verify::Device), ("none", Verify::Nothing)];

/// The value that a word, or the beginning of just one word, stands for.
fn one_of<T: Copy>(option: &str, word: &str, table: &[(&str, T)]) -> Result<T> {
    if let Some((_, value)) = table.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let begins: Vec<_> = table.iter().filter(|(name, _)| name.starts_with(word)).collect();
    match begins[..] {
        [(_, value)] => Ok(*value),
        _ => {
            let what = if begins.is_empty() { "invalid" } else { "ambiguous" };
            let valid: Vec<String> = table.iter().map(|(name, _)| format!("  - '{name}'")).collect();
            let word = quoted(Path::new(word));
            bail!("{what} argument {word} for '{option}'\nValid arguments are:\n{}", valid.join("\n"))
        }
    }
}

fn operands(matches: &ArgMatches) -> Result<Operands> {
    let mut sources: Vec<PathBuf> =
        matches.get_many::<OsString>("operands").into_iter().flatten().map(PathBuf::from).collect();
    let itself = matches.get_flag("no-target-directory");
    let mut directories = matches.get_many::<OsString>("target-directory").into_iter().flatten();
    let directory = directories.next();
    if directories.next().is_some() {
        bail!("multiple target directories specified");
    }
    if sources.is_empty() {
        bail!("missing file operand");
    }
    if let Some(directory) = directory {
        if itself {
            bail!("cannot combine --target-directory (-t) and --no-target-directory (-T)");
        }
        return Ok(Operands { sources, target: PathBuf::from(directory), rule: TargetRule::Directory });
    }
    if sources.len() == 1 {
        bail!("missing destination file operand after {}", quoted(&sources[0]));
    }
    if itself && sources.len() > 2 {
        bail!("extra operand {}", quoted(&sources[2]));
    }
    let target = sources.pop().ok_or_else(|| anyhow!("missing file operand"))?;
    let rule = if itself { TargetRule::Itself } else { TargetRule::Last };
    Ok(Operands { sources, target, rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Options, Operands)> {
        let words = std::iter::once("safecp").chain(line.split_whitespace()).map(OsString::from);
        match read(words, NonZeroUsize::MIN)? {
            Typed::Copy(options, operands) => Ok((*options, operands)),
            Typed::Text(text) => bail!(text),
        }
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
    fn verify_from_the_device_is_durable() {
        assert!(options_of("--verify=device").durable && !options_of("").durable);
    }
}
