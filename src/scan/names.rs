//! Names of files that have content whose beginning is never zeros: all that is left to go by where zeros are all there is.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Programs and what they are made of, what is packed, texts, images and documents. Images of disks, logs that grow ahead of what
/// is written, and what means several things are not among them.
const ENDINGS: [&str; 125] = [
    "7z",
    "a",
    "apk",
    "avif",
    "bash",
    "beam",
    "bmp",
    "br",
    "bz2",
    "c",
    "cc",
    "class",
    "cmake",
    "conf",
    "cpp",
    "crate",
    "css",
    "csv",
    "cxx",
    "db3",
    "deb",
    "desktop",
    "diff",
    "docx",
    "dylib",
    "el",
    "elc",
    "epub",
    "exe",
    "flac",
    "gem",
    "gif",
    "gir",
    "go",
    "gpg",
    "gresource",
    "gz",
    "h",
    "heic",
    "hpp",
    "hs",
    "htm",
    "html",
    "ico",
    "idx",
    "ini",
    "jar",
    "java",
    "jmod",
    "jpeg",
    "jpg",
    "js",
    "json",
    "jsx",
    "ko",
    "lua",
    "lz",
    "lz4",
    "lzma",
    "lzo",
    "m4",
    "md",
    "mjs",
    "mkv",
    "ml",
    "mo",
    "mp3",
    "mp4",
    "o",
    "odp",
    "ods",
    "odt",
    "ogg",
    "opus",
    "otf",
    "pack",
    "patch",
    "pc",
    "pdf",
    "php",
    "pl",
    "pm",
    "png",
    "po",
    "pptx",
    "ps",
    "pxd",
    "py",
    "pyc",
    "pyx",
    "rb",
    "rlib",
    "rmeta",
    "rpm",
    "rs",
    "rst",
    "scss",
    "service",
    "sh",
    "so",
    "sql",
    "sqlite",
    "sqlite3",
    "svg",
    "tex",
    "tgz",
    "tif",
    "tiff",
    "toml",
    "ts",
    "ttf",
    "txt",
    "txz",
    "typelib",
    "war",
    "whl",
    "woff",
    "woff2",
    "xlsx",
    "xml",
    "xz",
    "yaml",
    "yml",
    "zip",
    "zst",
];

/// Whether a name has content that does not begin with zeros: by its ending, as a library with a version, as an object of git.
pub(super) fn wants_content(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.as_bytes()) else { return false };
    let ending = name.rsplit(|byte| *byte == b'.').next().filter(|ending| ending.len() < name.len());
    let is_known = |ending: &[u8]| {
        let ending = ending.to_ascii_lowercase();
        ENDINGS.iter().any(|known| known.as_bytes() == ending)
    };
    ending.is_some_and(is_known) || is_library(name) || is_object(path, name)
}

/// `libc.so.6`.
fn is_library(name: &[u8]) -> bool {
    let at = name.windows(4).rposition(|word| word == b".so.");
    at.is_some_and(|at| name[at + 4..].iter().all(|byte| byte.is_ascii_digit() || *byte == b'.'))
}

/// `objects/8b/137891791fe96927ad78e64b0aad7bded08bdc`.
fn is_object(path: &Path, name: &[u8]) -> bool {
    let above = path.parent().and_then(Path::file_name).map(|name| name.as_bytes()).unwrap_or_default();
    let is_hex = |text: &[u8]| text.iter().all(u8::is_ascii_hexdigit);
    above.len() == 2 && matches!(name.len(), 38 | 62) && is_hex(above) && is_hex(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_wants_content() {
        for name in
            ["a/x.o", "X.JPG", "libc.so.6", "libc.so.6.1", "y.tar.gz", "ab/137891791fe96927ad78e64b0aad7bded08bdc"]
        {
            assert!(wants_content(Path::new(name)), "{name}");
        }
        for name in ["disk.img", "o", ".o2", "swap", "x.so.bak", "abc/137891791fe96927ad78e64b0aad7bded08bdc", "/"] {
            assert!(!wants_content(Path::new(name)), "{name}");
        }
    }
}
