//! What is written to the two outputs: a text, or a report.

use super::failure::Failure;
use crate::doctor;
use crate::host::{self, Environment};
use crate::options::Verbosity;
use crate::report::{Report, write_error};
use crate::signals;
use std::io::Write;
use std::process::ExitCode;

pub(super) fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut output = host::output();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| anyhow::Error::msg(write_error(&error)))?;
    Ok(ExitCode::SUCCESS)
}

/// A text with no line longer than one of the terminal, if it goes to one.
pub(super) fn fitted(text: String) -> String {
    match host::columns_of_output() {
        Some(width) => doctor::wrapped(&text, width),
        None => text,
    }
}

pub(super) fn report(environment: &Environment, verbosity: Verbosity) -> Report {
    let report = Report::new(environment.program, verbosity, host::output(), host::messages());
    report.ending_with_pipes(signals::dies_of_closed_pipes())
}

pub(super) fn exit_code(is_done: bool) -> ExitCode {
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
