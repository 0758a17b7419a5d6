//! What must be true in a world whose runs share a tree.

use super::super::tree::ROOT;
use super::super::trees::still::{Still, stills};
use super::super::world::World;
use super::play::Played;
use safecp::kernel::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// A broken promise, in words.
pub type Broken = String;

/// The contents that each name of the source has had.
#[derive(Default)]
pub struct Versions(BTreeMap<String, BTreeSet<Vec<u8>>>);

impl Versions {
    /// Takes note of what the source is now.
    pub fn note(&mut self, world: &World) {
        for still in stills(world, "s").into_iter().filter(|still| still.kind == Kind::File) {
            let name = still.path.trim_start_matches('s').to_owned();
            self.0.entry(name).or_default().insert(still.content);
        }
    }

    /// Whatever has ended how: what has a final name is whole.
    pub fn check(&self, world: &World) -> Result<(), Broken> {
        for still in stills(world, "d").into_iter().filter(|still| still.kind == Kind::File) {
            let name = still.path.trim_start_matches('d');
            if !name.contains("/.safecp-")
                && !self.0.get(name).is_some_and(|versions| versions.contains(&still.content))
            {
                return Err(format!("'d{name}' is in part"));
            }
        }
        Ok(())
    }
}

/// The end has said success: the target is what the source is.
pub fn finished(world: &World) -> Result<(), Broken> {
    let looks = |still: &Still| {
        let Still { kind, content, link, attributes, .. } = still.clone();
        let time = (kind != Kind::Symlink).then_some(attributes.mtime);
        (still.path[1..].to_owned(), kind, content, link, attributes.mode, attributes.uid, attributes.gid, time)
    };
    // What a killed run has left under a temporary name stays, where nothing proves that the run is dead.
    let is_leftover = |still: &Still| {
        still.path.contains("/.safecp-")
            && !["/.safecp-part-", "/.safecp-shards"].iter().any(|name| still.path.contains(name))
    };
    let all = |top: &str| stills(world, top).into_iter().filter(|still| !is_leftover(still)).collect::<Vec<_>>();
    let sorted = |top: &str| {
        let mut all: Vec<_> = all(top).iter().map(looks).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    };
    let (source, target) = (sorted("s"), sorted("d"));
    for (one, other) in source.iter().zip(&target) {
        if one != other {
            return Err(format!(
                "'s{}' {:o} {:?} {} bytes became 'd{}' {:o} {:?} {} bytes",
                one.0,
                one.4,
                one.7,
                one.2.len(),
                other.0,
                other.4,
                other.7,
                other.2.len()
            ));
        }
    }
    if source.len() != target.len() {
        return Err(format!("{} names became {}", source.len(), target.len()));
    }
    let links = |top: &str| {
        let mut sets = BTreeMap::<_, BTreeSet<String>>::new();
        for still in all(top) {
            sets.entry(still.node).or_default().insert(still.path[1..].to_owned());
        }
        sets.into_values().collect::<BTreeSet<_>>()
    };
    if links("s") != links("d") {
        return Err("hard links differ".to_owned());
    }
    let names = world.tree.entries(ROOT).map_or(0, <[_]>::len);
    if names == 2 { Ok(()) } else { Err("records are left".to_owned()) }
}

/// A run that failed says why.
pub fn failed(played: &Played) -> Result<(), Broken> {
    if played.messages.starts_with("safecp: ") {
        Ok(())
    } else {
        Err(format!("{:?} failed and says nothing", played.task))
    }
}
