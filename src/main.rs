//! The program: arguments in, exit status out.

use safecp::account::{Account, Accounts, Telling};
use safecp::archive::check::{self, Check, Reference};
use safecp::archive::finding::Finding;
use safecp::archive::manifest::Place;
use safecp::archive::recorder::{Recorder, Root};
use safecp::archive::repair::{Repair, Told};
use safecp::archive::{self, Manifest, Wanted};
use safecp::cli::{Invocation, Speaker, UsageError, as_named, read};
use safecp::copy::threads::Threads;
use safecp::copy::{Geometry, Sealing, Stop};
use safecp::doctor::{self};
use safecp::guard::{self, GuardError, Privileges, Shortcut};
use safecp::host::{self, CalledAs, Environment, Host};
use safecp::install::{self, Directories, Task};
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
use safecp::shard::share::Share;
use safecp::shard::{self, About, Which};
use safecp::signals::{self, Watch};
use safecp::targets::{self, Order, Targets};
use safecp::tree::plan::{Operands, Plan};
use safecp::tree::run::Run;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
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
    let report = Report::new(environment.program, verbosity, host::output(), host::messages());
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
    (manifest, accounts): (Option<&Wanted>, &Accounts),
    warnings: &[String],
) -> Result<ExitCode, Failure> {
    let options = of_this_process(options, host::umask());
    let telling = Telling::begin(environment, accounts, options.verbosity)?;
    warnings.iter().for_each(|warning| telling.report.hear(&Event::Warned(warning)));
    if environment.called_as == CalledAs::Safecp {
        tell_of_other_machines(operands.sources.iter().chain([&operands.target]), &telling.report);
    }
    let kernel = Retrying(Linux::new());
    let itself = operands.onto_itself(&kernel, &options)?;
    let (options, operands) = itself.unwrap_or_else(|| (options, operands.clone()));
    run(&telling, &kernel, &options, &operands, manifest)
}

/// Warns of operands that scp would take for names on another machine, and that nothing here has.
fn tell_of_other_machines<'a>(operands: impl Iterator<Item = &'a PathBuf>, report: &Report) {
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

/// A copy into several targets.
fn distribute(environment: &Environment, request: targets::Request) -> Result<ExitCode, Failure> {
    let targets::Request { options, operands, manifest, accounts, warnings } = request;
    let limit = host::allow_many_files() / operands.len().max(1) as u64;
    let options = &of_this_process(options, host::umask()).within(limit);
    let telling = Telling::begin(environment, &accounts, options.verbosity)?;
    let report = &telling.report;
    warnings.iter().for_each(|warning| report.hear(&Event::Warned(warning)));
    let sources = operands.first().map_or(&[][..], |operands| &operands.sources);
    tell_of_other_machines(sources.iter().chain(operands.iter().map(|operands| &operands.target)), report);
    let watch = telling.watch()?;
    let kernel = &Retrying(Linux::new());
    let (host, account) = (&this_host(options, report), &telling.account());
    let (ask, stop, meter) = (&|question: &str| telling.ask(question), &*watch.stop, &telling.running.meter);
    let order = Order::SideBySide;
    let targets = Targets { kernel, options, host, stop, listener: report, account, meter, ask, order };
    let count = |is_over: &AtomicBool| {
        telling.running.totals.count_for(operands.len() as u64, kernel, sources, options, is_over);
    };
    telling.look_on(count, || targets.copy(&operands, manifest.as_ref()))?;
    let is_done = telling.finish(account, watch.is_asked());
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

fn install(environment: &Environment, request: install::Request) -> Result<ExitCode, Failure> {
    let telling = Telling::begin(environment, &request.accounts, request.verbosity)?;
    // Modes are what is said of them.
    host::forget_umask();
    request.notes.iter().for_each(|note| telling.report.hear(&Event::Noted(note)));
    let owner = install::owner(request.owner.as_deref(), request.group.as_deref())?;
    let kernel = Retrying(Linux::new());
    match request.task {
        Task::Directories { names, mode } => {
            let account = telling.account();
            let directories = Directories { kernel: &kernel, listener: &account };
            let tell = |error| account.hear(&Event::Failed(&error));
            names.iter().for_each(|name| directories.make(name, mode, owner).unwrap_or_else(tell));
            Ok(exit_code(telling.finish(&account, false)))
        }
        Task::Files(files) => {
            if files.makes_leading {
                Directories { kernel: &kernel, listener: &telling.account() }.make_leading(&files.operands)?;
            }
            let given = Given { uid: owner.uid, gid: owner.gid, ..files.options.given };
            let options = of_this_process(Options { given, ..files.options }, 0);
            run(&telling, &kernel, &options, &files.operands, None)
        }
    }
}

/// Asks nothing of the machine unless there is something to copy: a rename is to cost what GNU's costs.
fn move_names(environment: &Environment, mut request: mv::Request) -> Result<ExitCode, Failure> {
    let accounts = std::mem::take(&mut request.accounts);
    let telling = Telling::begin(environment, &accounts, request.options.verbosity)?.of(Work::Move);
    request.warnings.iter().for_each(|warning| telling.report.hear(&Event::Warned(warning)));
    request.options.privileged = host::user() == 0;
    if request.asks == Asks::OfUnwritable && (request.options.privileged || !host::is_answered_by_hand()) {
        request.asks = Asks::Never;
    }
    let prepared: OnceCell<(Options, Host, Watch)> = OnceCell::new();
    let prepare = || {
        let failed = |error: std::io::Error| safecp::error::Error::Refused(error.to_string());
        let watch = telling.watch().map_err(failed)?;
        let options = of_this_process(request.options.clone(), host::umask());
        let host = this_host(&options, &telling.report);
        let (options, host, watch) = prepared.get_or_init(|| (options, host, watch));
        Ok(mv::Prepared { options, host, stop: &watch.stop, meter: &telling.running.meter })
    };
    let kernel = Retrying(Linux::new());
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

/// A run over all operands, to its end; with a manifest, if one is wanted.
fn run(
    telling: &Telling<'_>,
    kernel: &Retrying<Linux>,
    options: &Options,
    operands: &Operands,
    manifest: Option<&Wanted>,
) -> Result<ExitCode, Failure> {
    let account = telling.account();
    let watch = telling.watch()?;
    let host = this_host(options, &telling.report);
    let ask = |question: &str| telling.ask(question);
    let run = |listener: &dyn Listener| {
        let mut run = Run::new(kernel, options, &host, &watch.stop, listener, &ask);
        run.measure(&telling.running.meter);
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
    let count = |is_over: &AtomicBool| telling.running.totals.count(kernel, &operands.sources, options, is_over);
    telling.look_on(count, listed)?;
    let is_done = telling.finish(&account, watch.is_asked());
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// One share of a copy.
fn share(environment: &Environment, request: &shard::Request) -> Result<ExitCode, Failure> {
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
type Tools<'a> = (Sealing<'a, Retrying<Linux>>, &'a Threads);

/// Makes, checks or follows a list, to its end. `count` finds out how many names there are; `work` tells whether all is
/// well; what it could not do at all is told.
fn with_list(
    telling: &Telling<'_>,
    jobs: Option<NonZeroUsize>,
    count: impl Fn(&Retrying<Linux>, &AtomicBool) -> Option<u64> + Sync,
    work: impl FnOnce(Tools<'_>, &Account<'_>) -> Result<bool, safecp::error::Error>,
) -> Result<ExitCode, Failure> {
    let options = Options { jobs, ..Options::plain() }.within(host::allow_many_files());
    let watch = telling.watch()?;
    let kernel = Retrying(Linux::new());
    let threads = Threads::new(options.jobs, options.jobs_max);
    let (geometry, stop, meter) = (Geometry::default(), Stop(&watch.stop), Some(&telling.running.meter));
    let sealing = Sealing { kernel: &kernel, geometry, threads: Some(&threads), stop, meter };
    let account = telling.account();
    let known = |is_over: &AtomicBool| {
        count(&kernel, is_over).into_iter().for_each(|names| telling.running.totals.know(names));
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
fn seal(
    environment: &Environment,
    operand: &Path,
    wanted: &Wanted,
    jobs: Option<NonZeroUsize>,
) -> Result<ExitCode, Failure> {
    let accounts = Accounts::default();
    let telling = Telling::begin(environment, &accounts, Verbosity::Quiet)?.of(Work::Examine);
    with_list(
        &telling,
        jobs,
        |_, _| None,
        |(sealing, threads), account| {
            let place = Place::open(sealing.kernel, wanted)?;
            let manifest = Manifest::begin(sealing.kernel, wanted, &place);
            let sealed = archive::seal::seal(&sealing, operand, &manifest, threads, account);
            // A list that is not whole is none.
            if !sealing.stop.is_asked() {
                sealed.and_then(|()| manifest.finish())?;
            }
            Ok(true)
        },
    )
}

/// Says what an examination has come to, and what to do about it.
fn conclude(report: &Report, is_clean: bool, summary: &str, advice: Option<&str>) {
    if is_clean {
        report.line(summary);
    } else {
        std::iter::once(summary).chain(advice).for_each(|text| report.hear(&Event::Noted(text)));
    }
}

/// Compares a tree with what is known of it, and tells each difference.
fn check(environment: &Environment, request: &check::Request) -> Result<ExitCode, Failure> {
    let telling = Telling::begin(environment, &request.accounts, Verbosity::Quiet)?.of(Work::Examine);
    let count = |kernel: &_, is_over: &_| check::count(kernel, request, is_over);
    with_list(&telling, request.jobs, count, |(sealing, threads), account| {
        let hear = |finding: &Finding| archive::text::tell(finding, "", account);
        let examined = |path: &Path, bytes| account.hear(&Event::Examined { path, bytes });
        let release = host::this_host().kernel;
        let check = Check { sealing, threads, release, hear: &hear, examined: &examined };
        let tally = check.run(request)?;
        let (Reference::List(reference) | Reference::Tree(reference)) = &request.reference;
        let (summary, advice) = (archive::text::summary(reference, &tally), archive::text::advice(&tally));
        conclude(&telling.report, tally.is_clean(), &summary, advice);
        Ok(tally.is_clean())
    })
}

/// Mends a tree, and tells what was mended.
fn repair(environment: &Environment, request: &Repair) -> Result<ExitCode, Failure> {
    let telling = Telling::begin(environment, &request.accounts, Verbosity::Quiet)?.of(Work::Examine);
    let checked = request.check();
    let count = |kernel: &_, is_over: &_| check::count(kernel, &checked, is_over);
    with_list(&telling, request.jobs, count, |(sealing, threads), account| {
        let examined = |path: &Path, bytes| account.hear(&Event::Examined { path, bytes });
        let release = host::this_host().kernel;
        let check = Check { sealing, threads, release, hear: &|_| {}, examined: &examined };
        let repaired = archive::repair::repair(&check, request, &|told| match told {
            Told::Left(finding) => archive::text::tell(finding, "left alone: ", account),
            Told::Mended(path, mended) => archive::text::tell_mended(path, *mended, account),
            Told::Failed(error) => account.hear(&Event::Failed(error)),
        })?;
        telling.report.line(&archive::text::repaired(&request.list, &repaired));
        Ok(true)
    })
}

/// Looks for victims of past copies, and tells each.
fn scan(environment: &Environment, request: &scan::Request) -> Result<ExitCode, Failure> {
    let telling = Telling::begin(environment, &request.accounts, Verbosity::Quiet)?.of(Work::Examine);
    let count = |kernel: &_, is_over: &_| scan::count(kernel, request, is_over);
    with_list(&telling, request.jobs, count, |(sealing, threads), account| {
        let hear = |finding: &scan::Finding| scan::text::tell(finding, account);
        let examined = |path: &Path, bytes| account.hear(&Event::Examined { path, bytes });
        let (kernel, stop, meter) = (sealing.kernel, sealing.stop, sealing.meter);
        let tally = Scan { kernel, threads, stop, hear: &hear, examined: &examined, meter }.run(request)?;
        let (summary, advice) = (scan::text::summary(&tally), scan::text::advice(&tally));
        conclude(&telling.report, tally.is_clean(), &summary, advice);
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
    let page = host::columns_of_output().filter(|_| is_page).map(|width| doctor::wrapped(&examined.text, width));
    print(&page.unwrap_or(examined.text))?;
    Ok(ExitCode::from(examined.status))
}
