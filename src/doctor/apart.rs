//! The examination in a process of its own.
//!
//! A thread whose call does not return, not even for SIGKILL, as on FUSE whose daemon hangs, keeps its process in the
//! process table, and whoever waits for it waiting. So the process that was started does nothing but wait for what another one finds,
//! says it, and ends; the other may stay behind. It lets go of the outputs first, for a pipe ends when nobody has it.

use super::clock::GLANCE;
use super::{Examined, GRACE, Wanted, examine};
use crate::kernel::Errno;
use crate::kernel::process::fork;
use crate::signals::{Watch, watch};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fcntl_setfl, openat};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_parent_process_death_signal, setpgid, waitpid};
use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// How much longer than the other process this one waits after a signal.
const MORE: Duration = Duration::from_secs(5);

/// Looks at the machine as asked; dies of a signal that asks it to, when nothing of a trial is left.
pub fn examine_apart(wanted: &Wanted) -> std::io::Result<Examined> {
    // Without another process what does not return keeps this one.
    let Ok((answer, answering)) = pipe_with(PipeFlags::CLOEXEC) else { return here(wanted) };
    match fork() {
        Err(_) => here(wanted),
        Ok(None) => {
            drop(answer);
            let examined = apart(wanted);
            let bytes = examined.and_then(|examined| Ok(serde_json::to_vec(&examined)?));
            let said = bytes.and_then(|bytes| File::from(answering).write_all(&bytes));
            // What the other process hears of it is that nothing was said.
            std::process::exit(i32::from(said.is_err()));
        }
        Ok(Some(pid)) => {
            drop(answering);
            let watch = watch(GRACE + MORE)?;
            let heard = hear(&answer, pid, &watch);
            watch.die_if_asked();
            Ok(serde_json::from_slice(&heard?)?)
        }
    }
}

fn here(wanted: &Wanted) -> std::io::Result<Examined> {
    let watch = watch(GRACE)?;
    let examined = examine(wanted, &watch.stop);
    watch.die_if_asked();
    Ok(examined)
}

/// The same in a process that a terminal's signals do not reach: they are passed on, once.
fn apart(wanted: &Wanted) -> std::io::Result<Examined> {
    // Where either is refused, a signal ends it less tidily, or not with this process.
    setpgid(None, None).unwrap_or(());
    set_parent_process_death_signal(Some(Signal::TERM)).unwrap_or(());
    let examined = here(wanted)?;
    let open = |path, flags| openat(CWD, path, flags | OFlags::CLOEXEC, Mode::empty());
    let null = open("/dev/null", OFlags::RDWR).or_else(|_| open("/", OFlags::RDONLY | OFlags::DIRECTORY))?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(examined)
}

/// What the other process says, in whole; signals are passed on to it.
fn hear(answer: &OwnedFd, pid: Pid, watch: &Watch) -> std::io::Result<Vec<u8>> {
    fcntl_setfl(answer, OFlags::NONBLOCK)?;
    let (mut heard, mut buffer, mut is_passed_on) = (Vec::new(), [0; 4096], false);
    loop {
        match rustix::io::read(answer.as_fd(), &mut buffer) {
            Ok(0) => break,
            Ok(count) => heard.extend_from_slice(&buffer[..count]),
            Err(Errno::AGAIN | Errno::INTR) => std::thread::sleep(GLANCE),
            Err(errno) => return Err(errno.into()),
        }
        if !is_passed_on && watch.is_asked() {
            is_passed_on = true;
            // It may have ended in this moment.
            kill_process(pid, Signal::TERM).unwrap_or(());
        }
    }
    if heard.is_empty() && !is_passed_on {
        let ended = waitpid(Some(pid), WaitOptions::empty())?;
        let signal = ended.and_then(|(_, status)| status.terminating_signal());
        let how = signal.map_or_else(String::new, |signal| format!(", by signal {signal}"));
        return Err(std::io::Error::other(format!("the examination ended early{how}")));
    }
    Ok(heard)
}
