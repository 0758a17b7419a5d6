//! The machine: its kernel, its ZFS module, and what its administrator has said of attributes.

use crate::error::reason_of;
use crate::kernel::process;
use crate::known::attributes::Rules;
use crate::known::filesystems::only_honest_ones_tell_extents;
use crate::known::zfs::{Module, Version};
use crate::quote::quoted;
use rustix::io::Errno;
use std::path::Path;

/// Where the kernel shows the loaded ZFS module.
pub const ZFS_MODULE: &str = "/sys/module/zfs";

/// Where libattr is told which extended attributes are not copied.
pub const ATTRIBUTE_RULES: &str = "/etc/xattr.conf";

/// What is known of the machine, read once.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Major and minor release of the kernel; (0, 0) if it cannot be read.
    pub kernel: (u32, u32),
    /// The loaded ZFS module.
    pub zfs: Option<Module>,
    /// What its administrator has said of extended attributes.
    pub attributes: Rules,
    /// Whether a file that tells its extents through an overlay is known to lie on an honest filesystem.
    pub extents_are_honest: bool,
}

/// The running kernel's release and the loaded ZFS module. What cannot be read is unknown, which the
/// policy takes for the worst.
#[must_use]
pub fn this_host() -> Host {
    let kernel = process::release().map_or((0, 0), |release| parse_release(&release));
    let zfs = zfs_module(Path::new(ZFS_MODULE));
    let filesystems = std::fs::read_to_string(FILESYSTEMS).unwrap_or_default();
    let extents_are_honest = zfs.is_none() && only_honest_ones_tell_extents(&filesystems, kernel);
    Host { kernel, zfs, attributes: Rules::default(), extents_are_honest }
}

/// What the administrator has said of extended attributes, and what there is to say if that cannot be used: then
/// holds what holds where nothing was said.
#[must_use]
pub fn attribute_rules(path: &Path) -> (Rules, Option<String>) {
    let unused = |why: &str| (Rules::default(), Some(format!("{} is not used: {why}", quoted(path))));
    match std::fs::read(path) {
        Ok(text) => Rules::parse(&text).map_or_else(|| unused("Invalid argument"), |rules| (rules, None)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Rules::default(), None),
        Err(error) => unused(&reason_of(&error)),
    }
}

/// Major and minor of "6.18.44-amd64"; (0, 0) if it does not read so.
#[must_use]
pub fn parse_release(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor),
        _ => (0, 0),
    }
}

/// Where the kernel lists the filesystems that it has.
const FILESYSTEMS: &str = "/proc/filesystems";

/// The ZFS module that shows itself in this directory; `None` only where the kernel says that there is none. What
/// cannot be told, as without /sys and /proc, is a module of which nothing is known: the policy takes it for the worst.
#[must_use]
pub fn zfs_module(module: &Path) -> Option<Module> {
    match rustix::fs::stat(module) {
        Ok(_) => {
            let read = |name: &str| std::fs::read_to_string(module.join(name)).ok();
            Some(Module {
                version: read("version").and_then(|text| Version::parse(&text)),
                offset_next_sync: read("parameters/zfs_dmu_offset_next_sync").and_then(|text| text.trim().parse().ok()),
            })
        }
        Err(Errno::NOENT) if module.parent().is_some_and(shows_modules) => None,
        Err(_) => {
            if has_no_zfs(Path::new(FILESYSTEMS)) {
                None
            } else {
                Some(Module::default())
            }
        }
    }
}

/// Whether a directory is the kernel's own, so that a module that has no name there is not loaded.
fn shows_modules(directory: &Path) -> bool {
    rustix::fs::statfs(directory).is_ok_and(|found| found.f_type as u32 == SYSFS)
}

const SYSFS: u32 = 0x6265_6572;

/// Whether the kernel's list is there and has no ZFS. Every such list has /proc itself.
fn has_no_zfs(list: &Path) -> bool {
    let has = |text: &str, name| text.lines().any(|line| line.split_whitespace().next_back() == Some(name));
    std::fs::read_to_string(list).is_ok_and(|text| has(&text, "proc") && !has(&text, "zfs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_distributions_are_read() {
        assert_eq!(parse_release("6.18.44-fc"), (6, 18));
        assert_eq!(parse_release("5.4"), (5, 4));
        assert_eq!(parse_release("next"), (0, 0));
    }

    #[test]
    fn a_module_that_hides_its_version_is_there_and_unknown() {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(dir.path().join("parameters")).expect("a directory");
        std::fs::write(dir.path().join("parameters/zfs_dmu_offset_next_sync"), "0\n").expect("a file");
        assert_eq!(zfs_module(dir.path()), Some(Module { version: None, offset_next_sync: Some(0) }));
        assert_eq!(zfs_module(&Path::new(ZFS_MODULE).with_file_name("missing")), None);
    }

    #[test]
    fn a_module_that_nobody_can_tell_of_is_none_only_where_the_kernel_says_so() {
        let dir = tempfile::tempdir().expect("a directory");
        let list = dir.path().join("filesystems");
        assert!(!has_no_zfs(&list), "there is no list");
        for (text, is_none) in [("nodev\tproc\n\text4\n", true), ("nodev\tproc\nnodev\tzfs\n", false), ("", false)] {
            std::fs::write(&list, text).expect("a list");
            assert_eq!(has_no_zfs(&list), is_none, "{text:?}");
        }
        assert!(shows_modules(Path::new("/sys/module")) && !shows_modules(dir.path()));
    }
}
