//! The account of several runs: their lines as they are, and in the place of their last ones a last line of all.

use super::begun::Account;
use super::counts::{CopiedFile, Counts, FIELDS, Field, tells_of_reading_back, told_of_thing};
use crate::copy::Thing;
use crate::copy::strategy::Strategy;
use serde_json::{Map, Value};
use std::io::BufRead;

/// An object of JSON.
type Fields = Map<String, Value>;

impl Account<'_> {
    /// Takes over what other runs have written in a report, one behind the other. Of a run that was killed and has no last line,
    /// its lines are counted.
    pub fn join(&self, report: impl BufRead) -> Result<(), std::io::Error> {
        let mut begun = Counts::default();
        for line in report.split(b'\n') {
            let line = line?;
            match serde_json::from_slice(&line) {
                Ok(Value::Object(fields)) if word(&fields, "what") == "end" => {
                    self.running.counts().add(&of_last_line(&fields));
                    begun = Counts::default();
                }
                Ok(told) => {
                    told.as_object().into_iter().for_each(|fields| begun.count(fields));
                    self.journal.iter().for_each(|journal| journal.copy(&line));
                }
                // What a run that was killed has left of its last line, and the empty line in front of each run's.
                Err(_) => self.running.counts().add(&std::mem::take(&mut begun)),
            }
        }
        self.running.counts().add(&begun);
        Ok(())
    }
}

/// The text of a field; nothing where a line has none.
fn word<'a>(fields: &'a Fields, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The numbers of a last line.
fn of_last_line(fields: &Fields) -> Counts {
    let mut counts = Counts::default();
    for (word, field) in FIELDS {
        let told = fields.get(*word);
        match field {
            Field::Number { within, .. } => *within(&mut counts) = told.and_then(Value::as_u64).unwrap_or(0),
            Field::Words { within, .. } => {
                let told = told.and_then(Value::as_object).into_iter().flatten();
                *within(&mut counts) = told.filter_map(|(why, count)| Some((why.clone(), count.as_u64()?))).collect();
            }
        }
    }
    counts
}

impl Counts {
    /// Counts the line of a name, as the run that wrote it would have done in the end.
    fn count(&mut self, fields: &Fields) {
        match word(fields, "what") {
            "copied" => self.copied_line(fields),
            "made" => {
                let mut things = Thing::ALL.into_iter().map(told_of_thing);
                let made = things.find(|(told, _)| *told == word(fields, "thing"));
                made.iter().for_each(|(_, within)| *within(self) += 1);
            }
            "directory" => self.directories += 1,
            "skipped" => self.skipped += 1,
            "declined" => self.declined += 1,
            "warned" | "noted" => self.warned += 1,
            _ => {}
        }
    }

    fn copied_line(&mut self, fields: &Fields) {
        let number = |key: &str| fields.get(key).and_then(Value::as_u64).unwrap_or(0);
        let is = |key: &str| fields.get(key) == Some(&Value::Bool(true));
        let has_holes = is("holes_by_map") || is("holes_by_zeros");
        self.file(&CopiedFile {
            bytes: number("bytes"),
            is_clone: word(fields, "strategy") == Strategy::Reflink.word(),
            unallocated: if has_holes { number("unallocated_bytes") } else { 0 },
            is_verified: tells_of_reading_back(word(fields, "verified")),
            is_changed: is("changed"),
        });
        let fallbacks = fields.get("fallbacks").and_then(Value::as_array);
        for fallback in fallbacks.into_iter().flatten().filter_map(Value::as_object) {
            // Where it differed is another place in each file.
            let why = word(fallback, "why").split(", ").next().unwrap_or_default();
            *self.fallbacks.entry(format!("{}: {why}", word(fallback, "strategy"))).or_default() += 1;
        }
    }

    /// Adds the numbers of a run. A share that failed has been run again: all of them are complete.
    fn add(&mut self, run: &Counts) {
        for (word, field) in FIELDS {
            match field {
                Field::Number { .. } if *word == "failed" => {}
                Field::Number { of, within } => *within(self) += of(run),
                Field::Words { of, within } => {
                    let sum = within(self);
                    of(run).iter().for_each(|(why, count)| *sum.entry(why.clone()).or_default() += count);
                }
            }
        }
    }
}
