//! The error number of calls that rustix does not make.

use rustix::io::Errno;

pub(super) fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}
