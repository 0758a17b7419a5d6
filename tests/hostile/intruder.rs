//! Somebody who may change names in the trees, and does so as fast as they can while a copy runs.
//!
//! Each attempt puts something into the place of an entry, leaves it there for a moment, and puts the entry back. Both
//! are single renames with RENAME_EXCHANGE, so that no name is ever missing, unless its absence is the attempt.

use super::content::{Tag, text};
use super::orders::What;
use super::random::Random;
use super::stage::{INTRUDER, Stage, make_fifo};
use crate::common::is_root;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::thread::{Gid, Uid};
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Longest wait between two acts.
const PAUSE_MAX_MICROS: u64 = 250;

/// In which tree names are swapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Target => "target",
        }
    }

    /// Where the names are when single files are copied.
    fn directory(self) -> &'static str {
        match self {
            Side::Source => "d0",
            Side::Target => "",
        }
    }

    fn tree(self) -> &'static str {
        match self {
            Side::Source => "tree/source",
            Side::Target => "tree/target",
        }
    }
}

/// What is put into the place of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// Links to what has the entry's name outside: by its whole path, by `..`, and by way of another link.
    AbsoluteLink,
    RelativeLink,
    ChainedLink,
    /// A link to an empty directory outside.
    EmptyLink,
    Fifo,
    Socket,
    /// Devices: one at its end, one without.
    Null,
    Zero,
    /// A file, and one with the set-user-ID bit.
    Decoy,
    SetIdDecoy,
    /// A directory with the names of the source.
    DecoyDirectory,
    /// A further name of a file outside.
    LinkedVictim,
    /// Another directory of the same tree.
    Sibling,
    /// Nothing.
    Absence,
    /// The entry itself, longer or shorter than it was.
    Growth,
    Cut,
}

impl Plant {
    fn is_link(self) -> bool {
        matches!(self, Plant::AbsoluteLink | Plant::RelativeLink | Plant::ChainedLink | Plant::EmptyLink)
    }
}

const FOR_ALL: &[Plant] =
    &[Plant::AbsoluteLink, Plant::RelativeLink, Plant::ChainedLink, Plant::Fifo, Plant::Decoy, Plant::Absence];
const FOR_FILES: &[Plant] = &[Plant::Socket, Plant::SetIdDecoy, Plant::Growth, Plant::Cut];
const FOR_DIRECTORIES: &[Plant] = &[Plant::EmptyLink, Plant::DecoyDirectory, Plant::Sibling];
const DEVICES: &[Plant] = &[Plant::Null, Plant::Zero];

/// What intruders did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Swaps.
    pub(crate) swapped: AtomicU64,
    /// Attempts that did not find their name.
    pub(crate) missed: AtomicU64,
}

/// One intruder.
pub(crate) struct Intruder<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) side: Side,
    /// With single files only their own names are swapped: the way to them is the user's.
    pub(crate) what: What,
    pub(crate) random: Random,
    pub(crate) tally: &'a Tally,
    /// Not root, where the tests are.
    pub(crate) is_other: bool,
    /// May plant devices, and further names of what is outside.
    pub(crate) devices: bool,
    /// May plant links in the target.
    pub(crate) plants_links_in_target: bool,
    /// May plant fifos and devices in the source: they are not read there.
    pub(crate) plants_specials: bool,
    pub(crate) links_victim: bool,
    /// What is cut keeps so many bytes, if it had them.
    pub(crate) left_min: u64,
}

impl Intruder<'_> {
    /// Strikes again and again until told to stop.
    pub(crate) fn run(mut self, stop: &AtomicBool) {
        if self.is_other {
            become_other(INTRUDER);
        }
        for number in 0_u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            self.pause();
            let count = if self.strike(number) { &self.tally.swapped } else { &self.tally.missed };
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn pause(&mut self) {
        match self.random.below(4) {
            0 => {}
            1 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(self.random.below(PAUSE_MAX_MICROS))),
        }
    }

    /// One attempt; whether the entry was swapped.
    fn strike(&mut self, number: u64) -> bool {
        let is_directory = self.what == What::Tree && self.random.once_in(3);
        let names = if is_directory { &self.stage.directories } else { &self.stage.files };
        let name = names[self.random.index(names.len())].clone();
        if self.what == What::Files && name.parent() != Some(Path::new(self.side.directory())) {
            return false;
        }
        let entry = self.stage.entry(self.side.tree(), &name);
        let plant = self.choose(is_directory);
        match plant {
            Plant::Growth | Plant::Cut => return self.resize(plant, &entry, &name),
            Plant::Absence => return self.hide(&entry, number),
            Plant::Sibling => {
                let other = self.random.index(self.stage.directories.len());
                let other = &self.stage.directories[other];
                return self.exchange(&self.stage.entry(self.side.tree(), other), &entry);
            }
            _ => {}
        }
        let Some(made) = self.make(plant, &name, number) else { return false };
        self.exchange(&made, &entry)
    }

    fn choose(&mut self, is_directory: bool) -> Plant {
        let mut choices = FOR_ALL.to_vec();
        choices.retain(|plant| self.side == Side::Source || self.plants_links_in_target || !plant.is_link());
        choices.retain(|plant| *plant != Plant::Fifo || self.side == Side::Target || self.plants_specials);
        choices.extend_from_slice(if is_directory { FOR_DIRECTORIES } else { FOR_FILES });
        if self.devices && (self.side == Side::Target || self.plants_specials) {
            choices.extend_from_slice(DEVICES);
        }
        if self.links_victim && self.side == Side::Target && !is_directory {
            choices.extend([Plant::LinkedVictim; 3]);
        }
        self.random.pick(&choices)
    }

    /// Makes what is to be planted, in the intruder's own place.
    fn make(&mut self, plant: Plant, name: &Path, number: u64) -> Option<PathBuf> {
        let made = self.stage.path("park").join(format!("{}-{number}", self.side.name()));
        let outside = self.stage.path("outside");
        let leaf = name.file_name().map_or("d", |leaf| leaf.to_str().expect("a plain name"));
        match plant {
            Plant::AbsoluteLink => symlink(outside.join(name), &made).expect("symlink"),
            Plant::EmptyLink => symlink(outside.join("empty"), &made).expect("symlink"),
            Plant::RelativeLink => {
                let up = "../".repeat(1 + name.components().count());
                symlink(Path::new(&up).join("outside").join(name), &made).expect("symlink");
            }
            Plant::ChainedLink => {
                let between = made.with_extension("between");
                symlink(outside.join(name), &between).expect("symlink");
                symlink(&between, &made).expect("symlink");
            }
            Plant::Fifo => make_fifo(&made),
            Plant::Socket => make_node(&made, FileType::Socket, 0)?,
            Plant::Null => make_node(&made, FileType::CharacterDevice, rustix::fs::makedev(1, 3))?,
            Plant::Zero => make_node(&made, FileType::CharacterDevice, rustix::fs::makedev(1, 5))?,
            Plant::Decoy => fs::write(&made, text(Tag::Decoy, leaf, 3_000)).expect("a decoy"),
            Plant::SetIdDecoy => {
                fs::write(&made, text(Tag::Decoy, leaf, 3_000)).expect("a decoy");
                if is_root() && !self.is_other {
                    std::os::unix::fs::chown(&made, Some(INTRUDER), Some(INTRUDER)).expect("chown");
                }
                fs::set_permissions(&made, Permissions::from_mode(0o6755)).expect("chmod");
            }
            Plant::DecoyDirectory => {
                return Some(self.stage.entry(&format!("park/decoy-{}", self.side.name()), name));
            }
            Plant::LinkedVictim => fs::hard_link(outside.join("linked"), &made).ok()?,
            Plant::Sibling | Plant::Absence | Plant::Growth | Plant::Cut => return None,
        }
        Some(made)
    }

    fn open_plainly(&self, entry: &Path) -> Option<File> {
        let (dir, leaf) = self.beneath(entry)?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(dir, leaf, flags, Mode::empty()).ok().map(File::from)
    }

    /// Renames, if no link leads to either name: the intruder stays in the trees and the place of their own.
    fn rename(&self, from: &Path, to: &Path, flags: RenameFlags) -> bool {
        let (Some(from), Some(to)) = (self.beneath(from), self.beneath(to)) else { return false };
        rustix::fs::renameat_with(&from.0, &from.1, &to.0, &to.1, flags).is_ok()
    }

    /// The directory that a name lies in, reached through no link, and the last component.
    fn beneath(&self, path: &Path) -> Option<(OwnedFd, PathBuf)> {
        let (above, leaf) = (path.parent()?, path.file_name()?);
        let above = above.strip_prefix(self.stage.root()).ok()?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let root = rustix::fs::openat(CWD, self.stage.root(), flags, Mode::empty()).ok()?;
        Some((rustix::fs::openat2(root, above, flags, Mode::empty(), within).ok()?, leaf.into()))
    }

    /// Swaps two names, waits, and swaps them back. A target that is not there yet is taken, and given up again.
    fn exchange(&mut self, plant: &Path, entry: &Path) -> bool {
        if self.rename(plant, entry, RenameFlags::EXCHANGE) {
            self.pause();
            if !self.rename(plant, entry, RenameFlags::EXCHANGE) {
                self.rename(plant, entry, RenameFlags::NOREPLACE);
            }
            return true;
        }
        if self.side == Side::Target && self.rename(plant, entry, RenameFlags::NOREPLACE) {
            self.pause();
            self.rename(entry, plant, RenameFlags::NOREPLACE);
            return true;
        }
        false
    }

    fn hide(&mut self, entry: &Path, number: u64) -> bool {
        let hidden = self.stage.path("park").join(format!("{}-{number}", self.side.name()));
        if !self.rename(entry, &hidden, RenameFlags::NOREPLACE) {
            return false;
        }
        self.pause();
        self.rename(&hidden, entry, RenameFlags::NOREPLACE);
        true
    }

    /// Makes the entry longer or shorter, if it is a file: by a handle, since it may be swapped by another intruder.
    fn resize(&mut self, plant: Plant, entry: &Path, name: &Path) -> bool {
        let leaf = name.file_name().map_or("d", |leaf| leaf.to_str().expect("a plain name"));
        let is_text = self.side == Side::Source && leaf.starts_with('f');
        let Some(mut file) = is_text.then(|| self.open_plainly(entry)).flatten() else { return false };
        let Ok(metadata) = file.metadata() else { return false };
        let size = metadata.len() as usize;
        if !metadata.is_file() || size > 1 << 20 {
            return false;
        }
        if plant == Plant::Cut {
            let left = self.random.below(size as u64 + 1).max(self.left_min);
            return file.set_len(left.min(size as u64)).is_ok();
        }
        let more = 1 + self.random.index(20_000);
        let grown = text(Tag::Source, leaf, size + more);
        file.write_all(&grown[size..]).is_ok()
    }
}

fn make_node(path: &Path, kind: FileType, device: u64) -> Option<()> {
    rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), device).ok()
}

/// Makes this thread, and no other, run as somebody without rights.
pub(crate) fn become_other(user: u32) {
    rustix::thread::set_thread_groups(&[]).expect("setgroups");
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
    rustix::thread::set_thread_res_gid(group, group, group).expect("setresgid");
    rustix::thread::set_thread_res_uid(user, user, user).expect("setresuid");
}
