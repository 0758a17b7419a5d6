//! What a run is asked for, and which name of the source goes where.
//!
//! Written from cp's manual, not from the engine: the two must agree without having met. A source is looked at
//! again whenever it changes, so that the judge knows every state that a name had.

use super::super::tree::{Body, Node, ROOT};
use super::super::world::World;
use super::still::bytes;
use rustix::fs::ResolveFlags;
use safecp::kernel::Kind;
use safecp::options::{Dereference, Options, TargetRule};
use safecp::tree::plan::Operands;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How the operands are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The sources go into a directory that is there.
    Into,
    /// The same, with their whole paths.
    IntoWithParents,
    /// The one source gets the target's name.
    As,
    /// The same, said with -T.
    AsItself,
}

/// The operands of a run.
#[derive(Clone, Debug)]
pub struct Order {
    pub sources: Vec<String>,
    pub target: String,
    pub form: Form,
}

/// What a name of the source is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    File(Vec<u8>),
    Directory,
    Symlink(OsString),
    Special(Kind, u64),
    /// A link to be followed that leads nowhere, or in a circle.
    Nowhere,
}

/// A name of the source, what it is at one moment, and where it goes.
#[derive(Clone, Debug)]
pub struct Seen {
    pub source: String,
    pub target: String,
    /// The target as all that are one with it are written.
    pub key: String,
    /// Which of the operands it belongs to.
    pub operand: usize,
    /// The directory and the name by which it is looked up.
    pub at: (Node, OsString),
    pub node: Node,
    pub state: State,
    /// A link that was followed led to it, or above it.
    pub is_followed: bool,
}

/// A directory that is being walked.
#[derive(Clone, Copy)]
struct Above {
    node: Node,
    is_followed: bool,
}

impl Order {
    pub fn operands(&self) -> Operands {
        let rule = match self.form {
            Form::AsItself => TargetRule::Itself,
            Form::Into | Form::IntoWithParents | Form::As => TargetRule::Last,
        };
        let sources = self.sources.iter().map(PathBuf::from).collect();
        Operands { sources, target: PathBuf::from(&self.target), rule, strips: false }
    }

    /// The target of an operand.
    fn target(&self, source: &str) -> String {
        match self.form {
            Form::As | Form::AsItself => self.target.clone(),
            Form::Into => format!("{}/{}", self.target, source.rsplit('/').next().unwrap_or_default()),
            Form::IntoWithParents => format!("{}/{source}", self.target),
        }
    }

    /// Every name that is asked for, as it is now.
    pub fn inspect(&self, world: &World, options: &Options) -> Vec<Seen> {
        let mut walk = Walk { world, options, seen: Vec::new(), operand: 0 };
        for (operand, source) in self.sources.iter().enumerate() {
            walk.operand = operand;
            let follow = options.dereference != Dereference::Never;
            let Ok(place) = world.tree.walk(ROOT, Path::new(source), false, ResolveFlags::empty()) else { continue };
            let (dir, name) = (place.dir, place.name.to_owned());
            if place.found.is_some() {
                walk.name((dir, name), source.clone(), self.target(source), follow, &[]);
            }
        }
        walk.seen
    }

    /// The directories that --parents makes above the operands' targets, with their sources.
    pub fn parents(&self) -> Vec<(String, String)> {
        let mut parents = Vec::new();
        if self.form == Form::IntoWithParents {
            for source in &self.sources {
                let ends = source.match_indices('/').map(|(end, _)| &source[..end]);
                parents.extend(ends.map(|above| (above.to_owned(), format!("{}/{above}", self.target))));
            }
        }
        parents
    }
}

struct Walk<'a> {
    world: &'a World,
    options: &'a Options,
    seen: Vec<Seen>,
    operand: usize,
}

impl Walk<'_> {
    fn name(&mut self, at: (Node, OsString), source: String, target: String, follow: bool, above: &[Above]) {
        let tree = &self.world.tree;
        let Some(itself) = tree.find(at.0, &at.1).or((at.1 == ".").then_some(at.0)) else { return };
        let is_link = tree.inodes[itself].kind == Kind::Symlink;
        let follows = follow && is_link;
        let is_followed = follows || above.iter().any(|above| above.is_followed);
        let found = if follows {
            tree.walk(at.0, Path::new(&at.1), true, ResolveFlags::empty()).ok().and_then(|place| place.found)
        } else {
            Some(itself)
        };
        let node = found.unwrap_or(itself);
        let state = match (&tree.inodes[node].body, found) {
            (_, None) => State::Nowhere,
            _ if above.iter().any(|above| above.node == node) => State::Nowhere,
            (Body::File(content), _) => State::File(bytes(content)),
            (Body::Directory { .. }, _) => State::Directory,
            (Body::Symlink(content), _) => State::Symlink(content.clone()),
            (Body::Special(rdev), _) => State::Special(tree.inodes[node].kind, *rdev),
        };
        let is_entered = state == State::Directory && self.options.recursive;
        let operand = self.operand;
        self.seen.push(Seen {
            key: key(self.world, &target),
            source: source.clone(),
            target: target.clone(),
            operand,
            at,
            node,
            state,
            is_followed,
        });
        if is_entered {
            let inside = self.options.dereference == Dereference::Always;
            let above = [above, &[Above { node, is_followed }]].concat();
            for (name, _) in tree.entries(node).unwrap_or_default().to_vec() {
                let shown = name.to_string_lossy();
                let (source, target) = (format!("{source}/{shown}"), format!("{target}/{shown}"));
                self.name((node, name.clone()), source, target, inside, &above);
            }
        }
    }
}

/// A target's path as all that are one with it are written.
pub fn key(world: &World, target: &str) -> String {
    let folding = world.tree.folding.last().copied().unwrap_or_default();
    let target = target.strip_suffix("/.").unwrap_or(target);
    folding.folded(&if target.contains("/./") { target.replace("/./", "/") } else { target.to_owned() })
}
