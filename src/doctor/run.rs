//! A program of the machine that is run, told to nobody but the doctor, and ended when it takes too long.
//!
//! It reads nothing, speaks the C locale, and has a process group of its own, so that what it starts ends with it.

use super::clock::{Clock, GLANCE};
use crate::host::program;
use rustix::fd::OwnedFd;
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::{Errno, read};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The most that is kept of what a program says on one output; the rest it says to a closed pipe.
const SAID_MAX: usize = 64 << 10;

/// How long what a program said is waited for after it has ended: something that it started may keep the pipe open.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// Its time was over. It was killed, and where a call did not return it is still there.
    TooLong,
}

/// Runs it until it ends or the time is over; returns what it said on both outputs as well. An error is that it could
/// not be started.
pub(super) fn run(mut command: Command, clock: &Clock<'_>) -> std::io::Result<(End, String)> {
    // Elsewhere a file of the working directory may decide what it does.
    command.env("LC_ALL", "C").current_dir(Path::new("/")).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let outputs = [child.stdout.take().map(OwnedFd::from), child.stderr.take().map(OwnedFd::from)];
    let mut said = outputs.map(|pipe| Captured { pipe: pipe.filter(is_ready), bytes: Vec::new() });
    let end = wait(&mut child, &mut said, clock)?;
    let deadline = Instant::now() + LAST_WORDS;
    while said.iter().any(|said| said.pipe.is_some()) && Instant::now() < deadline {
        said.iter_mut().for_each(Captured::listen);
        std::thread::sleep(GLANCE);
    }
    // What it started ends with it; it may have been alone.
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap_or(());
    Ok((end, said.iter().map(|said| String::from_utf8_lossy(&said.bytes)).collect()))
}

/// What a program of these directories says to one word if it succeeds. None where it is not there, or may be
/// somebody else's: then what it would tell is not known.
pub(super) fn said_by(name: &str, word: &str, path: &[PathBuf], clock: &Clock<'_>) -> Option<String> {
    let found = program(path, name).filter(|found| found.is_safe)?;
    let mut command = Command::new(found.file);
    command.arg(word);
    match run(command, clock) {
        Ok((End::Exited(status), said)) if status.success() => Some(said),
        Ok((End::Exited(_) | End::TooLong, _)) | Err(_) => None,
    }
}

fn wait(child: &mut Child, said: &mut [Captured; 2], clock: &Clock<'_>) -> std::io::Result<End> {
    while !clock.is_over() {
        said.iter_mut().for_each(Captured::listen);
        if let Some(status) = child.try_wait()? {
            return Ok(End::Exited(status));
        }
        std::thread::sleep(GLANCE);
    }
    // It may have ended in this moment, and its group with it.
    kill_process_group(Pid::from_child(child), Signal::KILL).unwrap_or(());
    std::thread::sleep(GLANCE);
    // That it is gone is taken note of where it is; it is not waited for.
    child.try_wait().map(|_| End::TooLong)
}

/// What a program has said so far on one output.
struct Captured {
    /// Gone when there is nothing more to come.
    pipe: Option<OwnedFd>,
    bytes: Vec<u8>,
}

/// Makes reads of the pipe return where there is nothing to read.
fn is_ready(pipe: &OwnedFd) -> bool {
    fcntl_setfl(pipe, OFlags::NONBLOCK).is_ok()
}

impl Captured {
    /// Reads what there is.
    fn listen(&mut self) {
        let mut buffer = [0; 4096];
        while let Some(pipe) = &self.pipe {
            match read(pipe, &mut buffer) {
                Ok(count) if count > 0 && self.bytes.len() + count <= SAID_MAX => {
                    self.bytes.extend_from_slice(&buffer[..count]);
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR) => {}
                // What was read before the end, or an error, is what it said.
                Ok(_) | Err(_) => self.pipe = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Instant;

    fn shell(script: &str, limit: Duration) -> (End, String) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, &Clock::new(&AtomicBool::new(false), limit)).expect("a shell")
    }

    #[test]
    fn what_a_program_says_is_heard_on_both_outputs() {
        let (end, said) = shell("echo out; echo err >&2; exit 3", Duration::from_secs(10));
        assert!(matches!(end, End::Exited(status) if status.code() == Some(3)));
        assert_eq!(said, "out\nerr\n");
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_what_it_started() {
        let before = Instant::now();
        let (end, said) = shell("echo first; sleep 1000 & sleep 1000", Duration::from_millis(200));
        assert_eq!((end, said.as_str()), (End::TooLong, "first\n"));
        assert!(before.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_never_stops_talking_is_not_listened_to() {
        let (_, said) = shell("yes", Duration::from_secs(10));
        assert_eq!(said.len(), SAID_MAX);
    }
}
