//! The ZFS module that is loaded: its version, the parameters that matter, and the bugs that are known of it.

use super::clock::Clock;
use super::run::said_by;
use crate::host::zfs_module;
use crate::known::zfs::{Bug, Hint, Version};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The parameters that decide about holes and clones.
const PARAMETERS: [&str; 3] = ["zfs_dmu_offset_next_sync", BCLONE_ENABLED, "zfs_bclone_wait_dirty"];

const BCLONE_ENABLED: &str = "zfs_bclone_enabled";

/// The loaded module, or one that cannot be ruled out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Zfs {
    /// As it says; `None` where it cannot be read.
    pub(super) module_version: Option<String>,
    /// What the tools say of theirs.
    pub(super) tools_version: Option<String>,
    /// Name and value; `None` where the module has no such parameter.
    pub(super) parameters: Vec<(&'static str, Option<String>)>,
    /// Whether it clones blocks, as far as version and parameters tell.
    pub(super) clones: bool,
    /// Those that a program meets which believes what the kernel says.
    pub(super) bugs: Vec<KnownBug>,
}

/// A known bug of the module, in the words of the table.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct KnownBug {
    /// The issue at the OpenZFS project.
    pub(super) number: u32,
    /// What happens.
    pub(super) effect: &'static str,
    /// When.
    pub(super) trigger: &'static str,
    /// The releases without it.
    #[serde(rename = "mended")]
    pub(super) fixed_in: &'static str,
    /// What helps.
    pub(super) mitigation: &'static str,
    /// What it makes wrong.
    #[serde(skip)]
    pub(super) hint: Hint,
}

/// Looks at the module that shows itself in this directory.
pub(super) fn look<'c>(module: &Path, path: &[PathBuf], clock: &dyn Fn() -> Clock<'c>) -> Option<Zfs> {
    Some(Zfs { tools_version: tools(path, clock), ..of(module)? })
}

/// What the directory alone tells.
pub(super) fn of(module: &Path) -> Option<Zfs> {
    let known = zfs_module(module)?;
    let read = |name: &str| std::fs::read_to_string(module.join(name)).ok().map(|text| text.trim().to_owned());
    let parameters = PARAMETERS.map(|name| (name, read(&format!("parameters/{name}")))).to_vec();
    let enabled = parameters.iter().find(|(name, _)| *name == BCLONE_ENABLED).and_then(|(_, value)| value.as_deref());
    let clones = known.clones(enabled.and_then(|value| value.parse().ok()));
    let version = read("version");
    let bugs =
        known.bugs(version.as_deref().unwrap_or_default()).into_iter().filter(|(hint, _)| clones || !hint.is_clone());
    let bugs = bugs.map(|(hint, Bug { number, effect, trigger, fixed_in, mitigation })| KnownBug {
        number,
        effect,
        trigger,
        fixed_in,
        mitigation,
        hint,
    });
    Some(Zfs { module_version: version, tools_version: None, parameters, clones, bugs: bugs.collect() })
}

/// `zfs version`: the first line is the tools', as "zfs-2.1.11-1". Without the tools there is nothing to compare.
fn tools<'c>(path: &[PathBuf], clock: &dyn Fn() -> Clock<'c>) -> Option<String> {
    let said = said_by("zfs", "version", path, &clock())?;
    said.lines().next()?.trim().strip_prefix("zfs-").map(str::to_owned)
}

impl Zfs {
    /// Whether the kernel shows nothing of it: it may not be there at all.
    pub(super) fn is_hidden(&self) -> bool {
        self.module_version.is_none() && self.parameters.iter().all(|(_, value)| value.is_none())
    }

    /// Whether tools and module are of different releases: the module's counts, and a restart may be due.
    pub(super) fn is_mismatched(&self) -> bool {
        let release = |text: &Option<String>| text.as_deref().map(Version::parse);
        self.tools_version.is_some() && release(&self.tools_version) != release(&self.module_version)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A directory as the kernel shows a module, with these parameters.
    pub(in super::super) fn module(version: &str, parameters: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("parameters")).expect("a directory");
        std::fs::write(directory.path().join("version"), format!("{version}\n")).expect("a file");
        for (name, value) in parameters {
            std::fs::write(directory.path().join("parameters").join(name), format!("{value}\n")).expect("a file");
        }
        directory
    }

    /// What is known of a module where /sys and /proc are not to be had.
    pub(in super::super) fn hidden() -> Zfs {
        let directory = tempfile::tempdir().expect("a directory");
        let known = of(directory.path()).expect("a module without a version and parameters");
        assert!(known.is_hidden() && !of(module("git-1234", &[]).path()).expect("a module").is_hidden());
        known
    }

    fn numbers(version: &str, parameters: &[(&str, &str)]) -> Vec<u32> {
        of(module(version, parameters).path()).expect("a module").bugs.iter().map(|bug| bug.number).collect()
    }

    #[test]
    fn debian_12_as_shipped_has_15933() {
        let waits = [("zfs_dmu_offset_next_sync", "1")];
        assert_eq!(numbers("2.1.11-1+deb12u1", &waits), [15933], "its package has #15526 mended");
        assert_eq!(numbers("2.1.11-1", &waits), [15933, 15526]);
    }

    #[test]
    fn where_nothing_is_cloned_bugs_of_clones_are_none() {
        assert_eq!(numbers("2.4.4-1", &[("zfs_bclone_enabled", "1")]), [16012]);
        assert_eq!(numbers("2.4.4-1", &[("zfs_bclone_enabled", "0")]), [0; 0]);
        assert_eq!(numbers("2.2.0-1", &[]), [15933, 15526, 15933, 15728, 15994, 18412, 16012]);
    }

    #[test]
    fn a_module_that_hides_its_version_has_the_worst() {
        assert_eq!(numbers("git-1234", &[("zfs_bclone_enabled", "1")]), [15933, 15933]);
        assert!(of(&Path::new(crate::host::ZFS_MODULE).with_file_name("nowhere")).is_none());
    }

    #[test]
    fn tools_of_another_release_are_noticed() {
        let with = |tools: Option<&str>| Zfs {
            tools_version: tools.map(str::to_owned),
            ..of(module("2.1.11-1", &[]).path()).expect("a module")
        };
        assert!(with(Some("2.2.3-1")).is_mismatched());
        assert!(!with(Some("2.1.11-1~bpo1")).is_mismatched() && !with(None).is_mismatched());
    }
}
