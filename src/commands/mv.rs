//! What `mv` does.

use super::apart::must_be_apart;
use super::console::exit_code;
use super::failure::{Failure, unheeded};
use super::machine::{of_this_process, this_host};
use crate::account::Telling;
use crate::exit_code::ExitCode;
use crate::host::{self, Environment, Host};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::mv::{self, Asks};
use crate::options::{Options, Work};
use crate::report::{Event, Listener};
use crate::signals::Watch;
use std::cell::OnceCell;
use std::sync::atomic::AtomicBool;

/// Asks nothing of the machine unless there is something to copy: a rename is to cost what GNU's costs.
pub(super) fn move_names(environment: &Environment, mut request: mv::Request) -> Result<ExitCode, Failure> {
    let accounts = std::mem::take(&mut request.accounts);
    let kernel = Retrying(Linux::new());
    must_be_apart(&kernel, &accounts, None, &request.operands.sources)?;
    let telling = Telling::begin(environment, &accounts, request.options.verbosity)?.of(Work::Move);
    request.warnings.iter().for_each(|warning| telling.report.hear(&Event::Warned(warning)));
    request.options.privileged = host::user() == 0;
    if request.asks == Asks::OfUnwritable && (request.options.privileged || !host::is_answered_by_hand()) {
        request.asks = Asks::Never;
    }
    let prepared: OnceCell<(Options, Host, Watch)> = OnceCell::new();
    let prepare = || {
        let watch = telling.watch().map_err(unheeded)?;
        let options = of_this_process(request.options.clone(), host::umask());
        let host = this_host(&options, &telling.report);
        let (options, host, watch) = prepared.get_or_init(|| (options, host, watch));
        Ok(mv::Prepared { options, host, stop: &watch.stop, meter: &telling.running.meter })
    };
    let account = telling.account();
    let listener = mv::Watch::new(&account);
    let ask = |question: &str| telling.ask(question);
    // Of several operands those that were moved are gone when they would be counted.
    let sources = Some(&request.operands.sources[..]).filter(|sources| sources.len() == 1);
    let count = |is_over: &AtomicBool| {
        sources.iter().for_each(|sources| telling.running.totals.count(&kernel, sources, &request.options, is_over));
    };
    telling.look_on(count, || mv::Mover::new(&kernel, &request, &listener, &ask, &prepare).operands());
    let is_done = telling.finish(&account, prepared.get().is_some_and(|(.., watch)| watch.is_asked()));
    if let Some((.., watch)) = prepared.get() {
        watch.die_if_asked();
    }
    Ok(exit_code(is_done))
}
