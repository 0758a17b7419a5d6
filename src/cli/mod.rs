//! What was typed: the definition of each command line, and its reading into options and operands.
//!
//! A personality is what the program is: by the name that it is called, or by its first argument. Each has a command line
//! of its own, which is the one source of its help, man page and completions. Options are read in the
//! order they were typed, since later ones take back what earlier ones said.

mod check;
mod cp;
mod cp_options;
mod definition;
mod doctor;
mod draft;
mod guard;
mod invocation;
mod usage_error;
mod words;

pub use check::check_command;
pub use cp::{command, cp_command};
pub use doctor::doctor_command;
pub use guard::guard_command;
pub use invocation::Invocation;
pub use usage_error::{Speaker, UsageError};

use crate::host::Environment;
use std::ffi::OsString;
use usage_error::Syntax;

/// What the program is.
struct Personality {
    /// How its command line is spoken of.
    syntax: Syntax,
    /// Reads that.
    parse: fn(Vec<OsString>, &Environment) -> usage_error::Result<Invocation>,
}

const COPIER: Personality = Personality { syntax: Syntax { help: "--help", status: 1 }, parse: cp::parse };
const CHECK: Personality = Personality { syntax: check::SYNTAX, parse: check::parse };
const GUARD: Personality = Personality { syntax: guard::SYNTAX, parse: guard::parse };
const DOCTOR: Personality = Personality { syntax: doctor::SYNTAX, parse: doctor::parse };

/// Reads arguments, the program's name first. Makes no system call: umask and user are filled in by
/// the caller.
pub fn read(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Invocation, UsageError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let mode = first.and_then(|argument| argument.strip_prefix("--")).filter(|_| !environment.is_cp());
    let Personality { syntax, parse } = match mode {
        Some(check::MODE) => CHECK,
        Some(guard::MODE) => GUARD,
        Some(doctor::MODE) => DOCTOR,
        _ => COPIER,
    };
    parse(arguments, environment).map_err(|error| UsageError::new(error, syntax, environment.is_utf8))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definitions_are_sound() {
        super::command("safecp").debug_assert();
        super::cp_command("cp").debug_assert();
        super::check_command("safecp").debug_assert();
        super::guard_command("safecp").debug_assert();
        super::doctor_command("safecp").debug_assert();
    }
}
