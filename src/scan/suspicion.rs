//! What speaks against a file.

use std::borrow::Cow;
use std::ops::Range;

/// How much it says, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// A checksum does not fit, or a structure that has to be there is not.
    Damaged,
    /// No program is known to write such zeros.
    Suspicious,
    /// Few programs write such zeros.
    Unusual,
}

/// Zeros where there should be none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// How much it says.
    pub weight: Weight,
    /// The zeros.
    pub zeros: Range<u64>,
    /// What they do not fit to.
    pub why: Cow<'static, str>,
}

impl Suspicion {
    /// One of these zeros.
    #[must_use]
    pub fn new(weight: Weight, zeros: &Range<u64>, why: impl Into<Cow<'static, str>>) -> Self {
        Self { weight, zeros: zeros.clone(), why: why.into() }
    }

    /// The same of a part that begins there, and is called so.
    #[must_use]
    pub(super) fn of_part(self, start: u64, name: &str) -> Self {
        let zeros = self.zeros.start + start..self.zeros.end + start;
        Self { zeros, why: format!("{name}: {}", self.why).into(), ..self }
    }
}

/// The graver of two; the first of two that are as grave.
#[must_use]
pub(super) fn graver(one: Option<Suspicion>, other: Option<Suspicion>) -> Option<Suspicion> {
    one.into_iter().chain(other).reduce(|one, other| if other.weight < one.weight { other } else { one })
}

/// The bytes that two ranges have in common.
#[must_use]
pub(super) fn common(one: &Range<u64>, other: &Range<u64>) -> Range<u64> {
    let start = one.start.max(other.start);
    start..one.end.min(other.end).max(start)
}

/// Whether two ranges have bytes in common.
#[must_use]
pub(super) fn meet(one: &Range<u64>, other: &Range<u64>) -> bool {
    !common(one, other).is_empty()
}
