//! Why a name could not be mended: what it comes to, and what could not be read on the way.

use crate::error::Error;

/// Why a name could not be mended.
pub(super) struct Unmended {
    /// Why this and that could not be read.
    pub(super) unreadable: Vec<Error>,
    /// What it comes to.
    pub(super) why: Error,
}

impl From<Error> for Unmended {
    fn from(why: Error) -> Self {
        Self { unreadable: Vec::new(), why }
    }
}

/// Why what a file may come from cannot be read; each reason once, however many chunks there are. Told if the file is right
/// nowhere.
#[derive(Default)]
pub(super) struct Unreadable(Vec<Error>);

impl Unreadable {
    pub(super) fn note(&mut self, error: Error) {
        if !self.0.contains(&error) {
            self.0.push(error);
        }
    }

    pub(super) fn and(self, why: String) -> Unmended {
        Unmended { unreadable: self.0, why: Error::Refused(why) }
    }
}
