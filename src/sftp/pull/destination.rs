//! Where operands go: a local directory, and in it each its own name, or the one that was typed.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::sftp::far_path::{self, split, trimmed};
use crate::sftp::local_directory::LocalDirectory;
use crate::sftp::types::{Failure, Tree};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Where operands go.
pub(super) struct Destination<F> {
    pub(super) dir: Rc<LocalDirectory<F>>,
    /// The one name; else each operand has its own.
    pub(super) name: Option<PathBuf>,
}

impl<F> Destination<F> {
    pub(super) fn find<K: Kernel<File = F>>(
        kernel: &K,
        target: &Path,
        count: usize,
        tree: Tree,
    ) -> Result<Self, Failure> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let open = |path: &Path| kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty());
        let top = |file, shown: &Path| {
            Rc::new(LocalDirectory { file, shown: shown.to_owned(), above: None, last: None, depth: 0 })
        };
        let errno = match open(target) {
            Ok(file) => return Ok(Self { dir: top(file, target), name: None }),
            Err(errno @ (Errno::NOENT | Errno::NOTDIR)) => errno,
            // Any other failure tells nothing of what is there.
            Err(errno) => return Err(Failure::Here(Error::call(Action::AccessTargetDirectory, target, errno))),
        };
        let typed = target.as_os_str().as_bytes();
        if count > 1 || typed.is_empty() || typed.ends_with(b"/") && tree == Tree::Refused {
            return Err(Failure::Here(Error::call(Action::TargetDirectory, target, errno)));
        }
        let (dir, name) = split(trimmed(typed));
        let dir = Path::new(OsStr::from_bytes(dir));
        let file = open(dir).map_err(|errno| Failure::Here(Error::call(Action::CreateFile, target, errno)))?;
        let shown = if dir == Path::new(".") { Path::new("") } else { dir };
        Ok(Self { dir: top(file, shown), name: Some(far_path::shown(name)) })
    }
}
