//! Many worlds: seeds, threads, counters, and the report of a world that broke a promise.

use super::drive::{Driven, Made, drive};
use super::faults::{Counts, Fault};
use super::oracle::{Broken, judge};
use super::random::seed_of;
use super::scenario::{CLASSES, Class, scenario};
use safecp::copy::strategy::Strategy;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What came of one world.
pub struct Report {
    pub class: Class,
    pub broken: Option<Broken>,
    pub counts: Counts,
    pub strategy: Option<Strategy>,
    /// The old file was what its copy would be.
    pub was_same: bool,
    pub calls: u64,
    pub hash: u64,
    pub trace: Vec<String>,
}

/// Runs the world of a seed, and again nothing but that.
pub fn run_world(seed: u64, traced: bool) -> Report {
    let mut scenario = scenario(seed);
    scenario.world.trace = traced.then(Vec::new);
    let class = scenario.class;
    let driven = drive(&mut scenario);
    let broken = judge(&scenario, &driven);
    let Driven { outcome, sim } = driven;
    let (strategy, was_same) = match &outcome {
        Ok(Made::Copied(copied)) => (Some(copied.strategy), false),
        Ok(Made::Same) => (None, true),
        Err(_) => (None, false),
    };
    let mut world = sim.world();
    let hash = world.hash();
    if traced {
        world.say(format_args!("{:?}", scenario.options));
        let systems = world.systems.clone();
        world.say(format_args!("{:?} {:?} {systems:?}", scenario.class, scenario.geometry));
        world.say(format_args!("{outcome:?}"));
    }
    Report {
        class,
        broken,
        counts: world.counts,
        strategy,
        was_same,
        calls: world.calls,
        hash,
        trace: world.trace.take().unwrap_or_default(),
    }
}

/// The sum of a campaign.
#[derive(Default)]
pub struct Summary {
    pub worlds: u64,
    pub counts: Counts,
    /// Worlds of each class, and how many of them ended in success.
    pub classes: [(u64, u64); CLASSES.len()],
    /// Successes by strategy.
    pub strategies: [u64; 4],
    /// Old files that stayed, as they were what their copies would be.
    pub same: u64,
    pub calls: u64,
    /// Seeds of worlds that broke a promise, with what they broke.
    pub broken: Vec<(u64, Broken)>,
    pub elapsed: Duration,
}

/// After how many broken worlds a campaign stops.
const BROKEN_MAX: usize = 20;

impl Summary {
    fn take(&mut self, seed: u64, report: Report) {
        self.worlds += 1;
        self.counts.add(&report.counts);
        self.calls += report.calls;
        let class = CLASSES.iter().position(|class| *class == report.class).unwrap_or_default();
        self.classes[class].0 += 1;
        if let Some(strategy) = report.strategy {
            self.classes[class].1 += 1;
            self.strategies[strategy as usize] += 1;
        }
        if report.was_same {
            self.classes[class].1 += 1;
            self.same += 1;
        }
        if let Some(broken) = report.broken {
            self.broken.push((seed, broken));
        }
    }
}

impl Sum for Summary {
    fn join(&mut self, other: Summary) {
        self.worlds += other.worlds;
        self.counts.add(&other.counts);
        self.calls += other.calls;
        for (sum, more) in self.classes.iter_mut().zip(other.classes) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
        for (sum, more) in self.strategies.iter_mut().zip(other.strategies) {
            *sum += more;
        }
        self.same += other.same;
        self.broken.extend(other.broken);
    }

    fn is_enough(&self) -> bool {
        self.broken.len() >= BROKEN_MAX
    }
}

impl Summary {
    /// The report for people.
    pub fn print(&self, base: u64) {
        let rate = self.worlds as f64 / self.elapsed.as_secs_f64();
        println!(
            "{} worlds from seed {base} in {:.1?}: {rate:.0} a second, {} calls",
            self.worlds, self.elapsed, self.calls
        );
        for (class, (worlds, successes)) in CLASSES.iter().zip(self.classes) {
            println!("  {class:?}: {worlds} worlds, {successes} copies succeeded");
        }
        for strategy in [Strategy::Reflink, Strategy::Offload, Strategy::Extents, Strategy::Stream] {
            println!("  {strategy}: {}", self.strategies[strategy as usize]);
        }
        println!("  same already: {}", self.same);
        let faults: Vec<String> =
            Fault::FILES.iter().map(|fault| format!("{fault:?} {}", self.counts.of(*fault))).collect();
        println!("  {}", faults.join(", "));
        for (seed, broken) in &self.broken {
            println!("BROKEN: {broken}; replay with SAFECP_SIM_WORLD={seed}");
        }
    }
}

/// Runs `worlds` worlds on all processors.
pub fn campaign(base: u64, worlds: u64) -> Summary {
    let started = Instant::now();
    let mut sum: Summary = shared(worlds, &|sum: &mut Summary, number| {
        let seed = seed_of(base, number);
        match catch_unwind(AssertUnwindSafe(|| run_world(seed, false))) {
            Ok(report) => sum.take(seed, report),
            Err(_) => sum.broken.push((seed, "panicked".to_owned())),
        }
    });
    sum.broken.sort();
    sum.elapsed = started.elapsed();
    sum
}

/// What threads add up.
pub trait Sum: Default + Send {
    fn join(&mut self, other: Self);
    /// Whether so much is broken that no more worlds are wanted.
    fn is_enough(&self) -> bool;
}

/// Shares the numbers of worlds between threads, one for each processor.
pub fn shared<S: Sum>(worlds: u64, work: &(dyn Fn(&mut S, u64) + Sync)) -> S {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut sum = S::default();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| share(worlds, &next, work))).collect();
        for thread in running {
            sum.join(thread.join().expect("panics of a world are caught in its thread"));
        }
    });
    sum
}

/// One thread's worlds: batches of the numbers that are left.
fn share<S: Sum>(worlds: u64, next: &AtomicU64, work: &(dyn Fn(&mut S, u64) + Sync)) -> S {
    const BATCH: u64 = 64;
    let mut sum = S::default();
    while !sum.is_enough() {
        let start = next.fetch_add(BATCH, Ordering::Relaxed);
        if start >= worlds {
            break;
        }
        (start..worlds.min(start + BATCH)).for_each(|number| work(&mut sum, number));
    }
    sum
}
