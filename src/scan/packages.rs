//! Sums of files as the package has them that they came with: dpkg's.

use crate::archive::digest::Algorithm;
use crate::archive::formats::sums::{self, Ending};
use crate::archive::list::Input;
use crate::error::Error;
use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::BufRead;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Where dpkg has its lists, beneath the system's root.
pub(super) const PLACE: &str = "var/lib/dpkg/info";

/// Names that were moved so that another package can have them: which is where, its lists do not say.
const DIVERSIONS: &str = "var/lib/dpkg/diversions";

const ENDING: &[u8] = b".md5sums";

/// Directories that have become links into /usr, while some lists have the old names.
const MERGED: [&str; 6] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin"];

/// The sum of a name. Of the name itself only a digest is kept: a system has hundreds of thousands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sum {
    name: u64,
    value: [u8; 16],
    package: u32,
}

/// Whether a file is as its package has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    Right,
    /// It is not as this package has it.
    Wrong(&'a str),
}

/// All sums of a system.
pub(super) struct Packages {
    root: PathBuf,
    names: Vec<String>,
    sums: Vec<Sum>,
}

fn digest(name: &Path) -> u64 {
    xxh3_64(name.as_os_str().as_bytes())
}

impl Packages {
    /// Those of the system whose root this is; none where dpkg is not there.
    pub(super) fn open<K: Kernel>(kernel: &K, root: &Path) -> Result<Self, Error> {
        let mut packages = Self { root: root.to_owned(), names: Vec::new(), sums: Vec::new() };
        let place = root.join(PLACE);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        // A system of another distribution has no such place, and nothing is known then.
        let Ok(dir) = kernel.open(None, &place, flags, Mode::empty(), ResolveFlags::empty()) else {
            return Ok(packages);
        };
        let listed = kernel.list(&dir).map_err(|errno| Error::call(crate::error::Action::Access, &place, errno))?;
        let is_merged = MERGED.map(|name| (name, is_link(kernel, &root.join(name))));
        for name in listed {
            if let Some(package) = name.as_bytes().strip_suffix(ENDING) {
                packages.names.push(String::from_utf8_lossy(package).into_owned());
                packages.take(kernel, &place.join(&name), &is_merged)?;
            }
        }
        let diverted = diverted(kernel, &root.join(DIVERSIONS))?;
        packages.sums.retain(|sum| !diverted.contains(&sum.name));
        packages.sums.sort_unstable();
        packages.sums.shrink_to_fit();
        Ok(packages)
    }

    fn take<K: Kernel>(&mut self, kernel: &K, list: &Path, is_merged: &[(&str, bool)]) -> Result<(), Error> {
        let package = u32::try_from(self.names.len() - 1).unwrap_or(u32::MAX);
        let read = |error: std::io::Error| Error::Refused(format!("{}: {error}", crate::quote::quoted(list)));
        for line in Input::open(kernel, list)?.split(b'\n') {
            // A line that is none says nothing of any name.
            let Ok(Some(record)) = sums::parse(&line.map_err(read)?, Ending::Line) else { continue };
            // Most lines do not name it.
            let is_md5 = |algorithm| matches!(algorithm, Algorithm::Md5 | Algorithm::Unnamed(16));
            let Some(value) = record.digest.filter(|digest| is_md5(digest.algorithm)) else { continue };
            let Ok(value) = <[u8; 16]>::try_from(value.value) else { continue };
            let merged = is_merged.iter().any(|(name, is_merged)| *is_merged && record.path.starts_with(name));
            let name = if merged { digest(&Path::new("usr").join(&record.path)) } else { digest(&record.path) };
            self.sums.push(Sum { name, value, package });
        }
        Ok(())
    }

    fn of(&self, path: &Path) -> &[Sum] {
        let Ok(name) = path.strip_prefix(&self.root).map(digest) else { return &[] };
        let start = self.sums.partition_point(|sum| sum.name < name);
        let end = self.sums.partition_point(|sum| sum.name <= name);
        &self.sums[start..end]
    }

    /// Whether a package has the sum of this file.
    pub(super) fn has(&self, path: &Path) -> bool {
        !self.of(path).is_empty()
    }

    /// What the MD5 of a file says, if a package has one. Where several have the name, one has taken it from the others.
    pub(super) fn verdict(&self, path: &Path, md5: &[u8]) -> Option<Verdict<'_>> {
        let sums = self.of(path);
        let is_right = sums.iter().any(|sum| sum.value == *md5);
        let package = sums.last().and_then(|sum| self.names.get(sum.package as usize))?;
        Some(if is_right { Verdict::Right } else { Verdict::Wrong(package) })
    }
}

fn is_link<K: Kernel>(kernel: &K, path: &Path) -> bool {
    kernel.stat_at(None, path, false).is_ok_and(|found| found.kind == crate::kernel::Kind::Symlink)
}

/// Both names of every diversion; each is three lines, the last of which names the package.
fn diverted<K: Kernel>(kernel: &K, list: &Path) -> Result<BTreeSet<u64>, Error> {
    let mut diverted = BTreeSet::new();
    // There is none where nothing was ever diverted.
    let Ok(lines) = Input::open(kernel, list) else { return Ok(diverted) };
    for line in lines.split(b'\n') {
        let line = line.map_err(|error| Error::Refused(format!("{}: {error}", crate::quote::quoted(list))))?;
        let Some(name) = line.strip_prefix(b"/") else { continue };
        let name = Path::new(OsStr::from_bytes(name));
        diverted.extend([digest(name), digest(&Path::new("usr").join(name))]);
    }
    Ok(diverted)
}
