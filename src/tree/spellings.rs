//! Names that a target takes for one though they are two in the source: `A` and `a`, or a letter with its accent and the two
//! one after the other.
//!
//! exFAT, NTFS and SMB fold case, ext4, tmpfs and ZFS do where they were told to, and some of them normalise characters; no
//! call tells. There a name would replace, or be merged with, what this run has made under another one, and a file be
//! written through a link that it has made. So the source names of a directory are remembered by keys that are equal for
//! all spellings that any filesystem takes for one. Where two are equal the target directory itself is asked, by what is
//! there, or with a temporary of its own. Nothing is asked elsewhere.

use super::handles::Asker;
use super::level::Task;
use super::look::Created;
use super::run::Run;
use crate::copy::leftover::TEMPORARY_PREFIX;
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind};
use crate::known::filesystems::{Filesystem, Honesty};
use crate::options::Backup;
use crate::quote::quoted;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use unicode_normalization::UnicodeNormalization;

/// So many keys of one directory are kept before it is asked whether it needs any; and again at each multiple.
const KEYS_UNASKED: usize = 1 << 16;

/// How many names of a directory are tried to see whether it tells capitals from small letters: others may remove them.
const CASES_MAX: usize = 16;

/// FS_CASEFOLD_FL, which is chattr's F.
const CASEFOLD: u32 = 0x4000_0000;

/// The names of one directory that have come up.
#[derive(Default)]
pub(super) struct Spellings(Mutex<Keys>);

#[derive(Default)]
struct Keys {
    plain: HashSet<u64>,
    /// Those of names with other characters than ASCII's.
    others: HashSet<u64>,
    /// The directory tells capitals from small letters: of plain names there is nothing to remember.
    tells_case: bool,
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
        let is_plain = name.as_bytes().is_ascii();
        let mut keys = self.keys();
        let Keys { plain, others, tells_case } = &mut *keys;
        if is_plain && *tells_case {
            return Novelty::New;
        }
        let key = key(name);
        if plain.contains(&key) || others.contains(&key) {
            return Novelty::Suspect;
        }
        let kept = if is_plain { plain } else { others };
        kept.insert(key);
        if is_plain && kept.len() % KEYS_UNASKED == 0 { Novelty::Many } else { Novelty::New }
    }

    fn forget_plain(&self) {
        let mut keys = self.keys();
        (keys.plain, keys.tells_case) = (HashSet::new(), true);
    }
}

/// What operands before this one have made, where that has to be known.
#[derive(Default)]
pub(super) struct Paths {
    /// There are several operands.
    are_kept: AtomicBool,
    /// By the key of its path beneath the directory of all targets.
    made: Mutex<HashMap<u64, Earlier>>,
    /// Devices, and whether they were seen to tell capitals from small letters.
    devices: Mutex<BTreeMap<u64, bool>>,
}

#[derive(Clone)]
struct Earlier {
    /// Hash of the path as it is.
    exact: u64,
    /// The last component.
    name: Box<OsStr>,
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
        let earlier = self.made().get(&path_key(path)).cloned();
        let is_link = earlier.is_some_and(|earlier| earlier.is_link && earlier.exact == exact(path));
        if is_link { Created::Link } else { Created::Nothing }
    }
}

/// A name that is about to be made.
pub(super) struct Newcomer<'a, F> {
    /// The directory it is to be in.
    pub(super) dir: &'a F,
    /// Its path beneath the directory of all targets.
    pub(super) path: &'a Path,
    pub(super) kind: Kind,
    /// It can only be met by an operand of the same spelling, unless it is a link that one writes through.
    pub(super) is_told_apart: bool,
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
            path: &task.path(),
            kind: task.kind(),
            is_told_apart: self.is_told_apart(task)?,
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
            if self.tells_case(&pair.target, &target_shown)? {
                level.spellings.forget_plain();
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
        let earlier = paths.made().get(&key).cloned();
        match earlier {
            None => {
                if is_link || !newcomer.is_told_apart {
                    let name = path.file_name().unwrap_or_default().into();
                    paths.made().insert(key, Earlier { exact, name, is_link });
                }
                Ok(Created::Nothing)
            }
            Some(earlier) if earlier.exact == exact => {
                let created = if earlier.is_link { Created::Link } else { Created::Nothing };
                paths.made().insert(key, Earlier { is_link: is_link || earlier.is_link, ..earlier });
                Ok(created)
            }
            Some(earlier) => {
                let Some(name) = path.file_name().map(Path::new) else { return Ok(Created::Nothing) };
                let shown = [newcomer.source_shown, newcomer.target_shown];
                self.part(newcomer.dir, &[earlier.name.into()], name, shown)?;
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
                return Err(Error::just_created(target, source));
            }
        }
        Ok(())
    }

    /// Whether no spelling but its own leads to a name of a tree, so far as that can be told without asking much.
    fn is_told_apart(&self, task: &Task<K>) -> Result<bool, Error> {
        let Task { level, entry } = task;
        let is_folded = match level.home.honesty {
            Honesty::Honest => {
                let pair = self.handles(level, Asker::Descent)?;
                *level.is_folded.get_or_init(|| self.is_folded(&pair.target))
            }
            Honesty::Pseudo => Some(false),
            Honesty::Zfs | Honesty::Unknown => None,
        };
        if let Some(is_folded) = is_folded {
            return Ok(!is_folded);
        }
        let Some(dev) = level.home.dev.filter(|_| entry.name.as_bytes().is_ascii()) else { return Ok(false) };
        let devices = || self.paths.devices.lock().unwrap_or_else(PoisonError::into_inner);
        let known = devices().get(&dev).copied();
        if let Some(tells) = known {
            return Ok(tells);
        }
        let Some(path) = with_case_swapped(level.place()) else { return Ok(false) };
        let above = level.above.as_ref().filter(|_| level.is_beneath_another());
        let above = above.map(|above| self.handles(above, Asker::Descent)).transpose()?;
        let dir = above.as_ref().map_or(&*level.base, |above| &above.target);
        let tells = match self.kernel.stat_at(Some(dir), &path, false) {
            Err(Errno::NOENT) => true,
            Ok(_) => false,
            // Then all names are remembered.
            Err(_) => return Ok(false),
        };
        devices().insert(dev, tells);
        Ok(tells)
    }

    /// Whether a directory is seen to tell capitals from small letters, by the names that it has.
    fn tells_case(&self, dir: &K::File, shown: &Path) -> Result<bool, Error> {
        let names = self.kernel.list(dir).map_err(|errno| Error::call(Action::StatTarget, shown, errno))?;
        Ok(self.tells_case_of(dir, &names, shown)? == Some(true))
    }

    /// The same of one that has these names; `None` if it has none by which that shows.
    fn tells_case_of(&self, dir: &K::File, names: &[OsString], shown: &Path) -> Result<Option<bool>, Error> {
        let copier = &self.entries.copier;
        // Temporaries come and go.
        let are_lasting = names.iter().filter(|name| !name.as_bytes().starts_with(TEMPORARY_PREFIX.as_bytes()));
        let swapped = are_lasting.filter_map(|name| Some((name, with_case_swapped(Path::new(name))?)));
        let is_there = |name: &Path| names.iter().any(|there| there == name.as_os_str());
        for (name, swapped) in swapped.filter(|(_, swapped)| !is_there(swapped)).take(CASES_MAX) {
            if copier.leads_somewhere(dir, &swapped, shown)? {
                return Ok(Some(false));
            }
            if copier.leads_somewhere(dir, Path::new(name), shown)? {
                return Ok(Some(true));
            }
        }
        Ok(None)
    }

    /// Whether a directory takes two names for one.
    fn takes_for_one(&self, dir: &K::File, one: &OsStr, other: &OsStr, shown: &Path) -> Result<bool, Error> {
        if self.is_folded(dir) == Some(false) {
            return Ok(false);
        }
        let names = match self.kernel.list(dir) {
            Ok(names) => names,
            Err(Errno::ACCESS) => Vec::new(),
            Err(errno) => return Err(Error::call(Action::StatTarget, shown, errno)),
        };
        let copier = &self.entries.copier;
        let is_there = |name: &OsStr| names.iter().any(|there| there == name);
        match (is_there(one), is_there(other)) {
            (true, true) => Ok(false),
            (true, false) => copier.leads_somewhere(dir, Path::new(other), shown),
            (false, true) => copier.leads_somewhere(dir, Path::new(one), shown),
            (false, false) => {
                let is_case = one.eq_ignore_ascii_case(other);
                let tells_case = if is_case { self.tells_case_of(dir, &names, shown)? } else { None };
                tells_case.map_or_else(|| copier.takes_for_one(dir, one, other, shown), |tells| Ok(!tells))
            }
        }
    }

    /// Whether a directory was told to fold names, on filesystems where only those do that were; `None` where that is not
    /// known.
    fn is_folded(&self, dir: &K::File) -> Option<bool> {
        let magic = self.kernel.filesystem(dir).unwrap_or(Filesystem::UNTOLD);
        match self.kernel.inode_flags(dir) {
            _ if !Filesystem::new(magic).folds_by_flag() => None,
            Ok(flags) => Some(flags & CASEFOLD != 0),
            // tmpfs before Linux 6.6, which had neither flags nor folds.
            Err(Errno::NOTTY) => Some(false),
            Err(_) => None,
        }
    }
}

/// cp's refusal to write where a link leads that it has just made.
pub(super) fn through_link(source: &Path, target: &Path) -> Error {
    Error::Refused(format!("will not copy {} through just-created symlink {}", quoted(source), quoted(target)))
}

/// The path with other letters in its last component; `None` if that has none that can be swapped.
fn with_case_swapped(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.as_bytes();
    let swapped = name
        .iter()
        .map(|byte| if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() });
    let swapped: Vec<u8> = swapped.collect();
    (swapped != name).then(|| path.with_file_name(OsStr::from_bytes(&swapped)))
}

/// Equal for all spellings of a name that some filesystem takes for one, and seldom for others.
fn key(name: &OsStr) -> u64 {
    let bytes = name.as_bytes();
    // FAT and SMB leave off dots and blanks at the end.
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'.' | b' ')).map_or(bytes.len(), |last| last + 1);
    let bytes = &bytes[..end];
    let mut hasher = DefaultHasher::new();
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.is_ascii() => folded(text).into_iter().for_each(|byte| hasher.write_u8(byte)),
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
        let add = |name: &str| spellings.add(name.as_ref());
        assert_eq!(["a", "b", "A", "\u{e9}"].map(add), [Novelty::New, Novelty::New, Novelty::Suspect, Novelty::New]);
        let many = (0..KEYS_UNASKED).filter(|number| add(&number.to_string()) == Novelty::Many);
        assert_eq!(many.count(), 1);
        spellings.forget_plain();
        assert_eq!((add("B"), add("\u{c9}")), (Novelty::New, Novelty::Suspect));
    }

    #[test]
    fn the_last_component_has_its_letters_swapped() {
        let swapped = |path: &str| with_case_swapped(Path::new(path));
        assert_eq!((swapped("a/bC-1"), swapped("a/12"), swapped(".")), (Some("a/Bc-1".into()), None, None));
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
