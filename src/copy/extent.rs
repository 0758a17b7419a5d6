//! Half-open byte ranges, and the cutting of a file into pieces. Pure arithmetic.

use std::ops::Range;

/// What `ranges` (sorted, without overlap, within `bounds`) leave of `bounds`, in order.
#[must_use]
pub fn gaps(ranges: &[Range<u64>], bounds: Range<u64>) -> Vec<Range<u64>> {
    let mut gaps = Vec::new();
    let mut at = bounds.start;
    for range in ranges {
        if at < range.start {
            gaps.push(at..range.start);
        }
        at = range.end;
    }
    if at < bounds.end {
        gaps.push(at..bounds.end);
    }
    gaps
}

/// Cuts `range` at every multiple of `step`, which must not be 0.
pub fn steps(range: Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> {
    let mut at = range.start;
    std::iter::from_fn(move || {
        if at >= range.end {
            return None;
        }
        let next = (at / step + 1).saturating_mul(step).min(range.end);
        let cut = at..next;
        at = next;
        Some(cut)
    })
}

/// Whether every byte is 0.
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    // Folding a chunk without a branch lets the compiler use wide registers.
    bytes.chunks(128).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}

/// The runs of blocks in `bytes`, which begin at `offset` of their file, that hold something: blocks of zeros lie between. Blocks begin at
/// multiples of `block`, which must not be 0.
pub fn data_runs(bytes: &[u8], offset: u64, block: u64) -> impl Iterator<Item = Range<usize>> {
    let within = move |position: u64| usize::try_from(position - offset).unwrap_or(usize::MAX);
    let blocks = steps(offset..offset + bytes.len() as u64, block).map(move |cut| within(cut.start)..within(cut.end));
    let mut blocks = blocks.filter(|block| !is_zero(&bytes[block.clone()])).peekable();
    std::iter::from_fn(move || {
        let mut run = blocks.next()?;
        while let Some(next) = blocks.next_if(|next| next.start == run.end) {
            run.end = next.end;
        }
        Some(run)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sorted ranges without overlap within 0..200, made from a set of marked bytes.
    fn ranges_of(marked: &[bool]) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for at in (0..).zip(marked).filter(|(_, mark)| **mark).map(|(at, _)| at) {
            match ranges.last_mut() {
                Some(last) if last.end == at => last.end += 1,
                _ => ranges.push(at..at + 1),
            }
        }
        ranges
    }

    proptest! {
        #[test]
        fn gaps_are_exactly_the_unmarked_bytes(marked in proptest::collection::vec(any::<bool>(), 0..200)) {
            let found: Vec<u64> = gaps(&ranges_of(&marked), 0..marked.len() as u64).into_iter().flatten().collect();
            let expected: Vec<u64> = (0..).zip(&marked).filter(|(_, mark)| !**mark).map(|(at, _)| at).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn runs_of_data_hold_all_that_is_no_zero_and_no_block_of_zeros(
            bytes in proptest::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..200),
            offset in 0_u64..50,
            block in 1_u64..20,
        ) {
            let runs: Vec<_> = data_runs(&bytes, offset, block).collect();
            let mut left = bytes.clone();
            runs.iter().for_each(|run| left[run.clone()].fill(0));
            prop_assert!(is_zero(&left));
            for run in &runs {
                let in_file = offset + run.start as u64..offset + run.end as u64;
                for cut in steps(in_file, block) {
                    let cut = (cut.start - offset) as usize..(cut.end - offset) as usize;
                    prop_assert!(!is_zero(&bytes[cut]));
                }
            }
            prop_assert!(runs.windows(2).all(|pair| pair[0].end < pair[1].start));
        }

        #[test]
        fn steps_cover_the_range_once_and_never_cross_a_multiple(start in 0_u64..500, length in 0_u64..500, step in 1_u64..70) {
            let cuts: Vec<_> = steps(start..start + length, step).collect();
            let covered: Vec<u64> = cuts.iter().cloned().flatten().collect();
            prop_assert_eq!(covered, (start..start + length).collect::<Vec<_>>());
            for cut in cuts {
                prop_assert!(cut.start / step == (cut.end - 1) / step);
            }
        }

        #[test]
        fn zero_is_what_a_plain_loop_calls_zero(length in 0_usize..600, at in 0_usize..600) {
            let mut bytes = vec![0_u8; length];
            if at < length {
                bytes[at] = 1;
            }
            prop_assert_eq!(is_zero(&bytes), !bytes.contains(&1));
        }
    }
}
