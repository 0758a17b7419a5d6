//! Both channels to the far end, started together so that one login time passes, and the queue that they feed.

use super::client::{Client, Extension, Greeted};
use super::far_digest::{self, FarDigest};
use super::hashing::{Algorithm, Hashing};
use super::incoming::Incoming;
use super::status::{is_missing, unseen};
use super::types::{Failure, Proof, Reach, Verify, Wishes, Writing};
use super::wire::{Answer, Attrs, Request};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long nothing may come before somebody looks whether the run is to end.
const LOOK: Duration = Duration::from_millis(100);

/// The two channels before files move: questions are answered one at a time.
pub(super) struct IdleConnection {
    pub(super) server: Greeted,
    digest: Option<FarDigest>,
    sender: Sender<Incoming>,
    incoming: Receiver<Incoming>,
    verify: Verify,
}

/// The two channels while files move.
pub(super) struct Connection<T> {
    pub(super) client: Client<T>,
    digest: Option<FarDigest>,
    incoming: Receiver<Incoming>,
    verify: Verify,
    pub(super) replaces: bool,
    pub(super) tells_room: bool,
}

impl IdleConnection {
    pub(super) fn new(reach: &dyn Reach, wishes: &Wishes) -> Result<Self, Failure> {
        let (sender, incoming) = channel();
        let asked = match wishes.verify {
            Verify::Content => far_digest::ask(reach, sender.clone()),
            Verify::Nothing => None,
        };
        let server = Greeted::start(reach.sftp())?;
        if wishes.writing == Writing::Durable && !server.has(Extension::Fsync) {
            return Err(Failure::Broken("it cannot write files out: it has no fsync@openssh.com".to_owned()));
        }
        let digest = asked.and_then(far_digest::StartedCommand::started);
        let mut idle = Self { server, digest: None, sender, incoming, verify: wishes.verify };
        if let Some(digest) = digest {
            // What a shell calls by a name may be another file than SFTP's.
            let is_one_view = idle.absolute(b".")? == digest.begins_in;
            idle.digest = Some(digest).filter(|_| is_one_view);
        }
        Ok(idle)
    }

    /// What stands at a path, links followed; `None` if the server says that nothing does.
    pub(super) fn look(&mut self, path: &[u8]) -> Result<Option<Attrs>, Failure> {
        match self.server.call(&Request::Stat(path))? {
            Answer::Attrs(attrs) => Ok(Some(attrs)),
            answer if is_missing(&answer) => Ok(None),
            answer => Err(unseen(path, &answer)),
        }
    }

    /// The absolute path, so that both channels mean the same file. One that cannot be told stays what it is.
    pub(super) fn absolute(&mut self, path: &[u8]) -> Result<Vec<u8>, Failure> {
        let asked: &[u8] = if path.is_empty() { b"." } else { path };
        match self.server.call(&Request::Realpath(asked))? {
            Answer::Names(names) => {
                let name = names.into_iter().next().map(|entry| entry.name);
                Ok(name.filter(|name| name.starts_with(b"/") && !name.contains(&0)).unwrap_or_else(|| asked.to_vec()))
            }
            _ => Ok(asked.to_vec()),
        }
    }

    pub(super) fn proof(&self) -> Proof {
        match (&self.digest, self.verify) {
            (_, Verify::Nothing) => Proof::Nothing,
            (Some(digest), Verify::Content) => Proof::Digest(digest.program.name()),
            (None, Verify::Content) => Proof::ReadBack,
        }
    }

    pub(super) fn begin<T>(self) -> Connection<T> {
        let (replaces, tells_room) = (self.server.has(Extension::PosixRename), self.server.has(Extension::Statvfs));
        let client = self.server.into_client(self.sender);
        Connection { client, digest: self.digest, incoming: self.incoming, verify: self.verify, replaces, tells_room }
    }
}

impl<T> Connection<T> {
    /// What content is hashed with, so that the far end's digest is of the same kind.
    pub(super) fn hashing(&self) -> Hashing {
        Hashing::new(self.digest.as_ref().map_or(Algorithm::Blake3, |digest| digest.program.algorithm()))
    }

    /// How the file of this path is to be verified.
    pub(super) fn proof_of(&self, path: &[u8]) -> Proof {
        match (&self.digest, self.verify) {
            (_, Verify::Nothing) => Proof::Nothing,
            (Some(digest), Verify::Content) if far_digest::can_tell(path) => Proof::Digest(digest.program.name()),
            (Some(_) | None, Verify::Content) => Proof::ReadBack,
        }
    }

    /// Asks for a far file's digest. False if it can no longer be had.
    pub(super) fn submit(&self, path: &[u8]) -> bool {
        self.digest.as_ref().is_some_and(|digest| digest.submit(path))
    }

    /// No more digests will be asked for.
    pub(super) fn end_digests(&mut self) {
        if let Some(digest) = &mut self.digest {
            digest.end();
        }
    }

    /// What came in and was not taken, without waiting.
    pub(super) fn came(&self) -> Option<Incoming> {
        self.incoming.try_recv().ok()
    }

    /// Sends what is held back and waits a moment for something to come in.
    pub(super) fn wait(&mut self) -> Result<Option<Incoming>, Failure> {
        self.client.flush()?;
        match self.incoming.recv_timeout(LOOK) {
            Ok(incoming) => Ok(Some(incoming)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Failure::Broken("closed".to_owned())),
        }
    }

    /// Digests that were not told will not be.
    pub(super) fn forget_digests(&mut self) {
        self.digest = None;
    }
}
