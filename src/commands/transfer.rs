//! A copy to or from another machine: this end of it, and the far one.

use super::console::{exit_code, report};
use super::failure::Failure;
use super::machine::this_host;
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::process::survive_closed_pipes;
use crate::kernel::retry::Retrying;
use crate::remote::client::{self, Client};
use crate::remote::server::{self, Server};
use crate::signals;
use std::process::ExitCode;

/// A copy to or from another machine.
pub(super) fn transfer(environment: &Environment, request: &client::Request) -> Result<ExitCode, Failure> {
    let report = report(environment, request.terms.verbosity);
    let watch = signals::watch(signals::GRACE)?;
    // A far end that is gone is told, whatever pipe tells it.
    survive_closed_pipes();
    let host = this_host(&request.terms.options(), &report);
    let kernel = Retrying(Linux::new());
    let (program, stop) = (environment.program, &watch.stop);
    Client { kernel: &kernel, request, program, host: &host, report: &report, stop }.run();
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// The far end of one.
pub(super) fn serve(server: &Server) -> Result<ExitCode, Failure> {
    let watch = signals::watch(signals::GRACE)?;
    survive_closed_pipes();
    let is_done = server::serve(server, &Retrying(Linux::new()), &host::this_host(), &watch.stop);
    watch.die_if_asked();
    Ok(exit_code(is_done))
}
