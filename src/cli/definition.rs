//! The parts that command lines are defined with.

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// What options stand under that GNU's programs do not have.
pub(super) const OURS: &str = "Its own options";

/// What every command line of ours has: options are abbreviated, and said again, as getopt has it. An abbreviation that is
/// one option to GNU's program stays that: where an option of ours begins with it as well, it is an alias of GNU's.
pub(super) fn line(name: &'static str, about: &'static str, usage: String, after_help: &'static str) -> Command {
    Command::new(name)
        .about(unfolded(about))
        .override_usage(usage)
        .after_help(unfolded(after_help))
        .infer_long_args(true)
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
}

/// A text with a line for each paragraph: help is folded at the width of the terminal.
fn unfolded(text: &str) -> String {
    text.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

/// Names of files, however many.
pub(super) fn operands(name: &'static str) -> Arg {
    path(Arg::new("operands").num_args(0..).value_name(name).value_hint(ValueHint::AnyPath)).hide(true)
}

/// What was typed of them.
pub(super) fn paths(matches: &ArgMatches) -> Vec<PathBuf> {
    matches.get_many::<OsString>("operands").into_iter().flatten().map(PathBuf::from).collect()
}

/// What [`super::invocation::parse_with`] answers.
pub(super) fn help() -> Arg {
    flag("help", None, "print this help").alias("h")
}

pub(super) fn flag(name: &'static str, short: Option<char>, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// An option with a value that may be left out: then it is `default`.
pub(super) fn optional(name: &'static str, value: &'static str, default: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value(default)
        .action(ArgAction::Append)
        .help(help)
}

pub(super) fn valued(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).action(ArgAction::Append).allow_hyphen_values(true).help(help)
}

/// An option that has a letter and no word.
pub(super) fn letter(id: &'static str, short: char, help: &'static str) -> Arg {
    Arg::new(id).short(short).action(ArgAction::SetTrue).help(help)
}

/// The same with a value that need not be UTF-8.
pub(super) fn path(arg: Arg) -> Arg {
    arg.value_parser(clap::value_parser!(std::ffi::OsString))
}
