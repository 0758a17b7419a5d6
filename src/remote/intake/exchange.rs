//! What is said to a sender and comes from it, in its order.
//!
//! Whatever comes while a chunk is waited for waits here, and the sender's window bounds it. The sender is told how far this side
//! has come. Once the stream cannot be understood, nothing that comes is believed, and the run is asked to end.

use crate::kernel::{Errno, Result};
use crate::remote::connection::{Feature, Features, Input, Output, receive, send, strange, words};
use crate::remote::flow::{CREDIT_BYTES, CREDIT_ENTRIES, WINDOW};
use crate::remote::message::{Chunk, Message, Missed};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is said to a sender and comes from it; see the head of this file.
pub(super) struct Exchange {
    input: Input,
    output: Output,
    /// What the sender knows.
    features: Features,
    /// What it was told last that nothing more is wanted of.
    enough: Option<u64>,
    /// What came while a chunk was waited for, and how long it was.
    queue: VecDeque<(Message, u64)>,
    queued: u64,
    /// Chunks that were asked for and have not come: of which entry, and their numbers.
    asked: VecDeque<(u64, u64)>,
    /// The number of the last name that has come.
    reached: u64,
    /// Taken since the sender was told.
    taken: u64,
    entries: u64,
    /// Asked to end the run.
    stop: Arc<AtomicBool>,
    /// Why nothing is believed any more.
    broken: Option<String>,
}

impl Exchange {
    /// With a sender at the other end of these streams; `stop` is set once it makes no sense.
    pub(super) fn new((input, output, features): (Input, Output, Features), stop: Arc<AtomicBool>) -> Self {
        Self {
            input,
            output,
            features,
            enough: None,
            queue: VecDeque::new(),
            queued: 0,
            asked: VecDeque::new(),
            reached: 0,
            taken: 0,
            entries: 0,
            stop,
            broken: None,
        }
    }

    /// The next message, which is taken by that.
    pub(super) fn next(&mut self) -> Result<Message> {
        if self.broken.is_some() {
            return Err(Errno::PIPE);
        }
        let (message, length) = match self.queue.pop_front() {
            Some((message, length)) => {
                self.queued -= length;
                (message, length)
            }
            None => self.receive_unasked()?,
        };
        self.taken += length;
        self.entries += u64::from(matches!(message, Message::Entry(_)));
        if self.taken >= CREDIT_BYTES || self.entries >= CREDIT_ENTRIES {
            self.credit().map_err(|error| self.break_off(&error))?;
        }
        Ok(message)
    }

    /// What comes next but for chunks that were asked for ahead, and are no longer wanted.
    fn receive_unasked(&mut self) -> Result<(Message, u64)> {
        loop {
            let came = receive(&mut self.input).map_err(|error| self.break_off(&error))?;
            match &came.0 {
                Message::Patch(chunk) if self.asked.pop_front() == Some((chunk.id, chunk.number)) => {}
                Message::Missed(missed) if self.was_due(missed) => {}
                _ => return Ok(came),
            }
        }
    }

    /// Tells the sender how far this side has come.
    fn credit(&mut self) -> std::io::Result<()> {
        send(&mut self.output, &Message::Credit { bytes: self.taken, reached: self.reached })?;
        (self.taken, self.entries) = (0, 0);
        self.output.flush()
    }

    /// The number of the last name that has come.
    pub(super) fn reached(&self) -> u64 {
        self.reached
    }

    /// A name has come. The sender will be told that nothing is asked for of those before it.
    pub(super) fn reach(&mut self, id: u64) {
        self.reached = id;
    }

    /// Asks for a chunk.
    pub(super) fn ask(&mut self, id: u64, number: u64) -> Result<()> {
        self.asked.push_back((id, number));
        self.say(&Message::Again { id, number })
    }

    /// Whether a chunk was asked for and has not come.
    pub(super) fn awaits(&self, id: u64, number: u64) -> bool {
        self.asked.contains(&(id, number))
    }

    /// Waits for a chunk that was asked for. Those that were asked for before it are no longer wanted.
    pub(super) fn await_patch(&mut self, id: u64, number: u64) -> Result<Chunk> {
        loop {
            let (message, length) = receive(&mut self.input).map_err(|error| self.break_off(&error))?;
            match message {
                Message::Patch(chunk) => {
                    let is_due = self.asked.pop_front() == Some((chunk.id, chunk.number));
                    if !is_due {
                        return Err(self.break_off(&strange()));
                    }
                    if (chunk.id, chunk.number) == (id, number) {
                        return Ok(chunk);
                    }
                }
                Message::Missed(missed) => {
                    if !self.was_due(&missed) {
                        return Err(self.break_off(&strange()));
                    }
                    if (missed.id, missed.number) == (id, number) {
                        return Err(missed.error);
                    }
                }
                message => {
                    self.queued += length;
                    // One message may be larger than the window.
                    if self.queued > 2 * WINDOW {
                        return Err(self.break_off(&strange()));
                    }
                    self.queue.push_back((message, length));
                }
            }
        }
    }

    /// Whether a chunk that cannot be read is the next one of those that were asked for.
    fn was_due(&mut self, missed: &Missed) -> bool {
        self.asked.pop_front() == Some((missed.id, missed.number))
    }

    /// Says something, unless nobody would believe an answer.
    pub(super) fn put(&mut self, message: &Message) {
        if self.broken.is_some() {
            return;
        }
        if let Err(error) = send(&mut self.output, message) {
            self.break_off(&error);
        }
    }

    /// Says something.
    pub(super) fn say(&mut self, message: &Message) -> Result<()> {
        send(&mut self.output, message).map(drop).map_err(|error| self.break_off(&error))
    }

    /// Nothing more is wanted of an entry, or of anything at all (0): said once, to a sender that knows of it.
    pub(super) fn enough(&mut self, id: u64) -> Result<()> {
        let is_said = self.enough.is_some_and(|said| said == id || said == 0);
        if is_said || !self.features.has(Feature::Enough) {
            return Ok(());
        }
        self.enough = Some(id);
        self.say(&Message::Enough { id })?;
        self.flush()
    }

    /// What was said goes now.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.output.flush().map_err(|error| self.break_off(&error))
    }

    /// From now on nothing that comes is believed.
    pub(super) fn break_off(&mut self, error: &std::io::Error) -> Errno {
        self.broken.get_or_insert_with(|| words(error));
        self.stop.store(true, Ordering::Relaxed);
        Errno::PIPE
    }

    /// Why nothing was believed any more.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }
}
