//! Paths as text: what is asked of them without a look at a filesystem.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The directory that a path names something in: "." for a bare name, and for what has none above it.
#[must_use]
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What lies beside another name, as one would type it: all that stands before the other's last component stays as it is. A whole path
/// lies where it says.
#[must_use]
pub fn beside(path: &Path, name: impl AsRef<OsStr>) -> PathBuf {
    if Path::new(name.as_ref()).is_absolute() {
        return PathBuf::from(name.as_ref());
    }
    let bytes = path.as_os_str().as_bytes();
    let Some(last) = path.file_name().map(OsStr::as_bytes) else { return path.with_file_name(name) };
    let end = bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    match bytes[..end].strip_suffix(last) {
        Some(above) => PathBuf::from(OsStr::from_bytes(&[above, name.as_ref().as_bytes()].concat())),
        // It ends in a dot.
        None => path.with_file_name(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_lies_in_the_working_directory() {
        for (path, directory) in
            [("a", "."), ("a/b", "a"), ("/a", "/"), ("./a", "."), ("a/b/", "a"), ("/", "."), ("", ".")]
        {
            assert_eq!(directory_of(Path::new(path)), Path::new(directory), "{path}");
        }
    }

    #[test]
    fn what_lies_beside_a_name_has_the_same_path_as_it_was_typed() {
        for (path, found) in [
            ("a", "b"),
            ("/a", "/b"),
            ("./a", "./b"),
            ("d/./a", "d/./b"),
            ("d//a", "d//b"),
            ("d/../a/", "d/../b"),
            ("d/a/.", "d/b"),
        ] {
            assert_eq!(beside(Path::new(path), "b").as_os_str(), OsStr::new(found), "{path}");
        }
        assert_eq!(beside(Path::new("d/a"), "/elsewhere/b"), Path::new("/elsewhere/b"));
    }
}
