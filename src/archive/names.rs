//! The names of a list, in sixteen bytes each, so that a million of them take as many megabytes: what they are is forgotten.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Names that have come up, from several threads.
#[derive(Default)]
pub(super) struct Names(Mutex<State>);

#[derive(Default)]
struct State {
    names: Vec<u128>,
    /// The directory of the last name, which need not be added again.
    last: PathBuf,
    /// Directories that files lie in.
    homes: Vec<u128>,
    /// Directories of which nobody minds what is in them.
    ignored: Vec<u128>,
    /// The directory of the last file.
    last_home: Option<PathBuf>,
}

/// The names that have come up, once no more come.
pub(super) struct SeenNames {
    names: Vec<u128>,
    homes: Vec<u128>,
    ignored: Vec<u128>,
}

/// The first half of its BLAKE3: nobody finds two names with the same.
fn number(name: &Path) -> u128 {
    let hash = blake3::hash(name.as_os_str().as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |half| u128::from_le_bytes(*half))
}

impl Names {
    /// Adds a clean name, and the directories that it lies in. What is a file has content that is listed.
    pub(super) fn add(&self, name: &Path, is_file: bool) {
        let own = number(name);
        let above = name.parent().unwrap_or(Path::new(""));
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.names.push(own);
        if state.last != above {
            let directories = above.ancestors().filter(|path| !path.as_os_str().is_empty()).map(number);
            state.names.extend(directories);
            state.last = above.to_owned();
        }
        if is_file && state.last_home.as_deref() != Some(above) {
            state.homes.push(number(above));
            state.last_home = Some(above.to_owned());
        }
    }

    /// Takes down that nobody minds what is in a directory.
    pub(super) fn ignore(&self, name: &Path) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ignored.push(number(name));
    }

    /// No more come.
    pub(super) fn known(self) -> SeenNames {
        let State { names, homes, ignored, .. } = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let [names, homes, ignored] = [names, homes, ignored].map(|mut numbers| {
            numbers.sort_unstable();
            numbers.dedup();
            numbers
        });
        SeenNames { names, homes, ignored }
    }
}

impl SeenNames {
    /// Whether the name is listed, or a directory on the way to one that is.
    pub(super) fn has(&self, name: &Path) -> bool {
        self.names.binary_search(&number(name)).is_ok()
    }

    /// Whether a name lies where nobody minds what there is.
    pub(super) fn is_ignored(&self, name: &Path) -> bool {
        let is_one = |above: &Path| self.ignored.binary_search(&number(above)).is_ok();
        !self.ignored.is_empty() && name.ancestors().skip(1).any(is_one)
    }

    /// Whether files that are listed lie in the directory of a name.
    pub(super) fn has_files_beside(&self, name: &Path) -> bool {
        self.homes.binary_search(&number(name.parent().unwrap_or(Path::new("")))).is_ok()
    }
}

/// A name without `.` and without the root, as it is looked up beneath a directory.
pub(super) fn clean(name: &Path) -> PathBuf {
    let parts = name.components().filter(|part| !matches!(part, Component::CurDir | Component::RootDir));
    let clean: PathBuf = parts.collect();
    if clean.as_os_str().is_empty() { PathBuf::from(OsStr::new(".")) } else { clean }
}
