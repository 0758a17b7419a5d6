//! Differences that are meant, each with the reason for it. Every predicate is as narrow as it can be, and what each
//! excused is counted and printed, so that none of them grows into a blanket.

use super::case::Case;
use super::compare::{Difference, Outcome, WORLD, What};
use std::path::Path;

/// A case, how both runs of it ended, and the one difference that is looked at.
pub(crate) struct Evidence<'a> {
    pub(crate) case: &'a Case,
    pub(crate) reference: &'a Outcome,
    pub(crate) ours: &'a Outcome,
    pub(crate) difference: &'a Difference,
}

/// A reason, and which differences it explains.
pub(crate) struct Reason {
    /// The row of README's table, or a sentence.
    pub(crate) name: &'static str,
    explains: fn(&Evidence<'_>) -> bool,
}

pub(crate) const REASONS: &[Reason] = &[
    Reason { name: "an existing regular file is replaced whole by rename: new times of access", explains: replaced },
    Reason {
        name: "an existing regular file is replaced whole by rename: its directory changes",
        explains: renamed_in,
    },
    Reason { name: "-v for a name that fails: only what was done gets a line", explains: not_done },
];

/// A file that GNU wrote over is another one in our tree, with another time of access.
fn replaced(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    *what == What::Accessed && is_replaced(evidence, path)
}

/// The directory of such a file was changed.
fn renamed_in(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let here = evidence.case.entries.iter().filter(|entry| entry.path.parent() == Some(path.as_path()));
    *what == What::Modified
        && ours == "now"
        && reference != "now"
        && here.map(|entry| entry.path.as_path()).any(|path| is_replaced(evidence, path))
}

/// A line of what failed, and the failure is told.
fn not_done(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let Some((source, target)) = reference.split_once(" -> ") else { return false };
    let told = |name: &str| evidence.ours.ended.stderr.iter().any(|line| line.contains(name));
    *what == What::Stdout
        && ours.is_empty()
        && evidence.ours.ended.status == Some(1)
        && evidence.reference.ended.status == Some(1)
        && (told(source) || told(target))
}

/// Whether GNU left the file of that name what it was, and safecp made another.
fn is_replaced(evidence: &Evidence<'_>, path: &Path) -> bool {
    let inode = |outcome: &Outcome| outcome.tree.get(&Path::new(WORLD).join(path)).map(|seen| (seen.kind, seen.inode));
    let before = |outcome: &Outcome| outcome.inodes.get(path).map(|inode| ("file", *inode));
    let (reference, ours) = (evidence.reference, evidence.ours);
    inode(reference).is_some()
        && inode(reference) == before(reference)
        && inode(ours).is_some()
        && inode(ours) != before(ours)
}

/// The reason for this difference, by its number.
pub(crate) fn reason(evidence: &Evidence<'_>) -> Option<usize> {
    REASONS.iter().position(|reason| (reason.explains)(evidence))
}
