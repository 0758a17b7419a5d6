//! Patterns in the names of a server: `*`, `?` and `[...]`, which stand for names as in a shell.
//!
//! The server finds out what they stand for, and the client whether what comes is what it asked for.

use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// More names than this are no answer to a pattern.
const MATCHES_MAX: usize = 100_000;

/// Whether a path has a pattern in it.
#[must_use]
pub(super) fn has_pattern(path: &Path) -> bool {
    is_pattern(path.as_os_str().as_bytes())
}

fn is_pattern(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\'))
}

/// Whether a component is one that a pattern stands for. A dot at the beginning is matched by a dot alone.
#[must_use]
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return pattern.starts_with(b"\\.") && matches_from(pattern, name);
    }
    matches_from(pattern, name)
}

fn matches_from(pattern: &[u8], name: &[u8]) -> bool {
    // Where the last star stood, and what it had taken: what does not fit goes back there once.
    let (mut at, mut seen) = (0, 0);
    let mut star = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, seen));
            at += 1;
            continue;
        }
        let fits = match name.get(seen) {
            None if at == pattern.len() => return true,
            None => None,
            Some(byte) => one(&pattern[at..], *byte),
        };
        match (fits, star) {
            (Some(length), _) => {
                at += length;
                seen += 1;
            }
            (None, Some((after, taken))) if taken < name.len() => {
                star = Some((after, taken + 1));
                (at, seen) = (after, taken + 1);
            }
            (None, _) => return false,
        }
    }
}

/// How much of the pattern stands for this byte, if its beginning does.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'\\', literal, ..] => (*literal == byte).then_some(2),
        [b'[', rest @ ..] => match set(rest) {
            Some((length, holds)) => holds(byte).then_some(length + 1),
            None => (byte == b'[').then_some(1),
        },
        [literal, ..] => (*literal == byte).then_some(1),
    }
}

/// A set up to its bracket: its length with that, and what it holds. `None` if no bracket ends it.
fn set(pattern: &[u8]) -> Option<(usize, impl Fn(u8) -> bool + '_)> {
    let is_negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let start = usize::from(is_negated);
    // A bracket that comes first is one of the set.
    let end = pattern.iter().skip(start + 1).position(|byte| *byte == b']')? + start + 1;
    let members = &pattern[start..end];
    let holds = move |byte: u8| {
        let mut at = 0;
        let mut is_held = false;
        while at < members.len() {
            if let [low, b'-', high, ..] = members[at..] {
                is_held |= (low..=high).contains(&byte);
                at += 3;
            } else {
                is_held |= members[at] == byte;
                at += 1;
            }
        }
        is_held != is_negated
    };
    Some((end + 1, holds))
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

fn is_plain(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
}

/// The paths that a pattern stands for, in order; itself if it is none, or stands for nothing.
pub(super) fn expand<K: Kernel>(kernel: &K, pattern: &Path) -> Vec<PathBuf> {
    let bytes = pattern.as_os_str().as_bytes();
    if !is_pattern(bytes) || kernel.stat_at(None, pattern, false).is_ok() {
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
                let names = names(kernel, &path).into_iter().filter(|name| matches(component, name));
                next.extend(names.map(|name| [&path[..], &name].concat()));
            } else {
                path.extend(component);
                next.push(path);
            }
        }
        next.truncate(MATCHES_MAX);
        found = next;
    }
    let exists = |path: &PathBuf| kernel.stat_at(None, path, false).is_ok();
    let paths: Vec<PathBuf> = found.iter().map(|path| PathBuf::from(OsStr::from_bytes(path))).filter(exists).collect();
    if paths.is_empty() { vec![pattern.to_owned()] } else { paths }
}

/// The names in a directory; none in what cannot be read.
fn names<K: Kernel>(kernel: &K, dir: &[u8]) -> Vec<Vec<u8>> {
    let path = if dir.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(dir) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let Ok(dir) = kernel.open(None, Path::new(path), flags, Mode::empty(), ResolveFlags::empty()) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    loop {
        match kernel.next_names(&dir) {
            Ok(listed) if !listed.is_empty() => {
                names.extend(listed.into_iter().map(|listed| listed.name.as_bytes().to_vec()));
            }
            Ok(_) | Err(_) => break,
        }
    }
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_what_a_shell_makes_of_them() {
        let of = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        for (pattern, name) in [
            ("*", "a"),
            ("a*b*c", "axxbyyc"),
            ("a*b", "abab"),
            ("?", "x"),
            ("[a-c]x", "bx"),
            ("[!a]", "b"),
            ("[]]", "]"),
            ("[", "["),
            (".*", ".a"),
            ("\\*", "*"),
            ("*", ""),
            ("[a-]", "-"),
        ] {
            assert!(of(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", ".a"),
            ("?", ""),
            ("?a", ".a"),
            ("a*b", "abc"),
            ("[a-c]", "d"),
            ("[!a]", "a"),
            ("\\*", "x"),
            ("a", ""),
        ] {
            assert!(!of(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn only_what_was_asked_for_may_come() {
        let of = |pattern: &str, path: &str| stands_for(Path::new(pattern), Path::new(path));
        for (pattern, path) in
            [("d/*.c", "d/x.c"), ("../a", "../a"), ("*", "a"), ("/e/[p]*", "/e/passwd"), ("d/.", "d/.")]
        {
            assert!(of(pattern, path), "{pattern} {path}");
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
        }
    }
}
