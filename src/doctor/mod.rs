//! `--doctor`: whether programs of this machine can copy wrongly here, and why.
//!
//! Facts come in from the kernel, the mounts, the ZFS module and the programs on PATH; the tables of
//! [`crate::known`] say what they mean; the verdict is whether a program believes a hint that a known bug makes
//! wrong on a filesystem that was looked at. `--try` asks no table: it makes copies and compares them. Nothing
//! on the machine is changed but for the directory of that trial, which is removed.

mod clock;
mod json;
mod machine;
mod mounts;
mod places;
mod programs;
pub mod raw;
mod run;
mod text;
mod trial;
mod verdict;
mod zfs;

use crate::copy::Host;
use crate::error::reason;
use crate::host;
use crate::kernel::Errno;
use crate::known::programs::Ask;
use crate::report::quote::quoted;
use clock::Clock;
use places::Place;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a command line that begins with `--doctor` asks for.
#[derive(Debug)]
pub enum Task {
    /// A look at the machine.
    Examine(Wanted),
    /// One file copied by one call: the trial starts itself so, for a call that does not return can be left
    /// behind then.
    Copy {
        /// The call.
        call: Ask,
        /// What is read.
        source: PathBuf,
        /// What is made.
        target: PathBuf,
    },
}

/// What is to be looked at.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Files or directories whose filesystems are meant; all mounts if there are none.
    pub paths: Vec<PathBuf>,
    /// Where to write the facts as JSON.
    pub report: Option<PathBuf>,
    /// Where to make copies and compare them.
    pub try_in: Option<PathBuf>,
}

/// What came of it, for the caller to say.
#[derive(Clone, Debug)]
pub struct Examined {
    /// A page for people.
    pub text: String,
    /// What could not be examined, and what safecp itself did wrong: a sentence each.
    pub errors: Vec<String>,
    /// 0 nothing known, 1 errors, 2 a risk.
    pub status: u8,
}

/// Every fact, as the report has it.
#[derive(Debug, Serialize)]
struct Findings {
    safecp: &'static str,
    kernel: machine::Kernel,
    filesystems: Vec<Place>,
    zfs: Option<zfs::Zfs>,
    c_library: machine::Library,
    programs: Vec<programs::Program>,
    lacking: Vec<String>,
    trial: Option<trial::Trial>,
    errors: Vec<String>,
    risks: Vec<String>,
    advice: Vec<String>,
    exit_status: u8,
}

/// How long programs may take to tell their versions, and filesystems to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// How long it may take to end after a signal: many files that are on their way to disk have to be removed.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long the trial may take in all.
const TRIAL: Duration = Duration::from_secs(60);

/// Looks at the machine as asked. `stop` ends it early; what is returned then is not whole.
#[must_use]
pub fn examine(wanted: &Wanted, stop: &Arc<AtomicBool>) -> Examined {
    let mut findings = look(wanted, stop);
    if let Some(directory) = &wanted.try_in {
        match trial::play(directory, &host::path(), &Clock::new(stop, TRIAL)) {
            Ok(trial) => findings.trial = Some(trial),
            Err(error) => findings.errors.push(error),
        }
    }
    verdict::pass(&mut findings);
    if let Some(file) = wanted.report.as_ref().filter(|_| !stop.load(Ordering::Relaxed)) {
        write_report(&mut findings, file);
    }
    Examined { text: text::page(&findings), errors: findings.errors, status: findings.exit_status }
}

fn look(wanted: &Wanted, stop: &Arc<AtomicBool>) -> Findings {
    let clock = || Clock::new(stop, ANSWER);
    let host = host::this_host();
    let kernel = machine::kernel();
    let mut errors = Vec::new();
    let filesystems = places_of(wanted, &host, kernel.cachestat.works(), &clock, &mut errors);
    let programs = programs::on(&host::path(), &clock);
    let zfs = zfs::look(Path::new(host::ZFS_MODULE), &clock);
    let (c_library, lacking) = (machine::c_library(&clock), machine::lacking(&kernel));
    Findings {
        safecp: env!("CARGO_PKG_VERSION"),
        kernel,
        filesystems,
        zfs,
        c_library,
        programs,
        lacking,
        trial: None,
        errors,
        risks: Vec::new(),
        advice: Vec::new(),
        exit_status: 0,
    }
}

/// The filesystems that were asked for; those that cannot be examined become errors.
fn places_of<'c>(
    wanted: &Wanted,
    host: &Host,
    sees_clean_pages: bool,
    clock: &dyn Fn() -> Clock<'c>,
    errors: &mut Vec<String>,
) -> Vec<Place> {
    let mounts = mounts::all().unwrap_or_else(|error| {
        errors.push(format!("cannot read {}: {error}", quoted(Path::new(mounts::LIST))));
        Vec::new()
    });
    let look = |path: &Path| {
        let (path, mounts, host) = (path.to_owned(), mounts.clone(), host.clone());
        clock().beside(move || places::look(&path, &mounts, &host, sees_clean_pages)).unwrap_or(Err(Errno::TIMEDOUT))
    };
    let mut cannot = |path: &Path, errno| errors.push(format!("cannot examine {}: {}", quoted(path), reason(errno)));
    let mut places = Vec::new();
    for path in &wanted.paths {
        match look(path) {
            Ok(place) => places.push(place),
            Err(errno) => cannot(path, errno),
        }
    }
    for mount in mounts::that_keep_files(&mounts).filter(|_| wanted.paths.is_empty()) {
        match look(&mount.point) {
            Ok(place) => places.push(place),
            Err(errno @ (Errno::ACCESS | Errno::PERM)) => {
                places.push(places::from_afar(mount, errno, host, sees_clean_pages));
            }
            Err(errno) => cannot(&mount.point, errno),
        }
    }
    places
}

/// A report that cannot be written is an error itself, which only the page can tell then.
fn write_report(findings: &mut Findings, file: &Path) {
    if let Err(error) = json::write(findings, file) {
        findings.errors.push(format!("cannot write {}: {error}", quoted(file)));
        findings.exit_status = verdict::FAILED;
    }
}
