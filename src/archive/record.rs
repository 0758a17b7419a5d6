//! What a list says of one name. Lists of other tools say less than ours: what they leave out is `None`.

use super::digest::Digest;
use crate::copy::{Sealed, View};
use crate::kernel::{Kind, Timestamp};
use blake3::Hash;
use std::ffi::OsString;
use std::path::PathBuf;

/// One name of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// As it stands in the list, its escapes undone.
    pub path: PathBuf,
    /// What its list means if nothing has that name: programs differ in what they escape, and in how they end lines.
    pub also: Option<PathBuf>,
    /// What it is.
    pub kind: Option<Kind>,
    /// Bytes of content of a regular file.
    pub size: Option<u64>,
    /// Permission bits, 0 to 0o7777.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// Last change of the content.
    pub mtime: Option<Timestamp>,
    /// What a symbolic link says.
    pub text: Option<OsString>,
    /// A number that all names of one inode have in common.
    pub inode: Option<u64>,
    /// The device that a node stands for, as stat(2) gives it.
    pub device: Option<u64>,
    /// Of the content; the strongest, where the list has several.
    pub digest: Option<Digest>,
    /// BLAKE3 of extended attributes.
    pub attributes: Option<Hash>,
    /// BLAKE3 of access control lists.
    pub lists: Option<Hash>,
    /// Whether it has to be there.
    pub presence: Presence,
    /// Whether what is in it is listed.
    pub inside: Inside,
}

/// Whether a name has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It has.
    #[default]
    Wanted,
    /// Nothing is wrong if it is not.
    Optional,
}

/// Whether names beneath a directory are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inside {
    /// All of them.
    #[default]
    Listed,
    /// Whatever is there is right.
    Ignored,
}

impl Record {
    /// A record that says nothing but a name and the digest of its content.
    #[must_use]
    pub fn of_content(path: PathBuf, digest: Digest) -> Self {
        Self { path, digest: Some(digest), ..Self::default() }
    }

    /// What was seen of a name, without the number of its inode.
    #[must_use]
    pub fn of_sealed(path: PathBuf, sealed: &Sealed) -> Self {
        let stat = &sealed.stat;
        let is_node = matches!(stat.kind, Kind::CharDevice | Kind::BlockDevice);
        Self {
            path,
            also: None,
            kind: Some(stat.kind),
            size: (stat.kind == Kind::File).then_some(stat.size),
            mode: Some(stat.mode),
            uid: Some(stat.uid),
            gid: Some(stat.gid),
            mtime: (sealed.view == View::Whole).then_some(stat.mtime),
            text: sealed.text.clone(),
            inode: None,
            device: is_node.then_some(stat.rdev),
            digest: sealed.digests.as_ref().map(|digests| Digest::blake3(&digests.whole)),
            attributes: sealed.attributes,
            lists: sealed.lists,
            presence: Presence::Wanted,
            inside: Inside::Listed,
        }
    }

    /// Whether it speaks of a regular file: where lists tell no kinds, all are.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Some(Kind::File) | None)
    }
}
