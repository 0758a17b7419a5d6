//! Somebody else on the machine, who changes trees between two calls of the copier.
//!
//! What they may do is chosen by the class of the world; they stop after a few acts. Before and after each act
//! that touches the source it is looked at, so that the judge knows every state that a name had.

use super::super::faults::Fault;
use super::super::tree::{Body, Node, ROOT};
use super::super::world::{DEFAULT_LIST, World};
use super::grow::{STRANGER, fresh_bytes, list, unnamed};
use super::order::{Order, Seen, State};
use safecp::kernel::Kind;
use safecp::options::Options;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What they may do, and what they have done.
#[derive(Debug)]
pub struct Stranger {
    /// What they choose from.
    pub kinds: &'static [Fault],
    /// One act in so many calls.
    pub rate: u32,
    /// Acts left.
    pub acts: u32,
    /// What the run is asked for, to find its names.
    pub order: Order,
    pub options: Options,
    /// The source after each act, and the call at which that was.
    pub states: Vec<(u64, Vec<Seen>)>,
    /// Targets whose names they changed.
    pub took: Vec<String>,
    /// They changed the source.
    pub took_source: bool,
    /// A directory of theirs in which they collect what they take away.
    pub theirs: Node,
}

pub const ON_SOURCE: &[Fault] =
    &[Fault::StrangerRewrites, Fault::StrangerReplaces, Fault::StrangerRecreates, Fault::StrangerRemoves];
pub const ON_NUMBERS: &[Fault] = &[Fault::StrangerRecreates, Fault::StrangerRecreates, Fault::StrangerReplaces];
pub const SWAPS: &[Fault] = &[
    Fault::StrangerLinksSource,
    Fault::StrangerSwapsSource,
    Fault::StrangerPlants,
    Fault::StrangerSwapsTarget,
    Fault::StrangerPlants,
];
/// Where all links are followed, one of the stranger's in the source is like any other.
pub const SWAPS_WITH_LINKS: &[Fault] = &[Fault::StrangerPlants, Fault::StrangerSwapsTarget];
pub const TAKES: &[Fault] = &[Fault::StrangerTakesTemporary];
pub const LISTS: &[Fault] = &[Fault::StrangerSetsList];

impl World {
    /// The stranger's turn between two calls.
    pub fn meddle(&mut self) {
        let Some(mut stranger) = self.stranger.take() else { return };
        if stranger.acts > 0 && self.random.once_in(stranger.rate) {
            let fault = self.random.pick(stranger.kinds);
            if self.meddle_by(fault, &mut stranger) {
                stranger.acts -= 1;
                self.count(fault);
                if stranger.took_source {
                    let seen = stranger.order.inspect(self, &stranger.options);
                    stranger.states.push((self.calls, seen));
                }
            }
        }
        self.stranger = Some(stranger);
    }

    fn meddle_by(&mut self, fault: Fault, stranger: &mut Stranger) -> bool {
        match fault {
            Fault::StrangerPlants => self.plant_at_target(stranger),
            Fault::StrangerSwapsTarget => self.swap_target(stranger),
            Fault::StrangerTakesTemporary => self.take_temporary(stranger),
            Fault::StrangerSetsList => self.set_list(stranger),
            _ => {
                let done = self.meddle_with_source(fault, stranger);
                stranger.took_source |= done;
                done
            }
        }
    }

    /// A name of the source that `is_wanted`, as it was when the stranger last looked.
    fn source_name(&mut self, stranger: &Stranger, is_wanted: impl Fn(&Seen) -> bool) -> Option<Seen> {
        let (_, seen) = stranger.states.last()?;
        let wanted: Vec<&Seen> = seen.iter().filter(|seen| is_wanted(seen)).collect();
        if wanted.is_empty() { None } else { Some(wanted[self.random.index(wanted.len())].clone()) }
    }

    fn meddle_with_source(&mut self, fault: Fault, stranger: &mut Stranger) -> bool {
        let is_directory = fault == Fault::StrangerSwapsSource;
        let links = is_directory || fault == Fault::StrangerLinksSource;
        let operands = &stranger.order.sources;
        let is_wanted = |seen: &Seen| {
            let is_kind = match &seen.state {
                State::File(_) => !is_directory,
                State::Directory => is_directory,
                State::Symlink(_) | State::Special(..) | State::Nowhere => false,
            };
            // An operand that is a link is the user's, whoever made it.
            is_kind && !seen.is_followed && !(links && operands.contains(&seen.source))
        };
        let Some(Seen { at: (dir, name), node, .. }) = self.source_name(stranger, is_wanted) else { return false };
        match fault {
            Fault::StrangerRewrites => self.rewrite(node),
            Fault::StrangerReplaces => {
                let new = unnamed(self, dir, 0o644);
                self.date(new);
                self.tree.set(dir, &name, Some(new));
            }
            Fault::StrangerRecreates => return self.recreate(node, stranger),
            Fault::StrangerRemoves => {
                self.tree.set(dir, &name, None);
                self.touch_inode(node);
            }
            Fault::StrangerLinksSource => self.plant_theirs(dir, &name, "/o/secret"),
            _ => {
                self.plant_theirs(dir, &name, "/o");
                self.tree.set(stranger.theirs, &name, Some(node));
            }
        }
        true
    }

    /// New bytes in the same file, often as many as before: only times tell then.
    fn rewrite(&mut self, node: Node) {
        let mut bytes = fresh_bytes(self);
        let keeps_size = self.random.once_in(2);
        if let Some(content) = self.tree.content_mut(node) {
            if keeps_size {
                bytes.resize(content.size(), bytes.len() as u8);
            }
            content.truncate(0);
            content.write(0, &bytes);
        }
        self.touch(node);
    }

    /// A file that came to be now.
    fn date(&mut self, node: Node) {
        self.touch(node);
        self.tree.inodes[node].attributes.atime = self.now();
    }

    /// All names of a file go, and as many new ones come that are one other file; where numbers are given again it
    /// has the old one's.
    fn recreate(&mut self, node: Node, stranger: &Stranger) -> bool {
        let Some((_, seen)) = stranger.states.last() else { return false };
        let is_name = |seen: &&Seen| seen.node == node && !seen.is_followed;
        let names: Vec<(Node, OsString)> = seen.iter().filter(is_name).map(|seen| seen.at.clone()).collect();
        let new = unnamed(self, names[0].0, 0o644);
        self.date(new);
        for (dir, name) in &names {
            self.tree.set(*dir, name, Some(new));
        }
        let is_free =
            self.tree.inodes[node].nlink == 0 && !self.opened.iter().flatten().any(|opened| opened.node == node);
        if self.reuses_numbers && is_free {
            self.count(Fault::NumberReused);
            self.tree.inodes[node].linkable = false;
            self.tree.inodes[new].number = self.tree.inodes[node].number;
        }
        true
    }

    fn plant_theirs(&mut self, dir: Node, name: &OsStr, content: &str) {
        let (system, mut attributes) = (self.tree.inodes[dir].system, self.attributes(0o777));
        (attributes.uid, attributes.gid) = (STRANGER, STRANGER);
        let link = self.tree.add(system, Kind::Symlink, Body::Symlink(content.into()), attributes);
        self.tree.set(dir, name, Some(link));
    }

    /// Whether a directory is one that the stranger may change.
    fn is_strangers(&self, dir: Node) -> bool {
        self.tree.entries(dir).is_ok() && self.tree.inodes[dir].attributes.uid == STRANGER
    }

    /// The directory of a target and its name in it, where there is one of theirs and no link is on the way.
    fn target_place(&self, target: &str) -> Option<(Node, OsString)> {
        let flags = rustix::fs::ResolveFlags::NO_SYMLINKS;
        let place = self.tree.walk(ROOT, Path::new(target), false, flags).ok()?;
        let is_theirs = self.is_strangers(place.dir);
        (place.name != "." && is_theirs).then(|| (place.dir, place.name.to_owned()))
    }

    fn plant_at_target(&mut self, stranger: &mut Stranger) -> bool {
        let is_inside = |seen: &Seen| matches!(seen.state, State::File(_)) && seen.target.matches('/').count() > 1;
        let Some(seen) = self.source_name(stranger, is_inside) else { return false };
        let Some((dir, name)) = self.target_place(&seen.target) else { return false };
        let content = self.random.pick(&["/o/victim", "/o/secret", "theirs"]);
        let theirs = OsStr::new("theirs");
        if content == "theirs" && self.tree.find(dir, theirs).is_none() {
            let file = unnamed(self, dir, 0o666);
            self.tree.inodes[file].attributes.uid = STRANGER;
            self.tree.set(dir, theirs, Some(file));
            let above = seen.target.rsplit_once('/').map_or("", |(above, _)| above);
            stranger.took.push(format!("{above}/theirs"));
        }
        self.plant_theirs(dir, &name, content);
        stranger.took.push(seen.target);
        true
    }

    fn swap_target(&mut self, stranger: &mut Stranger) -> bool {
        let is_inside = |seen: &Seen| seen.state == State::Directory && seen.target.matches('/').count() > 1;
        let Some(seen) = self.source_name(stranger, is_inside) else { return false };
        let Some((dir, name)) = self.target_place(&seen.target) else { return false };
        let stood = self.tree.find(dir, &name);
        self.plant_theirs(dir, &name, "/o");
        if stood.is_some() {
            self.tree.set(stranger.theirs, &name, stood);
        }
        stranger.took.push(seen.target);
        true
    }

    /// A file of theirs gets the name of a temporary, which is gone.
    fn take_temporary(&mut self, stranger: &mut Stranger) -> bool {
        let mut found = Vec::new();
        for dir in (0..self.tree.inodes.len()).filter(|dir| self.is_strangers(*dir)) {
            let names = self.tree.entries(dir).unwrap_or_default().iter().map(|(name, _)| name);
            let temporaries = names.filter(|name| name.as_encoded_bytes().starts_with(b".safecp-"));
            found.extend(temporaries.map(|name| (dir, name.clone())));
        }
        if found.is_empty() {
            return false;
        }
        let (dir, name) = found.swap_remove(self.random.index(found.len()));
        let file = unnamed(self, dir, 0o644);
        self.tree.inodes[file].attributes.uid = STRANGER;
        self.tree.set(dir, &name, Some(file));
        stranger.took.push(name.to_string_lossy().into_owned());
        true
    }

    fn set_list(&mut self, stranger: &Stranger) -> bool {
        let Some(seen) = self.source_name(stranger, |seen| seen.state == State::Directory) else { return false };
        let Some(node) = self.at(&seen.target).filter(|node| self.is_strangers(*node)) else { return false };
        let xattrs = &mut self.tree.inodes[node].attributes.xattrs;
        if xattrs.iter().any(|(name, _)| name == DEFAULT_LIST) {
            return false;
        }
        xattrs.push((DEFAULT_LIST.into(), list()));
        self.touch_inode(node);
        true
    }
}
