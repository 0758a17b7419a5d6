//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions, as bytes.
//!
//! Whatever a server sends is read or refused here: no packet is longer than [`PACKET_MAX`], no count is believed before
//! the bytes are there, and nothing is kept of a packet but what it can mean.

use crate::kernel::Stat;
use std::io::Read;

/// The longest packet that a server may send: OpenSSH's own limit.
pub const PACKET_MAX: usize = 256 << 10;

/// The longest handle: the protocol's own limit.
const HANDLE_MAX: usize = 256;

/// How much of a server's explanation is kept.
const MESSAGE_MAX: usize = 300;

const INIT: u8 = 1;
const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED: u8 = 200;
const EXTENDED_REPLY: u8 = 201;

/// What a server says of a request that it has done.
pub const OK: u32 = 0;
/// What it says at the end of a file or a directory.
pub const EOF: u32 = 1;
/// What it says of a name that does not exist.
pub const NO_SUCH_FILE: u32 = 2;
/// What OpenSSH says of a name that is too long to be one.
pub const BAD_MESSAGE: u32 = 5;
/// What it says where it has no other word.
pub const FAILURE: u32 = 4;

/// Attributes of a far file, those that are told or to be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attrs {
    /// Bytes of content.
    pub size: Option<u64>,
    /// User and group.
    pub owner: Option<(u32, u32)>,
    /// The mode, with the bits for what it is.
    pub mode: Option<u32>,
    /// Last access and last change, in seconds since 1970.
    pub times: Option<(u32, u32)>,
}

/// The bits of a mode that say what a name is.
const KIND: u32 = 0o170_000;

/// They say that it is a directory.
pub const DIRECTORY: u32 = 0o040_000;

/// They say that it is a regular file.
pub const FILE: u32 = 0o100_000;

/// They say that it is a symbolic link.
pub const LINK: u32 = 0o120_000;

impl Attrs {
    /// What the name is; `None` where the server does not say.
    #[must_use]
    pub fn kind(&self) -> Option<u32> {
        self.mode.map(|mode| mode & KIND)
    }
}

/// What the protocol can say of a file's times; the nearest where [`can_tell_times`] says no.
pub(super) fn times_of(stat: &Stat) -> (u32, u32) {
    let seconds = |seconds: i64| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
    (seconds(stat.atime.seconds), seconds(stat.mtime.seconds))
}

/// Whether the protocol has a file's times, but for parts of a second.
pub(super) fn can_tell_times(stat: &Stat) -> bool {
    [stat.atime, stat.mtime].iter().all(|time| u32::try_from(time.seconds).is_ok())
}

/// Whether times that a server tells are what it has. OpenSSH's tells one before 1970 as one after 2038.
pub(super) fn are_times_sure((atime, mtime): (u32, u32)) -> bool {
    [atime, mtime].iter().all(|seconds| i32::try_from(*seconds).is_ok())
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be read.
    Read,
    /// To be written; the name must be new.
    Create,
}

/// What a client asks for. Paths and handles are bytes.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// Opens a file.
    Open(&'a [u8], Access, Attrs),
    /// Closes a file or a directory.
    Close(&'a [u8]),
    /// Reads so many bytes at an offset.
    Read(&'a [u8], u64, u32),
    /// Writes bytes at an offset.
    Write(&'a [u8], u64, &'a [u8]),
    /// Looks at a name; a symbolic link is not followed.
    Lstat(&'a [u8]),
    /// Looks at a name.
    Stat(&'a [u8]),
    /// Looks at an open file.
    Fstat(&'a [u8]),
    /// Sets attributes of a name.
    Setstat(&'a [u8], Attrs),
    /// Opens a directory.
    Opendir(&'a [u8]),
    /// Reads the next names.
    Readdir(&'a [u8]),
    /// Removes what is no directory.
    Remove(&'a [u8]),
    /// Makes a directory.
    Mkdir(&'a [u8], Attrs),
    /// Makes a path absolute.
    Realpath(&'a [u8]),
    /// Reads what a symbolic link says.
    Readlink(&'a [u8]),
    /// Gives a name that is free.
    Rename(&'a [u8], &'a [u8]),
    /// posix-rename@openssh.com: gives a name, whatever has it.
    PosixRename(&'a [u8], &'a [u8]),
    /// fsync@openssh.com: writes an open file out.
    Fsync(&'a [u8]),
    /// statvfs@openssh.com: asks for the room where a name lies.
    Statvfs(&'a [u8]),
    /// limits@openssh.com.
    Limits,
}

/// A name in a far directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, unchecked.
    pub name: Vec<u8>,
    /// What it is; a symbolic link is not followed.
    pub attrs: Attrs,
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A code, and words for it.
    Status(u32, String),
    /// An open file or directory.
    Handle(Vec<u8>),
    /// Bytes of a file.
    Data(Vec<u8>),
    /// Names.
    Names(Vec<Entry>),
    /// Attributes.
    Attrs(Attrs),
    /// An extension's own.
    Extended(Vec<u8>),
}

/// Why bytes are no packet of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The server ended the connection.
    Ended,
    /// Reading failed.
    Read(String),
    /// A length is longer than any packet.
    TooLong([u8; 4]),
    /// A packet ends within a field, or goes on behind the last one.
    Malformed,
    /// A packet that no server sends.
    Unknown(u8),
}

impl std::fmt::Display for WireError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WireError::Ended => write!(f, "closed"),
            WireError::Read(reason) => f.write_str(reason),
            WireError::TooLong(bytes) if bytes.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') => {
                let text = String::from_utf8_lossy(bytes);
                write!(f, "something there prints '{text}...' where SFTP should begin; do its shell's start-up files?")
            }
            WireError::TooLong(bytes) => write!(f, "a packet of {} bytes", u32::from_be_bytes(*bytes)),
            WireError::Malformed => write!(f, "a malformed packet"),
            WireError::Unknown(INIT) => {
                write!(f, "what is sent there comes back: something runs there that repeats it, and no SFTP server")
            }
            WireError::Unknown(kind) => write!(f, "a packet of unknown type {kind}"),
        }
    }
}

impl Attrs {
    fn put(&self, packet: &mut Vec<u8>) {
        let flag = |bit: u32, is_there: bool| if is_there { bit } else { 0 };
        let (size, owner) = (flag(1, self.size.is_some()), flag(2, self.owner.is_some()));
        let (mode, times) = (flag(4, self.mode.is_some()), flag(8, self.times.is_some()));
        put_number(packet, size | owner | mode | times);
        self.size.iter().for_each(|size| packet.extend(size.to_be_bytes()));
        for (first, second) in self.owner.iter().take(1) {
            put_number(packet, *first);
            put_number(packet, *second);
        }
        self.mode.iter().for_each(|mode| put_number(packet, *mode));
        for (first, second) in self.times.iter().take(1) {
            put_number(packet, *first);
            put_number(packet, *second);
        }
    }
}

fn put_number(packet: &mut Vec<u8>, number: u32) {
    packet.extend(number.to_be_bytes());
}

/// A string's length; what is sent is far below 4 GiB, as the limits of paths and of writes see to.
fn put_length(packet: &mut Vec<u8>, length: usize) {
    put_number(packet, u32::try_from(length).unwrap_or(u32::MAX));
}

fn put_string(packet: &mut Vec<u8>, string: &[u8]) {
    put_length(packet, string.len());
    packet.extend(string);
}

impl Request<'_> {
    /// The packet in front of the bytes that [`Self::payload`] gives.
    #[must_use]
    pub fn head(&self, id: u32) -> Vec<u8> {
        let mut packet = vec![0; 4];
        packet.push(self.kind());
        put_number(&mut packet, id);
        let body = &mut packet;
        match *self {
            Request::Open(path, access, attrs) => {
                put_string(body, path);
                // READ; WRITE, CREAT and EXCL.
                put_number(body, if access == Access::Read { 1 } else { 2 | 8 | 32 });
                attrs.put(body);
            }
            Request::Read(handle, offset, length) => {
                put_string(body, handle);
                body.extend(offset.to_be_bytes());
                put_number(body, length);
            }
            Request::Write(handle, offset, bytes) => {
                put_string(body, handle);
                body.extend(offset.to_be_bytes());
                put_length(body, bytes.len());
            }
            Request::Setstat(path, attrs) | Request::Mkdir(path, attrs) => {
                put_string(body, path);
                attrs.put(body);
            }
            Request::Rename(from, to) => {
                put_string(body, from);
                put_string(body, to);
            }
            Request::PosixRename(from, to) => {
                put_string(body, b"posix-rename@openssh.com");
                put_string(body, from);
                put_string(body, to);
            }
            Request::Fsync(handle) => {
                put_string(body, b"fsync@openssh.com");
                put_string(body, handle);
            }
            Request::Statvfs(path) => {
                put_string(body, b"statvfs@openssh.com");
                put_string(body, path);
            }
            Request::Limits => put_string(body, b"limits@openssh.com"),
            Request::Close(one)
            | Request::Lstat(one)
            | Request::Stat(one)
            | Request::Fstat(one)
            | Request::Opendir(one)
            | Request::Readdir(one)
            | Request::Remove(one)
            | Request::Realpath(one)
            | Request::Readlink(one) => put_string(body, one),
        }
        let length = u32::try_from(packet.len() - 4 + self.payload().len()).unwrap_or(u32::MAX);
        packet[..4].copy_from_slice(&length.to_be_bytes());
        packet
    }

    /// What follows the head.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Request::Write(_, _, bytes) => bytes,
            _ => &[],
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Request::Open(..) => 3,
            Request::Close(_) => 4,
            Request::Read(..) => 5,
            Request::Write(..) => 6,
            Request::Lstat(_) => 7,
            Request::Fstat(_) => 8,
            Request::Setstat(..) => 9,
            Request::Opendir(_) => 11,
            Request::Readdir(_) => 12,
            Request::Remove(_) => 13,
            Request::Mkdir(..) => 14,
            Request::Realpath(_) => 16,
            Request::Stat(_) => 17,
            Request::Rename(..) => 18,
            Request::Readlink(_) => 19,
            Request::PosixRename(..) | Request::Fsync(_) | Request::Statvfs(_) | Request::Limits => EXTENDED,
        }
    }
}

/// The packet that begins a connection.
#[must_use]
pub fn init() -> Vec<u8> {
    let mut packet = vec![0, 0, 0, 5, INIT];
    put_number(&mut packet, 3);
    packet
}

/// The next packet: its type, and what follows.
pub fn read_packet(input: &mut impl Read) -> Result<(u8, Vec<u8>), WireError> {
    let mut length = [0; 4];
    read_all(input, &mut length)?;
    let count = u32::from_be_bytes(length) as usize;
    if count == 0 {
        return Err(WireError::Malformed);
    }
    if count > PACKET_MAX {
        return Err(WireError::TooLong(length));
    }
    let mut kind = [0; 1];
    read_all(input, &mut kind)?;
    let mut body = vec![0; count - 1];
    read_all(input, &mut body)?;
    Ok((kind[0], body))
}

fn read_all(input: &mut impl Read, buffer: &mut [u8]) -> Result<(), WireError> {
    input.read_exact(buffer).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => WireError::Ended,
        _ => WireError::Read(error.to_string()),
    })
}

/// The server's version and the names of its extensions.
pub fn version(kind: u8, body: &[u8]) -> Result<(u32, Vec<Vec<u8>>), WireError> {
    if kind != VERSION {
        return Err(WireError::Unknown(kind));
    }
    let mut fields = Fields(body);
    let number = fields.number()?;
    let mut extensions = Vec::new();
    while !fields.0.is_empty() {
        extensions.push(fields.string()?.to_vec());
        fields.string()?;
    }
    Ok((number, extensions))
}

/// An answer, and the number of the request that it answers.
pub fn answer(kind: u8, mut body: Vec<u8>) -> Result<(u32, Answer), WireError> {
    let mut fields = Fields(&body);
    let id = fields.number()?;
    let answer = match kind {
        STATUS => {
            let code = fields.number()?;
            // Old servers send no words.
            let words = if fields.0.is_empty() { &[] } else { fields.string()? };
            let words = &words[..words.len().min(MESSAGE_MAX)];
            return Ok((id, Answer::Status(code, String::from_utf8_lossy(words).into_owned())));
        }
        HANDLE => Answer::Handle(
            Some(fields.string()?).filter(|it| it.len() <= HANDLE_MAX).ok_or(WireError::Malformed)?.to_vec(),
        ),
        DATA => {
            let length = fields.string()?.len();
            fields.end()?;
            // The bytes are the largest part: they stay where they are.
            body.drain(..8);
            body.truncate(length);
            return Ok((id, Answer::Data(body)));
        }
        NAME => Answer::Names(names(&mut fields)?),
        ATTRS => Answer::Attrs(fields.attrs()?),
        EXTENDED_REPLY => return Ok((id, Answer::Extended(fields.0.to_vec()))),
        kind => return Err(WireError::Unknown(kind)),
    };
    fields.end()?;
    Ok((id, answer))
}

fn names(fields: &mut Fields<'_>) -> Result<Vec<Entry>, WireError> {
    let count = fields.number()?;
    let mut names = Vec::new();
    for _ in 0..count {
        let name = fields.string()?.to_vec();
        // A line like that of ls(1), for people.
        fields.string()?;
        names.push(Entry { name, attrs: fields.attrs()? });
    }
    Ok(names)
}

/// The numbers of an extension's answer.
#[must_use]
pub fn numbers(body: &[u8]) -> Vec<u64> {
    body.chunks_exact(8).map(|chunk| u64::from_be_bytes(std::array::from_fn(|at| chunk[at]))).collect()
}

/// How many blocks a filesystem has, by the answer of statvfs@openssh.com.
#[must_use]
pub fn blocks(body: &[u8]) -> Option<u64> {
    // f_bsize, f_frsize, f_blocks, and eight more.
    let numbers = numbers(body);
    numbers.first_chunk::<11>().map(|numbers| numbers[2])
}

/// What is left of a packet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(WireError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, WireError> {
        let bytes = self.bytes(4)?;
        Ok(u32::from_be_bytes(std::array::from_fn(|at| bytes[at])))
    }

    fn long(&mut self) -> Result<u64, WireError> {
        let high = u64::from(self.number()?);
        Ok(high << 32 | u64::from(self.number()?))
    }

    fn string(&mut self) -> Result<&'a [u8], WireError> {
        let length = self.number()?;
        self.bytes(length as usize)
    }

    fn attrs(&mut self) -> Result<Attrs, WireError> {
        const EXTENDED_ATTRIBUTES: u32 = 0x8000_0000;
        let flags = self.number()?;
        if flags & !(15 | EXTENDED_ATTRIBUTES) != 0 {
            return Err(WireError::Malformed);
        }
        let mut attrs = Attrs::default();
        if flags & 1 != 0 {
            attrs.size = Some(self.long()?);
        }
        if flags & 2 != 0 {
            attrs.owner = Some((self.number()?, self.number()?));
        }
        if flags & 4 != 0 {
            attrs.mode = Some(self.number()?);
        }
        if flags & 8 != 0 {
            attrs.times = Some((self.number()?, self.number()?));
        }
        if flags & EXTENDED_ATTRIBUTES != 0 {
            for _ in 0..self.number()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(attrs)
    }

    fn end(&self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Malformed) }
    }
}
