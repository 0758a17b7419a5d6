//! Many cases: seeds, threads, counters, and the report.

use super::compare::Difference;
use super::generate::generate;
use super::known::REASONS;
use super::options::Options;
use super::random::seed_of;
use super::shrink::shrink;
use super::trial::{Bench, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The sum of a campaign.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) cases: u64,
    /// Cases in which both succeeded.
    pub(crate) successes: u64,
    /// By number of reason: differences, and cases with one.
    explained: Vec<(u64, u64)>,
    /// What is not explained: differences that are alike stand for one.
    pub(crate) unexplained: BTreeMap<String, Unexplained>,
    cases_unexplained: u64,
    elapsed: Duration,
}

/// Differences that are alike.
pub(crate) struct Unexplained {
    /// The cases that showed it.
    pub(crate) seeds: Vec<u64>,
}

/// Runs `cases` cases on all processors, until `failures_max` showed something unexplained.
pub(crate) fn campaign(bench: &Bench, options: &Options, base: u64, cases: u64, failures_max: usize) -> Summary {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Summary { explained: vec![(0, 0); REASONS.len()], ..Summary::default() });
    let locked = || sum.lock().expect("no worker panicked");
    std::thread::scope(|scope| {
        for number in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (next, locked) = (&next, &locked);
            scope.spawn(move || {
                let desk = bench.desk(number);
                while locked().unexplained.len() < failures_max {
                    let case = next.fetch_add(1, Ordering::Relaxed);
                    if case >= cases {
                        break;
                    }
                    let case = generate(seed_of(base, case), options);
                    let seed = case.seed;
                    let judged = catch_unwind(AssertUnwindSafe(|| bench.judge(&case, &desk)));
                    let Ok(verdict) = judged else {
                        println!("case {seed}: the test itself fails\n{}", case.script());
                        locked().unexplained.insert("the test itself".to_owned(), Unexplained { seeds: vec![seed] });
                        break;
                    };
                    locked().count(&verdict);
                    if let Some(likeness) = locked().news(seed, &verdict) {
                        let (case, verdict) = shrink(case, verdict, &likeness, bench, &desk);
                        println!("case {seed}: {likeness}\n{}", described(&case.script(), &verdict));
                    }
                }
            });
        }
    });
    let mut sum = sum.into_inner().expect("no worker panicked");
    sum.elapsed = started.elapsed();
    sum
}

/// A case and what it showed, for people.
pub(crate) fn described(script: &str, verdict: &Verdict) -> String {
    let mut text = script.to_owned();
    for difference in &verdict.unexplained {
        text += &format!("  {difference}\n");
    }
    for (number, difference) in &verdict.explained {
        text += &format!("  explained ({}): {difference}\n", REASONS[*number].name);
    }
    text
}

impl Summary {
    fn count(&mut self, verdict: &Verdict) {
        self.cases += 1;
        let succeeded = [&verdict.reference, &verdict.ours].iter().all(|outcome| outcome.ended.status == Some(0));
        self.successes += u64::from(succeeded);
        for (number, (differences, cases)) in self.explained.iter_mut().enumerate() {
            let count = verdict.explained.iter().filter(|(reason, _): &&(usize, Difference)| *reason == number).count();
            *differences += count as u64;
            *cases += u64::from(count > 0);
        }
    }

    /// Remembers what is not explained; the first of its likeness that was not seen before is worth shrinking.
    fn news(&mut self, seed: u64, verdict: &Verdict) -> Option<String> {
        let mut news = None;
        let likenesses: BTreeSet<String> = verdict.unexplained.iter().map(Difference::likeness).collect();
        for likeness in likenesses {
            let unexplained = self.unexplained.entry(likeness.clone()).or_insert(Unexplained { seeds: Vec::new() });
            unexplained.seeds.push(seed);
            if unexplained.seeds.len() == 1 && news.is_none() {
                news = Some(likeness);
            }
        }
        self.cases_unexplained += u64::from(!verdict.unexplained.is_empty());
        news
    }

    /// The report for people.
    pub(crate) fn print(&self, base: u64) {
        let rate = self.cases as f64 / self.elapsed.as_secs_f64();
        println!("{} cases from seed {base} in {:.1?}: {rate:.0} a second", self.cases, self.elapsed);
        println!(
            "  {} in which both succeeded, {} with an unexplained difference",
            self.successes, self.cases_unexplained
        );
        for (likeness, Unexplained { seeds }) in &self.unexplained {
            println!("  UNEXPLAINED in {} cases, such as {:?}: {likeness}", seeds.len(), &seeds[..seeds.len().min(4)]);
        }
        for (reason, (differences, cases)) in REASONS.iter().zip(&self.explained) {
            println!("  {differences} differences in {cases} cases: {}", reason.name);
        }
    }
}
