//! Who copies in the trial: the host's cp, each call alone, and safecp. Each is a process of its own.

use super::super::clock::Clock;
use super::super::raw;
use super::super::run::{End, run};
use crate::host::program;
use crate::known::programs::Ask;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

/// What safecp is called in the table.
pub(in super::super) const SAFECP: &str = "safecp";

/// A command that takes a source and a target.
#[derive(Debug)]
pub(super) struct CopyProgram {
    /// Its name in the table.
    pub(super) name: String,
    /// It did not end once: then it has had its turn, lest the others get none.
    pub(super) hangs: AtomicBool,
    /// The name it is told that it has; else that of its file.
    called: Option<&'static str>,
    words: Vec<OsString>,
    refusal: Refusal,
}

/// The exit statuses that say that something was refused, and not that it failed.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// None.
    Never,
    /// All but 0.
    Any,
    /// This one.
    Status(u8),
}

/// What came of one copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrialEnd {
    /// It said success.
    Done,
    /// It said that it cannot be done.
    Refused,
    /// Any other failure.
    Failed,
    /// It did not end in time.
    TooLong,
}

/// The copiers: cp as a shell finds it in these directories, unless others may put another in its place, and `own`, the
/// program that runs.
pub(super) fn all(path: &[PathBuf], own: &Path) -> Vec<CopyProgram> {
    let mut copiers = Vec::new();
    if let Some(cp) = program(path, "cp").filter(|cp| cp.is_safe) {
        copiers.push(copier("cp".to_owned(), &cp.file, &[], Refusal::Never));
        copiers.push(copier("cp --reflink=always".to_owned(), &cp.file, &["--reflink=always"], Refusal::Any));
    }
    for call in Ask::ALL {
        let option = format!("--copier={}", raw::word(call));
        let name = format!("{} alone", call.name());
        let alone = copier(name, own, &["--doctor", &option], Refusal::Status(raw::REFUSED));
        // Where the program's file is named cp, and safecp a link to it, it would take itself for cp.
        copiers.push(CopyProgram { called: Some(SAFECP), ..alone });
    }
    copiers.push(copier(SAFECP.to_owned(), own, &[], Refusal::Never));
    copiers
}

fn copier(name: String, program: &Path, arguments: &[&str], refusal: Refusal) -> CopyProgram {
    let words = std::iter::once(program.into()).chain(arguments.iter().map(OsString::from)).collect();
    CopyProgram { name, called: None, hangs: AtomicBool::new(false), words, refusal }
}

impl CopyProgram {
    /// Copies one file.
    pub(super) fn copy(&self, source: &Path, target: &Path, clock: &Clock<'_>) -> TrialEnd {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]).arg(source).arg(target);
        if let Some(called) = self.called {
            command.arg0(called);
        }
        match run(command, clock) {
            Ok((End::Exited(status), _)) if status.success() => TrialEnd::Done,
            Ok((End::Exited(status), _)) if self.refuses(status.code()) => TrialEnd::Refused,
            Ok((End::Exited(_), _)) | Err(_) => TrialEnd::Failed,
            Ok((End::TooLong, _)) => TrialEnd::TooLong,
        }
    }

    fn refuses(&self, status: Option<i32>) -> bool {
        match self.refusal {
            Refusal::Never => false,
            Refusal::Any => status.is_some(),
            Refusal::Status(refused) => status == Some(refused.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn refusals_are_told_from_failures() {
        let stop = AtomicBool::new(false);
        let clock = Clock::new(&stop, Duration::from_secs(10));
        let outcome = |script: &str, refusal| {
            let copier = copier(String::new(), Path::new("sh"), &["-c", script], refusal);
            copier.copy(Path::new("a"), Path::new("b"), &clock)
        };
        assert_eq!(outcome("exit 0", Refusal::Any), TrialEnd::Done);
        assert_eq!(outcome("exit 1", Refusal::Any), TrialEnd::Refused);
        assert_eq!(outcome("exit 1", Refusal::Status(3)), TrialEnd::Failed);
        assert_eq!(outcome("exit 3", Refusal::Status(3)), TrialEnd::Refused);
        assert_eq!(outcome("kill -9 $$", Refusal::Any), TrialEnd::Failed);
    }
}
