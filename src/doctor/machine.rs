//! The kernel, the C library and the user's rights: each feature is asked for by a call that changes nothing.

use super::clock::Clock;
use super::run::said_by;
use crate::error::reason;
use crate::kernel::linux::Linux;
use crate::kernel::process::{knows_filters, release};
use crate::kernel::{Errno, Kernel as _};
use crate::known::glibc;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, MemfdFlags, Mode, OFlags, ResolveFlags, memfd_create, openat, openat2};
use rustix::thread::{CapabilitySet, capabilities};
use serde::Serialize;
use std::path::PathBuf;

/// Whether something works, and why not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Answer {
    works: bool,
    /// The kernel's reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Answer {
    /// What a call returned.
    pub(super) fn of<T>(returned: Result<T, Errno>) -> Self {
        Self { works: returned.is_ok(), reason: returned.err().map(reason) }
    }

    /// Whether it works.
    pub(super) fn works(&self) -> bool {
        self.works
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.reason, self.works) {
            (Some(reason), _) => write!(f, "no ({reason})"),
            (None, works) => f.write_str(if works { "yes" } else { "no" }),
        }
    }
}

/// The running kernel.
#[derive(Clone, Debug, Serialize)]
pub(super) struct KernelFacts {
    /// As uname(1) has it.
    pub(super) release: String,
    /// Whether a file's pages can be counted, and those that are changed among them.
    pub(super) cachestat: Answer,
    /// Whether names can be looked up beneath a directory.
    pub(super) openat2: Answer,
    /// Whether `--guard` can have its filters.
    pub(super) seccomp_filters: Answer,
}

/// Asks the running kernel.
pub(super) fn kernel() -> KernelFacts {
    let openat2 = openat2(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    KernelFacts {
        release: release().unwrap_or_default(),
        cachestat: Answer::of(
            memfd_create("doctor", MemfdFlags::CLOEXEC).and_then(|file| Linux::new().cachestat(&file)),
        ),
        openat2: Answer::of(openat2),
        seccomp_filters: Answer::of(knows_filters()),
    }
}

/// The C library that programs of the machine copy by.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Library {
    /// As getconf(1) names it.
    pub(super) version: Option<String>,
    /// What is known of its copy_file_range, unless its package has that mended.
    pub(super) copy_file_range: Option<&'static str>,
}

/// Asks getconf(1), which only glibc's answers.
pub(super) fn c_library<'c>(path: &[PathBuf], clock: &dyn Fn() -> Clock<'c>) -> Library {
    let version = said_by("getconf", "GNU_LIBC_VERSION", path, &clock()).map(|said| said.trim().to_owned());
    let number = version.as_deref().and_then(|version| version.strip_prefix("glibc "));
    let fault = number.and_then(|number| glibc::fault(crate::host::parse_release(number)));
    let is_mended = || said_by("ldd", "--version", path, &clock()).is_some_and(|said| glibc::is_mended(&said));
    let fault = fault.filter(|_| !is_mended());
    Library { version, copy_file_range: fault.map(|fault| fault.effect) }
}

/// A file that everybody may read and only root may write.
const OF_OTHERS: &str = "/etc/passwd";

/// What safecp would do better with more rights: a sentence each.
pub(super) fn lacking(kernel: &KernelFacts) -> Vec<String> {
    let mut sentences = Vec::new();
    if !sees_pages_of_others(kernel) {
        sentences.push(
            "Pages of files that this user may not write cannot be counted: on ZFS and in front of it such files count as \
             mapped, and every byte of them is read and written."
                .to_owned(),
        );
    }
    let effective = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    if !effective.contains(CapabilitySet::CHOWN) {
        sentences.push("Without CAP_CHOWN files of other owners cannot keep their owner.".to_owned());
    }
    if !effective.contains(CapabilitySet::SYS_ADMIN) {
        sentences.push(
            "Without CAP_SYS_ADMIN --guard sets no_new_privs: set-user-ID programs such as sudo gain nothing under it."
                .to_owned(),
        );
    }
    sentences
}

/// Where there is no cachestat(2), mincore(2) says "all" of files that may not be written.
fn sees_pages_of_others(kernel: &KernelFacts) -> bool {
    let may_write = |path| rustix::fs::accessat(CWD, path, rustix::fs::Access::WRITE_OK, rustix::fs::AtFlags::EACCESS);
    let open = || -> Result<OwnedFd, Errno> { openat(CWD, OF_OTHERS, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) };
    if may_write(OF_OTHERS).is_ok() {
        return true;
    }
    kernel.cachestat.works() && open().and_then(|file| Linux::new().cachestat(&file)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_its_reason() {
        assert_eq!(Answer::of(Ok::<_, Errno>(())).to_string(), "yes");
        assert_eq!(Answer::of(Err::<(), _>(Errno::NOSYS)).to_string(), "no (Function not implemented)");
    }

    #[test]
    fn the_kernel_is_asked_and_names_its_release() {
        let kernel = kernel();
        assert_eq!(kernel.release, rustix::system::uname().release().to_string_lossy());
        // Since Linux 5.6, and older ones are of no interest to whoever runs the tests.
        assert!(kernel.openat2.works(), "{}", kernel.openat2);
    }
}
