//! What happens to names during a run, told as it happens to whoever listens.

use super::shortage::Shortage;
use crate::copy::{Outcome, Sealed};
use crate::error::Error;
use std::ops::Range;
use std::path::Path;

/// Something that happened. Names are as the user would write them.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A directory was made.
    DirectoryMade {
        /// What it is a copy of.
        source: &'a Path,
        /// Its name.
        target: &'a Path,
    },
    /// A directory of a source's path was made (--parents).
    ParentMade {
        /// What it is a copy of.
        source: &'a Path,
        /// Its name.
        target: &'a Path,
    },
    /// A directory was made that is no copy (install -d and -D).
    DirectoryCreated {
        /// Its name.
        directory: &'a Path,
    },
    /// An old target was removed, or what took its name did so.
    Removed {
        /// The name that it had.
        target: &'a Path,
    },
    /// A name was moved within its filesystem.
    Renamed {
        /// What it was.
        source: &'a Path,
        /// What it is.
        target: &'a Path,
        /// The name that an old target keeps.
        backup: Option<&'a Path>,
    },
    /// Two names were exchanged.
    Exchanged {
        /// The one.
        source: &'a Path,
        /// The other.
        target: &'a Path,
    },
    /// A source that was moved to another filesystem was removed.
    SourceRemoved {
        /// Its name.
        source: &'a Path,
        /// What it was.
        is_directory: bool,
    },
    /// A name that is no directory has its outcome.
    Finished {
        /// What was copied.
        source: &'a Path,
        /// Where to.
        target: &'a Path,
        /// Its path beneath the directory of all targets.
        path: &'a Path,
        /// What became of it.
        outcome: &'a Outcome,
        /// What the target is now, where a list is made.
        sealed: Option<&'a Sealed>,
    },
    /// A directory has everything in it and its attributes; told where a list is made.
    DirectoryFinished {
        /// Its path beneath the directory of all targets.
        path: &'a Path,
        /// What it is now.
        sealed: &'a Sealed,
    },
    /// A name was looked at, without a copy (--check, --scan).
    Examined {
        /// Its name.
        path: &'a Path,
        /// Bytes of content that were read of it.
        bytes: u64,
    },
    /// Something was found out about a name.
    Found(&'a Found<'a>),
    /// A name is right again (--repair).
    Mended {
        /// Its name.
        path: &'a Path,
        /// What was done, in a word.
        how: &'a str,
        /// The same as a line for people.
        line: &'a str,
    },
    /// A name failed, or something is to be noted of it.
    Failed(&'a Error),
    /// A filesystem had too little room for what failed; told once, in the end.
    Full(&'a Shortage),
    /// Something should be known that is no failure.
    Warned(&'a str),
    /// Something should be known, in words of its own.
    Noted(&'a str),
    /// The operands do not fit the options.
    Misused(&'a str),
}

/// What was found out about a name.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// Which of the things that are looked for, in a word.
    pub what: &'a str,
    /// The name.
    pub path: &'a Path,
    /// Where its content is now, if it was moved.
    pub to: Option<&'a Path>,
    /// What is known of it, for people.
    pub detail: &'a str,
    /// Zeros where there should be none.
    pub zeros: Option<&'a Range<u64>>,
    /// All of it as a line for people.
    pub line: &'a str,
}

/// Who is told. Threads tell at once; events of one name come in order.
pub trait Listener: Sync {
    /// Takes note of an event.
    fn hear(&self, event: &Event<'_>);
}
