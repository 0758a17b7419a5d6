//! The side that sends: names and their content, as fast as the receiver takes them.
//!
//! Every byte is read by read(2), never by a map of holes, and hashed before it goes. Chunks of zeros go as their number.
//! What the receiver says comes in by a thread of its own, so that neither side ever waits for the other to listen.

use super::connection::{Feature, Features, Input, Output, receive, send, strange, words};
use super::fill::fill;
use super::flow::{Flow, OPEN_MAX};
use super::frame::HEAD_MAX;
use super::message::{
    CHUNK, Chunk, Content, End, Entry, FileHead, Message, Missed, PARTED_MIN, Steadiness, VALUES_AT_ONCE, Values,
};
use super::message::{VALUES_MAX, Verdict};
use super::terms::{Carried, Depth, Start, Tell, Terms};
use super::unanswered::{Named, Unanswered, UnansweredFile};
use crate::account::Running;
use crate::copy::digest::{Digests, PieceHasher, Tree};
use crate::copy::extent::is_zero;
use crate::copy::{Follow, Name};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use crate::options::{Dereference, Unfinished};
use crate::report::Listener;
use crate::sftp::ListDigests;
use crate::tree::plan::joined;
use crate::tree::walk::Listing;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{Result, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// A tree that is deeper is refused: each level holds a directory open.
const DEPTH_MAX: usize = 1000;

/// More than the receiver can have to say while nobody listens: of what fits into the window, with what it takes to keep it.
const UNHEARD_MAX: usize = 256 << 20;

/// What it takes to keep a message beside its bytes.
const KEPT: usize = 512;

/// A smaller file is sent whether it is there already or not: to ask takes longer over a long way.
const TOLD_MIN: u64 = 64 << 10;

/// What the length of a string or of a list takes in a message.
const LENGTH: usize = 4;

/// More extended attributes do not fit into a message.
const ATTRIBUTES_MAX: usize = HEAD_MAX / 2;

/// The side that sends; see the head of this file.
pub(super) struct Sender<'a, K: Kernel> {
    kernel: &'a K,
    terms: Terms,
    stop: &'a AtomicBool,
    output: Output,
    /// What the receiver knows.
    features: Features,
    incoming: Receiver<Result<(Message, usize)>>,
    /// Bytes that have come and were not heard.
    unheard: Arc<AtomicUsize>,
    flow: Flow,
    next_id: u64,
    /// Files of which chunks may be asked for.
    open: BTreeMap<u64, OpenSource<K::File>>,
    /// What is to be answered for what was sent.
    owed: Unanswered<'a>,
    /// What a list takes of it.
    listed: ListDigests,
    /// Files with several names that were sent, where links are kept.
    sent: BTreeMap<(u64, u64), [u8; 32]>,
    /// The directories that are being sent.
    above: Vec<(u64, u64)>,
    /// What was named so far.
    operands: BTreeSet<(u64, u64)>,
    /// Whether what is being sent was named before.
    named: Named,
    buffer: Vec<u8>,
}

/// What was read of a file.
struct Read {
    digests: Digests,
    /// Of each chunk, where the receiver may have some in a part.
    values: Vec<[u8; 32]>,
    sha256: Option<[u8; 32]>,
}

/// A file of which chunks may be asked for.
struct OpenSource<F> {
    file: F,
    /// Its name in messages.
    shown: PathBuf,
}

/// A name on this side.
struct Here<'n, F> {
    name: Name<'n, F>,
    /// What it is sent as.
    sent_as: &'n OsStr,
}

impl<'a, K: Kernel> Sender<'a, K> {
    /// A sender on these streams.
    pub(super) fn new(
        kernel: &'a K,
        terms: Terms,
        (mut input, output, features): (Input, Output, Features),
        listener: &'a dyn Listener,
        stop: &'a AtomicBool,
    ) -> Self {
        let (sender, incoming) = channel();
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
        Self {
            kernel,
            terms,
            stop,
            output,
            features,
            incoming,
            unheard,
            flow: Flow::default(),
            next_id: 1,
            open: BTreeMap::new(),
            owed: Unanswered::new(listener, terms.tell),
            listed: ListDigests::Nothing,
            sent: BTreeMap::new(),
            above: Vec::new(),
            operands: BTreeSet::new(),
            named: Named::First,
            buffer: Vec::new(),
        }
    }

    /// Whoever looks at that sees how far it is.
    pub(super) fn tell_of(&mut self, running: &'a Running) {
        self.owed.running = Some(running);
    }

    /// What becomes of names is told here, with the receiver's name before its own, and written down as a list takes it.
    pub(super) fn write_down(&mut self, host: String, listed: ListDigests) {
        self.owed.name_host(host);
        self.listed = listed;
    }

    /// Sends these sources. Tells what failed, and whether all went well at both ends.
    pub(super) fn run(mut self, operands: &[PathBuf]) -> Verdict {
        let sent = self.all(operands);
        match sent {
            Ok(Verdict::Well) if !self.owed.has_failed() => Verdict::Well,
            Ok(Verdict::Well | Verdict::Failed) => Verdict::Failed,
            Err(error) => {
                if !self.stop.load(Ordering::Relaxed) {
                    self.owed.failed(&Error::Refused(words(&error)));
                }
                Verdict::Failed
            }
        }
    }

    fn all(&mut self, operands: &[PathBuf]) -> Result<Verdict> {
        self.say_operands(operands)?;
        for path in operands {
            let follow = if self.follows() { Follow::Yes } else { Follow::No };
            self.name(&Here { name: Name { dir: None, name: path, shown: path, follow }, sent_as: path.as_os_str() })?;
        }
        self.say(&Message::Finish)?;
        self.output.flush()?;
        loop {
            let came = self.incoming.recv().map_err(|_| strange())?;
            match self.taken(came)? {
                Message::Finished(verdict) => {
                    if verdict == Verdict::Well {
                        self.owed.miss_answers();
                    }
                    return Ok(verdict);
                }
                message => self.hear(message)?,
            }
        }
    }

    /// Names the sources: in as many messages as that takes, where the receiver knows that there may be several.
    fn say_operands(&mut self, operands: &[PathBuf]) -> Result<()> {
        let groups = grouped(operands);
        if groups.len() > 1 && !self.features.has(Feature::Operands) {
            let text = "the safecp there is too old for so many sources: name less at once";
            return Err(std::io::Error::new(std::io::ErrorKind::Unsupported, text));
        }
        let (last, first) = groups.split_last().ok_or_else(strange)?;
        for group in first {
            self.say(&Message::MoreOperands(group.to_vec()))?;
        }
        self.say(&Message::Operands(last.to_vec()))
    }

    fn follows(&self) -> bool {
        self.terms.dereference() != Dereference::Never
    }

    /// A message that is heard now.
    fn taken(&self, came: Result<(Message, usize)>) -> Result<Message> {
        let (message, length) = came?;
        self.unheard.fetch_sub(length, Ordering::AcqRel);
        Ok(message)
    }

    /// Sends a message once there is room for it.
    fn say(&mut self, message: &Message) -> Result<()> {
        let (kind, head, body) = message.write();
        let length = super::frame::length(head.len(), body.len()) as u64;
        loop {
            match self.incoming.try_recv() {
                Ok(came) => {
                    let message = self.taken(came)?;
                    self.hear(message)?;
                }
                Err(TryRecvError::Disconnected) => return Err(strange()),
                Err(TryRecvError::Empty) if self.flow.has_room(length) && self.open.len() < OPEN_MAX => break,
                Err(TryRecvError::Empty) => {
                    self.output.flush()?;
                    let came = self.incoming.recv().map_err(|_| strange())?;
                    let message = self.taken(came)?;
                    self.hear(message)?;
                }
            }
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(std::io::Error::from(std::io::ErrorKind::Interrupted));
        }
        super::frame::write(&mut self.output, kind, &head, body)?;
        self.flow.sent(length);
        Ok(())
    }

    /// What the receiver says.
    fn hear(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Credit { bytes, reached } => {
                self.flow.taken(bytes)?;
                self.open = self.open.split_off(&reached);
                Ok(())
            }
            Message::Again { id, number } => self.again(id, number),
            Message::Answer { id, digest } => self.owed.answer(id, digest, self.next_id),
            Message::Told(told) => self.owed.hear(told),
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
                patch(id, number, Vec::new())
            }
            Ok(count) => {
                bytes.truncate(count);
                patch(id, number, bytes)
            }
        };
        send(&mut self.output, &answer)?;
        self.output.flush()
    }

    fn entry(&mut self, sent_as: &OsStr, found: std::result::Result<FileHead, Errno>) -> Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        self.owed.enter();
        self.say(&Message::Entry(Entry { id, name: sent_as.to_owned(), found }))?;
        Ok(id)
    }

    /// A name, with all that is in it.
    fn name(&mut self, here: &Here<'_, K::File>) -> Result<()> {
        let Here { name, sent_as } = here;
        let stat = match self.kernel.stat_at(name.dir, name.name, self.follows()) {
            Ok(stat) => stat,
            Err(errno) => return self.entry(sent_as, Err(errno)).map(drop),
        };
        if self.above.is_empty() {
            let is_new = self.operands.insert((stat.dev, stat.ino));
            self.named = if is_new { Named::First } else { Named::Again };
        }
        match stat.kind {
            Kind::File => self.file(here, stat),
            Kind::Directory => self.directory(here, stat),
            Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => self.other(here, stat),
        }
    }

    fn other(&mut self, here: &Here<'_, K::File>, stat: Stat) -> Result<()> {
        let found = here.name.open(self.kernel, OFlags::PATH | OFlags::NOFOLLOW).and_then(|handle| {
            let text = (stat.kind == Kind::Symlink).then(|| self.kernel.readlink(&handle)).transpose()?;
            let attributes = self.attributes(&handle)?;
            Ok(FileHead { stat, text, attributes, refusal: None, content: Content::Nothing })
        });
        self.entry(here.sent_as, found).map(drop)
    }

    /// Extended attributes and lists, if they go along.
    fn attributes(&self, handle: &K::File) -> crate::kernel::Result<Vec<(OsString, Vec<u8>)>> {
        if self.terms.carried != Carried::Everything {
            return Ok(Vec::new());
        }
        let names = match self.kernel.list_xattr(handle) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Vec::new(),
            names => names?,
        };
        let mut attributes = Vec::new();
        let mut size = 0;
        for name in names {
            match self.kernel.get_xattr(handle, &name) {
                // It was removed since it was listed.
                Err(Errno::NODATA) => {}
                value => attributes.push((name, value?)),
            }
            size += attributes.last().map_or(0, |(name, value)| name.len() + value.len() + 8);
        }
        if size > ATTRIBUTES_MAX { Err(Errno::TOOBIG) } else { Ok(attributes) }
    }

    /// Opens a name that was looked at; it must be what it was.
    fn opened(&self, name: &Name<'_, K::File>, stat: &Stat, flags: OFlags) -> crate::kernel::Result<(K::File, Stat)> {
        let file = name.open(self.kernel, flags | OFlags::NONBLOCK)?;
        let opened = self.kernel.stat(&file)?;
        if opened.is_same_file(stat) && opened.kind == stat.kind { Ok((file, opened)) } else { Err(Errno::STALE) }
    }

    fn file(&mut self, here: &Here<'_, K::File>, stat: Stat) -> Result<()> {
        let nothing = |errno| FileHead {
            stat,
            text: None,
            attributes: Vec::new(),
            refusal: Some(errno),
            content: Content::Nothing,
        };
        let opened = self.opened(&here.name, &stat, OFlags::RDONLY);
        let opened = opened.and_then(|(file, stat)| self.attributes(&file).map(|attributes| (file, stat, attributes)));
        let (file, stat, attributes) = match opened {
            Ok(opened) => opened,
            Err(errno) => return self.entry(here.sent_as, Ok(nothing(errno))).map(drop),
        };
        let keeps_links = self.terms.carried == Carried::Everything && stat.has_other_names();
        let before = self.sent.get(&(stat.dev, stat.ino)).copied().filter(|_| keeps_links);
        let told = match before {
            None if self.tells_first(&stat) => self.told(&file, stat.size)?,
            None | Some(_) => None,
        };
        let content = match (before, &told) {
            (Some(_), _) => Content::Before,
            (None, Some(read)) => Content::Told(*read.digests.whole.as_bytes()),
            (None, None) => Content::Follows,
        };
        let found = FileHead { stat, text: None, attributes, refusal: None, content };
        let id = self.entry(here.sent_as, Ok(found))?;
        self.open.insert(id, OpenSource { file, shown: here.name.shown.to_owned() });
        if before.is_some() {
            return Ok(());
        }
        if let Some(read) = told.as_ref().filter(|_| self.may_have_part(&stat)) {
            self.values(id, &read.values)?;
        }
        let digest = match told {
            Some(read) => Some(self.expect(id, here.name.shown, (&stat, stat.size, Steadiness::Same), read)),
            None => self.content(id, &stat, here.name.shown)?,
        };
        if let Some(digest) = digest.filter(|_| keeps_links) {
            self.sent.insert((stat.dev, stat.ino), digest);
            self.owed.expect_further(digest);
        }
        Ok(())
    }

    /// Whether a file's digest goes before its bytes: the receiver may have it, or a part of it.
    fn tells_first(&self, stat: &Stat) -> bool {
        (self.terms.start == Start::Resumed && stat.size >= TOLD_MIN) || self.may_have_part(stat)
    }

    fn may_have_part(&self, stat: &Stat) -> bool {
        self.terms.unfinished == Unfinished::Kept && stat.size > PARTED_MIN
    }

    /// What each chunk of a file is, for a receiver that has some of them.
    fn values(&mut self, id: u64, values: &[[u8; 32]]) -> Result<()> {
        for values in values[..values.len().min(VALUES_MAX)].chunks(VALUES_AT_ONCE) {
            self.say(&Message::Values(Values { id, values: values.to_vec() }))?;
        }
        Ok(())
    }

    /// Expects an answer for a file; returns the digest that it is to have.
    fn expect(&mut self, id: u64, shown: &Path, as_it_is: (&Stat, u64, Steadiness), read: Read) -> [u8; 32] {
        let (Read { mut digests, sha256, .. }, (stat, size, steadiness)) = (read, as_it_is);
        if self.terms.tell != Tell::Lists {
            digests.pieces = Vec::new();
        }
        let digest = *digests.whole.as_bytes();
        let changed = steadiness == Steadiness::Changed;
        let (shown, stat, named) = (shown.to_owned(), *stat, self.named);
        self.owed.expect(id, UnansweredFile { shown, stat, size, digests, sha256, changed, named });
        digest
    }

    fn sha256(&self) -> Option<Sha256> {
        (self.listed == ListDigests::Sha256).then(Sha256::new)
    }

    /// What a file holds that the receiver may have already. `None` if that cannot be told: then its content is to say why.
    fn told(&mut self, file: &K::File, size: u64) -> Result<Option<Read>> {
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
    fn content(&mut self, id: u64, stat: &Stat, shown: &Path) -> Result<Option<[u8; 32]>> {
        let (mut tree, mut size, mut zeros) = (Tree::new(CHUNK), 0, 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let followed = self.owed.running.and_then(|running| running.meter.follow_reading(shown, stat.size));
        let mut sha256 = self.sha256();
        let error = loop {
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
                continue;
            }
            self.zeros(id, &mut zeros)?;
            let value = hasher.value().unwrap_or_default();
            let data = Message::Data(Chunk { id, number, value, bytes: buffer });
            self.say(&data)?;
            let Message::Data(chunk) = data else { return Err(strange()) };
            buffer = chunk.bytes;
            // It ends there, or it grows: what comes later is not a part of this copy.
            if (count as u64) < CHUNK {
                break None;
            }
        };
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

    fn directory(&mut self, here: &Here<'_, K::File>, stat: Stat) -> Result<()> {
        if self.above.contains(&(stat.dev, stat.ino)) || self.above.len() >= DEPTH_MAX {
            let errno = if self.above.len() >= DEPTH_MAX { Errno::NAMETOOLONG } else { Errno::LOOP };
            return self.entry(here.sent_as, Err(errno)).map(drop);
        }
        let opened = self.opened(&here.name, &stat, OFlags::RDONLY | OFlags::DIRECTORY);
        let opened = opened.and_then(|(dir, stat)| self.attributes(&dir).map(|attributes| (dir, stat, attributes)));
        let (dir, stat, attributes, refusal) = match opened {
            Ok((dir, stat, attributes)) => (Some(dir), stat, attributes, None),
            Err(errno) => (None, stat, Vec::new(), Some(errno)),
        };
        let found = FileHead { stat, text: None, attributes, refusal, content: Content::Nothing };
        self.entry(here.sent_as, Ok(found))?;
        self.above.push((stat.dev, stat.ino));
        let listed = match dir.filter(|_| self.terms.depth == Depth::Trees) {
            Some(dir) => self.names(&dir, here.name.shown)?,
            None => refusal,
        };
        self.above.pop();
        self.say(&Message::Leave(listed))
    }

    /// All names in a directory; why they could not be read to the end.
    fn names(&mut self, dir: &K::File, shown: &Path) -> Result<Option<Errno>> {
        let mut listing = Listing::default();
        loop {
            while let Some(listed) = listing.take() {
                let name = Path::new(&listed.name);
                let shown = joined(shown, name);
                let follow = if self.follows() { Follow::Yes } else { Follow::No };
                self.name(&Here { name: Name { dir: Some(dir), name, shown: &shown, follow }, sent_as: &listed.name })?;
            }
            match listing.has_ended() {
                Ok(true) => return Ok(None),
                Err(errno) => return Ok(Some(errno)),
                Ok(false) => {}
            }
            if let Err(errno) = listing.read(self.kernel, dir) {
                return Ok(Some(errno));
            }
        }
    }
}

/// Paths in groups, each of which a message holds; one of none.
fn grouped(paths: &[PathBuf]) -> Vec<&[PathBuf]> {
    let (mut groups, mut begin, mut size) = (Vec::new(), 0, 0);
    for (number, path) in paths.iter().enumerate() {
        size += path.as_os_str().len() + LENGTH;
        if size > HEAD_MAX - LENGTH {
            groups.push(&paths[begin..number]);
            (begin, size) = (number, path.as_os_str().len() + LENGTH);
        }
    }
    groups.push(&paths[begin..]);
    groups
}

/// A chunk that was asked for, as it is now.
fn patch(id: u64, number: u64, bytes: Vec<u8>) -> Message {
    let mut hasher = PieceHasher::at(number * CHUNK);
    hasher.update(&bytes);
    let value = hasher.value().unwrap_or_default();
    Message::Patch(Chunk { id, number, value, bytes })
}
