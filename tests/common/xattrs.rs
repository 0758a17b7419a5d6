//! Extended attributes, as rustix reads them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Longer than any list or value that the kernel allows.
const LENGTH_MAX: usize = 65536;

/// All of a name's own, with them access control lists and capabilities. A filesystem without any has none.
pub(crate) fn xattrs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut names = vec![0_u8; LENGTH_MAX];
    let length = rustix::fs::llistxattr(path, names.as_mut_slice()).unwrap_or(0);
    let names = names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let value_of = |name: &OsStr| {
        let mut value = vec![0_u8; LENGTH_MAX];
        // Whoever is not root may see only that it is there.
        let length = rustix::fs::lgetxattr(path, name, value.as_mut_slice()).unwrap_or(0);
        value.truncate(length);
        value
    };
    names.map(OsStr::from_bytes).map(|name| (name.to_string_lossy().into_owned(), value_of(name))).collect()
}
