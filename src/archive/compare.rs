//! One name as it is listed, and as it is.

use super::chunks;
use super::digest::{Algorithm, Digest};
use super::finding::{Detail, Fault, Finding, SecondReading};
use super::format::Format;
use super::inodes::{Inodes, Parted};
use super::names::clean;
use super::open::{Links, beneath, digests};
use super::record::{Presence, Record};
use super::text::time;
use super::unnamed::Unnamed;
use crate::copy::Sealing;
use crate::copy::digest::Digests;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, OFlags, Stat, Timestamp};
use crate::known::filesystems::{Filesystem, Honesty};
use crate::quote::quoted;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What became of a record.
#[derive(Debug)]
pub(super) enum Compared {
    /// Everything is as listed.
    Right,
    /// There is nothing of that name.
    Missing,
    /// Something differs.
    Differs(Finding),
}

/// Compares records with what lies beneath a directory.
pub(super) struct Comparison<'a, K: Kernel> {
    pub(super) sealing: &'a Sealing<'a, K>,
    pub(super) format: Format,
    pub(super) root: K::File,
    /// Which links lead from there to what was listed.
    pub(super) links: Links,
    /// What messages have before a path.
    pub(super) shown: &'a Path,
    /// The manifest's companion, if it may have one.
    pub(super) companion: Option<PathBuf>,
    /// Major and minor release of the kernel.
    pub(super) release: (u32, u32),
    /// Times of directories count as well.
    pub(super) is_strict: bool,
    /// Where the list lies. Its own writing has changed that directory's time, and is no change of the tree.
    pub(super) list_directory: Option<Stat>,
    /// What digests without a name are of.
    pub(super) unnamed: Unnamed,
    /// What the numbers of the list are.
    pub(super) inodes: Mutex<Inodes>,
    /// Bytes of content that were read.
    pub(super) bytes: AtomicU64,
    /// Files whose content was not read, since the list has no digest of them.
    pub(super) unread: AtomicU64,
}

/// What a reading of a file has given.
struct Reading {
    /// Its digest by each algorithm that it was tried by.
    taken: Vec<Digest>,
    /// Those of its chunks, where BLAKE3 was taken by them.
    chunks: Option<Digests>,
}

impl Reading {
    /// The digest that is the one that is listed.
    fn right(&self, wanted: &Digest) -> Option<&Digest> {
        self.taken.iter().find(|digest| digest.value == wanted.value)
    }

    /// The one by an algorithm.
    fn by(&self, algorithm: Algorithm) -> Option<&Digest> {
        self.taken.iter().find(|digest| digest.algorithm == algorithm)
    }
}

/// An open name.
pub(super) struct OpenName<F> {
    path: PathBuf,
    file: F,
    pub(super) stat: Stat,
}

/// How often the page cache is asked to let go of a file.
const DROPS: u32 = 5;

impl<K: Kernel> Comparison<'_, K> {
    /// Compares one record.
    pub(super) fn record(&self, record: &Record) -> Result<Compared, Error> {
        let Some(OpenName { path, file, stat }) = self.open(record)? else {
            let stays_in_package = self.format == Format::Mtree && is_of_package(&record.path);
            let may_lack = record.presence == Presence::Optional || stays_in_package;
            return Ok(if may_lack { Compared::Right } else { Compared::Missing });
        };
        let (file, stat) = (&file, &stat);
        let wanted = record.kind.unwrap_or(if record.digest.is_some() { Kind::File } else { stat.kind });
        if wanted != stat.kind {
            return Ok(Compared::Differs(Finding::Kind { path, wanted, found: stat.kind }));
        }
        if let Some(finding) = self.content(record, file, stat, &path)? {
            return Ok(Compared::Differs(finding));
        }
        let differences = self.attributes(record, file, stat, &path)?;
        if differences.is_empty() {
            return Ok(Compared::Right);
        }
        Ok(Compared::Differs(Finding::Attributes { path, differences }))
    }

    fn shown(&self, path: &Path) -> PathBuf {
        self.shown.join(path)
    }

    /// Opens what a record speaks of; regular files to be read.
    fn open(&self, record: &Record) -> Result<Option<OpenName<K::File>>, Error> {
        let kernel = self.sealing.kernel;
        let path = clean(&record.path);
        let links = self.links;
        let shown = self.shown(&path);
        let failed = |errno| Error::call(Action::OpenSource, &shown, errno);
        let open = |flags| match beneath(kernel, &self.root, &path, flags, links) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno),
        };
        let itself = OFlags::PATH | OFlags::NOFOLLOW;
        let opened = match record.kind {
            Some(Kind::File) | None => match open(OFlags::RDONLY | OFlags::NONBLOCK) {
                // Not a file: what it is, an O_PATH handle tells.
                Err(Errno::LOOP | Errno::NXIO | Errno::NODEV) => open(itself),
                opened => opened,
            },
            Some(_) => open(itself),
        };
        // A link that is not followed stands on the way, or one that leads in a circle: beneath it there is nothing.
        let opened = if matches!(opened, Err(Errno::LOOP)) { Ok(None) } else { opened };
        let Some(file) = opened.map_err(failed)? else { return Ok(None) };
        let stat = kernel.stat(&file).map_err(failed)?;
        Ok(Some(OpenName { path, file, stat }))
    }

    /// How the content differs, if it does.
    fn content(&self, record: &Record, file: &K::File, stat: &Stat, path: &Path) -> Result<Option<Finding>, Error> {
        if stat.kind != Kind::File {
            return Ok(None);
        }
        let differs = |fault, detail| Some(Finding::Content { path: path.to_owned(), fault, detail });
        if let Some(wanted) = record.size.filter(|wanted| *wanted != stat.size) {
            return Ok(differs(self.fault(record, stat), Detail::Size { wanted, found: stat.size }));
        }
        let Some(wanted) = &record.digest else {
            self.unread.fetch_add(u64::from(stat.size > 0), Ordering::Relaxed);
            return Ok(None);
        };
        let shown = self.shown(path);
        // Who writes a file while it is read sets its times meanwhile. A disk that is gone tells of nothing any more.
        let later = || self.sealing.kernel.stat(file).unwrap_or(*stat);
        let found = match self.read(file, stat, &shown, wanted) {
            Ok(found) => found,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                let fault = self.fault(record, &later());
                return Ok(Some(Finding::Unreadable { path: path.to_owned(), fault, error }));
            }
        };
        if found.right(wanted).is_some() {
            return Ok(None);
        }
        let chunk = found.chunks.as_ref().and_then(|chunks| self.first_chunk(wanted, stat, chunks));
        let Some(again) = self.again(file, stat, &shown, wanted, &found) else { return Ok(None) };
        let later = later();
        let is_written = (later.size, later.mtime) != (stat.size, stat.mtime);
        let again = if is_written { SecondReading::Written } else { again };
        Ok(differs(self.fault(record, &later), Detail::Bytes { chunk, again }))
    }

    /// Whether other content is damage or a change.
    fn fault(&self, record: &Record, stat: &Stat) -> Fault {
        match record.mtime {
            None => Fault::Unknown,
            Some(listed) if self.is_same_time(listed, stat.mtime) => Fault::Damage,
            Some(_) => Fault::Change,
        }
    }

    fn is_same_time(&self, listed: Timestamp, found: Timestamp) -> bool {
        let is_rounded = self.format.rounds_times() && listed.nanos == 0;
        listed == found || is_rounded && listed.seconds == found.seconds
    }

    /// Reads a file for the digest that is listed of it; where the list does not tell by what, for those that it may be.
    fn read(&self, file: &K::File, stat: &Stat, shown: &Path, wanted: &Digest) -> Result<Reading, Error> {
        let candidates = self.unnamed.candidates(wanted.algorithm);
        let read = match &candidates[..] {
            // Most lists are of one algorithm. By BLAKE3 alone a file is read by several threads.
            [Algorithm::Blake3, others @ ..] if candidates == wanted.algorithm.candidates() => {
                let first = self.take(file, stat, shown, &[Algorithm::Blake3])?;
                if others.is_empty() || first.right(wanted).is_some() {
                    Ok(first)
                } else {
                    let second = self.take(file, stat, shown, others)?;
                    Ok(Reading { taken: [first.taken, second.taken].concat(), chunks: first.chunks })
                }
            }
            algorithms => self.take(file, stat, shown, algorithms),
        }?;
        self.unnamed.note(wanted.algorithm, read.right(wanted).map(|right| right.algorithm));
        Ok(read)
    }

    /// Reads a file once, for its digests by these.
    fn take(&self, file: &K::File, stat: &Stat, shown: &Path, algorithms: &[Algorithm]) -> Result<Reading, Error> {
        let taken = match algorithms {
            [Algorithm::Blake3] => self
                .sealing
                .content(file, shown, stat.size)
                .map(|(_, chunks)| Reading { taken: vec![Digest::blake3(&chunks.whole)], chunks: Some(chunks) }),
            algorithms => {
                digests(self.sealing.kernel, file, shown, algorithms).map(|taken| Reading { taken, chunks: None })
            }
        };
        self.bytes.fetch_add(stat.size, Ordering::Relaxed);
        taken
    }

    /// The first chunk that differs, where the digests of chunks are known.
    fn first_chunk(&self, wanted: &Digest, stat: &Stat, found: &Digests) -> Option<u64> {
        let whole = blake3::Hash::from(<[u8; 32]>::try_from(&wanted.value[..]).ok()?);
        let listed = chunks::find(self.sealing.kernel, self.companion.as_ref()?, &whole, stat.size)?;
        let first = listed.pieces.iter().zip(&found.pieces).position(|(listed, found)| listed != found);
        first.map(|chunk| chunk as u64)
    }

    /// Reads a file once more, from the device if it can be proved that nothing of it is in memory. `None` if it is right by an
    /// algorithm that it was not tried by, as one line of a list that was put together of several.
    fn again(
        &self,
        file: &K::File,
        stat: &Stat,
        shown: &Path,
        wanted: &Digest,
        found: &Reading,
    ) -> Option<SecondReading> {
        let is_from_device = self.drops_from_cache(file, stat);
        let Ok(again) = self.take(file, stat, shown, &wanted.algorithm.candidates()) else {
            return Some(SecondReading::Failed);
        };
        match again.right(wanted) {
            Some(right) if found.by(right.algorithm).is_none() => {
                self.unnamed.note(wanted.algorithm, Some(right.algorithm));
                None
            }
            Some(_) => Some(SecondReading::Right),
            None if found.taken.iter().any(|first| again.by(first.algorithm) != Some(first)) => {
                Some(SecondReading::Other)
            }
            None if is_from_device => Some(SecondReading::SameFromDevice),
            None => Some(SecondReading::Same),
        }
    }

    /// Drops a file from the page cache. True if nothing of it is there, on a filesystem that keeps it nowhere else.
    fn drops_from_cache(&self, file: &K::File, stat: &Stat) -> bool {
        let kernel = self.sealing.kernel;
        let Ok(magic) = kernel.filesystem(file) else { return false };
        let filesystem = Filesystem::new(magic);
        let is_told = filesystem.honesty(self.release) == Honesty::Honest && filesystem.has_device() && stat.size > 0;
        let is_gone = || {
            let pages = kernel.cachestat(file).map(|pages| pages.cached + pages.dirty + pages.writeback);
            pages.or_else(|_| kernel.mincore(file, 0..stat.size)).is_ok_and(|pages| pages == 0)
        };
        for pause in 0..DROPS {
            kernel.pause(Duration::from_millis(pause.into()));
            if kernel.drop_cache(file).is_ok() && is_told && is_gone() {
                return true;
            }
        }
        false
    }

    /// What differs beside the content, in words.
    fn attributes(&self, record: &Record, file: &K::File, stat: &Stat, path: &Path) -> Result<Vec<String>, Error> {
        let mut differences = Vec::new();
        let mut differs = |is: String, was: String| differences.push(format!("{is}, was {was}"));
        if let Some(mode) = record.mode.filter(|mode| *mode != stat.mode && stat.kind != Kind::Symlink) {
            differs(format!("mode {:04o}", stat.mode), format!("{mode:04o}"));
        }
        if let Some(uid) = record.uid.filter(|uid| *uid != stat.uid) {
            differs(format!("owner {}", stat.uid), uid.to_string());
        }
        if let Some(gid) = record.gid.filter(|gid| *gid != stat.gid) {
            differs(format!("group {}", stat.gid), gid.to_string());
        }
        // A directory's time tells that names came or went, which is found anyway.
        let has_list = || self.list_directory.is_some_and(|directory| directory.is_same_file(stat));
        let counts = stat.kind != Kind::Directory || self.is_strict && self.format.is_ours() && !has_list();
        if let Some(listed) = record.mtime.filter(|listed| counts && !self.is_same_time(*listed, stat.mtime)) {
            differs(format!("time {}", time(stat.mtime)), time(listed));
        }
        let is_node = matches!(stat.kind, Kind::CharDevice | Kind::BlockDevice);
        if let Some(device) = record.device.filter(|device| is_node && *device != stat.rdev) {
            let words = |device| format!("{},{}", rustix::fs::major(device), rustix::fs::minor(device));
            differs(format!("device {}", words(stat.rdev)), words(device));
        }
        let shown = self.shown(path);
        if self.format.is_ours() || record.text.is_some() && stat.kind == Kind::Symlink {
            let sealed = self.sealing.handle(file, &shown, *stat, None)?;
            if let Some(text) = record.text.as_ref().filter(|text| Some(*text) != sealed.text.as_ref()) {
                let found = sealed.text.unwrap_or_default();
                differs(format!("link to {}", quoted(Path::new(&found))), quoted(Path::new(text)));
            }
            if self.format.is_ours() {
                if record.attributes != sealed.attributes {
                    differs(
                        digest_words("extended attributes", sealed.attributes),
                        digest_words("", record.attributes),
                    );
                }
                if record.lists != sealed.lists {
                    differs(digest_words("access control lists", sealed.lists), digest_words("", record.lists));
                }
            }
        }
        if let Some(inode) = record.inode.filter(|_| self.format.is_ours()) {
            let mut inodes = self.inodes.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Parted { first }) = inodes.note(inode, (stat.dev, stat.ino), path) {
                let first = first.map_or_else(|| "another name of the list".to_owned(), quoted);
                differences.push(format!("no hard link to {first} any more"));
            }
        }
        Ok(differences)
    }

    /// Opens a file that is not listed; `None` of what is no regular file, or is empty.
    pub(super) fn unlisted(&self, path: &Path) -> Result<Option<OpenName<K::File>>, Error> {
        let shown = self.shown(path);
        let failed = |errno| Error::call(Action::OpenSource, &shown, errno);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK;
        let file = beneath(self.sealing.kernel, &self.root, path, flags, Links::None).map_err(failed)?;
        let stat = self.sealing.kernel.stat(&file).map_err(failed)?;
        let has_content = stat.kind == Kind::File && stat.size > 0;
        Ok(has_content.then(|| OpenName { path: path.to_owned(), file, stat }))
    }

    /// The digests of an open file by all that a list may mean by these algorithms. It is read once.
    pub(super) fn values(&self, opened: &OpenName<K::File>, algorithms: &[Algorithm]) -> Result<Vec<Digest>, Error> {
        let mut meant = Vec::new();
        for algorithm in algorithms.iter().flat_map(|algorithm| algorithm.candidates()) {
            if !meant.contains(&algorithm) {
                meant.push(algorithm);
            }
        }
        let shown = self.shown(&opened.path);
        self.take(&opened.file, &opened.stat, &shown, &meant).map(|reading| reading.taken)
    }
}

/// What pacman's lists have of a package beside its files: it is not installed.
fn is_of_package(path: &Path) -> bool {
    [".BUILDINFO", ".CHANGELOG", ".INSTALL", ".MTREE", ".PKGINFO"].iter().any(|name| path == Path::new(name))
}

/// A digest of attributes in few words.
pub(super) fn digest_words(what: &str, digest: Option<blake3::Hash>) -> String {
    let digest = digest.map_or_else(|| "none".to_owned(), |digest| digest.to_hex()[..8].to_owned());
    format!("{what} {digest}").trim_start().to_owned()
}
