//! What is done with lists of a tree: made, checked, followed.

use super::apart::must_be_apart;
use super::console::exit_code;
use super::failure::{Failure, unheeded};
use crate::account::{Account, Accounts, Telling, Total};
use crate::archive::check::{self, Check, Reference};
use crate::archive::finding::Finding;
use crate::archive::manifest::{Extent, ManifestDirectory};
use crate::archive::repair::{Repair, RepairEvent};
use crate::archive::seal::Subject;
use crate::archive::{self, Manifest, Wanted};
use crate::copy::threads::Threads;
use crate::copy::{Geometry, Sealing, Stop};
use crate::exit_code::ExitCode;
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::{Options, Verbosity, Work};
use crate::report::{Event, Listener, Report};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What the work on a list is done with.
type Tools<'a> = (Sealing<'a, Retrying<Linux>>, &'a Threads);

/// Makes, checks or follows a list, to its end. `count` finds out how much there is to look at; `work` tells whether all is
/// well; what it could not do at all is told.
pub(super) fn with_list(
    telling: &Telling<'_>,
    jobs: Option<NonZeroUsize>,
    count: impl Fn(&Retrying<Linux>, &AtomicBool) -> Option<Total> + Sync,
    work: impl FnOnce(Tools<'_>, &Account<'_>) -> Result<bool, crate::error::Error>,
) -> Result<ExitCode, Failure> {
    let options = Options { jobs, ..Options::plain() }.within(host::allow_many_files());
    let watch = telling.watch().map_err(unheeded)?;
    let kernel = Retrying(Linux::new());
    let threads = Threads::new(options.jobs, options.jobs_max);
    let (geometry, stop, meter) = (Geometry::default(), Stop(&watch.stop), Some(&telling.running.meter));
    let sealing = Sealing { kernel: &kernel, geometry, threads: Some(&threads), stop, meter };
    let account = telling.account();
    let known = |is_over: &AtomicBool| {
        count(&kernel, is_over).into_iter().for_each(|total| telling.running.totals.know(total));
    };
    let worked = telling.look_on(known, || work((sealing, &threads), &account));
    let is_well = worked.unwrap_or_else(|error| {
        account.hear(&Event::Failed(&error));
        false
    });
    if !is_well {
        telling.report.has_failed();
    }
    let is_told = telling.finish(&account, watch.is_asked());
    watch.die_if_asked();
    Ok(exit_code(is_told))
}

/// Writes down what is there.
pub(super) fn seal(
    environment: &Environment,
    subject: Subject<'_>,
    (wanted, accounts): (&Wanted, &Accounts),
    jobs: Option<NonZeroUsize>,
) -> Result<ExitCode, Failure> {
    must_be_apart(&Linux::new(), accounts, Some(&wanted.file), &[])?;
    let telling = Telling::begin(environment, accounts, Verbosity::Quiet)?.of(Work::Examine);
    let subject = Subject { left_out: telling.own_name(), ..subject };
    let count = |kernel: &_, is_over: &_| archive::seal::count(kernel, subject, wanted, is_over);
    with_list(&telling, jobs, count, |(sealing, threads), account| {
        let directory = ManifestDirectory::open(sealing.kernel, wanted)?;
        let manifest = Manifest::begin(sealing.kernel, wanted, &directory);
        let sealed = archive::seal::seal(&sealing, subject, &manifest, threads, account);
        // A list of a run that was stopped is none.
        if sealing.stop.is_asked() {
            return Ok(true);
        }
        let extent = sealed.unwrap_or_else(|error| {
            account.hear(&Event::Failed(&error));
            Extent::Partial
        });
        let written = manifest.finish(extent)?;
        manifest.note(&written).iter().for_each(|note| account.hear(&Event::Noted(note)));
        Ok(true)
    })
}

/// Says what an examination has come to, and what to do about it.
pub(super) fn conclude(report: &Report, is_clean: bool, summary: &str, advice: Option<&str>) {
    if is_clean {
        report.line(summary);
    } else {
        std::iter::once(summary).chain(advice).for_each(|text| report.hear(&Event::Noted(text)));
    }
}

/// Compares a tree with what is known of it, and tells each difference.
pub(super) fn check(environment: &Environment, request: &check::Request) -> Result<ExitCode, Failure> {
    let list = match &request.reference {
        Reference::List(list) => Some(&**list),
        Reference::Tree(_) => None,
    };
    must_be_apart(&Linux::new(), &request.accounts, list, &[])?;
    let telling = Telling::begin(environment, &request.accounts, Verbosity::Quiet)?.of(Work::Examine);
    let count = |kernel: &_, is_over: &_| check::count(kernel, request, is_over).map(Total::of_names);
    with_list(&telling, request.jobs, count, |(sealing, threads), account| {
        let hear = |finding: &Finding| archive::text::tell(finding, "", account);
        let examined = |path: &Path, bytes| account.hear(&Event::Examined { path, bytes });
        let release = host::this_host().kernel;
        let left_out = telling.own_name();
        let check = Check { sealing, threads, release, left_out, hear: &hear, examined: &examined };
        let tally = check.run(request)?;
        let (Reference::List(reference) | Reference::Tree(reference)) = &request.reference;
        let (summary, advice) = (archive::text::summary(reference, &tally), archive::text::advice(&tally));
        conclude(&telling.report, tally.is_clean(), &summary, advice);
        Ok(tally.is_clean())
    })
}

/// Mends a tree, and tells what was mended.
pub(super) fn repair(environment: &Environment, request: &Repair) -> Result<ExitCode, Failure> {
    must_be_apart(&Linux::new(), &request.accounts, Some(&request.list), &[])?;
    let telling = Telling::begin(environment, &request.accounts, Verbosity::Quiet)?.of(Work::Examine);
    let checked = request.check();
    let count = |kernel: &_, is_over: &_| check::count(kernel, &checked, is_over).map(Total::of_names);
    with_list(&telling, request.jobs, count, |(sealing, threads), account| {
        let examined = |path: &Path, bytes| account.hear(&Event::Examined { path, bytes });
        let release = host::this_host().kernel;
        let left_out = telling.own_name();
        let check = Check { sealing, threads, release, left_out, hear: &|_| {}, examined: &examined };
        let repaired = archive::repair::repair(&check, request, &|told| match told {
            RepairEvent::Left(finding) => archive::text::tell(finding, "left alone: ", account),
            RepairEvent::Mended(path, mended) => archive::text::tell_mended(path, *mended, account),
            RepairEvent::Failed(error) => account.hear(&Event::Failed(error)),
        })?;
        telling.report.line(&archive::text::repaired(&request.list, &repaired));
        Ok(repaired.is_whole())
    })
}
