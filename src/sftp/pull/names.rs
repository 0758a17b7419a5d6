//! Names of the far end: the next one, what it is, and where a link leads.

use super::types::{FarName, Pull, Tag};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel};
use crate::quote::quoted;
use crate::sftp::far_path::{is_single, join, shown, split, trimmed};
use crate::sftp::status::refusal;
use crate::sftp::types::Failure;
use crate::sftp::wire::{self, Answer, Attrs, Request};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// Whether a far path is the other one, or lies in it.
fn is_within(path: &[u8], other: &[u8]) -> bool {
    path.strip_prefix(trimmed(other)).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || other == b"/")
}

impl<K: Kernel> Pull<'_, K> {
    /// Begins with the next name that there is; the deepest first, so that few directories are open.
    pub(super) fn begin_next(&mut self) -> Result<bool, Failure> {
        for at in (0..self.levels.len()).rev() {
            let level = &mut self.levels[at];
            if let Some(entry) = level.names.pop_front() {
                let dir = Rc::clone(&level.local);
                let (source, path) =
                    (level.source.join(OsStr::from_bytes(&entry.name)), join(&level.path, &entry.name));
                let (name, above) = (Some(shown(&entry.name)), Some(level.path.clone()));
                let found = FarName { source, path, dir, name, above };
                return self.begin(found, entry.attrs).map(|()| true);
            }
            if level.is_over {
                let level = self.levels.remove(at);
                self.close(level)?;
                return Ok(true);
            }
            if let (false, Some(handle)) = (level.is_asked, &level.handle) {
                level.is_asked = true;
                self.connection.client.ask(&Request::Readdir(handle), Tag::List(level.number))?;
                return Ok(true);
            }
        }
        let Some(operand) = (if self.levels.is_empty() { self.operands.next() } else { None }) else {
            return Ok(false);
        };
        let own = split(trimmed(&operand.typed)).1.to_vec();
        let name = self.destination.name.clone().or_else(|| is_single(&own).then(|| shown(&own)));
        let (source, dir) = (shown(&operand.typed), Rc::clone(&self.destination.dir));
        if let Some(name) = name.as_ref().filter(|name| !self.given.insert(name.to_path_buf())) {
            self.failed_here(Error::just_created(&dir.shown.join(name), &source));
            return Ok(true);
        }
        self.look(FarName { source, path: operand.absolute, dir, name, above: None })?;
        Ok(true)
    }

    fn look(&mut self, found: FarName<K::File>) -> Result<(), Failure> {
        let number = self.number();
        self.connection.client.ask(&Request::Stat(&found.path), Tag::Look(number))?;
        self.looking.insert(number, found);
        Ok(())
    }

    /// Begins with a name of which the server has said what it is.
    fn begin(&mut self, found: FarName<K::File>, attrs: Attrs) -> Result<(), Failure> {
        match attrs.kind() {
            Some(wire::DIRECTORY) => self.begin_directory(found, attrs),
            Some(wire::FILE) => self.begin_file(found),
            // A link, which is followed; or a server that does not say.
            Some(wire::LINK) | None => self.look(found),
            Some(_) => {
                let sentence = format!("{}: not a regular file", quoted(&found.source));
                self.failed_here(Error::Refused(sentence));
                self.release(found.dir);
                Ok(())
            }
        }
    }

    pub(super) fn looked(&mut self, number: u64, answer: &Answer) -> Result<(), Failure> {
        let Some(found) = self.looking.remove(&number) else { return Ok(()) };
        match answer {
            Answer::Attrs(attrs) if matches!(attrs.kind(), Some(wire::LINK) | None) => {
                let sentence = format!("{}: not a regular file", quoted(&found.source));
                self.failed_here(Error::Refused(sentence));
            }
            // It was a link: what it leads to may be what it was found in.
            Answer::Attrs(attrs) if found.above.is_some() && attrs.kind() == Some(wire::DIRECTORY) => {
                self.connection.client.ask(&Request::Realpath(&found.path), Tag::Resolve(number, *attrs))?;
                self.looking.insert(number, found);
                return Ok(());
            }
            Answer::Attrs(attrs) => return self.begin(found, *attrs),
            answer => {
                let (name, reason) = (found.source.as_path().into(), refusal(answer));
                self.failed(Failure::Far { action: "cannot stat", name, reason });
            }
        }
        self.release(found.dir);
        Ok(())
    }

    pub(super) fn resolved(&mut self, number: u64, attrs: Attrs, answer: &Answer) -> Result<(), Failure> {
        let Some(found) = self.looking.remove(&number) else { return Ok(()) };
        let path = match answer {
            Answer::Names(names) => names.first().map(|entry| entry.name.clone()),
            _ => None,
        };
        match path.filter(|path| path.starts_with(b"/") && !path.contains(&0)) {
            Some(path) if found.above.as_ref().is_some_and(|above| is_within(above, &path)) => {
                self.failed_here(Error::call(Action::Access, &found.source, Errno::LOOP));
            }
            Some(path) => return self.begin_directory(FarName { path, ..found }, attrs),
            None => {
                let (name, reason) = (found.source.as_path().into(), refusal(answer));
                self.failed(Failure::Far { action: "cannot follow symbolic link", name, reason });
            }
        }
        self.release(found.dir);
        Ok(())
    }
}
