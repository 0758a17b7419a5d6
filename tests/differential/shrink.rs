//! Makes a case that shows a difference smaller, one step at a time, for as long as it shows it.

use super::case::{Argument, Case, Content, Kind, Piece};
use super::trial::{Bench, Verdict};
use std::path::Path;

/// After how many trials a case is small enough.
const TRIALS_MAX: usize = 600;

/// The smallest case found that still shows an unexplained difference of this likeness, and what it shows.
pub(crate) fn shrink(case: Case, verdict: Verdict, likeness: &str, bench: &Bench, desk: &Path) -> (Case, Verdict) {
    let (mut case, mut verdict) = (case, verdict);
    let mut trials = 0;
    'again: loop {
        for smaller in smaller(&case) {
            if smaller.may_block() {
                continue;
            }
            trials += 1;
            if trials > TRIALS_MAX {
                return (case, verdict);
            }
            let found = bench.judge(&smaller, desk);
            if found.unexplained.iter().any(|difference| difference.likeness() == likeness) {
                (case, verdict) = (smaller, found);
                continue 'again;
            }
        }
        return (case, verdict);
    }
}

/// The case with one thing less, the largest things first.
fn smaller(case: &Case) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut changed = case.clone();
        change(&mut changed);
        cases.push(changed);
    };
    for number in 0..case.entries.len() {
        with(&|case| remove_entry(case, number));
    }
    for (number, argument) in case.arguments.iter().enumerate() {
        with(&|case| drop(case.arguments.remove(number)));
        let letters = match argument {
            Argument::Letters(letters) if letters.len() > 1 => letters.len(),
            _ => 0,
        };
        for at in 0..letters {
            with(&|case| {
                if let Argument::Letters(letters) = &mut case.arguments[number] {
                    letters.remove(at);
                }
            });
        }
    }
    for number in 0..case.environment.len() {
        with(&|case| {
            case.environment.remove(number);
        });
    }
    if !case.answers.is_empty() {
        with(&|case| case.answers = "");
    }
    if case.umask != 0o022 {
        with(&|case| case.umask = 0o022);
    }
    if case.as_nobody && rustix::process::geteuid().is_root() {
        with(&|case| case.as_nobody = false);
    }
    for number in 0..case.entries.len() {
        plainer(case, number, &mut with);
    }
    cases
}

/// Takes an entry away, with what is below it and further names of what goes.
fn remove_entry(case: &mut Case, number: usize) {
    let path = case.entries[number].path.clone();
    case.entries.retain(|entry| !entry.path.starts_with(&path));
    let files: Vec<_> = case.entries.iter().map(|entry| entry.path.clone()).collect();
    case.entries.retain(|entry| !matches!(&entry.kind, Kind::Link(file) if !files.contains(file)));
}

/// One entry with one attribute less.
fn plainer(case: &Case, number: usize, with: &mut impl FnMut(&dyn Fn(&mut Case))) {
    let entry = &case.entries[number];
    let own = case.entries[number].owner;
    let plain_mode = if entry.kind == Kind::Directory { 0o755 } else { 0o644 };
    let plain_owner = if case.as_nobody { (super::build::NOBODY, super::build::NOBODY) } else { (0, 0) };
    if matches!(&entry.kind, Kind::File(content) if content.size != 1) {
        let plain = Content { size: 1, pieces: vec![Piece { offset: 0, length: 1, seed: number as u64 + 1 }] };
        with(&|case| case.entries[number].kind = Kind::File(plain.clone()));
    }
    for attribute in 0..entry.xattrs.len() {
        with(&|case| drop(case.entries[number].xattrs.remove(attribute)));
    }
    if entry.mode != plain_mode {
        with(&|case| case.entries[number].mode = plain_mode);
    }
    if own != plain_owner {
        with(&|case| case.entries[number].owner = plain_owner);
    }
    let plain_time = (1_000_000_000, 0);
    if entry.modified != plain_time || entry.accessed != plain_time {
        with(&|case| {
            case.entries[number].modified = plain_time;
            case.entries[number].accessed = plain_time;
        });
    }
}
