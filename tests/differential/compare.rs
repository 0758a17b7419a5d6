//! What differs between two runs of one case.
//!
//! Times are compared where one of them is older or later than the run: what was written during the run is `now` in both.
//! The time at which something was last read is compared only of what the run made or changed. Storage is compared with
//! slack. Inode numbers, sizes of directories and the order of lines are not compared.

use super::case::{Case, Kind};
use super::programs::Ended;
use super::tree::{self, Seen, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// One kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Status,
    Stdout,
    Stderr,
    /// A name that only one has.
    Presence,
    Kind,
    Mode,
    Owner,
    Content,
    Modified,
    Accessed,
    Xattr,
    /// Which names are one file.
    HardLinks,
    Holes,
    Device,
}

/// A difference: what GNU's cp did, and what safecp did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: What,
    pub(crate) path: PathBuf,
    pub(crate) reference: String,
    pub(crate) ours: String,
}

/// One program's run and what it left.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) tree: Tree,
    /// What was there before, by the recipe's paths.
    pub(crate) inodes: BTreeMap<PathBuf, u64>,
    /// Seconds between which the run took place.
    pub(crate) during: (i64, i64),
}

/// Bytes by which storage may differ: filesystems count metadata, and allocate some in advance.
const HOLES_SLACK_BYTES: u64 = 96 << 10;

/// Where the world lies below what is looked at.
pub(crate) const WORLD: &str = "deep/down/here";

/// All differences of two outcomes.
pub(crate) fn differences(case: &Case, reference: &Outcome, ours: &Outcome) -> Vec<Difference> {
    let mut found = Vec::new();
    let status = |outcome: &Outcome| outcome.ended.status.map_or("none in time".to_owned(), |code| code.to_string());
    push(&mut found, What::Status, Path::new(""), status(reference), status(ours));
    lines(&mut found, What::Stdout, &reference.ended.stdout, &ours.ended.stdout);
    lines(&mut found, What::Stderr, &reference.ended.stderr, &ours.ended.stderr);
    let paths: BTreeSet<&PathBuf> = reference.tree.keys().chain(ours.tree.keys()).collect();
    for path in paths {
        match (reference.tree.get(path), ours.tree.get(path)) {
            (Some(one), Some(other)) => entries(&mut found, case, path, (reference, one), (ours, other)),
            (one, other) => {
                let kind = |seen: Option<&Seen>| seen.map_or("nothing", |seen| name_of(seen.kind)).to_owned();
                push(&mut found, What::Presence, path, kind(one), kind(other));
            }
        }
    }
    found
}

/// How a kind is told, and known again in `known.rs`.
fn name_of(kind: tree::Kind) -> &'static str {
    match kind {
        tree::Kind::Directory => "directory",
        tree::Kind::File => "file",
        tree::Kind::Link => "symlink",
        tree::Kind::Fifo => "fifo",
        tree::Kind::Socket => "socket",
        tree::Kind::CharacterDevice => "character device",
        tree::Kind::BlockDevice => "block device",
    }
}

fn push(found: &mut Vec<Difference>, what: What, path: &Path, reference: String, ours: String) {
    if reference != ours {
        let path = path.strip_prefix(WORLD).unwrap_or(path).to_owned();
        found.push(Difference { what, path, reference, ours });
    }
}

/// Each line that one said more often than the other; both lists are sorted.
fn lines(found: &mut Vec<Difference>, what: What, reference: &[String], ours: &[String]) {
    let missing = |from: &[String], in_other: &[String]| {
        let mut rest = in_other.to_vec();
        let mut missing = Vec::new();
        for line in from {
            match rest.iter().position(|other| other == line) {
                Some(place) => drop(rest.remove(place)),
                None => missing.push(line.clone()),
            }
        }
        missing
    };
    for line in missing(reference, ours) {
        push(found, what, Path::new(""), line, String::new());
    }
    for line in missing(ours, reference) {
        push(found, what, Path::new(""), String::new(), line);
    }
}

fn entries(
    found: &mut Vec<Difference>,
    case: &Case,
    path: &Path,
    (reference, one): (&Outcome, &Seen),
    (our_outcome, other): (&Outcome, &Seen),
) {
    if one.kind != other.kind {
        return push(found, What::Kind, path, name_of(one.kind).to_owned(), name_of(other.kind).to_owned());
    }
    let mut compare = |what, text: &dyn Fn(&Seen) -> String| push(found, what, path, text(one), text(other));
    compare(What::Mode, &|seen| format!("{:04o}", seen.mode));
    compare(What::Owner, &|seen| format!("{}:{}", seen.owner.0, seen.owner.1));
    compare(What::Device, &|seen| format!("{:x}", seen.device));
    compare(What::HardLinks, &|seen| short_path(&seen.first_name));
    for name in one.xattrs.keys().chain(other.xattrs.keys()).collect::<BTreeSet<_>>() {
        compare(What::Xattr, &|seen| {
            format!("{name}={}", seen.xattrs.get(name).map_or("none".to_owned(), |value| hex(value)))
        });
    }
    if one.content != other.content {
        push(found, What::Content, path, described(&one.content), described(&other.content));
    }
    if one.allocated.abs_diff(other.allocated) > HOLES_SLACK_BYTES {
        push(found, What::Holes, path, one.allocated.to_string(), other.allocated.to_string());
    }
    push(found, What::Modified, path, reference.shown(one.modified), our_outcome.shown(other.modified));
    if !is_untouched(case, path, one) || !is_untouched(case, path, other) {
        push(found, What::Accessed, path, reference.shown(one.accessed), our_outcome.shown(other.accessed));
    }
}

impl Outcome {
    /// A time that was given, or `now`.
    fn shown(&self, (seconds, nanos): (i64, i64)) -> String {
        if self.is_now((seconds, nanos)) { "now".to_owned() } else { format!("{seconds}.{nanos:09}") }
    }

    /// Whether a time is one of the run.
    pub(crate) fn is_now(&self, (seconds, _): (i64, i64)) -> bool {
        (self.during.0..=self.during.1).contains(&seconds)
    }
}

/// Whether this is as the recipe made it, apart from having been read. Further names are their file's affair.
fn is_untouched(case: &Case, path: &Path, seen: &Seen) -> bool {
    let Ok(path) = path.strip_prefix(WORLD) else { return true };
    if path.as_os_str().is_empty() {
        return true;
    }
    let Some(mut entry) = case.entry(path) else { return false };
    if let Kind::Link(file) = &entry.kind {
        let Some(file) = case.entry(file) else { return false };
        entry = file;
    }
    entry.modified == (seen.modified.0, u32::try_from(seen.modified.1).unwrap_or(0))
        || seen.kind == tree::Kind::Directory
}

fn hex(value: &[u8]) -> String {
    value.iter().fold(String::from("0x"), |text, byte| text + &format!("{byte:02x}"))
}

fn short_path(path: &Path) -> String {
    path.strip_prefix(WORLD).unwrap_or(path).display().to_string()
}

fn described(content: &[u8]) -> String {
    let sum = content
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    match std::str::from_utf8(content) {
        Ok(text) if text.len() < 80 && !text.contains('\0') => format!("{text:?}"),
        _ => format!("{} bytes ({sum:016x})", content.len()),
    }
}

impl Difference {
    /// What it is without names and numbers: differences of one cause are mostly alike.
    pub(crate) fn likeness(&self) -> String {
        let detail = match self.what {
            What::Mode => {
                let bits = |text: &str| u32::from_str_radix(text, 8).unwrap_or(0);
                let differing = bits(&self.reference) ^ bits(&self.ours);
                format!("special {:o}, others {}", differing >> 9, differing & 0o777 != 0)
            }
            What::Xattr => {
                let name = self.reference.split('=').next().unwrap_or_default();
                let is_there = |text: &str| if text.ends_with("=none") { "none" } else { "some" };
                format!("{name}: {} / {}", is_there(&self.reference), is_there(&self.ours))
            }
            What::Status => format!("{} / {}", self.reference, self.ours),
            _ => format!("{} / {}", without_names(&self.reference), without_names(&self.ours)),
        };
        format!("{:?}: {detail}", self.what)
    }
}

/// The words of a text that are outside of quotes and not made of digits.
fn without_names(text: &str) -> String {
    let unquoted: Vec<&str> = text.split(['\'', '"', '‘', '’']).step_by(2).collect();
    let joined = unquoted.join(" ");
    let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-:>?".contains(&byte));
    let words: Vec<&str> = joined.split_whitespace().filter(is_word).collect();
    match (text.is_empty(), words.is_empty()) {
        (true, _) => "nothing".to_owned(),
        (false, true) => "#".to_owned(),
        (false, false) => words.join(" "),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing_else = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        let (reference, ours) = (nothing_else(&self.reference), nothing_else(&self.ours));
        match self.path.as_os_str().is_empty() {
            true => write!(f, "{:?}: GNU: {reference}; safecp: {ours}", self.what),
            false => write!(f, "{:?} of {:?}: GNU: {reference}; safecp: {ours}", self.what, self.path),
        }
    }
}
