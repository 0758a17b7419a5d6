//! Why a pass over two files ended early.

use crate::error::{Action, Difference};
use crate::kernel::Errno;

/// Why a pass ended early.
#[derive(Debug)]
pub enum Stopped {
    /// A call failed.
    Failed(Action, Errno),
    /// Source and target differ.
    Different(Box<Difference>),
    /// The source ended before the size it had.
    Truncated,
    /// The source goes on behind the size it had.
    Longer,
    /// A map that cannot be: an extent that ends before it begins, or lies behind the search.
    Nonsense,
    /// A signal asked the run to end.
    Interrupted,
}
