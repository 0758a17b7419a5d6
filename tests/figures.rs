//! The figures that README.md and docs/performance.md name are those of docs/performance/results.tsv, which benches/run writes.
//!
//! What is written by hand there goes stale when it is measured again. Medians are found here once more, and not by the script
//! that makes docs/performance/results.md.

mod common;

use common::asked::project;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

/// Seconds and the most memory, in KiB, of each round.
type Rounds = BTreeMap<u32, (f64, u64)>;

/// What was measured, by case, filesystem and program.
struct Results(BTreeMap<(String, String, String), Rounds>);

impl Results {
    fn read() -> Self {
        let text = fs::read_to_string(project("docs/performance/results.tsv")).expect("results");
        let mut results = Self(BTreeMap::new());
        for line in text.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            let [case, kind, program, round, seconds, _, _, peak] = words[..] else { continue };
            let key = (case.to_owned(), kind.to_owned(), program.to_owned());
            let round = round.parse().expect("a round");
            let taken = (seconds.parse().expect("seconds"), peak.parse().expect("KiB"));
            results.0.entry(key).or_default().insert(round, taken);
        }
        results
    }

    fn of(&self, case: &str, kind: &str, program: &str) -> &Rounds {
        let key = (case.to_owned(), kind.to_owned(), program.to_owned());
        self.0.get(&key).unwrap_or_else(|| panic!("nothing was measured of {key:?}"))
    }

    /// The median of the ratios of the rounds, as it is written.
    fn ratio(&self, case: &str, kind: &str, program: &str) -> f64 {
        let ours = if case == "reflink-none" { "safecp-none" } else { "safecp" };
        let (ours, theirs) = (self.of(case, kind, ours), self.of(case, kind, program));
        let mut ratios: Vec<f64> =
            ours.iter().filter_map(|(round, taken)| Some(taken.0 / theirs.get(round)?.0)).collect();
        ratios.sort_by(f64::total_cmp);
        let middle = ratios.len() / 2;
        if ratios.len() % 2 == 1 { ratios[middle] } else { f64::midpoint(ratios[middle - 1], ratios[middle]) }
    }

    fn peak_mib(&self, case: &str, kind: &str) -> u64 {
        let peak = self.of(case, kind, "safecp").values().map(|taken| taken.1).max().expect("a round");
        (peak + 512) / 1024
    }
}

/// Rows of the tables of a page, as cells.
fn rows(page: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(project(page)).expect("a page");
    let cells = |line: &str| {
        let line = line.strip_prefix("| ")?.strip_suffix('|')?.to_owned();
        Some(line.split('|').map(|cell| cell.trim().to_owned()).collect())
    };
    text.lines().filter_map(cells).collect()
}

/// The first number of a cell with two decimals; nothing where it has none.
fn first_number(cell: &str) -> Option<&str> {
    let is_digit = |sign: char| sign.is_ascii_digit() || sign == '.';
    let start = cell.find(|sign: char| sign.is_ascii_digit())?;
    let rest = &cell[start..];
    let number = &rest[..rest.find(|sign| !is_digit(sign)).unwrap_or(rest.len())];
    (number.split('.').nth(1)?.len() == 2).then_some(number)
}

/// The case that a row is about, by the words with which it begins.
fn case_of(label: &str) -> Option<&'static str> {
    [
        ("20,000 files of 4 KiB", "small"),
        ("the sources of a kernel", "source"),
        ("a tree like node_modules", "deep"),
        ("100,000 hard and symbolic links", "links"),
        ("1 GiB dense", "dense"),
        ("the same from the disk", "dense-cold"),
        ("8 GiB dense", "dense-8g"),
        ("1 TiB sparse", "sparse"),
        ("1 GiB cloned and not verified", "reflink-none"),
        ("1 GiB cloned", "reflink"),
    ]
    .into_iter()
    .find_map(|(words, case)| label.starts_with(words).then_some(case))
}

fn kind_of(text: &str) -> Option<&'static str> {
    [("ext4", "ext4"), ("btrfs", "btrfs"), ("XFS", "xfs"), ("tmpfs", "tmpfs")]
        .into_iter()
        .find_map(|(word, kind)| text.contains(word).then_some(kind))
}

#[test]
fn the_readme_names_the_figures_that_were_measured() {
    let (results, mut case, mut compared) = (Results::read(), None, 0);
    for row in rows("README.md").iter().filter(|row| row.len() == 5) {
        case = case_of(&row[0]).or(if row[0].is_empty() { case } else { None });
        let (Some(case), Some(kind)) = (case, kind_of(&row[1])) else { continue };
        for (cell, program) in [(&row[2], "cp"), (&row[3], "cp-cmp")] {
            if let Some(number) = first_number(cell) {
                assert_eq!(number, format!("{:.2}", results.ratio(case, kind, program)), "{row:?}");
                compared += 1;
            }
        }
        assert_eq!(row[4], format!("{} MiB", results.peak_mib(case, kind)), "{row:?}");
    }
    assert!(compared >= 18, "{compared} figures were found");
}

#[test]
fn the_page_on_performance_names_the_figures_that_were_measured() {
    let (results, mut case, mut compared) = (Results::read(), None, 0);
    let columns = ["cp", "cp-cmp", "xcp", "rsync", "rsync-c"];
    for row in rows("docs/performance.md").iter().filter(|row| row.len() == 6) {
        case = case_of(&row[0]).or(if row[0].starts_with("the same,") { case } else { None });
        let (Some(case), Some(kind)) = (case, kind_of(&row[0])) else { continue };
        for (cell, column) in row[1..].iter().zip(columns) {
            let Some(number) = first_number(cell) else { continue };
            // A clone and its proof stand in the column of cp.
            let program = if case == "reflink" { "cp-b3sum" } else { column };
            let ratio = results.ratio(case, kind, program);
            assert_eq!(number, format!("{ratio:.2}"), "{column}: {row:?}");
            compared += 1;
            if let Some((_, aim)) = cell.split_once("(aim ") {
                let aim: f64 = aim.split(')').next().and_then(|aim| aim.parse().ok()).expect("an aim");
                assert_eq!(cell.contains("missed"), ratio > aim, "{column}: {row:?}");
            }
        }
        if case == "reflink-none" {
            // Both filesystems stand in one row.
            let other = row[1].split(" and ").nth(1).and_then(first_number).expect("a second figure");
            assert_eq!(other, format!("{:.2}", results.ratio(case, "xfs", "cp")), "{row:?}");
        }
    }
    assert!(compared >= 60, "{compared} figures were found");
}

/// The script writes them when it measures; here they are made of what was measured, as they stand there.
#[test]
fn the_tables_of_results_are_those_of_the_data() {
    let script = "cd -- \"$1\" && project=$PWD && . benches/cases.bash && . benches/tables.bash && machine() { :; }
        write_tables docs/performance/results.tsv";
    let output = Command::new("bash").args(["-c", script, "bash"]).arg(project(".")).output().expect("bash runs");
    let made = String::from_utf8(output.stdout).expect("text");
    let written = fs::read_to_string(project("docs/performance/results.md")).expect("tables");
    let tables = |text: &str| text.find("\n## ").map(|start| text[start..].to_owned());
    assert_eq!(tables(&made), tables(&written), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(made.len() > 1000);
}
