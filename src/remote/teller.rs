//! What a receiver tells the sender of its run, where the sender is to say it and to write it down.

use super::connection::{Feature, Features};
use super::receiver_event::{Arrival, Became, Holes, ReceiverEvent, Seal, ToldName, Weight};
use super::terms::Tell;
use crate::copy::{Copied, Outcome, Sealed};
use crate::error::Error;
use crate::kernel::Kind;
use crate::options::Work;
use crate::quote::quoted;
use crate::report::{Event, shortage_words};
use crate::tree::plan::joined;
use crate::tree::root::Root;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Makes messages of events; see the head of this file.
pub(super) struct Teller {
    tell: Tell,
    /// What the sender knows.
    features: Features,
    root: Root,
    /// What operands were sent as, by what they are called here.
    operands: BTreeMap<PathBuf, PathBuf>,
}

impl Teller {
    /// One for these operands, what they are called here and were sent as; `None` where nobody wants to be told.
    pub(super) fn new(
        (tell, features): (Tell, Features),
        root: Root,
        operands: impl Iterator<Item = (PathBuf, PathBuf)>,
    ) -> Option<Self> {
        (tell != Tell::There).then(|| Self { tell, features, root, operands: operands.collect() })
    }

    /// What is told of an event; `number` is that of a file that has its answer.
    pub(super) fn told(&self, event: &Event<'_>, number: u64) -> Option<ReceiverEvent> {
        match *event {
            Event::DirectoryMade { source, target } => {
                Some(ReceiverEvent::Directory { source: self.as_sent(source), target: target.to_owned() })
            }
            Event::Finished { source, target, path, outcome, sealed } => {
                let became = self.became(outcome)?;
                let seal = sealed.filter(|_| self.tell == Tell::Lists).map(seal);
                let kind = sealed.map_or(Kind::File, |sealed| sealed.stat.kind);
                let (source, target) = (self.as_sent(source), target.to_owned());
                let path = self.root.name_of(path, kind);
                let complaints = outcome.complaints().iter().map(Error::to_string).collect();
                Some(ReceiverEvent::Name(Box::new(ToldName {
                    id: number,
                    source,
                    target,
                    path,
                    became,
                    complaints,
                    seal,
                })))
            }
            Event::DirectoryFinished { path, sealed } => Some(ReceiverEvent::Finished {
                path: self.root.name_of(path, Kind::Directory),
                seal: Box::new(seal(sealed)),
            }),
            Event::Failed(Error::Noted(noted)) => said(Weight::Noted, noted),
            // Whoever asked the run to end knows why.
            Event::Failed(Error::Interrupted) => None,
            Event::Failed(error) => said(Weight::Failed, error),
            Event::Misused(text) => said(Weight::Failed, text),
            Event::Warned(text) => said(Weight::Warned, text),
            Event::Noted(text) => said(Weight::Noted, text),
            Event::Full(shortage) => said(Weight::Noted, shortage_words(shortage, Work::Copy)),
            Event::Removed { target } => said(Weight::Noted, format!("removed {}", quoted(target))),
            Event::ParentMade { .. }
            | Event::DirectoryCreated { .. }
            | Event::Renamed { .. }
            | Event::Exchanged { .. }
            | Event::SourceRemoved { .. }
            | Event::Examined { .. }
            | Event::Found(_)
            | Event::Mended { .. } => None,
        }
    }

    /// What became of a name, unless it was left alone, which no copy between two machines does.
    fn became(&self, outcome: &Outcome) -> Option<Became> {
        match outcome {
            Outcome::Copied(copied) => Some(Became::Copied(self.arrival(copied))),
            Outcome::Made(special) => Some(Became::Made(special.thing)),
            Outcome::Skipped | Outcome::Declined => None,
        }
    }

    fn arrival(&self, copied: &Copied) -> Arrival {
        Arrival {
            size: copied.size,
            // To an older sender it would be no message.
            continued: copied.continued && self.features.has(Feature::Continued),
            verified: copied.verified,
            placement: copied.placement,
            holes: if copied.sparse.by_zeros { Holes::ByZeros } else { Holes::None },
            unsynced: copied.unsynced,
            took: copied.took.unwrap_or_default(),
        }
    }

    /// A source in the words of the sender.
    fn as_sent(&self, source: &Path) -> PathBuf {
        let named = source.ancestors().find_map(|above| self.operands.get_key_value(above));
        let below = named.and_then(|(operand, sent_as)| Some((sent_as, source.strip_prefix(operand).ok()?)));
        match below {
            Some((sent_as, below)) if below.as_os_str().is_empty() => sent_as.clone(),
            Some((sent_as, below)) => joined(sent_as, below),
            None => source.to_owned(),
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "what all events give")]
fn said(weight: Weight, text: impl ToString) -> Option<ReceiverEvent> {
    Some(ReceiverEvent::Said { weight, text: text.to_string() })
}

fn seal(sealed: &Sealed) -> Seal {
    Seal {
        stat: sealed.stat,
        text: sealed.text.clone(),
        digest: sealed.digests.as_ref().map(|digests| *digests.whole.as_bytes()),
        attributes: sealed.attributes.map(|hash| *hash.as_bytes()),
        lists: sealed.lists.map(|hash| *hash.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::far_copy::far_copy;
    use super::*;
    use crate::copy::{Placement, Verified};

    #[test]
    fn only_a_sender_that_knows_of_it_is_told_that_a_copy_went_on() {
        let copied = Copied { continued: true, ..far_copy(1, Verified::Content, Placement::New) };
        for (features, expected) in [(Features::all(), true), (Features::default(), false)] {
            let teller = Teller::new((Tell::Outcomes, features), Root::Target, std::iter::empty());
            assert_eq!(teller.expect("somebody wants it").arrival(&copied).continued, expected);
        }
    }

    #[test]
    fn sources_are_called_what_the_sender_calls_them() {
        let operands = [("local:./a", "a"), ("local:/d", "/d"), ("local:./t/.", "t/.")];
        let operands = operands.map(|(here, there)| (PathBuf::from(here), PathBuf::from(there)));
        let told = (Tell::Outcomes, Features::all());
        let teller = Teller::new(told, Root::Targets, operands.into_iter()).expect("somebody wants it");
        for (here, there) in [("local:./a", "a"), ("local:/d/e/f", "/d/e/f"), ("local:./t/./x", "t/./x"), ("y", "y")] {
            assert_eq!(teller.as_sent(Path::new(here)), Path::new(there), "{here}");
        }
        assert!(Teller::new((Tell::There, Features::all()), Root::Targets, std::iter::empty()).is_none());
    }
}
