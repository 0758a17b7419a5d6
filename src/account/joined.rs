//! The account of several runs: their lines as they are, and in the place of their last ones a last line of all.

use super::begun::Account;
use super::counts::Counts;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::BufRead;

/// An object of JSON.
type Fields = Map<String, Value>;

/// The numbers of a run, in the words of a last line.
#[derive(Debug, Default)]
struct Numbers {
    numbers: BTreeMap<String, u64>,
    fallbacks: BTreeMap<String, u64>,
}

impl Account<'_> {
    /// Takes over what other runs have written in a report, one behind the other. Of a run that was killed and has no last line,
    /// its lines are counted.
    pub fn join(&self, report: impl BufRead) -> Result<(), std::io::Error> {
        let mut begun = Numbers::default();
        for line in report.split(b'\n') {
            let line = line?;
            match serde_json::from_slice(&line) {
                Ok(Value::Object(fields)) if word(&fields, "what") == "end" => {
                    self.running.counts().add(&Numbers::of_last_line(&fields));
                    begun = Numbers::default();
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

fn word<'a>(fields: &'a Fields, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Numbers {
    fn of_last_line(fields: &Fields) -> Self {
        let numbers = |fields: &Fields| -> BTreeMap<String, u64> {
            fields.iter().filter_map(|(name, value)| Some((name.clone(), value.as_u64()?))).collect()
        };
        let fallbacks = fields.get("fallbacks").and_then(Value::as_object);
        Self { numbers: numbers(fields), fallbacks: fallbacks.map(numbers).unwrap_or_default() }
    }

    /// Counts the line of a name, as the run that wrote it would have done in the end.
    fn count(&mut self, fields: &Fields) {
        match word(fields, "what") {
            "copied" => self.copied(fields),
            "made" => match word(fields, "thing") {
                "symbolic link" => self.add("symbolic_links", 1),
                "hard link" => self.add("hard_links", 1),
                "special file" => self.add("special_files", 1),
                "attributes" => self.add("attributes_only", 1),
                "same already" => self.add("same_already", 1),
                _ => {}
            },
            "directory" => self.add("directories", 1),
            "skipped" => self.add("skipped", 1),
            "declined" => self.add("declined", 1),
            "warned" | "noted" => self.add("warned", 1),
            _ => {}
        }
    }

    fn copied(&mut self, fields: &Fields) {
        let number = |key: &str| fields.get(key).and_then(Value::as_u64).unwrap_or(0);
        let is = |key: &str| fields.get(key) == Some(&Value::Bool(true));
        self.add("files", 1);
        self.add("bytes", number("bytes"));
        self.add("clones", u64::from(word(fields, "strategy") == "reflink"));
        let unallocated = number("unallocated_bytes");
        if unallocated > 0 && (is("holes_by_map") || is("holes_by_zeros")) {
            self.add("files_with_holes", 1);
            self.add("unallocated_bytes", unallocated);
        }
        self.add("verified", u64::from(!["no", "impossible", "made up"].contains(&word(fields, "verified"))));
        self.add("warned", u64::from(is("changed")));
        let fallbacks = fields.get("fallbacks").and_then(Value::as_array);
        for fallback in fallbacks.into_iter().flatten().filter_map(Value::as_object) {
            // Where it differed is another place in each file.
            let why = word(fallback, "why").split(", ").next().unwrap_or_default();
            *self.fallbacks.entry(format!("{}: {why}", word(fallback, "strategy"))).or_default() += 1;
        }
    }

    fn add(&mut self, name: &str, count: u64) {
        *self.numbers.entry(name.to_owned()).or_default() += count;
    }
}

impl Counts {
    /// Adds the numbers of a run.
    fn add(&mut self, run: &Numbers) {
        let number = |name: &str| run.numbers.get(name).copied().unwrap_or(0);
        self.files += number("files");
        self.directories += number("directories");
        self.symlinks += number("symbolic_links");
        self.hard_links += number("hard_links");
        self.nodes += number("special_files");
        self.attributes += number("attributes_only");
        self.same += number("same_already");
        self.bytes += number("bytes");
        self.clones += number("clones");
        self.sparse += number("files_with_holes");
        self.unallocated += number("unallocated_bytes");
        self.verified += number("verified");
        self.skipped += number("skipped");
        self.declined += number("declined");
        self.warned += number("warned");
        // A share that failed has been run again: all of them are complete.
        for (reason, count) in &run.fallbacks {
            *self.fallbacks.entry(reason.clone()).or_default() += count;
        }
    }
}
