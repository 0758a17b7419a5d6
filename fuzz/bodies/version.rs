//! What is read of the machine as text: releases of the kernel and of the ZFS module. And what follows from them: a text that
//! says nothing is never a reason to trust.

use safecp::host::parse_release;
use safecp::known::filesystems::{Filesystem, HONEST_SINCE, Honesty};
use safecp::known::zfs::{Hint, Module, Version};

pub(crate) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    module(&text);
    kernel(&text);
}

fn module(text: &str) {
    let version = Version::parse(text);
    if let Some(version) = version {
        assert_eq!(Version::parse(&version.to_string()), Some(version), "{text:?}");
        assert_eq!(numbers(text.trim())[..], [version.major, version.minor, version.patch].map(Some), "{text:?}");
    }
    for offset_next_sync in [None, Some(0), Some(1)] {
        let module = Module { version, offset_next_sync };
        for hint in [Hint::Holes, Hint::Clones] {
            assert!(version.is_some() || module.forbids(hint).is_some(), "{text:?} is trusted");
        }
        let waits = offset_next_sync == Some(1);
        assert!(waits || module.forbids(Hint::Clones).is_some(), "a clone that does not wait");
    }
}

/// The first three numbers, in another way than the reader's: character by character, up to the first that is neither a
/// digit nor a point.
fn numbers(text: &str) -> Vec<Option<u32>> {
    let mut numbers = vec![Some(0_u32)];
    for c in text.chars() {
        let last = numbers.last_mut().expect("one at least");
        match c.to_digit(10) {
            Some(digit) => *last = last.and_then(|number| number.checked_mul(10)?.checked_add(digit)),
            None if c == '.' => numbers.push(Some(0)),
            None => break,
        }
    }
    numbers
}

fn kernel(text: &str) {
    let release = parse_release(text);
    let is_read = text.starts_with(|c: char| c.is_ascii_digit());
    assert!(is_read || release == (0, 0), "{text:?} is {release:?}");
    if is_read && release != (0, 0) {
        assert_eq!(numbers(text)[0], Some(release.0), "{text:?}");
    }
    let magic = text.bytes().fold(0_u32, |magic, byte| magic.rotate_left(8) ^ u32::from(byte));
    let honesty = Filesystem::new(magic).honesty(release);
    assert!(honesty != Honesty::Honest || release >= HONEST_SINCE, "an old kernel is trusted");
}
