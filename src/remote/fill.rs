//! Reading until a buffer is full: read(2) may give less at once.

use crate::kernel::{Kernel, Result};

/// Reads until the buffer is full or the file ends. Returns how much there was.
pub(super) fn fill<K: Kernel>(kernel: &K, file: &K::File, buffer: &mut [u8], offset: u64) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match kernel.pread(file, &mut buffer[filled..], offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
