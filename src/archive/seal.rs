//! A manifest of a tree that is there, without a copy.

use super::beside::Own;
use super::manifest::{Extent, Manifest, Wanted};
use super::open::sha256_of_known;
use super::walk::{Directory, Walk, WalkedName};
use crate::account::Total;
use crate::copy::threads::Threads;
use crate::copy::{Name, Sealing};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::path::directory_of;
use crate::quote::quoted;
use crate::report::{Event, Listener};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A tree, or a name that is none, to be written down.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// As the user named it.
    pub operand: &'a Path,
    /// What lies on other filesystems is left out.
    pub one_file_system: bool,
    /// A name that is in no tree.
    pub left_out: Option<&'a Path>,
}

/// How much there is to read; `None` if `is_over` before that is known, and where nothing can be known.
pub fn count<K: Kernel>(
    kernel: &K,
    Subject { operand, one_file_system, left_out }: Subject<'_>,
    wanted: &Wanted,
    is_over: &AtomicBool,
) -> Option<Total> {
    let size = |dir: Option<&K::File>, name: &Path| {
        // What is gone by now is not read either.
        let stat = kernel.stat_at(dir, name, false).ok();
        stat.filter(|stat| stat.kind == Kind::File).map_or(0, |stat| stat.size)
    };
    let stat = kernel.stat_at(None, operand, true).ok()?;
    if stat.kind != Kind::Directory {
        return Some(Total { names: 1, bytes: size(None, operand) });
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let file = kernel.open(None, operand, flags, Mode::empty(), ResolveFlags::empty()).ok()?;
    let own = Own::of(kernel, &wanted.file)?;
    let mut total = Total::of_names(1);
    let walk =
        Walk::new(kernel, Directory { file, stat }, operand).on_one_filesystem(one_file_system).leaving_out(left_out);
    for found in walk.flatten() {
        if is_over.load(Ordering::Relaxed) {
            return None;
        }
        if own.has(&found.dir.stat, &found.name) {
            continue;
        }
        total.names += 1;
        if found.kind == Kind::File {
            total.bytes += size(Some(&found.dir.file), &found.name);
        }
    }
    Some(total)
}

/// Reads all that is beneath a directory, or one name that is none, into a manifest. Each name and what fails is told, and
/// the rest goes on. Returns how much could be listed.
pub fn seal<K: Kernel>(
    sealing: &Sealing<'_, K>,
    Subject { operand, one_file_system, left_out }: Subject<'_>,
    manifest: &Manifest<'_, K>,
    threads: &Threads,
    listener: &dyn Listener,
) -> Result<Extent, Error> {
    let kernel = sealing.kernel;
    let tell = |path: &Path, bytes| listener.hear(&Event::Examined { path, bytes });
    let failed = |errno| Error::call(Action::StatSource, operand, errno);
    let stat = kernel.stat_at(None, operand, true).map_err(failed)?;
    if stat.kind != Kind::Directory {
        let above = directory_of(operand);
        let name = operand.file_name().map(PathBuf::from).ok_or_else(|| failed(crate::kernel::Errno::INVAL))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let dir = kernel.open(None, above, flags, Mode::empty(), ResolveFlags::empty()).map_err(failed)?;
        return add(sealing, (&dir, &name), &name, operand, manifest, listener).map(|bytes| {
            tell(operand, bytes);
            Extent::Whole
        });
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let file = kernel.open(None, operand, flags, Mode::empty(), ResolveFlags::empty());
    let file = file.map_err(|errno| Error::call(Action::Access, operand, errno))?;
    let sealed = sealing.handle(&file, operand, kernel.stat(&file).map_err(failed)?, None)?;
    manifest.add(Path::new("."), &sealed, None)?;
    tell(operand, 0);
    let has_failed = AtomicBool::default();
    let each = |found: Result<WalkedName<K>, Error>| {
        if sealing.stop.is_asked() {
            return;
        }
        let added = found.and_then(|found| {
            if manifest.is_own(&found.dir.stat, &found.name) {
                return Ok(());
            }
            let shown = operand.join(&found.path);
            let bytes = add(sealing, (&found.dir.file, &found.name), &found.path, &shown, manifest, listener)?;
            tell(&shown, bytes);
            Ok(())
        });
        if let Err(error) = added {
            has_failed.store(true, Ordering::Relaxed);
            listener.hear(&Event::Failed(&error));
        }
    };
    let walk =
        Walk::new(kernel, Directory { file, stat }, operand).on_one_filesystem(one_file_system).leaving_out(left_out);
    match threads.pool() {
        Some(pool) => pool.install(|| walk.par_bridge().for_each(each)),
        None => walk.for_each(each),
    }
    Ok(if has_failed.into_inner() { Extent::Partial } else { Extent::Whole })
}

/// Writes down a name. Returns how many bytes of content it has. Of a file that is written meanwhile the list may have a digest that is of no
/// state of it, which is said.
fn add<K: Kernel>(
    sealing: &Sealing<'_, K>,
    (dir, name): (&K::File, &Path),
    path: &Path,
    shown: &Path,
    manifest: &Manifest<'_, K>,
    listener: &dyn Listener,
) -> Result<u64, Error> {
    let entry = Name::within(dir, name, shown);
    let sealed = sealing.name(&entry, None)?;
    let sha256 = match &sealed.digests {
        Some(digests) if manifest.takes_sha256() => {
            let file = entry.open(sealing.kernel, OFlags::RDONLY | OFlags::NONBLOCK);
            let file = file.map_err(|errno| Error::call(Action::OpenSource, shown, errno))?;
            Some(sha256_of_known(sealing.kernel, &file, shown, &digests.whole)?)
        }
        Some(_) | None => None,
    };
    if sealed.digests.is_some() && !is_still(sealing.kernel, (dir, name), &sealed.stat) {
        listener.hear(&Event::Warned(&format!("{} changed while being read", quoted(shown))));
    }
    manifest.add(path, &sealed, sha256)?;
    Ok(if sealed.digests.is_some() { sealed.stat.size } else { 0 })
}

/// Whether a name shows the file that it showed, and nobody has written to that since.
fn is_still<K: Kernel>(kernel: &K, (dir, name): (&K::File, &Path), before: &Stat) -> bool {
    let times = |stat: &Stat| (stat.size, stat.mtime, stat.ctime);
    kernel.stat_at(Some(dir), name, false).is_ok_and(|now| now.is_same_file(before) && times(&now) == times(before))
}
