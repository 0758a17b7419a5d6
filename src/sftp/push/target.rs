//! A file's target: what has its name, the temporary that is made beside that, and the name in the end.

use super::failure::lacking_times;
use super::types::{Directory, Link, OutgoingFile, Phase, Push, Step};
use crate::copy::attributes::mode_after_writing;
use crate::copy::{Placement, Sealed};
use crate::kernel::{Kernel, Stat};
use crate::sftp::far_path::{beneath, join, split};
use crate::sftp::listing::{self, Taking};
use crate::sftp::types::{Attributes, Failure, KEPT_BITS, Proof, Start, TransferEvent};
use crate::sftp::wire::{self, Access, Answer, Attrs, Request};
use std::path::PathBuf;

impl<K: Kernel> Push<'_, K> {
    pub(super) fn begin_file(
        &mut self,
        file: K::File,
        stat: Stat,
        source: PathBuf,
        dir: Vec<u8>,
        name: Vec<u8>,
    ) -> Result<(), Failure> {
        let state = self.directories.get(&dir).copied();
        if state == Some(Directory::Failed) {
            // Its directory's failure was told.
            return Ok(());
        }
        let number = self.next_file;
        self.next_file += 1;
        let far = join(&dir, &name);
        let (shown, listed) = (self.home.shown(&far), beneath(&self.base, &far, &name));
        let taking = Taking::of(self.wishes.listed);
        let hashing = self.connection.hashing();
        let sent = OutgoingFile {
            source,
            shown,
            file: Some(file),
            stat,
            dir,
            name,
            temporary: None,
            handle: None,
            old: None,
            link: None,
            size: 0,
            hashing,
            value: None,
            listed,
            taking,
            proof: Proof::Nothing,
            phase: Phase::Looking,
            due: 0,
            failure: None,
            complaint: None,
            may_be_full: false,
            is_roots: false,
        };
        self.files.insert(number, sent);
        if state == Some(Directory::Fresh) { self.create(number) } else { self.look(number) }
    }

    pub(super) fn look(&mut self, number: u64) -> Result<(), Failure> {
        let path = join(&self.files[&number].dir, &self.files[&number].name);
        self.ask(number, &Request::Lstat(&path), Step::Look)
    }

    pub(super) fn looked(&mut self, number: u64, answer: Answer) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let attrs = match answer {
            Answer::Attrs(attrs) => attrs,
            Answer::Status(wire::NO_SUCH_FILE, _) => return self.create(number),
            answer => {
                self.fail_far(number, "cannot stat", &answer);
                return Ok(());
            }
        };
        match attrs.kind() {
            Some(wire::FILE) => {
                file.old = Some(attrs);
                let is_as_long = attrs.size == Some(file.stat.size);
                if is_as_long && self.wishes.start == Start::Resumed {
                    return self.compare_old(number);
                }
                self.create(number)
            }
            Some(wire::LINK) if file.link.is_none() => {
                let path = join(&file.dir, &file.name);
                let request = Request::Realpath(&path);
                file.link = Some(Link { path: path.clone(), text: None });
                self.ask(number, &request, Step::Resolve)
            }
            Some(wire::DIRECTORY) => {
                let failure = Failure::of_far("cannot overwrite directory ", &file.shown, " with non-directory");
                self.fail(number, failure);
                Ok(())
            }
            Some(_) | None => {
                let failure = Failure::of_far("cannot replace ", &file.shown, ": it is not a regular file");
                self.fail(number, failure);
                Ok(())
            }
        }
    }

    /// Where a link at the target leads: that is the target.
    pub(super) fn resolved(&mut self, number: u64, answer: Answer) -> Result<(), Failure> {
        let path = match &answer {
            Answer::Names(names) => names.first().map(|entry| entry.name.clone()),
            _ => None,
        };
        match path.filter(|path| path.starts_with(b"/") && !path.contains(&0) && !split(path).1.is_empty()) {
            Some(path) => {
                let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
                let (dir, name) = split(&path);
                (file.dir, file.name) = (dir.to_vec(), name.to_vec());
                self.look(number)
            }
            None => {
                self.fail_far(number, "cannot follow symbolic link", &answer);
                Ok(())
            }
        }
    }

    pub(super) fn create(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let temporary = self.names.next(&file.dir);
        // Until it has the old file's mode nobody else may look. What not even its owner may read is closed to all others.
        let mode = match file.old {
            Some(_) => 0o600,
            None if self.wishes.attributes == Attributes::Kept => 0o600,
            None if file.stat.mode & 0o400 == 0 => 0o600,
            None => file.stat.mode & 0o777,
        };
        file.temporary = Some(temporary.clone());
        file.phase = Phase::Opening;
        let attrs = Attrs { mode: Some(mode), ..Attrs::default() };
        self.ask(number, &Request::Open(&temporary, Access::Create, attrs), Step::Open)
    }

    pub(super) fn opened(&mut self, number: u64, handle: Vec<u8>) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        let has_failed = file.failure.is_some();
        file.handle = Some(handle.clone());
        file.phase = Phase::Sending;
        if has_failed {
            return Ok(());
        }
        if file.old.is_some_and(|old| old.owner.is_some()) {
            self.ask(number, &Request::Fstat(&handle), Step::Owner)?;
        }
        self.sending.push_back(number);
        Ok(())
    }

    /// What takes an old file's place belongs to whom that belongs to.
    pub(super) fn owned(&mut self, number: u64, attrs: Attrs) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.is_roots = attrs.owner.is_some_and(|(user, _)| user == 0);
        let (old, temporary) = (file.old.and_then(|old| old.owner), file.temporary.clone());
        match (old, temporary) {
            (Some(owner), Some(temporary)) if attrs.owner != Some(owner) && file.failure.is_none() => {
                let attrs = Attrs { owner: Some(owner), ..Attrs::default() };
                self.ask(number, &Request::Setstat(&temporary, attrs), Step::Own)
            }
            _ => Ok(()),
        }
    }

    /// Sets the attributes and gives the name.
    pub(super) fn name(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number) else { return Ok(()) };
        file.phase = Phase::Naming;
        let Some(temporary) = file.temporary.clone() else { return Ok(()) };
        let path = join(&file.dir, &file.name);
        let mode = match (self.wishes.attributes, file.old) {
            (Attributes::Kept, _) => Some(file.stat.mode & KEPT_BITS),
            (Attributes::Fresh, Some(old)) if file.is_roots => old.mode.map(|mode| mode & 0o7777),
            (Attributes::Fresh, Some(old)) => old.mode.map(|mode| mode_after_writing(mode & 0o7777)),
            (Attributes::Fresh, None) if file.stat.mode & 0o400 == 0 => Some(file.stat.mode & 0o700),
            (Attributes::Fresh, None) => None,
        };
        let times = (self.wishes.attributes == Attributes::Kept).then(|| wire::times_of(&file.stat));
        file.complaint = times.and_then(|_| lacking_times(&file.stat, &file.shown));
        if mode.is_some() || times.is_some() {
            let attrs = Attrs { mode, times, ..Attrs::default() };
            self.ask(number, &Request::Setstat(&temporary, attrs), Step::Attributes)?;
        }
        let request = if self.connection.replaces {
            Request::PosixRename(&temporary, &path)
        } else {
            Request::Rename(&temporary, &path)
        };
        self.ask(number, &request, Step::Rename)
    }

    /// Looks at what has its name now, where a list is made.
    pub(super) fn seal(&mut self, number: u64) -> Result<(), Failure> {
        let Some(file) = self.files.get_mut(&number).filter(|file| file.taking.is_some()) else {
            self.told(number, None);
            return Ok(());
        };
        file.phase = Phase::Sealing;
        match &file.link {
            // As in a copy here, the list has the link, which has the name.
            Some(link) => {
                let path = link.path.clone();
                self.ask(number, &Request::Readlink(&path), Step::ReadLink)
            }
            None => {
                let path = join(&file.dir, &file.name);
                self.ask(number, &Request::Lstat(&path), Step::Seal)
            }
        }
    }

    /// What the link says. What says nothing is none any more, and the list cannot tell what it is.
    pub(super) fn read_link(&mut self, number: u64, answer: Answer) -> Result<(), Failure> {
        let Some(link) = self.files.get_mut(&number).and_then(|file| file.link.as_mut()) else { return Ok(()) };
        link.text = match answer {
            Answer::Names(names) => names.into_iter().next().map(|entry| entry.name),
            _ => None,
        };
        let path = link.path.clone();
        self.ask(number, &Request::Lstat(&path), Step::Seal)
    }

    /// What it is, in the words of a list.
    pub(super) fn sealed(&mut self, number: u64, answer: &Answer) {
        let Some(file) = self.files.get_mut(&number) else { return };
        let taken = file.taking.take().and_then(Taking::end);
        let is_file = |attrs: &&Attrs| attrs.kind() == Some(wire::FILE) && attrs.size == Some(file.size);
        let attrs = match answer {
            Answer::Attrs(attrs) => Some(attrs).filter(is_file),
            _ => None,
        };
        let sealed = match (&file.link, answer) {
            (Some(link), Answer::Attrs(attrs)) => listing::sealed_link(attrs, link.text.as_deref()),
            _ => attrs.zip(taken).and_then(|(attrs, taken)| listing::sealed(attrs, Some(taken))),
        };
        if sealed.is_none() {
            file.complaint.get_or_insert_with(|| listing::unlisted(&file.shown));
        }
        self.told(number, sealed.as_ref());
    }

    fn told(&mut self, number: u64, sealed: Option<&Sealed>) {
        let Some(file) = self.files.remove(&number) else { return };
        let (source, target, path, size, proof) = (&file.source, &file.shown, &file.listed, file.size, file.proof);
        let placement = if file.old.is_some() { Placement::Replace } else { Placement::New };
        if file.temporary.is_some() {
            (self.tell)(&TransferEvent::Copied { source, target, size, proof, placement, path, sealed });
        } else {
            (self.tell)(&TransferEvent::Same { source, target, path, sealed });
        }
        if let Some(complaint) = &file.complaint {
            (self.tell)(&TransferEvent::Failed(complaint));
        }
    }
}
