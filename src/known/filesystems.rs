//! Filesystems by their magic number (statfs(2) f_type), and whether their hints may be believed.
//!
//! Honest are those whose SEEK_DATA/SEEK_HOLE and FICLONE answer from the same state that read(2)
//! does, on a local disk, for as long as Linux 5.19: ext4 (its FIEMAP and page-cache seek bugs were
//! mended by 4.13), XFS, btrfs and tmpfs. Everything else is not called a liar: it is not known.

/// A filesystem as far as statfs(2) tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filesystem {
    magic: u32,
}

/// How far a filesystem's hints go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Honesty {
    /// Hints answer from what reads see.
    Honest,
    /// OpenZFS: by version, parameters and the file's pages.
    Zfs,
    /// Not known: remote, stacked, in user space, or simply new.
    Unknown,
    /// Files that the kernel makes up when they are read: st_size is 0 or a page, whatever they hold.
    Pseudo,
}

impl Honesty {
    /// Whether it is ext4, XFS, btrfs, tmpfs, ZFS or one as well known: what an inode number, a lock, a list of attributes or an error
    /// means there is known as well.
    #[must_use]
    pub fn is_known(self) -> bool {
        matches!(self, Self::Honest | Self::Zfs)
    }
}

const ZFS: u32 = 0x2fc1_2fc1;
const TMPFS: u32 = 0x0102_1994;
const XFS: u32 = 0x5846_5342;
const RAMFS: u32 = 0x8584_58f6;
const OVERLAYFS: u32 = 0x794c_7630;
const FUSE: u32 = 0x6573_5546;

/// Where files are when fsync said that they are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// On a disk, as far as anybody can tell.
    OnDisk,
    /// In memory.
    InMemory,
    /// In the upper layer, unless it is mounted so that nothing is written out.
    InLayer,
    /// Where a program puts them: of one without fsync the kernel says 0 (fuse_fsync in fs/fuse/file.c).
    WithProgram,
}

/// The programs behind these types of mounts write out what fsync asks for: ntfs-3g and exfat-fuse, and a virtual
/// machine's host.
pub const PROGRAMS_THAT_SYNC: [&str; 2] = ["fuseblk", "virtiofs"];

/// What may lie beneath a filesystem that keeps its files in another.
const LAYERS: &str = "the filesystems of its layers, to which clones and searches for holes are handed on; what it copies up \
                      leaves out the holes that they report";
const SERVER: &str = "the server's filesystem, which answers for clones and holes and cannot be seen from here";
const DAEMON: &str = "whatever the program behind it keeps files in";
const HOST: &str = "the host's filesystem, which cannot be seen from here";

/// Magic number, the name users know, what is known of it, and what may lie beneath it.
const TABLE: &[(u32, &str, Honesty, Option<&str>)] = &[
    (0x0000_ef53, "ext4", Honesty::Honest, None),
    (XFS, "xfs", Honesty::Honest, None),
    (0x9123_683e, "btrfs", Honesty::Honest, None),
    (TMPFS, "tmpfs", Honesty::Honest, None),
    (ZFS, "zfs", Honesty::Zfs, None),
    (OVERLAYFS, "overlayfs", Honesty::Unknown, Some(LAYERS)),
    (FUSE, "fuse", Honesty::Unknown, Some(DAEMON)),
    (0x0000_6969, "nfs", Honesty::Unknown, Some(SERVER)),
    (0xff53_4d42, "cifs", Honesty::Unknown, Some(SERVER)),
    (0xfe53_4d42, "smb2", Honesty::Unknown, Some(SERVER)),
    (0x0102_1997, "9p", Honesty::Unknown, Some(HOST)),
    (0x00c3_6400, "ceph", Honesty::Unknown, Some(SERVER)),
    (0xca45_1a4e, "bcachefs", Honesty::Unknown, None),
    (0xf2f5_2010, "f2fs", Honesty::Unknown, None),
    (0x0000_4d44, "vfat", Honesty::Unknown, None),
    (0x2011_bab0, "exfat", Honesty::Unknown, None),
    (0x0000_9660, "iso9660", Honesty::Unknown, None),
    (0x7371_7368, "squashfs", Honesty::Unknown, None),
    (0xe0f5_e1e2, "erofs", Honesty::Unknown, None),
    (RAMFS, "ramfs", Honesty::Unknown, None),
    (0x0000_9fa0, "proc", Honesty::Pseudo, None),
    (0x6265_6572, "sysfs", Honesty::Pseudo, None),
    (0x6462_6720, "debugfs", Honesty::Pseudo, None),
    (0x7472_6163, "tracefs", Honesty::Pseudo, None),
    (0x0027_e0eb, "cgroup", Honesty::Pseudo, None),
    (0x6367_7270, "cgroup2", Honesty::Pseudo, None),
    (0x7363_6673, "securityfs", Honesty::Pseudo, None),
    (0x6265_6570, "configfs", Honesty::Pseudo, None),
    (0xcafe_4a11, "bpf", Honesty::Pseudo, None),
    (0x6165_676c, "pstore", Honesty::Pseudo, None),
];

/// Filesystems without a remap_file_range among their file operations (Linux 6.18).
const NEVER_CLONE: &[&str] =
    &["ext4", "tmpfs", "ramfs", "fuse", "9p", "ceph", "f2fs", "vfat", "exfat", "iso9660", "squashfs", "erofs"];

/// The first Linux release on which the honest filesystems above are believed.
pub const HONEST_SINCE: (u32, u32) = (5, 19);

/// The newest Linux whose filesystems were looked through for those that answer FIEMAP.
const EXTENTS_SEEN_UNTIL: (u32, u32) = (6, 18);

/// Types of filesystems of which a file's extents come from a map that reads go by. EROFS is only ever read.
const HONEST_WITH_EXTENTS: &[&str] = &["ext2", "ext3", "ext4", "xfs", "btrfs", "erofs"];

/// Types of filesystems whose files have no extents to tell (no `fiemap` among their inode operations). An overlay
/// asks the file that it stands for.
const WITHOUT_EXTENTS: &[&str] = &[
    "9p",
    "aio",
    "anon_inodefs",
    "autofs",
    "bdev",
    "binder",
    "binfmt_misc",
    "bpf",
    "ceph",
    "cgroup",
    "cgroup2",
    "configfs",
    "cpuset",
    "cramfs",
    "dax",
    "debugfs",
    "devpts",
    "devtmpfs",
    "drm",
    "efivarfs",
    "exfat",
    "fuse",
    "fuseblk",
    "fusectl",
    "guest_memfd",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "msdos",
    "nfs",
    "nfs4",
    "nfsd",
    "nsfs",
    "overlay",
    "pidfs",
    "pipefs",
    "proc",
    "pstore",
    "ramfs",
    "resctrl",
    "romfs",
    "rootfs",
    "rpc_pipefs",
    "secretmem",
    "securityfs",
    "selinuxfs",
    "smackfs",
    "sockfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
    "vboxsf",
    "vfat",
    "virtiofs",
    "xenfs",
    "zonefs",
];

/// Whether on a machine with these filesystems, as /proc/filesystems lists them, a file that tells its extents lies on one
/// that is honest, whatever stands in front of it. A type that nobody listed may tell them too, and so may ZFS.
#[must_use]
pub fn only_honest_ones_tell_extents(list: &str, kernel: (u32, u32)) -> bool {
    let names = || list.lines().filter_map(|line| line.split_whitespace().next_back());
    let is_known = |name: &str| HONEST_WITH_EXTENTS.contains(&name) || WITHOUT_EXTENTS.contains(&name);
    (HONEST_SINCE..=EXTENTS_SEEN_UNTIL).contains(&kernel) && names().next().is_some() && names().all(is_known)
}

impl Filesystem {
    /// The magic number of none: that of a filesystem which could not be asked for it.
    pub const UNTOLD: u32 = 0;

    /// The filesystem with this magic number, known or not.
    #[must_use]
    pub fn new(magic: u32) -> Self {
        Self { magic }
    }

    /// The filesystem that mountinfo has this type for, where nothing tells its magic number.
    #[must_use]
    pub fn mounted_as(kind: &str) -> Self {
        let name = match kind.split('.').next().unwrap_or(kind) {
            "ext2" | "ext3" => "ext4",
            "overlay" => "overlayfs",
            "fuseblk" => "fuse",
            "nfs4" => "nfs",
            name => name,
        };
        Self::new(TABLE.iter().find(|row| row.1 == name).map_or(0, |row| row.0))
    }

    /// Whether its files lie on a device, and not in the page cache alone.
    #[must_use]
    pub fn has_device(self) -> bool {
        self.magic != TMPFS
    }

    /// Whether it hands files of other filesystems on as they are, with their extents.
    #[must_use]
    pub fn is_overlay(self) -> bool {
        self.magic == OVERLAYFS
    }

    /// Where its files are when fsync said that they are written out.
    #[must_use]
    pub fn keeping(self) -> Keeping {
        match self.magic {
            TMPFS | RAMFS => Keeping::InMemory,
            OVERLAYFS => Keeping::InLayer,
            FUSE => Keeping::WithProgram,
            _ if self.is_pseudo() => Keeping::InMemory,
            _ => Keeping::OnDisk,
        }
    }

    /// Its magic number.
    #[must_use]
    pub fn magic(self) -> u32 {
        self.magic
    }

    /// Whether FICLONE never works there, on whatever device and kernel. Of others some may be made without it.
    #[must_use]
    pub fn never_clones(self) -> bool {
        self.is_pseudo() || NEVER_CLONE.contains(&self.name())
    }

    /// Its name, or "unknown".
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or("unknown", |row| row.1)
    }

    /// What its hints are worth on a kernel of this release.
    #[must_use]
    pub fn honesty(self, kernel: (u32, u32)) -> Honesty {
        match self.row().map_or(Honesty::Unknown, |row| row.2) {
            Honesty::Honest if kernel < HONEST_SINCE => Honesty::Unknown,
            honesty => honesty,
        }
    }

    /// What may lie beneath it, where it keeps its files in another filesystem.
    #[must_use]
    pub fn beneath(self) -> Option<&'static str> {
        self.row().map_or(Some("not known: it is not in the table"), |row| row.3)
    }

    /// Whether it is believed on kernels that are new enough.
    #[must_use]
    pub fn becomes_honest(self) -> bool {
        self.row().is_some_and(|row| row.2 == Honesty::Honest)
    }

    /// Whether its directories take two spellings of a name for one only where chattr's F says so. XFS may be made to
    /// (`mkfs.xfs -n version=ci`), which no flag shows.
    #[must_use]
    pub fn folds_by_flag(self) -> bool {
        self.becomes_honest() && self.magic != XFS
    }

    /// Whether an inode number stands for one file at a time, whatever its names.
    #[must_use]
    pub fn numbers_files(self) -> bool {
        self.magic == ZFS || self.becomes_honest()
    }

    /// Whether a program answers for it.
    #[must_use]
    pub fn is_fuse(self) -> bool {
        self.magic == FUSE
    }

    /// Whether its files are made up when they are read.
    #[must_use]
    pub fn is_pseudo(self) -> bool {
        self.row().is_some_and(|row| row.2 == Honesty::Pseudo)
    }

    fn row(self) -> Option<&'static (u32, &'static str, Honesty, Option<&'static str>)> {
        TABLE.iter().find(|row| row.0 == self.magic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filesystem_nobody_listed_is_not_believed() {
        assert_eq!(Filesystem::new(0x1234_5678).honesty((6, 18)), Honesty::Unknown);
        assert_eq!(Filesystem::new(0x1234_5678).name(), "unknown");
    }

    #[test]
    fn types_of_mounts_are_those_of_the_table_or_unknown() {
        for (kind, name) in
            [("zfs", "zfs"), ("overlay", "overlayfs"), ("fuse.sshfs", "fuse"), ("nfs4", "nfs"), ("new", "unknown")]
        {
            assert_eq!(Filesystem::mounted_as(kind).name(), name);
        }
    }

    #[test]
    fn what_nobody_listed_may_stand_in_front_of_anything() {
        assert!(Filesystem::new(0x1234_5678).beneath().is_some() && Filesystem::new(0x794c_7630).beneath().is_some());
        assert!(Filesystem::new(0xef53).beneath().is_none() && Filesystem::new(ZFS).beneath().is_none());
    }

    #[test]
    fn a_filesystem_that_may_tell_extents_makes_them_worth_nothing() {
        let list = "nodev\tsysfs\nnodev\ttmpfs\nnodev\toverlay\n\text4\n\tfuseblk\n";
        assert!(only_honest_ones_tell_extents(list, (6, 12)));
        for other in ["zfs", "cifs", "f2fs", "new"] {
            assert!(!only_honest_ones_tell_extents(&format!("{list}nodev\t{other}\n"), (6, 12)), "{other}");
        }
        assert!(!only_honest_ones_tell_extents("", (6, 12)));
        assert!(!only_honest_ones_tell_extents(list, (5, 10)) && !only_honest_ones_tell_extents(list, (99, 0)));
    }

    #[test]
    fn an_old_kernel_makes_an_honest_filesystem_unknown() {
        let ext4 = Filesystem::new(0xef53);
        assert_eq!(ext4.honesty((5, 18)), Honesty::Unknown);
        assert_eq!(ext4.honesty((5, 19)), Honesty::Honest);
        assert_eq!(Filesystem::new(ZFS).honesty((5, 4)), Honesty::Zfs);
    }
}
