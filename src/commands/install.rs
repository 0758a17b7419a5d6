//! What `install` does.

use super::console::exit_code;
use super::copy::run;
use super::failure::Failure;
use super::machine::of_this_process;
use crate::account::Telling;
use crate::host::{self, Environment};
use crate::install::{self, Directories, Task};
use crate::kernel::linux::Linux;
use crate::kernel::retry::Retrying;
use crate::options::{Given, Options, Work};
use crate::report::{Event, Listener};
use std::process::ExitCode;

pub(super) fn install(environment: &Environment, request: install::Request) -> Result<ExitCode, Failure> {
    let telling = Telling::begin(environment, &request.accounts, request.verbosity)?.of(Work::Install);
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
