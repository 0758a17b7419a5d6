//! The fields that messages are made of: numbers, the lowest byte first, strings behind their length, and what is made of these.
//!
//! A reader never allocates more than it was given, and says where a field does not fit.

use crate::kernel::{Errno, Kind, Stat, Timestamp};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The longest path that the kernel takes.
const PATH_MAX: usize = 4096;

const KINDS: [Kind; 7] =
    [Kind::File, Kind::Directory, Kind::Symlink, Kind::Fifo, Kind::Socket, Kind::CharDevice, Kind::BlockDevice];

/// A message does not read as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What reading a field gives.
pub(super) type Result<T> = std::result::Result<T, Malformed>;

/// Fields one behind the other.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn u8(&mut self, number: u8) -> &mut Self {
        self.0.push(number);
        self
    }

    pub(super) fn u32(&mut self, number: u32) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(super) fn u64(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(super) fn i64(&mut self, number: i64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    /// What is longer than four gigabytes is cut, and no such thing is ever written.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.u32(length).0.extend(bytes.iter().take(length as usize));
        self
    }

    pub(super) fn digest(&mut self, digest: &[u8; 32]) -> &mut Self {
        self.0.extend(digest);
        self
    }

    /// A field that may be missing.
    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
        self
    }
}

/// Reads fields in the order in which they were written.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    pub(super) fn u8(&mut self) -> Result<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| Malformed)?)
    }

    pub(super) fn text(&mut self) -> Result<&'a OsStr> {
        self.bytes().map(OsStr::from_bytes)
    }

    pub(super) fn digest(&mut self) -> Result<[u8; 32]> {
        self.array()
    }

    pub(super) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        match self.u8()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Malformed),
        }
    }

    /// So many fields; each takes a byte at least, so that no number asks for more memory than there is message.
    pub(super) fn several<T>(&mut self, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        if count > self.0.len() {
            return Err(Malformed);
        }
        (0..count).map(|_| read(self)).collect()
    }

    /// Nothing may stand behind the last field.
    pub(super) fn end(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

/// The number that a word travels as: its place among all words for the same thing.
pub(super) fn place<T: PartialEq>(words: &[T], word: &T) -> u8 {
    words.iter().position(|known| known == word).and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

/// The word that a number stands for.
pub(super) fn at<T: Copy>(words: &[T], reader: &mut Reader<'_>) -> Result<T> {
    words.get(usize::from(reader.u8()?)).copied().ok_or(Malformed)
}

/// A path that the kernel would take, or an empty one.
pub(super) fn read_path(reader: &mut Reader<'_>) -> Result<PathBuf> {
    let path = reader.text()?;
    let is_path = path.len() < PATH_MAX && !path.as_bytes().contains(&0);
    if is_path { Ok(PathBuf::from(path)) } else { Err(Malformed) }
}

/// Strings behind how many there are.
pub(super) fn write_strings<'s>(writer: &mut Writer, strings: impl ExactSizeIterator<Item = &'s OsStr>) {
    writer.u32(u32::try_from(strings.len()).unwrap_or(u32::MAX));
    strings.for_each(|string| {
        writer.bytes(string.as_bytes());
    });
}

/// An error number that may be missing.
pub(super) fn write_errno(writer: &mut Writer, errno: Option<Errno>) {
    writer.optional(errno, |writer, errno| {
        writer.u32(errno.raw_os_error().unsigned_abs());
    });
}

/// Numbers of errors are those of Linux, which are the same on x86, ARM and RISC-V.
pub(super) fn read_errno(reader: &mut Reader<'_>) -> Result<Option<Errno>> {
    reader.optional(|reader| match reader.u32()? {
        number @ 1..=4095 => Ok(Errno::from_raw_os_error(i32::try_from(number).map_err(|_| Malformed)?)),
        _ => Err(Malformed),
    })
}

/// All that stat(2) says.
pub(super) fn write_stat(writer: &mut Writer, stat: &Stat) {
    writer.u8(place(&KINDS, &stat.kind)).u32(stat.mode).u32(stat.uid).u32(stat.gid);
    writer.u64(stat.dev).u64(stat.ino).u64(stat.nlink).u64(stat.rdev).u64(stat.size).u64(stat.blocks);
    for time in [stat.atime, stat.mtime, stat.ctime] {
        writer.i64(time.seconds).u32(time.nanos);
    }
}

/// The same, as far as it can be.
pub(super) fn read_stat(reader: &mut Reader<'_>) -> Result<Stat> {
    let kind = at(&KINDS, reader)?;
    let (mode, uid, gid) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let [dev, ino, nlink, rdev, size, blocks] = {
        let mut numbers = [0; 6];
        for number in &mut numbers {
            *number = reader.u64()?;
        }
        numbers
    };
    let mut times = [Timestamp::default(); 3];
    for time in &mut times {
        *time = Timestamp { seconds: reader.i64()?, nanos: reader.u32()? };
    }
    let [atime, mtime, ctime] = times;
    if mode > 0o7777 || size > i64::MAX.unsigned_abs() || times.iter().any(|time| time.nanos > 999_999_999) {
        return Err(Malformed);
    }
    Ok(Stat { dev, ino, kind, mode, nlink, uid, gid, rdev, size, blocks, atime, mtime, ctime })
}
