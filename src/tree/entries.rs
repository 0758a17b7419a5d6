//! What all names of a run share that are no directories: the copier, the options, and the questions to the user.

use super::entry_context::{EntryContext, MadeBefore};
use super::links::{Identity, Version, identity};
use super::overwrite::Ask;
use crate::copy::{Copier, Follow};
use crate::host::Host;
use crate::kernel::{Kernel, Kind, Stat};
use crate::options::{Backup, Options, Product, Removal};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;

/// Copies names that are no directories.
pub struct Entries<'a, K: Kernel> {
    /// Copies regular files.
    pub copier: Copier<'a, K>,
    /// Puts -i's question.
    ask: Ask<'a>,
    /// Held while a question waits for its answer.
    turn: Mutex<()>,
    /// Old files with several names that are written in place: as they were, and of which source.
    pub(super) written: Mutex<BTreeMap<Identity, (Stat, Version)>>,
}

impl<'a, K: Kernel> Entries<'a, K> {
    /// Entries for these options; `ask` puts -i's question.
    pub fn new(kernel: &'a K, options: &'a Options, host: &'a Host, stop: &'a AtomicBool, ask: Ask<'a>) -> Self {
        Self {
            copier: Copier::new(kernel, options, host, stop),
            ask,
            turn: Mutex::default(),
            written: Mutex::default(),
        }
    }

    pub(super) fn options(&self) -> &Options {
        self.copier.options
    }

    /// Puts a question to the user, who is asked one at a time.
    pub(super) fn asks(&self, question: &str) -> bool {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        (self.ask)(question)
    }

    /// Whether a source of this kind becomes a regular file: without -R, or with --copy-contents, all do.
    pub(super) fn is_copied_as_file(&self, stat: &Stat) -> bool {
        let reads_all = !self.options().recursive || self.options().copy_contents;
        stat.kind == Kind::File || (reads_all && !matches!(stat.kind, Kind::Symlink | Kind::Directory))
    }

    /// Whether a regular file is made of such a source.
    pub(super) fn is_written(&self, stat: &Stat) -> bool {
        self.is_copied_as_file(stat) && self.options().product.reads_sources()
    }

    /// Whether cp removes what stands at the target before it makes anything there.
    pub(super) fn is_removed_first(&self, (follow, stat): (Follow, &Stat), found: &Stat) -> bool {
        let options = self.options();
        let takes_names = || self.takes_names(follow, stat);
        options.backup == Backup::No && (options.removal == Removal::Always || self.parts_names(found) || takes_names())
    }

    /// Whether a target loses the name that is copied to, and keeps its others: with --preserve=links.
    pub(super) fn parts_names(&self, found: &Stat) -> bool {
        let options = self.options();
        options.preserve.links.wanted() && found.has_other_names() && options.product != Product::Attributes
    }

    /// Whether a source takes its target's name from whatever has it: with -P all but a regular file do, and with -H what is within a tree.
    pub(super) fn takes_names(&self, follow: Follow, stat: &Stat) -> bool {
        follow == Follow::No && stat.kind != Kind::File && self.options().product != Product::Attributes
    }

    /// An old file as it was before this run wrote it under another name, where its number tells that. What was written under this
    /// name is as it is now.
    pub(super) fn as_it_was(&self, found: Stat, context: &EntryContext<'_, K::File>) -> Stat {
        let is_made = context.created == MadeBefore::Operand;
        if is_made || !found.has_other_names() || !context.target_directory.numbers_files() {
            return found;
        }
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&identity(&found)).map_or(found, |(before, _)| *before)
    }
}
