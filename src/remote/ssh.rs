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

impl Ssh {
    /// Runs a command on a host, with pipes to and from it. Its messages go where ours do.
    pub(super) fn run(&self, host: &Host, command: &OsStr) -> Result<Child> {
        let mut ssh = Command::new(&self.program);
        ssh.args(QUIET).args(&self.arguments);
        if let Some(port) = host.port {
            ssh.arg(format!("-p{port}"));
        }
        if let Some(user) = &host.user {
            ssh.arg("-l").arg(user);
        }
        ssh.arg("--").arg(&host.name).arg(command);
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
    }
}
