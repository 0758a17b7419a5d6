//! Directories: listed there, made here, and given their last attributes when the last name in them is done.

use super::types::{FarName, Level, Pull, Tag};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode};
use crate::quote::quoted;
use crate::sftp::far_path::is_single;
use crate::sftp::landing::{open_directory, sure_times, timestamp};
use crate::sftp::local_directory::{Last, LocalDirectory};
use crate::sftp::status::refusal;
use crate::sftp::types::{Attributes, Failure, KEPT_BITS, TransferEvent, Tree};
use crate::sftp::wire::{self, Answer, Attrs, Entry, Request};
use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;

/// Directories whose names have not all come, at most.
const LEVELS_MAX: usize = 256;

/// How deep a tree may be: links of the far end may lead in circles.
const DEPTH_MAX: usize = 256;

impl<K: Kernel> Pull<'_, K> {
    pub(super) fn begin_directory(&mut self, found: FarName<K::File>, attrs: Attrs) -> Result<(), Failure> {
        if self.wishes.tree == Tree::Refused {
            self.failed(Failure::of_far("-r not specified; omitting directory ", &found.source, ""));
            self.release(found.dir);
            return Ok(());
        }
        if found.dir.depth == DEPTH_MAX || self.levels.len() == LEVELS_MAX {
            self.circles(&found.source);
            self.release(found.dir);
            return Ok(());
        }
        let local = match found.name {
            None => found.dir,
            Some(name) => match self.make_directory(&found.dir, &name, attrs) {
                Ok(local) => Rc::new(LocalDirectory { above: Some(found.dir), ..local }),
                Err(error) => {
                    self.failed_here(error);
                    self.release(found.dir);
                    return Ok(());
                }
            },
        };
        let number = self.number();
        self.connection.client.ask(&Request::Opendir(&found.path), Tag::Open(number))?;
        let (source, path, names) = (found.source, found.path, VecDeque::new());
        self.levels.push(Level { number, source, path, local, handle: None, names, is_asked: true, is_over: false });
        Ok(())
    }

    fn make_directory(
        &mut self,
        above: &LocalDirectory<K::File>,
        name: &Path,
        attrs: Attrs,
    ) -> Result<LocalDirectory<K::File>, Error> {
        let kernel = self.near.kernel;
        let shown = above.shown.join(name);
        let made = match kernel.mkdir(&above.file, name, Mode::from_raw_mode(0o700)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(Error::call(Action::CreateDirectory, &shown, errno)),
        };
        let file = open_directory(kernel, &above.file, name).map_err(|errno| match errno {
            Errno::NOTDIR | Errno::LOOP => {
                Error::Refused(format!("cannot overwrite non-directory {} with directory", quoted(&shown)))
            }
            errno => Error::call(Action::CreateDirectory, &shown, errno),
        })?;
        let kept = self.wishes.attributes == Attributes::Kept;
        let mode = match attrs.mode {
            Some(mode) if kept => Some(mode & KEPT_BITS),
            mode if made => Some(mode.unwrap_or(0o777) & 0o777 & !self.wishes.umask),
            _ => None,
        };
        if made {
            (self.tell)(&TransferEvent::Made { target: &shown });
        }
        let last = Some(Last { mode, times: attrs.times.filter(|_| kept) });
        Ok(LocalDirectory { file, shown, above: None, last, depth: above.depth + 1 })
    }

    fn level(&mut self, number: u64) -> Option<&mut Level<K::File>> {
        self.levels.iter_mut().find(|level| level.number == number)
    }

    pub(super) fn opened_directory(&mut self, number: u64, answer: Answer) {
        let Some(level) = self.level(number) else { return };
        level.is_asked = false;
        if let Answer::Handle(handle) = answer {
            level.handle = Some(handle);
            return;
        }
        level.is_over = true;
        let (name, reason) = (level.source.as_path().into(), refusal(&answer));
        self.failed(Failure::Far { action: "cannot access", name, reason });
    }

    pub(super) fn listed(&mut self, number: u64, answer: Answer) {
        let Some(level) = self.level(number) else { return };
        level.is_asked = false;
        let source = level.source.clone();
        match answer {
            Answer::Names(names) if !names.is_empty() => {
                let is_other =
                    |entry: &&Entry| !matches!(entry.name.as_slice(), b"." | b"..") && !is_single(&entry.name);
                let bad = names.iter().filter(is_other).count();
                level.names.extend(names.into_iter().filter(|entry| is_single(&entry.name)));
                if bad > 0 {
                    let listed = format!("the far end lists {bad} names in ");
                    self.failed(Failure::of_far(&listed, &source, " that are none"));
                }
            }
            Answer::Status(wire::EOF, _) => level.is_over = true,
            answer => {
                level.is_over = true;
                let reason = refusal(&answer);
                self.failed(Failure::Far { action: "cannot access", name: source.into(), reason });
            }
        }
    }

    pub(super) fn close(&mut self, level: Level<K::File>) -> Result<(), Failure> {
        if let Some(handle) = &level.handle {
            self.connection.client.ask(&Request::Close(handle), Tag::Rest)?;
        }
        self.release(level.local);
        Ok(())
    }

    /// Lets go of a directory; the last one who does finishes it.
    pub(super) fn release(&mut self, directory: Rc<LocalDirectory<K::File>>) {
        let mut next = Some(directory);
        while let Some(directory) = next.take().and_then(Rc::into_inner) {
            if let Some(last) = directory.last {
                let shown = &directory.shown;
                let mode = last.mode.map_or(Ok(()), |mode| self.near.kernel.chmod(&directory.file, mode));
                let mode = mode.map_err(|errno| Error::call(Action::PreserveMode, shown, errno));
                let times = last.times.map_or(Ok(()), |(atime, mtime)| {
                    let set = self.near.kernel.set_times(&directory.file, timestamp(atime), timestamp(mtime));
                    set.map_err(|errno| Error::call(Action::PreserveTimes, shown, errno))?;
                    sure_times((atime, mtime), shown)
                });
                if let Err(error) = mode.and(times) {
                    self.failed_here(error);
                }
                self.seal_directory(&directory);
            }
            next = directory.above;
        }
    }
}
