//! What both ends say to each other, and how it is written down.
//!
//! Whatever is read here is checked here: a name is one component, a chunk lies where chunks lie, and a message has
//! nothing behind its last field. docs/remote.md has every byte.

use super::fields::{Malformed, Reader, Result, Writer, at, place};
use super::fields::{read_errno, read_path, read_stat, write_errno, write_stat};
use super::frame::{BODY_MAX, Frame};
use super::receiver_event::ReceiverEvent;
use super::terms::Terms;
use crate::kernel::{Errno, Kind, Stat};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// A file is cut into chunks of so many bytes, each proved and sent again by itself.
pub const CHUNK: u64 = BODY_MAX as u64;

/// The version that is spoken; a peer that speaks older ones only is told so.
pub const VERSION: u32 = 1;

/// What cannot be finished of a longer file stays as a part (--partial), of which the values of its chunks tell what is right.
pub const PARTED_MIN: u64 = 64 << 20;

/// So many values go at once.
pub const VALUES_AT_ONCE: usize = 16 << 10;

/// And so many of a file, which is a tebibyte of it. What lies behind is asked for.
pub const VALUES_MAX: usize = 1 << 20;

/// The longest name that a filesystem takes.
const NAME_MAX: usize = 255;

/// What is asked of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerRequest {
    /// To receive what the client sends, at this target; with several sources it is a directory.
    Receive {
        /// As typed; empty for the directory of the login.
        target: PathBuf,
        /// How many sources there are.
        sources: Sources,
    },
    /// To send what these patterns stand for.
    Send {
        /// As typed.
        patterns: Vec<PathBuf>,
    },
}

/// How many sources there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// One: the target may be its new name.
    One,
    /// More: the target is a directory.
    Several,
}

const SOURCES: [Sources; 2] = [Sources::One, Sources::Several];

/// Something that is sent: a name, with all that stat(2) says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1 in the order of sending.
    pub id: u64,
    /// One component; that of an operand, its whole path.
    pub name: OsString,
    /// What it is, or why it could not be looked at.
    pub found: std::result::Result<FileHead, Errno>,
}

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHead {
    /// As it was when it was looked at.
    pub stat: Stat,
    /// What a symbolic link says.
    pub text: Option<OsString>,
    /// Extended attributes and access control lists, where they go along.
    pub attributes: Vec<(OsString, Vec<u8>)>,
    /// Why it could not be opened to be read.
    pub refusal: Option<Errno>,
    /// Where its bytes are.
    pub content: Content,
}

/// Where the bytes of a name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It has none: no regular file, or one that cannot be read.
    Nothing,
    /// They follow.
    Follows,
    /// They went before, with another name of the same inode; they are sent if they are asked for.
    Before,
    /// They are sent if they are asked for, chunk by chunk; this is BLAKE3 of them (--resume).
    Told([u8; 32]),
}

/// Whether a file stayed what it was while it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steadiness {
    /// As far as size, times and number tell.
    Same,
    /// It did not.
    Changed,
}

const STEADINESS: [Steadiness; 2] = [Steadiness::Same, Steadiness::Changed];

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was done.
    Well,
    /// Something was not, and was told.
    Failed,
}

const VERDICTS: [Verdict; 2] = [Verdict::Well, Verdict::Failed];

/// A chunk of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Of the entry.
    pub id: u64,
    /// Counted from 0.
    pub number: u64,
    /// Its chaining value in the BLAKE3 tree of the file.
    pub value: [u8; 32],
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The end of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Of the entry.
    pub id: u64,
    /// How many bytes were read.
    pub size: u64,
    /// BLAKE3 of them.
    pub digest: [u8; 32],
    /// Whether the file changed meanwhile.
    pub steadiness: Steadiness,
    /// Why reading ended early.
    pub error: Option<Errno>,
}

/// A chunk that was asked for and cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Of the entry.
    pub id: u64,
    /// Counted from 0.
    pub number: u64,
    /// Why.
    pub error: Errno,
}

/// What the next chunks of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values {
    /// Of the entry.
    pub id: u64,
    /// Their chaining values.
    pub values: Vec<[u8; 32]>,
}

/// What both ends say to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// The first of each side.
    Hello {
        /// The newest version that it speaks.
        newest: u32,
        /// The oldest one.
        oldest: u32,
        /// What it can beyond that, by name.
        features: Vec<OsString>,
    },
    /// The client's second.
    Request {
        /// What is to be done.
        wish: ServerRequest,
        /// And how.
        terms: Terms,
        /// What stands before a message of the server.
        speaker: OsString,
    },
    /// The sender's first: the sources, as they are called in messages.
    Operands(Vec<PathBuf>),
    /// Before it, the first sources of more than one message holds.
    MoreOperands(Vec<PathBuf>),
    /// A name.
    Entry(Entry),
    /// The next chunk of a file.
    Data(Chunk),
    /// So many chunks that hold only zeros.
    Zeros {
        /// Of the entry.
        id: u64,
        /// How many.
        count: u64,
    },
    /// The end of a file's content.
    End(End),
    /// The end of a directory, and why its names could not be read.
    Leave(Option<Errno>),
    /// A chunk that was asked for again.
    Patch(Chunk),
    /// The sender has sent everything.
    Finish,
    /// The receiver has taken so many bytes, and will ask for nothing of entries before this one.
    Credit {
        /// Since the last time.
        bytes: u64,
        /// The entry.
        reached: u64,
    },
    /// The receiver needs a chunk again.
    Again {
        /// Of the entry.
        id: u64,
        /// The chunk.
        number: u64,
    },
    /// A file has its outcome; with the digest of what was read back, if it was copied.
    Answer {
        /// The entry.
        id: u64,
        /// BLAKE3.
        digest: Option<[u8; 32]>,
    },
    /// The receiver has done everything it could.
    Finished(Verdict),
    /// What became of a name, where the sender is to tell it; that of a file comes before its answer.
    Told(ReceiverEvent),
    /// Instead of a chunk that was asked for, to a receiver that has said it takes the reason.
    Missed(Missed),
    /// Behind an entry whose digest is told, of a file that is long enough to have a part (--partial).
    Values(Values),
}

impl Message {
    /// Kind, head and body.
    #[must_use]
    pub fn write(&self) -> (u8, Vec<u8>, &[u8]) {
        let mut head = Writer::default();
        let mut body: &[u8] = &[];
        let kind = match self {
            Message::Hello { newest, oldest, features } => {
                head.u32(*newest).u32(*oldest);
                strings(&mut head, features.iter().map(OsString::as_os_str));
                1
            }
            Message::Request { wish, terms, speaker } => {
                match wish {
                    ServerRequest::Receive { target, sources } => {
                        head.u8(0).bytes(target.as_os_str().as_bytes()).u8(place(&SOURCES, sources));
                    }
                    ServerRequest::Send { patterns } => {
                        head.u8(1);
                        strings(&mut head, patterns.iter().map(|pattern| pattern.as_os_str()));
                    }
                }
                terms.write(&mut head);
                head.bytes(speaker.as_bytes());
                2
            }
            Message::Operands(paths) => {
                strings(&mut head, paths.iter().map(|path| path.as_os_str()));
                3
            }
            Message::MoreOperands(paths) => {
                strings(&mut head, paths.iter().map(|path| path.as_os_str()));
                18
            }
            Message::Entry(entry) => {
                write_entry(&mut head, entry);
                4
            }
            Message::Data(chunk) | Message::Patch(chunk) => {
                head.u64(chunk.id).u64(chunk.number).digest(&chunk.value);
                body = &chunk.bytes;
                if matches!(self, Message::Data(_)) { 5 } else { 9 }
            }
            Message::Zeros { id, count } => {
                head.u64(*id).u64(*count);
                6
            }
            Message::End(end) => {
                head.u64(end.id).u64(end.size).digest(&end.digest).u8(place(&STEADINESS, &end.steadiness));
                write_errno(&mut head, end.error);
                7
            }
            Message::Leave(error) => {
                write_errno(&mut head, *error);
                8
            }
            Message::Finish => 10,
            Message::Credit { bytes, reached } => {
                head.u64(*bytes).u64(*reached);
                11
            }
            Message::Again { id, number } => {
                head.u64(*id).u64(*number);
                12
            }
            Message::Answer { id, digest } => {
                head.u64(*id).optional(digest.as_ref(), |head, digest| {
                    head.digest(digest);
                });
                13
            }
            Message::Finished(verdict) => {
                head.u8(place(&VERDICTS, verdict));
                14
            }
            Message::Told(told) => {
                told.write(&mut head);
                15
            }
            Message::Missed(missed) => {
                head.u64(missed.id).u64(missed.number);
                write_errno(&mut head, Some(missed.error));
                16
            }
            Message::Values(values) => {
                head.u64(values.id).u32(u32::try_from(values.values.len()).unwrap_or(u32::MAX));
                values.values.iter().for_each(|value| {
                    head.digest(value);
                });
                17
            }
        };
        (kind, head.into_bytes(), body)
    }

    /// What a frame says.
    pub fn read(frame: Frame) -> Result<Self> {
        let Frame { kind, head, body } = frame;
        let has_body = matches!(kind, 5 | 9);
        if !has_body && !body.is_empty() {
            return Err(Malformed);
        }
        let mut reader = Reader(&head);
        let message = match kind {
            1 => Message::Hello {
                newest: reader.u32()?,
                oldest: reader.u32()?,
                features: reader.several(|reader| reader.text().map(OsStr::to_owned))?,
            },
            2 => Message::Request {
                wish: read_wish(&mut reader)?,
                terms: Terms::read(&mut reader)?,
                speaker: reader.text()?.to_owned(),
            },
            3 => Message::Operands(reader.several(read_path)?),
            4 => Message::Entry(read_entry(&mut reader)?),
            5 | 9 => {
                let (id, number, value) = (reader.u64()?, reader.u64()?, reader.digest()?);
                // The last byte of a chunk has an offset.
                number.checked_add(1).and_then(|next| next.checked_mul(CHUNK)).ok_or(Malformed)?;
                let chunk = Chunk { id, number, value, bytes: body };
                if kind == 5 { Message::Data(chunk) } else { Message::Patch(chunk) }
            }
            6 => Message::Zeros { id: reader.u64()?, count: reader.u64()? },
            7 => Message::End(End {
                id: reader.u64()?,
                size: reader.u64()?,
                digest: reader.digest()?,
                steadiness: at(&STEADINESS, &mut reader)?,
                error: read_errno(&mut reader)?,
            }),
            8 => Message::Leave(read_errno(&mut reader)?),
            10 => Message::Finish,
            11 => Message::Credit { bytes: reader.u64()?, reached: reader.u64()? },
            12 => Message::Again { id: reader.u64()?, number: reader.u64()? },
            13 => Message::Answer { id: reader.u64()?, digest: reader.optional(Reader::digest)? },
            14 => Message::Finished(at(&VERDICTS, &mut reader)?),
            15 => Message::Told(ReceiverEvent::read(&mut reader)?),
            16 => Message::Missed(Missed {
                id: reader.u64()?,
                number: reader.u64()?,
                error: read_errno(&mut reader)?.ok_or(Malformed)?,
            }),
            18 => Message::MoreOperands(reader.several(read_path)?),
            17 => Message::Values(Values { id: reader.u64()?, values: reader.several(Reader::digest)? }),
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(message)
    }
}

fn strings<'s>(writer: &mut Writer, strings: impl ExactSizeIterator<Item = &'s OsStr>) {
    writer.u32(u32::try_from(strings.len()).unwrap_or(u32::MAX));
    strings.for_each(|string| {
        writer.bytes(string.as_bytes());
    });
}

fn read_wish(reader: &mut Reader<'_>) -> Result<ServerRequest> {
    match reader.u8()? {
        0 => Ok(ServerRequest::Receive { target: read_path(reader)?, sources: at(&SOURCES, reader)? }),
        1 => Ok(ServerRequest::Send { patterns: reader.several(read_path)? }),
        _ => Err(Malformed),
    }
}

fn write_entry(writer: &mut Writer, entry: &Entry) {
    writer.u64(entry.id).bytes(entry.name.as_bytes());
    write_errno(writer, entry.found.as_ref().err().copied());
    let Ok(found) = &entry.found else { return };
    write_stat(writer, &found.stat);
    writer.optional(found.text.as_ref(), |writer, text| {
        writer.bytes(text.as_bytes());
    });
    writer.u32(u32::try_from(found.attributes.len()).unwrap_or(u32::MAX));
    for (name, value) in &found.attributes {
        writer.bytes(name.as_bytes()).bytes(value);
    }
    write_errno(writer, found.refusal);
    match &found.content {
        Content::Nothing => writer.u8(0),
        Content::Follows => writer.u8(1),
        Content::Before => writer.u8(2),
        Content::Told(digest) => writer.u8(3).digest(digest),
    };
}

fn read_content(reader: &mut Reader<'_>) -> Result<Content> {
    match reader.u8()? {
        0 => Ok(Content::Nothing),
        1 => Ok(Content::Follows),
        2 => Ok(Content::Before),
        3 => Ok(Content::Told(reader.digest()?)),
        _ => Err(Malformed),
    }
}

fn read_entry(reader: &mut Reader<'_>) -> Result<Entry> {
    let (id, name) = (reader.u64()?, reader.text()?.to_owned());
    if let Some(errno) = read_errno(reader)? {
        return Ok(Entry { id, name, found: Err(errno) });
    }
    let stat = read_stat(reader)?;
    let text = reader.optional(|reader| reader.text().map(OsStr::to_owned))?;
    if text.is_some() != (stat.kind == Kind::Symlink) || text.as_ref().is_some_and(|text| text.as_bytes().contains(&0))
    {
        return Err(Malformed);
    }
    let attributes = reader.several(|reader| Ok((reader.text()?.to_owned(), reader.bytes()?.to_vec())))?;
    let (refusal, content) = (read_errno(reader)?, read_content(reader)?);
    if content != Content::Nothing && stat.kind != Kind::File {
        return Err(Malformed);
    }
    Ok(Entry { id, name, found: Ok(FileHead { stat, text, attributes, refusal, content }) })
}

/// Whether a name is one component, which leads nowhere but into the directory that it is looked up in.
#[must_use]
pub fn is_component(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let is_plain = !bytes.is_empty() && bytes.len() <= NAME_MAX && bytes != b"." && bytes != b"..";
    is_plain && !bytes.iter().any(|byte| matches!(byte, b'/' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Timestamp;

    #[test]
    fn a_component_leads_nowhere_else() {
        for name in ["", ".", "..", "/", "a/b", "a/", "/a", "a\0"] {
            assert!(!is_component(OsStr::new(name)), "{name:?}");
        }
        assert!(!is_component(OsStr::new(&"x".repeat(256))));
        for name in ["a", "...", "a:b", " ", "\n", "-r"] {
            assert!(is_component(OsStr::new(name)), "{name:?}");
        }
    }

    #[test]
    fn whatever_is_written_reads_the_same() {
        let time = Timestamp { seconds: -5, nanos: 7 };
        let stat = Stat {
            dev: 1,
            ino: 2,
            kind: Kind::File,
            mode: 0o4755,
            nlink: 3,
            uid: 4,
            gid: 5,
            rdev: 6,
            size: 7,
            blocks: 8,
            atime: time,
            mtime: time,
            ctime: time,
        };
        let attributes = vec![(OsString::from("user.a"), vec![0, 1])];
        let found = FileHead { stat, text: None, attributes, refusal: Some(Errno::ACCESS), content: Content::Follows };
        let told = FileHead { content: Content::Told([5; 32]), ..found.clone() };
        let chunk = Chunk { id: 9, number: 3, value: [7; 32], bytes: vec![1, 2, 3] };
        let end = End { id: 9, size: 3, digest: [1; 32], steadiness: Steadiness::Changed, error: Some(Errno::IO) };
        let paths = vec![PathBuf::from("a"), PathBuf::new()];
        let wishes = [
            ServerRequest::Send { patterns: paths.clone() },
            ServerRequest::Receive { target: PathBuf::from("b"), sources: Sources::Several },
        ];
        let mut all = vec![
            Message::Hello { newest: 2, oldest: 1, features: vec![OsString::from("x")] },
            Message::Operands(paths.clone()),
            Message::MoreOperands(paths),
            Message::Entry(Entry { id: 1, name: OsString::from("n"), found: Ok(told) }),
            Message::Entry(Entry { id: 1, name: OsString::from("n"), found: Ok(found) }),
            Message::Entry(Entry { id: 1, name: OsString::from("n"), found: Err(Errno::NOENT) }),
            Message::Missed(Missed { id: 9, number: 3, error: Errno::IO }),
            Message::Values(Values { id: 9, values: vec![[1; 32], [2; 32]] }),
            Message::Data(chunk.clone()),
            Message::Patch(chunk),
            Message::Zeros { id: 1, count: 2 },
            Message::End(end),
            Message::Leave(None),
            Message::Finish,
            Message::Credit { bytes: 1, reached: 2 },
            Message::Again { id: 1, number: 2 },
            Message::Answer { id: 1, digest: Some([3; 32]) },
            Message::Finished(Verdict::Failed),
        ];
        all.extend(wishes.map(|wish| Message::Request { wish, terms: Terms::plain(), speaker: OsString::from("s") }));
        for message in all {
            let (kind, head, body) = message.write();
            let frame = Frame { kind, head: head.clone(), body: body.to_vec() };
            assert_eq!(Message::read(frame), Ok(message.clone()));
            let longer = Frame { kind, head: [&head[..], &[0]].concat(), body: body.to_vec() };
            assert_eq!(Message::read(longer), Err(Malformed), "{message:?}");
        }
    }
}
