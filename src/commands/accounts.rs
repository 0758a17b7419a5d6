//! What a run came to: the report for programs, the summary, and what is shown on the way.

use crate::account::{self, Account, Accounts, Display, End, Journal, Progress, ReportTo, Running};
use crate::error::Action;
use crate::host;
use crate::kernel::Errno;
use crate::report::{Event, Listener, Report};
use crate::signals::{self, Watch};
use std::path::Path;
use std::sync::Arc;

/// The report that is asked for, before anything is copied.
pub(super) fn journal(accounts: &Accounts) -> Result<Option<Journal>, crate::error::Error> {
    let Some(to) = &accounts.report else { return Ok(None) };
    let sink = match to {
        ReportTo::Output => host::output(),
        ReportTo::File(path) => host::lines(path).map_err(|error| of_report(Action::CreateFile, path, &error))?,
    };
    Ok(Some(Journal::new(sink)))
}

fn of_report(action: Action, path: &Path, error: &std::io::Error) -> crate::error::Error {
    crate::error::Error::call(action, path, Errno::from_io_error(error).unwrap_or(Errno::IO))
}

/// Ends the account of a run, and tells what could not be written of it.
pub(super) fn settle(account: &Account<'_>, accounts: &Accounts, report: &Report, watch: &Watch) -> bool {
    let end = match (watch.is_asked(), report.finish()) {
        (true, _) => End::Interrupted,
        (false, true) => End::Succeeded,
        (false, false) => End::Failed,
    };
    if let Err(error) = account.finish(end) {
        let path = match &accounts.report {
            Some(ReportTo::File(path)) => path,
            Some(ReportTo::Output) | None => Path::new("-"),
        };
        report.hear(&Event::Failed(&of_report(Action::Write, path, &error)));
    }
    account.summary().iter().for_each(|line| report.hear(&Event::Noted(line)));
    report.finish()
}

/// The terminal, if progress is to be shown and there is one.
pub(super) fn display(accounts: &Accounts) -> Option<Display> {
    (accounts.progress == Progress::Shown && host::columns().is_some()).then(Display::on_terminal)
}

/// What SIGUSR1 does: a line that tells how far the run is.
pub(super) fn teller(program: &'static str, running: &Arc<Running>, display: Option<&Display>) -> signals::Tell {
    let (running, display) = (Arc::clone(running), display.cloned());
    Box::new(move || {
        let line = running.status().line();
        match &display {
            Some(display) => display.without(|| account::say(program, &line)),
            None => account::say(program, &line),
        }
    })
}
