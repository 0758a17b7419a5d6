//! What a receiver says, as it comes in.
//!
//! A thread of its own takes it from the stream, so that neither side ever waits for the other to listen. What nobody has heard yet is
//! bounded: a receiver that says more does not keep to the protocol.

use crate::remote::connection::{Input, receive, strange};
use crate::remote::message::Message;
use std::io::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// More than the receiver can have to say while nobody listens: of what fits into the window, with what it takes to keep it.
const UNHEARD_MAX: usize = 256 << 20;

/// What it takes to keep a message beside its bytes.
const KEPT: usize = 512;

/// What a receiver says, as it comes in; see the head of this file.
pub(super) struct Incoming {
    messages: Receiver<Result<(Message, usize)>>,
    /// Bytes that have come and were not heard.
    unheard: Arc<AtomicUsize>,
}

impl Incoming {
    /// Of this stream, which is read up to the end of it or to the message that all is done.
    pub(super) fn new(mut input: Input) -> Self {
        let (sender, messages) = channel();
        let unheard = Arc::new(AtomicUsize::new(0));
        let queued = Arc::clone(&unheard);
        std::thread::spawn(move || {
            loop {
                let message = receive(&mut input).and_then(|(message, length)| {
                    let length = usize::try_from(length).unwrap_or(usize::MAX / 4).saturating_add(KEPT);
                    let before = queued.fetch_add(length, Ordering::AcqRel);
                    if before > UNHEARD_MAX { Err(strange()) } else { Ok((message, length)) }
                });
                let is_last = !matches!(message, Ok((ref message, _)) if !matches!(message, Message::Finished(_)));
                // Nobody listens any more: the run is over.
                if sender.send(message).is_err() || is_last {
                    break;
                }
            }
        });
        Self { messages, unheard }
    }

    /// The next message, waited for.
    pub(super) fn wait(&self) -> Result<Message> {
        let came = self.messages.recv().map_err(|_| strange())?;
        self.heard(came)
    }

    /// The next message, if it is there.
    pub(super) fn poll(&self) -> Result<Option<Message>> {
        match self.messages.try_recv() {
            Ok(came) => self.heard(came).map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(strange()),
        }
    }

    fn heard(&self, came: Result<(Message, usize)>) -> Result<Message> {
        let (message, length) = came?;
        self.unheard.fetch_sub(length, Ordering::AcqRel);
        Ok(message)
    }
}
