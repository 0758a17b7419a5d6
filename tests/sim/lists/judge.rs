//! What must be true of lists, checks and repairs. What is right comes from the tree of the world itself, never from a run.

use super::super::trees::still::{Still, stills};
use super::super::world::World;
use super::play::{Played, Said};
use safecp::kernel::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// A broken promise, in words.
pub type Broken = String;

/// A tree at one moment: what stands under each name beneath its top.
pub type State = BTreeMap<String, Still>;

/// What a tree is now. What a killed run has left under a temporary name is not looked at.
pub fn state(world: &World, top: &str) -> State {
    let is_temporary = |still: &Still| still.path.contains("/.safecp-");
    let all = stills(world, top).into_iter().filter(|still| !is_temporary(still));
    all.map(|still| (still.path[top.len()..].trim_start_matches('/').to_owned(), still)).collect()
}

/// What a check has to find where `was` is listed and `is` is there.
pub fn expected(was: &State, is: &State) -> BTreeMap<String, Said> {
    let said = |name: &String, was: &Still| match is.get(name) {
        None => Some(Said::Missing),
        // A size is told without reading.
        Some(is) if is.unreadable && is.content.len() == was.content.len() => {
            let is_changed = is.attributes.mtime != was.attributes.mtime;
            Some(if is_changed { Said::UnreadableChange } else { Said::Unreadable })
        }
        Some(is) if is.content != was.content && is.attributes.mtime == was.attributes.mtime => Some(Said::Damaged),
        Some(is) if is.content != was.content => Some(Said::Changed),
        Some(is) if is.attributes.mtime != was.attributes.mtime && was.kind != Kind::Directory => Some(Said::Other),
        Some(_) => None,
    };
    let mut found: BTreeMap<_, _> =
        was.iter().filter_map(|(name, was)| Some((name.clone(), said(name, was)?))).collect();
    // Of the names of a file, which the list has in this order, each is to be one of the first that has what is listed.
    let mut firsts = BTreeMap::new();
    for (name, was) in was {
        let is_read = |is: &&Still| is.content == was.content && !is.unreadable && was.kind == Kind::File;
        let Some(is) = is.get(name).filter(is_read) else { continue };
        if *firsts.entry(was.node).or_insert(is.node) != is.node {
            found.insert(name.clone(), Said::Other);
        }
    }
    found
}

/// A check: what it says is so, and what it does not say is not, unless it says that something failed.
pub fn checked(played: &Played, was: &State, is: &State, is_struck: bool) -> Result<(), Broken> {
    let expected = expected(was, is);
    // The call that failed may have been one that reads.
    let is_misread = |(name, said): &(&String, &Said)| {
        let is_unreadable = matches!(said, Said::Unreadable | Said::UnreadableChange);
        is_struck && is_unreadable && expected.get(*name) != Some(said)
    };
    let (misread, found): (BTreeMap<_, _>, BTreeMap<_, _>) = played.found.iter().partition(is_misread);
    for (name, said) in &found {
        if expected.get(*name) != Some(*said) {
            return Err(format!("'{name}' is told as {said:?}, and is {:?}", expected.get(*name)));
        }
    }
    if misread.len() > 1 {
        return Err(format!("one call failed, and {misread:?} cannot be read"));
    }
    if !played.failures.is_empty() && !is_struck {
        return Err(format!("a check failed where nothing did: {:?}", played.failures));
    }
    let is_kept = !played.failures.is_empty() || !misread.is_empty();
    if !is_kept && played.found != expected {
        return Err(format!("a check that nothing kept from it found {:?} of {expected:?}", played.found));
    }
    let is_clean = expected.is_empty() && !is_kept;
    if played.succeeded == is_clean { Ok(()) } else { Err(format!("a check said {}", played.succeeded)) }
}

/// Whether a repair is to make it right; anything else is somebody's work.
fn is_to_be_mended(said: &Said) -> bool {
    match said {
        Said::Missing | Said::Damaged | Said::Unreadable => true,
        Said::Changed | Said::UnreadableChange | Said::Other => false,
    }
}

/// What a repair had before it, and has to work with.
pub struct Before<'a> {
    /// What is listed.
    pub was: &'a State,
    /// What stood there.
    pub harmed: &'a State,
    /// The other copy.
    pub copy: &'a State,
}

impl Before<'_> {
    /// Names that can be mended: the copy has what is listed, or another name of the file does. Links are listed whole.
    fn mendable(&self, name: &str) -> bool {
        let Some(was) = self.was.get(name) else { return false };
        let has = |state: &State, name: &str| state.get(name).is_some_and(|is| was.is_whole(is) && !is.unreadable);
        let names = self.was.iter().filter(|(_, other)| other.node == was.node).map(|(name, _)| name);
        was.kind == Kind::Symlink
            || has(self.copy, name)
            || names.into_iter().any(|name| {
                has(self.harmed, name)
                    && self.harmed.get(name).is_some_and(|is| was.attributes.mtime == is.attributes.mtime)
            })
    }

    /// Whether a name is what is listed. A link's own time is not set; what becomes a further name of a file has that file's.
    fn is_right(&self, name: &str, now: &State) -> bool {
        let Some((was, is)) = self.was.get(name).zip(now.get(name)) else { return false };
        let shares = |other: &str| other != name && now.get(other).is_some_and(|other| other.node == is.node);
        let is_further = self.was.iter().any(|(name, other)| other.node == was.node && shares(name));
        let is_whole = if was.kind == Kind::Symlink || is_further { was.is_whole(is) } else { was.is_as_it_was(is) };
        is_whole && !is.unreadable
    }

    /// Whether some name of the file has what is listed in the copy.
    fn may_be_mended(&self, name: &str) -> bool {
        let Some(was) = self.was.get(name) else { return false };
        let mut names = self.was.iter().filter(|(_, other)| other.node == was.node).map(|(name, _)| name);
        let has = |is: &Still| was.is_whole(is) && !is.unreadable;
        self.mendable(name) || names.any(|name| self.copy.get(name).is_some_and(has))
    }

    /// A repair that may have been cut short: each name is what it was or what it should be, and nothing else is touched.
    pub fn touched_nothing_else(&self, now: &State) -> Result<(), Broken> {
        let names: BTreeSet<_> = self.was.keys().chain(self.harmed.keys()).chain(now.keys()).collect();
        let wrong = expected(self.was, self.harmed);
        for name in names {
            let stays = match (self.harmed.get(name), now.get(name)) {
                (None, None) => true,
                (Some(harmed), Some(now)) => harmed.is_as_it_was(now),
                (None, Some(_)) | (Some(_), None) => false,
            };
            let is_wrong = wrong.get(name).is_some_and(is_to_be_mended);
            let is_mended = is_wrong && self.is_right(name, now);
            if !stays && !is_mended {
                return Err(format!("'{name}' is neither what it was nor what it should be"));
            }
        }
        Ok(())
    }

    /// A repair that nothing kept from its work.
    pub fn mended(&self, now: &State, played: &Played) -> Result<(), Broken> {
        let wrong = expected(self.was, self.harmed);
        // Nothing is known of what somebody has changed and nobody can read.
        let mut is_all_right = wrong.values().all(|said| *said != Said::UnreadableChange);
        let wrong = wrong.iter().filter(|(_, said)| is_to_be_mended(said));
        for (name, said) in wrong {
            let is_right = self.is_right(name, now);
            is_all_right &= is_right;
            if !is_right && self.mendable(name) {
                return Err(format!("'{name}' was {said:?} and is not mended: {:?}", played.failures));
            }
            if is_right && !self.may_be_mended(name) {
                return Err(format!("'{name}' was mended from nothing"));
            }
        }
        if played.succeeded == is_all_right && played.succeeded == played.failures.is_empty() {
            Ok(())
        } else {
            Err(format!("a repair said {} {:?}", played.succeeded, played.failures))
        }
    }
}

/// Nobody has touched a tree.
pub fn is_untouched(before: &State, now: &State) -> Result<(), Broken> {
    let is_same = before.len() == now.len()
        && before.iter().all(|(name, before)| now.get(name).is_some_and(|now| before.is_as_it_was(now)));
    if is_same { Ok(()) } else { Err("a tree that was only read has changed".to_owned()) }
}
