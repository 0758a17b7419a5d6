//! The program: arguments in, exit status out.
//!
//! The C library calls `main` itself. Rust's own beginning would read /proc/self/maps for a message about a full stack, and set
//! what kernel/process.rs has set already or sets again: a twelfth of the time of a small install (Rust 1.95).
#![cfg_attr(all(target_env = "gnu", not(test)), no_main)]

use safecp::cli::{as_named, read};
use safecp::commands::{self, Failure};
use safecp::exit_code::ExitCode;
use safecp::host;
use safecp::kernel::process::{heed_closed_pipes, on_stack, stack_limit};
use safecp::quote::speak;
use std::process::exit;

/// What the C library calls. Its arguments are those that std has got from it before.
#[cfg(all(target_env = "gnu", not(test)))]
#[allow(unsafe_code, reason = "a name that is the C library's; no other function has it")]
#[unsafe(no_mangle)]
extern "C" fn main() -> std::ffi::c_int {
    exit(run_with_room().into())
}

/// What indicatif's estimates of time need of the C library's mathematics, and nothing else in here does: one library fewer to be
/// found, mapped and relocated at each start, which took nine page faults and some thirty microseconds (glibc 2.36).
#[cfg(all(target_env = "gnu", not(target_feature = "crt-static"), not(test)))]
#[allow(unsafe_code, reason = "a name that is the C library's; what it does is the same")]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

/// Where arguments come from nowhere else, as with musl.
#[cfg(not(all(target_env = "gnu", not(test))))]
fn main() {
    exit(run_with_room().into())
}

/// The stack of the first thread has to have so many bytes, or one of another has: cp's needs less than 16 KiB (`ulimit -s 16`).
const STACK: u64 = 512 << 10;

fn run_with_room() -> ExitCode {
    let is_narrow = stack_limit().is_some_and(|limit| limit < STACK);
    let done = if is_narrow {
        on_stack(4 * STACK as usize, run_as_called)
    } else {
        std::panic::catch_unwind(run_as_called).ok()
    };
    // What a panic says is said by then.
    done.unwrap_or(ExitCode::PANIC)
}

fn run_as_called() -> ExitCode {
    heed_closed_pipes();
    let (arguments, environment) = as_named(std::env::args_os().collect(), host::environment());
    speak(environment.is_utf8);
    let invocation = read(arguments, &environment).map_err(Failure::Usage);
    let done = invocation.and_then(|invocation| commands::run(invocation, &environment));
    done.unwrap_or_else(|failure| failure.say(environment.program, &environment.called))
}
