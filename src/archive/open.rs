//! Names beneath a directory, opened so that nothing outside of it is reached, and read by other digests than BLAKE3.

use super::digest::{Algorithm, Digest, Hasher};
use super::names::clean;
use super::record::Record;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Paths that are longer are opened in parts: the kernel takes 4095 bytes at once.
const PATH_BYTES: usize = 4000;

/// Bytes read at once.
const READ_BYTES: usize = 128 << 10;

/// Which symbolic links on the way to a name are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// None: the list says what each name is.
    None,
    /// Those on the way that stay beneath the directory, and not one that has the name itself.
    OnTheWay,
    /// All that stay beneath the directory, since who made the list followed them.
    Beneath,
    /// Those on the way, wherever they lead: nothing lies outside of `/`.
    OnTheWayFromTop,
    /// All, wherever they lead.
    FromTop,
}

impl Links {
    /// The same where the directory is `/`, so that a link that begins there leads to what it names.
    #[must_use]
    pub fn from_top(self) -> Self {
        match self {
            Links::None => Links::None,
            Links::OnTheWay | Links::OnTheWayFromTop => Links::OnTheWayFromTop,
            Links::Beneath | Links::FromTop => Links::FromTop,
        }
    }
}

/// Opens a name beneath a directory.
pub fn beneath<K: Kernel>(
    kernel: &K,
    root: &K::File,
    path: &Path,
    flags: OFlags,
    links: Links,
) -> crate::kernel::Result<K::File> {
    let (resolve, extra) = match links {
        Links::None => (ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS, OFlags::NOFOLLOW),
        Links::OnTheWay => (ResolveFlags::BENEATH, OFlags::NOFOLLOW),
        Links::Beneath => (ResolveFlags::BENEATH, OFlags::empty()),
        Links::OnTheWayFromTop => (ResolveFlags::empty(), OFlags::NOFOLLOW),
        Links::FromTop => (ResolveFlags::empty(), OFlags::empty()),
    };
    let terminal = if flags.contains(OFlags::PATH) { OFlags::empty() } else { OFlags::NOCTTY };
    let flags = flags | extra | terminal;
    let mut rest = path.as_os_str().as_bytes();
    let mut above: Option<K::File> = None;
    while rest.len() > PATH_BYTES {
        let end = rest[..PATH_BYTES].iter().rposition(|byte| *byte == b'/').ok_or(Errno::NAMETOOLONG)?;
        let part = Path::new(OsStr::from_bytes(&rest[..end]));
        let dir = OFlags::PATH | OFlags::DIRECTORY;
        above = Some(kernel.open(above.as_ref().or(Some(root)), part, dir, Mode::empty(), resolve)?);
        rest = &rest[end + 1..];
    }
    let part = Path::new(OsStr::from_bytes(rest));
    // O_NOFOLLOW alone suffices for a single component, and NO_SYMLINKS would refuse a link that is to be looked at.
    let is_single = !rest.contains(&b'/');
    if links == Links::None && flags.contains(OFlags::PATH) && !is_single {
        let end = rest.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let (dir, name) = (Path::new(OsStr::from_bytes(&rest[..end])), Path::new(OsStr::from_bytes(&rest[end + 1..])));
        let inner = OFlags::PATH | OFlags::DIRECTORY;
        let inner = kernel.open(above.as_ref().or(Some(root)), dir, inner, Mode::empty(), resolve)?;
        return kernel.open(Some(&inner), name, flags, Mode::empty(), ResolveFlags::BENEATH);
    }
    let resolve = if is_single && links == Links::None { ResolveFlags::BENEATH } else { resolve };
    kernel.open(above.as_ref().or(Some(root)), part, flags, Mode::empty(), resolve)
}

/// A record by the name that its list means, which is the other one if nothing beneath the roots has the one that stands there.
pub(super) fn as_meant<'r, K: Kernel + 'r>(
    kernel: &K,
    roots: impl Iterator<Item = &'r K::File> + Clone,
    links: Links,
    mut record: Record,
) -> Record {
    let Some(also) = record.also.take() else { return record };
    let flags = OFlags::PATH | OFlags::NOFOLLOW;
    let is_there = |path: &Path| roots.clone().any(|root| beneath(kernel, root, &clean(path), flags, links).is_ok());
    if !is_there(&record.path) && is_there(&also) {
        record.path = also;
    }
    record
}

/// Hands all bytes of an open file to `take`, in their order.
pub fn read_all<K: Kernel>(
    kernel: &K,
    file: &K::File,
    shown: &Path,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, Error> {
    let mut buffer = vec![0; READ_BYTES];
    let mut offset = 0;
    loop {
        let count = kernel.pread(file, &mut buffer, offset);
        let count = count.map_err(|errno| Error::call(Action::Read, shown, errno))?;
        if count == 0 {
            return Ok(offset);
        }
        take(&buffer[..count]);
        offset += count as u64;
    }
}

/// The digest of an open file, read from end to end in this thread.
pub fn digest<K: Kernel>(kernel: &K, file: &K::File, shown: &Path, algorithm: Algorithm) -> Result<Digest, Error> {
    let mut hasher = Hasher::new(algorithm);
    read_all(kernel, file, shown, |bytes| hasher.update(bytes))?;
    Ok(Digest { algorithm, value: hasher.finish() })
}

/// Its digests by several algorithms, in their order, of the same bytes: it is read once.
pub(super) fn digests<K: Kernel>(
    kernel: &K,
    file: &K::File,
    shown: &Path,
    algorithms: &[Algorithm],
) -> Result<Vec<Digest>, Error> {
    let mut hashers: Vec<_> = algorithms.iter().map(|algorithm| Hasher::new(*algorithm)).collect();
    read_all(kernel, file, shown, |bytes| hashers.iter_mut().for_each(|hasher| hasher.update(bytes)))?;
    let values = hashers.into_iter().map(Hasher::finish);
    Ok(algorithms.iter().zip(values).map(|(algorithm, value)| Digest { algorithm: *algorithm, value }).collect())
}

/// SHA-256 of a regular file whose BLAKE3 is known: both are taken, so that it is that of the same bytes.
pub fn sha256_of_known<K: Kernel>(
    kernel: &K,
    file: &K::File,
    shown: &Path,
    known: &blake3::Hash,
) -> Result<Digest, Error> {
    let (mut sha256, mut blake3) = (Hasher::new(Algorithm::Sha256), blake3::Hasher::new());
    read_all(kernel, file, shown, |bytes| {
        sha256.update(bytes);
        blake3.update(bytes);
    })?;
    if blake3.finalize() != *known {
        return Err(Error::call(Action::Read, shown, Errno::STALE));
    }
    Ok(Digest { algorithm: Algorithm::Sha256, value: sha256.finish() })
}
