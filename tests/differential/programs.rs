//! The two programs that are compared, and what each can do by its own account.

use super::build::NOBODY;
use super::case::Case;
use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What runs longer than this is killed.
const DEADLINE: Duration = Duration::from_secs(10);

/// How the path of a world is written, which is another for each program.
pub(crate) const PLACE: &str = "$PWD";

/// One cp, in a place where every user may run it.
pub(crate) struct Program {
    path: PathBuf,
    pub(crate) version: String,
    pub(crate) help: String,
}

/// What came of a run, besides files.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    /// Exit status; a signal as a shell counts it; `None` beyond the deadline.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

impl Program {
    /// A copy of the program in `directory`, which is its alone, named `cp`.
    pub(crate) fn install(original: &Path, directory: &Path) -> Self {
        fs::create_dir(directory).expect("a directory for a program");
        let path = directory.join("cp");
        // By another process: a program that this one has open to write cannot be run.
        let status = Command::new("cp").args([original, &path]).status().expect("cp");
        assert!(status.success(), "installing {}: {status}", original.display());
        let text = |option: &str| {
            let output = Command::new(&path)
                .arg0("cp")
                .arg(option)
                .current_dir(directory)
                .env_clear()
                .env("TERM", "dumb")
                .output();
            let output = output.unwrap_or_else(|error| panic!("{}: {error}", original.display()));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let (version, help) = (text("--version"), text("--help"));
        Self { version: version.lines().next().unwrap_or_default().to_owned(), help, path }
    }

    /// Whether its help has this: an option at the left, or any other piece of text.
    pub(crate) fn offers(&self, what: &str) -> bool {
        if !what.starts_with('-') || what.contains('[') {
            return self.help.contains(what);
        }
        self.help.lines().filter(|line| line.trim_start().starts_with('-')).any(|line| {
            let line = line.trim_start();
            let head = line.find("  ").map_or(line, |end| &line[..end]);
            let alias = line.find("[alias").map_or("", |start| &line[start..]);
            [head, alias].iter().flat_map(|text| text.split([' ', ',', '=', '[', ']', '<'])).any(|word| word == what)
        })
    }

    /// Runs the case in `world`, with files for its input and output in `desk`.
    pub(crate) fn run(&self, case: &Case, world: &Path, desk: &Path) -> Ended {
        let (input, output, messages) = (desk.join("input"), desk.join("output"), desk.join("messages"));
        fs::write(&input, case.answers).expect("answers");
        let create = |path: &Path| Stdio::from(File::create(path).expect("a file for output"));
        let mut command = self.command(case, world);
        command.current_dir(world).env_clear().env("LC_ALL", "C.UTF-8").envs(case.environment.iter().copied());
        command.stdin(File::open(&input).expect("answers")).stdout(create(&output)).stderr(create(&messages));
        if case.as_nobody && rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let status = wait(&mut command);
        let here = world.to_str().expect("a plain path");
        let read = |path: &Path| String::from_utf8_lossy(&fs::read(path).expect("output")).replace(here, PLACE);
        Ended { status, stdout: sorted(&read(&output)), stderr: sorted(&separated(&read(&messages))) }
    }

    fn command(&self, case: &Case, world: &Path) -> Command {
        if case.umask == 0o022 {
            let mut command = Command::new(&self.path);
            command.arg0("cp").args(case.words(world));
            return command;
        }
        let mut command = Command::new("/bin/bash");
        command.args(["-c", r#"umask "$1"; program=$2; shift 2; exec -a cp "$program" "$@""#, "bash"]);
        command.arg(format!("{:03o}", case.umask)).arg(&self.path).args(case.words(world));
        command
    }
}

fn wait(command: &mut Command) -> Option<i32> {
    let started = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return Some(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
        }
        if started.elapsed() > DEADLINE {
            child.kill().expect("kill");
            child.wait().expect("wait");
            return None;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// Questions have no end of line; both programs get the same name.
fn separated(messages: &str) -> String {
    let named = messages.replace("safecp: ", "cp: ").replace("'safecp --help'", "'cp --help'");
    named.replace("? cp: ", "? \ncp: ")
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
