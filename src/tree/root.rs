//! Which directory the names of a list lie in that is made of a run.

use crate::kernel::Kind;
use std::path::{Component, Path, PathBuf};

/// Which directory the names of a list lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// That of all targets: several names came into it, or one that is no directory.
    Targets,
    /// The target itself, where it is a directory that was named.
    Target,
}

impl Root {
    /// The name in the list of what lies at a path beneath the directory of all targets.
    #[must_use]
    pub fn name_of(self, path: &Path, kind: Kind) -> PathBuf {
        let mut parts = path.components().filter(|part| !matches!(part, Component::CurDir)).peekable();
        let is_below_itself = !matches!(path.components().next(), Some(Component::CurDir));
        if self == Root::Target && is_below_itself {
            let first = parts.next();
            if parts.peek().is_none() && kind != Kind::Directory {
                return first.iter().collect();
            }
        }
        let name: PathBuf = parts.collect();
        if name.as_os_str().is_empty() { PathBuf::from(".") } else { name }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_begin_in_the_directory_that_was_named() {
        let name = |path: &str, root: Root, kind| root.name_of(Path::new(path), kind).display().to_string();
        assert_eq!(name("src/a/b", Root::Targets, Kind::File), "src/a/b");
        assert_eq!(name("./a/b", Root::Targets, Kind::File), "a/b");
        assert_eq!(name(".", Root::Targets, Kind::Directory), ".");
        assert_eq!(name("new/a/b", Root::Target, Kind::File), "a/b");
        assert_eq!(name("new", Root::Target, Kind::Directory), ".");
        assert_eq!(name("new", Root::Target, Kind::File), "new");
        assert_eq!(name("./a", Root::Target, Kind::File), "a");
        assert_eq!(name(".", Root::Target, Kind::Directory), ".");
    }
}
