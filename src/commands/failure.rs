//! What ends a run before it is reported on, and how that is said.

use crate::cli::{Speaker, UsageError};
use crate::error::{Error, reason_of};
use crate::exit_code::ExitCode;
use crate::guard::GuardError;
use crate::host;
use std::io::Write;

/// What ends a run before it is reported on.
pub enum Failure {
    /// The command line.
    Usage(UsageError),
    /// The guard, or the command that it cannot execute.
    Guard(GuardError),
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    /// Says it, and returns the exit status that tells it.
    pub fn say(self, program: &str, called: &str) -> ExitCode {
        match self {
            Failure::Usage(error) => {
                let name = if error.speaker == Speaker::Getopt { called } else { program };
                let help = error.help.map(|help| format!("\nTry '{called} {help}' for more information."));
                complain(name, &format!("{error}{}", help.unwrap_or_default()));
                ExitCode::from(error.status)
            }
            Failure::Guard(error) => {
                complain(program, &error.to_string());
                ExitCode::from(error.status)
            }
            Failure::Other(error) => {
                complain(program, &format!("{error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}

impl From<GuardError> for Failure {
    fn from(error: GuardError) -> Self {
        Failure::Guard(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Other(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Other(error.into())
    }
}

/// Signals cannot be waited for or handled, as where a filter refuses that.
pub(super) fn unheeded(error: std::io::Error) -> Error {
    Error::Refused(format!("cannot handle signals: {}", reason_of(&error)))
}

/// A message where no report is. There is nowhere else to say that it cannot be written, and the exit status is what it
/// would be.
pub(super) fn complain(name: &str, text: &str) {
    host::messages().write_all(format!("{name}: {text}\n").as_bytes()).unwrap_or(());
}
