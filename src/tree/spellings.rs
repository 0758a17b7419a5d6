//! Names that a target takes for one though they are two in the source: `A` and `a`, or a letter with its accent and the two
//! one after the other.
//!
//! exFAT, NTFS and SMB fold case, ext4, tmpfs and ZFS do where they were told to, and some of them normalise characters; no
//! call tells. There a name would replace, or be merged with, what this run has made under another one, and a file be
//! written through a link that it has made. So the source names of a directory are remembered by keys that are equal for
//! all spellings that any filesystem takes for one. Where two are equal the target directory itself is asked, with a file of
//! its own. Nothing is asked elsewhere, and no name is kept.

use super::handles::Asker;
use super::level::Task;
use super::look::Created;
use super::run::Run;
use crate::copy::Home;
use crate::copy::commit::TEMPORARY_PREFIX;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Mode, OFlags, ResolveFlags};
use crate::known::filesystems::Honesty;
use crate::options::Backup;
use crate::report::quote::quoted;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use unicode_normalization::UnicodeNormalization;

/// The longest name that Linux's filesystems take, in bytes (NAME_MAX).
const NAME_MAX: usize = 255;

/// So many keys of one directory are kept before it is asked whether it needs any.
const KEYS_UNASKED: usize = 1 << 16;

/// How many names are tried for the file that asks.
const ATTEMPTS: u64 = 16;

/// Two names that differ in case, and two that differ in how a character is made up.
const TRIALS: [(&str, &str); 2] = [("a", "A"), ("\u{e9}", "e\u{301}")];

/// The names of one directory that have come up.
#[derive(Default)]
pub(super) struct Spellings(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    keys: HashSet<u64>,
    /// The directory was asked, and takes every name for what it is.
    are_needless: bool,
}

/// How a name compares with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Novelty {
    New,
    /// It is, and so many are kept that the directory should be asked whether any has to be.
    Many,
    /// It may be one with another.
    Suspect,
}

impl Spellings {
    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, name: &OsStr) -> Novelty {
        let mut keys = self.keys();
        match keys.are_needless || keys.keys.insert(key(name)) {
            false => Novelty::Suspect,
            true if keys.keys.len() == KEYS_UNASKED => Novelty::Many,
            true => Novelty::New,
        }
    }

    fn forget(&self) {
        *self.keys() = Keys { keys: HashSet::new(), are_needless: true };
    }
}

/// What operands before this one have made, where that has to be known.
#[derive(Default)]
pub(super) struct Paths {
    /// There are several operands.
    are_kept: AtomicBool,
    /// By the key of its path beneath the directory of all targets.
    made: Mutex<HashMap<u64, Earlier>>,
    /// Devices that were asked whether they take two names for one.
    devices: Mutex<BTreeMap<u64, bool>>,
}

#[derive(Clone, Copy)]
struct Earlier {
    /// Hash of the path as it is.
    exact: u64,
    is_link: bool,
}

impl Paths {
    fn made(&self) -> MutexGuard<'_, HashMap<u64, Earlier>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on what is made is remembered: there are several operands.
    pub(super) fn keep(&self) {
        self.are_kept.store(true, Ordering::Relaxed);
    }

    fn are_kept(&self) -> bool {
        self.are_kept.load(Ordering::Relaxed)
    }

    /// Whether another operand has made a symbolic link of this path.
    pub(super) fn created(&self, path: &Path) -> Created {
        if !self.are_kept() {
            return Created::Nothing;
        }
        let earlier = self.made().get(&path_key(path)).copied();
        let is_link = earlier.is_some_and(|earlier| earlier.is_link && earlier.exact == exact(path));
        if is_link { Created::Link } else { Created::Nothing }
    }
}

/// A name that is about to be made.
pub(super) struct Newcomer<'a, F> {
    /// The directory it is to be in.
    pub(super) dir: &'a F,
    /// What is known of that; `None` for an operand or a directory of --parents, of which there are few.
    pub(super) home: Option<Home>,
    /// Its path beneath the directory of all targets.
    pub(super) path: &'a Path,
    pub(super) kind: Kind,
    /// For messages.
    pub(super) source_shown: &'a Path,
    pub(super) target_shown: &'a Path,
}

impl<K: Kernel> Run<'_, K> {
    /// Fails if a name of a tree is one with another that this run has made, or would be made through a link of its own.
    pub(super) fn claim(&self, task: &Task<K>) -> Result<(), Error> {
        self.claim_spelling(task)?;
        if !self.paths.are_kept() {
            return Ok(());
        }
        let pair = self.handles(&task.level, Asker::Descent)?;
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        let created = self.claim_path(&Newcomer {
            dir: &pair.target,
            home: Some(task.level.home),
            path: &task.path(),
            kind: task.kind(),
            source_shown: &source_shown,
            target_shown: &target_shown,
        })?;
        self.check_way(created, task.kind(), &source_shown, &target_shown)
    }

    /// Fails if a directory would be copied through a link to one that an operand before has made.
    pub(super) fn check_way(&self, created: Created, kind: Kind, source: &Path, target: &Path) -> Result<(), Error> {
        if created == Created::Link && kind == Kind::Directory && self.options.keep_directory_symlink {
            return Err(through_link(source, target));
        }
        Ok(())
    }

    /// Fails if the target directory takes a name of this source directory for one that came up before.
    fn claim_spelling(&self, task: &Task<K>) -> Result<(), Error> {
        let Task { level, entry } = task;
        let novelty = level.spellings.add(&entry.name);
        // With numbered backups what was made first is kept, as with cp.
        let is_kept = self.options.backup == Backup::Numbered && entry.kind != Kind::Directory && !level.made;
        if novelty == Novelty::New || is_kept {
            return Ok(());
        }
        let pair = self.handles(level, Asker::Descent)?;
        let (source_shown, target_shown) = (task.source_shown(), task.target_shown());
        if novelty == Novelty::Many {
            if !self.folds(&pair.target, &target_shown)? {
                level.spellings.forget();
            }
            return Ok(());
        }
        let names = self.kernel.list(&pair.source);
        let names = names.map_err(|errno| Error::call(Action::Access, &level.source_shown(), errno))?;
        self.part(&pair.target, &names, task.name(), [&source_shown, &target_shown])
    }

    /// Fails if another operand has made the same under another spelling. With one operand there is nothing to know.
    pub(super) fn claim_path(&self, newcomer: &Newcomer<'_, K::File>) -> Result<Created, Error> {
        let paths = &self.paths;
        if !paths.are_kept() {
            return Ok(Created::Nothing);
        }
        let Newcomer { path, kind, .. } = *newcomer;
        let (key, exact, is_link) = (path_key(path), exact(path), kind == Kind::Symlink);
        let earlier = paths.made().get(&key).copied();
        match earlier {
            None => {
                if is_link || self.is_remembered(paths, newcomer)? {
                    paths.made().insert(key, Earlier { exact, is_link });
                }
                Ok(Created::Nothing)
            }
            Some(earlier) if earlier.exact == exact => {
                paths.made().insert(key, Earlier { exact, is_link: is_link || earlier.is_link });
                Ok(if earlier.is_link { Created::Link } else { Created::Nothing })
            }
            Some(_) => {
                let Some(name) = path.file_name().map(Path::new) else { return Ok(Created::Nothing) };
                let names = self.kernel.list(newcomer.dir);
                let names = names.map_err(|errno| Error::call(Action::StatTarget, newcomer.target_shown, errno))?;
                self.part(newcomer.dir, &names, name, [newcomer.source_shown, newcomer.target_shown])?;
                Ok(Created::Nothing)
            }
        }
    }

    /// Fails if the directory takes one of these names for `name`.
    fn part(&self, dir: &K::File, names: &[OsString], name: &Path, shown: [&Path; 2]) -> Result<(), Error> {
        let wanted = key(name.as_os_str());
        let [source, target] = shown;
        for other in names.iter().filter(|other| *other != name.as_os_str() && key(other) == wanted) {
            if self.takes_for_one(dir, other, name.as_os_str(), target)? {
                let (source, target) = (quoted(source), quoted(target));
                return Err(Error::Refused(format!("will not overwrite just-created {target} with {source}")));
            }
        }
        Ok(())
    }

    /// Whether a name has to be remembered: that of an operand, or where it lies on a device that takes two names for one.
    fn is_remembered(&self, paths: &Paths, newcomer: &Newcomer<'_, K::File>) -> Result<bool, Error> {
        let Some(home) = newcomer.home else { return Ok(true) };
        let Some(dev) = home.dev else { return Ok(true) };
        match home.honesty {
            // There only directories fold that were told to.
            Honesty::Honest | Honesty::Pseudo => return Ok(false),
            Honesty::Zfs | Honesty::Unknown => {}
        }
        let known = paths.devices.lock().unwrap_or_else(PoisonError::into_inner).get(&dev).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let folds = self.folds(newcomer.dir, newcomer.target_shown)?;
        paths.devices.lock().unwrap_or_else(PoisonError::into_inner).insert(dev, folds);
        Ok(folds)
    }

    /// Whether a directory takes any two names for one.
    fn folds(&self, dir: &K::File, shown: &Path) -> Result<bool, Error> {
        for (one, other) in TRIALS {
            if self.takes_for_one(dir, one.as_ref(), other.as_ref(), shown)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks a directory whether it takes two names for one: a file that ends in the first is made there, and looked for
    /// by the second. A crash can leave it.
    fn takes_for_one(&self, dir: &K::File, one: &OsStr, other: &OsStr, shown: &Path) -> Result<bool, Error> {
        let failed = |action| move |errno| Error::call(action, shown, errno);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let random = self.kernel.random();
        for attempt in 0..ATTEMPTS {
            let [made, sought] = [one, other].map(|name| asking(random.wrapping_add(attempt), name));
            if made.as_os_str().len().max(sought.as_os_str().len()) > NAME_MAX {
                break;
            }
            let mode = Mode::from_raw_mode(0o600);
            match self.kernel.open(Some(dir), &made, flags, mode, ResolveFlags::empty()) {
                Ok(file) => drop(file),
                Err(Errno::EXIST) => continue,
                // Nothing new can be made there, or not under such a name.
                Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::INVAL | Errno::ILSEQ | Errno::NAMETOOLONG) => {
                    break;
                }
                Err(errno) => return Err(failed(Action::CreateFile)(errno)),
            }
            let found = self.kernel.stat_at(Some(dir), &sought, false);
            self.kernel.unlink(dir, &made).map_err(|errno| Error::call(Action::Remove, &made, errno))?;
            return match found {
                Ok(_) => Ok(true),
                Err(Errno::NOENT | Errno::INVAL | Errno::ILSEQ) => Ok(false),
                Err(errno) => Err(failed(Action::StatTarget)(errno)),
            };
        }
        // Two names that are there are two.
        let names = self.kernel.list(dir).map_err(failed(Action::StatTarget))?;
        let is_there = |name: &OsStr| names.iter().any(|there| there == name);
        Ok(!(is_there(one) && is_there(other)))
    }
}

/// cp's refusal to write where a link leads that it has just made.
pub(super) fn through_link(source: &Path, target: &Path) -> Error {
    Error::Refused(format!("will not copy {} through just-created symlink {}", quoted(source), quoted(target)))
}

/// The name of a file that asks for `name`.
fn asking(random: u64, name: &OsStr) -> PathBuf {
    let mut asking = OsString::from(format!("{TEMPORARY_PREFIX}{random:016x}"));
    asking.push(name);
    PathBuf::from(asking)
}

/// Equal for all spellings of a name that some filesystem takes for one, and seldom for others.
fn key(name: &OsStr) -> u64 {
    let bytes = name.as_bytes();
    // FAT and SMB leave off dots and blanks at the end.
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'.' | b' ')).map_or(bytes.len(), |last| last + 1);
    let bytes = &bytes[..end];
    let mut hasher = DefaultHasher::new();
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.is_ascii() => folded(text).hash(&mut hasher),
        Ok(_) | Err(_) => bytes.iter().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase())),
    }
    hasher.finish()
}

/// Characters taken apart, in small letters, without those that are not seen.
fn folded(text: &str) -> Vec<u8> {
    let is_seen = |character: &char| {
        !matches!(character, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
    };
    let small = |text: String| -> String {
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkd().filter(is_seen).collect()
    };
    small(text.nfkd().collect()).into_bytes()
}

/// The components of a path, without those that lead nowhere.
fn components(path: &Path) -> impl Iterator<Item = &OsStr> {
    path.components().filter(|component| *component != Component::CurDir).map(Component::as_os_str)
}

fn path_key(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    components(path).for_each(|component| hasher.write_u64(key(component)));
    hasher.finish()
}

fn exact(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    components(path).for_each(|component| component.hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_one(one: &str, other: &str) -> bool {
        key(one.as_ref()) == key(other.as_ref())
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        let pairs = [
            ("README", "readme"),
            ("a.", "a"),
            ("\u{e9}t\u{e9}", "E\u{301}TE\u{301}"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{3c3}\u{3c2}", "\u{3a3}\u{3a3}"),
            ("\u{212a}", "k"),
            ("\u{439}", "\u{438}\u{306}"),
            ("\u{ac00}", "\u{1100}\u{1161}"),
            ("a\u{200d}b", "ab"),
        ];
        pairs.iter().for_each(|(one, other)| assert!(are_one(one, other), "{one} {other}"));
    }

    #[test]
    fn other_names_have_others() {
        for (one, other) in
            [("a", "b"), (".a", "a"), ("\u{65e5}\u{672c}", "\u{4e2d}\u{56fd}"), ("e", "\u{e9}"), ("", "a")]
        {
            assert!(!are_one(one, other), "{one} {other}");
        }
    }

    #[test]
    fn names_are_remembered_until_the_directory_tells_them_apart() {
        let spellings = Spellings::default();
        assert_eq!(
            ["a", "b", "A"].map(|name| spellings.add(name.as_ref())),
            [Novelty::New, Novelty::New, Novelty::Suspect]
        );
        let many: Vec<_> = (0..KEYS_UNASKED).map(|n| spellings.add(n.to_string().as_ref())).collect();
        assert_eq!(many.iter().filter(|novelty| **novelty == Novelty::Many).count(), 1);
        spellings.forget();
        assert_eq!(spellings.add("B".as_ref()), Novelty::New);
    }

    #[test]
    fn a_path_is_the_same_with_a_way_that_leads_nowhere() {
        assert_eq!(
            (path_key(Path::new("./a/./B")), exact(Path::new("./a/b"))),
            (path_key(Path::new("A/b")), exact(Path::new("a/b")))
        );
        assert_ne!(exact(Path::new("a/b")), exact(Path::new("a/B")));
    }
}
