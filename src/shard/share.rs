//! One share of a copy: which names are its own, which of them earlier runs have verified, and what it writes down.

use super::known::{KnownCopy, Verified, foretold_bits, part_bits, source_bits, target_bits};
use super::lists::{Allotment, List};
use super::log::{Counted, Ended, Log, Record};
use super::path_key::{PathKey, share_of, share_of_path};
use super::plan::Plan;
use super::ranges::Ranges;
use super::state::{Lies, NAME, State, manifest_name, report_name};
use super::{About, Number, Request, directory};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Stat};
use crate::options::TargetRule;
use crate::quote::quoted;
use crate::report::Listener;
use crate::tree::plan::{Operands, Plan as Targets};
use crate::tree::portion::{Part, Portion, Ranged, Whose};
use blake3::hazmat::ChainingValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Of so many new files one is looked at: whether it is what its source let foretell. Filesystems may keep times in other units,
/// or owners by other numbers.
const LOOKED_AT: u64 = 64;

/// A share at work.
pub struct Share<'a, K: Kernel> {
    state: State<'a, K>,
    number: Number,
    log: Log<'a, K>,
    verified: Verified,
    ranges: Ranges,
    /// What is on its list, if there are lists.
    list: Option<List>,
    /// The keys of names that are being copied, and what their sources were when they were looked at.
    sources: Mutex<BTreeMap<PathBuf, (PathKey, Stat)>>,
    reserved: Option<PathBuf>,
    /// Where a new name was to go stood something.
    has_found: AtomicBool,
    /// New files that all attributes were kept of.
    unseen: AtomicU64,
    /// One of them was not what had been foretold.
    is_mistaken: AtomicBool,
}

impl<'a, K: Kernel> Share<'a, K> {
    /// Begins a run of a share, in the directory `here`, as this user. Waits for another run of the same share to end.
    pub fn begin(
        kernel: &'a K,
        request: &Request,
        number: Number,
        (here, user): (&Path, u32),
        (stop, listener): (&AtomicBool, &dyn Listener),
    ) -> Result<Self, Error> {
        let operands = &request.operands;
        let target = &operands.target;
        check_state(request, here)?;
        if operands.rule == TargetRule::Itself {
            check_sources(kernel, operands)?;
            directory::make(kernel, target)?;
        }
        let witness = directory::open(kernel, target);
        let witness = witness.map_err(|errno| Error::call(Action::TargetDirectory, target, errno))?;
        let about = About { target: target.clone(), state: request.state.clone() };
        let state = State::begin(kernel, &about, &Plan::of(request, number, here), user)?;
        let reserved = reserved(kernel, operands, state.lies)?;
        let list = List::of(&state, number.number)?;
        let taken = list.as_ref().map(|list| list.id);
        let (log, verified, ranges) = Log::begin(&state, (number, taken), witness, stop, listener)?;
        Ok(Self {
            state,
            number,
            log,
            verified,
            ranges,
            list,
            sources: Mutex::default(),
            reserved,
            has_found: AtomicBool::new(false),
            unseen: AtomicU64::new(0),
            is_mistaken: AtomicBool::new(false),
        })
    }

    /// Ends the run; `is_well` tells that nothing failed.
    pub fn end(&self, is_well: bool) -> Result<(), Error> {
        self.log.end(if is_well { Ended::Complete } else { Ended::Failed })
    }

    /// An empty file for this share's part of a manifest, and its name.
    pub fn manifest_part(&self) -> Result<(K::File, PathBuf), Error> {
        let name = manifest_name(self.number.number);
        let shown = self.state.shown.join(&name);
        let file = self.state.lines(&name)?;
        // A run looks at all of its names again.
        self.state.kernel.truncate(&file, 0).map_err(|errno| Error::call(Action::CreateFile, &shown, errno))?;
        Ok((file, shown))
    }

    /// The name of this share's part of a report.
    #[must_use]
    pub fn report_part(&self) -> PathBuf {
        self.state.shown.join(report_name(self.number.number))
    }

    fn claim(&self, path: &Path) -> Allotment {
        self.list.as_ref().map_or(Allotment::Asked, |list| list.claim(path))
    }

    fn falls_to_us(&self, share: u32) -> bool {
        share + 1 == self.number.number.get()
    }

    fn sources(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (PathKey, Stat)>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down that a name is as it should be: what its source was, if that is known, and the bits of its target.
    fn note(&self, key: PathKey, source: Option<&Stat>, (target, bytes): (u64, u64)) -> Result<(), Error> {
        let known = source.map(|source| KnownCopy { key, source: source_bits(source), target });
        let record = known.filter(|known| !self.verified.has(known)).map(Record::Name);
        self.log.add(Counted { names: 1, bytes, addend: key }, record)
    }
}

/// The path that the state directory takes from the copy.
pub(super) fn reserved<K: Kernel>(kernel: &K, operands: &Operands, lies: Lies) -> Result<Option<PathBuf>, Error> {
    if lies == Lies::Elsewhere {
        return Ok(None);
    }
    let targets = Targets::new(kernel, operands)?;
    if targets.is_into_directory() {
        return Ok(Some(PathBuf::from(NAME)));
    }
    Ok(Some(targets.operand(&operands.target).name.join(NAME)))
}

/// Fails for records that would lie in a source: each share would copy some of them, and no end would find them as they were.
pub(super) fn check_state(request: &Request, here: &Path) -> Result<(), Error> {
    let Some(state) = &request.state else { return Ok(()) };
    let place = here.join(state);
    match request.operands.sources.iter().find(|source| place.starts_with(here.join(source))) {
        None => Ok(()),
        Some(source) => {
            let (state, source) = (quoted(state), quoted(source));
            Err(Error::Refused(format!("not keeping records in {state}, which is in {source} and would be copied")))
        }
    }
}

/// A target that is the copy itself is a directory: every share looks for the state in it.
pub(super) fn check_sources<K: Kernel>(kernel: &K, operands: &Operands) -> Result<(), Error> {
    for source in &operands.sources {
        let found = kernel.stat_at(None, source, true);
        let found = found.map_err(|errno| Error::call(Action::StatSource, source, errno))?;
        if found.kind != Kind::Directory {
            let source = quoted(source);
            return Err(Error::Refused(format!("{source} is no directory: name the target's directory with -t")));
        }
    }
    Ok(())
}

/// The name of the part of a large file.
pub(super) fn part_name(path: &Path) -> PathBuf {
    PathBuf::from(format!(".safecp-part-{:032x}", PathKey::of(path).0))
}

/// What a range of a large file is known by.
pub(super) fn range_known(ranged: &Ranged<'_>) -> KnownCopy {
    let key = PathKey::of_range(ranged.path, ranged.number);
    KnownCopy { key, source: source_bits(ranged.source), target: part_bits(ranged.part, ranged.birth) }
}

impl<K: Kernel> Portion for Share<'_, K> {
    fn part(&self) -> Part {
        Part::Names
    }

    fn reserved(&self) -> Option<&Path> {
        self.reserved.as_deref()
    }

    fn enters(&self, directory: &Path) -> bool {
        self.list.as_ref().is_none_or(|list| list.reaches(directory))
    }

    fn may_be_ours(&self, path: &Path) -> bool {
        self.claim(path) != Allotment::Others
    }

    fn is_likely(&self, path: &Path) -> bool {
        match self.claim(path) {
            Allotment::Ours => true,
            Allotment::Asked => self.falls_to_us(share_of_path(path, self.number.count.get())),
            Allotment::Others => false,
        }
    }

    fn whose(&self, path: &Path, source: &Stat, inode: Option<u64>) -> Whose {
        let count = self.number.count.get();
        let is_ours = match (self.claim(path), inode) {
            (Allotment::Ours, None) => true,
            (Allotment::Asked, Some(inode)) => self.falls_to_us(share_of(inode, count)),
            (Allotment::Asked, None) => self.falls_to_us(share_of_path(path, count)),
            // It has got another name since the list was made.
            (Allotment::Ours, Some(_)) | (Allotment::Others, _) => false,
        };
        if !is_ours {
            return Whose::Others;
        }
        self.sources().insert(path.to_owned(), (PathKey::of(path), *source));
        Whose::Ours
    }

    fn has_records(&self) -> bool {
        !self.verified.is_empty()
    }

    fn is_made(&self, path: &Path, target: &Stat) -> bool {
        let Some((key, source)) = self.sources().get(path).copied() else { return false };
        self.verified.has(&KnownCopy { key, source: source_bits(&source), target: target_bits(target) })
    }

    fn expects_nothing(&self) -> bool {
        self.verified.is_empty() && !self.has_found.load(Ordering::Relaxed)
    }

    fn has_found(&self) {
        self.has_found.store(true, Ordering::Relaxed);
    }

    fn made_unseen(&self, path: &Path, inode: u64) -> Result<bool, Error> {
        let is_looked_at = self.unseen.fetch_add(1, Ordering::Relaxed) % LOOKED_AT == 0;
        if is_looked_at || self.is_mistaken.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let Some((key, source)) = self.sources().remove(path) else { return Ok(false) };
        self.note(key, Some(&source), (foretold_bits(&source, inode), source.size)).map(|()| true)
    }

    fn made(&self, path: &Path, target: &Stat) -> Result<(), Error> {
        let (key, source) = match self.sources().remove(path) {
            Some((key, source)) => (key, Some(source)),
            None => (PathKey::of(path), None),
        };
        let is_file = target.kind == Kind::File;
        let found = target_bits(target);
        if is_file && source.is_some_and(|source| foretold_bits(&source, target.ino) != found) {
            self.is_mistaken.store(true, Ordering::Relaxed);
        }
        self.note(key, source.as_ref(), (found, if is_file { target.size } else { 0 }))
    }

    fn cuts(&self) -> bool {
        self.number.count.get() > 1
    }

    fn whose_range(&self, path: &Path, number: u64) -> Whose {
        let count = u64::from(self.number.count.get());
        let first = u64::from(share_of_path(path, self.number.count.get()));
        if (first + number) % count + 1 == u64::from(self.number.number.get()) { Whose::Ours } else { Whose::Others }
    }

    fn part_name(&self, path: &Path) -> PathBuf {
        part_name(path)
    }

    fn begins_part(&self, path: &Path) -> Result<(), Error> {
        self.log.begins_part(path)
    }

    fn range_value(&self, ranged: &Ranged<'_>) -> Option<ChainingValue> {
        // Where nothing tells that the part is the same, the range is copied again.
        ranged.birth.and_then(|_| self.ranges.value(&range_known(ranged)))
    }

    fn range_made(&self, ranged: &Ranged<'_>, bytes: u64, value: Option<&ChainingValue>) -> Result<(), Error> {
        let Ranged { path, number, count, .. } = *ranged;
        let addend = PathKey::addend(path, number, count);
        let record = value.map(|value| Record::Range(range_known(ranged), *value));
        self.log.add(Counted { names: u64::from(number == 0), bytes, addend }, record)
    }
}
