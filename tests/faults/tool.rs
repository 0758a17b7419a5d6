//! A program that copies, and one run of it, plain or under strace.

use super::asked::program;
use super::scenario::{Program, Scenario, Task};
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What runs longer hangs. On a machine full of other work some cases take more than 20 s.
const DEADLINE: Duration = Duration::from_secs(60);

/// A program to test.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// What came of a run, besides files.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None if it had to be killed.
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stderr: String,
    /// What was found, where that is what a run is for.
    pub(crate) stdout: String,
    /// What strace wrote.
    pub(crate) log: String,
}

impl Ended {
    pub(crate) fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    pub(crate) fn shown(&self) -> String {
        match self.status {
            None => "did not end".to_owned(),
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit status {code}"),
                (None, signal) => format!("died of signal {}", signal.unwrap_or(0)),
            },
        }
    }
}

impl Tool {
    /// safecp, or what SAFECP_TEST_BINARY names in its place.
    pub(crate) fn ours() -> Self {
        let path = std::fs::canonicalize(program()).expect("the program under test");
        Self { name: "safecp".to_owned(), path }
    }

    /// The words after the program's name that copy `world/s` to `world/d/t`.
    fn words(&self, scenario: &Scenario, world: &Path) -> Vec<String> {
        let path = |name: &str| world.join(name).to_str().expect("a plain path").to_owned();
        let tree = scenario.source.is_tree();
        let mut words: Vec<String> = match self.name.as_str() {
            // It has other words for trees, and copies what is in a directory whose name ends in a slash.
            "rsync" if tree => return vec!["-aHX".into(), path("s") + "/", path("d/t")],
            "rsync" => return vec![path("s"), path("d/t")],
            "xcp" if tree => vec!["-r".into()],
            "xcp" => Vec::new(),
            _ => {
                let called = match scenario.program {
                    Program::Cp => None,
                    Program::Install => Some("--as=install"),
                    Program::Mv => Some("--as=mv"),
                };
                called.into_iter().chain(scenario.options.split_whitespace()).map(str::to_owned).collect()
            }
        };
        words.extend(match scenario.task {
            Task::Copy => vec![path("s"), path("d/t")],
            Task::Manifest => vec![format!("--manifest={}", path("d/list")), path("s"), path("d/t")],
            Task::Seal => vec![format!("--manifest={}", path("d/list")), path("s")],
            Task::Check => vec![path("list"), path("d/t")],
            Task::Repair => vec![path("list"), path("d/t"), format!("--from={}", path("s"))],
        });
        words
    }

    /// Runs it with no more than words.
    pub(crate) fn run(&self, scenario: &Scenario, world: &Path) -> Ended {
        let mut command = Command::new(&self.path);
        command.args(self.words(scenario, world));
        finish(command)
    }

    /// The same under strace with these arguments, whose log is kept in `desk`.
    pub(crate) fn traced(&self, arguments: &[String], scenario: &Scenario, world: &Path, desk: &Path) -> Ended {
        let log = desk.join("log");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-a1", "-e", "signal=none", "-o"]).arg(&log).args(arguments).arg("--");
        command.arg(&self.path).args(self.words(scenario, world));
        let ended = finish(command);
        let log = std::fs::read(&log).map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned());
        Ended { log, ..ended }
    }

    /// The same behind another program, such as prlimit, with its arguments.
    pub(crate) fn behind(&self, words: &[&str], scenario: &Scenario, world: &Path) -> Ended {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(&self.path).args(self.words(scenario, world));
        finish(command)
    }

    /// Starts it, and kills it after this time.
    pub(crate) fn killed_after(&self, time: Duration, scenario: &Scenario, world: &Path) -> Ended {
        let mut command = Command::new(&self.path);
        command.args(self.words(scenario, world));
        prepare(&mut command);
        let mut child = command.spawn().expect("a program to kill");
        std::thread::sleep(time);
        child.kill().expect("kill");
        let status = child.wait().expect("wait");
        Ended { status: Some(status), stderr: String::new(), stdout: String::new(), log: String::new() }
    }

    /// A line for a shell that repeats a run.
    pub(crate) fn line(&self, arguments: &[String], scenario: &Scenario) -> String {
        let words = self.words(scenario, Path::new(""));
        format!("strace -f {} {} {}", arguments.join(" "), self.name, words.join(" "))
    }
}

fn prepare(command: &mut Command) {
    command.current_dir("/").env("LC_ALL", "C").env_remove("POSIXLY_CORRECT").env_remove("RUST_BACKTRACE");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
}

fn finish(mut command: Command) -> Ended {
    prepare(&mut command);
    let started = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let status = loop {
        if let Some(status) = child.try_wait().expect("wait") {
            break Some(status);
        }
        if started.elapsed() > DEADLINE {
            // It leads a group of its own: strace and what it traces go together.
            let group = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("kill");
            child.wait().expect("wait");
            break None;
        }
        std::thread::sleep(Duration::from_micros(300));
    };
    // Pipes, which hold more than any of them says, and have no limit of size that a file may have.
    let [mut stderr, mut stdout] = [Vec::new(), Vec::new()];
    child.stderr.take().expect("its messages").read_to_end(&mut stderr).expect("its messages");
    child.stdout.take().expect("what it found").read_to_end(&mut stdout).expect("what it found");
    let [stderr, stdout] = [stderr, stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ended { status, stderr, stdout, log: String::new() }
}
