//! Lies that safecp fell for once, each by itself. The campaign found them; these stay when its seeds mean other cases.

use super::case::{Case, Ground};
use super::lies::{Lie, Told};
use super::mount::{Aside, aside};
use super::oracle::Class;
use super::store::{BLOCK, Caching, Manner};
use super::{described, left_out, on_bench};

/// Other random numbers for the lies, each tried.
const SEEDS: u64 = 8;

/// A file of three blocks, the second one a hole.
fn sparse() -> Vec<u8> {
    [[7; BLOCK], [0; BLOCK], [9; BLOCK]].concat()
}

fn lying(caching: Caching, seed: u64, lies: &[Lie]) -> Ground {
    let told = lies.iter().map(|lie| Told { lie: *lie, once_in: 1 }).collect();
    Ground::Lying(Manner { caching, seed, told })
}

/// Runs the case with every seed, and expects that no rule is broken.
fn no_rule_is_broken(test: &str, case: impl Fn(u64) -> Case) {
    match aside(&format!("found::{test}")) {
        Aside::Impossible(why) => left_out(&why),
        Aside::Ran(said, passed) => assert!(passed, "{said}"),
        Aside::Here => on_bench(|bench| {
            for case in (0..SEEDS).map(case) {
                let (ended, verdict) = bench.judge(&case, &[]);
                let said = described(&case, &ended, &verdict);
                assert!(!matches!(verdict.class, Class::Broken(_)), "{said}");
            }
        }),
    }
}

fn from(source: Ground, seed: u64) -> Case {
    Case { seed, bytes: sparse(), old: None, source, target: Ground::Plain, options: Vec::new() }
}

fn onto(target: Ground, seed: u64, old: Option<Vec<u8>>) -> Case {
    Case { seed, bytes: sparse(), old, source: Ground::Plain, target, options: Vec::new() }
}

/// The numbers of all pieces were put into memory at once: 64 TiB of them.
#[test]
fn a_size_beyond_everything_is_no_demand_for_memory() {
    let case = |seed| from(lying(Caching::Direct, seed, &[Lie::HugeSize]), seed);
    no_rule_is_broken("a_size_beyond_everything_is_no_demand_for_memory", case);
}

/// The map of holes was asked up to st_size only, and nothing behind it was read.
#[test]
fn what_is_behind_the_size_is_copied() {
    let case = |seed| from(lying(Caching::Direct, seed, &[Lie::SmallerSize, Lie::NoBlocks]), seed);
    no_rule_is_broken("what_is_behind_the_size_is_copied", case);
}

/// A map that ended before the file made the file a truncated one.
#[test]
fn a_map_that_ends_early_is_read_over() {
    let case = |seed| from(lying(Caching::Direct, seed, &[Lie::ShiftedMap]), seed);
    no_rule_is_broken("a_map_that_ends_early_is_read_over", case);
}

/// The name was taken before close said that the bytes had found no place.
#[test]
fn what_was_written_too_late_gets_no_name() {
    let case = |seed| onto(lying(Caching::Back, seed, &[Lie::NoSpace]), seed, None);
    no_rule_is_broken("what_was_written_too_late_gets_no_name", case);
}

/// The error of a late write, which chown returned, was taken for a reason to empty the old file.
#[test]
fn a_late_write_costs_no_old_file() {
    let case = |seed| onto(lying(Caching::Back, seed, &[Lie::WriteError]), seed, Some(vec![3; 1398]));
    no_rule_is_broken("a_late_write_costs_no_old_file", case);
}

/// Bytes were compared, and lost when the size was set for what came behind them.
#[test]
fn what_a_new_size_takes_away_is_missed() {
    let case = |seed| Case {
        seed,
        bytes: vec![7; 300_000],
        old: None,
        source: lying(Caching::Direct, seed, &[Lie::SmallerSize]),
        target: lying(Caching::Back, seed, &[Lie::NoSize]),
        options: vec!["--sparse=always"],
    };
    no_rule_is_broken("what_a_new_size_takes_away_is_missed", case);
}
