//! Paths of the far end: bytes, with slashes between the names. And names that a server sends, which are not believed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The longest name of any filesystem that is known.
const NAME_MAX: usize = 255 * 4;

/// `name` in `dir`.
pub(super) fn join(dir: &[u8], name: &[u8]) -> Vec<u8> {
    let slash: &[u8] = if dir.is_empty() || dir.ends_with(b"/") { b"" } else { b"/" };
    [dir, slash, name].concat()
}

/// Directory and name of a path, without slashes at its end.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let path = trimmed(path);
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (b"/", &path[1..]),
        Some(at) => (trimmed(&path[..at]), &path[at + 1..]),
        None => (b".", path),
    }
}

/// A path without slashes at its end.
pub(super) fn trimmed(path: &[u8]) -> &[u8] {
    let length = path.iter().rposition(|byte| *byte != b'/').map_or(1, |last| last + 1);
    &path[..length.min(path.len())]
}

/// Whether a name from a directory of the server is one, and leads nowhere else.
pub(super) fn is_single(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && name.len() <= NAME_MAX && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

/// What a list calls a path beneath the directory of all targets; that directory itself, where it is a file, by its name.
pub(super) fn beneath(base: &[u8], path: &[u8], name: &[u8]) -> PathBuf {
    let rest = path.strip_prefix(base).map(|rest| rest.strip_prefix(b"/").unwrap_or(rest));
    match rest {
        Some(b"") => shown(name),
        Some(rest) => shown(rest),
        None => shown(path),
    }
}

/// A far directory: its absolute path, and the one that was typed.
pub(super) struct TypedDirectory {
    pub(super) absolute: Vec<u8>,
    pub(super) typed: Vec<u8>,
}

impl TypedDirectory {
    /// What an absolute path is called in messages: in the directory as that was typed.
    pub(super) fn shown(&self, path: &[u8]) -> PathBuf {
        let is_beneath = |rest: &&[u8]| rest.is_empty() || rest.starts_with(b"/") || self.absolute.ends_with(b"/");
        match path.strip_prefix(self.absolute.as_slice()).filter(is_beneath) {
            Some(b"") => shown(&self.typed),
            Some(rest) => shown(&join(&self.typed, rest.strip_prefix(b"/").unwrap_or(rest))),
            None => shown(path),
        }
    }
}

/// As a path for messages.
pub(super) fn shown(path: &[u8]) -> PathBuf {
    Path::new(OsStr::from_bytes(path)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_apart_as_they_were_joined() {
        assert_eq!(split(b"/a/b"), (&b"/a"[..], &b"b"[..]));
        assert_eq!(split(b"/a"), (&b"/"[..], &b"a"[..]));
        assert_eq!(split(b"a//b//"), (&b"a"[..], &b"b"[..]));
        assert_eq!(split(b"a"), (&b"."[..], &b"a"[..]));
        assert_eq!(split(b"/"), (&b"/"[..], &b""[..]));
        assert_eq!(join(b"/", b"a"), b"/a");
        assert_eq!(join(b"/a", b"b"), b"/a/b");
        assert_eq!(join(b"", b"b"), b"b");
    }

    #[test]
    fn lists_begin_in_the_directory_of_all_targets() {
        let listed = |base: &str, path: &str| beneath(base.as_bytes(), path.as_bytes(), b"n").display().to_string();
        assert_eq!(
            (listed("/d", "/d/a/b"), listed("/", "/a"), listed("/d", "/d")),
            ("a/b".into(), "a".into(), "n".into())
        );
    }

    #[test]
    fn messages_have_the_directory_that_was_typed() {
        let of = |absolute: &str, typed: &str, path: &str| {
            let (absolute, typed) = (absolute.as_bytes().to_vec(), typed.as_bytes().to_vec());
            TypedDirectory { absolute, typed }.shown(path.as_bytes()).display().to_string()
        };
        assert_eq!(of("/home/u/d", "d", "/home/u/d/a/b"), "d/a/b");
        assert_eq!(of("/home/u", ".", "/home/u/a"), "./a");
        assert_eq!(of("/home/u", ".", "/home/u"), ".");
        assert_eq!(of("/", "/", "/a"), "/a");
        assert_eq!(of("/home/u/d", "d", "/home/u/dd/a"), "/home/u/dd/a");
    }

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        let long = [b'n'; NAME_MAX + 1];
        for name in [&b""[..], b".", b"..", b"a/b", b"/a", b"../a", b"a\0", &long] {
            assert!(!is_single(name), "{name:?}");
        }
        for name in [&b"..."[..], b"a", b"-rf", b"\xff\n", b" "] {
            assert!(is_single(name), "{name:?}");
        }
    }
}
