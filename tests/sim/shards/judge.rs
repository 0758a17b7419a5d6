//! What must be true in a world whose runs share a tree.

use super::super::tree::ROOT;
use super::super::trees::still::{Still, stills};
use super::super::world::World;
use super::play::Played;
use safecp::kernel::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// A broken promise, in words.
pub type Broken = String;

/// What the source has been.
#[derive(Default)]
pub struct Versions {
    /// The contents that each name has had.
    contents: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// The whole, each time that it had changed.
    states: Vec<Vec<Still>>,
    /// Those that an end which died may have found complete: only the removal of the records is left then.
    judged: BTreeSet<usize>,
}

impl Versions {
    /// Takes note of what the source is now.
    pub fn note(&mut self, world: &World) {
        let state = stills(world, "s");
        for still in state.iter().filter(|still| still.kind == Kind::File) {
            let name = still.path.trim_start_matches('s').to_owned();
            self.contents.entry(name).or_default().insert(still.content.clone());
        }
        self.states.push(state);
    }

    /// An end has died, with the source as it is now.
    pub fn note_dead_end(&mut self) {
        self.judged.insert(self.states.len() - 1);
    }

    /// Whatever has ended how: what has a final name is whole.
    pub fn check(&self, world: &World) -> Result<(), Broken> {
        for still in stills(world, "d").into_iter().filter(|still| still.kind == Kind::File) {
            let name = still.path.trim_start_matches('d');
            if !name.contains("/.safecp-")
                && !self.contents.get(name).is_some_and(|versions| versions.contains(&still.content))
            {
                return Err(format!("'d{name}' is in part"));
            }
        }
        Ok(())
    }
}

/// The end has said success: the target is what the source was when all was compared, and what went from it before that. An end that
/// died after it may have left only the removal of the records to the next one.
pub fn finished(world: &World, versions: &Versions) -> Result<(), Broken> {
    let Some(now) = versions.states.last() else { return Ok(()) };
    finished_with(now, world, versions).or_else(|broken| {
        let mut earlier = versions.judged.iter().map(|number| &versions.states[*number]);
        if earlier.any(|state| finished_with(state, world, versions).is_ok()) { Ok(()) } else { Err(broken) }
    })
}

fn finished_with(state: &[Still], world: &World, versions: &Versions) -> Result<(), Broken> {
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
    let present: BTreeSet<String> = state.iter().map(|still| still.path[1..].to_owned()).collect();
    // No copy removes what another has made, GNU's cp -a neither.
    let is_gone =
        |still: &Still| !present.contains(&still.path[1..]) && versions.contents.contains_key(&still.path[1..]);
    let is_judged = |still: &Still| !is_leftover(still) && !is_gone(still);
    let all = |top: &str| {
        let all = if top == "s" { state.to_vec() } else { stills(world, top) };
        all.into_iter().filter(is_judged).collect::<Vec<_>>()
    };
    let sorted = |top: &str| {
        let mut all: Vec<_> = all(top).iter().map(looks).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    };
    let (source, target) = (sorted("s"), sorted("d"));
    for (one, other) in source.iter().zip(&target) {
        // A source may change after it was copied, here as in a copy by one machine.
        let was = |content| versions.contents.get(&one.0).is_some_and(|versions| versions.contains(content));
        let is_earlier = one.0 == other.0 && one.2 != other.2 && was(&other.2);
        if one != other && !is_earlier {
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
