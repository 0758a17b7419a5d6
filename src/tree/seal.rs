//! What a target is once it is made, told to whoever makes a list of it.

use super::handles::Pair;
use super::level::Level;
use super::run::Run;
use crate::copy::{Name, Outcome, Sealed};
use crate::error::{Action, Error};
use crate::kernel::Kernel;
use crate::report::Event;
use std::borrow::Cow;

impl<K: Kernel> Run<'_, K> {
    /// What the target is now, where a list is made of the run. What fails is said.
    pub(super) fn sealed<'o>(&self, target: &Name<'_, K::File>, outcome: &'o Outcome) -> Option<Cow<'o, Sealed>> {
        if !self.options.seals {
            return None;
        }
        if let Outcome::Copied(copied) = outcome {
            if let Some(sealed) = &copied.sealed {
                return Some(Cow::Borrowed(sealed));
            }
        }
        if matches!(outcome, Outcome::Declined) {
            return None;
        }
        match self.entries.copier.sealing().name(target, outcome.content()) {
            Ok(sealed) => Some(Cow::Owned(sealed)),
            Err(error) => {
                self.tell(Event::Failed(&error));
                None
            }
        }
    }

    /// Tells what a directory is once it is finished, where a list is made of the run.
    pub(super) fn seal_directory(&self, level: &Level<K>, pair: &Pair<K>) {
        if !self.options.seals {
            return;
        }
        let shown = level.target_shown();
        let stat = self.kernel.stat(&pair.target);
        let stat = stat.map_err(|errno| Error::call(Action::StatTarget, &shown, errno));
        match stat.and_then(|stat| self.entries.copier.sealing().handle(&pair.target, &shown, stat, None)) {
            Ok(sealed) => self.tell(Event::DirectoryFinished { path: &level.path(), sealed: &sealed }),
            Err(error) => self.tell(Event::Failed(&error)),
        }
    }
}
