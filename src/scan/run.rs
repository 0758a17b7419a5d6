//! A scan: every file of some trees is judged, several at once, and what was found is told by its weight.
//!
//! Memory does not grow with the tree: sums of packages take 40 bytes a name, and findings beyond some megabytes are told before
//! the end.

use super::file::{Judge, READ_BYTES};
use super::packages::Packages;
use super::suspicion::{Suspicion, Weight};
use super::walk::{self, ScannedFile};
use crate::account::Accounts;
use crate::copy::Stop;
use crate::copy::meter::Meter;
use crate::copy::threads::Threads;
use crate::error::Error;
use crate::kernel::Kernel;
use rayon::prelude::*;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use super::file::Sums;
pub use super::walk::Enters;

/// So many findings are kept to be told by their weight.
const KEPT_MAX: usize = 20_000;

/// A scan that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Trees, or files.
    pub operands: Vec<PathBuf>,
    /// Which filesystems are entered.
    pub enters: Enters,
    /// Which files are compared with the sums of their packages.
    pub sums: Sums,
    /// How many files are read at once; `None` for as many as there are processors.
    pub jobs: Option<NonZeroUsize>,
    /// What is told of it beside its messages.
    pub accounts: Accounts,
}

/// What a scan finds.
#[derive(Clone, Debug)]
pub enum Finding {
    /// A file that may be a victim.
    Suspect(PathBuf, Suspicion),
    /// What could not be looked at.
    Failed(Error),
}

/// What a scan comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Files that were looked at.
    pub files: u64,
    /// Bytes that were read of them.
    pub bytes: u64,
    /// [`Weight::Damaged`].
    pub damaged: u64,
    /// [`Weight::Suspicious`].
    pub suspicious: u64,
    /// [`Weight::Unusual`].
    pub unusual: u64,
    /// [`Finding::Failed`].
    pub failed: u64,
}

impl Tally {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.damaged + self.suspicious + self.unusual + self.failed == 0
    }

    fn count(&mut self, finding: &Finding) {
        let counter = match finding {
            Finding::Suspect(_, Suspicion { weight: Weight::Damaged, .. }) => &mut self.damaged,
            Finding::Suspect(_, Suspicion { weight: Weight::Suspicious, .. }) => &mut self.suspicious,
            Finding::Suspect(_, Suspicion { weight: Weight::Unusual, .. }) => &mut self.unusual,
            Finding::Failed(_) => &mut self.failed,
        };
        *counter += 1;
    }
}

/// What scans.
pub struct Scan<'a, K: Kernel> {
    /// Reads files.
    pub kernel: &'a K,
    /// What files are shared between.
    pub threads: &'a Threads,
    /// Asked between reads.
    pub stop: Stop<'a>,
    /// Who is told.
    pub hear: &'a (dyn Fn(&Finding) + Sync),
    /// Who is told of each file that was looked at, and how many bytes were read of it.
    pub examined: &'a (dyn Fn(&Path, u64) + Sync),
    /// How far large files are.
    pub meter: Option<&'a Meter>,
}

/// How many files there are to look at; `None` if `is_over` before that is known.
pub fn count<K: Kernel>(kernel: &K, request: &Request, is_over: &AtomicBool) -> Option<u64> {
    let is_over = || is_over.load(Ordering::Relaxed);
    let of = |operand: &PathBuf| walk::files(kernel, operand, request.enters).take_while(|_| !is_over()).count() as u64;
    let count = request.operands.iter().map(of).sum();
    (!is_over()).then_some(count)
}

/// What is known so far.
#[derive(Default)]
struct State {
    tally: Tally,
    kept: Vec<(PathBuf, Suspicion)>,
}

/// A tree on its way.
struct Tree<'a, K: Kernel> {
    scan: &'a Scan<'a, K>,
    judge: Judge<'a, K>,
    operand: &'a Path,
    real: PathBuf,
    state: &'a Mutex<State>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Kernel> Scan<'_, K> {
    /// Looks at all files. An error is what keeps the scan from being made at all.
    pub fn run(&self, request: &Request) -> Result<Tally, Error> {
        let state = Mutex::default();
        for operand in &request.operands {
            let (real, root) = walk::place(operand);
            let packages = Packages::open(self.kernel, &root)?;
            let judge = Judge {
                kernel: self.kernel,
                packages: &packages,
                sums: request.sums,
                stop: self.stop,
                meter: self.meter,
            };
            let tree = Tree { scan: self, judge, operand, real, state: &state };
            let found = walk::files(self.kernel, operand, request.enters);
            let buffer = || vec![0; READ_BYTES];
            match self.threads.pool() {
                Some(pool) => {
                    pool.install(|| {
                        found.par_bridge().for_each_init(buffer, |buffer, found| tree.found(found, buffer))
                    });
                }
                None => {
                    let mut buffer = buffer();
                    found.for_each(|found| tree.found(found, &mut buffer));
                }
            }
        }
        let mut state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.tell(&mut state.kept);
        if self.stop.is_asked() { Err(Error::Interrupted) } else { Ok(state.tally) }
    }

    /// Tells what is kept, the gravest first, and each weight by names.
    fn tell(&self, kept: &mut Vec<(PathBuf, Suspicion)>) {
        kept.sort_by(|(one, found), (other, also)| found.weight.cmp(&also.weight).then_with(|| one.cmp(other)));
        kept.drain(..).for_each(|(path, suspicion)| (self.hear)(&Finding::Suspect(path, suspicion)));
    }
}

impl<K: Kernel> Tree<'_, K> {
    fn found(&self, found: Result<ScannedFile, Error>, buffer: &mut [u8]) {
        if self.scan.stop.is_asked() {
            return;
        }
        let judged = found.and_then(|found| {
            let beneath = found.path.strip_prefix(self.operand).unwrap_or(Path::new(""));
            // What is joined with nothing would end in a slash.
            let real = if found.is_operand { self.real.clone() } else { self.real.join(beneath) };
            self.judge.file(&found, &real, buffer).map(|judged| (found.path, judged))
        });
        match judged {
            // It was left off.
            Err(_) if self.scan.stop.is_asked() => {}
            Err(error) => {
                let finding = Finding::Failed(error);
                lock(self.state).tally.count(&finding);
                (self.scan.hear)(&finding);
            }
            Ok((_, None)) => {}
            Ok((path, Some(judged))) => {
                (self.scan.examined)(&path, judged.bytes);
                let mut state = lock(self.state);
                state.tally.files += 1;
                state.tally.bytes += judged.bytes;
                let Some(suspicion) = judged.suspicion else { return };
                state.tally.count(&Finding::Suspect(path.clone(), suspicion.clone()));
                state.kept.push((path, suspicion));
                if state.kept.len() >= KEPT_MAX {
                    self.scan.tell(&mut state.kept);
                }
            }
        }
    }
}
