//! What a cp does when it is refused the search for holes: some write nothing then, and say success.
//!
//! uutils cp (0.12 and before) takes every error of lseek for the end of the data, so that a file that looks
//! sparse arrives as zeros. No error number helps. Such a cp is found out by a copy: under the filter, of a
//! sparse file in memory.

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{Errno, pread, pwrite};
use std::fs::canonicalize;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set for the copy that tries a cp: one that is a script around the guard is not to try itself for ever.
const TRYING: &str = "SAFECP_GUARD_TRIES";

/// More than any program reads at once, so that a file with a piece in it is sparse to everyone.
const SIZE: u64 = 1 << 20;

/// Lies within a page, with holes on both sides.
const PIECE: (&[u8], u64) = (b"between two holes", 600_000);

/// The first of the programs that says success of a wrong copy. To be called under the filter. What cannot be
/// tried, for want of /proc for example, is not found out.
pub(super) fn liar(programs: &[PathBuf]) -> Option<&Path> {
    if std::env::var_os(TRYING).is_some() {
        return None;
    }
    let mut tried = Vec::new();
    programs.iter().map(PathBuf::as_path).find(|program| {
        let real = canonicalize(program);
        let is_new = real.as_ref().is_ok_and(|real| !tried.contains(real));
        tried.extend(real);
        is_new && lies(program) == Ok(true)
    })
}

fn lies(program: &Path) -> Result<bool, Errno> {
    let source = memfd_create("sparse", MemfdFlags::CLOEXEC)?;
    let target = memfd_create("copy", MemfdFlags::CLOEXEC)?;
    ftruncate(&source, SIZE)?;
    pwrite(&source, PIECE.0, PIECE.1)?;
    let mut command = Command::new(program);
    command.args([by_proc(&source), by_proc(&target)]).env(TRYING, "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let says_success = command.status().is_ok_and(|status| status.success());
    let mut piece = [0; PIECE.0.len()];
    let read = pread(&target, &mut piece, PIECE.1)?;
    Ok(says_success && piece[..read] != *PIECE.0)
}

/// A name by which another process of this user reaches the file.
fn by_proc(file: &OwnedFd) -> String {
    format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd())
}
