//! What a cp does when it is refused the search for holes: some write nothing then, and say success.
//!
//! uutils cp (0.12 and before) takes every error of lseek for the end of the data, so that a file that looks
//! sparse arrives as zeros. No error number helps. Such a cp is found out by a copy: under the filter, of a
//! sparse file in memory.

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{Errno, pread, pwrite};
use rustix::process::{Pid, Signal, kill_process_group};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Set for the copy that tries a cp: one that is a script around the guard is not to try itself for ever.
const TRYING: &str = "SAFECP_GUARD_TRIES";

/// More than any program reads at once, so that a file with a piece in it is sparse to everyone.
const SIZE: u64 = 1 << 20;

/// Lies within a page, with holes on both sides.
const PIECE: (&[u8], u64) = (b"between two holes", 600_000);

/// How long the copy may take; it takes two milliseconds.
const LIMIT: Duration = Duration::from_secs(1);

/// How often it is looked whether the copy has ended.
const GLANCE: Duration = Duration::from_micros(500);

/// What came of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    /// The copy is right.
    Right,
    /// The program said that it failed.
    Failed,
    /// It said success of a wrong copy.
    Wrong,
    /// It was ended, and what it had started with it.
    TooLong,
}

/// Whether this process is part of a trial itself.
pub(super) fn is_one() -> bool {
    std::env::var_os(TRYING).is_some()
}

/// Has the program make one copy. To be called under the filter.
pub(super) fn of(program: &Path) -> Result<Tried, Errno> {
    let source = memfd_create("sparse", MemfdFlags::CLOEXEC)?;
    let target = memfd_create("copy", MemfdFlags::CLOEXEC)?;
    ftruncate(&source, SIZE)?;
    pwrite(&source, PIECE.0, PIECE.1)?;
    let mut command = Command::new(program);
    command.args([by_proc(&source), by_proc(&target)]).env(TRYING, "1").current_dir("/").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let io = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    let mut child = command.spawn().map_err(io)?;
    let ended = wait(&mut child, LIMIT).map_err(io)?;
    // Nobody may be left of its group where it has ended by itself.
    kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap_or(());
    let Some(status) = ended else {
        // The command that takes this program's place is not to find its remains, unless a call holds it.
        return wait(&mut child, LIMIT).map(|_| Tried::TooLong).map_err(io);
    };
    let mut piece = [0; PIECE.0.len()];
    let read = pread(&target, &mut piece, PIECE.1)?;
    Ok(match (status.success(), piece[..read] == *PIECE.0) {
        (true, true) => Tried::Right,
        (true, false) => Tried::Wrong,
        (false, _) => Tried::Failed,
    })
}

/// How it ended; nothing if it goes on.
fn wait(child: &mut Child, limit: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        sleep(GLANCE);
    }
    Ok(None)
}

/// A name by which another process of this user reaches the file.
fn by_proc(file: &OwnedFd) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}
