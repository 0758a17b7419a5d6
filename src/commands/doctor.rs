//! What `--doctor` does: this machine is examined, or one call is tried.

use super::console::{fitted, print};
use super::failure::{Failure, complain};
use crate::doctor;
use crate::error::{Error, reason_of};
use crate::exit_code::ExitCode;

pub(super) fn doctor(program: &str, task: &doctor::Request) -> Result<ExitCode, Failure> {
    let wanted = match task {
        doctor::Request::Copy { call, source, target } => {
            return Ok(ExitCode::from(doctor::raw::copy(*call, source, target)));
        }
        doctor::Request::Examine(wanted) => wanted,
    };
    let examined = doctor::examine_apart(wanted)
        .map_err(|error| Error::Refused(format!("cannot examine this machine: {}", reason_of(&error))))?;
    examined.errors.iter().for_each(|error| complain(program, error));
    print(&match wanted.detail {
        doctor::Detail::Risks | doctor::Detail::Everything => fitted(examined.text),
        doctor::Detail::Json => examined.text,
    })?;
    Ok(ExitCode::from(examined.status))
}
