//! A tree compared with a list of it, or with another tree: every difference is told as it is found, and nothing is changed.
//!
//! Memory grows by sixteen bytes for each name, and by what is missing, up to a bound.

use super::beside::Own;
use super::chunks;
use super::compare::{Compared, Comparison};
use super::finding::{Finding, Tally};
use super::format::Format;
use super::list::List;
use super::missing::Missing;
use super::names::{Names, SeenNames};
use super::open::as_meant;
use super::record::{Inside, Record};
use super::unnamed::Unnamed;
use super::walk::{Directory, Walk, WalkedName};
use crate::account::Accounts;
use crate::copy::stale_temporary::TEMPORARY_PREFIX;
use crate::copy::threads::Threads;
use crate::copy::{Name, Sealing};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::quote::quoted;
use rayon::prelude::*;
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a tree is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A list.
    List(PathBuf),
    /// Another tree.
    Tree(PathBuf),
}

/// A check that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the tree is compared with.
    pub reference: Reference,
    /// Where the names lie, if that was said.
    pub root: Option<PathBuf>,
    /// What is not listed is found as well, and directories' times count.
    pub is_strict: bool,
    /// Trees are gone through as far as their tops' filesystems; what is listed is looked for wherever it is.
    pub one_file_system: bool,
    /// How many files are read at once; `None` for as many as there are processors.
    pub jobs: Option<NonZeroUsize>,
    /// What is told of it beside its messages.
    pub accounts: Accounts,
}

/// So many missing names are looked for under other names.
const MISSING_MAX: usize = 50_000;

/// Checks; see the head of this file.
pub struct Check<'a, K: Kernel> {
    /// Looks at names.
    pub sealing: Sealing<'a, K>,
    /// What files are shared between.
    pub threads: &'a Threads,
    /// Major and minor release of the kernel.
    pub release: (u32, u32),
    /// A name that is in no tree.
    pub left_out: Option<&'a Path>,
    /// Who is told.
    pub hear: &'a (dyn Fn(&Finding) + Sync),
    /// Who is told of each name that was looked at, and how many bytes were read since the one before.
    pub examined: &'a (dyn Fn(&Path, u64) + Sync),
}

/// One check on its way.
struct Run<'a, K: Kernel> {
    check: &'a Check<'a, K>,
    comparison: Comparison<'a, K>,
    names: Names,
    missing: Mutex<Vec<Record>>,
    tally: Mutex<Tally>,
    count: AtomicU64,
    /// Bytes that were told to have been read.
    told: AtomicU64,
    /// A file that is listed is there, whatever it holds.
    is_there: AtomicBool,
    /// A name that is listed is there, beside that of the top, which always is.
    has_any: AtomicBool,
}

/// Where names that are not listed are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Search {
    /// Nowhere.
    No,
    /// In the directories that listed files lie in: what else is beneath the root has nothing to do with the list.
    Listed,
    /// In the whole tree.
    Whole,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many names a list has, or a tree; as many as there were when it was asked. `None` if `is_over` before, or if that
/// cannot be told.
pub fn count<K: Kernel>(kernel: &K, request: &Request, is_over: &AtomicBool) -> Option<u64> {
    let is_over = || is_over.load(Ordering::Relaxed);
    let count = match &request.reference {
        Reference::List(list) => List::open(kernel, list).ok()?.take_while(|_| !is_over()).count(),
        Reference::Tree(tree) => {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY;
            let file = kernel.open(None, tree, flags, Mode::empty(), ResolveFlags::empty()).ok()?;
            let stat = kernel.stat(&file).ok()?;
            let walk = Walk::new(kernel, Directory { file, stat }, tree).on_one_filesystem(request.one_file_system);
            walk.take_while(|_| !is_over()).count()
        }
    };
    (!is_over()).then_some(count as u64)
}

impl<'a, K: Kernel> Check<'a, K> {
    /// Does what is asked for. An error is what keeps the check from being made at all.
    pub fn run(&'a self, request: &'a Request) -> Result<Tally, Error> {
        match &request.reference {
            Reference::List(list) => self.list(list, request),
            Reference::Tree(tree) => self.trees(tree, request),
        }
    }

    fn begin(
        &'a self,
        format: Format,
        root: &'a Path,
        request: &Request,
        own: Option<&Own>,
    ) -> Result<Run<'a, K>, Error> {
        let is_list = matches!(request.reference, Reference::List(_));
        let companion = match &request.reference {
            Reference::List(list) => Some(chunks::companion(list)),
            Reference::Tree(_) => None,
        };
        // However it is written.
        let is_top = root.components().eq([Component::RootDir]);
        let comparison = Comparison {
            sealing: &self.sealing,
            format,
            root: self.open(root)?,
            links: if is_top { format.links().from_top() } else { format.links() },
            shown: root,
            companion,
            release: self.release,
            is_strict: request.is_strict || !is_list,
            list_directory: own.map(|own| own.dir),
            unnamed: Unnamed::default(),
            inodes: Mutex::default(),
            bytes: AtomicU64::new(0),
            unread: AtomicU64::new(0),
        };
        let (names, missing, tally) = (Names::default(), Mutex::default(), Mutex::default());
        let (count, told) = (AtomicU64::new(0), AtomicU64::new(0));
        let (is_there, has_any) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Run { check: self, comparison, names, missing, tally, count, told, is_there, has_any })
    }

    fn open(&self, directory: &Path) -> Result<K::File, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = self.sealing.kernel.open(None, directory, flags, Mode::empty(), ResolveFlags::empty());
        opened.map_err(|errno| Error::call(Action::Access, directory, errno))
    }

    fn stat(&self, file: &K::File, shown: &Path) -> Result<Stat, Error> {
        self.sealing.kernel.stat(file).map_err(|errno| Error::call(Action::StatSource, shown, errno))
    }

    fn list(&'a self, list: &'a Path, request: &'a Request) -> Result<Tally, Error> {
        let records = List::open(self.sealing.kernel, list)?;
        let format = records.format;
        let mut records = records.peekable();
        let begins_at_root = matches!(records.peek(), Some(Ok(record)) if record.path.is_absolute());
        let root = match &request.root {
            Some(root) => root,
            None if begins_at_root => Path::new("/"),
            None => format.root(list),
        };
        let own = Own::of(self.sealing.kernel, list);
        let run = self.begin(format, root, request, own.as_ref())?;
        let each = |record: Result<Record, Error>| match record {
            Ok(record) => run.record(record),
            Err(error) => run.tell(&Finding::Failed(error)),
        };
        match self.threads.pool() {
            Some(pool) => pool.install(|| records.par_bridge().for_each(each)),
            None => records.for_each(each),
        }
        run.must_have_named_something(list);
        let search = run.search(format, request);
        run.finish(root, search, own.as_ref(), request)
    }

    /// Every name of the one tree is a record for the other.
    fn trees(&'a self, one: &'a Path, request: &'a Request) -> Result<Tally, Error> {
        let other = request.root.as_deref().unwrap_or(Path::new("."));
        let run = self.begin(Format::Ours, other, request, None)?;
        let file = self.open(one)?;
        let stat = self.stat(&file, one)?;
        let each = |found: Result<WalkedName<K>, Error>| {
            let record = found.and_then(|found| {
                let shown = one.join(&found.path);
                let sealed = self.sealing.name(&Name::within(&found.dir.file, &found.name, &shown), None)?;
                let is_linked = sealed.stat.kind == Kind::File && sealed.stat.has_other_names();
                let inode = is_linked.then(|| number_of(&sealed.stat));
                Ok(Record { inode, ..Record::of_sealed(found.path, &sealed) })
            });
            match record {
                Ok(record) => run.record(record),
                Err(error) => run.tell(&Finding::Failed(error)),
            }
        };
        let walk = Walk::new(self.sealing.kernel, Directory { file, stat }, one);
        let walk = walk.on_one_filesystem(request.one_file_system).leaving_out(self.left_out);
        match self.threads.pool() {
            Some(pool) => pool.install(|| walk.par_bridge().for_each(each)),
            None => walk.for_each(each),
        }
        run.finish(other, Search::Whole, None, request)
    }
}

/// A number that the names of an inode have in common, on whichever filesystem of a tree it lies.
fn number_of(stat: &Stat) -> u64 {
    stat.ino ^ stat.dev.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl<K: Kernel> Run<'_, K> {
    fn tell(&self, finding: &Finding) {
        lock(&self.tally).count(finding);
        (self.check.hear)(finding);
    }

    /// A list that was cut behind its first line has nothing to say against any tree.
    fn must_have_named_something(&self, list: &Path) {
        let is_empty = self.count.load(Ordering::Relaxed) == 0 && lock(&self.tally).is_clean();
        if is_empty && !self.comparison.format.may_be_empty() && !self.is_stopped() {
            self.tell(&Finding::Failed(Error::Refused(format!("{} names nothing", quoted(list)))));
        }
    }

    fn is_stopped(&self) -> bool {
        self.check.sealing.stop.is_asked()
    }

    fn record(&self, record: Record) {
        if self.is_stopped() {
            return;
        }
        let (kernel, links) = (self.check.sealing.kernel, self.comparison.links);
        let record = as_meant(kernel, std::iter::once(&self.comparison.root), links, record);
        let name = super::names::clean(&record.path);
        self.names.add(&name, record.digest.is_some());
        if record.inside == Inside::Ignored {
            self.names.ignore(&name);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        let compared = self.comparison.record(&record);
        let bytes = self.comparison.bytes.load(Ordering::Relaxed);
        let before = self.told.fetch_max(bytes, Ordering::Relaxed);
        (self.check.examined)(&record.path, bytes.saturating_sub(before));
        if !matches!(compared, Ok(Compared::Missing)) {
            self.is_there.fetch_or(record.digest.is_some(), Ordering::Relaxed);
            self.has_any.fetch_or(name.as_os_str() != ".", Ordering::Relaxed);
        }
        match compared {
            Ok(Compared::Right) => {}
            Ok(Compared::Differs(finding)) => self.tell(&finding),
            Ok(Compared::Missing) => {
                let mut missing = lock(&self.missing);
                if record.digest.is_some() && missing.len() < MISSING_MAX {
                    missing.push(record);
                } else {
                    drop(missing);
                    self.tell(&Finding::Missing(record.path));
                }
            }
            Err(error) => self.tell(&Finding::Failed(error)),
        }
    }

    /// Where to look for what is missing, once all that is listed was looked for.
    fn search(&self, format: Format, request: &Request) -> Search {
        let is_missing = !lock(&self.missing).is_empty();
        // Where nothing is, and nobody said where to look, this is another directory.
        let is_elsewhere = request.root.is_none() && !self.is_there.load(Ordering::Relaxed);
        if request.is_strict || is_missing && !is_elsewhere && format.lists_whole_trees() {
            Search::Whole
        } else if is_missing && !is_elsewhere {
            Search::Listed
        } else {
            Search::No
        }
    }

    /// Looks for what is not listed.
    fn finish(self, root: &Path, search: Search, own: Option<&Own>, request: &Request) -> Result<Tally, Error> {
        let is_strict = self.comparison.is_strict;
        let Self { check, comparison, names, missing, tally, count, has_any, .. } = self;
        let missing = Missing::new(missing.into_inner().unwrap_or_else(PoisonError::into_inner));
        let tell = |finding: &Finding| {
            lock(&tally).count(finding);
            (check.hear)(finding);
        };
        let known = names.known();
        let mut extras = Extras { comparison: &comparison, known: &known, missing, is_strict, tell: &tell };
        if search != Search::No {
            let file = check.open(root)?;
            let stat = check.stat(&file, root)?;
            let enters = |path: &Path| search == Search::Whole || known.has(path);
            let is_of_interest = |path: &Path| search == Search::Whole || known.has_files_beside(path);
            let walk = Walk::new(check.sealing.kernel, Directory { file, stat }, root).entering(&enters);
            for found in walk.on_one_filesystem(request.one_file_system).leaving_out(check.left_out) {
                // Outside of strict checks nothing is left to look for then.
                let is_over = !is_strict && extras.missing.is_empty();
                if is_over || check.sealing.stop.is_asked() {
                    break;
                }
                match found {
                    Ok(found) if own.is_some_and(|own| own.has(&found.dir.stat, &found.name)) => {}
                    Ok(found) if is_of_interest(&found.path) => extras.found(&found),
                    Ok(_) => {}
                    Err(error) => tell(&Finding::Failed(error)),
                }
            }
        }
        extras.missing.into_rest().into_iter().for_each(|record| tell(&Finding::Missing(record.path)));
        if check.sealing.stop.is_asked() {
            return Err(Error::Interrupted);
        }
        let bytes = comparison.bytes.load(Ordering::Relaxed);
        let (unread, tally) = (comparison.unread.load(Ordering::Relaxed), *lock(&tally));
        let is_of_list = matches!(request.reference, Reference::List(_));
        let is_elsewhere = is_of_list && tally.missing + tally.moved > 0 && !has_any.into_inner();
        let (fits_nothing, taken_for) = (comparison.unnamed.fits_nothing(), comparison.unnamed.taken_for());
        Ok(Tally { names: count.into_inner(), bytes, unread, fits_nothing, taken_for, is_elsewhere, ..tally })
    }
}

/// What is there and not listed.
struct Extras<'a, K: Kernel> {
    comparison: &'a Comparison<'a, K>,
    known: &'a SeenNames,
    missing: Missing,
    is_strict: bool,
    tell: &'a dyn Fn(&Finding),
}

impl<K: Kernel> Extras<'_, K> {
    fn found(&mut self, found: &WalkedName<K>) {
        if self.known.has(&found.path) || self.known.is_ignored(&found.path) {
            return;
        }
        // What a killed repair was about to give a name is not that under another.
        let is_temporary = found.name.as_os_str().as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes());
        if found.kind == Kind::File && !is_temporary && !self.missing.is_empty() {
            match self.missing.take(self.comparison, &found.path) {
                Ok(None) => {}
                Ok(Some(record)) => {
                    return (self.tell)(&Finding::Moved { from: record.path, to: found.path.clone() });
                }
                Err(error) => (self.tell)(&Finding::Failed(error)),
            }
        }
        let is_listed = found.kind != Kind::Directory || self.comparison.format.lists_directories();
        if self.is_strict && is_listed {
            (self.tell)(&Finding::Extra(found.path.clone()));
        }
    }
}
