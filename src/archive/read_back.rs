//! What was written, read back: a file holds so many bytes of that digest, and no more, or it is not used.
//!
//! A count that pwrite(2) returns is a claim, as for any copy.

use super::open::read_all;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::quote::quoted;
use blake3::Hasher;
use std::path::Path;

/// Fails unless the file holds what the hasher took in. `shown` is what is made of it, for messages.
pub(super) fn must_hold<K: Kernel>(kernel: &K, file: &K::File, shown: &Path, written: &Hasher) -> Result<(), Error> {
    let mut found = Hasher::new();
    read_all(kernel, file, shown, |bytes| {
        found.update(bytes);
    })?;
    let is_it = found.count() == written.count() && found.finalize() == written.finalize();
    if is_it { Ok(()) } else { Err(not_held(shown)) }
}

/// What is said where bytes read back are others.
pub(super) fn not_held(shown: &Path) -> Error {
    Error::Refused(format!("cannot make {}: what was written was read back differently", quoted(shown)))
}
