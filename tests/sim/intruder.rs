//! Somebody else on the machine: changes files and names between two calls of the copier.
//!
//! What they may do is switched by the same rates as the other faults, and they stop after a few
//! acts, so that a copy has an end. Before and after each act the source's bytes are remembered, for
//! the oracle to say which bytes a copy of a moving source may hold.

use super::content::{PAGE, SIZE_MAX, touched};
use super::faults::Fault;
use super::tree::{Body, Node};
use super::world::World;
use safecp::kernel::Kind;
use std::ffi::OsString;

/// Where the intruder strikes, and what they have done.
#[derive(Clone, Debug, Default)]
pub struct Intruder {
    /// Directory and name of the source and of the target.
    pub source: (Node, OsString),
    pub target: (Node, OsString),
    /// Acts left.
    pub acts: u32,
    /// What a link planted at the source leads to, and what one at the target leads to.
    pub secret: OsString,
    pub victim: OsString,
    /// The source's bytes before and after each act, the first being those it began with.
    pub versions: Vec<Vec<u8>>,
    /// Whether an act touched the target's name, so that old-or-new is no longer the copier's alone.
    pub took_target: bool,
    /// Whether an act touched the source's name or content.
    pub took_source: bool,
    /// The file that the intruder left at the target's name.
    pub planted: Option<Node>,
}

const ON_SOURCE: &[Fault] = &[
    Fault::IntruderAppends,
    Fault::IntruderWrites,
    Fault::IntruderMaps,
    Fault::IntruderTruncates,
    Fault::IntruderPunches,
    Fault::IntruderReplacesSource,
    Fault::IntruderLinksSource,
    Fault::IntruderPipesSource,
    Fault::IntruderRemovesSource,
];

const ON_TARGET: &[Fault] = &[
    Fault::IntruderMakesTarget,
    Fault::IntruderMovesTarget,
    Fault::IntruderRemovesTarget,
    Fault::IntruderLinksTarget,
    Fault::IntruderPipesTarget,
];

impl Intruder {
    /// The kinds of faults that are the intruder's.
    pub fn kinds() -> impl Iterator<Item = Fault> {
        ON_SOURCE.iter().chain(ON_TARGET).copied()
    }
}

impl World {
    /// The intruder's turn between two calls.
    pub fn intrude(&mut self) {
        if self.intruder.acts == 0 {
            return;
        }
        for fault in ON_SOURCE.iter().chain(ON_TARGET) {
            if self.intruder.acts > 0 && self.random.once_in(self.rates.of(*fault)) {
                self.act(*fault);
            }
        }
    }

    fn act(&mut self, fault: Fault) {
        self.intruder.acts -= 1;
        let done = if ON_SOURCE.contains(&fault) { self.act_on_source(fault) } else { self.act_on_target(fault) };
        if done {
            self.count(fault);
        }
    }

    fn act_on_source(&mut self, fault: Fault) -> bool {
        let (dir, name) = self.intruder.source.clone();
        let Some(node) = self.tree.find(dir, &name) else { return false };
        if !self.is_file(node) {
            return false;
        }
        let done = match fault {
            Fault::IntruderReplacesSource => self.replace_source(),
            Fault::IntruderLinksSource => {
                self.plant(dir, &name, Kind::Symlink, Body::Symlink(self.intruder.secret.clone()))
            }
            Fault::IntruderPipesSource => self.plant(dir, &name, Kind::Fifo, Body::Special(0)),
            Fault::IntruderRemovesSource => {
                self.tree.set(dir, &name, None);
                self.touch_inode(node);
                true
            }
            _ => self.change_content(fault, node),
        };
        self.intruder.took_source |= done;
        done
    }

    fn change_content(&mut self, fault: Fault, node: Node) -> bool {
        let mut bytes = vec![0; 1 + self.random.index(2 * PAGE)];
        self.random.fill(&mut bytes);
        let size = self.tree.content(node).map_or(0, super::content::Content::size);
        let at = self.random.index(size);
        let other_size = self.random.index(size + PAGE);
        let Some(content) = self.tree.content_mut(node) else { return false };
        match fault {
            Fault::IntruderAppends if size + bytes.len() <= SIZE_MAX => content.write(size, &bytes),
            Fault::IntruderWrites if at + bytes.len() <= SIZE_MAX => content.write(at, &bytes),
            Fault::IntruderMaps if size > 0 => content.write_mapped(at, &bytes),
            Fault::IntruderTruncates if other_size <= SIZE_MAX => content.truncate(other_size),
            Fault::IntruderPunches if size > 0 => content.punch(touched(at, at + bytes.len())),
            _ => return false,
        }
        // ZFS gives a file new times only when a page of a mapping reaches it.
        if fault != Fault::IntruderMaps || self.system(node).zfs.is_none() {
            self.touch(node);
        }
        self.remember(node);
        true
    }

    /// Remembers the bytes of a file that bears the source's name.
    pub fn remember(&mut self, node: Node) {
        if let Some(content) = self.tree.content(node) {
            let whole = content.whole();
            self.intruder.versions.push(whole);
        }
    }

    fn replace_source(&mut self) -> bool {
        let (dir, name) = self.intruder.source.clone();
        let node = self.file_like(dir);
        self.tree.set(dir, &name, Some(node));
        self.remember(node);
        true
    }

    /// A new file with bytes of its own, not yet named, on the filesystem of `dir`.
    fn file_like(&mut self, dir: Node) -> Node {
        let mut bytes = vec![0; 1 + self.random.index(4 * PAGE)];
        self.random.fill(&mut bytes);
        let system = self.tree.inodes[dir].system;
        let mut content = super::content::Content::new(self.systems[system].zfs.is_some());
        content.write(0, &bytes);
        let attributes = self.attributes(0o600);
        self.tree.add(system, Kind::File, Body::File(content), attributes)
    }

    fn plant(&mut self, dir: Node, name: &OsString, kind: Kind, body: Body) -> bool {
        let system = self.tree.inodes[dir].system;
        let attributes = self.attributes(0o777);
        let node = self.tree.add(system, kind, body, attributes);
        self.tree.set(dir, name, Some(node));
        true
    }

    fn act_on_target(&mut self, fault: Fault) -> bool {
        let (dir, name) = self.intruder.target.clone();
        let there = self.tree.find(dir, &name);
        let done = match fault {
            Fault::IntruderMakesTarget => {
                let node = self.file_like(dir);
                self.tree.set(dir, &name, Some(node));
                self.intruder.planted = Some(node);
                return self.take_target();
            }
            Fault::IntruderMovesTarget if there.is_some() => {
                self.tree.rename(dir, &name, dir, &OsString::from("moved"));
                true
            }
            Fault::IntruderRemovesTarget if there.is_some() => {
                self.tree.set(dir, &name, None);
                true
            }
            Fault::IntruderLinksTarget => {
                self.plant(dir, &name, Kind::Symlink, Body::Symlink(self.intruder.victim.clone()))
            }
            Fault::IntruderPipesTarget => self.plant(dir, &name, Kind::Fifo, Body::Special(0)),
            _ => false,
        };
        if done {
            self.intruder.planted = None;
            self.take_target();
        }
        done
    }

    fn take_target(&mut self) -> bool {
        self.intruder.took_target = true;
        true
    }
}
