//! The program: arguments in, exit status out.

use safecp::cli::{Typed, Usage, read};
use safecp::host::{self, Environment};
use safecp::kernel::linux::Linux;
use safecp::kernel::patient::Patient;
use safecp::options::Options;
use safecp::report::Report;
use safecp::signals;
use safecp::tree::plan::Operands;
use safecp::tree::run::Run;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = host::environment();
    let (program, called) = (environment.program, &environment.called);
    let done = read(std::env::args_os(), &environment).and_then(|typed| match typed {
        Typed::Text(text) => print(&text),
        Typed::Copy { options, operands, warnings } => copy(&environment, *options, &operands, &warnings),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            match error.downcast_ref::<Usage>() {
                Some(usage) if usage.is_getopts => eprintln!("{called}: {usage}"),
                Some(_) | None => eprintln!("{program}: {error:#}"),
            }
            if error.is::<Usage>() {
                eprintln!("Try '{called} --help' for more information.");
            }
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> anyhow::Result<bool> {
    let mut output = host::output();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(true)
}

fn copy(environment: &Environment, options: Options, operands: &Operands, warnings: &[String]) -> anyhow::Result<bool> {
    let options = Options { umask: host::umask(), privileged: host::is_privileged(), ..options };
    host::allow_many_files();
    let watch = signals::watch()?;
    let report = Report::new(environment.program, options.verbosity, host::output(), Box::new(std::io::stderr()));
    warnings.iter().for_each(|warning| report.warning(warning));
    let kernel = Patient(Linux::new());
    let (options, operands) = operands.onto_itself(&kernel, &options).unwrap_or((options, operands.clone()));
    let ask = |question: &str| host::ask(&environment.called, question);
    Run::new(&kernel, &options, &host::this_host(), &watch.stop, &report, &ask).operands(&operands);
    watch.die_if_asked();
    Ok(report.finish())
}
