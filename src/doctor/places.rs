//! One filesystem: its type, what its hints are worth, what safecp would do there.
//!
//! What safecp would do is asked of the code that decides it for a copy, with files that are made up.

use super::machine::Answer;
use super::mounts::{self, Mount};
use crate::copy::ladder::Ladder;
use crate::copy::probe::{Probe, Residency};
use crate::copy::strategy::{Cloning, Rung, Why};
use crate::host::Host;
use crate::kernel::linux::Linux;
use crate::kernel::{Errno, Kernel, Mode, OFlags, ResolveFlags, SECTOR};
use crate::known::filesystems::{Filesystem, HONEST_SINCE, Honesty};
use crate::options::Options;
use rustix::fd::OwnedFd;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A filesystem that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ExaminedFilesystem {
    /// What was asked for.
    #[serde(serialize_with = "super::json::lossy")]
    pub(super) path: PathBuf,
    /// Where it is mounted, if that can be told.
    #[serde(serialize_with = "super::json::lossy")]
    pub(super) mount_point: PathBuf,
    /// Its type as the table names it.
    #[serde(rename = "type")]
    pub(super) name: &'static str,
    /// Its type as it was mounted.
    mounted_as: Option<String>,
    /// Whether its word about holes and clones is taken.
    pub(super) believed: bool,
    /// Why, or for which files only.
    pub(super) why: String,
    /// What may lie beneath it.
    pub(super) beneath: Option<String>,
    /// What safecp would try, best first.
    pub(super) would_choose: Choices,
    /// Whether files without a name can be made there.
    pub(super) o_tmpfile: Answer,
    /// Whether bugs of ZFS can reach its files.
    pub(super) exposure: Exposure,
}

/// How OpenZFS's bugs can reach files there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Exposure {
    /// It is ZFS.
    Zfs,
    /// It may keep its files in ZFS.
    MayHideZfs,
    /// Not at all.
    Nothing,
}

/// What safecp would do with a file, for files of four kinds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Choices {
    /// With all its sectors.
    pub(super) dense: Vec<Choice>,
    /// With fewer sectors than its size needs.
    pub(super) sparse: Vec<Choice>,
    /// With pages that are changed.
    pub(super) mapped: Vec<Choice>,
    /// With pages that are written back.
    pub(super) clean_pages: Vec<Choice>,
}

/// A strategy, best first, and what allows it or forbids a better one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Choice {
    /// Its name as --debug has it.
    pub(super) strategy: String,
    /// As --debug has it.
    pub(super) why: String,
}

/// Looks at the filesystem that a file or directory lies on.
pub(super) fn look(
    path: &Path,
    mounts: &[Mount],
    host: &Host,
    sees_clean_pages: bool,
) -> Result<ExaminedFilesystem, Errno> {
    let kernel = Linux::new();
    let open = |path: &Path| kernel.open(None, path, OFlags::PATH, Mode::empty(), ResolveFlags::empty());
    let magic = kernel.filesystem(&open(path)?)?;
    let whole = std::fs::canonicalize(path).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    let mount = mounts::of(mounts, &whole);
    let directory = if whole.is_dir() { &whole } else { whole.parent().unwrap_or(&whole) };
    let layers = mount.map(Mount::layers).unwrap_or_default();
    let names =
        layers.iter().filter_map(|layer| Some(Filesystem::new(kernel.filesystem(&open(layer).ok()?).ok()?).name()));
    let mut place = on_magic(magic, names.collect(), host, sees_clean_pages);
    if place.believed && refuses_clones(&kernel, directory) {
        place.would_choose = choices(&Probe::before_a_look(magic, host), sees_clean_pages, Cloning::Refused);
    }
    place.path = path.to_owned();
    place.mount_point = mount.map_or_else(|| whole.clone(), |mount| mount.point.clone());
    place.mounted_as = mount.map(|mount| mount.kind.clone());
    place.o_tmpfile = Answer::of(nameless(&kernel, directory).map(drop));
    Ok(place)
}

/// What can be told of a mount that this user may not reach: FUSE mounts are closed to everyone but their
/// owner, even to root.
pub(super) fn from_afar(mount: &Mount, errno: Errno, host: &Host, sees_clean_pages: bool) -> ExaminedFilesystem {
    let filesystem = Filesystem::mounted_as(&mount.kind);
    ExaminedFilesystem {
        path: mount.point.clone(),
        mount_point: mount.point.clone(),
        mounted_as: Some(mount.kind.clone()),
        o_tmpfile: Answer::of(Err::<(), _>(errno)),
        ..on_magic(filesystem.magic(), Vec::new(), host, sees_clean_pages)
    }
}

/// What the number alone tells, and the types of what lies beneath where that is known.
pub(super) fn on_magic(magic: u32, mut layers: Vec<&str>, host: &Host, sees_clean_pages: bool) -> ExaminedFilesystem {
    let before = Probe::before_a_look(magic, host);
    let filesystem = before.filesystem;
    let cloning = if filesystem.never_clones() { Cloning::Refused } else { Cloning::IntoNew };
    layers.sort_unstable();
    layers.dedup();
    let visible = if layers.is_empty() { String::new() } else { format!(" (visible: {})", layers.join(", ")) };
    ExaminedFilesystem {
        path: PathBuf::new(),
        mount_point: PathBuf::new(),
        name: filesystem.name(),
        mounted_as: None,
        believed: before.honesty == Honesty::Honest,
        why: why(filesystem, before.honesty),
        beneath: filesystem
            .beneath()
            .filter(|_| before.honesty == Honesty::Unknown)
            .map(|text| format!("{text}{visible}")),
        would_choose: choices(&before, sees_clean_pages, cloning),
        o_tmpfile: Answer::of(Err::<(), _>(Errno::OPNOTSUPP)),
        exposure: exposure(filesystem, before.honesty),
    }
}

/// Makes a file without a name, which is gone when it is closed.
fn nameless(kernel: &Linux, directory: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::EXCL;
    kernel.open(None, directory, flags, Mode::RUSR, ResolveFlags::empty())
}

/// Whether the filesystem was made without clones, as XFS may be. To be asked of those alone that are known: a clone of an
/// empty file may hang on ZFS (OpenZFS #15994).
fn refuses_clones(kernel: &Linux, directory: &Path) -> bool {
    let (Ok(source), Ok(target)) = (nameless(kernel, directory), nameless(kernel, directory)) else { return false };
    kernel.ficlone(&target, &source) == Err(Errno::OPNOTSUPP)
}

fn exposure(filesystem: Filesystem, honesty: Honesty) -> Exposure {
    match honesty {
        Honesty::Zfs => Exposure::Zfs,
        Honesty::Unknown if filesystem.beneath().is_some() => Exposure::MayHideZfs,
        Honesty::Unknown | Honesty::Honest | Honesty::Pseudo => Exposure::Nothing,
    }
}

fn why(filesystem: Filesystem, honesty: Honesty) -> String {
    match honesty {
        Honesty::Honest => "answers from what reads see".to_owned(),
        Honesty::Zfs => {
            "only of files that were written out, without known bugs; holes only of files without resident pages"
                .to_owned()
        }
        Honesty::Unknown if filesystem.becomes_honest() => {
            format!(
                "honest since Linux {}.{} only; on this kernel of files without resident pages",
                HONEST_SINCE.0, HONEST_SINCE.1
            )
        }
        Honesty::Unknown => "not known to be honest: only of files without resident pages".to_owned(),
        Honesty::Pseudo => "its files are made up when they are read".to_owned(),
    }
}

/// The size of the files that are made up.
const SIZE: u64 = 1 << 20;

fn choices(before: &Probe, sees_clean_pages: bool, cloning: Cloning) -> Choices {
    let dense = Probe { size: SIZE, blocks: SIZE / SECTOR, ..before.clone() };
    let with_pages = |residency| match before.honesty {
        // Nobody asks there.
        Honesty::Honest | Honesty::Pseudo => Residency::Nothing,
        Honesty::Zfs | Honesty::Unknown if sees_clean_pages => residency,
        Honesty::Zfs | Honesty::Unknown => Residency::Resident,
    };
    let ladder = |probe: &Probe| ladder(probe, cloning);
    Choices {
        sparse: ladder(&Probe { blocks: 0, ..dense.clone() }),
        mapped: ladder(&Probe { residency: with_pages(Residency::Dirty), ..dense.clone() }),
        clean_pages: ladder(&Probe { residency: with_pages(Residency::Clean), ..dense.clone() }),
        dense: ladder(&dense),
    }
}

fn ladder(probe: &Probe, cloning: Cloning) -> Vec<Choice> {
    match Ladder::new(probe, &Options::plain(), cloning) {
        Ok(ladder) => ladder.rungs().iter().enumerate().map(|(at, rung)| choice(rung, at == 0)).collect(),
        Err(why) => vec![Choice { strategy: "none".to_owned(), why: why.to_string() }],
    }
}

fn choice(rung: &Rung, is_first: bool) -> Choice {
    let why = match rung.why {
        // Of what comes after others it is the reason that it is there at all.
        Why::NothingToGain if !is_first => "always possible".to_owned(),
        why => why.to_string(),
    };
    Choice { strategy: rung.strategy.to_string(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::zfs::{Module, Version};

    const ZFS: u32 = 0x2fc1_2fc1;
    const OVERLAY: u32 = 0x794c_7630;

    fn host(version: &str) -> Host {
        let zfs = Module { version: Version::parse(version), offset_next_sync: Some(1) };
        Host { kernel: (6, 12), zfs: Some(zfs), ..Host::default() }
    }

    fn first(choices: &[Choice]) -> (&str, &str) {
        (&choices[0].strategy, &choices[0].why)
    }

    #[test]
    fn what_safecp_would_do_is_what_it_does() {
        let old = on_magic(ZFS, vec![], &host("2.1.11-1"), true).would_choose;
        assert_eq!(
            first(&old.mapped),
            ("stream", "OpenZFS #15933: clones of mapped files have been measured from 2.3.2 on only")
        );
        assert_eq!(first(&old.sparse).0, "reflink");
        assert_eq!(old.sparse[1].why, "OpenZFS #15933: a file written through mmap looks like a hole");
        let new = on_magic(ZFS, vec![], &host("2.4.4-1"), true).would_choose;
        assert_eq!(first(&new.clean_pages), ("reflink", "resident pages on zfs written back, and it was written out"));
        let blind = on_magic(ZFS, vec![], &host("2.4.4-1"), false).would_choose;
        assert_eq!(first(&blind.clean_pages), ("stream", "resident pages on zfs: mapped"));
    }

    #[test]
    fn an_overlay_may_hide_what_its_layers_are() {
        let place = on_magic(OVERLAY, vec!["zfs", "ext4", "zfs"], &host("2.4.4-1"), true);
        assert!(place.beneath.expect("layers").ends_with("(visible: ext4, zfs)"));
        assert_eq!((place.exposure, place.believed), (Exposure::MayHideZfs, false));
        assert_eq!(on_magic(0xf2f5_2010, vec![], &host("2.4.4-1"), true).exposure, Exposure::Nothing);
    }

    #[test]
    fn a_path_that_is_not_there_says_so() {
        let looked = look(Path::new("/nowhere/at/all"), &[], &host("2.4.4-1"), true);
        assert_eq!(looked.expect_err("no such path"), Errno::NOENT);
    }
}
