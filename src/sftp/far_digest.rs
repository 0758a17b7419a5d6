//! Digests of far files by a program of the far end: one command for all files, which takes their names on its standard input.
//!
//! Of a name that such programs would write in another way (with a backslash, a control character or what is no UTF-8) no digest
//! is asked; such a file is read back. So a line of the answer is a digest and a name, whichever program wrote it.
//!
//! Some servers show other paths over SFTP than to a shell: shares of a NAS, or a root of their own. The command says where it begins, so that
//! this can be compared with where SFTP does.

use super::hashing::{Algorithm, Value, value_of};
use super::incoming::Incoming;
use super::types::Reach;
use crate::kernel::process;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// What runs at the far end, whatever its login shell is. The first line of its input ends an SFTP server that a forced command
/// runs instead, which takes it for the length of a packet. `xargs -n` lets digests come before the last name is sent.
const LINE: &str = "exec sh -c 'read -r greeting; for tool in b3sum openssl sha256sum none; do \
                    command -v $tool >/dev/null 2>&1 && command -v xargs >/dev/null 2>&1 && break; done; \
                    echo \"safecp digests by $tool in $(pwd -P)\"; case $tool in \
                    b3sum) exec xargs -0 -n 128 b3sum -- 2>/dev/null;; \
                    openssl) exec xargs -0 -n 128 openssl dgst -sha256 -r 2>/dev/null;; \
                    sha256sum) exec xargs -0 -n 128 sha256sum -- 2>/dev/null;; esac'";

/// What the line writes first.
const SAYS: &str = "safecp digests by ";

/// How much a login may print before.
const NOISE_MAX: u64 = 64 << 10;

/// The longest line: a digest and a path.
const LINE_MAX: u64 = 8 << 10;

/// How long the command's first line is waited for once the SFTP server has answered.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that makes digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    B3sum,
    Openssl,
    Sha256sum,
}

impl Program {
    fn of(name: &str) -> Option<Self> {
        [Program::B3sum, Program::Openssl, Program::Sha256sum].into_iter().find(|program| program.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Program::B3sum => "b3sum",
            Program::Openssl => "openssl",
            Program::Sha256sum => "sha256sum",
        }
    }

    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Program::B3sum => Algorithm::Blake3,
            Program::Openssl | Program::Sha256sum => Algorithm::Sha256,
        }
    }
}

/// A command that was started and has not said yet which program it has, and where it begins.
pub(super) struct StartedCommand {
    child: Child,
    stdin: ChildStdin,
    said: Receiver<(Program, Vec<u8>)>,
    submitted: Arc<AtomicUsize>,
}

/// The command; see the head of this file.
pub(super) struct FarDigest {
    child: Child,
    names: Option<Sender<Vec<u8>>>,
    submitted: Arc<AtomicUsize>,
    pub(super) program: Program,
    /// The directory of its login.
    pub(super) begins_in: Vec<u8>,
}

/// Starts the command. `None` where there is no shell.
pub(super) fn ask(reach: &dyn Reach, incoming: Sender<Incoming>) -> Option<StartedCommand> {
    let mut command = reach.shell(LINE)?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let (stdin, stdout) = child.stdin.take().zip(child.stdout.take())?;
    let (sender, said) = channel();
    let submitted = Arc::new(AtomicUsize::new(0));
    let due = Arc::clone(&submitted);
    std::thread::spawn(move || {
        // Whatever it breaks off at, the rest is read back.
        listen(stdout, &sender, &incoming, &due).unwrap_or(());
        incoming.send(Incoming::DigestsEnded).unwrap_or(());
    });
    Some(StartedCommand { child, stdin, said, submitted })
}

fn listen(
    stdout: ChildStdout,
    said: &Sender<(Program, Vec<u8>)>,
    incoming: &Sender<Incoming>,
    due: &AtomicUsize,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stdout);
    let mut noise = 0;
    loop {
        let Some(line) = next_line(&mut lines)? else { return Ok(()) };
        noise += line.len() as u64;
        if let Some(words) = line.strip_prefix(SAYS.as_bytes()) {
            let Some(words) = words_of(words) else { return Ok(()) };
            if said.send(words).is_err() {
                return Ok(());
            }
            break;
        }
        if noise > NOISE_MAX {
            return Ok(());
        }
    }
    let mut count = 0;
    while let Some(line) = next_line(&mut lines)? {
        let Some((value, name)) = digest_of(&line) else { continue };
        count += 1;
        if count > due.load(Ordering::Acquire) || incoming.send(Incoming::Digest(name.to_vec(), value)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// A program, and where the command begins.
fn words_of(words: &[u8]) -> Option<(Program, Vec<u8>)> {
    let end = words.iter().position(|byte| *byte == b' ')?;
    let program = Program::of(std::str::from_utf8(&words[..end]).ok()?)?;
    Some((program, words[end..].strip_prefix(b" in ")?.to_vec()))
}

/// A line without its end; `None` at the end, and where it is longer than any that was asked for.
fn next_line(lines: &mut BufReader<ChildStdout>) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
    Ok((line.pop() == Some(b'\n')).then_some(line))
}

/// The digest and the name of a line: 64 digits, a blank, a blank or an asterisk, the name.
fn digest_of(line: &[u8]) -> Option<(Value, &[u8])> {
    let (digits, rest) = line.split_at_checked(64)?;
    let name = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
    Some((value_of(digits)?, name))
}

/// Whether all programs write the name as it is.
pub(super) fn can_tell(path: &[u8]) -> bool {
    let is_plain = |text: &str| !text.chars().any(|character| character.is_control() || character == '\\');
    path.len() < 4096 && path.starts_with(b"/") && std::str::from_utf8(path).is_ok_and(is_plain)
}

impl StartedCommand {
    /// Waits for the program's name. `None` if there is none, or nobody who says it.
    pub(super) fn started(mut self) -> Option<FarDigest> {
        process::block(&[libc::SIGPIPE]);
        let greeted = self.stdin.write_all(b"this is no SFTP\n").is_ok();
        let said = self.said.recv_timeout(PATIENCE).ok().filter(|_| greeted);
        let Some((program, begins_in)) = said else {
            self.child.kill().unwrap_or(());
            self.child.wait().map(drop).unwrap_or(());
            return None;
        };
        let (names, submitted) = channel::<Vec<u8>>();
        let mut stdin = self.stdin;
        // The command reads no names while it makes digests: files are sent meanwhile.
        std::thread::spawn(move || {
            process::block(&[libc::SIGPIPE]);
            let mut buffer = Vec::new();
            while let Ok(mut name) = submitted.recv() {
                buffer.append(&mut name);
                while let Ok(mut name) = submitted.try_recv() {
                    buffer.append(&mut name);
                }
                if stdin.write_all(&buffer).is_err() {
                    // Its end tells that it is gone.
                    return;
                }
                buffer.clear();
            }
        });
        Some(FarDigest { child: self.child, names: Some(names), submitted: self.submitted, program, begins_in })
    }
}

impl FarDigest {
    /// Asks for the digest of a file. False if nobody is there any more.
    pub(super) fn submit(&self, path: &[u8]) -> bool {
        self.submitted.fetch_add(1, Ordering::AcqRel);
        let name = [path, b"\0"].concat();
        self.names.as_ref().is_some_and(|names| names.send(name).is_ok())
    }

    /// No more names come: what it has not told yet it tells now.
    pub(super) fn end(&mut self) {
        self.names = None;
    }
}

impl Drop for FarDigest {
    fn drop(&mut self) {
        self.names = None;
        self.child.kill().unwrap_or(());
        self.child.wait().map(drop).unwrap_or(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_programs_are_read() {
        let digits = "00ff".repeat(16);
        let lines = [format!("{digits}  /a b"), format!("{digits} */a b")];
        for line in lines {
            let (value, name) = digest_of(line.as_bytes()).expect("a digest");
            assert_eq!((value[0], value[1], name), (0, 255, &b"/a b"[..]));
        }
        for line in ["", "00ff", &format!("{digits}/a"), &format!("\\{digits}  /a"), &format!("{}  /a", "x".repeat(64))]
        {
            assert_eq!(digest_of(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn the_first_line_names_a_program_and_a_directory() {
        assert_eq!(words_of(b"b3sum in /a b"), Some((Program::B3sum, b"/a b".to_vec())));
        for words in [&b"none in /a"[..], b"b3sum", b"b3sum /a", b"b3sum in", b" in /a", b"md5sum in /"] {
            assert_eq!(words_of(words), None, "{words:?}");
        }
    }

    #[test]
    fn names_that_programs_write_otherwise_are_not_asked_for() {
        assert!(can_tell("/a b/ü*".as_bytes()));
        for name in [&b"a"[..], b"/a\nb", b"/a\\b", b"/\xff", b"/\x1b"] {
            assert!(!can_tell(name), "{name:?}");
        }
    }
}
