//! Whoever hears of an outcome on the receiving side: the sender is told, and what only the intake knows is said.

use super::intake::{Intake, Note};
use crate::copy::Outcome;
use crate::error::Error;
use crate::report::{Event, InPlace, Listener, Shortage};
use std::sync::{Mutex, PoisonError};

/// Listens to the run of a receiver.
pub(super) struct Answers<'a> {
    /// Who is told of everything.
    pub(super) listener: &'a dyn Listener,
    /// What came.
    pub(super) intake: &'a Mutex<Intake>,
}

impl Answers<'_> {
    /// Says what the intake has found out.
    pub(super) fn say_notes(&self) {
        let notes = self.intake.lock().unwrap_or_else(PoisonError::into_inner).take_notes();
        for note in notes {
            match note {
                Note::Mended(text) => self.listener.hear(&Event::Warned(&text)),
                Note::Damaged(text) => self.listener.hear(&Event::Failed(&Error::Refused(text))),
            }
        }
    }
}

impl Listener for Answers<'_> {
    fn hear(&self, event: &Event<'_>) {
        self.say_notes();
        match event {
            // scp has no such option.
            Event::Full(shortage) => {
                let shortage = Shortage { in_place: InPlace::SparesNothing, ..(*shortage).clone() };
                self.listener.hear(&Event::Full(&shortage));
            }
            event => self.listener.hear(event),
        }
        if let Event::Finished { source, outcome: Outcome::Copied(_) | Outcome::Made(_), .. } = event {
            self.intake.lock().unwrap_or_else(PoisonError::into_inner).answer(source);
        }
    }
}
