//! The program: arguments in, exit status out.

use safecp::cli::{Typed, Usage, read};
use safecp::kernel::linux::Linux;
use safecp::kernel::patient::Patient;
use safecp::options::Options;
use safecp::report::Report;
use safecp::tree::plan::Operands;
use safecp::tree::run::Run;
use safecp::{host, signals};
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = host::environment();
    let program = &environment.program;
    let done = read(std::env::args_os(), &environment).and_then(|typed| match typed {
        Typed::Text(text) => print(&text),
        Typed::Copy { options, operands, warnings } => copy(program, *options, &operands, &warnings),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            if error.is::<Usage>() {
                eprintln!("Try '{program} --help' for more information.");
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

fn copy(program: &str, options: Options, operands: &Operands, warnings: &[String]) -> anyhow::Result<bool> {
    let options = Options { umask: host::umask(), privileged: host::is_privileged(), ..options };
    host::allow_many_files();
    let watch = signals::watch()?;
    let report = Report::new(program, options.verbosity, host::output(), Box::new(std::io::stderr()));
    warnings.iter().for_each(|warning| report.warning(warning));
    let kernel = Patient(Linux::new());
    let (options, operands) = operands.onto_itself(&kernel, &options).unwrap_or((options, operands.clone()));
    Run::new(&kernel, &options, &host::this_host(), &watch.stop, &report, &host::ask).operands(&operands);
    watch.die_if_asked();
    Ok(report.finish())
}
