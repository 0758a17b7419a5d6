//! Text that is written to a file of the records: all of it, and to the disk.

use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel};
use std::path::Path;

/// Writes text where the file is, and syncs it; `shown` is the file's name in messages. On an error a part of it may be there.
pub(super) fn write_out<K: Kernel>(kernel: &K, file: &K::File, text: &[u8], shown: &Path) -> Result<(), Error> {
    let failed = |action| move |errno| Error::call(action, shown, errno);
    let mut rest = text;
    while !rest.is_empty() {
        match kernel.write(file, rest).map_err(failed(Action::Write))? {
            0 => return Err(failed(Action::Write)(Errno::NOSPC)),
            count => rest = rest.get(count..).unwrap_or_default(),
        }
    }
    kernel.fsync(file).map_err(failed(Action::Sync))
}
