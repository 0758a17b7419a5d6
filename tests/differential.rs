//! GNU's cp and safecp on the same random trees with the same random command lines: everything must be the same but
//! what `differential/known.rs` explains.
//!
//! SAFECP_REFERENCE_CP names GNU's cp (otherwise one that tests/gnu/run built, or the one on PATH), SAFECP_TEST_BINARY
//! another safecp.
//! SAFECP_DIFF_CASES and SAFECP_DIFF_SEED (a number, or a commit's hash) make a campaign longer or another one;
//! SAFECP_DIFF_CASE=<seed> runs one case and shows all of it; SAFECP_DIFF_WITHOUT=--parents,-l leaves options out;
//! SAFECP_DIFF_DIRECTORY is where worlds are made (otherwise /dev/shm); SAFECP_DIFF_FAILURES says after how many kinds of unexplained differences a campaign ends.

#[path = "common/asked.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod asked;
#[path = "differential/build.rs"]
mod build;
#[path = "differential/campaign.rs"]
mod campaign;
#[path = "differential/case.rs"]
mod case;
#[path = "differential/compare.rs"]
mod compare;
#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/known.rs"]
mod known;
#[path = "differential/options.rs"]
mod options;
#[path = "differential/programs.rs"]
mod programs;
#[path = "sim/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "the simulator's; this program uses a part")]
mod random;
#[path = "common/reference.rs"]
mod reference;
#[path = "differential/shrink.rs"]
mod shrink;
#[path = "common/tree.rs"]
#[allow(dead_code, reason = "this program uses a part")]
mod tree;
#[path = "differential/trial.rs"]
mod trial;
#[path = "differential/twisted.rs"]
mod twisted;
#[path = "common/xattrs.rs"]
mod xattrs;

use asked::{number, program, variable};
use campaign::{campaign, described};
use generate::generate;
use options::Options;
use random::parse_seed;
use reference::reference;
use std::io::Write;
use std::path::PathBuf;
use trial::Bench;

/// Cases of an ordinary `cargo test`.
const CASES: u64 = 300;

/// No difference between both programs but those that are meant.
#[test]
fn safecp_does_what_cp_does() {
    let Some(reference) = reference_or_say_why() else { return };
    let bench = Bench::new(&reference, &program());
    let without = variable("SAFECP_DIFF_WITHOUT").unwrap_or_default();
    let options = Options::of(&bench.reference, &bench.ours, &without.split(',').collect::<Vec<_>>());
    println!("{} against {}", bench.ours.version, bench.reference.version);
    println!("left out: {}", options.left_out.join("; "));
    if let Some(seed) = variable("SAFECP_DIFF_CASE") {
        return replay(parse_seed(&seed), &bench, &options);
    }
    let base = parse_seed(&variable("SAFECP_DIFF_SEED").unwrap_or_else(|| "1".to_owned()));
    let number = |name, default| number(name).unwrap_or(default);
    let failures_max = usize::try_from(number("SAFECP_DIFF_FAILURES", 10)).expect("a small number");
    let summary = campaign(&bench, &options, base, number("SAFECP_DIFF_CASES", CASES), failures_max);
    summary.print(base);
    let unexplained = summary.unexplained.len();
    assert_eq!(unexplained, 0, "differences without a reason, see above; SAFECP_DIFF_CASE=<seed> shows one again");
}

/// The comparison itself: it sees whatever is done to a world behind its back.
#[test]
fn every_kind_of_difference_is_seen() {
    if let Some(reference) = reference_or_say_why() {
        twisted::every_twist_is_seen(&reference);
    }
}

/// The same seed makes the same case, and another seed another.
#[test]
fn cases_repeat_themselves() {
    let options = Options::everything();
    let text = |seed| format!("{:?}", generate(seed, &options));
    for seed in 0..200 {
        assert_eq!(text(seed), text(seed), "seed {seed}");
        assert_ne!(text(seed), text(seed + 1), "seed {seed}");
    }
}

fn reference_or_say_why() -> Option<PathBuf> {
    match reference() {
        Ok(reference) => Some(reference),
        // Around the runner's capture, so that it is always seen.
        Err(why) => {
            let line = format!(
                "left out: comparison with GNU's cp: {why}; tests/gnu/run builds one, SAFECP_REFERENCE_CP names one"
            );
            writeln!(std::io::stderr(), "{line}").expect("standard error");
            None
        }
    }
}

fn replay(seed: u64, bench: &Bench, options: &Options) {
    let case = generate(seed, options);
    let verdict = bench.judge(&case, &bench.desk(0));
    println!("{}", described(&case.script(), &verdict));
    println!("GNU: {:?}\nsafecp: {:?}", verdict.reference.ended, verdict.ours.ended);
    for (name, outcome) in [("GNU", &verdict.reference), ("safecp", &verdict.ours)] {
        for (path, seen) in &outcome.tree {
            println!("{name}: {path:?}: {:?} {:04o} {:?} {:?}", seen.kind, seen.mode, seen.owner, seen.modified);
        }
    }
    assert!(verdict.unexplained.is_empty(), "unexplained differences, see above");
}
