//! The line of JSON that tells an event. docs/report.md has the words, docs/report.schema.json the form.

use super::base64::encoded;
use super::counts::Counts;
use crate::copy::fallback::Fallback;
use crate::copy::probe::{Residency, Settling};
use crate::copy::strategy::{Strategy, Why};
use crate::copy::{Copied, Outcome, Placement, Special, Thing, Verified};
use crate::error::{Error, reason};
use crate::report::Event;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The number of the form; it changes when a reader of the old one would be misled.
const FORMAT: u32 = 1;

/// A line. A name that is not UTF-8 is told twice: with U+FFFD for each wrong byte, to be read, and exactly, in base64.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    Copied(Box<CopiedLine<'a>>),
    Made(NamesLine<'a>),
    Directory(NamesLine<'a>),
    Skipped(NamesLine<'a>),
    Declined(NamesLine<'a>),
    Renamed(NamesLine<'a>),
    Exchanged(NamesLine<'a>),
    Removed(NameLine),
    SourceRemoved(NameLine),
    Created(NameLine),
    Failed(FailureLine),
    Warned { message: &'a str },
    Noted(FailureLine),
    End(Box<EndLine<'a>>),
}

/// A name, to be read and, where that is not exact, exactly.
struct Named {
    name: String,
    base64: Option<String>,
}

impl Named {
    fn new(path: &Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        match std::str::from_utf8(bytes) {
            Ok(name) => Self { name: name.to_owned(), base64: None },
            Err(_) => Self { name: path.to_string_lossy().into_owned(), base64: Some(encoded(bytes)) },
        }
    }
}

#[derive(Serialize)]
pub(super) struct CopiedLine<'a> {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_base64: Option<String>,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_base64: Option<String>,
    bytes: u64,
    unallocated_bytes: u64,
    strategy: Shown<Strategy>,
    why: Shown<Why>,
    filesystem: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pages: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_for: Option<&'a str>,
    fallbacks: Vec<FallbackLine<'a>>,
    verified: &'a str,
    blake3: Option<Shown<blake3::Hash>>,
    placement: &'a str,
    holes_by_map: bool,
    holes_by_zeros: bool,
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_synced: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_base64: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    complaints: Vec<FailureLine>,
    seconds: f64,
}

#[derive(Serialize)]
struct FallbackLine<'a> {
    strategy: Shown<Strategy>,
    why: Shown<&'a Fallback>,
}

#[derive(Serialize)]
pub(super) struct NamesLine<'a> {
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_base64: Option<String>,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_base64: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    complaints: Vec<FailureLine>,
}

#[derive(Serialize)]
pub(super) struct NameLine {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_base64: Option<String>,
}

/// What failed: the message as it is said, and what it is made of.
#[derive(Default, Serialize)]
pub(super) struct FailureLine {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

#[derive(Serialize)]
pub(super) struct EndLine<'a> {
    format: u32,
    version: &'a str,
    succeeded: bool,
    interrupted: bool,
    files: u64,
    directories: u64,
    symbolic_links: u64,
    hard_links: u64,
    special_files: u64,
    attributes_only: u64,
    same_already: u64,
    bytes: u64,
    clones: u64,
    files_with_holes: u64,
    unallocated_bytes: u64,
    verified: u64,
    fallbacks: &'a BTreeMap<String, u64>,
    skipped: u64,
    declined: u64,
    warned: u64,
    failed: u64,
    seconds: f64,
}

/// Told in the words that it has for people.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// How a run has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was done.
    Succeeded,
    /// Something failed.
    Failed,
    /// A signal ended it.
    Interrupted,
}

impl<'a> Line<'a> {
    /// The line of an event; nothing for what has one already, in another event.
    pub(super) fn of(event: &Event<'a>) -> Option<Self> {
        Some(match *event {
            Event::DirectoryMade { source, target } | Event::ParentMade { source, target } => {
                Line::Directory(NamesLine::new(source, target))
            }
            Event::DirectoryCreated { directory } => Line::Created(NameLine::new(directory)),
            Event::Removed { target } => Line::Removed(NameLine::new(target)),
            Event::Renamed { source, target, backup } => {
                Line::Renamed(NamesLine::new(source, target).with_backup(backup))
            }
            Event::Exchanged { source, target } => Line::Exchanged(NamesLine::new(source, target)),
            Event::SourceRemoved { source, .. } => Line::SourceRemoved(NameLine::new(source)),
            Event::Finished { source, target, outcome, .. } => Self::finished(source, target, outcome),
            Event::Failed(Error::Noted(noted)) => Line::Noted(FailureLine::new(noted)),
            Event::Failed(error) => Line::Failed(FailureLine::new(error)),
            Event::Warned(message) => Line::Warned { message },
            Event::Noted(message) => Line::Noted(FailureLine { message: message.to_owned(), ..FailureLine::default() }),
            Event::Misused(message) => {
                Line::Failed(FailureLine { message: message.to_owned(), ..FailureLine::default() })
            }
            Event::DirectoryFinished { .. } | Event::Full(_) => return None,
        })
    }

    fn finished(source: &Path, target: &Path, outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Copied(copied) => Line::Copied(Box::new(CopiedLine::new(source, target, copied))),
            Outcome::Made(special) => Line::Made(NamesLine::of_special(source, target, special)),
            Outcome::Skipped => Line::Skipped(NamesLine::new(source, target)),
            Outcome::Declined => Line::Declined(NamesLine::new(source, target)),
        }
    }

    /// The last line.
    pub(super) fn end(counts: &'a Counts, end: End, took: Duration) -> Self {
        Line::End(Box::new(EndLine {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            succeeded: end == End::Succeeded,
            interrupted: end == End::Interrupted,
            files: counts.files,
            directories: counts.directories,
            symbolic_links: counts.symlinks,
            hard_links: counts.hard_links,
            special_files: counts.nodes,
            attributes_only: counts.attributes,
            same_already: counts.same,
            bytes: counts.bytes,
            clones: counts.clones,
            files_with_holes: counts.sparse,
            unallocated_bytes: counts.unallocated,
            verified: counts.verified,
            fallbacks: &counts.fallbacks,
            skipped: counts.skipped,
            declined: counts.declined,
            warned: counts.warned,
            failed: counts.failed,
            seconds: took.as_secs_f64(),
        }))
    }
}

impl<'a> CopiedLine<'a> {
    fn new(source: &Path, target: &Path, copied: &'a Copied) -> Self {
        let (source, target) = (Named::new(source), Named::new(target));
        let backup = copied.backup.as_deref().map(Named::new);
        let (backup, backup_base64) = backup.map_or((None, None), |named| (Some(named.name), named.base64));
        let fallbacks = copied.fallbacks.iter();
        Self {
            source: source.name,
            source_base64: source.base64,
            target: target.name,
            target_base64: target.base64,
            bytes: copied.size,
            unallocated_bytes: copied.probed.unallocated,
            strategy: Shown(copied.strategy),
            why: Shown(copied.why),
            filesystem: copied.probed.filesystem,
            pages: copied.probed.residency.map(pages),
            settled_for: copied.probed.settling.map(settled_for),
            fallbacks: fallbacks
                .map(|(strategy, why)| FallbackLine { strategy: Shown(*strategy), why: Shown(why) })
                .collect(),
            verified: verified(copied.verified),
            blake3: copied.digest().map(Shown),
            placement: placement(copied.placement),
            holes_by_map: copied.sparse.by_map,
            holes_by_zeros: copied.sparse.by_zeros,
            changed: copied.changed,
            not_synced: copied.unsynced.map(reason),
            backup,
            backup_base64,
            complaints: copied.complaints.iter().map(FailureLine::new).collect(),
            seconds: copied.took.unwrap_or_default().as_secs_f64(),
        }
    }
}

impl NamesLine<'_> {
    fn new(source: &Path, target: &Path) -> Self {
        let (source, target) = (Named::new(source), Named::new(target));
        Self {
            source: source.name,
            source_base64: source.base64,
            target: target.name,
            target_base64: target.base64,
            thing: None,
            backup: None,
            backup_base64: None,
            complaints: Vec::new(),
        }
    }

    fn with_backup(self, backup: Option<&Path>) -> Self {
        match backup.map(Named::new) {
            Some(named) => Self { backup: Some(named.name), backup_base64: named.base64, ..self },
            None => self,
        }
    }

    fn of_special(source: &Path, target: &Path, special: &Special) -> Self {
        let complaints = special.complaints.iter().map(FailureLine::new).collect();
        let line = Self { thing: Some(thing(special.thing)), complaints, ..Self::new(source, target) };
        line.with_backup(special.backup.as_deref())
    }
}

impl NameLine {
    fn new(target: &Path) -> Self {
        let target = Named::new(target);
        Self { target: target.name, target_base64: target.base64 }
    }
}

impl FailureLine {
    fn new(error: &Error) -> Self {
        let (path, errno, offset) = match error {
            Error::Call { path, errno, .. } => (Some(path), Some(*errno), None),
            Error::Pair { target, errno, .. } => (Some(target), Some(*errno), None),
            Error::Mismatch { target, difference, .. } => (Some(target), None, Some(difference.offset)),
            Error::Beside(failed) => return Self { message: error.to_string(), ..Self::new(failed) },
            Error::Noted(noted) => return Self::new(noted),
            Error::Refused(_) | Error::Interrupted => (None, None, None),
        };
        let path = path.map(|path| Named::new(path));
        let (path, path_base64) = path.map_or((None, None), |named| (Some(named.name), named.base64));
        Self {
            message: error.to_string(),
            path,
            path_base64,
            errno: errno.map(|errno| errno.raw_os_error()),
            reason: errno.map(reason),
            offset,
        }
    }
}

fn thing(thing: Thing) -> &'static str {
    match thing {
        Thing::Symlink => "symbolic link",
        Thing::HardLink => "hard link",
        Thing::Node => "special file",
        Thing::Attributes => "attributes",
        Thing::Same => "same already",
    }
}

fn pages(residency: Residency) -> &'static str {
    match residency {
        Residency::Nothing => "none",
        Residency::Clean => "clean",
        Residency::Dirty => "dirty",
        Residency::Resident => "resident",
        Residency::Unknown(_) => "unknown",
    }
}

fn settled_for(settling: Settling) -> &'static str {
    match settling {
        Settling::ForHoles => "holes",
        Settling::ForClone => "clone",
        Settling::ForMappedClone => "mapped clone",
    }
}

fn verified(verified: Verified) -> &'static str {
    match verified {
        Verified::Content => "content",
        Verified::Blocks => "blocks",
        Verified::Device => "device",
        Verified::Digests => "blake3",
        Verified::No => "no",
        Verified::Impossible => "impossible",
        Verified::MadeUp => "made up",
    }
}

fn placement(placement: Placement) -> &'static str {
    match placement {
        Placement::New => "new",
        Placement::Replace | Placement::Supplant => "replaced",
        Placement::Rewrite | Placement::InPlace => "in place",
        Placement::Through | Placement::BlockDevice | Placement::Value => "through",
    }
}
