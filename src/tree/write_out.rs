//! With --durable the directories of a run are written out.

use super::commit_group::{GROUPS_APART, SLOW};
use super::handles::Pair;
use super::level::Level;
use super::run::Run;
use super::unwritten::DirectoryToSync;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags};
use crate::report::Event;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

impl<K: Kernel> Run<'_, K> {
    /// With --durable sees to it that the names in a directory that is done are written out when the operands are.
    pub(super) fn write_out_later(&self, level: &Level<K>, pair: &Pair<K>) {
        if !self.options.durable {
            return;
        }
        let shown = level.target_shown();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = self.kernel.open(Some(&pair.target), Path::new("."), flags, Mode::empty(), ResolveFlags::empty());
        let Ok(handle) = opened else {
            // It may have been one handle too many.
            self.write_out_directories();
            if let Err(error) = self.entries.copier.sync_directory(&pair.target, &shown) {
                self.tell(Event::Failed(&error));
            }
            return;
        };
        let mut waiting = self.unwritten.waiting();
        waiting.directories.push(DirectoryToSync { handle, known: level.target_directory, shown });
        let is_full = waiting.directories.len() >= self.unwritten.directories_max;
        drop(waiting);
        if is_full {
            self.write_out_directories();
        }
    }

    /// Writes out what waits. What fails is told.
    pub(super) fn write_out_directories(&self) {
        let (directories, is_apart) = self.unwritten.take();
        let mut filesystems: BTreeMap<Option<u64>, Vec<DirectoryToSync<K>>> = BTreeMap::new();
        for directory in directories {
            filesystems.entry(directory.known.dev).or_default().push(directory);
        }
        for (dev, directories) in filesystems {
            if is_apart || dev.is_none() || !self.are_written_at_once(&directories) {
                self.write_out_each(&directories);
            }
        }
    }

    /// Writes out the filesystem that these lie on. False if that does not tell whether all of them are written.
    fn are_written_at_once(&self, directories: &[DirectoryToSync<K>]) -> bool {
        let [_, .., DirectoryToSync { handle, known, .. }] = directories else { return false };
        let begun = Instant::now();
        let are_written = self.entries.copier.sync_names(handle, known.honesty);
        if begun.elapsed() > SLOW * u32::try_from(directories.len()).unwrap_or(u32::MAX) {
            self.unwritten.waiting().apart = GROUPS_APART;
        }
        are_written
    }

    fn write_out_each(&self, directories: &[DirectoryToSync<K>]) {
        for DirectoryToSync { handle, shown, .. } in directories {
            if let Err(errno) = self.kernel.fsync(handle) {
                self.tell(Event::Failed(&Error::call(Action::Sync, shown, errno)));
            }
        }
    }
}
