//! Far directories: made before what is in them, and given their last attributes after it.

use super::failure::lacking_times;
use super::types::{Directory, Finishing, Push, Search, Tag};
use crate::kernel::{Kernel, Stat};
use crate::sftp::far_path::{beneath, split};
use crate::sftp::listing;
use crate::sftp::status::{is_missing, refusal};
use crate::sftp::types::{Attributes, Failure, KEPT_BITS, TransferEvent};
use crate::sftp::wire::{self, Answer, Attrs, Request};

impl<K: Kernel> Push<'_, K> {
    pub(super) fn make_directory(&mut self, stat: Stat, far: Vec<u8>) -> Result<(), Failure> {
        // The operand `.`: its content goes into a directory that is there.
        let far = far.strip_suffix(b"/.").map_or(far.clone(), <[u8]>::to_vec);
        if self.directories.get(split(&far).0) == Some(&Directory::Failed) {
            self.directories.insert(far, Directory::Failed);
            return Ok(());
        }
        let number = self.finishing.len();
        self.directories.insert(far.clone(), Directory::Asked(number));
        let attrs = Attrs { mode: Some(stat.mode & 0o777 | 0o700), ..Attrs::default() };
        self.connection.client.ask(&Request::Mkdir(&far, attrs), Tag::Make(number))?;
        self.finishing.push(Finishing { far, stat, is_fresh: false, refusal: None, failures: Vec::new() });
        Ok(())
    }

    pub(super) fn made(&mut self, number: usize, answer: &Answer) -> Result<(), Failure> {
        let far = self.finishing[number].far.clone();
        if let Answer::Status(wire::OK, _) = answer {
            self.finishing[number].is_fresh = true;
            self.directories.insert(far.clone(), Directory::Fresh);
            (self.tell)(&TransferEvent::Made { target: &self.home.shown(&far) });
            self.tell_failures(number);
            return Ok(());
        }
        self.finishing[number].refusal = Some(refusal(answer));
        self.connection.client.ask(&Request::Stat(&far), Tag::MakeLook(number))
    }

    /// What could not be made is there, or it failed.
    pub(super) fn found(&mut self, number: usize, answer: &Answer) -> Result<(), Failure> {
        let far = self.finishing[number].far.clone();
        match answer {
            Answer::Attrs(attrs) if attrs.kind() == Some(wire::DIRECTORY) => {
                self.directories.insert(far.clone(), Directory::Existing);
                self.tell_failures(number);
                self.searching.push(Search::new(far));
                self.search(self.searching.len() - 1)
            }
            answer => {
                let reason = match answer {
                    Answer::Attrs(_) => "Not a directory".to_owned(),
                    answer => refusal(answer),
                };
                // Nothing is there: why it was not made is the reason.
                let refused = self.finishing[number].refusal.take().filter(|_| is_missing(answer));
                let reason = refused.unwrap_or(reason);
                let name = self.home.shown(&far).into_boxed_path();
                self.finishing[number].failures.clear();
                let is_told = self.directories.get(split(&far).0) == Some(&Directory::Failed);
                self.directories.insert(far, Directory::Failed);
                if !is_told {
                    let failure = Failure::Far { action: "cannot create directory", name, reason };
                    (self.tell)(&TransferEvent::Failed(&failure));
                }
                Ok(())
            }
        }
    }

    /// Tells why a file failed, unless its directory has failed, which is told. As long as nobody knows that, it waits.
    pub(super) fn tell_failure(&mut self, dir: &[u8], failure: Failure) {
        match self.directories.get(dir) {
            Some(Directory::Failed) => {}
            Some(Directory::Asked(number)) => self.finishing[*number].failures.push(failure),
            Some(Directory::Fresh | Directory::Existing) | None => (self.tell)(&TransferEvent::Failed(&failure)),
        }
    }

    fn tell_failures(&mut self, number: usize) {
        for failure in std::mem::take(&mut self.finishing[number].failures) {
            (self.tell)(&TransferEvent::Failed(&failure));
        }
    }

    /// Attributes of directories, which what is put into them would change again; the lowest first.
    pub(super) fn finish_directories(&mut self) -> Result<(), Failure> {
        for number in (0..self.finishing.len()).rev() {
            let Finishing { far, stat, is_fresh, .. } = &self.finishing[number];
            let attrs = match self.wishes.attributes {
                Attributes::Kept => {
                    Attrs { mode: Some(stat.mode & KEPT_BITS), times: Some(wire::times_of(stat)), ..Attrs::default() }
                }
                Attributes::Fresh if *is_fresh && stat.mode & 0o700 != 0o700 => {
                    Attrs { mode: Some(stat.mode & 0o755), ..Attrs::default() }
                }
                Attributes::Fresh => Attrs::default(),
            };
            if self.directories.get(far) == Some(&Directory::Failed) {
                continue;
            }
            if let Some(failure) = attrs.times.and_then(|_| lacking_times(stat, &self.home.shown(far))) {
                (self.tell)(&TransferEvent::Failed(&failure));
            }
            if attrs != Attrs::default() {
                self.connection.client.ask(&Request::Setstat(far, attrs), Tag::Finish(number))?;
            }
            if self.wishes.listed.is_made() {
                self.connection.client.ask(&Request::Lstat(far), Tag::Seal(number))?;
            }
            while !self.connection.client.has_room() {
                if let Some(incoming) = self.connection.wait()? {
                    self.take(incoming)?;
                }
            }
        }
        while !self.connection.client.is_idle() {
            if let Some(incoming) = self.connection.wait()? {
                self.take(incoming)?;
            }
        }
        Ok(())
    }

    /// What a directory is, in the words of a list.
    pub(super) fn seal_directory(&mut self, number: usize, answer: &Answer) {
        let far = &self.finishing[number].far;
        let sealed = match answer {
            Answer::Attrs(attrs) if attrs.kind() == Some(wire::DIRECTORY) => listing::sealed(attrs, None),
            _ => None,
        };
        match sealed {
            Some(sealed) => {
                (self.tell)(&TransferEvent::Finished { path: &beneath(&self.base, far, b"."), sealed: &sealed })
            }
            None => (self.tell)(&TransferEvent::Failed(&listing::unlisted(&self.home.shown(far)))),
        }
    }

    pub(super) fn finished(&mut self, number: usize, answer: &Answer) -> Result<(), Failure> {
        if !matches!(answer, Answer::Status(wire::OK, _)) {
            let name = self.home.shown(&self.finishing[number].far).into_boxed_path();
            let failure = Failure::Far { action: "preserving attributes for", name, reason: refusal(answer) };
            (self.tell)(&TransferEvent::Failed(&failure));
        }
        Ok(())
    }
}
