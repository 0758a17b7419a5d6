//! What calls answer that rustix does not make.

use super::Result;
use rustix::io::Errno;

/// Why the call before failed.
pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// What a C call returned, looked at whole: 0 is success, -1 is errno, anything else is EIO.
pub(super) fn whole_return(returned: libc::c_int) -> Result<()> {
    match returned {
        0 => Ok(()),
        -1 => Err(last_errno()),
        _ => Err(Errno::IO),
    }
}
