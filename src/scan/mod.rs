//! Victims of past copies: files with zeros where files of their kind have none.
//!
//! Trees enter, findings leave, the gravest first. What a file is, its content tells, and not its name; a name counts only
//! where zeros stand in place of the content. Nothing here changes a file, and no link within a tree is followed.

mod bytes;
pub mod content;
mod file;
mod names;
mod packages;
mod run;
mod suspicion;
pub mod text;
mod walk;
mod zeros;

pub use bytes::{Bytes, Part};
pub use run::{Enters, Finding, Request, Scan, Sums, Tally, count};
pub use suspicion::{Suspicion, Weight};
