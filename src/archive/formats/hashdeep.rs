//! hashdeep's lists: two lines that say what the others have, and `size,digest,...,name`. Nothing is escaped.

use super::mtree::{UNKNOWN_DIGEST, note_digest};
use super::sums::without_carriage_return;
use crate::archive::digest::{Algorithm, Digest};
use crate::archive::record::Record;
use crate::kernel::Kind;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How the first line begins.
pub const SIGNATURE: &[u8] = b"%%%% HASHDEEP-";

/// Reads lines in their order: the second says what the others have.
#[derive(Debug, Default)]
pub struct Reader {
    columns: Vec<Column>,
}

#[derive(Clone, Copy, Debug)]
enum Column {
    Size,
    Digest(Algorithm),
    Unknown,
}

impl Reader {
    /// Reads a line without its end. `None` for one that speaks of no name.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Record>, &'static str> {
        if let Some(columns) = line.strip_prefix(b"%%%% ") {
            if !line.starts_with(SIGNATURE) {
                self.columns = columns_of(columns).ok_or("columns without a name")?;
            }
            return Ok(None);
        }
        if line.trim_ascii_end().is_empty() || line.starts_with(b"## ") || line.trim_ascii_end() == b"##" {
            return Ok(None);
        }
        if self.columns.is_empty() {
            return Err("a name before the line that names the columns");
        }
        let mut record = Record { kind: Some(Kind::File), ..Record::default() };
        let mut parts = line.splitn(self.columns.len() + 1, |byte| *byte == b',');
        for (column, part) in self.columns.iter().zip(&mut parts) {
            match column {
                Column::Size => {
                    // What is no text is no number either.
                    let text = std::str::from_utf8(part).unwrap_or_default();
                    record.size = Some(text.parse().map_err(|_| "a size that is none")?);
                }
                Column::Digest(algorithm) => {
                    note_digest(&mut record, Digest::parse(*algorithm, part).ok_or("a digest that is none")?);
                }
                Column::Unknown => {}
            }
        }
        if record.digest.is_none() {
            return Err(UNKNOWN_DIGEST);
        }
        let name = parts.next().filter(|name| !name.is_empty()).ok_or("no name")?;
        record.path = PathBuf::from(OsString::from_vec(name.to_vec()));
        record.also = without_carriage_return(name);
        Ok(Some(record))
    }
}

fn columns_of(text: &[u8]) -> Option<Vec<Column>> {
    let text = std::str::from_utf8(text).ok()?;
    let columns: Vec<&str> = text.trim_end().split(',').collect();
    let (last, columns) = columns.split_last()?;
    let column = |name: &&str| match *name {
        "size" => Column::Size,
        name => Algorithm::named(name).map_or(Column::Unknown, Column::Digest),
    };
    (*last == "filename").then(|| columns.iter().map(column).collect())
}
