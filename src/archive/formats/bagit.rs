//! BagIt's manifests (RFC 8493): a digest, blanks, a name in which `%0A`, `%0D` and `%25` stand for bytes.
//!
//! Many implementations leave the per cent sign alone (bagit-python issue 157), so a name is tried as it stands first.

use crate::archive::digest::{Algorithm, Digest};
use crate::archive::record::Record;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The algorithm that a manifest's name tells: `manifest-sha256.txt`, `tagmanifest-md5.txt`.
#[must_use]
pub fn algorithm(name: &OsStr) -> Option<Algorithm> {
    let name = name.to_str()?.strip_suffix(".txt")?;
    Algorithm::named(name.strip_prefix("manifest-").or_else(|| name.strip_prefix("tagmanifest-"))?)
}

/// Reads a line without its end. `None` for one that speaks of no name.
pub fn parse(line: &[u8], algorithm: Algorithm) -> Result<Option<Record>, &'static str> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Ok(None);
    }
    let end = line.iter().position(|byte| *byte == b' ' || *byte == b'\t').ok_or("no name")?;
    let digest = Digest::parse(algorithm, &line[..end]).ok_or("a digest that is none")?;
    let name = line[end..].trim_ascii_start();
    let name = name.strip_prefix(b"*").unwrap_or(name);
    if name.is_empty() {
        return Err("no name");
    }
    let name = OsString::from_vec(name.to_vec());
    let also = decoded(&name);
    Ok(Some(Record { also, ..Record::of_content(name.into(), digest) }))
}

/// The name that per cent signs stand for, if any stand for something.
#[must_use]
pub fn decoded(name: &OsStr) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escapes = [(&b"%0a"[..], b'\n'), (b"%0d", b'\r'), (b"%25", b'%')];
        let begins = rest.get(..3).map(<[u8]>::to_ascii_lowercase);
        match escapes.iter().find(|(escape, _)| begins.as_deref() == Some(escape)) {
            Some((_, byte)) => {
                bytes.push(*byte);
                rest = &rest[3..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    (bytes != name.as_bytes()).then(|| PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_bytes_are_escaped_and_no_others() {
        let read = |name: &str| decoded(OsStr::new(name)).map(|name| name.display().to_string());
        assert_eq!(read("a%0Ab%0dc%25d%20").as_deref(), Some("a\nb\rc%d%20"));
        assert_eq!(read("100%"), None);
    }
}
