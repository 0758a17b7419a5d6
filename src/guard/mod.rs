//! `--guard`: a command whose system calls may not ask for holes, clones or copies by the kernel.
//!
//! In come the shortcuts that stay allowed and a command; the command takes this program's place, so that its
//! exit status, signals and handles are its own. What it and all that it starts ask is refused before the kernel looks,
//! with an error that programs know from other filesystems and answer with plain reads. Those are right on ZFS too.
//!
//! A filter sees numbers, no files: it cannot let a clone on btrfs pass and refuse one on ZFS
//! (docs/design/guard.md).

mod filter;
mod trial;

pub use filter::Shortcut;

use crate::error::reason;
use crate::host::Program;
use crate::kernel::process::{become_program, filter_calls};
use crate::known::calls::abis;
use crate::quote::quoted;
use rustix::fs::{CWD, Mode, OFlags, SeekFrom};
use rustix::io::Errno;
use std::ffi::{CString, OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use trial::Tried;

/// Exit statuses as env(1), nohup(1) and timeout(1) have them: the guard itself failed; the command cannot be executed;
/// there is no such command.
pub const FAILED: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// Why the command was not executed. The process may have filters then, and no_new_privs.
#[derive(Debug)]
pub struct GuardError {
    text: String,
    /// The exit status that tells it.
    pub status: u8,
}

impl GuardError {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), status: FAILED }
    }
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for GuardError {}

/// Who may install filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privileges {
    /// The command keeps what it would have without a guard.
    Kept,
    /// no_new_privs had to be set: set-user-ID programs and file capabilities give nothing.
    GivenUp,
}

/// Installs the filters for this process and all that comes of it, and proves that they refuse. On an error some filters
/// may be in place, and no_new_privs may be set.
pub fn install(refused: &[Shortcut]) -> Result<Privileges, GuardError> {
    let machine = std::env::consts::ARCH;
    let abis = abis(machine)
        .ok_or_else(|| GuardError::new(format!("cannot guard: the system calls of {machine} are not in the table")))?;
    let mut privileges = Privileges::Kept;
    for abi in abis {
        for shortcut in refused {
            let program = filter::program(*shortcut, abi)
                .map_err(|error| GuardError::new(format!("cannot guard calls of {}: {error}", abi.name)))?;
            if install_one(&program).map_err(why_not)? == Privileges::GivenUp {
                privileges = Privileges::GivenUp;
            }
        }
    }
    refused.iter().try_for_each(|shortcut| prove(*shortcut))?;
    Ok(privileges)
}

/// Tries, under the filters, the cp that the command would find: an error if it takes a refusal for a hole. What is
/// returned is a note on why it could not be tried.
pub fn try_copier(refused: &[Shortcut], copier: Option<&Program>) -> Result<Option<String>, GuardError> {
    let Some(Program { file, is_safe }) = copier.filter(|_| refused.contains(&Shortcut::Holes) && !trial::is_one())
    else {
        return Ok(None);
    };
    if !is_safe {
        return Ok(Some(format!("{} is not tried: others may put another program in its place", quoted(file))));
    }
    match trial::of(file) {
        Ok(Tried::Right) => Ok(None),
        Err(errno) => Ok(Some(format!("{} cannot be tried: {}", quoted(file), reason(errno)))),
        // For want of /proc for example.
        Ok(Tried::Failed) => Ok(Some(format!(
            "{} was tried and failed: whether it takes a refusal for a hole is not known",
            quoted(file)
        ))),
        Ok(Tried::TooLong) => Ok(Some(format!("{} was tried and did not end within a second", quoted(file)))),
        Ok(Tried::Wrong) => Err(GuardError::new(format!(
            "cannot guard: {} writes zeros where a search for holes is refused, and says success: \
             use another cp (a link of that name to safecp is one), or --allow=holes",
            quoted(file)
        ))),
    }
}

/// EACCES says that the kernel wants no_new_privs of who has no CAP_SYS_ADMIN.
fn install_one(program: &[libc::sock_filter]) -> Result<Privileges, Errno> {
    match filter_calls(program) {
        Ok(()) => Ok(Privileges::Kept),
        Err(Errno::ACCESS) => {
            rustix::thread::set_no_new_privs(true)?;
            filter_calls(program)?;
            Ok(Privileges::GivenUp)
        }
        Err(errno) => Err(errno),
    }
}

fn why_not(errno: Errno) -> GuardError {
    let why = match errno {
        Errno::NOSYS | Errno::INVAL => "this kernel has no seccomp filters",
        Errno::PERM | Errno::ACCESS => "seccomp filters are forbidden here, perhaps by a filter that is there already",
        _ => "the filter cannot be installed",
    };
    GuardError::new(format!("cannot guard: {why}: {}", reason(errno)))
}

/// Asks for the shortcut with a handle that is good for nothing, and wants the filter's error number, not the kernel's
/// EBADF: an emulated kernel may take a filter and never run it.
fn prove(shortcut: Shortcut) -> Result<(), GuardError> {
    let unproven =
        |errno: Errno| GuardError::new(format!("cannot guard: the filter cannot be tried: {}", reason(errno)));
    let useless = rustix::fs::openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).map_err(unproven)?;
    let answer = match shortcut {
        Shortcut::Clones => rustix::fs::ioctl_ficlone(&useless, &useless).err(),
        Shortcut::Offload => rustix::fs::copy_file_range(&useless, None, &useless, None, 1).err(),
        Shortcut::Holes => rustix::fs::seek(&useless, SeekFrom::Data(0)).err(),
    };
    if answer == Some(shortcut.refusal()) {
        return Ok(());
    }
    Err(GuardError::new("cannot guard: the kernel took the filter and does not apply it"))
}

/// Executes the command in this program's place; returns only if that fails.
pub fn execute(command: &[OsString]) -> GuardError {
    let strings: Result<Vec<CString>, _> = command.iter().map(|argument| CString::new(argument.as_bytes())).collect();
    let name = command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let errno = strings.map_or(Errno::INVAL, |strings| become_program(&strings));
    let status = if errno == Errno::NOENT { NOT_FOUND } else { NOT_EXECUTABLE };
    GuardError { text: format!("{}: {}", quoted(Path::new(name)), reason(errno)), status }
}
