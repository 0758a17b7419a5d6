//! A tree made right again by a list of it and other copies: what is damaged or missing is mended, and nothing else is touched.
//!
//! First the tree is checked as by --check. What was changed, moved, or has other attributes is somebody's work and stays.

use super::check::{Check, Reference, Request};
use super::chunks;
use super::finding::{Fault, Finding, Mended, Repaired};
use super::list::List;
use super::mend::{Copy, Mender};
use super::names::clean;
use super::open::{Links, as_meant, beneath};
use super::record::Record;
use super::unmended::Unmended;
use crate::account::Accounts;
use crate::copy::stale_temporary::TemporaryNames;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Mode, OFlags, ResolveFlags, Stat};
use crate::quote::quoted;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A repair that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The list.
    pub list: PathBuf,
    /// The tree.
    pub root: PathBuf,
    /// Other copies of it, the best first.
    pub copies: Vec<PathBuf>,
    /// How many files are read at once while the tree is checked.
    pub jobs: Option<NonZeroUsize>,
    /// What is told of it beside its messages.
    pub accounts: Accounts,
}

impl Repair {
    /// The check that it begins with.
    #[must_use]
    pub fn check(&self) -> Request {
        let (reference, root) = (Reference::List(self.list.clone()), Some(self.root.clone()));
        let (is_strict, one_file_system, accounts) = (false, false, Accounts::default());
        Request { reference, root, is_strict, one_file_system, jobs: self.jobs, accounts }
    }
}

/// What is told while a tree is mended.
pub enum RepairEvent<'a> {
    /// A difference that is left alone.
    Left(&'a Finding),
    /// A name is right again.
    Mended(&'a Path, Mended),
    /// A name could not be mended.
    Failed(&'a Error),
}

/// Names that are to be mended: those that are damaged, and those of other content of which nothing tells whether it is.
#[derive(Default)]
struct Wrong {
    names: BTreeSet<PathBuf>,
    doubtful: BTreeMap<PathBuf, Finding>,
    /// Why others could not be looked at, which was told: so many.
    failed: u64,
}

/// Mends; `check` looks at the tree first, and its listener is not asked.
pub fn repair<K: Kernel>(
    check: &Check<'_, K>,
    repair: &Repair,
    tell: &(dyn Fn(&RepairEvent<'_>) + Sync),
) -> Result<Repaired, Error> {
    let wrong = Mutex::new(Wrong::default());
    let hear = |finding: &Finding| {
        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
        match finding {
            Finding::Missing(path) => {
                wrong.names.insert(clean(path));
            }
            Finding::Content { path, fault: Fault::Damage, .. }
            | Finding::Unreadable { path, fault: Fault::Damage, .. } => {
                wrong.names.insert(path.clone());
            }
            Finding::Content { path, fault: Fault::Unknown, .. }
            | Finding::Unreadable { path, fault: Fault::Unknown, .. } => {
                wrong.doubtful.insert(path.clone(), finding.clone());
            }
            Finding::Failed(error) | Finding::Unreadable { fault: Fault::Change, error, .. } => {
                wrong.failed += 1;
                tell(&RepairEvent::Failed(error));
            }
            Finding::Content { fault: Fault::Change, .. }
            | Finding::Extra(_)
            | Finding::Moved { .. }
            | Finding::Attributes { .. }
            | Finding::Kind { .. } => tell(&RepairEvent::Left(finding)),
        }
    };
    let request = repair.check();
    let kernel = check.sealing.kernel;
    let list = kernel.stat_at(None, &repair.list, true);
    let list = list.map_err(|errno| Error::call(Action::OpenSource, &repair.list, errno))?;
    if list.kind != Kind::File {
        let list = quoted(&repair.list);
        return Err(Error::Refused(format!("{list} is read several times to repair by it, and is no regular file")));
    }
    let sealing = crate::copy::Sealing { kernel, ..check.sealing };
    let found = Check { sealing, threads: check.threads, hear: &hear, ..*check }.run(&request)?;
    if found.is_elsewhere && found.moved > 0 {
        let (list, root) = (quoted(&repair.list), quoted(&repair.root));
        return Err(Error::Refused(format!(
            "nothing is mended: none of the names of {list} is in {root}, and files of theirs lie there under others: \
             they may begin in another directory"
        )));
    }
    let Wrong { names, doubtful, failed } = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let open = |directory: &Path| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let opened = kernel.open(None, directory, flags, Mode::empty(), ResolveFlags::empty());
        opened.map_err(|errno| Error::call(Action::Access, directory, errno))
    };
    let copy = |shown| Ok(Copy { root: open(shown)?, shown });
    let copies: Result<Vec<_>, Error> = repair.copies.iter().map(|shown| copy(shown.as_path())).collect();
    let listed = List::open(kernel, &repair.list)?;
    let mender = Mender {
        sealing: &check.sealing,
        root: open(&repair.root)?,
        shown: &repair.root,
        copies: copies?,
        companion: chunks::companion(&repair.list),
        format: listed.format,
        names: TemporaryNames::default(),
        unlisted: RefCell::default(),
    };
    let names = names.into_iter().map(|path| (path, false)).collect();
    let repaired = Repaired { found, failed, ..Repaired::default() };
    let mut work = Work { mender, replaced: BTreeMap::new(), names, tell, repaired };
    for (path, finding) in doubtful {
        match &finding {
            _ if work.has_twin(&path) => drop(work.names.insert(path, false)),
            // What cannot be read and cannot be mended is nobody's work that may stay.
            Finding::Unreadable { error, .. } => work.fail(error),
            finding => {
                work.repaired.doubtful += 1;
                tell(&RepairEvent::Left(finding));
            }
        }
    }
    work.mend(kernel, &repair.list, listed)?;
    Ok(work.repaired)
}

/// A file that has several names. Lists that were joined, and those of other tools, may give one number to two; then their
/// content tells them apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Inode(u64, Option<Vec<u8>>);

impl Inode {
    fn of(record: &Record) -> Option<Self> {
        let number = record.inode.filter(|_| record.kind == Some(Kind::File))?;
        Some(Self(number, record.digest.as_ref().map(|digest| digest.value.clone())))
    }
}

/// The names of a file that has several, of which one is to be mended.
#[derive(Default)]
struct Group {
    /// One that holds what is listed.
    right: Option<PathBuf>,
    /// Those that the check does not call damaged; it may have called them changed, or not have been able to read them.
    unproved: Vec<PathBuf>,
}

impl Group {
    /// A name that holds what is listed, if there is one, and why others cannot be read.
    fn right<K: Kernel>(&mut self, mender: &Mender<'_, K>, record: &Record) -> (Option<PathBuf>, Vec<Error>) {
        let mut failures = Vec::new();
        if self.right.is_none() {
            let holds = |name: &PathBuf| {
                mender.holds(record, name).unwrap_or_else(|error| {
                    failures.push(error);
                    false
                })
            };
            self.right = std::mem::take(&mut self.unproved).into_iter().find(holds);
        }
        (self.right.clone(), failures)
    }
}

/// A file before it was replaced: its identity, and the digest that is listed of it.
type OldFile = ((u64, u64), Vec<u8>);

struct Work<'a, K: Kernel> {
    mender: Mender<'a, K>,
    /// Files of several names that were replaced, and under which first: not every list tells which names are one file's.
    replaced: BTreeMap<OldFile, PathBuf>,
    /// What is to be mended, and whether the list has named it by now.
    names: BTreeMap<PathBuf, bool>,
    tell: &'a dyn Fn(&RepairEvent<'_>),
    repaired: Repaired,
}

impl<K: Kernel> Work<'_, K> {
    /// Mends what is wrong. The list is read three times; the first time it is open already.
    fn mend<'l>(&mut self, kernel: &'l K, list: &Path, opened: List<'l>) -> Result<(), Error> {
        // What is wrong with the list was told by the check.
        let sound = |list: List<'l>| list.filter_map(Result::ok);
        let records = || List::open(kernel, list).map(sound);
        let mut groups: BTreeMap<Inode, Group> = sound(opened)
            .filter(|record| self.is_wrong(record))
            .filter_map(|record| Some((Inode::of(&record)?, Group::default())))
            .collect();
        for record in records()?.filter(|record| !self.is_wrong(record)) {
            if let Some(group) = Inode::of(&record).and_then(|inode| groups.get_mut(&inode)) {
                group.unproved.push(clean(&record.path));
            }
        }
        let mut directories = Vec::new();
        let mut searched = PathBuf::new();
        self.mender.remove_leftovers(Path::new("."));
        for record in records()? {
            if self.mender.sealing.stop.is_asked() {
                return Err(Error::Interrupted);
            }
            let listed = clean(&record.path);
            let record = self.as_meant(record);
            let path = clean(&record.path);
            // A killed repair may have mended all there was in a directory.
            if let Some(above) = path.parent().filter(|above| **above != searched && !above.as_os_str().is_empty()) {
                self.mender.remove_leftovers(above);
                above.clone_into(&mut searched);
            }
            let mut is_wrong = false;
            for name in [&listed, &path] {
                if let Some(is_named) = self.names.get_mut(name) {
                    (*is_named, is_wrong) = (true, true);
                }
            }
            if !is_wrong {
                continue;
            }
            let group = Inode::of(&record).and_then(|inode| groups.get_mut(&inode));
            let mended = self.name(&record, &path, group);
            if record.kind == Some(Kind::Directory) && mended.is_ok() {
                directories.push((record, path.clone()));
            }
            self.note(&path, mended);
        }
        self.tell_unnamed();
        let unlisted = self.mender.unlisted.take().into_iter().map(|record| (record.clone(), record.path));
        for (record, path) in directories.into_iter().chain(unlisted).rev() {
            if let Err(error) = self.mender.set_attributes_by_path(&record, &path) {
                self.fail(&error);
            }
        }
        Ok(())
    }

    /// Mends a name of a record; `group` has the others of its file, if the list tells them.
    fn name(
        &mut self,
        record: &Record,
        path: &Path,
        mut group: Option<&mut Group>,
    ) -> Result<(Mended, Vec<String>), Unmended> {
        let old = if group.is_none() { self.old_file(record, path) } else { None };
        let right = match &mut group {
            Some(group) => {
                let (right, failures) = group.right(&self.mender, record);
                failures.iter().for_each(|error| self.fail(error));
                right
            }
            None => old.as_ref().and_then(|(old, _)| self.replaced.get(old).cloned()),
        };
        let mended = match &right {
            Some(right) => self.mender.link(record, path, right).map(|how| (how, Vec::new())).map_err(Unmended::from),
            None => self.mender.mend(record),
        };
        match (group, old, &mended) {
            (Some(group), _, Ok(_)) => group.right = right.or_else(|| Some(path.to_owned())),
            // It may have its name all the same.
            (Some(group), _, Err(_)) => group.unproved.push(path.to_owned()),
            (None, Some((old, true)), Ok(_)) => {
                self.replaced.entry(old).or_insert_with(|| path.to_owned());
            }
            (None, _, _) => {}
        }
        mended
    }

    /// A name that is to be mended, and that the list had when it was checked.
    fn tell_unnamed(&mut self) {
        let unnamed: Vec<_> =
            self.names.iter().filter(|(_, is_named)| !**is_named).map(|(path, _)| path.clone()).collect();
        for path in unnamed {
            let shown = quoted(&self.mender.shown.join(path));
            self.fail(&Error::Refused(format!("cannot mend {shown}: the list does not name it any more")));
        }
    }

    fn note(&mut self, path: &Path, mended: Result<(Mended, Vec<String>), Unmended>) {
        match mended {
            Ok((mended, differences)) => {
                (self.tell)(&RepairEvent::Mended(path, mended));
                if differences.is_empty() {
                    self.repaired.mended += 1;
                } else {
                    self.repaired.failed += 1;
                    (self.tell)(&RepairEvent::Left(&Finding::Attributes { path: path.to_owned(), differences }));
                }
            }
            Err(Unmended { unreadable, why }) => {
                unreadable.iter().for_each(|error| (self.tell)(&RepairEvent::Failed(error)));
                self.fail(&why);
            }
        }
    }

    fn fail(&mut self, error: &Error) {
        self.repaired.failed += 1;
        (self.tell)(&RepairEvent::Failed(error));
    }

    /// A record by the name that its list means, here or in a copy.
    fn as_meant(&self, record: Record) -> Record {
        let mender = &self.mender;
        let roots = std::iter::once(&mender.root).chain(mender.copies.iter().map(|copy| &copy.root));
        as_meant(mender.sealing.kernel, roots, Links::None, record)
    }

    /// The file that has a name, with what is listed of it, and whether it has other names still.
    fn old_file(&self, record: &Record, path: &Path) -> Option<(OldFile, bool)> {
        let stat = stat(self.mender.sealing.kernel, &self.mender.root, path)?;
        let digest = record.digest.as_ref().filter(|_| stat.kind == Kind::File)?;
        Some((((stat.dev, stat.ino), digest.value.clone()), stat.has_other_names()))
    }

    fn is_wrong(&self, record: &Record) -> bool {
        self.names.contains_key(&clean(&record.path))
    }

    /// Whether another copy has the size and the time of a file whose content is not the one that is listed: then nobody
    /// wrote it. What the copy holds is proved when it is used.
    fn has_twin(&self, path: &Path) -> bool {
        let kernel = self.mender.sealing.kernel;
        let Some(own) = stat(kernel, &self.mender.root, path) else { return false };
        let twins = self.mender.copies.iter().filter_map(|copy| stat(kernel, &copy.root, path));
        twins.into_iter().any(|twin| (twin.size, twin.mtime) == (own.size, own.mtime))
    }
}

/// What a name beneath a root is, if that can be told.
fn stat<K: Kernel>(kernel: &K, root: &K::File, path: &Path) -> Option<Stat> {
    let file = beneath(kernel, root, path, OFlags::PATH | OFlags::NOFOLLOW, Links::None).ok()?;
    kernel.stat(&file).ok()
}
