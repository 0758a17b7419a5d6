//! What is to be told of a run beside its messages, as the command line has it.

use std::path::PathBuf;

/// Where the lines of JSON go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportTo {
    /// A file, which gets its name when it is whole, or a fifo or device.
    File(PathBuf),
    /// Standard output.
    Output,
    /// A file that has lines of earlier runs.
    Part(PathBuf),
}

/// Whether the numbers of a run are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Summary {
    /// They are not.
    #[default]
    No,
    /// On standard error, in the end.
    AtEnd,
}

/// Whether it is told how far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Only where a signal asks for it.
    #[default]
    No,
    /// All the time, on standard error.
    Shown,
}

/// What is to be told of a run beside its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Where the lines of JSON go, if any are wanted.
    pub report: Option<ReportTo>,
    /// The numbers.
    pub summary: Summary,
    /// How far it is.
    pub progress: Progress,
}
