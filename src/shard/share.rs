//! One share of a copy: which names are its own, which of them earlier runs have verified, and what it writes down.

use super::known::{Known, Verified, part_bits, source_bits, target_bits};
use super::lists::{Claim, List};
use super::log::{Counted, Ended, Log, Record};
use super::path_key::{PathKey, share_of};
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
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A share at work.
pub struct Share<'a, K: Kernel> {
    state: State<'a, K>,
    number: Number,
    log: Log<'a, K>,
    verified: Verified,
    ranges: Ranges,
    /// What is on its list, if there are lists.
    list: Option<List>,
    /// What the sources of names that are being copied were when they were looked at.
    sources: Mutex<BTreeMap<PathKey, u64>>,
    reserved: Option<PathBuf>,
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
        let (log, verified, ranges) = Log::begin(&state, number, witness, stop, listener)?;
        Ok(Self { state, number, log, verified, ranges, list, sources: Mutex::default(), reserved })
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

    fn claim(&self, path: &Path) -> Claim {
        self.list.as_ref().map_or(Claim::Asked, |list| list.claim(path))
    }

    fn falls_to_us(&self, share: u32) -> bool {
        share + 1 == self.number.number.get()
    }

    fn sources(&self) -> MutexGuard<'_, BTreeMap<PathKey, u64>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
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
pub(super) fn range_known(ranged: &Ranged<'_>) -> Known {
    let key = PathKey::of_range(ranged.path, ranged.number);
    Known { key, source: source_bits(ranged.source), target: part_bits(ranged.part, ranged.birth) }
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
        self.claim(path) != Claim::Others
    }

    fn is_likely(&self, path: &Path) -> bool {
        match self.claim(path) {
            Claim::Ours => true,
            Claim::Asked => self.falls_to_us(PathKey::of(path).share(self.number.count.get())),
            Claim::Others => false,
        }
    }

    fn whose(&self, path: &Path, source: &Stat, inode: Option<u64>) -> Whose {
        let key = PathKey::of(path);
        let count = self.number.count.get();
        let is_ours = match (self.claim(path), inode) {
            (Claim::Ours, None) => true,
            (Claim::Asked, Some(inode)) => self.falls_to_us(share_of(inode, count)),
            (Claim::Asked, None) => self.falls_to_us(key.share(count)),
            // It has got another name since the list was made.
            (Claim::Ours, Some(_)) | (Claim::Others, _) => false,
        };
        if !is_ours {
            return Whose::Others;
        }
        self.sources().insert(key, source_bits(source));
        Whose::Ours
    }

    fn has_records(&self) -> bool {
        !self.verified.is_empty()
    }

    fn is_made(&self, path: &Path, target: &Stat) -> bool {
        let key = PathKey::of(path);
        let source = self.sources().get(&key).copied();
        source.is_some_and(|source| self.verified.has(&Known { key, source, target: target_bits(target) }))
    }

    fn made(&self, path: &Path, target: &Stat) -> Result<(), Error> {
        let key = PathKey::of(path);
        let source = self.sources().remove(&key);
        let known = source.map(|source| Known { key, source, target: target_bits(target) });
        let size = if target.kind == Kind::File { target.size } else { 0 };
        let record = known.filter(|known| !self.verified.has(known)).map(Record::Name);
        self.log.add(Counted { names: 1, bytes: size, addend: key }, record)
    }

    fn cuts(&self) -> bool {
        self.number.count.get() > 1
    }

    fn whose_range(&self, path: &Path, number: u64) -> Whose {
        let count = u64::from(self.number.count.get());
        let first = u64::from(PathKey::of(path).share(self.number.count.get()));
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
