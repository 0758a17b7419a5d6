//! A far end on this machine: Debian's own sftp-server and a shell, by pipes, as ssh would start them.

use safecp::kernel::linux::Linux;
use safecp::kernel::retry::Retrying;
use safecp::sftp::{
    self, Attributes, Failure, ListDigests, Near, Proof, Reach, Start, TransferEvent, Tree, Verify, Wishes, Writing,
};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

/// Where packages of OpenSSH put the server.
const SERVERS: [&str; 3] =
    ["/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/openssh/sftp-server"];

/// The server of this machine.
pub(crate) fn server() -> Option<&'static str> {
    SERVERS.into_iter().find(|path| Path::new(path).exists())
}

/// A far end: a script for each channel. `$server` is the SFTP server, `$line` what a shell is to run.
#[derive(Clone)]
pub(crate) struct Far {
    sftp: String,
    shell: Option<String>,
}

impl Far {
    pub(crate) fn plain() -> Self {
        Self { sftp: "exec $server".to_owned(), shell: Some("exec sh -c \"$line\"".to_owned()) }
    }

    pub(crate) fn sftp(self, script: &str) -> Self {
        Self { sftp: script.to_owned(), ..self }
    }

    pub(crate) fn shell(self, script: Option<&str>) -> Self {
        Self { shell: script.map(str::to_owned), ..self }
    }

    fn command(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("server", server().expect("an SFTP server"));
        command
    }
}

impl Reach for Far {
    fn sftp(&self) -> Command {
        Self::command(&self.sftp)
    }

    fn shell(&self, line: &str) -> Option<Command> {
        let mut command = Self::command(self.shell.as_ref()?);
        command.env("line", line);
        Some(command)
    }
}

/// What a run told.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) copied: Vec<(PathBuf, PathBuf, u64, Proof)>,
    pub(crate) made: Vec<PathBuf>,
    pub(crate) same: Vec<PathBuf>,
    pub(crate) failed: Vec<String>,
    pub(crate) changed: Vec<PathBuf>,
    pub(crate) twice: Vec<PathBuf>,
    pub(crate) passed_over: Vec<PathBuf>,
    pub(crate) verifying: Option<Proof>,
    pub(crate) ended: Option<String>,
}

impl Heard {
    fn hear(&mut self, told: &TransferEvent<'_>) {
        match told {
            TransferEvent::Verifying(proof) => self.verifying = Some(*proof),
            TransferEvent::Made { target } => self.made.push(target.to_path_buf()),
            TransferEvent::Copied { source, target, size, proof, .. } => {
                self.copied.push((source.to_path_buf(), target.to_path_buf(), *size, *proof));
            }
            TransferEvent::Twice { source, .. } => self.twice.push(source.to_path_buf()),
            TransferEvent::PassedOver { source } => self.passed_over.push(source.to_path_buf()),
            TransferEvent::Changed { source } => self.changed.push(source.to_path_buf()),
            TransferEvent::Failed(failure) => self.failed.push(failure.to_string()),
            TransferEvent::Moved(_) | TransferEvent::Finished { .. } => {}
            TransferEvent::Same { target, .. } => self.same.push(target.to_path_buf()),
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        self.failed.is_empty() && self.ended.is_none()
    }

    /// All of it as one line for each.
    pub(crate) fn complaints(&self) -> String {
        self.failed.iter().chain(&self.ended).cloned().collect::<Vec<_>>().join("\n")
    }
}

/// What most transfers are asked.
pub(crate) fn wishes() -> Wishes {
    Wishes {
        tree: Tree::Copied,
        attributes: Attributes::Fresh,
        verify: Verify::Content,
        writing: Writing::Later,
        umask: 0o022,
        speed_max: None,
        listed: ListDigests::Nothing,
        start: Start::Anew,
    }
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Push,
    Pull,
}

/// Copies, and returns what was told.
pub(crate) fn copy<S: AsRef<OsStr>>(way: Way, far: &dyn Reach, sources: &[S], target: &Path, wishes: &Wishes) -> Heard {
    let (kernel, stop, mut heard) = (Retrying(Linux::new()), AtomicBool::new(false), Heard::default());
    let near = Near { kernel: &kernel, stop: &stop };
    let sources: Vec<PathBuf> = sources.iter().map(|source| PathBuf::from(source.as_ref())).collect();
    let tell = &mut |told: &TransferEvent<'_>| heard.hear(told);
    let done: Result<(), Failure> = match way {
        Way::Push => sftp::push(&near, far, &sources, target, wishes, tell),
        Way::Pull => sftp::pull(&near, far, &sources, target, wishes, tell),
    };
    heard.ended = done.err().map(|failure| failure.to_string());
    heard
}
