//! Many trials, one after the other: seeds, counters, and the report.

use super::random::spread;
use super::rules::Rule;
use super::trial::{Bench, Scene, Verdict};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Breaches that are printed in full.
const SHOWN_MAX: usize = 10;

/// The sum of a campaign.
#[derive(Default)]
pub(crate) struct Summary {
    runs: u64,
    successes: u64,
    /// Runs in which some rule was broken.
    pub(crate) runs_broken: u64,
    swapped: u64,
    missed: u64,
    planted: u64,
    missing: u64,
    /// Runs that ended with a complaint, or copied what was planted: the swap fell between two calls of the copy.
    runs_hit: u64,
    opened: u64,
    temporaries: u64,
    closed: u64,
    /// Lines of complaint, by their reason.
    reasons: BTreeMap<String, u64>,
    /// Runs in which a rule was broken.
    broken: BTreeMap<Rule, u64>,
    /// The same, by options.
    broken_by: BTreeMap<(Rule, &'static str), u64>,
    shown: usize,
    elapsed: Duration,
}

/// Plays trials until so many swaps were tried.
pub(crate) fn campaign(bench: &Bench, base: u64, attempts: u64) -> Summary {
    let started = Instant::now();
    let mut sum = Summary::default();
    let mut state = base;
    while sum.swapped < attempts {
        let scene = Scene::draw(spread(&mut state), bench);
        sum.count(&scene, &scene.play(bench));
    }
    sum.elapsed = started.elapsed();
    sum
}

impl Summary {
    pub(crate) fn count(&mut self, scene: &Scene, verdict: &Verdict) {
        let complaints: Vec<_> = verdict.said.lines().filter_map(reason_of).collect();
        self.runs += 1;
        self.successes += u64::from(verdict.status.is_some_and(|status| status.success()));
        // Swaps beside a copy that hangs hit nothing.
        if verdict.status.is_some() {
            self.swapped += verdict.tally.swapped.load(Ordering::Relaxed);
            self.missed += verdict.tally.missed.load(Ordering::Relaxed);
        }
        self.planted += verdict.planted;
        self.missing += verdict.missing;
        self.runs_hit += u64::from(!complaints.iter().all(|reason| is_ordinary(reason)) || verdict.planted > 0);
        self.opened += verdict.sightings.opened;
        self.temporaries += verdict.sightings.temporaries;
        self.closed += verdict.sightings.closed;
        for reason in complaints {
            *self.reasons.entry(reason).or_default() += 1;
        }
        let mut rules: Vec<_> = verdict.breaches.iter().map(|breach| breach.rule).collect();
        rules.sort();
        rules.dedup();
        for rule in rules {
            *self.broken.entry(rule).or_default() += 1;
            *self.broken_by.entry((rule, scene.order.options)).or_default() += 1;
        }
        self.runs_broken += u64::from(!verdict.breaches.is_empty());
        if !verdict.breaches.is_empty() && self.shown < SHOWN_MAX {
            self.shown += 1;
            println!("SAFECP_HOSTILE_TRIAL={}: {scene:?}: {:?}", scene.seed, verdict.status);
            verdict.breaches.iter().take(5).for_each(|breach| println!("  BROKEN {:?}: {}", breach.rule, breach.what));
            verdict.said.lines().take(5).for_each(|line| println!("  said: {line}"));
        }
    }

    /// The report for people.
    pub(crate) fn print(&self, base: u64) {
        println!("{} swaps while {} copies ran, from seed {base}, in {:.1?}", self.swapped, self.runs, self.elapsed);
        println!("  {} more did not find their name", self.missed);
        println!("  {} copies succeeded, {} were hit between two calls", self.successes, self.runs_hit);
        println!(
            "  {} names were copied as what was planted, {} were not there when listed",
            self.planted, self.missing
        );
        let hits: u64 = self.reasons.values().sum();
        println!("  {hits} complaints:");
        self.reasons.iter().for_each(|(reason, count)| println!("    {count} {reason}"));
        println!(
            "  a stranger opened {} files, {} by a temporary name; {} temporaries refused",
            self.opened, self.temporaries, self.closed
        );
        self.broken.iter().for_each(|(rule, count)| println!("  BROKEN {rule:?}: in {count} copies"));
        self.broken_by.iter().for_each(|((rule, options), count)| println!("    {rule:?} with {options}: {count}"));
        println!("  {} copies broke a rule", self.runs_broken);
    }
}

/// What is said of fifos and links that stand at an old target, whoever interferes or not.
fn is_ordinary(reason: &str) -> bool {
    reason.starts_with("cannot create") && reason.ends_with("File exists")
}

/// A complaint of the copy without the names in it.
fn reason_of(line: &str) -> Option<String> {
    let (program, complaint) = line.split_once(": ")?;
    let pieces = complaint.split('\'').enumerate().map(|(index, piece)| if index % 2 == 0 { piece } else { "…" });
    let is_ours = ["cp", "install", "mv"].iter().any(|name| program.ends_with(name));
    is_ours.then(|| pieces.collect())
}
