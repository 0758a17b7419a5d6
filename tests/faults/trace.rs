//! The calls of a run in which nothing fails: what there is to inject faults into.
//!
//! strace counts calls by name and thread, and so is counted here. What the loader does before the program begins is
//! left out by its position: it ends where the list of libraries is unmapped.

use std::collections::{BTreeMap, HashMap, HashSet};

/// One call that a fault can strike.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// Which call of that name it is in its thread, from 1.
    pub(crate) number: usize,
    /// It is the first of that name after the loader's.
    pub(crate) is_first: bool,
    /// Its arguments as strace writes them, without strings.
    pub(crate) arguments: Vec<String>,
    /// No operand had been named yet.
    pub(crate) before_operands: bool,
    /// It tells whether what was written will last: fsync, and close of a file that just got its name or was written
    /// in place. The close of a directory tells nothing.
    pub(crate) seals: bool,
}

/// What is known of a clean run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) calls: Vec<Call>,
    /// Calls that are not struck, by reason.
    pub(crate) left_out: BTreeMap<String, usize>,
}

/// Calls that nothing is done to, and why. Everything else that is called is struck.
const NOT_STRUCK: &[(&str, &[&str])] = &[
    ("cannot fail", &["umask", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "sched_yield"]),
    ("never return", &["exit", "exit_group", "restart_syscall", "rt_sigreturn", "execve"]),
    (
        "fail only on wrong arguments, which the runtime takes for a defect of its own",
        &["futex", "rt_sigprocmask", "munmap", "set_robust_list", "rseq", "sigaltstack", "rt_sigaction", "arch_prctl"],
    ),
    ("waiting for a child or a timer: no part of copying", &["wait4", "clock_nanosleep", "pselect6", "select"]),
];

impl Trace {
    /// Reads the log of a run whose operands lie in `world`, a path that nothing else contains, and are trees or single files.
    pub(crate) fn read(log: &str, world: &str, is_tree: bool) -> Self {
        let mut trace = Self::default();
        let mut counts = HashMap::<(&str, &str), usize>::new();
        let lines: Vec<_> = log.lines().filter_map(parts).collect();
        let Some((main, _, _)) = lines.first() else { return trace };
        let loader_end = loader_end(&lines);
        let first_operand =
            lines.iter().position(|(_, name, rest)| *name != "execve" && rest.contains(world)).unwrap_or(lines.len());
        let mut loaded = HashMap::<&str, usize>::new();
        let is_target = |rest: &str| rest.contains("/w/d/t>") && !rest.contains("(deleted)");
        let is_written = |rest: &str| is_target(rest) || rest.contains("/w/d/.safecp-");
        let was_written = lines.iter().any(|(_, name, rest)| *name == "pwrite64" && is_written(rest));
        let is_file_written = was_written && !is_tree;
        let last_close =
            lines.iter().rposition(|(_, name, rest)| *name == "close" && is_target(rest) && is_file_written);
        // Files that were made without a name and have got one: handle and number.
        let mut named = HashSet::<&str>::new();
        let (mut numbered, mut names) = (HashSet::<(&str, usize)>::new(), HashSet::<&str>::new());
        for (index, (thread, name, rest)) in lines.iter().enumerate() {
            let count = counts.entry((thread, name)).or_default();
            *count += 1;
            // strace goes on to write a file that was made without a name as its number.
            let file = rest.split_once("(deleted)").map_or("", |(file, _)| file);
            if ["renameat", "renameat2", "linkat"].contains(name) && file.contains("/#") {
                named.insert(file);
            }
            let is_named = *name == "close" && named.remove(file);
            // A source is synced as well, where hints are not believed without.
            let is_sync = ["fsync", "fdatasync"].contains(name) && !rest.contains("/w/s");
            let seals = is_named || is_sync || last_close == Some(index);
            if thread == main && index < loader_end {
                loaded.insert(name, *count);
                continue;
            }
            // Without counting: only the main thread has a loader, but strace strikes every thread at this number.
            let strikes_loader = thread != main && *count <= loaded.get(name).copied().unwrap_or(0);
            if let Some(reason) = reason_to_spare(name, strikes_loader) {
                *trace.left_out.entry(format!("{name}: {reason}")).or_default() += 1;
            } else if numbered.insert((name, *count)) {
                let new = call(name, *count, rest, index < first_operand);
                trace.calls.push(Call { seals, is_first: names.insert(name), ..new });
            }
        }
        trace
    }
}

fn reason_to_spare(name: &str, strikes_loader: bool) -> Option<&'static str> {
    let spared = NOT_STRUCK.iter().find(|(_, names)| names.contains(&name)).map(|(reason, _)| *reason);
    if name.starts_with("syscall_0x") {
        return Some("strace is older than the call and cannot strike it (0x1c3 is cachestat)");
    }
    let loader = "strace would strike the loader's call of the same number in the first thread as well";
    spared.or(strikes_loader.then_some(loader))
}

/// Thread, name and the rest of a line that begins a call.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (name, rest) = rest.trim_start().split_once('(')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some((thread, name, rest))
}

/// The index behind the loader's last call; that behind execve for a program without a loader.
fn loader_end(lines: &[(&str, &str, &str)]) -> usize {
    let cache = lines.iter().position(|(_, _, rest)| rest.contains("/etc/ld.so.cache"));
    let Some(cache) = cache else { return 1 };
    lines.iter().skip(cache).position(|(_, name, _)| *name == "munmap").map_or(cache, |unmapped| cache + unmapped + 1)
}

fn call(name: &str, number: usize, rest: &str, before_operands: bool) -> Call {
    let arguments = rest.rsplit_once(" = ").map_or(rest, |(arguments, _)| arguments);
    let arguments = arguments.trim_end().trim_end_matches(')').split(", ").map(str::to_owned).collect();
    Call { name: name.to_owned(), number, arguments, before_operands, is_first: false, seals: false }
}
