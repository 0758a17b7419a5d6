//! A copy to or from another machine: this end of it, and the far one.

use super::console::exit_code;
use super::copy::recorded;
use super::failure::{Failure, unheeded};
use super::machine::this_host;
use crate::account::{Accounts, Telling};
use crate::archive::manifest::ManifestDirectory;
use crate::archive::recorder::Recorder;
use crate::archive::{Manifest, Wanted};
use crate::error::{Action, Error};
use crate::exit_code::ExitCode;
use crate::host::{self, Environment};
use crate::kernel::linux::Linux;
use crate::kernel::process::survive_closed_pipes;
use crate::kernel::retry::Retrying;
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::path::directory_of;
use crate::remote::client::{self, Client};
use crate::remote::operand;
use crate::remote::server::{self, Server};
use crate::report::Listener;
use crate::signals;
use crate::tree::root::Root;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// A copy to or from another machine.
pub(super) fn transfer(
    environment: &Environment,
    request: &client::Request,
    (manifest, accounts): (Option<&Wanted>, &Accounts),
) -> Result<ExitCode, Failure> {
    let telling = Telling::begin(environment, accounts, request.terms.verbosity)?;
    let account = telling.account();
    let watch = telling.watch().map_err(unheeded)?;
    // A far end that is gone is told, whatever pipe tells it.
    survive_closed_pipes();
    let options = request.terms.options();
    let host = this_host(&options, &telling.report);
    let kernel = Retrying(Linux::new());
    let (host, report, running) = (&host, &telling.report, &*telling.running);
    let (program, stop) = (environment.program, &watch.stop);
    let run = |listener: &dyn Listener| {
        Client { kernel: &kernel, request, program, host, report, listener, running, stop }.run();
    };
    let record = |recorder: &Recorder<'_, Retrying<Linux>>| {
        recorded(recorder, (&account, stop), |listener| {
            run(listener);
            // What ssh or the far end has said itself was heard by nobody here.
            if !telling.report.is_well() {
                recorder.has_failed();
            }
        });
    };
    let listed = || -> Result<(), Failure> {
        match (manifest, &request.target) {
            (Some(wanted), operand::Place::Local(target)) => {
                let directory = ManifestDirectory::open(&kernel, wanted)?;
                let (root, base) = root_of(&kernel, target)?;
                record(&Recorder::new(&kernel, &account, Manifest::begin(&kernel, wanted, &directory), root, base));
            }
            // The far end tells names as a list has them, and nothing of them is here.
            (Some(wanted), operand::Place::Remote { .. }) => {
                let directory = ManifestDirectory::open(&kernel, wanted)?;
                let manifest = Manifest::begin(&kernel, wanted, &directory);
                record(&Recorder::new(&kernel, &account, manifest, Root::Targets, None));
            }
            (None, _) => run(&account),
        }
        Ok(())
    };
    let sources = request.local_sources();
    let count = |is_over: &AtomicBool| {
        if sources.len() == request.sources.len() {
            running.totals.count(&kernel, &sources, &options, is_over);
        }
    };
    telling.look_on(count, listed)?;
    let is_done = telling.finish(&account, watch.is_asked());
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

/// Which directory the names of a manifest lie in that is made of what arrives at a target, and the directory of all targets; `None`
/// for one that is not there, which the run tells.
fn root_of<K: Kernel>(kernel: &K, target: &Path) -> Result<(Root, Option<K::File>), Error> {
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let open = |path: &Path| match kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty()) {
        Ok(directory) => Ok(Some(directory)),
        // Any other failure tells nothing of what is there.
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(Error::call(Action::AccessTargetDirectory, path, errno)),
    };
    let above = directory_of(target);
    match open(target)? {
        Some(directory) => Ok((Root::Targets, Some(directory))),
        None => Ok((Root::Target, open(above)?)),
    }
}

/// The far end of one.
pub(super) fn serve(server: &Server) -> Result<ExitCode, Failure> {
    let watch = signals::watch(signals::GRACE).map_err(unheeded)?;
    survive_closed_pipes();
    let is_done = server::serve(server, &Retrying(Linux::new()), &host::this_host(), &watch.stop);
    watch.die_if_asked();
    Ok(exit_code(is_done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_cannot_be_looked_at_is_neither_there_nor_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("file"), "").expect("a file");
        symlink("loop", path("loop")).expect("a link");
        let root = |name: &str| root_of(&Linux::new(), &path(name)).map(|(root, base)| (root, base.is_some()));
        assert_eq!(root(".").expect("a directory"), (Root::Targets, true));
        for (name, has_base) in [("new", true), ("file", true), ("none/new", false), ("file/new", false)] {
            assert_eq!(root(name).expect("a name"), (Root::Target, has_base), "{name}");
        }
        for name in ["loop", "loop/new"] {
            let error = root(name).expect_err("a circle");
            assert_eq!(error.errno(), Some(Errno::LOOP), "{name}");
            assert!(error.to_string().contains(&path(name).display().to_string()), "{name}: {error}");
        }
    }
}
