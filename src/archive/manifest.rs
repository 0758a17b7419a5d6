//! A manifest that is being made: records come in any order and from several threads, and are written in the order of
//! their names once all are there; or, by one of several runs, as they come, to be joined.

use super::beside::{self, Own, incomplete};
use super::chunks;
use super::digest::{Algorithm, Digest};
use super::format::{Format, HEAD_BYTES};
use super::formats::{mtree, sums};
use super::list_file::{ListFile, ProvedList, open_directory};
use super::part::{self, PartFile, Tag};
use super::record::Record;
use super::sorted::{Sorted, Sorter};
use super::spill::Spill;
use crate::copy::commit::Spot;
use crate::copy::pass::Bytes;
use crate::copy::stale_temporary::TemporaryNames;
use crate::copy::{Sealed, View};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::quote::quoted;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a manifest is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// mtree(5), with everything that is needed to check a tree.
    Mtree,
    /// What `b3sum` writes.
    B3sum,
    /// What `sha256sum` writes.
    Sha256sum,
}

/// A manifest that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub file: PathBuf,
    /// How it is written.
    pub form: Form,
}

/// Where a manifest is to lie, found out before anything is copied.
pub struct ManifestDirectory<K: Kernel> {
    /// Its directory.
    dir: K::File,
    own: Own,
    /// What has the names that belong to it, before anything is copied.
    before: BTreeMap<PathBuf, Stat>,
    names: TemporaryNames,
}

impl<K: Kernel> ManifestDirectory<K> {
    /// Opens the directory, and sees that a file can be made in it.
    pub fn open(kernel: &K, wanted: &Wanted) -> Result<Self, Error> {
        let dir = open_directory(kernel, &wanted.file)?;
        let stat = kernel.stat(&dir);
        let stat = stat.map_err(|errno| Error::call(Action::TargetDirectory, &wanted.file, errno))?;
        let own = Own::within(stat, &wanted.file);
        let stat = |name: PathBuf| kernel.stat_at(Some(&dir), &name, false).ok().map(|stat| (name, stat));
        let before = beside::names(&wanted.file).into_iter().filter_map(stat).collect();
        let directory = Self { dir, own, before, names: TemporaryNames::default() };
        Spill::begin(directory.spot(kernel), &wanted.file)?;
        Ok(directory)
    }

    /// Fails if a file has got a name in it since that is no list: it was copied there, and would be lost.
    fn must_be_free(&self, kernel: &K, shown: &Path) -> Result<(), Error> {
        let name = shown.file_name().map(Path::new).unwrap_or(shown);
        let now = match kernel.stat_at(Some(&self.dir), name, false) {
            Ok(now) => now,
            Err(Errno::NOENT) => return Ok(()),
            Err(errno) => return Err(Error::call(Action::StatTarget, shown, errno)),
        };
        let is_as_before = |before: &Stat| before.is_same_file(&now) && before.ctime == now.ctime;
        if self.before.get(name).is_some_and(is_as_before) || is_list(kernel, &self.dir, name) {
            return Ok(());
        }
        let shown = quoted(shown);
        Err(Error::Refused(format!("the list does not take the name {shown}: a file got it meanwhile")))
    }

    fn spot<'s>(&'s self, kernel: &'s K) -> Spot<'s, K> {
        // Whether locks hold for everyone is not asked: leftovers go whose process is gone.
        Spot { kernel, names: &self.names, dir: &self.dir, here: None, is_local: false }
    }
}

/// A manifest that is being made.
pub struct Manifest<'a, K: Kernel> {
    kernel: &'a K,
    wanted: &'a Wanted,
    made: Destination<'a, K>,
}

/// What is made of it.
enum Destination<'a, K: Kernel> {
    /// A list.
    List(Box<List<'a, K>>),
    /// A part of one.
    Part(&'a PartFile<'a, K>),
}

/// How much of a tree could be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Something failed, so that names may be missing.
    Partial,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// What was to be.
    Manifest,
    /// A list under another name, since names may be missing from it.
    Incomplete(PathBuf),
    /// Nothing, since nothing could be listed.
    Nothing,
}

struct List<'a, K: Kernel> {
    directory: &'a ManifestDirectory<K>,
    /// Whether any name came up.
    lists_any: AtomicBool,
    records: Mutex<Sorter<'a, K>>,
    chunks: Mutex<Sorter<'a, K>>,
    /// Inodes of which several names came up: these alone have their numbers written.
    linked: Mutex<BTreeSet<(u64, u64)>>,
    /// A name that this kind of list cannot hold.
    unheld: Mutex<Option<PathBuf>>,
    /// What is not said of a name may be there all the same, if not everything could be seen of each.
    view: Mutex<View>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Paths in the order in which a tree is listed: what is in a directory stands behind it.
fn key(path: &Path) -> Vec<u8> {
    if path.as_os_str() == "." {
        return Vec::new();
    }
    path.as_os_str().as_bytes().iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}

impl<'a, K: Kernel> Manifest<'a, K> {
    /// One without records.
    pub fn begin(kernel: &'a K, wanted: &'a Wanted, directory: &'a ManifestDirectory<K>) -> Self {
        let sorter = || Mutex::new(Sorter::new(directory.spot(kernel), &wanted.file));
        let (records, chunks) = (sorter(), sorter());
        let (linked, unheld, view) = (Mutex::default(), Mutex::default(), Mutex::new(View::Whole));
        let list = List { directory, lists_any: AtomicBool::default(), records, chunks, linked, unheld, view };
        Self { kernel, wanted, made: Destination::List(Box::new(list)) }
    }

    /// A part of one.
    pub fn begin_part(kernel: &'a K, wanted: &'a Wanted, part: &'a PartFile<'a, K>) -> Self {
        Self { kernel, wanted, made: Destination::Part(part) }
    }

    /// Whether a name in a directory belongs to the manifest, and so has no record.
    pub fn is_own(&self, dir: &Stat, name: &Path) -> bool {
        let Destination::List(list) = &self.made else { return false };
        list.directory.own.has(dir, name)
    }

    /// Whether that is so in some directory.
    pub fn may_be_own(&self, name: &Path) -> bool {
        matches!(&self.made, Destination::List(list) if list.directory.own.is_named(name))
    }

    /// Takes all that run `number` of several has written down.
    pub fn join(&self, number: u32, file: &K::File, shown: &Path) -> Result<(), Error> {
        part::each((self.kernel, file, shown), |tag, key, value| {
            let mut value = value.to_vec();
            if let (Tag::Name | Tag::Linked, Some(device)) = (tag, value.first_chunk_mut::<8>()) {
                // Machines give devices their numbers by themselves. All names of an inode are one run's.
                let number = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                *device = (u64::from_le_bytes(*device) ^ number).to_le_bytes();
            }
            self.put(tag, key.to_vec(), value)
        })
    }

    /// Whether records need a SHA-256 beside what was taken already.
    #[must_use]
    pub fn takes_sha256(&self) -> bool {
        self.wanted.form == Form::Sha256sum
    }

    /// Adds a name; a later record of the same name takes the place of this one. `sha256` is that of a regular file, where
    /// it is asked for.
    pub fn add(&self, path: &Path, sealed: &Sealed, sha256: Option<Digest>) -> Result<(), Error> {
        let name = path.as_os_str().as_bytes();
        let held = match self.wanted.form {
            // A name outside of the tree is none of it.
            Form::Mtree => !path.starts_with("..") && !path.is_absolute(),
            Form::B3sum => sums::b3sum_holds(name),
            Form::Sha256sum => true,
        };
        let stat = &sealed.stat;
        if !held && (stat.kind == Kind::File || self.wanted.form == Form::Mtree) {
            return self.put(Tag::Unheld, name.to_vec(), Vec::new());
        }
        let record = Record::of_sealed(path.to_owned(), sealed);
        if let (Destination::List(list), View::OverSftp) = (&self.made, sealed.view) {
            *lock(&list.view) = View::OverSftp;
        }
        let line = match self.wanted.form {
            Form::Mtree => mtree::line(&record),
            Form::B3sum | Form::Sha256sum if stat.kind != Kind::File => return Ok(()),
            Form::B3sum => digest_line(name, record.digest.as_ref()),
            Form::Sha256sum => digest_line(name, sha256.as_ref()),
        };
        let value = [&stat.dev.to_le_bytes()[..], &stat.ino.to_le_bytes(), &line].concat();
        let is_linked = stat.kind == Kind::File && stat.has_other_names();
        self.put(if is_linked { Tag::Linked } else { Tag::Name }, key(path), value)?;
        if let Some(digests) = sealed.digests.as_ref().filter(|_| self.wanted.form == Form::Mtree) {
            chunks::entries(digests, stat.size).try_for_each(|(key, value)| self.put(Tag::Chunk, key, value))?;
        }
        Ok(())
    }

    fn put(&self, tag: Tag, key: Vec<u8>, value: Vec<u8>) -> Result<(), Error> {
        match (&self.made, tag) {
            (Destination::Part(part), _) => part.append(tag, &key, &value),
            (Destination::List(list), Tag::Chunk) => lock(&list.chunks).push(key, value),
            (Destination::List(list), Tag::Unheld) => {
                lock(&list.unheld).get_or_insert_with(|| PathBuf::from(OsString::from_vec(key)));
                Ok(())
            }
            (Destination::List(list), Tag::Name | Tag::Linked) => {
                if tag == Tag::Linked {
                    lock(&list.linked).insert(identity(&value));
                }
                list.lists_any.store(true, Ordering::Relaxed);
                lock(&list.records).push(key, value)
            }
        }
    }

    /// Writes it. A manifest is of a run that could list all: what is less gets a name of its own, and the manifest's keeps what
    /// it had. On an error both names have what they had.
    pub fn finish(&self, extent: Extent) -> Result<Written, Error> {
        let list = match &self.made {
            Destination::Part(part) => return part.finish().map(|()| Written::Manifest),
            Destination::List(list) => list,
        };
        if let Some(path) = lock(&list.unheld).take() {
            let (list, path) = (quoted(&self.wanted.file), quoted(&path));
            return Err(Error::Refused(format!(
                "cannot make {list}: a list of this format cannot hold the name {path}"
            )));
        }
        match extent {
            Extent::Whole => self.write(list, &self.wanted.file).map(|()| Written::Manifest),
            Extent::Partial if list.lists_any.load(Ordering::Relaxed) => {
                let file = incomplete(&self.wanted.file);
                self.write(list, &file).map(|()| Written::Incomplete(file))
            }
            Extent::Partial => Ok(Written::Nothing),
        }
    }

    /// Writes the list and its companion, and gives them their names once both are proved.
    fn write(&self, list: &List<'a, K>, file: &Path) -> Result<(), Error> {
        let spot = list.directory.spot(self.kernel);
        let take = |sorter: &Mutex<Sorter<'a, K>>| std::mem::replace(&mut *lock(sorter), Sorter::new(spot, file));
        let companion = if self.wanted.form == Form::Mtree {
            let companion = ListFile::begin(spot, &chunks::companion(file))?;
            Some(chunks::write(take(&list.chunks).sorted()?, companion)?)
        } else {
            None
        };
        let numbers = InodeNumbering { linked: std::mem::take(&mut *lock(&list.linked)), given: BTreeMap::new() };
        let sorted = take(&list.records).sorted()?;
        let lines = write(sorted, (self.wanted.form, *lock(&list.view)), numbers, ListFile::begin(spot, file)?)?;
        if companion.is_some() {
            list.directory.must_be_free(self.kernel, &chunks::companion(file))?;
        }
        list.directory.must_be_free(self.kernel, file)?;
        companion.map_or(Ok(()), ProvedList::commit)?;
        lines.commit()
    }

    /// What a user should know of what was written, if it is not what he has asked for.
    #[must_use]
    pub fn note(&self, written: &Written) -> Option<String> {
        let Destination::List(list) = &self.made else { return None };
        let what = match written {
            Written::Manifest => return None,
            Written::Incomplete(file) => format!("what could be listed is in {}", quoted(file)),
            Written::Nothing => "nothing could be listed".to_owned(),
        };
        let name = self.wanted.file.file_name().map(Path::new).unwrap_or(&self.wanted.file);
        let is_there = self.kernel.stat_at(Some(&list.directory.dir), name, false).is_ok();
        let is = if is_there { "stays as it was" } else { "is not written" };
        Some(format!("{} {is}: {what}", quoted(&self.wanted.file)))
    }
}

/// Whether a name leads to a list, or to what belongs to one.
fn is_list<K: Kernel>(kernel: &K, dir: &K::File, name: &Path) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let Ok(file) = kernel.open(Some(dir), name, flags, Mode::empty(), ResolveFlags::empty()) else { return false };
    let mut head = vec![0; HEAD_BYTES];
    let count = Bytes::of(kernel, &file).read_full(&mut head, 0).unwrap_or(0);
    Format::of(&head[..count], name).is_some() || chunks::begins(&head[..count])
}

/// The device and inode number that stand before the line of a record.
fn identity(value: &[u8]) -> (u64, u64) {
    let number =
        |at: usize| value.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
    (number(0), number(8))
}

fn digest_line(name: &[u8], digest: Option<&Digest>) -> Vec<u8> {
    digest.map_or_else(Vec::new, |digest| sums::line(name, &digest.value))
}

/// What numbers of inodes are written: that of the first with several names is 1, so that copies of one tree have one list.
struct InodeNumbering {
    linked: BTreeSet<(u64, u64)>,
    given: BTreeMap<(u64, u64), u64>,
}

impl InodeNumbering {
    /// The number that the names of an inode have in common, if it has several.
    fn number(&mut self, identity: (u64, u64)) -> Option<u64> {
        let next = self.given.len() as u64 + 1;
        self.linked.contains(&identity).then(|| *self.given.entry(identity).or_insert(next))
    }
}

/// Writes the list, all but its name.
fn write<'a, K: Kernel>(
    mut records: Sorted<'_, K>,
    (form, view): (Form, View),
    mut numbers: InodeNumbering,
    mut file: ListFile<'a, K>,
) -> Result<ProvedList<'a, K>, Error> {
    if form == Form::Mtree {
        file.write(&[mtree::SIGNATURE, b"\n"].concat())?;
        // A reader takes a list without it for one of another tool, which leaves out what it does not look at.
        if view == View::Whole {
            file.write(&[mtree::OURS, b"\n"].concat())?;
        }
    }
    while let Some((_, value)) = records.next()? {
        // Behind the file's identity, which is always there.
        let line = value.get(16..).unwrap_or_default();
        let inode = numbers.number(identity(&value)).filter(|_| form == Form::Mtree);
        match inode {
            Some(inode) => file.write(&mtree::with_inode(line, inode))?,
            None => file.write(line)?,
        }
    }
    file.prove()
}

impl Form {
    /// The algorithm of its digests.
    #[must_use]
    pub fn algorithm(self) -> Algorithm {
        match self {
            Form::Mtree | Form::B3sum => Algorithm::Blake3,
            Form::Sha256sum => Algorithm::Sha256,
        }
    }
}
