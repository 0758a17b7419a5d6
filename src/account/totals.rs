//! How much there is to copy: counted beside the copy, since the copy itself finds out as it goes along.
//!
//! A hint for whoever looks on, and for nothing else: trees change meanwhile, and what cannot be counted is left out.

use crate::kernel::{Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::options::{Dereference, Options};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// More directories than this may not wait: memory is not to grow with the tree.
const WAITING_MAX: usize = 100_000;

/// How much there is to copy, as far as it was counted.
#[derive(Debug, Default)]
pub struct Totals {
    names: AtomicU64,
    bytes: AtomicU64,
    is_known: AtomicBool,
}

/// How much there is to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// Names that are no directories.
    pub names: u64,
    /// Bytes of regular files.
    pub bytes: u64,
}

impl Total {
    /// So many names, of which the sizes are not known.
    #[must_use]
    pub fn of_names(names: u64) -> Self {
        Self { names, bytes: 0 }
    }
}

impl Totals {
    /// The total, once everything was counted.
    #[must_use]
    pub fn known(&self) -> Option<Total> {
        let is_known = self.is_known.load(Ordering::Acquire);
        let total = Total { names: self.names.load(Ordering::Relaxed), bytes: self.bytes.load(Ordering::Relaxed) };
        is_known.then_some(total)
    }

    /// So much is there, which somebody else has counted.
    pub fn know(&self, total: Total) {
        self.names.store(total.names, Ordering::Relaxed);
        self.bytes.store(total.bytes, Ordering::Relaxed);
        self.is_known.store(true, Ordering::Release);
    }

    /// Counts what these operands name, until `is_over`. Where links are followed within trees, nobody could count without
    /// going in circles: the total stays unknown.
    pub fn count<K: Kernel>(&self, kernel: &K, sources: &[PathBuf], options: &Options, is_over: &AtomicBool) {
        self.count_for(1, kernel, sources, options, is_over);
    }

    /// The same where everything is copied into so many targets.
    pub fn count_for<K: Kernel>(
        &self,
        targets: u64,
        kernel: &K,
        sources: &[PathBuf],
        options: &Options,
        is_over: &AtomicBool,
    ) {
        if options.recursive && options.dereference == Dereference::Always {
            return;
        }
        let mut survey = Survey { kernel, options, totals: self, linked: BTreeSet::new(), waiting: Vec::new() };
        sources.iter().for_each(|source| survey.operand(source));
        while let Some((directory, device)) = survey.waiting.pop() {
            if is_over.load(Ordering::Relaxed) || survey.waiting.len() > WAITING_MAX {
                return;
            }
            survey.directory(&directory, device);
        }
        for count in [&self.names, &self.bytes] {
            count.store(count.load(Ordering::Relaxed).saturating_mul(targets), Ordering::Relaxed);
        }
        self.is_known.store(true, Ordering::Release);
    }
}

struct Survey<'a, K: Kernel> {
    kernel: &'a K,
    options: &'a Options,
    totals: &'a Totals,
    /// Files with several names, of which one is copied.
    linked: BTreeSet<(u64, u64)>,
    /// Directories, each with the device of its operand.
    waiting: Vec<(PathBuf, u64)>,
}

impl<K: Kernel> Survey<'_, K> {
    fn operand(&mut self, source: &Path) {
        let follows = self.options.dereference != Dereference::Never;
        if let Ok(stat) = self.kernel.stat_at(None, source, follows) {
            self.name(source, &stat, stat.dev);
        }
    }

    fn directory(&mut self, path: &Path, device: u64) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        // What cannot be opened or listed has nothing to copy either; an operand that is a link to a directory is one.
        let opened = self.kernel.open(None, path, flags, Mode::empty(), ResolveFlags::empty());
        let opened =
            opened.or_else(|_| self.kernel.open(None, &path.join("."), flags, Mode::empty(), ResolveFlags::empty()));
        let Ok(directory) = opened else { return };
        for name in self.kernel.list(&directory).unwrap_or_default() {
            if let Ok(stat) = self.kernel.stat_at(Some(&directory), Path::new(&name), false) {
                self.name(&path.join(&name), &stat, device);
            }
        }
    }

    fn name(&mut self, path: &Path, stat: &Stat, device: u64) {
        if stat.kind == Kind::Directory {
            if self.options.recursive && (stat.dev == device || !self.options.one_file_system) {
                self.waiting.push((path.to_owned(), device));
            }
            return;
        }
        self.totals.names.fetch_add(1, Ordering::Relaxed);
        let is_further = stat.has_other_names() && self.options.preserve.links.wanted();
        let is_copied = !is_further || self.linked.insert((stat.dev, stat.ino));
        if stat.kind == Kind::File && is_copied {
            self.totals.bytes.fetch_add(stat.size, Ordering::Relaxed);
        }
    }
}
