//! What `mv` does.

use super::console::{exit_code, report};
use super::failure::Failure;
use super::machine::{of_this_process, this_host};
use crate::host::{self, Environment, Host};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::mv::{self, Asks};
use crate::options::{Options, Work};
use crate::report::{Event, Listener};
use crate::signals::{self, Watch};
use std::cell::OnceCell;
use std::process::ExitCode;

/// Asks nothing of the machine unless there is something to copy: a rename is to cost what GNU's costs.
pub(super) fn move_names(environment: &Environment, mut request: mv::Request) -> Result<ExitCode, Failure> {
    let report = report(environment, request.options.verbosity).of(Work::Move);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    request.options.privileged = host::user() == 0;
    if request.asks == Asks::OfUnwritable && (request.options.privileged || !host::is_answered_by_hand()) {
        request.asks = Asks::Never;
    }
    let prepared: OnceCell<(Options, Host, Watch)> = OnceCell::new();
    let prepare = || {
        let failed = |error: std::io::Error| crate::error::Error::Refused(error.to_string());
        let watch = signals::watch(signals::GRACE).map_err(failed)?;
        let options = of_this_process(request.options.clone(), host::umask());
        let host = this_host(&options, &report);
        let (options, host, watch) = prepared.get_or_init(|| (options, host, watch));
        Ok(mv::Prepared { options, host, stop: &watch.stop })
    };
    let kernel = Retrying(Linux::new());
    let listener = mv::Watch::new(&report);
    let ask = |question: &str| host::ask(&environment.called, question);
    mv::Mover::new(&kernel, &request, &listener, &ask, &prepare).operands();
    let is_done = report.finish();
    if let Some((.., watch)) = prepared.get() {
        watch.die_if_asked();
    }
    Ok(exit_code(is_done))
}
