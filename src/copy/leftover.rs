//! What a dead run left: told from what a living one works on, and removed.
//!
//! Every target has a temporary name of its own, made from its name, which is tried first. So a later
//! copy to the same target meets what an earlier one left, and no directory is searched. A living run
//! holds a lock on a file that has such a name; the kernel lets go of it at death, however it came.
//! Nobody removes the name of a file that he has not locked (docs/design/leftovers.md).

use super::commit::TEMPORARY_PREFIX;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Result};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The temporary name that belongs to a target's name in its directory.
pub(super) fn own_name(target: &Path) -> PathBuf {
    let digest = blake3::hash(target.as_os_str().as_bytes()).to_hex();
    PathBuf::from(format!("{TEMPORARY_PREFIX}{}", &digest[..16]))
}

/// Whether a file that was just made under its own name is still there and locked by this run: between
/// the two, another may have taken it for a dead one's.
pub(super) fn is_held<K: Kernel>(kernel: &K, file: &K::File) -> Result<bool> {
    match kernel.lock(file) {
        Err(Errno::AGAIN) => Ok(false),
        // Where there are no locks, nobody gets one to remove it.
        Ok(()) | Err(_) => Ok(kernel.stat(file)?.nlink > 0),
    }
}

/// Removes what stands at the temporary name `name` if nobody works on it. True if the name is free then.
pub(super) fn remove_dead<K: Kernel>(kernel: &K, dir: &K::File, name: &Path) -> bool {
    let removed = claim_dead(kernel, dir, name).and_then(|held| {
        let unlinked = kernel.unlink(dir, name);
        // The lock lasts until the name is gone.
        drop(held);
        unlinked
    });
    // What stands there stays, for whatever reason: there are other names.
    matches!(removed, Ok(()) | Err(Errno::NOENT))
}

/// Makes sure that nobody works on what stands at `name`, and keeps others from it: a file's lock.
fn claim_dead<K: Kernel>(kernel: &K, dir: &K::File, name: &Path) -> Result<Option<K::File>> {
    let found = kernel.stat_at(Some(dir), name, false)?;
    match found.kind {
        Kind::Directory => Err(Errno::ISDIR),
        // Such a name is made and renamed in two calls, and made again by who misses it.
        Kind::Symlink | Kind::Fifo | Kind::Socket | Kind::CharDevice | Kind::BlockDevice => Ok(None),
        Kind::File => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let file = kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty())?;
            kernel.lock(&file)?;
            // Somebody else may have removed it before, and a living run have made another.
            let is_still = kernel.stat_at(Some(dir), name, false)?.is_same_file(&kernel.stat(&file)?);
            if is_still { Ok(Some(file)) } else { Err(Errno::AGAIN) }
        }
    }
}
