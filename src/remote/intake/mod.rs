//! What a receiver takes in: names in the order in which they were sent, and their content as it is asked for.
//!
//! Each chunk is proved by its value before a byte of it is handed on, and the whole by its digest before the end of the
//! file is. What nobody asks for is skipped. Once the stream cannot be understood, nothing that comes is believed. All of that is
//! [`Intake`]; its methods stand in the room that they are about.

mod content;
mod exchange;
mod names;
mod replies;
mod stream;
mod told;

use super::awaited::{Awaited, AwaitedSources};
use super::connection::{Features, Input, Output};
use super::received::Received;
use super::terms::Terms;
use crate::kernel::Result;
use exchange::Exchange;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stream::Stream;

/// Reads what a part holds from an offset. Returns how much that is.
pub(super) type Held<'h> = dyn Fn(&mut [u8], u64) -> Result<usize> + 'h;

/// What a receiver takes in; see the head of this file.
pub(super) struct Intake {
    exchange: Exchange,
    /// What may come beside the names in directories.
    operands: AwaitedSources,
    /// Operands that have come, by their names in messages.
    arrived: BTreeMap<OsString, Arc<Received>>,
    /// The directories that the stream is in.
    levels: Vec<Arc<Received>>,
    /// The last name that has come.
    current: Option<Arc<Received>>,
    stream: Stream,
    /// Files that are whole and have no outcome yet, by their names in messages.
    whole: BTreeMap<OsString, (u64, [u8; 32])>,
    /// What is agreed: of parts and owners.
    terms: Terms,
    /// What is to be said, and what is wrong.
    notes: Vec<Note>,
}

/// Something that only the intake knows.
pub(super) enum Note {
    /// A chunk was damaged on its way, and is right now.
    Mended(String),
    /// Content did not arrive as it was sent.
    Damaged(String),
}

impl Intake {
    /// What will come from a sender, whose first message names the operands; `stop` is set once it makes no sense.
    pub(super) fn new(
        streams: (Input, Output, Features),
        operands: Vec<Awaited>,
        terms: Terms,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            exchange: Exchange::new(streams, stop),
            operands: AwaitedSources::new(operands),
            arrived: BTreeMap::new(),
            levels: Vec::new(),
            current: None,
            stream: Stream::of(0),
            whole: BTreeMap::new(),
            terms,
            notes: Vec::new(),
        }
    }

    /// Why nothing was believed any more.
    pub(super) fn broken(&self) -> Option<&str> {
        self.exchange.broken()
    }

    /// What is to be said since the last time.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }
}
