//! The source of a world whose runs share it: small files and large ones, links, directories; and what changes in it.

use super::super::content::Content;
use super::super::random::Random;
use super::super::tree::{Body, Node, ROOT};
use super::super::trees::grow::past;
use super::super::world::World;
use safecp::kernel::Kind;

/// The shortest range of a file that is cut.
pub const RANGE: u64 = 2048;

const NAMES: &[&str] = &["a", "b", "c", "d", "e", "f"];

/// Makes `s`.
pub fn plant(world: &mut World, random: &mut Random) {
    let top = directory(world, random, ROOT, "s");
    let mut directories = vec![top];
    for name in ["x", "y"] {
        if random.once_in(2) {
            let above = random.pick(&directories);
            directories.push(directory(world, random, above, name));
        }
    }
    let mut files = Vec::new();
    for name in &NAMES[..3 + random.index(3)] {
        let above = random.pick(&directories);
        match random.below(8) {
            0 => link(world, above, name),
            1 if !files.is_empty() => world.tree.set(above, name.as_ref(), Some(random.pick(&files))),
            _ => files.push(file(world, random, above, name)),
        }
    }
    // What is in a directory has changed its time.
    for directory in directories {
        let time = past(world);
        world.tree.inodes[directory].attributes.mtime = time;
    }
}

fn directory(world: &mut World, random: &mut Random, above: Node, name: &str) -> Node {
    let attributes = world.attributes(random.pick(&[0o755, 0o700, 0o555]));
    let body = Body::Directory { entries: Vec::new(), parent: above };
    let node = world.tree.add(0, Kind::Directory, body, attributes);
    world.tree.set(above, name.as_ref(), Some(node));
    node
}

fn link(world: &mut World, above: Node, name: &str) {
    let attributes = world.attributes(0o777);
    let node = world.tree.add(0, Kind::Symlink, Body::Symlink("nowhere".into()), attributes);
    world.tree.set(above, name.as_ref(), Some(node));
}

fn file(world: &mut World, random: &mut Random, above: Node, name: &str) -> Node {
    let mut attributes = world.attributes(random.pick(&[0o644, 0o400]));
    attributes.mtime = past(world);
    let node = world.tree.add(0, Kind::File, Body::File(Content::new(false)), attributes);
    fill(world, random, node);
    world.tree.set(above, name.as_ref(), Some(node));
    node
}

/// Gives a file other bytes, and half of all files so many that they are cut.
pub fn fill(world: &mut World, random: &mut Random, node: Node) {
    let large = 2 * RANGE as usize + random.index(3 * RANGE as usize);
    let size = if random.once_in(2) { large } else { random.index(600) };
    let mut bytes = vec![0; size];
    random.fill(&mut bytes);
    if size > 3000 && random.once_in(2) {
        bytes[1000..2600].fill(0);
    }
    let mut content = Content::new(false);
    content.write(0, &bytes);
    world.tree.inodes[node].body = Body::File(content);
}

/// What somebody does to the source between two rounds: a file gets other bytes, a name goes or comes.
pub fn change(world: &mut World, random: &mut Random) {
    // Time goes on between rounds.
    world.calls += 1000;
    let Some(top) = world.at("s") else { return };
    let names: Vec<(std::ffi::OsString, Node)> = world.tree.entries(top).unwrap_or_default().to_vec();
    let files = names.into_iter().filter(|(_, node)| world.tree.inodes[*node].kind == Kind::File);
    let files: Vec<_> = files.collect();
    match (random.below(3), files.is_empty()) {
        (0, false) => {
            let (_, node) = &files[random.index(files.len())];
            fill(world, random, *node);
            world.touch(*node);
        }
        (1, false) => {
            let (name, _) = &files[random.index(files.len())];
            world.tree.set(top, name, None);
        }
        _ => {
            file(world, random, top, "new");
        }
    }
    world.tree.settle();
}

/// A disk spoils a byte of a large file that is not finished. True if there was one.
pub fn spoil(world: &mut World, random: &mut Random) -> bool {
    let mut parts = Vec::new();
    for node in 0..world.tree.inodes.len() {
        let entries = world.tree.entries(node).unwrap_or_default();
        parts.extend(entries.iter().filter(|(name, _)| name.to_string_lossy().starts_with(".safecp-part-")).cloned());
    }
    parts.first().is_some_and(|(_, node)| rot(world, random, *node))
}

/// A disk spoils a byte of a file. True if it has any.
pub fn rot(world: &mut World, random: &mut Random, node: Node) -> bool {
    let Some(content) = world.tree.content_mut(node) else { return false };
    let at = random.index(content.size().max(1));
    let byte = content.whole().get(at).map(|byte| byte ^ 0x40);
    byte.iter().for_each(|byte| content.write(at, &[*byte]));
    byte.is_some()
}
