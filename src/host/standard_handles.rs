//! Standard input, output and error, and what terminals they are.

use crate::kernel::process::started_without;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

/// Standard output; what was closed from the beginning takes nothing and says so.
#[must_use]
pub fn output() -> Box<dyn Write + Send> {
    if started_without(libc::STDOUT_FILENO) { Box::new(Closed) } else { Box::new(std::io::stdout()) }
}

/// Standard error, likewise.
#[must_use]
pub fn messages() -> Box<dyn Write + Send> {
    if started_without(libc::STDERR_FILENO) { Box::new(Closed) } else { Box::new(std::io::stderr()) }
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(rustix::io::Errno::BADF.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether standard output is a terminal.
#[must_use]
pub fn says_on_terminal() -> bool {
    !started_without(libc::STDOUT_FILENO) && std::io::stdout().is_terminal()
}

/// How many columns standard output has, if it is a terminal.
#[must_use]
pub fn columns_of_output() -> Option<usize> {
    says_on_terminal().then(|| columns_of(std::io::stdout()))
}

/// How many columns standard error has, if it is a terminal.
#[must_use]
pub fn columns() -> Option<usize> {
    let is_there = !started_without(libc::STDERR_FILENO) && std::io::stderr().is_terminal();
    is_there.then(|| columns_of(std::io::stderr()))
}

fn columns_of(terminal: impl AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal).map_or(0, |size| usize::from(size.ws_col));
    if size > 0 { size } else { COLUMNS }
}

/// What a terminal has that does not tell.
const COLUMNS: usize = 80;

/// Whether standard input is a terminal.
#[must_use]
pub fn is_answered_by_hand() -> bool {
    !started_without(libc::STDIN_FILENO) && std::io::stdin().is_terminal()
}

/// Puts a question on standard error, in the program's name as it was called; true if the answer on
/// standard input begins with y. The end of input is a no.
#[must_use]
pub fn ask(called: &str, question: &str) -> bool {
    let asked = write!(std::io::stderr().lock(), "{called}: {question}");
    let mut answer = String::new();
    asked.is_ok() && std::io::stdin().read_line(&mut answer).is_ok() && answer.starts_with(['y', 'Y'])
}
