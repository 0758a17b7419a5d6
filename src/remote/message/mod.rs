//! What both ends say to each other, and how it is written down.
//!
//! Whatever is read here is checked here: a name is one component, a chunk lies where chunks lie, and a message has
//! nothing behind its last field. docs/remote.md has every byte.

mod chunk;
mod entry;
mod request;

use super::fields::{Malformed, Reader, Result, Writer, at, place};
use super::fields::{read_errno, read_path, write_errno, write_strings};
use super::frame::Frame;
use super::receiver_event::ReceiverEvent;
use super::terms::Terms;
use crate::kernel::Errno;
pub use chunk::{CHUNK, Chunk, End, Missed, PARTED_MIN, Steadiness, VALUES_AT_ONCE, VALUES_MAX, Values};
pub use entry::{Content, Entry, FileHead, is_component};
pub use request::{ServerRequest, Sources};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The version that is spoken; a peer that speaks older ones only is told so.
pub const VERSION: u32 = 1;

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything was done.
    Well,
    /// Something was not, and was told.
    Failed,
}

const VERDICTS: [Verdict; 2] = [Verdict::Well, Verdict::Failed];

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
    /// The receiver wants nothing more of an entry and of what is in it, 0 for nothing at all; to a sender that has said it
    /// hears that. What was cut short by it was not copied.
    Enough {
        /// The entry.
        id: u64,
    },
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
                write_strings(&mut head, features.iter().map(OsString::as_os_str));
                1
            }
            Message::Request { wish, terms, speaker } => {
                wish.write(&mut head);
                terms.write(&mut head);
                head.bytes(speaker.as_bytes());
                2
            }
            Message::Operands(paths) => {
                write_strings(&mut head, paths.iter().map(|path| path.as_os_str()));
                3
            }
            Message::MoreOperands(paths) => {
                write_strings(&mut head, paths.iter().map(|path| path.as_os_str()));
                18
            }
            Message::Entry(entry) => {
                entry.write(&mut head);
                4
            }
            Message::Data(chunk) | Message::Patch(chunk) => {
                chunk.write(&mut head);
                body = &chunk.bytes;
                if matches!(self, Message::Data(_)) { 5 } else { 9 }
            }
            Message::Zeros { id, count } => {
                head.u64(*id).u64(*count);
                6
            }
            Message::End(end) => {
                end.write(&mut head);
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
                missed.write(&mut head);
                16
            }
            Message::Values(values) => {
                values.write(&mut head);
                17
            }
            Message::Enough { id } => {
                head.u64(*id);
                19
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
                wish: ServerRequest::read(&mut reader)?,
                terms: Terms::read(&mut reader)?,
                speaker: reader.text()?.to_owned(),
            },
            3 => Message::Operands(reader.several(read_path)?),
            4 => Message::Entry(Entry::read(&mut reader)?),
            5 | 9 => {
                let chunk = Chunk::read(&mut reader, body)?;
                if kind == 5 { Message::Data(chunk) } else { Message::Patch(chunk) }
            }
            6 => Message::Zeros { id: reader.u64()?, count: reader.u64()? },
            7 => Message::End(End::read(&mut reader)?),
            8 => Message::Leave(read_errno(&mut reader)?),
            10 => Message::Finish,
            11 => Message::Credit { bytes: reader.u64()?, reached: reader.u64()? },
            12 => Message::Again { id: reader.u64()?, number: reader.u64()? },
            13 => Message::Answer { id: reader.u64()?, digest: reader.optional(Reader::digest)? },
            14 => Message::Finished(at(&VERDICTS, &mut reader)?),
            15 => Message::Told(ReceiverEvent::read(&mut reader)?),
            16 => Message::Missed(Missed::read(&mut reader)?),
            17 => Message::Values(Values::read(&mut reader)?),
            18 => Message::MoreOperands(reader.several(read_path)?),
            19 => Message::Enough { id: reader.u64()? },
            _ => return Err(Malformed),
        };
        reader.end()?;
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kind, Stat, Timestamp};

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
            Message::Enough { id: 3 },
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
