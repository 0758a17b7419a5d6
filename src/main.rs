//! The program: arguments in, exit status out.

use safecp::cli::{as_named, read};
use safecp::commands::{self, Failure};
use safecp::host;
use safecp::kernel::process::heed_closed_pipes;
use std::process::ExitCode;

fn main() -> ExitCode {
    heed_closed_pipes();
    let (arguments, environment) = as_named(std::env::args_os().collect(), host::environment());
    let invocation = read(arguments, &environment).map_err(Failure::Usage);
    let done = invocation.and_then(|invocation| commands::run(invocation, &environment));
    done.unwrap_or_else(|failure| failure.say(environment.program, &environment.called))
}
