//! What a run came to, for people and for programs: a line of JSON for each name (--report), and numbers in the end (--summary).
//!
//! An account listens to a run and hands every event on. It counts, and writes lines; it decides nothing, and what it
//! cannot write is a failure of the run.

mod base64;
mod begun;
mod counts;
mod journal;
mod lines;
mod summary;
mod wanted;

pub use begun::Account;
pub use counts::Counts;
pub use journal::Journal;
pub use lines::End;
pub use wanted::{Accounts, ReportTo, Summary};
