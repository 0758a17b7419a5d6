//! What a name is and holds, so that it can be told later whether it still does: its stat, the digest of its content, and
//! digests of its attributes.
//!
//! Nothing here follows a link, and nothing is changed. What a copy has read already is not read again.

use super::digest::Digests;
use super::meter::Meter;
use super::pass::{Digested, End, Holes, Mode, Pass, Position, TargetHoles, Zeros};
use super::stopped::Stopped;
use super::threads::Threads;
use super::types::{Follow, Geometry, Name, Stop};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat};
use blake3::{Hash, Hasher};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a name was when it was looked at.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Itself, no link followed.
    pub stat: Stat,
    /// What a symbolic link says.
    pub text: Option<OsString>,
    /// Of a regular file's content.
    pub digests: Option<Digests>,
    /// BLAKE3 of the extended attributes that go with a file, if it has any.
    pub attributes: Option<Hash>,
    /// BLAKE3 of the access control lists, if it has any.
    pub lists: Option<Hash>,
    /// SHA-256 of the content, where it was taken as well.
    pub sha256: Option<[u8; 32]>,
    /// How much could be seen of it.
    pub view: View,
}

/// How much can be seen of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything: what is not said is not there.
    Whole,
    /// What SFTP tells: times in seconds, one name of a file, no attributes beyond mode and owner.
    OverSftp,
}

/// What was read of a file already, which it holds if it is still that file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownContent {
    /// Device and inode number.
    pub identity: (u64, u64),
    /// Bytes of content.
    pub size: u64,
    /// Of these.
    pub digests: Digests,
}

/// Looks at names; see the head of this file.
pub struct Sealing<'a, K: Kernel> {
    /// The calls.
    pub kernel: &'a K,
    /// The sizes files are cut into.
    pub geometry: Geometry,
    /// What pieces of a large file are shared between.
    pub threads: Option<&'a Threads>,
    /// Asked between slices.
    pub stop: Stop<'a>,
    /// How far large files are, for whoever looks on.
    pub meter: Option<&'a Meter>,
}

/// The attributes of the user, and the capabilities of programs. What else there is belongs to the machine: contexts, and
/// what only root may see.
fn goes_with_file(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"user.") || name == "security.capability"
}

fn is_list(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"system.posix_acl_")
}

impl<K: Kernel> Sealing<'_, K> {
    /// Looks at a name. `known` is what was read of it, if it is still that file.
    pub fn name(&self, name: &Name<'_, K::File>, known: Option<KnownContent>) -> Result<Sealed, Error> {
        let name = name.following(Follow::No);
        let failed = |errno| Error::call(Action::StatTarget, name.shown, errno);
        // A handle to read from tells attributes at once, one of O_PATH only by way of /proc.
        let readable = known.as_ref().and_then(|_| name.open(self.kernel, OFlags::RDONLY | OFlags::NONBLOCK).ok());
        let handle = readable.map_or_else(|| name.open(self.kernel, OFlags::PATH), Ok).map_err(failed)?;
        let stat = self.kernel.stat(&handle).map_err(failed)?;
        let is_known = |known: &KnownContent| known.identity == (stat.dev, stat.ino) && known.size == stat.size;
        let digests = match known.filter(is_known) {
            _ if stat.kind != Kind::File => None,
            Some(known) => Some(known.digests),
            None => Some(self.read(&name, &stat)?),
        };
        self.handle(&handle, name.shown, stat, digests)
    }

    /// What is told of an open file, or of an O_PATH handle, whose content is known.
    pub fn handle(
        &self,
        handle: &K::File,
        shown: &Path,
        stat: Stat,
        digests: Option<Digests>,
    ) -> Result<Sealed, Error> {
        let cannot_read = |errno| Error::call(Action::ReadSymlink, shown, errno);
        let text =
            (stat.kind == Kind::Symlink).then(|| self.kernel.readlink(handle).map_err(cannot_read)).transpose()?;
        // Links and nodes have no attributes of the user.
        let has_attributes = matches!(stat.kind, Kind::File | Kind::Directory);
        let names = if has_attributes { self.attribute_names(handle, shown)? } else { Vec::new() };
        let attributes = self.digest_of(handle, shown, &names, goes_with_file)?;
        let lists = self.digest_of(handle, shown, &names, is_list)?;
        Ok(Sealed { stat, text, digests, attributes, lists, sha256: None, view: View::Whole })
    }

    fn attribute_names(&self, handle: &K::File, shown: &Path) -> Result<Vec<OsString>, Error> {
        match self.kernel.list_xattr(handle) {
            Ok(mut names) => {
                names.sort();
                Ok(names)
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Vec::new()),
            Err(errno) => Err(Error::call(Action::ListXattr, shown, errno)),
        }
    }

    /// BLAKE3 of names and values: the name, a zero byte, the value's length in eight bytes, the lowest first, the value.
    fn digest_of(
        &self,
        handle: &K::File,
        shown: &Path,
        names: &[OsString],
        counts: impl Fn(&OsStr) -> bool,
    ) -> Result<Option<Hash>, Error> {
        let mut hasher = Hasher::new();
        for name in names.iter().filter(|name| counts(name)) {
            let value = match self.kernel.get_xattr(handle, name) {
                Ok(value) => value,
                // It was removed since it was listed.
                Err(Errno::NODATA) => continue,
                Err(errno) => return Err(Error::call(Action::ListXattr, shown, errno)),
            };
            hasher.update(name.as_bytes()).update(&[0]).update(&(value.len() as u64).to_le_bytes()).update(&value);
        }
        Ok((hasher.count() > 0).then(|| hasher.finalize()))
    }

    /// Reads a regular file that was looked at, to its end.
    fn read(&self, name: &Name<'_, K::File>, stat: &Stat) -> Result<Digests, Error> {
        let failed = |errno| Error::call(Action::OpenSource, name.shown, errno);
        let file = name.open(self.kernel, OFlags::RDONLY | OFlags::NONBLOCK).map_err(failed)?;
        if !self.kernel.stat(&file).map_err(failed)?.is_same_file(stat) {
            return Err(Error::replaced(name.shown));
        }
        self.content(&file, name.shown, stat.size).map(|(_, digests)| digests)
    }

    /// The size and the digests of an open regular file, read to its end.
    pub fn content(&self, file: &K::File, shown: &Path, size: u64) -> Result<(u64, Digests), Error> {
        let is_large = size >= 2 * self.geometry.piece;
        let following = self.meter.and_then(|meter| meter.follow_reading(shown, size));
        let pass = Pass {
            kernel: self.kernel,
            source: file,
            target: file,
            size,
            end: End::ByRead,
            source_position: Position::Any,
            target_position: Position::Any,
            mode: Mode::Read,
            zeros: Zeros::Written,
            holes: Holes::Unmapped,
            target_holes: TargetHoles::ByBytes,
            digested: Digested::Everything,
            geometry: self.geometry,
            threads: self.threads.filter(|_| is_large),
            stop: self.stop,
            moving: following.as_ref().map(|following| &*following.moving),
        };
        let failed = |errno| Error::call(Action::Read, shown, errno);
        let passed = pass.run().map_err(|stopped| match stopped {
            Stopped::Failed(_, errno) => failed(errno),
            Stopped::Interrupted => Error::Interrupted,
            // The file was cut short while it was read.
            Stopped::Truncated | Stopped::Longer | Stopped::Different(_) | Stopped::Nonsense => failed(Errno::STALE),
        })?;
        let digests = passed.digests.ok_or_else(|| failed(Errno::IO))?;
        Ok((passed.size, digests))
    }
}
