//! What a run tells whoever started it. std's own cannot be asked for its number.

/// An exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// All was done.
    pub const SUCCESS: Self = Self(0);
    /// Something was not.
    pub const FAILURE: Self = Self(1);
    /// What Rust's programs end with after a panic.
    pub const PANIC: Self = Self(101);
}

impl From<u8> for ExitCode {
    fn from(status: u8) -> Self {
        Self(status)
    }
}

impl From<ExitCode> for i32 {
    fn from(code: ExitCode) -> Self {
        code.0.into()
    }
}
