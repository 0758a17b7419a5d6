//! What a run tells beside its copies: its messages, and lines of JSON, numbers and progress where they are asked for.

use super::begun::Account;
use super::display::Display;
use super::journal::Journal;
use super::lines::End;
use super::running::Running;
use super::wanted::{Accounts, Progress, ReportTo};
use super::watcher::{Watcher, say};
use crate::error::{Action, Error};
use crate::host::{self, Environment};
use crate::kernel::Errno;
use crate::options::{Verbosity, Work};
use crate::quote::quoted;
use crate::report::{Event, Listener, Report};
use crate::signals::{self, Tell, Watch};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Where a run tells what happens.
pub struct Telling<'a> {
    environment: &'a Environment,
    accounts: &'a Accounts,
    work: Work,
    display: Option<Display>,
    journal: Option<Journal>,
    /// The messages, and the exit status.
    pub report: Report,
    /// What is known of the run at any time.
    pub running: Arc<Running>,
}

impl<'a> Telling<'a> {
    /// Opens what is written to; a report that cannot be written is found out here, before anything is done.
    pub fn begin(environment: &'a Environment, accounts: &'a Accounts, verbosity: Verbosity) -> Result<Self, Error> {
        let journal = accounts.report.as_ref().map(|to| Journal::open(to).map_err(|error| cannot_open(to, &error)));
        let journal = journal.transpose()?;
        let is_shown = accounts.progress == Progress::Shown && host::columns().is_some();
        let display = is_shown.then(Display::on_terminal);
        let report = report(environment, accounts, verbosity, display.as_ref());
        let running = Arc::new(Running::begin());
        Ok(Self { environment, accounts, work: Work::Copy, display, journal, report, running })
    }

    /// The same of another work than copying.
    #[must_use]
    pub fn of(self, work: Work) -> Self {
        Self { report: self.report.of(work), work, ..self }
    }

    /// Begins to watch for signals; SIGUSR1 is answered by a line that tells how far the run is.
    pub fn watch(&self) -> std::io::Result<Watch> {
        signals::watch_telling(signals::GRACE, Some(self.tell()))
    }

    /// The same for a run over one name, which may have nothing to tell or to clean up.
    pub fn watch_one(&self) -> std::io::Result<Watch> {
        if *self.accounts != Accounts::default() {
            return self.watch();
        }
        Ok(signals::watch_when_needed(signals::GRACE, self.tell()))
    }

    fn tell(&self) -> Tell {
        let (program, running, display) = (self.environment.program, Arc::clone(&self.running), self.display.clone());
        Box::new(move || {
            let line = running.status().line();
            match &display {
                Some(display) => display.without(|| say(program, &line)),
                None => say(program, &line),
            }
        })
    }

    /// Puts a question, with nothing else at the bottom of the terminal.
    #[must_use]
    pub fn ask(&self, question: &str) -> bool {
        let ask = || host::ask(&self.environment.called, question);
        self.display.as_ref().map_or_else(ask, |display| display.without(ask))
    }

    /// A name that is this run's own, and of no tree that it finds it in: that of a report that is not whole.
    #[must_use]
    pub fn own_name(&self) -> Option<&Path> {
        self.journal.as_ref().and_then(Journal::own_name)
    }

    /// The account of the run.
    #[must_use]
    pub fn account(&self) -> Account<'_> {
        Account::begin(&self.report, &self.running).with(self.journal.as_ref(), self.accounts.summary, self.work)
    }

    /// Does the work, and looks on beside it if that is wanted. `count` counts what there is to do.
    pub fn look_on<T>(&self, count: impl Fn(&AtomicBool) + Send, work: impl FnOnce() -> T) -> T {
        let (running, display, program) = (&*self.running, self.display.as_ref(), self.environment.program);
        Watcher { running, display, program }.look_on(self.accounts.progress, count, work)
    }

    /// Writes the last line of the report, whatever comes afterwards.
    pub fn end(&self, account: &Account<'_>, end: End) -> Result<(), Error> {
        let Err(unwritten) = account.finish(end) else { return Ok(()) };
        if let Some(left) = unwritten.left {
            let note = format!("what was written of the report before is in {}", quoted(&left));
            self.report.hear(&Event::Noted(&note));
        }
        let path = match &self.accounts.report {
            Some(ReportTo::File(path) | ReportTo::Part(path)) => path,
            Some(ReportTo::Output) | None => Path::new("-"),
        };
        if unwritten.error.kind() == std::io::ErrorKind::AlreadyExists {
            let path = quoted(path);
            return Err(Error::Refused(format!("the report does not take the name {path}: a file got it meanwhile")));
        }
        let errno = Errno::from_io_error(&unwritten.error).unwrap_or(Errno::IO);
        Err(Error::call(Action::Write, path, errno))
    }

    /// Ends the account of the run, and tells what could not be written of it. True if nothing has failed.
    pub fn finish(&self, account: &Account<'_>, is_stopped: bool) -> bool {
        let end = match (is_stopped, self.report.finish()) {
            (true, _) => End::Interrupted,
            (false, true) => End::Succeeded,
            (false, false) => End::Failed,
        };
        if let Err(error) = self.end(account, end) {
            self.report.hear(&Event::Failed(&error));
        }
        account.summary().iter().for_each(|line| self.report.hear(&Event::Noted(line)));
        self.report.finish()
    }
}

/// Messages, above what is shown at the bottom of the terminal. Standard output belongs to the lines of JSON where they
/// go there.
fn report(environment: &Environment, accounts: &Accounts, verbosity: Verbosity, display: Option<&Display>) -> Report {
    let output = match (&accounts.report, display) {
        (Some(ReportTo::Output), _) => Box::new(std::io::sink()),
        (_, Some(display)) if host::says_on_terminal() => display.above(host::output()),
        (_, Some(_) | None) => host::output(),
    };
    let messages = display.map_or_else(host::messages, |display| display.above(host::messages()));
    let report = Report::new(environment.program, verbosity, output, messages);
    report.ending_with_pipes(signals::dies_of_closed_pipes())
}

fn cannot_open(to: &ReportTo, error: &std::io::Error) -> Error {
    let path = match to {
        ReportTo::File(path) | ReportTo::Part(path) => path,
        ReportTo::Output => Path::new("-"),
    };
    match Errno::from_io_error(error) {
        Some(errno) => Error::call(Action::CreateFile, path, errno),
        None => Error::Refused(format!("cannot create regular file {}: {error}", quoted(path))),
    }
}
