//! Paths as text: what is asked of them without a look at a filesystem.

use std::path::Path;

/// The directory that a path names something in: "." for a bare name, and for what has none above it.
#[must_use]
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
}
