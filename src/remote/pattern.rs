//! Patterns in the names of a server: `*`, `?` and `[...]`, which stand for names as in a shell.
//!
//! The server finds out what they stand for, and the client whether what comes is what it asked for.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::pattern::{is_pattern, matches};
use crate::quote::quoted;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// More names than this are no answer to a pattern.
const MATCHES_MAX: usize = 100_000;

/// Whether a path has a pattern in it.
#[must_use]
pub(super) fn has_pattern(path: &Path) -> bool {
    is_pattern(path.as_os_str().as_bytes())
}

/// Whether a path is one that a pattern stands for: component by component, so that nothing stands for a slash.
#[must_use]
pub(super) fn stands_for(pattern: &Path, path: &Path) -> bool {
    let (pattern, path) = (pattern.as_os_str().as_bytes(), path.as_os_str().as_bytes());
    if pattern == path {
        return true;
    }
    let (mut patterns, mut names) = (pattern.split(|byte| *byte == b'/'), path.split(|byte| *byte == b'/'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) if pattern == name => {}
            (Some(pattern), Some(name)) if is_pattern(pattern) && is_plain(name) && matches(pattern, name) => {}
            _ => return false,
        }
    }
}

/// What was asked for.
pub(super) struct Asked {
    /// As typed: most of what is asked for by its name is answered by it.
    typed: BTreeSet<OsString>,
    patterns: Vec<PathBuf>,
}

impl Asked {
    /// By these patterns.
    pub(super) fn by(patterns: impl Iterator<Item = PathBuf>) -> Self {
        let patterns: Vec<PathBuf> = patterns.collect();
        let typed = patterns.iter().map(|pattern| pattern.clone().into_os_string()).collect();
        Self { typed, patterns: patterns.into_iter().filter(|pattern| has_pattern(pattern)).collect() }
    }

    /// Whether a path is one of what they stand for.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.typed.contains(path.as_os_str()) || self.patterns.iter().any(|pattern| stands_for(pattern, path))
    }
}

fn is_plain(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
}

/// The paths that a pattern stands for, in order; itself if it is none, or stands for nothing, as for scp: a file that is called `*` hides
/// no others. What could not be looked at, so that it may be one of them, is told.
pub(super) fn expand<K: Kernel>(kernel: &K, pattern: &Path, tell: &dyn Fn(&Error)) -> Vec<PathBuf> {
    let bytes = pattern.as_os_str().as_bytes();
    let is_there = |path: &Path| match kernel.stat_at(None, path, false) {
        Ok(_) => true,
        Err(errno) if is_nothing(errno) => false,
        Err(errno) => {
            tell(&Error::call(Action::StatSource, path, errno));
            false
        }
    };
    if !is_pattern(bytes) {
        return vec![pattern.to_owned()];
    }
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    for (place, component) in bytes.split(|byte| *byte == b'/').enumerate() {
        let mut next = Vec::new();
        for mut path in found {
            if place > 0 {
                path.push(b'/');
            }
            if is_pattern(component) {
                let names = names(kernel, &path, tell).into_iter().filter(|name| matches(component, name));
                next.extend(names.map(|name| [&path[..], &name].concat()));
            } else {
                path.extend(component);
                next.push(path);
            }
        }
        if next.len() > MATCHES_MAX {
            tell(&Error::Refused(format!("{}: too many names match", quoted(pattern))));
            next.truncate(MATCHES_MAX);
        }
        found = next;
    }
    let paths = found.iter().map(|path| PathBuf::from(OsStr::from_bytes(path)));
    let paths: Vec<PathBuf> = paths.filter(|path| is_there(path)).collect();
    if paths.is_empty() { vec![pattern.to_owned()] } else { paths }
}

/// Whether an answer says that nothing can have the name. Any other failure tells nothing of what is there.
fn is_nothing(errno: Errno) -> bool {
    matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
}

/// The names in a directory; none in what is none. Why not all of them could be read is told.
fn names<K: Kernel>(kernel: &K, dir: &[u8], tell: &dyn Fn(&Error)) -> Vec<Vec<u8>> {
    let path = Path::new(if dir.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(dir) });
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let dir = match kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty()) {
        Ok(dir) => dir,
        Err(errno) if is_nothing(errno) => return Vec::new(),
        Err(errno) => {
            tell(&Error::call(Action::Access, path, errno));
            return Vec::new();
        }
    };
    let mut names = Vec::new();
    loop {
        match kernel.next_names(&dir) {
            Ok(listed) if !listed.is_empty() => {
                names.extend(listed.into_iter().map(|listed| listed.name.as_bytes().to_vec()));
            }
            Ok(_) => break,
            Err(errno) => {
                tell(&Error::call(Action::Access, path, errno));
                break;
            }
        }
    }
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_may_come() {
        let of = |pattern: &str, path: &str| stands_for(Path::new(pattern), Path::new(path));
        for (pattern, path) in
            [("d/*.c", "d/x.c"), ("../a", "../a"), ("*", "a"), ("/e/[p]*", "/e/passwd"), ("d/.", "d/.")]
        {
            assert!(of(pattern, path), "{pattern} {path}");
            assert!(Asked::by([PathBuf::from("q"), PathBuf::from(pattern)].into_iter()).has(Path::new(path)));
        }
        for (pattern, path) in [
            ("*", ".."),
            ("*", "a/b"),
            ("d/*", "d/"),
            ("*/x", "../x"),
            ("a", "b"),
            (".*", ".."),
            ("d/*", "e/x"),
            ("", "a"),
        ] {
            assert!(!of(pattern, path), "{pattern} {path}");
            assert!(!Asked::by([PathBuf::from("q"), PathBuf::from(pattern)].into_iter()).has(Path::new(path)));
        }
    }
}
