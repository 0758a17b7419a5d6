//! The order of the work: operands one after the other, a tree's files in parallel, directories
//! made before what is in them and finished after it.
//!
//! The way down hands out names in small batches, only as fast as they are worked off, so that memory
//! does not grow with the number of files. With one job everything is a plain loop in the calling thread.

use super::after::Removed;
use super::crowded::Crowded;
use super::entered::Entered;
use super::entries::Entries;
use super::entry_context::EntryContext;
use super::groups::Groups;
use super::handles::Directories;
use super::level::Task;
use super::links::Links;
use super::overwrite::Ask;
use super::portion::Portion;
use super::shortages::Shortages;
use super::spellings::Paths;
use super::unwritten::Unwritten;
use crate::copy::meter::Meter;
use crate::copy::{Copier, Geometry, Name, Outcome};
use crate::host::Host;
use crate::kernel::{Kernel, Stat};
use crate::options::{Options, Verbosity};
use crate::report::{Event, Listener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// One run of the program over its operands.
pub struct Run<'a, K: Kernel> {
    pub(super) entries: Entries<'a, K>,
    pub(super) kernel: &'a K,
    pub(super) options: &'a Options,
    stop: &'a AtomicBool,
    /// Who is told what happens.
    listener: &'a dyn Listener,
    /// What operands before have made.
    pub(super) paths: Paths,
    /// Names that wait for another of their inode; an operand never does.
    pub(super) links: Links<Option<Task<K>>>,
    /// Those that are open.
    pub(super) directories: Directories<K>,
    /// Files that wait for their names.
    pub(super) groups: Groups<K>,
    /// Names that wait until nobody else is at work.
    pub(super) crowded: Crowded<K>,
    /// What found no room.
    pub(super) shortages: Shortages<K>,
    /// Directories that wait to be written out.
    pub(super) unwritten: Unwritten<K>,
    /// Source directories that were entered.
    pub(super) entered: Entered,
    /// Who tells which names are this run's, where others work on the same tree.
    pub(super) portion: Option<&'a dyn Portion>,
    /// A name that is in no tree.
    pub(super) left_out: Option<&'a Path>,
}

/// Where a name comes from, where it goes, and what is known of that.
#[derive(Clone, Copy)]
pub(super) struct EntryPair<'a, F> {
    pub(super) source: &'a Name<'a, F>,
    pub(super) target: &'a Name<'a, F>,
    pub(super) context: &'a EntryContext<'a, F>,
    /// The directory of all targets, and the target's path beneath it.
    pub(super) base: &'a Arc<F>,
    pub(super) path: &'a Path,
}

impl<'a, K: Kernel> Run<'a, K> {
    /// A run; `ask` puts -i's question.
    pub fn new(
        kernel: &'a K,
        options: &'a Options,
        host: &'a Host,
        stop: &'a AtomicBool,
        listener: &'a dyn Listener,
        ask: Ask<'a>,
    ) -> Self {
        let entries = Entries::new(kernel, options, host, stop, ask);
        let directories = Directories::new(options.directories_max);
        let (paths, links, groups) = (Paths::default(), Links::default(), Groups::new(options));
        let unwritten = Unwritten::new(options.waiting_max);
        Self {
            entries,
            kernel,
            options,
            stop,
            listener,
            paths,
            links,
            directories,
            groups,
            unwritten,
            crowded: Crowded::default(),
            shortages: Shortages::default(),
            entered: Entered::default(),
            portion: None,
            left_out: None,
        }
    }

    /// Remembers from now on which source directories it enters.
    pub(crate) fn remember_entered(&mut self) {
        self.entered.is_wanted = true;
    }

    /// Whether it has entered a directory, which it remembers.
    pub(crate) fn has_entered(&self, directory: &Stat) -> bool {
        self.entered.has(directory)
    }

    /// Does its part of the work, and leaves the rest to others.
    pub fn share(&mut self, portion: &'a dyn Portion) {
        self.portion = Some(portion);
    }

    /// Leaves out what has this name, in whichever directory: it is of the run itself.
    pub fn leave_out(&mut self, name: Option<&'a Path>) {
        self.left_out = name;
    }

    /// Cuts files into these sizes: in a simulated world they are small.
    pub fn cut(&mut self, geometry: Geometry) {
        self.entries.copier.geometry = geometry;
    }

    /// Notes there how far large files are.
    pub fn measure(&mut self, meter: &'a Meter) {
        self.entries.copier.meter = Some(meter);
    }

    /// What copies regular files.
    pub(crate) fn copier(&self) -> &Copier<'a, K> {
        &self.entries.copier
    }

    pub(super) fn tell(&self, event: Event<'_>) {
        if self.options.verbosity == Verbosity::Quiet || !self.groups.keeps_back(&event) {
            self.listener.hear(&event);
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Reports an outcome. That an old target was removed is said where cp would have removed it:
    /// before the copy, or with -f after a first try.
    pub(super) fn finished(&self, entry_pair: &EntryPair<'_, K::File>, outcome: &Outcome, removed: Removed) {
        if removed == Removed::Before {
            self.tell(Event::Removed { target: entry_pair.target.shown });
        }
        let (source, target) = (entry_pair.source.shown, entry_pair.target.shown);
        let sealed = self.sealed(entry_pair.target, outcome);
        self.tell(Event::Finished { source, target, path: entry_pair.path, outcome, sealed: sealed.as_deref() });
        let is_new = match outcome {
            Outcome::Copied(copied) => copied.placement.supplants() && copied.backup.is_none(),
            Outcome::Made(special) => special.supplants && special.backup.is_none(),
            Outcome::Skipped | Outcome::Declined => false,
        };
        if removed == Removed::IfNeeded && is_new {
            self.tell(Event::Removed { target: entry_pair.target.shown });
        }
        if let Err(error) = self.record(entry_pair, outcome) {
            self.tell(Event::Failed(&error));
        }
    }
}
