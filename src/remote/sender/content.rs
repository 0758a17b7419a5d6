//! What a file holds, as read(2) gives it, and its digests.
//!
//! Chunks of zeros go as their number.

use super::Sender;
use crate::copy::digest::{Digests, PieceHasher, Tree};
use crate::copy::extent::is_zero;
use crate::copy::growth;
use crate::kernel::{Errno, Kernel, Stat};
use crate::remote::connection::strange;
use crate::remote::fill::fill;
use crate::remote::message::{CHUNK, Chunk, End, Message, Steadiness};
use crate::sftp::ListDigests;
use sha2::{Digest, Sha256};
use std::io::{Result, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

/// What was read of a file.
pub(super) struct Read {
    pub(super) digests: Digests,
    /// Of each chunk, where the receiver may have some in a part.
    pub(super) values: Vec<[u8; 32]>,
    pub(super) sha256: Option<[u8; 32]>,
}

impl<K: Kernel> Sender<'_, K> {
    /// What a file holds that the receiver may have already. `None` if that cannot be told: then its content is to say why.
    pub(super) fn told(&mut self, file: &K::File, size: u64) -> Result<Option<Read>> {
        // The receiver has enough to do meanwhile.
        self.output.flush()?;
        let (mut tree, mut buffer, mut offset) = (Tree::new(CHUNK), vec![0; CHUNK as usize], 0);
        let (mut sha256, mut values) = (self.sha256(), Vec::new());
        while offset < size {
            if self.stop.load(Ordering::Relaxed) {
                return Err(std::io::Error::from(std::io::ErrorKind::Interrupted));
            }
            let Ok(count) = fill(self.kernel, file, &mut buffer, offset) else { return Ok(None) };
            let mut hasher = PieceHasher::at(offset);
            hasher.update(&buffer[..count]);
            sha256.iter_mut().for_each(|sha256| sha256.update(&buffer[..count]));
            tree.add(offset / CHUNK, &hasher);
            values.push(hasher.value().unwrap_or_default());
            offset += count as u64;
            if (count as u64) < CHUNK {
                break;
            }
        }
        // What grows or shrinks is sent as it is read.
        let digests = (offset == size).then(|| tree.digests(size)).flatten();
        Ok(digests.map(|digests| Read { digests, values, sha256: sha256.map(|sha256| sha256.finalize().into()) }))
    }

    /// The content of a file; returns its digest, unless it could not be read to its end.
    pub(super) fn content(&mut self, id: u64, stat: &Stat, shown: &Path) -> Result<Option<[u8; 32]>> {
        let (mut tree, mut size, mut zeros) = (Tree::new(CHUNK), 0, 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let followed = self.owed.running.and_then(|running| running.meter.follow_reading(shown, stat.size));
        let mut sha256 = self.sha256();
        self.wanted.enter(id);
        let error = loop {
            if self.wanted.is_over() {
                self.owed.lack(shown, self.named);
                break Some(Errno::CANCELED);
            }
            buffer.resize(CHUNK as usize, 0);
            let file = &self.open.get(&id).ok_or_else(strange)?.file;
            let count = match fill(self.kernel, file, &mut buffer, size) {
                Ok(0) => break None,
                Ok(count) => count,
                Err(errno) => break Some(errno),
            };
            buffer.truncate(count);
            let mut hasher = PieceHasher::at(size);
            hasher.update(&buffer);
            sha256.iter_mut().for_each(|sha256| sha256.update(&buffer));
            let number = size / CHUNK;
            tree.add(number, &hasher);
            size += count as u64;
            followed.iter().for_each(|followed| followed.pass(count as u64));
            if count as u64 == CHUNK && is_zero(&buffer) {
                zeros += 1;
                self.listen()?;
                if self.grows_on(id, stat, (size - CHUNK, size)) {
                    break None;
                }
                continue;
            }
            self.zeros(id, &mut zeros)?;
            let value = hasher.value().unwrap_or_default();
            let data = Message::Data(Chunk { id, number, value, bytes: buffer });
            self.say(&data)?;
            let Message::Data(chunk) = data else { return Err(strange()) };
            buffer = chunk.bytes;
            // It ends there, or it grows: what comes later is not a part of this copy.
            if (count as u64) < CHUNK || self.grows_on(id, stat, (size - count as u64, size)) {
                break None;
            }
        };
        self.wanted.leave();
        self.buffer = buffer;
        self.zeros(id, &mut zeros)?;
        let digests = tree.digests(size).filter(|_| error.is_none());
        let steadiness = self.steadiness(id, stat);
        let sha256 = sha256.map(|sha256| sha256.finalize().into());
        let read = digests.map(|digests| Read { digests, values: Vec::new(), sha256 });
        let digest = read.map(|read| self.expect(id, shown, (stat, size, steadiness), read));
        let end = End { id, size, digest: digest.unwrap_or_default(), steadiness, error };
        self.say(&Message::End(end))?;
        Ok(digest)
    }

    /// Whether a file becomes longer faster than it is sent; asked now and then.
    fn grows_on(&self, id: u64, stat: &Stat, (before, read): (u64, u64)) -> bool {
        let size = || self.open.get(&id).and_then(|opened| self.kernel.stat(&opened.file).ok()).map(|stat| stat.size);
        growth::is_look_due(stat.size, before, read) && size().is_some_and(|size| size > read)
    }

    fn zeros(&mut self, id: u64, count: &mut u64) -> Result<()> {
        match std::mem::take(count) {
            0 => Ok(()),
            count => self.say(&Message::Zeros { id, count }),
        }
    }

    /// Whether a file is still what it was before it was read.
    fn steadiness(&self, id: u64, before: &Stat) -> Steadiness {
        let state = |stat: &Stat| (stat.size, stat.mtime, stat.ctime);
        let after = self.open.get(&id).and_then(|opened| self.kernel.stat(&opened.file).ok());
        let is_same = after.is_some_and(|after| state(&after) == state(before));
        if is_same { Steadiness::Same } else { Steadiness::Changed }
    }

    fn sha256(&self) -> Option<Sha256> {
        (self.listed == ListDigests::Sha256).then(Sha256::new)
    }
}
