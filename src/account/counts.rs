//! What happened in a run, in numbers.

use crate::copy::strategy::Strategy;
use crate::copy::{Copied, Outcome, Special, Thing, Verified};
use crate::error::Error;
use crate::report::Event;
use std::collections::BTreeMap;

/// So many failures are told once more in the end.
const FAILURES_MAX: usize = 20;

/// What happened so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Files whose content was copied.
    pub(super) files: u64,
    /// Directories that were made.
    pub(super) directories: u64,
    /// Symbolic links that were made.
    pub(super) symlinks: u64,
    /// Further names of files.
    pub(super) hard_links: u64,
    /// Fifos, sockets and devices.
    pub(super) nodes: u64,
    /// Files that got attributes alone.
    pub(super) attributes: u64,
    /// Files that held the same already (--resume).
    pub(super) same: u64,
    /// Bytes of the files that were copied, or read without a copy.
    pub(super) bytes: u64,
    /// Files that share their source's blocks.
    pub(super) clones: u64,
    /// Files of which holes were left out, and bytes of them that have no blocks in the source.
    pub(super) sparse: u64,
    /// See above.
    pub(super) unallocated: u64,
    /// Files that were read back.
    pub(super) verified: u64,
    /// Why strategies were left, and how often.
    pub(super) fallbacks: BTreeMap<String, u64>,
    /// Names that were moved within their filesystem, or exchanged.
    pub(super) renamed: u64,
    /// Sources that were moved to another filesystem and removed, if each is told.
    pub(super) sources_removed: u64,
    /// Names that were looked at without a copy.
    pub(super) examined: u64,
    /// What was found out about names, and how often.
    pub(super) found: BTreeMap<String, u64>,
    /// Names that are right again.
    pub(super) mended: u64,
    /// Names that were left as they are, rightly.
    pub(super) skipped: u64,
    /// Names that were left as they are because the user said no.
    pub(super) declined: u64,
    /// Failures, of names or of what they had to keep.
    pub(super) failed: u64,
    /// Warnings and notes.
    pub(super) warned: u64,
    /// What was said of the first failures.
    pub(super) failures: Vec<String>,
}

/// A number, or several by words. [`FIELDS`] has all of them, so that whoever writes, reads or adds them has the same.
pub(super) enum Field {
    Number { of: fn(&Counts) -> u64, within: fn(&mut Counts) -> &mut u64 },
    Words { of: fn(&Counts) -> &BTreeMap<String, u64>, within: fn(&mut Counts) -> &mut BTreeMap<String, u64> },
}

macro_rules! number {
    ($field:ident) => {
        Field::Number { of: |counts| counts.$field, within: |counts| &mut counts.$field }
    };
}

macro_rules! words {
    ($field:ident) => {
        Field::Words { of: |counts| &counts.$field, within: |counts| &mut counts.$field }
    };
}

/// What the numbers are called in the last line of a report, in its order.
pub(super) const FIELDS: &[(&str, Field)] = &[
    ("files", number!(files)),
    ("directories", number!(directories)),
    ("symbolic_links", number!(symlinks)),
    ("hard_links", number!(hard_links)),
    ("special_files", number!(nodes)),
    ("attributes_only", number!(attributes)),
    ("same_already", number!(same)),
    ("bytes", number!(bytes)),
    ("clones", number!(clones)),
    ("files_with_holes", number!(sparse)),
    ("unallocated_bytes", number!(unallocated)),
    ("verified", number!(verified)),
    ("fallbacks", words!(fallbacks)),
    ("renamed", number!(renamed)),
    ("sources_removed", number!(sources_removed)),
    ("examined", number!(examined)),
    ("found", words!(found)),
    ("mended", number!(mended)),
    ("skipped", number!(skipped)),
    ("declined", number!(declined)),
    ("warned", number!(warned)),
    ("failed", number!(failed)),
];

/// Where a number stands.
pub(super) type Within = fn(&mut Counts) -> &mut u64;

/// What is told of a thing that was made, and what it counts as.
pub(super) fn told_of_thing(thing: Thing) -> (&'static str, Within) {
    match thing {
        Thing::Symlink => ("symbolic link", |counts| &mut counts.symlinks),
        Thing::HardLink => ("hard link", |counts| &mut counts.hard_links),
        Thing::Node => ("special file", |counts| &mut counts.nodes),
        Thing::Attributes => ("attributes", |counts| &mut counts.attributes),
        Thing::Same => ("same already", |counts| &mut counts.same),
    }
}

/// What is told of how a target was proved, and whether that counts as verified.
pub(super) fn told_of_proof(verified: Verified) -> (&'static str, bool) {
    match verified {
        Verified::Content => ("content", true),
        Verified::FarDigest => ("far digest", true),
        Verified::Blocks => ("blocks", true),
        Verified::Device => ("device", true),
        Verified::Digests => ("blake3", true),
        Verified::No => ("no", false),
        Verified::Impossible => ("impossible", false),
        Verified::MadeUp => ("made up", false),
    }
}

/// Whether a target was read back of which this is told.
pub(super) fn tells_of_reading_back(proof: &str) -> bool {
    !Verified::ALL.into_iter().map(told_of_proof).any(|told| told == (proof, false))
}

/// What a copied file adds to the numbers, by whichever way that is known.
pub(super) struct CopiedFile {
    pub(super) bytes: u64,
    pub(super) is_clone: bool,
    /// Bytes without blocks that were left out as holes.
    pub(super) unallocated: u64,
    pub(super) is_verified: bool,
    pub(super) is_changed: bool,
}

impl Counts {
    /// Takes note of what happened.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::Finished { outcome, .. } => self.finished(outcome),
            Event::DirectoryMade { .. } | Event::ParentMade { .. } | Event::DirectoryCreated { .. } => {
                self.directories += 1;
            }
            Event::Failed(error) => self.failed(error),
            Event::Misused(text) => self.failure((*text).to_owned()),
            Event::Warned(_) | Event::Noted(_) => self.warned += 1,
            Event::Renamed { .. } | Event::Exchanged { .. } => self.renamed += 1,
            Event::SourceRemoved { .. } => self.sources_removed += 1,
            Event::Examined { bytes, .. } => {
                self.examined += 1;
                self.bytes += bytes;
            }
            Event::Found(found) => *self.found.entry(found.what.to_owned()).or_default() += 1,
            Event::Mended { .. } => self.mended += 1,
            Event::DirectoryFinished { .. } | Event::Removed { .. } | Event::Full(_) => {}
        }
    }

    /// Takes note of a file that has arrived elsewhere, and was read back there.
    pub(super) fn arrived(&mut self, bytes: u64) {
        self.files += 1;
        self.verified += 1;
        self.bytes += bytes;
    }

    /// Names that are done and no directories.
    #[must_use]
    pub(super) fn names(&self) -> u64 {
        let linked = self.symlinks + self.hard_links + self.nodes;
        self.files + linked + self.attributes + self.same + self.renamed + self.examined + self.skipped + self.declined
    }

    /// Whether files were done without being copied.
    #[must_use]
    pub(super) fn has_skipped(&self) -> bool {
        self.attributes + self.same + self.skipped + self.declined > 0
    }

    fn finished(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Copied(copied) => self.copied(copied),
            Outcome::Made(special) => self.made(special),
            Outcome::Skipped => self.skipped += 1,
            Outcome::Declined => self.declined += 1,
        }
        outcome.complaints().iter().for_each(|complaint| self.failed(complaint));
    }

    fn copied(&mut self, copied: &Copied) {
        let has_holes = copied.sparse.by_map || copied.sparse.by_zeros;
        self.file(&CopiedFile {
            bytes: copied.size,
            is_clone: copied.strategy == Strategy::Reflink,
            unallocated: if has_holes { copied.probed.unallocated } else { 0 },
            is_verified: told_of_proof(copied.verified).1,
            is_changed: copied.changed,
        });
        for (strategy, fallback) in &copied.fallbacks {
            *self.fallbacks.entry(format!("{strategy}: {}", fallback.reason())).or_default() += 1;
        }
    }

    /// Adds a copied file.
    pub(super) fn file(&mut self, file: &CopiedFile) {
        self.files += 1;
        self.bytes += file.bytes;
        self.clones += u64::from(file.is_clone);
        self.sparse += u64::from(file.unallocated > 0);
        self.unallocated += file.unallocated;
        self.verified += u64::from(file.is_verified);
        self.warned += u64::from(file.is_changed);
    }

    fn made(&mut self, special: &Special) {
        let (_, within) = told_of_thing(special.thing);
        *within(self) += 1;
    }

    fn failed(&mut self, error: &Error) {
        match error {
            Error::Noted(_) => self.warned += 1,
            Error::Call { .. }
            | Error::Pair { .. }
            | Error::Beside(_)
            | Error::Leaving(..)
            | Error::Mismatch { .. }
            | Error::Refused(_)
            | Error::Interrupted => {
                self.failure(error.to_string());
            }
        }
    }

    fn failure(&mut self, message: String) {
        self.failed += 1;
        if self.failures.len() < FAILURES_MAX {
            self.failures.push(message);
        }
    }
}
