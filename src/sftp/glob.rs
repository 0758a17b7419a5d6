//! Patterns in far paths, as scp over SFTP has them: `*`, `?`, `[...]` and a backslash. What matches is found by listing the
//! directories, and what the server lists beside that is left alone.

use super::client::Greeted;
use super::far_path::{is_single, join, shown};
use super::status::{is_missing, refusal, unseen};
use super::types::Failure;
use super::wire::{self, Answer, Request};
use crate::pattern::{self, is_pattern};

/// How many names a pattern may match, and how many a directory may have that is searched.
const NAMES_MAX: usize = 1_000_000;

/// What a pattern matches.
pub(super) struct Matches {
    /// The paths, in order.
    pub(super) paths: Vec<Vec<u8>>,
    /// What could not be looked at, so that it may have matched as well.
    pub(super) refused: Vec<Failure>,
}

/// The paths that a typed one means; none if nothing matches. A pattern that matches nothing may be a name, as for scp: a file that is
/// called `*` hides no others.
pub(super) fn matches(server: &mut Greeted, typed: &[u8]) -> Result<Matches, Failure> {
    if !is_pattern(typed) {
        return Ok(Matches { paths: vec![typed.to_vec()], refused: Vec::new() });
    }
    let mut refused = Vec::new();
    let mut found: Vec<Vec<u8>> = vec![if typed.starts_with(b"/") { b"/".to_vec() } else { Vec::new() }];
    for part in typed.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for dir in &found {
            if !is_pattern(part) {
                next.push(join(dir, part));
                continue;
            }
            let is_match = |name: &Vec<u8>| is_single(name) && pattern::matches(part, name);
            let names = names(server, dir, &mut refused)?;
            let mut names: Vec<Vec<u8>> = names.into_iter().filter(is_match).collect();
            names.sort_unstable();
            next.extend(names.iter().map(|name| join(dir, name)));
            if next.len() > NAMES_MAX {
                return Err(too_many());
            }
        }
        found = next;
    }
    let mut paths = Vec::new();
    for path in found {
        match server.call(&Request::Lstat(&path))? {
            Answer::Attrs(_) => paths.push(path),
            answer if is_missing(&answer) => {}
            answer => refused.push(unseen(&path, &answer)),
        }
    }
    if paths.is_empty() {
        match server.call(&Request::Lstat(typed))? {
            Answer::Attrs(_) => paths.push(typed.to_vec()),
            // No name is as long as some patterns are.
            Answer::Status(wire::NO_SUCH_FILE | wire::BAD_MESSAGE, _) => {}
            answer => refused.push(unseen(typed, &answer)),
        }
    }
    Ok(Matches { paths, refused })
}

/// The names of a far directory; none of what is none. Why not all of them could be read goes to `refused`.
fn names(server: &mut Greeted, dir: &[u8], refused: &mut Vec<Failure>) -> Result<Vec<Vec<u8>>, Failure> {
    let dir: &[u8] = if dir.is_empty() { b"." } else { dir };
    let unread = |answer| Failure::Far { action: "cannot access", name: shown(dir).into(), reason: refusal(answer) };
    let handle = match server.call(&Request::Opendir(dir))? {
        Answer::Handle(handle) => handle,
        answer if is_missing(&answer) => return Ok(Vec::new()),
        answer => {
            refused.push(unread(&answer));
            return Ok(Vec::new());
        }
    };
    let mut all = Vec::new();
    loop {
        match server.call(&Request::Readdir(&handle))? {
            Answer::Names(names) if !names.is_empty() => all.extend(names.into_iter().map(|entry| entry.name)),
            Answer::Names(_) | Answer::Status(wire::EOF, _) => break,
            answer => {
                refused.push(unread(&answer));
                break;
            }
        }
        if all.len() > NAMES_MAX {
            return Err(too_many());
        }
    }
    server.call(&Request::Close(&handle))?;
    Ok(all)
}

fn too_many() -> Failure {
    Failure::Broken("too many names match".to_owned())
}
