//! Patterns in far paths, as scp over SFTP has them: `*`, `?`, `[...]` and a backslash. What matches is found by listing the
//! directories, and what the server lists beside that is left alone.

use super::client::Greeted;
use super::far_path::{is_single, join};
use super::types::Failure;
use super::wire::{Answer, Request};
use crate::pattern::{self, is_pattern};

/// How many names a pattern may match, and how many a directory may have that is searched.
const NAMES_MAX: usize = 1_000_000;

/// The paths that a typed one means; none if nothing matches. What is there by the very name that was typed is that.
pub(super) fn matches(server: &mut Greeted, typed: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    if !is_pattern(typed) {
        return Ok(vec![typed.to_vec()]);
    }
    let path: &[u8] = if typed.is_empty() { b"." } else { typed };
    if let Answer::Attrs(_) = server.call(&Request::Lstat(path))? {
        return Ok(vec![typed.to_vec()]);
    }
    let mut found: Vec<Vec<u8>> = vec![if typed.starts_with(b"/") { b"/".to_vec() } else { Vec::new() }];
    for part in typed.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for dir in &found {
            if !is_pattern(part) {
                next.push(join(dir, part));
                continue;
            }
            let is_match = |name: &Vec<u8>| is_single(name) && pattern::matches(part, name);
            let mut names: Vec<Vec<u8>> = names(server, dir)?.into_iter().filter(is_match).collect();
            names.sort_unstable();
            next.extend(names.iter().map(|name| join(dir, name)));
            if next.len() > NAMES_MAX {
                return Err(Failure::Broken("too many names match".to_owned()));
            }
        }
        found = next;
    }
    let mut there = Vec::new();
    for path in found {
        if let Answer::Attrs(_) = server.call(&Request::Lstat(&path))? {
            there.push(path);
        }
    }
    Ok(there)
}

/// The names of a far directory; none of what is none, or may not be read.
fn names(server: &mut Greeted, dir: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    let dir: &[u8] = if dir.is_empty() { b"." } else { dir };
    let Answer::Handle(handle) = server.call(&Request::Opendir(dir))? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    while let Answer::Names(names) = server.call(&Request::Readdir(&handle))? {
        if names.is_empty() || all.len() > NAMES_MAX {
            break;
        }
        all.extend(names.into_iter().map(|entry| entry.name));
    }
    server.call(&Request::Close(&handle))?;
    Ok(all)
}
