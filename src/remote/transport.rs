//! Which way files go to another machine and come from it: by the safecp there, by this one which is sent there, or over SFTP.

use super::upload::Unfit;
use std::fmt;

/// Which way is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By the safecp there, or one that is sent there; over SFTP where none answers.
    Safecp,
    /// Over SFTP at once (-s).
    Sftp,
}

/// Why files do not go by the safecp there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoSafecp {
    /// SFTP was asked for.
    Asked,
    /// The shell there does not find this program.
    NotFound(String),
    /// Nor can one that is sent there run.
    Unfit(String, Unfit),
    /// This program did not answer: the account has no shell, or something else runs in the program's place.
    Silent(String),
}

impl fmt::Display for NoSafecp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSafecp::Asked => write!(f, "SFTP as asked"),
            NoSafecp::NotFound(program) => write!(f, "no {program} there"),
            NoSafecp::Unfit(program, unfit) => write!(f, "no {program} there, and none can be sent: {unfit}"),
            NoSafecp::Silent(program) => write!(f, "{program} does not start there"),
        }
    }
}
