//! What is heard of one target's run, on its way to the report that all runs share: failures are counted, and what another
//! run has said word for word is not said again.

use crate::copy::Outcome;
use crate::error::Error;
use crate::report::{Event, Listener};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// How many different messages are remembered: with more of them, each run says its own.
const TEXTS_MAX: usize = 100_000;

/// Messages by their digests, and how often each came.
type Texts = BTreeMap<[u8; 32], usize>;

/// What was told of all runs together.
#[derive(Default)]
pub(super) struct MessagesOfAll(Mutex<Texts>);

/// Listens to the run of one target.
pub(super) struct TargetListener<'a> {
    next: &'a dyn Listener,
    told: &'a MessagesOfAll,
    texts: Mutex<Texts>,
    failures: AtomicUsize,
}

impl<'a> TargetListener<'a> {
    /// One that hands events on to `next`.
    pub(super) fn new(next: &'a dyn Listener, told: &'a MessagesOfAll) -> Self {
        Self { next, told, texts: Mutex::default(), failures: AtomicUsize::default() }
    }

    /// How many failures there were.
    pub(super) fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// Whether another run has said this as often as this one wants to.
    fn is_told(&self, text: &str) -> bool {
        let digest = *blake3::hash(text.as_bytes()).as_bytes();
        let mut told = self.told.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= TEXTS_MAX && !told.contains_key(&digest) {
            return false;
        }
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let (wanted, told) = (texts.entry(digest).or_default(), told.entry(digest).or_default());
        *wanted += 1;
        let is_told = *wanted <= *told;
        *told = (*told).max(*wanted);
        is_told
    }
}

impl Listener for TargetListener<'_> {
    fn hear(&self, event: &Event<'_>) {
        let (failures, text) = told(event);
        self.failures.fetch_add(failures, Ordering::Relaxed);
        if !text.is_some_and(|text| self.is_told(&text)) {
            self.next.hear(event);
        }
    }
}

/// How many failures an event tells, and the line of it that several runs may find out alike, such as that a source cannot be
/// read. Other lines name a target.
fn told(event: &Event<'_>) -> (usize, Option<String>) {
    let is_failure = |error: &&Error| !matches!(error, Error::Noted(_));
    match event {
        Event::Failed(Error::Interrupted) => (1, None),
        Event::Failed(error) => (usize::from(is_failure(error)), Some(error.to_string())),
        Event::Misused(text) => (1, Some((*text).to_owned())),
        Event::Warned(text) | Event::Noted(text) => (0, Some((*text).to_owned())),
        Event::Finished { outcome, .. } => {
            let complaints = outcome.complaints().iter().filter(is_failure).count();
            (complaints + usize::from(matches!(outcome, Outcome::Declined)), None)
        }
        Event::DirectoryMade { .. }
        | Event::ParentMade { .. }
        | Event::DirectoryCreated { .. }
        | Event::DirectoryFinished { .. }
        | Event::Removed { .. }
        | Event::Renamed { .. }
        | Event::Exchanged { .. }
        | Event::SourceRemoved { .. }
        | Event::Examined { .. }
        | Event::Found(_)
        | Event::Mended { .. }
        | Event::Full(_) => (0, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Said(Mutex<Vec<String>>);

    impl Listener for Said {
        fn hear(&self, event: &Event<'_>) {
            self.0.lock().expect("a listener").extend(told(event).1);
        }
    }

    #[test]
    fn what_two_find_out_alike_is_said_once_and_counts_for_both() {
        let (said, told) = (Said::default(), MessagesOfAll::default());
        let (one, other) = (TargetListener::new(&said, &told), TargetListener::new(&said, &told));
        let failed =
            |heard: &TargetListener<'_>, text: &str| heard.hear(&Event::Failed(&Error::Refused(text.to_owned())));
        failed(&one, "cannot open 'x'");
        failed(&other, "cannot open 'x'");
        failed(&other, "cannot create 'b/y'");
        assert_eq!(*said.0.lock().expect("lines"), ["cannot open 'x'", "cannot create 'b/y'"]);
        assert_eq!((one.failures(), other.failures()), (1, 2));
        // One and the same run finds it out twice.
        failed(&other, "cannot open 'x'");
        failed(&one, "cannot open 'x'");
        assert_eq!(said.0.lock().expect("lines").len(), 3);
    }
}
