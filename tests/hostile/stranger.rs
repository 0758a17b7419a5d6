//! A stranger, who may look at the target and no more, and opens every file there as soon as it has a name.
//!
//! A handle that was had early goes on reading what is written later. So they are kept to the end of the copy and read then.

use super::content::is_private;
use super::intruder::become_other;
use crate::common::is_root;
use rustix::fd::AsRawFd;
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::collections::HashSet;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The stranger, where the tests run as root; neither root nor the intruder.
const STRANGER: u32 = 65533;
/// More handles than a target has files.
const HANDLES_MAX: usize = 600;
/// What temporary names begin with.
const TEMPORARY: &str = ".safecp-";

/// What the stranger saw.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    /// Files that were opened, those of them with a temporary name, and temporary names that could not be opened.
    pub(crate) opened: u64,
    pub(crate) temporaries: u64,
    pub(crate) closed: u64,
    /// Files through which private text was read.
    pub(crate) exposed: Vec<String>,
    /// Files that had set-ID bits of root.
    pub(crate) set_id: Vec<String>,
}

struct Held {
    file: File,
    path: PathBuf,
    mode: u32,
}

/// Looks at a target until told to stop.
pub(crate) fn watch(target: &Path, directories: &[PathBuf], stop: &AtomicBool) -> Sightings {
    if is_root() {
        become_other(STRANGER);
    }
    let (mut sightings, mut held, mut known) = (Sightings::default(), Vec::new(), HashSet::new());
    while !stop.load(Ordering::Relaxed) {
        for directory in directories {
            let names = fs::read_dir(target.join(directory)).into_iter().flatten().flatten();
            for path in names.map(|entry| entry.path()) {
                look_at(&path, &mut sightings, &mut held, &mut known);
            }
        }
    }
    let readable = |held: &Held| is_root() || held.mode & 0o044 != 0;
    for held in held.iter().filter(|held| readable(held)) {
        let mut bytes = vec![0; 4096];
        let length = held.file.read_at(&mut bytes, 0).unwrap_or(0);
        if is_private(&bytes[..length]) {
            sightings.exposed.push(format!("{} with mode {:04o}", held.path.display(), held.mode));
        }
    }
    sightings
}

/// Opens a regular file and nothing else: a fifo that is opened would have its reader.
fn open_file(path: &Path) -> rustix::io::Result<rustix::fd::OwnedFd> {
    let looked = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(CWD, path, looked, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    let by_handle = format!("/proc/self/fd/{}", handle.as_raw_fd());
    rustix::fs::openat(CWD, by_handle, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

fn look_at(path: &Path, sightings: &mut Sightings, held: &mut Vec<Held>, known: &mut HashSet<(u64, i64)>) {
    let is_temporary = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY));
    let file = match open_file(path) {
        Ok(file) => File::from(file),
        Err(errno) => {
            sightings.closed += u64::from(is_temporary && errno == Errno::ACCESS);
            return;
        }
    };
    let Ok(metadata) = file.metadata() else { return };
    if metadata.mode() & 0o6000 != 0 && metadata.is_file() && metadata.uid() == 0 {
        sightings.set_id.push(format!("{} with mode {:04o}", path.display(), metadata.mode() & 0o7777));
    }
    if metadata.is_file() && held.len() < HANDLES_MAX && known.insert((metadata.ino(), metadata.mtime_nsec())) {
        sightings.opened += 1;
        sightings.temporaries += u64::from(is_temporary);
        held.push(Held { file, path: path.to_owned(), mode: metadata.mode() & 0o7777 });
    }
}
