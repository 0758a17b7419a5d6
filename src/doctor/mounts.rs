//! What is mounted, as /proc/self/mountinfo tells it.

use crate::known::filesystems::Filesystem;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// One line of mountinfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Device number as the file has it: one for each filesystem.
    device: String,
    /// Where it is mounted.
    pub(super) point: PathBuf,
    /// Its type as the kernel names it.
    pub(super) kind: String,
    /// The filesystem's own options.
    options: String,
}

/// Filesystems without files of their own, or with files that nobody copies, besides those that the table calls pseudo.
const NOT_COPIED: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "rpc_pipefs",
    "selinuxfs",
    "smackfs",
];

/// The kernel's list of them.
pub(super) const LIST: &str = "/proc/self/mountinfo";

/// All mounts.
pub(super) fn all() -> std::io::Result<Vec<Mount>> {
    Ok(std::fs::read(LIST)?.split(|byte| *byte == b'\n').filter_map(parse).collect())
}

/// `36 35 98:0 /root /mnt rw,noatime shared:1 - ext4 /dev/sda rw`: what is optional ends at the dash.
fn parse(line: &[u8]) -> Option<Mount> {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    let text = |field: &[u8]| String::from_utf8_lossy(&unescaped(field)).into_owned();
    Some(Mount {
        device: text(fields.get(2)?),
        point: PathBuf::from(OsString::from_vec(unescaped(fields.get(4)?))),
        kind: text(fields.get(dash + 1)?),
        options: fields.get(dash + 3).map_or_else(String::new, |field| text(field)),
    })
}

/// Blanks and the like are backslashes with three octal digits.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        match (first, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..]) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = behind;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// The mounts that keep files, each filesystem once, where it was mounted first.
pub(super) fn that_keep_files(mounts: &[Mount]) -> impl Iterator<Item = &Mount> {
    mounts.iter().enumerate().filter_map(move |(at, mount)| {
        let is_first = mounts[..at].iter().all(|earlier| earlier.device != mount.device);
        // What a later mount lies on cannot be reached by its name any more.
        let is_hidden = mounts[at + 1..].iter().any(|later| mount.point == later.point);
        (is_first && !is_hidden && keeps_files(&mount.kind)).then_some(mount)
    })
}

fn keeps_files(kind: &str) -> bool {
    !NOT_COPIED.contains(&kind) && !Filesystem::mounted_as(kind).is_pseudo()
}

/// The mount that a path without links and dots lies in.
pub(super) fn of<'m>(mounts: &'m [Mount], path: &Path) -> Option<&'m Mount> {
    let holds = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    holds.max_by_key(|mount| mount.point.components().count())
}

impl Mount {
    /// The directories that an overlay is made of, as far as its options name them.
    pub(super) fn layers(&self) -> Vec<PathBuf> {
        let named = self.options.split(',').filter_map(|option| {
            let (name, value) = option.split_once('=')?;
            matches!(name, "lowerdir" | "upperdir" | "lowerdir+" | "datadir+").then_some(value)
        });
        // What is relative was so to the directory of who mounted it.
        named.flat_map(|value| value.split(':')).map(PathBuf::from).filter(|layer| layer.is_absolute()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r"22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
28 27 254:0 /srv /mnt/with\040blank rw - ext4 /dev/vda rw
29 27 0:40 / /tank rw,xattr - zfs tank rw,xattr,posixacl
30 27 0:41 / /merged rw - overlay overlay rw,lowerdir=/a:/b:e,upperdir=/c,workdir=/d
31 27 0:42 / /over rw - tmpfs one rw
32 27 0:43 / /over rw - tmpfs two rw";

    fn mounts() -> Vec<Mount> {
        TEXT.as_bytes().split(|byte| *byte == b'\n').filter_map(parse).collect()
    }

    #[test]
    fn each_filesystem_that_keeps_files_comes_once() {
        let mounts = mounts();
        let points: Vec<_> = that_keep_files(&mounts).map(|mount| mount.point.to_string_lossy().into_owned()).collect();
        assert_eq!(points, ["/", "/tank", "/merged", "/over"]);
    }

    #[test]
    fn a_path_lies_in_the_deepest_mount_and_in_the_last_one_there() {
        let mounts = mounts();
        let kind = |path: &str| of(&mounts, Path::new(path)).map(|mount| (mount.kind.as_str(), mount.device.as_str()));
        assert_eq!(kind("/tank/set/file"), Some(("zfs", "0:40")));
        assert_eq!(kind("/tanker"), Some(("ext4", "254:0")));
        assert_eq!(kind("/over/x"), Some(("tmpfs", "0:43")));
        assert_eq!(
            of(&mounts, Path::new("/mnt/with blank/x")).map(|mount| mount.point.as_path()),
            Some(Path::new("/mnt/with blank"))
        );
    }

    #[test]
    fn an_overlay_names_its_layers() {
        assert_eq!(mounts()[4].layers(), ["/a", "/b", "/c"].map(PathBuf::from));
    }
}
