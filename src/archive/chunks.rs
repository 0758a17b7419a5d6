//! The companion of a manifest: for each file that is longer than a chunk, the BLAKE3 chaining values of its chunks.
//!
//! They are nodes of the tree that BLAKE3 itself builds, so that they add up to the file's digest: a companion that was
//! damaged is found out, and a chunk that fits its value is proved without the rest of the file. docs/manifest.md has the rules.

use super::digest::{hex, unhex};
use super::list::Input;
use super::list_file::{ListFile, ProvedList};
use super::sorted::Sorted;
use crate::copy::digest::Digests;
use crate::error::Error;
use crate::kernel::Kernel;
use blake3::Hash;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// Bytes of a chunk.
pub const CHUNK: u64 = 1 << 20;

/// What the companion's name has behind that of the manifest.
const SUFFIX: &str = ".chunks";

/// A longer line is none: a digest and a size, or a comment.
const LINE_BYTES: u64 = 256;

const SIGNATURE: &str = "# safecp chunks 1";

const HEAD: &str = "\
# A line 'file BLAKE3 SIZE' for each file longer than 1048576 bytes, and behind it a line for each
# 1048576 bytes of it: the chaining value of that subtree of BLAKE3's tree.
";

/// The companion's name.
#[must_use]
pub fn companion(manifest: &Path) -> PathBuf {
    let mut name = manifest.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// The key of a chunk's value among others: digest and number. That of the file's size comes before those of its chunks.
pub(super) fn entries(digests: &Digests, size: u64) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let key = |number: u64| [digests.whole.as_bytes().as_slice(), &number.to_be_bytes()].concat();
    let head = (!digests.pieces.is_empty()).then(|| (key(0), size.to_be_bytes().to_vec()));
    let values = (1..).zip(&digests.pieces).map(move |(number, value)| (key(number), value.to_vec()));
    head.into_iter().chain(values)
}

/// Whether a file that begins so is a companion.
pub(super) fn begins(head: &[u8]) -> bool {
    head.starts_with(SIGNATURE.as_bytes())
}

/// Writes the companion, all but its name.
pub(super) fn write<'a, K: Kernel>(
    mut entries: Sorted<'_, K>,
    mut file: ListFile<'a, K>,
) -> Result<ProvedList<'a, K>, Error> {
    file.write(format!("{SIGNATURE}\n{HEAD}").as_bytes())?;
    while let Some((key, value)) = entries.next()? {
        let (digest, number) = key.split_at(blake3::OUT_LEN);
        if number.iter().all(|byte| *byte == 0) {
            let size = value.try_into().map_or(0, u64::from_be_bytes);
            file.write(format!("file {} {size}\n", hex(digest)).as_bytes())?;
        } else {
            file.write(format!("{}\n", hex(&value)).as_bytes())?;
        }
    }
    file.prove()
}

/// What a companion has on a file, if it has something that adds up to the file's digest.
pub fn find<K: Kernel>(kernel: &K, companion: &Path, whole: &Hash, size: u64) -> Option<Digests> {
    find_in(Input::open(kernel, companion).ok()?, whole, size)
}

/// The same of the text of a companion.
pub fn find_in(text: impl BufRead, whole: &Hash, size: u64) -> Option<Digests> {
    let mut lines = Lines(text);
    if lines.next()? != SIGNATURE {
        return None;
    }
    let wanted = format!("file {} {size}", whole.to_hex());
    lines.by_ref().find(|line| *line == wanted)?;
    let values = lines.take_while(|line| !line.starts_with("file "));
    let value = |line: String| unhex(line.as_bytes()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let count = usize::try_from(size.div_ceil(CHUNK)).ok()?;
    let digests = Digests { whole: *whole, pieces: values.take(count).map_while(value).collect() };
    digests.are_consistent(CHUNK, size).then_some(digests)
}

/// Lines up to one that is too long, or cannot be read.
struct Lines<T>(T);

impl<T: BufRead> Iterator for Lines<T> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.by_ref().take(LINE_BYTES).read_line(&mut line).ok()?;
        line.strip_suffix('\n').map(str::to_owned)
    }
}
