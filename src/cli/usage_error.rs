//! What is wrong with a command line, in GNU's words.
//!
//! Some of it getopt would have found, which names the program as it was called; of most of it --help
//! would have helped with; and a list of words is quoted as the locale quotes.

use super::definition::OURS;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// A command line that cannot be carried out.
#[derive(Debug)]
pub struct UsageError {
    /// What is wrong with it.
    text: String,
    /// Which program is named in front of it.
    pub speaker: Speaker,
    /// What is typed behind the program's name to have it explained; `None` where that does not help.
    pub help: Option<&'static str>,
    /// The exit status that tells that it is wrong.
    pub status: u8,
}

/// Who says what is wrong with a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The program.
    Program,
    /// getopt, which names the program as it was called.
    Getopt,
}

/// The kind of a command line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    /// What is typed behind the program's name to have it explained.
    pub(super) help: &'static str,
    /// The exit status that tells that one is wrong.
    pub(super) status: u8,
}

impl UsageError {
    /// The error as the caller says it.
    pub(super) fn new(error: ParseError, syntax: Syntax, is_utf8: bool) -> Self {
        let speaker = if matches!(error, ParseError::Getopt(_)) { Speaker::Getopt } else { Speaker::Program };
        let help = if matches!(error, ParseError::Final(_)) { None } else { Some(syntax.help) };
        Self { text: error.text(is_utf8), speaker, help, status: syntax.status }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for UsageError {}

/// What is wrong with a command line.
#[derive(Debug)]
pub(super) enum ParseError {
    /// A sentence; --help helps.
    Sentence(String),
    /// A sentence on what --help does not clear up.
    Final(String),
    /// What getopt would have found.
    Getopt(String),
    /// A word that is none of those that may stand there.
    Word {
        word: String,
        /// What it was typed for.
        context: String,
        is_ambiguous: bool,
        /// Words for the same thing together.
        valid: Vec<Vec<&'static str>>,
    },
}

/// What reading a command line gives.
pub(super) type Result<T> = std::result::Result<T, ParseError>;

impl ParseError {
    /// A sentence that --help helps with.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        ParseError::Sentence(sentence.into())
    }

    /// A sentence that --help does not help with.
    pub(super) fn last(sentence: impl Into<String>) -> Self {
        ParseError::Final(sentence.into())
    }

    /// clap's finding of what was typed, the program's name first.
    pub(super) fn getopt(error: &clap::Error, command: &Command, typed: &[OsString]) -> Self {
        ParseError::Getopt(in_getopts_words(error, command, typed))
    }

    fn text(self, is_utf8: bool) -> String {
        match self {
            ParseError::Sentence(text) | ParseError::Getopt(text) | ParseError::Final(text) => text,
            ParseError::Word { word, context, is_ambiguous, valid } => {
                wrong_word(&word, &context, is_ambiguous, &valid, is_utf8)
            }
        }
    }
}

/// A word in the quotes of the locale.
pub(super) fn cited(word: &str, is_utf8: bool) -> String {
    if is_utf8 { format!("\u{2018}{word}\u{2019}") } else { format!("'{word}'") }
}

/// GNU's message on a word that may not stand there, whose quotes are the locale's.
fn wrong_word(word: &str, context: &str, is_ambiguous: bool, valid: &[Vec<&str>], is_utf8: bool) -> String {
    let cited = |word: &str| cited(word, is_utf8);
    let line = |words: &Vec<&str>| words.iter().map(|word| cited(word)).collect::<Vec<_>>().join(", ");
    let lines: Vec<String> = valid.iter().map(|words| format!("  - {}", line(words))).collect();
    let what = if is_ambiguous { "ambiguous" } else { "invalid" };
    let (word, context) = (cited(&word.replace('\n', "\\n")), cited(context));
    format!("{what} argument {word} for {context}\nValid arguments are:\n{}", lines.join("\n"))
}

/// clap's finding in the words of GNU's getopt.
fn in_getopts_words(error: &clap::Error, command: &Command, typed: &[OsString]) -> String {
    let last = typed.last().map_or(OsStr::new(""), OsString::as_os_str);
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let name = argument.split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    // A letter may be an equals sign.
    let letter = argument.strip_prefix('-').and_then(|rest| rest.chars().next()).filter(|letter| *letter != '-');
    let short = letter.filter(|letter| *letter == '=' || name.chars().count() == 2);
    match (error.kind(), short) {
        (ErrorKind::UnknownArgument, Some(letter)) => format!("invalid option -- '{letter}'"),
        (ErrorKind::UnknownArgument, None) => unknown_long(&name, command, typed),
        (ErrorKind::TooManyValues | ErrorKind::WrongNumberOfValues, _) => {
            format!("option '{name}' doesn't allow an argument")
        }
        // clap names an option by its long form, getopt as it was typed. What has no value where it needs one was typed last.
        (ErrorKind::InvalidValue | ErrorKind::NoEquals, _) if is_letters(last) => {
            format!("option requires an argument -- '{}'", last.to_string_lossy().chars().last().unwrap_or_default())
        }
        (ErrorKind::InvalidValue | ErrorKind::NoEquals, _) => format!("option '{name}' requires an argument"),
        _ => error.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}

/// Whether options were typed by their letters.
fn is_letters(argument: &OsStr) -> bool {
    matches!(argument.as_bytes(), [b'-', letter, ..] if *letter != b'-')
}

/// An abbreviation of several options, or of none. Of ours where GNU's has none.
fn unknown_long(name: &str, command: &Command, typed: &[OsString]) -> String {
    let begins = |is_meant: fn(&Arg) -> bool| -> Vec<String> {
        let longs = command.get_arguments().filter(|argument| is_meant(argument)).filter_map(Arg::get_long);
        longs.map(|long| format!("--{long}")).filter(|long| long.starts_with(name)).collect()
    };
    let of_gnu = begins(|argument| argument.get_help_heading() != Some(OURS));
    let mut begins = if of_gnu.is_empty() { begins(|_| true) } else { of_gnu };
    begins.sort_unstable();
    // getopt tells the value as well.
    let is_it = |word: &&OsString| word.to_string_lossy().split('=').next() == Some(name);
    let name = typed.iter().skip(1).find(is_it).map_or(name.into(), |word| word.to_string_lossy());
    if begins.is_empty() {
        return format!("unrecognized option '{name}'");
    }
    format!("option '{name}' is ambiguous; possibilities: '{}'", begins.join("' '"))
}
