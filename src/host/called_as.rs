//! What the program is by the name that it is called.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the program is by the name that it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalledAs {
    /// What it is.
    Safecp,
    /// GNU's cp: it is that, and has no modes.
    Cp,
    /// GNU's install, likewise.
    Install,
    /// GNU's mv, likewise.
    Mv,
    /// OpenSSH's scp, likewise.
    Scp,
    /// Another program, which it is not.
    Another,
}

impl CalledAs {
    /// What it is under such a name, with a path or without one, and how it names itself in messages: as the program does
    /// whose name it has.
    #[must_use]
    pub fn of(name: &OsStr) -> (Self, &'static str) {
        let last = Path::new(name).file_name().unwrap_or_default();
        match STAND_INS.into_iter().find(|(_, known)| last == *known) {
            Some((called_as, known)) => (called_as, known),
            None if last.is_empty() || last.as_bytes().starts_with(SAFECP.as_bytes()) => (Self::Safecp, SAFECP),
            None if name.as_bytes().starts_with(OPEN_FILES) => (Self::Safecp, SAFECP),
            None => (Self::Another, SAFECP),
        }
    }
}

/// Its own name, and what the names of its releases begin with.
const SAFECP: &str = "safecp";

/// What a program is called that has no name, since an open file is executed: so is one that was sent to another machine.
const OPEN_FILES: &[u8] = b"/proc/self/fd/";

/// The names of programs that it takes the place of. Where a system has another install, GNU's is called ginstall.
const STAND_INS: [(CalledAs, &str); 5] = [
    (CalledAs::Cp, "cp"),
    (CalledAs::Mv, "mv"),
    (CalledAs::Scp, "scp"),
    (CalledAs::Install, "install"),
    (CalledAs::Install, "ginstall"),
];

/// What the program is, and what it calls itself, in short and in full.
pub(super) fn names(called: Option<&OsStr>) -> (CalledAs, &'static str, String) {
    let (called_as, program) = CalledAs::of(called.unwrap_or_default());
    match called.filter(|_| called_as != CalledAs::Safecp) {
        Some(called) => (called_as, program, called.to_string_lossy().into_owned()),
        None => (called_as, program, SAFECP.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_it_is_called() {
        let of = |called: &str| names(Some(OsStr::new(called)));
        assert_eq!(of("/opt/bin/cp"), (CalledAs::Cp, "cp", "/opt/bin/cp".to_owned()));
        let itself = (CalledAs::Safecp, "safecp", "safecp".to_owned());
        for called in ["target/release/safecp", "safecp-0.1", "", "/", "/proc/self/fd/9"] {
            assert_eq!(of(called), itself, "{called}");
        }
        assert_eq!(names(None), itself);
        for called in ["ln", "/usr/bin/rsync", "cp.orig", "cpio", "cp/ln"] {
            assert_eq!(of(called).0, CalledAs::Another, "{called}");
        }
    }
}
