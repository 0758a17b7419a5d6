//! Whether targets lie apart. Where two of them meet, one run would take for an old file what the other has just made,
//! and replace it after it was called right.

use crate::error::Error;
use crate::kernel::{Kernel, Mode, OFlags, ResolveFlags, Result, Stat};
use crate::quote::quoted;
use crate::tree::plan::{Operands, without_trailing_slashes};
use std::path::Path;

/// No path of a directory is longer, whatever a filesystem in user space says.
const LEVELS_MAX: usize = 32_768;

/// Fails if two targets are one directory, under whatever names, or if one lies within another.
pub(super) fn check<K: Kernel>(kernel: &K, operands: &[Operands]) -> std::result::Result<(), Error> {
    let targets: Vec<&Path> = operands.iter().map(|operands| operands.target.as_path()).collect();
    let ways: Vec<Vec<Stat>> = targets.iter().map(|target| way_up(kernel, target)).collect();
    for (at, (one, one_way)) in targets.iter().zip(&ways).enumerate() {
        for (other, other_way) in targets.iter().zip(&ways).skip(at + 1) {
            let starts = |way: &[Stat], other: &[Stat]| {
                way.first().zip(other.first()).is_some_and(|(one, other)| one.is_same_file(other))
            };
            let passes = |way: &[Stat], other: &[Stat]| {
                other.first().is_some_and(|top| way.iter().skip(1).any(|above| above.is_same_file(top)))
            };
            let sentence = if without_trailing_slashes(one) == without_trailing_slashes(other) {
                format!("target directory {} specified more than once", quoted(one))
            } else if starts(one_way, other_way) {
                format!("target directories {} and {} are the same", quoted(one), quoted(other))
            } else if passes(one_way, other_way) {
                format!("target directory {} lies within target directory {}", quoted(one), quoted(other))
            } else if passes(other_way, one_way) {
                format!("target directory {} lies within target directory {}", quoted(other), quoted(one))
            } else {
                continue;
            };
            return Err(Error::Refused(sentence));
        }
    }
    Ok(())
}

/// A directory and those above it, as far as they can be looked at. What is no directory has none: its run says so.
fn way_up<K: Kernel>(kernel: &K, target: &Path) -> Vec<Stat> {
    let open = |dir: Option<&K::File>, path: &Path| -> Result<(K::File, Stat)> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let file = kernel.open(dir, path, flags, Mode::empty(), ResolveFlags::empty())?;
        let stat = kernel.stat(&file)?;
        Ok((file, stat))
    };
    let mut way = Vec::new();
    let mut opened = open(None, target);
    while let Ok((file, stat)) = &opened {
        let is_root = way.last().is_some_and(|below: &Stat| below.is_same_file(stat));
        if is_root || way.len() == LEVELS_MAX {
            break;
        }
        way.push(*stat);
        opened = open(Some(file), Path::new(".."));
    }
    way
}
