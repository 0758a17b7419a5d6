//! What was typed: the definition of each command line, and its reading into options and operands.
//!
//! A personality is what the program is: by the name that it is called, or by its first argument. Each has a command line
//! of its own, which is the one source of its help, man page and completions. Options are read in the
//! order they were typed, since later ones take back what earlier ones said.

mod accounts;
mod check;
mod cp;
mod cp_options;
mod definition;
mod doctor;
mod draft;
mod finish;
mod guard;
mod install;
mod invocation;
mod mode;
mod mv;
mod option;
mod repair;
mod scan;
mod scp;
mod server;
mod usage_error;
mod values;
mod words;

pub use check::check_command;
pub use cp::{command, cp_command};
pub use doctor::doctor_command;
pub use finish::{finish_command, status_command};
pub use guard::guard_command;
pub use install::install_command;
pub use invocation::Invocation;
pub use mv::mv_command;
pub use repair::repair_command;
pub use scan::scan_command;
pub use scp::scp_command;
pub use server::server_command;
pub use usage_error::{Speaker, UsageError};

use crate::host::{CalledAs, Environment};
use crate::quote::quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use usage_error::{ParseError, Syntax};

/// What the program is.
struct Personality {
    /// How its command line is spoken of.
    syntax: Syntax,
    /// Reads that.
    parse: fn(Vec<OsString>, &Environment) -> usage_error::Result<Invocation>,
}

const COPIER: Personality = Personality { syntax: Syntax { help: "--help", status: 1 }, parse: cp::parse };
const INSTALLER: Personality = Personality { syntax: COPIER.syntax, parse: install::parse };
const MOVER: Personality = Personality { syntax: COPIER.syntax, parse: mv::parse };
const REMOTE_COPIER: Personality = Personality { syntax: COPIER.syntax, parse: scp::parse };
const STRANGER: Personality = Personality { syntax: COPIER.syntax, parse: refuse };
const CHECK: Personality = Personality { syntax: check::SYNTAX, parse: check::parse };
const REPAIR: Personality = Personality { syntax: repair::SYNTAX, parse: repair::parse };
const SERVER: Personality = Personality { syntax: server::SYNTAX, parse: server::parse };
const SCAN: Personality = Personality { syntax: scan::SYNTAX, parse: scan::parse };
const FINISH: Personality = Personality { syntax: finish::FINISH_SYNTAX, parse: finish::parse_finish };
const STATUS: Personality = Personality { syntax: finish::STATUS_SYNTAX, parse: finish::parse_status };
const GUARD: Personality = Personality { syntax: guard::SYNTAX, parse: guard::parse };
const DOCTOR: Personality = Personality { syntax: doctor::SYNTAX, parse: doctor::parse };

/// What the first argument is called that says by which name the program is called.
const AS: &str = "as";

/// Takes `--as=NAME` for the name by which the program was called, if that is the first argument.
#[must_use]
pub fn as_named(arguments: Vec<OsString>, environment: Environment) -> (Vec<OsString>, Environment) {
    let name = match arguments.get(1).map(|first| first.as_bytes()) {
        Some(first) if environment.called_as == CalledAs::Safecp => first.strip_prefix(b"--as=").map(OsStr::from_bytes),
        Some(_) | None => None,
    };
    let Some(name) = name else { return (arguments, environment) };
    let (called_as, program) = match CalledAs::of(name) {
        (CalledAs::Safecp, program) if name.is_empty() => (CalledAs::Another, program),
        named => named,
    };
    let called = match called_as {
        CalledAs::Another => name.to_string_lossy().into_owned(),
        CalledAs::Safecp => program.to_owned(),
        CalledAs::Cp | CalledAs::Install | CalledAs::Mv | CalledAs::Scp => {
            format!("{} --as={}", environment.called, name.to_string_lossy())
        }
    };
    let others = arguments.iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, argument)| argument.clone());
    (others.collect(), Environment { called_as, program, called, ..environment })
}

/// Reads arguments, the program's name first. Makes no system call: umask and user are filled in by
/// the caller.
pub fn read(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<Invocation, UsageError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let first = arguments.get(1).and_then(|argument| argument.to_str());
    let Personality { syntax, parse } = match environment.called_as {
        CalledAs::Cp => COPIER,
        CalledAs::Install => INSTALLER,
        CalledAs::Mv => MOVER,
        CalledAs::Scp => REMOTE_COPIER,
        CalledAs::Another => STRANGER,
        CalledAs::Safecp => match first.and_then(|argument| argument.strip_prefix("--")) {
            Some(check::MODE) => CHECK,
            Some(repair::MODE) => REPAIR,
            Some(server::MODE) => SERVER,
            Some(scan::MODE) => SCAN,
            Some(finish::FINISH) => FINISH,
            Some(finish::STATUS) => STATUS,
            Some(guard::MODE) => GUARD,
            Some(doctor::MODE) => DOCTOR,
            Some(_) | None => COPIER,
        },
    };
    parse(arguments, environment).map_err(|error| UsageError::new(error, syntax, environment.is_utf8))
}

/// A link that is called as another program would be taken for that: whatever it was to do, a copy is not it.
fn refuse(_: Vec<OsString>, environment: &Environment) -> usage_error::Result<Invocation> {
    let called = quoted(Path::new(&environment.called));
    Err(ParseError::last(format!(
        "{called} is none of the programs that safecp stands in for: cp, install, mv and scp"
    )))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definitions_are_sound() {
        super::command("safecp").debug_assert();
        super::cp_command("cp").debug_assert();
        super::check_command("safecp").debug_assert();
        super::repair_command("safecp").debug_assert();
        super::scan_command("safecp").debug_assert();
        super::finish_command("safecp").debug_assert();
        super::status_command("safecp").debug_assert();
        super::guard_command("safecp").debug_assert();
        super::install_command("install").debug_assert();
        super::mv_command("mv").debug_assert();
        super::scp_command("scp").debug_assert();
        super::server_command("safecp").debug_assert();
        super::doctor_command("safecp").debug_assert();
    }
}
