//! What files hold: text from which one can tell whose it is, and which name it belongs to.
//!
//! A file of any length is the beginning of an endless text, so that one that was cut or has grown is still known.

use std::fmt;

/// Whose a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A file of the source.
    Source,
    /// A file of the source that nobody but its owner may read.
    Private,
    /// What the intruder puts into a file's place.
    Decoy,
    /// What stood at the target before the copy.
    Old,
    /// What lies outside both trees.
    Secret,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tag::Source => "of the source",
            Tag::Private => "PRIVATE",
            Tag::Decoy => "decoy",
            Tag::Old => "old",
            Tag::Secret => SECRET,
        })
    }
}

/// What every secret has in it: names, texts of links, attributes and content of what lies outside.
pub(crate) const SECRET: &str = "SECRET-OUTSIDE";

/// The beginning of a text, in bytes.
pub(crate) fn text(tag: Tag, leaf: &str, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 64);
    for line in 0.. {
        if bytes.len() >= size {
            break;
        }
        bytes.extend_from_slice(format!("{leaf}, {tag}, line {line}\n").as_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// Whose text this is, of those that may have a name; nobody's if it is none of them, or a mixture. The empty text is everybody's,
/// and the first's.
pub(crate) fn whose(leaf: &str, bytes: &[u8], tags: &[Tag]) -> Option<Tag> {
    tags.iter().copied().find(|tag| text(*tag, leaf, bytes.len()) == bytes)
}

/// Whether the secret's mark is anywhere in it.
pub(crate) fn is_secret(bytes: &[u8]) -> bool {
    holds(bytes, SECRET)
}

/// Whether the text of a private file is in it.
pub(crate) fn is_private(bytes: &[u8]) -> bool {
    holds(bytes, &Tag::Private.to_string())
}

fn holds(bytes: &[u8], mark: &str) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark.as_bytes())
}
