//! Local files to the far end.
//!
//! Many files are on their way at once, each through the same steps: a look at what has the target's name, a temporary, its bytes,
//! verification, its attributes, its name. A step is taken when all answers of the one before have come, so that latency is paid by
//! all files together. Whatever fails, the temporary goes and the name has what it had.
//!
//! What all files share is [`Push`]; its methods stand in the room that they are about.

mod answer;
mod comparison;
mod content;
mod directories;
mod failure;
mod operands;
mod run;
mod stale_temporaries;
mod target;
mod types;
mod verification;

use super::connection::IdleConnection;
use super::far_path::{TypedDirectory, join, split, trimmed};
use super::local_tree::LocalTree;
use super::pace::Pace;
use super::reading::Readings;
use super::temporary::Names;
use super::types::{Failure, Near, Reach, TransferEvent, Tree, Wishes};
use super::wire;
use crate::kernel::Kernel;
use operands::{Operand, near_name, without_doubles};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use types::{Push, Search};

/// Files whose bytes are on their way, at most. Each has a handle here and one there.
const FILES_MAX: usize = 256;

/// Copies local files and directories into a far directory, or one to a far name.
///
/// On success every file that was told [`TransferEvent::Copied`] was verified as that says and has its name. Of any other the target has
/// what it had. An error ends the run; a broken connection can leave temporaries, which the next run from this machine removes.
pub fn push<K: Kernel>(
    near: &Near<'_, K>,
    reach: &dyn Reach,
    sources: &[PathBuf],
    target: &Path,
    wishes: &Wishes,
    tell: &mut dyn FnMut(&TransferEvent<'_>),
) -> Result<(), Failure> {
    let mut opened = IdleConnection::new(reach, wishes)?;
    tell(&TransferEvent::Verifying(opened.proof()));
    let typed = target.as_os_str().as_bytes();
    let found = opened.look(if typed.is_empty() { b"." } else { typed })?;
    let is_directory = found.is_some_and(|found| found.kind() == Some(wire::DIRECTORY));
    let has_slash = typed.ends_with(b"/");
    if !is_directory && (sources.len() > 1 || has_slash && wishes.tree == Tree::Refused) {
        let words = if found.is_some() { "Not a directory" } else { "No such file or directory" };
        return Err(Failure::Far { action: "target", name: target.into(), reason: words.to_owned() });
    }
    let (typed, name) = match split(trimmed(typed)) {
        _ if is_directory => (typed, None),
        (dir, name) => (dir, Some(name)),
    };
    let home = TypedDirectory { absolute: opened.absolute(typed)?, typed: typed.to_vec() };
    // A directory that is the target itself has the names of a list in it.
    let base = name.map_or(home.absolute.clone(), |name| join(&home.absolute, name));
    let named = |source: &PathBuf| name.map_or_else(|| near_name(source), <[u8]>::to_vec);
    let operands = sources.iter().map(|source| (source.clone(), home.absolute.clone(), named(source)));
    let operands = without_doubles(near.kernel, operands.collect::<Vec<Operand>>(), &home, tell);
    let searched = operands.iter().map(|(_, dir, _)| dir.clone()).collect::<BTreeSet<_>>();
    let names = Names::new(near.kernel);
    let files_max = FILES_MAX.min(opened.server.lengths().handles / 2).max(1);
    let mut push = Push {
        near,
        wishes,
        tell,
        connection: opened.begin(),
        tree: LocalTree::new(near.kernel, wishes.tree, operands),
        is_over: false,
        names,
        files_max,
        files: BTreeMap::new(),
        next_file: 0,
        sending: VecDeque::new(),
        readings: Readings::default(),
        digests: BTreeMap::new(),
        has_ended_digests: false,
        base,
        home,
        directories: BTreeMap::new(),
        finishing: Vec::new(),
        searching: searched.into_iter().map(Search::new).collect(),
        buffer: Vec::new(),
        pace: Pace::new(wishes.speed_max),
    };
    push.run()?;
    push.connection.client.end();
    Ok(())
}
