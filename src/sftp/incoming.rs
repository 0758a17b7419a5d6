//! What comes in from the far end: answers of the SFTP server, and digests. One queue has both, so that one thread waits for
//! whatever comes first. Nothing is in it that was not asked for, so its length is bounded by what is asked for at once.

use super::hashing::Value;
use super::wire::{Answer, WireError};

/// What came in.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The answer to the request of that number, or why there will be no more answers.
    Answer(Result<(u32, Answer), WireError>),
    /// The digest of a far file.
    Digest(Vec<u8>, Value),
    /// There will be no more digests.
    DigestsEnded,
}
