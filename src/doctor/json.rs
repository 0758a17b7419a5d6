//! The report: every fact that the page is made of, for machines.
//!
//! Names are text in JSON: bytes of theirs that are not UTF-8 are replaced.

use super::Findings;
use serde::Serializer;
use std::path::Path;

/// The report's text.
pub(super) fn text(findings: &Findings) -> std::io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(findings)?;
    text.push(b'\n');
    Ok(text)
}

/// A path as text.
pub(super) fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
