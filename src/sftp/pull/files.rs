//! A file on its way: it is opened and looked at, and it ends with its name, or with why it failed.

use super::names::NOT_REGULAR;
use super::types::{FarName, Old, Pull, Received, Step, Tag};
use crate::kernel::Kernel;
use crate::sftp::landing::NamingError;
use crate::sftp::reading::Reading;
use crate::sftp::status::refusal;
use crate::sftp::types::{Failure, Proof, TransferEvent};
use crate::sftp::wire::{self, Access, Answer, Attrs, Request};
use std::path::PathBuf;

/// The digest of a file that is larger is asked for while the file comes.
const DIGEST_EARLY: u64 = 1 << 20;

impl<K: Kernel> Pull<'_, K> {
    pub(super) fn begin_file(&mut self, found: FarName<K::File>) -> Result<(), Failure> {
        let FarName { source, path, dir, name, above: _ } = found;
        let Some(name) = name else {
            self.failed(Failure::of_far("", &source, ": not a directory"));
            self.release(dir);
            return Ok(());
        };
        let shown = dir.shown.join(&name);
        let landed = self.landings.land(&dir, &name, shown);
        self.release(dir);
        match landed {
            Ok(landing) => {
                let number = self.number();
                let file = Received {
                    source,
                    path,
                    landing,
                    old: Old::Unseen,
                    attrs: Attrs::default(),
                    handle: None,
                    value: None,
                    told: None,
                    size: 0,
                    has_changed: false,
                    proof: Proof::Nothing,
                    due: 0,
                    failure: None,
                };
                self.files.insert(number, file);
                self.open(number, Step::Open)
            }
            Err(error) => {
                self.failed_here(error);
                Ok(())
            }
        }
    }

    pub(super) fn ask(&mut self, number: u64, request: &Request<'_>, step: Step) -> Result<(), Failure> {
        if let Some(file) = self.files.get_mut(&number) {
            file.due += 1;
        }
        self.connection.client.ask(request, Tag::File(number, step))
    }

    pub(super) fn open(&mut self, number: u64, step: Step) -> Result<(), Failure> {
        let path = self.files[&number].path.clone();
        self.ask(number, &Request::Open(&path, Access::Read, Attrs::default()), step)
    }

    pub(super) fn answered(&mut self, number: u64, step: Step, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.due -= 1;
        match (step, answer) {
            (Step::Open, Answer::Handle(handle)) => {
                file.handle = Some(handle.clone());
                self.ask(number, &Request::Fstat(&handle), Step::Look)?;
            }
            (Step::Look, Answer::Attrs(attrs)) if matches!(attrs.kind(), Some(wire::FILE) | None) => {
                file.attrs = attrs;
                if self.is_to_be_compared(number) {
                    self.compare_old(number)?;
                    return self.turn(number);
                }
                let Some(file) = self.files.get(&number) else { return Ok(()) };
                let handle = file.handle.clone().unwrap_or_default();
                let hashing = self.connection.hashing();
                let size = attrs.size.unwrap_or(0);
                self.readings.begin(number, Reading::new(handle, size, hashing));
                if size >= DIGEST_EARLY {
                    self.ask_far_digest(number);
                }
            }
            (Step::Look, Answer::Attrs(_)) => {
                let failure = Failure::of_far("", &file.source, NOT_REGULAR);
                self.fail(number, failure);
            }
            (Step::OpenAgain, Answer::Handle(handle)) => {
                file.handle = Some(handle);
                self.read_again(number);
            }
            (Step::LookAgain, answer) => self.looked_again(number, &answer)?,
            (Step::LookFurther, Answer::Attrs(attrs)) => self.looked_further(number, attrs)?,
            (Step::LookAtEnd, answer) => self.looked_at_end(number, &answer)?,
            (Step::LookAtFilesystem, answer) => self.looked_at_filesystem(number, &answer)?,
            (Step::Read(asked), answer) => self.was_read(number, asked, answer)?,
            (Step::Open | Step::OpenAgain, answer) => self.fail_far(number, "cannot open", &answer),
            (Step::Look | Step::LookFurther, answer) => self.fail_far(number, "cannot stat", &answer),
        }
        self.turn(number)
    }

    pub(super) fn name(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        match self.landings.name(&mut file.landing, file.attrs) {
            Ok(complaint) => {
                let Some(file) = self.files.get(&number) else { return Ok(()) };
                let (source, target, size, proof) = (&file.source, &file.landing.shown, file.size, file.proof);
                let sealed = self.sealed(&file.landing);
                let path = self.path_in_list(target);
                let (sealed, unsealed) = sealed.map_or_else(|error| (None, Some(error)), |sealed| (sealed, None));
                let (placement, sealed) = (file.landing.placement(), sealed.as_ref());
                if file.has_changed {
                    (self.tell)(&TransferEvent::Changed { source });
                }
                (self.tell)(&TransferEvent::Copied { source, target, size, proof, placement, path: &path, sealed });
                complaint.into_iter().chain(unsealed).for_each(|error| self.failed_here(error));
                self.done(number)
            }
            Err(NamingError::Failed(error)) => {
                self.fail(number, Failure::Here(error));
                self.turn(number)
            }
            Err(NamingError::Again) => {
                self.landings.lacks_links = true;
                self.readings.end(number);
                let Some(file) = self.files.remove(&number) else { return Ok(()) };
                self.forget(number, &file);
                self.again(file)
            }
        }
    }

    /// Once more, with a temporary that has a name.
    fn again(&mut self, file: Received<K::File>) -> Result<(), Failure> {
        if let Some(handle) = &file.handle {
            self.connection.client.ask(&Request::Close(handle), Tag::Rest)?;
        }
        let Received { source, path, landing, .. } = file;
        let name = landing.shown.file_name().map(PathBuf::from);
        self.begin_file(FarName { source, path, dir: landing.dir, name, above: None })
    }

    pub(super) fn fail(&mut self, number: u64, failure: Failure) {
        self.readings.stop(number);
        if let Some(file) = self.files.get_mut(&number) {
            file.failure.get_or_insert(failure);
        }
    }

    pub(super) fn fail_far(&mut self, number: u64, action: &'static str, answer: &Answer) {
        let name = self.files[&number].source.as_path().into();
        self.fail(number, Failure::Far { action, name, reason: refusal(answer) });
    }

    /// A failed file goes when nothing of it is due.
    pub(super) fn turn(&mut self, number: u64) -> Result<(), Failure> {
        let is_failed = self.files.get(&number).is_some_and(|file| file.due == 0 && file.failure.is_some());
        if is_failed { self.done(number) } else { Ok(()) }
    }

    pub(super) fn done(&mut self, number: u64) -> Result<(), Failure> {
        self.readings.end(number);
        let Some(mut file) = self.files.remove(&number) else { return Ok(()) };
        self.forget(number, &file);
        self.landings.discard(&mut file.landing);
        if let Some(handle) = &file.handle {
            self.connection.client.ask(&Request::Close(handle), Tag::Rest)?;
        }
        if let Some(failure) = file.failure {
            self.failed(failure);
        }
        self.release(file.landing.dir);
        Ok(())
    }
}
