//! What an operand means: a path of this machine, or one of another, as scp reads them.
//!
//! `host:path` and `user@host:path`, `[2001:db8::1]:path`, `scp://user@host:port/path`. A slash before the first colon, or
//! a colon at the beginning, makes a local path.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Another machine, as ssh is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Whom to be there.
    pub user: Option<OsString>,
    /// Its name or address, without brackets.
    pub name: OsString,
    /// Where its ssh server listens, if that was typed.
    pub port: Option<u16>,
}

/// What an operand means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path of this machine.
    Local(PathBuf),
    /// A path of another; empty for the directory of the login.
    Remote {
        /// Where.
        host: Host,
        /// As typed.
        path: PathBuf,
    },
}

/// Why an operand means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strange {
    /// The name begins with a dash, which ssh would take for an option.
    Dash,
    /// A port that is no number, or an address without an end.
    Uri,
    /// There is no name.
    NoName,
}

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Strange::Dash => "a host's name cannot begin with '-'",
            Strange::Uri => "invalid uri",
            Strange::NoName => "no host specified",
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.to_string_lossy();
        // As it is typed before a path.
        if name.contains(':') { write!(f, "[{name}]") } else { f.write_str(&name) }
    }
}

impl Place {
    /// Reads an operand.
    pub fn parse(typed: &OsStr) -> Result<Self, Strange> {
        let bytes = typed.as_bytes();
        if let Some(rest) = bytes.strip_prefix(b"scp://") {
            return uri(rest);
        }
        match colon(bytes) {
            None => Ok(Place::Local(PathBuf::from(typed))),
            Some(at) => {
                let host = host(&bytes[..at], None)?;
                Ok(Place::Remote { host, path: PathBuf::from(OsStr::from_bytes(&bytes[at + 1..])) })
            }
        }
    }
}

/// Where the colon stands that ends a host's name.
fn colon(typed: &[u8]) -> Option<usize> {
    if typed.first() == Some(&b':') {
        return None;
    }
    let mut in_brackets = typed.first() == Some(&b'[');
    for (at, byte) in typed.iter().enumerate() {
        match byte {
            b'[' if at > 0 && typed[at - 1] == b'@' => in_brackets = true,
            b']' if in_brackets && typed.get(at + 1) == Some(&b':') => return Some(at + 1),
            b':' if !in_brackets => return Some(at),
            b'/' => return None,
            _ => {}
        }
    }
    None
}

/// `[user@]host`, where the last at sign counts.
fn host(typed: &[u8], port: Option<u16>) -> Result<Host, Strange> {
    let (user, name) = match typed.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (Some(&typed[..at]), &typed[at + 1..]),
        None => (None, typed),
    };
    let name = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name);
    let user = user.filter(|user| !user.is_empty());
    if name.is_empty() {
        return Err(Strange::NoName);
    }
    if name.starts_with(b"-") || user.is_some_and(|user| user.starts_with(b"-")) {
        return Err(Strange::Dash);
    }
    let owned = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    Ok(Host { user: user.map(owned), name: owned(name), port })
}

/// What follows `scp://`; `%2F` and the like stand for bytes.
fn uri(rest: &[u8]) -> Result<Place, Strange> {
    let (authority, path) = match rest.iter().position(|byte| *byte == b'/') {
        Some(slash) => (&rest[..slash], &rest[slash + 1..]),
        None => (rest, &b""[..]),
    };
    let name = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
    let end = match authority[name..].iter().position(|byte| *byte == b']') {
        Some(bracket) => name + bracket + 1,
        None => authority[name..].iter().position(|byte| *byte == b':').map_or(authority.len(), |colon| name + colon),
    };
    let port = match &authority[end..] {
        [] => None,
        [b':', digits @ ..] => {
            let port = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            Some(port.filter(|port| *port > 0).ok_or(Strange::Uri)?)
        }
        _ => return Err(Strange::Uri),
    };
    let host = host(&authority[..end], port)?;
    let path = decoded(path).ok_or(Strange::Uri)?;
    Ok(Place::Remote { host, path: PathBuf::from(OsStr::from_bytes(&path)) })
}

/// The bytes that a part of a URI stands for.
fn decoded(part: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = part;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, behind) = after.split_at_checked(2)?;
        let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
        let byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        bytes.push(Some(byte).filter(|byte| *byte != 0)?);
        rest = behind;
    }
    Some(bytes)
}

/// What a path of another machine is called in messages and by the engine. It has a colon before its first slash, and
/// one before its last component, so that no path of this machine is the same. Slashes at the end have no component behind them.
#[must_use]
pub(super) fn label(side: &str, path: &Path) -> PathBuf {
    let path = path.as_os_str();
    let name = path.as_bytes().iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    let (between, behind) = match &path.as_bytes()[..name] {
        // The root has no name: what is in it goes into the target.
        [] if !path.is_empty() => ("", "."),
        named if named.contains(&b'/') => ("", ""),
        _ => ("./", ""),
    };
    let side = side.replace('/', "_");
    let parts = [OsStr::new(&side), OsStr::new(":"), OsStr::new(between), path, OsStr::new(behind)];
    PathBuf::from(parts.into_iter().collect::<OsString>())
}

/// A path of this machine in words that are no label.
#[must_use]
pub(super) fn unlike_labels(path: &Path) -> PathBuf {
    let is_like = colon(path.as_os_str().as_bytes()).is_some();
    if is_like { Path::new(".").join(path) } else { path.to_owned() }
}

/// A path as the far end has it: from the directory of the login on.
#[must_use]
pub(super) fn from_home(path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let rest = match bytes {
        b"~" => b"",
        _ => bytes.strip_prefix(b"~/").unwrap_or(bytes),
    };
    let start = if bytes.starts_with(b"~/") { rest.iter().take_while(|byte| **byte == b'/').count() } else { 0 };
    let rest = &rest[start..];
    PathBuf::from(OsStr::from_bytes(if rest.is_empty() { b"." } else { rest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str) -> Result<(Option<String>, String, Option<u16>, String), Strange> {
        match Place::parse(OsStr::new(typed))? {
            Place::Local(path) => Ok((None, String::new(), None, path.to_string_lossy().into_owned())),
            Place::Remote { host, path } => Ok((
                host.user.map(|user| user.to_string_lossy().into_owned()),
                host.name.to_string_lossy().into_owned(),
                host.port,
                path.to_string_lossy().into_owned(),
            )),
        }
    }

    #[test]
    fn operands_are_read_as_scp_reads_them() {
        for local in ["a", "./a:b", "/a:b", ":a", "a/b:c", "", "[a", "[::1]"] {
            assert_eq!(of(local), Ok((None, String::new(), None, local.to_owned())), "{local}");
        }
        let user = |user: &str| Some(user.to_owned());
        for (typed, user, name, port, path) in [
            ("h:p", None, "h", None, "p"),
            ("h:", None, "h", None, ""),
            ("u@h:/p:q", user("u"), "h", None, "/p:q"),
            ("u@x@h:p", user("u@x"), "h", None, "p"),
            ("[::1]:p", None, "::1", None, "p"),
            ("u@[::1]:p", user("u"), "::1", None, "p"),
            ("scp://u@h:22/p%20q", user("u"), "h", Some(22), "p q"),
            ("scp://h", None, "h", None, ""),
            ("scp://h//p", None, "h", None, "/p"),
            ("scp://[::1]:9/p", None, "::1", Some(9), "p"),
        ] {
            assert_eq!(of(typed), Ok((user, name.to_owned(), port, path.to_owned())), "{typed}");
        }
        for (typed, why) in [
            ("-oProxyCommand=x:p", Strange::Dash),
            ("-l@h:p", Strange::Dash),
            ("u@:p", Strange::NoName),
            ("scp://h:x/p", Strange::Uri),
            ("scp://h:0/p", Strange::Uri),
            ("scp://h/%zz", Strange::Uri),
            ("scp://h/%00", Strange::Uri),
        ] {
            assert_eq!(of(typed), Err(why), "{typed}");
        }
    }

    #[test]
    fn labels_are_no_paths_of_this_machine() {
        assert_eq!(label("h", Path::new("a")), Path::new("h:./a"));
        assert_eq!(label("h", Path::new("d/a")), Path::new("h:d/a"));
        // To std slashes at the end are none.
        for (path, labelled) in
            [("d/", "h:./d/"), ("d//", "h:./d//"), ("d/a/", "h:d/a/"), ("/d/", "h:/d/"), ("/", "h:/."), ("", "h:./")]
        {
            assert_eq!(label("h", Path::new(path)).as_os_str(), labelled, "{path}");
        }
        let Ok(Place::Remote { host, path }) = Place::parse(OsStr::new("u@[::1]:d/a")) else { panic!("a far path") };
        assert_eq!(label(&host.to_string(), &path), Path::new("[::1]:d/a"));
        assert_eq!(unlike_labels(Path::new("[::1]:d/a")), Path::new("./[::1]:d/a"));
        assert_eq!(unlike_labels(Path::new("h:./a")), Path::new("./h:./a"));
        assert_eq!(unlike_labels(Path::new("a/h:b")), Path::new("a/h:b"));
        for (typed, path) in [("~", "."), ("", "."), ("~/a", "a"), ("~//a", "a"), ("~a", "~a"), ("/a", "/a")] {
            assert_eq!(from_home(Path::new(typed)), Path::new(path), "{typed}");
        }
    }
}
