//! What a run leaves of a large file for a later one (--partial): a temporary under a name that both know.
//!
//! Nothing is believed of a part but the bytes that are read of it (docs/design/partial.md). Who works on one holds its lock, and
//! has looked up the name since; whoever cannot have that makes an ordinary temporary.

use super::commit::{PartOrigin, Spot, Temporary};
use super::copier::{Copier, Job};
use super::stale_temporary::{TEMPORARY_PREFIX, contents};
use super::strategy::Strategy;
use super::types::{Name, TargetDirectory};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Result};
use crate::options::Unfinished;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where a machine has its ID.
const MACHINE_ID: &str = "/etc/machine-id";

/// Only its owner may read and write what is not finished.
const OWNERS: u32 = 0o600;

/// What stands in a name behind what all temporaries begin with.
const PARTIAL: &str = "partial-";

/// Hexadecimal digits of a name.
const DIGITS: usize = 32;

/// How one is opened that an earlier run has left.
const FOUND: OFlags = OFlags::RDWR.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

impl<K: Kernel> Copier<'_, K> {
    /// What becomes of what a strategy makes of a file if the run ends too early.
    pub(super) fn unfinished(&self, strategy: Strategy, job: &Job<'_, K::File>) -> Unfinished {
        let is_large = job.source.stat.kind == Kind::File && job.source.stat.size > self.geometry.range;
        match strategy {
            Strategy::Extents | Strategy::Stream if is_large => self.options.unfinished,
            Strategy::Reflink | Strategy::Offload | Strategy::Extents | Strategy::Stream => Unfinished::Removed,
        }
    }

    /// The part of a target: what an earlier run has left, or a new one. `None` where locks may not hold for all who could find it.
    pub(super) fn part<'s>(&'s self, spot: Spot<'s, K>, target: &Path) -> Result<Option<Temporary<'s, K>>> {
        let machine = contents(self.kernel, Path::new(MACHINE_ID)).unwrap_or_default();
        if machine.is_empty() && !spot.is_local {
            return Ok(None);
        }
        spot.remove_leftovers();
        let name = name_of(&machine, target);
        match self.found_part(spot, &name)? {
            Some(part) => Ok(Some(part)),
            None => self.new_part(spot, &name).map(Some),
        }
    }

    /// Removes what an earlier run has left of a target that needs no copy of its own: it is a further name of one, or held the
    /// same already. What stands in the way, such as another run at work on it, lets it stay.
    pub(crate) fn forget_part(&self, target: &Name<'_, K::File>, directory: &TargetDirectory, size: u64) {
        if self.options.unfinished != Unfinished::Kept || size <= self.geometry.range {
            return;
        }
        let Ok(dir) = target.directory() else { return };
        let spot = self.spot_in(dir, directory);
        let machine = contents(self.kernel, Path::new(MACHINE_ID)).unwrap_or_default();
        let name = name_of(&machine, target.name);
        let Ok(file) = self.kernel.open(Some(dir), &name, FOUND, Mode::empty(), ResolveFlags::empty()) else { return };
        if self.hold(spot, &name, &file).is_ok() {
            self.kernel.unlink(dir, &name).unwrap_or(());
        }
    }

    /// What an earlier run has left under the name. What is not as a run leaves it is removed: somebody else has put it there,
    /// or a run died while it gave it its attributes.
    fn found_part<'s>(&'s self, spot: Spot<'s, K>, name: &Path) -> Result<Option<Temporary<'s, K>>> {
        let file = match self.kernel.open(Some(spot.dir), name, FOUND, Mode::empty(), ResolveFlags::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            // A link.
            Err(Errno::LOOP) => return self.kernel.unlink(spot.dir, name).map(|()| None),
            Err(errno) => return Err(errno),
        };
        self.hold(spot, name, &file)?;
        if self.is_part(&file)? {
            return Ok(Some(Temporary::part(spot, name.to_owned(), file, PartOrigin::Found)));
        }
        self.kernel.unlink(spot.dir, name).map(|()| None)
    }

    fn new_part<'s>(&'s self, spot: Spot<'s, K>, name: &Path) -> Result<Temporary<'s, K>> {
        let file = spot.make(name, OFlags::RDWR, Mode::from_raw_mode(OWNERS))?;
        let locked = self.kernel.lock(&file);
        let shows = spot.shows(name, &file);
        if locked == Err(Errno::AGAIN) || shows == Ok(false) {
            // Another run has found it in between.
            return Err(Errno::AGAIN);
        }
        if locked.is_ok() && shows.is_ok() && self.is_part(&file) == Ok(true) {
            return Ok(Temporary::part(spot, name.to_owned(), file, PartOrigin::Begun));
        }
        // On a filesystem without locks, owners or modes, none would be known again.
        spot.forget(name);
        Err(Errno::OPNOTSUPP)
    }

    /// Locks what was opened, and sees that the name still leads there: the run that held it may have given it the target's.
    fn hold(&self, spot: Spot<'_, K>, name: &Path, file: &K::File) -> Result<()> {
        self.kernel.lock(file)?;
        if spot.shows(name, file)? { Ok(()) } else { Err(Errno::STALE) }
    }

    /// Whether a file is as it is made, but for its content.
    fn is_part(&self, file: &K::File) -> Result<bool> {
        let stat = self.kernel.stat(file)?;
        let attributes = match self.kernel.list_xattr(file) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Vec::new(),
            names => names?,
        };
        let is_own = stat.kind == Kind::File && stat.nlink == 1 && stat.uid == self.options.user;
        Ok(is_own && stat.mode & !OWNERS == 0 && !attributes.iter().any(|name| is_of_source(name)))
    }
}

/// Whether a name is one that parts have.
pub(crate) fn is_part(name: &Path) -> bool {
    let rest = name.as_os_str().as_bytes().strip_prefix(TEMPORARY_PREFIX.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(PARTIAL.as_bytes()))
}

/// Whether an attribute can only have come from a source.
fn is_of_source(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b"user.") || name.starts_with(b"trusted.") || name == b"security.capability"
}

/// The name of a target's part. Machines do not see each other's locks everywhere, so each has a name of its own.
fn name_of(machine: &[u8], target: &Path) -> PathBuf {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(machine.len() as u64).to_le_bytes()).update(machine).update(target.as_os_str().as_bytes());
    PathBuf::from(format!("{TEMPORARY_PREFIX}{PARTIAL}{}", &hasher.finalize().to_hex()[..DIGITS]))
}
