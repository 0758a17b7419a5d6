//! The rules: what may be there after a run, however it ended.

use super::fault::{Fault, group};
use super::list;
use super::lives;
use super::look::{Kind, Seen, Tree};
use super::scenario::{Program, Scenario, Task, is_part};
use super::tool::Ended;
use std::fmt;
use std::path::{Path, PathBuf};

/// A rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Exit status 0 means the right bytes.
    Bytes,
    /// Exit status 0 means the right attributes, names and links.
    Attributes,
    /// After a failure an old target is what it was, or the whole new one.
    OldKept,
    /// After a failure a new target is whole or absent.
    Whole,
    /// Nothing is left that nobody asked for.
    NothingLeft,
    /// Where what was written may not last, that reaches the exit status.
    Lasts,
    /// A failure is said, with the file's name and the reason.
    Said,
    /// It ends by itself, and not by a crash.
    Ends,
    /// The source is as before.
    Source,
    /// What a copy can do without, and what passes, does not end it.
    Lives,
}

/// A rule and how it was broken.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) rule: Rule,
    pub(crate) how: String,
}

impl Broken {
    /// Whether it is only that extended attributes were not kept.
    pub(crate) fn is_of_xattrs(&self) -> bool {
        self.rule == Rule::Attributes && self.how.contains(XATTRS)
    }
}

/// What says of a file that its extended attributes are others.
const XATTRS: &str = "extended attributes are ";

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.how)
    }
}

/// A list and its companion.
const LISTS: [&str; 2] = ["d/list", "d/list.chunks"];

/// The same of a run that failed for some names.
const INCOMPLETE: [&str; 2] = ["d/list.incomplete", "d/list.incomplete.chunks"];

/// A run and the world around it.
pub(crate) struct Run<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) world: &'a Path,
    pub(crate) before: &'a Tree,
    pub(crate) after: &'a Tree,
    pub(crate) ended: &'a Ended,
    pub(crate) fault: Option<&'a Fault>,
    /// Only bytes and names are looked at: the program promises nothing about attributes.
    pub(crate) only_bytes: bool,
}

impl Run<'_> {
    /// All rules that were broken.
    pub(crate) fn judge(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        if self.ended.status.is_none() {
            broken.push(Broken { rule: Rule::Ends, how: "it did not end".into() });
        }
        self.source(&mut broken);
        let expected = self.scenario.expected(self.before);
        if self.ended.succeeded() {
            self.success(&expected, &mut broken);
            broken.extend(self.swallowed());
        } else {
            self.failure(&expected, &mut broken);
            self.message(&mut broken);
            broken.extend(self.could_live());
        }
        self.left(&expected, &mut broken);
        broken
    }

    fn source(&self, broken: &mut Vec<Broken>) {
        for (path, seen) in self.before.range(PathBuf::from("s")..).filter(|(path, _)| path.starts_with("s")) {
            if self.after.get(path) != Some(seen) && !self.was_moved(path, seen) {
                broken.push(Broken { rule: Rule::Source, how: format!("{} is not what it was", path.display()) });
            }
        }
    }

    /// Whether mv has done its work on a name: it is gone, and whole at the target; or a directory that it has begun to empty.
    fn was_moved(&self, path: &Path, seen: &Seen) -> bool {
        let there = path.strip_prefix("s").ok().and_then(|rest| self.after.get(&below("d/t", rest)));
        self.scenario.program == Program::Mv
            && match self.after.get(path) {
                None => there.is_some_and(|there| there.holds_what(seen)),
                Some(now) => now.kind == Kind::Directory && seen.kind == Kind::Directory && there.is_some(),
            }
    }

    fn success(&self, expected: &Tree, broken: &mut Vec<Broken>) {
        for (path, wanted) in expected {
            let shown = path.display();
            match self.after.get(path) {
                None => broken.push(Broken { rule: Rule::Bytes, how: format!("{shown} is missing") }),
                Some(found) if !found.holds_what(wanted) && !self.lists_what_is_there(path) => {
                    broken.push(Broken { rule: Rule::Bytes, how: format!("{shown}: {}", unlike(found, wanted)) });
                }
                Some(_) if self.only_bytes => {}
                Some(found) => {
                    let how = self.attributes(path, found, wanted);
                    broken.extend(how.map(|how| Broken { rule: Rule::Attributes, how: format!("{shown}: {how}") }));
                }
            }
        }
        let same_file = |one: &str, other: &str| {
            let inode = |path: &str| self.after.get(Path::new(path)).map(|seen| seen.inode);
            inode(one) == inode(other)
        };
        let stays = self.after.keys().find(|path| self.scenario.program == Program::Mv && path.starts_with("s"));
        broken
            .extend(stays.map(|path| Broken { rule: Rule::Source, how: format!("{} is still there", path.display()) }));
        let is_linked = !self.scenario.writes_through_links() || same_file("d/t", "d/other");
        if !self.only_bytes && (!is_linked || !same_file("d/t/first", "d/t/second")) {
            broken.push(Broken { rule: Rule::Attributes, how: "a hard link is lost".into() });
        }
    }

    /// EINTR is no failure: fsync is made again, and close has closed the file. With threads nobody knows which file it was.
    /// Nor is fsync's answer that the filesystem has no such call, where nobody asked for --durable: GNU's cp makes none.
    fn swallowed(&self) -> Option<Broken> {
        let fault = self.fault?;
        let has_none = ["error=EINVAL", "error=ENOSYS", "error=EOPNOTSUPP", "error=EROFS"];
        let is_missing = fault.call.name == "fsync" && has_none.iter().any(|what| fault.what.starts_with(what));
        let is_survived = is_missing && !self.scenario.has("--durable") && !self.scenario.has("--verify=device");
        let is_failure =
            fault.words.is_some() && fault.what != "error=EINTR" && !is_survived || fault.what == "retval=1";
        let is_told = !fault.call.seals || !is_failure || self.only_bytes || !self.scenario.has_one_thread();
        (!is_told).then(|| Broken { rule: Rule::Lasts, how: format!("{} was swallowed", fault.what) })
    }

    fn could_live(&self) -> Option<Broken> {
        let why = lives::why(self.fault?, self.scenario).filter(|_| !self.only_bytes && !self.scenario.finds())?;
        Some(Broken { rule: Rule::Lives, how: format!("{}, but {why}", self.ended.shown()) })
    }

    /// What is wrong with the attributes of something that has the right bytes.
    fn attributes(&self, path: &Path, found: &Seen, wanted: &Seen) -> Option<String> {
        if found.kind == Kind::Directory && !self.scenario.preserves() {
            return None;
        }
        let is_target = path.starts_with("d/t") || path == Path::new("d/other");
        let is_list = path.starts_with("d/list") || path == Path::new("d/list.chunks");
        let is_new_time = is_target && !self.scenario.keeps_times() || is_list;
        if found.mode != wanted.mode {
            return Some(format!("mode {:o}, not {:o}", found.mode, wanted.mode));
        }
        if found.owner != wanted.owner {
            return Some(format!("owner {:?}, not {:?}", found.owner, wanted.owner));
        }
        if found.modified != wanted.modified && !is_new_time && path != Path::new("d") {
            return Some(format!("time {:?}, not {:?}", found.modified, wanted.modified));
        }
        (found.xattrs != wanted.xattrs).then(|| format!("{XATTRS}{:?}, not {:?}", found.xattrs, wanted.xattrs))
    }

    fn failure(&self, expected: &Tree, broken: &mut Vec<Broken>) {
        let targets = expected.iter().filter(|(path, wanted)| path.starts_with("d") && wanted.kind != Kind::Directory);
        for (path, wanted) in targets {
            let (old, now) = (self.before.get(path), self.after.get(path));
            let is_new = now.is_some_and(|now| now.holds_what(wanted));
            let is_old = if self.only_bytes {
                old.is_some() == now.is_some() && old.zip(now).is_none_or(|(old, now)| now.holds_what(old))
            } else {
                old == now
            };
            if is_new || is_old || self.may_be_spoilt() || self.lists_all_that_is_there(path) {
                continue;
            }
            let rule = if old.is_some() { Rule::OldKept } else { Rule::Whole };
            let how = now.map_or("gone".to_owned(), |now| unlike(now, old.unwrap_or(wanted)));
            broken.push(Broken { rule, how: format!("{} after {}: {how}", path.display(), self.ended.shown()) });
        }
    }

    /// Whether it is the list of a run that could not keep all attributes and hard links, and tells those that were kept. That
    /// something was not kept, or that a file is not what it was to be, is a finding of its own.
    fn lists_what_is_there(&self, path: &Path) -> bool {
        let drops_some =
            self.fault.is_some_and(|fault| fault.is_lie || group(&fault.call.name) == "extended attributes");
        drops_some && self.lists_all_that_is_there(path)
    }

    /// Whether it is a list of all that is there, as it is.
    fn lists_all_that_is_there(&self, path: &Path) -> bool {
        let which = LISTS.iter().position(|name| path == Path::new(name));
        let (Some(which), Some(found), Some(top)) = (which, self.after.get(path), self.after.get(self.listed())) else {
            return false;
        };
        found.content == list::of(top, &self.beneath(self.listed()))[which]
    }

    /// What a list is of.
    fn listed(&self) -> &'static Path {
        Path::new(if self.scenario.task == Task::Seal { "s" } else { "d/t" })
    }

    /// What is there beneath a directory.
    fn beneath(&self, root: &Path) -> Tree {
        let beneath = |(path, seen): (&PathBuf, &Seen)| Some((path.strip_prefix(root).ok()?.to_owned(), seen.clone()));
        self.after.iter().filter_map(beneath).filter(|(path, _)| !path.as_os_str().is_empty()).collect()
    }

    /// Whether it is the list of a run that failed for some names: whole, with lines of the others as they are, and beside the
    /// name of the list.
    fn lists_the_rest(&self, path: &Path) -> bool {
        let is_failure = self.ended.status.is_some_and(|status| status.code().is_some_and(|code| code != 0));
        let which = INCOMPLETE.iter().position(|name| path == Path::new(name)).filter(|_| is_failure);
        let (Some(which), Some(found), Some(top)) = (which, self.after.get(path), self.after.get(self.listed())) else {
            return false;
        };
        let lines = |text: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(text).into_owned();
            // Further names may have failed, and with them the numbers that names have in common.
            text.split_inclusive('\n')
                .map(|line| line.split(",inode:").next().unwrap_or(line).trim_end().into())
                .collect()
        };
        let wanted = lines(&list::of(top, &self.beneath(self.listed()))[which]);
        found.content.ends_with(b"\n") && lines(&found.content).iter().all(|line| wanted.contains(line))
    }

    /// Whether an old file may hold anything: it was written in place, as was asked for; or it had to be, and the program died over
    /// it or says so.
    fn may_be_spoilt(&self) -> bool {
        let died = self.ended.status.is_none_or(|status| status.code().is_none());
        let is_told = died || self.only_bytes || self.ended.stderr.contains("is incomplete");
        self.scenario.writes_in_place() && (self.scenario.has("--in-place") || is_told)
    }

    fn message(&self, broken: &mut Vec<Broken>) {
        let Some(status) = self.ended.status else { return };
        let Some(fault) = self.fault else { return };
        let is_early = fault.call.before_operands || group(&fault.call.name) == "memory";
        if self.scenario.finds() && status.code() == Some(1) {
            return;
        }
        let said = &(self.ended.stderr.clone() + &self.ended.stdout);
        let Some(code) = status.code() else {
            if !is_early {
                broken.push(Broken { rule: Rule::Ends, how: format!("{}: {said}", self.ended.shown()) });
            }
            return;
        };
        // What Rust's runtime exits with after a panic.
        if code == 101 {
            if !is_early {
                broken.push(Broken { rule: Rule::Ends, how: format!("it panicked: {said}") });
            }
            return;
        }
        // Findings have names as they are listed.
        let is_finding = |line: &str| self.scenario.task != Task::Copy && line.contains('\'');
        let names_file = |line: &str| line.contains(&*self.world.to_string_lossy()) || is_finding(line);
        let says_why = |line: &str| fault.words.is_none_or(|words| line.contains(words));
        // Lists write files by pwrite64 alone: where no word gets out, the exit status is all there is.
        let is_terminal = self.scenario.task != Task::Copy && fault.call.name == "write";
        // Attributes that cannot be had are told as others than those that are listed.
        let told_of_others = match self.scenario.task {
            Task::Check => Some("attributes: "),
            Task::Repair => Some("left alone: attributes: "),
            Task::Copy | Task::Manifest | Task::Seal => None,
        };
        let is_other = told_of_others.is_some_and(|words| said.lines().any(|line| line.starts_with(words)));
        let is_said = if is_terminal || is_other {
            true
        } else if is_early {
            !said.trim().is_empty()
        } else {
            said.lines().any(|line| names_file(line) && (says_why(line) || self.only_bytes))
        };
        if !is_said {
            broken.push(Broken { rule: Rule::Said, how: format!("{}, but it says {said:?}", self.ended.shown()) });
        }
    }

    /// Whether what --partial keeps may be there: a run that failed leaves it, and one from which a failure kept it does without.
    fn may_keep_part(&self, path: &Path) -> bool {
        let is_left_alone = self.fault.is_some() && self.before.contains_key(path);
        self.scenario.has("--partial") && (!self.ended.succeeded() || is_left_alone)
    }

    /// Names that are in neither world. A backup belongs to what replaced the old file, and to nothing else.
    fn left(&self, expected: &Tree, broken: &mut Vec<Broken>) {
        if self.fault.is_some_and(|fault| fault.call.name.starts_with("unlink")) {
            return;
        }
        let mut complain = |path: &Path| {
            broken.push(Broken { rule: Rule::NothingLeft, how: format!("{} is left", path.display()) });
        };
        for path in self.after.keys() {
            let is_backup = !self.before.contains_key(path) && path.to_string_lossy().ends_with('~');
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // An old file that could not be filled: the message tells of the copy that was verified.
            let is_kept = self.ended.stderr.contains("a verified copy of") && self.ended.stderr.contains(&*name);
            if is_part(path) {
                if !self.may_keep_part(path) {
                    complain(path);
                }
                continue;
            }
            let is_expected = expected.contains_key(path) || self.lists_the_rest(path);
            if !is_expected && !self.before.contains_key(path) && !is_kept {
                complain(path);
            } else if is_backup && !self.ended.succeeded() {
                let target = PathBuf::from(path.to_string_lossy().trim_end_matches('~'));
                if self.after.get(&target) == self.before.get(&target) {
                    complain(path);
                }
            }
        }
    }
}

/// A path beneath another, or that itself.
fn below(root: &str, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { root.into() } else { Path::new(root).join(rest) }
}

/// How one thing differs from another.
fn unlike(found: &Seen, wanted: &Seen) -> String {
    if found.kind != wanted.kind {
        return format!("{:?}, not {:?}", found.kind, wanted.kind);
    }
    let at = found.content.iter().zip(&wanted.content).position(|(found, wanted)| found != wanted);
    let (length, wanted_length) = (found.content.len(), wanted.content.len());
    match at {
        Some(at) => format!("other bytes from {at}, {length} of {wanted_length}"),
        None if length != wanted_length => format!("{length} bytes, not {wanted_length}"),
        None => "the right bytes, but not the old file".to_owned(),
    }
}
