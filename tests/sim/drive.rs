//! One copy in a simulated world, through the engine's own door.
//!
//! What the directory walk does on a real machine is done here by hand: the two directories are
//! opened, the names given, and with `--durable` the target's directory is synced in the end.

use super::kernel::{File, Sim};
use super::scenario::Scenario;
use super::system::System;
use super::world::World;
use safecp::copy::{Copied, Follow, Name, Outcome, Special, Thing};
use safecp::error::{Action, Error};
use safecp::host::Host;
use safecp::kernel::retry::Retrying;
use safecp::kernel::{Kernel, Kind, Mode, OFlags, ResolveFlags};
use safecp::known::zfs::{Module, Version};
use safecp::tree::entries::Entries;
use safecp::tree::entry::Arrived;
use safecp::tree::entry_context::{EntryContext, MadeBefore};
use safecp::tree::inspected::Inspection;
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What the engine made of a scenario, and the world after it.
pub struct Driven {
    pub outcome: Result<Made, Error>,
    pub sim: Sim,
}

/// What became of the target.
#[derive(Debug)]
pub enum Made {
    Copied(Box<Copied>),
    /// It was what its copy would be, and stays.
    Same,
}

/// Copies `s/source` to `t/target`.
pub fn drive(scenario: &mut Scenario) -> Driven {
    let world = std::mem::replace(&mut scenario.world, World::new(0, Vec::new()));
    let host = host(&world.systems, scenario);
    let sim = Sim::new(world);
    let kernel = Retrying(sim.clone());
    let outcome = copy(&kernel, &host, scenario);
    Driven { outcome, sim }
}

/// What the engine would read of this machine in /proc and /sys.
fn host(systems: &[System], scenario: &Scenario) -> Host {
    let zfs = systems.iter().find_map(|system| system.zfs).map(|zfs| {
        let (major, minor, patch) = scenario.claimed.unwrap_or(zfs.version);
        let version = Some(Version { major, minor, patch });
        Module { version, offset_next_sync: Some(zfs.next_sync.into()) }
    });
    Host { kernel: scenario.kernel, zfs, ..Host::default() }
}

fn copy(kernel: &Retrying<Sim>, host: &Host, scenario: &Scenario) -> Result<Made, Error> {
    let (stop, options) = (AtomicBool::new(false), &scenario.options);
    let mut entries = Entries::new(kernel, options, host, &stop, &|_| true);
    entries.copier.geometry = scenario.geometry;
    let (source_dir, target_dir) = (directory(kernel, "s")?, directory(kernel, "t")?);
    let follow = if scenario.in_tree { Follow::No } else { Follow::Yes };
    let source = Name { dir: Some(&source_dir), name: Path::new("source"), shown: Path::new("source"), follow };
    let target =
        Name { dir: Some(&target_dir), name: Path::new("target"), shown: Path::new("target"), follow: Follow::No };
    let inspected = kernel.stat(&source_dir).ok().filter(|_| scenario.in_tree);
    let context = EntryContext {
        may_wait: false,
        named: true,
        origin: inspected.and_then(|stat| entries.copier.origin(&source_dir, &stat)),
        fresh: false,
        target_directory: entries.copier.target_directory(&target_dir),
        created: MadeBefore::Nothing,
        walked: scenario.in_tree.then_some(Kind::File),
        top: scenario.in_tree.then_some((&target_dir, Path::new("target"))),
    };
    let outcome = match entries.inspect(&source, &target, &context)? {
        Inspection::Make(inspected) => match entries.make(inspected, &source, &target, &context)? {
            Arrived::Done(outcome) => outcome,
            Arrived::Waits(_) => unreachable!("nothing may wait"),
        },
        Inspection::Newer(_) => Outcome::Skipped,
        Inspection::Ended(outcome) => outcome,
    };
    if options.durable {
        // What was said of the file is said beside that.
        let synced = entries.copier.sync_directory(&target_dir, Path::new("t"));
        synced.map_err(|error| error.with_complaints(outcome.complaints()))?;
    }
    match outcome {
        Outcome::Copied(copied) => Ok(Made::Copied(copied)),
        Outcome::Made(Special { thing: Thing::Same, .. }) => Ok(Made::Same),
        Outcome::Made(_) | Outcome::Skipped | Outcome::Declined => Err(Error::Refused(format!("{outcome:?}"))),
    }
}

fn directory(kernel: &Retrying<Sim>, path: &'static str) -> Result<File, Error> {
    let path = Path::new(path);
    let opened = kernel.open(None, path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty(), ResolveFlags::empty());
    opened.map_err(|errno| Error::call(Action::Access, path, errno))
}
