//! A copy by several runs: a share of it, its end, and how far it is.

use super::console::{exit_code, report};
use super::failure::Failure;
use super::machine::{of_this_process, this_host};
use crate::cli::{Invocation, read};
use crate::exit_code::ExitCode;
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::{Options, Verbosity};
use crate::report::{Event, Listener};
use crate::shard::finish::{self, Finish};
use crate::shard::share::Share;
use crate::shard::{self, About, Which};
use crate::signals;
use crate::tree::run::Run;
use std::num::NonZeroUsize;

/// One share of a copy.
pub(super) fn share(environment: &Environment, request: &shard::Request) -> Result<ExitCode, Failure> {
    let number = match request.which {
        Which::Told(number) => number,
        Which::Auto => shard::auto::find(host::variable).map_err(anyhow::Error::msg)?,
    };
    let options = of_this_process(request.options.clone(), host::umask());
    let report = report(environment, options.verbosity);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let kernel = Retrying(Linux::new());
    let watch = signals::watch(signals::GRACE)?;
    let (host, here) = (this_host(&options, &report), host::working_directory()?);
    let ask = |question: &str| host::ask(&environment.called, question);
    let begun = Share::begin(&kernel, request, number, (&here, options.user), (&watch.stop, &report));
    match begun {
        Ok(share) => {
            let mut run = Run::new(&kernel, &options, &host, &watch.stop, &report, &ask);
            run.share(&share);
            run.operands(&request.operands);
            let is_well = report.finish() && !watch.is_asked();
            share.end(is_well).unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
        }
        Err(error) => report.hear(&Event::Failed(&error)),
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
    let watch = signals::watch(signals::GRACE)?;
    let user = host::user();
    // It has a log open for each share.
    let files_max = host::allow_many_files();
    let begun = Finish::begin(&kernel, about, user).unwrap_or_else(|missing| {
        missing.iter().for_each(|error| report.hear(&Event::Failed(error)));
        None
    });
    if let Some(mut finish) = begun {
        let Invocation::Share(request) = read(finish.arguments().to_vec(), environment).map_err(Failure::Usage)? else {
            return Err(anyhow::Error::msg("the records of the shards are not of a copy by shards").into());
        };
        let options = of_this_process(Options { jobs, ..request.options.clone() }, host::umask());
        let options = options.within(files_max.saturating_sub(finish.open_files()));
        let host = this_host(&options, &report);
        let ask = |question: &str| host::ask(&environment.called, question);
        let is_well = || report.finish();
        let tools = finish::Tools { host: &host, stop: &watch.stop, listener: &report, ask: &ask, is_well: &is_well };
        let finished = finish.check(&request).and_then(|operands| finish.run(&options, &operands, &tools));
        finished.unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
    }
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// How far the shares of a copy are.
pub(super) fn status(environment: &Environment, about: &About) -> Result<ExitCode, Failure> {
    let report = report(environment, Verbosity::Quiet);
    let kernel = Retrying(Linux::new());
    let (lines, is_complete) = shard::status::status(&kernel, about, host::user())?;
    lines.iter().for_each(|line| report.line(line));
    Ok(exit_code(report.finish() && is_complete))
}
