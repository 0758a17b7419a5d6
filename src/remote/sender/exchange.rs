//! What is said to a receiver, once there is room for it, and what it says meanwhile.

use super::{OpenSource, Sender};
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::remote::connection::{Feature, send, strange};
use crate::remote::fill::fill;
use crate::remote::flow::OPEN_MAX;
use crate::remote::frame;
use crate::remote::message::{CHUNK, Chunk, Message, Missed};
use std::io::{ErrorKind, Result, Write};
use std::sync::atomic::Ordering;

impl<K: Kernel> Sender<'_, K> {
    /// Sends a message once there is room for it.
    pub(super) fn say(&mut self, message: &Message) -> Result<()> {
        let (kind, head, body) = message.write();
        let length = frame::length(head.len(), body.len()) as u64;
        loop {
            match self.incoming.poll()? {
                Some(message) => self.hear(message)?,
                None if self.flow.has_room(length) && self.open.len() < OPEN_MAX => break,
                None => {
                    self.output.flush()?;
                    let message = self.incoming.wait()?;
                    self.hear(message)?;
                }
            }
        }
        self.go_on()?;
        frame::write(&mut self.output, kind, &head, body)?;
        self.flow.sent(length);
        Ok(())
    }

    /// Hears what the receiver has said meanwhile.
    pub(super) fn listen(&mut self) -> Result<()> {
        while let Some(message) = self.incoming.poll()? {
            self.hear(message)?;
        }
        self.go_on()
    }

    fn go_on(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    /// What the receiver says.
    pub(super) fn hear(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Credit { bytes, reached } => {
                self.flow.taken(bytes)?;
                self.open = self.open.split_off(&reached);
                Ok(())
            }
            Message::Again { id, number } => self.again(id, number),
            Message::Answer { id, digest } => self.owed.answer(id, digest, self.next_id),
            Message::Told(told) => self.owed.hear(told),
            Message::Enough { id } if id < self.next_id => {
                self.wanted.spare(id);
                Ok(())
            }
            _ => Err(strange()),
        }
    }

    /// Sends a chunk once more.
    fn again(&mut self, id: u64, number: u64) -> Result<()> {
        let OpenSource { file, shown } = self.open.get(&id).ok_or_else(strange)?;
        let offset = number.checked_mul(CHUNK).ok_or_else(strange)?;
        let mut bytes = vec![0; CHUNK as usize];
        let read = fill(self.kernel, file, &mut bytes, offset);
        let answer = match read {
            Err(error) if self.features.has(Feature::Missed) => Message::Missed(Missed { id, number, error }),
            Err(errno) => {
                // To a receiver of before the file is shorter than it was. Why is said here.
                self.owed.failed(&Error::call(Action::Read, shown, errno));
                Message::Patch(Chunk::of(id, number, Vec::new()))
            }
            Ok(count) => {
                bytes.truncate(count);
                Message::Patch(Chunk::of(id, number, bytes))
            }
        };
        send(&mut self.output, &answer)?;
        self.output.flush()
    }
}
