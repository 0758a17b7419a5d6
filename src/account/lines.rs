//! The line of JSON that tells an event. docs/report.md has the words, docs/report.schema.json the form.

use super::counts::{Counts, FIELDS, Field, told_of_proof, told_of_thing};
use super::object::{Object, key};
use crate::copy::fallback::Fallback;
use crate::copy::probe::{Residency, Settling};
use crate::copy::strategy::Strategy;
use crate::copy::{Copied, Outcome, Placement, Special};
use crate::error::{Error, reason};
use crate::report::{Event, Found};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The number of the form; it changes when a reader of the old one would be misled.
const FORMAT: u32 = 1;

/// A line. A name that is not UTF-8 is told twice: with U+FFFD for each wrong byte, to be read, and exactly, in base64.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum Line<'a> {
    #[serde(skip)]
    Copied(CopiedLine<'a>),
    Made(NamesLine<'a>),
    Directory(NamesLine<'a>),
    Skipped(NamesLine<'a>),
    Declined(NamesLine<'a>),
    Renamed(NamesLine<'a>),
    Exchanged(NamesLine<'a>),
    Removed(NameLine<'a>),
    SourceRemoved(NameLine<'a>),
    Created(NameLine<'a>),
    Failed(FailureLine<'a>),
    Warned {
        message: &'a str,
    },
    Noted(FailureLine<'a>),
    Found(Box<FoundLine<'a>>),
    Mended(MendedLine<'a>),
    Target(Box<TargetLine<'a>>),
    End(Box<EndLine<'a>>),
}

/// Which of several targets a line is about.
#[derive(Serialize)]
struct DirectoryKey<'a> {
    target_directory: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_directory_base64: Option<String>,
}

impl<'a> DirectoryKey<'a> {
    fn new(directory: &'a Path) -> Self {
        let named = NameFields::new(directory);
        Self { target_directory: named.name, target_directory_base64: named.base64 }
    }
}

/// A name, to be read and, where that is not exact, exactly.
struct NameFields<'a> {
    name: Cow<'a, str>,
    base64: Option<String>,
}

impl<'a> NameFields<'a> {
    fn new(path: &'a Path) -> Self {
        let name = path.to_string_lossy();
        let is_exact = matches!(name, Cow::Borrowed(_));
        let base64 = (!is_exact).then(|| BASE64_STANDARD.encode(path.as_os_str().as_bytes()));
        Self { name, base64 }
    }
}

/// A file that was copied: the line that there is for each of many.
pub(super) struct CopiedLine<'a> {
    source: &'a Path,
    target: &'a Path,
    copied: &'a Copied,
}

#[derive(Serialize)]
struct FallbackLine<'a> {
    strategy: AsText<Strategy>,
    why: AsText<&'a Fallback>,
}

#[derive(Serialize)]
pub(super) struct NamesLine<'a> {
    source: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_base64: Option<String>,
    target: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blake3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_base64: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    complaints: Vec<FailureLine<'a>>,
}

#[derive(Serialize)]
pub(super) struct NameLine<'a> {
    target: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_base64: Option<String>,
}

/// What was found out about a name.
#[derive(Serialize)]
pub(super) struct FoundLine<'a> {
    finding: &'a str,
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to_base64: Option<String>,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    zeros: Option<&'a Range<u64>>,
}

/// A name that is right again.
#[derive(Serialize)]
pub(super) struct MendedLine<'a> {
    path: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    how: &'a str,
}

/// What failed: the message as it is said, and what it is made of.
#[derive(Default, Serialize)]
pub(super) struct FailureLine<'a> {
    message: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errno: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

/// What a target has when its run is over.
#[derive(Serialize)]
pub(super) struct TargetLine<'a> {
    complete: bool,
    #[serde(flatten)]
    numbers: CountFields<'a>,
}

#[derive(Serialize)]
pub(super) struct EndLine<'a> {
    format: u32,
    version: &'a str,
    succeeded: bool,
    interrupted: bool,
    #[serde(flatten)]
    numbers: CountFields<'a>,
}

/// What was done, and how long it took.
struct CountFields<'a> {
    counts: &'a Counts,
    took: Duration,
}

impl Serialize for CountFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        for (word, field) in FIELDS {
            match field {
                Field::Number { of, .. } => fields.serialize_entry(word, &of(self.counts))?,
                Field::Words { of, .. } => fields.serialize_entry(word, of(self.counts))?,
            }
        }
        fields.serialize_entry("seconds", &self.took.as_secs_f64())?;
        fields.end()
    }
}

/// Told in the words that it has for people.
struct AsText<T>(T);

impl<T: Display> Serialize for AsText<T> {
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
    /// Writes it, with the directory of one of several targets, if it is about one.
    pub(super) fn write(&self, to: &mut Vec<u8>, directory: Option<&Path>) -> Result<(), serde_json::Error> {
        match self {
            Line::Copied(line) => line.write(to)?,
            line => serde_json::to_writer(&mut *to, line)?,
        }
        if let Some(directory) = directory {
            // The object goes on with the keys of another.
            let end = to.len() - 1;
            to.truncate(end);
            serde_json::to_writer(&mut *to, &DirectoryKey::new(directory))?;
            to[end] = b',';
        }
        to.push(b'\n');
        Ok(())
    }

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
            Event::Noted(message) => Line::Noted(FailureLine { message: message.into(), ..FailureLine::default() }),
            Event::Misused(message) => Line::Failed(FailureLine { message: message.into(), ..FailureLine::default() }),
            Event::Found(found) => Line::Found(Box::new(FoundLine::new(found))),
            Event::Mended { path, how, .. } => {
                let NameFields { name, base64 } = NameFields::new(path);
                Line::Mended(MendedLine { path: name, path_base64: base64, how })
            }
            Event::DirectoryFinished { .. } | Event::Examined { .. } | Event::Full(_) => return None,
        })
    }

    fn finished(source: &'a Path, target: &'a Path, outcome: &'a Outcome) -> Self {
        match outcome {
            Outcome::Copied(copied) => Line::Copied(CopiedLine { source, target, copied }),
            Outcome::Made(special) => Line::Made(NamesLine::of_special(source, target, special)),
            Outcome::Skipped => Line::Skipped(NamesLine::new(source, target)),
            Outcome::Declined => Line::Declined(NamesLine::new(source, target)),
        }
    }

    /// The line of a target whose run is over.
    pub(super) fn target(counts: &'a Counts, complete: bool, took: Duration) -> Self {
        Line::Target(Box::new(TargetLine { complete, numbers: CountFields { counts, took } }))
    }

    /// The last line.
    pub(super) fn end(counts: &'a Counts, end: End, took: Duration) -> Self {
        Line::End(Box::new(EndLine {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            succeeded: end == End::Succeeded,
            interrupted: end == End::Interrupted,
            numbers: CountFields { counts, took },
        }))
    }
}

impl CopiedLine<'_> {
    fn write(&self, to: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let copied = self.copied;
        let mut object = Object::begin(to, "copied");
        object.name(key!("source"), key!("source_base64"), self.source);
        object.name(key!("target"), key!("target_base64"), self.target);
        object.value(key!("bytes"), &copied.size);
        object.value(key!("unallocated_bytes"), &copied.probed.unallocated);
        object.word(key!("strategy"), copied.strategy.word());
        match copied.why.words() {
            Cow::Borrowed(words) => object.word(key!("why"), words),
            Cow::Owned(words) => object.text(key!("why"), &words),
        }
        object.word(key!("filesystem"), copied.probed.filesystem);
        copied.probed.residency.iter().for_each(|residency| object.word(key!("pages"), pages(*residency)));
        copied.probed.settling.iter().for_each(|settling| object.word(key!("settled_for"), settled_for(*settling)));
        if copied.fallbacks.is_empty() {
            object.bare(key!("fallbacks"), "[]");
        } else {
            let fallback = |(strategy, why)| FallbackLine { strategy: AsText(strategy), why: AsText(why) };
            let fallbacks = copied.fallbacks.iter().map(|(strategy, why)| fallback((*strategy, why)));
            object.value(key!("fallbacks"), &fallbacks.collect::<Vec<_>>());
        }
        object.word(key!("verified"), told_of_proof(copied.verified).0);
        match copied.digest() {
            Some(digest) => object.text(key!("blake3"), &digest.to_hex()),
            None => object.bare(key!("blake3"), "null"),
        }
        object.word(key!("placement"), placement(copied.placement));
        object.flag(key!("holes_by_map"), copied.sparse.by_map);
        object.flag(key!("holes_by_zeros"), copied.sparse.by_zeros);
        object.flag(key!("changed"), copied.changed);
        if copied.continued {
            object.flag(key!("continued"), true);
        }
        copied.unsynced.iter().for_each(|errno| object.text(key!("not_synced"), &reason(*errno)));
        copied.backup.iter().for_each(|backup| object.name(key!("backup"), key!("backup_base64"), backup));
        if !copied.complaints.is_empty() {
            object.value(key!("complaints"), &copied.complaints.iter().map(FailureLine::new).collect::<Vec<_>>());
        }
        object.seconds(key!("seconds"), copied.took.unwrap_or_default());
        object.end()
    }
}

impl<'a> NamesLine<'a> {
    fn new(source: &'a Path, target: &'a Path) -> Self {
        let (source, target) = (NameFields::new(source), NameFields::new(target));
        Self {
            source: source.name,
            source_base64: source.base64,
            target: target.name,
            target_base64: target.base64,
            thing: None,
            blake3: None,
            backup: None,
            backup_base64: None,
            complaints: Vec::new(),
        }
    }

    fn with_backup(self, backup: Option<&'a Path>) -> Self {
        match backup.map(NameFields::new) {
            Some(named) => Self { backup: Some(named.name), backup_base64: named.base64, ..self },
            None => self,
        }
    }

    fn of_special(source: &'a Path, target: &'a Path, special: &'a Special) -> Self {
        let complaints = special.complaints.iter().map(FailureLine::new).collect();
        let thing = Some(told_of_thing(special.thing).0);
        let blake3 = special.content.as_ref().map(|content| content.digests.whole.to_string());
        let line = Self { thing, blake3, complaints, ..Self::new(source, target) };
        line.with_backup(special.backup.as_deref())
    }
}

impl<'a> NameLine<'a> {
    fn new(target: &'a Path) -> Self {
        let target = NameFields::new(target);
        Self { target: target.name, target_base64: target.base64 }
    }
}

impl<'a> FoundLine<'a> {
    fn new(found: &'a Found<'a>) -> Self {
        let (path, to) = (NameFields::new(found.path), found.to.map(NameFields::new));
        let (to, to_base64) = to.map_or((None, None), |named| (Some(named.name), named.base64));
        Self {
            finding: found.what,
            path: path.name,
            path_base64: path.base64,
            to,
            to_base64,
            detail: found.detail,
            zeros: found.zeros,
        }
    }
}

impl<'a> FailureLine<'a> {
    fn new(error: &'a Error) -> Self {
        let (path, errno, offset) = match error {
            Error::Call { path, errno, .. } => (Some(path), Some(*errno), None),
            Error::Pair { target, errno, .. } => (Some(target), Some(*errno), None),
            Error::Mismatch { target, difference, .. } => (Some(target), None, Some(difference.offset)),
            Error::Beside(failed) | Error::Leaving(failed, _) => {
                return Self { message: error.to_string().into(), ..Self::new(failed) };
            }
            Error::Noted(noted) => return Self::new(noted),
            Error::Refused(_) | Error::Interrupted => (None, None, None),
        };
        let path = path.map(|path| NameFields::new(path));
        let (path, path_base64) = path.map_or((None, None), |named| (Some(named.name), named.base64));
        Self {
            message: error.to_string().into(),
            path,
            path_base64,
            errno: errno.map(|errno| errno.raw_os_error()),
            reason: errno.map(reason),
            offset,
        }
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

fn placement(placement: Placement) -> &'static str {
    match placement {
        Placement::New => "new",
        Placement::Own => "own name",
        Placement::Replace | Placement::Supplant => "replaced",
        Placement::Rewrite | Placement::InPlace => "in place",
        Placement::Through | Placement::BlockDevice | Placement::Value => "through",
    }
}
