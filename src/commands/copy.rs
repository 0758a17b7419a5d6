//! A copy, whose run is also what install does.

use super::apart::must_be_apart;
use super::console::exit_code;
use super::failure::{Failure, unheeded};
use super::machine::{of_this_process, this_host};
use crate::account::{Account, Accounts, Telling};
use crate::archive::manifest::ManifestDirectory;
use crate::archive::recorder::Recorder;
use crate::archive::{Manifest, Wanted};
use crate::error::{Action, Error};
use crate::exit_code::ExitCode;
use crate::host::{self, CalledAs, Environment};
use crate::kernel::Errno;
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::Options;
use crate::quote::quoted;
use crate::remote::operand;
use crate::report::{Event, Listener, Report};
use crate::tree::plan::{Operands, Plan};
use crate::tree::root::Root;
use crate::tree::run::Run;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn copy(
    environment: &Environment,
    options: Options,
    operands: &Operands,
    (manifest, accounts): (Option<&Wanted>, &Accounts),
    warnings: &[String],
) -> Result<ExitCode, Failure> {
    let options = of_this_process(options, host::umask());
    let kernel = Retrying(Linux::new());
    must_be_apart(&kernel, accounts, manifest.map(|wanted| &*wanted.file), &operands.sources)?;
    let telling = Telling::begin(environment, accounts, options.verbosity)?;
    warnings.iter().for_each(|warning| telling.report.hear(&Event::Warned(warning)));
    if environment.called_as == CalledAs::Safecp {
        tell_of_other_machines(operands.sources.iter().chain([&operands.target]), &telling.report);
    }
    let itself = operands.onto_itself(&kernel, &options)?;
    let (options, operands) = itself.unwrap_or_else(|| (options, operands.clone()));
    run(&telling, &kernel, &options, &operands, manifest)
}

/// Warns of operands that scp would take for names on another machine, and that nothing here has.
pub(super) fn tell_of_other_machines<'a>(operands: impl Iterator<Item = &'a PathBuf>, report: &Report) {
    for path in operands {
        let is_of_another = matches!(operand::Place::parse(path.as_os_str()), Ok(operand::Place::Remote { .. }));
        if is_of_another && host::is_missing(path) {
            let path = quoted(path);
            let warning =
                format!("{path} is taken for a name on this machine; to copy to or from another, use --as=scp");
            report.hear(&Event::Warned(&warning));
        }
    }
}

/// Listens to a run over these operands, and makes a manifest of it.
pub(super) fn recorder<'a>(
    kernel: &'a Retrying<Linux>,
    next: &'a dyn Listener,
    manifest: Manifest<'a, Retrying<Linux>>,
    operands: &Operands,
) -> Result<Recorder<'a, Retrying<Linux>>, Error> {
    let Ok(plan) = Plan::new(kernel, operands) else {
        // The run says why. What a second look would let it copy is not where the list would say.
        let recorder = Recorder::new(kernel, next, manifest, Root::Targets, None);
        recorder.has_failed();
        return Ok(recorder);
    };
    let root = if plan.is_into_directory() { Root::Targets } else { Root::Target };
    let base = match plan.open_base(kernel) {
        Ok(base) => Some(base),
        // Nothing can be copied there, which the run says.
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG) => None,
        Err(errno) => return Err(Error::call(Action::AccessTargetDirectory, &plan.base, errno)),
    };
    Ok(Recorder::new(kernel, next, manifest, root, base))
}

/// A run that a manifest is made of, which is written unless the run was stopped.
pub(super) fn recorded(
    recorder: &Recorder<'_, Retrying<Linux>>,
    (account, stop): (&Account<'_>, &AtomicBool),
    run: impl FnOnce(&dyn Listener),
) {
    run(recorder);
    if !stop.load(Ordering::Relaxed) {
        if let Err(error) = recorder.finish() {
            account.hear(&Event::Failed(&error));
        }
    }
}

/// A run over all operands, to its end; with a manifest, if one is wanted.
pub(super) fn run(
    telling: &Telling<'_>,
    kernel: &Retrying<Linux>,
    options: &Options,
    operands: &Operands,
    manifest: Option<&Wanted>,
) -> Result<ExitCode, Failure> {
    let account = telling.account();
    let is_one = operands.sources.len() == 1 && manifest.is_none();
    let watch = if is_one { telling.watch_one() } else { telling.watch() }.map_err(unheeded)?;
    let host = this_host(options, &telling.report);
    let ask = |question: &str| telling.ask(question);
    let run = |listener: &dyn Listener| {
        let mut run = Run::new(kernel, options, &host, &watch.stop, listener, &ask);
        run.measure(&telling.running.meter);
        run.leave_out(telling.own_name());
        run.operands(operands);
    };
    let listed = || -> Result<(), Failure> {
        match manifest {
            None => run(&account),
            Some(wanted) => {
                let directory = ManifestDirectory::open(kernel, wanted)?;
                let manifest = Manifest::begin(kernel, wanted, &directory);
                recorded(&recorder(kernel, &account, manifest, operands)?, (&account, &watch.stop), run);
            }
        }
        Ok(())
    };
    let count = |is_over: &AtomicBool| telling.running.totals.count(kernel, &operands.sources, options, is_over);
    telling.look_on(count, listed)?;
    let is_done = telling.finish(&account, watch.is_asked());
    watch.die_if_asked();
    Ok(exit_code(is_done))
}
