//! What must be true after a run over trees, whatever the world did to it.
//!
//! Exit status 0: every name that was asked for is at its target what it was at some moment after it was first looked
//! up, hard links are those of the source, old targets have their backups. Otherwise: what is not so has a
//! message that names it, and its target is the old one or none. Always: nothing else in the target
//! tree has changed, nothing is left over, nothing outside of the trees was opened or changed, and
//! nobody could read what they may not in the end. Where only such things went wrong that GNU cp survives,
//! and nothing is in the way, the status is 0.

use super::super::faults::Fault;
use super::super::kernel::Sim;
use super::super::tree::{Attributes, LISTED, Node, ROOT};
use super::super::world::{ACCESS_LIST, DEFAULT_LIST, Death, World};
use super::class::Class;
use super::drive::Driven;
use super::order::{Form, Seen, State, key};
use super::scenario::Scenario;
use super::still::{Still, stills};
use rustix::fs::ResolveFlags;
use safecp::kernel::Kind;
use safecp::options::{Backup, Dereference, Keep, Overwrite, Product, Removal, Update};
use safecp::quote::quoted;
use std::path::Path;

/// A broken promise, in words.
pub type Broken = String;

/// Everything the judge has against a run; `None` is a good one.
pub fn judge(scenario: &Scenario, driven: &Driven) -> Option<Broken> {
    let mut world = Sim::world(&driven.sim);
    let broken = verdict(scenario, driven, &mut world).err()?;
    let status = u8::from(!driven.succeeded);
    Some(format!("{broken} ({:?}, status {status}, {:?}, {})", scenario.class, scenario.order, driven.messages.trim()))
}

fn demand(holds: bool, broken: impl FnOnce() -> Broken) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(broken()) }
}

fn verdict(scenario: &Scenario, driven: &Driven, world: &mut World) -> Result<(), Broken> {
    if world.dead {
        let death = world.death.map_or(Death::Killed, |(_, death)| death);
        world.recover(death);
        let judge = Judge::new(scenario, driven, world);
        judge.nothing_outside()?;
        // A new name has nothing to lose, unless it was called durable.
        let are_only_old = death == Death::PowerLoss;
        return judge.old_or_new(are_only_old).map_err(|broken| format!("after {death:?}: {broken}"));
    }
    let judge = Judge::new(scenario, driven, world);
    judge.nothing_hung()?;
    judge.nothing_outside()?;
    if driven.succeeded {
        judge.success()?
    } else {
        judge.failure()?
    }
    judge.nothing_else_changed()?;
    judge.nothing_left()?;
    judge.runs_as_nobody_else()?;
    judge.nobody_could_read()
}

struct Judge<'a> {
    scenario: &'a Scenario,
    driven: &'a Driven,
    world: &'a World,
    /// Targets that a stranger has meddled with.
    took: Vec<String>,
    /// The states of the source, each with the call up to which it lasted.
    states: Vec<(u64, &'a [Seen])>,
}

impl<'a> Judge<'a> {
    fn new(scenario: &'a Scenario, driven: &'a Driven, world: &'a World) -> Self {
        let stranger = world.stranger.as_deref();
        let mut states: Vec<(u64, &[Seen])> = Vec::new();
        match stranger {
            None => states.push((u64::MAX, &scenario.seen)),
            Some(stranger) => {
                for (at, (_, seen)) in stranger.states.iter().enumerate() {
                    let until = stranger.states.get(at + 1).map_or(u64::MAX, |(call, _)| *call);
                    states.push((until, seen));
                }
            }
        }
        let took = stranger.map(|stranger| stranger.took.clone()).unwrap_or_default();
        Self { scenario, driven, world, took, states }
    }

    fn key(&self, target: &str) -> String {
        key(self.world, target)
    }

    fn names(&self) -> impl Iterator<Item = &'a Seen> + '_ {
        self.states.iter().flat_map(|(_, seen)| seen.iter())
    }

    /// What stood at a target before.
    fn old(&self, name: &Seen) -> Option<&'a Still> {
        self.scenario.old.iter().find(|still| still.key == name.key)
    }

    fn at(&self, path: &str) -> Option<Node> {
        self.world.tree.walk(ROOT, Path::new(path), false, ResolveFlags::NO_SYMLINKS).ok()?.found
    }

    fn now(&self, path: &str) -> Option<Still> {
        self.at(path).map(|node| Still::of(self.world, path.to_owned(), node))
    }

    /// Whether a stranger changed the name, or one above it.
    fn is_taken(&self, target: &str) -> bool {
        let target = self.key(target);
        let is_beneath = |took: &String| {
            target.strip_prefix(&self.key(took)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.took.iter().any(is_beneath)
    }

    fn nothing_hung(&self) -> Result<(), Broken> {
        let witness = &self.world.witness;
        if let Some(hung) = witness.hung {
            return Err(format!("the run would hang: {hung}"));
        }
        demand(!witness.exhausted, || "the run goes in circles".to_owned())?;
        demand(self.world.opened.iter().all(Option::is_none), || "a handle was left open".to_owned())
    }

    fn nothing_outside(&self) -> Result<(), Broken> {
        if let Some(outside) = self.world.witness.outside {
            return Err(outside.to_owned());
        }
        let links = self.scenario.options.product == Product::HardLink;
        let is_same = |before: &Still, now: &Still| {
            before.path == now.path && before.is_as_it_was(now) && (links || before.nlink == now.nlink)
        };
        let compare = |before: &[Still], path: &str, what: &str| {
            let now = stills(self.world, path);
            let same = before.len() == now.len() && before.iter().zip(&now).all(|(before, now)| is_same(before, now));
            demand(same, || format!("{what} was changed"))
        };
        compare(&self.scenario.outside, "o", "what lies outside of both trees")?;
        let meddles = self.world.stranger.as_ref().is_some_and(|stranger| stranger.took_source);
        if meddles { Ok(()) } else { compare(&self.scenario.source, "s", "the source") }
    }

    fn success(&self) -> Result<(), Broken> {
        for (at, name) in self.latest().enumerate() {
            if self.is_taken(&name.target) {
                continue;
            }
            if self.is_excused(name) {
                self.stands(name)?;
                continue;
            }
            if self.is_merged_over(name) {
                continue;
            }
            self.made(name)?;
            self.looks_right(name)?;
            self.is_backed_up(name)?;
            self.is_alone(at, name)?;
        }
        for (source, target) in self.scenario.order.parents() {
            let is_directory = self.now(&target).is_some_and(|now| now.kind == Kind::Directory);
            demand(is_directory, || format!("'{target}', for '{source}', is no directory"))?;
        }
        self.names_stay_apart()
    }

    /// Every target once for each operand, with the source's name as it was last.
    fn latest(&self) -> impl Iterator<Item = &'a Seen> + '_ {
        let is_last = move |at: usize, name: &Seen| {
            !self.states[at + 1..]
                .iter()
                .any(|(_, later)| later.iter().any(|seen| seen.source == name.source && seen.operand == name.operand))
        };
        let states = self.states.iter().enumerate();
        states.flat_map(move |(at, (_, seen))| seen.iter().filter(move |name| is_last(at, name)))
    }

    /// Whether the options leave the target as it is.
    fn is_excused(&self, name: &Seen) -> bool {
        let options = &self.scenario.options;
        let others =
            |other: &&Seen| other.key == name.key && (other.operand, &other.source) != (name.operand, &name.source);
        let may_stand = self.old(name).is_some() || self.names().any(|other| others(&other));
        if name.state == State::Directory || !may_stand {
            return false;
        }
        let stays = options.overwrite == Overwrite::Never || options.update != Update::All;
        let is_numbered = options.backup == Backup::Numbered && self.names().any(|other| others(&other));
        let is_older = options.update == Update::Older
            && options.overwrite != Overwrite::Never
            && self.states.len() == 1
            && !self.names().any(|other| others(&other));
        let stood = self.old(name).filter(|old| is_older && old.kind != Kind::Symlink);
        let source = self.world.tree.inodes[name.node].attributes.mtime;
        if stood.is_some_and(|old| old.attributes.mtime < source) {
            return false;
        }
        stays || is_numbered
    }

    /// Whether a later operand has brought the same name into a directory that both have: they are merged, as by every cp,
    /// and the last one stays. Operands themselves do not take each other's place.
    fn is_merged_over(&self, name: &Seen) -> bool {
        let sources = &self.scenario.order.sources;
        let is_typed = |name: &Seen| sources[name.operand] == name.source;
        // What is typed again is copied once, and so is a directory that links lead to from two names, into one target.
        let directory = |operand| {
            let typed = self.scenario.seen.iter().find(|seen| seen.operand == operand && is_typed(seen));
            typed.filter(|seen| seen.state == State::Directory).map(|seen| (seen.node, &seen.target))
        };
        let is_again = |operand| {
            let found = directory(operand);
            sources[operand] == sources[name.operand] || found.is_some() && found == directory(name.operand)
        };
        let first = (0..name.operand).find(|operand| is_again(*operand)).unwrap_or(name.operand);
        let is_later = |other: &&Seen| other.operand > first && other.target == name.target;
        self.names().filter(is_later).any(|other| !(is_typed(name) && is_typed(other)) && self.made(other).is_ok())
    }

    /// What the options leave as it is has not changed; with -u it may be a new link to what was copied.
    fn stands(&self, name: &Seen) -> Result<(), Broken> {
        let options = &self.scenario.options;
        let Some(old) = self.old(name) else { return Ok(()) };
        let now = self.now(&name.target);
        let stands = now.as_ref().is_some_and(|now| old.is_whole(now));
        let may_change = self.is_written_elsewhere(old)
            || options.backup == Backup::Numbered && options.overwrite != Overwrite::Never
            || options.update == Update::Older && self.made(name).is_ok()
            || self.names().filter(|other| other.key == name.key).count() > 1;
        demand(stands || may_change, || format!("'{}' was to be left alone", name.target))
    }

    /// Whether an old file has another name that is a target, and holds what was to be there.
    fn is_written_elsewhere(&self, old: &Still) -> bool {
        let is_other = |name: &&Seen| name.key != old.key && self.old(name).is_some_and(|other| other.node == old.node);
        old.kind == Kind::File && self.names().filter(is_other).any(|other| self.made(other).is_ok())
    }

    /// The states that a name had since it was first looked up.
    fn states_of(&self, name: &Seen) -> Vec<Option<&'a Seen>> {
        let looks = self.world.witness.looks.as_deref().unwrap_or_default();
        let inspected = looks.iter().find(|(dir, inspected, _)| (*dir, inspected) == (name.at.0, &name.at.1));
        let first = inspected.map_or(0, |(_, _, call)| *call);
        let is_name = |seen: &&Seen| seen.source == name.source && seen.operand == name.operand;
        let above = name.source.rsplit_once('/').map(|(above, _)| above);
        let is_above = |seen: &Seen| Some(seen.source.as_str()) == above && seen.state == State::Directory;
        let (mut states, mut last) = (Vec::new(), None);
        for (until, seen) in &self.states {
            let found = seen.iter().find(is_name);
            if *until >= first {
                states.push(found);
                // Who holds the directory above still finds it there, wherever that is now.
                if found.is_none() && !seen.iter().any(is_above) {
                    states.push(last);
                }
            }
            last = found.or(last);
        }
        states
    }

    /// The target is what the source was.
    fn made(&self, name: &Seen) -> Result<(), Broken> {
        let states = self.states_of(name);
        let now = self.now(&name.target);
        let is_right = states.iter().any(|state| match (state, &now) {
            // It was not there at some moment, or its directory.
            (None, None) => true,
            (None, Some(now)) => self.old(name).is_some_and(|old| old.is_whole(now) && self.end_is_whole(name, old)),
            (Some(state), Some(now)) => self.is_like(state, now),
            (Some(_), None) => false,
        });
        if is_right || self.is_mixed(name, &states, now.as_ref()) {
            return Ok(());
        }
        let found = now.map_or("nothing".to_owned(), |now| format!("{:?} of {} bytes", now.kind, now.content.len()));
        Err(format!("'{}' is not what '{}' was, but {found}", name.target, name.source))
    }

    /// A file that was written while it was read has bytes of before and after.
    fn is_mixed(&self, name: &Seen, states: &[Option<&Seen>], now: Option<&Still>) -> bool {
        let rewritten = self.world.counts.of(Fault::StrangerRewrites) != 0 && !self.scenario.options.require_stable;
        let Some(now) = self.end(name, now) else { return false };
        if !rewritten || now.kind != Kind::File {
            return false;
        }
        // An inode that had the name may be written by another one of its names.
        let nodes: Vec<Node> = states.iter().flatten().map(|seen| seen.node).collect();
        let versions: Vec<&[u8]> = self
            .names()
            .filter(|seen| nodes.contains(&seen.node))
            .filter_map(|seen| match &seen.state {
                State::File(bytes) => Some(bytes.as_slice()),
                State::Directory | State::Symlink(_) | State::Special(..) | State::Nowhere => None,
            })
            .collect();
        let is_known = |(at, byte): (usize, &u8)| versions.iter().any(|version| version.get(at) == Some(byte));
        versions.len() > 1 && now.content.iter().enumerate().all(is_known)
    }

    /// Where a link of the user's own that stood at the target leads, which is written through.
    fn end(&self, name: &Seen, now: Option<&Still>) -> Option<Still> {
        let now = now?;
        let options = &self.scenario.options;
        // The second name of an inode becomes one of the link that its first was written through, as with GNU cp.
        let is_linked = |old: &Still| {
            let leads_here = |other: &Seen| other.node == name.node && other.key == old.key;
            old.key == name.key || self.names().any(leads_here)
        };
        let is_link = |old: &&Still| old.kind == Kind::Symlink && old.node == now.node;
        let stood = self.scenario.old.iter().filter(is_link).any(is_linked);
        let follows = options.backup == Backup::No && options.removal != Removal::Always;
        if !stood || !follows {
            return Some(now.clone());
        }
        let end = self.world.tree.walk(ROOT, Path::new(&name.target), true, ResolveFlags::empty()).ok()?.found?;
        Some(Still::of(self.world, name.target.clone(), end))
    }

    /// Whether the target had been, when its turn came, the very file that a link of the source leads to: `cp -l` leaves that, without
    /// a word, as GNU's does.
    fn stood_where_it_leads(&self, name: &Seen, now: &Still) -> bool {
        let end = self.world.tree.walk(ROOT, Path::new(&name.source), true, ResolveFlags::empty());
        let leads_there = end.is_ok_and(|end| end.found == Some(now.node));
        let came_before =
            |other: &Seen| other.key == name.key && other.operand < name.operand && other.node == now.node;
        let stood = self.old(name).is_some_and(|old| old.node == now.node) || self.names().any(came_before);
        leads_there && now.kind != Kind::Symlink && stood
    }

    fn is_like(&self, name: &Seen, now: &Still) -> bool {
        match (self.scenario.options.product, &name.state) {
            (Product::HardLink, State::Symlink(_)) if self.stood_where_it_leads(name, now) => return true,
            (Product::HardLink, state) if *state != State::Directory => return now.node == name.node,
            (Product::SymbolicLink, state) if *state != State::Directory => {
                // With links kept, the second name of a source is one of the link to the first.
                let leads = |other: &&Seen| now.link.as_deref() == Some(other.source.as_ref());
                return self.names().filter(|other| other.node == name.node).any(|other| leads(&other));
            }
            _ => {}
        }
        match &name.state {
            State::File(bytes) => {
                let Some(end) = self.end(name, Some(now)) else { return false };
                end.kind == Kind::File && end.content == *bytes && end.node != name.node
            }
            State::Directory => now.kind == Kind::Directory,
            State::Symlink(content) => now.link.as_ref() == Some(content),
            State::Special(kind, _) => now.kind == *kind,
            State::Nowhere => false,
        }
    }

    /// No two names that are written differently have become one, but for second names of one inode.
    fn names_stay_apart(&self) -> Result<(), Broken> {
        let names = &self.scenario.seen;
        for (at, name) in names.iter().enumerate() {
            let meets = |other: &&Seen| {
                other.key == name.key
                    && other.target != name.target
                    && other.node != name.node
                    && other.operand == name.operand
            };
            let met = names[..at].iter().find(meets).filter(|_| !self.is_excused(name));
            demand(met.is_none(), || {
                format!("'{}' and '{}' became one", name.source, met.map_or("", |met| &met.source))
            })?;
        }
        Ok(())
    }

    /// Names are one file where they were one in the source, and where that is kept; else they are two.
    fn is_alone(&self, at: usize, name: &Seen) -> Result<(), Broken> {
        let options = &self.scenario.options;
        let is_file = |name: &Seen| matches!(name.state, State::File(_));
        if !is_file(name) || options.product != Product::Copy || self.states.len() > 1 {
            return Ok(());
        }
        let node = self.end(name, self.now(&name.target).as_ref()).map(|still| still.node);
        for other in self.scenario.seen[..at].iter().filter(|other| is_file(other)) {
            let is_moot = self.is_excused(other) || self.is_taken(&other.target) || self.is_merged_over(other);
            if is_moot || other.key == name.key {
                continue;
            }
            let other_node = self.end(other, self.now(&other.target).as_ref()).map(|still| still.node);
            let are_one = other.node == name.node;
            // One name that is asked for twice is no hard link.
            let are_names = are_one && other.at != name.at;
            // Links that are followed are counted as names only by who follows all of them.
            let is_counted = |name: &Seen| !name.is_followed || options.dereference == Dereference::Always;
            let is_kept = options.preserve.links == Keep::Must && is_counted(name) && is_counted(other);
            let became_one = other_node == node;
            let were_old = |name: &Seen| self.old(name).is_some();
            // A copy whose name somebody or something else has taken is not linked to.
            let is_excepted = were_old(name) || were_old(other) || self.is_renumbered() || self.is_contended(name.node);
            if are_names && is_kept {
                demand(became_one || is_excepted, || {
                    format!("'{}' and '{}' are no longer one file", other.target, name.target)
                })?;
            }
            demand(are_one || !became_one, || format!("'{}' and '{}' became one file", other.target, name.target))?;
        }
        Ok(())
    }

    /// Whether a name of an inode goes where another does, or was a stranger's.
    fn is_contended(&self, node: Node) -> bool {
        let identity = |name: &Seen| (name.operand, name.source.clone());
        let is_met = |name: &Seen, other: &Seen| other.key == name.key && identity(other) != identity(name);
        let meets = |name: &Seen| self.is_taken(&name.target) || self.names().any(|other| is_met(name, other));
        self.names().filter(|name| name.node == node).any(meets)
    }

    fn is_renumbered(&self) -> bool {
        self.scenario.class == Class::OneNumber
    }

    /// Attributes are those that the options ask for.
    fn looks_right(&self, name: &Seen) -> Result<(), Broken> {
        let options = &self.scenario.options;
        let preserve = &options.preserve;
        let Some(now) = self.now(&name.target) else { return Ok(()) };
        let is_new = now.node >= self.scenario.first_new;
        let regular = matches!(name.state, State::File(_) | State::Directory);
        if !is_new || !regular || options.product != Product::Copy || self.states.len() > 1 {
            return Ok(());
        }
        let source = &self.world.tree.inodes[name.node].attributes;
        let target = &now.attributes;
        let wrong = |what: &str| format!("'{}' has not the {what} of '{}'", name.target, name.source);
        // Another operand may have been put into a directory since, or have been merged with it.
        let is_final = name.state != State::Directory || self.scenario.order.sources.len() == 1;
        if self.names().any(|other| other.key == name.key && other.operand != name.operand) {
            return Ok(());
        }
        if preserve.timestamps == Keep::Must && is_final {
            demand(target.mtime == source.mtime, || wrong("time"))?;
        }
        if preserve.ownership == Keep::Must && options.privileged {
            demand((target.uid, target.gid) == (source.uid, source.gid), || wrong("owner"))?;
        }
        let list_of = |attributes: &Attributes| {
            let list = attributes.xattrs.iter().find(|(name, _)| name == ACCESS_LIST);
            list.map(|(_, list)| list.clone())
        };
        if preserve.mode == Keep::Must {
            demand(target.mode & 0o777 == source.mode & 0o777, || wrong("mode"))?;
            return demand(list_of(target) == list_of(source), || wrong("access control list"));
        }
        let stood = self.old(name).filter(|_| options.removal != Removal::Always && options.backup == Backup::No);
        let is_several =
            self.names().filter(|other| other.node == name.node).count() > 1 || stood.is_some_and(|old| old.nlink > 1);
        // With -f what cannot be opened is replaced by a new file.
        let may_be_supplanted = options.removal == Removal::WhenUnwritable && self.world.struck.is_some();
        if is_several || may_be_supplanted {
            return Ok(());
        }
        let expected = match stood {
            Some(old) if old.kind == now.kind => old.attributes.mode,
            Some(_) => return Ok(()),
            None => source.mode & !options.umask,
        };
        let is_listed = target.xattrs.iter().any(|(name, _)| name == ACCESS_LIST || name == DEFAULT_LIST);
        demand(is_listed || target.mode & 0o777 == expected & 0o777, || {
            format!("'{}' has mode {:o} instead of {expected:o}", name.target, target.mode)
        })
    }

    fn backups_of(&self, target: &str) -> impl Iterator<Item = Still> + '_ {
        let of_target = [format!("{target}~"), format!("{target}.~1~"), format!("{target}.~2~")];
        of_target.into_iter().filter_map(|path| self.now(&path))
    }

    /// What stood at the target before has a backup name, and is what it was.
    fn is_backed_up(&self, name: &Seen) -> Result<(), Broken> {
        let Some(old) = self.old(name) else { return Ok(()) };
        let options = &self.scenario.options;
        let stays = self.now(&name.target).is_some_and(|now| now.node == old.node);
        // What another operand has brought there is what has the backup's name in the end.
        let is_merged = self.names().any(|other| other.key == name.key && other.operand != name.operand);
        if options.backup == Backup::No || old.kind == Kind::Directory || stays || is_merged {
            return Ok(());
        }
        let is_kept = self.backups_of(&name.target).any(|backup| old.is_whole(&backup));
        demand(is_kept, || format!("'{}' has no backup", name.target))
    }

    fn failure(&self) -> Result<(), Broken> {
        let scenario = self.scenario;
        let should_succeed = scenario.class.must_succeed() && scenario.is_clean;
        demand(!should_succeed, || "what can be done failed".to_owned())?;
        demand(!self.driven.messages.is_empty(), || "failed without a message".to_owned())?;
        for name in self.latest() {
            let is_well = self.is_excused(name)
                || self.is_taken(&name.target)
                || self.is_merged_over(name)
                || self.made(name).is_ok();
            demand(is_well || self.is_named(name), || {
                format!("nothing is said of '{}', which is not at '{}'", name.source, name.target)
            })?;
        }
        self.old_or_new(false)
    }

    /// Whether a message names the source, the target, or a directory above one of them.
    fn is_named(&self, name: &Seen) -> bool {
        let is_said = |path: &str| self.driven.messages.contains(&quoted(Path::new(path)));
        let above = |path: &str| path.match_indices('/').any(|(end, _)| is_said(&path[..end]));
        // That a temporary stays is all that is said of its file so far: FailingForGood asks for more.
        let may_be_temporary = self.scenario.class.fails() && self.scenario.class != Class::FailingForGood;
        let is_temporary = may_be_temporary && self.driven.messages.contains(".safecp-");
        is_temporary || is_said(&name.source) || is_said(&name.target) || above(&name.source) || above(&name.target)
    }

    /// Every target is what stood there or what was to be made, whole.
    fn old_or_new(&self, are_only_old: bool) -> Result<(), Broken> {
        let is_asked = |name: &&Seen| !are_only_old || self.old(name).is_some();
        for name in self.latest().filter(is_asked) {
            if self.is_taken(&name.target) || self.may_be_spoiled(name) || self.made(name).is_ok() {
                continue;
            }
            let others = self.names().any(|other| other.key == name.key && self.made(other).is_ok());
            let (old, now) = (self.old(name), self.now(&name.target));
            let is_right = match (old, &now) {
                (None, None) => true,
                (Some(old), Some(now)) if now.node == old.node && self.is_written_elsewhere(old) => true,
                (Some(old), Some(now)) => old.is_whole(now) && self.end_is_whole(name, old),
                // A directory takes a file's place in two steps; its backup has it meanwhile.
                (Some(old), None) => {
                    self.backups_of(&name.target).any(|backup| old.is_whole(&backup)) || self.is_left_aside(name)
                }
                (None, Some(now)) => now.kind == Kind::Directory,
            };
            let had = |still: Option<&Still>| still.map_or("nothing".to_owned(), |still| format!("{:?}", still.kind));
            demand(is_right || others, || {
                format!("'{}' is neither old nor new: {} was there, now {}", name.target, had(old), had(now.as_ref()))
            })?;
        }
        Ok(())
    }

    /// Whether what was made for a target stays under a name that is told, where the old file had to go before.
    fn is_left_aside(&self, name: &Seen) -> bool {
        let told = format!("what was to be {} is left as '", quoted(Path::new(&name.target)));
        let Some((_, left)) = self.driven.messages.split_once(&told) else { return false };
        left.split_once('\'').is_some_and(|(left, _)| self.at(left).is_some())
    }

    /// What a link led to is as it was, unless it was written through.
    fn end_is_whole(&self, name: &Seen, old: &Still) -> bool {
        if old.kind != Kind::Symlink {
            return true;
        }
        let now = self.end(name, Some(old));
        let before = self.scenario.old.iter().find(|still| now.as_ref().is_some_and(|now| now.node == still.node));
        match (before, now) {
            (Some(before), Some(now)) => before.content == now.content,
            (None, _) | (_, None) => true,
        }
    }

    fn has_crashed(&self) -> bool {
        matches!(self.scenario.class, Class::Crash | Class::CrashLinks)
    }

    /// Whether the old file is written in place, and something went wrong in that very moment.
    fn may_be_spoiled(&self, name: &Seen) -> bool {
        if self.scenario.class == Class::Taken {
            // What the stranger put in a temporary's place has the target's name, which is said.
            return true;
        }
        // A new file that was written under its own name, as there was no other, and could not be removed.
        // What a source's `.` becomes is shown without it, or with it.
        let shown = [name.target.replace("/./", "/"), name.target.clone()];
        let is_said = |before: &str, after: &str| {
            let said = |shown: &String| format!("{before}{}{after}", quoted(Path::new(shown)));
            shown.iter().map(said).any(|said| self.driven.messages.contains(&said))
        };
        let Some(old) = self.old(name) else { return is_said("cannot remove ", ", which is incomplete") };
        // Then the whole new content has a name of its own, which is told.
        if is_said("", " is incomplete") || self.scenario.strike.is_some() && is_said("", " is missing") {
            return true;
        }
        let options = &self.scenario.options;
        let in_place =
            options.in_place || old.nlink > 1 || old.kind == Kind::Symlink || self.scenario.class == Class::Kept;
        let strikes_content = self.world.struck.is_some_and(|call| call.changes_content());
        let cannot_replace = self.scenario.strike.is_some() && !options.privileged;
        // It was emptied only when there was a verified copy, which is told then.
        self.driven.messages.contains("a verified copy of")
            || options.in_place && self.has_crashed()
            || (in_place || cannot_replace) && (strikes_content || self.has_crashed())
            || self.scenario.class == Class::Moving && in_place
    }

    /// What is no target of the order is as it was.
    fn nothing_else_changed(&self) -> Result<(), Broken> {
        let targets: Vec<String> = self.names().map(|name| name.key.clone()).collect();
        let written: Vec<Node> = self
            .scenario
            .old
            .iter()
            .filter(|old| targets.contains(&old.key))
            .flat_map(|old| self.written_through(old))
            .collect();
        for old in &self.scenario.old {
            // A file at the end of a link is another one then.
            let is_end = self.at(&old.path).is_some_and(|node| written.contains(&node));
            let is_target = targets.contains(&old.key) || written.contains(&old.node) || is_end;
            let is_above = old.kind == Kind::Directory;
            if is_target || is_above || self.is_taken(&old.path) || self.is_backup_name(&old.path) {
                continue;
            }
            let now = self.now(&old.path);
            demand(now.is_some_and(|now| now.node == old.node && old.is_as_it_was(&now)), || {
                format!("'{}', which is no target, was changed", old.path)
            })?;
        }
        Ok(())
    }

    /// The old file at a target, and what it led to as a link.
    fn written_through(&self, old: &'a Still) -> impl Iterator<Item = Node> + '_ {
        let above = old.path.rsplit_once('/').map_or("", |(above, _)| above);
        let far = old.link.as_ref().map(|link| format!("{above}/{}", link.to_string_lossy()));
        let far = self.scenario.old.iter().filter(move |still| far.as_ref() == Some(&still.path));
        far.map(|still| still.node).chain([old.node])
    }

    fn is_backup_name(&self, path: &str) -> bool {
        self.scenario.options.backup != Backup::No && path.ends_with('~')
    }

    /// Every name in the target tree was there, or is a target, a backup, or a stranger's.
    fn nothing_left(&self) -> Result<(), Broken> {
        // Who could not remove a name has said so.
        let is_said = self.world.struck.is_some() && !self.driven.succeeded;
        let mut known: Vec<String> = self.scenario.old.iter().map(|old| old.key.clone()).collect();
        known.extend(self.names().map(|name| name.key.clone()));
        known.extend(self.scenario.order.parents().iter().map(|(_, target)| self.key(target)));
        for still in stills(self.world, "t") {
            let path = still.key;
            let is_of_known =
                |suffix: &&str| path.strip_suffix(*suffix).is_some_and(|of| known.iter().any(|known| known == of));
            let is_backup = self.scenario.options.backup != Backup::No
                && ["~", ".~1~", ".~2~", ".~3~", ".~4~", ".~5~"].iter().any(is_of_known);
            let is_known = known.contains(&path) || is_backup || self.is_taken(&still.path);
            let is_strangers = self.took.iter().any(|took| still.path.ends_with(took.as_str()));
            let name = still.path.rsplit('/').next().unwrap_or_default();
            let is_temporary = name.starts_with(".safecp-") || name.starts_with("safecp-");
            let is_kept = self.scenario.class == Class::Kept && !self.driven.succeeded;
            // One of several is told, at least.
            let is_told = [name, "/.safecp-", "/safecp-"].iter().any(|name| self.driven.messages.contains(name));
            demand(is_known || is_strangers || is_kept || is_temporary && is_said && is_told, || {
                format!("'{}' was left", still.path)
            })?;
        }
        Ok(())
    }

    /// At no moment could somebody open a new file who may not in the end.
    fn nobody_could_read(&self) -> Result<(), Broken> {
        let is_asked = matches!(self.scenario.class, Class::Closed | Class::Lists);
        if self.scenario.options.product != Product::Copy || !is_asked {
            return Ok(());
        }
        for name in self.latest().filter(|name| matches!(name.state, State::File(_))) {
            let Some(now) = self.now(&name.target).filter(|now| now.node >= self.scenario.first_new) else { continue };
            if now.kind != Kind::File || self.is_taken(&name.target) {
                continue;
            }
            let inode = &self.world.tree.inodes[now.node];
            let is_listed = inode.attributes.xattrs.iter().any(|(name, _)| name == ACCESS_LIST);
            let rights = inode.attributes.mode & 0o077 | if is_listed { LISTED } else { 0 };
            demand(inode.exposed & !rights == 0, || {
                format!("'{}' could be opened with {:o} meanwhile, and {rights:o} is right", name.target, inode.exposed)
            })?;
            self.is_no_wider(name, &now)?;
        }
        Ok(())
    }

    /// What runs as its owner was that owner's before: an old file of one of its names, or a source.
    fn runs_as_nobody_else(&self) -> Result<(), Broken> {
        let is_program = |of: &Attributes, uid: u32| of.mode & 0o4000 != 0 && of.uid == uid;
        for name in self.latest().filter(|name| matches!(name.state, State::File(_))) {
            let Some(now) = self.now(&name.target).filter(|now| now.node >= self.scenario.first_new) else { continue };
            if now.kind != Kind::File || now.attributes.mode & 0o4000 == 0 || self.is_taken(&name.target) {
                continue;
            }
            let uid = now.attributes.uid;
            let is_one = |other: &Seen| self.now(&other.target).is_some_and(|other| other.node == now.node);
            let was_program = |other: &Seen| {
                is_program(&self.world.tree.inodes[other.node].attributes, uid)
                    || self.old(other).is_some_and(|old| is_program(&old.attributes, uid))
            };
            // A stranger may have swapped names, and a further operand have made anew what this is a name of.
            let is_swapped = self.world.stranger.is_some() || self.scenario.order.sources.len() > 1;
            let may_have = |other: &Seen| is_swapped || other.key == name.key || is_one(other);
            demand(self.names().any(|other| was_program(other) && may_have(other)), || {
                format!("'{}' runs as user {uid}, and nothing of its name did", name.target)
            })?;
        }
        Ok(())
    }

    /// Who is not of the source's group has no rights that were given to that.
    fn is_no_wider(&self, name: &Seen, now: &Still) -> Result<(), Broken> {
        let preserve = &self.scenario.options.preserve;
        let source = &self.world.tree.inodes[name.node].attributes;
        let wants = preserve.ownership.wanted() && preserve.mode.wanted() && self.scenario.options.privileged;
        let has_group = now.attributes.gid == source.gid;
        demand(!wants || has_group || now.attributes.mode & 0o070 == 0, || {
            format!("'{}' has another group, and rights for it: {:o}", name.target, now.attributes.mode)
        })?;
        debug_assert!(self.scenario.order.form != Form::As || !self.scenario.order.sources.is_empty());
        Ok(())
    }
}
