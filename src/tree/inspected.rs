//! What was found out about a name.

use super::ending::Ending;
use crate::copy::{Follow, Outcome};
use crate::error::Error;
use crate::kernel::Stat;

/// A name that was looked at.
pub struct Inspected<F> {
    /// The source.
    pub stat: Stat,
    /// Whether links of the source are followed.
    pub(super) follow: Follow,
    /// The source, if it was opened already.
    pub(super) file: Option<F>,
    /// What stands at the target, links not followed.
    pub existing: Option<Stat>,
    /// What it leads to, if it is a symbolic link that is written through.
    pub(super) referent: Option<Stat>,
    /// Where that is, if the link stands within a tree.
    pub(super) ending: Option<Ending<F>>,
    /// Why it is replaced, if it is a symbolic link that would otherwise be written through.
    pub(super) replaced_link: Option<ReplacedLink>,
    /// Why nothing is written through the symbolic link at the target: told unless the name becomes a hard link to an earlier copy,
    /// which takes that link's place.
    pub(super) refusal: Option<Error>,
}

impl<F> Inspected<F> {
    /// How links of the source were taken, and what it is then.
    pub(super) fn source(&self) -> (Follow, &Stat) {
        (self.follow, &self.stat)
    }
}

/// Why a symbolic link at the target is replaced, and not written through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplacedLink {
    /// It leads in a circle (-f).
    Circular,
    /// cp removes it: what it leads to has further names and --preserve=links, or with -P the source is no regular file.
    RemovedFirst,
    /// What it leads to cannot be opened to be written (-f).
    Unwritable,
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
