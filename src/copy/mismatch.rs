//! A copy that is not the same as its source: what is told of it, and what its name shows then.

use super::copier::Job;
use super::types::Placement;
use crate::error::{Difference, Error, TargetAfterFailure};

/// What has the target's name where this placement came to nothing.
pub(super) fn left<F>(job: &Job<'_, F>, placement: Placement) -> TargetAfterFailure {
    match placement {
        Placement::New | Placement::Own if job.facts.found.is_none() => TargetAfterFailure::Nothing,
        // Only the copy that was to take the name was wrong.
        Placement::New | Placement::Own | Placement::Replace | Placement::Supplant | Placement::Rewrite => {
            TargetAfterFailure::Old
        }
        Placement::InPlace | Placement::Through | Placement::BlockDevice | Placement::Value => {
            TargetAfterFailure::Wrong
        }
    }
}

/// A copy that is not the same.
pub(super) fn mismatch<F>(difference: Box<Difference>, job: &Job<'_, F>, left: TargetAfterFailure) -> Error {
    let (source, target) = (job.source.shown.to_owned(), job.target.shown.to_owned());
    Error::Mismatch { source, target, difference, left }
}
