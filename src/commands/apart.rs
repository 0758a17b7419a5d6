//! A report and a list have names of their own: neither may take that of what the run reads, or of the other.

use crate::account::{Accounts, ReportTo};
use crate::archive::beside;
use crate::error::Error;
use crate::kernel::{Kernel, Kind, Stat};
use crate::quote::quoted;
use std::path::{Path, PathBuf};

/// Fails for a report that would take the place of `list`, or of what belongs to it, and for either that would take that of a
/// file among `sources`. Nothing was opened by then.
pub(super) fn must_be_apart<K: Kernel>(
    kernel: &K,
    accounts: &Accounts,
    list: Option<&Path>,
    sources: &[PathBuf],
) -> Result<(), Error> {
    let report = match &accounts.report {
        Some(ReportTo::File(report)) => Some(report.as_path()),
        Some(ReportTo::Output | ReportTo::Part(_)) | None => None,
    };
    if let (Some(report), Some(list)) = (report, list) {
        if beside::belongs(kernel, list, report) {
            return Err(refusal("report", report, "the place of", list));
        }
    }
    for (what, file) in [("report", report), ("list", list)] {
        let Some((file, stat)) = file.and_then(|file| Some((file, regular(kernel, file)?))) else { continue };
        let is_it = |source: &&PathBuf| regular(kernel, source).is_some_and(|source| source.is_same_file(&stat));
        if let Some(source) = sources.iter().find(is_it) {
            return Err(refusal(what, file, "the place of a source,", source));
        }
    }
    Ok(())
}

/// The regular file that a name leads to, if it does.
fn regular<K: Kernel>(kernel: &K, path: &Path) -> Option<Stat> {
    kernel.stat_at(None, path, true).ok().filter(|stat| stat.kind == Kind::File)
}

fn refusal(what: &str, file: &Path, whose: &str, other: &Path) -> Error {
    Error::Refused(format!("the {what} {} would take {whose} {}", quoted(file), quoted(other)))
}
