//! What a list takes of the files that are copied.

/// What a list takes of the files that are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// None is made.
    Nothing,
    /// BLAKE3, which is taken anyway.
    Blake3,
    /// SHA-256 as well.
    Sha256,
}

impl Listed {
    /// Whether one is made.
    #[must_use]
    pub fn is_made(self) -> bool {
        self != Listed::Nothing
    }
}
