//! The process itself: what it was started with, which signals and calls it takes from itself, what it becomes.
//!
//! Rust's runtime changes two things before main, and leaves no trace of them: it ignores SIGPIPE, and opens
//! /dev/null where one of the three standard handles is closed; where there is no /dev/null, it ends the process. A
//! function that the C library calls earlier looks, and fills what is closed with what cannot be opened by a name, so that
//! /dev/stdin is no empty file and what is written to a closed output is not lost without a
//! word, and a program that is executed in this one's place finds what this one found. With users.rs and
//! rooms of linux the only file of the project in which `unsafe` is allowed.
#![allow(unsafe_code)]

use super::errno::last_errno;
use libc::c_int;
use rustix::io::Errno;
use rustix::process::Pid;
use signal_hook::low_level::{emulate_default_handler, register};
use std::ffi::{CString, OsStr};
use std::mem::zeroed;
use std::path::Path;
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// The standard handles that were closed, a bit for each.
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// The signals that were ignored or blocked, a bit for each; the first is signal 1.
static UNHEEDED: AtomicU64 = AtomicU64::new(0);

/// The signals that matter to this program.
const SIGNALS: [c_int; 13] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGPIPE,
    libc::SIGXFSZ,
    libc::SIGXCPU,
    libc::SIGALRM,
    libc::SIGVTALRM,
    libc::SIGPROF,
    libc::SIGIO,
    libc::SIGUSR1,
    libc::SIGUSR2,
];

extern "C" fn look_at_start() {
    let mut closed = 0;
    for fd in libc::STDIN_FILENO..=libc::STDERR_FILENO {
        // A filter that refuses to tell, as one of containers may, has not said that it is closed.
        // SAFETY: fcntl with F_GETFD only asks.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 && last_errno() == Errno::BADF {
            closed |= 1 << fd;
            fill();
        }
    }
    CLOSED.store(closed, Ordering::Relaxed);
    let blocked = blocked_now();
    let unheeded = SIGNALS.into_iter().filter(|signal| is_ignored_now(*signal) || is_member(&blocked, *signal));
    UNHEEDED.store(unheeded.fold(0, |bits, signal| bits | bit(signal)), Ordering::Relaxed);
}

/// Opens something that takes the first free number, which is not to become a file that is copied. It is a socket that leads
/// nowhere: nobody can open /dev/stdin or /dev/stdout then (ENXIO), as nobody can where they are closed. /dev/null there would be a
/// source without a byte, and a target that takes everything.
fn fill() {
    // SAFETY: the names end with a zero each; the other call takes numbers.
    unsafe {
        let socket = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
        if socket == -1 && libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) == -1 {
            // It can be opened anywhere, and neither read nor written.
            libc::open(c"/".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY);
        }
    }
}

fn blocked_now() -> libc::sigset_t {
    // SAFETY: a set may be all zeros, and a call without a new one only asks.
    unsafe {
        let mut blocked = zeroed::<libc::sigset_t>();
        libc::pthread_sigmask(libc::SIG_BLOCK, null(), &raw mut blocked);
        blocked
    }
}

fn is_ignored_now(signal: c_int) -> bool {
    // SAFETY: a sigaction may be all zeros, and a call without a new one only asks.
    unsafe {
        let mut old = zeroed::<libc::sigaction>();
        libc::sigaction(signal, null(), &raw mut old);
        old.sa_sigaction == libc::SIG_IGN
    }
}

fn is_member(set: &libc::sigset_t, signal: c_int) -> bool {
    // SAFETY: the set is whole; the call only looks.
    unsafe { libc::sigismember(std::ptr::from_ref(set), signal) == 1 }
}

fn bit(signal: c_int) -> u64 {
    1 << (signal - 1)
}

// SAFETY: the C library calls what stands in this section once, with C's calling convention, before the
// runtime begins; the function needs nothing of the runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK_AT_START: extern "C" fn() = look_at_start;

/// Whether the standard handle `fd`, 0 to 2, was closed from the beginning.
#[must_use]
pub fn started_without(fd: c_int) -> bool {
    CLOSED.load(Ordering::Relaxed) & (1 << fd) != 0
}

/// Whether one of the standard handles was closed from the beginning.
#[must_use]
pub fn is_any_closed() -> bool {
    CLOSED.load(Ordering::Relaxed) != 0
}

/// Whether a file is what was put in the place of a standard handle that was closed: to whoever started this process there is nothing.
#[must_use]
pub fn stands_for_nothing((dev, ino): (u64, u64)) -> bool {
    let is_it = |fd: c_int| {
        // SAFETY: a stat may be all zeros, and the kernel writes a whole one.
        let found = told(|stat| unsafe { libc::fstat(fd, stat) });
        found.is_ok_and(|stat: libc::stat| (stat.st_dev, stat.st_ino) == (dev, ino))
    };
    is_any_closed() && (libc::STDIN_FILENO..=libc::STDERR_FILENO).any(|fd| started_without(fd) && is_it(fd))
}

/// Whether the process was started with the signal ignored, as nohup does with SIGHUP, or blocked. Told of those that end a
/// process which does not heed them, but for those of its own faults.
#[must_use]
pub fn started_without_heeding(signal: c_int) -> bool {
    UNHEEDED.load(Ordering::Relaxed) & bit(signal) != 0
}

/// A pipe that nobody reads ends the process again, unless it was started otherwise.
pub fn heed_closed_pipes() {
    let pipe = if started_without_heeding(libc::SIGPIPE) { libc::SIG_IGN } else { libc::SIG_DFL };
    // SAFETY: no handler runs; both dispositions are the kernel's own.
    unsafe { libc::signal(libc::SIGPIPE, pipe) };
}

/// A pipe that nobody reads is an error, until a program takes this one's place.
pub fn survive_closed_pipes() {
    // SAFETY: no handler runs; the disposition is the kernel's own.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Runs a program with one argument, beside this one, and waits for its end.
pub fn run_beside(program: &OsStr, argument: &Path) -> std::io::Result<std::process::ExitStatus> {
    // Who started this program may have SIGCHLD ignored; then nobody could wait for a child.
    // SAFETY: no handler runs; the disposition is the kernel's own.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_DFL) };
    std::process::Command::new(program).arg(argument).status()
}

/// getrlimit(2), RLIMIT_NOFILE: how many files the process may have open, and to how many it may raise that itself. Fails where a
/// filter refuses the call. rustix 1.1 takes that for impossible, and returns what lay in memory.
pub fn files_limit() -> Result<(u64, u64), Errno> {
    // SAFETY: the kernel writes a whole limit.
    let limit = told(|limit| unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// getrlimit(2), RLIMIT_AS: how many bytes the process may map; `None` where nothing limits it. Fails as [`files_limit`] does.
pub fn memory_limit() -> Result<Option<u64>, Errno> {
    // SAFETY: the kernel writes a whole limit.
    let limit: libc::rlimit = told(|limit| unsafe { libc::getrlimit(libc::RLIMIT_AS, limit) })?;
    Ok((limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur))
}

/// getrlimit(2), RLIMIT_STACK: how far the stack of the first thread may grow, in bytes; `None` where nothing limits it, or where that is
/// not told.
#[must_use]
pub fn stack_limit() -> Option<u64> {
    // SAFETY: the kernel writes a whole limit.
    let limit: libc::rlimit = told(|limit| unsafe { libc::getrlimit(libc::RLIMIT_STACK, limit) }).ok()?;
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

/// Runs in a thread of its own with a stack of so many bytes, which takes the signals that this thread took; here where no thread is to be had.
/// `None` if it panicked.
pub fn on_stack<T: Send + 'static>(bytes: usize, run: fn() -> T) -> Option<T> {
    let blocked = blocked_now();
    let ours: Vec<c_int> = SIGNALS.into_iter().filter(|signal| !is_member(&blocked, *signal)).collect();
    block(&ours);
    let theirs = ours.clone();
    let begin = move || {
        unblock(&theirs);
        std::panic::catch_unwind(run).ok()
    };
    match std::thread::Builder::new().stack_size(bytes).spawn(begin) {
        Ok(thread) => thread.join().ok().flatten(),
        Err(_) => {
            unblock(&ours);
            std::panic::catch_unwind(run).ok()
        }
    }
}

/// uname(2): the running kernel's release. Fails as [`files_limit`] does.
pub fn release() -> Result<String, Errno> {
    // SAFETY: the kernel writes all of the names, each with a zero at its end.
    let names: libc::utsname = told(|names| unsafe { libc::uname(names) })?;
    let bytes: Vec<u8> = names.release.iter().map(|byte| byte.to_ne_bytes()[0]).take_while(|byte| *byte != 0).collect();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a call wrote, if it succeeded.
fn told<T: Plain>(call: impl FnOnce(*mut T) -> c_int) -> Result<T, Errno> {
    // SAFETY: numbers and arrays of them may be all zeros.
    let mut answer = unsafe { zeroed::<T>() };
    if call(&raw mut answer) == 0 { Ok(answer) } else { Err(last_errno()) }
}

/// Structures of the kernel that have nothing but numbers.
trait Plain {}

impl Plain for libc::rlimit {}
impl Plain for libc::utsname {}
impl Plain for libc::stat {}

/// Signals that this thread, and every thread that it starts from now on, does not take; [`wait_for`] takes them.
pub fn block(signals: &[c_int]) {
    mask(libc::SIG_BLOCK, signals);
}

/// Takes back what [`block`] did, in this thread.
pub fn unblock(signals: &[c_int]) {
    mask(libc::SIG_UNBLOCK, signals);
}

fn mask(how: c_int, signals: &[c_int]) {
    let set = set_of(signals);
    // SAFETY: the set is whole; the kernel reads it.
    unsafe { libc::pthread_sigmask(how, &raw const set, null_mut()) };
}

fn set_of(signals: &[c_int]) -> libc::sigset_t {
    // SAFETY: a set may be all zeros, and is made empty before anything is added.
    unsafe {
        let mut set = zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// sigtimedwait(2): the first of these blocked signals, waited for as long as that. EAGAIN says that none came, EINTR that
/// it may yet.
pub fn wait_for(signals: &[c_int], limit: Option<Duration>) -> Result<c_int, Errno> {
    let set = set_of(signals);
    let limit = limit.map(|limit| libc::timespec {
        tv_sec: libc::time_t::try_from(limit.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(null(), std::ptr::from_ref);
    // SAFETY: set and limit outlive the call; nothing is asked for but the number.
    let signal = unsafe { libc::sigtimedwait(&raw const set, null_mut(), limit) };
    if signal > 0 { Ok(signal) } else { Err(last_errno()) }
}

/// Where there is no thread that could wait: so many seconds after one of the signals it ends the process, as
/// `received` then has it. A SIGALRM of somebody else does what it would have done.
pub fn end_later(signals: &[c_int], seconds: u32, received: Arc<AtomicUsize>) -> std::io::Result<()> {
    for signal in signals {
        // SAFETY: a handler may call alarm(2).
        unsafe {
            register(*signal, move || {
                libc::alarm(seconds);
            })?;
        }
    }
    let is_unheeded = started_without_heeding(libc::SIGALRM);
    let end = move || {
        let signal = c_int::try_from(received.load(Ordering::Relaxed)).unwrap_or(libc::SIGALRM);
        let signal = if signal == 0 { libc::SIGALRM } else { signal };
        if signal != libc::SIGALRM || !is_unheeded {
            // It is known, or it is left alone.
            emulate_default_handler(signal).unwrap_or(());
        }
    };
    // SAFETY: loads, and what signal-hook made for handlers.
    unsafe { register(libc::SIGALRM, end)? };
    Ok(())
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

/// fork(2): this process goes on twice, and the new one is told by `None`. To be called before there is a second thread,
/// of which the new process would have nothing but the locks it holds.
pub fn fork() -> Result<Option<Pid>, Errno> {
    // SAFETY: there is one thread, as the caller sees to.
    match unsafe { libc::fork() } {
        -1 => Err(last_errno()),
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// execvp(3): the program takes this one's place, with the standard handles and the SIGPIPE that this one was
/// started with. Returns only if it could not be executed; this process has changed then as well.
pub fn become_program(command: &[CString]) -> Errno {
    let Some(program) = command.first() else { return Errno::INVAL };
    let mut arguments: Vec<*const libc::c_char> = command.iter().map(|argument| argument.as_ptr()).collect();
    arguments.push(null());
    restore_start();
    // SAFETY: the strings end with a zero each and the list of them with a null; both outlive the call.
    unsafe { libc::execvp(program.as_ptr(), arguments.as_ptr()) };
    last_errno()
}

fn restore_start() {
    heed_closed_pipes();
    for fd in (libc::STDIN_FILENO..=libc::STDERR_FILENO).filter(|fd| started_without(*fd)) {
        // Not closed: the message about a program that cannot be executed still comes out by it. exec closes it.
        // SAFETY: the handle is what the closed one was filled with, and only a flag of it is set.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
