//! mtree(5): the lines that we write, and all that others write.
//!
//! What mtree(5) has no keyword for stands in `tags=`: every reader of the format knows that keyword and leaves its words
//! alone, while one that it does not know is an error to libarchive, bsdtar and pacman's tools among them.

use super::vis::{push_escaped, unescaped};
use crate::archive::digest::{Algorithm, Digest, push_hex, unhex};
use crate::archive::record::{Inside, Presence, Record};
use crate::kernel::{Kind, Timestamp};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The first line of every list.
pub const SIGNATURE: &[u8] = b"#mtree";

/// The second of ours: what is not said of a name there is not there.
pub const OURS: &[u8] = b"# safecp manifest 1";

/// Words of type=.
const KINDS: [(&str, Kind); 7] = [
    ("file", Kind::File),
    ("dir", Kind::Directory),
    ("link", Kind::Symlink),
    ("fifo", Kind::Fifo),
    ("socket", Kind::Socket),
    ("char", Kind::CharDevice),
    ("block", Kind::BlockDevice),
];

/// Keywords of digests that are not taken here.
const OTHER_DIGESTS: [&[u8]; 4] = [b"cksum", b"rmd160", b"rmd160digest", b"ripemd160digest"];

/// Why a line is refused that has no other digest: its content would pass unread.
pub const UNKNOWN_DIGEST: &str = "no digest that is known here";

/// What is before the first of our own words; they stand last in a line.
const TAGS: &str = " tags=";

/// Most lines are shorter, and need no second piece of memory.
const LINE_BYTES: usize = 320;

/// The line of a name, which must be relative, without the number of its inode.
#[must_use]
pub fn line(record: &Record) -> Vec<u8> {
    let mut line = Line(Vec::with_capacity(LINE_BYTES));
    if record.path.as_os_str() != "." {
        line.text("./");
    }
    push_escaped(&mut line.0, record.path.as_os_str().as_bytes());
    if let Some((name, _)) = KINDS.iter().find(|(_, kind)| Some(*kind) == record.kind) {
        line.text(" type=").text(name);
    }
    if let Some(mode) = record.mode {
        line.text(" mode=").number::<8>(mode.into(), 4);
    }
    if let Some(uid) = record.uid {
        line.text(" uid=").number::<10>(uid.into(), 1);
    }
    if let Some(gid) = record.gid {
        line.text(" gid=").number::<10>(gid.into(), 1);
    }
    if let Some(size) = record.size {
        line.text(" size=").number::<10>(size, 1);
    }
    if let Some(time) = record.mtime {
        // All readers take what follows the point for a number of nanoseconds, and one with a zero in front for octal.
        line.text(if time.seconds < 0 { " time=-" } else { " time=" });
        line.number::<10>(time.seconds.unsigned_abs(), 1).text(".").number::<10>(time.nanos.into(), 1);
    }
    if let Some(device) = record.device {
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        line.text(" device=linux,").number::<10>(major.into(), 1).text(",").number::<10>(minor.into(), 1);
    }
    if let Some(text) = &record.text {
        push_escaped(&mut line.text(" link=").0, text.as_bytes());
    }
    let digest = record.digest.as_ref().filter(|digest| digest.algorithm == Algorithm::Blake3);
    let tags = [
        ("blake3:", digest.map(|digest| &digest.value[..])),
        ("xattr:", record.attributes.as_ref().map(|hash| &hash.as_bytes()[..])),
        ("acl:", record.lists.as_ref().map(|hash| &hash.as_bytes()[..])),
    ];
    let tags = tags.into_iter().filter_map(|(name, value)| Some((name, value?)));
    for (before, (name, value)) in std::iter::once(TAGS).chain(std::iter::repeat(",")).zip(tags) {
        push_hex(&mut line.text(before).text(name).0, value);
    }
    line.text("\n");
    line.0
}

/// A line of ours with the number that the names of its inode have in common.
#[must_use]
pub fn with_inode(line: &[u8], inode: u64) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let start = line.iter().rposition(|byte| *byte == b' ').unwrap_or(0);
    let before = if line[start..].starts_with(TAGS.as_bytes()) { "," } else { TAGS };
    let mut whole = Line(line.to_vec());
    whole.text(before).text("inode:").number::<10>(inode, 1).text("\n");
    whole.0
}

/// A line on its way: there is one for each file, so that what makes it counts.
struct Line(Vec<u8>);

impl Line {
    fn text(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A number of at least so many digits.
    fn number<const BASE: u64>(&mut self, mut number: u64, digits_min: usize) -> &mut Self {
        // 2^64 has 22 octal digits.
        let mut digits = [b'0'; 22];
        let mut begin = digits.len();
        while number > 0 || digits.len() - begin < digits_min {
            begin -= 1;
            digits[begin] += (number % BASE) as u8;
            number /= BASE;
        }
        self.0.extend_from_slice(&digits[begin..]);
        self
    }
}

/// Reads lines in their order: some stand for those behind them.
#[derive(Debug, Default)]
pub struct Reader {
    /// What /set has said of names that do not say it themselves.
    set: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where names without a slash lie.
    directory: Vec<Vec<u8>>,
    /// A line that goes on.
    begun: Vec<u8>,
}

impl Reader {
    /// Reads a line without its end. `None` for one that speaks of no name.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Record>, &'static str> {
        // It ends where its line does: NetBSD's mtree puts names of directories there as they are.
        if self.begun.is_empty() && line.trim_ascii_start().starts_with(b"#") {
            return Ok(None);
        }
        let mut whole = std::mem::take(&mut self.begun);
        whole.extend_from_slice(line);
        // Of a name that ends in a backslash two are there, and its line has ended.
        let backslashes = whole.iter().rev().take_while(|byte| **byte == b'\\').count();
        if backslashes % 2 == 1 {
            whole.pop();
            whole.push(b' ');
            self.begun = whole;
            return Ok(None);
        }
        let mut words = whole.split(|byte| *byte == b' ' || *byte == b'\t').filter(|word| !word.is_empty());
        let Some(first) = words.next() else { return Ok(None) };
        match first {
            [b'#', ..] => Ok(None),
            b"/set" => {
                for word in words {
                    let (key, value) = keyword(word);
                    self.set.retain(|(known, _)| known != key);
                    self.set.push((key.to_vec(), value.to_vec()));
                }
                Ok(None)
            }
            b"/unset" => {
                words.for_each(|word| self.set.retain(|(known, _)| known != word && word != b"all"));
                Ok(None)
            }
            [b'/', ..] => Err("neither a name nor a keyword of mtree(5)"),
            b".." => self.directory.pop().map(|_| None).ok_or("'..' leads out of the tree"),
            name => self.entry(name, words).map(Some),
        }
    }

    /// Whether the last line goes on.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        !self.begun.is_empty()
    }

    fn entry<'w>(&mut self, name: &[u8], words: impl Iterator<Item = &'w [u8]>) -> Result<Record, &'static str> {
        let name = unescaped(name).ok_or("an escape that is none")?;
        let mut record = Record::default();
        let (mut has_other_digest, mut is_unlooked_at) = (false, false);
        for (key, value) in &self.set {
            keep(&mut record, key, value)?;
        }
        for word in words {
            let (key, value) = keyword(word);
            has_other_digest |= OTHER_DIGESTS.contains(&key);
            is_unlooked_at |= key == b"nochange";
            keep(&mut record, key, value)?;
        }
        if has_other_digest && record.digest.is_none() && !is_unlooked_at {
            return Err(UNKNOWN_DIGEST);
        }
        if is_unlooked_at {
            let Record { kind, presence, inside, .. } = record;
            record = Record { kind, presence, inside, ..Record::default() };
        }
        let is_path = name.contains(&b'/');
        let path = if is_path { name.clone() } else { self.beneath(&name) };
        if !is_path && record.kind == Some(Kind::Directory) {
            self.directory.push(name);
        }
        record.path = clean(&path);
        Ok(record)
    }

    fn beneath(&self, name: &[u8]) -> Vec<u8> {
        let mut parts: Vec<&[u8]> = self.directory.iter().map(Vec::as_slice).collect();
        parts.push(name);
        parts.join(&b'/')
    }
}

/// A path without `.` in it.
fn clean(path: &[u8]) -> PathBuf {
    let parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").collect();
    let root: &[u8] = if path.starts_with(b"/") { b"/" } else { b"" };
    let clean = [root, &parts.join(&b'/')].concat();
    PathBuf::from(OsString::from_vec(if clean.is_empty() { b".".to_vec() } else { clean }))
}

fn keyword(word: &[u8]) -> (&[u8], &[u8]) {
    let end = word.iter().position(|byte| *byte == b'=').unwrap_or(word.len());
    (&word[..end], word.get(end + 1..).unwrap_or_default())
}

/// Notes what a keyword says. What is of no use here is passed over.
fn keep(record: &mut Record, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
    // What is no text is no type, number or time either; a link's is read as bytes.
    let text = std::str::from_utf8(value).unwrap_or_default();
    let number = || text.parse().map_err(|_| "a number that is none");
    match key {
        b"type" => {
            let kind = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
            record.kind = Some(kind.ok_or("a type that is none")?);
        }
        b"mode" => {
            record.mode = Some(u32::from_str_radix(text, 8).map_err(|_| "a mode that is no octal number")? & 0o7777);
        }
        b"uid" => record.uid = Some(u32::try_from(number()?).map_err(|_| "a number that is none")?),
        b"gid" => record.gid = Some(u32::try_from(number()?).map_err(|_| "a number that is none")?),
        b"size" => record.size = Some(number()?),
        b"inode" => record.inode = Some(number()?),
        b"time" => record.mtime = Some(time(text).ok_or("a time that is none")?),
        b"link" => {
            record.text = Some(OsString::from_vec(unescaped(value).ok_or("an escape that is none")?));
        }
        b"device" => record.device = device(text),
        b"optional" => record.presence = Presence::Optional,
        b"ignore" => record.inside = Inside::Ignored,
        b"tags" => {
            for tag in text.split(',') {
                note_tag(record, tag)?;
            }
        }
        b"sha256" | b"sha256digest" | b"sha512" | b"sha512digest" | b"sha384" | b"sha384digest" | b"sha1"
        | b"sha1digest" | b"md5" | b"md5digest" | b"blake3" | b"blake3digest" => {
            let name = std::str::from_utf8(key).unwrap_or_default();
            let digest = Algorithm::named(name).and_then(|algorithm| Digest::parse(algorithm, value));
            note_digest(record, digest.ok_or("a digest that is none")?);
        }
        _ => {}
    }
    Ok(())
}

fn note_tag(record: &mut Record, tag: &str) -> Result<(), &'static str> {
    let wrong = "a digest that is none";
    let hash = |digits: &str| {
        unhex(digits.as_bytes()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).map(blake3::Hash::from).ok_or(wrong)
    };
    match tag.split_once(':') {
        Some(("blake3", digits)) => note_digest(record, Digest::blake3(&hash(digits)?)),
        Some(("xattr", digits)) => record.attributes = Some(hash(digits)?),
        Some(("acl", digits)) => record.lists = Some(hash(digits)?),
        Some(("inode", number)) => record.inode = Some(number.parse().map_err(|_| "a number that is none")?),
        // Another's.
        Some(_) | None => {}
    }
    Ok(())
}

/// Of several digests the strongest counts.
pub fn note_digest(record: &mut Record, digest: Digest) {
    if record.digest.as_ref().is_none_or(|known| known.algorithm < digest.algorithm) {
        record.digest = Some(digest);
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let (seconds, nanos) = text.split_once('.').unwrap_or((text, "0"));
    let nanos: u32 = nanos.parse().ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Timestamp { seconds: seconds.parse().ok()?, nanos })
}

/// `linux,MAJOR,MINOR`, `native,MAJOR,MINOR`, or one number.
fn device(text: &str) -> Option<u64> {
    let numbers: Vec<&str> = text.split(',').collect();
    match numbers[..] {
        ["linux" | "native", major, minor] => Some(rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?)),
        [number] => number.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Record> {
        let mut reader = Reader::default();
        text.lines().filter_map(|line| reader.line(line.as_bytes()).expect("a sound line")).collect()
    }

    #[test]
    fn a_record_comes_back_from_its_line() {
        let record = Record {
            path: PathBuf::from(OsString::from_vec(b"a \n\xff/#=".to_vec())),
            also: None,
            kind: Some(Kind::CharDevice),
            size: Some(7),
            mode: Some(0o4755),
            uid: Some(0),
            gid: Some(u32::MAX),
            mtime: Some(Timestamp { seconds: -5, nanos: 51_843_329 }),
            text: Some(OsString::from("to \\")),
            inode: Some(u64::MAX),
            device: Some(rustix::fs::makedev(259, 70_000)),
            digest: Some(Digest::blake3(&blake3::hash(b"x"))),
            attributes: Some(blake3::hash(b"y")),
            lists: Some(blake3::hash(b"z")),
            presence: Presence::Wanted,
            inside: Inside::Listed,
        };
        let line = with_inode(&line(&record), u64::MAX);
        assert_eq!(Reader::default().line(line.trim_ascii_end()), Ok(Some(record)));
    }

    /// As they were written before NetBSD's mtree was known to refuse the keyword.
    #[test]
    fn the_number_of_an_inode_may_be_a_keyword() {
        let inode = |line: &str| read(line)[0].inode;
        assert_eq!(inode(&format!("./a type=file tags=blake3:{} inode=7", "a".repeat(64))), Some(7));
        let line = with_inode(b"./a type=file\n", 7);
        assert_eq!(line, b"./a type=file tags=inode:7\n");
    }

    #[test]
    fn the_older_style_has_directories_that_are_entered_and_left() {
        let text = "#mtree\n/set type=file uid=1\n.  type=dir\n  a mode=0644 \\\n  size=3\n  d type=dir\n    b uid=2\n  ..\n  c\n..\n";
        let found: Vec<_> = read(text).into_iter().map(|record| (record.path, record.uid, record.size)).collect();
        let expected = [(".", 1, None), ("a", 1, Some(3)), ("d", 1, None), ("d/b", 2, None), ("c", 1, None)];
        assert_eq!(found, expected.map(|(path, uid, size)| (PathBuf::from(path), Some(uid), size)));
    }

    #[test]
    fn the_strongest_digest_counts() {
        let (md5, sha256) = ("900150983cd24fb0d6963f7d28e17f72", "a".repeat(64));
        let records = read(&format!("./a md5digest={md5} sha256digest={sha256} md5={md5} time=1.0"));
        assert_eq!(records[0].digest.as_ref().map(|digest| digest.algorithm), Some(Algorithm::Sha256));
    }

    #[test]
    fn nonsense_is_refused() {
        for line in [
            "./a size=x",
            "./a cksum=1",
            "./a mode=9",
            "./a type=x",
            r"./a\q",
            "..",
            "/x type=file",
            "./a time=1.9999999999",
        ] {
            assert!(Reader::default().line(line.as_bytes()).is_err(), "{line}");
        }
    }
}
