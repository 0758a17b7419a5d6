//! What `--doctor` does: this machine is examined, or one call is tried.

use super::console::print;
use super::failure::{Failure, complain};
use crate::{doctor, host};
use std::process::ExitCode;

pub(super) fn doctor(program: &str, task: &doctor::Request) -> Result<ExitCode, Failure> {
    let wanted = match task {
        doctor::Request::Copy { call, source, target } => {
            return Ok(ExitCode::from(doctor::raw::copy(*call, source, target)));
        }
        doctor::Request::Examine(wanted) => wanted,
    };
    let examined = doctor::examine_apart(wanted)?;
    examined.errors.iter().for_each(|error| complain(program, error));
    let is_page = wanted.detail != doctor::Detail::Json;
    let page = host::columns_of_output().filter(|_| is_page).map(|width| doctor::wrapped(&examined.text, width));
    print(&page.unwrap_or(examined.text))?;
    Ok(ExitCode::from(examined.status))
}
