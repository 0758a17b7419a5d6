//! The trees of a world: a source, what lies outside, and what stands at the targets already.

use super::super::content::Content;
use super::super::system::Folding;
use super::super::tree::{Body, Node, ROOT};
use super::super::world::{ACCESS_LIST, World};
use super::class::Class;
use super::order::{Form, Order, Seen, State};
use safecp::kernel::{Kind, Timestamp};
use std::path::Path;

/// Who meddles; who copies is root or [`USER`].
pub const STRANGER: u32 = 1001;
pub const USER: u32 = 1000;

/// Names beyond which a source does not grow.
const NAMES_MAX: usize = 12;

const NAMES: &[&str] = &["a", "b", "c", "d", "e"];
const CASES: &[&str] = &["a", "A", "b", "B", "c"];
const ACCENTS: &[&str] = &["\u{e9}", "e\u{301}", "f\u{e9}", "fe\u{301}", "c"];

/// What the trees of a world are to be like.
#[derive(Clone, Copy)]
pub struct Soil {
    pub class: Class,
    pub folding: Folding,
    /// Fifos may be among the sources: they are not opened.
    pub has_specials: bool,
    /// Old targets may be links that are written through.
    pub has_far_targets: bool,
    /// A link that leads to a directory may be among the sources.
    pub links_lead_on: bool,
}

/// Makes trees in a world.
pub struct Gardener<'a> {
    pub world: &'a mut World,
    pub soil: Soil,
    /// Regular files of the source, each a chance for a hard link.
    files: Vec<Node>,
    names: usize,
}

impl<'a> Gardener<'a> {
    pub fn new(world: &'a mut World, soil: Soil) -> Self {
        Self { world, soil, files: Vec::new(), names: 0 }
    }

    pub fn directory(&mut self, above: Node, name: &str, mode: u32) -> Node {
        let system = self.world.tree.inodes[above].system;
        self.directory_on(above, name, mode, system)
    }

    pub fn directory_on(&mut self, above: Node, name: &str, mode: u32, system: usize) -> Node {
        let attributes = self.world.attributes(mode);
        let body = Body::Directory { entries: Vec::new(), parent: above };
        let node = self.world.tree.add(system, Kind::Directory, body, attributes);
        self.name(above, name, node);
        node
    }

    fn name(&mut self, dir: Node, name: &str, node: Node) {
        self.world.tree.set(dir, name.as_ref(), Some(node));
    }

    /// A file of bytes that no other has.
    pub fn file(&mut self, dir: Node, name: &str, mode: u32) -> Node {
        let node = unnamed(self.world, dir, mode);
        self.name(dir, name, node);
        node
    }

    pub fn symlink(&mut self, dir: Node, name: &str, content: &str) -> Node {
        let system = self.world.tree.inodes[dir].system;
        let attributes = self.world.attributes(0o777);
        let node = self.world.tree.add(system, Kind::Symlink, Body::Symlink(content.into()), attributes);
        self.name(dir, name, node);
        node
    }

    fn fifo(&mut self, dir: Node, name: &str) -> Node {
        let (system, attributes) = (self.world.tree.inodes[dir].system, self.world.attributes(0o640));
        let node = self.world.tree.add(system, Kind::Fifo, Body::Special(0), attributes);
        self.name(dir, name, node);
        node
    }

    /// `s` with files, directories, links and second names.
    pub fn source(&mut self, system: usize) -> Node {
        let top = self.directory_on(ROOT, "s", 0o755, system);
        if self.soil.class == Class::Narrow {
            self.deep(top);
        }
        self.grow(top, 0);
        top
    }

    /// A chain of directories, with a file in each.
    fn deep(&mut self, top: Node) {
        let mut dir = top;
        for _ in 0..2 + self.world.random.index(6) {
            dir = self.directory(dir, "d", 0o755);
            let name = self.pick_name();
            if name != "d" {
                self.source_file(dir, name);
            }
        }
    }

    fn pick_name(&mut self) -> &'static str {
        let names = match self.soil.folding {
            Folding::Exact => NAMES,
            Folding::Case => CASES,
            Folding::Accents => ACCENTS,
        };
        self.world.random.pick(names)
    }

    fn grow(&mut self, dir: Node, depth: usize) {
        for _ in 0..1 + self.world.random.index(if depth == 0 { 6 } else { 4 }) {
            let name = self.pick_name();
            if self.names >= NAMES_MAX || self.world.tree.find(dir, name.as_ref()).is_some() {
                continue;
            }
            self.names += 1;
            match self.world.random.below(20) {
                0..5 if depth < 3 => {
                    let mode = self.world.random.pick(&[0o755, 0o700, 0o775]);
                    let inner = self.directory(dir, name, mode);
                    self.grow(inner, depth + 1);
                }
                5..8 => self.link(dir, name),
                8..11 if !self.files.is_empty() => {
                    let file = self.world.random.pick(&self.files);
                    self.name(dir, name, file);
                }
                11 if self.soil.has_specials => drop(self.fifo(dir, name)),
                _ => self.source_file(dir, name),
            }
        }
        if self.soil.class != Class::Guessed {
            return;
        }
        if let Some((name, _)) = self.world.tree.entries(dir).unwrap_or_default().first() {
            let digest = blake3::hash(name.as_encoded_bytes()).to_hex();
            let guessed = format!(".safecp-{}", &digest[..16]);
            self.source_file(dir, &guessed);
        }
    }

    fn link(&mut self, dir: Node, name: &str) {
        let nearby = self.pick_name();
        let leads_to_directory =
            self.world.tree.find(dir, nearby.as_ref()).is_none_or(|node| !self.world.is_file(node));
        let content = match self.world.random.below(4) {
            0 => "/o/shared".to_owned(),
            1 if self.soil.links_lead_on => "/o/d".to_owned(),
            2 if !leads_to_directory => nearby.to_owned(),
            _ => "/o/shared".to_owned(),
        };
        let node = self.symlink(dir, name, &content);
        self.world.tree.inodes[node].attributes.mtime = past(self.world);
    }

    fn source_file(&mut self, dir: Node, name: &str) {
        let mode = self.world.random.pick(&[0o644, 0o600, 0o600, 0o640, 0o755]);
        let node = self.file(dir, name, mode);
        self.files.push(node);
    }

    /// `o`: a file that links of the source lead to, a directory of that kind, and what nobody is to touch.
    pub fn outside(&mut self, is_secret: bool) -> Node {
        let outside = self.directory(ROOT, "o", 0o755);
        self.file(outside, "shared", 0o644);
        let inner = self.directory(outside, "d", 0o755);
        self.file(inner, "a", 0o644);
        for name in ["secret", "victim"] {
            let secret = self.file(outside, name, 0o600);
            self.world.tree.inodes[secret].secret = is_secret;
        }
        outside
    }

    /// Puts something at some of the targets. Returns whether the order can still be carried out.
    pub fn targets(&mut self, seen: &[Seen], order: &Order, chance: u32) -> bool {
        let mut is_clean = true;
        let mut seconds = Vec::new();
        for name in seen {
            let (above, last) = name.target.rsplit_once('/').unwrap_or(("", &name.target));
            let dir = if above.is_empty() { Some(ROOT) } else { self.at(above) };
            let Some(dir) = dir.filter(|dir| self.world.tree.entries(*dir).is_ok()) else { continue };
            let is_there = last == "." || self.world.tree.find(dir, last.as_ref()).is_some();
            // A directory there would take the source in.
            let is_new_name = order.form == Form::As && name.target == order.target;
            if is_new_name && name.state == State::Directory {
                continue;
            }
            if is_there || !self.world.random.once_in(chance) {
                continue;
            }
            is_clean &= match &name.state {
                State::Directory => self.old_directory(dir, last),
                // What the user names may be a link of anybody's.
                State::File(_) if self.is_planted() && !order.sources.contains(&name.source) => {
                    self.planted(dir, last);
                    false
                }
                State::File(bytes) if self.world.random.clone().once_in(4) => self.twin(dir, last, name.node, bytes),
                State::File(_) => self.old_file(dir, last, &mut seconds, !is_new_name),
                State::Symlink(_) | State::Special(..) | State::Nowhere => self.old_other(dir, last),
            };
        }
        is_clean
    }

    fn is_planted(&mut self) -> bool {
        self.soil.class == Class::Planted && self.world.random.once_in(2)
    }

    fn at(&self, path: &str) -> Option<Node> {
        let place = self.world.tree.walk(ROOT, Path::new(path), true, rustix::fs::ResolveFlags::empty());
        place.ok()?.found
    }

    fn old_directory(&mut self, dir: Node, name: &str) -> bool {
        if self.world.random.once_in(12) && self.soil.class != Class::Narrow {
            self.old(dir, name);
            return false;
        }
        let old = self.directory(dir, name, 0o755);
        if self.world.random.once_in(3) {
            self.file(old, "kept", 0o644);
        }
        true
    }

    fn old(&mut self, dir: Node, name: &str) -> Node {
        let mode = self.world.random.pick(&[0o644, 0o600, 0o600, 0o664]);
        self.file(dir, name, mode)
    }

    /// What an earlier run may have made of a source, or what only looks like that.
    fn twin(&mut self, dir: Node, name: &str, source: Node, bytes: &[u8]) -> bool {
        let node = self.old(dir, name);
        let mut bytes = bytes.to_vec();
        if self.world.random.once_in(4) {
            let at = self.world.random.index(bytes.len());
            bytes[at] ^= 1 << self.world.random.below(8);
        }
        let has_xattrs = self.world.systems[self.world.tree.inodes[node].system].xattrs;
        let mut attributes = self.world.tree.inodes[source].attributes.clone();
        if !has_xattrs {
            attributes.xattrs.clear();
        }
        self.world.tree.inodes[node].attributes = attributes;
        if let Some(content) = self.world.tree.content_mut(node) {
            content.truncate(0);
            content.write(0, &bytes);
        }
        true
    }

    fn old_file(&mut self, dir: Node, name: &str, seconds: &mut Vec<Node>, may_be_directory: bool) -> bool {
        let class = self.soil.class;
        let in_place = class == Class::FailingInPlace;
        let is_whole = class.fails() && !in_place || matches!(class, Class::Crash | Class::CrashLinks);
        match self.world.random.below(16) {
            0 if may_be_directory => {
                self.directory(dir, name, 0o755);
                false
            }
            1 => {
                self.symlink(dir, name, "nowhere");
                false
            }
            2..6 if !is_whole && (in_place || self.world.random.once_in(2)) => {
                let node = self.old(dir, name);
                let second = format!("{name}-second");
                self.name(dir, &second, node);
                true
            }
            6..10 if !is_whole && self.soil.has_far_targets && (in_place || self.world.random.once_in(2)) => {
                let far = format!("{name}-far");
                self.old(dir, &far);
                self.symlink(dir, name, &far);
                true
            }
            10..14 if class == Class::Joined => {
                let node = if seconds.is_empty() { self.old(dir, name) } else { self.world.random.pick(seconds) };
                if self.world.tree.find(dir, name.as_ref()).is_none() {
                    self.name(dir, name, node);
                }
                seconds.push(node);
                true
            }
            _ => {
                self.old(dir, name);
                true
            }
        }
    }

    /// A link of the stranger's: out of the tree, or to a file of theirs in it.
    pub fn planted(&mut self, dir: Node, name: &str) {
        let content = match self.world.random.below(3) {
            0 => "/o/victim",
            1 => "/o/secret",
            _ => "theirs",
        };
        let link = self.symlink(dir, name, content);
        self.world.tree.inodes[link].attributes.uid = STRANGER;
        if content == "theirs" && self.world.tree.find(dir, content.as_ref()).is_none() {
            let theirs = self.file(dir, content, 0o666);
            self.world.tree.inodes[theirs].attributes.uid = STRANGER;
        }
    }

    fn old_other(&mut self, dir: Node, name: &str) -> bool {
        self.old(dir, name);
        false
    }
}

/// A file of bytes that no other has, without a name yet, on the filesystem of `dir`.
pub fn unnamed(world: &mut World, dir: Node, mode: u32) -> Node {
    let system = world.tree.inodes[dir].system;
    let mut content = Content::new(world.systems[system].zfs.is_some());
    content.write(0, &fresh_bytes(world));
    let mut attributes = world.attributes(mode);
    attributes.mtime = past(world);
    attributes.ctime = attributes.mtime;
    if world.random.once_in(8) {
        attributes.xattrs.push(("user.note".into(), world.random.next().to_le_bytes().to_vec()));
    }
    if world.random.once_in(12) {
        attributes.xattrs.push((ACCESS_LIST.into(), list()));
    }
    if !world.systems[system].xattrs {
        attributes.xattrs.clear();
    }
    world.tree.add(system, Kind::File, Body::File(content), attributes)
}

/// At least eight bytes, so that no two files are the same by chance.
pub fn fresh_bytes(world: &mut World) -> Vec<u8> {
    let size = 8 + world.random.index(if world.random.clone().once_in(8) { 1500 } else { 200 });
    let mut bytes = vec![0; size];
    world.random.fill(&mut bytes);
    bytes
}

/// A time before the world began.
pub fn past(world: &mut World) -> Timestamp {
    Timestamp {
        seconds: 1_000_000 + world.random.index(100_000) as i64,
        nanos: world.random.index(1_000_000_000) as u32,
    }
}

/// Whether two names that are written differently, or two sources, meet at one target.
pub fn collides(seen: &[Seen]) -> bool {
    let merges = |one: &Seen, other: &Seen| {
        one.state == State::Directory && other.state == State::Directory && one.target == other.target
    };
    let meets = |at: usize| seen[..at].iter().any(|other| other.key == seen[at].key && !merges(&seen[at], other));
    (0..seen.len()).any(meets)
}

/// An access control list, as the kernel has them, by which the stranger may read and write.
pub fn list() -> Vec<u8> {
    const NOBODY: u32 = u32::MAX;
    let entries: [(u16, u16, u32); 5] =
        [(1, 6, NOBODY), (2, 6, STRANGER), (4, 4, NOBODY), (0x10, 6, NOBODY), (0x20, 0, NOBODY)];
    let entries = entries.iter().flat_map(|(tag, rights, who)| {
        tag.to_le_bytes().into_iter().chain(rights.to_le_bytes()).chain(who.to_le_bytes())
    });
    2_u32.to_le_bytes().into_iter().chain(entries).collect()
}
