//! The account of several runs: their lines as they are, and in the place of their last ones a last line of all.

use super::begun::Account;
use super::counts::Counts;
use serde_json::{Map, Value};
use std::io::BufRead;

impl Account<'_> {
    /// Takes over what another run has written in its report.
    pub fn join(&self, report: impl BufRead) -> Result<(), std::io::Error> {
        for line in report.split(b'\n') {
            let line = line?;
            match serde_json::from_slice(&line) {
                Ok(Value::Object(fields)) if fields.get("what").is_some_and(|what| what == "end") => {
                    self.running.counts().add(&fields);
                }
                Ok(_) => self.journal.iter().for_each(|journal| journal.copy(&line)),
                // What a run that was killed has left of its last line, and the empty line in front of each run's.
                Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Counts {
    /// Adds the numbers of a last line.
    fn add(&mut self, fields: &Map<String, Value>) {
        let number = |name: &str| fields.get(name).and_then(Value::as_u64).unwrap_or(0);
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
        let fallbacks = fields.get("fallbacks").and_then(Value::as_object);
        for (reason, count) in fallbacks.into_iter().flatten() {
            *self.fallbacks.entry(reason.clone()).or_default() += count.as_u64().unwrap_or(0);
        }
    }
}
