//! Names, in the order in which they were sent: operands, and what is in directories.
//!
//! A name that leads elsewhere, was not asked for, or has no place where it came breaks the stream off.

use super::Intake;
use super::stream::Stream;
use crate::kernel::{Errno, Kind, Result};
use crate::options::Unfinished;
use crate::remote::connection::strange;
use crate::remote::message::{Content, Entry, Message, PARTED_MIN, is_component};
use crate::remote::received::Received;
use crate::remote::terms::Carried;
use crate::tree::plan::joined;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A tree that is deeper is refused: each level holds a directory open.
const DEPTH_MAX: usize = 1000;

/// Whoever runs a file with them has the rights of its owner or group. Only --archive keeps those: elsewhere these would be the rights of
/// whoever copies, given to a program of the peer's. scp keeps none either.
const SET_ID_BITS: u32 = 0o6000;

impl Intake {
    /// Whether a path is that of an operand, and not one of this machine.
    pub(in crate::remote) fn is_operand(&self, path: &Path) -> bool {
        self.operands.has(path)
    }

    /// Whether a path is that of a directory in which operands are: the same number for the same one.
    pub(in crate::remote) fn number_of_above(&self, path: &Path) -> Option<u64> {
        self.operands.number_of_above(path)
    }

    /// An operand, once it has come.
    pub(in crate::remote) fn operand(&mut self, path: &Path) -> Result<Arc<Received>> {
        loop {
            if let Some(arrived) = self.arrived.get(path.as_os_str()) {
                return Ok(Arc::clone(arrived));
            }
            let message = self.exchange.next()?;
            self.spare(0, &message)?;
            self.skip(message)?;
        }
    }

    /// Takes note of what comes before what is waited for: names that arrive, and files that nobody reads.
    pub(super) fn skip(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Entry(entry) => {
                self.enter(entry)?;
            }
            Message::Leave(_) => self.leave()?,
            Message::End(end) => self.pass_over(end.id),
            Message::Data(_) | Message::Zeros { .. } => {}
            _ => return Err(self.exchange.break_off(&strange())),
        }
        Ok(())
    }

    /// Of what comes so deep in the tree or deeper nobody wants anything: tells the sender, if there is more of it to come.
    fn spare(&mut self, depth: usize, message: &Message) -> Result<()> {
        let passed_over = match (self.levels.get(depth), message) {
            (Some(level), Message::Entry(_) | Message::Data(_) | Message::Zeros { .. }) => level.entry.id,
            (None, Message::Data(_) | Message::Zeros { .. }) => self.stream.id,
            _ => return Ok(()),
        };
        self.exchange.enough(passed_over)
    }

    /// The next name in a directory; nothing at its end.
    pub(in crate::remote) fn next_name(&mut self, dir: &Received) -> Result<Option<Arc<Received>>> {
        loop {
            if !self.levels.iter().any(|level| level.entry.id == dir.entry.id) {
                return Ok(None);
            }
            let is_here = self.levels.len() == dir.depth + 1;
            let message = self.exchange.next()?;
            self.spare(dir.depth + 1, &message)?;
            match message {
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
                _ => return Err(self.exchange.break_off(&strange())),
            }
        }
    }

    /// A name in a directory that has come last.
    pub(in crate::remote) fn look_up(&self, dir: &Received, name: &OsStr) -> Result<Arc<Received>> {
        let current = self.current.iter().chain(self.levels.iter().rev());
        let mut named = current.filter(|known| known.parent == dir.entry.id && known.entry.name == name);
        named.next().cloned().ok_or(Errno::STALE)
    }

    /// A name that has come.
    fn enter(&mut self, mut entry: Entry) -> Result<Arc<Received>> {
        self.pass_over_unread();
        if let (Carried::Nothing | Carried::Times, Ok(found)) = (self.terms.carried, &mut entry.found) {
            found.stat.mode &= !SET_ID_BITS;
        }
        let name = Path::new(&entry.name);
        let is_operand = self.levels.is_empty();
        let shown = match self.levels.last() {
            Some(above) => is_component(&entry.name).then(|| joined(&above.shown, name)),
            None => self.operands.called(&entry.name).map(Path::to_owned),
        };
        let is_newer = entry.id > self.exchange.reached();
        let Some(shown) = shown.filter(|_| is_newer) else { return Err(self.exchange.break_off(&strange())) };
        let depth = self.levels.len();
        let is_directory = entry.found.as_ref().is_ok_and(|found| found.stat.kind == Kind::Directory);
        if is_directory && depth >= DEPTH_MAX {
            return Err(self.exchange.break_off(&std::io::Error::other("a tree that is sent is too deep")));
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
        self.exchange.reach(received.entry.id);
        self.current = Some(Arc::clone(&received));
        let told = received.found().ok().filter(|found| matches!(found.content, Content::Told(_)));
        let size = told.map_or(0, |found| found.stat.size);
        if self.terms.unfinished == Unfinished::Kept && size > PARTED_MIN {
            self.take_values(size)?;
        }
        Ok(received)
    }

    fn leave(&mut self) -> Result<()> {
        match self.levels.pop() {
            Some(_) => Ok(()),
            None => Err(self.exchange.break_off(&strange())),
        }
    }
}
