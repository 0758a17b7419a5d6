//! The programs on PATH that copy files: where they are, what they say of their version, what they believe.
//!
//! Each is run to be asked, with a time limit. One that does not answer is named, and that is all.

use super::clock::Clock;
use super::run::{End, run};
use crate::host::{self, program};
use crate::known::programs::{Ask, SOUGHT, Sought, look_up, telling_line};
use crate::known::zfs::Hint;
use serde::Serialize;
use std::path::PathBuf;
use std::process::Command;

/// A program that was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Program {
    /// The name that was looked for.
    pub(super) name: &'static str,
    /// Where it is.
    #[serde(serialize_with = "super::json::lossy")]
    pub(super) path: PathBuf,
    /// The line that tells its make and version.
    pub(super) version: Option<String>,
    /// Why it did not tell.
    pub(super) trouble: Option<String>,
    /// Whether its make is in the table; one that is not is taken for the worst.
    pub(super) is_known: bool,
    /// The calls whose answers it believes.
    pub(super) asks: Vec<&'static str>,
    /// Whether one of them is about holes.
    pub(super) believes_holes: bool,
    /// Whether one of them clones.
    pub(super) believes_clones: bool,
    /// When it asks so, or what else the table has to say.
    pub(super) note: &'static str,
}

/// The program of each name that a shell would find in these directories.
pub(super) fn on<'c>(path: &[PathBuf], clock: &dyn Fn() -> Clock<'c>) -> Vec<Program> {
    SOUGHT.iter().filter_map(|sought| program(path, sought.name).map(|found| ask(sought, found, &clock()))).collect()
}

fn ask(sought: &Sought, found: host::Program, clock: &Clock<'_>) -> Program {
    let path = found.file;
    if !found.is_safe {
        let trouble = "not run: others may put another program in its place";
        return told(sought.name, path, "", Some(trouble.to_owned()));
    }
    let mut command = Command::new(&path);
    // Another release of go is not to be fetched for this.
    command.args(sought.arguments).env("GOTOOLCHAIN", "local");
    for variable in sought.hidden {
        command.env_remove(variable);
    }
    match run(command, clock) {
        // BusyBox knows no --version and says what it is in its complaint.
        Ok((End::Exited(_), said)) if !said.trim().is_empty() => told(sought.name, path, &said, None),
        Ok((End::Exited(status), _)) => told(sought.name, path, "", Some(format!("says nothing ({status})"))),
        Ok((End::TooLong, _)) => told(sought.name, path, "", Some("does not answer".to_owned())),
        Err(error) => told(sought.name, path, "", Some(format!("cannot be run: {error}"))),
    }
}

fn told(name: &'static str, path: PathBuf, said: &str, trouble: Option<String>) -> Program {
    let known = look_up(name, said).filter(|_| trouble.is_none());
    let asks = known.map_or(&Ask::ALL[..], |known| known.asks);
    let believes = |hint| asks.iter().any(|ask| ask.believes(hint));
    // What a terminal would obey is no version.
    let version = Some(telling_line(name, said).replace(char::is_control, "?")).filter(|line| !line.is_empty());
    Program {
        name,
        path,
        version,
        trouble,
        is_known: known.is_some(),
        asks: asks.iter().map(|ask| ask.name()).collect(),
        believes_holes: believes(Hint::Holes),
        believes_clones: believes(Hint::Clones),
        note: known.map_or("", |known| known.note),
    }
}

impl Program {
    /// Whether a wrong answer about `hint` would be believed.
    pub(super) fn believes(&self, hint: Hint) -> bool {
        if hint.is_clone() { self.believes_clones } else { self.believes_holes }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    /// A directory of scripts.
    fn scripts(scripts: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, script) in scripts {
            let file = directory.path().join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("chmod");
        }
        directory
    }

    /// What is found of these scripts.
    pub(in super::super) fn found(list: &[(&str, &str)]) -> Vec<Program> {
        let stop = AtomicBool::new(false);
        on(&[scripts(list).path().to_owned()], &|| Clock::new(&stop, Duration::from_secs(2)))
    }

    #[test]
    fn a_program_is_told_by_what_it_says() {
        let programs = found(&[("cp", "echo 'cp (GNU coreutils) 9.1'"), ("rsync", "echo 'rsync  version 3.2.7'")]);
        assert_eq!(programs.iter().map(|program| program.name).collect::<Vec<_>>(), ["cp", "rsync"]);
        assert_eq!(programs[0].version.as_deref(), Some("cp (GNU coreutils) 9.1"));
        assert!(programs[0].believes_holes && programs[0].believes_clones);
        assert!(!programs[1].believes_holes && !programs[1].believes_clones && programs[1].is_known);
    }

    #[test]
    fn a_program_that_hangs_or_fails_is_named_and_taken_for_the_worst() {
        let programs = found(&[("cp", "exec sleep 1000"), ("tar", "exit 3"), ("cmake", "kill -9 $$")]);
        let trouble = |at: usize| programs[at].trouble.clone().unwrap_or_default();
        assert_eq!(trouble(0), "does not answer");
        assert!(trouble(1).contains("exit status: 3") && trouble(2).contains("signal: 9"), "{programs:?}");
        assert!(programs.iter().all(|program| program.believes_holes && !program.is_known));
    }

    #[test]
    fn a_file_that_nobody_may_execute_is_no_program() {
        let directory = scripts(&[("cp", "exit")]);
        std::fs::set_permissions(directory.path().join("cp"), std::fs::Permissions::from_mode(0o644)).expect("chmod");
        let stop = AtomicBool::new(false);
        assert!(on(&[directory.path().to_owned()], &|| Clock::new(&stop, Duration::from_secs(2))).is_empty());
    }
}
