//! `--doctor`: whether programs of this machine can copy wrongly here, and why.
//!
//! Facts come in from the kernel, the mounts, the ZFS module and the programs on PATH; the tables of
//! [`crate::known`] say what they mean; the verdict is whether a program believes a hint that a known bug makes
//! wrong on a filesystem that was looked at. `--try` asks no table: it makes copies and compares them. Nothing
//! on the machine is changed but for the directory of that trial, which is removed.

mod apart;
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
mod wrap;
mod zfs;

use crate::document;
use crate::error::reason;
use crate::host;
use crate::host::Host;
use crate::kernel::Errno;
use crate::known::programs::Ask;
use crate::quote::quoted;
use clock::{Clock, begin};
use mounts::Mount;
use places::ExaminedFilesystem;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a command line that begins with `--doctor` asks for.
#[derive(Debug)]
pub enum Request {
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
    /// How much the page tells.
    pub detail: Detail,
}

/// How much the page tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// The verdict, what is at risk, and a line for each filesystem.
    #[default]
    Risks,
    /// All that was looked at.
    Everything,
    /// The report, in the place of the page (--report=-).
    Json,
}

/// What came of it, for the caller to say.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Examined {
    /// A page for people.
    pub text: String,
    /// What could not be examined, and what safecp itself did wrong: a sentence each.
    pub errors: Vec<String>,
    /// 0 nothing known, 1 errors, 2 a risk.
    pub status: u8,
}

pub use apart::examine_apart;
pub use wrap::wrapped;

/// Every fact, as the report has it.
#[derive(Debug, Serialize)]
struct Findings {
    safecp: &'static str,
    kernel: machine::KernelFacts,
    filesystems: Vec<ExaminedFilesystem>,
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
const GRACE: Duration = Duration::from_secs(30);

/// How many filesystems are looked at at once.
const AT_ONCE: usize = 32;

/// How long the trial may take in all.
const TRIAL: Duration = Duration::from_secs(60);

/// Looks at the machine as asked. `stop` ends it early; what is returned then is not whole. Threads whose calls do not
/// return may stay behind.
fn examine(wanted: &Wanted, stop: &Arc<AtomicBool>) -> Examined {
    let mut findings = look(wanted, stop);
    if let Some(directory) = &wanted.try_in {
        match trial_in(directory, stop) {
            Ok(trial) => findings.trial = Some(trial),
            Err(error) => findings.errors.push(error),
        }
    }
    verdict::pass(&mut findings);
    if let Some(file) = wanted.report.as_ref().filter(|_| !stop.load(Ordering::Relaxed)) {
        write_report(&mut findings, file, &Clock::new(stop, ANSWER));
    }
    let text = match wanted.detail {
        Detail::Risks | Detail::Everything => text::page(&findings, wanted.detail),
        Detail::Json => report_text(&mut findings),
    };
    Examined { text, errors: findings.errors, status: findings.exit_status }
}

fn report_text(findings: &mut Findings) -> String {
    let text = json::text(findings).and_then(|text| String::from_utf8(text).map_err(std::io::Error::other));
    text.unwrap_or_else(|error| {
        findings.errors.push(format!("cannot write the report: {error}"));
        findings.exit_status = verdict::FAILED;
        String::new()
    })
}

/// The trial ends by itself, at a signal too; it is left alone only where a call of its own does not return.
fn trial_in(directory: &Path, stop: &Arc<AtomicBool>) -> Result<trial::Trial, String> {
    let silent = || Err(format!("cannot try in {}: {}", quoted(directory), reason(Errno::TIMEDOUT)));
    let (parent, path, is_asked, never) =
        (directory.to_owned(), host::path(), Arc::clone(stop), AtomicBool::new(false));
    let asked = parent.clone();
    if Clock::new(stop, ANSWER).run_with_deadline(move || rustix::fs::statvfs(&asked)).is_none() {
        return silent();
    }
    let play = move || trial::play(&parent, &path, &Clock::new(&is_asked, TRIAL));
    Clock::new(&never, TRIAL + GRACE).run_with_deadline(play).unwrap_or_else(silent)
}

fn look(wanted: &Wanted, stop: &Arc<AtomicBool>) -> Findings {
    let clock = || Clock::new(stop, ANSWER);
    let host = host::this_host();
    let kernel = machine::kernel();
    let mut errors = Vec::new();
    let filesystems = places_of(wanted, &host, kernel.cachestat.works(), &clock, &mut errors);
    let path = answering(host::path(), &clock(), &mut errors);
    let programs = programs::on(&path, &clock);
    let zfs = zfs::look(Path::new(host::ZFS_MODULE), &path, &clock);
    let (c_library, lacking) = (machine::c_library(&path, &clock), machine::lacking(&kernel));
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
) -> Vec<ExaminedFilesystem> {
    let mounts = mounts::all().unwrap_or_else(|error| {
        errors.push(format!("cannot read {}: {error}", quoted(Path::new(mounts::LIST))));
        Vec::new()
    });
    let begun = |path: &Path| {
        let (path, mounts, host) = (path.to_owned(), mounts.clone(), host.clone());
        begin(move || places::look(&path, &mounts, &host, sees_clean_pages))
    };
    let kept: Vec<&Mount> = mounts::that_keep_files(&mounts).filter(|_| wanted.paths.is_empty()).collect();
    // In a directory that was made the root without being mounted there, no list shows what it lies on.
    let root = Some(Path::new("/")).filter(|root| wanted.paths.is_empty() && mounts::of(&mounts, root).is_none());
    let named = wanted.paths.iter().map(PathBuf::as_path).chain(root).map(|path| (path, None));
    let all: Vec<(&Path, Option<&Mount>)> =
        named.chain(kept.iter().map(|mount| (mount.point.as_path(), Some(*mount)))).collect();
    let mut places = Vec::new();
    for some in all.chunks(AT_ONCE) {
        let looks: Vec<_> = some.iter().map(|(path, _)| begun(path)).collect();
        let clock = clock();
        for ((path, mount), look) in some.iter().zip(&looks) {
            match (clock.hear(look).unwrap_or(Err(Errno::TIMEDOUT)), mount) {
                (Ok(place), _) => places.push(place),
                (Err(errno @ (Errno::ACCESS | Errno::PERM)), Some(mount)) => {
                    places.push(places::from_afar(mount, errno, host, sees_clean_pages));
                }
                (Err(errno), _) => errors.push(format!("cannot examine {}: {}", quoted(path), reason(errno))),
            }
        }
    }
    places
}

/// The directories of PATH that answer when they are asked for a name.
fn answering(path: Vec<PathBuf>, clock: &Clock<'_>, errors: &mut Vec<String>) -> Vec<PathBuf> {
    let ask = |directory: &PathBuf| {
        let file = directory.join("cp");
        begin(move || file.exists())
    };
    let asked: Vec<_> = path.iter().map(ask).collect();
    let has_answered = |(directory, asked): (PathBuf, _)| match clock.hear(&asked) {
        Some(_) => Some(directory),
        None => {
            errors.push(format!("cannot examine {}: {}", quoted(&directory), reason(Errno::TIMEDOUT)));
            None
        }
    };
    path.into_iter().zip(asked).filter_map(has_answered).collect()
}

/// A report that cannot be written is an error itself, which only the page can tell then.
fn write_report(findings: &mut Findings, file: &Path, clock: &Clock<'_>) {
    let (text, path) = (json::text(findings), file.to_owned());
    let written =
        clock.run_with_deadline(move || document::write(&path, &text?)).unwrap_or(Err(Errno::TIMEDOUT.into()));
    if let Err(error) = written {
        findings.errors.push(format!("cannot write {}: {error}", quoted(file)));
        findings.exit_status = verdict::FAILED;
    }
}
