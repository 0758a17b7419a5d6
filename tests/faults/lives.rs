//! What a copy lives through: answers that mean "again", "not here" or "not now", of calls that can be made again or done
//! without. That a failure is loud is not enough there: GNU's cp, where it makes such a call, ends with status 0 if the kernel
//! says so from the first call on (a test in `comparison` shows it); safecp does after whichever call.

use super::fault::Fault;
use super::scenario::{Program, Scenario, Task};
use super::trace::Call;

/// Some calls, and what they may answer.
pub(crate) struct Way {
    pub(crate) calls: &'static [&'static str],
    pub(crate) errors: &'static [&'static str],
    /// From then on, as well as once.
    pub(crate) lasts: bool,
    /// Which of these calls are meant, in which copies.
    is_meant: fn(&Call, &Scenario) -> bool,
    pub(crate) why: &'static str,
}

/// What kernels say that are older than a call, and the filters of containers.
const UNKNOWN: &[&str] = &["ENOSYS", "EPERM"];

const WAYS: &[Way] = &[
    Way {
        calls: &[
            "open",
            "openat",
            "openat2",
            "read",
            "pread64",
            "write",
            "pwrite64",
            "fsync",
            "fdatasync",
            "ftruncate",
            "fallocate",
            "getdents64",
            "msync",
            "flock",
            "copy_file_range",
            "ioctl",
            "getrandom",
        ],
        errors: &["EINTR"],
        lasts: false,
        is_meant: |call, scenario| call.name != "ioctl" || is_optional_clone(call, scenario),
        why: "an interrupted call is made again",
    },
    Way {
        calls: &["openat2"],
        errors: &["EAGAIN"],
        lasts: false,
        is_meant: always,
        why: "openat2 asks to be called again when anything is renamed meanwhile",
    },
    Way { calls: &["openat2"], errors: UNKNOWN, lasts: true, is_meant: always, why: "Linux 5.6 brought openat2" },
    Way {
        calls: &["lseek"],
        errors: &["EINVAL", "EOPNOTSUPP"],
        lasts: false,
        is_meant: |call, _| seeks(call),
        why: "not every filesystem tells where holes are",
    },
    Way {
        calls: &["lseek"],
        errors: &["EINVAL", "EOPNOTSUPP"],
        lasts: true,
        // Directories are rewound by the same call.
        is_meant: |call, scenario| seeks(call) && !scenario.source.is_tree(),
        why: "not every filesystem tells where holes are",
    },
    Way {
        calls: &["ioctl"],
        errors: &["EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS"],
        lasts: true,
        is_meant: is_optional_clone,
        why: "not every filesystem clones, and none clones into another",
    },
    Way {
        calls: &["copy_file_range"],
        errors: &["EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS"],
        lasts: true,
        is_meant: always,
        why: "not every filesystem copies by itself",
    },
    Way {
        calls: &["mincore", "fadvise64", "fstatfs", "flock", "sched_getaffinity", "getrandom", "prlimit64", "uname"],
        errors: &["EOPNOTSUPP", "EINVAL", "EAGAIN", "ENOSYS", "EPERM"],
        lasts: true,
        // What is durable, and what a clone is worth, depends on the filesystem.
        is_meant: |_, scenario| {
            !scenario.has("--verify=device") && !scenario.has("--durable") && !scenario.has("--reflink=always")
        },
        why: "nothing of a copy depends on it",
    },
    Way {
        calls: &["flistxattr", "llistxattr", "listxattr", "fgetxattr", "lgetxattr", "getxattr"],
        errors: &["EOPNOTSUPP"],
        lasts: true,
        is_meant: always,
        why: "not every filesystem keeps extended attributes",
    },
    Way {
        calls: &["fsetxattr", "lsetxattr", "setxattr", "fremovexattr", "lremovexattr", "removexattr"],
        errors: &["EOPNOTSUPP"],
        lasts: true,
        is_meant: always,
        why: "-a keeps extended attributes where it can; what is written in place keeps its own",
    },
    Way {
        calls: &["openat", "openat2"],
        errors: &["EOPNOTSUPP", "EINVAL"],
        lasts: false,
        is_meant: |call, _| call.arguments.iter().any(|word| word.contains("O_TMPFILE")),
        why: "not every filesystem makes files without a name",
    },
    Way {
        calls: &["linkat"],
        errors: &["EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS", "EPERM"],
        lasts: true,
        // A further name of a file that was copied has no other way, and comes later in a tree.
        is_meant: |call, scenario| {
            !scenario.source.is_tree()
                && !call.arguments.iter().any(|word| word.contains("first") || word.contains("second"))
        },
        why: "not every filesystem has hard links, nor names for files without one",
    },
    Way {
        calls: &["renameat2"],
        errors: &["EOPNOTSUPP", "EINVAL", "ENOSYS", "EPERM"],
        lasts: true,
        // What mv renames has no other way.
        is_meant: |_, scenario| scenario.program != Program::Mv,
        why: "not every filesystem knows how to rename without replacing, and Linux 3.15 brought the call",
    },
    Way {
        calls: &["fallocate"],
        errors: &["EOPNOTSUPP", "ENOSYS"],
        lasts: true,
        is_meant: always,
        why: "not every filesystem punches holes",
    },
    Way {
        calls: &["clone", "clone3"],
        errors: &["EAGAIN", "ENOMEM", "ENOSYS", "EPERM"],
        lasts: true,
        is_meant: always,
        why: "a copy needs no threads",
    },
];

fn always(_: &Call, _: &Scenario) -> bool {
    true
}

/// Whether a call asks where holes are.
fn seeks(call: &Call) -> bool {
    let what = call.arguments.get(2).map_or("", String::as_str);
    what.starts_with("SEEK_DATA") || what.starts_with("SEEK_HOLE")
}

/// Whether a call clones where that is only one way to copy.
fn is_optional_clone(call: &Call, scenario: &Scenario) -> bool {
    let clones = call.arguments.iter().any(|word| word.contains("FICLONE"));
    // How much a device takes at once, and whether it is synced, is asked by ioctl as well.
    clones && !scenario.has("--reflink=always") && !scenario.has("--verify=device")
}

/// Why a copy has to live through this, if so.
pub(crate) fn why(fault: &Fault, scenario: &Scenario) -> Option<&'static str> {
    let error = fault.what.strip_prefix("error=").filter(|_| !fault.is_lie)?;
    // The other ways are those of copies.
    if scenario.task != Task::Copy && error != "EINTR" {
        return None;
    }
    let ways = ways(&fault.call, scenario);
    let mut ways = ways.filter(|way| way.errors.contains(&error) && (way.lasts || !fault.stays));
    ways.next().map(|way| way.why)
}

/// The errors of kernels without a call, for calls that a copy can do without.
pub(crate) fn errors_of_older_kernels(call: &Call, scenario: &Scenario) -> Vec<(&'static str, &'static str)> {
    let all = [("ENOSYS", "Function not implemented"), ("EPERM", "Operation not permitted")];
    all.into_iter().filter(|(error, _)| ways(call, scenario).any(|way| way.errors.contains(error))).collect()
}

fn ways<'a>(call: &'a Call, scenario: &'a Scenario) -> impl Iterator<Item = &'static Way> + 'a {
    WAYS.iter().filter(move |way| way.calls.contains(&&*call.name) && (way.is_meant)(call, scenario))
}
