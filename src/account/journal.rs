//! The report of --report: lines of JSON, gathered and written together, whole lines at a time.

use super::lines::Line;
use crate::report::Sink;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many bytes are written at once.
const WRITE_BYTES: usize = 64 << 10;

/// A line waits no longer for others than until the next one comes after this.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// A report that is being written.
pub struct Journal(Mutex<Gathered>);

struct Gathered {
    sink: Sink,
    lines: Vec<u8>,
    written: Instant,
    /// The first failure; nothing is written after it.
    failure: Option<std::io::Error>,
}

impl Journal {
    /// An empty one that goes to `sink`.
    #[must_use]
    pub fn new(sink: Sink) -> Self {
        Self(Mutex::new(Gathered { sink, lines: Vec::new(), written: Instant::now(), failure: None }))
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub(super) fn add(&self, line: &Line<'_>) {
        let mut gathered = self.gathered();
        gathered.add(line);
        if gathered.lines.len() >= WRITE_BYTES || gathered.written.elapsed() >= WAIT_MAX {
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

    /// Writes what there is, and tells what could not be written, in the whole run.
    pub(super) fn finish(&self) -> Result<(), std::io::Error> {
        let mut gathered = self.gathered();
        gathered.write();
        gathered.failure.take().map_or(Ok(()), Err)
    }
}

impl Gathered {
    fn add(&mut self, line: &Line<'_>) {
        match serde_json::to_writer(&mut self.lines, line) {
            Ok(()) => self.lines.push(b'\n'),
            Err(error) => {
                self.failure.get_or_insert_with(|| error.into());
            }
        }
    }

    fn write(&mut self) {
        if self.failure.is_none() {
            self.failure = self.sink.write_all(&self.lines).and_then(|()| self.sink.flush()).err();
        }
        self.lines.clear();
        self.written = Instant::now();
    }
}
