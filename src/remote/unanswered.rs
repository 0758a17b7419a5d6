//! What the receiver owes a sender: an answer for each file, compared with what was read here. And what it tells of
//! each name, where it is said and written down here.
//!
//! A file is told as copied only if its answer is the digest of what was sent. The rest is the receiver's word for its own
//! names, of which no more is taken than was sent.

use super::connection::strange;
use super::far_copy::far_copy;
use super::operand::label;
use super::receiver_event::{Arrival, Became, Holes, ReceiverEvent, Seal, ToldName, Weight};
use super::terms::Tell;
use crate::account::Running;
use crate::copy::digest::Digests;
use crate::copy::{Copied, Outcome, Probed, Sealed, Sparseness, Special, Thing, View};
use crate::error::Error;
use crate::kernel::{Kind, Stat, unallocated};
use crate::quote::quoted;
use crate::report::{Event, Listener};
use blake3::Hash;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Result;
use std::path::{Path, PathBuf};

/// So much is told of a name at most: that it was made, that it is finished, and what could not be kept of it.
const TOLD_MAX: u64 = 16;

/// And so much of the run.
const TOLD_OF_ALL_MAX: u64 = 64;

/// A file that was sent.
pub(super) struct UnansweredFile {
    /// Its name in messages.
    pub(super) shown: PathBuf,
    /// As it was looked at.
    pub(super) stat: Stat,
    /// What was read: how many bytes, and their digests.
    pub(super) size: u64,
    pub(super) digests: Digests,
    /// SHA-256 of them, where a list takes it.
    pub(super) sha256: Option<[u8; 32]>,
    /// Whether it changed meanwhile.
    pub(super) changed: bool,
    /// How often it was named.
    pub(super) named: Named,
}

/// How often a file was named, by itself or by a directory that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// For the first time: it has to arrive.
    First,
    /// Once more: the receiver may pass it over.
    Again,
}

/// What the receiver owes; see the head of this file.
pub(super) struct Unanswered<'a> {
    /// Who is told.
    pub(super) listener: &'a dyn Listener,
    /// Who wants to know how far it is.
    pub(super) running: Option<&'a Running>,
    tell: Tell,
    /// What stands before names of the receiver.
    host: String,
    files: BTreeMap<u64, UnansweredFile>,
    told: BTreeMap<u64, Box<ToldName>>,
    /// Of files with several names: what a further name holds.
    several: BTreeSet<[u8; 32]>,
    tellings_left: u64,
    /// A file that the receiver does not have, as it says. Then something has failed there.
    lacking: Option<PathBuf>,
    has_failed: bool,
}

impl<'a> Unanswered<'a> {
    /// Nothing so far.
    pub(super) fn new(listener: &'a dyn Listener, tell: Tell) -> Self {
        Self {
            listener,
            running: None,
            tell,
            host: String::new(),
            files: BTreeMap::new(),
            told: BTreeMap::new(),
            several: BTreeSet::new(),
            tellings_left: TOLD_OF_ALL_MAX,
            lacking: None,
            has_failed: false,
        }
    }

    /// Names of the receiver are told with that before them.
    pub(super) fn name_host(&mut self, host: String) {
        self.host = host;
    }

    /// Whether something has failed here.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Tells what failed.
    pub(super) fn failed(&mut self, error: &Error) {
        self.has_failed = true;
        self.listener.hear(&Event::Failed(error));
    }

    /// A name was sent.
    pub(super) fn enter(&mut self) {
        self.tellings_left += TOLD_MAX;
    }

    /// Of this an answer is expected.
    pub(super) fn expect(&mut self, id: u64, sent: UnansweredFile) {
        self.files.insert(id, sent);
    }

    /// Further names of a file may hold that.
    pub(super) fn expect_further(&mut self, digest: [u8; 32]) {
        if self.tell == Tell::Lists {
            self.several.insert(digest);
        }
    }

    /// A file has its outcome; `next` is the number of no entry yet.
    pub(super) fn answer(&mut self, id: u64, digest: Option<[u8; 32]>, next: u64) -> Result<()> {
        let told = self.told.remove(&id);
        let Some(sent) = self.files.remove(&id) else {
            // Of what could not be read to its end nothing is expected.
            return if digest.is_none() && id < next { Ok(()) } else { Err(strange()) };
        };
        let Some(digest) = digest else {
            self.lack(&sent.shown, sent.named);
            return Ok(());
        };
        let is_sealed = told.as_ref().and_then(|told| told.seal.as_ref()).and_then(|seal| seal.digest);
        if digest != *sent.digests.whole.as_bytes() || is_sealed.is_some_and(|sealed| sealed != digest) {
            self.differs(&sent.shown);
            return Ok(());
        }
        match (self.tell, told) {
            (Tell::There, _) => self.running.iter().for_each(|running| running.arrived(&sent.shown, sent.size)),
            (Tell::Outcomes | Tell::Lists, Some(told)) => self.name(*told, Some(sent)),
            (Tell::Outcomes | Tell::Lists, None) => self.misses(&sent.shown),
        }
        Ok(())
    }

    /// The receiver does not have that: it has to tell of a failure, unless it has the same by another name.
    pub(super) fn lack(&mut self, shown: &Path, named: Named) {
        if named == Named::First {
            self.lacking.get_or_insert_with(|| shown.to_owned());
        }
    }

    /// The receiver says that it has everything, and has not said what it has of these.
    pub(super) fn miss_answers(&mut self) {
        self.lacking.take().iter().for_each(|shown| self.misses(shown));
        std::mem::take(&mut self.files).into_values().for_each(|sent| self.misses(&sent.shown));
    }

    fn misses(&mut self, shown: &Path) {
        let name = quoted(shown);
        let text = format!("verification failed: the other side did not tell what it has of {name}");
        self.failed(&Error::Refused(text));
    }

    fn differs(&mut self, shown: &Path) {
        let name = quoted(shown);
        let text = format!("verification failed: the other side read back something else than was sent of {name}");
        self.failed(&Error::Refused(text));
    }

    /// The receiver tells something.
    pub(super) fn hear(&mut self, told: ReceiverEvent) -> Result<()> {
        self.tellings_left = self.tellings_left.checked_sub(1).ok_or_else(strange)?;
        if self.tell == Tell::There {
            return Err(strange());
        }
        match told {
            ReceiverEvent::Directory { source, target } => {
                let target = label(&self.host, &target);
                self.listener.hear(&Event::DirectoryMade { source: &source, target: &target });
            }
            ReceiverEvent::Name(name) if !name.is_possible() => return Err(strange()),
            ReceiverEvent::Name(name) if name.id == 0 => {
                let digest = name.seal.as_ref().and_then(|seal| seal.digest);
                if digest.is_some_and(|digest| !self.several.contains(&digest)) {
                    self.differs(&name.source);
                } else {
                    self.name(*name, None);
                }
            }
            ReceiverEvent::Name(name) => {
                let is_owed = self.files.contains_key(&name.id) && !self.told.contains_key(&name.id);
                if !is_owed {
                    return Err(strange());
                }
                self.told.insert(name.id, name);
            }
            ReceiverEvent::Finished { path, seal } => {
                if seal.stat.kind != Kind::Directory {
                    return Err(strange());
                }
                self.listener.hear(&Event::DirectoryFinished { path: &path, sealed: &sealed(*seal, None) });
            }
            ReceiverEvent::Said { weight, text } => {
                let text = format!("{}: {text}", self.host);
                match weight {
                    Weight::Failed => self.listener.hear(&Event::Failed(&Error::Refused(text))),
                    Weight::Warned => self.listener.hear(&Event::Warned(&text)),
                    Weight::Noted => self.listener.hear(&Event::Noted(&text)),
                }
            }
        }
        Ok(())
    }

    /// A name is done. Of a file that was sent with it, everything that is here is right.
    fn name(&self, name: ToldName, sent: Option<UnansweredFile>) {
        let ToldName { source, target, path, became, complaints, seal, .. } = name;
        let complaint = |text: String| Error::Refused(format!("{}: {text}", self.host));
        let complaints = complaints.into_iter().map(complaint).collect();
        let outcome = match became {
            Became::Copied(arrival) => Outcome::Copied(Box::new(copied(arrival, sent.as_ref(), complaints))),
            Became::Made(thing) => Outcome::Made(Special::new(thing, complaints, None)),
        };
        let source = sent.as_ref().map_or(&*source, |sent| &sent.shown);
        let (target, sealed) = (label(&self.host, &target), seal.map(|seal| sealed(seal, sent.as_ref())));
        let (outcome, sealed) = (&outcome, sealed.as_ref());
        self.listener.hear(&Event::Finished { source, target: &target, path: &path, outcome, sealed });
    }
}

impl ToldName {
    /// Whether that can become of what was sent: what is no file has no answer, and a file one.
    pub(super) fn is_possible(&self) -> bool {
        match &self.became {
            // A further name whose link could not be made has no answer of its own.
            Became::Copied(_) => true,
            Became::Made(Thing::Same) => self.id != 0,
            Became::Made(Thing::Symlink | Thing::HardLink | Thing::Node) => self.id == 0,
            Became::Made(Thing::Attributes) => false,
        }
    }
}

fn copied(arrival: Arrival, sent: Option<&UnansweredFile>, complaints: Vec<Error>) -> Copied {
    let Arrival { size, continued, verified, placement, holes, unsynced, took } = arrival;
    let unallocated = |sent: &UnansweredFile| unallocated(sent.stat.size, sent.stat.blocks);
    let unallocated = sent.map_or(0, unallocated);
    let known = far_copy(sent.map_or(size, |sent| sent.size), verified, placement);
    Copied {
        probed: Probed { unallocated, ..known.probed },
        digests: sent.map(|sent| sent.digests.clone()),
        sparse: Sparseness { by_zeros: holes == Holes::ByZeros, ..known.sparse },
        changed: sent.is_some_and(|sent| sent.changed),
        continued,
        unsynced,
        complaints,
        took: Some(took),
        ..known
    }
}

/// What a name is, with the digests of what was sent, of which it is known that they are its own.
fn sealed(seal: Seal, sent: Option<&UnansweredFile>) -> Sealed {
    let Seal { stat, text, digest, attributes, lists } = seal;
    let of_further = || digest.map(|digest| Digests { whole: Hash::from_bytes(digest), pieces: Vec::new() });
    let digests = sent.map(|sent| sent.digests.clone()).or_else(of_further);
    let (attributes, lists) = (attributes.map(Hash::from_bytes), lists.map(Hash::from_bytes));
    Sealed { stat, text, digests, attributes, lists, sha256: sent.and_then(|sent| sent.sha256), view: View::Whole }
}
