//! Runs under strace, which makes chosen system calls fail or lie. Works on a program that calls the kernel directly, as
//! ours does, where LD_PRELOAD would not.

use super::{Output, Running, World, has_tool};
use std::collections::HashMap;

/// What came of a run under strace.
pub(crate) struct Traced {
    /// How it ended.
    pub(crate) output: Output,
    /// The calls it made, one a line, each with its thread in front.
    pub(crate) calls: String,
}

impl Traced {
    /// How many calls were answered by strace in the kernel's place.
    pub(crate) fn injected(&self) -> usize {
        self.calls.matches("(INJECTED)").count()
    }

    /// How many calls of this name were made.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.lines_of(call).count()
    }

    /// Which call of this name, counted from 1 in its own thread as strace's `when=` does, is the first to hold `piece`.
    pub(crate) fn position(&self, call: &str, piece: &str) -> Option<usize> {
        let mut seen = HashMap::<&str, usize>::new();
        self.lines_of(call).find_map(|line| {
            let thread = line.split_whitespace().next().unwrap_or_default();
            let count = seen.entry(thread).or_default();
            *count += 1;
            line.contains(piece).then_some(*count)
        })
    }

    /// What calls of this name returned, in order, where that was a number.
    pub(crate) fn results(&self, call: &str) -> Vec<u64> {
        let results = self.lines_of(call).filter_map(|line| line.rsplit_once(" = "));
        results.filter_map(|(_, result)| result.split_whitespace().next()?.parse().ok()).collect()
    }

    fn lines_of<'a>(&'a self, call: &str) -> impl Iterator<Item = &'a str> {
        let opening = format!("{call}(");
        let is_call = move |line: &str| {
            line.split_once(char::is_whitespace).is_some_and(|(_, rest)| rest.trim_start().starts_with(&opening))
        };
        self.calls.lines().filter(move |line| is_call(line))
    }
}

impl World {
    /// Runs safecp under strace, tracing these calls (a comma-separated list) with these faults, each `call:what`.
    /// None, which has been said, where there is no strace.
    pub(crate) fn cp_traced(&self, calls: &str, faults: &[&str], words: &str) -> Option<Traced> {
        self.cp_traced_on(None, calls, faults, words)
    }

    /// The same for calls on one file only.
    pub(crate) fn cp_traced_on(&self, file: Option<&str>, calls: &str, faults: &[&str], words: &str) -> Option<Traced> {
        if !has_tool("strace") {
            return None;
        }
        let log = tempfile::NamedTempFile::new().expect("a log");
        let mut command = self.command("strace");
        command.args(["-f", "-qq", "-a1", "-s", "256", "-e", "signal=none", "-e"]).arg(format!("trace={calls}"));
        command.arg("-o").arg(log.path());
        command.args(faults.iter().flat_map(|fault| ["-e".to_owned(), format!("inject={fault}")]));
        if let Some(file) = file {
            command.arg("-P").arg(self.path(file));
        }
        command.arg("--").arg(&self.binary).args(words.split_whitespace());
        let output = self.run(command, b"");
        let log = std::fs::read(log.path()).expect("the log");
        // For a thread that ends with its process strace may write `???( <detached ...>`: that is no call.
        let log = String::from_utf8_lossy(&log);
        let calls = log.lines().filter(|line| !line.ends_with("???( <detached ...>"));
        Some(Traced { output, calls: calls.flat_map(|line| [line, "\n"]).collect() })
    }

    /// Starts safecp with each read and write held up for some milliseconds, so that there is time to disturb it.
    /// The process is safecp itself, not strace. None, which has been said, where there is no strace.
    pub(crate) fn start_slowly(&self, words: &str) -> Option<Running> {
        if !has_tool("strace") {
            return None;
        }
        let slow = "read,write,pread64,pwrite64,preadv2,pwritev2,copy_file_range";
        let mut command = self.interruptible("strace");
        command.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={slow}")]);
        command.args(["-e", &format!("inject={slow}:delay_exit=5000"), "--"]);
        command.arg(&self.binary).args(words.split_whitespace());
        Some(Running::start(command))
    }
}
