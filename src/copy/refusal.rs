//! What a refusal to make or to rename a file may mean on filesystems that are not known: that it would be taken under another name, or
//! that names are given only once there. On those that are known it means what it says.

use crate::kernel::Errno;
use crate::known::filesystems::Honesty;

/// Whether a file may have been refused for its name alone.
pub(super) fn may_be_the_name(errno: Errno, honesty: Honesty) -> bool {
    is_refusal_of_a_name(errno) && !honesty.is_known()
}

/// The same on a filesystem that is not known.
pub(super) fn is_refusal_of_a_name(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::INVAL
            | Errno::PERM
            | Errno::ACCESS
            | Errno::NOENT
            | Errno::NAMETOOLONG
            | Errno::NOSYS
            | Errno::OPNOTSUPP
            | Errno::ILSEQ
    )
}

/// Whether a file may have been refused a free name since the filesystem gives none to a file that is there.
pub(super) fn gives_no_names(errno: Errno, honesty: Honesty) -> bool {
    let is_other = matches!(errno, Errno::PERM | Errno::ACCESS);
    is_not_known_there(errno, honesty) || is_other && !honesty.is_known()
}

/// Whether a file may have been refused a name since the filesystem renames nothing over what is there. What stands there is then
/// removed: an error that may pass, or that may strike the next call as well, is no such refusal.
pub(super) fn is_taken_for_good(errno: Errno, honesty: Honesty) -> bool {
    is_not_known_there(errno, honesty) || errno == Errno::EXIST && !honesty.is_known()
}

fn is_not_known_there(errno: Errno, honesty: Honesty) -> bool {
    let is_refusal = matches!(errno, Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOTTY | Errno::XDEV);
    is_refusal && !honesty.is_known()
}
