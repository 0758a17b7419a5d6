//! One file: it is read once from end to end for blocks of zeros, and looked at again only where there are some.

use super::bytes::{OpenFile, Part};
use super::content::kind::{ContentKind, HEAD_BYTES};
use super::names::wants_content;
use super::packages::{Packages, Verdict};
use super::suspicion::{Suspicion, Weight, graver};
use super::walk::ScannedFile;
use super::zeros::{BLOCK, Zeros};
use crate::archive::digest::Algorithm;
use crate::archive::open;
use crate::copy::Stop;
use crate::copy::meter::Meter;
use crate::error::{Action, Error};
use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags, Stat};
use std::ops::Range;
use std::path::Path;

/// Bytes read at once: whole blocks.
pub(super) const READ_BYTES: usize = 64 * BLOCK;

/// So many runs are judged together.
const RUNS_MAX: usize = 1024;

/// Which files are compared with the sums of their packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Those that have a block of zeros.
    OfZeros,
    /// All.
    OfAll,
}

/// What files are judged by.
pub(super) struct Judge<'a, K: Kernel> {
    pub(super) kernel: &'a K,
    pub(super) packages: &'a Packages,
    pub(super) sums: Sums,
    /// Asked between reads.
    pub(super) stop: Stop<'a>,
    /// How far large files are.
    pub(super) meter: Option<&'a Meter>,
}

/// What is known of a file that is being read.
struct Open<'a, K: Kernel> {
    judge: &'a Judge<'a, K>,
    file: &'a K::File,
    stat: &'a Stat,
    /// For messages.
    shown: &'a Path,
    /// From the root, without links.
    real: &'a Path,
}

/// What became of a file.
pub(super) struct Judged {
    /// Bytes that were read of it.
    pub(super) bytes: u64,
    pub(super) suspicion: Option<Suspicion>,
}

impl<K: Kernel> Judge<'_, K> {
    /// Reads a file; `None` if it is none that is regular. `real` is its path from the root.
    pub(super) fn file(&self, found: &ScannedFile, real: &Path, buffer: &mut [u8]) -> Result<Option<Judged>, Error> {
        let shown = &found.path;
        // Whatever has taken the name by now: nobody waits for a fifo, and no device does anything.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = if found.is_operand { flags } else { flags | OFlags::NOFOLLOW };
        let opened = self.kernel.open(None, shown, flags, Mode::empty(), ResolveFlags::empty());
        let file = opened.map_err(|errno| Error::call(Action::OpenSource, shown, errno))?;
        let stat = self.kernel.stat(&file).map_err(|errno| Error::call(Action::StatSource, shown, errno))?;
        if stat.kind != crate::kernel::Kind::File {
            return Ok(None);
        }
        let open = Open { judge: self, file: &file, stat: &stat, shown, real };
        open.judge(buffer).map(Some)
    }
}

impl<K: Kernel> Open<'_, K> {
    fn judge(&self, buffer: &mut [u8]) -> Result<Judged, Error> {
        let opened = OpenFile { kernel: self.judge.kernel, file: self.file, stop: self.judge.stop };
        let part = Part::new(&opened, self.stat.size);
        let failed = |errno| Error::call(Action::Read, self.shown, errno);
        let mut zeros = Zeros::default();
        let mut count = part.fill(buffer, 0).map_err(failed)?;
        let kind = ContentKind::of(&buffer[..count.min(HEAD_BYTES)]);
        let is_listed = self.judge.packages.has(self.real);
        let following = self.judge.meter.and_then(|meter| meter.follow_reading(self.shown, self.stat.size));
        let mut judged = Judged { bytes: 0, suspicion: None };
        let mut has_zeros = false;
        while count > 0 {
            zeros.take(&buffer[..count]);
            judged.bytes += count as u64;
            following.iter().for_each(|following| following.pass(count as u64));
            let is_of_interest = kind.is_some() || is_listed || zeros.is_all() && self.wants_content();
            if !is_of_interest {
                break;
            }
            if zeros.count() >= RUNS_MAX {
                has_zeros = true;
                let more = self.runs(&part, kind, is_listed, &zeros.ended()).map_err(failed)?;
                judged.suspicion = graver(judged.suspicion, more);
            }
            if count < buffer.len() {
                break;
            }
            count = part.fill(buffer, judged.bytes).map_err(failed)?;
        }
        let runs = zeros.finish();
        has_zeros |= !runs.is_empty();
        let more = self.runs(&part, kind, is_listed, &runs).map_err(failed)?;
        judged.suspicion = graver(judged.suspicion, more);
        if is_listed && (has_zeros || self.judge.sums == Sums::OfAll) {
            judged.suspicion = self.by_package(judged.suspicion, runs.first())?;
        }
        Ok(judged)
    }

    fn wants_content(&self) -> bool {
        wants_content(self.shown) || self.stat.mode & 0o111 != 0
    }

    /// What speaks against a file with these runs of zeros.
    fn runs(
        &self,
        part: &Part<'_>,
        kind: Option<ContentKind>,
        is_listed: bool,
        runs: &[Range<u64>],
    ) -> crate::kernel::Result<Option<Suspicion>> {
        match (kind, runs.first()) {
            (_, None) => Ok(None),
            (Some(kind), Some(_)) => kind.judge(part, runs),
            (None, Some(first)) if first.start == 0 && !is_listed && self.wants_content() => {
                let is_all = first.end >= self.stat.size;
                let why = if is_all { "there is nothing else in it" } else { "its name wants another beginning" };
                Ok(Some(Suspicion::new(Weight::Suspicious, first, why)))
            }
            (None, Some(_)) => Ok(None),
        }
    }

    /// What the sum of its package says, which outweighs everything else.
    fn by_package(&self, suspicion: Option<Suspicion>, first: Option<&Range<u64>>) -> Result<Option<Suspicion>, Error> {
        let md5 = open::digest(self.judge.kernel, self.file, self.shown, Algorithm::Md5)?;
        Ok(match self.judge.packages.verdict(self.real, &md5.value) {
            None => suspicion,
            Some(Verdict::Right) => None,
            Some(Verdict::Wrong(package)) => {
                let zeros = suspicion.map(|found| found.zeros).or(first.cloned()).unwrap_or_default();
                let why = format!("package {package} has another file");
                Some(Suspicion::new(Weight::Damaged, &zeros, why))
            }
        })
    }
}
