//! The lines of each kind of list: nothing here reads a file, or knows what a line is for.

pub mod bagit;
pub mod contents;
pub mod hashdeep;
pub mod mhl;
pub mod mtree;
pub mod sums;
pub mod vis;
