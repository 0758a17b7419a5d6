//! A number that nobody can foretell.

use rustix::fs::{Mode, OFlags};

/// By getrandom(2), else otherwise.
pub(super) fn random() -> u64 {
    let mut bytes = [0_u8; 8];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(8) => u64::from_ne_bytes(bytes),
        // Linux before 3.17, or a filter.
        _ => random_otherwise(),
    }
}

/// What nobody can foretell where getrandom(2) fails: /dev/urandom's word; without that, where and when this runs.
fn random_otherwise() -> u64 {
    let mut bytes = [0_u8; 8];
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
    let read =
        rustix::fs::open("/dev/urandom", flags, Mode::empty()).and_then(|file| rustix::io::read(file, &mut bytes));
    if read == Ok(bytes.len()) {
        return u64::from_ne_bytes(bytes);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let place = std::ptr::from_ref(&bytes).addr() as u64;
    now.as_nanos() as u64 ^ place.rotate_left(32) ^ u64::from(std::process::id()).rotate_left(48)
}
