//! The names in a source directory, as walkdir finds them: proposals, not truth.

use super::plan::without_trailing_slashes;
use crate::kernel::Kind;
use crate::options::Dereference;
use std::ffi::OsString;
use std::fs::FileType;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// A name that was found.
#[derive(Clone, Debug)]
pub struct Entry {
    /// 1 for names in the operand itself.
    pub depth: usize,
    /// The last component.
    pub name: OsString,
    /// What it was when it was found; with -L, what it led to.
    pub kind: Kind,
}

/// Why a name could not be found or entered.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// The name.
    pub path: PathBuf,
    /// How it stands in the way.
    pub cause: Cause,
}

/// How a name stands in the way of the walk.
#[derive(Clone, Debug)]
pub enum Cause {
    /// A directory that cannot be listed.
    Unlisted(crate::kernel::Errno),
    /// A symbolic link, followed because of -L, that leads nowhere.
    Unreachable(crate::kernel::Errno),
    /// A symbolic link, followed because of -L, to a directory that it lies in.
    Cycle,
}

/// A walk: parents come before what is in them.
pub trait Walk: Iterator<Item = Result<Entry, Obstacle>> {
    /// Does not enter the directory that was found last.
    fn skip_directory(&mut self);
}

/// A walk by walkdir.
pub struct Walkdir {
    names: walkdir::IntoIter,
    /// walkdir stays out of other filesystems by itself; then it cannot be told to skip a directory,
    /// since it may not have entered it, and would leave the one above instead.
    one_file_system: bool,
    /// Depth of the name that was found last.
    depth: usize,
    /// What lies deeper than this is passed over.
    skipped: Option<usize>,
}

impl Walkdir {
    /// What is in `operand`, which is a directory; its own link, if it is one, has been decided on.
    #[must_use]
    pub fn new(operand: &Path, dereference: Dereference, one_file_system: bool) -> Self {
        let walk = walkdir::WalkDir::new(without_trailing_slashes(operand))
            .min_depth(1)
            .follow_links(dereference == Dereference::Always)
            .same_file_system(one_file_system);
        Self { names: walk.into_iter(), one_file_system, depth: 0, skipped: None }
    }
}

impl Iterator for Walkdir {
    type Item = Result<Entry, Obstacle>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let found = self.names.next()?;
            let depth = found.as_ref().map_or_else(walkdir::Error::depth, walkdir::DirEntry::depth);
            if self.skipped.is_some_and(|skipped| depth > skipped) {
                continue;
            }
            (self.depth, self.skipped) = (depth, None);
            return Some(found.map_err(|error| obstacle(&error)).map(|entry| Entry {
                depth,
                name: entry.file_name().to_owned(),
                kind: kind_of(entry.file_type()),
            }));
        }
    }
}

impl Walk for Walkdir {
    fn skip_directory(&mut self) {
        if self.one_file_system {
            self.skipped = Some(self.depth);
        } else {
            self.names.skip_current_dir();
        }
    }
}

fn obstacle(error: &walkdir::Error) -> Obstacle {
    let path = error.path().unwrap_or(Path::new("")).to_owned();
    let errno = error.io_error().and_then(crate::kernel::Errno::from_io_error).unwrap_or(crate::kernel::Errno::IO);
    let cause = if error.loop_ancestor().is_some() {
        Cause::Cycle
    } else if std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
        Cause::Unreachable(errno)
    } else {
        Cause::Unlisted(errno)
    };
    Obstacle { path, cause }
}

fn kind_of(file_type: FileType) -> Kind {
    let kinds = [
        (file_type.is_dir(), Kind::Directory),
        (file_type.is_symlink(), Kind::Symlink),
        (file_type.is_fifo(), Kind::Fifo),
        (file_type.is_socket(), Kind::Socket),
        (file_type.is_char_device(), Kind::CharDevice),
        (file_type.is_block_device(), Kind::BlockDevice),
    ];
    kinds.iter().find(|(is_it, _)| *is_it).map_or(Kind::File, |(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Skips the first directory found; everything else has to come up, whichever order it has.
    #[test]
    fn skipping_a_directory_leaves_out_what_is_in_it_and_nothing_else() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["one", "two", "three"] {
            std::fs::create_dir_all(dir.path().join(name).join("below")).expect("directories");
        }
        for one_file_system in [false, true] {
            let mut walk = Walkdir::new(dir.path(), Dereference::Never, one_file_system);
            let mut depths = Vec::new();
            while let Some(found) = walk.next() {
                depths.push(found.expect("no obstacle").depth);
                if depths.len() == 1 {
                    walk.skip_directory();
                }
            }
            assert_eq!(depths, [1, 1, 2, 1, 2], "one file system: {one_file_system}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_or_in_a_circle_are_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).expect("a link");
        let found: Vec<_> = Walkdir::new(dir.path(), Dereference::Always, false).collect();
        assert!(matches!(&found[..], [Err(Obstacle { cause: Cause::Unreachable(_), .. })]), "{found:?}");
        std::fs::remove_file(dir.path().join("dangling")).expect("removed");
        std::os::unix::fs::symlink(".", dir.path().join("circle")).expect("a link");
        let found: Vec<_> = Walkdir::new(dir.path(), Dereference::Always, false).collect();
        assert!(matches!(&found[..], [Err(Obstacle { cause: Cause::Cycle, .. })]), "{found:?}");
    }
}
