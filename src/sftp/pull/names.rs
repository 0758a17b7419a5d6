//! Names of the far end: the next one, what it is, and where a link leads.

use super::types::{FarName, Pull, Tag};
use crate::error::reason;
use crate::kernel::{Errno, Kernel, Kind};
use crate::quote::quoted;
use crate::sftp::far_path::{is_single, join, shown, split, trimmed};
use crate::sftp::status::refusal;
use crate::sftp::types::{Failure, TransferEvent, Tree};
use crate::sftp::wire::{self, Answer, Attrs, Request};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

/// What is said behind a name that is no file and no directory.
pub(super) const NOT_REGULAR: &str = ": not a regular file";

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
        self.look(FarName { source, path: operand.absolute, dir, name, above: None })?;
        Ok(true)
    }

    /// Whether the name that an operand is to have is another's by now; that is said. What is named twice is copied once.
    fn is_taken(&mut self, found: &FarName<K::File>, attrs: Attrs) -> bool {
        let kind = match attrs.kind() {
            Some(wire::DIRECTORY) if self.wishes.tree == Tree::Copied => Kind::Directory,
            Some(wire::FILE) => Kind::File,
            _ => return false,
        };
        let Some(name) = found.name.as_ref().filter(|_| found.above.is_none()) else { return false };
        let Some(first) = self.given.get(name) else {
            self.given.insert(name.clone(), found.path.clone());
            return false;
        };
        if *first == found.path {
            (self.tell)(&TransferEvent::Twice { source: &found.source, kind });
        } else {
            let target = quoted(&found.dir.shown.join(name)).to_string();
            self.failed(Failure::of_far(&format!("will not overwrite just-created {target} with "), &found.source, ""));
        }
        true
    }

    /// Says that links lead from a directory into what it was found in, or too deep.
    pub(super) fn circles(&mut self, source: &Path) {
        let reason = reason(Errno::LOOP);
        self.failed(Failure::Far { action: "cannot access", name: source.into(), reason });
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
                // Who names it wants it; in a tree it may stand beside what is wanted.
                if found.above.is_some() {
                    (self.tell)(&TransferEvent::PassedOver { source: &found.source });
                } else {
                    self.failed(Failure::of_far("", &found.source, NOT_REGULAR));
                }
                self.release(found.dir);
                Ok(())
            }
        }
    }

    pub(super) fn looked(&mut self, number: u64, answer: &Answer) -> Result<(), Failure> {
        let Some(found) = self.looking.remove(&number) else { return Ok(()) };
        match answer {
            Answer::Attrs(attrs) if matches!(attrs.kind(), Some(wire::LINK) | None) => {
                self.failed(Failure::of_far("", &found.source, NOT_REGULAR));
            }
            // It was a link: what it leads to may be what it was found in.
            Answer::Attrs(attrs) if found.above.is_some() && attrs.kind() == Some(wire::DIRECTORY) => {
                self.connection.client.ask(&Request::Realpath(&found.path), Tag::Resolve(number, *attrs))?;
                self.looking.insert(number, found);
                return Ok(());
            }
            Answer::Attrs(attrs) if self.is_taken(&found, *attrs) => {}
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
                self.circles(&found.source);
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
