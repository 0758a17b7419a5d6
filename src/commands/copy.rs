//! A copy, whose run is also what install does.

use super::accounts::{display, journal, settle, teller};
use super::console::{exit_code, report_above};
use super::failure::Failure;
use super::machine::{of_this_process, this_host};
use crate::account::{Account, Accounts, Display, Running, Watcher};
use crate::archive::manifest::Place;
use crate::archive::recorder::{Recorder, Root};
use crate::archive::{Manifest, Wanted};
use crate::host::{self, CalledAs, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::Options;
use crate::quote::quoted;
use crate::remote::operand;
use crate::report::{Event, Listener, Report};
use crate::signals;
use crate::tree::plan::{Operands, Plan};
use crate::tree::run::Run;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn copy(
    environment: &Environment,
    options: Options,
    operands: &Operands,
    lists: (Option<&Wanted>, &Accounts),
    warnings: &[String],
) -> Result<ExitCode, Failure> {
    let options = of_this_process(options, host::umask());
    let display = display(lists.1);
    let report = report_above(environment, options.verbosity, display.as_ref());
    warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    if environment.called_as == CalledAs::Safecp {
        operands.sources.iter().chain([&operands.target]).for_each(|path| tell_of_other_machines(path, &report));
    }
    let kernel = Retrying(Linux::new());
    let itself = operands.onto_itself(&kernel, &options)?;
    let (options, operands) = itself.unwrap_or_else(|| (options, operands.clone()));
    run((environment, display.as_ref()), &kernel, &report, &options, &operands, lists)
}

/// Warns of an operand that scp would take for a name on another machine, and that nothing here has.
fn tell_of_other_machines(path: &Path, report: &Report) {
    let is_of_another = matches!(operand::Place::parse(path.as_os_str()), Ok(operand::Place::Remote { .. }));
    if is_of_another && host::is_missing(path) {
        let path = quoted(path);
        let warning = format!("{path} is taken for a name on this machine; to copy to or from another, use --as=scp");
        report.hear(&Event::Warned(&warning));
    }
}

/// A run over all operands, to its end; with a manifest and accounts, if they are wanted.
pub(super) fn run(
    (environment, display): (&Environment, Option<&Display>),
    kernel: &Retrying<Linux>,
    report: &Report,
    options: &Options,
    operands: &Operands,
    (manifest, accounts): (Option<&Wanted>, &Accounts),
) -> Result<ExitCode, Failure> {
    let running = Arc::new(Running::begin());
    let account = Account::begin(report, &running, journal(accounts)?, accounts.summary);
    let watch = signals::watch_telling(signals::GRACE, Some(teller(environment.program, &running, display)))?;
    let host = this_host(options, report);
    let ask = |question: &str| match display {
        Some(display) => display.without(|| host::ask(&environment.called, question)),
        None => host::ask(&environment.called, question),
    };
    let run = |listener: &dyn Listener| {
        let mut run = Run::new(kernel, options, &host, &watch.stop, listener, &ask);
        run.measure(&running.meter);
        run.operands(operands);
    };
    let listed = || -> Result<(), Failure> {
        match manifest {
            None => run(&account),
            Some(wanted) => {
                let place = Place::open(kernel, wanted)?;
                let plan = Plan::new(kernel, operands).ok();
                let is_into = plan.as_ref().is_none_or(Plan::is_into_directory);
                let root = if is_into { Root::Targets } else { Root::Target };
                let base = plan.and_then(|plan| plan.open_base(kernel).ok());
                let manifest = Manifest::begin(kernel, wanted, &place);
                let recorder = Recorder::new(kernel, &account, manifest, root, base);
                run(&recorder);
                if !watch.stop.load(Ordering::Relaxed) {
                    recorder.finish().unwrap_or_else(|error| account.hear(&Event::Failed(&error)));
                }
            }
        }
        Ok(())
    };
    let watcher = Watcher { running: &running, display, program: environment.program };
    let count = |is_over: &AtomicBool| running.totals.count(kernel, &operands.sources, options, is_over);
    watcher.look_on(accounts.progress, count, listed)?;
    let is_done = settle(&account, accounts, report, &watch);
    watch.die_if_asked();
    Ok(exit_code(is_done))
}
