//! Directories whose handles were closed are opened again, and are what they were.

use super::handles::{Asker, Pair, State};
use super::level::Level;
use super::run::Run;
use crate::copy::{Copier, Name};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Stat};
use crate::quote::quoted;
use std::sync::Arc;

impl<K: Kernel> Run<'_, K> {
    /// The handles of a level, opened again if they were closed. Fails if its name leads to another directory by now.
    pub(super) fn handles(&self, level: &Level<K>, asker: Asker) -> Result<Arc<Pair<K>>, Error> {
        if let Some(pair) = level.handles.get() {
            return Ok(pair);
        }
        let mut closed = vec![level];
        let mut open = None;
        let mut above = level.above.as_deref();
        while let Some(next) = above.filter(|_| open.is_none()) {
            open = next.handles.get();
            closed.extend(open.is_none().then_some(next));
            above = next.above.as_deref();
        }
        let Some(mut pair) = open else {
            // Only what has a level above is ever closed.
            return Err(Error::replaced(&level.source_shown()));
        };
        let kept = if asker == Asker::Descent { self.directories.max.div_ceil(4) } else { 1 };
        while let Some(next) = closed.pop() {
            self.directories.close_to(self.kernel, self.directories.max - 1);
            let state = next.handles.state().clone();
            pair = match state {
                // Another thread was quicker.
                State::Open(opened) => opened,
                State::Closed(target) => {
                    let opened = self.open_again(next, &target, &pair)?;
                    if closed.len() < kept { next.handles.put(opened) } else { Arc::new(opened) }
                }
                State::Ended => return Err(Error::replaced(&next.source_shown())),
            };
            if asker == Asker::Name && closed.is_empty() {
                self.directories.listed(&next.handles);
            }
        }
        Ok(pair)
    }

    /// Opens a level's directories in those above it, and sees that they are what they were.
    fn open_again(&self, level: &Level<K>, known: &Stat, above: &Pair<K>) -> Result<Pair<K>, Error> {
        let copier: &Copier<'_, K> = &self.entries.copier;
        // Whole names are as long as the tree is deep: they are made for a message alone.
        let name = level.component();
        let source = Name { dir: Some(&above.source), name, shown: name, follow: copier.follow_inside() };
        let target = Name::within(&above.target, name, name);
        let access = |errno| Error::call(Action::Access, &level.source_shown(), errno);
        let found = copier.directory_handle(&source).map_err(access)?;
        if !self.kernel.stat(&found).map_err(access)?.is_same_file(&level.from) {
            return Err(Error::replaced(&level.source_shown()));
        }
        let failed = |errno| Error::call(Action::StatTarget, &level.target_shown(), errno);
        let made = copier.directory_handle(&copier.directory_name(&target)).map_err(failed)?;
        if !self.kernel.stat(&made).map_err(failed)?.is_same_file(known) {
            let target = quoted(&level.target_shown());
            return Err(Error::Refused(format!("not writing to {target}, as it was replaced meanwhile")));
        }
        Ok(self.directories.pair(found, made))
    }
}
