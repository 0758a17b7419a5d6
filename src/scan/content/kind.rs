//! What a file is, told by how it begins.

use super::{ar, bzip2, elf, git, gzip, jpeg, pdf, png, sqlite, xz, zip, zstd};
use crate::kernel::Result;
use crate::scan::bytes::Part;
use crate::scan::suspicion::Suspicion;
use std::ops::Range;

/// A kind of content that has rules about zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
const MAGIC: [(&[u8], Kind); 18] = [
    (b"\x7fELF", Kind::Elf),
    (b"!<arch>\n", Kind::Ar),
    (b"PK\x03\x04", Kind::Zip),
    (b"\x1f\x8b\x08", Kind::Gzip),
    (b"\xfd7zXZ\0", Kind::Xz),
    (b"\x28\xb5\x2f\xfd", Kind::Zstd),
    (b"BZh", Kind::Bzip2),
    (b"\x89PNG\r\n\x1a\n", Kind::Png),
    (b"\xff\xd8\xff", Kind::Jpeg),
    (b"%PDF-", Kind::Pdf),
    (b"SQLite format 3\0", Kind::Sqlite),
    (b"PACK\0\0\0\x02", Kind::GitSealed),
    (b"PACK\0\0\0\x03", Kind::GitSealed),
    (b"\xfftOc\0\0\0\x02", Kind::GitSealed),
    (b"DIRC\0\0\0", Kind::GitSealed),
    (b"CGPH\x01", Kind::GitSealed),
    (b"MIDX\x01", Kind::GitSealed),
    (b"RIDX\0\0\0\x01", Kind::GitSealed),
];

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 13] = [
        Kind::Elf,
        Kind::Ar,
        Kind::Zip,
        Kind::Gzip,
        Kind::Xz,
        Kind::Zstd,
        Kind::Bzip2,
        Kind::Png,
        Kind::Jpeg,
        Kind::Pdf,
        Kind::Sqlite,
        Kind::GitSealed,
        Kind::GitObject,
    ];

    /// The kind of what begins so.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, kind)| *kind);
        match known {
            Some(Kind::Bzip2) => bzip2::begins(head).then_some(Kind::Bzip2),
            Some(kind) => Some(kind),
            None => git::begins_object(head).then_some(Kind::GitObject),
        }
    }

    /// What speaks against a file of this kind, which has these runs of zeros.
    pub fn judge(self, part: &Part<'_>, zeros: &[Range<u64>]) -> Result<Option<Suspicion>> {
        match self {
            Kind::Elf => elf::judge(part, zeros),
            Kind::Ar => ar::judge(part, zeros, &|member, zeros| {
                let head = member.up_to(HEAD_BYTES, 0)?;
                Kind::of(&head).map_or(Ok(None), |kind| kind.judge(member, zeros))
            }),
            Kind::Zip => zip::judge(part, zeros),
            Kind::Gzip => gzip::judge(part, zeros),
            Kind::Xz => xz::judge(part, zeros),
            Kind::Zstd => zstd::judge(part, zeros),
            Kind::Bzip2 => bzip2::judge(part, zeros),
            Kind::Png => png::judge(part, zeros),
            Kind::Jpeg => jpeg::judge(part, zeros),
            Kind::Pdf => pdf::judge(part, zeros),
            Kind::Sqlite => sqlite::judge(part, zeros),
            Kind::GitSealed => git::judge_sealed(part, zeros),
            Kind::GitObject => git::judge_object(part, zeros),
        }
    }
}
