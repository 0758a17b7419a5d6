//! The content of files, as it is asked for.
//!
//! No byte is handed on before the chunk that has it is proved, and the end of a file not before its digest. A chunk that arrived
//! damaged, or that is needed once more, is asked for again.

use super::{Held, Intake, Note};
use crate::kernel::{Errno, Result};
use crate::quote::quoted;
use crate::remote::connection::strange;
use crate::remote::message::{CHUNK, Chunk, Content, End, Message, Steadiness};
use crate::remote::received::Received;
use std::sync::atomic::Ordering;

impl Intake {
    /// Reads content, as pread(2) does. What a part holds of it need not come.
    pub(in crate::remote) fn read(
        &mut self,
        file: &Received,
        held: &Held<'_>,
        buffer: &mut [u8],
        offset: u64,
    ) -> Result<usize> {
        let found = file.found()?;
        if let Some(errno) = found.refusal {
            return Err(errno);
        }
        let id = file.entry.id;
        if let Content::Told(digest) = found.content {
            return self.read_told(file, (found.stat.size, digest, held), buffer, offset);
        }
        loop {
            if let Some(held) = self.stream.held(id, offset) {
                let count = held.len().min(buffer.len());
                buffer[..count].copy_from_slice(&held[..count]);
                return Ok(count);
            }
            let streams = self.stream.id == id && found.content == Content::Follows;
            if streams && self.stream.end.is_none() && offset >= self.stream.position {
                self.advance(file)?;
                continue;
            }
            let size = self.stream.end.as_ref().filter(|_| streams).map_or(found.stat.size, |end| end.size);
            if offset >= size {
                return Ok(0);
            }
            let number = offset / CHUNK;
            let chunk = self.again(file, number)?;
            let bytes = self.as_before(file, chunk)?.bytes;
            // The file is shorter by now.
            if (offset % CHUNK) >= bytes.len() as u64 {
                return Ok(0);
            }
            self.stream.chunk = (id, number * CHUNK, bytes);
        }
    }

    /// Takes in the next part of a file's content.
    fn advance(&mut self, file: &Received) -> Result<()> {
        if self.stream.zeros > 0 {
            self.stream.zeros -= 1;
            let number = self.stream.position / CHUNK;
            self.stream.add(Chunk::of(file.entry.id, number, vec![0; CHUNK as usize]));
            return Ok(());
        }
        let id = file.entry.id;
        match self.exchange.next()? {
            Message::Data(chunk) if chunk.id == id && chunk.number * CHUNK == self.stream.position => {
                let chunk = if chunk.is_right() { chunk } else { self.mended(file, chunk.number)? };
                if chunk.bytes.is_empty() {
                    return Err(self.exchange.break_off(&strange()));
                }
                self.stream.add(chunk);
                Ok(())
            }
            Message::Zeros { id: of, count } if of == id && self.stream.position % CHUNK == 0 => {
                self.stream.zeros = count;
                Ok(())
            }
            Message::End(end) if end.id == id => self.ended(file, end),
            _ => Err(self.exchange.break_off(&strange())),
        }
    }

    /// The end of a file's content: everything that came has to add up to what was read.
    fn ended(&mut self, file: &Received, end: End) -> Result<()> {
        if let Some(errno) = end.error {
            return Err(errno);
        }
        self.add_up(file, end.size, end.digest)?;
        file.has_changed.store(end.steadiness == Steadiness::Changed, Ordering::Relaxed);
        self.stream.end = Some(end);
        Ok(())
    }

    /// All chunks of a file have come: they have to be what was read.
    pub(super) fn add_up(&mut self, file: &Received, size: u64, digest: [u8; 32]) -> Result<()> {
        let root = self.stream.tree.take().and_then(|tree| tree.root(size));
        let is_whole = self.stream.position == size && root.is_some_and(|root| *root.as_bytes() == digest);
        if !is_whole {
            let name = quoted(&file.shown);
            self.notes.push(Note::Damaged(format!("verification failed: {name} did not arrive as it was sent")));
            // No byte of it is at hand any more.
            self.stream.chunk = (0, 0, Vec::new());
            return Err(Errno::IO);
        }
        self.whole.insert(file.shown.clone().into_os_string(), (file.entry.id, digest));
        Ok(())
    }

    /// Asks for a chunk, which is to come before anything else is looked at.
    pub(super) fn again(&mut self, file: &Received, number: u64) -> Result<Chunk> {
        let id = file.entry.id;
        self.exchange.ask(id, number)?;
        self.exchange.flush()?;
        let mut chunk = self.exchange.await_patch(id, number)?;
        // What was asked for ahead comes first.
        while self.exchange.awaits(id, number) {
            chunk = self.exchange.await_patch(id, number)?;
        }
        // A file that is shorter by now has nothing there.
        if chunk.bytes.is_empty() || chunk.is_right() {
            return Ok(chunk);
        }
        let (start, name) = (number * CHUNK, quoted(&file.shown));
        let end = start + chunk.bytes.len() as u64;
        let note = format!("verification failed: bytes {start} to {end} of {name} arrived damaged twice");
        self.notes.push(Note::Damaged(note));
        Err(Errno::IO)
    }

    /// A chunk that arrived damaged, once more.
    pub(super) fn mended(&mut self, file: &Received, number: u64) -> Result<Chunk> {
        let (name, start) = (quoted(&file.shown), number * CHUNK);
        let chunk = self.again(file, number)?;
        let bytes = format!("bytes {start} to {} of {name}", start + chunk.bytes.len() as u64);
        self.notes.push(Note::Mended(format!("{bytes} arrived damaged, and were sent again")));
        Ok(chunk)
    }

    /// A chunk that has come before. A source that reads as something else the second time was never copied.
    pub(super) fn as_before(&mut self, file: &Received, mut chunk: Chunk) -> Result<Chunk> {
        if self.stream.is_as_before(&mut chunk) {
            return Ok(chunk);
        }
        let (start, name) = (chunk.number * CHUNK, quoted(&file.shown));
        let end = start + chunk.bytes.len() as u64;
        let note = format!(
            "verification failed: bytes {start} to {end} of {name} were something else when they were read before"
        );
        self.notes.push(Note::Damaged(note));
        Err(Errno::IO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kind, Stat, Timestamp};
    use crate::remote::awaited::Awaited;
    use crate::remote::connection::{Features, send, streams};
    use crate::remote::message::{Entry, FileHead, Missed};
    use crate::remote::terms::Terms;
    use std::io::{Cursor, sink};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    const SHORT: &[u8] = b"short";

    fn chunk(number: u64, bytes: &[u8]) -> Chunk {
        Chunk::of(1, number, bytes.to_vec())
    }

    /// A file of two chunks, of which these messages come.
    fn arrived(said: &[Message]) -> (Intake, Arc<Received>) {
        let (time, size) = (Timestamp::default(), CHUNK + SHORT.len() as u64);
        let (dev, ino, kind, mode, nlink, uid, gid, rdev, blocks) = (1, 1, Kind::File, 0o644, 1, 0, 0, 0, 0);
        let (atime, mtime, ctime) = (time, time, time);
        let stat = Stat { dev, ino, kind, mode, nlink, uid, gid, rdev, size, blocks, atime, mtime, ctime };
        let found = FileHead { stat, text: None, attributes: Vec::new(), refusal: None, content: Content::Follows };
        let mut bytes = Vec::new();
        send(&mut bytes, &Message::Entry(Entry { id: 1, name: "f".into(), found: Ok(found) })).expect("sent");
        for message in said {
            send(&mut bytes, message).expect("sent");
        }
        let (input, output) = streams(Cursor::new(bytes), sink());
        let awaited = Awaited { sent_as: PathBuf::from("f"), shown: PathBuf::from("h:f") };
        let mut intake = Intake::new((input, output, Features::all()), vec![awaited], Terms::plain(), Arc::default());
        let file = intake.operand(Path::new("h:f")).expect("it has come");
        (intake, file)
    }

    fn end(first: &[u8]) -> Message {
        let digest = *blake3::hash(&[first, SHORT].concat()).as_bytes();
        let size = CHUNK + SHORT.len() as u64;
        Message::End(End { id: 1, size, digest, steadiness: Steadiness::Same, error: None })
    }

    fn read_all(intake: &mut Intake, file: &Received) -> Result<Vec<u8>> {
        let (mut buffer, mut read) = (vec![0; CHUNK as usize], Vec::<u8>::new());
        loop {
            let count = intake.read(file, &|_, _| Ok(0), &mut buffer, read.len() as u64)?;
            if count == 0 {
                return Ok(read);
            }
            read.extend(&buffer[..count]);
        }
    }

    /// A file of two chunks that has come and was read, and what comes then.
    fn read_once(first: &[u8], then: &Message) -> (Intake, Arc<Received>) {
        let said = [Message::Data(chunk(0, first)), Message::Data(chunk(1, SHORT)), end(first), then.clone()];
        let (mut intake, file) = arrived(&said);
        assert!(read_all(&mut intake, &file).expect("content") == [first, SHORT].concat());
        (intake, file)
    }

    /// Of a chunk behind the first only its value goes into the digest of the file: it has to be that of its bytes.
    #[test]
    fn a_chunk_that_is_not_what_its_value_says_is_never_handed_on() {
        let first = vec![7; CHUNK as usize];
        let damaged = || Chunk { bytes: b"shorT".to_vec(), ..chunk(1, SHORT) };
        let (data, patch) = (Message::Data(damaged()), Message::Patch(damaged()));
        let right = Message::Patch(chunk(1, SHORT));
        let (mut intake, file) = arrived(&[Message::Data(chunk(0, &first)), data.clone(), right, end(&first)]);
        assert!(read_all(&mut intake, &file).expect("it is mended") == [&first[..], SHORT].concat());
        assert!(matches!(&intake.take_notes()[..], [Note::Mended(_)]));
        let (mut intake, file) = arrived(&[Message::Data(chunk(0, &first)), data, patch, end(&first)]);
        assert_eq!(read_all(&mut intake, &file), Err(Errno::IO));
        assert!(matches!(&intake.take_notes()[..], [Note::Damaged(text)] if text.contains("arrived damaged twice")));
        // One that is right in itself, and was never read.
        let other = Message::Data(chunk(1, b"shorT"));
        let (mut intake, file) = arrived(&[Message::Data(chunk(0, &first)), other, end(&first)]);
        assert_eq!(read_all(&mut intake, &file), Err(Errno::IO));
    }

    #[test]
    fn what_is_sent_again_is_what_it_was() {
        let first = vec![7; CHUNK as usize];
        let mut buffer = vec![0; CHUNK as usize];
        let (mut intake, file) = read_once(&first, &Message::Patch(chunk(0, &first)));
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Ok(first.len()));
        assert!(buffer == first);
        // A source that reads as something else by now.
        let mut other = first.clone();
        other[1000] ^= 1;
        let (mut intake, file) = read_once(&first, &Message::Patch(chunk(0, &other)));
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Err(Errno::IO));
        let notes = intake.take_notes();
        assert!(matches!(&notes[..], [Note::Damaged(text)] if text.contains("bytes 0 to 1048576 of 'h:f'")));
        // One that cannot be read any more.
        let missed = Message::Missed(Missed { id: 1, number: 0, error: Errno::STALE });
        let (mut intake, file) = read_once(&first, &missed);
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Err(Errno::STALE));
        assert!(intake.take_notes().is_empty() && intake.broken().is_none());
        // An answer to what was not asked.
        let missed = Message::Missed(Missed { id: 1, number: 1, error: Errno::STALE });
        let (mut intake, file) = read_once(&first, &missed);
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Err(Errno::PIPE));
        assert!(intake.broken().is_some());
    }
}
