//! A copy by several runs: a share of it, its end, and how far it is.

use super::console::{exit_code, report};
use super::copy::recorder;
use super::failure::{Failure, unheeded};
use super::machine::{of_this_process, this_host};
use crate::account::{Accounts, End, ReportTo, Telling};
use crate::archive::manifest::ManifestDirectory;
use crate::archive::part::PartFile;
use crate::archive::recorder::Recorder;
use crate::archive::{Manifest, Wanted};
use crate::cli::{Invocation, read};
use crate::copy::Geometry;
use crate::error::{Action, Error};
use crate::exit_code::ExitCode;
use crate::host::{self, Environment};
use crate::kernel::Errno;
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::{Options, Verbosity};
use crate::report::{Event, Listener};
use crate::shard::finish::{self, Finish};
use crate::shard::planner::Planner;
use crate::shard::share::Share;
use crate::shard::{self, About, Which};
use crate::signals::{self, Watch};
use crate::tree::run::Run;
use std::num::{NonZeroU32, NonZeroUsize};

/// One share of a copy.
pub(super) fn share(environment: &Environment, request: &shard::Request) -> Result<ExitCode, Failure> {
    let number = match request.which {
        Which::Told(number) => number,
        Which::Auto => shard::auto::find(host::variable).map_err(anyhow::Error::msg)?,
        Which::Lists(count) => return plan(environment, request, count),
    };
    let options = of_this_process(request.options.clone(), host::umask());
    let report = report(environment, options.verbosity);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let kernel = Retrying(Linux::new());
    let watch = signals::watch(signals::GRACE).map_err(unheeded)?;
    let here = host::working_directory()?;
    let begun = Share::begin(&kernel, request, number, (&here, options.user), (&watch.stop, &report));
    let is_copied = match begun {
        Ok(share) => {
            let is_copied = copy_share((environment, &kernel, &watch), request, &options, &share)?;
            let is_well = is_copied && report.finish() && !watch.is_asked();
            share.end(is_well).unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
            is_copied
        }
        Err(error) => {
            report.hear(&Event::Failed(&error));
            false
        }
    };
    let is_done = report.finish() && is_copied;
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// Copies what falls to a share, and writes its parts of a manifest and a report, if they are wanted. True if nothing has failed.
fn copy_share(
    (environment, kernel, watch): (&Environment, &Retrying<Linux>, &Watch),
    request: &shard::Request,
    options: &Options,
    share: &Share<'_, Retrying<Linux>>,
) -> Result<bool, Failure> {
    let to = request.report.as_ref().map(|_| ReportTo::Part(share.report_part()));
    let accounts = Accounts { report: to, ..Accounts::default() };
    let telling = Telling::begin(environment, &accounts, options.verbosity)?;
    let account = telling.account();
    let host = this_host(options, &telling.report);
    let ask = |question: &str| telling.ask(question);
    let run = |listener: &dyn Listener| {
        let mut run = Run::new(kernel, options, &host, &watch.stop, listener, &ask);
        run.share(share);
        run.operands(&request.operands);
    };
    match &request.manifest {
        None => run(&account),
        Some(wanted) => {
            let (file, shown) = share.manifest_part()?;
            let part = PartFile::new(kernel, file, &shown);
            let recorder = recorder(kernel, &account, Manifest::begin_part(kernel, wanted, &part), &request.operands)?;
            run(&recorder);
            if let Err(error) = recorder.finish() {
                account.hear(&Event::Failed(&error));
            }
        }
    }
    Ok(telling.finish(&account, watch.is_asked()))
}

/// The lists of all shares.
fn plan(environment: &Environment, request: &shard::Request, count: NonZeroU32) -> Result<ExitCode, Failure> {
    let options = of_this_process(request.options.clone(), host::umask());
    let report = report(environment, options.verbosity);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let kernel = Retrying(Linux::new());
    let watch = signals::watch(signals::GRACE).map_err(unheeded)?;
    let (host, here) = (this_host(&options, &report), host::working_directory()?);
    let ask = |question: &str| host::ask(&environment.called, question);
    let planner = Planner::begin(&kernel, request, count, (&here, options.user))?;
    let mut run = Run::new(&kernel, &options, &host, &watch.stop, &report, &ask);
    run.share(&planner);
    run.operands(&request.operands);
    // Lists of what could not be walked would not be whole.
    if report.finish() && !watch.is_asked() {
        match planner.end() {
            Ok(line) => report.line(&line),
            Err(error) => report.hear(&Event::Failed(&error)),
        }
    }
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// The end of a copy that shares have worked on.
pub(super) fn finish(
    environment: &Environment,
    about: &About,
    jobs: Option<NonZeroUsize>,
) -> Result<ExitCode, Failure> {
    let report = report(environment, Verbosity::Quiet);
    let kernel = Retrying(Linux::new());
    let watch = signals::watch(signals::GRACE).map_err(unheeded)?;
    let user = host::user();
    let files_max = host::allow_many_files();
    let begun = Finish::begin(&kernel, about, user).unwrap_or_else(|missing| {
        missing.iter().for_each(|error| report.hear(&Event::Failed(error)));
        None
    });
    let mut is_well = true;
    if let Some(mut finish) = begun {
        let Invocation::Share(request) = read(finish.arguments().to_vec(), environment).map_err(Failure::Usage)? else {
            return Err(anyhow::Error::msg("the records of the shards are not of a copy by shards").into());
        };
        let options = of_this_process(Options { jobs, ..request.options.clone() }, host::umask());
        let options = options.within(files_max);
        let finished = finish_by((environment, &kernel, &watch), &mut finish, &request, &options);
        is_well = finished.unwrap_or_else(|error| {
            report.hear(&Event::Failed(&error));
            false
        });
    }
    let is_done = report.finish() && is_well;
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// Finishes a copy as its shares have begun it; with a manifest and a report, if they were to be made. True if nothing has failed.
fn finish_by(
    (environment, kernel, watch): (&Environment, &Retrying<Linux>, &Watch),
    finish: &mut Finish<'_, Retrying<Linux>>,
    request: &shard::Request,
    options: &Options,
) -> Result<bool, Error> {
    let operands = finish.check(request)?;
    // When the records are being removed, both are there already.
    let is_wanted = !finish.is_over();
    let here = finish.here().to_owned();
    let wanted = request.manifest.clone().filter(|_| is_wanted);
    let wanted = wanted.map(|wanted| Wanted { file: here.join(&wanted.file), ..wanted });
    let to = request.report.clone().filter(|_| is_wanted).map(|to| match to {
        ReportTo::File(path) | ReportTo::Part(path) => ReportTo::File(here.join(path)),
        ReportTo::Output => ReportTo::Output,
    });
    let accounts = Accounts { report: to, ..Accounts::default() };
    let telling = Telling::begin(environment, &accounts, Verbosity::Quiet)?;
    let account = telling.account();
    let host = this_host(options, &telling.report);
    for part in finish.report_parts().filter(|_| accounts.report.is_some()) {
        let joined = host::read_lines(&part).and_then(|lines| account.join(lines));
        joined.map_err(|error| Error::call(Action::Read, &part, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
    }
    let directory = wanted.as_ref().map(|wanted| ManifestDirectory::open(kernel, wanted)).transpose()?;
    let recorder = match wanted.as_ref().zip(directory.as_ref()) {
        None => None,
        Some((wanted, directory)) => {
            let manifest = Manifest::begin(kernel, wanted, directory);
            for part in finish.manifest_parts() {
                let (number, file, shown) = part?;
                manifest.join(number, &file, &shown)?;
            }
            Some(recorder(kernel, &account, manifest, &operands)?)
        }
    };
    let listener = recorder.as_ref().map_or::<&dyn Listener, _>(&account, |recorder| recorder);
    let write = || {
        recorder.as_ref().map(Recorder::finish).transpose()?;
        telling.end(&account, End::Succeeded)
    };
    let tools = finish::Tools {
        host: &host,
        stop: &watch.stop,
        listener,
        ask: &|question| telling.ask(question),
        is_well: &|| telling.report.finish(),
        write: &write,
        geometry: Geometry::default(),
    };
    if let Err(error) = finish.run(options, &operands, &tools) {
        account.hear(&Event::Failed(&error));
    }
    Ok(telling.finish(&account, watch.is_asked()))
}

/// How far the shares of a copy are.
pub(super) fn status(environment: &Environment, about: &About) -> Result<ExitCode, Failure> {
    let report = report(environment, Verbosity::Quiet);
    let kernel = Retrying(Linux::new());
    let (lines, is_complete) = shard::status::status(&kernel, about, host::user())?;
    lines.iter().for_each(|line| report.line(line));
    Ok(exit_code(report.finish() && is_complete))
}
