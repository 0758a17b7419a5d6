//! The side that sends: names and their content, as fast as the receiver takes them.
//!
//! Every byte is read by read(2), never by a map of holes, and hashed before it goes. All of that is [`Sender`]; its methods stand in
//! the room that they are about.

mod content;
mod exchange;
mod file;
mod incoming;
mod names;
mod operands;
mod wanted;

use super::connection::{Features, Input, Output, words};
use super::flow::Flow;
use super::message::{Message, Verdict};
use super::terms::Terms;
use super::unanswered::{Named, Unanswered};
use crate::account::Running;
use crate::copy::{Follow, Name};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::options::Dereference;
use crate::report::Listener;
use crate::sftp::ListDigests;
use incoming::Incoming;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{Result, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use wanted::Wanted;

/// The side that sends; see the head of this file.
pub(super) struct Sender<'a, K: Kernel> {
    kernel: &'a K,
    terms: Terms,
    stop: &'a AtomicBool,
    output: Output,
    /// What the receiver knows.
    features: Features,
    incoming: Incoming,
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
    /// What of them the receiver still wants.
    wanted: Wanted,
    /// What was named so far.
    operands: BTreeSet<(u64, u64)>,
    /// Whether what is being sent was named before.
    named: Named,
    buffer: Vec<u8>,
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
        (input, output, features): (Input, Output, Features),
        listener: &'a dyn Listener,
        stop: &'a AtomicBool,
    ) -> Self {
        Self {
            kernel,
            terms,
            stop,
            output,
            features,
            incoming: Incoming::new(input),
            flow: Flow::new(),
            next_id: 1,
            open: BTreeMap::new(),
            owed: Unanswered::new(listener, terms.tell),
            listed: ListDigests::Nothing,
            sent: BTreeMap::new(),
            above: Vec::new(),
            wanted: Wanted::new(),
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
            match self.incoming.wait()? {
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

    fn follows(&self) -> bool {
        self.terms.dereference() != Dereference::Never
    }
}
