//! Files of the far end to this machine.
//!
//! Many files are on their way at once, each through the same steps: it is opened and looked at, read, and read back here; the far
//! end makes a digest of it, or it is read once more; and only then it gets its name. Names that the server sends are single names
//! in directories whose handles are open: nothing is written elsewhere, whatever it says.

use super::connection::{Connection, Opened};
use super::far_path::{is_single, join, shown, split, trimmed};
use super::glob;
use super::hashing::Value;
use super::incoming::Incoming;
use super::landing::{Ground, Landing, Unnamed, open_directory, timestamp};
use super::local_directory::{Last, LocalDirectory};
use super::pace::Pace;
use super::reading::{Asked, ReadFault, Reading};
use super::status::refusal;
use super::types::{Attributes, Failure, Near, Proof, Reach, Told, Tree, Wishes};
use super::wire::{self, Access, Answer, Attrs, Entry, Request};
use crate::copy::stale_temporary::TemporaryNames;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::quote::quoted;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Files that are being read, at most. Each has a handle here and one there.
const FILES_MAX: usize = 128;

/// Files that wait for their digests, each with a handle here; more than one program at the far end gets at once.
const VERIFIED_LATE_MAX: usize = 400;

/// The digest of a file that is larger is asked for while the file comes.
const DIGEST_EARLY: u64 = 1 << 20;

/// Directories whose names have not all come, at most.
const LEVELS_MAX: usize = 256;

/// How deep a tree may be: links of the far end may lead in circles.
const DEPTH_MAX: usize = 256;

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;

/// Copies far files and directories into a local directory, or one to a local name. Patterns in the last names of sources mean what they match.
///
/// On success every file that was told [`Told::Copied`] was verified as that says and has its name. Of any other the target has
/// what it had.
pub fn pull<K: Kernel>(
    near: &Near<'_, K>,
    reach: &dyn Reach,
    sources: &[PathBuf],
    target: &Path,
    wishes: &Wishes,
    tell: &mut dyn FnMut(&Told<'_>),
) -> Result<(), Failure> {
    let mut opened = Opened::new(reach, wishes)?;
    tell(&Told::Verifying(opened.proof()));
    let mut operands = Vec::new();
    for source in sources {
        let found = glob::matches(&mut opened.server, source.as_os_str().as_bytes())?;
        if found.is_empty() {
            let reason = crate::error::reason(Errno::NOENT);
            tell(&Told::Failed(&Failure::Far { action: "cannot stat", name: source.as_path().into(), reason }));
        }
        for path in found {
            let absolute = opened.absolute(&path)?;
            operands.push(Operand { typed: path, absolute });
        }
    }
    let place = Place::find(near.kernel, target, operands.len(), wishes.tree)?;
    let files_max = FILES_MAX.min(opened.server.lengths().handles / 4).max(1);
    let ground = Ground { kernel: near.kernel, names: TemporaryNames::default(), wishes, lacks_links: false };
    let mut pull = Pull {
        near,
        wishes,
        tell,
        connection: opened.begin(),
        ground,
        operands: operands.into_iter(),
        given: BTreeSet::new(),
        place,
        files_max,
        levels: Vec::new(),
        looking: HashMap::new(),
        files: HashMap::new(),
        next_number: 0,
        reading: VecDeque::new(),
        digests: HashMap::new(),
        waiting: BTreeSet::new(),
        is_over: false,
        has_ended_digests: false,
        pace: Pace::new(wishes.speed_max),
    };
    let done = pull.run();
    if done.is_ok() {
        pull.connection.client.end();
        return done;
    }
    // What is here of files goes; the far end has nothing of ours but open handles.
    for file in pull.files.values_mut() {
        pull.ground.discard(&mut file.landing);
    }
    done
}

/// A far source.
struct Operand {
    typed: Vec<u8>,
    absolute: Vec<u8>,
}

/// Where operands go.
struct Place<F> {
    dir: Rc<LocalDirectory<F>>,
    /// The one name; else each operand has its own.
    name: Option<PathBuf>,
}

impl<F> Place<F> {
    fn find<K: Kernel<File = F>>(kernel: &K, target: &Path, count: usize, tree: Tree) -> Result<Self, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let open = |path: &Path| kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty());
        let top = |file, shown: &Path| {
            Rc::new(LocalDirectory { file, shown: shown.to_owned(), above: None, last: None, depth: 0 })
        };
        let errno = match open(target) {
            Ok(file) => return Ok(Self { dir: top(file, target), name: None }),
            Err(errno) => errno,
        };
        let typed = target.as_os_str().as_bytes();
        if count > 1 || typed.is_empty() || typed.ends_with(b"/") && tree == Tree::Refused {
            return Err(Failure::Here(Error::call(Action::TargetDirectory, target, errno)));
        }
        let (dir, name) = split(trimmed(typed));
        let dir = Path::new(OsStr::from_bytes(dir));
        let file = open(dir).map_err(|errno| Failure::Here(Error::call(Action::CreateFile, target, errno)))?;
        let shown = if dir == Path::new(".") { Path::new("") } else { dir };
        Ok(Self { dir: top(file, shown), name: Some(shown_name(name)) })
    }
}

/// Whether a far path is the other one, or lies in it.
fn is_within(path: &[u8], other: &[u8]) -> bool {
    path.strip_prefix(trimmed(other)).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || other == b"/")
}

fn shown_name(name: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(name))
}

/// What a request was for.
#[derive(Clone, Copy, Debug)]
enum Tag {
    /// A look at a name of which it is not known what it is.
    Look(u64),
    /// Where a link to a directory with these attributes leads.
    Resolve(u64, Attrs),
    /// The directory of this number.
    Open(u64),
    List(u64),
    File(u64, Step),
    /// Of this nothing hangs on the answer.
    Rest,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Open,
    Look,
    Read(Asked),
    OpenAgain,
}

/// A far name, and where it goes.
struct Found<F> {
    source: PathBuf,
    path: Vec<u8>,
    dir: Rc<LocalDirectory<F>>,
    /// `None`: the content goes into the directory itself.
    name: Option<PathBuf>,
    /// The far path that it was found in, with no link in it; `None` for an operand.
    above: Option<Vec<u8>>,
}

/// A far directory whose names are coming.
struct Level<F> {
    number: u64,
    source: PathBuf,
    path: Vec<u8>,
    local: Rc<LocalDirectory<F>>,
    handle: Option<Vec<u8>>,
    names: VecDeque<Entry>,
    is_asked: bool,
    is_over: bool,
}

/// A far file on its way.
struct Received<F> {
    source: PathBuf,
    path: Vec<u8>,
    landing: Landing<F>,
    attrs: Attrs,
    handle: Option<Vec<u8>>,
    reading: Option<Reading>,
    /// Of what came.
    value: Option<Value>,
    /// What a program there has said before everything came.
    told: Option<Value>,
    size: u64,
    proof: Proof,
    due: usize,
    failure: Option<Failure>,
}

struct Pull<'a, K: Kernel> {
    near: &'a Near<'a, K>,
    wishes: &'a Wishes,
    tell: &'a mut dyn FnMut(&Told<'_>),
    connection: Connection<Tag>,
    ground: Ground<'a, K>,
    operands: std::vec::IntoIter<Operand>,
    /// Names that operands have.
    given: BTreeSet<PathBuf>,
    place: Place<K::File>,
    files_max: usize,
    levels: Vec<Level<K::File>>,
    looking: HashMap<u64, Found<K::File>>,
    files: HashMap<u64, Received<K::File>>,
    next_number: u64,
    /// Files that have bytes to be asked for.
    reading: VecDeque<u64>,
    digests: HashMap<Vec<u8>, u64>,
    /// Files of which all came, and which wait for their digests alone.
    waiting: BTreeSet<u64>,
    is_over: bool,
    has_ended_digests: bool,
    pace: Pace,
}

impl<K: Kernel> Pull<'_, K> {
    fn run(&mut self) -> Result<(), Failure> {
        loop {
            while let Some(incoming) = self.connection.came() {
                self.take(incoming)?;
            }
            if self.near.is_stopped() {
                return Err(Failure::Stopped);
            }
            if self.connection.client.has_room() && self.advance()? {
                continue;
            }
            if self.is_over && self.files.is_empty() && self.connection.client.is_idle() {
                return Ok(());
            }
            if let Some(incoming) = self.connection.wait()? {
                self.take(incoming)?;
            }
        }
    }

    /// Asks for something, or begins something. False if there is nothing to do before something comes in.
    fn advance(&mut self) -> Result<bool, Failure> {
        if let Some(number) = self.reading.front().copied() {
            return self.read(number).map(|()| true);
        }
        let active = self.files.len() - self.waiting.len();
        let has_room = active + self.looking.len() < self.files_max && self.waiting.len() < VERIFIED_LATE_MAX;
        if has_room && self.begin_next()? {
            return Ok(true);
        }
        let is_over = self.operands.len() == 0 && self.levels.is_empty() && self.looking.is_empty();
        self.is_over = is_over;
        // The far program makes the digests of the last names when it knows that they are the last.
        let are_all_asked_for = self.files.len() == self.digests.len();
        if is_over && !self.has_ended_digests && are_all_asked_for {
            self.has_ended_digests = true;
            self.connection.end_digests();
        }
        Ok(false)
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn failed(&mut self, failure: Failure) {
        (self.tell)(&Told::Failed(&failure));
    }

    fn failed_here(&mut self, error: Error) {
        self.failed(Failure::Here(error));
    }

    // ---- names ----

    /// Begins with the next name that there is; the deepest first, so that few directories are open.
    fn begin_next(&mut self) -> Result<bool, Failure> {
        for at in (0..self.levels.len()).rev() {
            let level = &mut self.levels[at];
            if let Some(entry) = level.names.pop_front() {
                let dir = Rc::clone(&level.local);
                let (source, path) =
                    (level.source.join(OsStr::from_bytes(&entry.name)), join(&level.path, &entry.name));
                let (name, above) = (Some(shown_name(&entry.name)), Some(level.path.clone()));
                let found = Found { source, path, dir, name, above };
                return self.begin(found, entry.attrs).map(|()| true);
            }
            if level.is_over {
                let level = self.levels.remove(at);
                self.close(level)?;
                return Ok(true);
            }
            if let (false, Some(handle)) = (level.is_asked, &level.handle) {
                level.is_asked = true;
                self.connection.client.ask(&Request::Readdir(handle), Tag::List(level.number))?;
                return Ok(true);
            }
        }
        let Some(operand) = (if self.levels.is_empty() { self.operands.next() } else { None }) else {
            return Ok(false);
        };
        let own = split(trimmed(&operand.typed)).1.to_vec();
        let name = self.place.name.clone().or_else(|| is_single(&own).then(|| shown_name(&own)));
        let (source, dir) = (shown(&operand.typed), Rc::clone(&self.place.dir));
        if let Some(name) = name.as_ref().filter(|name| !self.given.insert(name.to_path_buf())) {
            self.failed_here(Error::just_created(&dir.shown.join(name), &source));
            return Ok(true);
        }
        self.look(Found { source, path: operand.absolute, dir, name, above: None })?;
        Ok(true)
    }

    fn close(&mut self, level: Level<K::File>) -> Result<(), Failure> {
        if let Some(handle) = &level.handle {
            self.connection.client.ask(&Request::Close(handle), Tag::Rest)?;
        }
        self.release(level.local);
        Ok(())
    }

    /// Lets go of a directory; the last one who does finishes it.
    fn release(&mut self, directory: Rc<LocalDirectory<K::File>>) {
        let mut next = Some(directory);
        while let Some(directory) = next.take().and_then(Rc::into_inner) {
            if let Some(last) = directory.last {
                let shown = &directory.shown;
                let mode = last.mode.map_or(Ok(()), |mode| self.near.kernel.chmod(&directory.file, mode));
                let mode = mode.map_err(|errno| Error::call(Action::PreserveMode, shown, errno));
                let times = last.times.map_or(Ok(()), |(atime, mtime)| {
                    self.near.kernel.set_times(&directory.file, timestamp(atime), timestamp(mtime))
                });
                let times = times.map_err(|errno| Error::call(Action::PreserveTimes, shown, errno));
                if let Err(error) = mode.and(times) {
                    self.failed_here(error);
                }
            }
            next = directory.above;
        }
    }

    fn look(&mut self, found: Found<K::File>) -> Result<(), Failure> {
        let number = self.number();
        self.connection.client.ask(&Request::Stat(&found.path), Tag::Look(number))?;
        self.looking.insert(number, found);
        Ok(())
    }

    /// Begins with a name of which the server has said what it is.
    fn begin(&mut self, found: Found<K::File>, attrs: Attrs) -> Result<(), Failure> {
        match attrs.mode.map(|mode| mode & KIND) {
            Some(DIRECTORY) => self.begin_directory(found, attrs),
            Some(FILE) => self.begin_file(found),
            // A link, which is followed; or a server that does not say.
            Some(0o120_000) | None => self.look(found),
            Some(_) => {
                let sentence = format!("{}: not a regular file", quoted(&found.source));
                self.failed_here(Error::Refused(sentence));
                self.release(found.dir);
                Ok(())
            }
        }
    }

    fn looked(&mut self, number: u64, answer: &Answer) -> Result<(), Failure> {
        let Some(found) = self.looking.remove(&number) else { return Ok(()) };
        match answer {
            Answer::Attrs(attrs) if matches!(attrs.mode.map(|mode| mode & KIND), Some(0o120_000) | None) => {
                let sentence = format!("{}: not a regular file", quoted(&found.source));
                self.failed_here(Error::Refused(sentence));
            }
            // It was a link: what it leads to may be what it was found in.
            Answer::Attrs(attrs)
                if found.above.is_some() && attrs.mode.is_some_and(|mode| mode & KIND == DIRECTORY) =>
            {
                self.connection.client.ask(&Request::Realpath(&found.path), Tag::Resolve(number, *attrs))?;
                self.looking.insert(number, found);
                return Ok(());
            }
            Answer::Attrs(attrs) => return self.begin(found, *attrs),
            answer => {
                let (name, reason) = (found.source.as_path().into(), refusal(answer));
                self.failed(Failure::Far { action: "cannot stat", name, reason });
            }
        }
        self.release(found.dir);
        Ok(())
    }

    fn resolved(&mut self, number: u64, attrs: Attrs, answer: &Answer) -> Result<(), Failure> {
        let Some(found) = self.looking.remove(&number) else { return Ok(()) };
        let path = match answer {
            Answer::Names(names) => names.first().map(|entry| entry.name.clone()),
            _ => None,
        };
        match path.filter(|path| path.starts_with(b"/") && !path.contains(&0)) {
            Some(path) if found.above.as_ref().is_some_and(|above| is_within(above, &path)) => {
                self.failed_here(Error::call(Action::Access, &found.source, Errno::LOOP));
            }
            Some(path) => return self.begin_directory(Found { path, ..found }, attrs),
            None => {
                let (name, reason) = (found.source.as_path().into(), refusal(answer));
                self.failed(Failure::Far { action: "cannot follow symbolic link", name, reason });
            }
        }
        self.release(found.dir);
        Ok(())
    }

    fn begin_directory(&mut self, found: Found<K::File>, attrs: Attrs) -> Result<(), Failure> {
        if self.wishes.tree == Tree::Refused {
            let source = quoted(&found.source);
            self.failed_here(Error::Refused(format!("-r not specified; omitting directory {source}")));
            self.release(found.dir);
            return Ok(());
        }
        if found.dir.depth == DEPTH_MAX || self.levels.len() == LEVELS_MAX {
            self.failed_here(Error::call(Action::Access, &found.source, Errno::LOOP));
            self.release(found.dir);
            return Ok(());
        }
        let local = match found.name {
            None => found.dir,
            Some(name) => match self.make_directory(&found.dir, &name, attrs) {
                Ok(local) => Rc::new(LocalDirectory { above: Some(found.dir), ..local }),
                Err(error) => {
                    self.failed_here(error);
                    self.release(found.dir);
                    return Ok(());
                }
            },
        };
        let number = self.number();
        self.connection.client.ask(&Request::Opendir(&found.path), Tag::Open(number))?;
        let (source, path, names) = (found.source, found.path, VecDeque::new());
        self.levels.push(Level { number, source, path, local, handle: None, names, is_asked: true, is_over: false });
        Ok(())
    }

    fn make_directory(
        &mut self,
        above: &LocalDirectory<K::File>,
        name: &Path,
        attrs: Attrs,
    ) -> Result<LocalDirectory<K::File>, Error> {
        let kernel = self.near.kernel;
        let shown = above.shown.join(name);
        let made = match kernel.mkdir(&above.file, name, Mode::from_raw_mode(0o700)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(Error::call(Action::CreateDirectory, &shown, errno)),
        };
        let file = open_directory(kernel, &above.file, name).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => {
                Error::Refused(format!("cannot overwrite non-directory {} with directory", quoted(&shown)))
            }
            errno => Error::call(Action::CreateDirectory, &shown, errno),
        })?;
        let kept = self.wishes.attributes == Attributes::Kept;
        let mode = match attrs.mode {
            Some(mode) if kept => Some(mode & 0o7777),
            mode if made => Some(mode.unwrap_or(0o777) & 0o777 & !self.wishes.umask),
            _ => None,
        };
        if made {
            (self.tell)(&Told::Made { target: &shown });
        }
        let last = Some(Last { mode, times: attrs.times.filter(|_| kept) });
        Ok(LocalDirectory { file, shown, above: None, last, depth: above.depth + 1 })
    }

    fn level(&mut self, number: u64) -> Option<&mut Level<K::File>> {
        self.levels.iter_mut().find(|level| level.number == number)
    }

    fn opened_directory(&mut self, number: u64, answer: Answer) {
        let Some(level) = self.level(number) else { return };
        level.is_asked = false;
        if let Answer::Handle(handle) = answer {
            level.handle = Some(handle);
            return;
        }
        level.is_over = true;
        let (name, reason) = (level.source.as_path().into(), refusal(&answer));
        self.failed(Failure::Far { action: "cannot access", name, reason });
    }

    fn listed(&mut self, number: u64, answer: Answer) {
        let Some(level) = self.level(number) else { return };
        level.is_asked = false;
        let source = level.source.clone();
        match answer {
            Answer::Names(names) if !names.is_empty() => {
                let is_other =
                    |entry: &&Entry| !matches!(entry.name.as_slice(), b"." | b"..") && !is_single(&entry.name);
                let bad = names.iter().filter(is_other).count();
                level.names.extend(names.into_iter().filter(|entry| is_single(&entry.name)));
                if bad > 0 {
                    let sentence = format!("the far end lists {bad} names in {} that are none", quoted(&source));
                    self.failed_here(Error::Refused(sentence));
                }
            }
            Answer::Status(wire::EOF, _) => level.is_over = true,
            answer => {
                level.is_over = true;
                let reason = refusal(&answer);
                self.failed(Failure::Far { action: "cannot access", name: source.into(), reason });
            }
        }
    }

    // ---- files ----

    fn begin_file(&mut self, found: Found<K::File>) -> Result<(), Failure> {
        let Found { source, path, dir, name, above: _ } = found;
        let Some(name) = name else {
            self.failed_here(Error::Refused(format!("{}: not a directory", quoted(&source))));
            self.release(dir);
            return Ok(());
        };
        let shown = dir.shown.join(&name);
        let landed = self.ground.land(&dir, &name, shown);
        self.release(dir);
        match landed {
            Ok(landing) => {
                let number = self.number();
                let file = Received {
                    source,
                    path,
                    landing,
                    attrs: Attrs::default(),
                    handle: None,
                    reading: None,
                    value: None,
                    told: None,
                    size: 0,
                    proof: Proof::Nothing,
                    due: 0,
                    failure: None,
                };
                self.files.insert(number, file);
                self.open(number, Step::Open)
            }
            Err(error) => {
                self.failed_here(error);
                Ok(())
            }
        }
    }

    fn ask(&mut self, number: u64, request: &Request<'_>, step: Step) -> Result<(), Failure> {
        if let Some(file) = self.files.get_mut(&number) {
            file.due += 1;
        }
        self.connection.client.ask(request, Tag::File(number, step))
    }

    fn open(&mut self, number: u64, step: Step) -> Result<(), Failure> {
        let path = self.files[&number].path.clone();
        self.ask(number, &Request::Open(&path, Access::Read, Attrs::default()), step)
    }

    fn take(&mut self, incoming: Incoming) -> Result<(), Failure> {
        match incoming {
            Incoming::Answer(answer) => {
                let (id, answer) = answer.map_err(|error| Failure::Broken(error.to_string()))?;
                match self.connection.client.answered(id, &answer)? {
                    Tag::Look(number) => self.looked(number, &answer),
                    Tag::Resolve(number, attrs) => self.resolved(number, attrs, &answer),
                    Tag::Open(number) => {
                        self.opened_directory(number, answer);
                        Ok(())
                    }
                    Tag::List(number) => {
                        self.listed(number, answer);
                        Ok(())
                    }
                    Tag::File(number, step) => self.answered(number, step, answer),
                    Tag::Rest => Ok(()),
                }
            }
            Incoming::Digest(path, value) => {
                let Some(number) = self.digests.remove(&path) else { return Ok(()) };
                match self.files.get_mut(&number) {
                    Some(file) if file.value.is_none() => {
                        file.told = Some(value);
                        Ok(())
                    }
                    Some(_) | None => {
                        self.waiting.remove(&number);
                        self.compare(number, value)
                    }
                }
            }
            Incoming::DigestsEnded => {
                self.connection.forget_digests();
                self.waiting.clear();
                let mut numbers: Vec<u64> = self.digests.drain().map(|(_, number)| number).collect();
                // What is still on its way is seen to when it has come.
                numbers.retain(|number| self.files.get(number).is_some_and(|file| file.value.is_some()));
                numbers.sort_unstable();
                numbers.into_iter().try_for_each(|number| self.open_again(number))
            }
        }
    }

    fn answered(&mut self, number: u64, step: Step, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.due -= 1;
        match (step, answer) {
            (Step::Open, Answer::Handle(handle)) => {
                file.handle = Some(handle.clone());
                self.ask(number, &Request::Fstat(&handle), Step::Look)?;
            }
            (Step::Look, Answer::Attrs(attrs)) if attrs.mode.is_none_or(|mode| mode & KIND == FILE) => {
                file.attrs = attrs;
                let handle = file.handle.clone().unwrap_or_default();
                let hashing = self.connection.hashing();
                let size = attrs.size.unwrap_or(0);
                file.reading = Some(Reading::new(handle, size, hashing));
                self.reading.push_back(number);
                if size >= DIGEST_EARLY {
                    self.ask_early(number);
                }
            }
            (Step::Look, Answer::Attrs(_)) => {
                let sentence = format!("{}: not a regular file", quoted(&file.source));
                self.fail(number, Failure::Here(Error::Refused(sentence)));
            }
            (Step::OpenAgain, Answer::Handle(handle)) => {
                file.handle = Some(handle);
                self.read_again(number);
            }
            (Step::Read(asked), answer) => self.was_read(number, asked, answer)?,
            (Step::Open | Step::OpenAgain, answer) => self.fail_far(number, "cannot open", &answer),
            (Step::Look, answer) => self.fail_far(number, "cannot stat", &answer),
        }
        self.turn(number)
    }

    fn fail(&mut self, number: u64, failure: Failure) {
        self.reading.retain(|other| *other != number);
        if let Some(file) = self.files.get_mut(&number) {
            file.failure.get_or_insert(failure);
        }
    }

    fn fail_far(&mut self, number: u64, action: &'static str, answer: &Answer) {
        let name = self.files[&number].source.as_path().into();
        self.fail(number, Failure::Far { action, name, reason: refusal(answer) });
    }

    fn read(&mut self, number: u64) -> Result<(), Failure> {
        let length = self.connection.client.lengths.read;
        let reading = self.files.get_mut(&number).and_then(|file| file.reading.as_mut());
        let asked = reading.and_then(|reading| reading.next(length).map(|asked| (reading.handle.clone(), asked)));
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
        let Some(reading) = &mut file.reading else { return Ok(()) };
        let mut offset = reading.taken;
        let out = match reading.take(asked, answer) {
            Ok(out) => out,
            Err(ReadFault::Nonsense) => return Err(Failure::Broken("an answer that cannot be".to_owned())),
            Err(ReadFault::Changed) => {
                let sentence = format!("{} changed while it was read", quoted(&file.source));
                self.fail(number, Failure::Here(Error::Refused(sentence)));
                return Ok(());
            }
            Err(ReadFault::Refused(code, words)) => {
                self.fail_far(number, "error reading", &Answer::Status(code, words));
                return Ok(());
            }
        };
        if file.failure.is_some() {
            return Ok(());
        }
        let is_first = file.value.is_none();
        for bytes in out {
            let count = bytes.len() as u64;
            if is_first {
                if let Err(error) = self.ground.write(&file.landing, &bytes, offset) {
                    self.fail(number, Failure::Here(error));
                    return Ok(());
                }
                (self.tell)(&Told::Moved(count));
            }
            self.pace.keep(count);
            offset += count;
        }
        if !reading.is_done() {
            if !self.reading.contains(&number) {
                self.reading.push_back(number);
            }
            return Ok(());
        }
        self.reading.retain(|other| *other != number);
        let (value, size) = (reading.hashing.value(), reading.taken);
        if is_first { self.received(number, value, size) } else { self.compare(number, value) }
    }

    /// All of a file came: it is read back here, and there.
    fn received(&mut self, number: u64, value: Value, size: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        (file.value, file.size) = (Some(value), size);
        file.proof = self.connection.proof_of(&file.path);
        if file.proof == Proof::Nothing {
            return self.name(number);
        }
        match self.ground.read_back(&file.landing, self.connection.hashing()) {
            Ok(hashing) if hashing.value() == value => {}
            Ok(_) => {
                let name = file.landing.shown.as_path().into();
                self.fail(number, Failure::Differs { name });
                return Ok(());
            }
            Err(error) => {
                self.fail(number, Failure::Here(error));
                return Ok(());
            }
        }
        if let Some(told) = file.told {
            return self.compare(number, told);
        }
        let is_asked = self.digests.get(&file.path) == Some(&number);
        if matches!(file.proof, Proof::Digest(_)) && (is_asked || self.connection.submit(&file.path)) {
            // Two sources may be one file.
            if is_asked || !self.digests.contains_key(&file.path) {
                self.digests.insert(file.path.clone(), number);
                self.waiting.insert(number);
                if let Some(handle) = file.handle.take() {
                    self.connection.client.ask(&Request::Close(&handle), Tag::Rest)?;
                }
                return Ok(());
            }
        }
        self.read_again(number);
        Ok(())
    }

    /// The digest of a large file is asked for while the file comes: both readings take as long as one.
    fn ask_early(&mut self, number: u64) {
        let Some(file) = self.files.get(&number) else { return };
        let is_told = matches!(self.connection.proof_of(&file.path), Proof::Digest(_));
        if is_told && !self.digests.contains_key(&file.path) && self.connection.submit(&file.path) {
            self.digests.insert(file.path.clone(), number);
        }
    }

    /// A file of which no digest came is read once more.
    fn open_again(&mut self, number: u64) -> Result<(), Failure> {
        self.open(number, Step::OpenAgain)
    }

    fn read_again(&mut self, number: u64) {
        let hashing = self.connection.hashing();
        let Some(file) = self.files.get_mut(&number) else { return };
        file.proof = Proof::ReadBack;
        // What was taken with another program's algorithm stays comparable.
        let hashing = file.reading.as_ref().map_or(hashing, |first| first.hashing.renewed());
        let handle = file.handle.clone().unwrap_or_default();
        file.reading = Some(Reading::new(handle, file.size, hashing));
        if file.failure.is_none() {
            self.reading.push_back(number);
        }
    }

    fn compare(&mut self, number: u64, value: Value) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if file.failure.is_none() && file.value == Some(value) {
            return self.name(number);
        }
        let name = file.landing.shown.as_path().into();
        self.fail(number, Failure::Differs { name });
        self.turn(number)
    }

    fn name(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        match self.ground.name(&mut file.landing, file.attrs) {
            Ok(complaint) => {
                let (source, target) = (&file.source, &file.landing.shown);
                (self.tell)(&Told::Copied { source, target, size: file.size, proof: file.proof });
                if let Some(error) = complaint {
                    self.failed_here(error);
                }
                self.done(number)
            }
            Err(Unnamed::Failed(error)) => {
                self.fail(number, Failure::Here(error));
                self.turn(number)
            }
            Err(Unnamed::Again) => {
                self.ground.lacks_links = true;
                let Some(file) = self.files.remove(&number) else { return Ok(()) };
                self.forget(number, &file);
                self.again(file)
            }
        }
    }

    /// Whatever digest comes of it is nobody's any more.
    fn forget(&mut self, number: u64, file: &Received<K::File>) {
        if self.digests.get(&file.path) == Some(&number) {
            self.digests.remove(&file.path);
            self.waiting.remove(&number);
        }
    }

    /// Once more, with a temporary that has a name.
    fn again(&mut self, file: Received<K::File>) -> Result<(), Failure> {
        if let Some(handle) = &file.handle {
            self.connection.client.ask(&Request::Close(handle), Tag::Rest)?;
        }
        let Received { source, path, landing, .. } = file;
        let name = landing.shown.file_name().map(PathBuf::from);
        self.begin_file(Found { source, path, dir: landing.dir, name, above: None })
    }

    /// A failed file goes when nothing of it is due.
    fn turn(&mut self, number: u64) -> Result<(), Failure> {
        let is_failed = self.files.get(&number).is_some_and(|file| file.due == 0 && file.failure.is_some());
        if is_failed { self.done(number) } else { Ok(()) }
    }

    fn done(&mut self, number: u64) -> Result<(), Failure> {
        self.reading.retain(|other| *other != number);
        let Some(mut file) = self.files.remove(&number) else { return Ok(()) };
        self.forget(number, &file);
        self.ground.discard(&mut file.landing);
        if let Some(handle) = &file.handle {
            self.connection.client.ask(&Request::Close(handle), Tag::Rest)?;
        }
        if let Some(failure) = file.failure {
            self.failed(failure);
        }
        self.release(file.landing.dir);
        Ok(())
    }
}
