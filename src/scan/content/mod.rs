//! Kinds of content, a file each: where zeros cannot be in it, and what proves that they should not.

mod ar;
mod bzip2;
mod elf;
mod git;
mod gzip;
mod jpeg;
pub mod kind;
mod pdf;
mod png;
mod sqlite;
mod xz;
mod zip;
mod zstd;
