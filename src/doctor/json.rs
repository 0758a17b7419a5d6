//! The report: every fact that the page is made of, for machines.
//!
//! Names are text in JSON: bytes of theirs that are not UTF-8 are replaced.

use super::Findings;
use serde::Serializer;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes the report to a file, which is made or replaced.
pub(super) fn write(findings: &Findings, file: &Path) -> std::io::Result<()> {
    let mut output = BufWriter::new(File::create(file)?);
    serde_json::to_writer_pretty(&mut output, findings)?;
    output.write_all(b"\n")?;
    output.flush()
}

/// A path as text.
pub(super) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
