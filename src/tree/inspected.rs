//! What was found out about a name.

use super::ending::Ending;
use crate::copy::Outcome;
use crate::kernel::Stat;

/// A name that was looked at.
pub struct Inspected<F> {
    /// The source.
    pub stat: Stat,
    /// The source, if it was opened already.
    pub(super) file: Option<F>,
    /// What stands at the target, links not followed.
    pub existing: Option<Stat>,
    /// What it leads to, if it is a symbolic link that is written through.
    pub(super) referent: Option<Stat>,
    /// Where that is, if the link stands within a tree.
    pub(super) ending: Option<Ending<F>>,
    /// It is a symbolic link that leads in a circle, and is replaced (-f).
    pub(super) is_circular: bool,
}

/// What to do with a name that was looked at.
pub enum Inspection<F> {
    /// It is to be made.
    Make(Box<Inspected<F>>),
    /// What stands at the target is not older: it stays, unless it is to be a link to another copy.
    Newer(Box<Inspected<F>>),
    /// Its outcome is known.
    Ended(Outcome),
}
