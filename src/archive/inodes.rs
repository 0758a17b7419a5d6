//! Which inode each number of a list has turned out to be, in few bytes: a backup may have a million names of hard links.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// So many first names are kept, to be told.
const NAMES_MAX: usize = 50_000;

/// Numbers of a list, and the inodes that their first names have.
#[derive(Default)]
pub(super) struct Inodes {
    /// Device and inode number.
    identities: BTreeMap<u64, (u64, u64)>,
    names: BTreeMap<u64, PathBuf>,
}

/// A name that has another inode than the first one of its number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parted<'a> {
    /// The first one, as far as these are kept.
    pub(super) first: Option<&'a Path>,
}

impl Inodes {
    /// Notes a name of a number; tells if it is no hard link to the first.
    pub(super) fn note(&mut self, number: u64, identity: (u64, u64), name: &Path) -> Option<Parted<'_>> {
        let is_first = !self.identities.contains_key(&number);
        if is_first && self.names.len() < NAMES_MAX {
            self.names.insert(number, name.to_owned());
        }
        let first = *self.identities.entry(number).or_insert(identity);
        (first != identity).then(|| Parted { first: self.names.get(&number).map(PathBuf::as_path) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_inode_is_told_with_the_first_as_far_as_that_is_kept() {
        let mut inodes = Inodes::default();
        for number in 0..=NAMES_MAX as u64 {
            assert_eq!(inodes.note(number, (1, number), Path::new(&format!("{number}"))), None);
        }
        assert_eq!(inodes.note(7, (1, 7), Path::new("a")), None);
        assert_eq!(inodes.note(7, (2, 7), Path::new("a")), Some(Parted { first: Some(Path::new("7")) }));
        assert_eq!(inodes.note(NAMES_MAX as u64, (2, 7), Path::new("a")), Some(Parted { first: None }));
    }
}
