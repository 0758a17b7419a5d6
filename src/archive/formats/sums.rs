//! The lines of md5sum, sha256sum, b3sum and their like: plain, escaped, with --tag, and with -z.

use crate::archive::digest::{Algorithm, Digest, hex};
use crate::archive::record::Record;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Bytes that are written as a backslash and a letter, and these letters.
const ESCAPES: [(u8, u8); 3] = [(b'\\', b'\\'), (b'\n', b'n'), (b'\r', b'r')];

/// The line of a name, as these tools write it.
#[must_use]
pub fn line(name: &[u8], digest: &[u8]) -> Vec<u8> {
    let is_escaped = |byte: &u8| ESCAPES.iter().any(|(escaped, _)| escaped == byte);
    let mut line = Vec::with_capacity(2 * digest.len() + name.len() + 4);
    line.extend(name.iter().any(is_escaped).then_some(b'\\'));
    line.extend_from_slice(hex(digest).as_bytes());
    line.extend_from_slice(b"  ");
    for byte in name {
        match ESCAPES.iter().find(|(escaped, _)| escaped == byte) {
            Some((_, letter)) => line.extend([b'\\', *letter]),
            None => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

/// Whether b3sum can read a name back: it reads lines as UTF-8, and takes U+FFFD for a name that was not.
#[must_use]
pub fn b3sum_holds(name: &[u8]) -> bool {
    std::str::from_utf8(name).is_ok_and(|name| !name.contains('\u{fffd}'))
}

/// What ends a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A line feed; names may be escaped.
    Line,
    /// A zero byte (-z); names are what they are.
    Zero,
}

/// Whether a line is empty, with the ends of lines of Windows as well, or a comment.
fn is_silent(line: &[u8], ending: Ending) -> bool {
    matches!(line, [] | [b'#' | b';', ..]) || line == b"\r" && ending == Ending::Line
}

/// Reads a record without its end. `None` for one that speaks of no name.
pub fn parse(line: &[u8], ending: Ending) -> Result<Option<Record>, &'static str> {
    if is_silent(line, ending) {
        return Ok(None);
    }
    let (is_escaped, line) = match line.strip_prefix(b"\\") {
        Some(rest) if ending == Ending::Line => (true, rest),
        Some(_) | None => (false, line),
    };
    let unread = || if has_unknown_tag(line) { UNKNOWN_TAG } else { "neither a digest nor a name" };
    let (digest, name) = plain(line).or_else(|| tagged(line)).ok_or_else(unread)?;
    let name = if is_escaped { unescaped(name).ok_or("an escape that is none")? } else { name.to_vec() };
    if name.is_empty() || name.contains(&0) {
        return Err("no name");
    }
    let also = if ending == Ending::Line { without_carriage_return(&name) } else { None };
    Ok(Some(Record { also, ..Record::of_content(PathBuf::from(OsString::from_vec(name)), digest) }))
}

/// The name without a carriage return at its end, which may be half of the end of a line: b3sum 1.2 and coreutils 9.1 write one in
/// a name as it is.
pub(super) fn without_carriage_return(name: &[u8]) -> Option<PathBuf> {
    let name = name.strip_suffix(b"\r").filter(|name| !name.is_empty())?;
    Some(PathBuf::from(OsString::from_vec(name.to_vec())))
}

/// `DIGEST  NAME`, or `DIGEST *NAME`.
fn plain(line: &[u8]) -> Option<(Digest, &[u8])> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit())?;
    let digest = Digest::parse(Algorithm::of_length(end / 2)?, &line[..end])?;
    match &line[end..] {
        [b' ', b' ' | b'*', name @ ..] => Some((digest, name)),
        _ => None,
    }
}

fn tagged(line: &[u8]) -> Option<(Digest, &[u8])> {
    let Tagged { tag, name, digits } = Tagged::of(line)?;
    Some((Digest::parse(Algorithm::named(tag)?.of_bytes(digits.len() / 2), digits)?, name))
}

/// What is said of a line whose algorithm is none of ours.
pub const UNKNOWN_TAG: &str = "its digests are of an algorithm that is not read here";

/// Whether a line has a digest of an algorithm that is not known, as SM3, SHA3 or CRC.
#[must_use]
pub fn has_unknown_tag(line: &[u8]) -> bool {
    Tagged::of(line).is_some_and(|Tagged { tag, digits, .. }| {
        digits.iter().all(u8::is_ascii_hexdigit) && Algorithm::named(tag).is_none()
    })
}

/// A line of `--tag`, in its parts.
struct Tagged<'a> {
    tag: &'a str,
    name: &'a [u8],
    digits: &'a [u8],
}

impl<'a> Tagged<'a> {
    /// `ALGORITHM (NAME) = DIGEST`, or openssl's `ALGORITHM(NAME)= DIGEST`. rhash fills the algorithm up with blanks.
    fn of(line: &'a [u8]) -> Option<Self> {
        Self::between(line, b" (", b") = ").or_else(|| Self::between(line, b"(", b")= "))
    }

    fn between(line: &'a [u8], open: &[u8], close: &[u8]) -> Option<Self> {
        let begin = line.windows(open.len()).position(|part| part == open)?;
        let end = line.windows(close.len()).rposition(|part| part == close)?;
        let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"-/_".contains(byte);
        let tag = std::str::from_utf8(&line[..begin]).ok().map(str::trim_end).filter(|tag| !tag.is_empty())?;
        tag.as_bytes().iter().all(is_of_word).then_some(())?;
        Some(Self { tag, name: line.get(begin + open.len()..end)?, digits: line[end + close.len()..].trim_ascii_end() })
    }
}

fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut name = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte == b'\\' {
            let letter = rest.next()?;
            name.push(ESCAPES.iter().find(|(_, known)| known == letter)?.0);
        } else {
            name.push(*byte);
        }
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: [u8; 16] = [0xab; 16];

    #[test]
    fn a_name_comes_back_from_its_line() {
        for name in [&b"a"[..], b" ", b"-x", b"a\nb\r\\", b"\xff\xfe", b"a) = b", b"*", b"#"] {
            let line = line(name, &DIGEST);
            let record =
                parse(line.strip_suffix(b"\n").expect("a line"), Ending::Line).expect("sound").expect("a name");
            assert_eq!(record.path.into_os_string().into_vec(), name);
        }
    }

    #[test]
    fn each_style_is_read() {
        let md5 = "d41d8cd98f00b204e9800998ecf8427e";
        let read = |line: &str, ending| {
            parse(line.as_bytes(), ending).map(|record| record.map(|record| record.path.display().to_string()))
        };
        let name = |name: &str| Ok(Some(name.to_owned()));
        assert_eq!(read(&format!("{md5}  a"), Ending::Line), name("a"));
        assert_eq!(read(&format!("{md5} *a"), Ending::Line), name("a"));
        assert_eq!(read(&format!("MD5 (a (b) = c) = {md5}"), Ending::Line), name("a (b) = c"));
        assert_eq!(read(&format!("\\MD5 (a\\nb) = {md5}"), Ending::Line), name("a\nb"));
        assert_eq!(read(&format!("{md5}  a\\nb"), Ending::Zero), name("a\\nb"));
        assert_eq!(read(&format!("MD5(a (b)= c)= {md5}"), Ending::Line), name("a (b)= c"));
        assert_eq!(read(&format!("MD5(a (b) = c)= {md5}"), Ending::Line), name("a (b) = c"));
        assert_eq!(read(&format!("BLAKE2b-128 (a) = {md5}"), Ending::Line), name("a"));
        assert_eq!(read(&format!("MD5   (a (b) = c) = {md5}"), Ending::Line), name("a (b) = c"));
        assert_eq!(read(&format!("BLAKE3 (a) = {md5}{md5}{md5}"), Ending::Line), name("a"));
        assert_eq!(read(&format!("TIGER (a) = {md5}{}", &md5[..16]), Ending::Line), Err(UNKNOWN_TAG));
        assert_eq!(read(&format!("SM3 (a) = {md5}"), Ending::Line), Err(UNKNOWN_TAG));
        for silent in ["# a comment", "; a comment", "", "\r"] {
            assert_eq!(read(silent, Ending::Line), Ok(None));
        }
        for wrong in [&md5[1..], "zz  a", &format!("{md5} a"), &format!("\\{md5}  a\\q"), &format!("{md5}  ")] {
            assert!(read(wrong, Ending::Line).is_err(), "{wrong}");
        }
    }
}
