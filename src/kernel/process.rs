//! The process itself: what it was started with, which calls it takes from itself, what it becomes.
//!
//! Rust's runtime changes two things before main, and leaves no trace of them: it ignores SIGPIPE, and opens
//! /dev/null where one of the three standard handles is closed. A function that the C library calls
//! earlier looks, so that what is written to a closed output is not lost without a word, and a program that
//! is executed in this one's place finds what this one found. With linux.rs and reach.rs the only file of the project in
//! which `unsafe` is allowed.
#![allow(unsafe_code)]

use super::linux::last_errno;
use rustix::io::Errno;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// The standard handles that were closed, a bit for each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Whether SIGPIPE was ignored.
static PIPE_IGNORED: AtomicBool = AtomicBool::new(false);

extern "C" fn look_at_start() {
    let mut closed = 0;
    for fd in libc::STDIN_FILENO..=libc::STDERR_FILENO {
        // SAFETY: fcntl with F_GETFD only asks.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            closed |= 1 << fd;
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
    // SAFETY: a sigaction may be all zeros, and a call without a new one only asks.
    let ignored = unsafe {
        let mut old = std::mem::zeroed::<libc::sigaction>();
        libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut old) == 0 && old.sa_sigaction == libc::SIG_IGN
    };
    PIPE_IGNORED.store(ignored, Ordering::Relaxed);
}

// SAFETY: the C library calls what stands in this section once, with C's calling convention, before the
// runtime begins; the function needs nothing of the runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK_AT_START: extern "C" fn() = look_at_start;

/// Whether the standard handle `fd`, 0 to 2, was closed from the beginning.
#[must_use]
pub fn started_without(fd: libc::c_int) -> bool {
    CLOSED.load(Ordering::Relaxed) & (1 << fd) != 0
}

/// seccomp(SECCOMP_SET_MODE_FILTER): this thread, and whatever it starts or becomes, passes its system calls
/// through the program from now on. EACCES without CAP_SYS_ADMIN and no_new_privs; ENOSYS or EINVAL where the
/// kernel has no filters.
pub fn filter_calls(program: &[libc::sock_filter]) -> Result<(), Errno> {
    let len = libc::c_ushort::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which is as long as it says, and changes nothing of it.
    let returned = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program) };
    if returned == 0 { Ok(()) } else { Err(last_errno()) }
}

/// seccomp(SECCOMP_GET_ACTION_AVAIL): whether the kernel knows filters that refuse a call with an error number.
/// Only asks.
pub fn knows_filters() -> Result<(), Errno> {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    // SAFETY: the kernel reads the four bytes and changes nothing.
    let returned = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
    if returned == 0 { Ok(()) } else { Err(last_errno()) }
}

/// execvp(3): the program takes this one's place, with the standard handles and the SIGPIPE that this one was
/// started with. Returns only if it could not be executed; this process has changed then as well.
pub fn become_program(command: &[CString]) -> Errno {
    let Some(program) = command.first() else { return Errno::INVAL };
    let mut arguments: Vec<*const libc::c_char> = command.iter().map(|argument| argument.as_ptr()).collect();
    arguments.push(std::ptr::null());
    restore_start();
    // SAFETY: the strings end with a zero each and the list of them with a null; both outlive the call.
    unsafe { libc::execvp(program.as_ptr(), arguments.as_ptr()) };
    last_errno()
}

fn restore_start() {
    let pipe = if PIPE_IGNORED.load(Ordering::Relaxed) { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: no handler runs; both dispositions are the kernel's own.
    unsafe { libc::signal(libc::SIGPIPE, pipe) };
    for fd in (libc::STDIN_FILENO..=libc::STDERR_FILENO).filter(|fd| started_without(*fd)) {
        // Not closed: the message about a program that cannot be executed still comes out by it. exec closes it.
        // SAFETY: the handle is the runtime's /dev/null, and only a flag of it is set.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
