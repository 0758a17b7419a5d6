//! Portage's CONTENTS: what a package has put where. Names stand as they are, between words.

use crate::archive::digest::{Algorithm, Digest};
use crate::archive::record::Record;
use crate::kernel::{Kind, Timestamp};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How lines begin, and what they speak of.
const KINDS: [(&[u8], Kind); 5] = [
    (b"dir ", Kind::Directory),
    (b"obj ", Kind::File),
    (b"sym ", Kind::Symlink),
    (b"fif ", Kind::Fifo),
    (b"dev ", Kind::CharDevice),
];

/// Whether a line may be one of these.
#[must_use]
pub fn begins(line: &[u8]) -> bool {
    KINDS.iter().any(|(word, _)| line.strip_prefix(*word).is_some_and(|rest| rest.starts_with(b"/")))
}

/// Reads a line without its end. `None` for one that speaks of no name.
pub fn parse(line: &[u8]) -> Result<Option<Record>, &'static str> {
    if line.is_empty() {
        return Ok(None);
    }
    let begins = |(word, kind): &(&[u8], Kind)| line.strip_prefix(*word).map(|rest| (rest, *kind));
    let (rest, kind) = KINDS.iter().find_map(begins).ok_or("neither dir, obj, sym, fif nor dev")?;
    // A device may be of either kind.
    let kind = Some(kind).filter(|kind| *kind != Kind::CharDevice);
    let mut record = Record { kind, ..Record::default() };
    let name = match kind {
        Some(Kind::File) => {
            let (rest, time) = split_last(rest).ok_or("no time")?;
            let (name, digest) = split_last(rest).ok_or("no digest")?;
            record.digest = Some(Digest::parse(Algorithm::Md5, digest).ok_or("a digest that is none")?);
            record.mtime = Some(seconds(time)?);
            name
        }
        Some(Kind::Symlink) => {
            let (rest, time) = split_last(rest).ok_or("no time")?;
            record.mtime = Some(seconds(time)?);
            let arrow = rest.windows(4).position(|four| four == b" -> ").ok_or("a link that leads nowhere")?;
            record.text = Some(OsString::from_vec(rest[arrow + 4..].to_vec()));
            &rest[..arrow]
        }
        Some(_) | None => rest,
    };
    if !name.starts_with(b"/") {
        return Err("a name that does not begin at the root");
    }
    record.path = PathBuf::from(OsString::from_vec(name.to_vec()));
    Ok(Some(record))
}

fn split_last(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().rposition(|byte| *byte == b' ')?;
    Some((&text[..at], &text[at + 1..]))
}

fn seconds(text: &[u8]) -> Result<Timestamp, &'static str> {
    // What is no text is no number either.
    let text = std::str::from_utf8(text).unwrap_or_default();
    let seconds = text.parse().map_err(|_| "a time that is none")?;
    Ok(Timestamp { seconds, nanos: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_blanks_and_arrows() {
        let read = |line: &str| parse(line.as_bytes()).expect("sound").expect("a name");
        let file = read("obj /usr/a b -> c d41d8cd98f00b204e9800998ecf8427e 1700000000");
        assert_eq!(file.path, PathBuf::from("/usr/a b -> c"));
        let link = read("sym /usr/a -> b c 1700000000");
        assert_eq!((link.path, link.text), (PathBuf::from("/usr/a"), Some("b c".into())));
        for wrong in ["obj /a 1", "sym /a 1", "dir a", "x /a"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
