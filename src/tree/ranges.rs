//! A large file that several runs copy in ranges: a run copies its own into a part, the end joins all and gives the part its name.

use super::after::Removed;
use super::cut::Cut;
use super::portion::{Portion, Ranged, Whose};
use super::run::{EntryPair, Run};
use crate::copy::digest::{Digests, Tree};
use crate::copy::{Outcome, Part, Placement, Source, TargetFacts};
use crate::error::{Action, Error};
use crate::kernel::{Errno, Kernel, Kind, Stat};
use crate::options::{Product, Reflink, Verify};
use crate::quote::quoted;
use blake3::hazmat::ChainingValue;
use std::ops::Range;

impl<K: Kernel> Run<'_, K> {
    /// How a file is cut, if it is.
    fn cut_of(&self, portion: &dyn Portion, stat: &Stat) -> Option<Cut> {
        let options = self.options;
        let may_be = portion.cuts()
            && stat.kind == Kind::File
            && options.product == Product::Copy
            && options.reflink != Reflink::Always
            && options.verify != Verify::Device;
        Cut::of(stat.size, self.entries.copier.geometry.range).filter(|_| may_be)
    }

    /// Whether a file is cut.
    pub(super) fn is_cut(&self, portion: &dyn Portion, stat: &Stat) -> bool {
        self.cut_of(portion, stat).is_some()
    }

    /// Copies this run's ranges of a file, if it is one that is cut. What stands at a target already is one run's as a whole.
    pub(super) fn copy_ranges(&self, entry_pair: &EntryPair<'_, K::File>, stat: &Stat) -> Result<bool, Error> {
        let EntryPair { source, target, context, path, .. } = *entry_pair;
        let Some(portion) = self.portion else { return Ok(false) };
        let Some(cut) = self.cut_of(portion, stat) else { return Ok(false) };
        if !context.fresh && self.entries.copier.stat_target(target, false)?.is_some() {
            // Ranges that shards have copied before it stood there are nothing now.
            self.entries.copier.discard_part(target, &portion.part_name(path))?;
            return Ok(false);
        }
        let ours = (0..cut.count()).filter(|number| portion.whose_range(path, *number) == Whose::Ours);
        let ours: Vec<u64> = ours.collect();
        if ours.is_empty() {
            return Ok(true);
        }
        let copier = &self.entries.copier;
        let (file, opened) = self.entries.open_source(source)?;
        if (opened.dev, opened.ino, opened.size) != (stat.dev, stat.ino, stat.size) {
            return Err(Error::replaced(source.shown));
        }
        let source = Source { file: &file, stat: &opened, shown: source.shown, origin: context.origin };
        portion.begins_part(path)?;
        let part = copier.make_part(&source, target, portion.part_name(path))?;
        for number in ours {
            let ranged = ranged(entry_pair, &cut, number, &opened, &part);
            let range = cut.range(number);
            let value = match portion.range_value(&ranged) {
                Some(_) => None,
                None => Some(copier.copy_range(&source, target, &facts(entry_pair), (&part, &range))?),
            };
            portion.range_made(&ranged, range.end - range.start, value.as_ref())?;
        }
        Ok(true)
    }

    /// Whether a file that has no target has a part, and each of its ranges was copied into that. False if it is none that is cut.
    pub(super) fn has_ranges(&self, entry_pair: &EntryPair<'_, K::File>, portion: &dyn Portion) -> Result<bool, Error> {
        let EntryPair { source, target, path, .. } = *entry_pair;
        let stat = self.source_stat(entry_pair)?;
        let Some(cut) = self.cut_of(portion, &stat).filter(|_| portion.had_part(path)) else { return Ok(false) };
        let Some(part) = self.entries.copier.find_part(target, &portion.part_name(path))? else { return Ok(false) };
        if part.stat.size != stat.size {
            let (source, target) = (quoted(source.shown), quoted(target.shown));
            return Err(Error::Refused(format!("{source} has another size than {target}: run all shards again")));
        }
        self.values(entry_pair, portion, &cut, &stat, &part).map(|_| true)
    }

    /// Fails for a target that has taken the name of a file while its ranges lie in a part: no share has verified that.
    pub(super) fn must_be_no_other(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        portion: &dyn Portion,
        found: &Stat,
    ) -> Result<(), Error> {
        let EntryPair { target, path, .. } = *entry_pair;
        if !portion.had_part(path) {
            return Ok(());
        }
        let stat = self.source_stat(entry_pair)?;
        // The part of what was cut once is of no account, and goes in the end.
        if self.keeps_links(entry_pair, &stat) || !self.is_cut(portion, &stat) {
            return Ok(());
        }
        let part = self.entries.copier.find_part(target, &portion.part_name(path))?;
        // An end that died may have given it the name already.
        if part.is_none_or(|part| part.stat.is_same_file(found)) {
            return Ok(());
        }
        let (target, why) = (quoted(target.shown), "which shards have copied in ranges: run all shards again");
        Err(Error::Refused(format!("something else stands in the place of {target}, {why}")))
    }

    /// The values of a part's ranges, in order. Fails unless each was copied from what the source is now.
    fn values(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        portion: &dyn Portion,
        cut: &Cut,
        stat: &Stat,
        part: &Part<K::File>,
    ) -> Result<Vec<ChainingValue>, Error> {
        let value = |number| {
            let known = portion.range_value(&ranged(entry_pair, cut, number, stat, part));
            known.ok_or_else(|| {
                let (target, Range { start, end }) = (quoted(entry_pair.target.shown), cut.range(number));
                let why = "from what the source is now: run all shards again";
                Error::Refused(format!("no shard has copied bytes {start} to {end} of {target} {why}"))
            })
        };
        (0..cut.count()).map(value).collect()
    }

    /// Joins the ranges of a file that was found to have all of them, and gives it its name.
    pub(super) fn join_ranges(&self, entry_pair: &EntryPair<'_, K::File>, portion: &dyn Portion) -> Result<(), Error> {
        let EntryPair { source, target, context, path, .. } = *entry_pair;
        let copier = &self.entries.copier;
        let missing = || Error::call(Action::StatTarget, target.shown, Errno::NOENT);
        let part = copier.find_part(target, &portion.part_name(path))?.ok_or_else(missing)?;
        let (file, stat) = self.entries.open_source(source)?;
        let cut = self.cut_of(portion, &stat).ok_or_else(|| Error::replaced(source.shown))?;
        let values = self.values(entry_pair, portion, &cut, &stat, &part)?;
        let digests = match self.read_again(entry_pair, &cut, &part, values)? {
            Ok(digests) => digests,
            Err(range) => {
                copier.remove_part(target, part)?;
                let (target, Range { start, end }) = (quoted(target.shown), range);
                return Err(Error::Refused(format!(
                    "verification failed: bytes {start} to {end} of {target} are not what a shard has verified; it is removed: run all shards again"
                )));
            }
        };
        let source = Source { file: &file, stat: &stat, shown: source.shown, origin: context.origin };
        let copied = copier.name_part(&source, target, &facts(entry_pair), (part, digests))?;
        self.finished(entry_pair, &Outcome::Copied(Box::new(copied)), Removed::No);
        Ok(())
    }

    /// Reads each range of a part and compares it with what its run has verified. Returns the digests of the whole, or the range that
    /// differs.
    fn read_again(
        &self,
        entry_pair: &EntryPair<'_, K::File>,
        cut: &Cut,
        part: &Part<K::File>,
        values: Vec<ChainingValue>,
    ) -> Result<Result<Digests, Range<u64>>, Error> {
        let target = entry_pair.target;
        let copier = &self.entries.copier;
        let mut pieces = Tree::new(copier.geometry.piece);
        for (number, value) in (0..).zip(&values) {
            let range = cut.range(number);
            let mut tree = copier.read_range(target, (part, &range))?;
            if tree.range(&range) != Some(*value) {
                return Ok(Err(range));
            }
            if self.options.seals {
                pieces.join(tree);
            }
        }
        let size = part.stat.size;
        let joined = Tree::of(cut.length, values).digests(size);
        let joined = joined.map(|joined| Digests { pieces: Vec::new(), ..joined });
        let digests = if self.options.seals { pieces.digests(size) } else { joined };
        digests.map(Ok).ok_or_else(|| Error::call(Action::Read, target.shown, Errno::IO))
    }
}

fn facts<F>(entry_pair: &EntryPair<'_, F>) -> TargetFacts {
    TargetFacts {
        is_last_look: false,
        placement: Placement::New,
        target_directory: entry_pair.context.target_directory,
        found: None,
        is_another: false,
        may_wait: false,
        waits: false,
    }
}

fn ranged<'r, F>(
    entry_pair: &EntryPair<'r, F>,
    cut: &Cut,
    number: u64,
    source: &'r Stat,
    part: &'r Part<F>,
) -> Ranged<'r> {
    let (stat, birth) = (&part.stat, part.birth);
    Ranged { path: entry_pair.path, number, count: cut.count(), source, part: stat, birth }
}
