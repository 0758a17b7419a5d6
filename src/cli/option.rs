//! One option of a command line: how it is spelled, what help says of it, and what it decides.
//!
//! Each command line has a table of them and a draft of its own, in which they are carried out.

use super::definition::path;
use super::usage_error::Result;
use clap::{Arg, ArgMatches};
use std::ffi::OsStr;

/// One option of a command line.
pub(super) struct CommandOption<D> {
    /// How it is spelled.
    arg: Arg,
    /// What it decides.
    meaning: Meaning<D>,
}

/// What an option decides in the draft `D` of its command line, applied in the order in which options were typed: later ones take
/// back what earlier ones said.
pub(super) enum Meaning<D> {
    /// It takes no value.
    Flag(fn(&mut D)),
    /// It takes no value, and is refused.
    Refused(fn() -> Result<()>),
    /// Its value is one of some words, or a list of them.
    Word(fn(&mut D, &str) -> Result<()>),
    /// Its value is anything.
    Value(fn(&mut D, &OsStr) -> Result<()>),
}

/// An option as it was typed.
enum Occurrence<'m, D> {
    Flag(fn(&mut D)),
    Refused(fn() -> Result<()>),
    Word(fn(&mut D, &str) -> Result<()>, &'m OsStr),
    Value(fn(&mut D, &OsStr) -> Result<()>, &'m OsStr),
}

impl<D> CommandOption<D> {
    /// How it is spelled, for the definition of a command line.
    pub(super) fn into_arg(self) -> Arg {
        match self.meaning {
            Meaning::Flag(_) | Meaning::Refused(_) => self.arg,
            Meaning::Word(_) | Meaning::Value(_) => path(self.arg),
        }
    }

    /// Its long name.
    pub(super) fn name(&self) -> &str {
        self.arg.get_id().as_str()
    }

    /// Whether it was typed.
    pub(super) fn is_typed(&self, matches: &ArgMatches) -> bool {
        !self.occurrences(matches).is_empty()
    }

    /// Each time that it was typed, and where.
    fn occurrences<'m>(&self, matches: &'m ArgMatches) -> Vec<(usize, Occurrence<'m, D>)> {
        let id = self.name();
        let places = || matches.indices_of(id).into_iter().flatten();
        let values = || matches.get_raw(id).into_iter().flatten();
        match self.meaning {
            // clap keeps the last time.
            Meaning::Flag(apply) if matches.get_flag(id) => {
                places().last().map(|at| (at, Occurrence::Flag(apply))).into_iter().collect()
            }
            Meaning::Refused(refuse) if matches.get_flag(id) => {
                places().last().map(|at| (at, Occurrence::Refused(refuse))).into_iter().collect()
            }
            Meaning::Flag(_) | Meaning::Refused(_) => Vec::new(),
            Meaning::Word(apply) => {
                places().zip(values()).map(|(at, value)| (at, Occurrence::Word(apply, value))).collect()
            }
            Meaning::Value(apply) => {
                places().zip(values()).map(|(at, value)| (at, Occurrence::Value(apply, value))).collect()
            }
        }
    }
}

/// Carries out in a draft what was typed.
pub(super) fn apply<D>(options: &[CommandOption<D>], matches: &ArgMatches, draft: &mut D) -> Result<()> {
    let mut typed: Vec<_> = options.iter().flat_map(|option| option.occurrences(matches)).collect();
    typed.sort_by_key(|(at, _)| *at);
    for (_, occurrence) in typed {
        match occurrence {
            Occurrence::Flag(apply) => apply(draft),
            Occurrence::Refused(refuse) => refuse()?,
            Occurrence::Word(apply, value) => apply(draft, &value.to_string_lossy())?,
            Occurrence::Value(apply, value) => apply(draft, value)?,
        }
    }
    Ok(())
}

/// An option, and what it decides.
pub(super) fn option<D>(arg: Arg, meaning: Meaning<D>) -> CommandOption<D> {
    CommandOption { arg, meaning }
}
