//! The mount that a file is on, as /proc lists it.

use crate::kernel::{Mount, Result};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, StatxFlags};
use rustix::io::Errno;

/// Where the kernel lists the mounts that this process sees.
const MOUNTS: &str = "/proc/self/mountinfo";

/// The mount of an open file.
pub(super) fn mount(file: &OwnedFd) -> Result<Mount> {
    // statx has the number since Linux 5.8.
    let wanted = StatxFlags::MNT_ID;
    let found = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, wanted)?;
    if found.stx_mask & wanted.bits() == 0 {
        return Err(Errno::NOSYS);
    }
    let list = std::fs::read(MOUNTS).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let listed = list.split(|byte| *byte == b'\n').find_map(|line| mount_with(line, found.stx_mnt_id));
    listed.ok_or(Errno::NOENT)
}

/// The mount of this number, if the line of mountinfo is about it:
/// `36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda rw`, where what is optional ends at the dash.
fn mount_with(line: &[u8], number: u64) -> Option<Mount> {
    let line = String::from_utf8_lossy(line);
    let mut fields = line.split(' ');
    if fields.next()?.parse() != Ok(number) {
        return None;
    }
    let mut last = fields.skip_while(|field| *field != "-").skip(1);
    let (kind, options) = (last.next()?.to_owned(), last.nth(1).unwrap_or_default());
    Some(Mount { kind, options: options.split(',').map(str::to_owned).collect() })
}
