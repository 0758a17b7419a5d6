//! A program of the machine that is run, told to nobody but the doctor, and ended when it takes too long.
//!
//! It reads nothing, speaks the C locale, and has a process group of its own, so that what it starts ends with it.

use super::clock::{Clock, GLANCE};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The most that is kept of what a program says; the rest it says to a closed pipe.
const SAID_MAX: u64 = 64 << 10;

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
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn()?;
    let said = [child.stdout.take().map(gather), child.stderr.take().map(gather)];
    let end = wait(&mut child, clock)?;
    let said = said.into_iter().flatten().filter_map(|said| said.recv_timeout(LAST_WORDS).ok());
    Ok((end, said.collect()))
}

fn wait(child: &mut Child, clock: &Clock<'_>) -> std::io::Result<End> {
    while !clock.is_over() {
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

fn gather(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, said) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is what it said.
        pipe.take(SAID_MAX).read_to_end(&mut bytes).unwrap_or(0);
        // Nobody may wait for it any more.
        sender.send(String::from_utf8_lossy(&bytes).into_owned()).unwrap_or(());
    });
    said
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
        assert_eq!(said.len() as u64, SAID_MAX);
    }
}
