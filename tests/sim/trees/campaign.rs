//! Many worlds with trees: which are played, their sums, and the report of one that broke a promise.

use super::super::campaign::{Sum, shared};
use super::super::faults::{Counts, Fault};
use super::super::random::{seed_of, spread};
use super::class::{CLASSES, Class, index};
use super::drive::drive;
use super::judge::{Broken, judge};
use super::scenario::scenario;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// What came of one world.
pub struct Report {
    pub class: Class,
    pub broken: Option<Broken>,
    pub succeeded: bool,
    pub counts: Counts,
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
    let mut world = driven.sim.world();
    let (hash, counts, calls) = (world.hash(), world.counts, world.calls);
    let mut trace = world.trace.take().unwrap_or_default();
    drop(world);
    if traced {
        trace.push(format!("{:?} {:?}\n{:?}", class, scenario.order, scenario.options));
        trace.push(format!("{:?} clean {} {:?}", scenario.strike, scenario.is_clean, driven.sim.world().systems));
        trace.extend(scenario.source.iter().chain(&scenario.old).map(|still| {
            format!(
                "  {} inode {} {:?} {:o} {:?} +{}",
                still.path,
                still.node,
                still.kind,
                still.attributes.mode,
                still.link,
                still.content.len()
            )
        }));
        trace.push(format!("succeeded: {}\n{}", driven.succeeded, driven.messages));
    }
    let broken = judge(&scenario, &driven);
    Report { class, broken, succeeded: driven.succeeded, counts, calls, hash, trace }
}

/// Which classes a campaign plays.
#[derive(Clone, Debug)]
pub struct Chosen(Vec<Class>);

impl Chosen {
    /// Those whose names are given, or all.
    pub fn new(names: Option<&str>) -> Self {
        let is_named = |class: &Class, names: &str| names.split(',').any(|name| format!("{class:?}") == name);
        let is_chosen = |class: &&Class| names.is_none_or(|names| is_named(class, names));
        Self(CLASSES.iter().filter(is_chosen).copied().collect())
    }

    /// The seed of the `number`th world of a campaign, which is of a class that is played.
    pub fn seed(&self, base: u64, number: u64) -> u64 {
        let mut seed = seed_of(base, number);
        while !self.0.contains(&Class::of(seed)) {
            let mut state = seed;
            seed = spread(&mut state);
        }
        seed
    }
}

/// The sum of a campaign.
#[derive(Default)]
pub struct Summary {
    pub worlds: u64,
    pub counts: Counts,
    /// Worlds of each class, how many of them ended with status 0, and how many broke a promise.
    pub classes: [(u64, u64, u64); CLASSES.len()],
    pub calls: u64,
    pub broken: Vec<(u64, Broken)>,
    pub elapsed: Duration,
}

/// After how many broken worlds a campaign stops.
const BROKEN_MAX: usize = 500;

impl Sum for Summary {
    fn join(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.counts.add(&other.counts);
        self.calls += other.calls;
        for (sum, more) in self.classes.iter_mut().zip(other.classes) {
            *sum = (sum.0 + more.0, sum.1 + more.1, sum.2 + more.2);
        }
        self.broken.extend(other.broken);
    }

    fn is_enough(&self) -> bool {
        self.broken.len() >= BROKEN_MAX
    }
}

impl Summary {
    fn take(&mut self, seed: u64) {
        let class = index(Class::of(seed));
        self.worlds += 1;
        self.classes[class].0 += 1;
        match catch_unwind(AssertUnwindSafe(|| run_world(seed, false))) {
            Ok(report) => {
                self.counts.add(&report.counts);
                self.calls += report.calls;
                self.classes[class].1 += u64::from(report.succeeded);
                if let Some(broken) = report.broken {
                    self.classes[class].2 += 1;
                    self.broken.push((seed, broken));
                }
            }
            Err(_) => self.broken.push((seed, "panicked".to_owned())),
        }
    }

    /// The faults of the classes that were played which never struck.
    pub fn missing(&self, chosen: &Chosen) -> Vec<Fault> {
        let mut wanted: Vec<Fault> = chosen.0.iter().flat_map(|class| class.faults()).copied().collect();
        wanted.dedup();
        self.counts.missing(&wanted)
    }

    /// The report for people.
    pub fn print(&self, base: u64) {
        let rate = self.worlds as f64 / self.elapsed.as_secs_f64();
        println!(
            "{} worlds with trees from seed {base} in {:.1?}: {rate:.0} a second, {} calls",
            self.worlds, self.elapsed, self.calls
        );
        for (class, (worlds, successes, _)) in CLASSES.iter().zip(self.classes) {
            println!("  {class:?}: {worlds} worlds, {successes} runs succeeded");
        }
        let faults: Vec<String> =
            Fault::TREES.iter().map(|fault| format!("{fault:?} {}", self.counts.of(*fault))).collect();
        println!("  {}", faults.join(", "));
        for (seed, broken) in &self.broken {
            println!("BROKEN: {broken}; replay with SAFECP_SIM_TREE={seed}");
        }
    }
}

/// Runs `worlds` worlds on all processors.
pub fn campaign(base: u64, worlds: u64, chosen: &Chosen) -> Summary {
    let started = Instant::now();
    let mut sum: Summary = shared(worlds, &|sum: &mut Summary, number| sum.take(chosen.seed(base, number)));
    sum.broken.sort();
    sum.elapsed = started.elapsed();
    sum
}
