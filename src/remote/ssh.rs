//! The system's ssh as a child: configuration, agents, jumps, masters and ciphers are the user's.

use super::operand::Host;
use std::ffi::{OsStr, OsString};
use std::io::Result;
use std::process::{Child, Command, Stdio};

/// How ssh is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    /// The program; `ssh` is looked for in PATH.
    pub program: OsString,
    /// What it is told before the host.
    pub arguments: Vec<OsString>,
}

/// What a copy needs nothing of, as OpenSSH's own scp says it.
const QUIET: [&str; 5] =
    ["-x", "-oPermitLocalCommand=no", "-oClearAllForwardings=yes", "-oRemoteCommand=none", "-oRequestTTY=no"];

/// The exit status of a shell that does not find a command.
pub(super) const NOT_FOUND: i32 = 127;

/// The exit status of ssh itself: there is no connection, or the far end starts no command.
pub(super) const FAILED: i32 = 255;

impl Ssh {
    /// Runs a command on a host, with pipes to and from it. Its messages go where ours do.
    pub(super) fn run(&self, host: &Host, command: &OsStr) -> Result<Child> {
        self.command(host, command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
    }

    /// What runs a command on a host.
    pub(super) fn command(&self, host: &Host, command: &OsStr) -> Command {
        self.calling(host, &[], command)
    }

    /// What reaches a subsystem of a host.
    pub(super) fn subsystem(&self, host: &Host, name: &OsStr) -> Command {
        self.calling(host, &["-s"], name)
    }

    fn calling(&self, host: &Host, how: &[&str], what: &OsStr) -> Command {
        let mut ssh = Command::new(&self.program);
        ssh.args(QUIET).args(&self.arguments).args(how);
        if let Some(port) = host.port {
            ssh.arg(format!("-p{port}"));
        }
        if let Some(user) = &host.user {
            ssh.arg("-l").arg(user);
        }
        ssh.arg("--").arg(&host.name).arg(what);
        ssh
    }
}
