//! `--try`: files that OpenZFS is known to tell wrongly of, copied in every way at hand, and compared with what
//! they must hold.
//!
//! What must be on disk before something happens to it is written first, all of it, so that one wait serves
//! all; files that need no wait are copied meanwhile. Each copy is read at once and again after a sync, and
//! compared with bytes that are known without asking the filesystem. A program that does not end is killed, at
//! the latest when the time is over. The pressure of tests/zfs/run is not here: that nothing went wrong proves
//! little, that something did proves all.

mod copy_program;
mod past;
mod scratch;
mod tally;

use super::clock::Clock;
use crate::host;
use crate::host::Host;
use crate::kernel::Kernel as _;
use crate::kernel::linux::Linux;
use crate::known::filesystems::{Filesystem, Honesty};
use crate::quote::quoted;
use copy_program::{CopyProgram, TrialEnd};
use past::{Past, SIZE};
use rustix::fd::OwnedFd;
use scratch::Scratch;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(super) use copy_program::SAFECP;
pub(super) use tally::{Row, Tally, Trial};

/// Copies by each copier of each kind of file: those that are waited for lie there all at once, so they are
/// fewer. With five kinds and six copiers 36 MiB of sources lie there, and never more than 16 MiB of copies and
/// others.
const COPIES_FRESH: usize = 16;
const COPIES_WAITED_FOR: usize = 4;

/// Copies made at once: what one process does between another's write and its copy makes errors likelier.
const AT_ONCE: usize = 8;

/// How long until what was synced is on disk on ZFS: a transaction group takes 5 s at most to close, and is
/// written while the next one is open.
const TWO_GROUPS: Duration = Duration::from_secs(11);

/// How long a program may take for one copy.
const ONE_COPY: Duration = Duration::from_secs(10);

/// How often the filesystem is synced beside fresh copies, which makes the errors likelier too.
const SYNC_EVERY: Duration = Duration::from_millis(100);

/// What the trial may take of the disk, with room to spare.
const ROOM: u64 = 128 << 20;

/// One copy to be made.
struct Job {
    past: Past,
    copier: usize,
    source: PathBuf,
    target: PathBuf,
    seed: u64,
}

/// A trial on its way.
struct Play<'p> {
    clock: &'p Clock<'p>,
    copiers: Vec<CopyProgram>,
    scratch: &'p Scratch,
    next: AtomicUsize,
    trial: Mutex<Trial>,
}

/// Plays in a directory of its own below `parent`. An error is that it could not be begun, or not be cleaned up.
pub(super) fn play(parent: &Path, path: &[PathBuf], clock: &Clock<'_>) -> Result<Trial, String> {
    let cannot = |error: std::io::Error| format!("cannot try in {}: {error}", quoted(parent));
    let has_room = rustix::fs::statvfs(parent).map(|room| room.f_bavail.saturating_mul(room.f_frsize) >= ROOM);
    if !has_room.map_err(|errno| cannot(errno.into()))? {
        return Err(format!("cannot try in {}: {} MiB have to be free", quoted(parent), ROOM >> 20));
    }
    let started = Instant::now();
    let scratch = Scratch::make(parent).map_err(cannot)?;
    let played = Play::in_scratch(&scratch, path, clock).and_then(Play::all);
    let removed = scratch.remove();
    let mut trial = played.map_err(cannot)?;
    if let Err(error) = removed {
        trial.errors.push(format!("cannot remove {}: {error}", quoted(scratch.path())));
    }
    trial.directory = parent.to_owned();
    trial.seconds = started.elapsed().as_secs_f64();
    Ok(trial)
}

impl<'p> Play<'p> {
    fn in_scratch(scratch: &'p Scratch, path: &[PathBuf], clock: &'p Clock<'p>) -> std::io::Result<Self> {
        let copiers = copy_program::all(path, &std::env::current_exe()?);
        let row = |copier: &CopyProgram| Row {
            copier: copier.name.clone(),
            tallies: Past::ALL.map(|past| Tally { past: past.name(), ..Tally::default() }).to_vec(),
        };
        let unsafe_cp = host::program(path, "cp").filter(|cp| !cp.is_safe);
        let left_out =
            unsafe_cp.map(|cp| format!("{} is left out: others may put another in its place.", quoted(&cp.file)));
        let trial = Trial {
            copiers: copiers.iter().map(row).collect(),
            notes: left_out.into_iter().collect(),
            ..Trial::default()
        };
        Ok(Self { clock, copiers, scratch, next: AtomicUsize::new(0), trial: Mutex::new(trial) })
    }

    /// The whole trial.
    fn all(self) -> std::io::Result<Trial> {
        let host = host::this_host();
        let filesystem = Filesystem::new(Linux::new().filesystem(self.scratch.handle())?);
        let mut waiting: Vec<Vec<Job>> =
            Past::ALL.into_iter().filter(|past| past.waits()).map(|past| self.prepared(past)).collect();
        self.sync();
        let on_disk = Instant::now() + time_to_disk(filesystem, &host);
        for past in Past::ALL.into_iter().filter(|past| !past.waits()) {
            for copier in 0..self.copiers.len() {
                // As soon as they are due: on a slow machine the time is over before the others are done.
                if Instant::now() >= on_disk {
                    waiting.drain(..).for_each(|jobs| self.round(jobs));
                }
                let syncer = Syncer::start(self.scratch.handle())?;
                self.round(self.jobs(past, copier, COPIES_FRESH));
                drop(syncer);
            }
        }
        if !waiting.is_empty() {
            self.clock.wait(on_disk.saturating_duration_since(Instant::now()));
        }
        waiting.into_iter().for_each(|jobs| self.round(jobs));
        let mut trial = self.trial.into_inner().unwrap_or_else(PoisonError::into_inner);
        trial.name = filesystem.name();
        if trial.copiers.iter().flat_map(|row| &row.tallies).any(|tally| tally.undone > 0) {
            trial.notes.push("Not all could be tried, or the time was over before.".to_owned());
        }
        Ok(trial)
    }

    fn jobs(&self, past: Past, copier: usize, count: usize) -> Vec<Job> {
        let job = |_| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let named = |what: &str| self.scratch.path().join(format!("{what}-{number}"));
            Job { past, copier, source: named("source"), target: named("target"), seed: number as u64 }
        };
        (0..count).map(job).collect()
    }

    /// Jobs whose sources are written and on their way to disk; those that cannot be had are not among them.
    fn prepared(&self, past: Past) -> Vec<Job> {
        let jobs = (0..self.copiers.len()).flat_map(|copier| self.jobs(past, copier, COPIES_WAITED_FOR));
        jobs.filter(|job| self.works(job, past.prepare(&job.source, job.seed))).collect()
    }

    /// Makes these copies, as many at once as are good for errors, and judges them twice.
    fn round(&self, jobs: Vec<Job>) {
        let copied = Mutex::new(Vec::new());
        let left = Mutex::new(jobs);
        std::thread::scope(|scope| {
            for _ in 0..AT_ONCE {
                // With fewer threads fewer are made at once.
                drop(std::thread::Builder::new().spawn_scoped(scope, || {
                    while let Some(job) = locked(&left).pop() {
                        if self.is_right_at_once(&job) {
                            locked(&copied).push(job);
                        }
                    }
                }));
            }
        });
        self.sync();
        for job in copied.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.judge_later(&job);
        }
        // What is left of it lies in nobody's way: the directory goes as a whole.
        locked(&left).drain(..).for_each(|job| self.count(&job, |tally| tally.undone += 1));
    }

    /// Makes one source and copies it at once. True where the copy is right, and is to be looked at again.
    fn is_right_at_once(&self, job: &Job) -> bool {
        if self.clock.is_over() || self.copiers[job.copier].hangs.load(Ordering::Relaxed) {
            self.count(job, |tally| tally.undone += 1);
            clear(job);
            return false;
        }
        let is_prepared = job.past.waits() || self.works(job, job.past.prepare(&job.source, job.seed));
        if !is_prepared || !self.works(job, job.past.alter(&job.source, job.seed)) {
            return false;
        }
        let is_right = self.is_done(job) && self.is_right(job);
        if !is_right {
            self.look_at_source(job);
            clear(job);
        }
        is_right
    }

    /// Runs the copier. True where it says that it has copied.
    fn is_done(&self, job: &Job) -> bool {
        let outcome = self.copiers[job.copier].copy(&job.source, &job.target, &self.clock.at_most(ONE_COPY));
        match outcome {
            TrialEnd::Done => self.count(job, |tally| tally.copies += 1),
            TrialEnd::Refused => self.count(job, |tally| tally.refused += 1),
            TrialEnd::Failed => self.count(job, |tally| tally.failed += 1),
            TrialEnd::TooLong => self.hangs(job),
        }
        outcome == TrialEnd::Done
    }

    fn hangs(&self, job: &Job) {
        self.count(job, |tally| tally.undone += 1);
        let copier = &self.copiers[job.copier];
        if !self.clock.is_over() && !copier.hangs.swap(true, Ordering::Relaxed) {
            let sentence =
                format!("{} did not end within {} s and was left out then.", copier.name, ONE_COPY.as_secs());
            locked(&self.trial).notes.push(sentence);
        }
    }

    fn judge_later(&self, job: &Job) {
        self.is_right(job);
        self.look_at_source(job);
        clear(job);
    }

    /// Whether a copy that was said to be made holds what it must; if not, it is counted. What cannot be read says nothing
    /// of the copier.
    fn is_right(&self, job: &Job) -> bool {
        match holds(&job.target, &job.past.content(job.seed)) {
            Ok(true) => return true,
            Ok(false) => self.count(job, |tally| tally.corrupt += 1),
            Err(error) => self.cannot_read(&format!("a copy by {}", self.copiers[job.copier].name), &error),
        }
        false
    }

    fn look_at_source(&self, job: &Job) {
        match holds(&job.source, &job.past.content(job.seed)) {
            Ok(true) => {}
            Ok(false) => locked(&self.trial).wrong_sources += 1,
            Err(error) => self.cannot_read("a source", &error),
        }
    }

    /// Told once.
    fn cannot_read(&self, what: &str, error: &std::io::Error) {
        let sentence = format!("{what} cannot be read: {error}");
        let errors = &mut locked(&self.trial).errors;
        if !errors.contains(&sentence) {
            errors.push(sentence);
        }
    }

    /// Whether a source could be made; if not, why not is told once.
    fn works(&self, job: &Job, made: std::io::Result<()>) -> bool {
        let Err(error) = made else { return true };
        self.count(job, |tally| tally.undone += 1);
        let sentence = format!("Files that are {} cannot be made here: {error}", job.past.name());
        let mut trial = locked(&self.trial);
        let sentences = if past::is_impossible(&error) { &mut trial.notes } else { &mut trial.errors };
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
        clear(job);
        false
    }

    fn count(&self, job: &Job, counts: impl FnOnce(&mut Tally)) {
        let mut trial = locked(&self.trial);
        let row = trial.copiers.get_mut(job.copier);
        if let Some(tally) = row.and_then(|row| row.tallies.iter_mut().find(|tally| tally.past == job.past.name())) {
            counts(tally);
        }
    }

    /// syncfs(2), not waited for beyond the deadline: what it reports is the sources' and copies' own, which are read.
    fn sync(&self) {
        if let Ok(handle) = self.scratch.handle().try_clone() {
            self.clock.run_with_deadline(move || rustix::fs::syncfs(handle).is_ok());
        }
    }
}

/// How long what is synced takes to be where a clone finds it: nowhere but on ZFS longer than the sync.
fn time_to_disk(filesystem: Filesystem, host: &Host) -> Duration {
    match filesystem.honesty(host.kernel) {
        Honesty::Zfs => TWO_GROUPS,
        Honesty::Unknown if host.zfs.is_some() => TWO_GROUPS,
        Honesty::Unknown | Honesty::Honest | Honesty::Pseudo => Duration::ZERO,
    }
}

/// Whether read(2) gives these bytes and no more; a file that is not there holds nothing.
fn holds(file: &Path, content: &[u8]) -> std::io::Result<bool> {
    let mut bytes = Vec::with_capacity(SIZE);
    match std::fs::File::open(file).and_then(|file| file.take(SIZE as u64 + 1).read_to_end(&mut bytes)) {
        Ok(_) => Ok(bytes == content),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes room. What stays goes with the directory.
fn clear(job: &Job) {
    for file in [&job.source, &job.target] {
        std::fs::remove_file(file).unwrap_or(());
    }
}

/// A thread that panicked has counted what it counted.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that syncs the filesystem again and again, until it is dropped. It is not waited for.
struct Syncer(Arc<AtomicBool>);

impl Syncer {
    fn start(handle: &OwnedFd) -> std::io::Result<Self> {
        let handle = handle.try_clone()?;
        let done = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&done);
        std::thread::Builder::new().spawn(move || {
            while !is_done.load(Ordering::Relaxed) {
                // What fails here is seen by who reads the files.
                rustix::fs::syncfs(&handle).unwrap_or(());
                std::thread::sleep(SYNC_EVERY);
            }
        })?;
        Ok(Self(done))
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_holds_what_it_must_and_no_more() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        let content = Past::Mapped.content(1);
        for (bytes, expected) in
            [(content.clone(), true), (vec![0; SIZE], false), ([&content[..], b"x"].concat(), false)]
        {
            std::fs::write(&file, bytes).expect("a file");
            assert_eq!(holds(&file, &content).expect("read"), expected);
        }
        std::fs::write(&file, &content[1..]).expect("a file");
        let is_held = |file: &Path| holds(file, &content).expect("read");
        assert!(!is_held(&file) && !is_held(&directory.path().join("missing")));
        assert!(holds(directory.path(), &content).is_err(), "what cannot be read is not wrong");
    }

    #[test]
    fn only_zfs_is_waited_for() {
        let zfs = Filesystem::new(0x2fc1_2fc1);
        assert_eq!(time_to_disk(zfs, &Host::default()), TWO_GROUPS);
        assert_eq!(time_to_disk(Filesystem::new(0xef53), &Host { kernel: (6, 1), ..Host::default() }), Duration::ZERO);
    }
}
