//! Two far ends talk to each other through this one: what the one says goes to the other, once it has been understood.
//!
//! Both prove everything to each other. This end sees to it that nothing goes on which was not asked for.

use super::connection::{Feature, Features, Input, Output, receive, send, strange};
use super::message::{Chunk, Message, Missed, Verdict};
use crate::error::reason;
use crate::kernel::Errno;
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

/// The streams of the end that sends and of the one that receives, and what they know.
pub(super) type Ends = ((Input, Output, Features), (Input, Output, Features));

/// Hands on everything until the receiver has finished; then, how it says that it went.
pub(super) fn relay((from, to): Ends, is_asked_for: &(dyn Fn(&Path) -> bool + Sync)) -> Result<Verdict> {
    let ((from_input, from_output, sender_knows), (to_input, to_output, receiver_knows)) = (from, to);
    std::thread::scope(|scope| {
        let forth = scope.spawn(move || forth(from_input, (to_output, receiver_knows), is_asked_for));
        let verdict = back(to_input, (from_output, &sender_knows));
        let sent = forth.join().unwrap_or_else(|_| Err(strange()));
        match sent {
            Err(error) if error.kind() == ErrorKind::Other => Err(error),
            sent => verdict.and_then(|verdict| sent.map(|()| verdict)),
        }
    })
}

/// From the sender to the receiver, until the sender ends. Its streams are closed by that, so that no end waits for another
/// that is gone.
fn forth(
    mut input: Input,
    (mut output, features): (Output, Features),
    is_asked_for: &(dyn Fn(&Path) -> bool + Sync),
) -> Result<()> {
    let (mut has_finished, mut missed) = (false, None);
    // What could not be read is why all else went wrong.
    let ended = |missed: Option<Errno>, error| missed.map_or(error, cannot_be_read);
    loop {
        let message = match receive(&mut input) {
            Ok((message, _)) => message,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && has_finished => {
                return missed.map_or(Ok(()), |errno| Err(cannot_be_read(errno)));
            }
            Err(error) => return Err(ended(missed, error)),
        };
        let message = match message {
            Message::Operands(paths) | Message::MoreOperands(paths) if !paths.iter().all(|path| is_asked_for(path)) => {
                return Err(strange());
            }
            Message::Missed(Missed { id, number, error }) if !features.has(Feature::Missed) => {
                // The receiver says of which file nothing came, and this end why.
                missed = Some(error);
                Message::Patch(Chunk { id, number, value: [0; 32], bytes: Vec::new() })
            }
            message => message,
        };
        has_finished |= message == Message::Finish;
        hand_on(&input, &mut output, &message).map_err(|error| ended(missed, error))?;
    }
}

/// Why a chunk that the receiver needed once more did not come.
fn cannot_be_read(errno: Errno) -> Error {
    Error::other(format!("a chunk cannot be read again: {}", reason(errno)))
}

/// From the receiver to the sender, until the receiver has finished.
fn back(mut input: Input, (mut output, features): (Output, &Features)) -> Result<Verdict> {
    loop {
        let (message, _) = receive(&mut input)?;
        // It goes on, and the receiver passes over what it has enough of.
        if matches!(message, Message::Enough { .. }) && !features.has(Feature::Enough) {
            continue;
        }
        hand_on(&input, &mut output, &message)?;
        if let Message::Finished(verdict) = message {
            output.flush()?;
            return Ok(verdict);
        }
    }
}

/// What nothing follows is on its way at once.
fn hand_on(input: &Input, output: &mut Output, message: &Message) -> Result<()> {
    send(output, message)?;
    if input.buffer().is_empty() { output.flush() } else { Ok(()) }
}
