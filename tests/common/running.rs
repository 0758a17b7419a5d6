//! A program that runs while the test does something to it, or to the files it works on.

use super::{DEADLINE, Output};
use rustix::process::{Pid, Signal};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A started program, whose output is gathered.
pub(crate) struct Running {
    child: Child,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    started: Instant,
}

impl Running {
    /// Starts it with nothing to read.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_with_input(command, b"")
    }

    /// Starts it with this to read.
    pub(crate) fn start_with_input(mut command: Command, input: &[u8]) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = gather(child.stdout.take().expect("its standard output"));
        let stderr = gather(child.stderr.take().expect("its standard error"));
        let mut stdin = child.stdin.take().expect("its standard input");
        // A program that ends without reading its answers is no failure of the test.
        let written = stdin.write_all(input);
        assert!(written.is_ok() || !input.is_empty(), "standard input");
        Self { child, stdout, stderr, started: Instant::now() }
    }

    /// The process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits until it has written this many bytes. Fails the test where it ends before.
    #[track_caller]
    pub(crate) fn wait_for_bytes_written(&mut self, bytes: u64) {
        while self.bytes_written() < bytes {
            let ended = self.child.try_wait().expect("wait");
            assert!(ended.is_none(), "it ended before it had written {bytes} bytes: {ended:?}");
            assert!(self.started.elapsed() < DEADLINE, "it did not write {bytes} bytes");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(self.pid(), signal).expect("kill");
    }

    /// Waits for its end. What runs beyond the deadline is killed and fails the test.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Output {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                break status;
            }
            if self.started.elapsed() > DEADLINE {
                self.child.kill().expect("kill");
                panic!("it still ran after {DEADLINE:?}");
            }
            thread::sleep(Duration::from_millis(1));
        };
        Output { status, stdout: text(self.stdout), stderr: text(self.stderr) }
    }

    fn bytes_written(&self) -> u64 {
        let path = format!("/proc/{}/io", self.pid().as_raw_nonzero());
        let Ok(counters) = std::fs::read_to_string(path) else { return 0 };
        let line = counters.lines().find_map(|line| line.strip_prefix("wchar: "));
        line.and_then(|count| count.parse().ok()).unwrap_or(0)
    }
}

fn gather(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("its output");
        bytes
    })
}

fn text(gathered: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&gathered.join().expect("its output")).into_owned()
}
