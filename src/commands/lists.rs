//! What is done with lists of a tree: made, checked, followed.

use super::console::{exit_code, report};
use super::failure::{Failure, complain};
use crate::archive::check::{self, Check, Reference};
use crate::archive::finding::Finding;
use crate::archive::manifest::Place;
use crate::archive::repair::{Repair, Told};
use crate::archive::{self, Manifest, Wanted};
use crate::copy::threads::Threads;
use crate::copy::{Geometry, Sealing, Stop};
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::{Options, Verbosity};
use crate::report::{Event, Listener, Report};
use crate::signals;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

/// What the work on a list is done with.
pub(super) type Tools<'a> = (Sealing<'a, Retrying<Linux>>, &'a Threads, &'a Report);

/// Makes, checks or follows a list, to its end. `work` tells whether all is well; what it could not do at all is told.
pub(super) fn with_list(
    environment: &Environment,
    jobs: Option<NonZeroUsize>,
    work: impl FnOnce(Tools<'_>) -> Result<bool, crate::error::Error>,
) -> Result<ExitCode, Failure> {
    let options = Options { jobs, ..Options::plain() }.within(host::allow_many_files());
    let watch = signals::watch(signals::GRACE)?;
    let report = report(environment, Verbosity::Quiet);
    let kernel = Retrying(Linux::new());
    let threads = Threads::new(options.jobs, options.jobs_max);
    let (geometry, stop) = (Geometry::default(), Stop(&watch.stop));
    let sealing = Sealing { kernel: &kernel, geometry, threads: Some(&threads), stop };
    let is_well = work((sealing, &threads, &report)).unwrap_or_else(|error| {
        report.hear(&Event::Failed(&error));
        false
    });
    let is_told = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_well && is_told))
}

/// Writes down what is there.
pub(super) fn seal(
    environment: &Environment,
    operand: &Path,
    wanted: &Wanted,
    jobs: Option<NonZeroUsize>,
) -> Result<ExitCode, Failure> {
    with_list(environment, jobs, |(sealing, threads, report)| {
        let place = Place::open(sealing.kernel, wanted)?;
        let manifest = Manifest::begin(sealing.kernel, wanted, &place);
        let sealed = archive::seal::seal(&sealing, operand, &manifest, threads, report);
        // A list that is not whole is none.
        if !sealing.stop.is_asked() {
            sealed.and_then(|()| manifest.finish())?;
        }
        Ok(true)
    })
}

/// Compares a tree with what is known of it, and tells each difference.
pub(super) fn check(environment: &Environment, request: &check::Request) -> Result<ExitCode, Failure> {
    with_list(environment, request.jobs, |(sealing, threads, report)| {
        let hear = |finding: &Finding| match (finding, archive::text::line(finding)) {
            (Finding::Failed(error), _) => report.hear(&Event::Failed(error)),
            (_, Some(line)) => report.line(&line),
            (_, None) => {}
        };
        let check = Check { sealing, threads, release: host::this_host().kernel, hear: &hear };
        let tally = check.run(request)?;
        let (Reference::List(reference) | Reference::Tree(reference)) = &request.reference;
        let summary = archive::text::summary(reference, &tally);
        if tally.is_clean() {
            report.line(&summary);
        } else {
            complain(environment.program, &summary);
            archive::text::advice(&tally).into_iter().for_each(|advice| complain(environment.program, advice));
        }
        Ok(tally.is_clean())
    })
}

/// Mends a tree, and tells what was mended.
pub(super) fn repair(environment: &Environment, request: &Repair) -> Result<ExitCode, Failure> {
    with_list(environment, request.jobs, |(sealing, threads, report)| {
        let check = Check { sealing, threads, release: host::this_host().kernel, hear: &|_| {} };
        let repaired = archive::repair::repair(&check, request, &|told| match told {
            Told::Left(finding) => {
                archive::text::line(finding).iter().for_each(|line| report.line(&format!("left alone: {line}")));
            }
            Told::Mended(path, mended) => report.line(&archive::text::mended(path, *mended)),
            Told::Failed(error) => report.hear(&Event::Failed(error)),
        })?;
        report.line(&archive::text::repaired(&request.list, &repaired));
        Ok(true)
    })
}
