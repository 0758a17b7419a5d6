//! A file that was copied where another program wrote or read it, in the words of a report.
//!
//! What decides a strategy here is not known of the other machine: every byte went through a stream.

use crate::copy::strategy::{Cloning, Strategy, Why};
use crate::copy::{Copied, Placement, Probed, Sparseness, Verified};

/// A file of so many bytes, of which nothing else is known. Whoever knows more fills it in.
pub(super) fn far_copy(size: u64, verified: Verified, placement: Placement) -> Copied {
    Copied {
        strategy: Strategy::Stream,
        why: Why::Asked,
        cloning: Cloning::Refused,
        fallbacks: Vec::new(),
        probed: Probed { filesystem: "unknown", residency: None, settling: None, unallocated: 0 },
        size,
        digests: None,
        verified,
        sparse: Sparseness { by_map: false, by_zeros: false },
        changed: false,
        continued: false,
        placement,
        unsynced: None,
        complaints: Vec::new(),
        backup: None,
        identity: None,
        sealed: None,
        took: None,
    }
}
