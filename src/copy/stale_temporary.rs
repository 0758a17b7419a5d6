//! Names of temporaries, and how what a dead run left under them is told from what a living one works on.
//!
//! A name holds 128 bits that nobody knows beforehand, which inode it is for, who its run is, and a check over that and
//! the directory. So a later run knows a leftover of this program from a file that only has such a name, such as a copy
//! of a leftover, and removes it if its run is proved to be dead: by its process, by the boot, or on this machine's own
//! filesystems by a lock that nobody holds (docs/design/leftovers.md). What cannot be proved stays.

use super::strays::Strays;
use crate::kernel::deferred::do_deferred;
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags, Result, Timestamp};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// What temporary names begin with.
pub const TEMPORARY_PREFIX: &str = ".safecp-";

/// How many names of a directory are looked at in search of leftovers.
const NAMES_SEARCHED_MAX: usize = 20_000;

/// How many directories are remembered to have been searched: a tree is worked off one after the other.
const DIRECTORIES_REMEMBERED: usize = 256;

/// The fields of a name, in hexadecimal digits: what is random, the inode, the boot, boot and namespace, the process
/// number, its beginning, the check.
const FIELDS: [usize; 7] = [32, 16, 8, 16, 8, 8, 16];

/// Those of a number of 64 bits. What is random ends in those of a second inode where there is one.
const DIGITS: usize = 16;

/// How far a file's birth may lie from the moment before it was made, in nanoseconds. The kernel's clock for files goes in
/// ticks, and its makers wait for disks.
const BEFORE: u64 = 1_000_000_000;
const AFTER: u64 = 10_000_000_000;

/// Makes names, and searches directories for old ones; see the head of this file.
#[derive(Default)]
pub(crate) struct TemporaryNames {
    /// 256 bits that nobody else knows.
    secret: OnceLock<[u8; 32]>,
    /// Names made so far.
    count: AtomicU64,
    author: OnceLock<Option<Author>>,
    /// Device and inode numbers of directories that were searched, the latest last.
    searched: Mutex<VecDeque<Numbers>>,
    /// Names that could not be removed.
    pub(super) strays: Strays,
}

/// A process, so that another on the same machine can tell whether it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    /// Of the boot ID.
    pub(crate) boot: u64,
    /// Of the boot ID and the PID namespace.
    pub(crate) machine: u64,
    pub(crate) pid: u64,
    /// Of the time at which it began.
    pub(crate) start: u64,
}

/// Device and inode number.
pub(super) type Numbers = (u64, u64);

/// Which inode a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NamedFor {
    /// One that is made now, and not written to under this name.
    Made(Timestamp),
    /// The one of this number, born then.
    Inode(u64, Timestamp),
    /// One of two that exchange their names, by their digits.
    Exchanged([u64; 2]),
}

impl NamedFor {
    /// An open file.
    pub(crate) fn file<K: Kernel>(kernel: &K, file: &K::File) -> Self {
        Self::numbered(kernel, file, None)
    }

    /// An open file, whose inode number may be known.
    pub(super) fn numbered<K: Kernel>(kernel: &K, file: &K::File, number: Option<u64>) -> Self {
        let birth = kernel.birth(Some(file), Path::new(""), false).ok().flatten();
        let number = number.or_else(|| kernel.stat(file).map(|stat| stat.ino).ok());
        // What cannot be told is a name that nobody takes for a leftover's.
        number.zip(birth).map_or(NamedFor::Made(Timestamp::default()), |(number, birth)| NamedFor::Inode(number, birth))
    }

    /// A new file that gets the name of an old one, which has the new one's for a moment.
    pub(crate) fn exchange<K: Kernel>(kernel: &K, new: &K::File, old: &K::File) -> Self {
        NamedFor::Exchanged([new, old].map(|file| Self::file(kernel, file).digits()))
    }

    fn digits(self) -> u64 {
        match self {
            NamedFor::Made(time) => nanoseconds(time),
            NamedFor::Exchanged([new, _]) => new,
            NamedFor::Inode(number, birth) => hashed(&[&number.to_le_bytes(), &nanoseconds(birth).to_le_bytes()]),
        }
    }
}

fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.seconds).unwrap_or(0).wrapping_mul(1_000_000_000).wrapping_add(time.nanos.into())
}

/// What a name says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    /// The inode's digits.
    inode: u64,
    /// Those of another that had the name for a moment, or what is random.
    other: u64,
    author: Author,
    /// It is that of an empty file, by which a directory is asked about the name that follows the digits.
    is_question: bool,
}

/// What is known of a run that left a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Alive,
    Dead,
    /// It began in another boot.
    OtherBoot,
    Unknown,
}

impl TemporaryNames {
    /// A name for a temporary in `dir`, which a later run can tell to be a leftover. The first time, what dead runs
    /// left in the directory is removed. `is_local` says that nobody but this machine's kernel works on the filesystem;
    /// `here` are the directory's numbers, where they are known.
    pub(super) fn marked<K: Kernel>(
        &self,
        kernel: &K,
        (dir, here): (&K::File, Option<Numbers>),
        is_local: bool,
        of: NamedFor,
    ) -> PathBuf {
        let Some((here, author)) = self.visit(kernel, (dir, here), is_local) else { return self.plain(kernel) };
        let author = author.unwrap_or(Author { boot: 0, machine: 0, pid: 0, start: 0 });
        let mut random = self.random(kernel);
        random.truncate(FIELDS[0]);
        if let NamedFor::Exchanged([_, old]) = of {
            random.replace_range(FIELDS[0] - DIGITS.., &format!("{old:016x}"));
        }
        let Author { boot, machine, pid, start } = author;
        let inode = of.digits();
        let fields = format!("{random}{inode:016x}{boot:08x}{machine:016x}{pid:08x}{start:08x}");
        PathBuf::from(format!("{TEMPORARY_PREFIX}{fields}{:016x}", check(&fields, here)))
    }

    /// Removes what dead runs left in a directory, unless that was done already. What that is by its numbers, and who this is.
    pub(super) fn visit<K: Kernel>(
        &self,
        kernel: &K,
        (dir, here): (&K::File, Option<Numbers>),
        is_local: bool,
    ) -> Option<(Numbers, Option<Author>)> {
        let here = here.or_else(|| kernel.stat(dir).map(|stat| (stat.dev, stat.ino)).ok())?;
        let author = *self.author.get_or_init(|| Author::of_this_process(kernel));
        if self.is_first_visit(here) {
            Search { kernel, dir, here, author, is_local }.remove_leftovers();
        }
        Some((here, author))
    }

    /// A name that nobody ever takes for a leftover.
    pub(super) fn plain<K: Kernel>(&self, kernel: &K) -> PathBuf {
        PathBuf::from(format!("{TEMPORARY_PREFIX}{}", &self.random(kernel)[..FIELDS[0]]))
    }

    /// One for filesystems that take no longer ones: 14 bytes, as the oldest of them.
    pub(super) fn short<K: Kernel>(&self, kernel: &K) -> PathBuf {
        PathBuf::from(format!("{TEMPORARY_PREFIX}{}", &self.random(kernel)[..6]))
    }

    /// One for filesystems that take none with a dot in front. It stands for a moment.
    pub(super) fn undotted<K: Kernel>(&self, kernel: &K) -> PathBuf {
        PathBuf::from(format!("{}{}", TEMPORARY_PREFIX.trim_start_matches('.'), &self.random(kernel)[..FIELDS[0]]))
    }

    /// Hexadecimal digits that were never given and cannot be foretold.
    fn random<K: Kernel>(&self, kernel: &K) -> String {
        // A signal must not leave what gets this name behind.
        do_deferred();
        let secret = self.secret.get_or_init(|| {
            let mut secret = [0; 32];
            secret.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&kernel.random().to_ne_bytes()));
            secret
        });
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        blake3::keyed_hash(secret, &number.to_ne_bytes()).to_hex().to_string()
    }

    fn is_first_visit(&self, here: Numbers) -> bool {
        let mut searched = self.searched.lock().unwrap_or_else(PoisonError::into_inner);
        // The one asked for is among the latest.
        if searched.iter().rev().any(|directory| *directory == here) {
            return false;
        }
        if searched.len() == DIRECTORIES_REMEMBERED {
            searched.pop_front();
        }
        searched.push_back(here);
        true
    }
}

/// The digits that bind a name to its directory.
fn check(fields: &str, (dev, ino): Numbers) -> u64 {
    hashed(&[fields.as_bytes(), &dev.to_le_bytes(), &ino.to_le_bytes()])
}

fn hashed(parts: &[&[u8]]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    let hash = hasher.finalize();
    u64::from_le_bytes(std::array::from_fn(|at| hash.as_bytes()[at]))
}

/// The first 32 bits, for fields of eight digits.
fn halved(hash: u64) -> u64 {
    hash >> 32
}

/// What the name `name` in the directory `here` says; `None` of one that only looks like one of ours.
fn mark_of(name: &OsStr, here: Numbers) -> Option<Mark> {
    let digits = name.as_bytes().strip_prefix(TEMPORARY_PREFIX.as_bytes())?;
    let (digits, end) = digits.split_at_checked(FIELDS.iter().sum())?;
    let digits = std::str::from_utf8(digits).ok()?;
    let (fields, last) = digits.split_at_checked(digits.len() - FIELDS[6])?;
    let is_ours = u64::from_str_radix(last, 16).ok()? == check(fields, here);
    let mut rest = fields.get(FIELDS[0]..).filter(|_| is_ours)?;
    let mut next = |length: usize| {
        let (field, behind) = rest.split_at_checked(length)?;
        rest = behind;
        u64::from_str_radix(field, 16).ok()
    };
    let [random, inode, boot, machine, pid, start, _] = FIELDS;
    let other = u64::from_str_radix(fields.get(random - DIGITS..random)?, 16).ok()?;
    let (inode, boot, machine) = (next(inode)?, next(boot)?, next(machine)?);
    let author = Author { boot, machine, pid: next(pid)?, start: next(start)? };
    Some(Mark { inode, other, author, is_question: !end.is_empty() })
}

impl Author {
    /// This process, if /proc tells of it.
    pub(crate) fn of_this_process<K: Kernel>(kernel: &K) -> Option<Self> {
        let boot = contents(kernel, Path::new("/proc/sys/kernel/random/boot_id")).ok()?;
        let namespace = kernel.stat_at(None, Path::new("/proc/self/ns/pid"), true).ok()?;
        let process = contents(kernel, Path::new("/proc/self/stat")).ok()?;
        let pid = std::str::from_utf8(&process).ok()?.split(' ').next()?.parse().ok()?;
        // A /proc of another namespace than one's own has other numbers.
        let is_own = pid == u64::from(std::process::id());
        let namespace = [namespace.dev.to_le_bytes(), namespace.ino.to_le_bytes()].concat();
        let author = Self {
            boot: halved(hashed(&[&boot])),
            machine: hashed(&[&boot, &namespace]),
            pid,
            start: halved(hashed(&[start_of(&process)?])),
        };
        Some(author).filter(|_| is_own)
    }

    /// What became of it, as seen by `observer`. Only its own kernel knows of a process; a /proc that hides those of
    /// others is not asked whether it is there.
    pub(crate) fn fate<K: Kernel>(self, kernel: &K, observer: Option<Self>) -> Fate {
        let Some(observer) = observer.filter(|_| self.machine != 0) else { return Fate::Unknown };
        if self.machine != observer.machine {
            return if self.boot == observer.boot { Fate::Unknown } else { Fate::OtherBoot };
        }
        if kernel.process_exists(self.pid) == Err(Errno::SRCH) {
            return Fate::Dead;
        }
        let process = contents(kernel, Path::new(&format!("/proc/{}/stat", self.pid)));
        match process.ok().as_deref().and_then(start_of) {
            Some(start) if halved(hashed(&[start])) != self.start => Fate::Dead,
            // Where its beginning cannot be seen it may be the one.
            Some(_) | None => Fate::Alive,
        }
    }
}

/// The beginning of /proc/PID/stat's process, in clock ticks since boot: the 22nd field. The second is its name in
/// parentheses, which may hold anything.
fn start_of(process: &[u8]) -> Option<&[u8]> {
    let behind = process.iter().rposition(|byte| *byte == b')')? + 1;
    process[behind..].split(|byte| *byte == b' ').nth(20).filter(|field| !field.is_empty())
}

/// A small file of /proc.
pub(super) fn contents<K: Kernel>(kernel: &K, path: &Path) -> Result<Vec<u8>> {
    let file = kernel.open(None, path, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty(), ResolveFlags::empty())?;
    let mut bytes = vec![0; 4096];
    let count = kernel.read(&file, &mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// The search of one directory.
struct Search<'a, K: Kernel> {
    kernel: &'a K,
    dir: &'a K::File,
    here: Numbers,
    author: Option<Author>,
    is_local: bool,
}

impl<K: Kernel> Search<'_, K> {
    /// Removes what is proved to be a dead run's. What cannot be listed, looked at or removed stays: nothing of the copy
    /// hangs on it.
    fn remove_leftovers(&self) {
        for (name, mark) in self.found().unwrap_or_default() {
            self.remove_if_dead(&name, mark).unwrap_or(());
        }
    }

    fn remove_if_dead(&self, name: &Path, mark: Mark) -> Result<()> {
        if !self.is_of(name, mark)? {
            return Ok(());
        }
        let held = match mark.author.fate(self.kernel, self.author) {
            Fate::Alive => return Ok(()),
            Fate::OtherBoot | Fate::Unknown if !self.is_local => return Ok(()),
            // Somebody else's lock is respected all the same.
            Fate::Dead | Fate::OtherBoot => match self.locked(name) {
                Err(Errno::AGAIN) => return Ok(()),
                held => held.ok(),
            },
            Fate::Unknown => Some(self.locked(name)?),
        };
        let removed = match self.kernel.unlink(self.dir, name) {
            // A directory that was to be filled under its own name is empty.
            Err(Errno::ISDIR) => self.kernel.rmdir(self.dir, name),
            removed => removed,
        };
        // The lock lasts until the name is gone.
        drop(held);
        removed
    }

    /// Names that this program has made in this directory.
    fn found(&self) -> Result<Vec<(PathBuf, Mark)>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let dir = self.kernel.open(Some(self.dir), Path::new("."), flags, Mode::empty(), ResolveFlags::empty())?;
        let (mut found, mut seen) = (Vec::new(), 0);
        while seen < NAMES_SEARCHED_MAX {
            let names = self.kernel.next_names(&dir)?;
            if names.is_empty() {
                break;
            }
            seen += names.len();
            let ours = |name: std::ffi::OsString| mark_of(&name, self.here).map(|mark| (name.into(), mark));
            found.extend(names.into_iter().filter_map(|listed| ours(listed.name)));
        }
        Ok(found)
    }

    /// Whether the name has the inode that it was made for, and not a copy of it.
    fn is_of(&self, name: &Path, Mark { inode, other, is_question, .. }: Mark) -> Result<bool> {
        let found = self.kernel.stat_at(Some(self.dir), name, false)?;
        let Some(birth) = self.kernel.birth(Some(self.dir), name, false)? else { return Ok(false) };
        if !is_question && [inode, other].contains(&NamedFor::Inode(found.ino, birth).digits()) {
            return Ok(true);
        }
        let is_untouched = found.mtime == birth && (found.kind != Kind::File || found.size == 0);
        let around = inode.saturating_sub(BEFORE)..=inode.saturating_add(AFTER);
        Ok(is_untouched && around.contains(&nanoseconds(birth)))
    }

    /// A regular file that was locked by nobody, and is now. A living run locks its own before it has the name, or
    /// looks afterwards whether it still has it.
    fn locked(&self, name: &Path) -> Result<K::File> {
        if self.kernel.stat_at(Some(self.dir), name, false)?.kind != Kind::File {
            return Err(Errno::INVAL);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = self.kernel.open(Some(self.dir), name, flags, Mode::empty(), ResolveFlags::empty())?;
        self.kernel.lock(&file).map(|()| file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::linux::Linux;

    #[test]
    fn a_name_is_known_in_its_own_directory_and_under_no_other_name() {
        let fields = format!("{}{:016x}{:08x}{:016x}{:08x}{:08x}", "a".repeat(32), 9, 1, 2, 3, 4);
        let mark = Mark {
            inode: 9,
            other: 0xaaaa_aaaa_aaaa_aaaa,
            author: Author { boot: 1, machine: 2, pid: 3, start: 4 },
            is_question: false,
        };
        let name = |last: u64| std::ffi::OsString::from(format!("{TEMPORARY_PREFIX}{fields}{last:016x}"));
        let ours = name(check(&fields, (1, 7)));
        assert_eq!(mark_of(&ours, (1, 7)), Some(mark));
        assert_eq!(mark_of(&ours, (1, 8)), None);
        assert_eq!(mark_of(&name(0), (1, 7)), None);
        assert_eq!(mark_of(OsStr::new(".safecp-0123456789abcdef"), (1, 7)), None);
    }

    #[test]
    fn a_question_that_a_dead_run_left_is_removed_if_nobody_wrote_to_it() {
        let (kernel, place) = (Linux::new(), tempfile::tempdir().expect("a directory"));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let dir =
            kernel.open(None, place.path(), flags, Mode::empty(), ResolveFlags::empty()).expect("an open directory");
        let here = kernel.stat(&dir).expect("a directory's stat");
        let here = (here.dev, here.ino);
        let own = Author::of_this_process(&kernel).expect("a process of this machine");
        let Author { boot, machine, start, .. } = own;
        for bytes in ["", "written"] {
            let (random, inode) = ("a".repeat(32), NamedFor::Made(kernel.now()).digits());
            let fields = format!("{random}{inode:016x}{boot:08x}{machine:016x}{:08x}{start:08x}", 0x7fff_ffff);
            let name = format!("{TEMPORARY_PREFIX}{fields}{:016x}README", check(&fields, here));
            std::fs::write(place.path().join(&name), bytes).expect("a file");
            let tells_birth = kernel.birth(Some(&dir), name.as_ref(), false).expect("a file's birth").is_some();
            Search { kernel: &kernel, dir: &dir, here, author: Some(own), is_local: true }.remove_leftovers();
            assert_eq!(place.path().join(&name).exists(), !bytes.is_empty() || !tells_birth, "{bytes}");
        }
    }

    #[test]
    fn no_two_names_are_the_same_and_each_run_has_its_own() {
        let (kernel, names) = (Linux::new(), TemporaryNames::default());
        assert_ne!(names.plain(&kernel), names.plain(&kernel));
        assert_ne!(TemporaryNames::default().plain(&kernel), TemporaryNames::default().plain(&kernel));
        assert_eq!(names.short(&kernel).as_os_str().len(), 14);
    }

    #[test]
    fn a_process_lives_while_its_number_and_its_beginning_are_there() {
        let kernel = Linux::new();
        let own = Author::of_this_process(&kernel).expect("a process of this machine");
        assert_eq!(own.fate(&kernel, Some(own)), Fate::Alive);
        assert_eq!(Author { start: own.start ^ 1, ..own }.fate(&kernel, Some(own)), Fate::Dead);
        assert_eq!(Author { pid: 0x7fff_ffff, ..own }.fate(&kernel, Some(own)), Fate::Dead);
        assert_eq!(Author { machine: own.machine ^ 1, ..own }.fate(&kernel, Some(own)), Fate::Unknown);
        let elsewhere = Author { machine: own.machine ^ 1, boot: own.boot ^ 1, ..own };
        assert_eq!(elsewhere.fate(&kernel, Some(own)), Fate::OtherBoot);
        assert_eq!(own.fate(&kernel, None), Fate::Unknown);
    }

    #[test]
    fn the_beginning_is_found_behind_any_name() {
        let process = b"17 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20";
        assert_eq!(start_of(process), Some(&b"4711"[..]));
        assert_eq!(start_of(b"17 (a) S"), None);
    }
}
