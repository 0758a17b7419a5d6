//! The same faults for other programs that copy, side by side. Only bytes and names are compared: what
//! each keeps of attributes is another matter.

use super::campaign::{Desks, Size, Tally, each};
use super::judge::Rule;
use super::lives::why;
use super::matrix::{Case, cases, judge_case};
use super::places::places;
use super::scenario::{Old, Scenario, Source, scenario};
use super::tool::Tool;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Copies that every program can make.
const PLAIN: &[Scenario] = &[
    scenario("dense", "", Source::Dense, Old::Nothing),
    scenario("sparse", "", Source::Sparse, Old::Nothing),
    scenario("dense over old", "", Source::Dense, Old::File),
    scenario("sparse over old", "", Source::Sparse, Old::File),
    scenario("tree", "-aT", Source::Tree, Old::Nothing),
];

/// What the columns of the sums are.
const SUMS: &[(&str, &[Rule])] = &[
    ("exit 0, wrong bytes", &[Rule::Bytes]),
    ("old file lost", &[Rule::OldKept]),
    ("a part left under the name", &[Rule::Whole]),
    ("anything else left", &[Rule::NothingLeft]),
    ("failure not said", &[Rule::Said]),
    ("crash or hang", &[Rule::Ends]),
    ("source changed", &[Rule::Source]),
];

/// Runs the matrix's plain copies with each of `name=path,...`, and prints what came of them.
pub(crate) fn run(tools: &str, size: &Size) {
    let columns: Vec<(String, Tally)> = tools
        .split(',')
        .map(|tool| {
            let (name, path) = tool.split_once('=').expect("name=path");
            (name.to_owned(), tried(&Tool { name: name.to_owned(), path: PathBuf::from(path) }, size))
        })
        .collect();
    print_rows(&columns);
    print_sums(&columns);
    println!("SAFECP_FAULTS_SEED={} chooses the same cases", size.seed);
    let ours = columns.iter().find(|(name, _)| name == "safecp");
    let silent = ours.map_or(0, |(_, tally)| broken(tally, &[Rule::Bytes]));
    let runs = ours.map_or(0, |(_, tally)| runs(tally));
    println!("faults: compare: {} passed, {silent} failed", runs - silent);
    assert_eq!(silent, 0, "safecp called something wrong right");
}

fn tried(tool: &Tool, size: &Size) -> Tally {
    let places = places();
    let desks = Desks::new(&places);
    let tally = Mutex::new(Tally::new(size));
    let all = cases(tool, PLAIN, &places, &desks, &tally);
    let cases = size.choose(all, |case| case.described(tool, &places));
    each(&cases, 1, &tally, |case, thread, tally| {
        judge_case(tool, case, &places, &desks.desk(case.place, thread), tally, true);
    });
    tally.into_inner().expect("no thread panicked")
}

/// Whether a program lives through all of `lives`, where it makes such a call.
pub(crate) fn lives(tool: &Tool) {
    let places = places();
    let (desks, tally) = (Desks::new(&places), Mutex::new(Tally::new(&Size { cases: None, from: 0, seed: 0 })));
    let asked = cases(tool, PLAIN, &places, &desks, &tally);
    let asked: Vec<Case> = asked.into_iter().filter(is_asked_of_all).collect();
    let (struck, died) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    each(&asked, 1, &tally, |case, thread, _| {
        let desk = desks.desk(case.place, thread);
        let world = desk.world();
        case.scenario.make(&world);
        let ended = tool.traced(&case.fault.arguments(), &case.scenario, &world, &desk.path);
        struck.fetch_add(usize::from(ended.log.contains("(INJECTED)")), Ordering::Relaxed);
        if !ended.succeeded() {
            let line = format!("{}: {}", case.described(tool, &places), ended.stderr.trim_end());
            died.lock().expect("no thread panicked").push(line);
        }
    });
    let died = died.into_inner().expect("no thread panicked");
    println!("faults: lives: {} was struck {} times", tool.name, struck.into_inner());
    assert!(died.is_empty(), "{} dies of what it should live through:\n{}", tool.name, died.join("\n"));
}

/// Whether what happens is what every program should live through: a filesystem or a kernel that never knew a call, and
/// interrupted reads and writes.
fn is_asked_of_all(case: &Case) -> bool {
    let Case { fault, scenario, .. } = case;
    let is_interrupted = ["read", "write", "copy_file_range", "ioctl"].contains(&&*fault.call.name);
    let is_unknown = fault.stays && fault.call.is_first;
    why(fault, scenario).is_some() && (is_unknown || fault.what == "error=EINTR" && is_interrupted)
}

/// Exit status 0 with wrong bytes, by kind of fault: failures / runs.
fn print_rows(columns: &[(String, Tally)]) {
    let rows: BTreeSet<&String> = columns.iter().flat_map(|(_, tally)| tally.rows.keys()).collect();
    print!("\n{:<44}", "exit status 0 with wrong bytes / runs");
    columns.iter().for_each(|(name, _)| print!(" {name:>12}"));
    println!();
    for row in rows {
        print!("{row:<44}");
        for (_, tally) in columns {
            let cell = tally
                .rows
                .get(row)
                .map(|counted| format!("{}/{}", counted.broken.get(&Rule::Bytes).unwrap_or(&0), counted.runs));
            print!(" {:>12}", cell.unwrap_or_default());
        }
        println!();
    }
}

fn print_sums(columns: &[(String, Tally)]) {
    print!("\n{:<44}", "runs, and in how many of them");
    columns.iter().for_each(|(name, _)| print!(" {name:>12}"));
    print!("\n{:<44}", "runs");
    columns.iter().for_each(|(_, tally)| print!(" {:>12}", runs(tally)));
    println!();
    for (what, rules) in SUMS {
        print!("{what:<44}");
        columns.iter().for_each(|(_, tally)| print!(" {:>12}", broken(tally, rules)));
        println!();
    }
}

fn runs(tally: &Tally) -> usize {
    tally.rows.values().map(|row| row.runs).sum()
}

fn broken(tally: &Tally, rules: &[Rule]) -> usize {
    let in_row = |row: &super::campaign::Row| rules.iter().filter_map(|rule| row.broken.get(rule)).sum::<usize>();
    tally.rows.values().map(in_row).sum()
}
