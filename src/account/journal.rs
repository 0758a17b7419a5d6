//! The report of --report: lines of JSON, gathered and written together, whole lines at a time.

use super::lines::Line;
use super::wanted::ReportTo;
use crate::document::{Document, Unread};
use crate::host;
use crate::report::Output;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many bytes are written at once.
const WRITE_BYTES: usize = 64 << 10;

/// A line waits no longer for others than until the next one comes after this.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A report that is being written.
pub(super) struct Journal {
    gathered: Mutex<Gathered>,
    /// The name that its file has until it is whole.
    own_name: Option<PathBuf>,
}

struct Gathered {
    /// `None` once it is finished.
    destination: Option<Destination>,
    lines: Vec<u8>,
    /// When they are to be written, however few there are.
    due: Instant,
    /// The first failure; nothing is written after it.
    failure: Option<std::io::Error>,
}

enum Destination {
    Output(Output),
    File(Document),
}

/// What could not be written of a report.
pub(super) struct Unwritten {
    pub(super) error: std::io::Error,
    /// Where the lines before are, if not under the report's name.
    pub(super) left: Option<PathBuf>,
}

impl Journal {
    /// An empty one. A fifo is waited for until it is read.
    pub(super) fn open(to: &ReportTo) -> std::io::Result<Self> {
        let destination = match to {
            ReportTo::Output => Destination::Output(host::output()),
            ReportTo::Part(path) => Destination::Output(host::more_lines(path)?),
            ReportTo::File(path) => Destination::File(Document::open(path, Unread::Waits)?),
        };
        let own_name = match &destination {
            Destination::File(document) => document.name_until_then().map(Path::to_owned),
            Destination::Output(_) => None,
        };
        let due = Instant::now() + WAIT_MAX;
        let gathered = Gathered { destination: Some(destination), lines: Vec::new(), due, failure: None };
        Ok(Self { gathered: Mutex::new(gathered), own_name })
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The name that its file has until it is whole: nothing else has it, wherever it is seen.
    pub(super) fn own_name(&self) -> Option<&Path> {
        self.own_name.as_deref()
    }

    /// Adds a line, with the directory of one of several targets, if it is about one.
    pub(super) fn add(&self, line: &Line<'_>, directory: Option<&Path>) {
        let mut gathered = self.gathered();
        gathered.add(line, directory);
        if gathered.lines.len() >= WRITE_BYTES || Instant::now() >= gathered.due {
            gathered.write();
        }
    }

    /// Adds a line of another report as it is.
    pub(super) fn copy(&self, line: &[u8]) {
        let mut gathered = self.gathered();
        gathered.lines.extend_from_slice(line);
        gathered.lines.push(b'\n');
        if gathered.lines.len() >= WRITE_BYTES {
            gathered.write();
        }
    }

    /// Writes what there is, and gives the report its name if all of it could be written, in the whole run.
    pub(super) fn finish(&self) -> Result<(), Unwritten> {
        let mut gathered = self.gathered();
        gathered.write();
        let (destination, failure) = (gathered.destination.take(), gathered.failure.take());
        match (destination, failure) {
            (Some(Destination::File(document)), None) => give_name(document),
            (Some(Destination::File(document)), Some(error)) => Err(Unwritten { error, left: document.leave() }),
            (Some(Destination::Output(_)) | None, Some(error)) => Err(Unwritten { error, left: None }),
            (Some(Destination::Output(_)) | None, None) => Ok(()),
        }
    }
}

/// Gives a report its name, unless something else has got it meanwhile, such as a copy that this run has made.
fn give_name(document: Document) -> Result<(), Unwritten> {
    match document.is_taken() {
        Ok(false) => document.finish().map_err(|error| Unwritten { error, left: None }),
        Ok(true) => Err(Unwritten { error: std::io::ErrorKind::AlreadyExists.into(), left: document.leave() }),
        Err(error) => Err(Unwritten { error, left: document.leave() }),
    }
}

impl Gathered {
    fn add(&mut self, line: &Line<'_>, directory: Option<&Path>) {
        if let Err(error) = line.write(&mut self.lines, directory) {
            self.failure.get_or_insert_with(|| error.into());
        }
    }

    fn write(&mut self) {
        let sink: &mut dyn Write = match &mut self.destination {
            Some(Destination::Output(sink)) => sink,
            Some(Destination::File(document)) => document,
            None => return,
        };
        if self.failure.is_none() {
            self.failure = sink.write_all(&self.lines).and_then(|()| sink.flush()).err();
        }
        self.lines.clear();
        self.due = Instant::now() + WAIT_MAX;
    }
}
