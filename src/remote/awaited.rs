//! The sources that are to come. There may be a hundred thousand of them, and each is asked for by its path.
//!
//! Paths are told apart by their bytes: `d`, `d/` and `d/.` are one path to std and several operands, which go to different
//! names.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A source that is to come.
pub(super) struct Awaited {
    /// What it is sent as.
    pub(super) sent_as: PathBuf,
    /// What it is called here, in messages and by the engine.
    pub(super) shown: PathBuf,
}

/// All sources that are to come.
pub(super) struct AwaitedSources {
    /// What they are called here.
    names: BTreeSet<OsString>,
    /// The same, by what they are sent as.
    sent: BTreeMap<OsString, PathBuf>,
    /// The directories that they are in, as they would be called here, each with a number of its own.
    above: BTreeMap<PathBuf, u64>,
}

impl AwaitedSources {
    /// These. Of one that was typed twice the first counts.
    pub(super) fn new(sources: Vec<Awaited>) -> Self {
        let (mut names, mut sent, mut above) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        for (number, Awaited { sent_as, shown }) in (0..).zip(sources) {
            names.insert(shown.clone().into_os_string());
            if let Some(parent) = shown.parent() {
                above.entry(parent.to_owned()).or_insert(number);
            }
            sent.entry(sent_as.into_os_string()).or_insert(shown);
        }
        Self { names, sent, above }
    }

    /// Whether a path is what one of them is called here.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.names.contains(path.as_os_str())
    }

    /// What one is called here, by what it is sent as.
    pub(super) fn called(&self, sent_as: &OsStr) -> Option<&Path> {
        self.sent.get(sent_as).map(PathBuf::as_path)
    }

    /// Whether a path is that of a directory which has some of them: the same number for the same one.
    pub(super) fn number_of_above(&self, path: &Path) -> Option<u64> {
        self.above.get(path).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_path_are_several_sources_in_one_directory() {
        let awaited = |name: &str| Awaited { sent_as: PathBuf::from(name), shown: Path::new("h:./").join(name) };
        let sources = AwaitedSources::new(["d", "d/", "d/.", "e/f", "d"].into_iter().map(awaited).collect());
        for name in ["d", "d/", "d/.", "e/f"] {
            let shown = Path::new("h:./").join(name);
            assert!(sources.has(&shown));
            assert_eq!(sources.called(OsStr::new(name)).map(Path::as_os_str), Some(shown.as_os_str()));
        }
        assert!(!sources.has(Path::new("h:./d//")) && sources.called(OsStr::new("e/f/")).is_none());
        assert_eq!(sources.number_of_above(Path::new("h:.")), Some(0));
        assert_eq!(sources.number_of_above(Path::new("h:./e")), Some(3));
        assert_eq!(sources.number_of_above(Path::new("h:./e/f")), None);
    }
}
