//! What is fuzzed: a function for each target, from any bytes to laws that have to hold. A law that does not is a panic.
//!
//! libFuzzer calls them with what it finds, and tests/corpus.rs with the corpus and with chance.

pub(crate) mod cli;
pub(crate) mod extent;
pub(crate) mod input;
pub(crate) mod lists;
pub(crate) mod map;
pub(crate) mod message;
pub(crate) mod quote;
pub(crate) mod scan;
pub(crate) mod sftp;
pub(crate) mod version;
