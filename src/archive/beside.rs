//! What lies beside a manifest, under names that are made of its own: its companion, and the list of a run that failed in part.
//!
//! Neither list nor companion lists any of them.

use super::chunks::companion;
use crate::kernel::{Kernel, Kind, Stat};
use crate::path::directory_of;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What the name of a list has behind that of the manifest if names are missing from it.
const SUFFIX: &str = ".incomplete";

/// The name of the list of a run that failed in part, whose manifest was to be this one.
#[must_use]
pub fn incomplete(manifest: &Path) -> PathBuf {
    let mut name = manifest.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// All names that belong to a list, in its directory. It may be an incomplete one itself.
#[must_use]
pub fn names(list: &Path) -> Vec<PathBuf> {
    let Some(name) = list.file_name() else { return Vec::new() };
    let whole = name.as_bytes().strip_suffix(SUFFIX.as_bytes()).filter(|whole| !whole.is_empty());
    let whole = PathBuf::from(whole.map_or(name, OsStr::from_bytes));
    let lists = [PathBuf::from(name), incomplete(&whole), whole];
    lists.iter().flat_map(|list| [list.clone(), companion(list)]).collect()
}

/// The names of a list and of what belongs to it, which are listed nowhere.
pub(super) struct Own {
    /// The directory that they lie in.
    pub(super) dir: Stat,
    names: Vec<PathBuf>,
}

impl Own {
    /// Those of a list in that directory.
    pub(super) fn within(dir: Stat, list: &Path) -> Self {
        Self { dir, names: names(list) }
    }

    /// Those of a list. `None` where its directory cannot be told: then no name is taken for one of them.
    pub(super) fn of<K: Kernel>(kernel: &K, list: &Path) -> Option<Self> {
        Some(Self::within(kernel.stat_at(None, directory_of(list), true).ok()?, list))
    }

    /// Whether a name in a directory is one of them.
    pub(super) fn has(&self, dir: &Stat, name: &Path) -> bool {
        dir.is_same_file(&self.dir) && self.is_named(name)
    }

    /// Whether a name is one of them in their directory.
    pub(super) fn is_named(&self, name: &Path) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

/// Whether a file of another name would take the place of a list, or of what belongs to it.
pub fn belongs<K: Kernel>(kernel: &K, list: &Path, other: &Path) -> bool {
    let at = |path: &Path| kernel.stat_at(None, path, true).ok();
    let name = other.file_name().map(Path::new);
    let is_named = || Own::of(kernel, list)?.has(&at(directory_of(other))?, name?).then_some(());
    // By another name, or by a link. A terminal may be what is read and written.
    let place = directory_of(list);
    let file = |path: &Path| at(path).filter(|stat| stat.kind == Kind::File);
    let is_it = |own: &PathBuf| Some(file(&place.join(own))?.is_same_file(&file(other)?));
    is_named().is_some() || names(list).iter().any(|own| is_it(own) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_and_an_incomplete_one_have_the_same_names() {
        let sorted = |list: &str| {
            let mut names = names(Path::new(list));
            names.sort();
            names.dedup();
            names
        };
        let all = ["a", "a.chunks", "a.incomplete", "a.incomplete.chunks"].map(PathBuf::from);
        assert_eq!(sorted("dir/a"), all);
        assert_eq!(sorted("a.incomplete"), all);
        assert_eq!(names(Path::new("/")), Vec::<PathBuf>::new());
    }
}
