//! A client of an SFTP server: requests go out without waiting for answers, each with a tag that comes back with its answer.

use super::incoming::Incoming;
use super::types::Failure;
use super::wire::{self, Answer, Request, WireError};
use crate::error::{Error, reason_of};
use crate::host;
use crate::kernel::process;
use crate::quote::quoted;
use std::collections::BTreeMap;
use std::io::{BufReader, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Requests that wait for answers, at most; OpenSSH's own client has 64 by default, which a long way makes slow.
const REQUESTS_MAX: usize = 1024;

/// Bytes that are on their way, at most: four times what an SSH channel of OpenSSH holds.
const BYTES_MAX: usize = 8 << 20;

/// How often the program's end is looked for, and how long after the last look.
const END_LOOKS: usize = 500;
const END_LOOK: Duration = Duration::from_millis(10);

/// How much content a request carries where the server does not say: what every server takes.
const LENGTH_PLAIN: u64 = 32 << 10;

/// How much it carries at most: with its head it fits into a packet of either side.
const LENGTH_MAX: u64 = (wire::PACKET_MAX - 1024) as u64;

/// A server that was greeted: answers are waited for, one at a time.
pub(super) struct Greeted {
    child: Child,
    output: BufWriter<ChildStdin>,
    input: BufReader<ChildStdout>,
    extensions: Vec<Vec<u8>>,
    lengths: Lengths,
    next_id: u32,
}

/// What a server takes at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) read: usize,
    pub(super) write: usize,
    /// Handles that may be open.
    pub(super) handles: usize,
}

/// What a server can do beyond the protocol.
#[derive(Clone, Copy, Debug)]
pub(super) enum Extension {
    PosixRename,
    Fsync,
    Limits,
    Statvfs,
}

impl Extension {
    fn name(self) -> &'static [u8] {
        match self {
            Extension::PosixRename => b"posix-rename@openssh.com",
            Extension::Fsync => b"fsync@openssh.com",
            Extension::Limits => b"limits@openssh.com",
            Extension::Statvfs => b"statvfs@openssh.com",
        }
    }
}

/// Whatever went wrong with a pipe.
pub(super) fn broken(error: &std::io::Error) -> Failure {
    let is_closed = error.kind() == ErrorKind::BrokenPipe;
    Failure::Broken(if is_closed { "closed".to_owned() } else { reason_of(error) })
}

fn malformed(error: &WireError) -> Failure {
    Failure::Broken(error.to_string())
}

impl Greeted {
    /// Starts the program and agrees on version 3.
    pub(super) fn start(mut command: Command) -> Result<Self, Failure> {
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|error| {
            let program = quoted(Path::new(command.get_program()));
            Failure::Here(Error::Refused(format!("cannot run {program}: {}", reason_of(&error))))
        })?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = pipes.ok_or_else(|| Failure::Broken("it has no pipes".to_owned()))?;
        host::widen(&stdin);
        host::widen(&stdout);
        let output = BufWriter::with_capacity(64 << 10, stdin);
        let input = BufReader::with_capacity(64 << 10, stdout);
        let plain = usize::try_from(LENGTH_PLAIN).unwrap_or(usize::MAX);
        let lengths = Lengths { read: plain, write: plain, handles: 64 };
        let mut greeted = Self { child, output, input, extensions: Vec::new(), lengths, next_id: 0 };
        greeted.greet()?;
        Ok(greeted)
    }

    fn greet(&mut self) -> Result<(), Failure> {
        process::block(&[libc::SIGPIPE]);
        let greeted = self.output.write_all(&wire::init()).and_then(|()| self.output.flush());
        // Of one that ended at once, what it has printed tells more than that nothing can be written to it.
        let (kind, body) = wire::read_packet(&mut self.input).map_err(|error| malformed(&error))?;
        greeted.map_err(|error| broken(&error))?;
        let (version, extensions) = wire::version(kind, &body).map_err(|error| malformed(&error))?;
        if version < 3 {
            return Err(Failure::Broken(format!("its SFTP is version {version}, and 3 is needed")));
        }
        self.extensions = extensions;
        if self.has(Extension::Limits) {
            if let Answer::Extended(body) = self.call(&Request::Limits)? {
                self.lengths = self.lengths.told(&wire::numbers(&body));
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, extension: Extension) -> bool {
        self.extensions.iter().any(|name| name == extension.name())
    }

    pub(super) fn lengths(&self) -> Lengths {
        self.lengths
    }

    /// Asks, and waits for the answer.
    pub(super) fn call(&mut self, request: &Request<'_>) -> Result<Answer, Failure> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        send(&mut self.output, request, id)?;
        self.output.flush().map_err(|error| broken(&error))?;
        let (kind, body) = wire::read_packet(&mut self.input).map_err(|error| malformed(&error))?;
        match wire::answer(kind, body).map_err(|error| malformed(&error))? {
            (answered, answer) if answered == id => Ok(answer),
            _ => Err(Failure::Broken("an answer to nothing that was asked".to_owned())),
        }
    }

    /// From now on nobody waits: answers come into the queue.
    pub(super) fn into_client<T>(self, incoming: Sender<Incoming>) -> Client<T> {
        let due = Arc::new(Due::default());
        let (mut input, seen) = (self.input, Arc::clone(&due));
        std::thread::spawn(move || {
            loop {
                let answer = wire::read_packet(&mut input).and_then(|(kind, body)| wire::answer(kind, body));
                let answer = answer.and_then(|(id, answer)| seen.take(&answer).map(|()| (id, answer)));
                let is_last = answer.is_err();
                if incoming.send(Incoming::Answer(answer)).is_err() || is_last {
                    return;
                }
            }
        });
        let (child, output) = (self.child, Some(self.output));
        Client { child, output, due, waiting: BTreeMap::new(), next_id: self.next_id, bytes: 0, lengths: self.lengths }
    }
}

impl Lengths {
    /// What limits@openssh.com says: a packet, a read, a write, handles; 0 is what it does not say.
    fn told(self, numbers: &[u64]) -> Self {
        let Some([_, read, write, handles]) = numbers.first_chunk() else { return self };
        let length = |told: u64, plain: usize| match told {
            0 => plain,
            told => usize::try_from(told.clamp(1024, LENGTH_MAX)).unwrap_or(plain),
        };
        let handles = if *handles == 0 { self.handles } else { usize::try_from(*handles).unwrap_or(usize::MAX) };
        Self { read: length(*read, self.read), write: length(*write, self.write), handles: handles.max(4) }
    }
}

/// Answers that are due, so that a server cannot fill the queue with others.
#[derive(Default)]
struct Due {
    all: AtomicUsize,
    /// Those that may be long.
    long: AtomicUsize,
}

impl Due {
    fn take(&self, answer: &Answer) -> Result<(), WireError> {
        if matches!(answer, Answer::Data(_) | Answer::Names(_) | Answer::Extended(_)) {
            lowered(&self.long)?;
        }
        lowered(&self.all)
    }
}

fn lowered(count: &AtomicUsize) -> Result<(), WireError> {
    let lowered = count.fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| count.checked_sub(1));
    lowered.map(drop).map_err(|_| WireError::Malformed)
}

/// A client whose requests wait for answers; see the head of this file.
pub(super) struct Client<T> {
    child: Child,
    output: Option<BufWriter<ChildStdin>>,
    due: Arc<Due>,
    waiting: BTreeMap<u32, Waiting<T>>,
    next_id: u32,
    /// Bytes of content on their way.
    bytes: usize,
    pub(super) lengths: Lengths,
}

struct Waiting<T> {
    tag: T,
    bytes: usize,
    is_long: bool,
}

impl<T> Client<T> {
    /// Sends a request, whose answer will have this tag.
    pub(super) fn ask(&mut self, request: &Request<'_>, tag: T) -> Result<(), Failure> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let bytes = match request {
            Request::Read(_, _, length) => *length as usize,
            request => request.payload().len(),
        };
        let is_long = matches!(
            request,
            Request::Read(..) | Request::Readdir(_) | Request::Realpath(_) | Request::Readlink(_) | Request::Statvfs(_)
        );
        self.due.all.fetch_add(1, Ordering::AcqRel);
        self.due.long.fetch_add(usize::from(is_long), Ordering::AcqRel);
        self.bytes += bytes;
        self.waiting.insert(id, Waiting { tag, bytes, is_long });
        let output = self.output.as_mut().ok_or_else(|| Failure::Broken("closed".to_owned()))?;
        send(output, request, id)
    }

    /// The tag of the request that has the answer.
    pub(super) fn answered(&mut self, id: u32, answer: &Answer) -> Result<T, Failure> {
        let nothing = || Failure::Broken("an answer to nothing that was asked".to_owned());
        let waiting = self.waiting.remove(&id).ok_or_else(nothing)?;
        self.bytes -= waiting.bytes;
        let is_long = matches!(answer, Answer::Data(_) | Answer::Names(_) | Answer::Extended(_));
        match (waiting.is_long, is_long) {
            // A status.
            (true, false) => lowered(&self.due.long).map_err(|error| malformed(&error))?,
            (false, true) => return Err(nothing()),
            (true, true) | (false, false) => {}
        }
        Ok(waiting.tag)
    }

    /// Whether more may be sent before an answer comes.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < REQUESTS_MAX && self.bytes < BYTES_MAX
    }

    /// Whether nothing was asked that has no answer.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        self.output.as_mut().map_or(Ok(()), BufWriter::flush).map_err(|error| broken(&error))
    }

    /// Ends the connection and waits for the program's end.
    pub(super) fn end(mut self) {
        drop(self.output.take());
        // Everything was answered: how it ends says nothing of the files. A server that does not end is not waited for.
        for _ in 0..END_LOOKS {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(END_LOOK);
        }
        self.child.kill().unwrap_or(());
        self.child.wait().map(drop).unwrap_or(());
    }
}

impl<T> Drop for Client<T> {
    fn drop(&mut self) {
        if self.output.take().is_some() {
            // The run failed: the program may wait for something else than its input.
            self.child.kill().unwrap_or(());
            self.child.wait().map(drop).unwrap_or(());
        }
    }
}

fn send(output: &mut BufWriter<ChildStdin>, request: &Request<'_>, id: u32) -> Result<(), Failure> {
    let sent = output.write_all(&request.head(id)).and_then(|()| output.write_all(request.payload()));
    sent.map_err(|error| broken(&error))
}
