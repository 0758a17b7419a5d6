//! Two far ends talk to each other through this one: what the one says goes to the other, once it has been understood.
//!
//! Both prove everything to each other. This end sees to it that nothing goes on which was not asked for.

use super::connection::{Input, Output, receive, send, strange};
use super::message::{Message, Verdict};
use std::io::{ErrorKind, Result, Write};
use std::path::Path;

/// The streams of the end that sends, and of the one that receives.
pub(super) type Ends = ((Input, Output), (Input, Output));

/// Hands on everything until the receiver has finished; then, how it says that it went.
pub(super) fn relay((from, to): Ends, is_asked_for: &(dyn Fn(&Path) -> bool + Sync)) -> Result<Verdict> {
    let ((from_input, from_output), (to_input, to_output)) = (from, to);
    std::thread::scope(|scope| {
        let forth = scope.spawn(move || forth(from_input, to_output, is_asked_for));
        let verdict = back(to_input, from_output);
        let sent = forth.join().unwrap_or_else(|_| Err(strange()));
        verdict.and_then(|verdict| sent.map(|()| verdict))
    })
}

/// From the sender to the receiver, until the sender ends. Its streams are closed by that, so that no end waits for another
/// that is gone.
fn forth(mut input: Input, mut output: Output, is_asked_for: &(dyn Fn(&Path) -> bool + Sync)) -> Result<()> {
    let mut has_finished = false;
    loop {
        let message = match receive(&mut input) {
            Ok((message, _)) => message,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && has_finished => return Ok(()),
            Err(error) => return Err(error),
        };
        match &message {
            Message::Operands(paths) if !paths.iter().all(|path| is_asked_for(path)) => return Err(strange()),
            Message::Finish => has_finished = true,
            _ => {}
        }
        hand_on(&input, &mut output, &message)?;
    }
}

/// From the receiver to the sender, until the receiver has finished.
fn back(mut input: Input, mut output: Output) -> Result<Verdict> {
    loop {
        let (message, _) = receive(&mut input)?;
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
