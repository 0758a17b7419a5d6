//! A copy into several targets.

use super::apart::must_be_apart;
use super::console::exit_code;
use super::copy::tell_of_other_machines;
use super::failure::{Failure, unheeded};
use super::machine::{of_this_process, this_host};
use crate::account::Telling;
use crate::exit_code::ExitCode;
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::report::{Event, Listener};
use crate::targets::{self, Order, Targets};
use std::sync::atomic::AtomicBool;

/// A copy into several targets.
pub(super) fn distribute(environment: &Environment, request: targets::Request) -> Result<ExitCode, Failure> {
    let targets::Request { options, operands, manifest, accounts, warnings } = request;
    let limit = host::allow_many_files() / operands.len().max(1) as u64;
    let options = &of_this_process(options, host::umask()).within(limit);
    let kernel = &Retrying(Linux::new());
    let sources = operands.first().map_or(&[][..], |operands| &operands.sources);
    must_be_apart(kernel, &accounts, manifest.as_ref().map(|wanted| &*wanted.file), sources)?;
    let telling = Telling::begin(environment, &accounts, options.verbosity)?;
    let report = &telling.report;
    warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    tell_of_other_machines(sources.iter().chain(operands.iter().map(|operands| &operands.target)), report);
    let watch = telling.watch().map_err(unheeded)?;
    let (host, account) = (&this_host(options, report), &telling.account());
    let (ask, stop, meter) = (&|question: &str| telling.ask(question), &*watch.stop, &telling.running.meter);
    let order = Order::SideBySide;
    let left_out = telling.own_name();
    let targets = Targets { kernel, options, host, stop, listener: report, account, meter, left_out, ask, order };
    let count = |is_over: &AtomicBool| {
        telling.running.totals.count_for(operands.len() as u64, kernel, sources, options, is_over);
    };
    telling.look_on(count, || targets.copy(&operands, manifest.as_ref()))?;
    let is_done = telling.finish(account, watch.is_asked());
    watch.die_if_asked();
    Ok(exit_code(is_done))
}
