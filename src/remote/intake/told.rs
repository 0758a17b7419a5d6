//! A file of which the sender tells the digest before any of its bytes (--resume, --partial).
//!
//! Its chunks are asked for if what is here differs, several ahead. Those that are in a part of it, as their values tell, are taken
//! from there.

use super::stream::Interest;
use super::{Held, Intake};
use crate::kernel::Result;
use crate::remote::connection::strange;
use crate::remote::flow::WINDOW;
use crate::remote::message::{CHUNK, Chunk, Content, Message, VALUES_MAX, Values};
use crate::remote::received::Received;

/// So many chunks of a resumed file are asked for ahead: as many as the window has room for.
const AHEAD: u64 = WINDOW / CHUNK;

impl Intake {
    /// BLAKE3 of a file, if the sender tells it before its content.
    pub(in crate::remote) fn told(&mut self, file: &Received) -> Option<[u8; 32]> {
        let Content::Told(digest) = file.found().ok()?.content else { return None };
        self.stream.interest = Interest::Some;
        self.whole.insert(file.shown.clone().into_os_string(), (file.entry.id, digest));
        Some(digest)
    }

    /// Reads a file of which the sender has told the digest. Its chunks are asked for; the last one is handed on only if all
    /// of them add up to what was told.
    pub(super) fn read_told(
        &mut self,
        file: &Received,
        (size, digest, held): (u64, [u8; 32], &Held<'_>),
        buffer: &mut [u8],
        offset: u64,
    ) -> Result<usize> {
        let id = file.entry.id;
        if offset >= size {
            return Ok(0);
        }
        if self.stream.held(id, offset).is_none() {
            let start = offset - offset % CHUNK;
            let chunk = self.fetch(file, start / CHUNK, size, held)?;
            let is_next = self.stream.id == id && self.stream.position == start;
            if !is_next {
                self.stream.chunk = (id, start, self.as_before(file, chunk)?.bytes);
            } else {
                self.stream.interest = Interest::Some;
                self.stream.add(chunk);
                if self.stream.position >= size {
                    self.add_up(file, size, digest)?;
                }
            }
        }
        // Nothing there: the file is shorter by now.
        let held = self.stream.held(id, offset).unwrap_or_default();
        let count = held.len().min(buffer.len());
        buffer[..count].copy_from_slice(&held[..count]);
        Ok(count)
    }

    /// A chunk of a file that is read from its beginning to its end: the next ones are asked for as well.
    fn fetch(&mut self, file: &Received, number: u64, size: u64, held: &Held<'_>) -> Result<Chunk> {
        let id = file.entry.id;
        // What was left out is asked for when somebody comes back to it.
        self.stream.ahead = self.stream.ahead.max(number);
        let furthest = ((size - 1) / CHUNK).min(number + AHEAD - 1);
        while self.stream.ahead <= furthest {
            let ahead = self.stream.ahead;
            self.stream.ahead += 1;
            if self.of_part(id, ahead, held).is_some() {
                self.stream.in_part.insert(ahead);
            } else {
                self.exchange.ask(id, ahead)?;
            }
        }
        self.exchange.flush()?;
        let is_in_part = self.stream.in_part.remove(&number);
        if let Some(chunk) = self.of_part(id, number, held).filter(|_| is_in_part) {
            return Ok(chunk);
        }
        let is_asked = self.exchange.awaits(id, number);
        let chunk = if is_asked { self.exchange.await_patch(id, number)? } else { self.again(file, number)? };
        if chunk.bytes.is_empty() || chunk.is_right() { Ok(chunk) } else { self.mended(file, number) }
    }

    /// A chunk that a part holds, as its value proves. What cannot be read there is asked for.
    fn of_part(&self, id: u64, number: u64, held: &Held<'_>) -> Option<Chunk> {
        let value = *self.stream.told.get(usize::try_from(number).ok()?)?;
        let mut bytes = vec![0; CHUNK as usize];
        let count = held(&mut bytes, number * CHUNK).ok()?;
        bytes.truncate(count);
        let chunk = Chunk { id, number, value, bytes };
        chunk.is_right().then_some(chunk)
    }

    /// What the chunks of a file are that may have a part: said behind its entry.
    pub(super) fn take_values(&mut self, size: u64) -> Result<()> {
        let count = usize::try_from(size.div_ceil(CHUNK)).unwrap_or(VALUES_MAX).min(VALUES_MAX);
        while self.stream.told.len() < count {
            match self.exchange.next()? {
                Message::Values(Values { id, values }) if id == self.stream.id && !values.is_empty() => {
                    self.stream.told.extend(values);
                }
                _ => return Err(self.exchange.break_off(&strange())),
            }
        }
        if self.stream.told.len() > count { Err(self.exchange.break_off(&strange())) } else { Ok(()) }
    }
}
