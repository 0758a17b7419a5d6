//! What each command line does: a file each. What was read enters, the exit status leaves; what is to be said is said on the way.

mod apart;
mod console;
mod copy;
mod doctor;
mod failure;
mod guard;
mod install;
mod lists;
mod machine;
mod mv;
mod scan;
mod several_targets;
mod shards;
mod transfer;

pub use failure::Failure;

use crate::archive::seal::Subject;
use crate::cli::Invocation;
use crate::exit_code::ExitCode;
use crate::host::Environment;

/// Does what was asked for.
pub fn run(invocation: Invocation, environment: &Environment) -> Result<ExitCode, Failure> {
    let program = environment.program;
    match invocation {
        Invocation::Text(text) => console::print(&console::fitted(text)),
        Invocation::Copy { options, operands, manifest, accounts, warnings } => {
            copy::copy(environment, *options, &operands, (manifest.as_ref(), &accounts), &warnings)
        }
        Invocation::Distribute(request) => several_targets::distribute(environment, *request),
        Invocation::Install(request) => install::install(environment, *request),
        Invocation::Move(request) => mv::move_names(environment, *request),
        Invocation::Transfer { request, manifest, accounts } => {
            transfer::transfer(environment, &request, (manifest.as_ref(), &accounts))
        }
        Invocation::Serve(server) => transfer::serve(&server),
        Invocation::Seal { operand, one_file_system, wanted, accounts, jobs } => {
            let subject = Subject { operand: &operand, one_file_system, left_out: None };
            lists::seal(environment, subject, (&wanted, &accounts), jobs)
        }
        Invocation::Check(request) => lists::check(environment, &request),
        Invocation::Repair(request) => lists::repair(environment, &request),
        Invocation::Scan(request) => scan::scan(environment, &request),
        Invocation::Share(request) => shards::share(environment, &request),
        Invocation::Finish { about, jobs } => shards::finish(environment, &about, jobs),
        Invocation::Status(about) => shards::status(environment, &about),
        Invocation::Guard { refused, command } => guard::guard(program, &refused, &command),
        Invocation::Doctor(task) => doctor::doctor(program, &task),
    }
}
