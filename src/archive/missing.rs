//! What is listed and missing, to be found under names that are not listed: a file is read only if what is missing may be of
//! its size, and once.

use super::compare::Comparison;
use super::digest::Algorithm;
use super::record::Record;
use crate::error::Error;
use crate::kernel::Kernel;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// A size, where the list has one, and the value of a digest.
type Key = (Option<u64>, Vec<u8>);

/// Records of files that are missing.
#[derive(Default)]
pub(super) struct Missing {
    records: BTreeMap<Key, VecDeque<Record>>,
    algorithms: Vec<Algorithm>,
}

impl Missing {
    /// These, as far as they have digests.
    pub(super) fn new(records: Vec<Record>) -> Self {
        let mut missing = Self::default();
        for record in records {
            let Some(digest) = &record.digest else { continue };
            if !missing.algorithms.contains(&digest.algorithm) {
                missing.algorithms.push(digest.algorithm);
            }
            let key = (record.size, digest.value.clone());
            missing.records.entry(key).or_default().push_back(record);
        }
        missing
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn has_size(&self, size: Option<u64>) -> bool {
        self.records.range((size, Vec::new())..).next().is_some_and(|((found, _), _)| *found == size)
    }

    /// Takes out the record whose content a file has, if there is one. The empty content says nothing.
    pub(super) fn take<K: Kernel>(
        &mut self,
        comparison: &Comparison<'_, K>,
        path: &Path,
    ) -> Result<Option<Record>, Error> {
        let Some(file) = comparison.unlisted(path)? else { return Ok(None) };
        let sizes = [Some(file.stat.size), None].into_iter().filter(|size| self.has_size(*size));
        let sizes: Vec<_> = sizes.collect();
        if sizes.is_empty() {
            return Ok(None);
        }
        for digest in comparison.values(&file, &self.algorithms)? {
            let mut keys = sizes.iter().map(|size| (*size, digest.value.clone()));
            let Some(key) = keys.find(|key| self.records.contains_key(key)) else { continue };
            let record = self.pop(&key);
            if let Some(listed) = record.as_ref().and_then(|record| record.digest.as_ref()) {
                comparison.unnamed.note(listed.algorithm, Some(digest.algorithm));
            }
            return Ok(record);
        }
        Ok(None)
    }

    fn pop(&mut self, key: &Key) -> Option<Record> {
        let records = self.records.get_mut(key)?;
        let record = records.pop_front();
        if records.is_empty() {
            self.records.remove(key);
        }
        record
    }

    /// Those that were not found, in the order of their names.
    pub(super) fn into_rest(self) -> Vec<Record> {
        let mut rest: Vec<_> = self.records.into_values().flatten().collect();
        rest.sort_by(|one, other| one.path.cmp(&other.path));
        rest
    }
}
