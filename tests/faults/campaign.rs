//! Many runs: how many, in which order, on how many threads, and what they add up to.

use super::asked::{fresh_seed, number, variable};
use super::judge::{Broken, Rule};
use super::places::Place;
use super::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures that are shown whole; the others are counted.
const SHOWN_MAX: usize = 40;

/// How much of a part is run.
pub(crate) struct Size {
    /// None is all of it.
    pub(crate) cases: Option<usize>,
    /// So many come before them in the order that the seed gives, and are left out.
    pub(crate) from: usize,
    pub(crate) seed: u64,
}

impl Size {
    /// What the environment asks for, else so many.
    pub(crate) fn asked(default: usize) -> Self {
        let cases = match variable("SAFECP_FAULTS_CASES").as_deref() {
            None => Some(default),
            Some("all") => None,
            Some(number) => Some(number.parse().expect("SAFECP_FAULTS_CASES: a number or `all`")),
        };
        let from = number("SAFECP_FAULTS_FROM").map_or(0, |from| usize::try_from(from).expect("a number"));
        Self { cases, from, seed: number("SAFECP_FAULTS_SEED").unwrap_or_else(fresh_seed) }
    }

    /// The same for files of 68 MiB: a case of them takes a second, and where a number is asked for there is a fiftieth of it.
    pub(crate) fn of_long_files(default: usize) -> Self {
        let Self { cases, from, seed } = Self::asked(50 * default);
        Self { cases: cases.map(|cases| (cases / 50).max(1)), from: from / 50, seed }
    }

    /// Some of the cases, or all, in an order that the seed gives. It hangs on each case's description alone: where a run
    /// makes a call more or less, the cases that the change does not touch are drawn as before.
    pub(crate) fn choose<T>(&self, mut cases: Vec<T>, described: impl Fn(&T) -> String) -> Vec<T> {
        let lot = |case: &T| *blake3::hash(format!("{} {}", self.seed, described(case)).as_bytes()).as_bytes();
        cases.sort_by_cached_key(lot);
        cases.into_iter().skip(self.from).take(self.cases.unwrap_or(usize::MAX)).collect()
    }
}

/// What a row of the report counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) runs: usize,
    pub(crate) broken: BTreeMap<Rule, usize>,
}

/// The sum of a campaign.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) rows: BTreeMap<String, Row>,
    /// Runs that the fault did not strike: threads took another way.
    pub(crate) missed: usize,
    /// What broke a rule and is meant to, by reason.
    pub(crate) meant: BTreeMap<&'static str, usize>,
    /// What is not tried, by reason.
    pub(crate) left_out: BTreeMap<String, usize>,
    failures: Vec<String>,
    failed: usize,
    seed: u64,
    started: Instant,
}

impl Tally {
    pub(crate) fn new(size: &Size) -> Self {
        Self {
            rows: BTreeMap::new(),
            missed: 0,
            meant: BTreeMap::new(),
            left_out: BTreeMap::new(),
            failures: Vec::new(),
            failed: 0,
            seed: size.seed,
            started: Instant::now(),
        }
    }

    /// Counts a run that was judged.
    pub(crate) fn count(&mut self, row: &str, broken: &[Broken], described: impl Fn() -> String) {
        let counted = self.rows.entry(row.to_owned()).or_default();
        counted.runs += 1;
        let rules: BTreeSet<Rule> = broken.iter().map(|broken| broken.rule).collect();
        for rule in rules {
            *counted.broken.entry(rule).or_default() += 1;
        }
        if broken.is_empty() {
            return;
        }
        self.failed += 1;
        if self.failures.len() < SHOWN_MAX {
            let how: Vec<String> = broken.iter().map(|broken| format!("\n    {broken}")).collect();
            self.failures.push(described() + &how.concat());
        }
    }

    /// Prints it, and fails the test where a rule was broken.
    pub(crate) fn conclude(self, part: &str) {
        let runs: usize = self.rows.values().map(|row| row.runs).sum();
        println!("\n{:<44} {:>8} {:>8}", part, "runs", "broken");
        for (name, row) in &self.rows {
            println!("{name:<44} {:>8} {:>8}", row.runs, row.broken.values().max().unwrap_or(&0));
        }
        self.left_out.iter().for_each(|(reason, count)| println!("not tried, {count} times: {reason}"));
        self.meant.iter().for_each(|(reason, count)| println!("meant, {count} times: {reason}"));
        if self.missed > 0 {
            println!("not struck, {} times: the call was not made in that run, or of another file", self.missed);
        }
        self.failures.iter().for_each(|failure| println!("== {failure}"));
        let (passed, failed) = (runs - self.failed, self.failed);
        println!("faults: {part}: {passed} passed, {failed} failed");
        println!(
            "{:.0} s; SAFECP_FAULTS_SEED={} gives the same cases",
            self.started.elapsed().as_secs_f64(),
            self.seed
        );
        assert_eq!(failed, 0, "{part}: rules were broken, see above");
    }
}

/// A directory for one thread.
pub(crate) struct Desk {
    pub(crate) path: PathBuf,
}

impl Desk {
    /// Where the next world goes; the last one is removed.
    pub(crate) fn world(&self) -> PathBuf {
        let world = self.path.join("w");
        match std::fs::remove_dir_all(&world) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{}: {error}", world.display()),
        }
        world
    }
}

/// Desks in each place, one for each thread; they go when this is dropped.
pub(crate) struct Desks {
    roots: Vec<tempfile::TempDir>,
}

impl Desks {
    pub(crate) fn new(places: &[Place]) -> Self {
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let root = |place: &Place| tempfile::Builder::new().prefix("faults-").tempdir_in(&place.path).expect("a desk");
        Self { roots: places.iter().map(root).collect() }
    }

    /// The desk of a thread in a place, by number.
    pub(crate) fn desk(&self, place: usize, thread: usize) -> Desk {
        let path = self.roots[place].path().join(format!("desk-{thread}"));
        std::fs::create_dir_all(&path).expect("a desk");
        Desk { path }
    }
}

/// Works on every item, in so many threads for each processor; `work` is told the number of its thread.
pub(crate) fn each<T: Sync>(
    items: &[T],
    threads: usize,
    tally: &Mutex<Tally>,
    work: impl Fn(&T, usize, &Mutex<Tally>) + Sync,
) {
    let next = AtomicUsize::new(0);
    let threads = threads * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item, thread, tally);
                }
            });
        }
    });
}

/// The tally, whatever happened to a thread that had it.
pub(crate) fn locked(tally: &Mutex<Tally>) -> std::sync::MutexGuard<'_, Tally> {
    tally.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a case is among those asked for.
pub(crate) fn is_asked(described: &str) -> bool {
    variable("SAFECP_FAULTS_ONLY").is_none_or(|words| described.contains(&words))
}

/// A time between nothing and this.
pub(crate) fn up_to(time: Duration, random: &mut Random) -> Duration {
    Duration::from_nanos(random.below(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
}

/// Whether a path is one of safecp's temporaries.
pub(crate) fn is_temporary(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".safecp-"))
}
