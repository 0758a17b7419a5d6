//! A command that is refused what misleads it.

use super::failure::{Failure, complain};
use crate::exit_code::ExitCode;
use crate::guard::{self, Privileges, Shortcut};
use crate::host;
use crate::kernel::process::survive_closed_pipes;
use std::ffi::OsString;

/// Returns only if the command could not be executed.
pub(super) fn guard(program: &str, refused: &[Shortcut], command: &[OsString]) -> Result<ExitCode, Failure> {
    // What cannot be said of the guard is no reason not to run the command.
    survive_closed_pipes();
    if guard::install(refused)? == Privileges::GivenUp {
        complain(program, "no_new_privs is set: under the command set-user-ID programs gain nothing");
    }
    if let Some(note) = guard::try_copier(refused, host::program(&host::path(), "cp").as_ref())? {
        complain(program, &note);
    }
    Err(guard::execute(command).into())
}
