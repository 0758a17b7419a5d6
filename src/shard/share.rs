//! One share of a copy: which names are its own, which of them earlier runs have verified, and what it writes down.

use super::known::{Known, Verified, source_bits, target_bits};
use super::log::{Ended, Log};
use super::path_key::{PathKey, share_of};
use super::plan::Plan;
use super::state::{Lies, NAME, State};
use super::{About, Number, Request, directory};
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Kind, Stat};
use crate::options::TargetRule;
use crate::quote::quoted;
use crate::report::Listener;
use crate::tree::plan::{Operands, Plan as Targets};
use crate::tree::portion::{Part, Portion, Whose};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A share at work.
pub struct Share<'a, K: Kernel> {
    number: Number,
    log: Log<'a, K>,
    verified: Verified,
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
        let (log, verified) = Log::begin(&state, number, witness, stop, listener)?;
        Ok(Self { number, log, verified, sources: Mutex::default(), reserved })
    }

    /// Ends the run; `is_well` tells that nothing failed.
    pub fn end(&self, is_well: bool) -> Result<(), Error> {
        self.log.end(if is_well { Ended::Complete } else { Ended::Failed })
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
fn check_sources<K: Kernel>(kernel: &K, operands: &Operands) -> Result<(), Error> {
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

impl<K: Kernel> Portion for Share<'_, K> {
    fn part(&self) -> Part {
        Part::Names
    }

    fn reserved(&self) -> Option<&Path> {
        self.reserved.as_deref()
    }

    fn whose(&self, path: &Path, source: &Stat, inode: Option<u64>) -> Whose {
        let key = PathKey::of(path);
        let count = self.number.count.get();
        let share = inode.map_or_else(|| key.share(count), |inode| share_of(inode, count));
        if share + 1 != self.number.number.get() {
            return Whose::Others;
        }
        self.sources().insert(key, source_bits(source));
        Whose::Ours
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
        self.log.add(key, size, known.filter(|known| !self.verified.has(known)))
    }

    fn seen(&self, _: &Path) {}
}
