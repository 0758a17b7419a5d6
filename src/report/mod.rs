//! Outcomes said out loud: GNU's words on standard output and standard error, and the exit status.
//!
//! A report listens to a run ([`Event`]) and branches nothing. Lines of one name are written at once, so
//! that threads do not mix them. What cannot be written counts as a failure.

mod amount;
mod event;
mod shortage;
mod text;

pub use amount::short_size;
pub use event::{Event, Found, Listener};
pub use shortage::{InPlace, Resource, Shortage, text as shortage_words};

use crate::copy::{Outcome, Thing};
use crate::error::Error;
use crate::kernel::Errno;
use crate::options::{Verbosity, Work};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where lines go.
pub type Output = Box<dyn Write + Send>;

/// GNU's words for what could not be written to standard output.
#[must_use]
pub fn write_error(error: &std::io::Error) -> String {
    let reason = Errno::from_io_error(error).map(crate::error::reason);
    format!("write error: {}", reason.unwrap_or_else(|| error.to_string()))
}

/// Says what happened, and remembers whether anything failed.
pub struct Report {
    /// The program's name, before every message.
    program: String,
    verbosity: Verbosity,
    work: Work,
    output: Mutex<Output>,
    messages: Mutex<Output>,
    has_failed: AtomicBool,
    ends_with_pipes: bool,
}

impl Report {
    /// A report that writes successes to `output` and messages to `messages`.
    #[must_use]
    pub fn new(program: &str, verbosity: Verbosity, output: Output, messages: Output) -> Self {
        Self {
            program: program.to_owned(),
            verbosity,
            work: Work::Copy,
            output: Mutex::new(output),
            messages: Mutex::new(messages),
            has_failed: AtomicBool::new(false),
            ends_with_pipes: false,
        }
    }

    /// The same of another work than copying.
    #[must_use]
    pub fn of(self, work: Work) -> Self {
        Self { work, ..self }
    }

    /// The same in a process that a pipe ends which nobody reads: then nothing is said of that, as by GNU's cp.
    #[must_use]
    pub fn ending_with_pipes(self, ends_with_pipes: bool) -> Self {
        Self { ends_with_pipes, ..self }
    }

    /// Writes out what is held back. False if anything failed, in the run or in writing about it.
    pub fn finish(&self) -> bool {
        let flushed = self.output.lock().unwrap_or_else(PoisonError::into_inner).flush();
        if let Err(error) = flushed {
            self.cannot_write(&error);
        }
        !self.has_failed.load(Ordering::Relaxed)
    }

    /// Whether nothing has failed so far.
    #[must_use]
    pub fn is_well(&self) -> bool {
        !self.has_failed.load(Ordering::Relaxed)
    }

    /// Something has failed that was told elsewhere.
    pub fn has_failed(&self) {
        self.has_failed.store(true, Ordering::Relaxed);
    }

    fn failed(&self, error: &Error) {
        match error {
            Error::Noted(noted) => return self.message(&noted.to_string()),
            Error::Interrupted => {}
            Error::Call { errno: Errno::PIPE, .. } if self.ends_with_pipes => {}
            Error::Call { .. }
            | Error::Pair { .. }
            | Error::Beside(_)
            | Error::Leaving(..)
            | Error::Mismatch { .. }
            | Error::Refused(_) => {
                self.message(&error.to_string());
            }
        }
        self.has_failed.store(true, Ordering::Relaxed);
    }

    fn misused(&self, text: &str) {
        self.has_failed.store(true, Ordering::Relaxed);
        self.message(&format!("{text}\nTry '{} --help' for more information.", self.program));
    }

    fn warned(&self, text: &str) {
        self.message(&format!("warning: {text}"));
    }

    fn finished(&self, source: &Path, target: &Path, outcome: &Outcome) {
        match outcome {
            Outcome::Copied(copied) => {
                if self.verbosity >= Verbosity::Names {
                    let mut lines = self.arrow(source, target, outcome);
                    if self.verbosity >= Verbosity::Decisions {
                        lines.push_str(&text::decisions(copied));
                    }
                    self.say(&lines);
                }
                if copied.changed {
                    self.warned(&text::changed(source));
                }
            }
            Outcome::Made(made) => self.say_of_name(|| {
                let mut lines = self.arrow(source, target, outcome);
                if made.thing == Thing::Same && self.verbosity >= Verbosity::Decisions {
                    lines.push_str(&text::same_already(made));
                }
                lines
            }),
            Outcome::Skipped => {
                if self.verbosity >= Verbosity::Decisions {
                    self.say(&text::skipped(target));
                }
            }
            Outcome::Declined => self.has_failed.store(true, Ordering::Relaxed),
        }
        outcome.complaints().iter().for_each(|complaint| self.failed(complaint));
    }

    /// Says something on standard output, in a line of its own.
    pub fn line(&self, line: &str) {
        self.say(&format!("{line}\n"));
    }

    fn arrow(&self, source: &Path, target: &Path, outcome: &Outcome) -> String {
        match self.work {
            Work::Copy | Work::Install | Work::Examine => text::arrow(source, target, outcome.backup()),
            Work::Move => text::moved(source, target, outcome.backup()),
        }
    }

    /// A line of -v.
    fn say_of_name(&self, line: impl FnOnce() -> String) {
        if self.verbosity >= Verbosity::Names {
            self.say(&line());
        }
    }

    fn say(&self, lines: &str) {
        let written = self.output.lock().unwrap_or_else(PoisonError::into_inner).write_all(lines.as_bytes());
        if let Err(error) = written {
            self.cannot_write(&error);
        }
    }

    fn cannot_write(&self, error: &std::io::Error) {
        let is_first = !self.has_failed.swap(true, Ordering::Relaxed);
        let is_silent = self.ends_with_pipes && error.kind() == std::io::ErrorKind::BrokenPipe;
        if is_first && !is_silent {
            self.message(&write_error(error));
        }
    }

    fn message(&self, text: &str) {
        let line = format!("{}: {text}\n", self.program);
        let written = self.messages.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        if written.is_err() {
            // There is nowhere left to say it; the exit status is what remains.
            self.has_failed.store(true, Ordering::Relaxed);
        }
    }
}

impl Listener for Report {
    fn hear(&self, event: &Event<'_>) {
        match *event {
            Event::DirectoryMade { target, .. } if self.work == Work::Move => {
                self.say_of_name(|| text::moved_directory(target));
            }
            Event::Renamed { source, target, backup } => self.say_of_name(|| text::renamed(source, target, backup)),
            Event::Exchanged { source, target } => self.say_of_name(|| text::exchanged(source, target)),
            Event::SourceRemoved { source, is_directory } => {
                self.say_of_name(|| text::source_removed(source, is_directory));
            }
            // mv never says that it was.
            Event::Removed { .. } if self.work == Work::Move => {}
            Event::DirectoryMade { source, target } => self.say_of_name(|| text::arrow(source, target, None)),
            Event::DirectoryCreated { directory } => self.say_of_name(|| text::created(&self.program, directory)),
            Event::ParentMade { source, target } => self.say_of_name(|| text::parent(source, target)),
            Event::Removed { target } => self.say_of_name(|| text::removed(target)),
            Event::Finished { source, target, outcome, .. } => self.finished(source, target, outcome),
            Event::DirectoryFinished { .. } | Event::Examined { .. } => {}
            Event::Found(found) => self.line(found.line),
            Event::Mended { line, .. } => self.line(line),
            Event::Failed(error) => self.failed(error),
            Event::Warned(text) => self.warned(text),
            Event::Full(shortage) => self.message(&shortage::text(shortage, self.work)),
            Event::Noted(text) => self.message(text),
            Event::Misused(text) => self.misused(text),
        }
    }
}
