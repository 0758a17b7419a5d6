//! What a receiver takes in: names in the order in which they were sent, and their content as it is asked for.
//!
//! Each chunk is proved by its value before a byte of it is handed on, and the whole by its digest before the end of the
//! file is. What nobody asks for is skipped. A chunk that arrived damaged, or that is needed once more, is asked for
//! again; whatever was on its way then waits here, and the sender's window bounds it. Of a file that is resumed the sender
//! tells the digest alone, and its chunks are asked for, several ahead, if what is here differs. Those that are in a part of it
//! (--partial), as their values tell, are taken from there. Once the stream cannot be understood, nothing that
//! comes is believed, and the run is asked to end.

use super::awaited::{Awaited, AwaitedSources};
use super::connection::{Input, Output, receive, send, strange, words};
use super::flow::{CREDIT_BYTES, CREDIT_ENTRIES, WINDOW};
use super::message::{CHUNK, Chunk, Content, End, Entry, Message, Missed, PARTED_MIN, Steadiness, VALUES_MAX, Values};
use super::message::{Verdict, is_component};
use super::received::Received;
use super::receiver_event::ReceiverEvent;
use crate::copy::digest::{PieceHasher, Tree};
use crate::kernel::{Errno, Kind, Result};
use crate::options::Unfinished;
use crate::quote::quoted;
use crate::tree::plan::joined;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A tree that is deeper is refused: each level holds a directory open.
const DEPTH_MAX: usize = 1000;

/// So many chunks of a resumed file are asked for ahead: as many as the window has room for.
const AHEAD: u64 = WINDOW / CHUNK;

/// Reads what a part holds from an offset. Returns how much that is.
pub(super) type Held<'h> = dyn Fn(&mut [u8], u64) -> Result<usize> + 'h;

/// What a receiver takes in; see the head of this file.
pub(super) struct Intake {
    input: Input,
    output: Output,
    /// What came while a chunk was waited for, and how long it was.
    queue: VecDeque<(Message, u64)>,
    queued: u64,
    /// Chunks that were asked for and have not come: of which entry, and their numbers.
    asked: VecDeque<(u64, u64)>,
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
    /// Taken since the sender was told.
    taken: u64,
    entries: u64,
    /// Asked to end the run.
    stop: Arc<AtomicBool>,
    /// Whether there may be parts, and values of chunks come.
    unfinished: Unfinished,
    /// Why nothing is believed any more.
    broken: Option<String>,
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

/// The content of one file, as far as it has come.
struct Stream {
    id: u64,
    /// Up to where.
    position: u64,
    /// Chunks of zeros that come next.
    zeros: u64,
    /// The last chunk, or one that came again: whose, from where, and what.
    chunk: (u64, u64, Vec<u8>),
    /// The value of each chunk that has come: it is to be the same when it comes again.
    values: Vec<[u8; 32]>,
    /// What the sender says that the chunks are, before any has come.
    told: Vec<[u8; 32]>,
    /// Those before were asked for, unless a part has them.
    ahead: u64,
    /// Those that a part has.
    in_part: BTreeSet<u64>,
    tree: Option<Tree>,
    end: Option<End>,
    /// Whether anybody wanted to know what it holds.
    interest: Interest,
}

/// Whether anybody wanted to know what a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interest {
    None,
    Some,
}

impl Stream {
    fn of(id: u64) -> Self {
        Self {
            id,
            position: 0,
            zeros: 0,
            chunk: (0, 0, Vec::new()),
            values: Vec::new(),
            told: Vec::new(),
            ahead: 0,
            in_part: BTreeSet::new(),
            tree: Some(Tree::new(CHUNK)),
            end: None,
            interest: Interest::None,
        }
    }

    /// What stands at an offset, of the chunk that is at hand.
    fn held(&self, id: u64, offset: u64) -> Option<&[u8]> {
        let (of, start, bytes) = &self.chunk;
        let at = usize::try_from(offset.checked_sub(*start)?).ok()?;
        bytes.get(at..).filter(|rest| *of == id && !rest.is_empty())
    }

    fn add(&mut self, start: u64, bytes: Vec<u8>) {
        let mut hasher = PieceHasher::at(start);
        hasher.update(&bytes);
        if let Some(tree) = &mut self.tree {
            tree.add(start / CHUNK, &hasher);
        }
        self.values.push(hasher.value().unwrap_or_default());
        self.position = start + bytes.len() as u64;
        self.chunk = (self.id, start, bytes);
    }

    /// Whether a chunk that comes again is what it was. What a file has grown by is taken off: it is no part of this copy.
    fn is_as_before(&self, chunk: &mut Chunk) -> bool {
        let known = usize::try_from(chunk.number).ok().and_then(|number| self.values.get(number));
        let Some(known) = known.filter(|_| chunk.id == self.id && !chunk.bytes.is_empty()) else { return true };
        let start = chunk.number * CHUNK;
        chunk.bytes.truncate(usize::try_from(self.position - start).unwrap_or(usize::MAX));
        let mut hasher = PieceHasher::at(start);
        hasher.update(&chunk.bytes);
        hasher.value().as_ref() == Some(known)
    }
}

/// Whether a chunk is what it was when it was read.
fn is_right(chunk: &Chunk) -> bool {
    let mut hasher = PieceHasher::at(chunk.number * CHUNK);
    hasher.update(&chunk.bytes);
    hasher.value() == Some(chunk.value)
}

impl Intake {
    /// What will come from a sender, whose first message names the operands; `stop` is set once it makes no sense.
    pub(super) fn new(
        (input, output): (Input, Output),
        operands: Vec<Awaited>,
        unfinished: Unfinished,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self {
            input,
            output,
            queue: VecDeque::new(),
            queued: 0,
            asked: VecDeque::new(),
            operands: AwaitedSources::new(operands),
            arrived: BTreeMap::new(),
            levels: Vec::new(),
            current: None,
            stream: Stream::of(0),
            whole: BTreeMap::new(),
            taken: 0,
            entries: 0,
            stop,
            unfinished,
            broken: None,
            notes: Vec::new(),
        }
    }

    /// Whether a path is that of an operand, and not one of this machine.
    pub(super) fn is_operand(&self, path: &Path) -> bool {
        self.operands.has(path)
    }

    /// Whether a path is that of a directory in which operands are: the same number for the same one.
    pub(super) fn number_of_above(&self, path: &Path) -> Option<u64> {
        self.operands.number_of_above(path)
    }

    /// An operand, once it has come.
    pub(super) fn operand(&mut self, path: &Path) -> Result<Arc<Received>> {
        loop {
            if let Some(arrived) = self.arrived.get(path.as_os_str()) {
                return Ok(Arc::clone(arrived));
            }
            let message = self.next()?;
            self.skip(message)?;
        }
    }

    /// Takes note of what comes before what is waited for: names that arrive, and files that nobody reads.
    fn skip(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Entry(entry) => {
                self.enter(entry)?;
            }
            Message::Leave(_) => self.leave()?,
            Message::End(end) => self.pass_over(end.id),
            Message::Data(_) | Message::Zeros { .. } => {}
            _ => return Err(self.break_off(&strange())),
        }
        Ok(())
    }

    /// The next name in a directory; nothing at its end.
    pub(super) fn next_name(&mut self, dir: &Received) -> Result<Option<Arc<Received>>> {
        loop {
            if !self.levels.iter().any(|level| level.entry.id == dir.entry.id) {
                return Ok(None);
            }
            let is_here = self.levels.len() == dir.depth + 1;
            match self.next()? {
                Message::Entry(entry) => {
                    let received = self.enter(entry)?;
                    if is_here {
                        return Ok(Some(received));
                    }
                }
                Message::Leave(error) => {
                    self.leave()?;
                    if is_here {
                        return error.map_or(Ok(None), Err);
                    }
                }
                Message::End(end) => self.pass_over(end.id),
                // Nobody has asked for it.
                Message::Data(_) | Message::Zeros { .. } => {}
                _ => return Err(self.break_off(&strange())),
            }
        }
    }

    /// A name in a directory that has come last.
    pub(super) fn look_up(&self, dir: &Received, name: &OsStr) -> Result<Arc<Received>> {
        let current = self.current.iter().chain(self.levels.iter().rev());
        let mut named = current.filter(|known| known.parent == dir.entry.id && known.entry.name == name);
        named.next().cloned().ok_or(Errno::STALE)
    }

    /// Reads content, as pread(2) does. What a part holds of it need not come.
    pub(super) fn read(&mut self, file: &Received, held: &Held<'_>, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let found = file.found()?;
        if let Some(errno) = found.refusal {
            return Err(errno);
        }
        let id = file.entry.id;
        if let Content::Told(digest) = found.content {
            return self.read_told(file, (found.stat.size, digest, held), buffer, offset);
        }
        loop {
            if let Some(held) = self.stream.held(id, offset) {
                let count = held.len().min(buffer.len());
                buffer[..count].copy_from_slice(&held[..count]);
                return Ok(count);
            }
            let streams = self.stream.id == id && found.content == Content::Follows;
            if streams && self.stream.end.is_none() && offset >= self.stream.position {
                self.advance(file)?;
                continue;
            }
            let size = self.stream.end.as_ref().filter(|_| streams).map_or(found.stat.size, |end| end.size);
            if offset >= size {
                return Ok(0);
            }
            let number = offset / CHUNK;
            let chunk = self.again(file, number)?;
            let bytes = self.as_before(file, chunk)?.bytes;
            // The file is shorter by now.
            if (offset % CHUNK) >= bytes.len() as u64 {
                return Ok(0);
            }
            self.stream.chunk = (id, number * CHUNK, bytes);
        }
    }

    /// BLAKE3 of a file, if the sender tells it before its content.
    pub(super) fn told(&mut self, file: &Received) -> Option<[u8; 32]> {
        let Content::Told(digest) = file.found().ok()?.content else { return None };
        self.stream.interest = Interest::Some;
        self.whole.insert(file.shown.clone().into_os_string(), (file.entry.id, digest));
        Some(digest)
    }

    /// Reads a file of which the sender has told the digest. Its chunks are asked for; the last one is handed on only if all
    /// of them add up to what was told.
    fn read_told(
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
                self.stream.add(start, chunk.bytes);
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
                self.ask(id, ahead)?;
            }
        }
        self.output.flush().map_err(|error| self.break_off(&error))?;
        let is_in_part = self.stream.in_part.remove(&number);
        if let Some(chunk) = self.of_part(id, number, held).filter(|_| is_in_part) {
            return Ok(chunk);
        }
        let is_asked = self.asked.contains(&(id, number));
        let chunk = if is_asked { self.await_patch(id, number)? } else { self.again(file, number)? };
        if chunk.bytes.is_empty() || is_right(&chunk) { Ok(chunk) } else { self.mended(file, number) }
    }

    /// A chunk that a part holds, as its value proves. What cannot be read there is asked for.
    fn of_part(&self, id: u64, number: u64, held: &Held<'_>) -> Option<Chunk> {
        let value = *self.stream.told.get(usize::try_from(number).ok()?)?;
        let mut bytes = vec![0; CHUNK as usize];
        let count = held(&mut bytes, number * CHUNK).ok()?;
        bytes.truncate(count);
        let chunk = Chunk { id, number, value, bytes };
        is_right(&chunk).then_some(chunk)
    }

    /// What the chunks of a file are that may have a part: said behind its entry.
    fn take_values(&mut self, size: u64) -> Result<()> {
        let count = usize::try_from(size.div_ceil(CHUNK)).unwrap_or(VALUES_MAX).min(VALUES_MAX);
        while self.stream.told.len() < count {
            match self.next()? {
                Message::Values(Values { id, values }) if id == self.stream.id && !values.is_empty() => {
                    self.stream.told.extend(values);
                }
                _ => return Err(self.break_off(&strange())),
            }
        }
        if self.stream.told.len() > count { Err(self.break_off(&strange())) } else { Ok(()) }
    }

    /// Takes in the next part of a file's content.
    fn advance(&mut self, file: &Received) -> Result<()> {
        if self.stream.zeros > 0 {
            self.stream.zeros -= 1;
            let start = self.stream.position;
            self.stream.add(start, vec![0; CHUNK as usize]);
            return Ok(());
        }
        let id = file.entry.id;
        match self.next()? {
            Message::Data(chunk) if chunk.id == id && chunk.number * CHUNK == self.stream.position => {
                let chunk = if is_right(&chunk) { chunk } else { self.mended(file, chunk.number)? };
                if chunk.bytes.is_empty() {
                    return Err(self.break_off(&strange()));
                }
                self.stream.add(chunk.number * CHUNK, chunk.bytes);
                Ok(())
            }
            Message::Zeros { id: of, count } if of == id && self.stream.position % CHUNK == 0 => {
                self.stream.zeros = count;
                Ok(())
            }
            Message::End(end) if end.id == id => self.ended(file, end),
            _ => Err(self.break_off(&strange())),
        }
    }

    /// A chunk that has come before. A source that reads as something else the second time was never copied.
    fn as_before(&mut self, file: &Received, mut chunk: Chunk) -> Result<Chunk> {
        if self.stream.is_as_before(&mut chunk) {
            return Ok(chunk);
        }
        let (start, name) = (chunk.number * CHUNK, quoted(&file.shown));
        let end = start + chunk.bytes.len() as u64;
        let note = format!(
            "verification failed: bytes {start} to {end} of {name} were something else when they were read before"
        );
        self.notes.push(Note::Damaged(note));
        Err(Errno::IO)
    }

    /// A chunk that arrived damaged, once more.
    fn mended(&mut self, file: &Received, number: u64) -> Result<Chunk> {
        let (name, start) = (quoted(&file.shown), number * CHUNK);
        let chunk = self.again(file, number)?;
        let bytes = format!("bytes {start} to {} of {name}", start + chunk.bytes.len() as u64);
        self.notes.push(Note::Mended(format!("{bytes} arrived damaged, and were sent again")));
        Ok(chunk)
    }

    /// The end of a file's content: everything that came has to add up to what was read.
    fn ended(&mut self, file: &Received, end: End) -> Result<()> {
        if let Some(errno) = end.error {
            return Err(errno);
        }
        self.add_up(file, end.size, end.digest)?;
        file.has_changed.store(end.steadiness == Steadiness::Changed, Ordering::Relaxed);
        self.stream.end = Some(end);
        Ok(())
    }

    /// All chunks of a file have come: they have to be what was read.
    fn add_up(&mut self, file: &Received, size: u64, digest: [u8; 32]) -> Result<()> {
        let root = self.stream.tree.take().and_then(|tree| tree.root(size));
        let is_whole = self.stream.position == size && root.is_some_and(|root| *root.as_bytes() == digest);
        if !is_whole {
            let name = quoted(&file.shown);
            self.notes.push(Note::Damaged(format!("verification failed: {name} did not arrive as it was sent")));
            // No byte of it is at hand any more.
            self.stream.chunk = (0, 0, Vec::new());
            return Err(Errno::IO);
        }
        self.whole.insert(file.shown.clone().into_os_string(), (file.entry.id, digest));
        Ok(())
    }

    fn ask(&mut self, id: u64, number: u64) -> Result<()> {
        self.asked.push_back((id, number));
        let asked = send(&mut self.output, &Message::Again { id, number });
        asked.map(drop).map_err(|error| self.break_off(&error))
    }

    /// Asks for a chunk, which is to come before anything else is looked at.
    fn again(&mut self, file: &Received, number: u64) -> Result<Chunk> {
        let id = file.entry.id;
        self.ask(id, number)?;
        self.output.flush().map_err(|error| self.break_off(&error))?;
        let mut chunk = self.await_patch(id, number)?;
        // What was asked for ahead comes first.
        while self.asked.contains(&(id, number)) {
            chunk = self.await_patch(id, number)?;
        }
        // A file that is shorter by now has nothing there.
        if chunk.bytes.is_empty() || is_right(&chunk) {
            return Ok(chunk);
        }
        let (start, name) = (number * CHUNK, quoted(&file.shown));
        let end = start + chunk.bytes.len() as u64;
        let note = format!("verification failed: bytes {start} to {end} of {name} arrived damaged twice");
        self.notes.push(Note::Damaged(note));
        Err(Errno::IO)
    }

    /// Waits for a chunk that was asked for. Those that were asked for before it are no longer wanted.
    fn await_patch(&mut self, id: u64, number: u64) -> Result<Chunk> {
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

    /// The next message, which is taken by that.
    fn next(&mut self) -> Result<Message> {
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

    /// Whether a chunk that cannot be read is the next one of those that were asked for.
    fn was_due(&mut self, missed: &Missed) -> bool {
        self.asked.pop_front() == Some((missed.id, missed.number))
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
        let reached = self.current.as_ref().map_or(0, |current| current.entry.id);
        send(&mut self.output, &Message::Credit { bytes: self.taken, reached })?;
        (self.taken, self.entries) = (0, 0);
        self.output.flush()
    }

    /// A name that has come.
    fn enter(&mut self, entry: Entry) -> Result<Arc<Received>> {
        self.pass_over_unread();
        let last = self.current.as_ref().map_or(0, |current| current.entry.id);
        let name = Path::new(&entry.name);
        let is_operand = self.levels.is_empty();
        let shown = match self.levels.last() {
            Some(above) => is_component(&entry.name).then(|| joined(&above.shown, name)),
            None => self.operands.called(&entry.name).map(Path::to_owned),
        };
        let Some(shown) = shown.filter(|_| entry.id > last) else { return Err(self.break_off(&strange())) };
        let depth = self.levels.len();
        let is_directory = entry.found.as_ref().is_ok_and(|found| found.stat.kind == Kind::Directory);
        if is_directory && depth >= DEPTH_MAX {
            return Err(self.break_off(&std::io::Error::other("a tree that is sent is too deep")));
        }
        let parent = self.levels.last().map_or(0, |above| above.entry.id);
        let received = Arc::new(Received { entry, parent, depth, shown, has_changed: AtomicBool::new(false) });
        if is_operand {
            self.arrived.insert(received.shown.clone().into_os_string(), Arc::clone(&received));
        }
        if is_directory {
            self.levels.push(Arc::clone(&received));
        }
        self.stream = Stream::of(received.entry.id);
        self.current = Some(Arc::clone(&received));
        let told = received.found().ok().filter(|found| matches!(found.content, Content::Told(_)));
        let size = told.map_or(0, |found| found.stat.size);
        if self.unfinished == Unfinished::Kept && size > PARTED_MIN {
            self.take_values(size)?;
        }
        Ok(received)
    }

    fn leave(&mut self) -> Result<()> {
        match self.levels.pop() {
            Some(_) => Ok(()),
            None => Err(self.break_off(&strange())),
        }
    }

    /// From now on nothing that comes is believed.
    fn break_off(&mut self, error: &std::io::Error) -> Errno {
        self.broken.get_or_insert_with(|| words(error));
        self.stop.store(true, Ordering::Relaxed);
        Errno::PIPE
    }

    /// Why nothing was believed any more.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// What is to be said since the last time.
    pub(super) fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// The number of a file that is whole and has no outcome yet; 0 of any other name.
    pub(super) fn number_of_whole(&self, shown: &Path) -> u64 {
        self.whole.get(shown.as_os_str()).map_or(0, |(id, _)| *id)
    }

    /// Tells the sender something, where it is to say it.
    pub(super) fn say(&mut self, told: ReceiverEvent) {
        self.put(&Message::Told(told));
    }

    /// A name has its outcome: tells the sender.
    pub(super) fn answer(&mut self, shown: &Path) {
        if let Some((id, digest)) = self.whole.remove(shown.as_os_str()) {
            self.tell(id, Some(digest));
        }
    }

    /// Nobody has read a file to its end: it failed, or was copied already under another spelling of its name.
    fn pass_over(&mut self, id: u64) {
        self.tell(id, None);
    }

    /// The same for a file of which only the digest was told, and nobody has asked for it.
    fn pass_over_unread(&mut self) {
        let is_told =
            |received: &&Arc<Received>| received.found().is_ok_and(|found| matches!(found.content, Content::Told(_)));
        let unread = self.current.as_ref().filter(is_told).filter(|_| self.stream.interest == Interest::None);
        if let Some(id) = unread.map(|received| received.entry.id) {
            self.stream.interest = Interest::Some;
            self.pass_over(id);
        }
    }

    fn tell(&mut self, id: u64, digest: Option<[u8; 32]>) {
        self.put(&Message::Answer { id, digest });
    }

    fn put(&mut self, message: &Message) {
        if self.broken.is_some() {
            return;
        }
        if let Err(error) = send(&mut self.output, message) {
            self.break_off(&error);
        }
    }

    /// Takes what is left, and tells how it went.
    pub(super) fn finish(&mut self, verdict: Verdict) -> Result<()> {
        loop {
            match self.next()? {
                Message::Finish => {
                    self.pass_over_unread();
                    break;
                }
                message => self.skip(message)?,
            }
        }
        let told = send(&mut self.output, &Message::Finished(verdict)).and_then(|_| self.output.flush());
        told.map_err(|error| self.break_off(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::streams;
    use super::super::message::FileHead;
    use super::*;
    use crate::kernel::Stat;
    use crate::kernel::Timestamp;
    use std::io::{Cursor, sink};
    use std::path::PathBuf;

    const SHORT: &[u8] = b"short";

    fn chunk(number: u64, bytes: &[u8]) -> Chunk {
        let mut hasher = PieceHasher::at(number * CHUNK);
        hasher.update(bytes);
        Chunk { id: 1, number, value: hasher.value().expect("bytes"), bytes: bytes.to_vec() }
    }

    /// A file of two chunks that has come and was read, and what comes then.
    fn read_once(first: &[u8], then: &Message) -> (Intake, Arc<Received>) {
        let (time, size) = (Timestamp::default(), CHUNK + SHORT.len() as u64);
        let (dev, ino, kind, mode, nlink, uid, gid, rdev, blocks) = (1, 1, Kind::File, 0o644, 1, 0, 0, 0, 0);
        let (atime, mtime, ctime) = (time, time, time);
        let stat = Stat { dev, ino, kind, mode, nlink, uid, gid, rdev, size, blocks, atime, mtime, ctime };
        let found = FileHead { stat, text: None, attributes: Vec::new(), refusal: None, content: Content::Follows };
        let digest = *blake3::hash(&[first, SHORT].concat()).as_bytes();
        let mut said = Vec::new();
        for message in [
            &Message::Entry(Entry { id: 1, name: "f".into(), found: Ok(found) }),
            &Message::Data(chunk(0, first)),
            &Message::Data(chunk(1, SHORT)),
            &Message::End(End { id: 1, size, digest, steadiness: Steadiness::Same, error: None }),
            then,
        ] {
            send(&mut said, message).expect("sent");
        }
        let (input, output) = streams(Cursor::new(said), sink());
        let awaited = Awaited { sent_as: PathBuf::from("f"), shown: PathBuf::from("h:f") };
        let mut intake = Intake::new((input, output), vec![awaited], Unfinished::Removed, Arc::default());
        let file = intake.operand(Path::new("h:f")).expect("it has come");
        let (mut buffer, mut read) = (vec![0; CHUNK as usize], Vec::<u8>::new());
        loop {
            let count = intake.read(&file, &|_, _| Ok(0), &mut buffer, read.len() as u64).expect("content");
            read.extend(&buffer[..count]);
            if count == 0 {
                break;
            }
        }
        assert!(read == [first, SHORT].concat());
        (intake, file)
    }

    #[test]
    fn what_is_sent_again_is_what_it_was() {
        let first = vec![7; CHUNK as usize];
        let mut buffer = vec![0; CHUNK as usize];
        let (mut intake, file) = read_once(&first, &Message::Patch(chunk(0, &first)));
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Ok(first.len()));
        assert!(buffer == first);
        // A source that reads as something else by now.
        let mut other = first.clone();
        other[1000] ^= 1;
        let (mut intake, file) = read_once(&first, &Message::Patch(chunk(0, &other)));
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Err(Errno::IO));
        let notes = intake.take_notes();
        assert!(matches!(&notes[..], [Note::Damaged(text)] if text.contains("bytes 0 to 1048576 of 'h:f'")));
        // One that cannot be read any more.
        let missed = Message::Missed(Missed { id: 1, number: 0, error: Errno::STALE });
        let (mut intake, file) = read_once(&first, &missed);
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Err(Errno::STALE));
        assert!(intake.take_notes().is_empty() && intake.broken().is_none());
        // An answer to what was not asked.
        let missed = Message::Missed(Missed { id: 1, number: 1, error: Errno::STALE });
        let (mut intake, file) = read_once(&first, &missed);
        assert_eq!(intake.read(&file, &|_, _| Ok(0), &mut buffer, 0), Err(Errno::PIPE));
        assert!(intake.broken().is_some());
    }

    #[test]
    fn what_a_file_has_grown_by_is_no_part_of_it() {
        let mut stream = Stream::of(1);
        stream.add(0, SHORT.to_vec());
        let mut grown = chunk(0, b"short and more");
        assert!(stream.is_as_before(&mut grown));
        assert_eq!(grown.bytes, SHORT);
        assert!(!stream.is_as_before(&mut chunk(0, b"Short and more")));
        assert!(stream.is_as_before(&mut chunk(1, b"never seen")));
    }
}
