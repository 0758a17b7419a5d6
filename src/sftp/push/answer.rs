//! Answers about a file: each to the step that asked, and then the next step, if no other answer is due.

use super::types::{Phase, Push, Step};
use crate::kernel::Kernel;
use crate::sftp::reading::Reading;
use crate::sftp::status::{is_failure, refusal};
use crate::sftp::types::Failure;
use crate::sftp::wire::{self, Answer};

impl<K: Kernel> Push<'_, K> {
    pub(super) fn answered(&mut self, number: u64, step: Step, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.due -= 1;
        let is_ok = matches!(answer, Answer::Status(wire::OK, _));
        match (step, answer) {
            (Step::Look, answer) => self.looked(number, answer)?,
            (Step::Resolve, answer) => self.resolved(number, answer)?,
            (Step::Open, Answer::Handle(handle)) => self.opened(number, handle)?,
            (Step::Open, answer) => {
                file.temporary = None;
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "cannot create regular file", &answer);
            }
            (Step::Owner, Answer::Attrs(attrs)) => self.owned(number, attrs)?,
            (Step::Write | Step::Sync | Step::Close | Step::Own | Step::Rename | Step::Remove, _) if is_ok => {}
            (Step::Write, answer) => {
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "error writing", &answer);
            }
            (Step::Sync, answer) => {
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "cannot fsync", &answer);
            }
            (Step::Close, answer) => {
                file.may_be_full = is_failure(&answer);
                self.fail_far(number, "failed to close", &answer);
            }
            (Step::Owner | Step::Own, answer) => self.fail_far(number, "failed to preserve ownership for", &answer),
            (Step::OpenOld, Answer::Handle(handle)) => {
                self.readings.begin(number, Reading::new(handle, file.size, file.hashing.renewed()));
            }
            // What cannot be read is copied, or fails by that.
            (Step::OpenOld, _) => self.differs(number)?,
            (Step::OpenAgain, Answer::Handle(handle)) => {
                self.readings.begin(number, Reading::new(handle, file.size, file.hashing.renewed()));
            }
            (Step::OpenAgain, answer) => self.unverified(number, refusal(&answer)),
            (Step::Read(asked), answer) => self.was_read(number, asked, answer)?,
            (Step::Attributes, _) if is_ok => {}
            (Step::Attributes, answer) => {
                let (name, reason) = (file.shown.clone().into_boxed_path(), refusal(&answer));
                file.complaint = Some(Failure::Far { action: "preserving attributes for", name, reason });
            }
            (Step::Rename, answer) => {
                let action = if file.old.is_some() && !self.connection.replaces {
                    "server cannot replace a file in one step; cannot replace"
                } else {
                    "cannot create regular file"
                };
                self.fail_far(number, action, &answer);
            }
            (Step::ReadLink, answer) => self.read_link(number, answer)?,
            (Step::Seal, answer) => self.sealed(number, &answer),
            (Step::Room, Answer::Extended(body)) => self.note_room(number, &body),
            // Nothing can be done about it.
            (Step::Room | Step::Remove, _) => {}
        }
        self.turn(number)
    }

    /// Takes a file's next step if nothing of it is due.
    pub(super) fn turn(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        if file.due > 0 {
            return Ok(());
        }
        match file.phase {
            _ if file.failure.is_some() => self.clean(number),
            Phase::Closing => self.verify(number),
            Phase::Naming => self.seal(number),
            Phase::Looking
            | Phase::Comparing
            | Phase::Opening
            | Phase::Sending
            | Phase::Verifying
            | Phase::Sealing
            | Phase::Asking
            | Phase::Removing => Ok(()),
        }
    }
}
