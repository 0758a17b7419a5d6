//! What a receiver tells of each name, beside its digest, where the sender makes a report or a list of the run.
//!
//! Whatever is read here is checked here: a path is one that the kernel would take, a text has a bound.

use super::fields::{Malformed, Reader, Result, Writer, at, place};
use super::fields::{read_errno, read_path, read_stat, write_errno, write_stat};
use crate::copy::{Placement, Thing, Verified};
use crate::kernel::{Errno, Kind, Stat};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

/// A longer message is none: two names with all their bytes escaped, and what is said of them.
const TEXT_MAX: usize = 64 << 10;

/// Something that happened at the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverEvent {
    /// A directory was made.
    Directory {
        /// What it is a copy of, as it was sent.
        source: PathBuf,
        /// Its name there.
        target: PathBuf,
    },
    /// A name that is no directory is done.
    Name(Box<ToldName>),
    /// A directory has everything in it.
    Finished {
        /// Its name in a list.
        path: PathBuf,
        /// What it is.
        seal: Box<Seal>,
    },
    /// A message.
    Said {
        /// How much it weighs.
        weight: Weight,
        /// Its words.
        text: String,
    },
}

/// What is told of a name that is no directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldName {
    /// The entry, if an answer tells its digest; 0 of any other.
    pub id: u64,
    /// What it is a copy of, as it was sent.
    pub source: PathBuf,
    /// Its name there.
    pub target: PathBuf,
    /// Its name in a list.
    pub path: PathBuf,
    /// What became of it.
    pub became: Became,
    /// Attributes that had to be kept and could not, in words.
    pub complaints: Vec<String>,
    /// What it is now, where a list is made.
    pub seal: Option<Seal>,
}

/// What became of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// A copy of a file's content.
    Copied(Arrival),
    /// Something else.
    Made(Thing),
}

/// How a file has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Bytes of content.
    pub size: u64,
    /// Whether it went on with a part that an earlier run had left (--partial). Only a sender that knows of it is told.
    pub continued: bool,
    /// How it was read back.
    pub verified: Verified,
    /// How it took its place.
    pub placement: Placement,
    /// Whether blocks of zeros became holes.
    pub holes: Holes,
    /// What took an old file's name was not written out before: the answer of its filesystem.
    pub unsynced: Option<Errno>,
    /// How long it took.
    pub took: Duration,
}

/// Whether blocks of zeros became holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holes {
    /// They were written.
    None,
    /// They did.
    ByZeros,
}

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// As it is there.
    pub stat: Stat,
    /// What a symbolic link says.
    pub text: Option<OsString>,
    /// BLAKE3 of a file's content.
    pub digest: Option<[u8; 32]>,
    /// BLAKE3 of its extended attributes.
    pub attributes: Option<[u8; 32]>,
    /// BLAKE3 of its access control lists.
    pub lists: Option<[u8; 32]>,
}

/// How much a message weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Something failed.
    Failed,
    /// Something should be known that is no failure.
    Warned,
    /// The same in words of its own.
    Noted,
}

const PLACEMENTS: [Placement; 9] = [
    Placement::New,
    Placement::Replace,
    Placement::Supplant,
    Placement::Rewrite,
    Placement::InPlace,
    Placement::Through,
    Placement::BlockDevice,
    Placement::Value,
    Placement::Own,
];
const HOLES: [Holes; 2] = [Holes::None, Holes::ByZeros];
const WEIGHTS: [Weight; 3] = [Weight::Failed, Weight::Warned, Weight::Noted];

impl ReceiverEvent {
    pub(super) fn write(&self, head: &mut Writer) {
        match self {
            ReceiverEvent::Directory { source, target } => {
                head.u8(0).bytes(source.as_os_str().as_bytes()).bytes(target.as_os_str().as_bytes());
            }
            ReceiverEvent::Name(name) => {
                head.u8(1);
                name.write(head);
            }
            ReceiverEvent::Finished { path, seal } => {
                head.u8(2).bytes(path.as_os_str().as_bytes());
                seal.write(head);
            }
            ReceiverEvent::Said { weight, text } => {
                head.u8(3).u8(place(&WEIGHTS, weight)).bytes(cut(text));
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        match reader.u8()? {
            0 => Ok(ReceiverEvent::Directory { source: read_path(reader)?, target: read_path(reader)? }),
            1 => ToldName::read(reader).map(Box::new).map(ReceiverEvent::Name),
            2 => Ok(ReceiverEvent::Finished { path: read_path(reader)?, seal: Seal::read(reader).map(Box::new)? }),
            3 => Ok(ReceiverEvent::Said { weight: at(&WEIGHTS, reader)?, text: read_text(reader)? }),
            _ => Err(Malformed),
        }
    }
}

impl ToldName {
    fn write(&self, head: &mut Writer) {
        head.u64(self.id);
        for path in [&self.source, &self.target, &self.path] {
            head.bytes(path.as_os_str().as_bytes());
        }
        match &self.became {
            Became::Copied(arrival) => {
                head.u8(if arrival.continued { 2 } else { 0 }).u64(arrival.size);
                head.u8(place(&Verified::ALL, &arrival.verified)).u8(place(&PLACEMENTS, &arrival.placement));
                head.u8(place(&HOLES, &arrival.holes));
                write_errno(head, arrival.unsynced);
                head.u64(u64::try_from(arrival.took.as_nanos()).unwrap_or(u64::MAX));
            }
            Became::Made(thing) => {
                head.u8(1).u8(place(&Thing::ALL, thing));
            }
        }
        head.u32(u32::try_from(self.complaints.len()).unwrap_or(u32::MAX));
        for complaint in &self.complaints {
            head.bytes(cut(complaint));
        }
        head.optional(self.seal.as_ref(), |head, seal| seal.write(head));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let id = reader.u64()?;
        let (source, target, path) = (read_path(reader)?, read_path(reader)?, read_path(reader)?);
        let became = match reader.u8()? {
            kind @ (0 | 2) => Became::Copied(Arrival {
                size: reader.u64()?,
                continued: kind == 2,
                verified: at(&Verified::ALL, reader)?,
                placement: at(&PLACEMENTS, reader)?,
                holes: at(&HOLES, reader)?,
                unsynced: read_errno(reader)?,
                took: Duration::from_nanos(reader.u64()?),
            }),
            1 => Became::Made(at(&Thing::ALL, reader)?),
            _ => return Err(Malformed),
        };
        let (complaints, seal) = (reader.several(read_text)?, reader.optional(Seal::read)?);
        Ok(Self { id, source, target, path, became, complaints, seal })
    }
}

impl Seal {
    fn write(&self, head: &mut Writer) {
        write_stat(head, &self.stat);
        head.optional(self.text.as_ref(), |head, text| {
            head.bytes(text.as_bytes());
        });
        for digest in [&self.digest, &self.attributes, &self.lists] {
            head.optional(digest.as_ref(), |head, digest| {
                head.digest(digest);
            });
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let stat = read_stat(reader)?;
        let text = reader.optional(|reader| reader.text().map(OsStr::to_owned))?;
        if text.is_some() != (stat.kind == Kind::Symlink) {
            return Err(Malformed);
        }
        let mut digest = || reader.optional(Reader::digest);
        let (digest, attributes, lists) = (digest()?, digest()?, digest()?);
        if digest.is_some() != (stat.kind == Kind::File) {
            return Err(Malformed);
        }
        Ok(Self { stat, text, digest, attributes, lists })
    }
}

/// As much of a text as a message takes.
fn cut(text: &str) -> &[u8] {
    let end = (0..=text.len().min(TEXT_MAX)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text.as_bytes()[..end]
}

/// Words for a terminal, without what could do anything to it.
fn read_text(reader: &mut Reader<'_>) -> Result<String> {
    let bytes = reader.bytes()?;
    if bytes.len() > TEXT_MAX {
        return Err(Malformed);
    }
    let text = String::from_utf8_lossy(bytes);
    Ok(text.chars().filter(|sign| !sign.is_control()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Timestamp;

    #[test]
    fn whatever_is_told_reads_the_same() {
        let time = Timestamp { seconds: 5, nanos: 6 };
        let (atime, mtime, ctime) = (time, time, time);
        let (dev, ino, kind, mode, nlink, uid, gid) = (1, 2, Kind::File, 0o644, 1, 3, 4);
        let stat = Stat { dev, ino, kind, mode, nlink, uid, gid, rdev: 0, size: 7, blocks: 8, atime, mtime, ctime };
        let seal = Seal { stat, text: None, digest: Some([1; 32]), attributes: None, lists: Some([2; 32]) };
        let (size, verified, placement, holes) = (7, Verified::Device, Placement::Replace, Holes::ByZeros);
        let (unsynced, took) = (Some(Errno::NOSYS), Duration::from_nanos(9));
        let arrival = Arrival { size, continued: false, verified, placement, holes, unsynced, took };
        let continued = Arrival { continued: true, ..arrival.clone() };
        let name = |became, seal| {
            let (source, target, path) = (PathBuf::from("s"), PathBuf::from("t"), PathBuf::from("p"));
            ReceiverEvent::Name(Box::new(ToldName {
                id: 3,
                source,
                target,
                path,
                became,
                complaints: vec!["c".into()],
                seal,
            }))
        };
        let of_directory = Seal { stat: Stat { kind: Kind::Directory, ..stat }, digest: None, ..seal.clone() };
        let all = [
            ReceiverEvent::Directory { source: PathBuf::from("a"), target: PathBuf::from("b") },
            name(Became::Copied(arrival), Some(seal)),
            name(Became::Copied(continued), None),
            name(Became::Made(Thing::HardLink), None),
            ReceiverEvent::Finished { path: PathBuf::from("."), seal: Box::new(of_directory) },
            ReceiverEvent::Said { weight: Weight::Warned, text: "words".into() },
        ];
        for told in all {
            let mut head = Writer::default();
            told.write(&mut head);
            let bytes = head.into_bytes();
            let mut reader = Reader(&bytes);
            assert_eq!(ReceiverEvent::read(&mut reader), Ok(told));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn words_do_nothing_to_a_terminal() {
        let mut head = Writer::default();
        ReceiverEvent::Said { weight: Weight::Failed, text: "a\u{1b}[31m\n".into() }.write(&mut head);
        let said = ReceiverEvent::Said { weight: Weight::Failed, text: "a[31m".into() };
        assert_eq!(ReceiverEvent::read(&mut Reader(&head.into_bytes())), Ok(said));
        let mut long = Writer::default();
        long.u8(3).u8(0).bytes(&vec![b'x'; TEXT_MAX + 1]);
        assert_eq!(ReceiverEvent::read(&mut Reader(&long.into_bytes())), Err(Malformed));
    }
}
