//! How much a pipe holds.

use std::os::fd::AsFd;

/// Bytes of a wide pipe: what any user may ask for (fs.pipe-max-size, Linux 2.6.35).
const WIDE: usize = 1 << 20;

/// Lets a pipe hold 1 MiB instead of 64 KiB, so that two programs that pass large pieces through it wait less for each other. What is no
/// pipe, or may not grow (a user has a limited number of pages in pipes), stays as it is.
pub fn widen(pipe: impl AsFd) {
    if rustix::pipe::fcntl_getpipe_size(&pipe).is_ok_and(|size| size < WIDE) {
        rustix::pipe::fcntl_setpipe_size(&pipe, WIDE).ok();
    }
}
