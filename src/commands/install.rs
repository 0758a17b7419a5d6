//! What `install` does.

use super::console::{exit_code, report};
use super::copy::run;
use super::failure::Failure;
use super::machine::of_this_process;
use crate::account::Accounts;
use crate::host::{self, Environment};
use crate::install::{self, Directories, Task};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::{Given, Options};
use crate::report::{Event, Listener};
use std::process::ExitCode;

pub(super) fn install(environment: &Environment, request: install::Request) -> Result<ExitCode, Failure> {
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
