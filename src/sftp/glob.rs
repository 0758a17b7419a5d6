//! Patterns in far paths, as scp over SFTP has them: `*`, `?`, `[...]` and a backslash. What matches is found by listing the
//! directories, and what the server lists beside that is left alone.

use super::client::Greeted;
use super::far_path::{is_single, join};
use super::types::Failure;
use super::wire::{Answer, Request};

/// How many names a pattern may match, and how many a directory may have that is searched.
const NAMES_MAX: usize = 1_000_000;

/// The paths that a typed one means; none if nothing matches. What is there by the very name that was typed is that.
pub(super) fn matches(server: &mut Greeted, typed: &[u8]) -> Result<Vec<Vec<u8>>, Failure> {
    if !typed.iter().any(|byte| b"*?[\\".contains(byte)) {
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
            if !part.iter().any(|byte| b"*?[\\".contains(byte)) {
                next.push(join(dir, part));
                continue;
            }
            let is_match = |name: &Vec<u8>| is_single(name) && fits(part, name);
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

/// Whether a name matches. A period at its beginning has to be in the pattern.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with(b".") && !pattern.starts_with(b"\\.") {
        return false;
    }
    // Where the last `*` began to match, and what it has matched so far: going back to it is enough.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < name.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, seen));
            at += 1;
        } else if let Some(next) = one(&pattern[at.min(pattern.len())..], name[seen]) {
            at += next;
            seen += 1;
        } else if let Some((behind, begun)) = star {
            star = Some((behind, begun + 1));
            (at, seen) = (behind, begun + 1);
        } else {
            return false;
        }
    }
    pattern[at.min(pattern.len())..].iter().all(|byte| *byte == b'*')
}

/// How much of a pattern matches one byte; `None` if it does not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', rest @ ..] => match class(rest, byte) {
            Some((true, length)) => Some(length + 1),
            Some((false, _)) => None,
            None => (byte == b'[').then_some(1),
        },
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [plain, ..] => (*plain == byte).then_some(1),
        [] => None,
    }
}

/// Whether a byte is in a class, and how long that is; `None` if it has no end.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, usize)> {
    let is_negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut at = usize::from(is_negated);
    let begin = at;
    let mut is_in = false;
    loop {
        let first = *pattern.get(at)?;
        if first == b']' && at > begin {
            return Some((is_in != is_negated, at + 1));
        }
        let last = pattern.get(at + 2).filter(|last| pattern.get(at + 1) == Some(&b'-') && **last != b']');
        match last {
            Some(last) => {
                is_in |= (first..=*last).contains(&byte);
                at += 3;
            }
            None => {
                is_in |= first == byte;
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By bash: `case name in pattern) ...`.
    fn by_shell(pattern: &str, name: &str) -> bool {
        let script = "case $1 in ($2) exit 0;; esac; exit 1";
        let mut bash = std::process::Command::new("bash");
        bash.args(["-c", script, "bash", name, pattern]).env("LC_ALL", "C").status().expect("bash runs").success()
    }

    #[test]
    fn patterns_match_what_they_match_in_a_shell() {
        let patterns =
            ["*", "a*", "*b", "a?c", "[a-c]x", "[!a-c]x", "[]x]", "[a", "a\\*", "*a*b*", "", "**", "[a-]", "a*b*c"];
        for pattern in patterns {
            for name in ["", "a", "b", "ab", "abc", "axc", "ax", "dx", "]", "[a", "a*", "xaxbx", "-", "aXbXbXc", "abcb"]
            {
                assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), by_shell(pattern, name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn hidden_names_are_matched_by_their_period_only() {
        assert!(!fits(b"*", b".a") && !fits(b"?a", b".a") && !fits(b"[.]a", b".a"));
        assert!(fits(b".*", b".a") && fits(b"\\.a", b".a"));
    }
}
