//! What a file is, told by how it begins.

use super::{ar, bzip2, elf, git, gzip, jpeg, pdf, png, sqlite, xz, zip, zstd};
use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::Suspicion;
use std::ops::Range;

/// A kind of content that has rules about zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A program, a library or an object.
    Elf,
    /// A library of objects; a Debian package.
    Ar,
    /// A zip, a jar, a document of an office.
    Zip,
    /// gzip's.
    Gzip,
    /// xz's.
    Xz,
    /// zstd's.
    Zstd,
    /// bzip2's.
    Bzip2,
    /// An image.
    Png,
    /// A photograph.
    Jpeg,
    /// A document.
    Pdf,
    /// A database.
    Sqlite,
    /// A pack of git, its index, or another file of git that ends in its own digest.
    GitSealed,
    /// A loose object of git.
    GitObject,
}

/// So many bytes tell what a file is.
pub const HEAD_BYTES: usize = 64;

/// How each kind begins. `ustar` and others that have rules of their own about zeros are in no row.
const MAGIC: [(&[u8], ContentKind); 18] = [
    (b"\x7fELF", ContentKind::Elf),
    (b"!<arch>\n", ContentKind::Ar),
    (b"PK\x03\x04", ContentKind::Zip),
    (b"\x1f\x8b\x08", ContentKind::Gzip),
    (b"\xfd7zXZ\0", ContentKind::Xz),
    (b"\x28\xb5\x2f\xfd", ContentKind::Zstd),
    (b"BZh", ContentKind::Bzip2),
    (b"\x89PNG\r\n\x1a\n", ContentKind::Png),
    (b"\xff\xd8\xff", ContentKind::Jpeg),
    (b"%PDF-", ContentKind::Pdf),
    (b"SQLite format 3\0", ContentKind::Sqlite),
    (b"PACK\0\0\0\x02", ContentKind::GitSealed),
    (b"PACK\0\0\0\x03", ContentKind::GitSealed),
    (b"\xfftOc\0\0\0\x02", ContentKind::GitSealed),
    (b"DIRC\0\0\0", ContentKind::GitSealed),
    (b"CGPH\x01", ContentKind::GitSealed),
    (b"MIDX\x01", ContentKind::GitSealed),
    (b"RIDX\0\0\0\x01", ContentKind::GitSealed),
];

impl ContentKind {
    /// All of them.
    pub const ALL: [ContentKind; 13] = [
        ContentKind::Elf,
        ContentKind::Ar,
        ContentKind::Zip,
        ContentKind::Gzip,
        ContentKind::Xz,
        ContentKind::Zstd,
        ContentKind::Bzip2,
        ContentKind::Png,
        ContentKind::Jpeg,
        ContentKind::Pdf,
        ContentKind::Sqlite,
        ContentKind::GitSealed,
        ContentKind::GitObject,
    ];

    /// The kind of what begins so.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
        match known {
            Some(ContentKind::Bzip2) => bzip2::begins(head).then_some(ContentKind::Bzip2),
            Some(kind) => Some(kind),
            None => git::begins_object(head).then_some(ContentKind::GitObject),
        }
    }

    /// What speaks against a file of this kind, which has these runs of zeros.
    pub fn judge(self, part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
        match self {
            ContentKind::Elf => elf::judge(part, zeros),
            ContentKind::Ar => ar::judge(part, zeros, &|member, zeros| {
                let head = member.up_to(HEAD_BYTES, 0)?;
                ContentKind::of(&head).map_or(Ok(None), |kind| kind.judge(member, zeros))
            }),
            ContentKind::Zip => zip::judge(part, zeros),
            ContentKind::Gzip => gzip::judge(part, zeros),
            ContentKind::Xz => xz::judge(part, zeros),
            ContentKind::Zstd => zstd::judge(part, zeros),
            ContentKind::Bzip2 => bzip2::judge(part, zeros),
            ContentKind::Png => png::judge(part, zeros),
            ContentKind::Jpeg => jpeg::judge(part, zeros),
            ContentKind::Pdf => pdf::judge(part, zeros),
            ContentKind::Sqlite => sqlite::judge(part, zeros),
            ContentKind::GitSealed => git::judge_sealed(part, zeros),
            ContentKind::GitObject => git::judge_object(part, zeros),
        }
    }
}
