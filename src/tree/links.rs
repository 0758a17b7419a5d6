//! Hard links within the copied set: which source inode already has a target.
//!
//! Files are copied in parallel, so a second name of an inode can come up while its first is still
//! being copied. It is not waited for, which could block a thread on itself: the name is left here,
//! and who copies the inode takes it along. An inode is known by its number, and its number is
//! given to another file as soon as it is free: what was read is kept with it, and a name that shows
//! something else is copied by itself. Memory grows with inodes that have several names and with
//! nothing else; with one operand, an inode whose names have all been seen is forgotten.

use crate::copy::KnownContent;
use crate::kernel::{Kind, Stat, Timestamp};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Device and inode number.
pub type Identity = (u64, u64);

/// The identity that a stat tells.
pub(super) fn identity(stat: &Stat) -> Identity {
    (stat.dev, stat.ino)
}

/// Timestamps are this coarse at worst, on ext4 with small inodes: what was changed within that time of being read may
/// have been changed again and not show it.
const COARSEST_SECONDS: i64 = 2;

/// A file as it was when it was looked at, in few bytes: there may be millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The number that it goes by.
    pub identity: Identity,
    /// What it is.
    pub kind: Kind,
    /// Last change of the inode, by which every other change shows.
    ctime: Timestamp,
    /// Hash of birth, size, time of the content and rights.
    rest: u64,
}

/// What two looks at one inode number say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Nothing has changed.
    Same,
    /// The inode was changed, and perhaps nothing but its number of names.
    Alike,
    /// It is another file, or holds something else by now.
    Other,
}

impl Version {
    /// What stat(2) says of a file, and when it came into being, where its filesystem keeps that.
    #[must_use]
    pub fn new(stat: &Stat, birth: Option<Timestamp>) -> Self {
        let time = |time: Timestamp| (time.seconds, time.nanos);
        let mut hasher = DefaultHasher::new();
        (birth.map(time), stat.rdev, stat.size, time(stat.mtime), stat.mode, stat.uid, stat.gid).hash(&mut hasher);
        Self { identity: (stat.dev, stat.ino), kind: stat.kind, ctime: stat.ctime, rest: hasher.finish() }
    }

    /// How a later look compares with this one.
    #[must_use]
    pub fn likeness(&self, later: &Version) -> Likeness {
        if *self == *later {
            return Likeness::Same;
        }
        if *self == (Version { ctime: self.ctime, ..*later }) { Likeness::Alike } else { Likeness::Other }
    }

    /// Whether a later look shows the same but for the number, which some filesystems make anew, and for what a further
    /// name changes.
    #[must_use]
    pub fn looks_like(&self, later: &Version) -> bool {
        (self.kind, self.rest) == (later.kind, later.rest)
    }

    /// Whether it had not been changed for so long when its copy was made that a later change must show.
    #[must_use]
    pub fn is_settled(&self, copy: &Version) -> bool {
        self.ctime.seconds.saturating_add(COARSEST_SECONDS) <= copy.ctime.seconds
    }
}

/// A target that was made, to which further names are linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkableCopy {
    /// Beneath the directory in which the targets of all operands lie.
    pub path: PathBuf,
    /// As it was once it had its name.
    pub version: Version,
    /// This run made it: it is no target that -u left alone.
    pub is_new: bool,
    /// This run copied it, from a source that had not been changed for a while: a look that shows no change is enough
    /// for a further name. Else the bytes decide.
    pub is_settled: bool,
    /// What it holds, where a list is made of the run: a further name is not read for it.
    pub content: Option<Box<KnownContent>>,
}

enum State<W> {
    Copying { waiting: Vec<W> },
    Made { made: Box<LinkableCopy>, seen: Version, names_left: u64 },
}

/// What a name of an inode is to do.
#[derive(Debug)]
pub enum LinkDecision<W> {
    /// It is the first: copy it, then call [`Links::made`] or [`Links::failed`].
    Copy(W),
    /// Another was copied: link to that, if it is still what it was. How the source compares with what it was then.
    Link(Box<LinkableCopy>, Likeness, W),
    /// Another is being copied; the name was left with it.
    Left,
}

/// The table; `W` is a name that waits.
pub struct Links<W>(Mutex<Table<W>>);

struct Table<W> {
    states: BTreeMap<Identity, State<W>>,
    keeps_all: bool,
}

impl<W> Default for Links<W> {
    fn default() -> Self {
        Self(Mutex::new(Table { states: BTreeMap::new(), keeps_all: false }))
    }
}

impl<W> Links<W> {
    fn table(&self) -> MutexGuard<'_, Table<W>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on no inode is forgotten: with several operands a name can come up more than once.
    pub fn keep_all(&self) {
        self.table().keeps_all = true;
    }

    /// Tells what to do with a name of `source`. `refused` is what an earlier answer would have had it linked to: the
    /// name is the first of another file then.
    pub fn decide(&self, source: &Version, refused: Option<&LinkableCopy>, name: W) -> LinkDecision<W> {
        let mut table = self.table();
        let Table { states, keeps_all } = &mut *table;
        match states.get_mut(&source.identity) {
            Some(State::Copying { waiting }) => {
                waiting.push(name);
                return LinkDecision::Left;
            }
            Some(State::Made { made, seen, names_left }) if refused != Some(&**made) => {
                let (likeness, made) = (seen.likeness(source), made.clone());
                if likeness != Likeness::Other {
                    *names_left = names_left.saturating_sub(1);
                    if *names_left == 0 && !*keeps_all {
                        states.remove(&source.identity);
                    }
                    return LinkDecision::Link(made, likeness, name);
                }
            }
            Some(State::Made { .. }) | None => {}
        }
        states.insert(source.identity, State::Copying { waiting: Vec::new() });
        LinkDecision::Copy(name)
    }

    /// The first name of `source` was copied. Returns the names that waited: they claim again, and are linked.
    pub fn made(&self, source: &Version, made: LinkableCopy, names: u64) -> Vec<W> {
        let mut table = self.table();
        let waiting = taken(&mut table.states, source);
        let names_left = names.saturating_sub(1);
        if names_left > 0 || table.keeps_all {
            table.states.insert(source.identity, State::Made { made: Box::new(made), seen: *source, names_left });
        }
        waiting
    }

    /// A name that was to be linked to `made` comes up once more. `likeness` is how its source compared with what that was.
    pub fn comes_again(&self, source: &Version, made: &LinkableCopy, likeness: Likeness) {
        let mut table = self.table();
        match table.states.get_mut(&source.identity) {
            Some(State::Made { names_left, .. }) => *names_left = names_left.saturating_add(1),
            None => {
                let is_settled = made.is_settled && likeness == Likeness::Same;
                let made = Box::new(LinkableCopy { is_settled, ..made.clone() });
                table.states.insert(source.identity, State::Made { made, seen: *source, names_left: 1 });
            }
            // Its number is another file's by now.
            Some(State::Copying { .. }) => {}
        }
    }

    /// The first was not copied. Returns the names that waited: one of them is the first now.
    pub fn failed(&self, source: &Version) -> Vec<W> {
        taken(&mut self.table().states, source)
    }
}

/// Takes an inode out, and the names that wait for it.
fn taken<W>(states: &mut BTreeMap<Identity, State<W>>, source: &Version) -> Vec<W> {
    match states.remove(&source.identity) {
        Some(State::Copying { waiting }) => waiting,
        Some(State::Made { .. }) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kind;
    use std::path::Path;

    /// Two names of inode 1, as they were at a time.
    fn stat(seconds: i64) -> Stat {
        let time = Timestamp { seconds, nanos: 0 };
        Stat {
            dev: 1,
            ino: 1,
            kind: Kind::File,
            mode: 0o644,
            nlink: 2,
            uid: 0,
            gid: 0,
            rdev: 0,
            size: 5,
            blocks: 8,
            atime: time,
            mtime: time,
            ctime: time,
        }
    }

    fn version(seconds: i64) -> Version {
        Version::new(&stat(seconds), None)
    }

    fn copy(path: &str) -> LinkableCopy {
        LinkableCopy { path: path.into(), version: version(9), is_new: true, is_settled: true, content: None }
    }

    fn is_empty(links: &Links<&str>) -> bool {
        links.table().states.is_empty()
    }

    #[test]
    fn a_name_that_comes_while_the_first_is_copied_is_handed_to_the_copier() {
        let (links, source) = (Links::default(), version(1));
        assert!(matches!(links.decide(&source, None, "a"), LinkDecision::Copy("a")));
        assert!(matches!(links.decide(&source, None, "b"), LinkDecision::Left));
        assert_eq!(links.made(&source, copy("a"), 2), ["b"]);
        let LinkDecision::Link(made, Likeness::Same, "b") = links.decide(&source, None, "b") else {
            panic!("b is to be linked")
        };
        assert_eq!(*made, copy("a"));
        assert!(is_empty(&links));
    }

    #[test]
    fn with_one_operand_an_inode_is_forgotten_once_all_its_names_were_seen() {
        for keeps_all in [false, true] {
            let (links, source) = (Links::default(), version(1));
            if keeps_all {
                links.keep_all();
            }
            assert!(matches!(links.decide(&source, None, "a"), LinkDecision::Copy(_)));
            assert!(links.made(&source, copy("a"), 2).is_empty());
            assert!(matches!(links.decide(&source, None, "b"), LinkDecision::Link(..)));
            assert_eq!(is_empty(&links), !keeps_all);
            assert_eq!(matches!(links.decide(&source, None, "a again"), LinkDecision::Link(..)), keeps_all);
        }
    }

    #[test]
    fn after_a_failure_the_next_name_is_the_first() {
        let (links, source) = (Links::default(), version(1));
        assert!(matches!(links.decide(&source, None, "a"), LinkDecision::Copy(_)));
        assert!(matches!(links.decide(&source, None, "b"), LinkDecision::Left));
        assert_eq!(links.failed(&source), ["b"]);
        assert!(matches!(links.decide(&source, None, "b"), LinkDecision::Copy("b")));
    }

    #[test]
    fn what_has_changed_under_its_number_is_the_first_of_another_file() {
        let (links, source) = (Links::default(), version(1));
        assert!(matches!(links.decide(&source, None, "a"), LinkDecision::Copy(_)));
        assert!(links.made(&source, copy("a"), 3).is_empty());
        let grown = Version::new(&Stat { size: 6, ..stat(1) }, None);
        assert!(matches!(links.decide(&grown, None, "b"), LinkDecision::Copy("b")));
        assert!(links.made(&grown, copy("b"), 3).is_empty());
        let LinkDecision::Link(made, Likeness::Same, _) = links.decide(&grown, None, "c") else {
            panic!("c is to be linked")
        };
        assert_eq!(made.path, Path::new("b"));
    }

    #[test]
    fn a_copy_that_was_refused_is_not_offered_again() {
        let (links, source) = (Links::default(), version(1));
        assert!(matches!(links.decide(&source, None, "a"), LinkDecision::Copy(_)));
        assert!(links.made(&source, copy("a"), 3).is_empty());
        assert!(matches!(links.decide(&source, Some(&copy("a")), "b"), LinkDecision::Copy("b")));
    }

    #[test]
    fn every_time_and_right_counts_and_the_number_of_names_does_not() {
        let (one, later) = (stat(1), stat(2));
        let of = |stat: Stat| version(1).likeness(&Version::new(&stat, None));
        assert_eq!(of(Stat { nlink: 3, atime: later.atime, ..one }), Likeness::Same);
        assert_eq!(of(Stat { ctime: later.ctime, ..one }), Likeness::Alike);
        assert_eq!(of(Stat { mtime: later.mtime, ..one }), Likeness::Other);
        assert_eq!(of(Stat { mode: 0o600, ..one }), Likeness::Other);
        assert_eq!(version(1).likeness(&Version::new(&one, Some(one.mtime))), Likeness::Other);
        assert!(version(1).is_settled(&version(3)) && !version(2).is_settled(&version(3)));
    }

    #[test]
    fn a_name_that_comes_up_again_is_linked() {
        let (links, source, made) = (Links::default(), version(1), copy("a"));
        assert!(matches!(links.decide(&source, None, "a"), LinkDecision::Copy("a")));
        assert!(links.made(&source, made.clone(), 2).is_empty());
        let LinkDecision::Link(found, likeness, "b") = links.decide(&source, None, "b") else { panic!("not linked") };
        assert_eq!((&*found, likeness), (&made, Likeness::Same));
        links.comes_again(&source, &found, likeness);
        let LinkDecision::Link(found, _, "b") = links.decide(&source, None, "b") else { panic!("forgotten") };
        assert!(found.is_settled);
        // It had been changed since, perhaps by a further name: then the bytes decide.
        links.comes_again(&source, &found, Likeness::Alike);
        let LinkDecision::Link(found, _, "b") = links.decide(&source, None, "b") else { panic!("forgotten") };
        assert!(!found.is_settled);
    }
}
