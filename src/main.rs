//! The program: arguments in, exit status out.

use safecp::cli::{Typed, read};
use safecp::kernel::linux::Linux;
use safecp::kernel::patient::Patient;
use safecp::options::Options;
use safecp::report::Report;
use safecp::tree::plan::Operands;
use safecp::tree::run::Run;
use safecp::{host, signals};
use std::io::Write;
use std::num::NonZeroUsize;
use std::process::ExitCode;

fn main() -> ExitCode {
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let typed = match read(std::env::args_os(), processors) {
        Ok(typed) => typed,
        Err(error) => {
            eprintln!("safecp: {error:#}\nTry 'safecp --help' for more information.");
            return ExitCode::FAILURE;
        }
    };
    let done = match typed {
        Typed::Text(text) => print(&text),
        Typed::Copy(options, operands) => copy(*options, &operands),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("safecp: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> anyhow::Result<bool> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()?;
    Ok(true)
}

fn copy(options: Options, operands: &Operands) -> anyhow::Result<bool> {
    let options = Options { umask: host::umask(), privileged: host::is_privileged(), ..options };
    host::allow_many_files();
    let watch = signals::watch()?;
    let (output, messages) = (Box::new(std::io::stdout()), Box::new(std::io::stderr()));
    let report = Report::new("safecp", options.verbosity, output, messages);
    let kernel = Patient(Linux::new());
    Run::new(&kernel, &options, &host::this_host(), &watch.stop, &report, &host::ask).operands(operands);
    watch.die_if_asked();
    Ok(report.finish())
}
