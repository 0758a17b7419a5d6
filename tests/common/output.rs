//! How a program ended and what it said, and the sentences tests say about that.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// One finished run.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// Exit status or signal.
    pub(crate) status: ExitStatus,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub(crate) stdout: String,
    /// Standard error; bytes that are not UTF-8 are replaced.
    pub(crate) stderr: String,
}

impl Output {
    /// The exit status, where there is one.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, where one did.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// It succeeded and had nothing to complain of.
    #[track_caller]
    pub(crate) fn succeeds(&self) -> &Self {
        assert_eq!(self.code(), Some(0), "{self}");
        assert_eq!(self.stderr, "", "{self}");
        self
    }

    /// It succeeded, saying exactly this on standard error.
    #[track_caller]
    pub(crate) fn succeeds_saying(&self, stderr: &str) -> &Self {
        assert_eq!(self.stderr, stderr, "{self}");
        assert_eq!(self.code(), Some(0), "{self}");
        self
    }

    /// It ended with status 1, saying exactly this on standard error.
    #[track_caller]
    pub(crate) fn fails(&self, stderr: &str) -> &Self {
        assert_eq!(self.stderr, stderr, "{self}");
        assert_eq!(self.code(), Some(1), "{self}");
        self
    }

    /// It ended with status 1, and one line of standard error begins with `safecp: ` and holds all these pieces.
    #[track_caller]
    pub(crate) fn fails_with(&self, pieces: &[&str]) -> &Self {
        assert_eq!(self.code(), Some(1), "{self}");
        let said = self
            .stderr
            .lines()
            .any(|line| line.starts_with("safecp: ") && pieces.iter().all(|piece| line.contains(piece)));
        assert!(said, "no line says {pieces:?}; {self}");
        self
    }

    /// Standard output is exactly this.
    #[track_caller]
    pub(crate) fn says(&self, stdout: &str) -> &Self {
        assert_eq!(self.stdout, stdout, "{self}");
        self
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n--- stdout\n{}--- stderr\n{}---", self.status, self.stdout, self.stderr)
    }
}
