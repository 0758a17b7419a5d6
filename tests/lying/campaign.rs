//! Many cases: seeds, threads, counters, and the report.

use super::case::{Case, generate, seed_of};
use super::lies::{COUNT, Lie, all};
use super::oracle::{Class, Verdict};
use super::trial::{Bench, Ended};
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// After so many broken rules a campaign ends: 20, or what SAFECP_LYING_FAILURES says.
fn broken_max() -> usize {
    std::env::var("SAFECP_LYING_FAILURES").ok().and_then(|number| number.parse().ok()).unwrap_or(20)
}

/// The sum of a campaign.
pub(crate) struct Summary {
    pub(crate) cases: u64,
    right: u64,
    hidden_by_cache: u64,
    hidden_by_reads: u64,
    unverified: u64,
    refused: u64,
    /// Cases that broke a rule, described.
    pub(crate) broken: Vec<String>,
    /// How many of them were exit 0 with another content.
    pub(crate) silent: u64,
    /// How often each lie was told.
    struck: [u64; COUNT],
    elapsed: Duration,
}

/// Runs cases on all processors, for so long. It ends early where safecp breaks rules often; another program's are
/// counted.
pub(crate) fn campaign(bench: &Bench<'_>, base: u64, cases: u64, time: Duration) -> Summary {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Summary::empty());
    let locked = || sum.lock().expect("no worker panicked");
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let is_hopeless = !bench.is_gnu && locked().broken.len() >= broken_max();
                    if number >= cases || started.elapsed() > time || is_hopeless {
                        break;
                    }
                    let case = generate(seed_of(base, number), bench.is_gnu);
                    let (ended, verdict) = bench.judge(&case, &[]);
                    locked().count(&case, &ended, &verdict);
                }
            });
        }
    });
    let mut sum = sum.into_inner().expect("no worker panicked");
    sum.elapsed = started.elapsed();
    sum
}

/// A case and what it showed, for people.
pub(crate) fn described(case: &Case, ended: &Ended, verdict: &Verdict) -> String {
    let mut text = format!("{case}\n  {:?}\n", verdict.class);
    let struck = all().into_iter().map(|lie| (lie, verdict.struck[lie as usize])).filter(|(_, count)| *count > 0);
    for (lie, count) in struck {
        // Writing to a String does not fail.
        writeln!(text, "  told {count} times: {lie:?}").unwrap_or_default();
    }
    text + &format!("  status {:?}, stderr: {}", ended.status, ended.stderr.trim_end())
}

impl Summary {
    fn empty() -> Self {
        Self {
            cases: 0,
            right: 0,
            hidden_by_cache: 0,
            hidden_by_reads: 0,
            unverified: 0,
            refused: 0,
            broken: Vec::new(),
            silent: 0,
            struck: [0; COUNT],
            elapsed: Duration::ZERO,
        }
    }

    fn count(&mut self, case: &Case, ended: &Ended, verdict: &Verdict) {
        self.cases += 1;
        self.struck.iter_mut().zip(verdict.struck).for_each(|(sum, count)| *sum += count);
        match &verdict.class {
            Class::Right => self.right += 1,
            Class::HiddenByCache => self.hidden_by_cache += 1,
            Class::HiddenByReads => self.hidden_by_reads += 1,
            Class::Unverified => self.unverified += 1,
            Class::Refused => self.refused += 1,
            Class::Broken(rules) => {
                self.silent += u64::from(rules.iter().any(|rule| rule.contains("another content")));
                self.broken.push(described(case, ended, verdict));
            }
        }
    }

    /// Lies that were never told, of those that could be.
    pub(crate) fn never_told(&self, except: &[Lie]) -> Vec<Lie> {
        all().into_iter().filter(|lie| self.struck[*lie as usize] == 0 && !except.contains(lie)).collect()
    }

    /// The report for people.
    pub(crate) fn print(&self, base: u64) {
        let rate = self.cases as f64 / self.elapsed.as_secs_f64();
        println!("seed {base}: {} cases in {:.1} s, {rate:.0} a second", self.cases, self.elapsed.as_secs_f64());
        println!("  {:6} exit 0, and the target holds what reads of the source gave", self.right);
        println!("  {:6} refused, with a message", self.refused);
        println!("  {:6} exit 0, what the target's filesystem lost hidden by the page cache", self.hidden_by_cache);
        println!(
            "  {:6} exit 0, what the target's filesystem lost hidden by its own answers to reads",
            self.hidden_by_reads
        );
        println!("  {:6} exit 0 and another content with --verify=none", self.unverified);
        println!("  {:6} broken rules, {} of them exit 0 and another content", self.broken.len(), self.silent);
        let told: Vec<String> = all().iter().map(|lie| format!("{lie:?} {}", self.struck[*lie as usize])).collect();
        println!("  lies told: {}", told.join(", "));
    }
}
