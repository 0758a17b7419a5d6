//! Whoever hears of an outcome on the receiving side: the sender is told, and what only the intake knows is said.

use super::intake::{Intake, Note};
use super::teller::Teller;
use crate::copy::Outcome;
use crate::error::Error;
use crate::report::{Event, InPlace, Listener, Shortage};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Listens to the run of a receiver.
pub(super) struct Answers<'a> {
    /// Who is told of everything.
    pub(super) listener: &'a dyn Listener,
    /// What came.
    pub(super) intake: &'a Mutex<Intake>,
    /// What is told of the run to the sender, which says it.
    pub(super) teller: Option<Teller>,
}

impl Answers<'_> {
    fn intake(&self) -> MutexGuard<'_, Intake> {
        self.intake.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what the intake has found out.
    pub(super) fn say_notes(&self) {
        let notes = self.intake().take_notes();
        for note in notes {
            match note {
                Note::Mended(text) => self.say(&Event::Warned(&text)),
                Note::Damaged(text) => self.say(&Event::Failed(&Error::Refused(text))),
            }
        }
    }

    fn say(&self, event: &Event<'_>) {
        if let Some(teller) = &self.teller {
            let mut intake = self.intake();
            let number = match event {
                Event::Finished { source, .. } => intake.number_of_whole(source),
                _ => 0,
            };
            teller.told(event, number).into_iter().for_each(|told| intake.say(told));
        }
        self.listener.hear(event);
    }
}

impl Listener for Answers<'_> {
    fn hear(&self, event: &Event<'_>) {
        self.say_notes();
        match event {
            // scp has no such option.
            Event::Full(shortage) => {
                let shortage = Shortage { in_place: InPlace::SparesNothing, ..(*shortage).clone() };
                self.say(&Event::Full(&shortage));
            }
            event => self.say(event),
        }
        if let Event::Finished { source, outcome: Outcome::Copied(_) | Outcome::Made(_), .. } = event {
            self.intake().answer(source);
        }
    }
}
