//! A copy into several targets.

use super::console::{exit_code, report};
use super::failure::Failure;
use super::machine::{of_this_process, this_host};
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::report::{Event, Listener};
use crate::signals;
use crate::targets::{self, Targets};
use std::process::ExitCode;

/// A copy into several targets.
pub(super) fn distribute(environment: &Environment, request: targets::Request) -> Result<ExitCode, Failure> {
    let limit = host::allow_many_files() / request.operands.len().max(1) as u64;
    let options = of_this_process(request.options, host::umask()).within(limit);
    let report = report(environment, options.verbosity);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let watch = signals::watch(signals::GRACE)?;
    let kernel = Retrying(Linux::new());
    let ask = |question: &str| host::ask(&environment.called, question);
    let host = this_host(&options, &report);
    let (options, host) = (&options, &host);
    let targets = Targets { kernel: &kernel, options, host, stop: &watch.stop, listener: &report, ask: &ask };
    targets.copy(&request.operands, request.manifest.as_ref())?;
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}
