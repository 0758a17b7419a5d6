//! A name that is sent, with all that stat(2) says of it.

use crate::kernel::{Errno, Kind, Stat};
use crate::remote::fields::{Malformed, Reader, Result, Writer};
use crate::remote::fields::{read_errno, read_stat, write_errno, write_stat};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The longest name that a filesystem takes.
const NAME_MAX: usize = 255;

/// Something that is sent: a name, with all that stat(2) says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Counted from 1 in the order of sending.
    pub id: u64,
    /// One component; that of an operand, its whole path.
    pub name: OsString,
    /// What it is, or why it could not be looked at.
    pub found: std::result::Result<FileHead, Errno>,
}

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileHead {
    /// As it was when it was looked at.
    pub stat: Stat,
    /// What a symbolic link says.
    pub text: Option<OsString>,
    /// Extended attributes and access control lists, where they go along.
    pub attributes: Vec<(OsString, Vec<u8>)>,
    /// Why it could not be opened to be read.
    pub refusal: Option<Errno>,
    /// Where its bytes are.
    pub content: Content,
}

/// Where the bytes of a name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It has none: no regular file, or one that cannot be read.
    Nothing,
    /// They follow.
    Follows,
    /// They went before, with another name of the same inode; they are sent if they are asked for.
    Before,
    /// They are sent if they are asked for, chunk by chunk; this is BLAKE3 of them (--resume).
    Told([u8; 32]),
}

impl Entry {
    /// Writes it down.
    pub(super) fn write(&self, writer: &mut Writer) {
        writer.u64(self.id).bytes(self.name.as_bytes());
        write_errno(writer, self.found.as_ref().err().copied());
        let Ok(found) = &self.found else { return };
        write_stat(writer, &found.stat);
        writer.optional(found.text.as_ref(), |writer, text| {
            writer.bytes(text.as_bytes());
        });
        writer.u32(u32::try_from(found.attributes.len()).unwrap_or(u32::MAX));
        for (name, value) in &found.attributes {
            writer.bytes(name.as_bytes()).bytes(value);
        }
        write_errno(writer, found.refusal);
        match &found.content {
            Content::Nothing => writer.u8(0),
            Content::Follows => writer.u8(1),
            Content::Before => writer.u8(2),
            Content::Told(digest) => writer.u8(3).digest(digest),
        };
    }

    /// Reads what was written. Only a symbolic link has a text, and only a regular file has content.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let (id, name) = (reader.u64()?, reader.text()?.to_owned());
        if let Some(errno) = read_errno(reader)? {
            return Ok(Entry { id, name, found: Err(errno) });
        }
        let stat = read_stat(reader)?;
        let text = reader.optional(|reader| reader.text().map(OsStr::to_owned))?;
        if text.is_some() != (stat.kind == Kind::Symlink)
            || text.as_ref().is_some_and(|text| text.as_bytes().contains(&0))
        {
            return Err(Malformed);
        }
        let attributes = reader.several(|reader| Ok((reader.text()?.to_owned(), reader.bytes()?.to_vec())))?;
        let (refusal, content) = (read_errno(reader)?, read_content(reader)?);
        if content != Content::Nothing && stat.kind != Kind::File {
            return Err(Malformed);
        }
        Ok(Entry { id, name, found: Ok(FileHead { stat, text, attributes, refusal, content }) })
    }
}

fn read_content(reader: &mut Reader<'_>) -> Result<Content> {
    match reader.u8()? {
        0 => Ok(Content::Nothing),
        1 => Ok(Content::Follows),
        2 => Ok(Content::Before),
        3 => Ok(Content::Told(reader.digest()?)),
        _ => Err(Malformed),
    }
}

/// Whether a name is one component, which leads nowhere but into the directory that it is looked up in.
#[must_use]
pub fn is_component(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    let is_plain = !bytes.is_empty() && bytes.len() <= NAME_MAX && bytes != b"." && bytes != b"..";
    is_plain && !bytes.iter().any(|byte| matches!(byte, b'/' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_leads_nowhere_else() {
        for name in ["", ".", "..", "/", "a/b", "a/", "/a", "a\0"] {
            assert!(!is_component(OsStr::new(name)), "{name:?}");
        }
        assert!(!is_component(OsStr::new(&"x".repeat(256))));
        for name in ["a", "...", "a:b", " ", "\n", "-r"] {
            assert!(is_component(OsStr::new(name)), "{name:?}");
        }
    }
}
