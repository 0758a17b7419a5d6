//! A run on a list: it is made, the tree is compared with it, or mended by it.

use super::super::kernel::Sim;
use super::super::shards::play::geometry;
use safecp::account::Accounts;
use safecp::archive::check::{Check, Reference, Request};
use safecp::archive::finding::{Fault, Finding};
use safecp::archive::manifest::{Extent, Form, ManifestDirectory};
use safecp::archive::repair::{Repair, RepairEvent, repair};
use safecp::archive::seal::{Subject, seal};
use safecp::archive::{Manifest, Wanted, Written};
use safecp::copy::threads::Threads;
use safecp::copy::{Sealing, Stop};
use safecp::kernel::retry::Retrying;
use safecp::options::Verbosity;
use safecp::report::Report;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

/// The list of the tree.
pub const LIST: &str = "l";

/// What a check says of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Missing,
    Damaged,
    Changed,
    /// It cannot be read, and its times are those that are listed.
    Unreadable,
    /// It cannot be read, and somebody has changed it.
    UnreadableChange,
    /// Something that no harm of these worlds comes to.
    Other,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// It came to its end and all that it was to do was done.
    pub succeeded: bool,
    /// What it said went wrong.
    pub failures: Vec<String>,
    /// What a check found.
    pub found: BTreeMap<String, Said>,
}

/// What every run needs.
struct Tools {
    kernel: Retrying<Sim>,
    threads: Threads,
    stop: AtomicBool,
}

impl Tools {
    fn new(sim: &Sim) -> Self {
        let threads = Threads::new(Some(NonZeroUsize::MIN), NonZeroUsize::MIN);
        Self { kernel: Retrying(sim.clone()), threads, stop: AtomicBool::new(false) }
    }

    fn sealing(&self) -> Sealing<'_, Retrying<Sim>> {
        let (threads, stop) = (Some(&self.threads), Stop(&self.stop));
        Sealing { kernel: &self.kernel, geometry: geometry(), threads, stop, meter: None }
    }

    fn check<'a>(&'a self, hear: &'a (dyn Fn(&Finding) + Sync)) -> Check<'a, Retrying<Sim>> {
        let (sealing, threads, release) = (self.sealing(), &self.threads, (6, 12));
        Check { sealing, threads, release, left_out: None, hear, examined: &|_, _| {} }
    }
}

/// Writes down what `s` is.
pub fn write_list(sim: &Sim, list: &str) -> Played {
    let tools = Tools::new(sim);
    let wanted = Wanted { file: list.into(), form: Form::Mtree };
    let report = Report::new("safecp", Verbosity::Quiet, Box::new(std::io::sink()), Box::new(std::io::sink()));
    let written = || {
        let directory = ManifestDirectory::open(&tools.kernel, &wanted)?;
        let manifest = Manifest::begin(&tools.kernel, &wanted, &directory);
        let subject = Subject { operand: Path::new("s"), one_file_system: false, left_out: None };
        let sealed = seal(&tools.sealing(), subject, &manifest, &tools.threads, &report);
        manifest.finish(sealed.unwrap_or(Extent::Partial))
    };
    match written() {
        Ok(written) => Played { succeeded: written == Written::Manifest, ..Played::default() },
        Err(error) => Played { failures: vec![error.to_string()], ..Played::default() },
    }
}

fn name_of(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).to_string_lossy().into_owned()
}

/// Compares `s` with its list.
pub fn check(sim: &Sim) -> Played {
    let tools = Tools::new(sim);
    let request = Request {
        reference: Reference::List(LIST.into()),
        root: Some("s".into()),
        is_strict: false,
        one_file_system: false,
        jobs: Some(NonZeroUsize::MIN),
        accounts: Accounts::default(),
    };
    let played = Mutex::new(Played::default());
    let hear = |finding: &Finding| {
        let mut played = played.lock().expect("no run panics here");
        let (path, said) = match finding {
            Finding::Missing(path) => (path, Said::Missing),
            Finding::Content { path, fault: Fault::Damage, .. } => (path, Said::Damaged),
            Finding::Content { path, fault: Fault::Change, .. } => (path, Said::Changed),
            Finding::Unreadable { path, fault: Fault::Damage, .. } => (path, Said::Unreadable),
            Finding::Unreadable { path, .. } => (path, Said::UnreadableChange),
            Finding::Content { path, .. } | Finding::Extra(path) => (path, Said::Other),
            Finding::Attributes { path, .. } | Finding::Kind { path, .. } => (path, Said::Other),
            Finding::Moved { from, .. } => (from, Said::Other),
            Finding::Failed(error) => return played.failures.push(error.to_string()),
        };
        played.found.insert(name_of(path), said);
    };
    let check = tools.check(&hear);
    let tally = check.run(&request);
    let mut played = played.into_inner().expect("no run panics here");
    match tally {
        Ok(tally) => played.succeeded = tally.is_clean(),
        Err(error) => played.failures.push(error.to_string()),
    }
    played
}

/// Mends `s` by its list and the copy `c`.
pub fn mend(sim: &Sim) -> Played {
    let tools = Tools::new(sim);
    let request = Repair {
        list: LIST.into(),
        root: "s".into(),
        copies: vec!["c".into()],
        jobs: Some(NonZeroUsize::MIN),
        accounts: Accounts::default(),
    };
    let failures = Mutex::new(Vec::new());
    let tell = |told: &RepairEvent<'_>| {
        if let RepairEvent::Failed(error) = told {
            failures.lock().expect("no run panics here").push(error.to_string());
        }
    };
    let repaired = repair(&tools.check(&|_| {}), &request, &tell);
    let mut failures = failures.into_inner().expect("no run panics here");
    let succeeded = match repaired {
        Ok(repaired) => repaired.failed == 0,
        Err(error) => {
            failures.push(error.to_string());
            false
        }
    };
    Played { succeeded, failures, found: BTreeMap::new() }
}
