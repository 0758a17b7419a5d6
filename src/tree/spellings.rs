//! Names that a target takes for one though they are two in the source: `A` and `a`, or a letter with its accent and the two
//! one after the other.
//!
//! exFAT, NTFS and SMB fold case, ext4, tmpfs and ZFS do where they were told to, and some of them normalise characters; no
//! call tells. There a name would replace, or be merged with, what this run has made under another one, and a file be
//! written through a link that it has made. So the source names of a directory are remembered by keys that are equal for
//! all spellings that any filesystem takes for one. Where two are equal the target directory itself is asked, by what is
//! there, or with a temporary of its own. Nothing is asked elsewhere.

use super::entry_context::MadeBefore;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use unicode_normalization::UnicodeNormalization;

/// So many keys of one directory are kept before it is asked whether it needs any; and again at each multiple.
const KEYS_UNASKED: usize = 1 << 16;

/// The names of one directory that have come up. Sets are sorted, for those of std that hash want random numbers from the
/// kernel, and end the program where it has none.
#[derive(Default)]
pub(super) struct Spellings(Mutex<Keys>);

#[derive(Default)]
pub(super) struct Keys {
    plain: BTreeSet<u64>,
    /// Those of names with other characters than ASCII's.
    others: BTreeSet<u64>,
    /// The directory tells capitals from small letters: of plain names there is nothing to remember.
    tells_case: bool,
}

/// How a name compares with those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    New,
    /// It is, and so many are kept that the directory should be asked whether any has to be.
    Many,
    /// It may be one with another.
    Suspect,
}

impl Spellings {
    pub(super) fn keys(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, name: &OsStr) -> Novelty {
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

    pub(super) fn forget_plain(&self) {
        let mut keys = self.keys();
        (keys.plain, keys.tells_case) = (BTreeSet::new(), true);
    }
}

/// What operands before this one have made, where that has to be known.
#[derive(Default)]
pub(super) struct Paths {
    /// There are several operands.
    are_kept: AtomicBool,
    /// By the key of its path beneath the directory of all targets.
    made: Mutex<BTreeMap<u64, Earlier>>,
    /// Devices, and whether they were seen to tell capitals from small letters.
    pub(super) devices: Mutex<BTreeMap<u64, bool>>,
}

#[derive(Clone)]
pub(super) struct Earlier {
    /// Hash of the path as it is.
    pub(super) exact: u64,
    /// The last component.
    pub(super) name: Box<OsStr>,
    pub(super) is_link: bool,
}

impl Paths {
    pub(super) fn made(&self) -> MutexGuard<'_, BTreeMap<u64, Earlier>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on what is made is remembered: there are several operands.
    pub(super) fn keep(&self) {
        self.are_kept.store(true, Ordering::Relaxed);
    }

    pub(super) fn are_kept(&self) -> bool {
        self.are_kept.load(Ordering::Relaxed)
    }

    /// Whether another operand has made a symbolic link of this path.
    pub(super) fn created(&self, path: &Path) -> MadeBefore {
        if !self.are_kept() {
            return MadeBefore::Nothing;
        }
        let earlier = self.made().get(&path_key(path)).cloned();
        let is_link = earlier.is_some_and(|earlier| earlier.is_link && earlier.exact == exact(path));
        if is_link { MadeBefore::Link } else { MadeBefore::Nothing }
    }
}

/// The path with other letters in its last component; `None` if that has none that can be swapped.
pub(super) fn with_case_swapped(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.as_bytes();
    let swapped = name
        .iter()
        .map(|byte| if byte.is_ascii_lowercase() { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() });
    let swapped: Vec<u8> = swapped.collect();
    (swapped != name).then(|| path.with_file_name(OsStr::from_bytes(&swapped)))
}

/// Equal for all spellings of a name that some filesystem takes for one, and seldom for others.
pub(super) fn key(name: &OsStr) -> u64 {
    let bytes = name.as_bytes();
    // FAT and SMB leave off dots and blanks at the end.
    let end = bytes.iter().rposition(|byte| !matches!(byte, b'.' | b' ')).map_or(bytes.len(), |last| last + 1);
    let bytes = &bytes[..end];
    let mut hasher = DefaultHasher::new();
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.is_ascii() => hasher.write(&folded(text)),
        Ok(_) | Err(_) => hasher.write(&bytes.to_ascii_lowercase()),
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

pub(super) fn path_key(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    components(path).for_each(|component| hasher.write_u64(key(component)));
    hasher.finish()
}

pub(super) fn exact(path: &Path) -> u64 {
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
