//! Local files to the far end.
//!
//! Many files are on their way at once, each through the same steps: a look at what has the target's name, a temporary, its bytes,
//! verification, its attributes, its name. A step is taken when all answers of the one before have come, so that latency is paid by
//! all files together. Whatever fails, the temporary goes and the name has what it had.

use super::connection::{Connection, Opened};
use super::far_path::{self, join, shown, split, trimmed};
use super::hashing::{Hashing, Value};
use super::incoming::Incoming;
use super::local_tree::{Item, LocalTree};
use super::pace::Pace;
use super::reading::{Asked, ReadFault, Reading};
use super::status::refusal;
use super::temporary::Names;
use super::types::{Attributes, Failure, Near, Proof, Reach, Told, Tree, Wishes, Writing};
use super::wire::{self, Access, Answer, Attrs, Request};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Stat};
use crate::quote::quoted;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Files whose bytes are on their way, at most. Each has a handle here and one there.
const FILES_MAX: usize = 256;

/// Files that wait for their digests, at most; far more than are hashed by one program at once.
const VERIFIED_LATE_MAX: usize = 20_000;

/// Names of a far directory that are searched for what dead runs left.
const NAMES_SEARCHED_MAX: usize = 20_000;

/// The bits that say what a file is.
const KIND: u32 = 0o170_000;

/// Copies local files and directories into a far directory, or one to a far name.
///
/// On success every file that was told [`Told::Copied`] was verified as that says and has its name. Of any other the target has
/// what it had. An error ends the run; a broken connection can leave temporaries, which the next run from this machine removes.
pub fn push<K: Kernel>(
    near: &Near<'_, K>,
    reach: &dyn Reach,
    sources: &[PathBuf],
    target: &Path,
    wishes: &Wishes,
    tell: &mut dyn FnMut(&Told<'_>),
) -> Result<(), Failure> {
    let mut opened = Opened::new(reach, wishes)?;
    tell(&Told::Verifying(opened.proof()));
    let typed = target.as_os_str().as_bytes();
    let found = opened.look(if typed.is_empty() { b"." } else { typed })?;
    let is_directory = found.is_some_and(|found| is(found, 0o040_000));
    let has_slash = typed.ends_with(b"/");
    if !is_directory && (sources.len() > 1 || has_slash && wishes.tree == Tree::Refused) {
        let words = if found.is_some() { "Not a directory" } else { "No such file or directory" };
        return Err(Failure::Far { action: "target", name: target.into(), reason: words.to_owned() });
    }
    let operands = if is_directory {
        let dir = opened.absolute(typed)?;
        let named = |source: &PathBuf| (source.clone(), dir.clone(), near_name(source));
        sources.iter().map(named).collect()
    } else {
        let (dir, name) = split(trimmed(typed));
        let dir = opened.absolute(dir)?;
        sources.iter().map(|source| (source.clone(), dir.clone(), name.to_vec())).collect::<Vec<Operand>>()
    };
    let operands = without_doubles(operands, tell);
    let searched = operands.iter().map(|(_, dir, _)| dir.clone()).collect::<BTreeSet<_>>();
    let names = Names::new(near.kernel);
    let files_max = FILES_MAX.min(opened.server.lengths().handles / 2).max(1);
    let mut push = Push {
        near,
        wishes,
        tell,
        connection: opened.begin(),
        tree: LocalTree::new(near.kernel, wishes.tree, operands),
        is_over: false,
        names,
        files_max,
        files: HashMap::new(),
        next_file: 0,
        sending: VecDeque::new(),
        reading: VecDeque::new(),
        digests: HashMap::new(),
        has_ended_digests: false,
        directories: HashMap::new(),
        finishing: Vec::new(),
        searching: searched.into_iter().map(Search::new).collect(),
        buffer: Vec::new(),
        pace: Pace::new(wishes.speed_max),
    };
    push.run()?;
    push.connection.client.end();
    Ok(())
}

/// A source, the far directory that it goes to, and its name there.
type Operand = (PathBuf, Vec<u8>, Vec<u8>);

/// Operands without those that would take the place of another; of a tree's content nothing does.
fn without_doubles(operands: Vec<Operand>, tell: &mut dyn FnMut(&Told<'_>)) -> Vec<Operand> {
    let mut targets = BTreeSet::new();
    let mut is_new = |operand: &Operand| {
        let (source, dir, name) = operand;
        let is_new = name == b"." || targets.insert((dir.clone(), name.clone()));
        if !is_new {
            tell(&Told::Failed(&Failure::Here(Error::just_created(&shown(&join(dir, name)), source))));
        }
        is_new
    };
    operands.into_iter().filter(|operand| is_new(operand)).collect()
}

/// What a source is called in the directory that it is copied into.
fn near_name(source: &Path) -> Vec<u8> {
    let name = split(source.as_os_str().as_bytes()).1;
    // As cp: the content of `..` goes into the directory itself.
    if matches!(name, b".." | b"." | b"") { b".".to_vec() } else { name.to_vec() }
}

fn is(attrs: Attrs, kind: u32) -> bool {
    attrs.mode.is_some_and(|mode| mode & KIND == kind)
}

/// What a request was for.
#[derive(Clone, Copy, Debug)]
enum Tag {
    File(u64, Step),
    /// The making of the directory of this number.
    Make(usize),
    /// A look at what stands where it should be.
    MakeLook(usize),
    /// Its last attributes.
    Finish(usize),
    Search(usize, SearchStep),
}

/// What was asked for a file.
#[derive(Clone, Copy, Debug)]
enum Step {
    Look,
    Resolve,
    Open,
    Owner,
    Own,
    Write,
    Sync,
    Close,
    OpenAgain,
    Read(Asked),
    Attributes,
    Rename,
    Room,
    Remove,
}

#[derive(Clone, Copy, Debug)]
enum SearchStep {
    Open,
    Read,
    Rest,
}

/// Where a file is.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    Looking,
    Opening,
    Sending,
    Closing,
    /// A digest is waited for, or it is read back.
    Verifying,
    Naming,
    /// It failed, and the room is asked for that there is.
    Asking,
    /// It failed, and its temporary goes.
    Removing,
}

/// A file on its way.
struct Sent<F> {
    source: PathBuf,
    shown: PathBuf,
    file: Option<F>,
    stat: Stat,
    dir: Vec<u8>,
    name: Vec<u8>,
    temporary: Option<Vec<u8>>,
    handle: Option<Vec<u8>>,
    old: Option<Attrs>,
    has_followed: bool,
    size: u64,
    hashing: Hashing,
    value: Option<Value>,
    back: Option<Reading>,
    proof: Proof,
    phase: Phase,
    due: usize,
    failure: Option<Failure>,
    complaint: Option<Failure>,
    /// The server refused with no more than "failure", as it does on a full disk.
    may_be_full: bool,
}

/// A far directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directory {
    Asked(usize),
    Fresh,
    Existing,
    Failed,
}

/// A directory that was made or found, and what it is to have in the end.
struct Finishing {
    far: Vec<u8>,
    stat: Stat,
    is_fresh: bool,
}

/// The search for what dead runs left in a directory.
struct Search {
    dir: Vec<u8>,
    handle: Option<Vec<u8>>,
    seen: usize,
    is_begun: bool,
}

impl Search {
    fn new(dir: Vec<u8>) -> Self {
        Self { dir, handle: None, seen: 0, is_begun: false }
    }
}

struct Push<'a, K: Kernel> {
    near: &'a Near<'a, K>,
    wishes: &'a Wishes,
    tell: &'a mut dyn FnMut(&Told<'_>),
    connection: Connection<Tag>,
    tree: LocalTree<'a, K>,
    is_over: bool,
    names: Names,
    files_max: usize,
    files: HashMap<u64, Sent<K::File>>,
    next_file: u64,
    /// Files that have bytes to be sent.
    sending: VecDeque<u64>,
    /// Files that have bytes to be read back.
    reading: VecDeque<u64>,
    /// Files whose digests were asked for, by path.
    digests: HashMap<Vec<u8>, u64>,
    has_ended_digests: bool,
    directories: HashMap<Vec<u8>, Directory>,
    finishing: Vec<Finishing>,
    searching: Vec<Search>,
    buffer: Vec<u8>,
    pace: Pace,
}

impl<K: Kernel> Push<'_, K> {
    fn run(&mut self) -> Result<(), Failure> {
        self.search(0)?;
        loop {
            while let Some(incoming) = self.connection.came() {
                self.take(incoming)?;
            }
            if self.near.is_stopped() && !self.is_over {
                self.stop()?;
            }
            if self.connection.client.has_room() && self.advance()? {
                continue;
            }
            if self.is_over && self.files.is_empty() && self.connection.client.is_idle() {
                break;
            }
            if let Some(incoming) = self.connection.wait()? {
                self.take(incoming)?;
            }
        }
        if self.near.is_stopped() { Err(Failure::Stopped) } else { self.finish_directories() }
    }

    /// Nothing new begins, and what is on its way goes.
    fn stop(&mut self) -> Result<(), Failure> {
        self.is_over = true;
        self.sending.clear();
        self.reading.clear();
        self.digests.clear();
        let mut numbers: Vec<u64> = self.files.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            self.fail(number, Failure::Stopped);
            self.turn(number)?;
        }
        Ok(())
    }

    /// Sends something, or begins something. False if there is nothing to do before something comes in.
    fn advance(&mut self) -> Result<bool, Failure> {
        if let Some(number) = self.reading.front().copied() {
            return self.read_back(number).map(|()| true);
        }
        if let Some(number) = self.sending.front().copied() {
            return self.send(number).map(|()| true);
        }
        let (late, active) = (self.digests.len(), self.files.len() - self.digests.len());
        let has_room = active < self.files_max && late < VERIFIED_LATE_MAX;
        if !self.is_over && has_room {
            match self.tree.next() {
                Some(item) => self.begin(item)?,
                None => self.is_over = true,
            }
            return Ok(true);
        }
        // The far program makes the digests of the last names when it knows that they are the last.
        if self.is_over && !self.has_ended_digests && active == 0 {
            self.has_ended_digests = true;
            self.connection.end_digests();
        }
        Ok(false)
    }

    fn begin(&mut self, item: Item<K::File>) -> Result<(), Failure> {
        match item {
            Item::Failed(failure) => {
                (self.tell)(&Told::Failed(&failure));
                Ok(())
            }
            Item::Directory { stat, far } => self.make_directory(stat, far),
            Item::File { file, stat, shown, dir, name } => self.begin_file(file, stat, shown, dir, name),
        }
    }

    // ---- directories ----

    fn make_directory(&mut self, stat: Stat, far: Vec<u8>) -> Result<(), Failure> {
        // The operand `.`: its content goes into a directory that is there.
        let far = far.strip_suffix(b"/.").map_or(far.clone(), <[u8]>::to_vec);
        if self.directories.get(split(&far).0) == Some(&Directory::Failed) {
            self.directories.insert(far, Directory::Failed);
            return Ok(());
        }
        let number = self.finishing.len();
        self.directories.insert(far.clone(), Directory::Asked(number));
        let attrs = Attrs { mode: Some(stat.mode & 0o777 | 0o700), ..Attrs::default() };
        self.connection.client.ask(&Request::Mkdir(&far, attrs), Tag::Make(number))?;
        self.finishing.push(Finishing { far, stat, is_fresh: false });
        Ok(())
    }

    fn made(&mut self, number: usize, answer: &Answer) -> Result<(), Failure> {
        let far = self.finishing[number].far.clone();
        if let Answer::Status(wire::OK, _) = answer {
            self.finishing[number].is_fresh = true;
            self.directories.insert(far.clone(), Directory::Fresh);
            (self.tell)(&Told::Made { target: &shown(&far) });
            return Ok(());
        }
        self.connection.client.ask(&Request::Stat(&far), Tag::MakeLook(number))
    }

    /// What could not be made is there, or it failed.
    fn found(&mut self, number: usize, answer: &Answer) -> Result<(), Failure> {
        let far = self.finishing[number].far.clone();
        match answer {
            Answer::Attrs(attrs) if is(*attrs, 0o040_000) => {
                self.directories.insert(far.clone(), Directory::Existing);
                self.searching.push(Search::new(far));
                self.search(self.searching.len() - 1)
            }
            answer => {
                let reason = match answer {
                    Answer::Attrs(_) => "Not a directory".to_owned(),
                    answer => refusal(answer),
                };
                let name = shown(&far).into_boxed_path();
                self.directories.insert(far, Directory::Failed);
                (self.tell)(&Told::Failed(&Failure::Far { action: "cannot create directory", name, reason }));
                Ok(())
            }
        }
    }

    /// Attributes of directories, which what is put into them would change again; the lowest first.
    fn finish_directories(&mut self) -> Result<(), Failure> {
        for number in (0..self.finishing.len()).rev() {
            let Finishing { far, stat, is_fresh } = &self.finishing[number];
            let attrs = match self.wishes.attributes {
                Attributes::Kept => Attrs { mode: Some(stat.mode), times: Some(times(stat)), ..Attrs::default() },
                Attributes::Fresh if *is_fresh && stat.mode & 0o700 != 0o700 => {
                    Attrs { mode: Some(stat.mode & 0o755), ..Attrs::default() }
                }
                Attributes::Fresh => continue,
            };
            if self.directories.get(far) == Some(&Directory::Failed) {
                continue;
            }
            self.connection.client.ask(&Request::Setstat(far, attrs), Tag::Finish(number))?;
            while !self.connection.client.has_room() {
                if let Some(incoming) = self.connection.wait()? {
                    self.take(incoming)?;
                }
            }
        }
        while !self.connection.client.is_idle() {
            if let Some(incoming) = self.connection.wait()? {
                self.take(incoming)?;
            }
        }
        Ok(())
    }

    // ---- what dead runs left ----

    fn search(&mut self, from: usize) -> Result<(), Failure> {
        for number in from..self.searching.len() {
            let search = &mut self.searching[number];
            if !search.is_begun {
                search.is_begun = true;
                let tag = Tag::Search(number, SearchStep::Open);
                self.connection.client.ask(&Request::Opendir(&search.dir), tag)?;
            }
        }
        Ok(())
    }

    /// What cannot be listed or removed stays: nothing of the copy hangs on it.
    fn searched(&mut self, number: usize, step: SearchStep, answer: Answer) -> Result<(), Failure> {
        let client = &mut self.connection.client;
        let search = &mut self.searching[number];
        match (step, answer) {
            (SearchStep::Open, Answer::Handle(handle)) => {
                client.ask(&Request::Readdir(&handle), Tag::Search(number, SearchStep::Read))?;
                search.handle = Some(handle);
            }
            (SearchStep::Read, Answer::Names(names)) if search.seen < NAMES_SEARCHED_MAX && !names.is_empty() => {
                search.seen += names.len();
                let rest = Tag::Search(number, SearchStep::Rest);
                for name in names.iter().map(|entry| &entry.name).filter(|name| far_path::is_single(name)) {
                    if self.names.is_left(self.near.kernel, &search.dir, name) {
                        client.ask(&Request::Remove(&join(&search.dir, name)), rest)?;
                    }
                }
                if let Some(handle) = &search.handle {
                    client.ask(&Request::Readdir(handle), Tag::Search(number, SearchStep::Read))?;
                }
            }
            (SearchStep::Read, _) => {
                if let Some(handle) = search.handle.take() {
                    client.ask(&Request::Close(&handle), Tag::Search(number, SearchStep::Rest))?;
                }
            }
            (SearchStep::Open | SearchStep::Rest, _) => {}
        }
        Ok(())
    }

    // ---- files ----

    fn begin_file(
        &mut self,
        file: K::File,
        stat: Stat,
        source: PathBuf,
        dir: Vec<u8>,
        name: Vec<u8>,
    ) -> Result<(), Failure> {
        let state = self.directories.get(&dir).copied();
        if state == Some(Directory::Failed) {
            // Its directory's failure was told.
            return Ok(());
        }
        let number = self.next_file;
        self.next_file += 1;
        let shown = shown(&join(&dir, &name));
        let hashing = self.connection.hashing();
        let sent = Sent {
            source,
            shown,
            file: Some(file),
            stat,
            dir,
            name,
            temporary: None,
            handle: None,
            old: None,
            has_followed: false,
            size: 0,
            hashing,
            value: None,
            back: None,
            proof: Proof::Nothing,
            phase: Phase::Looking,
            due: 0,
            failure: None,
            complaint: None,
            may_be_full: false,
        };
        self.files.insert(number, sent);
        if state == Some(Directory::Fresh) { self.create(number) } else { self.look(number) }
    }

    /// Asks something for a file.
    fn ask(&mut self, number: u64, request: &Request<'_>, step: Step) -> Result<(), Failure> {
        if let Some(file) = self.files.get_mut(&number) {
            file.due += 1;
        }
        self.connection.client.ask(request, Tag::File(number, step))
    }

    fn look(&mut self, number: u64) -> Result<(), Failure> {
        let path = join(&self.files[&number].dir, &self.files[&number].name);
        self.ask(number, &Request::Lstat(&path), Step::Look)
    }

    fn create(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let temporary = self.names.next(&file.dir);
        // Until it has the old file's mode nobody else may look. What not even its owner may read is closed to all others.
        let mode = match file.old {
            Some(_) => 0o600,
            None if self.wishes.attributes == Attributes::Kept => 0o600,
            None if file.stat.mode & 0o400 == 0 => 0o600,
            None => file.stat.mode & 0o777,
        };
        file.temporary = Some(temporary.clone());
        file.phase = Phase::Opening;
        let attrs = Attrs { mode: Some(mode), ..Attrs::default() };
        self.ask(number, &Request::Open(&temporary, Access::Create, attrs), Step::Open)
    }

    /// Sends the next bytes of a file, or its end.
    fn send(&mut self, number: u64) -> Result<(), Failure> {
        let length = self.connection.client.lengths.write;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(length, 0);
        let sent = self.send_slice(number, &mut buffer);
        self.buffer = buffer;
        sent
    }

    fn send_slice(&mut self, number: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else {
            self.sending.pop_front();
            return Ok(());
        };
        let Some((handle, content)) = file.handle.clone().zip(file.file.as_ref()) else {
            self.sending.pop_front();
            return Ok(());
        };
        let count = match self.near.kernel.pread(content, buffer, file.size) {
            Ok(count) => count,
            Err(errno) => {
                let failure = Failure::Here(Error::call(Action::Read, &file.source, errno));
                self.fail(number, failure);
                return self.turn(number);
            }
        };
        if count == 0 {
            self.sending.pop_front();
            return self.end_content(number, &handle);
        }
        let (bytes, offset) = (&buffer[..count], file.size);
        file.hashing.update(bytes);
        file.size += count as u64;
        self.ask(number, &Request::Write(&handle, offset, bytes), Step::Write)?;
        (self.tell)(&Told::Moved(count as u64));
        self.pace.keep(count as u64);
        Ok(())
    }

    fn end_content(&mut self, number: u64, handle: &[u8]) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let after = file.file.take().map(|content| self.near.kernel.stat(&content));
        let is_same = |after: Stat| after.size == file.stat.size && after.mtime == file.stat.mtime;
        if !after.is_some_and(|after| after.is_ok_and(is_same)) {
            (self.tell)(&Told::Changed { source: &file.source });
        }
        file.value = Some(file.hashing.value());
        file.phase = Phase::Closing;
        file.handle = None;
        if self.wishes.writing == Writing::Durable {
            self.ask(number, &Request::Fsync(handle), Step::Sync)?;
        }
        self.ask(number, &Request::Close(handle), Step::Close)
    }

    /// Notes why a file failed; nothing more is sent of it.
    fn fail(&mut self, number: u64, failure: Failure) {
        self.sending.retain(|other| *other != number);
        self.reading.retain(|other| *other != number);
        if let Some(file) = self.files.get_mut(&number) {
            file.file = None;
            file.failure.get_or_insert(failure);
        }
    }

    fn fail_far(&mut self, number: u64, action: &'static str, answer: &Answer) {
        let name = self.files[&number].shown.clone().into_boxed_path();
        self.fail(number, Failure::Far { action, name, reason: refusal(answer) });
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), Failure> {
        match incoming {
            Incoming::Answer(answer) => {
                let (id, answer) = answer.map_err(|error| Failure::Broken(error.to_string()))?;
                match self.connection.client.answered(id, &answer)? {
                    Tag::File(number, step) => self.answered(number, step, answer),
                    Tag::Make(number) => self.made(number, &answer),
                    Tag::MakeLook(number) => self.found(number, &answer),
                    Tag::Finish(number) => self.finished(number, &answer),
                    Tag::Search(number, step) => self.searched(number, step, answer),
                }
            }
            Incoming::Digest(path, value) => match self.digests.remove(&path) {
                Some(number) => self.compare(number, value),
                None => Ok(()),
            },
            Incoming::DigestsEnded => {
                self.connection.forget_digests();
                let mut numbers: Vec<u64> = self.digests.drain().map(|(_, number)| number).collect();
                numbers.sort_unstable();
                numbers.into_iter().try_for_each(|number| self.open_again(number))
            }
        }
    }

    fn finished(&mut self, number: usize, answer: &Answer) -> Result<(), Failure> {
        if !matches!(answer, Answer::Status(wire::OK, _)) {
            let name = shown(&self.finishing[number].far).into_boxed_path();
            let failure = Failure::Far { action: "preserving attributes for", name, reason: refusal(answer) };
            (self.tell)(&Told::Failed(&failure));
        }
        Ok(())
    }

    fn answered(&mut self, number: u64, step: Step, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.due -= 1;
        let is_ok = matches!(answer, Answer::Status(wire::OK, _));
        match (step, answer) {
            (Step::Look, answer) => self.looked(number, answer)?,
            (Step::Resolve, answer) => self.resolved(number, answer)?,
            (Step::Open, Answer::Handle(handle)) => self.opened(number, handle)?,
            (Step::Open, answer) => {
                file.temporary = None;
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "cannot create regular file", &answer);
            }
            (Step::Owner, Answer::Attrs(attrs)) => self.owned(number, attrs)?,
            (Step::Write | Step::Sync | Step::Close | Step::Own | Step::Rename | Step::Remove, _) if is_ok => {}
            (Step::Write, answer) => {
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "error writing", &answer);
            }
            (Step::Sync, answer) => {
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "cannot fsync", &answer);
            }
            (Step::Close, answer) => {
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "failed to close", &answer);
            }
            (Step::Owner | Step::Own, answer) => self.fail_far(number, "failed to preserve ownership for", &answer),
            (Step::OpenAgain, Answer::Handle(handle)) => {
                file.back = Some(Reading::new(handle, file.size, file.hashing.renewed()));
                self.reading.push_back(number);
            }
            (Step::OpenAgain, answer) => self.unverified(number, refusal(&answer)),
            (Step::Read(asked), answer) => self.was_read(number, asked, answer)?,
            (Step::Attributes, _) if is_ok => {}
            (Step::Attributes, answer) => {
                let (name, reason) = (file.shown.clone().into_boxed_path(), refusal(&answer));
                file.complaint = Some(Failure::Far { action: "preserving attributes for", name, reason });
            }
            (Step::Rename, answer) => {
                let action = if file.old.is_some() && !self.connection.replaces {
                    "server cannot replace a file in one step; cannot replace"
                } else {
                    "cannot create regular file"
                };
                self.fail_far(number, action, &answer);
            }
            (Step::Room, Answer::Extended(body)) => self.note_room(number, &body),
            // Nothing can be done about it.
            (Step::Room | Step::Remove, _) => {}
        }
        self.turn(number)
    }

    fn looked(&mut self, number: u64, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let attrs = match answer {
            Answer::Attrs(attrs) => attrs,
            Answer::Status(wire::NO_SUCH_FILE, _) => return self.create(number),
            answer => {
                self.fail_far(number, "cannot stat", &answer);
                return Ok(());
            }
        };
        match attrs.mode.map(|mode| mode & KIND) {
            Some(0o100_000) => {
                file.old = Some(attrs);
                self.create(number)
            }
            Some(0o120_000) if !file.has_followed => {
                let path = join(&file.dir, &file.name);
                file.has_followed = true;
                self.ask(number, &Request::Realpath(&path), Step::Resolve)
            }
            Some(0o040_000) => {
                let sentence = format!("cannot overwrite directory {} with non-directory", quoted(&file.shown));
                self.fail(number, Failure::Here(Error::Refused(sentence)));
                Ok(())
            }
            Some(_) | None => {
                let sentence = format!("cannot replace {}: it is not a regular file", quoted(&file.shown));
                self.fail(number, Failure::Here(Error::Refused(sentence)));
                Ok(())
            }
        }
    }

    /// Where a link at the target leads: that is the target.
    fn resolved(&mut self, number: u64, answer: Answer) -> Result<(), Failure> {
        let path = match &answer {
            Answer::Names(names) => names.first().map(|entry| entry.name.clone()),
            _ => None,
        };
        match path.filter(|path| path.starts_with(b"/") && !path.contains(&0) && !split(path).1.is_empty()) {
            Some(path) => {
                let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
                let (dir, name) = split(&path);
                (file.dir, file.name) = (dir.to_vec(), name.to_vec());
                self.look(number)
            }
            None => {
                self.fail_far(number, "cannot follow symbolic link", &answer);
                Ok(())
            }
        }
    }

    fn opened(&mut self, number: u64, handle: Vec<u8>) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let has_failed = file.failure.is_some();
        file.handle = Some(handle.clone());
        file.phase = Phase::Sending;
        if has_failed {
            return Ok(());
        }
        if file.old.is_some_and(|old| old.owner.is_some()) {
            self.ask(number, &Request::Fstat(&handle), Step::Owner)?;
        }
        self.sending.push_back(number);
        Ok(())
    }

    /// What takes an old file's place belongs to whom that belongs to.
    fn owned(&mut self, number: u64, attrs: Attrs) -> Result<(), Failure> {
        let file = &self.files[&number];
        let (old, temporary) = (file.old.and_then(|old| old.owner), file.temporary.clone());
        match (old, temporary) {
            (Some(owner), Some(temporary)) if attrs.owner != Some(owner) && file.failure.is_none() => {
                let attrs = Attrs { owner: Some(owner), ..Attrs::default() };
                self.ask(number, &Request::Setstat(&temporary, attrs), Step::Own)
            }
            _ => Ok(()),
        }
    }

    /// Takes a file's next step if nothing of it is due.
    fn turn(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if file.due > 0 {
            return Ok(());
        }
        match file.phase {
            _ if file.failure.is_some() => self.clean(number),
            Phase::Closing => self.verify(number),
            Phase::Naming => {
                self.told(number);
                Ok(())
            }
            Phase::Looking | Phase::Opening | Phase::Sending | Phase::Verifying | Phase::Asking | Phase::Removing => {
                Ok(())
            }
        }
    }

    /// Takes away what a failed file left, and says why it failed.
    fn clean(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let is_asked = matches!(file.phase, Phase::Asking | Phase::Removing);
        if file.may_be_full && !is_asked && self.connection.tells_room {
            file.phase = Phase::Asking;
            let dir = file.dir.clone();
            return self.ask(number, &Request::Statvfs(&dir), Step::Room);
        }
        let open = file.handle.take().or_else(|| file.back.take().map(|back| back.handle));
        match file.temporary.take() {
            Some(temporary) => {
                file.phase = Phase::Removing;
                if let Some(handle) = open {
                    self.ask(number, &Request::Close(&handle), Step::Remove)?;
                }
                self.ask(number, &Request::Remove(&temporary), Step::Remove)
            }
            None => {
                let failure = self.files.remove(&number).and_then(|file| file.failure);
                if let Some(failure) = failure.filter(|failure| !matches!(failure, Failure::Stopped)) {
                    (self.tell)(&Told::Failed(&failure));
                }
                Ok(())
            }
        }
    }

    /// A server says no more than "failure" of a full disk: whether it is full it tells when it is asked.
    fn note_room(&mut self, number: u64, body: &[u8]) {
        // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, f_files, f_ffree, f_favail.
        let numbers = wire::numbers(body);
        let Some([_, _, blocks, _, room, files, _, free]) = numbers.first_chunk() else { return };
        let is_full = (*blocks > 0 && *room == 0) || (*files > 0 && *free == 0);
        if let Some(Failure::Far { reason, .. }) = self.files.get_mut(&number).and_then(|file| file.failure.as_mut()) {
            if is_full {
                *reason = "No space left on device".to_owned();
            }
        }
    }

    // ---- verification ----

    fn verify(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let Some(temporary) = file.temporary.clone() else { return Ok(()) };
        file.proof = self.connection.proof_of(&temporary);
        file.phase = Phase::Verifying;
        match file.proof {
            Proof::Nothing => self.name(number),
            Proof::Digest(_) if self.connection.submit(&temporary) => {
                self.digests.insert(temporary, number);
                Ok(())
            }
            Proof::Digest(_) | Proof::ReadBack => self.open_again(number),
        }
    }

    fn open_again(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.proof = Proof::ReadBack;
        let Some(temporary) = file.temporary.clone() else { return Ok(()) };
        self.ask(number, &Request::Open(&temporary, Access::Read, Attrs::default()), Step::OpenAgain)
    }

    fn read_back(&mut self, number: u64) -> Result<(), Failure> {
        let length = self.connection.client.lengths.read;
        let back = self.files.get_mut(&number).and_then(|file| file.back.as_mut());
        let asked = back.and_then(|back| back.next(length).map(|asked| (back.handle.clone(), asked)));
        match asked {
            Some((handle, (offset, length))) => {
                self.ask(number, &Request::Read(&handle, offset, length), Step::Read((offset, length)))
            }
            None => {
                self.reading.pop_front();
                Ok(())
            }
        }
    }

    fn was_read(&mut self, number: u64, asked: Asked, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let Some(back) = &mut file.back else { return Ok(()) };
        match back.take(asked, answer) {
            Ok(out) => self.pace.keep(out.iter().map(|bytes| bytes.len() as u64).sum()),
            Err(ReadFault::Changed) => {
                let name = file.shown.clone().into_boxed_path();
                self.fail(number, Failure::Differs { name });
                return Ok(());
            }
            Err(ReadFault::Nonsense) => return Err(Failure::Broken("an answer that cannot be".to_owned())),
            Err(ReadFault::Refused(code, words)) => {
                self.unverified(number, refusal(&Answer::Status(code, words)));
                return Ok(());
            }
        }
        if file.failure.is_some() {
            return Ok(());
        }
        if back.is_done() {
            let (value, handle) = (back.hashing.value(), back.handle.clone());
            file.back = None;
            self.reading.retain(|other| *other != number);
            self.ask(number, &Request::Close(&handle), Step::Remove)?;
            return self.compare(number, value);
        }
        if !self.reading.contains(&number) {
            self.reading.push_back(number);
        }
        Ok(())
    }

    fn unverified(&mut self, number: u64, reason: String) {
        let name = self.files[&number].shown.clone().into_boxed_path();
        self.fail(number, Failure::Unverified { name, reason });
    }

    fn compare(&mut self, number: u64, value: Value) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if file.failure.is_some() {
            return self.turn(number);
        }
        if file.value == Some(value) {
            return self.name(number);
        }
        let name = file.shown.clone().into_boxed_path();
        self.fail(number, Failure::Differs { name });
        self.turn(number)
    }

    /// Sets the attributes and gives the name.
    fn name(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.phase = Phase::Naming;
        let Some(temporary) = file.temporary.clone() else { return Ok(()) };
        let path = join(&file.dir, &file.name);
        let mode = match (self.wishes.attributes, file.old) {
            (Attributes::Kept, _) => Some(file.stat.mode),
            (Attributes::Fresh, Some(old)) => old.mode.map(|mode| mode & 0o7777),
            (Attributes::Fresh, None) if file.stat.mode & 0o400 == 0 => Some(file.stat.mode & 0o700),
            (Attributes::Fresh, None) => None,
        };
        let times = (self.wishes.attributes == Attributes::Kept).then(|| times(&file.stat));
        if mode.is_some() || times.is_some() {
            let attrs = Attrs { mode, times, ..Attrs::default() };
            self.ask(number, &Request::Setstat(&temporary, attrs), Step::Attributes)?;
        }
        let request = if self.connection.replaces {
            Request::PosixRename(&temporary, &path)
        } else {
            Request::Rename(&temporary, &path)
        };
        self.ask(number, &request, Step::Rename)
    }

    fn told(&mut self, number: u64) {
        let Some(file) = self.files.remove(&number) else { return };
        let (source, target) = (&file.source, &file.shown);
        (self.tell)(&Told::Copied { source, target, size: file.size, proof: file.proof });
        if let Some(complaint) = &file.complaint {
            (self.tell)(&Told::Failed(complaint));
        }
    }
}

/// What SFTP version 3 can say of a file's times.
fn times(stat: &Stat) -> (u32, u32) {
    let seconds = |seconds: i64| u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
    (seconds(stat.atime.seconds), seconds(stat.mtime.seconds))
}

/// Whether that is all that the server says.
fn is_failure(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(4, _))
}
