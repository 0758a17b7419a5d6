//! What a case's end is worth: the rules, and what each mode of verification can prove.
//!
//! The source as the program could know it is what its reads were answered: every byte of the target has to be one that
//! a read of the source gave at that place, and the target has to end where the source was said to end. As long as reads
//! were answered truly, that leaves the true content alone.

use super::case::{Case, Ground};
use super::lies::{ABOUT_CONTENT, ABOUT_SIZE, COUNT, HINTS, Lie, SILENT_LOSSES, all};
use super::store::{Answers, Caching, File, ROOT, Store};
use super::trial::Ended;
use std::ffi::OsStr;

/// Both sides after a run.
pub(crate) struct Seen {
    source: Option<Told>,
    /// The target as it is in truth, if it is there, and what was told of it.
    target: Option<Vec<u8>>,
    target_told: Option<Told>,
    /// Names beside the target that should not be there.
    leftovers: Vec<String>,
    /// How often each lie was told, of any file.
    pub(crate) struck: [u64; COUNT],
}

/// What a lying file told.
struct Told {
    caching: Caching,
    struck: [u64; COUNT],
    answers: Answers,
}

impl Told {
    fn take(file: &mut File) -> Self {
        Self { caching: file.caching, struck: file.liar.struck, answers: std::mem::take(&mut file.answers) }
    }

    fn any(&self, lies: &[Lie]) -> bool {
        lies.iter().any(|lie| self.struck[*lie as usize] > 0)
    }

    /// Whether reads of it, as the kernel hands them on, gave anything but what it holds.
    fn reads_lied(&self) -> bool {
        self.any(ABOUT_CONTENT) || self.caching != Caching::Direct && self.any(ABOUT_SIZE)
    }
}

impl Told {
    /// Whether a read at this offset could have been told that the file ends there.
    fn may_end_at(&self, offset: u64) -> bool {
        match self.caching {
            Caching::Direct => self.answers.ends.contains(&offset),
            // The kernel answers by itself from the size it was told last.
            Caching::Through | Caching::Back => self.answers.ends.range(..=offset).next().is_some(),
        }
    }
}

/// What is to be thought of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Exit 0, and the target holds what it should.
    Right,
    /// Exit 0; the target's filesystem lost what was written, and the page cache hid it from whoever read it back.
    HiddenByCache,
    /// Exit 0; reads of the target gave what was written, though its filesystem holds something else.
    HiddenByReads,
    /// Exit 0 and another content, where nothing was to be verified.
    Unverified,
    /// Another exit, with its reason said.
    Refused,
    /// A rule is broken.
    Broken(Vec<String>),
}

/// The class, and what the lies were.
pub(crate) struct Verdict {
    pub(crate) class: Class,
    pub(crate) struck: [u64; COUNT],
}

impl Seen {
    /// Looks at both sides; `plain_target` is the target's content where its filesystem does not lie.
    pub(crate) fn gather(
        store: &mut Store,
        case: &Case,
        name: &str,
        plain_target: Option<Vec<u8>>,
        mut leftovers: Vec<String>,
    ) -> Self {
        let mut struck = [0; COUNT];
        for side in ["source", "target"] {
            for number in made(store, &format!("{name}-{side}")) {
                let liar = store.file(number).map_or([0; COUNT], |file| file.liar.struck);
                struck.iter_mut().zip(liar).for_each(|(sum, count)| *sum += count);
            }
        }
        let source = named(store, &format!("{name}-source"), "source").and_then(|number| store.file(number));
        let source = source.map(Told::take);
        let target_directory = format!("{name}-target");
        let file = named(store, &target_directory, "target").and_then(|number| store.file(number));
        let (target, target_told) = match file {
            Some(file) => (Some(file.bytes.clone()), Some(Told::take(file))),
            None => (plain_target, None),
        };
        if case.target.manner().is_some() {
            let directory = store.find(ROOT, OsStr::new(&target_directory));
            let names = directory.and_then(|number| store.directory(number)).map(|directory| &directory.names);
            let others = names.into_iter().flatten().map(|(name, _)| name.to_string_lossy().into_owned());
            leftovers = others.filter(|name| name != "target").collect();
        }
        Self { source, target, target_told, leftovers, struck }
    }
}

fn made(store: &mut Store, directory: &str) -> Vec<u64> {
    let number = store.find(ROOT, OsStr::new(directory));
    number.and_then(|number| store.directory(number)).map(|directory| directory.made.clone()).unwrap_or_default()
}

fn named(store: &mut Store, directory: &str, name: &str) -> Option<u64> {
    let number = store.find(ROOT, OsStr::new(directory))?;
    store.find(number, OsStr::new(name))
}

/// The rules.
pub(crate) fn judge(case: &Case, ended: &Ended, seen: &Seen, is_gnu: bool) -> Verdict {
    let mut broken = Vec::new();
    if ended.hung {
        broken.push("it did not end".to_owned());
    } else if ended.signal.is_some() || ended.stderr.contains("panicked") || !matches!(ended.status, Some(0 | 1)) {
        broken.push(format!("it crashed: status {:?}, signal {:?}", ended.status, ended.signal));
    }
    // Where an old file could not be filled, the verified copy stays, and is told.
    let is_told = |name: &&String| ended.status == Some(1) && ended.stderr.contains(&format!("/{name}'"));
    let left: Vec<&String> = seen.leftovers.iter().filter(|name| !is_told(name)).collect();
    if !left.is_empty() {
        broken.push(format!("it left {left:?}"));
    }
    let class = if ended.status == Some(0) {
        after_success(case, seen, &mut broken)
    } else {
        after_failure(case, ended, seen, is_gnu, &mut broken)
    };
    let class = if broken.is_empty() { class } else { Class::Broken(broken) };
    Verdict { class, struck: seen.struck }
}

fn after_success(case: &Case, seen: &Seen, broken: &mut Vec<String>) -> Class {
    if let Some(call) = swallowed(seen) {
        broken.push(format!("exit 0, and {call} had failed"));
    }
    if case.has("--verify=device") && seen.target_told.is_some() && seen.target.is_some() {
        broken.push("exit 0, as if FUSE had a device to read from".to_owned());
    }
    if case.has("--durable") && seen.target_told.is_some() && seen.target.is_some() {
        broken.push("exit 0, as if FUSE told whether it keeps anything".to_owned());
    }
    let Some(target) = &seen.target else {
        broken.push("exit 0 without a target".to_owned());
        return Class::Right;
    };
    let Err(difference) = as_told(case, seen, target) else { return Class::Right };
    if case.has("--verify=none") {
        return Class::Unverified;
    }
    match &seen.target_told {
        Some(told) if is_hidden_by_reads(told) => return Class::HiddenByReads,
        Some(told) if is_hidden_by_cache(told) => return Class::HiddenByCache,
        _ => broken.push(format!("exit 0 and another content: {difference}")),
    }
    Class::Right
}

fn after_failure(case: &Case, ended: &Ended, seen: &Seen, is_gnu: bool, broken: &mut Vec<String>) -> Class {
    if !ended.stderr.contains("source'") && !ended.stderr.contains("target'") {
        broken.push(format!("its message names no file: {:?}", ended.stderr));
    }
    // Neither tmpfs nor, as far as the kernel tells, FUSE keeps anything.
    let is_lost = case.has("--durable") && ended.stderr.contains(" durable: ");
    let is_asked_for = case.has("--reflink=always") || case.has("--verify=device") || is_lost;
    if is_harmless(case, seen) && !is_asked_for {
        broken.push(format!("it failed over nothing: {:?}", ended.stderr));
    }
    if case.has("--in-place") || is_gnu {
        return Class::Refused;
    }
    let is_old = seen.target == case.old;
    let is_whole = seen.target.as_ref().is_some_and(|target| as_told(case, seen, target).is_ok());
    let is_hidden = seen.target_told.as_ref().is_some_and(|told| {
        // FUSE's last close comes when the name is taken: without verification nobody had looked at the content by then.
        let is_unverified = case.has("--verify=none") && told.any(SILENT_LOSSES);
        is_unverified || is_hidden_by_reads(told) || is_hidden_by_cache(told)
    });
    if !is_old && !is_whole && !is_hidden {
        broken.push("it failed, and the target is neither old nor new".to_owned());
    }
    Class::Refused
}

/// Whether nothing was told that a copy has to fail for: lies about holes are not believed, and short counts are no lies,
/// where no page cache takes them for the end.
fn is_harmless(case: &Case, seen: &Seen) -> bool {
    let is_direct = |ground: &Ground| ground.manner().is_none_or(|manner| manner.caching == Caching::Direct);
    let counts: &[Lie] =
        if is_direct(&case.source) && is_direct(&case.target) { &[Lie::ShortRead, Lie::ShortWrite] } else { &[] };
    let told = all().into_iter().filter(|lie| seen.struck[*lie as usize] > 0);
    told.into_iter().all(|lie| HINTS.contains(&lie) || counts.contains(&lie))
}

/// Whether who read this file back was given something else than it holds.
fn is_hidden_by_reads(told: &Told) -> bool {
    told.any(&[Lie::OtherBytes, Lie::ChangingBytes, Lie::StaleBytes])
        || told.any(&[Lie::DroppedTruncate]) && told.any(ABOUT_SIZE)
}

/// Whether writes of this file were lost where only a read from the filesystem itself could find it.
fn is_hidden_by_cache(told: &Told) -> bool {
    match told.caching {
        Caching::Direct => false,
        Caching::Through => told.any(SILENT_LOSSES),
        // The kernel does not look at how much of a late write was taken.
        Caching::Back => told.any(SILENT_LOSSES) || told.any(&[Lie::ShortWrite, Lie::NoWrite]),
    }
}

/// A call that failed for good, of the file that became the target or of the source, if there was one.
fn swallowed(seen: &Seen) -> Option<&'static str> {
    let target = seen.target_told.as_ref();
    let failed = |told: Option<&Told>, lies| told.is_some_and(|told| told.any(lies));
    if target.is_some_and(|told| told.answers.write_failed) {
        return Some("a write");
    }
    if failed(target, &[Lie::TruncateError]) {
        return Some("a truncation");
    }
    if failed(target, &[Lie::SyncError]) {
        return Some("fsync");
    }
    if target.is_some_and(|told| told.answers.close_failed) {
        return Some("close");
    }
    let is_direct = |told: &&Told| told.caching == Caching::Direct;
    if failed(seen.source.as_ref().filter(is_direct), &[Lie::ReadError]) {
        return Some("a read of the source");
    }
    failed(target.filter(is_direct), &[Lie::ReadError]).then_some("a read of the target")
}

/// Whether these bytes are what reads of the source gave; else where they are not.
fn as_told(case: &Case, seen: &Seen, target: &[u8]) -> Result<(), String> {
    if target == case.bytes {
        return Ok(());
    }
    let no_answers = Answers::default();
    let lied = seen.source.as_ref().filter(|told| told.reads_lied());
    let answers = lied.map_or(&no_answers, |told| &told.answers);
    if target.len() != case.bytes.len() && !lied.is_some_and(|told| told.may_end_at(target.len() as u64)) {
        return Err(format!("{} bytes instead of {}", target.len(), case.bytes.len()));
    }
    let mut good: Vec<bool> = target.iter().enumerate().map(|(at, byte)| case.bytes.get(at) == Some(byte)).collect();
    for (offset, bytes) in &answers.reads {
        let start = usize::try_from(*offset).unwrap_or(usize::MAX).min(target.len());
        let given = good[start..].iter_mut().zip(&target[start..]).zip(bytes);
        given.for_each(|((good, byte), given)| *good |= byte == given);
    }
    match good.iter().position(|good| !good) {
        None => Ok(()),
        Some(at) => Err(format!("byte {at} of {} is {:#04x}", target.len(), target[at])),
    }
}
