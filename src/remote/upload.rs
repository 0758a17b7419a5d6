//! Our own program on its way to a host that has none: it goes into a private directory there, and runs as the far end.
//!
//! A line for the far shell makes a directory that can execute, takes in the program, and compares its digest by a tool of
//! that host before anything of it runs. The directory is removed as soon as the program is open, so that a cut leaves
//! nothing; where there is no /proc, the shell waits for the program and removes it then, or when the connection ends.

use super::connection::{Input, Output, await_words};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fmt;
use std::io::{Result, Write};
use std::path::{Path, PathBuf};

/// What is sent to a host that has no safecp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upload {
    /// Nothing.
    Never,
    /// The program that runs here.
    Own,
    /// Another, such as a static build for a host of another kind.
    Program(PathBuf),
}

/// Why our program does not run there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It cannot be read here.
    Unreadable(Errno),
    /// It is no program, or one for a kind of machine that we know no name of.
    Unknown,
    /// It is for another kind of machine.
    OtherMachine,
    /// No directory there can be written and execute.
    NoDirectory,
    /// Nothing there makes a digest.
    NoDigest,
    /// It did not arrive as it was sent.
    Damaged,
    /// It does not start: a library is missing, or too old.
    NotStarted,
}

/// A program that is ready to be sent.
pub(super) struct Parcel {
    bytes: Vec<u8>,
    machine: &'static str,
}

/// Where this program is.
const OWN: &str = "/proc/self/exe";

/// What the far shell says once it can take a program.
const WAITS: &[u8] = b"\0safecp waits\n";

/// Exit statuses of the line, none of which is one of a shell, of ssh or of safecp.
const STATUSES: [(i32, Unfit); 4] =
    [(71, Unfit::OtherMachine), (72, Unfit::NoDirectory), (73, Unfit::NoDigest), (74, Unfit::Damaged)];

/// The line. It holds neither a single quote nor an exclamation mark, so that csh and fish hand it on as it is. On a
/// filesystem that is mounted noexec the empty script is refused. head of busybox reads more than it was asked for: nothing
/// follows the program until it has greeted. Files that are copied have the account's own umask.
const LINE: &str = "own=$(umask); umask 077; [ \"$(uname -sm)\" = \"Linux MACHINE\" ] || exit 71; \
    d=; leave() { [ -z \"$d\" ] || rm -rf -- \"$d\"; }; trap leave EXIT; trap \"exit 129\" HUP INT TERM PIPE; \
    for base in \"${XDG_RUNTIME_DIR:-/tmp}\" \"${TMPDIR:-/tmp}\" /tmp /var/tmp \"$HOME\" /dev/shm; do \
    d=$(mktemp -d \"$base/safecp.XXXXXXXXXX\" 2>/dev/null) || { d=; continue; }; \
    { echo exit >\"$d/safecp\" && chmod 700 \"$d/safecp\" && \"$d/safecp\"; } 2>/dev/null && break; leave; d=; done; \
    [ -n \"$d\" ] || exit 72; printf \"\\000safecp waits\\n\"; \
    head -c SIZE >\"$d/safecp\" && exec 9<\"$d/safecp\" || exit 74; \
    s=$({ sha256sum || openssl dgst -sha256 -r || shasum -a 256; } <&9 2>/dev/null); \
    case \"$s\" in DIGEST*) ;; \"\") exit 73;; *) exit 74;; esac; umask \"$own\"; \
    if [ -x /proc/self/fd/9 ]; then leave; d=; exec /proc/self/fd/9 --server; fi; \
    \"$d/safecp\" --server; exit $?";

impl Parcel {
    /// The program that is to be sent; `None` if none is.
    pub(super) fn of<K: Kernel>(kernel: &K, upload: &Upload) -> std::result::Result<Option<Self>, Unfit> {
        let path = match upload {
            Upload::Never => return Ok(None),
            Upload::Own => Path::new(OWN),
            Upload::Program(path) => path,
        };
        let bytes = content(kernel, path).map_err(Unfit::Unreadable)?;
        let machine = machine(&bytes).ok_or(Unfit::Unknown)?;
        Ok(Some(Self { bytes, machine }))
    }

    /// What the shell over there is to do, in words that every shell takes.
    pub(super) fn command(&self) -> OsString {
        let digest: String = Sha256::digest(&self.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let line = LINE.replace("MACHINE", self.machine).replace("SIZE", &self.bytes.len().to_string());
        OsString::from(format!("exec sh -c '{}'", line.replace("DIGEST", &digest)))
    }

    /// Sends it once it is waited for.
    pub(super) fn send(&self, input: &mut Input, output: &mut Output) -> Result<()> {
        await_words(input, WAITS)?;
        output.write_all(&self.bytes)?;
        output.flush()
    }
}

impl Unfit {
    /// What it means that the line ended so, before anything of ours has greeted.
    pub(super) fn by_status(status: i32) -> Self {
        STATUSES.iter().find(|(known, _)| *known == status).map_or(Unfit::NotStarted, |(_, unfit)| *unfit)
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::Unreadable(errno) => write!(f, "it cannot be read: {}", std::io::Error::from(*errno)),
            Unfit::Unknown => write!(f, "it is no program for a machine that is known"),
            Unfit::OtherMachine => write!(f, "that is another kind of machine"),
            Unfit::NoDirectory => write!(f, "no directory there can execute it"),
            Unfit::NoDigest => write!(f, "nothing there can check it"),
            Unfit::Damaged => write!(f, "it did not arrive whole"),
            Unfit::NotStarted => write!(f, "it does not start there"),
        }
    }
}

/// All of a file.
fn content<K: Kernel>(kernel: &K, path: &Path) -> crate::kernel::Result<Vec<u8>> {
    let file = kernel.open(None, path, OFlags::RDONLY, Mode::empty(), ResolveFlags::empty())?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match kernel.pread(&file, &mut buffer, bytes.len() as u64)? {
            0 => return Ok(bytes),
            count => bytes.extend(&buffer[..count]),
        }
    }
}

/// What `uname -m` says where an ELF program of 64 bits runs.
fn machine(program: &[u8]) -> Option<&'static str> {
    if !program.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    match u16::from_le_bytes([*program.get(18)?, *program.get(19)?]) {
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        243 => Some("riscv64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::linux::Linux;

    #[test]
    fn a_program_tells_its_machine() {
        let parcel = Parcel::of(&Linux::new(), &Upload::Own).expect("the test itself").expect("a program");
        assert_eq!(parcel.machine, std::env::consts::ARCH);
        let found = Parcel::of(&Linux::new(), &Upload::Program(PathBuf::from("/etc/passwd"))).map(|_| ());
        assert_eq!(found, Err(Unfit::Unknown));
        let found = Parcel::of(&Linux::new(), &Upload::Program(PathBuf::from("/none"))).map(|_| ());
        assert_eq!(found, Err(Unfit::Unreadable(Errno::NOENT)));
    }

    #[test]
    fn the_line_is_one_word_for_every_shell() {
        let command = Parcel { bytes: b"abc".to_vec(), machine: "x86_64" }.command();
        let command = command.to_str().expect("text");
        let line = command.strip_prefix("exec sh -c '").and_then(|rest| rest.strip_suffix('\'')).expect("a word");
        assert!(!line.contains(['\'', '!', '\n']));
        // As sha256sum says of these bytes.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(line.contains(digest) && line.contains("head -c 3 ") && line.contains("\"Linux x86_64\""));
    }
}
