//! A transfer to or from a machine where no safecp answers. Files go over SFTP, and a program there makes their digests, or
//! they are read back. What SFTP cannot carry is refused before anything is written.

use super::far_copy::far_copy;
use super::message::Sources;
use super::operand::{Host, from_home, label};
use super::ssh::Ssh;
use super::terms::{Carried, Depth, Lasting, Terms};
use super::transport::NoSafecp;
use crate::account::Running;
use crate::copy::{Copied, Outcome, Placement, Sealed, Special, Thing, Verified};
use crate::error::{Action, Error};
use crate::host;
use crate::kernel::{Kernel, Kind, Mode, OFlags, ResolveFlags};
use crate::options::{self, Sparse, Unfinished, Verbosity};
use crate::quote::quoted;
use crate::report::{Event, Listener, Report};
use crate::sftp::{
    self, Attributes, Failure, ListDigests, Near, Proof, Reach, TransferEvent, Tree, Verify, Wishes, Writing,
};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

/// One machine, and what is wanted of it.
pub(super) struct OverSftp<'a, K: Kernel> {
    /// The files of this machine.
    pub(super) kernel: &'a K,
    /// How ssh is called.
    pub(super) ssh: &'a Ssh,
    /// Where.
    pub(super) host: &'a Host,
    /// What is asked for.
    pub(super) terms: Terms,
    /// So many bytes a second at most.
    pub(super) speed_max: Option<u64>,
    /// Why files do not go by the safecp there.
    pub(super) lack: NoSafecp,
    /// Who is told of the way.
    pub(super) report: &'a Report,
    /// Who is told of names.
    pub(super) listener: &'a dyn Listener,
    /// Who has lent ssh the terminal.
    pub(super) running: &'a Running,
    /// What a list takes of them.
    pub(super) listed: ListDigests,
    /// Set where the run is to end.
    pub(super) stop: &'a AtomicBool,
}

/// Which end writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Push,
    Pull,
}

/// Both channels by ssh, in the words of way A.
struct Channels<'a> {
    ssh: &'a Ssh,
    host: &'a Host,
}

impl Reach for Channels<'_> {
    fn sftp(&self) -> Command {
        self.ssh.subsystem(self.host, OsStr::new("sftp"))
    }

    fn shell(&self, line: &str) -> Option<Command> {
        Some(self.ssh.command(self.host, OsStr::new(line)))
    }
}

impl<K: Kernel> OverSftp<'_, K> {
    /// Sends files of this machine.
    pub(super) fn push(&self, paths: &[PathBuf], target: &Path) {
        let (near, channels) = self.ends();
        self.run(Direction::Push, |wishes, tell| sftp::push(&near, &channels, paths, &from_home(target), wishes, tell));
    }

    /// Receives files of the other machine. Several sources in all need a directory.
    pub(super) fn pull(&self, patterns: &[PathBuf], target: &Path, sources: Sources) {
        let (near, channels) = self.ends();
        let paths: Vec<PathBuf> = patterns.iter().map(|pattern| from_home(pattern)).collect();
        self.run(Direction::Pull, |wishes, tell| {
            if sources == Sources::Several {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY;
                let opened = self.kernel.open(None, target, flags, Mode::empty(), ResolveFlags::empty());
                let refused = |errno| Failure::Here(Error::call(Action::TargetDirectoryOption, target, errno));
                opened.map(drop).map_err(refused)?;
            }
            sftp::pull(&near, &channels, &paths, target, wishes, tell)
        });
    }

    /// Says that this cannot be done over SFTP.
    pub(super) fn refuse(&self, why: &str) {
        self.running.take_terminal_back();
        let lack = match &self.lack {
            NoSafecp::Asked => String::new(),
            lack @ (NoSafecp::NotFound(_) | NoSafecp::Unfit(..) | NoSafecp::Silent(_)) => format!("{lack}, and "),
        };
        self.say(&Error::Refused(format!("{}: {lack}{why}", self.host)));
    }

    fn ends(&self) -> (Near<'_, K>, Channels<'_>) {
        let near = Near { kernel: self.kernel, stop: self.stop };
        (near, Channels { ssh: self.ssh, host: self.host })
    }

    fn run(
        &self,
        direction: Direction,
        copy: impl FnOnce(&Wishes, &mut dyn FnMut(&TransferEvent<'_>)) -> Result<(), Failure>,
    ) {
        let wishes = match wishes(&self.terms) {
            Ok(wishes) => Wishes { speed_max: self.speed_max, listed: self.listed, ..wishes },
            Err(why) => return self.refuse(why),
        };
        let mut has_answered = false;
        let done = copy(&wishes, &mut |told| {
            has_answered = true;
            self.running.take_terminal_back();
            self.hear(told, direction);
        });
        self.running.take_terminal_back();
        match (done, &self.lack) {
            (Ok(()), _) => {}
            (Err(Failure::Broken(reason)), NoSafecp::NotFound(_) | NoSafecp::Unfit(..) | NoSafecp::Silent(_))
                if !has_answered =>
            {
                let hint = "--far-program=PROGRAM says where it is";
                let text = format!("{}: {} ({hint}), and no SFTP: {reason}", self.host, self.lack);
                self.say(&Error::Refused(text));
            }
            (Err(failure), _) => self.failed(&failure, direction),
        }
    }

    fn hear(&self, told: &TransferEvent<'_>, direction: Direction) {
        let is_verbose = self.terms.verbosity >= Verbosity::Names;
        match told {
            TransferEvent::Verifying(proof) if is_verbose => {
                let text = format!("{}: {}: over SFTP, {}", self.host, self.lack, proved(*proof, direction));
                self.report.hear(&Event::Noted(&text));
            }
            TransferEvent::Made { target } => {
                let directory = self.target(target, direction);
                self.listener.hear(&Event::DirectoryCreated { directory: &directory });
            }
            TransferEvent::Copied { source, target, size, proof, placement, path, sealed } => {
                let (source, target) = (self.source(source, direction), self.target(target, direction));
                let (outcome, sealed) = (copied(*size, (*proof, *placement), *sealed), *sealed);
                let outcome = Outcome::Copied(Box::new(outcome));
                self.listener.hear(&Event::Finished {
                    source: &source,
                    target: &target,
                    path,
                    outcome: &outcome,
                    sealed,
                });
            }
            TransferEvent::Same { source, target, path, sealed } => {
                let (source, target) = (self.source(source, direction), self.target(target, direction));
                let outcome = Outcome::Made(Special::new(Thing::Same, Vec::new(), None));
                let (outcome, sealed) = (&outcome, *sealed);
                self.listener.hear(&Event::Finished { source: &source, target: &target, path, outcome, sealed });
            }
            TransferEvent::Finished { path, sealed } => self.listener.hear(&Event::DirectoryFinished { path, sealed }),
            TransferEvent::Changed { source } => {
                let source = self.source(source, direction);
                self.listener.hear(&Event::Warned(&format!("{} changed while being copied", quoted(&source))));
            }
            TransferEvent::Twice { source, kind } => {
                let what = if *kind == Kind::Directory { "directory" } else { "file" };
                let source = quoted(&self.source(source, direction)).to_string();
                self.listener.hear(&Event::Warned(&format!("source {what} {source} specified more than once")));
            }
            TransferEvent::PassedOver { source } => {
                let source = self.source(source, direction);
                self.listener.hear(&Event::Warned(&format!("{} is not a regular file: passed over", quoted(&source))));
            }
            TransferEvent::Failed(failure) => self.failed(failure, direction),
            TransferEvent::Verifying(_) | TransferEvent::Moved(_) => {}
        }
    }

    /// Says it with names as they are in the messages of way A.
    fn failed(&self, failure: &Failure, direction: Direction) {
        let text = match failure {
            Failure::Stopped => return self.say(&Error::Interrupted),
            Failure::Here(error) => return self.say(error),
            Failure::Far { action, name, reason } => {
                Failure::Far { action, name: self.far(name).into(), reason: reason.clone() }.to_string()
            }
            Failure::OfFar { before, name, after } => {
                let (before, name, after) = (before.clone(), self.far(name).into(), after.clone());
                Failure::OfFar { before, name, after }.to_string()
            }
            Failure::Differs { name } => Failure::Differs { name: self.target(name, direction).into() }.to_string(),
            Failure::Unverified { name, reason } => {
                let name = self.target(name, direction).into();
                Failure::Unverified { name, reason: reason.clone() }.to_string()
            }
            Failure::Broken(_) => format!("{}: {failure}", self.host),
        };
        self.say(&Error::Refused(text));
    }

    fn say(&self, error: &Error) {
        self.listener.hear(&Event::Failed(error));
    }

    fn far(&self, path: &Path) -> PathBuf {
        label(&self.host.to_string(), path)
    }

    fn source(&self, path: &Path, direction: Direction) -> PathBuf {
        if direction == Direction::Pull { self.far(path) } else { path.to_owned() }
    }

    fn target(&self, path: &Path, direction: Direction) -> PathBuf {
        if direction == Direction::Push { self.far(path) } else { path.to_owned() }
    }
}

/// The terms in the words of SFTP, or what it cannot keep of them.
fn wishes(terms: &Terms) -> Result<Wishes, &'static str> {
    let attributes = match terms.carried {
        Carried::Nothing => Attributes::Fresh,
        Carried::Times => Attributes::Kept,
        Carried::Everything => {
            return Err("SFTP does not carry what --archive keeps: owners, lists, attributes, holes, hard links");
        }
    };
    if terms.unfinished == Unfinished::Kept {
        return Err("SFTP keeps no parts of files (--partial)");
    }
    if terms.sparse == Sparse::Always {
        return Err("SFTP makes no holes (--sparse=always)");
    }
    let verify = match terms.verify {
        options::Verify::Content | options::Verify::Blake3 => Verify::Content,
        options::Verify::Device => return Err("SFTP reads nothing from a device (--verify=device)"),
        options::Verify::Map => return Err("SFTP tells no extents (--verify=map)"),
        options::Verify::Nothing => Verify::Nothing,
    };
    Ok(Wishes {
        tree: if terms.depth == Depth::Trees { Tree::Copied } else { Tree::Refused },
        attributes,
        verify,
        writing: if terms.lasting == Lasting::Durable { Writing::Durable } else { Writing::Later },
        umask: host::umask(),
        speed_max: None,
        listed: ListDigests::Nothing,
        start: terms.start,
    })
}

/// A file that was copied, in the words of a report.
fn copied(size: u64, (proof, placement): (Proof, Placement), sealed: Option<&Sealed>) -> Copied {
    let verified = match proof {
        Proof::Digest(_) => Verified::FarDigest,
        Proof::ReadBack => Verified::Content,
        Proof::Nothing => Verified::No,
    };
    Copied { digests: sealed.and_then(|sealed| sealed.digests.clone()), ..far_copy(size, verified, placement) }
}

/// How files are verified, in words.
fn proved(proof: Proof, direction: Direction) -> String {
    match (proof, direction) {
        (Proof::Digest(program), _) => format!("verified by {program} there"),
        (Proof::ReadBack, Direction::Push) => "verified by reading back from there".to_owned(),
        (Proof::ReadBack, Direction::Pull) => "verified by reading twice from there".to_owned(),
        (Proof::Nothing, _) => "not verified".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sftp_cannot_keep_is_told_and_the_rest_is_asked_for() {
        let plain = Terms::plain();
        for (terms, option) in [
            (Terms { carried: Carried::Everything, ..plain }, "--archive"),
            (Terms { sparse: Sparse::Always, ..plain }, "--sparse=always"),
            (Terms { unfinished: Unfinished::Kept, ..plain }, "--partial"),
            (Terms { verify: options::Verify::Device, ..plain }, "--verify=device"),
        ] {
            assert!(wishes(&terms).expect_err(option).contains(option));
        }
        let all = Terms { carried: Carried::Times, depth: Depth::Trees, lasting: Lasting::Durable, ..plain };
        let wishes = wishes(&all).expect("all of it");
        let asked = (wishes.tree, wishes.attributes, wishes.verify, wishes.writing);
        assert_eq!(asked, (Tree::Copied, Attributes::Kept, Verify::Content, Writing::Durable));
    }
}
