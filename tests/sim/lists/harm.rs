//! A second copy of a tree, and what happens to trees in the time between: rot, bad sectors, edits, names that go.

use super::super::random::Random;
use super::super::shards::grove::{fill, rot};
use super::super::tree::{Body, Node};
use super::super::world::World;
use safecp::kernel::Kind;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Makes `name` in `above` what `of` is, with all that is beneath it; `twins` has the copies of files of several names.
pub fn twin(world: &mut World, of: Node, (above, name): (Node, &str), twins: &mut BTreeMap<Node, Node>) {
    if let Some(twin) = twins.get(&of) {
        return world.tree.set(above, name.as_ref(), Some(*twin));
    }
    let inode = &world.tree.inodes[of];
    let (system, kind, attributes) = (inode.system, inode.kind, inode.attributes.clone());
    let (body, entries) = match &inode.body {
        Body::Directory { entries, .. } => (Body::Directory { entries: Vec::new(), parent: above }, entries.clone()),
        Body::File(content) => (Body::File(content.clone()), Vec::new()),
        Body::Symlink(link) => (Body::Symlink(link.clone()), Vec::new()),
        Body::Special(number) => (Body::Special(*number), Vec::new()),
    };
    let copy = world.tree.add(system, kind, body, attributes.clone());
    twins.insert(of, copy);
    world.tree.set(above, name.as_ref(), Some(copy));
    for (name, node) in entries {
        twin(world, node, (copy, &name.to_string_lossy()), twins);
    }
    world.tree.inodes[copy].attributes = attributes;
}

/// What happens to a file.
#[derive(Clone, Copy, Debug)]
enum Harm {
    /// A disk spoils a byte.
    Rot,
    /// A disk cannot read it any more.
    Decay,
    /// Somebody writes other bytes.
    Edit,
    /// A name goes.
    Loss,
}

/// Harms some names beneath a directory.
pub fn harm(world: &mut World, random: &mut Random, top: &str) {
    // Who writes now does so later than the list was made.
    world.calls += 5000;
    let mut names = Vec::new();
    world.at(top).into_iter().for_each(|top| gather(world, top, &mut names));
    for (above, name, node) in names {
        if !random.once_in(3) {
            continue;
        }
        match (random.pick(&[Harm::Rot, Harm::Decay, Harm::Edit, Harm::Loss]), world.tree.inodes[node].kind) {
            (Harm::Loss, _) => world.tree.set(above, &name, None),
            (Harm::Edit, Kind::File) => {
                fill(world, random, node);
                world.touch(node);
            }
            (Harm::Rot, Kind::File) => drop(rot(world, random, node)),
            (Harm::Decay, Kind::File) => world.tree.inodes[node].unreadable = true,
            (Harm::Edit | Harm::Rot | Harm::Decay, _) => {}
        }
    }
    world.tree.settle();
}

/// All names beneath a directory that are none themselves.
fn gather(world: &World, dir: Node, names: &mut Vec<(Node, OsString, Node)>) {
    for (name, node) in world.tree.entries(dir).unwrap_or_default() {
        match world.tree.inodes[*node].kind {
            Kind::Directory => gather(world, *node, names),
            _ => names.push((dir, name.clone(), *node)),
        }
    }
}
