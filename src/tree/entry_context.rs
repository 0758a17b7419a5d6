//! Where a name lies, and what is known of it before it is looked at.

use crate::copy::{Origin, TargetDirectory};
use crate::kernel::Kind;
use std::path::Path;

/// Where a name lies and what is known of it beforehand.
pub struct EntryContext<'a, F> {
    /// The target's directory was made by this run, so that nothing can be in the way.
    pub fresh: bool,
    /// The target's directory.
    pub target_directory: TargetDirectory,
    /// The source's directory; `None` for an operand.
    pub origin: Option<Origin>,
    /// What operands before this one have made of the target.
    pub created: MadeBefore,
    /// Its name may be given later, with others'.
    pub may_wait: bool,
    /// The user named the target itself: a fifo there is waited for.
    pub named: bool,
    /// What the walk took the source for; `None` for an operand.
    pub walked: Option<Kind>,
    /// The operand's own target and this one's path beneath it: how far a symbolic link that stands at the target may
    /// lead. `None` for an operand, whose links are the user's own.
    pub top: Option<(&'a F, &'a Path)>,
}

/// What another operand has made under the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBefore {
    /// Nothing that matters.
    Nothing,
    /// A symbolic link, which nothing is written through.
    Link,
    /// An operand's own target, which nothing takes the place of.
    Operand,
}
