//! The two streams to a peer, and the first words on them.
//!
//! Each side says a greeting, the versions that it speaks and what it can beyond them before anything else. What a login
//! script prints before that is skipped, up to a bound.

use super::fields::Malformed;
use super::frame;
use super::message::{Message, VERSION};
use crate::error::reason_of;
use std::io::{BufReader, BufWriter, Error, ErrorKind, Read, Result, Write};

/// What comes from a peer.
pub(super) type Input = BufReader<Box<dyn Read + Send>>;

/// What goes to it.
pub(super) type Output = BufWriter<Box<dyn Write + Send>>;

/// What is read or written at once.
const BUFFER: usize = 256 << 10;

/// Both streams of a connection.
pub(super) fn streams(input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> (Input, Output) {
    (BufReader::with_capacity(BUFFER, Box::new(input)), BufWriter::with_capacity(BUFFER, Box::new(output)))
}

/// What is looked for in all that a login may print.
pub(super) const GREETING: &[u8] = b"\0safecp remote\n";

/// More is not skipped.
const NOISE_MAX: usize = 64 << 10;

/// What a side may know beyond the first version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feature {
    /// The message that a chunk cannot be read again, and why.
    Missed,
    /// Parts of large files that stay, and the values of their chunks (--partial).
    Partial,
    /// That a copy went on with such a part, where it is told.
    Continued,
    /// More operands than one message holds.
    Operands,
    /// That nothing more is wanted of an entry, or of all.
    Enough,
}

/// How they are called in a hello.
const FEATURES: [(Feature, &str); 5] = [
    (Feature::Missed, "missed"),
    (Feature::Partial, "partial"),
    (Feature::Continued, "continued"),
    (Feature::Operands, "operands"),
    (Feature::Enough, "enough"),
];

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The end that was typed at.
    Client,
    /// The far end.
    Server,
}

/// What a client says of itself beside what it knows, so that it finds its own words where they come back.
const CLIENT: &str = "client";

/// What a peer knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Features(Vec<Feature>);

impl Features {
    /// Everything that there is.
    #[cfg(test)]
    pub(super) fn all() -> Self {
        Self(FEATURES.iter().map(|(feature, _)| *feature).collect())
    }

    pub(super) fn has(&self, feature: Feature) -> bool {
        self.0.contains(&feature)
    }
}

/// Sends a message. Returns how many bytes it took.
pub(super) fn send(output: &mut dyn Write, message: &Message) -> Result<u64> {
    let (kind, head, body) = message.write();
    frame::write(output, kind, &head, body)?;
    Ok(frame::length(head.len(), body.len()) as u64)
}

/// Waits for a message. Returns how many bytes it took as well.
pub(super) fn receive(input: &mut dyn Read) -> Result<(Message, u64)> {
    let frame = frame::read(input)?;
    let length = frame::length(frame.head.len(), frame.body.len()) as u64;
    let message = Message::read(frame).map_err(|Malformed| strange())?;
    Ok((message, length))
}

/// Says the first words.
pub(super) fn greet(output: &mut dyn Write, role: Role) -> Result<()> {
    output.write_all(GREETING)?;
    let of_role = (role == Role::Client).then_some(CLIENT);
    let features = FEATURES.iter().map(|(_, name)| *name).chain(of_role).map(Into::into).collect();
    send(output, &Message::Hello { newest: VERSION, oldest: VERSION, features })?;
    output.flush()
}

/// Waits for the client's.
pub(super) fn meet(input: &mut dyn Read) -> Result<Features> {
    await_greeting(input)?;
    agree(input, Role::Client)
}

/// Waits for the version of a peer that has greeted, and for what it can beyond that.
pub(super) fn agree(input: &mut dyn Read, peer: Role) -> Result<Features> {
    match receive(input)?.0 {
        Message::Hello { features, .. } if peer == Role::Server && features.iter().any(|told| told == CLIENT) => {
            let why = "what is sent there comes back: something runs there that repeats it, and no safecp";
            Err(Error::new(ErrorKind::InvalidData, why))
        }
        Message::Hello { newest, oldest, features } if (oldest..=newest).contains(&VERSION) => {
            let known = FEATURES.iter().filter(|(_, name)| features.iter().any(|told| told == name));
            Ok(Features(known.map(|(feature, _)| *feature).collect()))
        }
        Message::Hello { newest, oldest, .. } => {
            let theirs = format!("the other side speaks versions {oldest} to {newest} of the protocol, not {VERSION}");
            Err(Error::new(ErrorKind::Unsupported, theirs))
        }
        _ => Err(strange()),
    }
}

/// Reads up to the end of the greeting.
pub(super) fn await_greeting(input: &mut dyn Read) -> Result<()> {
    await_words(input, GREETING)
}

/// Reads up to the end of these words.
pub(super) fn await_words(input: &mut dyn Read, words: &[u8]) -> Result<()> {
    let mut last = Vec::with_capacity(words.len());
    for _ in 0..NOISE_MAX {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        if last.len() == words.len() {
            last.remove(0);
        }
        last.push(byte[0]);
        if last == words {
            return Ok(());
        }
    }
    Err(Error::new(ErrorKind::InvalidData, "the other side says too much before it begins"))
}

/// A message that has no place where it came.
pub(super) fn strange() -> Error {
    Error::new(ErrorKind::InvalidData, "the other side does not keep to the protocol")
}

/// Whether the other side is gone.
pub(super) fn has_ended(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
}

/// Why a connection cannot be used any more.
pub(super) fn words(error: &Error) -> String {
    if has_ended(error) { "the connection ended early".to_owned() } else { reason_of(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_login_prints_is_skipped_and_no_more_than_that() {
        let mut said = b"Welcome\n\0safecp \0saf".to_vec();
        greet(&mut said, Role::Client).expect("a greeting");
        said.push(b'x');
        let mut left = &said[..];
        assert_eq!(meet(&mut left).expect("the greeting"), Features::all());
        assert_eq!(left, b"x");
        let noise = vec![b'y'; NOISE_MAX + GREETING.len()];
        assert_eq!(meet(&mut &noise[..]).expect_err("noise").kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_client_that_hears_itself_ends() {
        for (role, is_heard) in [(Role::Client, false), (Role::Server, true)] {
            let mut said = Vec::new();
            greet(&mut said, role).expect("a greeting");
            let met = await_greeting(&mut &said[..]).and_then(|()| agree(&mut &said[GREETING.len()..], Role::Server));
            assert_eq!(met.is_ok(), is_heard, "{role:?}");
        }
    }

    #[test]
    fn a_peer_of_another_time_is_told_apart() {
        for (newest, oldest, is_ours) in [(1, 1, true), (7, 1, true), (7, 2, false), (0, 0, false)] {
            let mut said = GREETING.to_vec();
            send(&mut said, &Message::Hello { newest, oldest, features: Vec::new() }).expect("sent");
            let met = meet(&mut &said[..]).ok();
            assert_eq!(met, is_ours.then(Features::default), "{oldest} to {newest}");
        }
    }
}
