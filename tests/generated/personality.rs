//! What a shell has to know of each command line: read from its definition, and from the program's own answers.

use clap::{Arg, Command, ValueHint};
use safecp::host::{CalledAs, Environment};
use std::ffi::OsString;

/// A command line, and the first argument that leads to it.
pub(super) struct Personality {
    /// The first argument; `None` for that of a copy.
    pub(super) first: Option<String>,
    /// Its options.
    pub(super) options: Vec<Choice>,
    /// What its operands are.
    pub(super) operands: Operands,
}

/// An option as a shell completes it.
pub(super) struct Choice {
    /// `t`, of `-t`.
    pub(super) letters: Vec<char>,
    /// `target-directory`, of `--target-directory`.
    pub(super) word: Option<String>,
    /// What help says.
    pub(super) help: String,
    /// What follows it.
    pub(super) value: Value,
}

/// What follows an option.
pub(super) enum Value {
    /// Nothing.
    Nothing,
    /// A value.
    One { name: String, kind: Kind, need: Need },
}

/// Whether a value may be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It is in the same argument, or the next.
    Always,
    /// It is in the same argument, or nowhere.
    Optional,
    /// It is in the same argument.
    Joined,
}

/// What a value is.
pub(super) enum Kind {
    /// One of these words.
    Word(Vec<String>),
    /// Some of these words, with commas.
    Words(Vec<String>),
    /// A name of a file.
    File,
    /// A name of a directory.
    Directory,
    /// Nothing that a shell knows.
    Anything,
}

/// What operands are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operands {
    /// Names of files.
    Files,
    /// A command and what it takes.
    Command,
}

/// Programs that safecp stands in for.
pub(super) const PROGRAMS: [&str; 4] = ["cp", "install", "mv", "scp"];

/// All of them, that of a copy first.
pub(super) fn all() -> Vec<Personality> {
    let copy = Personality { first: None, ..of(safecp::cli::command("safecp"), &[]) };
    let modes = [
        safecp::cli::check_command("safecp"),
        safecp::cli::repair_command("safecp"),
        safecp::cli::finish_command("safecp"),
        safecp::cli::status_command("safecp"),
        safecp::cli::scan_command("safecp"),
        safecp::cli::server_command("safecp"),
        safecp::cli::guard_command("safecp"),
        safecp::cli::doctor_command("safecp"),
    ];
    let modes = modes.into_iter().map(|command| {
        let first = command.get_name().trim_start_matches("safecp ").to_owned();
        let before = [first.clone()];
        Personality { first: Some(first), ..of(command, &before) }
    });
    let programs = PROGRAMS.into_iter().zip([
        safecp::cli::cp_command("cp"),
        safecp::cli::install_command("install"),
        safecp::cli::mv_command("mv"),
        safecp::cli::scp_command("scp"),
    ]);
    let programs = programs.map(|(name, command)| {
        let first = format!("--as={name}");
        let before = [first.clone()];
        Personality { first: Some(first), ..of(command, &before) }
    });
    std::iter::once(copy).chain(modes).chain(programs).collect()
}

fn of(command: Command, before: &[String]) -> Personality {
    let is_command =
        command.get_arguments().any(|argument| argument.get_value_hint() == ValueHint::CommandWithArguments);
    let options = command.get_arguments().filter(|argument| !argument.is_hide_set());
    Personality {
        first: None,
        options: options.map(|argument| choice(argument, before)).collect(),
        operands: if is_command { Operands::Command } else { Operands::Files },
    }
}

fn choice(argument: &Arg, before: &[String]) -> Choice {
    let word = argument.get_long().map(str::to_owned);
    Choice {
        letters: argument.get_short_and_visible_aliases().unwrap_or_default(),
        help: argument.get_help().expect("help").to_string(),
        value: value(argument, word.as_deref(), before),
        word,
    }
}

fn value(argument: &Arg, word: Option<&str>, before: &[String]) -> Value {
    if !argument.get_action().takes_values() {
        return Value::Nothing;
    }
    let need = match (argument.get_num_args(), argument.is_require_equals_set()) {
        (Some(range), _) if range.min_values() == 0 => Need::Optional,
        (_, true) => Need::Joined,
        _ => Need::Always,
    };
    let name = argument.get_value_names().expect("a name of the value")[0].to_string();
    let words = word.map(|word| words(word, before)).unwrap_or_default();
    // The names in help that stand for lists.
    let is_list = ["ATTR_LIST", "WHAT"].contains(&name.as_str());
    let kind = match argument.get_value_hint() {
        ValueHint::DirPath => Kind::Directory,
        ValueHint::FilePath | ValueHint::AnyPath => Kind::File,
        _ if words.is_empty() => Kind::Anything,
        _ if is_list => Kind::Words(words),
        _ => Kind::Word(words),
    };
    Value::One { name, kind, need }
}

/// The words that the program says it takes, when it is given one that it does not know.
fn words(option: &str, before: &[String]) -> Vec<String> {
    if option == "as" {
        return PROGRAMS.map(str::to_owned).to_vec();
    }
    let wrong = format!("--{option}=no-such-word");
    let line = std::iter::once("safecp").chain(before.iter().map(String::as_str)).chain([wrong.as_str(), "a", "b"]);
    let environment = Environment { called_as: CalledAs::Safecp, is_utf8: false, ..safecp::host::environment() };
    let (arguments, environment) = safecp::cli::as_named(line.map(OsString::from).collect(), environment);
    let Err(error) = safecp::cli::read(arguments, &environment) else { return Vec::new() };
    let said = error.to_string();
    let valid = said.lines().filter_map(|line| line.strip_prefix("  - "));
    valid.flat_map(|line| line.split(", ")).map(|word| word.trim_matches('\'').to_owned()).collect()
}

impl Choice {
    /// Each way to spell it.
    pub(super) fn spellings(&self) -> Vec<String> {
        let letters = self.letters.iter().map(|letter| format!("-{letter}"));
        letters.chain(self.word.iter().map(|word| format!("--{word}"))).collect()
    }
}
