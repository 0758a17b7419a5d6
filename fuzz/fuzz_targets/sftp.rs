#![no_main]

#[path = "../bodies/mod.rs"]
#[allow(dead_code, reason = "the bodies of the other targets")]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::sftp::check(bytes));
