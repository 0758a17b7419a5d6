//! Directories by the names that a user typed: opened, and made where they are not there.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use crate::options::TargetRule;
use crate::tree::plan::{Operands, Plan};
use std::path::{Path, PathBuf};

/// The rights of what is made: the owner's alone.
const OWNERS: u32 = 0o700;

/// Opens a directory, so that it can be listed and written out.
pub(super) fn open<K: Kernel>(kernel: &K, path: &Path) -> crate::kernel::Result<K::File> {
    kernel.open(None, path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty(), ResolveFlags::empty())
}

/// The directory that a path lies in, and its name there.
pub(super) fn place<K: Kernel>(kernel: &K, path: &Path) -> Result<(K::File, PathBuf), Error> {
    let operands = Operands { sources: Vec::new(), target: path.to_owned(), rule: TargetRule::Itself, strips: false };
    let plan = Plan::new(kernel, &operands)?;
    let above = plan.open_base(kernel).map_err(|errno| Error::call(Action::StatTarget, path, errno))?;
    Ok((above, plan.operand(path).name))
}

/// Opens a directory; one that is not there is made, open to its owner.
pub(super) fn make<K: Kernel>(kernel: &K, path: &Path) -> Result<K::File, Error> {
    let failed = |errno| Error::call(Action::CreateDirectory, path, errno);
    let (above, name) = place(kernel, path)?;
    let is_made = match kernel.mkdir(&above, &name, Mode::from_raw_mode(OWNERS)) {
        Ok(()) => true,
        Err(Errno::EXIST) => false,
        Err(errno) => return Err(failed(errno)),
    };
    if is_made {
        // A umask, or a list that is inherited, may have taken rights from the owner; then it cannot be opened.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let made = kernel.open(Some(&above), &name, flags, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
        let mode = kernel.stat(&made).map_err(failed)?.mode;
        // Where the directory above gives its group, what is made has the set-group-ID bit and hands that down.
        if mode & OWNERS != OWNERS {
            kernel.chmod(&made, mode | OWNERS).map_err(failed)?;
        }
    }
    open(kernel, path).map_err(failed)
}
