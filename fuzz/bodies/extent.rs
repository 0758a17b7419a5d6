//! The arithmetic of ranges, against sets of single numbers.

use super::input::Input;
use safecp::copy::extent::{gaps, is_zero, steps};
use std::collections::BTreeSet;
use std::ops::Range;

/// Numbers that are looked at one by one.
const SPAN: u64 = 512;

pub(crate) fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let first = input.number().min(u64::MAX - SPAN);
    cuts(&mut input, first);
    leaves(&mut input, first);
    zeros(&mut input);
}

/// A range that begins a little behind `first`.
fn range(input: &mut Input<'_>, first: u64) -> Range<u64> {
    let start = first + input.number() % (SPAN / 2);
    start..start + input.number() % (SPAN / 2)
}

fn set(range: &Range<u64>) -> BTreeSet<u64> {
    range.clone().collect()
}

fn cuts(input: &mut Input<'_>, first: u64) {
    let (whole, step) = (range(input, first), input.number().max(1));
    let cuts: Vec<_> = steps(whole.clone(), step).collect();
    assert!(cuts.iter().cloned().flatten().eq(whole), "all of it, in order, once");
    assert!(cuts.iter().all(|cut| cut.start / step == (cut.end - 1) / step), "no cut goes over a multiple");
    assert!(cuts.windows(2).all(|pair| pair[0].end % step == 0), "no cut is made elsewhere");
}

fn leaves(input: &mut Input<'_>, first: u64) {
    let bounds = range(input, first);
    let mut marked = BTreeSet::new();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut at = bounds.start;
    while at < bounds.end && !input.is_empty() {
        let start = at.saturating_add(u64::from(input.byte() % 16));
        let end = start.saturating_add(u64::from(input.byte() % 16)).min(bounds.end);
        let one = start..end.max(start);
        at = one.end.max(start);
        marked.append(&mut set(&one));
        if !one.is_empty() {
            ranges.push(one);
        }
    }
    let found: Vec<u64> = gaps(&ranges, bounds.clone()).into_iter().flatten().collect();
    assert!(found.into_iter().eq(bounds.filter(|at| !marked.contains(at))));
}

fn zeros(input: &mut Input<'_>) {
    let mut bytes = vec![0; input.number() as usize % 1000];
    if let Some(byte) = bytes.get_mut(input.number() as usize % 1000) {
        *byte = input.byte();
    }
    assert_eq!(is_zero(&bytes), bytes.iter().all(|byte| *byte == 0));
}
