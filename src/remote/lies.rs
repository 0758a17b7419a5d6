//! Lies of a peer by chance: what it says is right but for a few frames that were left out, doubled, exchanged or changed, or it ends
//! anywhere. Nothing panics, nothing outside the target is touched, and no success is false. SAFECP_LIES says how many are told to each
//! side, SAFECP_CUTS how often each is cut, SAFECP_SEED from where.

use super::awaited::Awaited;
use super::connection::{Features, GREETING, Input, Output, send, streams};
use super::frame::{self, Frame};
use super::kernel::World;
use super::message::{CHUNK, Chunk, Content, End, Entry, FileHead, Message, Missed, Steadiness, Verdict};
use super::receiver::Receiver;
use super::receiver_event::{Arrival, Became, Holes, ReceiverEvent, Seal, ToldName, Weight};
use super::sender::Sender;
use super::terms::{Carried, Depth, Start, Tell, Terms};
use crate::copy::{Copied, Outcome, Placement, Sealed, Verified};
use crate::host;
use crate::kernel::linux::Linux;
use crate::kernel::{Errno, Kind, Stat, Timestamp};
use crate::options::{Record, TargetRule, Verbosity};
use crate::report::{Event, Listener, Report};
use crate::sftp::ListDigests;
use crate::tree::plan::Operands;
use sha2::Digest;
use std::ffi::OsString;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver as Signals, Sender as Signal, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("small")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |number| number.parse().expect("a number"))
}

const SMALL: &[u8] = b"text";

fn large() -> Vec<u8> {
    (0..70_000_u32).flat_map(u32::to_le_bytes).take(70_000).collect()
}

fn entry(id: u64, name: &str, kind: Kind, size: usize, content: Content) -> Message {
    let time = Timestamp { seconds: 1, nanos: 2 };
    let size = size as u64;
    let (dev, ino, nlink, blocks, rdev) = (1, id, 1, size.div_ceil(512), 0);
    let (uid, gid) = (host::user(), host::group());
    let (atime, mtime, ctime) = (time, time, time);
    let stat = Stat { dev, ino, kind, mode: 0o755, nlink, uid, gid, rdev, size, blocks, atime, mtime, ctime };
    let text = (kind == Kind::Symlink).then(|| OsString::from("/etc/passwd"));
    let attributes = vec![(OsString::from("user.a"), vec![1, 2])];
    let attributes = if kind == Kind::File { attributes } else { Vec::new() };
    Message::Entry(Entry {
        id,
        name: OsString::from(name),
        found: Ok(FileHead { stat, text, attributes, refusal: None, content }),
    })
}

fn chunk(id: u64, bytes: &[u8]) -> Chunk {
    Chunk::of(id, 0, bytes.to_vec())
}

/// What is said by one who sends a directory with two files and a link, and tells the digest of one of the files alone.
fn told_by_sender() -> Vec<Message> {
    let digest = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
    let large = large();
    let end = End { id: 2, size: 4, digest: digest(SMALL), steadiness: Steadiness::Same, error: None };
    vec![
        Message::Operands(vec![PathBuf::from("d")]),
        entry(1, "d", Kind::Directory, 0, Content::Nothing),
        entry(2, "f", Kind::File, 4, Content::Follows),
        Message::Data(chunk(2, SMALL)),
        Message::End(end),
        entry(3, "g", Kind::File, large.len(), Content::Told(digest(&large))),
        Message::Patch(chunk(3, &large)),
        entry(4, "l", Kind::Symlink, 11, Content::Nothing),
        Message::Leave(None),
        Message::Finish,
    ]
}

/// What is said by one who receives two files, and needs a chunk again; files are numbered from `first`.
fn told_by_receiver(first: u64) -> Vec<Message> {
    let answer = |id, bytes: &[u8]| Message::Answer { id, digest: Some(*blake3::hash(bytes).as_bytes()) };
    vec![
        Message::Credit { bytes: 100, reached: 1 },
        Message::Again { id: first, number: 0 },
        answer(first, SMALL),
        answer(first + 1, &large()),
        Message::Finished(Verdict::Well),
    ]
}

/// The same by one who tells what became of them as well.
fn told_of_outcomes() -> Vec<Message> {
    let name = |id, path: &str, bytes: &[u8]| {
        let Message::Entry(Entry { found: Ok(found), .. }) = entry(id, path, Kind::File, bytes.len(), Content::Nothing)
        else {
            panic!("a file")
        };
        let digest = Some(*blake3::hash(bytes).as_bytes());
        let seal = Seal { stat: found.stat, text: None, digest, attributes: None, lists: Some([1; 32]) };
        let (size, took, unsynced) = (bytes.len() as u64, Duration::from_nanos(1), None);
        let (verified, placement, holes) = (Verified::Content, Placement::New, Holes::None);
        let became = Became::Copied(Arrival { size, continued: true, verified, placement, holes, unsynced, took });
        let (source, target, path) = (PathBuf::from("s"), PathBuf::from("t").join(path), PathBuf::from(path));
        let complaints = vec!["owner".to_owned()];
        let name = ToldName { id, source, target, path, became, complaints, seal: Some(seal) };
        Message::Told(ReceiverEvent::Name(Box::new(name)))
    };
    let mut told = told_by_receiver(1);
    told.insert(2, name(1, "f", SMALL));
    told.insert(4, name(2, "g", &large()));
    told.insert(1, Message::Told(ReceiverEvent::Directory { source: PathBuf::from("s"), target: PathBuf::from("d") }));
    told.insert(6, Message::Told(ReceiverEvent::Said { weight: Weight::Warned, text: "words".to_owned() }));
    told
}

/// Keeps what is heard of files that were copied, and whether anything failed.
struct Keeping {
    report: Report,
    copied: Mutex<Vec<(PathBuf, Copied, Option<Sealed>)>>,
}

impl Listener for Keeping {
    fn hear(&self, event: &Event<'_>) {
        if let Event::Finished { source, outcome: Outcome::Copied(copied), sealed, .. } = event {
            let kept = (source.to_path_buf(), Copied::clone(copied), sealed.cloned());
            self.copied.lock().expect("nobody panics").push(kept);
        }
        // What could not be kept is a failure of its own, and no lie.
        match event {
            Event::Finished { .. } => {}
            event => self.report.hear(event),
        }
    }
}

/// That the first chunk of a file cannot be read again.
fn missed(id: u64) -> Frame {
    frame_of(&Message::Missed(Missed { id, number: 0, error: Errno::IO }))
}

fn frame_of(said: &Message) -> Frame {
    let (kind, head, body) = said.write();
    Frame { kind, head, body: body.to_vec() }
}

fn frames(said: &[Message]) -> Vec<Frame> {
    said.iter().map(frame_of).collect()
}

fn written(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Frame { kind, head, body } in frames {
        frame::write(&mut bytes, *kind, head, body).expect("a frame");
    }
    bytes
}

/// Names that lead elsewhere, or are none.
const ODD_NAMES: [&str; 8] = ["", ".", "..", "../beside", "a/b", "/etc/passwd", "d", "f\0"];

/// A message that says something else, and is right in itself.
fn said_otherwise(frame: &Frame, chance: &mut Chance) -> Option<Message> {
    match Message::read(frame.clone()).ok()? {
        Message::Data(chunk) => Some(Message::Data(other_chunk(chunk, chance)?)),
        Message::Patch(chunk) => Some(Message::Patch(other_chunk(chunk, chance)?)),
        Message::Entry(entry) => {
            let name = OsString::from(ODD_NAMES[chance.below(ODD_NAMES.len())]);
            Some(Message::Entry(Entry { name, ..entry }))
        }
        Message::Answer { id, .. } => Some(Message::Answer { id, digest: None }),
        // As a further name of what was sent.
        Message::Told(ReceiverEvent::Name(name)) => {
            Some(Message::Told(ReceiverEvent::Name(Box::new(ToldName { id: 0, ..*name }))))
        }
        _ => None,
    }
}

/// A chunk with another byte, and the value that it has with that.
fn other_chunk(Chunk { id, number, mut bytes, .. }: Chunk, chance: &mut Chance) -> Option<Chunk> {
    let place = chance.below(bytes.len());
    *bytes.get_mut(place)? ^= chance.byte() | 1;
    Some(Chunk::of(id, number, bytes))
}

/// One to three lies.
fn lie(frames: &mut Vec<Frame>, chance: &mut Chance) {
    for _ in 0..=chance.below(3) {
        let (at, other) = (chance.below(frames.len()), chance.below(frames.len()));
        if frames.is_empty() {
            return;
        }
        match chance.below(11) {
            0 => drop(frames.remove(at)),
            1 => frames.insert(at, frames[other].clone()),
            2 => frames.swap(at, other),
            3 => frames[at].kind = chance.byte() % 20,
            4 => {
                let length = chance.below(frames[at].head.len());
                frames[at].head.truncate(length);
            }
            5 => frames[at].head.push(chance.byte()),
            8 => frames[at] = missed(2 + chance.next() % 2),
            9 | 10 => {
                if let Some(said) = said_otherwise(&frames[at], chance) {
                    frames[at] = frame_of(&said);
                }
            }
            6 if !frames[at].body.is_empty() => {
                let place = chance.below(frames[at].body.len());
                frames[at].body[place] ^= chance.byte() | 1;
            }
            _ if !frames[at].head.is_empty() => {
                let place = chance.below(frames[at].head.len());
                // Numbers begin with their lowest byte, and the first bytes are numbers.
                let place = if chance.below(2) == 0 { place % 24 % frames[at].head.len() } else { place };
                frames[at].head[place] ^= 1 << chance.below(8);
            }
            _ => {}
        }
    }
}

fn quiet() -> Report {
    Report::new("test", Verbosity::Quiet, Box::new(std::io::sink()), Box::new(std::io::sink()))
}

fn terms() -> Terms {
    let (depth, carried, start) = (Depth::Trees, Carried::Everything, Start::Resumed);
    Terms { depth, carried, start, tell: Tell::Lists, ..Terms::plain() }
}

/// Receives what is told into `to`.
fn received(to: &Path, told: Vec<u8>) -> Verdict {
    let (kernel, host, report) = (Linux::new(), host::this_host(), quiet());
    let stop = Arc::new(AtomicBool::new(false));
    let (report, kept) = (&report, (Record::Kept, true));
    let receiver = Receiver {
        local: &kernel,
        root: None,
        terms: terms(),
        host: &host,
        report,
        listener: report,
        meter: None,
        kept,
        stop,
    };
    let awaited =
        |sent_as: PathBuf| (sent_as == Path::new("d")).then(|| Awaited { shown: PathBuf::from("far:./d"), sent_as });
    let (input, output) = streams(Cursor::new(told), std::io::sink());
    let verdict = receiver.run((input, output, Features::all()), awaited, |sources| Operands {
        sources,
        target: to.to_owned(),
        rule: TargetRule::Directory,
        strips: false,
    });
    if report.is_well() { verdict } else { Verdict::Failed }
}

/// Sends two files to one who says `early` once no more may be on its way, and `late` when everything was sent. Returns what was sent
/// as well.
fn sent_to_one_who_has_enough(from: &Path, early: &[Message], late: &[Message]) -> (Verdict, Vec<u8>) {
    let (kernel, stop, report) = (Linux::new(), AtomicBool::new(false), quiet());
    let (signal, signals) = channel();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let parts = Parts(signals, [late, early].map(|said| Cursor::new(written(&frames(said)))).into());
    let (input, output): (Input, Output) = streams(parts, Kept(Arc::clone(&kept), Flushed(signal)));
    let world = World { local: &kernel, root: None, intake: None, part: Mutex::default() };
    let sender = Sender::new(&world, Terms::plain(), (input, output, Features::all()), &report, &stop);
    let verdict = sender.run(&[from.join("f"), from.join("g")]);
    let sent = kept.lock().expect("nobody panics").clone();
    (if report.is_well() { verdict } else { Verdict::Failed }, sent)
}

/// Says one part after the other, the last one first, each once the other side waits for it.
struct Parts(Signals<()>, Vec<Cursor<Vec<u8>>>);

impl Read for Parts {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(part) = self.1.last_mut() else { return Ok(0) };
        if part.position() == 0 {
            // A sender that has failed before says nothing more.
            self.0.recv().unwrap_or(());
        }
        match part.read(buffer)? {
            0 => {
                self.1.pop();
                self.read(buffer)
            }
            count => Ok(count),
        }
    }
}

/// Keeps what is written.
struct Kept(Arc<Mutex<Vec<u8>>>, Flushed);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics").extend(bytes);
        self.1.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.1.flush()
    }
}

/// Ends whatever reads until the other side has written out what it had to say.
struct Later(Signals<()>, Cursor<Vec<u8>>);

impl Read for Later {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.1.position() == 0 {
            // A sender that has failed before says nothing more.
            self.0.recv().unwrap_or(());
        }
        self.1.read(buffer)
    }
}

/// Tells whoever waits that everything was written.
struct Flushed(Signal<()>);

impl Write for Flushed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        // Nobody waits a second time.
        self.0.send(()).unwrap_or(());
        Ok(())
    }
}

/// Sends a directory with two files to one who answers this once everything was sent.
fn sent(from: &Path, answers: Vec<u8>) -> Verdict {
    let report = quiet();
    let verdict = sent_telling(from, answers, Tell::There, &report);
    if report.is_well() { verdict } else { Verdict::Failed }
}

fn sent_telling(from: &Path, answers: Vec<u8>, tell: Tell, listener: &dyn Listener) -> Verdict {
    let (kernel, stop) = (Linux::new(), AtomicBool::new(false));
    let (signal, signals) = channel();
    let (input, output): (Input, Output) = streams(Later(signals, Cursor::new(answers)), Flushed(signal));
    let streams = (input, output, Features::all());
    let world = World { local: &kernel, root: None, intake: None, part: Mutex::default() };
    let terms = Terms { start: Start::Anew, carried: Carried::Nothing, tell, ..terms() };
    let mut sender = Sender::new(&world, terms, streams, listener, &stop);
    sender.write_down("far".to_owned(), ListDigests::Sha256);
    sender.run(&[from.join("f"), from.join("g")])
}

/// A directory `to` with an old file, and one beside it that nobody may touch.
struct Ground(tempfile::TempDir);

impl Ground {
    fn new() -> Self {
        let ground = Self(tempfile::tempdir().expect("a directory"));
        fs::write(ground.0.path().join("beside"), "beside").expect("a file");
        ground.renew();
        ground
    }

    fn to(&self) -> PathBuf {
        self.0.path().join("to")
    }

    fn renew(&self) {
        if self.to().exists() {
            open_up(&self.to());
            fs::remove_dir_all(self.to()).expect("removed");
        }
        fs::create_dir_all(self.to().join("d")).expect("a directory");
        fs::write(self.to().join("d/f"), "old").expect("a file");
    }

    /// Everything is where it may be, and holds all of something that it may hold.
    fn check(&self, about: &str) {
        let names = |path: &Path| {
            let mut names: Vec<OsString> =
                fs::read_dir(path).expect("a directory").map(|entry| entry.expect("a name").file_name()).collect();
            names.sort();
            names
        };
        assert_eq!(names(self.0.path()), ["beside", "to"], "{about}");
        assert_eq!(fs::read(self.0.path().join("beside")).expect("a file"), b"beside", "{about}");
        assert_eq!(names(&self.to()), ["d"], "{about}");
        let (mut directories, large) = (vec![self.to().join("d")], large());
        while let Some(directory) = directories.pop() {
            open_up(&directory);
            for name in names(&directory) {
                let path = directory.join(&name);
                assert!(!name.to_string_lossy().starts_with(".safecp-"), "{about}: {}", path.display());
                let kind = fs::symlink_metadata(&path).expect("a name").file_type();
                if kind.is_dir() {
                    directories.push(path);
                } else if kind.is_file() {
                    let found = fs::read(&path).expect("a file");
                    // A peer may say that a file is empty.
                    let is_whole = found.is_empty() || found == SMALL || found == b"old" || found == large;
                    assert!(is_whole, "{about}: {} has {} bytes", path.display(), found.len());
                }
            }
        }
    }
}

/// A mode that was told may shut its own directory.
fn open_up(path: &Path) {
    let Ok(found) = fs::symlink_metadata(path) else { return };
    if found.is_dir() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).expect("chmod");
        for entry in fs::read_dir(path).expect("a directory") {
            open_up(&entry.expect("a name").path());
        }
    } else if found.is_file() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("chmod");
    }
}

#[track_caller]
fn survives<T>(about: &str, run: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| panic!("{about} ends in a panic"))
}

/// Plays what is right with one lie after the other, each in words of its own. What comes of it is judged by `play`; some of it has to be
/// noticed.
fn each_lie(right: &[Frame], mut play: impl FnMut(&str, Vec<Frame>) -> Verdict) {
    let (first, mut failed) = (number("SAFECP_SEED", 1), 0);
    for seed in first..first + number("SAFECP_LIES", 400) {
        let mut lies = right.to_vec();
        lie(&mut lies, &mut Chance(seed));
        failed += u64::from(play(&format!("SAFECP_SEED={seed}"), lies) == Verdict::Failed);
    }
    assert!(failed > 0, "some of it was noticed");
}

#[test]
fn no_lie_of_a_sender_is_believed() {
    let ground = Ground::new();
    let told = frames(&told_by_sender());
    assert_eq!(received(&ground.to(), written(&told)), Verdict::Well);
    ground.check("what is right");
    assert_eq!(fs::read(ground.to().join("d/f")).expect("a file"), SMALL);
    assert_eq!(fs::read(ground.to().join("d/g")).expect("a file"), large());
    each_lie(&told, |about, lies| {
        ground.renew();
        let verdict = survives(about, || received(&ground.to(), written(&lies)));
        ground.check(about);
        verdict
    });
}

#[test]
fn no_lie_of_a_receiver_is_believed() {
    let ground = tempfile::tempdir().expect("a directory");
    fs::write(ground.path().join("f"), SMALL).expect("a file");
    fs::write(ground.path().join("g"), large()).expect("a file");
    // Files are operands here, and have the first numbers.
    let told = told_by_receiver(1);
    let right = frames(&told);
    assert_eq!(sent(ground.path(), written(&right)), Verdict::Well);
    each_lie(&right, |about, lies| {
        let verdict = survives(about, || sent(ground.path(), written(&lies)));
        let said: Vec<Message> = lies.into_iter().map_while(|frame| Message::read(frame).ok()).collect();
        let is_answered =
            told.iter().filter(|message| matches!(message, Message::Answer { .. } | Message::Finished(_)));
        if verdict == Verdict::Well {
            assert!(is_answered.into_iter().all(|message| said.contains(message)), "{about}: {said:?}");
        }
        verdict
    });
}

/// Whatever is told of outcomes: a file is heard of once, with the digest of what was sent, and all of them if it went well.
#[test]
fn no_lie_about_outcomes_is_believed() {
    let ground = tempfile::tempdir().expect("a directory");
    let large = large();
    let files = [("f", SMALL), ("g", &large)];
    for (name, bytes) in files {
        fs::write(ground.path().join(name), bytes).expect("a file");
    }
    let right = frames(&told_of_outcomes());
    let heard = |lies: &[Frame]| {
        let keeping = Keeping { report: quiet(), copied: Mutex::default() };
        let verdict = sent_telling(ground.path(), written(lies), Tell::Lists, &keeping);
        let verdict = if keeping.report.is_well() { verdict } else { Verdict::Failed };
        (verdict, keeping.copied.into_inner().expect("nobody panics"))
    };
    let (verdict, copied) = heard(&right);
    assert_eq!((verdict, copied.len()), (Verdict::Well, 2));
    each_lie(&right, |about, lies| {
        let (verdict, copied) = survives(about, || heard(&lies));
        for (name, bytes) in files {
            let of_it: Vec<_> = copied.iter().filter(|(source, ..)| *source == ground.path().join(name)).collect();
            assert!(of_it.len() <= 1, "{about}: {name} twice");
            assert!(of_it.len() == 1 || verdict == Verdict::Failed, "{about}: {name} is missing");
            for (_, copied, sealed) in of_it {
                let digest = blake3::hash(bytes);
                assert_eq!((copied.size, copied.digest()), (bytes.len() as u64, Some(digest)), "{about}: {name}");
                let sealed = sealed.as_ref().and_then(|sealed| Some((sealed.digests.clone()?.whole, sealed.sha256?)));
                let sha256: [u8; 32] = sha2::Sha256::digest(bytes).into();
                assert!(sealed.is_none_or(|sealed| sealed == (digest, sha256)), "{about}: {name}");
            }
        }
        // Of what was not sent nothing is told as proven.
        let of_others = copied.iter().filter(|(source, ..)| !source.starts_with(ground.path()));
        let is_proven = |sealed: &Option<Sealed>| sealed.as_ref().is_some_and(|sealed| sealed.digests.is_some());
        assert!(
            of_others.into_iter().all(|(_, copied, sealed)| copied.digests.is_none() && !is_proven(sealed)),
            "{about}"
        );
        verdict
    });
}

/// A receiver that has enough of what it was to store has failed, whatever else it says.
#[test]
fn who_has_enough_of_it_has_not_stored_it() {
    let ground = tempfile::tempdir().expect("a directory");
    // More than may be on its way before anything is answered.
    let large: Vec<u8> =
        (0..2_000_000_u32).map(|number| number.wrapping_mul(2_654_435_761)).flat_map(u32::to_le_bytes).collect();
    fs::write(ground.path().join("f"), &large).expect("a file");
    fs::write(ground.path().join("g"), SMALL).expect("a file");
    let right = |id, bytes: &[u8]| Message::Answer { id, digest: Some(*blake3::hash(bytes).as_bytes()) };
    let none = |id| Message::Answer { id, digest: None };
    let end = Message::Finished(Verdict::Well);
    let credit = Message::Credit { bytes: 1 << 20, reached: 1 };
    for early in [0, 1].map(|id| [Message::Enough { id }, credit.clone()]) {
        for answers in [
            vec![],
            vec![none(1), none(2)],
            vec![none(1), right(2, SMALL)],
            vec![right(1, &large), right(2, SMALL)],
            vec![right(2, SMALL)],
        ] {
            let late = [answers, vec![end.clone()]].concat();
            let (verdict, sent) = sent_to_one_who_has_enough(ground.path(), &early, &late);
            assert_eq!(verdict, Verdict::Failed, "{early:?} {late:?}");
            assert!(sent.len() < 4 << 20, "{early:?} {late:?}: {} bytes", sent.len());
        }
    }
    // What was never sent yet cannot be enough.
    let (verdict, _) = sent_to_one_who_has_enough(ground.path(), &[Message::Enough { id: 9 }], &[end]);
    assert_eq!(verdict, Verdict::Failed);
}

#[test]
fn a_peer_that_ends_anywhere_is_noticed() {
    let ground = Ground::new();
    let from = tempfile::tempdir().expect("a directory");
    fs::write(from.path().join("f"), SMALL).expect("a file");
    fs::write(from.path().join("g"), large()).expect("a file");
    let told = written(&frames(&told_by_sender()));
    let answers = written(&frames(&told_by_receiver(2)));
    let mut chance = Chance(number("SAFECP_SEED", 1));
    for _ in 0..number("SAFECP_CUTS", 200) {
        ground.renew();
        // Half of them where there is more than content.
        let place = chance.below(told.len());
        let place = if chance.below(2) == 0 { place % 800 } else { place };
        let about = format!("{place} bytes of a sender");
        assert_eq!(survives(&about, || received(&ground.to(), told[..place].to_vec())), Verdict::Failed, "{about}");
        ground.check(&about);
        let place = chance.below(answers.len());
        let about = format!("{place} bytes of a receiver");
        let verdict = survives(&about, || sent(from.path(), answers[..place].to_vec()));
        assert_eq!(verdict, Verdict::Failed, "{about}");
    }
}

/// A greeting that goes on for ever is not listened to for ever, whatever stands in it.
#[test]
fn noise_ends() {
    let mut chance = Chance(number("SAFECP_SEED", 1));
    let mut noise: Vec<u8> = (0..CHUNK).map(|_| chance.byte()).collect();
    noise.splice(200_000..200_000, GREETING.iter().copied());
    assert!(super::connection::meet(&mut &noise[..]).is_err());
    let mut said = Vec::new();
    send(&mut said, &Message::Finish).expect("a frame");
    assert!(super::connection::meet(&mut &said[..]).is_err());
}
