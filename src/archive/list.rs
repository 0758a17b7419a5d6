//! Lists of other tools and our own, read record by record, whatever their length. What cannot be read comes up as an error
//! with the number of its line.

use super::foreign;
use super::format::{BYTE_ORDER_MARK, Format, HEAD_BYTES};
use super::formats::sums::Ending;
use super::formats::{bagit, contents, hashdeep, mhl, mtree, sums};
use super::record::Record;
use super::unpacked::{self, Unpacked};
use crate::error::{Action, Error, reason_of};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::quote::quoted;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// A longer line is none: a name has at most 4095 bytes, each of which may take four, and there are two of them.
const LINE_BYTES: u64 = 64 << 10;

/// A file's bytes in their order.
pub struct Source<'a, K: Kernel> {
    kernel: &'a K,
    file: K::File,
}

impl<K: Kernel> Read for Source<'_, K> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.kernel.read(&self.file, buffer)?)
    }
}

/// Opens files to read them as text.
pub struct Input;

impl Input {
    /// Opens a file that the user named.
    pub fn open<'a, K: Kernel>(kernel: &'a K, path: &Path) -> Result<BufReader<Source<'a, K>>, Error> {
        let file = kernel.open(None, path, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty(), ResolveFlags::empty());
        let file = file.map_err(|errno| Error::call(Action::OpenSource, path, errno))?;
        Ok(BufReader::with_capacity(64 << 10, Source { kernel, file }))
    }
}

/// What is told of a list beside its records.
type Text<'a> = Box<dyn BufRead + Send + 'a>;

/// A list that is being read.
pub struct List<'a> {
    /// What kind of list it is.
    pub format: Format,
    shown: PathBuf,
    lines: Lines<'a>,
    state: State<'a>,
    has_failed: bool,
}

struct Lines<'a> {
    text: Text<'a>,
    number: u64,
}

enum State<'a> {
    Mtree(mtree::Reader),
    Hashdeep(hashdeep::Reader),
    Simple,
    Mhl(Box<mhl::Records<Text<'a>>>),
}

impl<'a> List<'a> {
    /// Opens a list, and finds out what kind it is.
    pub fn open<K: Kernel>(kernel: &'a K, path: &Path) -> Result<Self, Error>
    where
        K::File: 'a,
    {
        let failed = |error: std::io::Error| match Errno::from_io_error(&error) {
            Some(errno) => Error::call(Action::Read, path, errno),
            None => Error::Refused(format!("error reading {}: {}", quoted(path), reason_of(&error))),
        };
        let mut text = Input::open(kernel, path)?;
        let is_packed = text.fill_buf().map_err(failed)?.starts_with(unpacked::SIGNATURE);
        let mut text: Text<'a> = if is_packed { Box::new(BufReader::new(Unpacked::new(text))) } else { Box::new(text) };
        let mut head = Vec::new();
        text.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
        let format = Format::of(&head, path);
        let unread = || match foreign::what(&head) {
            Some(what) => Error::Refused(format!("{} is no list that is read: {what}", quoted(path))),
            None => Error::Refused(format!("{} is no list that is known", quoted(path))),
        };
        let format = format.ok_or_else(unread)?;
        Ok(Self::new(format, Box::new(BufReader::new(std::io::Cursor::new(head).chain(text))), path))
    }

    /// The records of a text of this kind.
    #[must_use]
    pub fn new(format: Format, text: Text<'a>, shown: &Path) -> Self {
        let mut lines = Lines { text, number: 0 };
        let state = match format {
            Format::Ours | Format::Mtree => State::Mtree(mtree::Reader::default()),
            Format::Hashdeep => State::Hashdeep(hashdeep::Reader::default()),
            Format::Sums(_) | Format::Contents | Format::Bagit(_) => State::Simple,
            Format::Mhl => {
                let text = std::mem::replace(&mut lines.text, Box::new(std::io::empty()));
                State::Mhl(Box::new(mhl::Records::new(text)))
            }
        };
        Self { format, shown: shown.to_owned(), lines, state, has_failed: false }
    }

    fn wrong(&self, why: &str) -> Error {
        Error::Refused(format!("{}: line {}: {why}", quoted(&self.shown), self.lines.number))
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let ending = if self.format == Format::Sums(Ending::Zero) { 0 } else { b'\n' };
        let mut line = Vec::new();
        let read = self.lines.text.by_ref().take(LINE_BYTES).read_until(ending, &mut line);
        self.lines.number += 1;
        match read {
            Ok(0) => Ok(None),
            Ok(_) if line.last() == Some(&ending) => {
                line.pop();
                Ok(Some(self.without_mark(line)))
            }
            Ok(_) if line.len() as u64 >= LINE_BYTES => {
                self.has_failed = true;
                Err(self.wrong("too long"))
            }
            // The last line has no end: the list may have been cut, and all but its very end is there.
            Ok(_) if self.format.is_ours() => Err(self.wrong("the list was cut off")),
            Ok(_) => Ok(Some(self.without_mark(line))),
            Err(error) => {
                self.has_failed = true;
                Err(self.wrong(&reason_of(&error)))
            }
        }
    }

    /// The first line without the mark that programs of Windows begin a text with.
    fn without_mark(&self, mut line: Vec<u8>) -> Vec<u8> {
        if self.lines.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        line
    }

    /// Whether the list ends in the middle of something, so that a name would be lost without a word.
    fn is_in_line(&self) -> bool {
        matches!(&self.state, State::Mtree(reader) if reader.is_in_line())
    }

    fn record(&mut self, line: &[u8]) -> Result<Option<Record>, &'static str> {
        match (&mut self.state, self.format) {
            (State::Mtree(reader), _) => reader.line(line.strip_suffix(b"\r").unwrap_or(line)),
            (State::Hashdeep(reader), _) => reader.line(line),
            (State::Simple | State::Mhl(_), Format::Sums(ending)) => sums::parse(line, ending),
            (State::Simple | State::Mhl(_), Format::Contents) => contents::parse(line),
            (State::Simple | State::Mhl(_), Format::Bagit(algorithm)) => bagit::parse(line, algorithm),
            (State::Simple | State::Mhl(_), Format::Ours | Format::Mtree | Format::Hashdeep | Format::Mhl) => Ok(None),
        }
    }
}

impl Iterator for List<'_> {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let State::Mhl(records) = &mut self.state {
            let record = records.next()?;
            let position = records.offset();
            let wrong = |why: String| Error::Refused(format!("{}: byte {position}: {why}", quoted(&self.shown)));
            return Some(record.map_err(wrong));
        }
        while !self.has_failed {
            match self.line() {
                Ok(Some(line)) => match self.record(&line) {
                    Ok(None) => {}
                    Ok(Some(record)) => return Some(Ok(record)),
                    Err(why) => return Some(Err(self.wrong(why))),
                },
                Ok(None) if self.is_in_line() => {
                    self.has_failed = true;
                    return Some(Err(self.wrong("the list was cut off")));
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }
}
