//! What a tree is, written down, and found out again: manifests, checks, repairs.
//!
//! Events of a run, a tree or a list of another tool enter; a list, findings or mended files leave. Nothing
//! here decides how a file is copied, and a check changes nothing.

mod assembly;
pub mod beside;
pub mod check;
pub mod chunks;
mod compare;
pub mod digest;
pub mod finding;
mod foreign;
pub mod format;
pub mod formats;
mod inodes;
pub mod list;
mod list_file;
pub mod manifest;
pub mod mend;
mod mended_attributes;
mod missing;
mod name_to_mend;
mod names;
pub mod open;
mod origin;
pub mod part;
mod read_back;
pub mod record;
pub mod recorder;
pub mod repair;
pub mod seal;
mod sorted;
mod spill;
pub mod text;
mod unmended;
mod unnamed;
mod unpacked;
mod walk;

pub use manifest::{Manifest, Wanted, Written};
pub use record::Record;
