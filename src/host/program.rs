//! Programs as a shell would find them.

use rustix::fs::{Access, FileType, Mode, access};
use std::path::{Path, PathBuf};

/// A program as a shell would find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub file: PathBuf,
    /// Whether nobody but root and this user can put another in its place, so that it may be run unasked.
    pub is_safe: bool,
}

/// The first of that name in these directories that may be executed, which is the one that a shell would run.
#[must_use]
pub fn program(directories: &[PathBuf], name: &str) -> Option<Program> {
    let may_run = |file: &PathBuf| file.is_file() && access(file, Access::EXEC_OK).is_ok();
    let file = directories.iter().map(|directory| directory.join(name)).find(may_run)?;
    Some(Program { is_safe: is_safe(&file), file })
}

/// Whether nobody else can change what is found by this name, as typed and behind all links: it is absolute, it and every
/// directory on the way belong to root or this user, and nobody else may write them. What is not sticky counts on the
/// way only; what everybody may write is no place for a program.
fn is_safe(file: &Path) -> bool {
    let Ok(real) = file.canonicalize() else { return false };
    let is_kept = |path: &Path| path.ancestors().enumerate().all(|(above, path)| is_kept(path, above > 1));
    file.is_absolute() && is_kept(file) && is_kept(&real)
}

fn is_kept(path: &Path, may_be_sticky: bool) -> bool {
    // In a user namespace root's files may seem to be nobody's: whoever has the root directory is the machine's root.
    let owners =
        [Some(0), rustix::fs::stat("/").ok().map(|root| root.st_uid), Some(rustix::process::geteuid().as_raw())];
    let groups = [0, rustix::process::getegid().as_raw()];
    rustix::fs::lstat(path).is_ok_and(|found| {
        let mode = Mode::from_raw_mode(found.st_mode);
        let is_link = FileType::from_raw_mode(found.st_mode) == FileType::Symlink;
        let is_open = mode.contains(Mode::WOTH) || mode.contains(Mode::WGRP) && !groups.contains(&found.st_gid);
        owners.contains(&Some(found.st_uid)) && (is_link || !is_open || may_be_sticky && mode.contains(Mode::SVTX))
    })
}

/// The directories of PATH, in their order; where it is not set, those in which shells look for programs then.
#[must_use]
pub fn path() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_else(|| UNSET_PATH.into())).collect()
}

/// What bash and dash of Debian take for PATH if it is not set. execvp(3) has the last ones alone.
const UNSET_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_program_is_the_one_that_a_shell_would_run() {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let chmod = |name: &str, mode| std::fs::set_permissions(at(name), Permissions::from_mode(mode)).expect("chmod");
        for (name, mode) in [("none", 0o755), ("text", 0o755), ("one", 0o755), ("two", 0o755)] {
            std::fs::create_dir(at(name)).expect("a directory");
            chmod(name, mode);
        }
        for (name, mode) in [("text/cp", 0o644), ("one/cp", 0o755), ("two/cp", 0o755)] {
            std::fs::write(at(name), "").expect("a file");
            chmod(name, mode);
        }
        let path = ["none", "text", "one", "two"].map(at);
        let found = |is_safe| Some(Program { file: at("one/cp"), is_safe });
        assert_eq!(program(&path, "cp"), found(true));
        assert_eq!(program(&path, "ln"), None);
        for (name, open, closed) in
            [("one", 0o757, 0o755), ("one", 0o1777, 0o755), ("one/cp", 0o757, 0o755), (".", 0o777, 0o700)]
        {
            chmod(name, open);
            assert_eq!(program(&path, "cp"), found(false), "{name} {open:o}");
            chmod(name, closed);
        }
        chmod(".", 0o1777);
        assert_eq!(program(&path, "cp"), found(true), "as in /tmp: only its owner can rename a directory there");
        std::os::unix::fs::symlink(at("two/cp"), at("none/cp")).expect("a link");
        assert!(program(&path, "cp").is_some_and(|found| found.is_safe && found.file == at("none/cp")));
        chmod("two", 0o777);
        assert!(program(&path, "cp").is_some_and(|found| !found.is_safe), "where the link leads");
        assert!(!is_safe(Path::new("bin/cp")) && !is_safe(Path::new("cp")));
    }
}
