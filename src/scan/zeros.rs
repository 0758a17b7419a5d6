//! Runs of zeros as a filesystem leaves them: they begin at a multiple of a block, and end at one or where the file ends.

use crate::copy::extent::is_zero;
use std::ops::Range;

/// The smallest record of ZFS that is usual, and the page of most machines. Smaller records hold whole files only.
pub(super) const BLOCK: usize = 4096;

/// A shorter rest of a file is no run: formats end in a few zeros.
const REST_MIN: usize = 16;

/// Finds the runs in bytes that come in their order.
#[derive(Debug, Default)]
pub(super) struct Zeros {
    at: u64,
    open: Option<u64>,
    runs: Vec<Range<u64>>,
}

impl Zeros {
    /// Takes in the next bytes: whole blocks, but for the last ones of the file.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for block in bytes.chunks(BLOCK) {
            // Most blocks show by their first bytes that they are none.
            let is_zero = is_zero(&block[..block.len().min(16)]) && is_zero(block);
            let is_run = is_zero && (block.len() == BLOCK || block.len() >= REST_MIN || self.open.is_some());
            match (is_run, self.open) {
                (true, None) => self.open = Some(self.at),
                (false, Some(start)) => {
                    self.runs.push(start..self.at);
                    self.open = None;
                }
                (true, Some(_)) | (false, None) => {}
            }
            self.at += block.len() as u64;
        }
    }

    /// Whether there was nothing but zeros so far.
    pub(super) fn is_all(&self) -> bool {
        self.runs.is_empty() && self.open == Some(0)
    }

    /// The runs that have ended, and are forgotten.
    pub(super) fn ended(&mut self) -> Vec<Range<u64>> {
        std::mem::take(&mut self.runs)
    }

    /// How many have ended.
    pub(super) fn count(&self) -> usize {
        self.runs.len()
    }

    /// All that are left, at the end of the file.
    pub(super) fn finish(mut self) -> Vec<Range<u64>> {
        self.runs.extend(self.open.map(|start| start..self.at));
        self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The slow way: block by block of the whole.
    fn slowly(bytes: &[u8]) -> Vec<Range<u64>> {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for start in (0..bytes.len()).step_by(BLOCK) {
            let end = (start + BLOCK).min(bytes.len());
            if bytes[start..end].iter().any(|byte| *byte != 0) {
                continue;
            }
            match runs.last_mut() {
                Some(last) if last.end == start as u64 => last.end = end as u64,
                _ if end - start >= REST_MIN => runs.push(start as u64..end as u64),
                _ => {}
            }
        }
        runs
    }

    proptest! {
        #[test]
        fn runs_are_found_however_the_bytes_come(
            marks in prop::collection::vec((0..60_000usize, 0..3u8), 0..20), size in 0..60_000usize, blocks in 1..5usize
        ) {
            let mut bytes = vec![0; size];
            marks.iter().filter(|(at, _)| *at < size).for_each(|(at, value)| bytes[*at] = *value);
            let mut zeros = Zeros::default();
            bytes.chunks(blocks * BLOCK).for_each(|some| zeros.take(some));
            prop_assert_eq!(zeros.finish(), slowly(&bytes));
        }
    }
}
