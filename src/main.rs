//! The program: arguments in, exit status out.

use safecp::account::{self, Account, Accounts, Display, End, Journal, Progress, ReportTo, Running, Summary, Watcher};
use safecp::archive::check::{self, Check, Reference};
use safecp::archive::finding::Finding;
use safecp::archive::manifest::Place;
use safecp::archive::part::PartFile;
use safecp::archive::recorder::{Recorder, Root};
use safecp::archive::repair::{Repair, Told};
use safecp::archive::{self, Manifest, Wanted};
use safecp::cli::{Invocation, Speaker, UsageError, as_named, read};
use safecp::copy::threads::Threads;
use safecp::copy::{Geometry, Sealing, Stop};
use safecp::doctor::{self};
use safecp::error::Action;
use safecp::guard::{self, GuardError, Privileges, Shortcut};
use safecp::host::{self, CalledAs, Environment, Host};
use safecp::install::{self, Directories, Task};
use safecp::kernel::Errno;
use safecp::kernel::linux::Linux;
use safecp::kernel::process::{heed_closed_pipes, survive_closed_pipes};
use safecp::kernel::retry::Retrying;
use safecp::mv::{self, Asks};
use safecp::options::{Given, Options, Verbosity, Work};
use safecp::quote::quoted;
use safecp::remote::client::{self, Client};
use safecp::remote::operand;
use safecp::remote::server::{self, Server};
use safecp::report::{Event, Listener, Report, write_error};
use safecp::scan::{self, Scan};
use safecp::shard::finish::{self, Finish};
use safecp::shard::planner::Planner;
use safecp::shard::share::Share;
use safecp::shard::{self, About, Which};
use safecp::signals::{self, Watch};
use safecp::targets::{self, Targets};
use safecp::tree::plan::{Operands, Plan};
use safecp::tree::run::Run;
use std::cell::{Cell, OnceCell};
use std::ffi::OsString;
use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn main() -> ExitCode {
    heed_closed_pipes();
    let (arguments, environment) = as_named(std::env::args_os().collect(), host::environment());
    let (program, called) = (environment.program, &environment.called);
    let done = match read(arguments, &environment) {
        Err(error) => Err(Failure::Usage(error)),
        Ok(Invocation::Text(text)) => print(&text),
        Ok(Invocation::Copy { options, operands, manifest, accounts, warnings }) => {
            copy(&environment, *options, &operands, (manifest.as_ref(), &accounts), &warnings)
        }
        Ok(Invocation::Distribute(request)) => distribute(&environment, *request),
        Ok(Invocation::Install(request)) => install(&environment, *request),
        Ok(Invocation::Move(request)) => move_names(&environment, *request),
        Ok(Invocation::Transfer(request)) => transfer(&environment, &request),
        Ok(Invocation::Serve(server)) => serve(&server),
        Ok(Invocation::Seal { operand, wanted, jobs }) => seal(&environment, &operand, &wanted, jobs),
        Ok(Invocation::Check(request)) => check(&environment, &request),
        Ok(Invocation::Repair(request)) => repair(&environment, &request),
        Ok(Invocation::Scan(request)) => scan(&environment, &request),
        Ok(Invocation::Share(request)) => share(&environment, &request),
        Ok(Invocation::Finish { about, jobs }) => finish(&environment, &about, jobs),
        Ok(Invocation::Status(about)) => status(&environment, &about),
        Ok(Invocation::Guard { refused, command }) => guard(program, &refused, &command),
        Ok(Invocation::Doctor(task)) => doctor(program, &task),
    };
    done.unwrap_or_else(|failure| failure.say(program, called))
}

/// What ends a run before it is reported on.
enum Failure {
    /// The command line.
    Usage(UsageError),
    /// The guard, or the command that it cannot execute.
    Guard(GuardError),
    /// Anything else.
    Other(anyhow::Error),
}

impl Failure {
    /// Says it, and returns the exit status that tells it.
    fn say(self, program: &str, called: &str) -> ExitCode {
        match self {
            Failure::Usage(error) => {
                let name = if error.speaker == Speaker::Getopt { called } else { program };
                let help = error.help.map(|help| format!("\nTry '{called} {help}' for more information."));
                complain(name, &format!("{error}{}", help.unwrap_or_default()));
                ExitCode::from(error.status)
            }
            Failure::Guard(error) => {
                complain(program, &error.to_string());
                ExitCode::from(error.status)
            }
            Failure::Other(error) => {
                complain(program, &format!("{error:#}"));
                ExitCode::FAILURE
            }
        }
    }
}

impl From<GuardError> for Failure {
    fn from(error: GuardError) -> Self {
        Failure::Guard(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Other(error)
    }
}

impl From<safecp::error::Error> for Failure {
    fn from(error: safecp::error::Error) -> Self {
        Failure::Other(error.into())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Failure::Other(error.into())
    }
}

/// A message where no report is. There is nowhere else to say that it cannot be written, and the exit status is what it
/// would be.
fn complain(name: &str, text: &str) {
    host::messages().write_all(format!("{name}: {text}\n").as_bytes()).unwrap_or(());
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    let mut output = host::output();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    written.map_err(|error| anyhow::Error::msg(write_error(&error)))?;
    Ok(ExitCode::SUCCESS)
}

fn report(environment: &Environment, verbosity: Verbosity) -> Report {
    report_above(environment, verbosity, None)
}

/// The same where something may be shown at the bottom of the terminal.
fn report_above(environment: &Environment, verbosity: Verbosity, display: Option<&Display>) -> Report {
    let (output, messages) = match display {
        Some(display) if host::says_on_terminal() => (display.above(host::output()), display.above(host::messages())),
        Some(display) => (host::output(), display.above(host::messages())),
        None => (host::output(), host::messages()),
    };
    let report = Report::new(environment.program, verbosity, output, messages);
    report.ending_with_pipes(signals::dies_of_closed_pipes())
}

/// The options where this process is what it is.
fn of_this_process(options: Options, umask: u32) -> Options {
    let (user, group) = (host::user(), host::group());
    Options { umask, user, group, privileged: user == 0, ..options }.within(host::allow_many_files())
}

fn copy(
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

/// A copy into several targets.
fn distribute(environment: &Environment, request: targets::Request) -> Result<ExitCode, Failure> {
    let limit = host::allow_many_files() / request.operands.len().max(1) as u64;
    let options = of_this_process(request.options, host::umask()).within(limit);
    let report = report(environment, options.verbosity);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let watch = signals::watch(signals::GRACE)?;
    let kernel = Retrying(Linux::new());
    let ask = |question: &str| host::ask(&environment.called, question);
    let host = this_host(&options, &report);
    let (options, host) = (&options, &host);
    let targets = Targets { kernel: &kernel, options, host, stop: &watch.stop, listener: &report, ask: &ask };
    targets.copy(&request.operands, request.manifest.as_ref())?;
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

fn install(environment: &Environment, request: install::Request) -> Result<ExitCode, Failure> {
    // Modes are what is said of them.
    host::forget_umask();
    let report = report(environment, request.verbosity);
    request.notes.iter().for_each(|note| report.hear(&Event::Noted(note)));
    let owner = install::owner(request.owner.as_deref(), request.group.as_deref())?;
    let kernel = Retrying(Linux::new());
    let directories = Directories { kernel: &kernel, listener: &report };
    match request.task {
        Task::Directories { names, mode } => {
            let tell = |error| report.hear(&Event::Failed(&error));
            names.iter().for_each(|name| directories.make(name, mode, owner).unwrap_or_else(tell));
            Ok(exit_code(report.finish()))
        }
        Task::Files(files) => {
            if files.makes_leading {
                directories.make_leading(&files.operands)?;
            }
            let given = Given { uid: owner.uid, gid: owner.gid, ..files.options.given };
            let options = of_this_process(Options { given, ..files.options }, 0);
            run((environment, None), &kernel, &report, &options, &files.operands, (None, &Accounts::default()))
        }
    }
}

/// Asks nothing of the machine unless there is something to copy: a rename is to cost what GNU's costs.
fn move_names(environment: &Environment, mut request: mv::Request) -> Result<ExitCode, Failure> {
    let report = report(environment, request.options.verbosity).of(Work::Move);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    request.options.privileged = host::user() == 0;
    if request.asks == Asks::OfUnwritable && (request.options.privileged || !host::is_answered_by_hand()) {
        request.asks = Asks::Never;
    }
    let prepared: OnceCell<(Options, Host, Watch)> = OnceCell::new();
    let prepare = || {
        let failed = |error: std::io::Error| safecp::error::Error::Refused(error.to_string());
        let watch = signals::watch(signals::GRACE).map_err(failed)?;
        let options = of_this_process(request.options.clone(), host::umask());
        let host = this_host(&options, &report);
        let (options, host, watch) = prepared.get_or_init(|| (options, host, watch));
        Ok(mv::Prepared { options, host, stop: &watch.stop })
    };
    let kernel = Retrying(Linux::new());
    let listener = mv::Watch::new(&report);
    let ask = |question: &str| host::ask(&environment.called, question);
    mv::Mover::new(&kernel, &request, &listener, &ask, &prepare).operands();
    let is_done = report.finish();
    if let Some((.., watch)) = prepared.get() {
        watch.die_if_asked();
    }
    Ok(exit_code(is_done))
}

/// A copy to or from another machine.
fn transfer(environment: &Environment, request: &client::Request) -> Result<ExitCode, Failure> {
    let report = report(environment, request.terms.verbosity);
    let watch = signals::watch(signals::GRACE)?;
    // A far end that is gone is told, whatever pipe tells it.
    survive_closed_pipes();
    let host = this_host(&request.terms.options(), &report);
    let kernel = Retrying(Linux::new());
    let (program, stop) = (environment.program, &watch.stop);
    Client { kernel: &kernel, request, program, host: &host, report: &report, stop }.run();
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// The far end of one.
fn serve(server: &Server) -> Result<ExitCode, Failure> {
    let watch = signals::watch(signals::GRACE)?;
    survive_closed_pipes();
    let is_done = server::serve(server, &Retrying(Linux::new()), &host::this_host(), &watch.stop);
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// What is known of the machine, with what its administrator has said of extended attributes, if those are carried.
fn this_host(options: &Options, report: &Report) -> Host {
    let mut host = host::this_host();
    if options.preserve.mode.wanted() || options.preserve.xattr.wanted() {
        let (attributes, unused) = host::attribute_rules(Path::new(host::ATTRIBUTE_RULES));
        unused.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
        host.attributes = attributes;
    }
    host
}

/// The report that is asked for, before anything is copied.
fn journal(accounts: &Accounts) -> Result<Option<Journal>, safecp::error::Error> {
    let Some(to) = &accounts.report else { return Ok(None) };
    let sink = match to {
        ReportTo::Output => host::output(),
        ReportTo::File(path) => host::lines(path).map_err(|error| of_report(Action::CreateFile, path, &error))?,
    };
    Ok(Some(Journal::new(sink)))
}

fn of_report(action: Action, path: &Path, error: &std::io::Error) -> safecp::error::Error {
    safecp::error::Error::call(action, path, Errno::from_io_error(error).unwrap_or(Errno::IO))
}

/// How a run has ended so far.
fn end_of(report: &Report, watch: &Watch) -> End {
    match (watch.is_asked(), report.finish()) {
        (true, _) => End::Interrupted,
        (false, true) => End::Succeeded,
        (false, false) => End::Failed,
    }
}

/// Writes the last line of a report.
fn tell_end(account: &Account<'_>, accounts: &Accounts, end: End) -> Result<(), safecp::error::Error> {
    let path = match &accounts.report {
        Some(ReportTo::File(path)) => path,
        Some(ReportTo::Output) | None => Path::new("-"),
    };
    account.finish(end).map_err(|error| of_report(Action::Write, path, &error))
}

/// Ends the account of a run, and tells what could not be written of it.
fn settle(account: &Account<'_>, accounts: &Accounts, report: &Report, watch: &Watch) -> bool {
    if let Err(error) = tell_end(account, accounts, end_of(report, watch)) {
        report.hear(&Event::Failed(&error));
    }
    account.summary().iter().for_each(|line| report.hear(&Event::Noted(line)));
    report.finish()
}

/// The terminal, if progress is to be shown and there is one.
fn display(accounts: &Accounts) -> Option<Display> {
    (accounts.progress == Progress::Shown && host::columns().is_some()).then(Display::on_terminal)
}

/// What SIGUSR1 does: a line that tells how far the run is.
fn teller(program: &'static str, running: &Arc<Running>, display: Option<&Display>) -> signals::Tell {
    let (running, display) = (Arc::clone(running), display.cloned());
    Box::new(move || {
        let line = running.status().line();
        match &display {
            Some(display) => display.without(|| account::say(program, &line)),
            None => account::say(program, &line),
        }
    })
}

/// Listens to a run over these operands, and makes a manifest of it.
fn recorder<'a>(
    kernel: &'a Retrying<Linux>,
    next: &'a dyn Listener,
    manifest: Manifest<'a, Retrying<Linux>>,
    operands: &Operands,
) -> Recorder<'a, Retrying<Linux>> {
    let plan = Plan::new(kernel, operands).ok();
    let is_into = plan.as_ref().is_none_or(Plan::is_into_directory);
    let root = if is_into { Root::Targets } else { Root::Target };
    let base = plan.and_then(|plan| plan.open_base(kernel).ok());
    Recorder::new(kernel, next, manifest, root, base)
}

/// A run over all operands, to its end; with a manifest and accounts, if they are wanted.
fn run(
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
                let manifest = Manifest::begin(kernel, wanted, &place);
                let recorder = recorder(kernel, &account, manifest, operands);
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

/// One share of a copy.
fn share(environment: &Environment, request: &shard::Request) -> Result<ExitCode, Failure> {
    let number = match request.which {
        Which::Told(number) => number,
        Which::Auto => shard::auto::find(host::variable).map_err(anyhow::Error::msg)?,
        Which::Lists(count) => return plan(environment, request, count),
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
            let running = Running::begin();
            let account = Account::begin(&report, &running, journal_of(&share, request)?, Summary::No);
            let run = |listener: &dyn Listener| {
                let mut run = Run::new(&kernel, &options, &host, &watch.stop, listener, &ask);
                run.share(&share);
                run.operands(&request.operands);
            };
            match &request.manifest {
                None => run(&account),
                Some(wanted) => {
                    let (file, shown) = share.manifest_part()?;
                    let part = PartFile::new(&kernel, file, &shown);
                    let manifest = Manifest::begin_part(&kernel, wanted, &part);
                    let recorder = recorder(&kernel, &account, manifest, &request.operands);
                    run(&recorder);
                    recorder.finish().unwrap_or_else(|error| account.hear(&Event::Failed(&error)));
                }
            }
            let told = account.finish(end_of(&report, &watch));
            let told = told.map_err(|error| of_report(Action::Write, &share.report_part(), &error));
            told.unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
            let is_well = report.finish() && !watch.is_asked();
            share.end(is_well).unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
        }
        Err(error) => report.hear(&Event::Failed(&error)),
    }
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// The lists of all shares.
fn plan(environment: &Environment, request: &shard::Request, count: NonZeroU32) -> Result<ExitCode, Failure> {
    let options = of_this_process(request.options.clone(), host::umask());
    let report = report(environment, options.verbosity);
    request.warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let kernel = Retrying(Linux::new());
    let watch = signals::watch(signals::GRACE)?;
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

/// A share's part of the report, if one is wanted.
fn journal_of(
    share: &Share<'_, Retrying<Linux>>,
    request: &shard::Request,
) -> Result<Option<Journal>, safecp::error::Error> {
    let path = share.report_part();
    let sink = request.report.as_ref().map(|_| host::more_lines(&path)).transpose();
    Ok(sink.map_err(|error| of_report(Action::CreateFile, &path, &error))?.map(Journal::new))
}

/// The end of a copy that shares have worked on.
fn finish(environment: &Environment, about: &About, jobs: Option<NonZeroUsize>) -> Result<ExitCode, Failure> {
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
        let tools = (environment, &kernel, &report, &watch);
        finish_by(tools, &mut finish, &request, &options).unwrap_or_else(|error| report.hear(&Event::Failed(&error)));
    }
    let is_done = report.finish();
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// Finishes a copy as its shares have begun it; with a manifest and a report, if they were to be made.
fn finish_by(
    (environment, kernel, report, watch): (&Environment, &Retrying<Linux>, &Report, &Watch),
    finish: &mut Finish<'_, Retrying<Linux>>,
    request: &shard::Request,
    options: &Options,
) -> Result<(), safecp::error::Error> {
    let operands = finish.check(request)?;
    let host = this_host(options, report);
    let ask = |question: &str| host::ask(&environment.called, question);
    let is_well = || report.finish();
    // When the records are being removed, both are there already.
    let is_wanted = !finish.is_over();
    let here = finish.here().to_owned();
    let wanted = request.manifest.clone().filter(|_| is_wanted);
    let wanted = wanted.map(|wanted| Wanted { file: here.join(&wanted.file), ..wanted });
    let to = request.report.clone().filter(|_| is_wanted).map(|to| match to {
        ReportTo::File(path) => ReportTo::File(here.join(path)),
        ReportTo::Output => ReportTo::Output,
    });
    let accounts = Accounts { report: to, ..Accounts::default() };
    let running = Running::begin();
    let account = Account::begin(report, &running, journal(&accounts)?, Summary::No);
    for part in finish.report_parts().filter(|_| accounts.report.is_some()) {
        let joined = host::read_lines(&part).and_then(|lines| account.join(lines));
        joined.map_err(|error| of_report(Action::Read, &part, &error))?;
    }
    let place = wanted.as_ref().map(|wanted| Place::open(kernel, wanted)).transpose()?;
    let recorder = match wanted.as_ref().zip(place.as_ref()) {
        None => None,
        Some((wanted, place)) => {
            let manifest = Manifest::begin(kernel, wanted, place);
            for (number, file, shown) in finish.manifest_parts()? {
                manifest.join(number, &file, &shown)?;
            }
            Some(recorder(kernel, &account, manifest, &operands))
        }
    };
    let listener = recorder.as_ref().map_or::<&dyn Listener, _>(&account, |recorder| recorder);
    let is_written = Cell::new(false);
    let write = || {
        recorder.as_ref().map_or(Ok(()), Recorder::finish)?;
        is_written.set(true);
        tell_end(&account, &accounts, End::Succeeded)
    };
    let tools = finish::Tools {
        host: &host,
        stop: &watch.stop,
        listener,
        ask: &ask,
        is_well: &is_well,
        write: &write,
        geometry: Geometry::default(),
    };
    if let Err(error) = finish.run(options, &operands, &tools) {
        account.hear(&Event::Failed(&error));
    }
    if is_written.get() { Ok(()) } else { tell_end(&account, &accounts, End::Failed) }
}

/// How far the shares of a copy are.
fn status(environment: &Environment, about: &About) -> Result<ExitCode, Failure> {
    let report = report(environment, Verbosity::Quiet);
    let kernel = Retrying(Linux::new());
    let (lines, is_complete) = shard::status::status(&kernel, about, host::user())?;
    lines.iter().for_each(|line| report.line(line));
    Ok(exit_code(report.finish() && is_complete))
}

fn exit_code(is_done: bool) -> ExitCode {
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What the work on a list is done with.
type Tools<'a> = (Sealing<'a, Retrying<Linux>>, &'a Threads, &'a Report);

/// Makes, checks or follows a list, to its end. `work` tells whether all is well; what it could not do at all is told.
fn with_list(
    environment: &Environment,
    jobs: Option<NonZeroUsize>,
    work: impl FnOnce(Tools<'_>) -> Result<bool, safecp::error::Error>,
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
fn seal(
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
fn check(environment: &Environment, request: &check::Request) -> Result<ExitCode, Failure> {
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
fn repair(environment: &Environment, request: &Repair) -> Result<ExitCode, Failure> {
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

/// Looks for victims of past copies, and tells each.
fn scan(environment: &Environment, request: &scan::Request) -> Result<ExitCode, Failure> {
    with_list(environment, request.jobs, |(sealing, threads, report)| {
        let hear = |finding: &scan::Finding| match (finding, scan::text::line(finding)) {
            (scan::Finding::Failed(error), _) => report.hear(&Event::Failed(error)),
            (scan::Finding::Suspect(..), line) => line.iter().for_each(|line| report.line(line)),
        };
        let tally = Scan { kernel: sealing.kernel, threads, stop: sealing.stop, hear: &hear }.run(request)?;
        if tally.is_clean() {
            report.line(&scan::text::summary(&tally));
        } else {
            complain(environment.program, &scan::text::summary(&tally));
            scan::text::advice(&tally).into_iter().for_each(|advice| complain(environment.program, advice));
        }
        Ok(tally.is_clean())
    })
}

/// Returns only if the command could not be executed.
fn guard(program: &str, refused: &[Shortcut], command: &[OsString]) -> Result<ExitCode, Failure> {
    // What cannot be said of the guard is no reason not to run the command.
    survive_closed_pipes();
    if guard::install(refused)? == Privileges::GivenUp {
        complain(program, "no_new_privs is set: under the command set-user-ID programs gain nothing");
    }
    if let Some(note) = guard::try_copier(refused, host::program(&host::path(), "cp").as_ref())? {
        complain(program, &note);
    }
    Err(guard::execute(command).into())
}

fn doctor(program: &str, task: &doctor::Request) -> Result<ExitCode, Failure> {
    let wanted = match task {
        doctor::Request::Copy { call, source, target } => {
            return Ok(ExitCode::from(doctor::raw::copy(*call, source, target)));
        }
        doctor::Request::Examine(wanted) => wanted,
    };
    let examined = doctor::examine_apart(wanted)?;
    examined.errors.iter().for_each(|error| complain(program, error));
    let is_page = wanted.detail != doctor::Detail::Json;
    let page = host::width_of_output().filter(|_| is_page).map(|width| doctor::wrapped(&examined.text, width));
    print(&page.unwrap_or(examined.text))?;
    Ok(ExitCode::from(examined.status))
}
