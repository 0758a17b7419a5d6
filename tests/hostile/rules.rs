//! What must be true whatever was swapped, and how it is found out: by looking at everything, without the copier's help.

use super::common::tree::{self, Company, Kind, Seen, Tree};
use super::content::{Tag, is_secret, whose};
use super::intruder::Side;
use super::orders::What;
use super::stage::{GRANTOR, INTRUDER, Stage};
use super::stranger::Sightings;
use super::trial::Scene;
use crate::common::is_root;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Nothing from outside the source is in the target.
    Secret,
    /// Nothing outside the trees is written, made, removed or has its attributes changed.
    Outside,
    /// Nothing swapped in makes the copy wait.
    Hang,
    /// No panic, no signal, no exit status but 0 and 1.
    Crash,
    /// No set-ID bits on a file whose owner is not the source's.
    SetId,
    /// What only its owner may read of the source is never readable for others in the target.
    Exposed,
    /// After success a target holds what a name of the source held.
    Untrue,
    /// What is moved is in the source or in the target, or where somebody else has put it.
    Lost,
    /// No temporary is left.
    Leftover,
}

/// A rule that was broken.
#[derive(Debug)]
pub(crate) struct Breach {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

impl Breach {
    pub(crate) fn new(rule: Rule, what: String) -> Self {
        Self { rule, what }
    }
}

/// What was found in the end.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) breaches: Vec<Breach>,
    pub(crate) planted: u64,
    pub(crate) missing: u64,
}

/// What is there, while others may be at work.
pub(crate) fn look(top: &Path) -> Tree {
    let tree = tree::look(top, Company::Others);
    let strange = tree.iter().find(|(_, seen)| seen.kind == Kind::BlockDevice);
    assert!(strange.is_none(), "nobody makes block devices: {strange:?}");
    tree
}

/// Judges what a run left behind.
pub(crate) fn judge(scene: &Scene, stage: &Stage, outside: &Tree, has_succeeded: bool, seen: &Sightings) -> Found {
    let target = look(&stage.path("tree/target"));
    let mut found = Found::default();
    found.breaches.extend(outside_changes(outside, &look(&stage.path("outside"))));
    for snapshot in [&target, &look(&stage.path("park"))] {
        for (path, seen) in snapshot {
            found.breaches.extend(secret(scene, path, seen));
            found.breaches.extend(set_id(scene, path, seen));
            if path.file_name().is_some_and(|name| name.as_bytes().starts_with(b".safecp-")) {
                found.breaches.push(Breach::new(Rule::Leftover, path.display().to_string()));
            }
        }
    }
    // Into an old file that others may read cp writes what they may not; an intruder can have made it so.
    let is_exposing = scene.sides.contains(&Side::Target) && scene.order.may_keep_old_rights();
    let exposed = seen.exposed.iter().filter(|_| !is_exposing).map(|what| Breach::new(Rule::Exposed, what.clone()));
    let set_id = seen.set_id.iter().map(|what| Breach::new(Rule::SetId, what.clone()));
    found.breaches.extend(exposed.chain(set_id));
    if scene.order.moves() {
        found.breaches.extend(lost(stage, &target));
    }
    if scene.sides == [Side::Source] {
        content(scene, stage, &target, has_succeeded, &mut found);
    }
    found
}

fn outside_changes(before: &Tree, after: &Tree) -> Vec<Breach> {
    let paths = before.keys().chain(after.keys().filter(|path| !before.contains_key(*path)));
    let changed = |path: &&PathBuf| {
        let of = |snapshot: &Tree| {
            let mut seen = snapshot.get(*path).cloned();
            if let Some(seen) = &mut seen {
                // To be read and to be written out is no change.
                (seen.accessed, seen.allocated) = ((0, 0), 0);
                // The intruder's own further names of this file change these.
                if *path == Path::new("linked") {
                    (seen.names, seen.changed) = (1, (0, 0));
                }
            }
            seen
        };
        of(before) != of(after)
    };
    paths
        .filter(changed)
        .map(|path| Breach::new(Rule::Outside, described(path, before.get(path), after.get(path))))
        .collect()
}

fn described(path: &Path, before: Option<&Seen>, after: Option<&Seen>) -> String {
    let brief = |seen: Option<&Seen>| match seen {
        None => "nothing".to_owned(),
        Some(seen) => {
            let text = String::from_utf8_lossy(&seen.content[..seen.content.len().min(30)]).into_owned();
            format!("{:?} {:04o} {:?} modified {:?} {text:?}", seen.kind, seen.mode, seen.owner, seen.modified)
        }
    };
    format!("{}: was {}, is {}", path.display(), brief(before), brief(after))
}

fn secret(scene: &Scene, path: &Path, seen: &Seen) -> Option<Breach> {
    if scene.order.follows() || path.file_name().is_some_and(|name| name == "linked") {
        return None;
    }
    // The intruder's own further name of a file outside has nothing in it that was copied.
    let is_victim = seen.kind == Kind::File && whose("linked", &seen.content, &[Tag::Secret]).is_some();
    let attributes = seen.xattrs.values().any(|value| is_secret(value));
    let name = is_secret(path.as_os_str().as_bytes());
    let content = is_secret(&seen.content) && !is_victim;
    (content || attributes || name).then(|| Breach::new(Rule::Secret, path.display().to_string()))
}

/// Set-ID bits come with the owner they are meant for.
fn set_id(scene: &Scene, path: &Path, seen: &Seen) -> Option<Breach> {
    if seen.kind != Kind::File || seen.mode & 0o6000 == 0 || !is_root() {
        return None;
    }
    let leaf = path.file_name().and_then(|leaf| leaf.to_str()).unwrap_or_default();
    // The intruder's place has what it took, under other names.
    let is_parked = leaf.starts_with("source-") || leaf.starts_with("target-");
    let is_decoy = known(leaf, &seen.content, &[Tag::Decoy]).is_some() && !seen.content.is_empty();
    // Without -p an old file keeps its owner and its mode, and it may be the intruder's.
    let keeps_old = scene.sides.contains(&Side::Target) && scene.order.may_keep_old_rights();
    let is_right = match seen.owner {
        (GRANTOR, GRANTOR) => is_parked || first_name(leaf) == "s" || scene.order.grants(),
        (INTRUDER, INTRUDER) => is_parked || is_decoy || !scene.order.copies_bytes() || keeps_old,
        _ => false,
    };
    let what = || format!("{}: {:04o} of {:?} ({:?})", path.display(), seen.mode, seen.owner, scene.order.options);
    (!is_right).then(|| Breach::new(Rule::SetId, what()))
}

/// Texts of the source that are nowhere any more.
fn lost(stage: &Stage, target: &Tree) -> Option<Breach> {
    let (source, park) = (look(&stage.path("tree/source")), look(&stage.path("park")));
    let files = || [&source, &park, target].into_iter().flat_map(Tree::values).filter(|seen| seen.kind == Kind::File);
    let lacks = |leaf: &str| {
        let is_its = |seen: &&Seen| {
            let is_long = seen.content.len() >= RECOGNISED_SIZE;
            is_long && whose(leaf, &seen.content, &[Tag::Source, Tag::Private]).is_some()
        };
        stage.directories.len().saturating_sub(files().filter(is_its).count())
    };
    // An empty file is anybody's.
    let lacking: Vec<_> = ["f0", "f2", "f3", "p", "s", "h"].map(|leaf| (leaf, lacks(leaf))).into();
    lacking.iter().any(|(_, count)| *count > 0).then(|| Breach::new(Rule::Lost, format!("{lacking:?}")))
}

/// So many bytes tell whose a text is.
pub(crate) const RECOGNISED_SIZE: usize = 30;

/// What the target's files hold, where only the source was swapped.
fn content(scene: &Scene, stage: &Stage, target: &Tree, has_succeeded: bool, found: &mut Found) {
    for (path, seen) in target.iter().filter(|(_, seen)| seen.kind == Kind::File) {
        let leaf = path.file_name().and_then(|leaf| leaf.to_str()).unwrap_or_default();
        if scene.order.follows() && scene.order.what == What::Tree || !scene.order.copies_bytes() {
            continue;
        }
        let is_backup = leaf.contains('~');
        let mut tags = vec![Tag::Source, Tag::Private, Tag::Decoy];
        // What was hidden when the directory was listed is not copied: counted, and no lie.
        tags.push(Tag::Old);
        if scene.order.follows() {
            tags.push(Tag::Secret);
        }
        match known(leaf, &seen.content, &tags) {
            Some(Tag::Decoy) => found.planted += 1,
            Some(Tag::Old) if has_succeeded && !is_backup && !scene.order.may_leave_old() => {
                found.missing += u64::from(scene.order.what == What::Tree);
            }
            Some(Tag::Source | Tag::Private | Tag::Old | Tag::Secret) => {}
            None if has_succeeded => found.breaches.push(Breach::new(Rule::Untrue, described(path, None, Some(seen)))),
            // A failed copy in place, or of what was cut short, is no promise.
            None => {}
        }
    }
    if scene.order.what == What::Tree && has_succeeded {
        let names = stage.files.iter().chain(&stage.directories);
        found.missing += names.filter(|name| is_missing(name, target)).count() as u64;
    }
    if !scene.order.follows() {
        found.planted += stage.files.iter().filter(|name| is_planted(name, target)).count() as u64;
    }
}

/// Whose text this is, under its own name or, of what is planted at the tree itself, under none.
fn known(leaf: &str, bytes: &[u8], tags: &[Tag]) -> Option<Tag> {
    let names = if leaf.is_empty() { ["d", "d"] } else { [leaf, first_name(leaf)] };
    names.into_iter().find_map(|leaf| whose(leaf, bytes, tags))
}

/// The name by which a text is known: of backups without the suffix, of two names of one file the first.
fn first_name(leaf: &str) -> &str {
    let plain = leaf.split(['.', '~']).next().unwrap_or_default();
    if plain == "h2" { "h" } else { plain }
}

/// A name that the target lacks, though all directories above it are there.
fn is_missing(name: &Path, target: &Tree) -> bool {
    let above = name.ancestors().skip(1);
    !target.contains_key(name)
        && above.into_iter().all(|above| target.get(above).is_some_and(|seen| seen.kind == Kind::Directory))
}

/// A name that is of another kind than in the source.
fn is_planted(name: &Path, target: &Tree) -> bool {
    let leaf = name.file_name().and_then(|leaf| leaf.to_str()).unwrap_or_default();
    let kind = match leaf {
        "l" => Kind::Link,
        "q" => Kind::Fifo,
        _ => Kind::File,
    };
    target.get(name).is_some_and(|seen| seen.kind != kind)
}
