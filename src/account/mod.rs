//! What a run came to, for people and for programs: a line of JSON for each name (--report), numbers in the end (--summary), and how
//! far it is meanwhile (--progress, SIGUSR1).
//!
//! An account listens to a run and hands every event on. It counts, and writes lines; it decides nothing, and what it
//! cannot write of a report is a failure of the run.

mod begun;
mod counts;
mod display;
mod joined;
mod journal;
mod lines;
mod object;
mod part;
mod running;
mod status;
mod summary;
mod telling;
mod totals;
mod wanted;
mod watcher;

pub use begun::Account;
pub use lines::End;
pub use part::Part;
pub use running::Running;
pub use telling::Telling;
pub use totals::Total;
pub use wanted::{Accounts, Progress, ReportTo, Summary};
