//! What can be done to a call: it fails, or it says something that is not so.

use super::lives::errors_of_older_kernels;
use super::scenario::{LONG_SIZE, Scenario, Source, Task};
use super::trace::Call;

/// Error names of strace, and the kernel's words for them.
pub(crate) const ERRORS: &[(&str, &str)] = &[
    ("EIO", "Input/output error"),
    ("ENOSPC", "No space left on device"),
    ("EDQUOT", "Disk quota exceeded"),
    ("EINTR", "Interrupted system call"),
    ("EAGAIN", "Resource temporarily unavailable"),
    ("ENOMEM", "Cannot allocate memory"),
    ("EROFS", "Read-only file system"),
    ("EOPNOTSUPP", "Operation not supported"),
    ("EXDEV", "Invalid cross-device link"),
    ("EINVAL", "Invalid argument"),
];

/// How often a call is interrupted, or says the same count, again and again: more often than safecp asks.
const AGAIN: usize = 300;

/// The row of what a read of the target says.
const TARGET_READ: &str = "read of the target says less or nothing";

/// What strace does to a call.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The row of the report.
    pub(crate) row: String,
    pub(crate) call: Call,
    /// As in `error=EIO` or `retval=0`.
    pub(crate) what: String,
    /// The words that a message about it should have.
    pub(crate) words: Option<&'static str>,
    pub(crate) is_lie: bool,
    /// Every call of that name from this one on.
    pub(crate) stays: bool,
}

impl Fault {
    /// The arguments for strace.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let Call { name, number, .. } = &self.call;
        let when = match self.stays {
            false => number.to_string(),
            // An interrupted call may be made again for ever; a file whose reads always give more has no end.
            true if self.what == "error=EINTR" || self.is_lie && self.what != "retval=0" => {
                format!("{number}..{}", number + AGAIN)
            }
            true => format!("{number}+"),
        };
        let fault = format!("inject={name}:{}:when={when}", self.what);
        let mut arguments = vec!["--seccomp-bpf".into(), "-e".into(), format!("trace={name}"), "-e".into(), fault];
        if self.row == TARGET_READ {
            arguments.extend(["-y", "-s", "0"].map(str::to_owned));
        }
        arguments
    }

    /// Whether the call says what an open of a leased file says: that is waited for.
    pub(crate) fn is_of_lease(&self) -> bool {
        self.call.name.starts_with("open") && self.what == "error=EAGAIN"
    }

    /// Whether a call that strace struck, as it writes it, is one that the fault is meant for. With threads a call of the
    /// same number may be another thread's read of the source, and what such a read gives is what the source is; or an open of a file that
    /// is there, where what is refused is a file without a name.
    pub(crate) fn is_meant_for(&self, struck: &str) -> bool {
        let without_name = |words: &str| words.contains("O_TMPFILE");
        let is_like = without_name(struck) || !self.call.arguments.iter().any(|word| without_name(word));
        is_like && (self.row != TARGET_READ || !struck.contains("/w/s"))
    }
}

/// Everything that is done to a call of a scenario.
pub(crate) fn faults(call: &Call, scenario: &Scenario) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (error, words) in ERRORS.iter().copied().chain(errors_of_older_kernels(call, scenario)) {
        for stays in [false, true] {
            faults.push(Fault {
                row: format!("{} fails", group(&call.name)),
                call: call.clone(),
                what: format!("error={error}"),
                words: Some(words),
                is_lie: false,
                stays,
            });
        }
    }
    for (row, what) in lies(call, scenario) {
        // From then on it would strike reads of the source as well, and what they give is what the source is.
        let ways: &[bool] = if row == TARGET_READ { &[false] } else { &[false, true] };
        for &stays in ways {
            faults.push(Fault {
                row: row.into(),
                call: call.clone(),
                what: what.clone(),
                words: None,
                is_lie: true,
                stays,
            });
        }
    }
    faults
}

/// What a call may say that is not so. Not lied about: what a read of the source gives (that is what the source is),
/// and names and attributes (a rename that did nothing and says it did is believed by everyone).
fn lies(call: &Call, scenario: &Scenario) -> Vec<(&'static str, String)> {
    let argument = |index: usize| call.arguments.get(index).map_or("", String::as_str);
    let asked = argument(2).parse::<u64>().unwrap_or(0);
    let counts = |row, counts: &[u64]| counts.iter().map(|count| (row, format!("retval={count}"))).collect();
    match call.name.as_str() {
        "ioctl" if call.arguments.iter().any(|word| word.contains("FICLONE")) => {
            vec![("FICLONE says 0, nothing cloned", "retval=0".into())]
        }
        "copy_file_range" => {
            let asked = argument(4).parse::<u64>().unwrap_or(0).min(size_of(scenario));
            counts("copy_file_range's count is false", &[0, 1, asked / 2, asked])
        }
        "splice" | "sendfile" => counts("splice or sendfile says 0", &[0]),
        "fsync" | "fdatasync" => counts("fsync says 0 or 1, nothing synced", &[0, 1]),
        // Backups write files by pwrite64 alone; what the terminal says it took is no part of them.
        "write" if scenario.task != Task::Copy => Vec::new(),
        "write" | "pwrite64" if asked > 0 => {
            counts("write's count is false, nothing written", &[0, 1, asked / 2, asked])
        }
        "read" | "pread64" if argument(0).contains("/w/s") => counts("read of the source says end of file", &[0]),
        "read" | "pread64" if asked > 0 && argument(0).contains("/w/d") => counts(TARGET_READ, &[0, asked / 2]),
        "ftruncate" => counts("ftruncate says 0, size unchanged", &[0]),
        "fallocate" => counts("fallocate says 0, nothing done", &[0]),
        "lseek" if argument(2).starts_with("SEEK_DATA") || argument(2).starts_with("SEEK_HOLE") => {
            vec![
                ("SEEK_DATA or SEEK_HOLE lies", "error=ENXIO".into()),
                ("SEEK_DATA or SEEK_HOLE lies", "retval=1000000".into()),
            ]
        }
        _ => Vec::new(),
    }
}

/// The largest file of a scenario.
fn size_of(scenario: &Scenario) -> u64 {
    match scenario.source {
        Source::Dense => 300_000,
        Source::Sparse | Source::Tree => 1 << 20,
        Source::Empty => 0,
        Source::Large => 2_200_000,
        Source::Backup => 1_300_000,
        Source::Long => LONG_SIZE,
    }
}

/// What a call is about, for the report.
pub(crate) fn group(name: &str) -> &'static str {
    match name {
        "read" | "pread64" | "preadv" | "preadv2" => "read",
        "write" | "pwrite64" | "pwritev" | "pwritev2" => "write",
        "open" | "openat" | "openat2" | "creat" => "open",
        "close" => "close",
        "fsync" | "fdatasync" | "syncfs" => "fsync",
        "ioctl" => "ioctl (FICLONE)",
        "copy_file_range" | "splice" | "sendfile" => "copy_file_range, splice, sendfile",
        "lseek" => "lseek",
        "ftruncate" | "truncate" | "fallocate" | "fadvise64" => "ftruncate, fallocate, fadvise",
        "rename" | "renameat" | "renameat2" | "link" | "linkat" | "unlink" | "unlinkat" | "mkdir" | "mkdirat"
        | "symlink" | "symlinkat" | "mknod" | "mknodat" => "link, rename, unlink, mkdir",
        "stat" | "fstat" | "lstat" | "newfstatat" | "statx" | "fstatfs" | "statfs" | "access" | "faccessat"
        | "faccessat2" | "readlink" | "readlinkat" | "cachestat" | "mincore" => "stat and the like",
        "getdents64" => "getdents",
        "chmod" | "fchmod" | "fchmodat" | "chown" | "fchown" | "fchownat" | "utimensat" => "chmod, chown, utimens",
        "mmap" | "mprotect" | "brk" | "madvise" | "mremap" => "memory",
        _ if name.contains("xattr") => "extended attributes",
        _ => "other calls",
    }
}
