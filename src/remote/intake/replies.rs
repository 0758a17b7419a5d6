//! What the sender is told: of each file its outcome, and how the run went.

use super::Intake;
use super::stream::Interest;
use crate::kernel::Result;
use crate::remote::message::{Content, Message, Verdict};
use crate::remote::received::Received;
use crate::remote::receiver_event::ReceiverEvent;
use std::path::Path;
use std::sync::Arc;

impl Intake {
    /// The number of a file that is whole and has no outcome yet; 0 of any other name.
    pub(in crate::remote) fn number_of_whole(&self, shown: &Path) -> u64 {
        self.whole.get(shown.as_os_str()).map_or(0, |(id, _)| *id)
    }

    /// Tells the sender something, where it is to say it.
    pub(in crate::remote) fn say(&mut self, told: ReceiverEvent) {
        self.exchange.put(&Message::Told(told));
    }

    /// A name has its outcome: tells the sender.
    pub(in crate::remote) fn answer(&mut self, shown: &Path) {
        if let Some((id, digest)) = self.whole.remove(shown.as_os_str()) {
            self.tell(id, Some(digest));
        }
    }

    /// Nobody has read a file to its end: it failed, or was copied already under another spelling of its name.
    pub(super) fn pass_over(&mut self, id: u64) {
        self.tell(id, None);
    }

    /// The same for a file of which only the digest was told, and nobody has asked for it.
    pub(super) fn pass_over_unread(&mut self) {
        let is_told =
            |received: &&Arc<Received>| received.found().is_ok_and(|found| matches!(found.content, Content::Told(_)));
        let unread = self.current.as_ref().filter(is_told).filter(|_| self.stream.interest == Interest::None);
        if let Some(id) = unread.map(|received| received.entry.id) {
            self.stream.interest = Interest::Some;
            self.pass_over(id);
        }
    }

    fn tell(&mut self, id: u64, digest: Option<[u8; 32]>) {
        self.exchange.put(&Message::Answer { id, digest });
    }

    /// Takes what is left, of which nobody wants anything, and tells how it went.
    pub(in crate::remote) fn finish(&mut self, verdict: Verdict) -> Result<()> {
        loop {
            match self.exchange.next()? {
                Message::Finish => {
                    self.pass_over_unread();
                    break;
                }
                message => {
                    if matches!(message, Message::Entry(_) | Message::Data(_) | Message::Zeros { .. }) {
                        self.exchange.enough(0)?;
                    }
                    self.skip(message)?;
                }
            }
        }
        self.exchange.say(&Message::Finished(verdict))?;
        self.exchange.flush()
    }
}
